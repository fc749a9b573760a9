-- SPDX-License-Identifier: MIT
-- `ork backfill NAME`: a run for each time of a schedule in a stretch of the past, carried out here, a few at once.
--
-- Each run is named by its time (scheduled_for), of which a workflow has one run: times that have one already are left alone, and
-- a backfill that was killed and is started again goes on with what is left.
local args = require "ork.cli.args"
local catalog = require "ork.cli.catalog"
local confirm = require "ork.cli.confirm"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local fires = require "ork.cli.fires"
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local report = require "ork.cli.report"
local stop = require "ork.cli.stop"
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local backfill = {
  name = "backfill",
  usage = "backfill NAME --from D --to D [name=value ...]",
  summary = "Runs an applied workflow for each time of its schedule between two days, here",
  text = [[
A day is one of the schedule's zone; --to is included. Each run has the time as its logical time, and the params that the schedule gives, with
those that are given here over them. A time that has a run already (of the schedule, or of an earlier backfill) is left alone, so the command
can be repeated. Ctrl-C cancels the runs under way and starts no more; once more kills.]],
  examples = {
    { "ork backfill etl --from 2026-10-01 --to 2026-10-31", "a run for each time the schedule had in October" },
    { "ork backfill etl --from 2026-10-01 --to 2026-10-31 --max-parallel 4", "four at once" },
    { "ork backfill etl --from 2026-10-01 --to 2026-10-31 --dry-run", "only list the times" },
    { "ork backfill etl --from 2026-01-01 --to 2026-01-31 --every 1d full=true", "without its schedule: each day, with a param" },
  },
  words = { 1, 1 },
  params = true,
  helps = true,
  options = {
    { "from", "D", "the first time: 2026-10-01, 2026-10-01T06:00 or -30d" },
    { "to", "D", "the last: a day is included whole" },
    { "every", "D", "every so often from --from on, not by the schedule (whole days are days of the calendar)", kind = "duration" },
    { "max-parallel", "N", "runs at once (default: 1)", kind = "count" },
    { "fail-fast", false, "start no more once a run has failed" },
    { "dry-run", false, "only list the times and whether they have a run" },
    { "param", "name=value", "a param (also: name=value)", many = true },
    { "jobs", "N", "at most so many processes at once (default: twice the cores)", kind = "count", short = "j" },
    confirm.option,
  },
}

local MOST = 10000 -- runs of one backfill
local ASK = 100 -- more are asked about

-- ---- the times -------------------------------------------------------------------------------

--- The day after, on the calendar; a day that is none stays as it is.
local function next_day(day)
  local ms = sys.time(day .. "T00:00:00Z")
  return ms and sys.format_time(ms + 86400000):sub(1, 10) or day
end

--- The instant a bound means, in the zone; last: a day means its end.
local function bound(name, word, zone, last)
  if not word then stop(2, "--%s is missing: ork %s", name, backfill.usage) end
  local days = word:match("^%-(%d+)d$")
  local relative = ({ today = 0, yesterday = 1 })[word] or days and math.tointeger(tonumber(days))
  if relative then
    local here = stop.check(core.zone_date(sys.now(), zone, -relative))
    word = here
  end
  local day = word:match("^%d%d%d%d%-%d%d%-%d%d$")
  if word:find("[Zz]$") or word:find("T.*[+-]%d%d:?%d%d$") then
    local ms = sys.time(word)
    if ms then return ms end
  end
  local ms = core.zone_instant(day and last and next_day(word) or word, zone)
  if not ms then stop(2, "--%s is a time like 2026-10-01, 2026-10-01T06:00, yesterday or -30d, not `%s`", name, word) end
  return day and last and ms - 1 or ms
end

local DAY_MS = 86400000

--- The i-th time after `from`, every so often: whole days are days of the zone's calendar, whatever its clocks do.
local function time_after(from, every, i, zone)
  if every % DAY_MS ~= 0 then return from + every * i end
  local second = fires.document({ every_ms = 1000, timezone = zone }, from - 1, 1).fires[1]
  local day = stop.check(core.zone_date(from, zone, every // DAY_MS * i))
  return stop.check(core.zone_instant(day .. "T" .. second["local"]:sub(12), zone))
end

--- All times from..to, oldest first, and those of a schedule as a document of fires.
local function times_of(option, from, to, every, zone)
  local list, document = {}, nil
  if every then
    local at = from
    while at <= to and #list <= MOST do
      list[#list + 1] = at
      at = time_after(from, every, #list, zone)
    end
  else
    document = stop.check(core.schedule_fires(stop.check(core.json.encode(option)), from - 1, MOST))
    for _, fire in ipairs(document.fires) do
      if fire.at > to then break end
      list[#list + 1] = fire.at
    end
    if #list == MOST and document.fires[MOST].at < to then list[MOST + 1] = true end
  end
  if #list > MOST then stop(2, "that is more than %d runs; take a shorter stretch", MOST) end
  return list, document
end

-- ---- the runs --------------------------------------------------------------------------------

local NAMED = 6 -- failed runs

local Work = {}
Work.__index = Work

--- had: it had that run before.
function Work:note(at, status, id, took, had)
  self.done = self.done + 1
  self.rows[#self.rows + 1] = { scheduled_for = sys.format_time(at), status = status, run = id, had_run = had or false }
  if had and status == "success" then status = "had run" end
  self.counts[status] = (self.counts[status] or 0) + 1
  if term.json then return end
  term.news(("%" .. #tostring(self.total) .. "d of %d  %s  %s  %s%s"):format(self.done, self.total, fires.time(self.option, sys.format_time(at)),
    term.paint_status(status, ("%-9s"):format(status), "err"), id and text.short(id) or "", took and "  " .. text.duration(took) or ""))
end

--- Starts the run of the next time. False: there is none any more.
function Work:start_next()
  local at = table.remove(self.times, 1)
  if not at then return false end
  local params = stop.check(core.schedule_params(self.workflow, next(self.typed) and self.typed or nil, at))
  local id, how = stop.check(self.engine:start(self.workflow,
    { params = params, triggered_by = "backfill", logical_ms = at, scheduled = true }))
  if how == "finished" or how == "watched" then
    self:note(at, how == "finished" and stop.check(self.engine:run(id)).status or "runs elsewhere", id, nil, true)
  else
    self.open[id], self.running = at, self.running + 1
  end
  return true
end

function Work:ended(id, status)
  local at = self.open[id]
  if not at then return end
  self.open[id], self.running = nil, self.running - 1
  local run = stop.check(self.engine:run(id))
  self:note(at, status, id, run.took_ms)
  if status == "failed" then
    if not term.quiet and not term.json and not self.reported then report.failures(self.engine, run) end
    self.reported = true -- the others most likely failed alike
    if self.fail_fast then self.stopped = true end
  end
end

function Work:cancel(kind)
  for id in pairs(self.open) do
    local _, why, code = self.engine:command(id, kind)
    if why and code ~= "ESTATE" then term.message("ork: " .. why) end
  end
end

function Work:take_signals()
  for name, code in pairs({ int = 130, term = 143 }) do
    self.watchers[#self.watchers + 1] = core.loop.signal(name, function()
      self.signals, self.code = self.signals + 1, self.code or code
      self.engine:interrupt()
    end)
  end
end

function Work:run()
  local handled, over = 0, {}
  self.engine:on_change(function(change)
    if change.task or not self.open[change.run_id] then return end
    if change.to ~= "success" and change.to ~= "failed" and change.to ~= "cancelled" then return end
    over[#over + 1] = { change.run_id, change.to }
    self.engine:interrupt()
  end)
  while true do
    while handled < self.signals do
      handled = handled + 1
      self.stopped = true
      if handled == 1 then term.message("cancelling; once more kills what is still running") end
      self:cancel(handled == 1 and "cancel" or "kill")
    end
    while not self.stopped and self.running < self.parallel and self:start_next() do
      if self.signals > handled then break end
    end
    local list = over
    over = {}
    for _, each in ipairs(list) do self:ended(each[1], each[2]) end
    if self.running == 0 and (self.stopped or #self.times == 0) then break end
    if #list == 0 and self.signals == handled then stop.check(self.engine:run_loop()) end
  end
end

-- ---- the command -----------------------------------------------------------------------------

local function list_times(engine, workflow, option, times, document)
  local rows, lines = {}, document and fires.lines(document)
  for i, at in ipairs(times) do
    local run = stop.check(engine:runs({ workflow = workflow.name, scheduled_for_ms = at, limit = 1 }))[1]
    rows[i] = { scheduled_for = sys.format_time(at), run = run and run.id, status = run and run.status }
    if not term.json then
      local line = lines and lines[i]:sub(3) or fires.time(option, rows[i].scheduled_for)
      term.out(("%s%s"):format(line, run and ("  has run %s (%s)"):format(text.short(run.id), run.status) or ""))
    end
  end
  if term.json then term.out((stop.check(core.json.encode(core.list(rows))))) end
  return 0
end

--- What tries again those of this backfill that failed: by their names while these are few.
local function retry_line(work)
  local ids = {}
  for _, row in ipairs(work.rows) do
    if row.status == "failed" and row.run then ids[#ids + 1] = text.short(row.run) end
  end
  if #ids > NAMED then return hint.line("ork retry --workflow %s --status failed", text.word(work.workflow.name)) .. "   (all of them)" end
  return hint.line("ork retry %s", table.concat(ids, " "))
end

function backfill.run(given)
  local options, word = given.options, given.words[1]
  if catalog.is_path(word) then stop(2, "`%s` is a script; first keep its workflow: ork apply %s", word, word) end
  if options.help then
    local engine <close> = open.read(options)
    term.out(definition.describe(catalog.open(engine, word), "backfill " .. word, false))
    term.out("\noptions:\n" .. args.option_lines(backfill.options))
    return 0
  end
  local engine <close> = options.dry_run and open.read(options) or open.change(options)
  local workflow = catalog.open(engine, word)
  local option = stop.check(core.json.decode(stop.check(core.options_json(workflow)))).schedule
  if not option and not options.every then
    stop(2, "workflow `%s` has no schedule; say how often: --every 1d", workflow.name)
  end
  local zone = option and option.timezone or "UTC"
  local from, to = bound("from", options.from, zone, false), bound("to", options.to, zone, true)
  if to < from then stop(2, "--to is before --from") end
  if options.every and options.every < 1000 then stop(2, "--every is one second or more") end
  if to > sys.now() then to = sys.now() end
  local times, document = times_of(option, from, to, options.every, zone)
  if #times == 0 then stop(2, "there is no time between --from and --to (what is in the future is left to the schedule)") end
  local shown = option or { every_ms = options.every }
  if options.dry_run then return list_times(engine, workflow, shown, times, document) end
  stop.check(core.schedule_params(workflow, next(given.params) and given.params or nil, times[1]))
  if #times > ASK then confirm(("start %d runs of %s?"):format(#times, workflow.name), options) end

  local work = setmetatable({ engine = engine, workflow = workflow, option = shown, times = times, typed = given.params, total = #times,
    parallel = options.max_parallel or 1, fail_fast = options.fail_fast, open = {}, running = 0, done = 0, counts = {}, rows = {},
    signals = 0, watchers = {} }, Work)
  work:take_signals()
  work:run()
  for _, watcher in ipairs(work.watchers) do watcher:close() end
  if term.json then term.out((stop.check(core.json.encode(core.list(work.rows))))) end
  local parts = {}
  for status, n in pairs(work.counts) do parts[#parts + 1] = n .. " " .. status end
  table.sort(parts)
  if not term.json then
    term.out(("backfill of %s: %s%s"):format(workflow.name, table.concat(parts, ", "), #work.times > 0 and (", %d not begun"):format(#work.times) or ""))
  end
  if work.counts.failed and not term.json then
    term.news("those that failed again: " .. retry_line(work))
  end
  if work.code then return work.code end
  return (work.counts.failed or work.counts.cancelled) and 1 or 0
end

return backfill
