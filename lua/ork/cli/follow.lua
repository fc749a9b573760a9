-- SPDX-License-Identifier: MIT
-- `ork logs -f`: shows logs as they grow, until the run (or the one task) has ended.
--
-- Nothing polls: inotify tells which log of the run's folder grew, <task_index>.<attempt>.log; the engine's wait() tells
-- that the run is over, its news (feed.lua) that a task is. What grew is noted in the callback and read between two waits.
-- Tasks are read a page at a time and known by number, so a run of a hundred thousand costs what it prints.
local core = require "ork.core"
local hint = require "ork.cli.hint"
local logs = require "ork.cli.logs"
local loop = core.loop
local stop = require "ork.cli.stop"
local tail = require "ork.cli.tail"
local term = require "ork.term"
local text = require "ork.cli.text"

local FINAL = { success = true, failed = true, cancelled = true, skipped = true }
local PAGE = 500

local Follower = {}
Follower.__index = Follower

--- only: the document of the one task that is meant, or nil.
local function new_follower(engine, run, only, options)
  return setmetatable({
    engine = engine, run = run, only = only, options = options, names = {}, shown = {}, grown = {}, dirty = false, watchers = {},
    single = only ~= nil or run.tasks_total == 1,
  }, Follower)
end

function Follower:close()
  for _, watcher in pairs(self.watchers) do watcher:close() end
  self.engine:on_news(nil)
end
Follower.__close = Follower.close

--- The name of task number `index`; nil when it is not meant.
function Follower:name_of(index)
  if self.only then return index == self.only.index and self.only.name or nil end
  if not self.names[index] then
    local row = stop.check(self.engine:tasks(self.run.id, { after = index - 1, limit = 1 }))[1]
    self.names[index] = row and row.name
  end
  return self.names[index]
end

--- All tasks of the run with one of the statuses (nil: any), as documents.
function Follower:each_task(statuses)
  return coroutine.wrap(function()
    local after = -1
    repeat
      local page = stop.check(self.engine:tasks(self.run.id, { status = statuses, after = after, limit = PAGE }))
      for _, task in ipairs(page) do
        if not self.only or task.index == self.only.index then coroutine.yield(task) end
        after = task.index
      end
    until #page < PAGE
  end)
end

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

--- Watches the folder of this run's logs, or until it is made the one above. True when it was found only now: what it holds
--- has been written unseen.
function Follower:watch_logs()
  if self.logs then return false end
  local root = self.engine:data_dir() .. "/logs"
  local function note(name)
    local index, attempt = (name or ""):match("^(%d+)%.(%d+)%.log$")
    if index then self.grown[#self.grown + 1] = { tonumber(index), tonumber(attempt) } end
  end
  local folder = root .. "/" .. self.run.id
  self.logs = self:watch(folder, note)
  if not self.logs then -- each is tried again once the one above is watched: it may have been made between the two looks
    if not self:watch(root) then
      self:watch(self.engine:data_dir())
      self:watch(root)
    end
    self.logs = self:watch(folder, note)
  end
  return self.logs
end

function Follower:new_sink(name) return logs.sink(self.single and "" or name .. " | ", self.options.raw) end

--- Shows what attempt `attempt` of task number `index` wrote since it was last shown.
function Follower:show(index, attempt)
  local name = self:name_of(index)
  if not name then return end
  local state = self.shown[index]
  if not state or state.attempt < attempt then
    if state then state.sink(nil) end
    state = { attempt = attempt, offset = 0, sink = self:new_sink(name) }
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
  local lines = self.options.tail or not self.single and logs.SEVERAL_TAIL or nil
  for task in self:each_task(statuses) do
    if (task.attempt or 0) > 0 then
      local last, size
      if lines then
        last, size = tail.lines(self.engine, self.run.id, task.name, task.attempt, lines)
      end
      if last then
        local state = { attempt = task.attempt, offset = size, sink = self:new_sink(task.name) }
        self.shown[task.index] = state
        for _, line in ipairs(last) do state.sink(line .. "\n") end
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
  if self:watch_logs() then
    for task in self:each_task(nil) do
      if (task.attempt or 0) > 0 then self:show(task.index, task.attempt) end
    end
  end
  local grown = self.grown
  self.grown = {}
  for _, file in ipairs(grown) do self:show(file[1], file[2]) end
  term.flush()
end

--- Everything that was written, once it has ended: the last events may have come before the last bytes.
function Follower:finish()
  for task in self:each_task({ "success", "failed", "cancelled", "running", "dispatched", "pending" }) do
    if (task.attempt or 0) > 0 and (self.single or self.live or self.shown[task.index]) then
      self:show(task.index, task.attempt)
      if not self.single then -- it is told to its end
        self.shown[task.index].sink(nil)
        self.shown[task.index] = nil
      end
    end
  end
  for _, state in pairs(self.shown) do state.sink(nil) end
  term.flush()
end

function Follower:task_ended()
  return self.only ~= nil and FINAL[stop.check(self.engine:task(self.run.id, self.only.name)).status]
end

--- Waits for the next news. Returns true at the end of the run.
local function wait(engine, run)
  local status, why, code = engine:wait(run.id, -1)
  if status then return true end
  if code ~= "ECANCELLED" then stop.check(nil, why, code) end
end

--- `-f --failed`: each failed task's log when it has failed.
local function follow_failed(engine, run, options)
  local failed = {}
  local feed <close> = require("ork.cli.feed").new(engine, run.id, function(change)
    if change.to == "failed" then failed[#failed + 1] = change.task end
  end)
  logs.several(engine, run, options)
  local ended
  repeat
    term.flush()
    ended = wait(engine, run)
    feed:catch_up()
    for _, name in ipairs(failed) do
      logs.print(engine, run.id, name, 0, options.tail or logs.SEVERAL_TAIL, name .. " | ", options.raw)
    end
    failed = {}
  until ended
end

--- engine, run document, task name or nil, options of `ork logs`.
return function(engine, run, name, options)
  local live, alive = not run.finished_at, run.owner and run.owner.alive
  if live and alive and options.failed and not name then return follow_failed(engine, run, options) end
  local only = name and stop.check(engine:task(run.id, name))
  local follower <close> = new_follower(engine, run, only, options)
  follower.live = live
  follower:watch_logs()
  if only then
    engine:on_news(function()
      follower.dirty = true
      engine:interrupt()
    end)
  end
  follower:begin(options.failed and { "failed" } or live and not only and { "running", "dispatched" } or nil)
  if live and not alive then
    term.message(("ork: the program that ran it is gone; go on with: %s"):format(hint.line("ork resume %s", text.short(run.id))))
    return
  end
  if options.failed then return end
  while live and not follower:task_ended() do
    if not follower.dirty and wait(engine, run) then break end
    follower:catch_up()
  end
  follower:finish()
end
