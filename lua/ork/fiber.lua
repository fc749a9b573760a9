-- SPDX-License-Identifier: MIT
-- Coroutines that wait without holding up the loop: functions called as tasks, and those given to ork.spawn.
--
--   new ──► ready ──resume──► running ──pause──► waits for a ticket ──wake(ticket)──► ready … ──► over(ok, what)
--
-- Laws: a fiber is resumed only by fiber.step, outside of the loop's callbacks, so what runs in it may drive the loop;
-- each pause has its own ticket, so a wake that comes late wakes nothing; one that is told to stop raises at its next
-- pause, and at each one after that; who catches that over and over is left waiting until it is given up. One with a
-- time limit is left wherever it is when that is over.
local core = require "ork.core"
local place = require "ork.place"

local native = core.inline
local fiber = {}

local Fiber = {}
Fiber.__index = Fiber

local MOST_RAISES = 100 -- at pauses of one that was told to stop; then it waits to be given up
local CLEAN_UP_MS = 1000 -- for to-be-closed variables of one that is given up
local FOR_EVER = math.huge

local PAUSE = {} -- what a fiber yields that waits; any other yield only lets others run

local running              -- the fiber that runs now
local by_thread = setmetatable({}, { __mode = "k" })
local queue, first, last = {}, 1, 0
local alive = 0

--- Called when there is work though nothing drives the loop (ork.attach).
fiber.on_work = function() end

--- Around each stretch in which a fiber computes (workers).
fiber.enter, fiber.leave = nil, nil

local function push(self)
  last = last + 1
  queue[last] = self
  if not running then fiber.on_work() end
end

local ENDED = {} -- what a coroutine yields whose body has returned: it can be used again
local MOST_FREE = 64
local free = {}

local function main(body, self)
  while true do body, self = coroutine.yield(ENDED, body(self)) end
end

--- A fiber for body(self). over(ok, result or error, thread, self) is called when it has ended.
function fiber.new(body, over)
  local self = setmetatable({ thread = table.remove(free) or coroutine.create(main), body = body, over = over, ticket = 0 }, Fiber)
  by_thread[self.thread] = self
  alive = alive + 1
  push(self)
  return self
end

--- The fiber whose own function is running, or nil. In a coroutine that it made itself: false.
function fiber.current()
  if not running then return nil end
  return by_thread[coroutine.running()] == running and running or false
end

--- The call of a task that the running fiber is; nil in one of ork.spawn.
function fiber.running_call() return running and running.call end

function fiber.is_running() return running ~= nil end

--- How many have not ended.
function fiber.alive() return alive end

function fiber.is_ready() return first <= last end

local function finish(self, ok, what)
  alive = alive - 1
  by_thread[self.thread] = nil
  self.done = true
  local close <close> = setmetatable({}, { __close = function() coroutine.close(self.thread) end }) -- luacheck: ignore 211
  self.over(ok, what, self.thread, self) -- which may look at its stack
end

--- Its body returned: what was to be closed is closed. A coroutine that somebody watches is not used again.
local function finish_well(self, result)
  alive = alive - 1
  by_thread[self.thread] = nil
  self.done = true
  if not self.limit and #free < MOST_FREE and not debug.gethook(self.thread) then free[#free + 1] = self.thread end
  self.over(true, result, self.thread, self)
end

--- Its to-be-closed variables are closed, for a moment at most.
local function close_given_up(self)
  if self == running or coroutine.status(self.thread) ~= "suspended" then return end
  local until_ms = native.mono() + CLEAN_UP_MS
  native.limit(self.thread, self.stop, until_ms, until_ms)
  coroutine.close(self.thread)
  native.unlimit()
end

local function resume(self)
  running = self
  local limited = self.limit
  if limited then native.limit(self.thread, limited.why, limited.soft_ms, limited.hard_ms) end
  if fiber.enter then fiber.enter(self) end
  local body = self.body
  local ok, what, result
  if body then
    self.body = nil
    ok, what, result = coroutine.resume(self.thread, body, self)
  else
    ok, what, result = coroutine.resume(self.thread)
  end
  if fiber.leave then fiber.leave(self) end
  limited = self.limit -- it may have been told to end meanwhile
  local left = limited and native.unlimit()
  running = nil
  if self.done then return close_given_up(self) end -- given up meanwhile
  if left and coroutine.status(self.thread) ~= "dead" then
    self.left_at = fiber.traceback(self.thread, tostring(limited.why)) -- before its variables are closed
    self:abandon(limited.why)
    return self.over(false, limited.why, self.thread, self)
  end
  if ok and what == ENDED then
    finish_well(self, result)
  elseif coroutine.status(self.thread) == "dead" then
    finish(self, ok, what)
  elseif what ~= PAUSE then
    push(self)
  elseif self.on_pause then
    self:on_pause()
  end
end

--- Resumes the next one that is ready. false: none is.
function fiber.step()
  if first > last or running then return false end
  local self = queue[first]
  queue[first] = nil
  first = first + 1
  if first > last then first, last = 1, 0 end
  if not self.done then resume(self) end
  return true
end

local function check_stop(self)
  if not self.stop then return end
  self.raises = (self.raises or 0) + 1
  if self.raises <= MOST_RAISES then error(self.stop, 0) end
  self.waits, self.ticket = true, self.ticket + 1 -- which nobody has
  while true do coroutine.yield(PAUSE) end
end

--- Waits until wake is called with the ticket that begin(ticket) got. What begin returns (nil, or something with __close)
--- is closed at the end of the wait, however it ends. Only for the running fiber.
function Fiber:pause(begin)
  check_stop(self)
  self.ticket = self.ticket + 1
  self.waits = true
  local begun <close> = begin(self.ticket) -- luacheck: ignore 211
  while self.waits do coroutine.yield(PAUSE) end
  check_stop(self)
end

--- Lets the others go on, and everything that is due. Only for the running fiber.
function Fiber:breathe()
  check_stop(self)
  coroutine.yield()
  check_stop(self)
end

--- Ends the wait of that ticket.
function Fiber:wake(ticket)
  if ticket ~= self.ticket or not self.waits or self.done then return end
  self.waits = false
  push(self)
end

--- From soft_ms on (of core.inline.mono) raises `why` while it computes; at hard_ms it is over with that.
function Fiber:limit_time(why, soft_ms, hard_ms) self.limit = { why = why, soft_ms = soft_ms, hard_ms = hard_ms } end

--- Raises `reason` at the pause it is in, and at every later one; it may not compute for more than grace_ms then.
function Fiber:interrupt(reason, grace_ms)
  if not self.stop then self:limit_time(reason, FOR_EVER, native.mono() + grace_ms) end
  self.stop = self.stop or reason
  if self == running then native.limit(self.thread, self.limit.why, self.limit.soft_ms, self.limit.hard_ms) end
  self:wake(self.ticket)
end

--- Raises `reason` at the pause it is in, and at every later one; what it computes meanwhile is somebody else's business.
function Fiber:tell(reason)
  self.stop = self.stop or reason
  self:wake(self.ticket)
end

--- Gives it up: it is never resumed again. Its to-be-closed variables are closed.
function Fiber:abandon(reason)
  if self.done then return end
  self.stop = self.stop or reason or "abandoned"
  alive = alive - 1
  self.done = true
  by_thread[self.thread] = nil
  close_given_up(self)
end

local OURS <const> = { "worker", "fiber", "inline" }

--- The first level that is not ours, where ours are above the user's: what he called raised it.
local function first_level(thread)
  local found, level = 0, 0
  while true do
    local info = debug.getinfo(thread, level, "S")
    local own = info and place.is_own(info.source)
    if not info or not own and info.what ~= "C" then return info and found or 0 end
    level = level + 1
    if own then found = level end
  end
end

--- What Lua says of where a thread is, without frames of ours: those that called the user's function, and those he called.
function fiber.traceback(thread, message)
  local text = debug.traceback(thread, nil, first_level(thread)) -- the message is kept out of the search: it may be large
  local found
  repeat
    found = false
    for _, name in ipairs(OURS) do
      local cut = text:match("^(.*)\n\t[^\n]*ork/" .. name .. "%.lua:[^\n]*$")
      if cut then text, found = cut, true end
    end
  until not found
  return message .. "\n" .. text:gsub("in %a+ 'body'$", "in the function") -- by the name that it has with us
end

return fiber
