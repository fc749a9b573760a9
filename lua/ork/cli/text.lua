-- SPDX-License-Identifier: MIT
-- How ids, times, durations and counts read for people. Documents carry times as RFC 3339 in UTC; people get local time.
local sys = require("ork.core").sys

local text = {}

--- The last 8 characters of a run's id: the first ones are a clock and alike for all runs of a day.
function text.short(id) return id:sub(-8) end

--- "2026-11-01 03:00:05" in local time; "-" for nil.
function text.time(rfc3339)
  local ms = rfc3339 and sys.time(rfc3339)
  return ms and os.date("%Y-%m-%d %H:%M:%S", ms // 1000) or "-"
end

--- "14:03:05" of an instant in ms.
function text.clock(ms) return os.date("%H:%M:%S", ms // 1000) end

--- How long until then, as it was meant: a delay of 0.1 s is seen after some milliseconds of it have gone.
function text.delay(ms)
  local step = ms < 45 and 5 or ms < 1000 and 50 or ms < 10000 and 500 or 1000
  return text.duration(math.max(1, (ms + step // 2) // step) * step)
end

function text.duration(ms) return ms and sys.format_duration(ms) or "-" end

--- How long something that started then has taken, or took.
function text.took(document, now)
  if document.took_ms then return text.duration(document.took_ms) end
  local started = document.started_at and not document.finished_at and sys.time(document.started_at)
  return started and text.duration(math.max(0, (now or sys.now()) - started)) or "-"
end

--- "1 task", "3 tasks".
function text.plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

--- "2 of 7 tasks (--to clean)" for a run that is a part of its workflow; nil for one that is all of it.
function text.part(run, total)
  local part = run.part
  if not part then return nil end
  local mine = part.only and 1 or total - (part.left_out or 0)
  return ("%d of %s (--%s %s)"):format(mine, text.plural(total, "task"), part.to and "to" or "only", part.to or part.only)
end

local order = { "failed", "cancelled", "skipped", "running", "waiting", "dispatched", "paused", "pending", "success" }

--- Counts by status, the worst first: "1 failed, 2 skipped, 4 success". waiting: how many of those running only wait.
function text.counts(counts, waiting)
  local parts = {}
  for _, status in ipairs(order) do
    local n = status == "waiting" and waiting or counts and counts[status]
    if status == "running" and n and waiting then n = n - waiting end
    if n and n > 0 then parts[#parts + 1] = ("%d %s"):format(n, status) end
  end
  return table.concat(parts, ", ")
end

--- "a, b and c"; of more than `max`, "a, b and 5 more".
function text.list(words, max)
  max = max or 6
  if #words == 0 then return "" end
  if #words == 1 then return words[1] end
  if #words > max then
    return ("%s and %d more"):format(table.concat(words, ", ", 1, max - 1), #words - max + 1)
  end
  return ("%s and %s"):format(table.concat(words, ", ", 1, #words - 1), words[#words])
end

local function is_wide(point) -- the ranges that terminals show two columns wide
  return point >= 0x1100 and (point <= 0x115F or point >= 0x2E80 and point <= 0xA4CF or point >= 0xAC00 and point <= 0xD7A3
    or point >= 0xF900 and point <= 0xFAFF or point >= 0xFE30 and point <= 0xFE6F or point >= 0xFF00 and point <= 0xFF60
    or point >= 0x1F300 and point <= 0x1F64F or point >= 0x1F900 and point <= 0x1F9FF or point >= 0x20000 and point <= 0x3FFFD)
end

local function is_mark(point) return point >= 0x300 and point <= 0x36F or point == 0x200D or point >= 0xFE00 and point <= 0xFE0F end

--- Columns that valid UTF-8 takes on a terminal.
function text.columns(s)
  if not s:find("[\128-\255]") then return #s end
  local n = 0
  for _, point in utf8.codes(s) do n = n + (is_mark(point) and 0 or is_wide(point) and 2 or 1) end
  return n
end

--- `s` in at most `max` columns; what is cut off shows as "…".
function text.cut(s, max)
  if text.columns(s) <= max then return s end
  local n = 0
  for at, point in utf8.codes(s) do
    n = n + (is_mark(point) and 0 or is_wide(point) and 2 or 1)
    if n > max - 1 then return s:sub(1, at - 1) .. "…" end
  end
  return s
end

--- A word as a shell takes it.
function text.word(word)
  if word:find("^[%w_./@%%+=:,-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- What a task does, from its document: its status, or "waiting" where it runs only in name: nothing of it has a process.
function text.status(task)
  if task.status ~= "running" then return task.status end
  local items = task.items
  local all_wait = items and (items.waiting or 0) > 0 and items.waiting == items.running and not items.dispatched
  return (task.waits or all_wait) and "waiting" or "running"
end

--- An answer to an approval: "approved by ann at 2026-11-01 14:03:05: looks good".
function text.decided(d)
  return ("%s by %s at %s%s%s"):format(d.as, d.by, text.time(d.at), d.comment and ": " .. d.comment:match("^[^\n]*") or "",
    d.counts and "" or "; counts when the run goes on")
end

--- What a task waits for, from the member `waits` of its document.
function text.waits(waits)
  if waits.decided then return text.decided(waits.decided) end
  if waits["for"] == "approval" then return "waits for approval: " .. waits.text:match("^[^\n]*") end
  if waits["for"] == "timer" then return "waits until " .. text.time(waits["until"]) end
  if waits["for"] == "run" then return ("waits for run %s of %s"):format(text.short(waits.run), waits.workflow) end
  if waits["for"] == "custom_http" then
    local last = waits.error or waits.said
    return ("waits for job %s%s, asked %s%s"):format(waits.text, waits.jobs > 1 and (" and %d more"):format(waits.jobs - 1) or "",
      text.plural(waits.asked or 0, "time"), last and "; last: " .. last:match("^[^\n]*") or "")
  end
  if waits["for"] == "executor" then
    return ("by executor %s, polled every %s, asked %s%s"):format(waits.text, text.duration(waits.every_ms or 0),
      text.plural(waits.asked or 0, "time"), waits.error and "; last: " .. waits.error:match("^[^\n]*") or "")
  end
  return ("polls every %s, asked %s%s"):format(text.duration(waits.every_ms or 0), text.plural(waits.asked or 0, "time"),
    waits.error and "; last: " .. waits.error:match("^[^\n]*") or "")
end

--- The place of a signal, exit code or other reason in one line, from a task or attempt document.
function text.reason(document)
  if document.error and document.error ~= "" then return document.error:match("^[^\n]*") end
  if document.exit_code and document.exit_code ~= 0 then return "exit code " .. document.exit_code end
  return document.kind ~= "" and document.kind or nil
end

return text
