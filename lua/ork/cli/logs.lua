-- SPDX-License-Identifier: MIT
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local tail = require "ork.cli.tail"
local term = require "ork.term"
local text = require "ork.cli.text"

local logs = {
  name = "logs",
  usage = "logs RUN [TASK] [-f]",
  summary = "Shows what tasks wrote; without TASK, the failed ones of a finished run or the running ones",
  text = [[
Of several tasks, the last 20 lines of each, with its name before each line; of a task that is a run of another workflow, what
the tasks of that run wrote, `sub > load`. -f begins with those of what runs and ends with
the run; with --failed it shows each task's log when that has failed.

Control characters and bytes that are not UTF-8 are shown as \x1b; --raw gives the bytes.]],
  examples = {
    { "ork logs last", "why did it fail: what the failed tasks wrote" },
    { "ork logs etl load --tail 50", "the end of one task's log" },
    { "ork logs last -f", "everything that runs, as it is written" },
    { "ork logs last load --attempt 1 --raw >load.txt", "the first attempt, byte for byte" },
  },
  words = { 1, 2 },
  options = {
    { "follow", false, "go on as more is written, until the end", short = "f" },
    { "failed", false, "only tasks that failed" },
    { "tail", "N", "only the last N lines (20 when there is more than one task)", kind = "number" },
    { "attempt", "N", "of this attempt, not the newest; with TASK", kind = "count" },
    { "raw", false, "the bytes as they are" },
  },
}

local PAGE = 500 -- tasks read at once
logs.SEVERAL_TAIL = 20 -- lines of each, when there are several

--- A sink for the bytes of one task's log; `prefix` for lines of several tasks.
function logs.sink(prefix, raw)
  if raw then
    return function(bytes)
      if bytes then term.out_raw(bytes) end
    end
  end
  local before = "\n" .. prefix:gsub("%%", "%%%%")
  return tail.blocks(function(block)
    block = term.escape(block)
    if prefix ~= "" then block = prefix .. block:sub(1, -2):gsub("\n", before) .. "\n" end
    term.out_raw(block)
  end)
end

--- Prints one log, from the start or its last `lines`. Returns false when there is none or nothing in it.
function logs.print(engine, id, task, attempt, lines, prefix, raw)
  local sink = logs.sink(prefix, raw)
  local stored
  if lines then
    local last = tail.lines(engine, id, task, attempt, lines)
    if not last then return false end
    for _, line in ipairs(last) do sink(line .. "\n") end
  else
    local offset, is_stored, code = tail.pieces(engine, id, task, attempt, 0, sink)
    if not offset then
      if code ~= "ENOTFOUND" then stop.check(nil, is_stored, code) end
      return false
    end
    if offset == 0 and not is_stored then return false end
    stored = is_stored
    sink(nil)
  end
  if stored then term.message(("ork: the log file of %s is gone; this is the end of it that was kept"):format(task)) end
  return true
end

--- The status of the tasks whose logs are meant when none is named (nil: any), and how many there are.
local function choose(engine, run, options)
  local ended = run.finished_at ~= nil
  local status = (options.failed or ended) and "failed" or "running"
  local n = run.counts[status] or 0
  if n == 0 and not options.failed and ended and run.tasks_total == 1 then return nil, 1 end
  if n == 0 and not options.failed and run.status == "cancelled" then -- those that had begun
    status = "cancelled"
    for _, task in ipairs(stop.check(engine:tasks(run.id, { status = status, limit = PAGE }))) do
      if (task.attempt or 0) > 0 then n = n + 1 end
    end
  end
  return status, n
end

--- Why there is nothing to print of a task.
local function nothing_of(engine, run, task)
  local id = text.short(run.id)
  if task.items then
    if task.items.count == 0 then return ("%s has no items, so nothing was written"):format(task.name) end
    local failed = (task.items.failed or 0) > 0 and stop.check(engine:tasks(run.id, { of = task.name, status = "failed", limit = 1 }))[1]
    return ("%s is done by item, and so are its logs: %s%s"):format(task.name,
      hint.line("ork logs %s %s", id, text.word(failed and failed.name or task.name .. "/1")), failed and "   (which failed)" or "")
  end
  if task.child then
    return ("%s is a run of its own; see it: %s"):format(task.name, hint.line("ork logs %s", task.child.short))
  end
  if (task.attempt or 0) == 0 then return ("%s has not started: it is %s"):format(task.name, task.status) end
  return ("%s %s"):format(task.name, task.status == "running" and "has written nothing yet" or "wrote nothing")
end

local function one_task(engine, run, name, options)
  local task = stop.check(engine:task(run.id, name))
  if options.attempt and options.attempt > (task.attempt or 0) then
    stop(4, "%s has had %s", task.name, text.plural(task.attempt or 0, "attempt"))
  end
  if not logs.print(engine, run.id, task.name, options.attempt or 0, options.tail, "", options.raw) then
    term.news(nothing_of(engine, run, task))
  end
end

local ITEMS = 10 -- of a task, shown when none is named
local RUNS = 20  -- of tasks that are runs, gone down into

local print_tasks

--- Prints what one task wrote; of one that is a run, what its tasks did. Returns false when there is nothing.
local function print_task(engine, run, task, show)
  if task.executor_type ~= "workflow" then
    return logs.print(engine, run.id, task.name, 0, show.lines, show.prefix and show.prefix .. task.name .. " | " or "", show.raw)
  end
  task.child = stop.check(engine:task(run.id, task.name)).child
  local its = task.child and show.left.runs > 0 and engine:run(task.child.run)
  if not its then return false end
  show.left.runs = show.left.runs - 1
  local below = setmetatable({ prefix = (show.prefix or "") .. task.name .. " > ", lines = show.lines or logs.SEVERAL_TAIL }, { __index = show })
  return print_tasks(engine, its, below)
end

local function print_items(engine, run, task, show)
  local list = stop.check(engine:tasks(run.id, { of = task.name, status = show.status, limit = ITEMS }))
  local below = setmetatable({ prefix = show.prefix or "", lines = show.lines or logs.SEVERAL_TAIL }, { __index = show })
  for _, item in ipairs(list) do print_task(engine, run, item, below) end
  local more = (task.items[show.status] or 0) - #list
  if more > 0 then
    term.news(("and %s of %s; name one: %s"):format(text.plural(more, "more item"), task.name,
      hint.line("ork logs %s %s/N", text.short(run.id), text.word(task.name))))
  end
end

--- Those of a run that are meant, a page at a time. Returns false when there are none.
function print_tasks(engine, run, show)
  local after, any = -1, false
  repeat
    local page = stop.check(engine:tasks(run.id, { status = show.status, after = after, limit = PAGE }))
    for _, task in ipairs(page) do
      after, any = task.index, true
      local begun = show.status ~= "cancelled" or (task.attempt or 0) > 0
      if task.items then
        print_items(engine, run, task, show)
      elseif begun and not print_task(engine, run, task, show) then
        term.news((show.prefix or "") .. nothing_of(engine, run, task))
      end
    end
  until #page < PAGE
  return any
end

function logs.several(engine, run, options)
  local status, n = choose(engine, run, options)
  local id = text.short(run.id)
  if n == 0 then
    term.news(("no task %s; name one: %s   (%s lists them)"):format(status == "running" and "is running" or "failed",
      hint.line("ork logs %s TASK", id), hint.line("ork tasks %s", id)))
    return
  end
  print_tasks(engine, run, { status = status, raw = options.raw, lines = options.tail or n > 1 and logs.SEVERAL_TAIL or nil,
    prefix = n > 1 and "" or nil, left = { runs = RUNS } })
end

function logs.run(given)
  local options = given.options
  if options.attempt and not given.words[2] then stop(2, "--attempt needs a TASK: ork logs RUN TASK --attempt N") end
  if options.attempt and options.follow then stop(2, "-f follows the newest attempt; it does not go with --attempt") end
  if options.failed and given.words[2] then stop(2, "--failed chooses the tasks; it does not go with TASK") end
  if term.json then stop(2, "logs are text: `ork show RUN TASK --json` has the attempts with the paths of their logs") end
  local engine <close> = open.read(options)
  local run = stop.check(engine:run(open.find(engine, given.words[1])))
  if options.follow then
    require "ork.cli.follow"(engine, run, given.words[2], options)
  elseif given.words[2] then
    one_task(engine, run, given.words[2], options)
  else
    logs.several(engine, run, options)
  end
  return 0
end

return logs
