-- SPDX-License-Identifier: MIT
-- How the function of a task ends: what it raised, as a failure of the attempt. Shared by those who call functions: this
-- program (ork.inline) and workers (ork.worker).
local core = require "ork.core"

local ending = {}

local MOST_DATA = 64 * 1024 -- bytes of what a failure hands to `retries.on`
local MOST_SHOWN = 1000 -- bytes of a table that was raised
local MOST_TEXT = 4096 -- bytes of an error that are kept with the task; the log has it whole

-- ---- told to end -----------------------------------------------------------------------------

local Stop = { __name = "ork.stop", __tostring = function(self) return self.text end }

ending.cancelled = setmetatable({ kind = "cancelled", text = "the task was cancelled" }, Stop)

function ending.timeout(ms)
  return setmetatable({ kind = "timeout", text = "timeout after " .. core.sys.format_duration(ms) }, Stop)
end

function ending.is_stop(what) return type(what) == "table" and rawequal(getmetatable(what), Stop) end

-- ---- something that it was to be given is missing --------------------------------------------

local Input = { __name = "ork.input", __tostring = function(self) return self.text end }

--- Fails the attempt for good, as `input`.
function ending.input(text) return setmetatable({ text = text }, Input) end

function ending.is_input(what) return type(what) == "table" and rawequal(getmetatable(what), Input) end

-- ---- answers ---------------------------------------------------------------------------------

local function yes(what) return what and true or nil end
local function nothing() return nil end

--- What functions beside a task's own may say: a poll "not yet", by nil or false; others yes or no.
ending.answers = { ["wait.poll"] = function(what) return what or nil end, when = yes, ["retries.on"] = yes,
  ["executor.poll"] = function(what) return what or nil end, ["executor.cancel"] = nothing,
  on_success = nothing, on_failure = nothing, on_cancel = nothing }

-- ---- nil, message ----------------------------------------------------------------------------

local Returned = { __name = "ork.returned", __tostring = function(self) return self.message end }

--- A function returned nil and something beside it. Lua's own say so that they failed, `return io.open(path)`: then it has, as
--- if it had raised that. A text behind the message is the failure's code.
function ending.returned(body, message, code)
  if type(message) ~= "string" then return end
  if math.type(code) == "integer" and (message == "exit" or message == "signal") then -- of os.execute, and a closed io.popen
    message = (message == "exit" and "a program ended with exit code %d" or "a program was ended by signal %d"):format(code)
  end
  local at = debug.getinfo(body, "S")
  error(setmetatable({ message = message, code = type(code) == "string" and code or nil,
    trace = ("\nreturned by the function of %s:%d, as nil and a message"):format(at.short_src, at.linedefined) }, Returned), 0)
end

--- What stands for the traceback of what was returned so; nil for what was raised.
function ending.returned_trace(what)
  return type(what) == "table" and rawequal(getmetatable(what), Returned) and what.trace or nil
end

-- ---- errors ----------------------------------------------------------------------------------

--- What is to be cut goes through this first: of a secret in two halves none is found any more.
local function masked(call, text) return call.calls.masked(call, text) end

--- The same of each text in a value that JSON gave: a secret with a quote in it stands otherwise in JSON.
local function masked_parts(call, value)
  if type(value) == "string" then return masked(call, value) end
  if type(value) ~= "table" then return value end
  local names = {}
  for name, part in pairs(value) do
    value[name] = masked_parts(call, part)
    if type(name) == "string" and masked(call, name) ~= name then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do value[masked(call, name)], value[name] = value[name], nil end
  return value
end

--- A table that says nothing of itself, as JSON, which its address is no help for.
local function table_text(t, call)
  local ok, text, why = pcall(core.json.encode, t)
  if ok and text then
    if text:find("\\", 1, true) then text = core.json.encode(masked_parts(call, core.json.decode(text))) end
    text = masked(call, text)
    return #text <= MOST_SHOWN and text or text:sub(1, utf8.offset(text, 0, MOST_SHOWN) - 1) .. "…"
  end
  return ("error raised with a table that cannot be shown: %s"):format(tostring(ok and why or text))
end

--- Text of what a user's value is turned into text by: its metamethods may raise, too, and this attempt alone may fail of it.
function ending.text_of(value, call)
  if type(value) == "string" then return value end
  if value == nil then return "error raised without a message" end
  local meta = debug.getmetatable(value)
  if type(value) == "table" and not (meta and (rawget(meta, "__tostring") or rawget(meta, "__name"))) then return table_text(value, call) end
  local ok, text = pcall(tostring, value)
  if ok then return text end
  local _, why = pcall(tostring, text)
  return ("<%s whose __tostring fails: %s>"):format(type(value), type(why) == "string" and why or type(text))
end

--- A value as JSON; nil when it is none, or too large to be handed on.
local function json_of(value)
  local ok, text = pcall(core.json.encode, value)
  return ok and text and #text <= MOST_DATA and text or nil
end

--- Called under pcall: { message, code, retry, after } as ctx.fail and error{…} give it; nil for anything else.
local function of_table(t, call)
  if type(t) ~= "table" or t.message == nil and t.code == nil then return nil end
  local after, code = t.after, t.code ~= nil and ending.text_of(t.code, call) or nil
  if after ~= nil then
    after = type(after) == "number" and math.floor(after * 1000 + 0.5) or type(after) == "string" and core.sys.duration(after)
  end
  local message = t.message ~= nil and ending.text_of(t.message, call) or code
  return message, code, t.retry == false, math.type(after) == "integer" and after > 0 and after or 0, t.data ~= nil and json_of(t.data) or nil
end

--- What was raised → message, code or nil, final, after_ms, data (JSON) or nil.
function ending.read(what, call)
  local ok, message, code, final, after_ms, data = pcall(of_table, what, call)
  if not ok or not message then return ending.text_of(what, call), nil, false, 0 end
  return message, code, final, after_ms, data
end

--- What is kept with the task: whole characters of the beginning.
function ending.shorten(message, call)
  if #message > MOST_TEXT then message = masked(call, message) end
  if #message <= MOST_TEXT then return message end
  local stop = utf8.offset(message, 0, MOST_TEXT + 1)
  return message:sub(1, math.max(stop - 1, MOST_TEXT - 3)) .. "… (whole in the log)"
end

return ending
