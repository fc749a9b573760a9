-- SPDX-License-Identifier: MIT
local args = require "ork.cli.args"
local commands = require "ork.cli.commands"
local stop = require "ork.cli.stop"
local term = require "ork.term"

local help = {
  name = "help",
  usage = "help [COMMAND]",
  summary = "Explains the program or one command",
  words = { 0, 1 },
}

--- The names of all commands.
function help.names()
  local names = {}
  for i, row in ipairs(commands) do names[i] = row[1] end
  return names
end

--- The text of `ork help`.
function help.overview()
  local rows = {}
  for i, row in ipairs(commands) do rows[i] = { row[2], false, row[3] } end
  local width = 0
  for _, row in ipairs(rows) do width = math.max(width, #row[1]) end
  local lines = {
    "usage: ork SCRIPT [NAME] [name=value ...]     run a workflow to its end",
    "       ork COMMAND ...",
    "",
    "commands:",
  }
  for _, row in ipairs(rows) do lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(row[1], row[3]) end
  lines[#lines + 1] = "\noptions of every command:"
  lines[#lines + 1] = args.option_lines(args.globals)
  lines[#lines + 1] = "\nRUN is the beginning or end of a run's id, a workflow's name (its newest run), NAME~1 (the one before) or `last`."
  lines[#lines + 1] = "More: ork COMMAND --help, ork SCRIPT --help"
  return table.concat(lines, "\n")
end

function help.run(given)
  local name = given.words[1]
  if not name then
    term.out(help.overview())
    return 0
  end
  for _, row in ipairs(commands) do
    if row[1] == name then
      term.out(args.help(require("ork.cli." .. name)))
      return 0
    end
  end
  local near = require("ork.core").suggest(name, help.names())
  stop(2, "no command `%s`%s", name, near and ("; did you mean `%s`?"):format(near) or "; `ork help` lists them")
end

return help
