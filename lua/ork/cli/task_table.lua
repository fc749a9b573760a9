-- SPDX-License-Identifier: MIT
-- Tasks of a run as a table, for `tasks` and `show`.
local columns = require "ork.cli.columns"
local sys = require("ork.core").sys
local term = require "ork.term"
local text = require "ork.cli.text"

local ORDER = { "running", "waiting", "dispatched", "pending", "failed", "skipped", "cancelled" }

--- "497 of 500 items, 3 failed"
local function items(task)
  local c = task.items
  local parts = { ("%d of %s"):format(c.success or 0, text.plural(c.count, "item")) }
  for _, status in ipairs(ORDER) do
    local n = (c[status] or 0) - (status == "running" and c.waiting or 0)
    if n > 0 then parts[#parts + 1] = ("%d %s"):format(n, status == "dispatched" and "handed over" or status) end
  end
  return table.concat(parts, ", ")
end

local function reason(task)
  if task.items and task.status ~= "pending" then return items(task) end
  if task.waits then return text.waits(task.waits) end
  if task.status == "pending" and task.retry_at then
    return ("again at %s: %s"):format(text.clock(sys.time(task.retry_at)), text.reason(task) or "")
  end
  local why = task.status ~= "success" and text.reason(task)
  return why and why ~= task.status and why or ""
end

--- Prints the list of task documents. page: as of columns.lua, for long lists.
return function(tasks, page)
  local rows, now = {}, sys.now()
  for i, task in ipairs(tasks) do
    rows[i] = {
      task.name, text.status(task), (task.attempt or 0) > 0 and tostring(task.attempt) or "", text.took(task, now),
      term.line(reason(task)),
    }
  end
  local lines = columns({
    { "TASK", shrink = true }, { "STATUS", paint = term.paint_status }, { "ATTEMPT", right = true, drop = 3 },
    { "TOOK", right = true, drop = 2 }, { "REASON", shrink = true, drop = 1 },
  }, rows, term.width(), page)
  for _, line in ipairs(lines) do term.out(line) end
end
