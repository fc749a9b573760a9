-- SPDX-License-Identifier: MIT
-- The whole manual from the commands' tables: as a man page (ork.1, made at build time) and as Markdown (docs/commands.md).
-- Loaded for `ork help --format`, and by nothing else.
local args = require "ork.cli.args"
local commands = require "ork.cli.commands"
local core = require "ork.core"
local explain = require "ork.cli.explain"
local topics = require "ork.cli.topics"

local manual = {}

local ABOUT = [[
Ork runs workflows: tasks that depend on each other, written down in a Lua script, run on this machine. Each start, each result and
each retry is in a SQLite file before anything else happens, so a run survives whatever kills it: the same command goes on, finds
tasks that still run, and repeats nothing that succeeded.

The first word is a command, or a script. A script's workflow is run to its end.]]

--- Every command by group, the running of a script first: { { title, commands }, … }.
local function groups()
  local list = {}
  for i, group in ipairs(explain.grouped(commands)) do
    list[i] = { title = group.title, commands = {} }
    if i == 1 then list[i].commands[1] = require "ork.cli.script" end
    for _, row in ipairs(group.rows) do table.insert(list[i].commands, (require("ork.cli." .. row[1]))) end
  end
  return list
end

-- ---- roff ------------------------------------------------------------------------------------

local roff_of = {
  ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["^"] = "\\(ha", ["~"] = "\\(ti", ['"'] = "\\(dq", ["`"] = "\\(ga",
}

-- Where the terminal has no such character, groff would leave it out and complain.
local ASCII = ".if \\n(.g \\{\\\n.fchar \\[u2026] ...\n.fchar \\[u2192] \\->\n.\\}"

--- Text as roff reads it back, harmless in a macro's argument and at the beginning of a line.
local function roff(text)
  text = text:gsub("[\\%-'^~\"`]", roff_of):gsub("[\xC2-\xF4][\x80-\xBF]*", function(c)
    return ("\\[u%04X]"):format(utf8.codepoint(c))
  end)
  return (text:gsub("^%.", "\\&."))
end

--- As roff(), with `code` in bold.
local function roff_text(text)
  local parts, last = {}, 1
  for from, code, to in text:gmatch("()`([^`]+)`()") do
    parts[#parts + 1] = roff(text:sub(last, from - 1)):gsub("^\\&%.", ".") .. "\\fB" .. roff(code) .. "\\fR"
    last = to
  end
  parts[#parts + 1] = roff(text:sub(last))
  local lines = explain.wrap(table.concat(parts), 79)
  return (("\n" .. lines):gsub("\n%.", "\n\\&."):sub(2))
end

local function roff_paragraphs(out, text)
  for i, p in ipairs(explain.paragraphs(text)) do
    if i > 1 then out[#out + 1] = ".PP" end
    if p.lines then
      out[#out + 1] = ".nf"
      for _, line in ipairs(p.lines) do out[#out + 1] = roff(line) end
      out[#out + 1] = ".fi"
    else
      out[#out + 1] = roff_text(p.text)
    end
  end
end

local function roff_option(row)
  local name = (row.short and ("\\fB\\-%s\\fR, "):format(roff(row.short)) or "") .. "\\fB\\-\\-" .. roff(row[1]) .. "\\fR"
  return row[2] and ("%s \\fI%s\\fR"):format(name, roff(row[2])) or name
end

local function roff_options(out, rows)
  for _, row in ipairs(rows) do out[#out + 1] = (".TP\n%s\n%s."):format(roff_option(row), roff_text(row[3])) end
end

local function roff_command(out, command)
  out[#out + 1] = (".SS \"ork %s\""):format(roff(command.usage))
  out[#out + 1] = roff_text(command.summary) .. "."
  if command.text then
    out[#out + 1] = ".PP"
    roff_paragraphs(out, command.text)
  end
  roff_options(out, command.options or {})
  if command.examples then
    out[#out + 1] = ".PP\nExamples:"
    for _, example in ipairs(command.examples) do
      out[#out + 1] = (".TP\n\\fB%s\\fR\n%s"):format(roff(example[1]), roff_text(example[2]))
    end
  end
end

--- The man page.
function manual.man()
  local out = {
    [[.\" Made from the tables of the commands; do not edit.]],
    (".TH ORK 1 \"\" \"Ork %s\" \"User Commands\""):format(roff(core.version)),
    ASCII,
    ".nh\n.ad l",
    ".SH NAME\nork \\- run workflows that survive being killed",
    ".SH SYNOPSIS\n\\fBork\\fR \\fISCRIPT\\fR [\\fINAME\\fR] [\\fIname\\fR=\\fIvalue\\fR ...]\n.br\n\\fBork\\fR \\fICOMMAND\\fR ...",
    ".SH DESCRIPTION",
  }
  roff_paragraphs(out, ABOUT)
  out[#out + 1] = ".SH OPTIONS\nOf every command:"
  roff_options(out, args.globals)
  for _, group in ipairs(groups()) do
    if #group.commands > 0 then out[#out + 1] = ".SH \"COMMANDS: " .. roff(group.title:upper()) .. "\"" end
    for _, command in ipairs(group.commands) do roff_command(out, command) end
  end
  local names = { ["exit-codes"] = "EXIT STATUS", environment = "ENVIRONMENT" }
  for _, topic in ipairs(topics) do
    out[#out + 1] = ".SH \"" .. (names[topic.name] or roff(topic.title:upper())) .. "\""
    roff_paragraphs(out, topic.text)
  end
  out[#out + 1] = ".SH FILES\n.TP\n\\fI.ork/ork.db\\fR\nThe database, in the folder where the first run began;\n"
    .. "found from there and from every folder below."
  out[#out + 1] = ".TP\n\\fI.ork/logs/\\fR\nWhat tasks wrote, a file for each attempt."
  out[#out + 1] = ".SH \"SEE ALSO\"\n\\fBlua\\fR(1), \\fBmake\\fR(1), \\fBcron\\fR(8)"
  return table.concat(out, "\n")
end

-- ---- Markdown --------------------------------------------------------------------------------

local function markdown_paragraphs(out, text)
  for _, p in ipairs(explain.paragraphs(text)) do
    out[#out + 1] = p.lines and "```text\n" .. table.concat(p.lines, "\n") .. "\n```" or explain.wrap(p.text, 120)
  end
end

local function cell(text) return (text:gsub("|", "\\|")) end

local function markdown_options(out, rows)
  local lines = { "| option | |\n|---|---|" }
  for _, row in ipairs(rows) do lines[#lines + 1] = ("| `%s` | %s |"):format(cell(explain.option_name(row)), cell(row[3])) end
  out[#out + 1] = table.concat(lines, "\n")
end

local function markdown_command(out, command)
  out[#out + 1] = "### ork " .. command.name
  out[#out + 1] = "```text\nork " .. command.usage .. "\n```"
  out[#out + 1] = command.summary .. "."
  if command.text then markdown_paragraphs(out, command.text) end
  if command.options and #command.options > 0 then markdown_options(out, command.options) end
  local lines = {}
  for i, example in ipairs(command.examples or {}) do
    lines[i] = ("%s\n    # %s"):format(example[1], example[2])
  end
  if #lines > 0 then out[#out + 1] = "```sh\n" .. table.concat(lines, "\n") .. "\n```" end
end

--- docs/commands.md.
function manual.markdown()
  local out = {
    "<!-- Made by `ork help --format markdown`; do not edit. -->",
    "# The command line",
    "`ork help` lists the commands, `ork COMMAND --help` explains one, `ork SCRIPT --help` shows what a script is for and which\n"
      .. "params it takes, `ork help TOPIC` has what several commands share. This page is all of that in one place.",
  }
  for _, group in ipairs(groups()) do
    local lines = {}
    for i, command in ipairs(group.commands) do
      lines[i] = ("- [`ork %s`](#ork-%s): %s"):format(command.name, command.name:lower(), command.summary)
    end
    if #lines > 0 then out[#out + 1] = ("**%s**\n\n%s"):format(group.title:gsub("^%l", string.upper), table.concat(lines, "\n")) end
  end
  for _, topic in ipairs(topics) do
    out[#out + 1] = "## " .. topic.title
    markdown_paragraphs(out, topic.text)
  end
  out[#out + 1] = "## Options of every command"
  markdown_options(out, args.globals)
  out[#out + 1] = "## Commands"
  for _, group in ipairs(groups()) do
    for _, command in ipairs(group.commands) do markdown_command(out, command) end
  end
  return table.concat(out, "\n\n")
end

return manual
