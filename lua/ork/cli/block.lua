-- SPDX-License-Identifier: MIT
-- What the live view shows of the runs under way: the tasks that run with their time, those that will be tried again, and
-- per run a bar with counts. A function of what is known, the time and the size of the terminal; it prints nothing.
--
-- Tasks that do not fit are folded: first those that differ only in a number at the end (`chunk_* (37)`), then those that differ
-- in their last part, then the rest is "… and 37 more".
local term = require "ork.term"
local text = require "ork.cli.text"

local block = {}

local MAX_TASKS = 12 -- lines of tasks
local MAX_RETRIES = 3
local MAX_RUNS = 3
local MAX_NAME = 48

local utf8_terminal
--- Does the terminal show more than ASCII, as far as the environment tells?
local function shows_utf8()
  if utf8_terminal == nil then
    local name = ""
    for _, var in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
      local value = os.getenv(var) or ""
      if value ~= "" then
        name = value
        break
      end
    end
    utf8_terminal = name:lower():find("utf%-?8") ~= nil
  end
  return utf8_terminal
end

--- "7s", "1m04s", "2h03m", "3d04h".
function block.elapsed(ms)
  local s = math.max(0, ms) // 1000
  if s < 60 then return ("%ds"):format(s) end
  if s < 3600 then return ("%dm%02ds"):format(s // 60, s % 60) end
  if s < 86400 then return ("%dh%02dm"):format(s // 3600, s // 60 % 60) end
  return ("%dd%02dh"):format(s // 86400, s // 3600 % 24)
end

--- A name in at most `max` columns; its end tells as much as its beginning.
local function short_name(name, max)
  if text.columns(name) <= max then return name end
  if max < 8 or name:find("[\128-\255]") then return text.cut(name, max) end
  local behind = (max - 1) // 3
  return name:sub(1, max - 1 - behind) .. "…" .. name:sub(-behind)
end

-- ---- the tasks -------------------------------------------------------------------------------

local function running_tasks(runs)
  local list = {}
  for _, run in ipairs(runs) do
    for name, task in pairs(run.running) do
      list[#list + 1] = { name = name, since = task.since, attempt = task.attempt, waits = task.waits, n = 1,
        items = task.items, done = task.done, failed = task.failed }
    end
  end
  table.sort(list, function(a, b)
    if a.since ~= b.since then return a.since < b.since end
    return a.name < b.name
  end)
  return list
end

local function by_number(name) return name:match("^(.-)%d+$") end
local function by_part(name) return name:match("^(.*[_./-])[^_./-]+$") end

--- Tasks whose names have the same stem become one, at the place of the oldest.
local function fold(list, stem_of)
  local groups, by_stem = {}, {}
  for _, task in ipairs(list) do
    local stem = stem_of(task.stem or task.name)
    local group = stem and by_stem[stem]
    if group then
      group.n, group.stem = group.n + task.n, stem
    else
      group = { name = task.name, stem = task.stem, since = task.since, attempt = task.attempt, waits = task.waits, n = task.n,
        items = task.items, done = task.done, failed = task.failed }
      groups[#groups + 1] = group
      if stem then by_stem[stem] = group end
    end
  end
  for _, group in ipairs(groups) do
    if group.n > 1 then group.name = ("%s* (%d)"):format(group.stem, group.n) end
  end
  return groups
end

--- The running tasks in at most `max` lines, as { { name, since, attempt } …}, and how many are not among them.
local function visible(runs, max)
  local list = running_tasks(runs)
  if #list > max then list = fold(list, by_number) end
  if #list > max then list = fold(list, by_part) end
  if #list <= max then return list, 0 end
  local hidden = 0
  for i = #list, max, -1 do -- the last line is for the number
    hidden = hidden + list[i].n
    list[i] = nil
  end
  return list, hidden
end

--- What will be tried again, the nearest first.
local function retries(runs, max)
  local list = {}
  for _, run in ipairs(runs) do
    for name, at in pairs(run.retrying) do list[#list + 1] = { name = name, at = at } end
  end
  table.sort(list, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.name < b.name
  end)
  for i = #list, max + 1, -1 do list[i] = nil end
  return list
end

--- A line: name, a time on the right of the names' column, a remark where there is room.
local function task_line(name, name_width, time, remark, width)
  local indent = width >= 40 and "  " or ""
  local line = indent .. name .. (" "):rep(name_width - text.columns(name)) .. (" %7s"):format(time)
  if remark and text.columns(line) + 2 + #remark <= width then line = line .. "  " .. remark end
  return text.cut(line, width)
end

local function add_tasks(lines, runs, now, width, max)
  local tasks, hidden = visible(runs, max)
  local again = retries(runs, math.min(MAX_RETRIES, max - #tasks - (hidden > 0 and 1 or 0)))
  local room, name_width = math.max(4, math.min(MAX_NAME, width - (width >= 40 and 10 or 8))), 0
  for _, list in ipairs({ tasks, again }) do
    for _, task in ipairs(list) do
      task.shown = short_name(task.name, room)
      name_width = math.max(name_width, text.columns(task.shown))
    end
  end
  for _, task in ipairs(tasks) do
    local remark = task.attempt > 1 and task.n == 1 and "attempt " .. task.attempt or nil
    if task.waits and task.n == 1 then remark = "waits " .. task.waits end
    if task.items and task.n == 1 then
      remark = ("%d of %s"):format(task.done or 0, text.plural(task.items, "item"))
      if (task.failed or 0) > 0 then remark = ("%s, %d failed"):format(remark, task.failed) end
    end
    lines[#lines + 1] = task_line(task.shown, name_width, block.elapsed(now - task.since), remark, width)
  end
  if hidden > 0 then
    lines[#lines + 1] = text.cut((width >= 40 and "  " or "") .. ("… and %d more"):format(hidden), width)
  end
  for _, task in ipairs(again) do
    lines[#lines + 1] = task_line(task.shown, name_width, block.elapsed(math.max(0, task.at - now) + 999), "until its next try", width)
  end
end

-- ---- the bar ---------------------------------------------------------------------------------

local function draw_bar(done, total, cells)
  local full = total > 0 and math.min(cells, done * cells // total) or 0
  if shows_utf8() then return ("█"):rep(full) .. ("░"):rep(cells - full) end
  return "[" .. ("#"):rep(full) .. ("-"):rep(cells - full - 2) .. "]"
end

--- How many of the tasks that run only wait: as the run was counted by its owner, else as we saw it.
local function waiting(run)
  local n = 0
  for _, task in pairs(run.running) do
    if task.waits or (task.waiting or 0) > 0 and task.active == 0 then n = n + 1 end
  end
  return run.waiting or n
end

--- What is said about a run beside its bar, the most important first: { text, colour }; and how many of them must be said.
local function facts(run)
  local c, list = run.counts, {}
  local function add(n, word, color)
    if (n or 0) > 0 then list[#list + 1] = { ("%d %s"):format(n, word), color } end
  end
  if run.status == "paused" then list[1] = { "paused", "yellow" } end
  if run.ending then list[1] = { "cancelling", "yellow" } end
  add(c.failed, "failed", "red")
  local important = #list
  local waits = waiting(run)
  add((c.running or 0) - waits, "running")
  add(run.retries, "to try again", "yellow")
  add(c.cancelled, "cancelled", "yellow")
  add(c.skipped, "skipped")
  add((c.pending or 0) + (c.dispatched or 0) + (c.paused or 0) + waits - (run.retries or 0), "waiting")
  return list, important
end

--- The line of a run: name, bar, done/total, facts, time; what does not fit is left out, the least important first.
local function run_line(run, now, width)
  local c = run.counts
  local done = (c.success or 0) + (c.skipped or 0) + (c.failed or 0) + (c.cancelled or 0)
  local count, time = text.cut(("%d/%d"):format(done, run.total), width), block.elapsed(now - run.since)
  local left = width - #count
  local function take(columns)
    if left < columns then return false end
    left = left - columns
    return true
  end
  local said = {}
  local list, important = facts(run)
  local function say(from, to)
    for i = from, to do
      if #said + 1 < i or not take(#list[i][1] + 2) then return end
      said[i] = term.paint(list[i][2], list[i][1], "err")
    end
  end
  say(1, important)
  local has_time = take(math.max(6, #time) + 2) or take(#time + 2) -- from "59s" to "1m00s" nothing moves
  say(important + 1, #list)
  local name = short_name(run.workflow, 24)
  local has_name = take(#name + 2)
  local cells = math.min(24, left - 2)
  local parts = {}
  if has_name then parts[#parts + 1] = term.paint("bold", name, "err") end
  if cells >= 6 then
    parts[#parts + 1] = term.paint((c.failed or 0) > 0 and "red" or "green", draw_bar(done, run.total, cells), "err")
  end
  parts[#parts + 1] = count
  if #said > 0 then parts[#parts + 1] = table.concat(said, ", ") end
  if has_time then parts[#parts + 1] = time end
  return table.concat(parts, "  ")
end

--- The lines for `runs` = { { workflow, status, ending, counts, total, since, running = { name = { since, attempt } },
--- retrying = { name = at }, retries } … } at `now` (ms), on a terminal of that size; each at most cols - 1 wide.
function block.lines(runs, now, cols, rows)
  local lines, width = {}, cols - 1
  if #runs == 0 or width < 8 or rows < 3 then return lines end
  local bars = math.min(#runs, MAX_RUNS, rows - 2)
  local more = #runs > bars and rows - 2 > bars
  local max = math.min(MAX_TASKS, rows - 1 - bars - (more and 1 or 0))
  if max > 0 then add_tasks(lines, runs, now, width, max) end
  for i = 1, bars do lines[#lines + 1] = run_line(runs[i], now, width) end
  if more then lines[#lines + 1] = text.cut(("… and %s"):format(text.plural(#runs - bars, "more run")), width) end
  return lines
end

return block
