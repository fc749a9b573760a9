-- SPDX-License-Identifier: MIT
-- The environment of scripts: an undefined name raises, every load sees the same (key order, random numbers), and what is
-- read while the script loads says so. Rocks and host programs keep the plain _G.
local code = require "ork.code"
local core = require "ork.core"
local place = require "ork.place"
local random = require "ork.random"

local strict = {}

local plain = {
  "assert", "collectgarbage", "error", "getmetatable", "ipairs", "next", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "setmetatable", "tonumber", "tostring", "type", "warn", "xpcall", "_VERSION", "debug", "package",
}

local function copy(t)
  local c = {}
  for key, value in next, t do c[key] = value end
  return c
end

-- ---- undefined names -------------------------------------------------------------------------

local function add_globals(env, names)
  local globals = {}
  for name in next, env do
    if type(name) == "string" then globals[#globals + 1] = name end
  end
  table.sort(globals)
  return table.move(globals, 1, #globals, #names + 1, names)
end

--- Names that could have been meant: locals and upvalues of the functions on the stack, inner ones first, then globals.
local function names_in_reach(env, level)
  local names = {}
  while true do
    local info = debug.getinfo(level, "fS")
    if not info then break end
    if info.what ~= "C" and not place.is_own(info.source) then
      local i = 1
      while true do
        local name = debug.getlocal(level, i)
        if not name then break end
        if not name:find("^%(") then names[#names + 1] = name end
        i = i + 1
      end
      i = 1
      while true do
        local name = debug.getupvalue(info.func, i)
        if not name then break end
        if name ~= "_ENV" and name ~= "" then names[#names + 1] = name end
        i = i + 1
      end
    end
    level = level + 1
  end
  return add_globals(env, names)
end

local function undefined(env, name)
  if type(name) ~= "string" then return nil end
  if name == "ork" then error("undefined variable `ork`; begin with: local ork = require \"ork\"", 2) end
  local near = core.suggest(name, names_in_reach(env, 3))
  error(("undefined variable `%s`%s"):format(name, near and ("; did you mean `%s`?"):format(near) or ""), 2)
end

--- Names that functions within a chunk read though nothing defined them when it had run: { { line, text, hint } … }. They
--- raise when they are come to.
--- Names of other versions of Lua, which code that runs on all of them asks for before it uses them.
local ELSEWHERE <const> = { setfenv = 1, getfenv = 1, unpack = 1, loadstring = 1, module = 1, jit = 1, bit = 1, bit32 = 1, newproxy = 1 }

function strict.undefined(env, chunk)
  local found, seen = {}, {}
  local function is_there(name) return type(name) ~= "string" or rawget(env, name) ~= nil or ELSEWHERE[name] ~= nil end
  for _, each in ipairs(code.globals(chunk, is_there)) do
    local at = each.name .. " " .. each.line
    if not seen[at] then
      local near = core.suggest(each.name, add_globals(env, table.move(each.names, 1, #each.names, 1, {})))
      found[#found + 1] = { line = each.line, text = ("undefined variable `%s`"):format(each.name),
        hint = each.name == "ork" and "begin with: local ork = require \"ork\"" or near and ("did you mean `%s`?"):format(near) or nil }
    end
    seen[at] = true
  end
  return found
end

local function define(session)
  return function(env, name, value)
    local info = debug.getinfo(2, "S")
    if session.done or info.what == "Lua" then
      error(("sets the global `%s` inside a function; write `local %s`, or define it at the top of the script"):format(
        tostring(name), tostring(name)), 2)
    end
    rawset(env, name, value)
  end
end

-- ---- the same from every load ----------------------------------------------------------------

local rank = { number = 1, string = 2 }

local function before(a, b)
  local x, y = type(a), type(b)
  if x == y then return a < b end
  return rank[x] < rank[y]
end

--- pairs in key order: numbers, then texts; keys of other types last. A field removed on the way is not visited.
local function ordered_pairs(...)
  local t = ...
  local meta = debug.getmetatable(t)
  if meta and meta.__pairs then
    local f, s, first = meta.__pairs(t)
    return f, s, first
  end
  if type(t) ~= "table" then
    error(("bad argument #1 to 'pairs' (table expected, got %s)"):format(select("#", ...) == 0 and "no value" or type(t)), 2)
  end
  local keys, others, sorted = {}, {}, true
  for key in next, t do
    if rank[type(key)] then
      sorted = sorted and (#keys == 0 or before(keys[#keys], key))
      keys[#keys + 1] = key
    else
      others[#others + 1] = key
    end
  end
  if not sorted then table.sort(keys, before) end
  table.move(others, 1, #others, #keys + 1, keys)
  local i = 0
  return function()
    while true do
      i = i + 1
      local key = keys[i]
      if key == nil then return nil end
      local value = rawget(t, key)
      if value ~= nil then return key, value end
    end
  end, t, nil
end

--- io.stderr:write, at once: a script that takes long says how far it is. Above the live view, where there is one.
local function write_to_stderr(...)
  local term = package.loaded["ork.term"]
  if term and term.view then return term.view:print(...) end
  local done, why = io.stderr:write(...)
  io.stderr:flush()
  return done, why
end

local function print_to_stderr(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  write_to_stderr(table.concat(parts, "\t", 1, parts.n), "\n")
end

--- A function of os that reads the moment of loading; said once.
local function warning_os(session)
  local o, said = copy(os), {}
  local function warn_once(name, instead)
    if said[name] then return end
    said[name] = true
    local file, line = place.here(3)
    session:warn({
      code = "EDEF", file = file, line = line, text = ("os.%s is read while the script loads, not in the run"):format(name),
      hint = instead,
    })
  end
  local date_hint = "ork.date and ork.this.logical_time are the run's own"
  function o.time(t)
    if t == nil then warn_once("time", date_hint) end
    return os.time(t)
  end
  function o.date(format, t)
    if t == nil then warn_once("date", date_hint) end
    return os.date(format, t)
  end
  function o.getenv(name)
    warn_once("getenv", "a command reads its environment itself; `params` are given with the run")
    return os.getenv(name)
  end
  function o.exit()
    error("a script does not end the program: return its workflow, or raise an error", 2)
  end
  return o
end

--- `io` whose `io.write` goes to stderr as long as nobody opened another output: stdout is for results.
local function io_to_stderr()
  local own = copy(io)
  function own.write(...)
    if io.output() ~= io.stdout then return io.write(...) end
    return write_to_stderr(...)
  end
  return own
end

local standard = copy(string)

--- The methods of all texts, Ork's own among them: a script may add some, and replaces none that was there.
local function extensible_string()
  return setmetatable({}, {
    __index = string, __name = "string", __metatable = false,
    __pairs = function() return ordered_pairs(string) end,
    __newindex = function(_, name, value)
      if standard[name] then error(("string.%s cannot be replaced; give yours another name"):format(tostring(name)), 2) end
      rawset(string, name, value)
    end,
  })
end

--- An environment for a session of the loader: { done, warn = method, require = function, read = function }.
function strict.new(session)
  local env = { arg = session.arg }
  for _, name in ipairs(plain) do env[name] = _G[name] end
  env._G = env
  env.pairs = ordered_pairs
  env.print = print_to_stderr
  env.os = warning_os(session)
  env.io = io_to_stderr()
  env.string = extensible_string()
  for _, name in ipairs({ "coroutine", "math", "table", "utf8" }) do env[name] = copy(_G[name]) end
  env.math.random, env.math.randomseed = random.new()
  env.require = session.require
  function env.load(chunk, name, mode, ...)
    return load(chunk, name, mode or "t", select("#", ...) > 0 and (...) or env)
  end
  function env.loadfile(path)
    local text, why = session.read(path)
    if not text then return nil, why end
    return load(require("ork.source").blank(text), "@" .. path, "t", env)
  end
  function env.dofile(path)
    local chunk, why = env.loadfile(path)
    if not chunk then error(why, 2) end
    return chunk()
  end
  return setmetatable(env, { __index = undefined, __newindex = define(session), __metatable = false, __name = "ork.script" })
end

return strict
