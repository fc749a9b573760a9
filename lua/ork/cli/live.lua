-- SPDX-License-Identifier: MIT
-- Progress on a terminal: a block of lines at its end shows what runs now (block.lua); what is over scrolls away above it and stays.
--
-- The block is drawn at most ten times a second, when something changed; while its times are moving, once a second by a timer.
-- That timer exists for eyes only: not without a terminal, not in the background, not while stopped, not when nothing runs.
-- Laws: the cursor is always at the start of the line under the block, and never hidden, so whoever else writes there
-- starts on a line of its own, and a kill leaves nothing to clean up. A terminal that takes nothing (Ctrl-S) or is gone
-- stops the drawing, never the run.
local core = require "ork.core"
local block = require "ork.cli.block"
local progress = require "ork.cli.progress"
local loop = core.loop
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local live = {}

local FRAME_MS = 100
local SMALL = 40   -- tasks; of larger runs only what fails is told line by line
local BURST = 50   -- lines of one frame; more than that nobody reads
local HELD = 1000  -- lines kept for a terminal that takes nothing

local View = {}
View.__index = View

--- Takes the end of the terminal, until close(). names: the tasks, as far as known.
function live.new(names)
  local self = setmetatable({
    words = progress.new(names or {}), runs = {}, shown = {}, lines = {}, messages = {}, begun = "", dropped = 0, height = 0, widths = {}, drawn_at = 0, watchers = {},
  }, View)
  self:measure()
  return self
end

--- More tasks to come, for the width of their column.
function View:expect(names) self.words = progress.new(names) end

-- ---- what is known ---------------------------------------------------------------------------

local function run_of(self, change)
  local run = self.runs[change.run_id]
  if not run then
    run = { id = change.run_id, workflow = change.workflow, counts = {}, total = 0, running = {}, retrying = {}, retries = 0 }
    self.runs[change.run_id] = run
  end
  return run
end

local function count(run, status, n)
  if status then run.counts[status] = (run.counts[status] or 0) + n end
end

local function retrying(run, name, at)
  if (run.retrying[name] ~= nil) ~= (at ~= nil) then run.retries = run.retries + (at and 1 or -1) end
  run.retrying[name] = at
end

--- Is the change told by a line of its own, which stays?
local function is_told(run, change)
  if term.verbose then return true end
  local to = change.to
  if to == "failed" or to == "pending" or change.adopted or change.waits then return true end
  return run.total <= SMALL and to ~= "running" and to ~= "dispatched"
end

local FINAL = { success = true, failed = true, cancelled = true, skipped = true }

--- Which items of a task run, and which of those only wait; of those that ran before we came only the numbers are known.
local function count_item(task, change)
  local waits, known = task.waiting, task.known[change.item]
  if known or change.from == "running" then
    if known == "waiting" or not known and task.active == 0 then waits = math.max(0, waits - 1) else task.active = math.max(0, task.active - 1) end
  end
  local now = change.to == "running" and (change.waits and "waiting" or "active") or nil
  task.known[change.item] = now
  task.active = task.active + (now == "active" and 1 or 0)
  task.waiting = waits + (now == "waiting" and 1 or 0)
end

--- Items are counted with their task and not among tasks; only what goes wrong has a line.
function View:tell_item(run, change, now)
  local task = run.running[change.task:match("^(.*)/")]
  if task then count_item(task, change) end
  if task and FINAL[change.to] then
    task.done = (task.done or 0) + 1
    if change.to == "failed" then task.failed = (task.failed or 0) + 1 end
  end
  local line = is_told(run, change) and self.words:line(change, now)
  if line then self:add(line) end
end

--- A change of a task or a run; for engine:on_change.
function View:tell(change)
  local now = sys.now()
  if change.within then -- the run of a task, which is shown itself
    local line = change.task and self.words:line(change, now)
    if line then self:add(line) end
    return self:wake()
  end
  local run = run_of(self, change)
  if not change.task then
    run.status, run.ending = change.to, change.ending or run.ending
    if run.on_start and change.to == "running" then run.on_start() end
  elseif change.item then
    self:tell_item(run, change, now)
  else
    if change.from and change.from ~= change.to then
      count(run, change.from, -1)
      count(run, change.to, 1)
    end
    retrying(run, change.task, change.to == "pending" and change.retry_at or nil)
    local before = change.waits and change.error and run.running[change.task] -- it waits as before
    local since = change.since or before and before.since or change.adopted and change.took_ms and now - change.took_ms or now
    run.running[change.task] = change.to == "running"
      and {
        since = since, attempt = change.attempt or 1, items = change.items, done = 0, failed = 0, waits = change.waits and progress.waits(change),
        active = 0, waiting = 0, known = {},
      } or nil
    local line = is_told(run, change) and self.words:line(change, now)
    if line then self:add(line) end
  end
  self:wake()
end

--- How many of a task's items are over.
local function over(items)
  return (items.success or 0) + (items.failed or 0) + (items.cancelled or 0) + (items.skipped or 0)
end

--- Shows run `id` from now on. base: its counts before any change of it was told; nil: `document` has them as of now.
--- on_start(): called when the run starts, before which tasks are taken over without a word; its counts are read again then.
function View:begin(id, document, base, on_start)
  local run = run_of(self, { run_id = id, workflow = document.workflow })
  run.since = document.started_at and sys.time(document.started_at) or sys.now()
  run.status, run.total, run.on_start = document.status, document.tasks_total or 0, on_start
  if base then
    for status, n in pairs(base) do count(run, status, n) end
  else
    run.counts = {}
    for status, n in pairs(document.counts or {}) do count(run, status, n) end
  end
  for _, task in ipairs(document.tasks or {}) do
    if task.status == "running" and not run.running[task.name] then
      local items = task.items or {}
      run.running[task.name] = {
        since = task.started_at and sys.time(task.started_at) or sys.now(), attempt = task.attempt or 1, items = items.count,
        done = over(items), failed = items.failed or 0,
        waits = task.waits and progress.waits({ waits = text.waits(task.waits), run_id = id, task = task.name }),
        active = (items.running or 0) - (items.waiting or 0), waiting = items.waiting or 0, known = {},
      }
    elseif task.status == "pending" and task.retry_at then
      retrying(run, task.name, sys.time(task.retry_at))
    end
  end
  self.shown[#self.shown + 1] = run
  if #self.watchers == 0 then self:take() end
  self.drawn_at = sys.now() -- a run that is over in a moment shows no block at all
  self:wake()
end

--- Counts of a run that another program carries out; items: those of its tasks with items, by name.
function View:recount(id, now, items)
  local run = self.runs[id]
  if not run then return end
  for name, of in pairs(items or {}) do
    local task = run.running[name]
    if task then
      task.items, task.done, task.failed = of.count, over(of), of.failed or 0
      task.active, task.waiting = (of.running or 0) - (of.waiting or 0), of.waiting or 0
    end
  end
  run.counts, run.waiting, run.status, run.total = now.counts, now.waiting, now.status, now.tasks_total or run.total
  self:wake()
end

--- That run is over, or not looked at any more.
function View:finish(id)
  for i, run in ipairs(self.shown) do
    if run.id == id then
      table.remove(self.shown, i)
      break
    end
  end
  self.runs[id] = nil
  if #self.shown == 0 then self:close() end
end

--- The user asked for its end.
function View:ending(id)
  if self.runs[id] then self.runs[id].ending = true end
end

-- ---- the terminal ----------------------------------------------------------------------------

function View:measure()
  local cols, rows = sys.terminal(2)
  self.cols = cols and cols > 0 and cols or tonumber(os.getenv("COLUMNS") or "") or 80
  self.rows = rows and rows > 0 and rows or 24
  term.err_columns = term.err_columns and self.cols
end

--- The engines' own messages, which else would be written into the block.
function View:hear()
  local said = self.said:read()
  if said ~= "" then self:above((said:gsub("\n$", ""))) end
end

--- Messages and signals come here from now on.
function View:take()
  term.view = self
  self.said = sys.messages()
  self.watchers = {
    loop.signal("winch", function()
      self:measure()
      self:frame()
    end),
    loop.signal("cont", function() -- a shell has written meanwhile: the old block is history
      self.stopped, self.height = false, 0
      self:measure()
      self:wake()
    end),
    self.said and loop.readable(self.said:fd(), function() self:hear() end),
  }
end

--- Before the program is stopped (Ctrl-Z): no block stays above the shell's words.
function View:suspend()
  self.stopped = true
  self:frame()
  self:disarm()
end

--- Gives the terminal back: the block goes, what was told stays.
function View:close()
  self.shown = {}
  if term.view == self then
    local said = self.said and self.said:close() or ""
    if said ~= "" then self.messages[#self.messages + 1] = said:gsub("\n$", "") end
    self:frame(true)
    term.view = nil
    io.stderr:write(self.begun)
    self.begun = ""
  end
  for _, watcher in ipairs(self.watchers) do watcher:close() end
  self.watchers = {}
  self:disarm()
end

-- ---- drawing ---------------------------------------------------------------------------------

--- A line that stays.
function View:add(line)
  if #self.lines < HELD then
    self.lines[#self.lines + 1] = line
  else
    self.dropped = self.dropped + 1
  end
end

--- Shows a message over the block, now; on a terminal that takes nothing, when it does.
function View:above(message)
  if self.dead then return end
  self.messages[#self.messages + 1] = message
  self:frame()
end

--- io.stderr:write for scripts: whole lines go above the block, a line that has no end yet is kept until it has.
function View:print(...)
  if self.dead then return io.stderr end
  if sys.unwritten() > 0 then self:frame() end -- what was said before
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    if type(part) ~= "string" and type(part) ~= "number" then return io.stderr:write(...) end -- which says what is wrong
    self.begun = self.begun .. part
  end
  local whole, rest = self.begun:match("^(.*)\n(.*)$")
  if whole then
    self.messages[#self.messages + 1], self.begun = whole, rest
    if #self.messages > HELD then self:frame(true) else self:wake() end
  end
  return io.stderr
end

function View:disarm()
  if self.timer then self.timer:close() end
  self.timer, self.due = nil, nil
end

--- Draws in `ms`, or earlier when that was arranged before.
function View:arm(ms)
  local due = sys.now() + ms
  if self.due and self.due <= due and self.due > due - 2000 then return end
  self:disarm()
  self.due = due
  self.timer = loop.timer(ms, function()
    self:disarm()
    self:frame()
  end)
end

--- Something changed.
function View:wake()
  if term.view ~= self or self.dead or self.stopped then return end
  local since = sys.now() - self.drawn_at
  if since >= FRAME_MS or since < 0 then
    self:frame()
  else
    self:arm(FRAME_MS - since)
  end
end

--- Rows that the block takes on the terminal as it is now: a narrower window has wrapped its lines.
function View:rows_taken()
  local taken = 0
  for i = 1, self.height do taken = taken + math.max(1, (self.widths[i] + self.cols - 1) // self.cols) end
  return taken
end

local function plain_width(line) return text.columns((line:gsub("\27%[[%d;]*m", ""))) end

--- The lines that stay, no more of them than anybody reads.
function View:told()
  local lines = self.lines
  local hidden = self.dropped + math.max(0, #lines - BURST)
  self.lines, self.dropped = {}, 0
  if hidden == 0 then return lines end
  local told = table.move(lines, 1, BURST, 1, {})
  told[#told + 1] = ("… and %s; `ork tasks` has all of them"):format(text.plural(hidden, "more change"))
  return told
end

--- What stays, as bytes.
function View:take_told(eol)
  local parts = {}
  for _, line in ipairs(self:told()) do parts[#parts + 1] = line .. eol end
  for _, message in ipairs(self.messages) do parts[#parts + 1] = message:gsub("\n", eol) .. eol end
  self.messages = {}
  return table.concat(parts)
end

--- Draws what there is. must: also on a terminal that makes us wait.
function View:frame(must)
  self.drawn_at = sys.now()
  if self.dead then return end
  if not must and not sys.writable(2) then return self:arm(1000) end
  local front = sys.foreground(2)
  local eol = front and "\27[K\n" or "\n"
  local up = self.height > 0 and front and ("\r\27[%dA"):format(self:rows_taken()) or ""
  local bytes = up .. self:take_told(eol)
  if sys.unwritten() > 0 then -- somebody wrote to io.stderr since then
    sys.write(2, bytes .. (front and "\27[J" or ""))
    io.stderr:flush()
    bytes = ""
  end
  local lines = front and not self.stopped and block.lines(self.shown, self.drawn_at, self.cols, self.rows) or {}
  for i, line in ipairs(lines) do self.widths[i] = plain_width(line) end
  if #lines > 0 then bytes = bytes .. table.concat(lines, eol) .. eol end
  if front and (up ~= "" or #lines > 0) then bytes = bytes .. "\27[J" end
  self.height = #lines
  if bytes ~= "" and not sys.write(2, bytes) then
    self.dead = true -- the terminal is gone; the run is not
    return
  end
  if #lines > 0 and self:moves() then self:arm(1000 - (self.drawn_at - self.shown[1].since) % 1000) end
end

--- Do the times that are shown change by themselves?
function View:moves()
  for _, run in ipairs(self.shown) do
    if next(run.running) or next(run.retrying) then return true end
  end
  return false
end

return live
