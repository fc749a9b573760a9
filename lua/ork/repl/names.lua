-- SPDX-License-Identifier: MIT
-- The names there are at the prompt: what the user sets, the helpers, the script's workflows, Lua's own. In this order; an
-- undefined one raises, as in scripts.
local args = require "ork.cli.args"
local core = require "ork.core"
local ork = require "ork"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local names = {}

--- Commands that are functions here, and whether the newest run is meant when none is named.
local look = {
  runs = false, tasks = true, show = true, logs = true, output = true, status = false, why = false, versions = false,
  cancel = true, pause = true,
}

-- ---- arguments -------------------------------------------------------------------------------

local function is_run(value) return type(value) == "table" and getmetatable(value) and getmetatable(value).__name == "ork.run" end
local function is_task(value) return type(value) == "table" and getmetatable(value) and getmetatable(value).__name == "ork.run_task" end

--- Words for the command line from an argument: a run, a task of one, a workflow, a text.
local function add_words(words, value, name)
  if is_run(value) then
    words[#words + 1] = rawget(value, "run_id")
  elseif is_task(value) then
    words[#words + 1] = rawget(value, "run_id")
    words[#words + 1] = rawget(value, "task_name")
  elseif core.is_workflow(value) then
    words[#words + 1] = value.name
  elseif type(value) == "string" or type(value) == "number" then
    words[#words + 1] = tostring(value)
  else
    error(("%s takes a run, a workflow, or a name of one, not %s"):format(name, value == nil and "nil" or "a " .. type(value)), 3)
  end
end

local function add_options(words, options, command)
  local keys, known = {}, {}
  for _, row in ipairs(command.options or {}) do known[#known + 1] = (row[1]:gsub("-", "_")) end
  for key in pairs(options) do
    keys[#keys + 1] = tostring(key)
    local found = false
    for _, name in ipairs(known) do found = found or name == key end
    if not found then
      local near = type(key) == "string" and core.suggest(key, known)
      error(("%s has no option `%s`%s"):format(command.name, tostring(key), near and ("; did you mean `%s`?"):format(near)
        or #known > 0 and "; there are " .. table.concat(known, ", ") or ""), 3)
    end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local value, flag = options[key], "--" .. key:gsub("_", "-")
    for _, each in ipairs(type(value) == "table" and not getmetatable(value) and value or { value }) do
      if each == true then words[#words + 1] = flag elseif each ~= false then words[#words + 1] = flag .. "=" .. tostring(each) end
    end
  end
end

--- A command as a function: show(run, "task"), runs{ status = "failed" }, logs(run, { tail = 5 }).
local function command_function(session, name, wants_run)
  return function(...)
    local command = require("ork.cli." .. name)
    local words, options = {}, nil
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      if type(value) == "table" and not getmetatable(value) then
        options = value
      else
        add_words(words, value, name)
      end
    end
    if wants_run and #words == 0 then words[1] = session.last_run or "last" end
    if options then add_options(words, options, command) end
    command.run(args.parse(command, words))
  end
end

-- ---- helpers ---------------------------------------------------------------------------------

--- The run that is meant by a handle, a name, a workflow, or nothing.
local function find_run(session, which)
  if is_run(which) then return which end
  if is_task(which) then return (stop.check(ork.find(rawget(which, "run_id")))) end
  if core.is_workflow(which) then which = which.name end
  if which ~= nil and type(which) ~= "string" then error("this takes a run or the name of one, not a " .. type(which), 3) end
  return (stop.check(ork.find(which or session.last_run or "last")))
end

local function copy(t)
  local c = {}
  for key, value in next, t do c[key] = value end
  return c
end

--- Lua's libraries as copies: who changes them changes his own. Ending the program and writing are the prompt's business.
local function add_libraries(session, helpers)
  for _, name in ipairs({ "coroutine", "debug", "io", "math", "os", "string", "table", "utf8" }) do helpers[name] = copy(_G[name]) end
  function helpers.os.exit(code)
    session.exit_code = code == false and 1 or math.tointeger(code)
    error(session.Leave, 0)
  end
  function helpers.io.write(...)
    if io.output() ~= io.stdout or not session.input.typing then return io.write(...) end
    session:print((table.concat({ ... }):gsub("\n$", "")))
    return io.stdout
  end
end

local function helpers_of(session)
  local helpers = { ork = ork, help = require "ork.repl.help" }
  for name, wants_run in pairs(look) do
    for _, row in ipairs(require "ork.cli.commands") do
      if row[1] == name then helpers[name] = command_function(session, name, wants_run) end
    end
  end
  function helpers.retry(which, options)
    if type(which) == "table" and not getmetatable(which) then which, options = nil, which end
    local it = find_run(session, which)
    local outcome = stop.check(it:retry(options))
    session:expect(it)
    term.message(outcome == "sent" and ("run %s: its program will try again"):format(text.short(it.id))
      or ("trying again: run %s of %s"):format(text.short(it.id), it.workflow))
    return it
  end
  function helpers.resume(which)
    local it = find_run(session, which)
    local outcome = stop.check(it:resume())
    session:expect(it)
    term.message(("run %s of %s: %s"):format(text.short(it.id), it.workflow, outcome == "sent" and "its program goes on" or "going on"))
    return it
  end
  function helpers.rerun(which, options)
    if type(which) == "table" and not getmetatable(which) then which, options = nil, which end
    local new = stop.check(find_run(session, which):rerun(options))
    session:expect(new)
    return new
  end
  function helpers.find(which) return find_run(session, which) end
  function helpers.reload() return session:reload() end
  helpers.exit = setmetatable({}, {
    __call = function(_, code) helpers.os.exit(code) end,
    __tostring = function() return "exit() or Ctrl-D ends the prompt" end,
  })
  helpers.quit = helpers.exit
  add_libraries(session, helpers)
  helpers.workflows = session.workflows
  helpers.applied = command_function(session, "workflows", false)
  function helpers.print(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    session:print(table.concat(parts, "\t", 1, parts.n))
  end
  return helpers
end

-- ---- the environment -------------------------------------------------------------------------

local function suggestion(session, name)
  local list = {}
  for _, source in ipairs({ session.env, session.helpers, session.by_name, _G }) do
    for key in next, source do
      if type(key) == "string" then list[#list + 1] = key end
    end
  end
  table.sort(list)
  local near = core.suggest(name, list)
  return near and ("; did you mean `%s`?"):format(near) or ""
end

--- Lua's own functions that compile code give it this environment.
local function add_loaders(helpers, env)
  function helpers.load(code, name, mode, ...)
    return load(code, name, mode or "t", select("#", ...) > 0 and (...) or env)
  end
  function helpers.loadfile(path, mode, ...)
    return loadfile(path, mode or "t", select("#", ...) > 0 and (...) or env)
  end
  function helpers.dofile(path)
    local chunk, why = loadfile(path, "t", env)
    if not chunk then error(why, 2) end
    return chunk()
  end
end

--- Gives the session its `helpers` and `env`.
function names.add(session)
  session.helpers = helpers_of(session)
  session.env = setmetatable({}, { __index = function(_, name)
    local value = session.helpers[name]
    if value == nil then value = session.by_name[name] end
    if value == nil then value = _G[name] end
    if value ~= nil or type(name) ~= "string" or session.declared[name] then return value end
    error(("undefined variable `%s`%s"):format(name, suggestion(session, name)), 2)
  end })
  session.helpers._G = session.env
  add_loaders(session.helpers, session.env)
end

--- Workflows of `list` by name; a name that a helper has is only reached by workflows.NAME.
function names.hidden(session)
  local hidden = {}
  for name in pairs(session.by_name) do
    if session.helpers[name] ~= nil then hidden[#hidden + 1] = name end
  end
  table.sort(hidden)
  return hidden
end

return names
