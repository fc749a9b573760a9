-- SPDX-License-Identifier: MIT
-- What a task's function gets beside its input: ctx. Its functions are plain ones; a colon works too.
local core = require "ork.core"
local fiber = require "ork.fiber"

local native = core.inline
local ctx = {}

local MAX_OUTPUT = 1024 * 1024 -- bytes of each of ctx.exec's outputs that are kept, when nothing else is said
local MAX_PROCESSES = 64       -- of ctx.exec at once; more wait

local function duration(what, value, level)
  local ms = type(value) == "string" and core.sys.duration(value)
    or type(value) == "number" and value >= 0 and value < 1e11 and math.floor(value * 1000 + 0.5)
  if not ms or ms < 0 then
    error(("%s wants a duration, seconds or a text such as \"10m\", not %s"):format(what, tostring(value)), level + 1)
  end
  return ms
end

--- The task's fiber, which alone may wait. Raises elsewhere.
local function waiter(call, what, level)
  local self = fiber.current()
  if self and self == call.fiber then
    if coroutine.isyieldable() then return self end
    error(("%s waits, which a function that a library's C calls (string.gsub, table.sort, …) cannot; wait before or after it"):format(what), level + 1)
  end
  error(("%s waits, which only the task's function itself can: not a coroutine that it made, nor anything after its end")
    :format(what), level + 1)
end

local methods = {}

function methods.log(call, text, ...)
  text = tostring(text)
  if select("#", ...) > 0 then
    local ok, formatted = pcall(string.format, text, ...)
    if not ok then error("ctx.log: " .. formatted:gsub("^bad argument #%d+ to 'format' ", ""), 2) end
    text = formatted
  end
  local ok, why = call.calls.log(call, text .. "\n")
  if not ok then error("ctx.log: " .. why, 2) end
end

function methods.progress(call, done, total)
  if type(done) ~= "number" or (total ~= nil and type(total) ~= "number") then
    error("ctx.progress wants numbers: how many are done, and of how many", 2)
  end
  call.calls.progress(call, done, total or 0)
end

function methods.sleep(call, time)
  local ms = duration("ctx.sleep", time, 2)
  local self = waiter(call, "ctx.sleep", 2)
  self:pause(function(ticket)
    return core.loop.timer(ms, function() self:wake(ticket) end)
  end)
end

function methods.fail(_, message, opts)
  if type(message) ~= "string" then error("ctx.fail wants a message, not " .. type(message), 2) end
  local failure = { message = message }
  for key, value in pairs(opts or {}) do
    if key ~= "code" and key ~= "data" and key ~= "retry" and key ~= "after" then
      error(("ctx.fail has no option `%s`; there are after, code, data, retry"):format(tostring(key)), 2)
    end
    failure[key] = value
  end
  if failure.after ~= nil then duration("ctx.fail: `after`", failure.after, 2) end
  error(failure, 0)
end

--- The value of a secret. It fails the attempt when there is none.
function methods.secret(call, name)
  if type(name) ~= "string" or #name > 200 or not name:find("^[%w_]+$") then
    error("ctx.secret wants the name of a secret: letters, digits, _", 2)
  end
  local known = call.secrets and call.secrets[name]
  if known then return known end
  local value = call.calls.secret(call, waiter(call, "ctx.secret", 2), name)
  call.secrets = call.secrets or {}
  call.secrets[name] = value
  return value
end

--- Keeps a file, under its own name or another: { name, sha256, bytes }. It is there for others when the attempt succeeds.
function methods.artifact(call, path, name)
  if type(path) ~= "string" or path == "" or path:find("%z") then error("ctx.artifact wants the path of a file", 2) end
  if name ~= nil and (type(name) ~= "string" or name:find("%z")) then error("ctx.artifact: the name is a text", 2) end
  if call.option and call.option ~= "run" then error("ctx.artifact: only a task's own function leaves artifacts", 2) end
  name = name or path:match("[^/]*$")
  local self = fiber.current()
  local may_wait = self and self == call.fiber and coroutine.isyieldable()
  local hash, bytes = call.calls.artifact(call, path, name, may_wait and self or nil)
  if not hash then error("ctx.artifact: " .. bytes, 2) end
  return { name = name, sha256 = hash, bytes = bytes }
end

--- For long computations: lets other functions go on, and raises when the attempt was told to end.
function methods.heartbeat(call) waiter(call, "ctx.heartbeat", 2):breathe() end

-- ---- exec ------------------------------------------------------------------------------------

local processes, queued = 0, {}

local function give_place()
  local entry = table.remove(queued, 1)
  if not entry then
    processes = processes - 1
    return
  end
  entry.given = true
  entry[1]:wake(entry.ticket)
end

--- A place for one more process; waits for one in turn.
local function take_place(self)
  if processes < MAX_PROCESSES then
    processes = processes + 1
    return
  end
  local entry = { self }
  queued[#queued + 1] = entry
  local leave <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    if entry.taken then return end
    if entry.given then return give_place() end -- it was told to end before it could take it
    for i = #queued, 1, -1 do
      if queued[i] == entry then table.remove(queued, i) end
    end
  end })
  self:pause(function(ticket) entry.ticket = ticket end) -- whoever gave its place kept the count
  entry.taken = true
end

local exec_options = { cwd = "string", env = "table", max_output = "number", stdin = "string", timeout = true }

local function check_exec(argv, opts)
  if type(argv) ~= "table" or #argv == 0 then error("ctx.exec wants a list: { program, argument, … }", 3) end
  local list = {}
  for i, each in ipairs(argv) do
    if type(each) ~= "string" and math.type(each) == nil then
      error(("ctx.exec: argument %d is a %s, not a text"):format(i, type(each)), 3)
    end
    list[i] = tostring(each)
  end
  for key, value in pairs(opts) do
    local kind = exec_options[key]
    if not kind then
      local near = type(key) == "string" and core.suggest(key, { "cwd", "env", "max_output", "stdin", "timeout" })
      error(("ctx.exec has no option `%s`%s"):format(tostring(key), near and ("; did you mean `%s`?"):format(near) or ""), 3)
    end
    if kind ~= true and type(value) ~= kind then error(("ctx.exec: `%s` is a %s, not a %s"):format(key, type(value), kind), 3) end
  end
  return list
end

--- { K = "V", X = false } → { "K=V", "X" }.
local function environment(env)
  local list = {}
  for key, value in pairs(env or {}) do
    if type(key) ~= "string" or key == "" or key:find("[=%z]") then error("ctx.exec: `env` wants names of variables, not " .. tostring(key), 3) end
    if value ~= false and type(value) ~= "string" and type(value) ~= "number" then
      error(("ctx.exec: `env.%s` is a %s, not a text, or false to unset it"):format(key, type(value)), 3)
    end
    list[#list + 1] = value == false and key or key .. "=" .. tostring(value)
  end
  return list
end

--- Runs a process to its end: { code, signal, out, err, truncated, timed_out }, or nil, message, "ECODE". It and what it
--- started end with the attempt at the latest.
function methods.exec(call, argv, opts)
  opts = opts or {}
  local list = check_exec(argv, opts)
  local env = environment(opts.env)
  local limit = opts.timeout and duration("ctx.exec: `timeout`", opts.timeout, 2)
  local self = waiter(call, "ctx.exec", 2)
  take_place(self)
  if call.calls.flush then call.calls.flush() end
  local place <close> = setmetatable({}, { __close = give_place }) -- luacheck: ignore 211
  local result, why, code, timed_out, timer
  self:pause(function(ticket)
    local process
    process, why, code = core.loop.process({
      argv = list, cwd = opts.cwd, env = env, stdin = opts.stdin, max_output = opts.max_output or MAX_OUTPUT,
    }, function(ended)
      result = ended
      self:wake(ticket)
    end)
    if not process then
      self:wake(ticket)
      return nil
    end
    timer = limit and core.loop.timer(limit, function()
      timed_out = true
      process:kill()
    end)
    return setmetatable({}, { __close = function()
      if timer then timer:close() end
      process:close()
    end })
  end)
  if not result then return nil, why, code end
  result.timed_out = timed_out or nil
  return result
end

-- ---- http ------------------------------------------------------------------------------------

local HTTP_TIMEOUT_MS = 30000
local HTTP_MOST = 16 * 1024 * 1024 -- bytes of an answer that are taken, when nothing else is said

local http_options = { "body", "headers", "max_bytes", "method", "timeout", "url" }

local function header_lines(headers, typed)
  local lines = {}
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      error(("ctx.http: `headers` wants names of headers, not %s"):format(tostring(name)), 4)
    end
    if type(value) ~= "string" and type(value) ~= "number" or tostring(value):find("[%z\r\n]") then
      error(("ctx.http: `headers.%s` wants a text without line breaks"):format(name), 4)
    end
    typed = typed and name:lower() ~= "content-type"
    lines[#lines + 1] = value == "" and name .. ";" or name .. ": " .. tostring(value)
  end
  if typed then lines[#lines + 1] = "Content-Type: application/json" end
  table.sort(lines)
  return lines
end

local NAMED = { ["\t"] = "a tab", ["\r"] = "a line end", ["\n"] = "a line end", ["\0"] = "a NUL" }

--- What is wrong with a URL, or nil. One with a byte that none may have is not shown: who reads on would not see which.
--- Behind `?` keys are sent, also such as nobody declared a secret.
local function url_mistake(call, url)
  if type(url) ~= "string" then return "`url` wants a text, got " .. (url == nil and "none" or "a " .. type(url)) end
  if url == "" then return "`url` is empty" end
  local at = url:find("[%c ]")
  if at then
    local byte = url:sub(at, at)
    at = (utf8.len(url, 1, at) or at)
    if byte == " " then return ("`url` has a blank, its character %d; within a URL it is written %%20"):format(at) end
    return ("`url` has %s, its character %d"):format(NAMED[byte] or ("the control character \\x%02x"):format(byte:byte()), at)
  end
  local shown = call.calls.masked(call, url:gsub("%?.+$", "?…"))
  if #shown > 200 then shown = shown:sub(1, utf8.offset(shown, 0, 200) - 1) .. "…" end
  local scheme, rest = url:match("^(%a[%w+.-]*)://(.*)$")
  if not scheme then return ("`url` begins with http:// or https://, unlike `%s`"):format(shown) end
  if not scheme:lower():find("^https?$") then return ("`url` begins with http:// or https://; `%s` is another protocol"):format(scheme) end
  if not rest:find("^[^/?#]") then return ("`url` names no host: `%s`"):format(shown) end
end

local function check_http(call, req)
  if type(req) == "string" then req = { url = req } end
  if type(req) ~= "table" then error("ctx.http wants a URL, or { url, method, headers, body, timeout, max_bytes }", 3) end
  local known = {}
  for _, name in ipairs(http_options) do known[name] = true end
  for key in pairs(req) do
    if not known[key] then
      local near = type(key) == "string" and core.suggest(key, http_options)
      error(("ctx.http has no option `%s`%s"):format(tostring(key), near and ("; did you mean `%s`?"):format(near) or ""), 3)
    end
  end
  local wrong = url_mistake(call, req.url)
  if wrong then error("ctx.http: " .. wrong, 3) end
  local method, body, json = req.method, req.body, false
  if method ~= nil and (type(method) ~= "string" or not method:find("^%u+$")) then
    error("ctx.http: `method` is a word such as \"POST\"", 3)
  end
  if body ~= nil and type(body) ~= "string" then
    local why
    body, why = core.json.encode(body)
    if not body then error("ctx.http: `body`: " .. why, 3) end
    json = true
  end
  if req.max_bytes ~= nil and (math.type(req.max_bytes) ~= "integer" or req.max_bytes < 1) then
    error("ctx.http: `max_bytes` is a whole number, 1 or more", 3)
  end
  if req.headers ~= nil and type(req.headers) ~= "table" then error("ctx.http: `headers` is a table, { Name = \"value\" }", 3) end
  local timeout_ms = req.timeout ~= nil and duration("ctx.http: `timeout`", req.timeout, 3) or HTTP_TIMEOUT_MS
  return {
    url = req.url, method = method or (body and "POST" or "GET"), body = body, headers = header_lines(req.headers, json),
    timeout_ms = math.max(timeout_ms, 1), max_bytes = req.max_bytes or HTTP_MOST,
  }
end

--- Lines "Name: value" → { ["name"] = "value" }; of one that comes again, all with ", " between.
local function header_table(text)
  local headers = {}
  for name, value in text:gmatch("([^\n:]+):[ \t]*([^\n]*)") do
    name = name:lower()
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return headers
end

--- Sends a request and waits for the answer: { status, headers, body, json() }, or nil, message, "ECODE". Any status is an
--- answer. Others go on meanwhile.
function methods.http(call, req)
  local request = check_http(call, req)
  local self = waiter(call, "ctx.http", 2)
  local answer, why, code
  self:pause(function(ticket)
    local transfer, reason, symbol = core.http.send(request, function(...)
      answer, why, code = ...
      self:wake(ticket)
    end)
    if not transfer then
      why, code = reason, symbol
      self:wake(ticket)
    end
    return transfer
  end)
  if not answer then return nil, ("%s %s: %s"):format(request.method, request.url, why), code end
  answer.headers = header_table(answer.headers)
  answer.json = function() return core.json.decode(answer.body) end
  return answer
end

-- ---- the table -------------------------------------------------------------------------------

local fields = {
  run_id = function(call) return call.run_id end,
  task = function(call) return call.task ~= "" and call.task or nil end,
  attempt = function(call) return call.attempt > 0 and call.attempt or nil end,
  item = function(call) return call.item > 0 and call.item or nil end,
  scheduled_for = function(call) return call.scheduled_for_ms > 0 and core.sys.format_time(call.scheduled_for_ms) or nil end,
  --- Was it told to end early? Whatever waits raises then.
  cancelled = function(call) return call.stopped ~= nil or (call.until_ms or math.huge) <= native.mono() end,
}

local names = {}
for name in pairs(methods) do names[#names + 1] = name end
for name in pairs(fields) do names[#names + 1] = name end
table.sort(names)

--- What people look for here that is elsewhere.
local elsewhere = {
  input = "its input is the function's first argument", inputs = "its inputs are the function's first argument",
  output = "what it returns is its output", params = "name it in `inputs`, and read `input.NAME`",
}
for _, name in ipairs({ "logical_time", "workflow", "task_index" }) do
  elsewhere[name] = ("name it in `inputs = { %s = ork.this.%s }`, and read `input.%s`"):format(name, name, name)
end

local calls = setmetatable({}, { __mode = "k" }) -- ctx → its call

local Ctx = { __name = "ork.ctx" }

function Ctx.__index(self, name)
  local call = calls[self]
  if not call then error("the attempt has ended", 2) end
  local method = methods[name]
  if method then
    local function bound(first, ...)
      if first == self then return method(call, ...) end
      return method(call, first, ...)
    end
    rawset(self, name, bound)
    return bound
  end
  if fields[name] then return fields[name](call) end
  local hint = elsewhere[name]
  local near = not hint and type(name) == "string" and core.suggest(name, names)
  if near then hint = ("did you mean `%s`?"):format(near) end
  error(("ctx has no field `%s`%s"):format(tostring(name), hint and "; " .. hint or ""), 2)
end

function Ctx.__newindex(_, name) error(("ctx.%s cannot be set"):format(tostring(name)), 2) end
function Ctx.__tostring(self)
  if not calls[self] then return "ctx of a task that has ended" end
  return ("ctx of task %s, attempt %d"):format(calls[self].task, calls[self].attempt)
end

function ctx.new(call)
  local self = setmetatable({}, Ctx)
  calls[self] = call
  return self
end

--- Its attempt has ended. nil: it never began.
function ctx.forget(self)
  if self then calls[self] = nil end
end

return ctx
