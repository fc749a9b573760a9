-- SPDX-License-Identifier: MIT
local stop = require "ork.cli.stop"
local term = require "ork.term"

local repl = {
  name = "repl",
  usage = "repl [SCRIPT]",
  summary = "A prompt to try workflows, start runs and look at them while they work",
  text = [[
Each line is Lua; an expression is printed. The workflows of SCRIPT are there by their names, `etl:start{ … }` starts a run and
returns at once, its progress appears above the line you type. `runs() show(run) logs(run) why(run) cancel(run) retry(run)` print
what the commands of the same names print; `help` tells the rest.

Ctrl-C clears the line, or ends what the last one does; Ctrl-D ends the prompt and asks about runs that still work. A mistake in SCRIPT
is told, and the prompt goes on without it. Nothing is written to a database before the first start.

Without a terminal plain lines are read, and the exit code is 1 when one of them failed. What was typed on a terminal is kept in
$XDG_STATE_HOME/ork/history (~/.local/state); a line that begins with a blank is not.]],
  examples = {
    { "ork repl", "a prompt on the database here or above" },
    { "ork repl etl.lua", "with the workflows of a script" },
    { "echo 'runs{ status = \"failed\" }' | ork repl", "from a pipe" },
  },
  words = { 0, 1 },
  options = {
    { "jobs", "N", "at most so many processes at once here (default: twice the cores)", kind = "count", short = "j" },
  },
}

function repl.run(given)
  if term.json then stop(2, "the prompt prints for people; for programs: ork runs --json, ork show RUN --json") end
  return require "ork.repl"(given.options, given.words[1])
end

return repl
