-- SPDX-License-Identifier: MIT
local catalog = require "ork.cli.catalog"
local confirm = require "ork.cli.confirm"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local fires = require "ork.cli.fires"
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local apply = {
  name = "apply",
  usage = "apply SCRIPT... | NAME@VERSION",
  summary = "Keeps the workflows of scripts in the database, or goes back to a version",
  text = [[
The definition of each workflow becomes the current one of its name, with the sources it was made of: `ork run NAME` starts it
from anywhere, without the script. Each definition that was current has a number; content that was there before keeps its own.
All scripts are checked first, and all of their workflows are stored in one step or none. It shows what is new, what changed
(+ a task, - a task, ~ what differs) and what is the same.

Runs that have begun keep the definition they began with. `ork SCRIPT` runs the script as it is and changes nothing here.]],
  examples = {
    { "ork apply etl.lua", "keep the workflows of a script" },
    { "ork apply --dry-run jobs/*.lua", "only show what would change" },
    { "ork apply etl.lua --prune", "also take out what this script once defined and no longer does" },
    { "ork apply etl@2", "go back to version 2 (ork versions etl lists them)" },
  },
  words = { 1 },
  options = {
    { "dry-run", false, "only show what would change" },
    { "prune", false, "take out workflows that were applied from these scripts and are no longer in them" },
    confirm.option,
  },
}

-- ---- the scripts -----------------------------------------------------------------------------

local function real_path(path)
  local folder, name = path:match("^(.*)/([^/]*)$")
  if folder == "" then folder = "/" end
  local full = core.sys.realpath(folder or ".")
  return full and (full == "/" and "" or full) .. "/" .. (name or path)
end

local function absolute(paths)
  local list = {}
  for i, path in ipairs(paths or {}) do list[i] = real_path(path) end
  return list
end

--- Loads all scripts, tells all that is wrong with them, and ends (2) if anything is. Returns { workflow, script }s.
local function load_all(paths)
  local loader = require "ork.loader"
  local found, by_name, bad, seen = {}, {}, false, {}
  local function refuse(message, ...)
    term.message("ork: " .. term.escape(message:format(...)))
    bad = true
  end
  for _, path in ipairs(paths) do
    local full = real_path(path) or path
    if seen[full] then stop(2, "%s is given twice", path) end
    seen[full] = true
    local loaded = loader.load(path, { arg = { [0] = path }, twice = true })
    definition.warn(loaded.warnings)
    for _, workflow in ipairs(#loaded.problems == 0 and loaded.workflows or {}) do
      local more = definition.schedule_problems(workflow)
      table.move(more, 1, #more, #loaded.problems + 1, loaded.problems)
    end
    definition.tell(loaded.problems)
    bad = bad or #loaded.problems > 0
    if loaded.started then refuse("%s starts runs itself; a script to apply defines its workflows and returns them", path) end
    for _, workflow in ipairs(loaded.workflows) do
      local other = by_name[workflow.name]
      if other then refuse("workflow `%s` is defined by %s and by %s", workflow.name, other, path) end
      by_name[workflow.name] = path
      found[#found + 1] = { workflow = workflow, name = workflow.name, script = full, files = absolute(loaded.files) }
    end
  end
  if bad then
    term.message("nothing was applied")
    stop.quietly(2)
  end
  return found, by_name, seen
end

-- ---- comparing -------------------------------------------------------------------------------

--- What the database has: the definition, or nil when it is not applied.
local function current_of(engine, name, version)
  local workflow, why, code = engine:workflow(name, version)
  if workflow then return workflow end
  if code ~= "ENOTFOUND" then stop.check(nil, why, code) end
end

local function folder_of(path) return path and path:match("^(.*)/[^/]*$") end

--- how: "new", "same", "changed". now_in: the folder, when it was applied from another one. version: what is compared with; nil: the current one.
local function compare(engine, each, version)
  local current = engine and current_of(engine, each.name, version)
  local row = current and not version and stop.check(engine:workflows({ name = each.name }))[1]
  local was, is = row and folder_of(row.script_path), folder_of(each.script)
  if row then each.now_in = was and is and was ~= is and is or nil end
  if not current then
    each.how, each.diff = "new", nil
    local known = engine and stop.check(engine:workflows({ name = each.name }))[1]
    each.again = known and known.versions > 0
  elseif core.hash(current) == core.hash(each.workflow) then
    each.how, each.diff = "same", nil
  else
    each.how, each.diff = "changed", stop.check(core.diff(current, each.workflow))
  end
end

--- Applied workflows that came from one of these scripts and are in none of them now.
local function find_gone(engine, by_name, scripts)
  local gone = {}
  if not engine then return gone end
  for _, row in ipairs(stop.check(engine:workflows({ applied = true }))) do
    if scripts[row.script_path] and not by_name[row.name] then
      gone[#gone + 1] = { name = row.name, version = row.version, script = row.script_path }
    end
  end
  return gone
end

-- ---- telling ---------------------------------------------------------------------------------

--- What became of its schedule: when it is due next, or why it is not.
local function schedule_line(each, dry)
  local options = stop.check(core.json.decode(stop.check(core.options_json(each.workflow))))
  local schedule = options.schedule
  if not schedule then return nil end
  local rule = fires.rule(schedule)
  if dry then
    if each.how == "same" then return nil end
    local first = fires.document(schedule, core.sys.now(), 1).fires[1]
    return ("  schedule: %s%s"):format(rule, first and "; next " .. fires.lines({ fires = { first } })[1]:match("^%s*(.*)$") or "; never again")
  end
  local stored = each.stored
  if not stored then return nil end
  if not stored.enabled then
    return ("  schedule: %s; off since %s: %s"):format(rule, text.time(stored.off_since), hint.line("ork schedule %s on", text.word(each.name)))
  end
  if each.how == "same" then return nil end
  return ("  schedule: %s; next %s"):format(rule, fires.time(schedule, stored.next_scheduled_at))
end

local function headline(each, dry)
  local tasks = text.plural(core.task_count(each.workflow), "task")
  if each.how == "new" and each.again then
    return dry and ("%s: would be applied again (%s)"):format(each.name, tasks)
      or ("%s: applied again, version %d (%s)"):format(each.name, each.version, tasks)
  elseif each.how == "new" then
    return dry and ("%s: would be new (%s)"):format(each.name, tasks) or ("%s: new, version %d (%s)"):format(each.name, each.version, tasks)
  elseif each.how == "same" then
    local place = each.now_in and ", now in " .. term.escape(each.now_in) or ""
    return (each.version and ("%s: same, version %d"):format(each.name, each.version) or ("%s: same"):format(each.name)) .. place
  end
  local sources = catalog.sources_only(each.diff) and ", sources only" or ""
  if dry then return ("%s: would change%s"):format(each.name, sources) end
  local again = each.version < each.was and " again" or ""
  return ("%s: changed%s, version %d%s (was %d)%s"):format(each.name, sources, each.version, again, each.was,
    each.now_in and ", now in " .. term.escape(each.now_in) or "")
end

local function tell(found, dry)
  for _, each in ipairs(found) do
    term.out(headline(each, dry))
    if each.diff then
      for _, line in ipairs(catalog.lines(each.diff)) do term.out(line) end
    end
    local schedule = schedule_line(each, dry)
    if schedule then term.out(term.escape(schedule)) end
  end
end

local function names_of(gone)
  local names = {}
  for i, each in ipairs(gone) do names[i] = ("%s (version %d)"):format(each.name, each.version) end
  return text.list(names, 10)
end

local function tell_gone(gone, options)
  if #gone == 0 or options.prune and not options.dry_run then return end
  local words = options.prune and "would be taken out: %s"
    or "applied from there before, not defined there any more: %s; --prune takes " .. (#gone == 1 and "it" or "them") .. " out"
  term.message(words:format(names_of(gone)))
end

local function document_of(each, dry)
  return { workflow = each.name, how = each.how, was = each.was, version = each.version, dry_run = dry or false,
    tasks = each.workflow and core.task_count(each.workflow), script_path = each.script, diff = each.diff,
    files = each.files and core.list(each.files), next_scheduled_at = each.next_scheduled_at }
end

local function print_documents(found, gone, dry)
  local list = {}
  for i, each in ipairs(found) do list[i] = document_of(each, dry) end
  for _, each in ipairs(gone) do list[#list + 1] = document_of(each, dry) end
  term.out((stop.check(core.json.encode(core.list(list)))))
end

-- ---- the command -----------------------------------------------------------------------------

--- How its schedule stands now.
local function note_schedule(engine, each)
  each.stored = stop.check(engine:schedules({ name = each.name, limit = 1 }))[1]
  each.next_scheduled_at = each.stored and each.stored.next_scheduled_at
end

--- Stores it; what was compared before is compared again where somebody else applied in between.
local function store(engine, found, gone)
  local workflows, remove = {}, {}
  for i, each in ipairs(found) do workflows[i] = each.workflow end
  for i, each in ipairs(gone) do remove[i] = { workflow = each.name, version = each.version } end
  local outcomes = stop.check(engine:apply(workflows, core.list(remove)))
  for i, each in ipairs(found) do
    local outcome = outcomes[i]
    local expected = each.how == "new" and not outcome.was or each.how == "same" and outcome.was == outcome.version
    each.was, each.version = outcome.was, outcome.version
    if not expected then
      if outcome.was then compare(engine, each, outcome.was) else each.how, each.diff = "new", nil end
    end
  end
  for _, each in ipairs(found) do note_schedule(engine, each) end
  local taken = {}
  for i, each in ipairs(gone) do
    each.how, each.was, each.version = "removed", each.version, nil
    if outcomes[#found + i].removed then taken[#taken + 1] = each end
  end
  return taken
end

local function apply_scripts(paths, options)
  local found, by_name, scripts = load_all(paths)
  local dry = options.dry_run
  local engine <close> = dry and (require("ork.database").locate({ url = options.db }) and open.read(options) or nil)
    or not dry and open.run(options) or nil
  for _, each in ipairs(found) do compare(engine, each) end
  local gone = find_gone(engine, by_name, scripts)
  if not term.json or not dry then tell_gone(gone, options) end
  if dry then
    for _, each in ipairs(gone) do each.how = "removed" end
    if term.json then print_documents(found, options.prune and gone or {}, true) else tell(found, true) end
    return 0
  end

  local remove = options.prune and gone or {}
  if #remove > 0 then confirm(("take out %s?"):format(names_of(remove)), options) end
  local taken = store(engine, found, remove)
  if term.json then
    print_documents(found, taken, false)
    return 0
  end
  tell(found, false)
  for _, each in ipairs(taken) do
    term.out(("%s: taken out (its runs stay; `ork apply %s@%d` brings it back)"):format(each.name, each.name, each.was))
  end
  return 0
end

local function go_back(word, options)
  if options.prune then stop(2, "--prune goes with scripts, not with NAME@VERSION") end
  local name, version = catalog.parse(word)
  local engine <close> = options.dry_run and open.read(options) or open.change(options)
  local target = stop.check(engine:workflow(name, version))
  local each = { name = name, workflow = target }
  if options.dry_run then
    compare(engine, each)
    each.version, each.was = version, stop.check(engine:workflows({ name = name }))[1].version
  else
    local was = stop.check(engine:activate(name, version))
    each.was, each.version = was > 0 and was or nil, version
    if was == 0 then each.how = "new" elseif was == version then each.how = "same" else compare(engine, each, was) end
  end
  if term.json then
    print_documents({ each }, {}, options.dry_run)
  elseif each.how == "new" and not options.dry_run then
    term.out(("%s: version %d is current again (none was)"):format(name, version))
  else
    if each.how == "changed" then
      local words = options.dry_run and "%s: version %d would be current again (now %d)" or "%s: version %d is current again (was %d)"
      term.out(words:format(name, version, each.was))
      for _, line in ipairs(catalog.lines(each.diff)) do term.out(line) end
    else
      tell({ each }, options.dry_run)
    end
  end
  return 0
end

function apply.run(given)
  local words = given.words
  for _, word in ipairs(words) do
    if word:find("@", 1, true) and not catalog.is_script(word) then
      if #words > 1 then stop(2, "one NAME@VERSION at a time, and no script beside it") end
      return go_back(word, given.options)
    end
  end
  if #words == 1 and not catalog.is_script(words[1]) then
    stop(2, "no file `%s`; to go back to a version of a workflow: ork apply %s@VERSION", words[1], words[1])
  end
  return apply_scripts(words, given.options)
end

return apply
