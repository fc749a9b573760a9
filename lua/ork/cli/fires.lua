-- SPDX-License-Identifier: MIT
-- Times of a schedule as people read them: in the zone of the schedule, beside it in their own, and what the clocks do.
--
--   2026-03-29 03:00 CEST   2026-03-29 01:00 UTC   clocks go forward by 1h: 02:30 does not exist
local core = require "ork.core"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local fires = {}

--- "0 2 * * * Europe/Berlin", "every 10m"; option: as stored.
function fires.rule(option)
  if not option.cron then return "every " .. text.duration(option.every_ms) end
  return option.timezone and option.timezone ~= "UTC" and option.cron .. "  " .. option.timezone or option.cron .. "  UTC"
end

--- The option of a stored schedule; one of the original's has its own dialect.
function fires.option(schedule)
  return schedule.options or { cron = schedule.schedule, dialect = "original" }
end

--- Without the seconds where they are nothing but 00.
local function short(time, seconds) return seconds and time or time:sub(1, 16) end

local function change_text(fire)
  local parts = {}
  if fire.change and fire.change.by_s ~= 0 then
    parts[#parts + 1] = ("clocks go %s by %s"):format(fire.change.by_s > 0 and "forward" or "back",
      text.duration(math.abs(fire.change.by_s) * 1000))
  end
  if fire.shifted_from then parts[#parts + 1] = ("%s does not exist that day"):format(short(fire.shifted_from, false):sub(12)) end
  if fire.occurrence then
    parts[#parts + 1] = fire.occurrence == 1 and "the first of two such times" or "the second of two such times"
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- The next n times after an instant, as a document. Ends the command when the option is of no use.
function fires.document(option, after_ms, n)
  return stop.check(core.schedule_fires(stop.check(core.json.encode(option)), after_ms, n, core.zone_local()))
end

--- Lines for a document of fires.
function fires.lines(document)
  local seconds, same = false, true
  for _, fire in ipairs(document.fires) do
    if fire["local"]:sub(18, 19) ~= "00" then seconds = true end
    if fire.viewer and fire.viewer.offset ~= fire.offset then same = false end
  end
  local lines = {}
  for i, fire in ipairs(document.fires) do
    local parts = { short(fire["local"], seconds) .. " " .. fire.abbrev }
    if not same then parts[2] = short(fire.viewer["local"], seconds) .. " " .. fire.viewer.abbrev end
    parts[#parts + 1] = change_text(fire)
    lines[i] = "  " .. table.concat(parts, "   ")
  end
  if #lines == 0 then lines[1] = "  never again" end
  return lines
end

--- "2026-03-29 02:00 CET", of one instant in the schedule's zone; "-" for none.
function fires.time(option, rfc3339)
  local ms = rfc3339 and core.sys.time(rfc3339)
  if not ms then return "-" end
  local second = ms // 1000 * 1000
  local found = core.schedule_fires(core.json.encode({ every_ms = 1000, timezone = option.timezone }), second - 1, 1)
  local fire = found and found.fires[1]
  if not fire then return text.time(rfc3339) end -- its zone is gone
  return short(fire["local"], fire["local"]:sub(18, 19) ~= "00") .. " " .. fire.abbrev
end

--- Prints the next times of an option, with a head line.
function fires.tell(option, n)
  term.out("next, by its schedule:")
  for _, line in ipairs(fires.lines(fires.document(option, core.sys.now(), n))) do term.out(line) end
end

return fires
