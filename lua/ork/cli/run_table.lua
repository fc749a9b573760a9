-- SPDX-License-Identifier: MIT
-- Runs as a table, for `runs` and the prompt.
local columns = require "ork.cli.columns"
local term = require "ork.term"
local text = require "ork.cli.text"

local function row_of(run)
  local counts = run.counts or {}
  return {
    text.short(run.id), term.line(run.workflow), run.status, ("%d/%d"):format(counts.success or 0, run.tasks_total or 0),
    text.time(run.started_at or run.created_at), text.took(run), run.error and run.error ~= run.status and term.line(run.error) or "",
  }
end

--- Prints the first `limit` of a list of run documents.
return function(runs, limit)
  local rows = {}
  for i = 1, math.min(#runs, limit or #runs) do rows[i] = row_of(runs[i]) end
  local lines = columns({
    { "RUN" }, { "WORKFLOW", shrink = true, drop = 1 }, { "STATUS", paint = term.paint_status }, { "TASKS", right = true, drop = 4 },
    { "STARTED", drop = 3 }, { "TOOK", right = true, drop = 5 }, { "ERROR", shrink = true, drop = 2 },
  }, rows, term.width())
  for _, line in ipairs(lines) do term.out(line) end
end
