-- SPDX-License-Identifier: MIT
-- What happens in a run that another program carries out, told like engine:on_change tells it of our own.
--
-- Nothing polls: the program that owns the run says that it stored something (engine:on_news), then the events since the
-- last one are read, at most ten times a second and never for more than a small part of the time. Events name tasks by
-- number; what they do not say (reasons, tasks skipped on the way) is in the tasks' rows.
local core = require "ork.core"
local loop = core.loop
local stop = require "ork.cli.stop"
local sys = core.sys
local text = require "ork.cli.text"

local feed = {}

local PAUSE_MS = 100
local SHARE = 10   -- pause at least so many times as long as the last look took
local PAGE = 200   -- rows of events at once
local OVER = 200   -- skipped and cancelled tasks told one by one

local Feed = {}
Feed.__index = Feed

--- tell(change) for each change; count(progress document) when counts changed. Takes engine:on_news until closed.
function feed.new(engine, id, tell, count)
  local self = setmetatable({
    engine = engine, id = id, tell_to = tell, count_to = count, names = {}, fans = {}, over = {}, over_told = 0, looked_at = 0, pause = PAUSE_MS,
  }, Feed)
  engine:on_news(function() self:news() end)
  self.run = stop.check(engine:progress(id))
  self.seq = self.run.seq
  self:find_fans()
  self:look_for_over(function() end) -- told before we came
  if count then count(self.run) end
  return self
end

function Feed:close()
  self.engine:on_news(nil)
  if self.timer then self.timer:close() end
end
Feed.__close = Feed.close

--- Wakes whoever waits, when it is time.
function Feed:news()
  if self.awaited then return end
  self.awaited = true
  local wait = self.looked_at + self.pause - sys.now()
  if wait <= 0 or wait > 60000 then
    self.engine:interrupt()
  else
    self.timer = loop.timer(wait, function() self.engine:interrupt() end)
  end
end

function Feed:tell(change)
  change.run_id, change.workflow = self.id, self.run.workflow
  self.tell_to(change)
end

local ITEMS_FROM <const> = 1 << 24 -- numbers of items; what goes well with one is not told, and costs no look

function Feed:row(index)
  local row = stop.check(self.engine:tasks(self.id, { after = index - 1, limit = 1 }))[1]
  if row then self.names[index] = row.name end
  return row
end

--- An attempt that is over while its task went on.
function Feed:past(name, attempt)
  for _, past in ipairs(stop.check(self.engine:task(self.id, name)).attempts_list or {}) do
    if past.attempt == attempt then return past end
  end
  return {}
end

-- ---- events ----------------------------------------------------------------------------------

local on = {}

function on.started(self, at, index, attempt)
  if index >= ITEMS_FROM then return end
  local row = self:row(index)
  if not row then return end
  self:tell({ task = row.name, to = "running", attempt = attempt, since = at, at = at, waits = row.waits and text.waits(row.waits) })
end

--- An attempt ended, or was refused before it began: the row says what became of the task, unless it went on already.
function on.exited(self, at, index, attempt, result)
  if index >= ITEMS_FROM and result == "ok" then return end
  local row = self:row(index)
  if not row then return end
  local change = { task = row.name, item = row.item, attempt = attempt, at = at, kind = result ~= "ok" and result or nil }
  if row.attempt == attempt and row.status ~= "running" and row.status ~= "dispatched" then
    change.to, change.error = row.status, row.error
    change.kind = row.kind or change.kind
    change.took_ms = row.took_ms or result ~= "ok" and self:past(row.name, attempt).took_ms or nil -- its row waits for the next attempt
    change.retry_at = row.retry_at and sys.time(row.retry_at)
  elseif result == "ok" then
    change.to = "success"
  else
    local past = self:past(row.name, attempt)
    change.to, change.retry_at = "pending", at
    change.error, change.took_ms = past.error or result, past.took_ms
  end
  if change.to == "skipped" or change.to == "cancelled" then self:told_over(index) end
  self:tell(change)
end
on.reject, on.when_false = on.exited, on.exited

--- Its end is no event of its own: that of its last item is.
function on.expanded(self, at, index, attempt, items)
  local row = self:row(index)
  if not row then return end
  self.fans[index] = true
  self:tell({ task = row.name, to = "running", attempt = attempt, items = items, since = at, at = at })
end

--- Tasks with items that began before we came: their ends are told, too.
function Feed:find_fans()
  local after = -1
  repeat
    local rows = stop.check(self.engine:tasks(self.id, { status = "running", after = after, limit = PAGE }))
    for _, row in ipairs(rows) do
      after = row.index
      if row.items then self.fans[row.index] = true end
    end
  until #rows < PAGE
end

local FINAL = { success = true, failed = true }

--- Returns what is known of the items of those that go on, by name.
function Feed:look_at_fans()
  local items = {}
  for index in pairs(self.fans) do
    local row = self:row(index)
    if row then items[row.name] = row.items end
    if not row or row.status ~= "running" then self.fans[index] = nil end
    if row and FINAL[row.status] then
      self:tell({ task = row.name, to = row.status, error = row.error, took_ms = row.took_ms, attempt = row.attempt, at = sys.now() })
    end
  end
  return items
end

function on.recalled(self, at, index, attempt)
  if index >= ITEMS_FROM then return end
  local name = self.names[index] or (self:row(index) or {}).name
  if name then self:tell({ task = name, to = "pending", attempt = attempt, at = at }) end
end

function on.cancel(self, at) self:tell({ to = self.run.status, ending = true, at = at }) end
function on.pause(self, at) self:tell({ to = "paused", at = at }) end
function on.resume(self, at) self:tell({ to = "running", at = at }) end

function on.retry(self) self.over, self.over_told = {}, 0 end

-- ---- tasks that never ran --------------------------------------------------------------------

function Feed:told_over(index)
  if not self.over[index] then self.over_told = self.over_told + 1 end
  self.over[index] = true
end

--- Skipped and cancelled tasks that no event named, each once.
function Feed:look_for_over(tell)
  local counts = self.run.counts
  local n = (counts.skipped or 0) + (counts.cancelled or 0)
  if n <= self.over_told or self.over_told >= OVER then return end
  for _, row in ipairs(stop.check(self.engine:tasks(self.id, { status = { "skipped", "cancelled" }, limit = OVER }))) do
    if not self.over[row.index] then
      self:told_over(row.index)
      tell(row)
    end
  end
end

--- Tells what happened since the last call.
function Feed:catch_up()
  local began = sys.now()
  self.awaited = false
  if self.timer then self.timer:close() end
  self.timer = nil
  repeat
    local rows = stop.check(self.engine:events(self.id, self.seq, PAGE))
    for _, row in ipairs(rows) do
      self.seq = row.seq
      for _, event in ipairs(row.data) do
        local handle = on[event[2]]
        if handle then handle(self, event[1], table.unpack(event, 3)) end
      end
    end
  until #rows < PAGE
  local items = self:look_at_fans()
  self.run = stop.check(self.engine:progress(self.id))
  self:look_for_over(function(row)
    self:tell({ task = row.name, to = row.status, error = row.error, took_ms = row.took_ms, attempt = row.attempt, at = sys.now() })
  end)
  if self.count_to then self.count_to(self.run, items) end
  self.looked_at = sys.now()
  self.pause = math.max(PAUSE_MS, SHARE * (self.looked_at - began))
end

return feed
