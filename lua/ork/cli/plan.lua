-- SPDX-License-Identifier: MIT
local catalog = require "ork.cli.catalog"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local open = require "ork.cli.open"
local signature = require "ork.cli.signature"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local plan = {
  name = "plan",
  usage = "plan SCRIPT|NAME [name=value ...] [--types] [--format text|dot|json]",
  summary = "Shows what a run would do: the tasks level by level, the longest chain, and when it is due",
  text = [[
Tasks of one level wait for nothing but earlier levels; the longest chain is what the run cannot be faster than. Params are
checked as for a run, nothing is run. With --types a line for each task says what it takes and what it gives, as far as it is declared or
Python's hints say it; a task that is a run of another workflow takes its params and gives what it returns.
Without a script NAME is an applied workflow, or NAME@VERSION; behind a script that defines several, NAME picks one.]],
  examples = {
    { "ork plan pipeline.lua", "levels and the longest chain" },
    { "ork plan pipeline.lua --format dot | dot -Tsvg >plan.svg", "a picture (Graphviz)" },
    { "ork plan etl.lua day=yesterday --json", "for programs" },
    { "ork plan etl@2", "version 2 of an applied workflow" },
    { "ork plan etl --types", "what its tasks take and give" },
    { "ork plan etl.lua --at 2026-03-28", "when its schedule is due from that day on" },
  },
  words = { 1, 2 },
  params = true,
  options = {
    { "format", "F", "text, dot (Graphviz) or json", choices = { "text", "dot", "json" } },
    { "types", false, "what each task takes and gives" },
    { "param", "name=value", "a param (also: name=value)", many = true },
    { "params-file", "F", "params from a JSON file" },
    { "at", "TIME", "the run's logical time; a schedule's next times are those after it (default: now)", kind = "time" },
  },
}

local MOST_NAMES = 8 -- of a level, unless --verbose

--- How many tasks can run at once: as many as the broadest level has, unless max_parallel allows fewer.
local function at_once(document)
  local allowed = document.max_parallel
  if document.each and not allowed then return "as many at once as its lists are long" end
  if document.each then return ("at most %d at once (max_parallel)"):format(allowed) end
  if not allowed or allowed >= document.width then return ("at most %d at once"):format(document.width) end
  return ("at most %d at once (max_parallel; without it %d)"):format(allowed, document.width)
end

local function show_text(workflow, name)
  local document = stop.check(core.json.decode(stop.check(core.plan_json(workflow))))
  term.out(("%s: %s, %s, %s"):format(name, text.plural(document.tasks, "task"), text.plural(document.depth, "level"),
    at_once(document)))
  local digits = #tostring(document.depth)
  local once_per_item = {}
  for _, task in ipairs(document.each or {}) do once_per_item[task] = task .. " (per item)" end
  for i, level in ipairs(document.levels) do
    for k, task in ipairs(document.each and level or {}) do level[k] = once_per_item[task] or task end
    local names = text.list(level, term.verbose and #level or MOST_NAMES)
    term.out(("  %" .. digits .. "d  %s"):format(i, names))
  end
  local runs = {}
  for task, other in pairs(document.runs or {}) do runs[#runs + 1] = task .. " (" .. other .. ")" end
  table.sort(runs)
  if #runs > 0 then term.out("runs of other workflows: " .. text.list(runs, term.verbose and #runs or MOST_NAMES)) end
  if #document.critical_path > 1 then
    local path = document.critical_path
    if #path > 2 * MOST_NAMES and not term.verbose then
      path = table.move(path, 1, MOST_NAMES, 1, {})
      path[#path + 1] = ("(%d more)"):format(#document.critical_path - 2 * MOST_NAMES)
      table.move(document.critical_path, #document.critical_path - MOST_NAMES + 1, #document.critical_path, #path + 1, path)
    end
    term.out("longest chain: " .. table.concat(path, " -> "))
  end
end

local function tasks_of(workflow) return stop.check(core.json.decode(stop.check(core.tasks_json(workflow)))) end

local function options_of(workflow) return stop.check(core.json.decode(stop.check(core.options_json(workflow)))) end

--- `extract  { day = date } -> { rows = int }`, a line for each task.
local function show_types(workflow)
  local tasks, options, width = tasks_of(workflow), options_of(workflow), 0
  for _, task in ipairs(tasks) do width = math.max(width, utf8.len(task.task_name)) end
  term.out("types:")
  for _, task in ipairs(tasks) do
    local declared = signature.of_task(task, options) or {}
    local takes, gives = declared.input_type, declared.output_type
    term.out(("  %s%s  %s -> %s"):format(task.task_name, (" "):rep(width - utf8.len(task.task_name)),
      takes and definition.type_text(takes) or "-", gives ~= nil and definition.type_text(gives) or "-"))
  end
end

local function schedule_of(workflow) return options_of(workflow).schedule end

local FIRES = 5 -- next times shown

local function show_fires(workflow, after)
  local option = schedule_of(workflow)
  if not option then return end
  local fires = require "ork.cli.fires"
  term.out(("schedule: %s"):format(fires.rule(option)))
  for _, line in ipairs(fires.lines(fires.document(option, after, FIRES))) do term.out(line) end
end

local function show_json(workflow, after, types)
  local option = schedule_of(workflow)
  if not option and not types then return term.out((stop.check(core.plan_json(workflow)))) end
  local document = stop.check(core.json.decode(stop.check(core.plan_json(workflow))))
  if option then document.schedule = require("ork.cli.fires").document(option, after, FIRES) end
  if types then
    document.signatures = {}
    local options = options_of(workflow)
    for _, task in ipairs(tasks_of(workflow)) do document.signatures[task.task_name] = signature.of_task(task, options) end
  end
  term.out((stop.check(core.json.encode(document))))
end

local function show_dot(workflow, name)
  term.out(('digraph "%s" {\n  rankdir=LR;\n  node [shape=box];'):format(name))
  for _, task in ipairs(tasks_of(workflow)) do
    term.out(('  "%s";'):format(task.task_name))
    for _, dependency in ipairs(task.depends_on or {}) do
      term.out(('  "%s" -> "%s";'):format(dependency, task.task_name))
    end
  end
  term.out("}")
end

local function from_script(path, name, given)
  return definition.pick(definition.load(path, definition.arg(path, { name }, given.params), nil, { stop_at_start = true }), path, name)
end

local function from_database(word, extra, options)
  if extra then stop(2, "`%s` is one word too many: ork %s", extra, plan.usage) end
  local engine <close> = open.read(options)
  return catalog.open(engine, word)
end

function plan.run(given)
  local options, path, name = given.options, given.words[1], given.words[2]
  local format = options.format or (term.json and "json" or "text")
  local workflow = catalog.is_script(path) and from_script(path, name, given) or from_database(path, name, options)
  if next(given.params) or options.params_file then definition.params(workflow, given.params, options) end
  name = workflow.name
  if format == "json" then
    show_json(workflow, options.at or core.sys.now(), options.types)
  elseif format == "dot" then
    show_dot(workflow, name)
  else
    show_text(workflow, name)
    if options.types then show_types(workflow) end
    show_fires(workflow, options.at or core.sys.now())
  end
  return 0
end

return plan
