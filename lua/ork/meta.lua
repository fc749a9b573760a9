---@meta ork
-- SPDX-License-Identifier: MIT
-- luacheck: ignore 212 241
-- For editors (LuaLS) and docs/reference.md: what ork.core makes in C, and the option tables. Nothing loads this file;
-- tests/spec/meta_spec.lua compares it with what is really there.

---@alias ork.duration number|string seconds, or "500ms" "10m" "1h30m" "2d"
---@alias ork.type string|table "str" "int" "float" "bool" "date" "datetime_notz" "datetime_tz" "datetime_utc" "any", "T?", { T }, { field = T }
---@alias ork.text string|number|ork.ref
---@alias ork.rule "all_success"|"none_failed"|"all_done"|"always"|"all_failed"|"one_failed"|"one_success"
---@alias ork.kind "exit"|"signal"|"timeout"|"spawn"|"lost"|"error"|"input"|"output"|"remote"|"rejected"|"policy" why an attempt failed

---A value that is known only in the run. It goes into `inputs`, `command`, `env`, `cwd` and `when`; `..` and `ork.format` make a
---text of it. A field gives a reference to that field; one that the declared type lacks raises an error, and so do `ref[1]`,
---`#`, `pairs`, `<`, arithmetic and a call: the value does not exist while the script loads.
---@class ork.ref
---@field [string] ork.ref a field of the value
---@operator concat(any): ork.ref

---What `w:task` and `w:finally` return. It stands for the task in `depends_on`; its fields are references.
---@class ork.task
---@field name string
---@field output ork.ref what the task gave; null where it did not succeed
---@field status ork.ref "success" "failed" "cancelled" "skipped"
---@field error ork.ref the message of its failure; null without
---@field results ork.ref of a task with items (ork.each): a list of { item, status, output, error }, also when it failed

---About the task itself and its run; used in its own options.
---@class ork.this
---@field run_id ork.ref the whole id
---@field task ork.ref its name
---@field task_index ork.ref from 0, in the order of definition
---@field attempt ork.ref from 1
---@field logical_time ork.ref of the run, RFC 3339
---@field scheduled_for ork.ref when a schedule wanted the run; null when it was started by hand
---@field workflow ork.ref the name of the workflow
---@field item ork.ref which element of its list, from 1; null without `ork.each`

---How often and when a failed attempt is tried again. A table replaces that of `defaults` whole.
---@class ork.retry
---@field limit integer further attempts after the first
---@field delay? ork.duration before the first retry; without it 1, 2, 4, 8, 16, 32, 60, 60… s
---@field factor? number from 1 to 1000; the delay grows by it each time (needs `delay`; default 1)
---@field max_delay? ork.duration the delay grows no further
---@field jitter? boolean a random part of the delay, so that many do not come at once
---@field on? ork.retry_on|fun(err: ork.failure, ctx: ork.ctx): any only these, or as the function says; default: every kind but input, output, policy, rejected

---Which failures are tried again: any that one of the lists names.
---@class ork.retry_on
---@field kinds? ork.kind[]
---@field exit_codes? integer[] 1 to 255
---@field codes? string[] codes of errors that functions raise

---What a function `retries.on` is told of an attempt that failed.
---@class ork.failure
---@field kind ork.kind what sort of failure
---@field message string as `ork show` tells it
---@field attempt integer from 1
---@field code? string that a function failed with
---@field data? any that a function failed with; of a process what it wrote to $ORK_OUTPUT_FILE
---@field exit_code? integer of a process
---@field signal? integer that ended it

---Slots of a pool that a task takes while it runs.
---@class ork.pool_use
---@field [1] string the pool
---@field slots? integer default 1

---What a task may take: each process of a command, or each of its functions (`run`, `when`), which is then alone in its worker.
---@class ork.resources
---@field memory? integer|string bytes, "512m", "1g"; of a process its own data (RLIMIT_DATA); at least 16m
---@field cpu_time? ork.duration computing, not waiting; of a process in whole seconds

---Options that a task may have and `defaults` may give to all tasks of a workflow. `false` switches off what `defaults` gives.
---@class ork.defaults
---@field cwd? ork.text|false where the command runs; default: the folder of the script, from which relative paths count
---@field env? table<string, ork.text|false>|false variables for the command; `NAME = false` unsets one
---@field grace? ork.duration between SIGTERM and SIGKILL when it is stopped; default 5 s
---@field isolated? boolean nothing else is in the worker of its function
---@field keep_children? boolean processes it started may live on after it has ended
---@field max_lost? integer|false so often it is begun again after the machine or the agent died; default 3
---@field pool? string|ork.pool_use|false the pool whose slots it takes
---@field priority? integer who comes first when slots are few: higher is earlier; default 0
---@field deferred_timeout? ork.duration|false how long it may wait for jobs that it left elsewhere (ork.defer)
---@field queue_timeout? ork.duration|false fails it when it was ready for so long and could not start
---@field resources? ork.resources|false the most it may take
---@field retries? integer|ork.retry|false further attempts after a failure; default 0
---@field timeout? ork.duration|false of each attempt; default: none
---@field trigger_rule? ork.rule what it needs of the tasks it depends on; default "all_success"

---What a task waits for that does nothing else: an approval, or what a function says.
---@class ork.wait
---@field approval? ork.text the question; until `ork approve` (output { by, comment }) or `ork reject`
---@field poll? fun(input: any, ctx: ork.ctx): any called in a worker until it returns something, the output; nil or false is "not yet"
---@field every? ork.duration between two calls, 1 s or more; default a minute

---Options of a task. References in them are dependencies.
---@class ork.task_options: ork.defaults
---@field command? string|ork.text[]|ork.ref a list is run directly, an argument each; a text by /bin/sh -c
---@field depends_on? ork.task|string|(ork.task|string)[] tasks to wait for, themselves or their names
---@field input_type? table<string, ork.type> what its inputs are; checked at validation and in the run
---@field inputs? table<string, any>|ork.ref values by name, or a reference to an object; JSON in $ORK_INPUT_FILE
---@field output_type? ork.type what it gives; checked when it ends
---@field run? fun(input: any, ctx: ork.ctx): any instead of `command`: a function; what it returns is the output, nil and a text fail it
---@field python? string instead of `command`: a Python function, "file.py:function" or "package.module:function"; its type hints are the types where none are declared
---@field library? string instead of `command`: a shared library whose `ork_task_run` is called in a worker of its own
---@field on_cancel? fun(task: ork.ended_task, ctx: ork.ctx) called when it was cancelled
---@field on_failure? fun(task: ork.ended_task, ctx: ork.ctx) called when it has failed for good
---@field on_success? fun(task: ork.ended_task, ctx: ork.ctx) called when it has succeeded
---@field executor? "inline"|ork.executor an executor carries it out; "inline" calls `run` in the program that started the run, as its own functions are
---@field wait? ork.duration|ork.ref|ork.wait instead of `command`: nothing is done for so long, until that time, or until it is answered; it takes no process and no slot
---@field workflow? ork.workflow instead of `command`: a run of that workflow, whose params are `inputs` and whose output is its own; it takes no process and no slot
---@field task_count? integer so many tasks alike, each with its number from 0 on as `input.task_index`
---@field when? ork.ref|any[]|fun(input: any, ctx: ork.ctx): any run only if the reference is not false, { a, op, b } holds (== ~= < <= > >= in), or the function says so

---What a handler of a workflow is told.
---@class ork.ended_run
---@field id string the whole id
---@field workflow string its name
---@field status "success"|"failed"|"cancelled" how it ended
---@field error? string why, unless it succeeded
---@field params table by name
---@field started_at? string RFC 3339; so `finished_at` and `scheduled_for`
---@field failed ork.failed_task[] at most 100; empty where no task failed, as after `run_timeout`

---One that failed.
---@class ork.failed_task
---@field task string its name
---@field item? integer which element of its list
---@field attempt integer the last one
---@field error string why
---@field log? string the end of what it wrote, 4 KiB at most; of the first 20; nil where it wrote nothing

---What a handler of a task is told.
---@class ork.ended_task
---@field name string as it was defined
---@field status "success"|"failed"|"cancelled" how it ended
---@field error? string why, unless it succeeded
---@field kind? ork.kind what sort of failure
---@field attempt integer the last one
---@field exit_code? integer of a process that failed
---@field output? any if it is 1 MiB at most; not of a task with items
---@field log? string the end of what it wrote, 4 KiB at most; not of a task with items
---@field run table id, workflow, status, params of its run, as far as that is now

---What an executor does, as `ork.executor(name, options)` gets it: functions that are called in workers, each call with a minute.
---@class ork.executor_options
---@field start fun(task: ork.executor_task, ctx: ork.ctx): any begins the work; what it returns, the handle, is kept. Called again with the same key after a crash
---@field poll fun(handle: any, ctx: ork.ctx): any nil: not yet; { output = … }; { error = "…", code, retry, after }
---@field cancel? fun(handle: any, ctx: ork.ctx) ends it, after a cancel or a timeout
---@field every? ork.duration between two polls, 1 s or more; default 5 s

---What `start` of an executor is told.
---@class ork.executor_task
---@field name string of the task; of an item with its number, "clean/17"
---@field workflow string its name
---@field run_id string the whole id
---@field attempt integer from 1
---@field key string "RUN/TASK/ATTEMPT", of an item "RUN/TASK/ITEM/ATTEMPT": the same for every call of this attempt, and for no other
---@field input any its `inputs`
---@field command? string[] the arguments of its `command`; of a text "/bin/sh", "-c" and more
---@field env? table<string, string|false> of its `env`, secrets as their values
---@field cwd? string its `cwd`

---What `ork.executor` gives: the value of the option `executor` of a task. It has no fields.
---@class ork.executor

---A param of a workflow. One without a default that is not optional ("T?") must be given.
---@class ork.param
---@field type ork.type
---@field default? any a constant, or ork.date(…)
---@field choices? any[] the only values it may have
---@field min? number|string|ork.ref of a number or a date; included
---@field max? number|string|ork.ref included
---@field description? string shown by `ork SCRIPT --help`

---When runs are due: either `cron` or `every`. `ork apply` keeps it and switches it on, `ork serve` starts the runs.
---@class ork.schedule
---@field cron? string 5 fields (minute first), 6 (second first) or 7 (with year); "@daily" and the like; names, lists, ranges, steps, L, W, #
---@field every? ork.duration 1 s or more
---@field timezone? string "Europe/Berlin"; default "UTC"; it must be known where the script is loaded
---@field params? table<string, any> params of scheduled runs; also ork.date(…)
---@field catchup? "none"|"latest"|"all" of the times that were missed, more than a minute; default "latest"
---@field catchup_limit? integer of "all", and of overlap "queue": the newest so many; default 100
---@field overlap? "allow"|"skip"|"queue"|"cancel_running" while the last scheduled run still goes on; default "skip"
---@field jitter? ork.duration each run starts up to so much later; how much is fixed for workflow and time
---@field dst? "skip"|"shift"|"both" for a time of cron that a change of the clock leaves out or repeats; without it a time of day is due once

---How much of a workflow's history stays. A finished run goes, with its logs, as soon as one of these does not keep it.
---@class ork.retention
---@field days? integer runs that ended no longer ago
---@field runs? integer the newest so many
---@field bytes? integer|string the newest whose logs take no more in all, such as "10g"

---Options of a workflow.
---@class ork.workflow_options
---@field description? string one line, shown by --help
---@field params? table<string, ork.type|ork.param> by name; a type alone is a param without default
---@field schedule? ork.schedule when runs are due
---@field defaults? ork.defaults for its tasks
---@field on_cancel? fun(run: ork.ended_run, ctx: ork.ctx) called when a run was cancelled
---@field on_failure? fun(run: ork.ended_run, ctx: ork.ctx) called when a run has failed
---@field on_success? fun(run: ork.ended_run, ctx: ork.ctx) called when a run has succeeded
---@field max_parallel? integer|false tasks of one run at once
---@field max_active_runs? integer|false runs at once; others wait
---@field run_timeout? ork.duration|false cancels a run that takes longer; `finally` tasks still run
---@field fail_fast? boolean cancel the rest as soon as a task has failed
---@field retention? ork.retention|false what `ork serve` keeps of its history; false: everything. Default: a year, at most 10,000 runs
---@field tags? string[]

---A workflow: what `ork.workflow` returns and a script gives back at its end.
---@class ork.workflow
---@field name string
---@field params ork.ref `w.params.NAME` is the value of a param in the run
local workflow = {}

---Defines a task. A mistake in the options is told when the script has been read, with all others.
---@param name string letters, digits, _ . -; unique in the workflow
---@param options ork.task_options
---@return ork.task
function workflow:task(name, options) end

---Defines a task that runs last, when all other tasks have ended: also after failure, cancel and `run_timeout`. Its failure fails the run.
---What it removes is not there for a retry, which does not repeat what succeeded; `when` may ask how others ended.
---@param name string
---@param options ork.task_options
---@return ork.task
function workflow:finally(name, options) end

---What a run of it gives, once it has succeeded, and so the output of a task with `workflow`.
---@param values table<string, any> references to outputs and params, or anything made of them
---@return ork.workflow self
function workflow:returns(values) end

---Raises everything that is wrong with the definition as one error, a line each.
---@return true
function workflow:validate() end

---Creates a run and does not wait: `ork.start(w, params, options)`.
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function workflow:start(params, options) end

---Creates a run and waits for its end: `ork.run(w, params, options)`. A run that failed is returned like any other.
---@param params? table<string, any>
---@param options? ork.start_options
---@return ork.run?, string?, string?
function workflow:run(params, options) end

---JSON as Ork stores it: exact numbers, no duplicate keys, nothing deeper than 200.
---@class ork.json
---@field null lightuserdata the same as ork.null
local json = {}

---The text of a value. Functions, cycles, lists with holes and invalid UTF-8 give nil and the path.
---@param value any
---@return string?, string?, string?
function json.encode(value) end

---The value of a text. A null field is nil, a null in a list is ork.null.
---@param text string
---@return any, string?, string?
function json.decode(text) end

---The same as ork.list.
---@param t? table
---@return table t
function json.list(t) end

---What `ork.each` gives: the value of one of a task's `inputs`. It has no fields.
---@class ork.each

---What `ork.product` gives: a list for `ork.each`. It has no fields.
---@class ork.product

---How items run, and how many may fail.
---@class ork.each_options
---@field max_parallel? integer how many items may run at once; default: no limit of their own
---@field max_failed? integer|string how many may fail: a number, or a share such as "5%"; default 0

---@class ork
---@field input ork.ref this task's own inputs: `ork.input.NAME`, in its `command`, `env` and `cwd`
---@field this ork.this
---@field null lightuserdata JSON's null, where nil would be a hole; equal to cjson.null
---@field defer ork.defer outputs that say "this goes on elsewhere"
---@field json ork.json
---@field version string of the module
local ork = {}

---Begins a workflow.
---@param name string letters, digits, _ . -
---@param options? ork.workflow_options
---@return ork.workflow
function ork.workflow(name, options) end

---The run's logical time plus an offset, as a text, in the zone of the workflow's schedule (without one: UTC). The time is the run's own and does not
---change when it is tried again. Of a scheduled run it is the time that it was due.
---@param offset? ork.duration "-1d" is the day before on the calendar there, however long it was; default 0
---@param format? string with %Y %m %d %H %M %S %j %y %F %T %s %a %b %%; default "%Y-%m-%d"
---@return ork.ref
function ork.date(offset, format) end

---Makes a task run once per element, as one of its inputs: `inputs = { part = ork.each(extract.output.parts) }`. The task is done when all of them are.
---@param list ork.ref|any[]|ork.product at most 100,000 elements
---@param options? ork.each_options
---@return ork.each
function ork.each(list, options) end

---All combinations, for ork.each: `ork.product{ os = { "linux", "mac" }, arch = { "x86", "arm" } }` gives objects with os and arch.
---@param lists table<string, ork.ref|any[]>
---@return ork.product
function ork.product(lists) end

---An executor: who carries out tasks that say `executor = …`, by functions that are called in workers.
---@param name string letters, digits, _ . -
---@param options ork.executor_options
---@return ork.executor
function ork.executor(name, options) end

---A secret, for `env` only: looked up when an attempt begins, in ORK_SECRET_<name> of the environment, a file, or by a command. It is never stored.
---@param name string letters, digits, _
---@return ork.ref
function ork.secret(name) end

---Outputs of functions that say "this goes on elsewhere".
---@class ork.defer
ork.defer = {}

---Jobs that the task waits for, without a process or a slot: return what this gives. The task is done when all of them are; its output is then
---`{ jobs = { { service_type, job_id, status, answer } } }`.
---@param job ork.http_job
---@param ... ork.http_job
---@return table output
function ork.defer.http(job, ...) end

---@class ork.http_job
---@field url string what is asked
---@field job_id? string what it is called; default: the URL
---@field method? "GET"|"POST"|"PUT"|"DELETE" default GET
---@field headers? table<string, string|table> values; a secret in one only by name: `{ secret = "NAME" }`, `{ text = { "Bearer ", { secret = "NAME" } } }`
---@field status_field? string where the state is in the answer; default "status"
---@field success_value? string the state of one that is done; default "success"
---@field failure_value? string the state of one that failed; default: none

---Like string.format, and takes references in %s. Without references the result is a plain string.
---@param format string
---@return ork.ref|string
function ork.format(format, ...) end

---Declares a pool: what uses the same thing shares its slots, over all workflows and all programs on a database. One
---that nobody declares has one slot.
---@param name string
---@param slots integer 1 or more
---@return string name for the option `pool`
function ork.pool(name, slots) end

---Marks a table as a list, so that an empty one is written [] and not {}.
---@param t? table
---@return table t
function ork.list(t) end

---The text of a file beside the script; it becomes part of the snapshot, so a run keeps it as it was. In a program of your own
---paths count from its current folder.
---@param path string
---@return string?, string?, string?
function ork.read(path) end

return ork
