-- SPDX-License-Identifier: MIT
-- The Lua side of a worker (runtime/script/worker.c): each call of a task's function is a coroutine; while one waits
-- others compute. Functions come from scripts that are loaded again from the snapshot of their run, never from disk.
local core = require "ork.core"
local ctx = require "ork.ctx"
local ending = require "ork.ending"
local fiber = require "ork.fiber"
local files = require "ork.files"
local inline = require "ork.inline"
local native = require "ork.worker_native"
local place = require "ork.place"
local problems = require "ork.problems"

local MOST_OUTPUT <const> = native.limits()

local stop = ending.cancelled -- raised in a call that is to end; the scheduler knows why, and says so
local definitions = {}        -- hash → { workflow, sources | loaded }
local fibers = {}             -- slot → its fiber
local here                    -- the current folder
local asked, questions = {}, 0 -- number of a question to the scheduler → who takes the answer

-- ---- functions -------------------------------------------------------------------------------

local Refusal = { __name = "ork.refusal" } -- { text, kind }: the call fails with that

local function refuse(format, ...)
  error(setmetatable({ text = format:format(...), kind = "input" }, Refusal), 0)
end

--- The environment of a script that was loaded: time, randomness and output are the run's own now.
local function open_environment(env)
  local function write(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    return table.concat(parts, "\t")
  end
  env.print = function(...)
    local slot = native.current()
    if slot then native.log(slot, write(...) .. "\n") end
  end
  local own_write = env.io.write
  env.io.write = function(...)
    local slot = native.current()
    if not slot or io.output() ~= io.stdout then return own_write(...) end
    for i = 1, select("#", ...) do
      local part = select(i, ...)
      if type(part) ~= "string" and type(part) ~= "number" then return io.write(...) end -- which says what is wrong
    end
    native.log(slot, table.concat({ ... }))
    return io.stdout
  end
  for _, name in ipairs({ "time", "date", "getenv" }) do env.os[name] = os[name] end
  env.os.exit = function()
    error("os.exit would end the worker, in which other functions run too: return, or call ctx.fail", 2)
  end
  env.math.random, env.math.randomseed = math.random, math.randomseed
end

local function load_sources(definition)
  local loader = require "ork.loader"
  local _ <close> = setmetatable({}, { __close = function() native.loads(false) end })
  native.loads(true)
  local sources = core.json.decode(definition.sources)
  core.calling(false)
  local loaded = loader.again(sources)
  core.calling(true) -- references have no value from here on
  open_environment(loaded.env)
  definition.loaded, definition.sources = loaded, nil
end

--- The function of a task: by its name, as scripts may define others at another place when they are loaded again.
local function find(definition, number, name, option)
  if not definition.loaded then load_sources(definition) end
  local loaded = definition.loaded
  local workflow = loaded.by_name[definition.workflow]
  if workflow then
    if name == "" then -- of the workflow
      number = 0
    elseif core.task_name(workflow, number) ~= name then
      number = nil
      for i = 1, core.task_count(workflow) do
        if core.task_name(workflow, i) == name then number = i end
      end
    end
    local body = number and core.inline.of(workflow, number, option)
    if body then return body end
  end
  if #loaded.problems > 0 then
    refuse("the script fails when it is loaded again: %s", problems.text(loaded.problems))
  elseif loaded.started then
    refuse("the script starts a run before it defines task `%s`; a worker, which loads it again, stops there: define all tasks first", name)
  end
  if name == "" then
    refuse("the script gives the workflow no `%s` when it is loaded again; a script must define the same every time", option)
  end
  refuse("the script defines no task `%s`%s when it is loaded again; a script must define the same tasks every time", name,
    workflow and number and (option == "run" and " with a function" or (" with a function for `%s`"):format(option)) or "")
end

-- ---- ends ------------------------------------------------------------------------------------

local function explain(message)
  if message ~= "not enough memory" then return message end
  local _, mb, own = native.limits()
  return (own and "not enough memory: it may have %d MiB (resources)"
    or "not enough memory: the functions in a worker have %d MiB together (ORK_WORKER_MEMORY_MB)"):format(mb)
end

--- A call in tail position leaves no line of the user's behind, so a message would name ours: then where his function begins.
local function his_line(message, body)
  local found = body and message:match("^[^\n:]*ork/worker%.lua:%d+: ()")
  if not found then return message end
  local at = debug.getinfo(body, "S")
  return ("%s:%d: %s"):format(at.short_src, at.linedefined, message:sub(found))
end

--- A reference that was returned: refused where the function begins, as a mistake of the script is.
local function at_his_line(why, body)
  if not why:find(": a reference has no value in a function", 1, true) then return why end
  local at = debug.getinfo(body, "S")
  return ("%s:%d: %s"):format(at.short_src, at.linedefined, why)
end

--- The same of one without inputs.
local function of_argument(message)
  return (message:gsub("( is a reference, which has no value in a function; )name it in `inputs`, and read `input[^`]*`", "%1read what its argument has of it", 1))
end

local function fail(call, what, thread)
  local slot, stopped = call.token, ending.is_stop(what)
  local trace = ending.returned_trace(what) or fiber.traceback(thread, "")
  coroutine.close(thread) -- its to-be-closed variables: what they write is written before the end is told
  files.settle(call, stopped)
  if type(what) == "table" and rawequal(getmetatable(what), Refusal) then
    native.log(slot, what.text .. "\n")
    return native.fail(slot, ending.shorten(what.text, call), what.kind, nil, what.kind == "input", 0)
  end
  if stopped then
    local spent = native.spent()
    if spent then
      native.log(slot, spent .. trace .. "\n")
      return native.fail(slot, spent, "timeout", nil, false, 0)
    end
    native.log(slot, "told to end" .. trace .. "\n")
    return native.fail(slot, what.text, what.kind, nil, false, 0)
  end
  local message, code, final, after_ms, data = ending.read(what, call)
  message = his_line(explain(message), call.body)
  if call.option:find("^on_") or call.option == "retries.on" then message = of_argument(message) end
  native.log(slot, message .. trace .. "\n")
  native.fail(slot, ending.shorten(message, call), "error", code, final, after_ms, data)
end

local function refuse_output(slot, text) native.fail(slot, text, "output", nil, false, 0) end

--- The end of a call that was a library's: its output is JSON already.
local function over_library(call, text)
  local slot = call.token
  if text == nil then return native.fail(slot, "ork_task_run returned NULL", "error", nil, false, 0) end
  text = text:gsub("^%s*ORK_OUTPUT:", "")
  local _, why = core.json.decode(text)
  if why then return refuse_output(slot, "what ork_task_run returned is not JSON: " .. ending.shorten(why, call)) end
  if #text > MOST_OUTPUT then
    return refuse_output(slot, ("the output is %d bytes; at most %d are stored: return a file's path instead"):format(#text, MOST_OUTPUT))
  end
  return native.done(slot, text)
end

local function over(ok, what, thread, self)
  local slot = self.call.token
  fibers[slot] = nil
  ctx.forget(self.ctx)
  if not ok then return fail(self.call, what, thread) end
  if self.call.option == "library" then return over_library(self.call, what) end
  local judge = ending.answers[self.call.option]
  if judge then what = judge(what) end
  if what == nil then return native.done(slot) end
  local fine, text, why = pcall(core.inline.output, what)
  if not fine then
    native.fail(slot, "output: " .. ending.shorten(ending.text_of(text, self.call), self.call), "output", nil, false, 0)
  elseif not text then
    native.fail(slot, at_his_line(why, self.call.body), "output", nil, false, 0)
  elseif #text > MOST_OUTPUT then
    native.fail(slot, ("the output is %d bytes; at most %d are stored: return a file's path instead"):format(#text, MOST_OUTPUT), "output",
      nil, false, 0)
  else
    native.done(slot, text)
  end
end

-- ---- calls -----------------------------------------------------------------------------------

local function flush_files()
  if not native.flush() then files.flush() end
end

--- What ctx does for a call.
local of_ctx = {
  log = function(call, text) return native.log(call.token, text) end,
  masked = function(call, text) return native.masked(call.token, text) end,
  flush = flush_files,
  progress = function(call, done, total)
    if fibers[call.token] == call.fiber then native.progress(call.token, done, total) end
  end,
}

--- ctx.secret: asked of the scheduler, which has what this process has not. Others compute meanwhile.
function of_ctx.secret(call, self, name)
  local value, why
  self:pause(function(ticket)
    questions = questions + 1
    local number = questions
    asked[number] = function(found, reason)
      value, why = found, reason
      self:wake(ticket)
    end
    native.ask_secret(call.token, number, name)
    return setmetatable({}, { __close = function() asked[number] = nil end })
  end)
  if not value then refuse("%s", why) end
  return value
end

--- ctx.artifact: copied by a thread; others compute meanwhile. self: who waits; nil where nobody can (a coroutine of the
--- function's own, string.gsub): then it is copied at once.
function of_ctx.artifact(call, path, name, self)
  flush_files() -- it may still be open
  local keeping <close>, fd = native.keep(call.token, path, name, not self)
  if fd then self:pause(function(ticket) return core.loop.readable(fd, function() self:wake(ticket) end) end) end
  return native.kept(call.token, keeping)
end

local function go_to(folder)
  if folder == here then return true end
  local ok, why = native.go_to(folder)
  here = ok and folder or nil
  return ok, why
end

function fiber.enter(self)
  local call = self.call
  if call.folder ~= here then call.astray = select(2, go_to(call.folder)) end
  files.enter(call)
  native.enter(call.token, self.thread)
end

function fiber.leave(self)
  native.leave()
  files.leave(self.call)
end

local function run_library(call)
  local text, why, kind = native.library(call.definition, call.input)
  if why then error(setmetatable({ text = why, kind = kind }, Refusal), 0) end
  return text
end

local function run(self)
  local call = self.call
  if call.astray then error(setmetatable({ text = call.astray, kind = "spawn" }, Refusal), 0) end
  if call.option == "library" then return run_library(call) end
  local body = find(definitions[call.definition], call.number, call.task, call.option)
  local input = core.json.decode(call.input)
  if input == core.null then input = nil end -- an executor's handle
  call.input = nil
  self.ctx, call.body = ctx.new(call), body
  local output, message, code = body(input, self.ctx) -- no tail call: tracebacks stay whole
  if call.files then
    local ok, why = files.settle(call)
    if not ok then error(why, 0) end
  end
  if output == nil and message ~= nil then ending.returned(body, message, code) end
  return output
end

local function on_pause(self)
  self.on_pause = nil
  native.waits(self.call.token)
end

local function begin(slot, number, item, attempt, scheduled_for_ms, run_id, task, definition, option, folder, input)
  local self = fiber.new(run, over)
  self.call = {
    token = slot, number = number, item = item, attempt = attempt, scheduled_for_ms = scheduled_for_ms, run_id = run_id, task = task,
    definition = definition, option = option, folder = folder, input = input, calls = of_ctx, fiber = self,
  }
  self.on_pause = on_pause
  fibers[slot] = self
end

--- Something that the scheduler sent. false: it sends no more; nil: nothing is there now.
local function take()
  local what, a, b, c, d, e, f, g, h, i, j, k = native.take()
  if what == "call" then
    begin(a, b, c, d, e, f, g, h, i, j, k)
  elseif what == "secret" then
    if asked[b] then asked[b](c, d) end
  elseif what == "load" then
    definitions[a] = definitions[a] or { workflow = b, sources = d }
    -- What fails here fails again for a call, which says so.
    if c ~= "" and not definitions[a].loaded and go_to(c) then pcall(load_sources, definitions[a]) end
  end
  return what
end

--- Until something is to be done. Fibers that wait are woken by the loop.
local function wait()
  if fiber.alive() == 0 then return native.wait() end
  core.inline.step(false)
  if fiber.is_ready() then return end
  native.wait(core.inline.fd(), core.inline.timeout())
  core.inline.step(false)
end

local function tell_stops()
  for slot in native.stops do
    local self = fibers[slot]
    if self then
      self.call.stopped = "cancelled"
      self:tell(stop)
    end
  end
end

--- A call that a function cannot make; blames the user's line.
local function forbid(what)
  return function()
    local file, line = place.here(2)
    error(("%s%s: the function of a task runs in a worker, which has no database and starts no runs"):format(
      file and ("%s:%d: "):format(file, line) or "", what), 0)
  end
end

return function()
  files.begin()
  core.calling(true)
  collectgarbage("setpause", 300) -- a loaded script stays; what calls leave is little beside it
  require("ork.run").hosted({ open = forbid("runs are out of reach") })
  inline.spawn = forbid("ork.spawn")
  native.reasons(stop, debug.getinfo(1, "S").source:match("^(.*)worker%.lua$") or "=?")
  while true do
    tell_stops()
    if not fiber.step() then
      if fiber.alive() > 0 then core.inline.step(false) end
      local taken = take()
      if taken == false and fiber.alive() == 0 then return 0 end
      if not taken and not fiber.is_ready() then wait() end
    end
  end
end
