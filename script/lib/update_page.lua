-- SPDX-License-Identifier: MIT
-- update_page.lua ROOT PAGE…: follows each page in a scratch folder (tests/lib/page.lua) and replaces what is shown by what is
-- printed, where the two differ. Outputs that agree stay as they are, with their `…`.
local page = require "tests.lib.page"
local readme = require "tests.lib.readme"
local sh = require "tests.lib.sh"

local root = arg[1]

--- Plays every step; what has to be replaced, by the line of the command or block.
local function corrections(this)
  local by_line, count = {}, 0
  for _, step in ipairs(this.steps) do
    local difference, lines = this:play(step)
    if difference then
      by_line[step.line], count = step.output and readme.blend(step.output, lines) or lines, count + 1
      io.stderr:write(("%s:%d: %s\n    %s\n"):format(this.path, step.line, step.command or step.file, difference))
    end
  end
  return by_line, count
end

local changed = 0
for i = 2, #arg do
  local this = page.open(arg[i], root)
  local missing = this:missing()
  if missing then
    io.stderr:write(("%s is left as it is: %s\n"):format(this.path, missing))
    goto continue
  end
  this:begin()
  local by_line, count = corrections(this)
  if count > 0 then
    sh.write(arg[i], readme.rewrite(sh.read(arg[i]), by_line))
    changed = changed + count
  end
  sh.cleanup()
  ::continue::
end
io.stderr:write(("%d changed\n"):format(changed))
