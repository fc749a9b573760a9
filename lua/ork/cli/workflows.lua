-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local workflows = {
  name = "workflows",
  usage = "workflows [--applied]",
  summary = "Lists the workflows that the database knows",
  text = [[
Applied ones have a current VERSION and are started by `ork run NAME`. Those with `-` are known by their runs alone (`ork SCRIPT`), or were
taken out; their runs can be looked at, retried and rerun.]],
  examples = {
    { "ork workflows", "all of them, with their newest run" },
    { "ork workflows --applied --json", "what can be started by its name, for programs" },
  },
  options = { { "applied", false, "only those with a current version" } },
}

local function row_of(workflow)
  local last = workflow.last_run
  return {
    term.line(workflow.name), workflow.version and tostring(workflow.version) or "-", workflow.tasks and tostring(workflow.tasks) or "-",
    tostring(workflow.runs), last and last.status or "", last and text.time(last.created_at) or "",
    workflow.script_path and term.line(workflow.script_path) or "-",
  }
end

function workflows.run(given)
  local engine <close> = open.read(given.options)
  local filter = { applied = given.options.applied or nil }
  if term.json then
    term.out((stop.check(engine:workflows(filter, true))))
    return 0
  end
  local all = stop.check(engine:workflows(filter))
  if #all == 0 then
    term.news(given.options.applied and "no workflow is applied; `ork apply SCRIPT` applies those of a script" or "no workflows yet")
    return 0
  end
  local rows = {}
  for i, workflow in ipairs(all) do rows[i] = row_of(workflow) end
  for _, line in ipairs(columns({
    { "WORKFLOW", shrink = true }, { "VERSION", right = true }, { "TASKS", right = true }, { "RUNS", right = true },
    { "LAST", paint = term.paint_status }, { "WHEN" }, { "SCRIPT", shrink = true },
  }, rows, term.width())) do term.out(line) end
  return 0
end

return workflows
