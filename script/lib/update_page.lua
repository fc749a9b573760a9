-- SPDX-License-Identifier: MIT
-- update_page.lua ROOT PAGE…: follows each page in a scratch folder (tests/lib/page.lua) and replaces what is shown by what is
-- printed, where the two differ. Outputs that agree stay as they are, with their `…`.
local page = require "tests.lib.page"
local readme = require "tests.lib.readme"
local sh = require "tests.lib.sh"

local root = arg[1]

local ID = "%f[%w]%x%x%x%x%x%x%x%x%f[%W]"

--- What was printed, with the lines, and the names of runs, that were shown before wherever only times and names differ: so that a
--- page changes where its meaning does.
local function blend(shown, printed)
  local old, names, lines = {}, {}, {}
  for _, line in ipairs(shown) do
    local normal = readme.normal(line)
    old[normal] = old[normal] or {}
    table.insert(old[normal], line)
  end
  for i, line in ipairs(printed) do
    local same = old[readme.normal(line)]
    lines[i] = same and table.remove(same, 1) or line
    local was = lines[i]:gmatch(ID)
    for name in line:gmatch(ID) do names[name] = names[name] or was() end
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub(ID, names) end
  return lines
end

--- Plays every step; what has to be replaced, by the line of the command or block.
local function corrections(this)
  local by_line, count = {}, 0
  for _, step in ipairs(this.steps) do
    local difference, lines = this:play(step)
    if difference then
      by_line[step.line], count = step.output and blend(step.output, lines) or lines, count + 1
      io.stderr:write(("%s:%d: %s\n    %s\n"):format(this.path, step.line, step.command or step.file, difference))
    end
  end
  return by_line, count
end

--- The text with the corrected lines after each of their places, up to the next command or the end of the block.
local function rewrite(text, by_line)
  local out, number, skipping, inside = {}, 0, false, false
  for line in text:gmatch("(.-)\n") do
    number = number + 1
    local fence = line:find("^```")
    if fence then inside = not inside end
    if skipping and ((fence and not inside) or (inside and line:find("^%$ ") and skipping == "output")) then skipping = false end
    if not skipping then out[#out + 1] = line end
    if by_line[number] then
      table.move(by_line[number], 1, #by_line[number], #out + 1, out)
      skipping = fence and "file" or "output"
    end
  end
  return table.concat(out, "\n") .. "\n"
end

local changed = 0
for i = 2, #arg do
  local this = page.open(arg[i], root)
  this:begin()
  local by_line, count = corrections(this)
  if count > 0 then
    sh.write(arg[i], rewrite(sh.read(arg[i]), by_line))
    changed = changed + count
  end
  sh.cleanup()
end
io.stderr:write(("%d changed\n"):format(changed))
