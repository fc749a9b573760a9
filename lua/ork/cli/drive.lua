-- SPDX-License-Identifier: MIT
-- Carries a run to its end in the foreground, showing progress; turns signals into wishes.
--
-- SIGINT and SIGTERM cancel the run, a second one kills what is left, one more than a second later leaves it as it is (an agent
-- that does not answer, a database that others hold); SIGHUP is ignored, so the run outlives its terminal;
-- SIGTSTP stops the program, but never inside a commit, which all other programs would wait for.
-- On a terminal progress is the live view (live.lua, loaded only there), elsewhere lines (progress.lua).
local core = require "ork.core"
local hint = require "ork.cli.hint"
local loop = core.loop
local progress = require "ork.cli.progress"
local report = require "ork.cli.report"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local drive = {}

local view  -- the live view; nil without a terminal
local recount -- the view's counts are to be read again
local shown -- what changes are told to: the view, lines; nil: nothing

local PATIENCE_MS = 1000 -- after the second signal, before another one means: now

local Signals = {}
Signals.__index = Signals

--- Ends the program at once, wherever it waits. Like a kill this costs nothing but the owner: what is stored is stored.
function Signals:leave()
  if view then view:close() end
  term.message("leaving; `ork cancel` ends what is left of the run")
  os.exit(self.code)
end

--- Takes the signals over until closed. count: how many asked to end; code: the exit code they ask for. look: the run is
--- not ours, so nothing is lost with the terminal.
local function take_signals(engine, look)
  local self = setmetatable({ count = 0, handled = 0, watchers = {} }, Signals)
  local function ending(name, code)
    self.watchers[#self.watchers + 1] = loop.signal(name, function()
      self.count, self.code = self.count + 1, self.code or code
      if self.count == 2 then self.killed_at = core.sys.now() end
      if self.count > 2 and core.sys.now() - self.killed_at > PATIENCE_MS then self:leave() end
      engine:interrupt()
    end)
  end
  ending("int", 130)
  ending("term", 143)
  if look then
    ending("hup", 129)
  else
    self.watchers[#self.watchers + 1] = loop.signal("hup", function() end)
  end
  self.watchers[#self.watchers + 1] = loop.signal("tstp", function()
    if view then view:suspend() end
    engine:suspend()
  end)
  return self
end

function Signals:close()
  if view then view:close() end
  for _, watcher in ipairs(self.watchers) do watcher:close() end
end
Signals.__close = Signals.close

local function wish(engine, id, kind, args)
  local _, why, code = engine:command(id, kind, args)
  if why and code and code ~= "ESTATE" then term.message("ork: " .. why) end
end

--- Passes new signals on to the run.
local function obey(engine, id, signals)
  while signals.handled < signals.count do
    signals.handled = signals.handled + 1
    if signals.handled == 1 then
      if view then view:ending(id) end
      term.message("cancelling; once more kills what is still running and leaves out `finally`")
      wish(engine, id, "cancel", { why = signals.code == 143 and "cancelled by SIGTERM" or "cancelled by Ctrl-C" })
    else
      wish(engine, id, "kill")
    end
  end
end

--- Waits for the end of a run of ours. deadline: ms since 1970 or nil. Returns its status and whether the time was over.
local function wait(engine, id, signals, deadline, timeout)
  local overdue = false
  while true do
    obey(engine, id, signals)
    local left = deadline and not overdue and math.max(0, deadline - core.sys.now()) or -1
    local status, why, code = engine:wait(id, left)
    if status then return status, overdue end
    if code == "ETIMEDOUT" then
      overdue = true
      term.message("the time is over; cancelling")
      wish(engine, id, "cancel", { why = ("it took longer than --timeout %s"):format(text.duration(timeout)) })
    elseif code ~= "ECANCELLED" then
      stop.check(nil, why, code)
    end
    if recount then
      recount = nil
      view:recount(id, stop.check(engine:progress(id)))
    end
  end
end

local function exit_code(status, signals, overdue)
  if status == "success" then return 0 end
  if signals.count > 0 then return signals.code end
  if overdue then return 124 end
  return 1
end

--- With --json, where several runs may end: their documents, printed as one list by drive.print_documents.
local documents

function drive.collect_documents() documents = {} end

function drive.print_documents()
  if term.json and documents then term.out("[" .. table.concat(documents, ",") .. "]") end
end

--- Shows how a finished run ended.
function drive.show_end(engine, id)
  if term.json then
    local document = stop.check(engine:run(id, true))
    if documents then
      documents[#documents + 1] = document
    else
      term.out(document)
    end
    return
  end
  local run = stop.check(engine:run(id))
  if run.status == "failed" then report.failures(engine, run) end
  if run.status == "cancelled" then report.cancelled(run) end
  if not term.quiet then
    term.out(report.summary(run))
  elseif run.status ~= "success" then
    term.message(report.summary(run)) -- which workflow, for who reads it in a mail
  end
end

local MOST_NAMES = 1000 -- looked at for the width of their column

--- The tasks of a run, for drive.prepare.
function drive.names(engine, id)
  local names = {}
  if term.quiet then return names end
  for i, task in ipairs(stop.check(engine:tasks(id, { limit = MOST_NAMES }))) do names[i] = task.name end
  return names
end

--- The run has been announced: what was told of it meanwhile, and what is told from now on, is shown.
function drive.release()
  if shown and shown.release then shown:release() end
end

--- Makes progress be shown, from drive.release (or drive.to_end's start) on. names: the tasks, as far as known.
function drive.prepare(engine, names)
  if term.quiet then return end
  if term.lively() then
    view = view or require("ork.cli.live").new()
    view:expect(names or {})
    shown = view
  else
    drive.release()
    shown = progress.new(names or {})
    shown:hold()
  end
  engine:on_change(function(change) shown:tell(change) end)
end

--- Progress is told to `printer`:tell(change).
function drive.show_by(printer) shown = printer end

--- From now on the live view shows the run.
local function begin_view(engine, id, how)
  if not view then return end
  local run = stop.check(engine:run(id))
  if how == "new" and run.triggered_by == "rerun" then
    view:begin(id, run, nil, function()
      recount = true
      engine:interrupt()
    end)
  else
    view:begin(id, run, how == "new" and { pending = run.tasks_total } or nil)
  end
end

--- The program that had the run is gone: waiting would never end.
local function ownerless(engine, id)
  if view then view:finish(id) end
  local run = stop.check(engine:run(id))
  stop(4, "nobody carries out run %s, which is %s; to go on with it: ork resume %s", text.short(id), run.status, text.short(id))
end

--- A run that another program carries out: shows it, and waits with it; a signal, or the end of the time, ends only the watching.
--- What state() tells, like what the view reads, is no older than where the feed begins: told twice at worst, never lost.
local function watch(engine, id, signals, deadline, state)
  local feed <close> = shown and require("ork.cli.feed").new(engine, id, function(change) shown:tell(change) end,
    view and function(run, items) view:recount(id, run, items) end)
  if state then state(engine, id) end
  begin_view(engine, id)
  while signals.count == 0 do
    local left = deadline and math.max(0, deadline - core.sys.now()) or -1
    local status, why, code = engine:wait(id, left)
    if feed then feed:catch_up() end
    if status then return status end
    if code == "ESTATE" then ownerless(engine, id) end
    if code == "ETIMEDOUT" then
      if view then view:finish(id) end
      term.news(("the time is over; run %s goes on: %s"):format(text.short(id), hint.line("ork watch %s", text.short(id))))
      stop.quietly(124)
    end
    if code ~= "ECANCELLED" then stop.check(nil, why, code) end
  end
  if view then view:finish(id) end
  term.news("the run goes on in its own program")
  stop.quietly(signals.code)
end

--- Takes a run without an owner; whoever serves the database, or came first, carries it out. Returns its id and "resumed" or "watched".
function drive.take(engine, id)
  if stop.check(engine:served()) then return id, "watched" end
  local taken, why, code = engine:claim(id)
  if not taken and code == "EBUSY" then return id, "watched" end
  stop.check(taken, why, code)
  return id, "resumed"
end

--- Waits for the run and shows its end. begin() starts (or claims) it and returns its id; it is called with the signals
--- already taken. opts: timeout (ms), look (only watch), state(engine, id)
--- (tells how a run of another program stands when its watching begins). Returns the exit code.
function drive.to_end(engine, begin, opts)
  opts = opts or {}
  local signals <close> = take_signals(engine, opts.look)
  local deadline = opts.timeout and core.sys.now() + opts.timeout
  local id, how = begin()
  drive.release()
  local status, overdue
  if how == "finished" then
    status = stop.check(engine:run(id)).status
  elseif engine:owned(id) or how ~= "watched" then
    begin_view(engine, id, how)
    status, overdue = wait(engine, id, signals, deadline, opts.timeout)
  else
    if not opts.look then term.news(("run %s is carried out by another program; watching it"):format(text.short(id))) end
    status = watch(engine, id, signals, deadline, opts.state)
  end
  term.exit_code = exit_code(status, signals, overdue)
  if view then view:finish(id) end
  drive.show_end(engine, id)
  return term.exit_code
end

return drive
