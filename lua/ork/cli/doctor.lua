-- SPDX-License-Identifier: MIT
local core = require "ork.core"
local database = require "ork.database"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local doctor = {
  name = "doctor",
  usage = "doctor",
  summary = "Looks at what Ork stands on here, and says what to do where something is wrong",
  text = [[
Tries, rather than believes: takes locks and awaits notices in the data directory, runs a process through the agent and sees that
nothing of it stays behind. Looks at the database it would use (as every command, or --db), its version, the disk, limits, the clock,
runs that no program drives, logs of runs that are gone, and the terminal; of a PostgreSQL server at its version, its clock, what this
role may do, how many connections are left, and whether it cleans up after itself. Changes nothing; without a database it looks at
the current folder. For damage inside the database there is `ork db check`.

Exit code 0: nothing is wrong (there may be warnings). 3: something is. With --json: {"ok", "checks": [{"name", "state":
"ok"|"warning"|"problem", "text", "hint"}]}.]],
  examples = {
    { "ork doctor", "on a new machine, in a container, or when something is strange" },
    { "ork doctor --db sqlite:/srv/etl/runs.db", "look at that database and its data directory" },
    { "ork doctor --json --quiet", "for programs that watch the machine" },
  },
}

-- ---- what only the program knows ------------------------------------------------------------

local function setting(name)
  local value = os.getenv(name)
  return value and value ~= "" and value or nil
end

--- The locale that decides how characters are read, and where it is set.
local function locale()
  for _, name in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
    if setting(name) then return setting(name), name end
  end
  return "C", nil
end

--- The terminal and the locale as a finding.
local function terminal()
  local columns, kind = term.out_columns, setting("TERM")
  local value, from = locale()
  local found = { name = "terminal", state = "ok" }
  if not columns then
    found.text = ("none on stdout; locale %s"):format(value)
  elseif not value:upper():find("UTF%-?8") then
    found.state, found.hint = "warning", "export LC_ALL=C.UTF-8"
    found.text = ("the locale is %s%s, not a UTF-8 one: names with other letters may look broken"):format(value,
      from and " by " .. from or "")
  elseif not kind or kind == "dumb" then
    found.text = ("TERM is %s: plain lines, no live view"):format(kind or "not set")
  else
    found.text = ("%s, %d columns, %s%s"):format(kind, columns, value, term.color and "" or ", no colours")
  end
  return found
end

--- There may be a database, but it is another user's: said in place of "none".
local function closed(report, path)
  report.ok = false
  for _, each in ipairs(report.checks) do
    if each.name == "database" then
      each.state, each.text = "problem", ("%s may not be looked at: permission denied"):format(path)
      each.hint = "be the user whose runs are there (sudo -u USER ork …), or name another database: --db"
    end
  end
end

--- Scripts of applied workflows that are not where they were, as findings.
local function add_moved(checks, options)
  local engine <close> = database.open({ url = options.db, data_dir = options.data, read = true })
  if not engine then return end -- which is told already
  for _, each in ipairs(require("ork.cli.moved").gone(engine)) do
    checks[#checks + 1] = { name = "scripts", state = "warning", text = each.text, hint = each.hint }
  end
end

-- ---- the report ------------------------------------------------------------------------------

local marks = { ok = { "ok", "green" }, warning = { "warning", "yellow" }, problem = { "PROBLEM", "red" } }

local function show(checks)
  local width = 0
  for _, each in ipairs(checks) do width = math.max(width, #each.name) end
  for _, each in ipairs(checks) do
    local word, color = table.unpack(marks[each.state])
    if each.state ~= "ok" or not term.quiet then
      term.out(("%s  %-" .. width .. "s  %s"):format(term.paint(color, ("%-7s"):format(word)), each.name, term.line(each.text)))
      if each.hint then term.out((" "):rep(width + 11) .. "-> " .. term.line(each.hint)) end
    end
  end
end

local function summary(checks)
  local count = { ok = 0, warning = 0, problem = 0 }
  for _, each in ipairs(checks) do count[each.state] = count[each.state] + 1 end
  local parts = {}
  if count.problem > 0 then parts[#parts + 1] = text.plural(count.problem, "problem") end
  if count.warning > 0 then parts[#parts + 1] = text.plural(count.warning, "warning") end
  return #parts == 0 and "nothing is wrong" or text.list(parts)
end

function doctor.run(given)
  local options = given.options
  local data_dir = options.data or setting("ORK_DATA")
  local found, _, denied = database.locate({ url = options.db })
  local report = stop.check(core.doctor({ url = found and found.url, data_dir = data_dir }))
  if denied then closed(report, denied) end
  if found and report.ok then add_moved(report.checks, options) end -- one that is locked would be waited for
  table.insert(report.checks, terminal())
  if term.json then
    for _, each in ipairs(report.checks) do each.hint = each.hint or core.null end
    report.checks = core.list(report.checks)
    term.out((stop.check(core.json.encode(report))))
  else
    show(report.checks)
    term.news(summary(report.checks))
  end
  return report.ok and 0 or 3
end

return doctor
