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
  summary = "Prints the output of a task as JSON; without TASK, what the run returns, or the outputs of all tasks by name",
  text = [[
What a run returns is said by its workflow (w:returns{ ... }) and there once the run has succeeded. Of a workflow that says nothing
the outputs of all tasks are printed as one object.
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
local function print_items(engine, id, task)
  local before = "["
  stop.check(items.each(engine, id, task.items, function(one)
    term.out_raw(before .. (one or "null"))
    before = ","
  end))
  term.out_raw(before == "[" and "[]" or "]")
end

local function of_task(engine, id, name)
  local task = stop.check(engine:task(id, name))
  if task.items and task.status == "success" then
    print_items(engine, id, task)
    return term.out("")
  end
  local found = stop.check(engine:outputs(id, task.index - 1, 1))[1]
  local own = found and found.index == task.index and found.output
  if not own and task.status ~= "success" then
    stop(4, "%s has no output: it is %s%s", task.name, task.status,
      task.status == "failed" and "; see: " .. hint.line("ork logs %s %s", text.short(id), text.word(task.name)) or "")
  end
  term.out(own or "null")
end

--- own(index): the stored output of a task, or nil; asked in the order of the tasks.
local function outputs_in_order(engine, id)
  local list, at, over = {}, 1, false
  return function(index)
    if at > #list and not over then
      list, at = stop.check(engine:outputs(id, index - 1, PAGE)), 1
      over = #list == 0
    end
    local one = list[at]
    if not one or one.index ~= index then return nil end
    at = at + 1
    return one.output
  end
end

--- All outputs as one object, as they are stored, a page at a time: together they may be larger than memory.
local function of_all(engine, id)
  local after, before, own = -1, "{", outputs_in_order(engine, id)
  repeat
    local page = stop.check(engine:tasks(id, { after = after, limit = PAGE }))
    for _, task in ipairs(page) do
      after = task.index
      local of_items = task.items and task.status == "success"
      local one = not of_items and own(task.index)
      if of_items or one then
        term.out_raw(before .. stop.check(json.encode(task.name)) .. ":" .. (one or ""))
        before = ","
      end
      if of_items then print_items(engine, id, task) end
    end
  until #page < PAGE
  term.out(before == "{" and "{}" or "}")
end

function output.run(given)
  local engine <close> = open.read(given.options)
  local id = open.find(engine, given.words[1])
  local run = not given.words[2] and stop.check(engine:run(id))
  if given.words[2] then
    of_task(engine, id, given.words[2])
  elseif not run.returns then
    of_all(engine, id)
  elseif run.output == nil then
    stop(4, "the run returned nothing: it is %s%s", run.status, run.status == "failed" and "; see: " .. hint.line("ork why %s", text.short(id)) or "")
  else
    term.out(stop.check(json.encode(run.output)))
  end
  return 0
end

return output
