---@meta ork
-- SPDX-License-Identifier: MIT
-- luacheck: ignore 212 241
-- What ork.run and its kin give (lua/ork/run.lua), for LuaLS. Never loaded.
-- Operations return nil, message, "ECODE" when they fail; a call that cannot be meant raises.

---@alias ork.run_status "pending"|"running"|"paused"|"success"|"failed"|"cancelled"
---@alias ork.task_status "pending"|"paused"|"dispatched"|"running"|"success"|"failed"|"cancelled"|"skipped"

---A run. Its fields are read from the database each time.
---@class ork.run
---@field id string
---@field how? "new"|"resumed"|"watched"|"finished" what start did
---@field workflow string
---@field status ork.run_status
---@field error? string
---@field output? any
---@field params table<string, any>
---@field counts table<ork.task_status, integer>
---@field created_at string RFC 3339, as all times
---@field started_at? string
---@field finished_at? string
---@field took_ms? integer
local run = {}

---Waits for the end, or no longer than `timeout` (then nil, "timeout", "ETIMEDOUT").
---@param timeout? ork.duration
---@return ork.run_status?, string?, string?
function run:wait(timeout) end

---What has started is killed, what has not never will be.
---@return string? outcome "done" or "sent" (to the program that owns the run)
---@return string?, string?
function run:cancel() end

---Starts no new tasks; what runs may finish.
---@return string?, string?, string?
function run:pause() end

---Goes on with a paused run, or takes over one whose program died.
---@return string?, string?, string?
function run:resume() end

---Runs failed and skipped tasks again; with `from` that task and all after it.
---@param options? { from?: string, task?: string }
---@return string?, string?, string?
function run:retry(options) end

---A new run with the same definition, params and logical time.
---@param options? { params?: table<string, any>, from?: string, set?: table<string, any> }
---@return ork.run?, string?, string?
function run:rerun(options) end

---@param name string
---@param item? integer of a fan-out
---@return ork.run_task
function run:task(name, item) end

---@param filter? { status?: ork.task_status|ork.task_status[], limit?: integer }
---@return table[]?, string?, string? { name, status, … } in the order of definition
function run:tasks(filter) end

---A task of a run.
---@class ork.run_task
---@field name string
---@field status ork.task_status
---@field output? any
---@field input? any
---@field error? string
---@field kind? string why it failed: "exit" "signal" "timeout" …
---@field exit_code? integer
---@field attempts integer how often it was tried
---@field started_at? string
---@field finished_at? string
---@field took_ms? integer
local run_task = {}

---What it wrote, at most the last 16 MiB.
---@param attempt? integer default: the newest
---@return string?, string?, string?
function run_task:log(attempt) end

---@class ork.start_options
---@field key? string the run's name: the same key is the same run
---@field priority? integer higher first
---@field at? string its logical time
---@field resume? boolean take an interrupted run of the same definition and params instead

---@class ork.runs_filter
---@field workflow? string
---@field status? ork.run_status|ork.run_status[]
---@field since? string|ork.duration a time, or how long ago
---@field limit? integer default 20

---@class ork.why
---@field run string its id
---@field workflow string
---@field status string
---@field reasons { task?: string, text: string, ["until"]?: string }[]
---@field advice? string[] what to do about it

---@class ork.database
---@field url string
local database = {}

---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function database:start(workflow, params, options) end

---Starts and waits.
---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function database:run(workflow, params, options) end

---Iterates over runs, newest first.
---@param filter? ork.runs_filter
---@return (fun(): ork.run?)?, string?, string?
function database:runs(filter) end

---@param name string the beginning or end of an id, a workflow's name, NAME~1, or "last"
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

---@param url? string sqlite:PATH; default: found from the current folder, or made there
---@return ork.database?, string?, string?
function ork.open(url) end

---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function ork.start(workflow, params, options) end

---@param workflow ork.workflow
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function ork.run(workflow, params, options) end

---@param filter? ork.runs_filter
---@return (fun(): ork.run?)?, string?, string?
function ork.runs(filter) end

---@param name string
---@return ork.run?, string?, string?
function ork.find(name) end

---@param which? ork.run|ork.run_task|string
---@param task? string
---@return ork.why|ork.why[]|nil, string?, string?
function ork.why(which, task) end
