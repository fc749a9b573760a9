-- SPDX-License-Identifier: MIT
-- Driving runs from Lua: ork.run, ork.start, ork.runs, ork.open, and the handles they give.
--
-- Misuse raises at the caller's line; an operation that fails returns nil, message, "ECODE". Without a database of its own
-- (ork.open) a program uses one that is found as `ork` finds it, else ./.ork/ork.db, opened on first use.
local core = require "ork.core"
local checks = require "ork.run_args"
local attach = require "ork.attach"
local fiber = require "ork.fiber"
local inline = require "ork.inline"
local items = require "ork.items"
local json = core.json
local owes = require "ork.owed"
local sys = core.sys

local run = {}

--- What the program `ork` does its own way: opening the database, waiting with progress and signals.
local host = {
  open = function(url, read)
    return require("ork.database").open({ url = url, create = not read, read = read })
  end,
  start = function(_, begin) return begin() end,
  wait = function(engine, id, ms) return engine:wait(id, ms) end,
}

function run.hosted(by)
  for name, f in pairs(by) do host[name] = f end
end

local check_options, did_you_mean, statuses = checks.check_options, checks.did_you_mean, checks.statuses
local duration, instant, whole, count = checks.duration, checks.instant, checks.whole, checks.count
local run_status = statuses { "pending", "running", "paused", "success", "failed", "cancelled" }
local task_status = statuses { "pending", "paused", "dispatched", "running", "waiting", "success", "failed", "cancelled", "skipped" }

-- ---- lists -----------------------------------------------------------------------------------

-- What iterators and documents of this file stand for: the prompt shows them as tables. { kind, documents }
local shown = setmetatable({}, { __mode = "k" })

local function remember(value, kind, documents)
  if value ~= nil then shown[value] = { kind = kind, documents = documents or value } end
  return value
end

--- "runs", "tasks" or "why" and the documents, when the value is such a list.
function run.listed(value)
  local found = shown[value]
  if found then return found.kind, found.documents end
end

-- ---- handles ---------------------------------------------------------------------------------

local of_itself = { id = true, how = true, name = true } -- fields that need no database

local function is_engine_closed(engine) return tostring(engine) == "ork database (closed)" end
local function is_closed(self) return is_engine_closed(rawget(self, "engine")) end

--- A metatable whose instances have methods and computed fields, and raise on any other name.
local function class(name, methods, fields)
  local names = checks.sorted_keys(methods)
  for key in pairs(fields) do names[#names + 1] = key end
  table.sort(names)
  local label = name:match("[^.]+$")
  local what, variable = table.unpack(({ run = { "run", "r" }, run_task = { "task of a run", "t" }, database = { "database", "db" } })[label])
  local meta
  for key, method in pairs(methods) do
    methods[key] = function(self, ...) -- a tail call: levels count from the method
      if type(self) ~= "table" or getmetatable(self) ~= meta then
        error(("%s.%s() wants a %s: %s:%s(), with a colon"):format(label, key, what, variable, key), 2)
      end
      if key ~= "close" and is_closed(self) then error("the database is closed", 2) end
      return method(self, ...)
    end
  end
  meta = {
    __name = name, kind = what, methods = methods, fields = fields, -- for messages, and completion at the prompt
    __index = function(self, key)
      local method = methods[key]
      if method then return method end
      local field = fields[key]
      if field then
        if not of_itself[key] and not rawget(self, "kept") and is_closed(self) then error("the database is closed", 2) end
        return field(self)
      end
      error(("a %s has no `%s`%s"):format(what, tostring(key), did_you_mean(key, names)), 2)
    end,
    __newindex = function(_, key) error(("`%s` of a %s cannot be set"):format(tostring(key), what), 2) end,
  }
  return meta
end

local function fail_if_nil(value, message, code)
  if value == nil then error(("%s (%s)"):format(message, code), 3) end
  return value
end

local FINAL = { success = true, failed = true, cancelled = true, skipped = true }

-- task of a run

local function task_document(self)
  local kept = rawget(self, "kept")
  if kept then return kept end
  local document = fail_if_nil(rawget(self, "engine"):task(rawget(self, "run_id"), rawget(self, "task_name")))
  return document
end

local task_fields = { name = function(self) return rawget(self, "task_name") end }
for key in ("status output input error kind attempt exit_code started_at finished_at took_ms"):gmatch("%S+") do
  task_fields[key] = function(self) return task_document(self)[key] end
end
--- Of a task with items: a list, in their order, `ork.null` where one gave nothing.
function task_fields.output(self)
  local task = task_document(self)
  if not task.items or task.status ~= "success" then return task.output end
  local list = {}
  fail_if_nil(items.each(rawget(self, "engine"), rawget(self, "run_id"), task.items, function(one)
    list[#list + 1] = one and json.decode(one) or json.null
  end))
  return list
end
--- How its items stand: { count = 500, success = 497, failed = 3 }; nil when it has none.
function task_fields.items(self)
  local counts = {}
  for key, n in pairs(task_document(self).items or {}) do
    if key ~= "first" then counts[key] = n end
  end
  return next(counts) and counts or nil
end
--- How often it was tried.
task_fields.attempts = function(self) return task_document(self).attempt or 0 end

local task_methods = {}

--- What an attempt wrote (the newest one without a number), at most its last 16 MiB.
function task_methods.log(self, attempt)
  if attempt ~= nil and not math.tointeger(attempt) then
    error("log takes the number of an attempt, not " .. tostring(attempt), 2)
  end
  local engine, limit = rawget(self, "engine"), 16 * 1024 * 1024
  local bytes, size, code = engine:log_read(rawget(self, "run_id"), rawget(self, "task_name"), attempt or 0, -limit, limit)
  if bytes == nil then return nil, size, code end
  return bytes
end

local Task = class("ork.run_task", task_methods, task_fields)
Task.__tostring = function(self) return ("task %s of run %s"):format(rawget(self, "task_name"), rawget(self, "run_id"):sub(-8)) end

-- run

local function document(self)
  local kept = rawget(self, "kept")
  if kept then return kept end
  local fresh = fail_if_nil(rawget(self, "engine"):run(rawget(self, "run_id")))
  return fresh
end

local run_fields = {
  id = function(self) return rawget(self, "run_id") end,
  --- "new", "resumed", "watched" or "finished": what start did.
  how = function(self) return rawget(self, "started") end,
}
for key in ("status error output parent workflow params created_at started_at finished_at took_ms counts waiting"):gmatch("%S+") do
  run_fields[key] = function(self) return document(self)[key] end
end

local Run
local function new_run(engine, id, how)
  return setmetatable({ engine = engine, run_id = id, started = how }, Run)
end

local run_methods = {}

--- Keeps a call from being a tail call, where levels are counted.
local function same(...) return ... end

--- Raises where nothing can wait; elsewhere the fiber to wait in, or nil outside of all.
local function waiting_fiber(level)
  local self = fiber.current()
  if self == false then
    error(("waiting holds up %s; call it there, not in a coroutine that it made"):format(fiber.running_call()
      and "the task's function" or "the function of ork.spawn"), level + 1)
  end
  if self and not coroutine.isyieldable() then
    error("a call that waits cannot stand in a function that a library's C calls (string.gsub, table.sort, require, …); wait before or after it", level + 1)
  end
  if not self and (core.loop.inside() or attach.inside()) then
    error("a callback of the loop cannot wait; ork.spawn(function() … end) makes a coroutine that can", level + 1)
  end
  return self
end

--- In a coroutine of ours only that one waits; elsewhere the loop is driven, which its own callbacks cannot do.
local function wait(engine, id, ms, level)
  local self = waiting_fiber(level)
  if not self then return host.wait(engine, id, ms) end
  local status, why, code = inline.wait(self, engine, id, ms)
  if code == "ECLOSED" then error(why, level) end -- by another coroutine
  return status, why, code
end

--- Waits for the end; its status, or nil, "timeout", "ETIMEDOUT".
function run_methods.wait(self, timeout)
  local ms = -1
  if timeout ~= nil then
    local wanted
    ms, wanted = duration(timeout)
    if not ms then error(("wait takes %s, not %s"):format(wanted, tostring(timeout)), 2) end
  end
  return same(wait(rawget(self, "engine"), rawget(self, "run_id"), ms, 3))
end

for _, kind in ipairs({ "cancel", "pause" }) do
  run_methods[kind] = function(self)
    return rawget(self, "engine"):command(rawget(self, "run_id"), kind)
  end
end

for _, kind in ipairs({ "approve", "reject" }) do run_methods[kind] = require "ork.decision"(kind) end

--- Leaves a wish with the run's owner; without a living one, takes the run over.
local function wish_or_claim(self, kind, args)
  local engine, id = rawget(self, "engine"), rawget(self, "run_id")
  local before, why, code = engine:run(id)
  if not before then return nil, why, code end
  local alive = before.owner and before.owner.alive
  local outcome = "done"
  if kind == "retry" or alive or before.status == "paused" then
    outcome, why, code = engine:command(id, kind, args)
    if not outcome then return nil, why, code end
  end
  if not alive and not engine:owned(id) then
    local claimed
    claimed, why, code = engine:claim(id)
    if not claimed and code ~= "EBUSY" then return nil, why, code end
    outcome = claimed and "done" or "sent" -- somebody who came first carries it out
  end
  return outcome
end

local function too_late(self, kind, advice)
  local before, why, code = rawget(self, "engine"):run(rawget(self, "run_id"))
  if not before then return why, code end
  if kind == "resume" and FINAL[before.status] and not owes(before) or kind == "retry" and before.status == "success" then
    return ("too late: the run had ended (%s)%s"):format(before.status, advice), "ESTATE"
  end
end

function run_methods.resume(self)
  local why, code = too_late(self, "resume", "; r:retry() runs again what did not succeed")
  if why then return nil, why, code end
  return wish_or_claim(self, "resume")
end

--- May that task be repeated? nil, or message, code.
local function refuse_task(self, name, alone)
  local engine, id = rawget(self, "engine"), rawget(self, "run_id")
  local task, why, code = engine:task(id, name)
  if task and not (alone and task.status == "success") and (alone or not task.item) then return nil end
  if task and not alone then return ("`from` takes a task, and `%s` is an item; `task` does one item again"):format(name), "EINVAL" end
  if task then
    local from = task.item and name:gsub("/%d+$", "") or name
    return ("%s `%s` succeeded; from = \"%s\" runs %s and all after it again"):format(task.item and "item" or "task", name, from, task.item and from or "it"), "ESTATE"
  end
  if code ~= "ENOTFOUND" then return why, code end
  local names = {}
  for i, each in ipairs(engine:tasks(id) or {}) do names[i] = each.name end
  local near = core.suggest(name, names)
  return ("no task `%s` in this run%s"):format(name, near and (" (did you mean `%s`?)"):format(near) or ""), "ENOTFOUND"
end

--- The workflow of that name as its script defines it now, or nil, message, code.
local function load_again(path, name)
  if not path then return nil, "the run has no script to load again: give the workflow, update = etl", "ESTATE" end
  local loader, problems = require "ork.loader", require "ork.problems"
  local loaded = loader.load(path, { stop_at_start = true })
  if #loaded.problems > 0 then return nil, problems.text(loaded.problems), "EDEF" end
  for _, workflow in ipairs(loaded.workflows) do
    if workflow.name == name then return workflow end
  end
  return nil, ("%s defines no workflow `%s` any more"):format(path, name), "ENOTFOUND"
end

--- Moves the run to another definition of its workflow and goes on with it.
local function update(self, checked)
  local engine, id, workflow = rawget(self, "engine"), rawget(self, "run_id"), checked.update
  local before, why, code = engine:run(id)
  if before and workflow == true then workflow, why, code = load_again(before.script_path, before.workflow) end
  if not before or not workflow then return nil, why, code end
  local schema = core.json.decode(core.options_json(workflow)).params or {}
  local kept = {}
  for name, value in pairs(before.params or {}) do
    if schema[name] then kept[name] = value end
  end
  local params
  params, why, code = core.params(workflow, kept, nil, before.logical_time and sys.time(before.logical_time) or sys.now())
  if not params then return nil, why, code end
  local report
  report, why, code = engine:update(id, workflow, { params = params, from = checked.from })
  if not report then return nil, why, code end
  return "done"
end

local function definition(value)
  if value == true or core.is_workflow(value) then return value end
  return nil, "true (load its script again) or a workflow"
end

--- Runs what failed or was skipped again. opts: from, task (names), update (true or a workflow).
function run_methods.retry(self, opts)
  local checked = check_options("run:retry", opts, { from = "string", task = "string", update = definition }, 2)
  if checked.update and checked.task then error("run:retry: `task` and `update` do not go together", 2) end
  if checked.update then return update(self, checked) end
  local why, code
  if checked.from or checked.task then
    why, code = refuse_task(self, checked.from or checked.task, checked.task ~= nil)
  else
    why, code = too_late(self, "retry", "; r:retry{ from = TASK } repeats that task and all after it")
  end
  if why then return nil, why, code end
  return wish_or_claim(self, "retry", next(checked) and checked or nil)
end

--- A new run like this one. opts: params, from, set.
function run_methods.rerun(self, opts)
  local checked = check_options("run:rerun", opts, { params = "table", from = "string", set = "table" }, 2)
  local engine = rawget(self, "engine")
  local id, how, code = engine:rerun(rawget(self, "run_id"), next(checked) and checked or nil)
  if not id then return nil, how, code end
  return new_run(engine, id, how)
end

--- One of its tasks: run:task("clean"), run:task("clean", 17) for item 17 of a fan-out.
function run_methods.task(self, name, item)
  if type(name) ~= "string" then
    error("task takes the name of a task, not " .. (type(name) == "userdata" and "userdata; a task that was defined has it: t.name" or type(name)), 2)
  end
  if item ~= nil then name = ("%s/%d"):format(name, item) end
  local engine, id = rawget(self, "engine"), rawget(self, "run_id")
  local found, why, code = engine:task(id, name)
  if not found then
    if code == "ENOTFOUND" then error(why, 2) end
    return nil, why, code
  end
  return setmetatable({ engine = engine, run_id = id, task_name = found.name, kept = FINAL[found.status] and found or nil }, Task)
end

--- Names and statuses: { { name, status, … }, … } in the order of definition.
function run_methods.tasks(self, filter)
  local checked = check_options("run:tasks", filter, { status = task_status, limit = count }, 2)
  local documents, why, code = rawget(self, "engine"):tasks(rawget(self, "run_id"), next(checked) and checked or nil)
  if not documents then return nil, why, code end
  return remember(documents, "tasks")
end

Run = class("ork.run", run_methods, run_fields)
Run.__tostring = function(self)
  if is_closed(self) then return ("run %s (the database is closed)"):format(rawget(self, "run_id"):sub(-8)) end
  local d = document(self)
  return ("run %s of %s: %s"):format(rawget(self, "run_id"):sub(-8), d.workflow, d.status)
end
Run.__eq = function(a, b) return rawget(a, "run_id") == rawget(b, "run_id") end

-- Functions below that end in `return f(…)` leave no frame of their own: `level` counts from the function that checks.

-- ---- databases -------------------------------------------------------------------------------

local start_options = { key = "string", priority = whole, at = instant, resume = "boolean", triggered_by = "string" }

--- A start wants a workflow. name: the method.
local function check_workflow(value, name, level)
  if core.is_workflow(value) then return end
  local meta, got, advice = getmetatable(value), type(value), ""
  if type(value) == "string" then
    got, advice = ("the text \"%s\""):format(value), "; ork.load(\"FILE.lua\") gives those of a script"
  elseif type(meta) == "table" and rawget(meta, "kind") then
    got = "a " .. rawget(meta, "kind")
  elseif value == nil or type(value) == "table" then
    advice = (". To a workflow it belongs with a colon: w:%s(…)"):format(name)
  end
  error(("%s wants a workflow, got %s%s"):format(name, got, advice), level + 1)
end

--- Is it about a value from outside: a number or a text that JSON has not?
local function is_about_data(message)
  return type(message) == "string" and (message:find("is no value of JSON", 1, true) or message:find("cannot be stored; encode", 1, true)) ~= nil
end

--- Complete params as JSON, or nil, message, code. What is no data at all (a function) is misuse.
local function complete_params(workflow, params, logical, level)
  local ok, complete, why, code = pcall(core.params, workflow, params, nil, logical)
  if not ok and is_about_data(complete) then return nil, (complete:gsub("^[^\n]-:%d+: ", "")), "EINVAL" end
  if not ok then
    local placed = type(complete) ~= "string" or complete:find("^[^\n]-:%d+: ") -- at the mistake in the definition
    error(complete, placed and 0 or level + 1)
  end
  return complete, why, code
end

local function start(engine, name, workflow, params, opts, level)
  check_workflow(workflow, name, level)
  if type(params) ~= "table" and params ~= nil then
    local itself = rawequal(params, workflow)
    error(itself and ("the workflow is given twice: w:%s(params), with a colon, or ork.%s(w, params)"):format(name, name)
      or ("params are a table by name, not %s"):format(type(params)), level)
  end
  local meta = getmetatable(opts)
  if type(meta) == "table" and rawget(meta, "__name") == "ork.database" then
    error("options are a table, not a database; say db:run(workflow, params), or db:start", level)
  end
  local checked = check_options("start", opts, start_options, level)
  local logical = checked.at or sys.now()
  local complete, why, code = complete_params(workflow, params, logical, level)
  if not complete then return nil, why, code end
  if checked.key then
    local same_run
    same_run, why, code = require("ork.key").check(engine, workflow, checked.key, params or {}, function(logical_ms)
      return complete_params(workflow, params, checked.at or logical_ms or logical, level + 2)
    end)
    if not same_run then return nil, why, code end
  end
  local id, how
  id, how, code = host.start(engine, function()
    return engine:start(workflow, {
      params = complete, key = checked.key, priority = checked.priority, logical_ms = checked.at or 0,
      resume = checked.resume or false, triggered_by = checked.triggered_by or "manual",
    })
  end, workflow)
  if not id then return nil, how, code end
  fiber.on_work()
  return new_run(engine, id, how)
end

local function list(engine, filter, level)
  local checked = check_options("runs", filter, {
    workflow = "string", status = run_status, limit = count, since = function(value)
      local ms = type(value) == "string" and sys.time(value)
      if ms then return ms end
      local ago = duration(value)
      if ago then return sys.now() - ago end
      return nil, "a time, or how long ago"
    end,
  }, level)
  checked.since, checked.since_ms = nil, checked.since
  local documents, why, code = engine:runs(next(checked) and checked or nil)
  if not documents then return nil, why, code end
  local i = 0
  return remember(function()
    if is_engine_closed(engine) then error("the database is closed", 2) end
    i = i + 1
    return documents[i] and new_run(engine, documents[i].id)
  end, "runs", documents)
end

local database_methods = {}

function database_methods.start(self, workflow, params, opts) return start(rawget(self, "engine"), "start", workflow, params, opts, 2) end

function database_methods.run(self, workflow, params, opts)
  check_workflow(workflow, "run", 2)
  waiting_fiber(2) -- before there is a run
  local started, why, code = start(rawget(self, "engine"), "run", workflow, params, opts, 3)
  if not started then return nil, why, code end
  local status
  status, why, code = wait(rawget(started, "engine"), rawget(started, "run_id"), -1, 3)
  if not status then return nil, why, code end
  return started
end

--- Iterates over runs, newest first. filter: workflow, status, since, limit.
function database_methods.runs(self, filter) return list(rawget(self, "engine"), filter, 2) end

--- A run by the beginning or end of its id, a workflow's name, NAME~1, "last", or last~1.
function database_methods.find(self, name)
  if type(name) ~= "string" then error("find takes the name of a run, a text such as \"last\", not " .. type(name), 2) end
  local id, why, code = rawget(self, "engine"):find(name)
  if not id then return nil, why, code end
  return new_run(rawget(self, "engine"), id)
end

--- What exactly a run or one of its tasks waits for, or why it ended so: { run, workflow, status, reasons, advice }. Without
--- a run a list of those that wait. which: a run, a task of a run, or what find takes.
function database_methods.why(self, which, task)
  local engine, id = rawget(self, "engine"), nil
  local meta = getmetatable(which)
  if meta == Task then
    engine, id, task = rawget(which, "engine"), rawget(which, "run_id"), rawget(which, "task_name")
  elseif meta == Run then
    engine, id = rawget(which, "engine"), rawget(which, "run_id")
  elseif type(which) == "string" then
    local why, code
    id, why, code = engine:find(which)
    if not id then return nil, why, code end
  elseif which ~= nil then
    error("why takes a run, a task of a run, or the name of a run, not " .. type(which), 2)
  end
  if getmetatable(task) == Task then task = rawget(task, "task_name") end
  if task ~= nil and type(task) ~= "string" then error("why takes the name of a task, not " .. type(task), 2) end
  local documents, why, code = engine:why(id, task)
  if not documents then return nil, why, code end
  return remember(documents, "why")
end

function database_methods.close(self) rawget(self, "engine"):close() end

local Database = class("ork.database", database_methods, { url = function(self) return rawget(self, "engine"):url() end })
Database.__tostring = function(self) return tostring(rawget(self, "engine")) end
Database.__close = database_methods.close

--- Opens a database for this program. Without a url: the one that is found from the current folder, made when there is none.
--- opts: read (only look, also while another program has a file store).
function run.open(url, opts)
  if url ~= nil and type(url) ~= "string" then error("open takes a URL, not a " .. type(url), 2) end
  if url == "" then error("open takes a URL or the name of a file, not an empty text", 2) end
  local read = check_options("open", opts, { read = "boolean" }, 2).read
  local engine, why, code = host.open(url, read)
  if not engine then return nil, why, code end
  return setmetatable({ engine = engine }, Database)
end

local default

local function default_database()
  if not default then
    local why, code
    default, why, code = run.open()
    if not default then return nil, why, code end
  end
  return default
end

--- The database used without ork.open, if it was opened.
function run.opened() return default end

for _, name in ipairs({ "start", "run", "runs", "find", "why" }) do
  local method = database_methods[name]
  run[name] = function(...)
    local db, why, code = default_database()
    if not db then return nil, why, code end
    return method(db, ...)
  end
end

return run
