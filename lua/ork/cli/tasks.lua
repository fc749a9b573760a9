-- SPDX-License-Identifier: MIT
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"

local tasks = {
  name = "tasks",
  usage = "tasks RUN [TASK] [--status S]",
  summary = "Lists the tasks of a run in the order of their definition, or the items of one of them",
  text = [[
One line for each task with its state, time and reason. `ork show RUN TASK` says more about one, `ork why RUN TASK` what
it waits for. A task that runs once per element of a list is one line, with how many of its items are where; with TASK each of
them has one. A task is `waiting` while it waits for a time, an answer, a run or a job elsewhere, without a process: to programs (--json)
its status is `running`, and `waits` says for what.]],
  examples = {
    { "ork tasks last", "all tasks of the newest run" },
    { "ork tasks etl --status failed --status skipped", "what did not happen, in the newest run of `etl`" },
    { "ork tasks last clean --status failed", "the items of task `clean` that failed" },
    { "ork tasks last --json | jq '.[].name'", "the names alone, for programs" },
  },
  words = { 1, 2 },
  options = {
    { "status", "S", "only tasks with this status; may be repeated", many = true,
      choices = { "pending", "paused", "dispatched", "running", "waiting", "success", "failed", "cancelled", "skipped" } },
    { "limit", "N", "at most so many", kind = "count", short = "n" },
  },
}

local PAGE = 1000

--- Prints the tasks a page at a time: there may be a hundred thousand. Returns how many there were.
local function tell(engine, id, filter)
  local show_page, n, page, list = require "ork.cli.task_table", 0, {}
  local most = filter.limit or math.huge
  repeat
    filter.limit = math.tointeger(math.min(PAGE, most - n))
    list = stop.check(engine:tasks(id, filter))
    if #list > 0 then show_page(list, page) end
    n = n + #list
    filter.after = #list > 0 and list[#list].index or nil
  until #list < PAGE or n >= most
  return n
end

function tasks.run(given)
  local options = given.options
  local engine <close> = open.read(options)
  local id = open.find(engine, given.words[1])
  local filter = { status = options.status, limit = options.limit, of = given.words[2] }
  if term.json then
    term.out((stop.check(engine:tasks(id, filter, true))))
    return 0
  end
  if tell(engine, id, filter) == 0 then
    term.news(options.status and ("no task is %s"):format(table.concat(options.status, " or ")) or "no tasks")
  end
  return 0
end

return tasks
