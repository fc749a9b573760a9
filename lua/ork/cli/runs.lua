-- SPDX-License-Identifier: MIT
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local runs = {
  name = "runs",
  usage = "runs [WORKFLOW] [--status S] [--since D]",
  summary = "Lists runs, newest first",
  text = [[
The newest 20 unless --limit says otherwise. TASKS counts those that succeeded. TOOK is from the first start to the
end, with all waiting in between, also for a retry. PARAMS, where there is room, has those that tell the runs of a workflow
apart. FOR, where there are any, names the task of another run that a run is of. `ork show RUN` says more about one; RUN is what stands in the first column
(more ways: `ork help naming`).]],
  examples = {
    { "ork runs", "what ran last" },
    { "ork runs --status failed --since 1d", "last night's failures" },
    { "ork runs etl -n 5", "the newest five of the workflow `etl`" },
    { "ork runs --status running --json", "what runs now, for programs" },
  },
  words = { 0, 1 },
  options = {
    { "workflow", "NAME", "only runs of this workflow" },
    { "status", "S", "only runs with this status; may be repeated", many = true,
      choices = { "pending", "running", "paused", "success", "failed", "cancelled" } },
    { "since", "D", "only runs created since then: 2d, 2026-11-01", kind = "since" },
    { "limit", "N", "at most so many (20)", kind = "count", short = "n" },
    { "before", "RUN", "only runs older than this one" },
  },
}

--- Why nothing is listed.
local function nothing(engine, filter)
  local any = not (filter.workflow or filter.status or filter.since_ms or filter.before)
  if any then return "no runs yet; start one: ork SCRIPT" end
  local names = {}
  for i, workflow in ipairs(filter.workflow and engine:workflows() or {}) do
    if workflow.name == filter.workflow then return "no such runs" end
    names[i] = workflow.name
  end
  if not filter.workflow then return "no such runs" end
  local near = require("ork.core").suggest(filter.workflow, names)
  return ("no runs of a workflow `%s`%s"):format(term.line(filter.workflow), near and ("; did you mean `%s`?"):format(near)
    or "; `ork workflows` lists what there is")
end

function runs.run(given)
  local options = given.options
  if options.workflow and given.words[1] then stop(2, "WORKFLOW and --workflow are the same: give one") end
  local limit = options.limit or 20
  local engine <close> = open.read(options)
  local filter = {
    workflow = options.workflow or given.words[1], status = options.status, since_ms = options.since,
    before = options.before and open.find(engine, options.before),
    limit = term.json and limit or limit + 1, params = true,
  }
  if term.json then
    term.out((stop.check(engine:runs(filter, true))))
    return 0
  end

  local list = stop.check(engine:runs(filter))
  if #list == 0 then
    term.news(stop.shorten(nothing(engine, filter)))
    return 0
  end
  require "ork.cli.run_table"(list, limit)
  if #list > limit then term.news("older ones: " .. hint.line("ork runs --before %s", text.short(list[limit].id))) end
  return 0
end

return runs
