---@meta ork
-- SPDX-License-Identifier: MIT
-- luacheck: ignore 212 241
-- Functions as tasks, coroutines that wait, other loops (lua/ork/worker.lua, inline.lua, ctx.lua, attach.lua), for LuaLS. Never loaded.

---What the function of a task gets beside its input. Its functions are plain ones; a colon works too.
---@class ork.ctx
---@field run_id string the whole id
---@field task string its name
---@field attempt integer from 1
---@field item? integer of a task with items: which of its list, from 1
---@field scheduled_for? string when a schedule wanted the run, RFC 3339
---@field cancelled boolean was it told to end? Then whatever waits raises an error
local ctx = {}

---Writes a line into the task's log. With further arguments `text` is a format, as of string.format.
---@param text any
---@param ... any
function ctx.log(text, ...) end

---Says how far it is.
---@param done number
---@param total? number
function ctx.progress(done, total) end

---Waits, while everything else goes on.
---@param time ork.duration
function ctx.sleep(time) end

---Runs a program to its end, without a shell, while everything else goes on. It and what it started end with the attempt at the latest;
---only when a program whose functions are its own is killed (SIGKILL) they go on alone. Long work is better a task of its own, with `command`.
---@param argv (string|number)[] the program and its arguments
---@param options? ork.exec_options
---@return ork.exec_result?, string?, string? nil, message, "ECODE" when it could not be started
function ctx.exec(argv, options) end

---Fails the attempt: raises an error with a code that `retries.on.codes` can name.
---@param message string
---@param options? ork.fail_options
function ctx.fail(message, options) end

---The value of a secret. Without one the attempt fails, for good. What the attempt leaves is searched for it.
---@param name string letters, digits, _
---@return string
function ctx.secret(name) end

---Keeps a file with the run, under a name; others see it when the attempt succeeds (`ork artifacts RUN`).
---@param path string
---@param name? string a relative path; default: the file's own name
---@return ork.artifact
function ctx.artifact(path, name) end

---For long computations: lets other functions go on, and raises when the attempt was told to end.
function ctx.heartbeat() end

---Sends a request and waits for the answer, while everything else goes on. Any status is an answer.
---@param request ork.http_request|string the URL alone is a GET
---@return ork.http_answer?, string?, string? nil, message, "ETIMEDOUT", "ETOOBIG", "EINVAL" or "EIO" when there is none
function ctx.http(request) end

---@class ork.artifact
---@field name string
---@field sha256 string of its content
---@field bytes integer how large it is

---@class ork.http_request
---@field url string http:// or https://
---@field method? string default GET, with a body POST
---@field headers? table<string, string|number> by name
---@field body? string|table a table is sent as JSON
---@field timeout? ork.duration of all of it; default 30 s
---@field max_bytes? integer of the answer's body; default 16 MiB

---@class ork.http_answer
---@field status integer 200, 404, …
---@field headers table<string, string> by name in lower case
---@field body string as it came
---@field json fun(): any its body as JSON; nil, message, "EJSON" when it is none

---@class ork.exec_options
---@field cwd? string where it runs; default: the program's own folder
---@field env? table<string, string|number|false> added to the environment; false unsets
---@field stdin? string what it reads
---@field timeout? ork.duration it is killed when it takes longer
---@field max_output? integer bytes of stdout and of stderr that are kept; default 1 MiB

---@class ork.exec_result
---@field code? integer exit code; nil when a signal ended it
---@field signal? integer the signal that ended it
---@field out string what it wrote to stdout
---@field err string what it wrote to stderr
---@field truncated? boolean it wrote more than is kept
---@field timed_out? boolean it was killed by `timeout`

---@class ork.fail_options
---@field code? string for `retries.on.codes`
---@field data? any for a function `retries.on`: anything that JSON can hold, up to 64 KiB
---@field retry? boolean false: not tried again, whatever `retries` says
---@field after? ork.duration tried again after this time

---@class ork
local ork = {}

---Runs `f(…)` as a coroutine in which waiting calls (`run:wait`, `w:run`) let everything else go on. What it raises is raised by the
---call that drives the loop; on luv's loop luv prints it and ends the program, so use `pcall` inside.
---@param f function
---@param ... any
function ork.spawn(f, ...) end

---Runs Ork on luv's loop from now on: `ork.attach(require "luv")`. Calls that wait then belong into coroutines of `ork.spawn`.
---@param luv table the module luv
function ork.attach(luv) end

---For other loops: the descriptor that is readable when `ork.step` is due.
---@return integer
function ork.fd() end

---For other loops: seconds until `ork.step` is due though nothing is readable; nil: for ever. To be asked again after each step and each start.
---@return number?
function ork.timeout() end

---For other loops: does all that is due. With `wait` until something happens.
---@param wait? boolean
---@return boolean more whether anything is left to happen
function ork.step(wait) end
