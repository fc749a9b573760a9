---@meta ork
-- SPDX-License-Identifier: MIT
-- luacheck: ignore 212 241
-- For editors (LuaLS): what ork.core makes in C, and the option tables. Nothing loads this file.

---@alias ork.duration number|string seconds, or "500ms" "10m" "1h30m" "2d"
---@alias ork.type string|table "str" "int" "float" "bool" "date" "datetime_notz" "datetime_tz" "datetime_utc" "any", "T?", { T }, { field = T }
---@alias ork.text string|number|ork.ref

---A value that is known only in the run: goes into inputs, command, env, cwd, when; `..` makes text of it.
---@class ork.ref
---@field [string] ork.ref a field of the value
---@operator concat(any): ork.ref

---@class ork.task
---@field name string
---@field output ork.ref what the task gave
---@field status ork.ref "success" "failed" "cancelled" "skipped"
---@field error ork.ref
---@field results ork.ref

---@class ork.retry
---@field limit integer further attempts after the first
---@field delay? ork.duration default: 1, 2, 4, 8, 16, 32, 60, 60… s
---@field factor? number delay grows by it each time
---@field max_delay? ork.duration
---@field jitter? boolean
---@field on? { kinds?: string[], exit_codes?: integer[], codes?: string[] } which failures are tried again

---@class ork.defaults
---@field cwd? ork.text|false
---@field env? table<string, ork.text|false>|false
---@field grace? ork.duration between TERM and KILL
---@field keep_children? boolean background processes may outlive the attempt
---@field max_lost? integer|false
---@field pool? string|table|false "db" or { "db", slots = 2 }
---@field priority? integer higher first
---@field queue_timeout? ork.duration|false from ready to started
---@field retries? integer|ork.retry|false
---@field timeout? ork.duration|false of an attempt
---@field trigger_rule? "all_success"|"none_failed"|"all_done"|"always"|"all_failed"|"one_failed"|"one_success"

---@class ork.task_options: ork.defaults
---@field command? string|ork.text[]|ork.ref a list runs directly, a text by /bin/sh -c
---@field depends_on? ork.task|string|(ork.task|string)[]
---@field input_type? table<string, ork.type>
---@field inputs? table<string, any>|ork.ref
---@field output_type? ork.type
---@field when? ork.ref|any[] a reference that is truthy, or { a, op, b } with == ~= < <= > >= in

---@class ork.param
---@field type ork.type
---@field default? any|ork.ref a constant or ork.date(…)
---@field choices? any[]
---@field min? number|string
---@field max? number|string
---@field description? string

---@class ork.schedule
---@field cron? string
---@field every? ork.duration
---@field timezone? string
---@field params? table<string, any>
---@field catchup? "none"|"latest"|"all"
---@field catchup_limit? integer
---@field overlap? "allow"|"skip"|"queue"|"cancel_running"
---@field jitter? ork.duration
---@field dst? "skip"|"shift"|"both"

---@class ork.workflow_options
---@field description? string
---@field params? table<string, ork.type|ork.param>
---@field schedule? ork.schedule
---@field defaults? ork.defaults for its tasks
---@field max_parallel? integer|false
---@field max_active_runs? integer|false
---@field run_timeout? ork.duration|false
---@field fail_fast? boolean
---@field tags? string[]

---@class ork.workflow
---@field name string
---@field params ork.ref
local workflow = {}

---Defines a task.
---@param name string letters, digits, _ . -
---@param options ork.task_options
---@return ork.task
function workflow:task(name, options) end

---Defines a task that runs last, also after failure or cancel.
---@param name string
---@param options ork.task_options
---@return ork.task
function workflow:finally(name, options) end

---Raises everything that is wrong with it, a line each.
---@return true
function workflow:validate() end

---Creates a run and does not wait.
---@param params? table<string, any>
---@param options? { key?: string, priority?: integer, at?: string, resume?: boolean }
---@return ork.run?, string?, string?
function workflow:start(params, options) end

---Creates a run and waits for its end.
---@param params? table<string, any>
---@param options? table
---@return ork.run?, string?, string?
function workflow:run(params, options) end

---@class ork
---@field input ork.ref this task's own inputs
---@field this { run_id: ork.ref, task: ork.ref, task_index: ork.ref, attempt: ork.ref, logical_time: ork.ref, scheduled_for: ork.ref, workflow: ork.ref }
---@field null lightuserdata
---@field json { encode: (fun(value: any): string?, string?, string?), decode: (fun(text: string): any, string?, string?), null: lightuserdata }
---@field version string
local ork = {}

---@param name string
---@param options? ork.workflow_options
---@return ork.workflow
function ork.workflow(name, options) end

---The run's logical time plus an offset.
---@param offset? ork.duration "-1d"
---@param format? string default "%Y-%m-%d"
---@return ork.ref
function ork.date(offset, format) end

---A secret, for `env`.
---@param name string
---@return ork.ref
function ork.secret(name) end

---string.format that takes references in %s.
---@param format string
---@return ork.ref|string
function ork.format(format, ...) end

---Declares a pool and its slots.
---@param name string
---@param slots integer
---@return string name
function ork.pool(name, slots) end

---Marks a table as a list, so that an empty one is written [].
---@param t? table
---@return table
function ork.list(t) end

---The text of a file beside the script; it becomes part of the snapshot.
---@param path string
---@return string?, string?, string?
function ork.read(path) end

return ork
