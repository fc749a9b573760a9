-- SPDX-License-Identifier: MIT
-- Going on with an earlier run under the script as it is now: `ork SCRIPT --resume`, `ork retry RUN --update`.
local core = require "ork.core"
local definition = require "ork.cli.definition"
local drive = require "ork.cli.drive"
local hint = require "ork.cli.hint"
local stop = require "ork.cli.stop"
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local update = {}

--- Rows for the options of both commands.
update.keep = { "keep", false, "what succeeded stays, also where its definition changed" }

-- ---- params ----------------------------------------------------------------------------------

local function as_typed(value)
  if type(value) == "string" then return value end
  return (stop.check(core.json.encode(value)))
end

--- What the script finds in `arg`: the params of the run as they would be typed, and over them what was typed now.
function update.arg(path, run, typed)
  local params = {}
  for name, value in pairs(run.params or {}) do params[name] = as_typed(value) end
  for name, value in pairs(typed or {}) do params[name] = value end
  return definition.arg(path, {}, params)
end

--- The run's params as the new definition wants them, over them what is given now; what it has no more is left out.
local function params_of(workflow, run, typed, options, at)
  local schema = stop.check(core.json.decode(stop.check(core.options_json(workflow)))).params or {}
  local kept = {}
  for name, value in pairs(run.params or {}) do
    if schema[name] and not typed[name] then kept[name] = value end
  end
  return definition.params(workflow, typed, {
    params_file = options.params_file, at = at or run.logical_time and sys.time(run.logical_time), kept = kept,
    kept_of = text.short(run.id), kept_by = options.resume and "%s=…" or ("`ork retry %s --update %%s=…`"):format(text.short(run.id)),
  })
end

-- ---- telling ---------------------------------------------------------------------------------

local function names(list, count)
  local shown = table.move(list, 1, #list, 1, {})
  if count > #list then return ("%s and %d more"):format(table.concat(shown, ", "), count - #list) end
  return text.list(shown, #shown + 1)
end

local function tell(run, report)
  -- to go: which of them will run and which be skipped is seen on the way
  term.news(("going on with run %s of %s (%s, %s): %s to go, %d stay as they are"):format(text.short(run.id), run.workflow, run.status,
    text.time(run.created_at), text.plural(report.runs, "task"), report.kept))
  local function line(key, words)
    local count = report[key .. "_count"]
    if count > 0 then term.news(words:format(names(report[key], count))) end
  end
  line("changed", "  changed since they succeeded, and run again with all after them (--keep leaves them): %s")
  line("stale", "  kept though their definition changed: %s")
  line("new", "  new: %s")
  line("gone", "  no longer in the script: %s")
end

-- ---- moving ----------------------------------------------------------------------------------

local function check_from(workflow, from)
  local tasks, of = core.task_names(workflow), from and from:match("^(.*)/%d+$")
  for _, name in ipairs(tasks) do
    if from == nil or name == from then return end
    if name == of then stop(2, "--from takes a task, and `%s` is an item: --from %s does them all again", from, of) end
  end
  local near = core.suggest(from, tasks)
  stop(4, "the definition has no task `%s`%s", from, near and ("; did you mean `%s`?"):format(near) or "")
end

--- Moves the run to the workflow's definition and carries it out; returns the exit code. typed: params by name; options:
--- from, keep, timeout, params_file.
function update.carry_on(engine, run, workflow, typed, options)
  check_from(workflow, options.from)
  local params = params_of(workflow, run, typed, options)
  local under_way = (run.counts.running or 0) - run.waiting + (run.counts.dispatched or 0)
  if under_way > 0 and not (run.owner and run.owner.alive) then
    term.news(("%s of run %s may still be running; what runs may finish first (Ctrl-C leaves it)"):format(
      text.plural(under_way, "task"), text.short(run.id)))
  end
  drive.prepare(engine, core.task_names(workflow))
  return drive.to_end(engine, function()
    local report = stop.check(engine:update(run.id, workflow, { params = params, from = options.from, keep = options.keep }))
    if options.detach then require("ork.cli.detach").announce(engine, run.id, "resumed", run.workflow) end
    tell(run, report)
    return run.id, "resumed"
  end, { timeout = options.timeout })
end

-- ---- which run -------------------------------------------------------------------------------

local PAGE = 20
local UNFINISHED = { "pending", "running", "paused", "failed", "cancelled" }
local HOW = { failed = "failed", cancelled = "was cancelled" }

--- The newest run of a workflow that `wanted(run)`; statuses: all when nil.
local function newest_where(engine, name, statuses, wanted)
  local filter = { workflow = name, status = statuses, limit = PAGE }
  repeat
    local page = stop.check(engine:runs(filter))
    for _, run in ipairs(page) do
      if wanted(run) then return run end
    end
    filter.before = #page > 0 and page[#page].id or nil
  until #page < PAGE
end

local function is_whole(run) return not run.part end
local function is_left(run) return not run.part and not (run.owner and run.owner.alive) end

--- The newest run succeeded: nothing is gone on with unasked, but what may have been meant is named.
local function refuse_success(engine, run, path, from)
  local name, ways = run.workflow, {}
  local again = from and " --from " .. text.word(from) or ""
  if from then
    ways[1] = ("to run `%s` and all after it again there: ork retry %s --update%s"):format(from, text.short(run.id), again)
  end
  local older = newest_where(engine, name, UNFINISHED, is_left)
  if older then
    local id = text.short(older.id)
    ways[#ways + 1] = ("to go on with the older %s, which %s: ork retry %s --update%s"):format(id,
      HOW[older.status] or "is unfinished", id, again)
  end
  if #ways == 0 then stop(4, "no run of `%s` to go on with: all of them succeeded (`ork %s` starts one)", name, path) end
  stop(4, "the newest run of `%s` succeeded; %s", name, table.concat(ways, "; "))
end

-- ---- the run that given params mean ----------------------------------------------------------

--- What is given now, as a run would have it stored: name → JSON text; nil when nothing is given. Days are read as of now.
local function wanted_params(workflow, run, typed, options)
  local given = {}
  for name in pairs(definition.params_file(options.params_file) or {}) do given[name] = true end
  for name in pairs(typed) do given[name] = true end
  if not next(given) then return nil end
  local complete = stop.check(core.json.decode(params_of(workflow, run, typed, options, sys.now())))
  local wanted = {}
  for name in pairs(given) do wanted[name] = core.json.encode(complete[name]) end
  return wanted
end

local function has(run, name, value)
  local own = (run.params or {})[name]
  return own ~= nil and core.json.encode(own) == value
end

local function has_all(run, wanted)
  for name, value in pairs(wanted) do
    if not has(run, name, value) then return false end
  end
  return true
end

--- Would the run's own value of that param still do? Else another has to be given.
local function is_valid(workflow, run, name)
  local complete, why = core.params(workflow, { [name] = run.params[name] }, nil, sys.now())
  return complete ~= nil or not ("\n" .. why):find("\nparams." .. name, 1, true)
end

--- No run has what is given: changing the params of the newest one unasked would lose what that was for.
local function refuse_other(workflow, run, wanted, path)
  local has_now, given = {}, {}
  for name, value in pairs(wanted) do
    local own = (run.params or {})[name]
    if own ~= nil and not has(run, name, value) and is_valid(workflow, run, name) then
      has_now[#has_now + 1] = name .. "=" .. as_typed(own)
      given[#given + 1] = text.word(name .. "=" .. as_typed(core.json.decode(value)))
    end
  end
  if #given == 0 then return end
  table.sort(has_now)
  table.sort(given)
  local words, id = table.concat(given, " "), text.short(run.id)
  stop(2, "the newest run of %s has %s; no run to go on with has %s\n  to go on with the newest:        %s\n"
    .. "  with what is given now instead:  %s\n  to start a run of its own:       %s",
    run.workflow, table.concat(has_now, " "), words, hint.line("ork %s --resume", path),
    hint.line("ork retry %s --update %s", id, words), hint.line("ork %s %s", path, words))
end

--- The newest run of a workflow, if it did not succeed, and what is left of `typed` to change in it. Params that are given
--- choose the newest unfinished or failed run that has them. Those of a part (--to, --only) are passed by. Ends the command when
--- there is none. options: from, params_file.
function update.choose(engine, workflow, path, typed, options)
  local name = workflow.name
  local found = newest_where(engine, name, nil, is_whole)
  local newest = found and stop.check(engine:run(found.id))
  local wanted = newest and wanted_params(workflow, newest, typed, options)
  if wanted then
    local match
    newest_where(engine, name, UNFINISHED, function(run)
      match = is_whole(run) and stop.check(engine:run(run.id)) or nil
      return match and has_all(match, wanted)
    end)
    if match and has_all(match, wanted) then return match, {} end
  end
  if found and found.status == "success" then refuse_success(engine, found, path, options.from) end
  if wanted then refuse_other(workflow, newest, wanted, path) end
  if found then return newest, typed end
  local part = stop.check(engine:runs({ workflow = name, limit = 1 }))[1]
  if part then
    stop(4, "no run of `%s` to go on with: only parts of it have run (the newest: ork retry %s --update)", name, text.short(part.id))
  end
  stop(4, "no run of `%s` to go on with: it has not run yet (`ork %s` starts it)", name, path)
end

--- The definition that a run's own script gives now.
function update.definition_of(run, typed)
  local path = run.script_path
  if not path then stop(2, "run %s does not come from a script; --update has nothing to load", text.short(run.id)) end
  if not sys.stat(path) and run.script_dir and not sys.stat(run.script_dir) then
    stop(2, "the script's folder %s is gone; moved? ork NEW/%s --resume, from where it is now", run.script_dir, path:match("([^/]*)$"))
  end
  local loaded = definition.load(path, update.arg(path, run, typed), nil, { stop_at_start = true })
  local workflow = loaded.by_name[run.workflow]
  if not workflow then stop(2, "%s defines no workflow `%s` any more", path, run.workflow) end
  return workflow
end

return update
