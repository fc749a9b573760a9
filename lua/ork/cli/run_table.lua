-- SPDX-License-Identifier: MIT
-- Runs as a table, for `runs` and the prompt.
local columns = require "ork.cli.columns"
local core = require "ork.core"
local term = require "ork.term"
local text = require "ork.cli.text"

local function param_text(value)
  if type(value) == "string" then return value end
  return value == nil and "" or core.json.encode(value) or "?"
end

--- What tells the first `n` runs of a workflow apart: the params whose values differ (documents may have none).
local function differences(runs, n)
  local first, differ = {}, {}
  for i = 1, n do
    local name, params = runs[i].workflow, runs[i].params or {}
    first[name], differ[name] = first[name] or params, differ[name] or {}
    for _, each in ipairs({ params, first[name] }) do
      for key in pairs(each) do
        if param_text(params[key]) ~= param_text(first[name][key]) then differ[name][key] = true end
      end
    end
  end
  return differ
end

local function told_apart(run, differ)
  local parts = {}
  for key in pairs(differ) do
    if (run.params or {})[key] ~= nil then parts[#parts + 1] = key .. "=" .. param_text(run.params[key]) end
  end
  table.sort(parts)
  return term.line(table.concat(parts, " "))
end

local function row_of(run, differ)
  local counts = run.counts or {}
  return {
    text.short(run.id), term.line(run.workflow), run.status, ("%d/%d"):format(counts.success or 0, run.tasks_total or 0),
    text.time(run.started_at or run.created_at), text.took(run), run.parent and ("%s of %s"):format(run.parent.task, run.parent.short) or "",
    told_apart(run, differ), run.error and run.error ~= run.status and term.line(run.error) or "",
  }
end

--- Prints the first `limit` of a list of run documents.
return function(runs, limit)
  local rows, n = {}, math.min(#runs, limit or #runs)
  local differ = differences(runs, n)
  for i = 1, n do rows[i] = row_of(runs[i], differ[runs[i].workflow]) end
  local list = {
    { "RUN" }, { "WORKFLOW", shrink = true, drop = 1 }, { "STATUS", paint = term.paint_status }, { "TASKS", right = true, drop = 4 },
    { "STARTED", drop = 3 }, { "TOOK", right = true, drop = 5 }, { "FOR", shrink = true, drop = 7 },
    { "PARAMS", shrink = true, drop = 6 }, { "ERROR", shrink = true, drop = 2 },
  }
  for column = 8, 7, -1 do -- that of whose task a run is, that of params: not where there are none
    local any = false
    for _, row in ipairs(rows) do any = any or row[column] ~= "" end
    if not any then
      table.remove(list, column)
      for _, row in ipairs(rows) do table.remove(row, column) end
    end
  end
  local lines = columns(list, rows, term.width())
  for _, line in ipairs(lines) do term.out(line) end
end
