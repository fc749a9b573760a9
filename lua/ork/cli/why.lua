-- SPDX-License-Identifier: MIT
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"
local text = require "ork.cli.text"

local why = {
  name = "why",
  usage = "why [RUN [TASK]]",
  summary = "Says what exactly a run or a task waits for; without RUN, everything that waits",
  text = [[
For what waits: a retry, a slot, its turn in a pool, other tasks, a pause, a program that died. For what ended: the reason.
Advice begins with `->`.]],
  examples = {
    { "ork why", "everything that waits, in all runs" },
    { "ork why last", "what the newest run waits for" },
    { "ork why etl load", "why the task `load` has not started, or was skipped" },
  },
  words = { 0, 2 },
}

--- Prints one document.
local function tell(document)
  local head = ("%s %s: %s"):format(text.short(document.run), document.workflow, document.status)
  local why_so = document.error
  if why_so and why_so ~= document.status and not why_so:find("^%d+ of %d+ tasks? failed") then -- those are below
    local said_again = why_so:sub(1, #document.status) == document.status -- "cancelled by Ctrl-C"
    head = (said_again and head:sub(1, -#document.status - 1) or head .. ": ") .. term.line(why_so)
  end
  term.out(head)
  for _, reason in ipairs(document.reasons or {}) do
    local line = (reason.task and reason.task .. ": " or "") .. reason.text
    if reason["until"] then
      local ms = sys.time(reason["until"])
      line = ("%s (until %s, %s from now)"):format(line, text.clock(ms), text.duration(math.max(0, ms - sys.now())))
    end
    term.out("  " .. term.escape(line))
  end
  for _, advice in ipairs(document.advice or {}) do term.out("  -> " .. term.escape(advice)) end
end

--- Prints the document of a run or a task, or a list of them.
function why.tell(document)
  if document.run then
    tell(document)
  elseif #document == 0 then
    term.news("nothing waits")
  else
    for _, one in ipairs(document) do tell(one) end
  end
end

function why.run(given)
  local engine <close> = open.read(given.options)
  local name, task = given.words[1], given.words[2]
  local id = name and open.find(engine, name)
  local document = stop.check(engine:why(id, task, term.json))
  if term.json then
    term.out(document)
  else
    why.tell(document)
  end
  return 0
end

return why
