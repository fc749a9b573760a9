-- SPDX-License-Identifier: MIT
-- `ork logs -f`: shows logs as they grow, until the run (or the one task) has ended.
--
-- Nothing polls: inotify tells which log of the run's folder grew, <task_index>.<attempt>.log; the engine's wait() tells
-- that the run is over; the agent's journal grows when a result was stored (its ACK), which tells that one task may be over.
-- A file's news is noted in the callback and read between two waits.
local core = require "ork.core"
local logs = require "ork.cli.logs"
local loop = core.loop
local stop = require "ork.cli.stop"
local tail = require "ork.cli.tail"
local term = require "ork.term"
local text = require "ork.cli.text"

local FINAL = { success = true, failed = true, cancelled = true, skipped = true }
local DEFAULT_TAIL = 20

local Follower = {}
Follower.__index = Follower

local function new_follower(engine, run, only, options)
  local self = setmetatable({
    engine = engine, run = run, options = options, names = {}, shown = {}, grown = {}, dirty = false, watchers = {},
  }, Follower)
  for _, task in ipairs(stop.check(engine:tasks(run.id, nil))) do
    if not only or task.name == only then self.names[task.index] = task.name end
  end
  return self
end

function Follower:close()
  for _, watcher in pairs(self.watchers) do watcher:close() end
end
Follower.__close = Follower.close

--- Watches a folder; false when it does not exist (yet).
function Follower:watch(dir, note)
  if self.watchers[dir] then return true end
  self.watchers[dir] = loop.watch(dir, function(name)
    if note then note(name) end
    self.dirty = true
    self.engine:interrupt()
  end)
  return self.watchers[dir] ~= nil
end

--- Watches the folder of this run's logs, or until it is made the one above.
function Follower:watch_logs()
  local root = self.engine:data_dir() .. "/logs"
  local function note(name)
    local index, attempt = (name or ""):match("^(%d+)%.(%d+)%.log$")
    if index then self.grown[#self.grown + 1] = { tonumber(index), tonumber(attempt) } end
  end
  if self:watch(root .. "/" .. self.run.id, note) then return end
  if not self:watch(root) then self:watch(self.engine:data_dir()) end
end

--- Shows what attempt `attempt` of task number `index` wrote since it was last shown.
function Follower:show(index, attempt)
  local name = self.names[index]
  if not name then return end
  local state = self.shown[index]
  if not state or state.attempt < attempt then
    if state then state.sink(nil) end
    local prefix = self.single and "" or name .. " | "
    state = { attempt = attempt, offset = 0, sink = logs.sink(prefix, self.options.raw) }
    self.shown[index] = state
  elseif state.attempt > attempt then
    return
  end
  local offset, why, code = tail.pieces(self.engine, self.run.id, name, attempt, state.offset, state.sink)
  if offset then
    state.offset = offset
  elseif code ~= "ENOTFOUND" then
    stop.check(nil, why, code)
  end
end

--- Shows the end of what runs already, so that following begins with some context.
function Follower:begin(statuses)
  for _, task in ipairs(stop.check(self.engine:tasks(self.run.id, { status = statuses }))) do
    local name = self.names[task.index]
    if name and (task.attempt or 0) > 0 then
      local lines = self.options.tail or not self.single and DEFAULT_TAIL or nil
      local _, size = self.engine:log_read(self.run.id, name, task.attempt, -1, 1)
      local sink = logs.sink(self.single and "" or name .. " | ", self.options.raw)
      self.shown[task.index] = { attempt = task.attempt, offset = 0, sink = sink }
      if lines and size then
        for _, line in ipairs(tail.lines(self.engine, self.run.id, name, task.attempt, lines) or {}) do sink(line .. "\n") end
        self.shown[task.index].offset = size
      else
        self:show(task.index, task.attempt)
      end
    end
  end
  term.flush()
end

--- Shows all that grew since the last call.
function Follower:catch_up()
  self.dirty = false
  self:watch_logs()
  local grown = self.grown
  self.grown = {}
  for _, file in ipairs(grown) do self:show(file[1], file[2]) end
  term.flush()
end

--- Everything that was written, once it has ended: the last events may have come before the last bytes.
function Follower:finish()
  for _, task in ipairs(stop.check(self.engine:tasks(self.run.id, nil))) do
    if self.names[task.index] and (task.attempt or 0) > 0 and (self.single or self.shown[task.index] or self.live) then
      self:show(task.index, task.attempt)
    end
  end
  for _, state in pairs(self.shown) do state.sink(nil) end
  term.flush()
end

function Follower:task_ended(name)
  return name ~= nil and FINAL[stop.check(self.engine:task(self.run.id, name)).status]
end

--- engine, run document, task name or nil, options of `ork logs`.
return function(engine, run, name, options)
  if name then name = stop.check(engine:task(run.id, name)).name end
  local follower <close> = new_follower(engine, run, name, options)
  follower.single, follower.live = name ~= nil or run.tasks_total == 1, not run.finished_at
  follower:watch_logs()
  if name then follower:watch(engine:data_dir() .. "/agent") end
  follower:begin(follower.live and not name and { "running", "dispatched" } or nil)
  if follower.live and not (run.owner and run.owner.alive) then
    term.message(("ork: the program that ran it is gone; go on with: ork resume %s"):format(text.short(run.id)))
    return
  end
  while follower.live and not follower:task_ended(name) do
    local status, why, code = nil, nil, "ECANCELLED"
    if not follower.dirty then status, why, code = engine:wait(run.id, -1) end
    if status then break end
    if code ~= "ECANCELLED" then stop.check(nil, why, code) end
    follower:catch_up()
  end
  follower:finish()
end
