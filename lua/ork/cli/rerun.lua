-- SPDX-License-Identifier: MIT
local core = require "ork.core"
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local rerun = {
  name = "rerun",
  usage = "rerun RUN [--from T] [--set T.input=JSON] [name=value ...]",
  summary = "Starts a new run with the definition, the params and the logical time of an old one",
  text = [[
The old run stays as it is. The definition is the one of then, whatever the script says now; to run the script of now: ork
SCRIPT. So the tasks that a script makes of its words (`arg.NAME`) stay as they were, also with another value for that param.]],
  examples = {
    { "ork rerun last", "the same again" },
    { "ork rerun etl~1 day=2026-10-31", "the run before the newest of `etl`, for another day" },
    { "ork rerun last --from load", "take over everything before `load` and begin there" },
    { [[ork rerun last --set load.input='{"rows":3}']], "play it with another input for one task" },
  },
  words = { 1, 1 },
  params = true,
  options = {
    { "from", "T", "take over what succeeded before this task and begin there" },
    { "set", "T.input=JSON", "give a task this input instead; may be repeated", many = true },
    { "param", "name=value", "another value for a param (also: name=value)", many = true },
    { "jobs", "N", "at most so many processes at once", kind = "count", short = "j" },
    { "timeout", "D", "cancel the run when it takes longer (exit code 124)", kind = "duration" },
  },
}

--- A day as it may be typed ("yesterday", "-3d") where the param was one, as a script's own params read it; nil: it is none.
local function read_day(old, typed)
  if not old:find("^%d%d%d%d%-%d%d%-%d%d$") then return nil end
  local reader = core.workflow("rerun", { params = { day = "date" } })
  reader:task("none", { command = { "true" } }) -- a workflow has one
  local complete = core.params(reader, nil, { day = typed }, core.sys.now())
  return complete and core.json.decode(complete).day
end

--- A typed text read as the kind of value the param had.
local function read_like(name, old, typed)
  if type(old) == "string" then return read_day(old, typed) or typed end
  local value
  if math.type(old) == "integer" then
    value = math.tointeger(tonumber(typed))
  elseif type(old) == "number" then
    value = tonumber(typed)
  elseif type(old) == "boolean" then
    value = ({ ["true"] = true, ["false"] = false, yes = true, no = false, ["1"] = true, ["0"] = false })[typed]
  elseif old == nil then
    value = core.json.decode(typed)
    if value == nil then value = typed end
    return value
  else
    local why
    value, why = core.json.decode(typed)
    if value == nil then stop(2, "the param `%s` is no JSON: %s", name, why) end
  end
  if value == nil then stop(2, "the param `%s` was %s; `%s` is none", name, tostring(old), typed) end
  return value
end

local function new_params(run, typed)
  if next(typed) == nil then return nil end
  local known, params = {}, {}
  for name in pairs(run.params or {}) do known[#known + 1] = name end
  for name, value in pairs(typed) do
    if run.params[name] == nil then
      local near = core.suggest(name, known)
      if near or #known == 0 then
        stop(2, "run %s has no param `%s`%s", text.short(run.id), name, near and ("; did you mean `%s`?"):format(near) or "")
      end
    end
    params[name] = read_like(name, run.params[name], value)
  end
  return params
end

local function new_inputs(list)
  if not list then return nil end
  local set = {}
  for _, word in ipairs(list) do
    local path, json = word:match("^([^=]+)=(.*)$")
    if not path or not path:find("%.input") then stop(2, "--set is written TASK.input=JSON, not `%s`", word) end
    local value, why = core.json.decode(json)
    if value == nil then stop(2, "--set %s: %s", path, why or "null is no input") end
    set[path] = value
  end
  return set
end

function rerun.run(given)
  local options = given.options
  local engine <close> = open.change(options)
  local run = stop.check(engine:run(open.find(engine, given.words[1])))
  require("ork.cli.moved").tell(engine, run.script_path)
  local args = { params = new_params(run, given.params), from = options.from, set = new_inputs(options.set) }
  drive.prepare(engine, drive.names(engine, run.id))
  return drive.to_end(engine, function()
    local id, how = stop.check(engine:rerun(run.id, next(args) and args or nil))
    term.news(("run %s of %s, again as %s"):format(text.short(run.id), run.workflow, text.short(id)))
    return id, how
  end, { timeout = options.timeout })
end

return rerun
