-- SPDX-License-Identifier: MIT
local catalog = require "ork.cli.catalog"
local columns = require "ork.cli.columns"
local core = require "ork.core"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local versions = {
  name = "versions",
  usage = "versions NAME [VERSION [VERSION]]",
  summary = "Lists the versions of a workflow, or shows how two of them differ",
  text = [[
Newest number first; `current` marks the one that `ork run NAME` starts. With one VERSION it is compared with the current one, with two
the first with the second: tasks, options, and the sources line by line. `ork apply NAME@VERSION` makes one current.]],
  examples = {
    { "ork versions etl", "which there are, since when, from which script" },
    { "ork versions etl 2 3", "what version 3 changed" },
    { "ork versions etl 2", "what became of version 2 until now" },
    { "ork apply etl@2", "go back to version 2" },
  },
  words = { 1, 3 },
}

local function row_of(version)
  return {
    tostring(version.version), version.current and "current" or "", text.time(version.applied_at), version.hash:sub(1, 8),
    tostring(version.tasks), tostring(version.runs), version.script_path and term.line(version.script_path) or "-",
  }
end

local function list(engine, name)
  if term.json then
    term.out((stop.check(engine:versions(name, true))))
    return 0
  end
  local all = stop.check(engine:versions(name))
  if #all == 0 then
    stop.check(engine:workflow(name)) -- says why there is none
    return 0
  end
  local rows = {}
  for i, version in ipairs(all) do rows[i] = row_of(version) end
  for _, line in ipairs(columns({
    { "VERSION", right = true }, { "" }, { "APPLIED" }, { "HASH" }, { "TASKS", right = true }, { "RUNS", right = true },
    { "SCRIPT", shrink = true },
  }, rows, term.width())) do term.out(line) end
  return 0
end

local function number(name, word)
  local from, version = catalog.parse(word:find("@", 1, true) and word or name .. "@" .. word)
  if from ~= name then stop(2, "only versions of one workflow are compared, not `%s` and `%s`", name, from) end
  return version
end

local function compare(engine, name, from, to)
  local a, b = stop.check(engine:workflow(name, from)), stop.check(engine:workflow(name, to))
  if term.json then
    term.out((stop.check(core.diff(a, b, true))))
    return 0
  end
  local title = ("%s: version %d → %s"):format(name, from, to and "version " .. to or "the current one")
  if core.hash(a) == core.hash(b) then
    term.out(title .. ", the same")
    return 0
  end
  local diff = stop.check(core.diff(a, b))
  term.out(title .. (catalog.sources_only(diff) and ", sources only" or ""))
  for _, line in ipairs(catalog.lines(diff)) do term.out(line) end
  for _, line in ipairs(catalog.source_lines(diff)) do term.out(line) end
  return 0
end

function versions.run(given)
  local words = given.words
  local name, first = catalog.parse(words[1])
  local from = words[2] and number(name, words[2])
  local to = words[3] and number(name, words[3])
  if first then -- NAME@2 NAME@3
    if to then stop(2, "%d versions are too many: ork %s", 3, versions.usage) end
    from, to = first, from
  end
  local engine <close> = open.read(given.options)
  if from then return compare(engine, name, from, to) end
  return list(engine, name)
end

return versions
