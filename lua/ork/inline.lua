-- SPDX-License-Identifier: MIT
-- Tasks that are functions of this program: the engine's calls become fibers, what they return or raise becomes results.
-- A slice of them runs between two turns of the loop (bindings/inline.c).
local core = require "ork.core"
local ending = require "ork.ending"
local fiber = require "ork.fiber"

local native = core.inline
local inline = {}

local SLICE_MS = 5 -- then results are stored and others have their turn

local weak = { __mode = "v" }
local known = {} -- hash of a definition → name → the workflow with its functions: the hash is not of the name
local engines = {} -- engine, by address → { held = run id → its workflow while we have the run, calls = token → fiber }
local waiting = {} -- run id → { fiber → ticket }

local function of_engine(engine)
  local state = engines[engine]
  if not state then
    state = { held = {}, calls = {} }
    engines[engine] = state
  end
  return state
end

--- A workflow is about to be started here, or was validated: its functions can be called from now on. With a run's id: that is in the hands
--- of this engine, so they stay.
local function learn(workflow, engine, run_id)
  if not run_id then
    for _, inner in ipairs(core.inner(workflow)) do learn(inner) end
  end
  if not native.has(workflow) then return end
  if run_id then
    of_engine(engine).held[run_id] = workflow
  else
    local hash = core.hash(workflow)
    known[hash] = known[hash] or setmetatable({}, weak)
    known[hash][workflow.name] = workflow
  end
end

-- ---- how a call ends -------------------------------------------------------------------------

local function fail(call, what, thread)
  local engine, token = call.engine, call.token
  if ending.is_stop(what) then
    if what.kind == "timeout" then native.log(engine, token, (call.fiber.left_at or fiber.traceback(thread, what.text)) .. "\n") end
    native.fail(engine, token, what.text, what.kind, nil, false, 0)
    return
  end
  if ending.is_input(what) then
    native.log(engine, token, what.text .. "\n")
    return native.fail(engine, token, ending.shorten(what.text, call), "input", nil, true, 0)
  end
  local message, code, final, after_ms, data = ending.read(what, call)
  local trace = ending.returned_trace(what)
  native.log(engine, token, (trace and message .. trace or fiber.traceback(thread, message)) .. "\n")
  native.fail(engine, token, ending.shorten(message, call), "error", code, final, after_ms, data)
end

local function over(call, ok, what, thread)
  of_engine(call.engine).calls[call.token] = nil
  if ok and call.until_ms and native.mono() > call.until_ms then ok, what = false, call.timeout end
  if not ok then return fail(call, what, thread) end
  local judge = ending.answers[call.option]
  if judge then what = judge(what) end
  local fine, done, why, code = pcall(native.done, call.engine, call.token, what)
  if not fine then
    native.fail(call.engine, call.token, "output: " .. ending.text_of(done, call), "output", nil, false, 0)
  elseif done == nil and code == "EJSON" then
    native.fail(call.engine, call.token, why, "output", nil, false, 0)
  end
end

-- ---- calls -----------------------------------------------------------------------------------

--- What ctx does for a call.
local of_ctx = {
  log = function(call, text) return native.log(call.engine, call.token, text) end,
  masked = function(call, text) return native.masked(call.engine, call.token, text) end,
  artifact = function(call, path, name) return native.artifact(call.engine, call.token, path, name) end,
  progress = function(call, done, total) native.progress(call.engine, call.token, done, total) end,
  secret = function(call, self, name)
    local value, why
    self:pause(function(ticket)
      local ok, reason = native.secret(call.engine, call.token, name, function(found, missing)
        value, why = found, missing
        self:wake(ticket)
      end)
      if not ok then
        why = reason
        self:wake(ticket)
      end
    end)
    if not value then error(ending.input(why), 0) end
    return value
  end,
}

local function begin(call)
  local state = of_engine(call.engine)
  local workflow = state.held[call.run_id] or (known[call.definition] or {})[call.workflow]
  local body = workflow and native.of(workflow, call.task == "" and 0 or call.number, call.option)
  if not body then
    native.fail(call.engine, call.token, "its function lives in the program that started the run", "policy", nil, true, 0)
    return
  end
  state.held[call.run_id] = workflow
  call.calls = of_ctx
  local input = core.json.decode(call.input)
  if input == core.null then input = nil end -- an executor's handle
  call.input = nil
  local ctx = require("ork.ctx").new(call)
  local self
  self = fiber.new(function()
    local output, message, code = body(input, ctx)
    if output == nil and message ~= nil then ending.returned(body, message, code) end
    return output
  end, function(ok, what, thread) over(call, ok, what, thread) end)
  self.call = call
  call.fiber = self
  self.on_pause = function()
    self.on_pause = nil
    native.running(call.engine, call.token)
  end
  if call.timeout_ms > 0 then
    call.until_ms = native.mono() + call.timeout_ms
    call.timeout = ending.timeout(call.timeout_ms)
    self:limit_time(call.timeout, call.until_ms, call.until_ms + call.grace_ms)
  end
  state.calls[call.token] = self
end

--- One slice: fibers that may go on, then new calls. Was there anything to do?
local function turn()
  if fiber.is_running() then return false end
  local stop, busy = native.mono() + SLICE_MS, false
  repeat
    if not fiber.step() then
      local call = native.next()
      if not call then return busy end
      begin(call)
    end
    busy = true
  until native.mono() >= stop
  return true
end

local function interrupt(engine, token, kind, now)
  local calls = of_engine(engine).calls
  local self = calls[token]
  if not self then return end
  self.call.stopped = kind
  local why = kind == "timeout" and (self.call.timeout or ending.timeout(self.call.timeout_ms)) or ending.cancelled
  if now then
    calls[token] = nil
    self:abandon(why)
  else
    self:interrupt(why, self.call.grace_ms)
  end
end

-- ---- waiting for runs ------------------------------------------------------------------------

local function wake_all(waiters)
  for self, ticket in pairs(waiters) do self:wake(ticket) end
end

local function wake_every()
  for _, waiters in pairs(waiting) do wake_all(waiters) end
end

local function wake(engine, ended)
  fiber.on_work()
  if not ended then return wake_every() end
  of_engine(engine).held[ended] = nil
  if waiting[ended] then wake_all(waiting[ended]) end
end

--- An engine was closed: who waits for a run of it learns that by asking.
local function closed(engine)
  engines[engine] = nil
  wake_every()
end

--- Waits in a fiber for the end of a run, at most ms (-1: for ever). Its status, or nil, message, code.
function inline.wait(self, engine, run_id, ms)
  local deadline = ms >= 0 and native.mono() + ms
  local waiters = waiting[run_id] or {}
  waiting[run_id] = waiters
  local call = self.call
  if call then native.lend(call.engine, call.token, true) end
  local leave <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    waiters[self] = nil
    if not next(waiters) and waiting[run_id] == waiters then waiting[run_id] = nil end
    if call then native.lend(call.engine, call.token, false) end
  end })
  while true do
    if tostring(engine) == "ork database (closed)" then return nil, "the database is closed", "ECLOSED" end
    local status, why, code = engine:ended(run_id)
    if status ~= false then return status, why, code end
    local left = deadline and deadline - native.mono()
    if left and left <= 0 then return nil, "timeout", "ETIMEDOUT" end
    self:pause(function(ticket)
      waiters[self] = ticket
      return left and core.loop.timer(math.ceil(left), function() self:wake(ticket) end) or nil
    end)
  end
end

-- ---- ork.spawn -------------------------------------------------------------------------------

--- Runs f(…) as a coroutine in which waiting calls let everything else go on. What it raises is raised by the call that
--- drives the loop.
function inline.spawn(f, ...)
  if type(f) ~= "function" then error("ork.spawn takes a function, not a " .. type(f), 2) end
  local arguments = table.pack(...)
  local spawned
  spawned = fiber.new(function() f(table.unpack(arguments, 1, arguments.n)) end, function(ok, what, thread)
    if ok then return end
    spawned.failure = type(what) == "string" and fiber.traceback(thread, what) or what
    error(spawned.failure, 0)
  end)
end

native.handlers({
  turn = turn, interrupt = interrupt, wake = wake, learn = learn, closed = closed,
  knows = function(definition) return next(known[definition] or {}) ~= nil end,
  same = function(definition, changed) known[changed] = known[definition] end,
})

inline.turn = turn
return inline
