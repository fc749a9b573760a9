-- SPDX-License-Identifier: MIT
local confirm = require "ork.cli.confirm"
local fields = require "ork.cli.fields"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local db = {
  name = "db",
  usage = "db migrate|status|check|copy FROM TO",
  summary = "Looks after the database itself",
  examples = {
    { "ork db status", "which file it is, its version, what it holds" },
    { "ork db check", "after a crash of the disk: is anything damaged? (exit code 3)" },
    { "ork db migrate --db sqlite:runs.db", "make a new database, or bring an old one to this version" },
    { "ork db copy .ork/ork.db postgres://ork@db/ork", "everything into another database, of any kind" },
  },
  text = [[
  migrate   bring it to this program's version; the only way to put Ork's tables into a database that has others
  status    where it is, its version, what it holds
  check     look for damage and for rows that contradict each other (exit code 3); runs that a killed program left are only named
  copy      everything of FROM into TO, which is empty; both are URLs or files. Nobody may work on either, and nobody can
            until it is over. Stopped or killed, the same command goes on where it was. At the end both are read again and
            compared: rows and checksums of every table. You are asked; --yes answers where there is no terminal. Log files
            stay where they are.]],
  options = { confirm.option },
  words = { 1, 3 },
}

local function counts_line(counts)
  local parts = {}
  for _, row in ipairs({ { "workflows", "workflow" }, { "runs", "run" }, { "tasks", "task" }, { "attempts", "attempt" } }) do
    if counts[row[1]] then parts[#parts + 1] = text.plural(counts[row[1]], row[2]) end
  end
  return table.concat(parts, ", ")
end

local function size_line(counts)
  if not (counts.pages and counts.page_bytes) then return nil end
  return ("%.1f MB"):format(counts.pages * counts.page_bytes / 1e6)
end

local function names_of(migrations)
  local names = {}
  for i, m in ipairs(migrations or {}) do names[i] = type(m) == "table" and (m.name or tostring(m.version)) or tostring(m) end
  return names
end

local actions = {}

local function show_status(engine)
  if term.json then
    term.out((stop.check(engine:db_status(true))))
    return
  end
  local status = stop.check(engine:db_status())
  local pending = names_of(status.pending)
  fields({
    { "database", status.url },
    { "data", engine:data_dir() },
    { "version", tostring(status.version) },
    { "migrations", ("%d applied%s"):format(#(status.migrations or {}),
      #pending > 0 and "; missing: " .. text.list(pending, 10) .. " (ork db migrate)" or "") },
    { "holds", counts_line(status.counts) },
    { "unfinished", text.plural(status.counts.unfinished_runs or 0, "run") },
    { "size", size_line(status.counts) },
    { "log", status.counts.log_bytes and ("%.1f MB"):format(status.counts.log_bytes / 1e6) },
  })
end

function actions.status(options)
  local engine <close> = open.read(options)
  show_status(engine)
  return 0
end

function actions.migrate(options)
  local engine <close> = open.migrate(options)
  show_status(engine)
  return 0
end

local function show_findings(list)
  for _, finding in ipairs(list or {}) do
    term.out(term.escape(finding.text))
    if finding.repair then term.out("  -> " .. term.escape(finding.repair)) end
  end
end

function actions.check(options)
  local engine <close> = open.read(options)
  local document = stop.check(engine:db_check())
  if term.json then
    term.out((stop.check(engine:db_check(true))))
  else
    show_findings(document.problems)
    if document.ok then term.out("no damage found") end
    show_findings(document.notes)
  end
  return document.ok and 0 or 3
end

function actions.copy(given) return require "ork.cli.db_copy"(given) end

function db.run(given)
  local action = actions[given.words[1]]
  if not action then
    local near = require("ork.core").suggest(given.words[1], { "migrate", "status", "check", "copy" })
    stop(2, "no command `db %s`%s", given.words[1], near and ("; did you mean `db %s`?"):format(near)
      or "; there are migrate, status, check and copy")
  end
  if given.words[1] == "copy" then return action(given) end
  if given.words[2] then stop(2, "`%s` is one word too many: ork db %s", given.words[2], given.words[1]) end
  if given.options.yes then stop(2, "--yes goes with `db copy` only") end
  return action(given.options)
end

return db
