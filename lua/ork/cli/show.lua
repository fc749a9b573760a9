-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local fields = require "ork.cli.fields"
local hint = require "ork.cli.hint"
local json = require("ork.core").json
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"
local text = require "ork.cli.text"

local show = {
  name = "show",
  usage = "show RUN [TASK]",
  summary = "Shows a run, or one of its tasks with output and attempts",
  text = [[
A run: where it comes from, its params, when it ran, and its tasks; of a run with more than 1,000 only those that failed or are under
way (`ork tasks RUN` lists them all). TOOK of a task is that of its newest attempt.
A task: its output, each attempt with how it ended, and where its log is. What it got as inputs is not kept.]],
  examples = {
    { "ork show last", "the newest run" },
    { "ork show etl~1 load", "task `load` of the run before the newest of `etl`" },
    { "ork show last load --json", "the same as a document: output, attempts, paths of the logs" },
  },
  words = { 1, 2 },
}

local function owner_line(owner)
  if not owner then return nil end
  local how = owner.stopped and ("process %d, which is stopped (`fg`, or kill -CONT %d),"):format(owner.pid, owner.pid)
    or owner.alive and "running" or "ended without finishing this run"
  return ("%s on %s"):format(how, owner.host or "?")
end

local function value(v)
  if v == nil then return nil end
  return (stop.check(json.encode(v)))
end

local function params_line(params)
  if not params or next(params) == nil then return nil end
  local names, lines = {}, {}
  for name in pairs(params) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = name .. "=" .. (type(params[name]) == "string" and params[name] or value(params[name])) end
  return table.concat(lines, "\n")
end

--- "on_failure: done", one a line.
local function handlers_line(handlers)
  local lines = {}
  for i, h in ipairs(handlers or {}) do
    lines[i] = ("%s%s: %s"):format(h.handler, h.task and " of " .. h.task or "", h.outcome or "not called yet")
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

local function show_run(run)
  fields({
    { "run", run.id },
    { "workflow", run.workflow },
    { "script", run.script_path },
    { "version", run.version and tostring(run.version) },
    { "status", run.status },
    { "error", run.error },
    { "part", text.part(run, run.tasks_total or 0) },
    { "outputs of", run.part and run.part.outputs_of },
    { "params", params_line(run.params) },
    { "key", run.key },
    { "started by", run.parent and ("task %s of run %s (%s)"):format(run.parent.task, run.parent.short, run.parent.workflow) or run.triggered_by },
    { "scheduled", run.scheduled_for and text.time(run.scheduled_for) },
    { "logical time", run.logical_time },
    { "created", text.time(run.created_at) },
    { "started", run.started_at and text.time(run.started_at) },
    { "finished", run.finished_at and text.time(run.finished_at) },
    { "took", run.started_at and text.took(run) },
    { "tasks", text.plural(run.tasks_total or 0, "task") .. ": " .. text.counts(run.counts, run.waiting) },
    { "output", value(run.output) },
    { "owner", owner_line(run.owner) },
    { "handlers", handlers_line(run.handlers) },
  })
  if run.tasks and #run.tasks > 0 then
    term.out("")
    require "ork.cli.task_table"(run.tasks)
    if #run.tasks < (run.tasks_total or 0) then
      term.news("only failed and live ones; all: " .. hint.line("ork tasks %s", text.short(run.id)))
    end
  end
end

local function show_attempts(attempts)
  local rows = {}
  for i, a in ipairs(attempts) do
    rows[i] = {
      tostring(a.attempt), a.status, text.time(a.started_at), text.took(a),
      a.max_rss_kb and a.max_rss_kb > 0 and ("%.1f MB"):format(a.max_rss_kb / 1024) or "",
      a.status ~= "success" and term.line(text.reason(a) or "") or "",
    }
  end
  term.out("")
  local lines = columns({
    { "ATTEMPT", right = true, drop = 2 }, { "STATUS", paint = term.paint_status }, { "STARTED", drop = 4 },
    { "TOOK", right = true, drop = 3 }, { "MEMORY", right = true, drop = 5 }, { "REASON", shrink = true, drop = 1 },
  }, rows, term.width())
  for _, line in ipairs(lines) do term.out(line) end
end

local function item_counts(items)
  local counts = {}
  for status, n in pairs(items) do
    if status ~= "count" and status ~= "first" and status ~= "waiting" then counts[status] = n end
  end
  return counts
end

local FAILED = 5

--- Of a task with items: which failed first; the others are in `ork tasks RUN TASK`.
local function show_items(engine, id, task)
  local failed = (task.items.failed or 0) > 0 and stop.check(engine:tasks(id, { of = task.name, status = "failed", limit = FAILED })) or {}
  if #failed > 0 then
    term.out("")
    require "ork.cli.task_table"(failed)
  end
  term.news(("all items: %s"):format(hint.line("ork tasks %s %s", text.short(id), text.word(task.name))))
end

local function show_task(task)
  fields({
    { "task", task.name },
    { "status", text.status(task) },
    { "items", task.items and text.plural(task.items.count, "item") .. ": " .. text.counts(item_counts(task.items), task.items.waiting) },
    { "waits", task.waits and not task.decided and text.waits(task.waits):gsub("^waits ", "") or nil },
    { "its run", task.child and ("%s of %s"):format(task.child.short, task.child.workflow) },
    { "decided", task.decided and text.decided(task.decided) },
    { "error", task.error },
    { "after", task.depends_on and #task.depends_on > 0 and text.list(task.depends_on, 20) or nil },
    { "next try", task.retry_at and text.clock(sys.time(task.retry_at)) },
    { "started", task.started_at and text.time(task.started_at) },
    { "finished", task.finished_at and text.time(task.finished_at) },
    { "took", task.started_at and text.took(task) },
    { "process", task.status == "running" and not task.waits and task.execution_name or nil },
    { "input", value(task.input) },
    { "output", value(task.output) },
    { "log", task.log_path },
  })
  if task.attempts_list and #task.attempts_list > 0 then show_attempts(task.attempts_list) end
end

function show.run(given)
  local engine <close> = open.read(given.options)
  local id, task = open.find(engine, given.words[1]), given.words[2]
  local read
  if task then read = stop.check(engine:task(id, task, true)) else read = stop.check(engine:run(id, true)) end
  if term.json then
    term.out(read)
    return 0
  end
  local document = stop.check(json.decode(read))
  local output = stop.check(json.decode(read, true)).output -- as `ork output` has it, null fields and all
  if output ~= json.null then document.output = output end
  if task then
    show_task(document)
    if document.items then show_items(engine, id, document) end
  else
    show_run(document)
  end
  return 0
end

return show
