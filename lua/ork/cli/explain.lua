-- SPDX-License-Identifier: MIT
-- The pages of `--help`, made from the tables of the commands. Loaded only when help is asked for.
--
-- A command's text is paragraphs, an empty line between them; lines that begin with a space stay as they are. Its examples
-- are { "command line", "what it does" }.
local args = require "ork.cli.args"
local term = require "ork.term"

local explain = {}

local WIDEST = 100

--- Columns that a page may take.
local function width()
  return math.min(term.width() or WIDEST, WIDEST)
end

--- The paragraphs of a text: { { text = joined line } or { lines = { … } }, … }.
function explain.paragraphs(text)
  local list, open = {}, nil
  for line in (text:gsub("\n+$", "") .. "\n"):gmatch("(.-)\n") do
    if line == "" then
      open = nil
    elseif line:find("^ ") then
      if not (open and open.lines) then
        open = { lines = {} }
        list[#list + 1] = open
      end
      table.insert(open.lines, line)
    elseif open and open.text then
      open.text = open.text .. " " .. line
    else
      open = { text = line }
      list[#list + 1] = open
    end
  end
  return list
end

--- `text` broken at spaces into lines of at most `columns`; the lines after the first begin with `indent`.
function explain.wrap(text, columns, indent)
  local lines, line = {}, nil
  for word in text:gmatch("%S+") do
    if line and utf8.len(line) + 1 + utf8.len(word) <= columns then
      line = line .. " " .. word
    else
      lines[#lines + 1] = line
      line = line and (indent or "") .. word or word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- What stands before the last column of a line of a table ("  word    what it is"), and that column.
local function columns_of(line)
  local head, rest = line:match("^(.*%S%s%s+)(%S.*)$")
  if not head then head, rest = line:match("^(%s+)(.*)$") end
  return head, rest
end

--- A line that is too wide, with its last column below itself.
local function hang(line)
  local head, rest = columns_of(line)
  local room = width() - utf8.len(head)
  if utf8.len(line) <= width() or room < 20 or line:find(" = ", 1, true) then return line end -- code stays as it is
  return head .. (explain.wrap(rest, room):gsub("\n", "\n" .. (" "):rep(utf8.len(head))))
end

local function table_lines(lines)
  local list = {}
  for _, line in ipairs(lines) do
    local indent, rest = line:match("^(%s+)(.*)$")
    if #list > 0 and #indent > 4 and #indent == utf8.len((columns_of(list[#list]))) then -- goes on with the last column above
      list[#list] = list[#list] .. " " .. rest
    else
      list[#list + 1] = line
    end
  end
  for i, line in ipairs(list) do list[i] = hang(line) end
  return table.concat(list, "\n")
end

local function text_lines(text)
  local parts = {}
  for i, p in ipairs(explain.paragraphs(text)) do
    parts[i] = p.lines and table_lines(p.lines) or explain.wrap(p.text, width())
  end
  return table.concat(parts, "\n\n")
end

--- "-f, --follow" or "--limit N" of an option row.
function explain.option_name(row)
  return (row.short and ("-%s, "):format(row.short) or "") .. "--" .. row[1] .. (row[2] and " " .. row[2] or "")
end

--- Rows of two columns, { left, right }.
function explain.two_columns(rows)
  local left, lines = 0, {}
  for _, row in ipairs(rows) do left = math.max(left, #row[1]) end
  local indent = (" "):rep(left + 4)
  for i, row in ipairs(rows) do
    local right = explain.wrap(row[2], math.max(width(), #indent + 20) - #indent)
    lines[i] = ("  %-" .. left .. "s  %s"):format(row[1], (right:gsub("\n", "\n" .. indent)))
  end
  return table.concat(lines, "\n")
end

function explain.option_lines(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = { explain.option_name(row), row[3] } end
  return explain.two_columns(list)
end

function explain.example_lines(examples)
  local lines = {}
  for _, example in ipairs(examples) do
    lines[#lines + 1] = "  " .. example[1]
    lines[#lines + 1] = "      " .. explain.wrap(example[2], width() - 6, "      ")
  end
  return table.concat(lines, "\n")
end

--- The text of `ork COMMAND --help`.
function explain.command(command)
  local parts = { "usage: ork " .. command.usage, command.summary .. "." }
  if command.text then parts[#parts + 1] = text_lines(command.text) end
  if command.options and #command.options > 0 then
    parts[#parts + 1] = "options:\n" .. explain.option_lines(command.options)
  end
  parts[#parts + 1] = "options of every command:\n" .. explain.option_lines(args.globals)
  if command.examples then parts[#parts + 1] = "examples:\n" .. explain.example_lines(command.examples) end
  return table.concat(parts, "\n\n")
end

-- ---- the whole program -----------------------------------------------------------------------

--- Groups of commands in the order of `ork help`, by the fourth field of their rows.
explain.groups = {
  { "run", "run" }, { "look", "look" }, { "fix", "fix and steer" }, { "definitions", "definitions" },
  { "database", "the database" }, { "more", "more" },
}

--- Rows of `commands` by group: { { title, rows }, … }; what names no group is in the last.
function explain.grouped(commands)
  local list, by_name = {}, {}
  for i, group in ipairs(explain.groups) do
    list[i] = { title = group[2], rows = {} }
    by_name[group[1]] = list[i]
  end
  for _, row in ipairs(commands) do table.insert((by_name[row[4]] or list[#list]).rows, row) end
  return list
end

--- The text of `ork help`.
function explain.overview(commands)
  local lines = {
    "usage: ork SCRIPT [NAME] [name=value ...]     run a workflow to its end",
    "       ork COMMAND ...",
  }
  local left = 0
  for _, row in ipairs(commands) do left = math.max(left, #row[2]) end
  for _, group in ipairs(explain.grouped(commands)) do
    local rows = {}
    for i, row in ipairs(group.rows) do rows[i] = { row[2] .. (" "):rep(left - #row[2]), row[3] } end
    if #rows > 0 then lines[#lines + 1] = ("\n%s:\n%s"):format(group.title, explain.two_columns(rows)) end
  end
  lines[#lines + 1] = "\noptions of every command:"
  lines[#lines + 1] = explain.option_lines(args.globals)
  local topics = {}
  for i, topic in ipairs(require "ork.cli.topics") do topics[i] = topic.name end
  lines[#lines + 1] = "\n" .. explain.wrap("RUN is the beginning or end of a run's id, a workflow's name (its newest run), NAME~1 (the one before), "
    .. "`last` or `last~1`.", width())
  lines[#lines + 1] = explain.wrap("More: ork COMMAND --help, ork SCRIPT --help, ork help TOPIC (" .. table.concat(topics, ", ") .. ")", width())
  return table.concat(lines, "\n")
end

--- The text of `ork help TOPIC`.
function explain.topic(topic)
  return topic.title .. "\n\n" .. text_lines(topic.text)
end

return explain
