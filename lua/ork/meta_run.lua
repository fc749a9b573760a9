---@meta ork
-- SPDX-License-Identifier: MIT
-- luacheck: ignore 212 241
-- What ork.run and its kin give (lua/ork/run.lua), for LuaLS. Never loaded.
-- Operations return nil, message, "ECODE" when they fail; a call that cannot be meant raises.

---@alias ork.run_status "pending"|"running"|"paused"|"success"|"failed"|"cancelled"
---@alias ork.task_status "pending"|"paused"|"dispatched"|"running"|"success"|"failed"|"cancelled"|"skipped"

---A run. Its fields are read from the database each time.
---@class ork.run
---@field id string the whole id; `ork` prints its last 8 characters
---@field how? "new"|"resumed"|"watched"|"finished" what the start of it did
---@field workflow string its name
---@field status ork.run_status
---@field error? string why it failed, in one line
---@field output? any what it returned, once it has succeeded (w:returns)
---@field parent? { run: string, short: string, workflow: string, task: string } the task of another run that it is run for
---@field params table<string, any> complete, with defaults
---@field counts table<ork.task_status, integer> how many of its tasks are in which status
---@field waiting integer how many of those running only wait: for a time, an answer, a run, a job elsewhere
---@field created_at string RFC 3339, as all times
---@field started_at? string
---@field finished_at? string
---@field took_ms? integer milliseconds from the first start to the end, or until now, with all waiting in between
local run = {}

---Waits for the end, or no longer than `timeout` (then nil, "timeout", "ETIMEDOUT").
---@param timeout? ork.duration
---@return ork.run_status?, string?, string?
function run:wait(timeout) end

---What has started is killed, what has not never will be; `finally` tasks still run.
---@return string?, string?, string? outcome: "done", "sent" (to the program that owns the run) or "too late"
function run:cancel() end

---Starts no new tasks; what runs may finish.
---@return string?, string?, string?
function run:pause() end

---Says yes to what one of its tasks waits for (`wait = { approval = … }`).
---@param task string
---@param options? ork.decision
---@return string?, string?, string? outcome: "done" or "sent" (to the program that owns the run, or will)
function run:approve(task, options) end

---Says no to it: the task fails.
---@param task string
---@param options? ork.decision
---@return string?, string?, string?
function run:reject(task, options) end

---Goes on with a paused run, or takes over one whose program died.
---@return string?, string?, string?
function run:resume() end

---Runs what failed, was skipped or cancelled again, and keeps what succeeded. Does not wait.
---@param options? ork.retry_options
---@return string?, string?, string?
function run:retry(options) end

---A new run with the same definition, params and logical time. Does not wait.
---@param options? ork.rerun_options
---@return ork.run?, string?, string?
function run:rerun(options) end

---One of its tasks. A name it does not have raises an error.
---@param name string
---@param item? integer of a task with items: one of them, by its place in the list
---@return ork.run_task
function run:task(name, item) end

---Its tasks, in the order of definition: tables with name, status, attempt, error, took_ms and more (docs/internals/json.md).
---Their `attempts` counts failed attempts; how often a task was tried is `attempt`.
---@param filter? ork.tasks_filter
---@return table[]?, string?, string?
function run:tasks(filter) end

---A task of a run. As long as it has not ended its fields are read from the database each time.
---@class ork.run_task
---@field name string
---@field status ork.task_status
---@field output? any what it gave; of a task with items a list, `ork.null` where an item gave nothing
---@field items? table<string, integer> of a task with items: how many there are (`count`), how many of each status, and how many of those running only wait (`waiting`)
---@field input? any not kept by this version: nil
---@field error? string why it failed, or was skipped
---@field kind? ork.kind the kind of its failure
---@field exit_code? integer of the last attempt
---@field attempt? integer the number of the newest attempt
---@field attempts integer how often it was tried; 0 before the first time
---@field started_at? string of the newest attempt
---@field finished_at? string
---@field took_ms? integer milliseconds, of the newest attempt
local run_task = {}

---What an attempt wrote to stdout and stderr, at most its last 16 MiB.
---@param attempt? integer default: the newest
---@return string?, string?, string?
function run_task:log(attempt) end

---@class ork.open_options
---@field read? boolean only look: nothing is made or written, and a file store that another program has can be looked at; default false

---Options of a start.
---@class ork.start_options
---@field key? string the workflow has at most one run with this key: it is new, goes on or has ended; other params than its own are "ESTATE"; `find` takes no key
---@field priority? integer higher first; default 0
---@field at? string its logical time, "2026-11-01" or RFC 3339; default: now
---@field resume? boolean take an interrupted run of the same definition and params, if there is one; default false
---@field triggered_by? string a word about who starts it; default "manual"

---@class ork.decision
---@field comment? string said with it; part of the output
---@field by? string who says it; default: the name of the user

---@class ork.retry_options
---@field from? string this task and all after it, also where they succeeded
---@field task? string only this failed task, and what was skipped because of it
---@field update? true|ork.workflow first move to the script as it is now, or to this definition; what changed runs again too

---@class ork.rerun_options
---@field params? table<string, any> other values for some params
---@field from? string take over what succeeded before this task
---@field set? table<string, any> ["TASK.input"] = value: another input for a task

---@class ork.tasks_filter
---@field status? ork.task_status|"waiting"|(ork.task_status|"waiting")[] `waiting`: those running that only wait
---@field limit? integer default: all

---@class ork.runs_filter
---@field workflow? string
---@field status? ork.run_status|ork.run_status[]
---@field since? string|ork.duration created since this time, or so long ago
---@field limit? integer default 20

---@class ork.why
---@field run string its id
---@field workflow string
---@field short string the 8 characters that `ork` prints of its id
---@field status string
---@field error? string of the run
---@field owned boolean a living program carries it out
---@field reasons { task?: string, text: string, ["until"]?: string }[]
---@field advice? string[] what to do about it

---A database that this program has open.
---@class ork.database
---@field url string
local database = {}

---Creates a run and does not wait. Wrong params are data, not misuse: nil, message, "EINVAL".
---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function database:start(workflow, params, options) end

---Starts and waits. In a callback of the loop it raises before there is a run.
---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function database:run(workflow, params, options) end

---Iterates over runs, newest first. An iterator goes as far as its database is open.
---@param filter? ork.runs_filter
---@return (fun(): ork.run?)?, string?, string?
function database:runs(filter) end

---A run by its name.
---@param name string the beginning or end of an id, a workflow's name, NAME~1 (the run before), "last", or last~1
---@return ork.run?, string?, string?
function database:find(name) end

---What exactly a run or a task waits for, or why it ended so; without a run, everything that waits.
---@param which? ork.run|ork.run_task|string a run, a task of a run, or what find takes
---@param task? string
---@return ork.why|ork.why[]|nil, string?, string?
function database:why(which, task) end

---Closes it; processes that still run go on under their agent.
function database:close() end

---@class ork
local ork = {}

---Opens a database. `local db <close> = …` closes it at the end of the block.
---Folders that are not there are made.
---@param url? string sqlite:PATH, a path (of a folder or ending in /: the .ork/ork.db or ork.db in it), file:DIR, sqlite::memory:; default: the nearest, or new
---@param options? ork.open_options
---@return ork.database?, string?, string?
function ork.open(url, options) end

---Creates a run in the program's default database and does not wait. Wrong params are data, not misuse: nil, message, "EINVAL".
---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function ork.start(workflow, params, options) end

---Creates a run there and waits for its end. A run that failed is returned like any other.
---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function ork.run(workflow, params, options) end

---Iterates over runs, newest first. An iterator goes as far as its database is open.
---@param filter? ork.runs_filter
---@return (fun(): ork.run?)?, string?, string?
function ork.runs(filter) end

---A run by its name: the beginning or end of an id, a workflow's name, NAME~1 (the run before), "last", or last~1.
---@param name string
---@return ork.run?, string?, string?
function ork.find(name) end

---What exactly a run or a task waits for, or why it ended so; without a run, everything that waits.
---@param which? ork.run|ork.run_task|string
---@param task? string
---@return ork.why|ork.why[]|nil, string?, string?
function ork.why(which, task) end
