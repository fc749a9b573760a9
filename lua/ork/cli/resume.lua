-- SPDX-License-Identifier: MIT
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"
local wish = require "ork.cli.wish"

local resume = {
  name = "resume",
  usage = "resume RUN...",
  summary = "Goes on with paused runs, and with runs whose program died",
  text = [[
A run that no living program owns (it was killed, the machine went down) is carried out here, in the foreground, with the
definition it began with. To go on with a changed script, or to repeat what failed, see `ork help retry`.]],
  examples = {
    { "ork resume last", "go on after `ork pause`, or after a crash" },
    { "ork resume etl --jobs 2", "go on, but with at most two processes at once" },
  },
  words = { 1 },
  options = { { "jobs", "N", "at most so many processes at once here", kind = "count", short = "j" } },
}

local FINAL = { success = true, failed = true, cancelled = true }

local function sent(engine, run)
  local outcome, why, code = engine:command(run.id, "resume")
  if not outcome and code ~= "ESTATE" then stop.check(nil, why, code) end
  local words = { done = "resumed", sent = "resuming", ["too late"] = "had ended before" }
  return { run = run, outcome = outcome or "refused", text = outcome and (words[outcome] or outcome) or why }
end

--- Takes an ownerless run and carries it out to its end.
local function carry_on(engine, run)
  term.news(("going on with run %s of %s"):format(text.short(run.id), run.workflow))
  return drive.to_end(engine, function()
    if run.status == "paused" then stop.check(engine:command(run.id, "resume")) end
    return drive.take(engine, run.id)
  end)
end

function resume.run(given)
  local engine <close> = open.change(given.options)
  local results, ownerless, code = {}, {}, 0
  for _, run in ipairs(wish.runs(engine, given.words)) do
    if FINAL[run.status] then
      results[#results + 1] = { run = run, outcome = "refused",
        text = ("ended: %s%s"):format(run.status, run.status == "success" and "" or "; `ork retry` runs what failed again") }
      code = 2
    elseif run.owner and run.owner.alive then
      results[#results + 1] = sent(engine, run)
      if results[#results].outcome == "refused" then code = 2 end
    else
      ownerless[#ownerless + 1] = run
    end
  end
  if #results > 0 and not term.json then wish.tell(results) end
  drive.prepare(engine)
  drive.collect_documents()
  for _, run in ipairs(ownerless) do
    code = math.max(code, carry_on(engine, run))
    results[#results + 1] = { run = run, outcome = stop.check(engine:run(run.id)).status }
  end
  if term.json then wish.tell(results) end
  return code
end

return resume
