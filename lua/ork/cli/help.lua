-- SPDX-License-Identifier: MIT
local commands = require "ork.cli.commands"
local explain = require "ork.cli.explain"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local topics = require "ork.cli.topics"

local help = {
  name = "help",
  usage = "help [COMMAND|TOPIC]",
  summary = "Explains the program, one command, or what several commands share",
  text = [[
Without a word, all commands by what they are for. `ork SCRIPT --help` is about a script: what it is for and which params it takes.

Topics: params, naming (of runs), databases, cron, outputs, exit-codes,
environment.]],
  words = { 0, 1 },
  options = {
    { "format", "F", "the whole manual: man (ork.1) or markdown", choices = { "man", "markdown" } },
  },
  examples = {
    { "ork help", "all commands" },
    { "ork help retry", "one command with its options and examples; also: ork retry --help" },
    { "ork help --format man | man -l -", "everything, as a man page" },
    { "ork help exit-codes", "a topic" },
    { "ork pipeline.lua --help", "a script: what it is for and which params it takes" },
  },
}

--- The names of all commands.
function help.names()
  local names = {}
  for i, row in ipairs(commands) do names[i] = row[1] end
  return names
end

--- The text of `ork help`.
function help.overview() return explain.overview(commands) end

function help.topic(name)
  for _, topic in ipairs(topics) do
    if topic.name == name then return topic end
  end
end

--- The page of a command or topic; nil when there is none of that name.
function help.page(name)
  for _, row in ipairs(commands) do
    if row[1] == name then return explain.command(require("ork.cli." .. name)) end
  end
  if name == "script" or name == "SCRIPT" then return explain.command(require "ork.cli.script") end
  local topic = help.topic(name)
  return topic and explain.topic(topic)
end

function help.run(given)
  local name, format = given.words[1], given.options.format
  if name and format then stop(2, "--format is for the whole manual, without a name") end
  local found
  if format then
    found = require("ork.cli.manual")[format]()
  elseif name then
    found = help.page(name)
  else
    found = help.overview()
  end
  if found then
    term.out(found)
    return 0
  end
  local known = help.names()
  for _, topic in ipairs(topics) do known[#known + 1] = topic.name end
  if name:find("%.lua$") then stop(2, "`%s` is a script: ork %s --help", name, name) end
  local near = require("ork.core").suggest(name, known)
  stop(2, "no command and no topic `%s`; %s", name, near and ("did you mean `%s`?"):format(near) or "`ork help` lists them")
end

return help
