-- SPDX-License-Identifier: MIT
-- Ork: workflows written in Lua. `local ork = require "ork"`
local core = require "ork.core"
local attach = require "ork.attach"
local inline = require "ork.inline"
local loader = require "ork.loader"
local problems = require "ork.problems"
local run = require "ork.run"

---@class ork
local ork = {
  version = core.version,
  workflow = core.workflow,
  pool = core.pool,
  date = core.date,
  secret = core.secret,
  defer = require "ork.defer",
  format = core.format,
  input = core.input,
  this = core.this,
  each = core.each,
  product = core.product,
  json = core.json,
  null = core.null,
  list = core.list,
  read = loader.read,
  executor = require "ork.executor",
}

--- A type that also takes null: ork.optional{ rows = "int" } (for a word, "int?" is the same).
---@param type ork.type
---@return ork.type
function ork.optional(type) return { "?", type } end

--- Loads the workflows of a script. Raises all its mistakes together, and that there is no such file.
---@param path string
---@return ork.workflow ... in the order the script returns them
function ork.load(path)
  if type(path) ~= "string" then error("ork.load takes the path of a script, not " .. type(path), 2) end
  local loaded = loader.load(path, { stop_at_start = true })
  local there = core.sys.stat(path) -- mistakes have their own places; that there is no such file has that of the call
  if #loaded.problems > 0 then error(problems.text(loaded.problems), there and 0 or 2) end
  return table.unpack(loaded.workflows)
end

-- ---- driving (ork.run): each start is announced to the loader first --------------------------

for _, name in ipairs({ "start", "run" }) do
  local begin = run[name]
  ork[name] = function(workflow, ...)
    loader.starting()
    return begin(workflow, ...)
  end
end
for _, name in ipairs({ "runs", "find", "why" }) do ork[name] = run[name] end

--- Opens a database for this program. A script that does is one that drives its runs itself.
ork.open = function(...)
  loader.starting()
  return run.open(...)
end

-- ---- other loops -----------------------------------------------------------------------------

ork.spawn = inline.spawn
for _, name in ipairs({ "attach", "fd", "timeout", "step" }) do ork[name] = attach[name] end

for _, name in ipairs({ "start", "run", "runs", "find", "why", "open", "load", "spawn", "attach", "step" }) do
  local call = ork[name]
  ork[name] = function(...) -- tail calls: levels count from what is called
    if rawequal((...), ork) then error(("call it with a dot: ork.%s(…)"):format(name), 2) end
    return call(...)
  end
end
for _, name in ipairs({ "start", "run" }) do core.methods[name] = ork[name] end

-- ---- names -----------------------------------------------------------------------------------

local later = {
  defer = "deferred jobs", testing = "the simulator",
}

--- What is looked for here and is somewhere else.
local elsewhere = {
  serve = "a server is the command `ork serve`", apply = "applying is a command: ork apply SCRIPT",
  schedule = "a schedule is an option of a workflow, which `ork apply SCRIPT` and `ork serve` keep: ork.workflow(\"w\", { schedule = { cron = \"0 2 * * *\" } })",
  trigger = "for a scheduler that runs it is the command `ork trigger NAME`; here: ork.start(w, params)",
  BashOperator = "a task is w:task(\"name\", { command = \"…\" })", PythonOperator = "a task is w:task(\"name\", { python = \"FILE.py:FUNCTION\" })",
  dag = "a DAG is a workflow: ork.workflow(\"name\", { … })", DAG = "a DAG is a workflow: ork.workflow(\"name\", { … })",
  task = "a task belongs to a workflow: w:task(\"name\", { … })",
  ds = "the run's day is ork.date()", now = "the run's time is ork.date(\"0s\", \"%Y-%m-%dT%H:%M:%SZ\")",
}

return setmetatable(ork, {
  __name = "ork",
  __index = function(_, name)
    if later[name] then
      error(("ork.%s (%s) comes with a later version; this one runs programs (`command`) and functions (`run`)"):format(name, later[name]), 2)
    end
    if elsewhere[name] then error(("ork has no `%s`: %s"):format(name, elsewhere[name]), 2) end
    local names = {}
    for each in next, ork do names[#names + 1] = each end
    table.sort(names)
    local near = type(name) == "string" and core.suggest(name, names)
    error(("ork has no field `%s`%s"):format(tostring(name), near and ("; did you mean `%s`?"):format(near) or ""), 2)
  end,
  __newindex = function(_, name) error(("ork.%s cannot be set"):format(tostring(name)), 2) end,
})
