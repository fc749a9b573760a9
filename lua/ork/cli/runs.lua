-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local runs = {
  name = "runs",
  usage = "runs [WORKFLOW] [--status S] [--since D]",
  summary = "Lists runs, newest first",
  text = [[
The newest 20 unless --limit says otherwise. TASKS counts those that succeeded. `ork show RUN` says more about one.]],
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

local function row_of(run)
  local counts = run.counts or {}
  return {
    text.short(run.id), term.line(run.workflow), run.status, ("%d/%d"):format(counts.success or 0, run.tasks_total or 0),
    text.time(run.started_at or run.created_at), text.took(run), run.error and run.error ~= run.status and term.line(run.error) or "",
  }
end

function runs.run(given)
  local options = given.options
  local limit = options.limit or 20
  local engine <close> = open.read(options)
  local filter = {
    workflow = options.workflow or given.words[1], status = options.status, since_ms = options.since,
    before = options.before and open.find(engine, options.before),
    limit = term.json and limit or limit + 1,
  }
  if term.json then
    term.out((stop.check(engine:runs(filter, true))))
    return 0
  end

  local list = stop.check(engine:runs(filter))
  if #list == 0 then
    local any = not (filter.workflow or filter.status or filter.since_ms or filter.before)
    term.news(any and "no runs yet" or "no such runs")
    return 0
  end
  local rows = {}
  for i = 1, math.min(#list, limit) do rows[i] = row_of(list[i]) end
  local lines = columns({
    { "RUN" }, { "WORKFLOW", shrink = true }, { "STATUS", paint = term.paint_status }, { "TASKS", right = true },
    { "STARTED" }, { "TOOK", right = true }, { "ERROR", shrink = true },
  }, rows, term.width())
  for _, line in ipairs(lines) do term.out(line) end
  if #list > limit then term.news(("older ones: ork runs --before %s"):format(text.short(list[limit].id))) end
  return 0
end

return runs
