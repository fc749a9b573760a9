-- SPDX-License-Identifier: MIT
local hint = require "ork.cli.hint"
local items = require "ork.items"
local json = require("ork.core").json
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local output = {
  name = "output",
  usage = "output RUN [TASK]",
  summary = "Prints the output of a task as JSON; without TASK, those of all tasks as one object by name",
  text = [[
A task that has succeeded without an output gives null; one that has not succeeded gives nothing (exit code 4).]],
  examples = {
    { "ork output last extract", "what `extract` gave back in the newest run" },
    { "ork output nightly load | jq .rows", "one field of it" },
    { "ork output last", "all outputs: {\"extract\":{...},\"load\":{...}}" },
  },
  words = { 1, 2 },
}

local PAGE = 100

--- What items gave as one list, in their order; null where one gave nothing.
local function of_items(engine, id, task)
  local before = "["
  stop.check(items.each(engine, id, task.items, function(one)
    term.out_raw(before .. (one or "null"))
    before = ","
  end))
  term.out(before == "[" and "[]" or "]")
end

local function of_task(engine, id, name)
  local task = stop.check(engine:task(id, name))
  if task.items and task.status == "success" then return of_items(engine, id, task) end
  local found = stop.check(engine:outputs(id, task.index - 1, 1))[1]
  local own = found and found.index == task.index and found.output
  if not own and task.status ~= "success" then
    stop(4, "%s has no output: it is %s%s", task.name, task.status,
      task.status == "failed" and "; see: " .. hint.line("ork logs %s %s", text.short(id), text.word(task.name)) or "")
  end
  term.out(own or "null")
end

--- All outputs as one object, as they are stored, a page at a time: together they may be larger than memory.
local function of_all(engine, id)
  local after, before = -1, "{"
  repeat
    local list = stop.check(engine:outputs(id, after, PAGE))
    for _, one in ipairs(list) do
      term.out_raw(before .. stop.check(json.encode(one.name)) .. ":" .. one.output)
      before, after = ",", one.index
    end
  until #list == 0
  term.out(before == "{" and "{}" or "}")
end

function output.run(given)
  local engine <close> = open.read(given.options)
  local id = open.find(engine, given.words[1])
  if given.words[2] then
    of_task(engine, id, given.words[2])
  else
    of_all(engine, id)
  end
  return 0
end

return output
