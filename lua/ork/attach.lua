-- SPDX-License-Identifier: MIT
-- Ork on a loop of somebody else: ork.attach(require "luv"), or by hand with ork.fd, ork.timeout and ork.step.
--
-- Ork keeps a loop of its own; the other loop polls that one's descriptor and has a timer for its next due time, so
-- neither needs to know the other's inside. Everything due is done in one callback, and nothing wakes an idle program.
local core = require "ork.core"
local fiber = require "ork.fiber"
local inline = require "ork.inline"

local native = core.inline
local attach = {}

local attached -- { luv, poll, timer, prepare }

--- Is anything left to happen?
local function is_busy() return native.busy() or fiber.alive() > 0 end

--- One turn of Ork's loop; with `wait` until something happens. Is anything left to happen?
function attach.step(wait)
  if fiber.is_running() then error("ork.step is for whoever drives the loop, not for a coroutine on it", 2) end
  if core.loop.inside() then error("ork.step cannot be called in a callback of Ork's own loop", 2) end
  local more = inline.turn() -- also without a database
  native.step(wait and not more, fiber.alive() > 0)
  return is_busy()
end

--- The descriptor that is readable when ork.step is due.
attach.fd = native.fd

--- Seconds until ork.step is due though nothing is readable; nil: for ever. To be asked again after each step and start.
function attach.timeout()
  if fiber.is_ready() then return 0 end
  local ms = native.timeout()
  return ms and ms / 1000
end

--- Does luv's loop run below us? Then waiting would hold it up. A coroutine of its callback has a stack of its own, where
--- it is not seen: luv itself says so, except a very old one.
function attach.inside()
  if not attached then return false end
  if attached.luv.loop_mode then return attached.luv.loop_mode() ~= nil end
  local run, level = attached.luv.run, 2
  while true do
    local info = debug.getinfo(level, "f")
    if not info then return false end
    if info.func == run then return true end
    level = level + 1
  end
end

-- ---- luv -------------------------------------------------------------------------------------

--- Only in `prepare`: a timer of 0 ms that is started again in its own callback never lets libuv go on.
local function arm(self)
  local timeout = attach.timeout()
  if timeout then
    self.timer:start(math.ceil(timeout * 1000), 0, self.tick)
  elseif self.timer:is_active() then
    self.timer:stop()
  end
end

--- While something is left to happen luv's loop stays alive.
local function hold(self, yes)
  if yes == self.held then return end
  self.held = yes
  self.luv[yes and "ref" or "unref"](self.poll)
end

local function close(self)
  for _, name in ipairs({ "poll", "timer", "prepare" }) do
    if not self[name]:is_closing() then self[name]:close() end
  end
end

--- Runs Ork on luv's loop from now on.
function attach.attach(luv)
  if type(luv) ~= "table" or type(luv.new_poll) ~= "function" or type(luv.new_prepare) ~= "function" then
    error("ork.attach wants luv: ork.attach(require \"luv\"); other loops use ork.fd, ork.timeout and ork.step", 2)
  end
  if attached and attached.luv == luv and not attached.poll:is_closing() then return end
  if attached then close(attached) end
  local self = { luv = luv, held = true }
  self.poll = assert(luv.new_poll(attach.fd()))
  self.timer, self.prepare = luv.new_timer(), luv.new_prepare()
  function self.tick() attach.step() end
  self.poll:start("r", self.tick)
  self.prepare:start(function() -- before each poll: what was done meanwhile, here or by a waiting call, may have changed both
    hold(self, is_busy())
    arm(self)
  end)
  luv.unref(self.timer)
  luv.unref(self.prepare)
  hold(self, false)
  attached = self
  fiber.on_work = function()
    if not self.poll:is_closing() then hold(self, true) end
  end
end

return attach
