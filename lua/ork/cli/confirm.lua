-- SPDX-License-Identifier: MIT
-- Asks before something that cannot be taken back, or that touches much at once.
--
--   options = { confirm.option, … }                       -- --yes, -y
--   confirm("cancel 3 runs?", given.options)              -- returns only when the answer is yes
--
-- On a terminal the question is asked; anything but y or yes ends the command (1). Elsewhere nobody can answer, so
-- --yes is the only way (2). The law: nothing may have been changed before it was called.
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"

local confirm = {}

--- The row for a command's table of options.
confirm.option = { "yes", false, "do not ask", short = "y" }

local function answer()
  local line = io.stdin:read("l")
  if not line then term.message("") end -- end of input: the question's line is still open
  line = (line or ""):match("^%s*(.-)%s*$"):lower()
  return line == "y" or line == "yes"
end

local function ask(question, options)
  if options.yes then return end
  if not (sys.terminal(0) and sys.terminal(2)) then
    stop(2, "%s There is no terminal to ask on: add --yes", question)
  end
  io.stderr:write(term.escape(question), " [y/N] ")
  io.stderr:flush()
  if not answer() then stop(1, "nothing was changed") end
end

return setmetatable(confirm, { __call = function(_, ...) return ask(...) end })
