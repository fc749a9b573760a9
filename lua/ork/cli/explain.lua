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

local function text_lines(text)
  local parts = {}
  for i, p in ipairs(explain.paragraphs(text)) do
    parts[i] = p.lines and table.concat(p.lines, "\n") or explain.wrap(p.text, width())
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
    lines[#lines + 1] = "      " .. example[2]
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

return explain
