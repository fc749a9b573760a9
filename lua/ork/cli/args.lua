-- SPDX-License-Identifier: MIT
-- Options and words of a command line, read and explained from one table per command.
--
-- A command is { name, usage, summary, options = { { "status", "S", "only this status", … }, … }, words = { min, max },
-- params = true, bytes = true (words need not be UTF-8), text = paragraphs with an empty line between them, examples = {
-- { "ork runs", "what it does" }, … } }. An option row is name, argument (false: a flag), text, and by key: short ("f"), kind
-- (below), many (a list), choices. Values arrive as options.status; "max-parallel" as options.max_parallel.
local stop = require "ork.cli.stop"

local args = {}

--- Taken by every command.
args.globals = {
  { "db", "URL", "the database: sqlite:PATH, file:DIR (default: the nearest .ork/ork.db, here or above)" },
  { "data", "DIR", "where logs and the agent live (default: beside the database)" },
  { "json", false, "one JSON document on stdout" },
  { "quiet", false, "only results and failures", short = "q" },
  { "verbose", false, "more about what happens", short = "v" },
  { "no-color", false, "no colours" },
  { "help", false, "this text", short = "h" },
}

local function core() return require "ork.core" end

-- ---- values ----------------------------------------------------------------------------------

local DAY_MS = 86400000
local days = { yesterday = -1, today = 0, tomorrow = 1 }

--- A time; as for params, a day is one of UTC.
local function instant(text)
  local now = core().sys.now()
  if text == "now" then return now end
  if days[text] then return (now // DAY_MS + days[text]) * DAY_MS end
  return (core().sys.time(text))
end

local kinds = {
  text = function(text) return text end,
  count = function(text)
    local n = math.tointeger(tonumber(text))
    if n and n >= 1 then return n end
    return nil, "a whole number from 1"
  end,
  number = function(text)
    local n = math.tointeger(tonumber(text))
    if n and n >= 0 then return n end
    return nil, "a whole number"
  end,
  duration = function(text)
    local ms = core().sys.duration(text)
    if ms and ms >= 0 then return ms end
    return nil, "a duration like 90s, 10m or 1h30m"
  end,
  --- Of what is removed: 30 may have been meant as days, seconds would be the worst to guess.
  age = function(text)
    local ms = text:find("%a") and core().sys.duration(text)
    if ms and ms >= 0 then return ms end
    return nil, "an age with its unit, like 30d or 12h"
  end,
  time = function(text)
    local ms = instant(text)
    if ms then return ms end
    return nil, "a time like 2026-11-01, 2026-11-01T02:00:00Z or yesterday"
  end,
  --- A point in the past: a time, or a duration before now.
  since = function(text)
    local ms = instant(text)
    if ms then return ms end
    ms = core().sys.duration(text)
    if ms then return core().sys.now() - math.abs(ms) end
    return nil, "a time like 2026-11-01 or yesterday, or how long ago, like 2d"
  end,
}

local function convert(row, text)
  local value, wanted = kinds[row.kind or "text"](text)
  if value == nil then stop(2, "--%s is %s, not `%s`", row[1], wanted, text) end
  if row.choices then
    for _, choice in ipairs(row.choices) do
      if choice == value then return value end
    end
    local near = core().suggest(text, row.choices)
    stop(2, "--%s is one of %s, not `%s`%s", row[1], table.concat(row.choices, ", "), text,
      near and ("; did you mean `%s`?"):format(near) or "")
  end
  return value
end

-- ---- reading ---------------------------------------------------------------------------------

local function rows_of(command)
  local rows = {}
  for _, list in ipairs({ command.options or {}, args.globals }) do
    for _, row in ipairs(list) do rows[#rows + 1] = row end
  end
  return rows
end

--- What options of other programs are here, where they are none.
local ELSEWHERE = {
  conf = "params are words: day=2026-11-01, or a JSON file: --params-file F", ["start-date"] = "write --from", ["end-date"] = "write --to",
  ["keep-going"] = "tasks that do not need what failed go on anyway", k = "tasks that do not need what failed go on anyway",
}

local function find(command, name, short, value)
  local names = {}
  for _, row in ipairs(rows_of(command)) do
    if short and row.short == name or not short and row[1] == name then return row end
    names[#names + 1] = row[1]
  end
  local flag = (short and "-" or "--") .. name
  local near = not short and core().suggest(name, names)
  local said = command.shown or command.name
  local as_param = not near and not short and command.params and name:find("^[%w_][%w_.-]*$")
    and ("; params are words: %s=%s"):format(name, value or "…")
  if command.shown and (flag == "--dry-run" or flag == "-n") then
    stop(2, "ork %s has no option %s; what it would do: ork plan %s", said, flag, said)
  end
  if ELSEWHERE[name] and not (near and #near == #name) then
    stop(2, "ork %s has no option %s; %s\nsee: ork %s", said, flag, ELSEWHERE[name], command.help_name or said .. " --help")
  end
  stop(2, "ork %s has no option %s%s\nsee: ork %s", said, flag, near and ("; did you mean --%s?"):format(near) or as_param or "",
    command.help_name or said .. " --help")
end

local function key_of(row) return (row[1]:gsub("-", "_")) end

local function store(options, row, value)
  local key = key_of(row)
  if row.many then
    options[key] = options[key] or {}
    table.insert(options[key], value)
  elseif options[key] ~= nil and row[2] then
    stop(2, "--%s is given twice", row[1])
  else
    options[key] = value
  end
end

--- Names and values are texts; only the path of a file that is there may be other bytes.
local function check_text(word)
  if not utf8.len(word) and not core().sys.stat(word) then stop(2, "`%s` is not UTF-8 text", word) end
end

--- Reads one option at words[i]; returns the index of the last word it took.
local function read_option(command, options, words, i)
  local word = words[i]
  local name, value = word:match("^%-%-([^=]+)=(.*)$")
  local row
  if name then
    row = find(command, name, false, value)
    if not row[2] then stop(2, "--%s takes no value", name) end
  elseif word:find("^%-%-") then
    row = find(command, word:sub(3))
  else
    row = find(command, word:sub(2, 2), true)
    if #word > 2 then
      if not row[2] then stop(2, "write -%s and -%s apart", word:sub(2, 2), word:sub(3)) end
      value = word:sub(3)
    end
  end
  if not row[2] then
    store(options, row, true)
    return i
  end
  if not value then
    i = i + 1
    value = words[i]
    if not value then stop(2, "--%s needs a value: --%s %s", row[1], row[1], row[2]) end
    check_text(value)
  end
  if value == "" then stop(2, "--%s needs a value, not an empty one: --%s %s", row[1], row[1], row[2]) end
  store(options, row, convert(row, value))
  return i
end

--- Adds "name=value" to the params typed on the command line.
function args.add_param(params, word)
  local name, text = word:match("^([%w_][%w_.-]*)=(.*)$")
  if not name then stop(2, "a param is written name=value, not `%s`", word) end
  if params[name] then stop(2, "the param `%s` is given twice", name) end
  params[name] = text
end

--- Reads the words that follow a command: options by key, words in order, params by name (as typed). script: the word that
--- stands where the command's name would.
function args.parse(command, words, options, script)
  options = options or {}
  if script then command = setmetatable({ shown = script }, { __index = command }) end
  local given = { options = options, words = {}, params = {} }
  local i, only_words = 1, false
  while i <= #words do
    local word = words[i]
    if not command.bytes then check_text(word:match("^%-%-[%w-]+=(.*)$") or word) end
    if not only_words and word == "--" then
      only_words = true
    elseif not only_words and word:find("^%-.") then
      i = read_option(command, options, words, i)
    elseif command.params and word:find("^[%w_][%w_.-]*=") then
      args.add_param(given.params, word)
    else
      given.words[#given.words + 1] = word
    end
    i = i + 1
  end
  for _, word in ipairs(options.param or {}) do args.add_param(given.params, word) end
  if options.help then return given end
  local min, max = table.unpack(command.words or { 0, 0 })
  if #given.words < min then
    stop(2, "something is missing: ork %s", command.usage)
  elseif max and #given.words > max then
    stop(2, "`%s` is one word too many: ork %s", given.words[max + 1], command.usage)
  end
  return given
end

--- An option before the command that only a script takes: ends the command with where it belongs.
local function check_early(words, i)
  local name, short = words[i]:match("^%-%-([^=]+)"), words[i]:match("^%-(%w)")
  for _, row in ipairs(args.globals) do
    if row[1] == name or row.short and row.short == short then return end
  end
  for _, row in ipairs(require("ork.cli.script").options) do
    if row[1] == name or row.short and row.short == short then
      local script
      for at = i + 1, #words do script = script or words[at]:find("%.lua$") and words[at] end
      stop(2, "%s is written after the script: ork %s %s", words[i], script or "SCRIPT", words[i])
    end
  end
end

--- Options before the command's name; returns them and the words from the name on.
function args.split_globals(words)
  local globals = { name = "COMMAND", help_name = "help" }
  local options, i = {}, 1
  while i <= #words and words[i]:find("^%-.") and words[i] ~= "--" do
    if words[i] == "--version" then return options, { "version" } end
    check_early(words, i)
    i = read_option(globals, options, words, i) + 1
  end
  return options, table.move(words, i, #words, 1, {})
end

-- ---- explaining ------------------------------------------------------------------------------

--- The text of `ork COMMAND --help`.
function args.help(command) return require("ork.cli.explain").command(command) end
function args.option_lines(rows) return require("ork.cli.explain").option_lines(rows) end

return args
