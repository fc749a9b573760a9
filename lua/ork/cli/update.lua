-- SPDX-License-Identifier: MIT
-- Going on with an earlier run under the script as it is now: `ork SCRIPT --resume`, `ork retry RUN --update`.
local core = require "ork.core"
local definition = require "ork.cli.definition"
local drive = require "ork.cli.drive"
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
local function params_of(workflow, run, typed, options)
  local schema = stop.check(core.json.decode(stop.check(core.options_json(workflow)))).params or {}
  local kept = {}
  for name, value in pairs(run.params or {}) do
    if schema[name] and not typed[name] then kept[name] = value end
  end
  return definition.params(workflow, typed, {
    params_file = options.params_file, at = run.logical_time and sys.time(run.logical_time), kept = kept,
  })
end

-- ---- telling ---------------------------------------------------------------------------------

local function names(list, count)
  local shown = table.move(list, 1, #list, 1, {})
  if count > #list then return ("%s and %d more"):format(table.concat(shown, ", "), count - #list) end
  return text.list(shown, #shown + 1)
end

local function tell(run, report)
  term.news(("going on with run %s of %s (%s, %s): %s, %d stay as they are"):format(text.short(run.id), run.workflow, run.status,
    text.time(run.created_at), report.runs == 1 and "1 task runs" or report.runs .. " tasks run", report.kept))
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

--- Moves the run to the workflow's definition and carries it out; returns the exit code. typed: params by name; options:
--- from, keep, timeout, params_file.
function update.carry_on(engine, run, workflow, typed, options)
  local params = params_of(workflow, run, typed, options)
  local under_way = (run.counts.running or 0) + (run.counts.dispatched or 0)
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

--- The newest run of a workflow that did not succeed. Ends the command when there is none.
function update.newest(engine, name, path)
  local found = stop.check(engine:runs({ workflow = name, status = { "pending", "running", "paused", "failed", "cancelled" }, limit = 1 }))[1]
  if found then return stop.check(engine:run(found.id)) end
  local any = stop.check(engine:runs({ workflow = name, limit = 1 }))[1]
  stop(4, any and "no run of `%s` to go on with: all of them succeeded (`ork %s` starts one)"
    or "no run of `%s` to go on with: it has not run yet (`ork %s` starts it)", name, path)
end

--- The definition that a run's own script gives now.
function update.definition_of(run)
  local path = run.script_path
  if not path then stop(2, "run %s does not come from a script; --update has nothing to load", text.short(run.id)) end
  local loaded = definition.load(path, update.arg(path, run), nil, { stop_at_start = true })
  local workflow = loaded.by_name[run.workflow]
  if not workflow then stop(2, "%s defines no workflow `%s` any more", path, run.workflow) end
  return workflow
end

return update
