-- SPDX-License-Identifier: MIT
-- `ork db copy FROM TO`: everything of a database into another, of whatever kind. Progress goes to stderr: on a terminal one line
-- that is written over, elsewhere a line per table.
local confirm = require "ork.cli.confirm"
local core = require "ork.core"
local database = require "ork.database"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local FRAME_MS = 100

local function url_of(name)
  local url = database.url_of(name)
  if url:find("^sqlite:.*:memory:") then
    stop(2, "a database in memory ends with this command; name a file or a server")
  end
  return url
end

--- What the source holds, which is also how one of another version is refused before anything is asked.
local function contents(url)
  local engine <close>, message, code = core.open({ url = url, read = true })
  if not engine then stop.check(nil, message, code == "ENOTFOUND" and "EENV" or code) end
  local counts = stop.check(engine:db_status()).counts
  return ("%s, %s"):format(text.plural(counts.runs, "run"), text.plural(counts.tasks, "task"))
end

-- ---- progress --------------------------------------------------------------------------------

local function percent(state)
  return state.overall > 0 and 100 * state.done // state.overall or 100
end

local function over(line)
  io.stderr:write("\r\27[K", line)
  io.stderr:flush()
end

local function draw(state)
  if not state.table then return end
  over(("%s %s  %d of %d rows  (%d %%)"):format(state.phase, state.table, state.rows, state.total, percent(state)))
end

--- A table that is left behind is told.
local function tell(before, state)
  if before.phase == "copying" and before.table ~= state.table and before.total > 0 and not before.told[before.table] then
    before.told[before.table] = true
    term.news(("%s: %s"):format(before.table, text.plural(before.total, "row")))
  end
  if before.phase == "copying" and state.phase == "checking" then term.news("comparing both") end
end

--- Follows the copy to its end, or until somebody stopped it.
local function follow(copy, stopped)
  local lively, drawn, told = term.lively() and not term.quiet, 0, {}
  local state = copy:state()
  repeat
    local more, message, code = copy:step()
    local now = copy:state()
    if lively and core.sys.now() - drawn >= FRAME_MS then
      drawn = core.sys.now()
      draw(now)
    elseif not lively then
      state.told = told
      tell(state, now)
    end
    state = now
    if more ~= true or stopped() then
      if lively then over("") end
      stop.check(more, message, code)
      return not more
    end
  until false
end

-- ---- the end ---------------------------------------------------------------------------------

local function tell_end(document)
  local tables = 0
  for _, each in ipairs(document.tables) do
    if each.rows > 0 then tables = tables + 1 end
  end
  term.out(("copied %s of %s to %s; counts and checksums of both agree"):format(text.plural(document.rows, "row"),
    text.plural(tables, "table"), term.escape(document.to)))
  term.news(("log files were not copied: they stay %s, and the copy shows them from there"):format(
    document.logs and "in " .. term.escape(document.logs) or "on the hosts that ran the tasks"))
  if document.unfinished_runs > 0 then
    term.news(("%s unfinished in both: go on with one of the databases only"):format(
      document.unfinished_runs == 1 and "1 run is" or document.unfinished_runs .. " runs are"))
  end
end

return function(given)
  local from, to = given.words[2], given.words[3]
  if not to or given.words[4] then stop(2, "copy what where? ork db copy FROM TO") end
  if given.options.db then stop(2, "--db does not go with `db copy`, which names both: ork db copy FROM TO") end
  from, to = url_of(from), url_of(to)
  local holds = contents(from)
  confirm(("copy %s (%s) to %s?"):format(core.url_plain(from), holds, core.url_plain(to)), given.options)

  local stopped = false
  local function on_signal() stopped = true end
  local _ <close> = core.loop.signal("int", on_signal)
  local _ <close> = core.loop.signal("term", on_signal)
  local copy <close> = stop.check(core.copy(from, to, given.options.verbose and 2 or 1))
  if not follow(copy, function() return stopped end) then
    stop(130, "stopped; the same command goes on where it was")
  end
  if term.json then
    term.out((stop.check(copy:document(true))))
  elseif not term.quiet then
    tell_end(stop.check(copy:document()))
  end
  return 0
end
