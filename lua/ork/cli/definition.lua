-- SPDX-License-Identifier: MIT
-- Scripts as commands see them: loaded, their mistakes told, and the workflow that is meant picked out.
local core = require "ork.core"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local definition = {}

local function tell(list, mark)
  if #list > 0 then term.message(stop.shorten(term.escape(require("ork.problems").report(list, mark)))) end
end

--- Prints mistakes, each with its place.
function definition.tell(problems) tell(problems) end

--- The same for what is only doubtful.
function definition.warn(warnings) tell(warnings, "warning: ") end

--- What a script finds in `arg`: [0] its path, the words after it, and by name the params as they were typed, for graphs
--- that depend on one.
function definition.arg(path, words, params)
  local given = { [0] = path, table.unpack(words) }
  for name, typed in pairs(params) do given[name] = typed end
  return given
end

--- Loads a script; ends with code 2 after telling all that is wrong with it (and calling on_failure). opts: stop_at_start
--- (as of ork.loader).
function definition.load(path, words, on_failure, opts)
  local loaded = require("ork.loader").load(path, { arg = words, stop_at_start = opts and opts.stop_at_start })
  if not term.quiet then definition.warn(loaded.warnings) end -- cron would send a mail each night
  if #loaded.problems > 0 then
    definition.tell(loaded.problems)
    if on_failure then on_failure() end
    stop.quietly(2)
  end
  return loaded
end

--- The names of a script's workflows, in their order.
function definition.names(loaded)
  local names = {}
  for i, workflow in ipairs(loaded.workflows) do names[i] = workflow.name end
  return names
end

local function has_param(workflow, name)
  local options = core.json.decode(core.options_json(workflow) or "{}")
  return options and options.params and options.params[name] ~= nil
end

--- The workflow called `name`; without a name the only one. Ends with a list of them (2) when there is a choice.
function definition.pick(loaded, path, name)
  if name then
    local workflow = loaded.by_name[name]
    if workflow then return workflow end
    local names = definition.names(loaded)
    local near = core.suggest(name, names)
    if #loaded.workflows == 1 and has_param(loaded.workflows[1], name) then
      stop(2, "`%s` is a param; give it a value: %s=…", name, name)
    end
    for _, each in ipairs(loaded.workflows) do
      for _, task in ipairs(core.task_names(each)) do
        if task == name then
          stop(2, "`%s` is a task: ork %s%s --to %s runs it and what it needs", name, path, #names > 1 and " " .. text.word(each.name) or "",
            text.word(name))
        end
      end
    end
    stop(2, "%s has no workflow `%s`%s", path, name, near and ("; did you mean `%s`?"):format(near)
      or "; it has " .. text.list(names, 20))
  end
  if #loaded.workflows == 1 then return loaded.workflows[1] end
  if #loaded.workflows == 0 then
    stop(2, "%s returns no workflow; end it with `return` and the workflow it defines", path)
  end
  local lines = { ("%s has %d workflows; name one:"):format(path, #loaded.workflows) }
  for _, each in ipairs(definition.names(loaded)) do lines[#lines + 1] = ("  ork %s %s"):format(path, each) end
  stop(2, "%s", table.concat(lines, "\n"))
end

--- What is wrong with params, a line for each; one whose value is that of an earlier run says so.
local function explain_params(why, options, given)
  local lines = {}
  for line in why:gmatch("[^\n]+") do
    local name = options.kept and line:match("^params%.([%w_]+)")
    if name and options.kept[name] ~= nil and given[name] == options.kept[name] then
      line = ("%s; this is the value of run %s, %s gives another"):format(line, options.kept_of, options.kept_by:format(name))
    end
    lines[#lines + 1] = line
  end
  return #lines > 1 and "several params are wrong:\n  " .. table.concat(lines, "\n  ") or lines[1]
end

--- What --params-file gives: values by name, or nil.
function definition.params_file(path)
  if not path then return nil end
  local bytes, why = require("ork.modules").read_file(path)
  if not bytes then stop(2, "--params-file: %s", why:find(path, 1, true) and why or path .. ": " .. why) end
  local given
  given, why = core.json.decode((bytes:gsub("^\239\187\191", ""))) -- editors on Windows write a byte order mark
  if type(given) ~= "table" then stop(2, "%s: %s", path, why or "not a JSON object with a value for each param") end
  return given
end

--- Complete params as JSON text. Param values come typed (name → text), from --params-file, and from options.kept (name →
--- value, the weakest; of the run options.kept_of, another is given by options.kept_by).
function definition.params(workflow, typed, options)
  local given = definition.params_file(options.params_file)
  for name, value in pairs(options.kept or {}) do
    given = given or {}
    if given[name] == nil then given[name] = value end
  end
  local complete, why = core.params(workflow, given, next(typed) and typed or nil, options.at or core.sys.now())
  if not complete then
    stop(2, "%s", explain_params(why, options, given or {}))
  end
  return complete
end

--- Params that a scheduled run would have no value for, as mistakes of the definition.
function definition.schedule_problems(workflow)
  local options = stop.check(core.json.decode(stop.check(core.options_json(workflow))))
  local given, missing, problems = options.schedule and options.schedule.params or {}, {}, {}
  for name, param in pairs(options.schedule and options.params or {}) do
    if param.required and given[name] == nil then missing[#missing + 1] = name end
  end
  table.sort(missing)
  local file, line = core.workflow_place(workflow)
  for i, name in ipairs(missing) do
    problems[i] = { code = "EDEF", file = file, line = line, hint = ("give it one: schedule = { params = { %s = … }, … }"):format(name),
      text = ("the schedule of workflow `%s` leaves its param `%s` without a value"):format(workflow.name, name) }
  end
  return problems
end

-- ---- explaining ------------------------------------------------------------------------------

local function type_text(t)
  if type(t) == "string" then return t end
  if type(t) ~= "table" then return "any" end
  if t[1] == "?" then return type_text(t[2]) .. "?" end
  if t[1] ~= nil then return "{ " .. type_text(t[1]) .. " }" end
  if next(t) == nil then return "{}" end
  local names, parts = {}, {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. " = " .. type_text(t[name]) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- A type as a script writes it, without the quotes.
definition.type_text = type_text

--- A value that a definition gives a param: a constant, or a date relative to the run's time.
local function default_text(expression)
  if expression == nil then return nil end
  if type(expression) == "table" and expression.date then
    local offset = expression.date.offset_ms or 0
    if offset == 0 then return "the run's day" end
    return ("%s %s the run's time"):format(text.duration(math.abs(offset)), offset < 0 and "before" or "after")
  end
  if type(expression) == "table" and expression.const ~= nil then expression = expression.const end
  return type(expression) == "string" and expression or (core.json.encode(expression))
end

definition.value_text = default_text

local function param_line(spec)
  local parts = { spec.description }
  local default = default_text(spec.default)
  if default then
    parts[#parts + 1] = "default " .. default
  elseif spec.required then
    parts[#parts + 1] = "required"
  end
  if spec.choices and #spec.choices > 0 then
    local words = {}
    for i, choice in ipairs(spec.choices) do words[i] = tostring(choice) end
    parts[#parts + 1] = "one of " .. table.concat(words, ", ")
  end
  if spec.min ~= nil then parts[#parts + 1] = "from " .. tostring(spec.min) end
  if spec.max ~= nil then parts[#parts + 1] = "to " .. tostring(spec.max) end
  return table.concat(parts, "; ")
end

--- What a workflow is for and which params it takes, as text.
function definition.describe(workflow, path, several)
  local options = stop.check(core.json.decode(stop.check(core.options_json(workflow))))
  local name, tasks = workflow.name, core.task_names(workflow)
  local names = {}
  for param in pairs(options.params or {}) do names[#names + 1] = param end
  table.sort(names)
  local lines = {
    ("usage: ork %s%s%s"):format(path, several and " " .. name or "", #names > 0 and " [name=value ...]" or ""),
    "",
    ("%s: %s (%s)"):format(name, options.description or "no description", text.plural(#tasks, "task")),
  }
  if #names > 0 then
    lines[#lines + 1] = "\nparams:"
    local width, kinds = 0, 0
    for _, param in ipairs(names) do
      width = math.max(width, #param)
      kinds = math.max(kinds, #type_text(options.params[param].type))
    end
    for _, param in ipairs(names) do
      local spec = options.params[param]
      lines[#lines + 1] = (("  %-" .. width .. "s  %-" .. kinds .. "s  %s"):format(param, type_text(spec.type),
        param_line(spec)):gsub("%s+$", ""))
    end
  end
  return table.concat(lines, "\n")
end

return definition
