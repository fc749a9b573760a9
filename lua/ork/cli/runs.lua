-- SPDX-License-Identifier: MIT
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
    term.news(any and "no runs yet; start one: ork SCRIPT" or "no such runs")
    return 0
  end
  require "ork.cli.run_table"(list, limit)
  if #list > limit then term.news(("older ones: ork runs --before %s"):format(text.short(list[limit].id))) end
  return 0
end

return runs
