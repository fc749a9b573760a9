-- SPDX-License-Identifier: MIT
-- Applied workflows as a command line names them, NAME or NAME@VERSION, and how two definitions differ, as text.
local core = require "ork.core"
local stop = require "ork.cli.stop"
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local catalog = {}

local MOST_TASKS = 20 -- of a kind of change, unless --verbose

--- Can the word be nothing but a file?
function catalog.is_path(word) return word:find("/", 1, true) ~= nil or word:find("%.lua$") ~= nil end

--- Is the word meant as a file? One that is there is.
function catalog.is_script(word) return catalog.is_path(word) or sys.stat(word) == "file" end

--- NAME, or NAME@VERSION: the name and the number, or nil.
function catalog.parse(word)
  local name, version = word:match("^(.*)@(.*)$")
  if not name then return word end
  local number = version:find("^%d+$") and math.tointeger(tonumber(version))
  if name == "" or not number or number < 1 or number > 0xffffffff then
    stop(2, "`%s`: a version is a number behind the name, like %s@2", word, name ~= "" and name or "etl")
  end
  return name, number
end

--- The definition that NAME or NAME@VERSION stands for.
function catalog.open(engine, word)
  local name, version = catalog.parse(word)
  return (stop.check(engine:workflow(name, version)))
end

-- ---- differences -----------------------------------------------------------------------------

local function add_names(lines, mark, names)
  local most = term.verbose and #names or MOST_TASKS
  for i = 1, math.min(#names, most) do lines[#lines + 1] = ("  %s %s"):format(mark, names[i]) end
  if #names > most then lines[#lines + 1] = ("  %s %d more (--verbose lists them)"):format(mark, #names - most) end
end

local function painted(line)
  local mark = line:match("^  ([+-]) ")
  return mark and term.paint(mark == "+" and "green" or "red", line) or line
end

--- Does anything but the sources differ?
function catalog.sources_only(diff)
  local tasks = diff.tasks
  return #tasks.added == 0 and #tasks.removed == 0 and #tasks.changed == 0 and not tasks.moved and #diff.options == 0
end

--- A difference as lines: "+ task", "- task", "~ task: keys", options, files.
function catalog.lines(diff)
  local lines, changed, files = {}, {}, {}
  for i, task in ipairs(diff.tasks.changed) do changed[i] = task.name .. ": " .. table.concat(task.keys, ", ") end
  for i, file in ipairs(diff.files) do files[i] = file.change == "changed" and file.path or ("%s (%s)"):format(file.path, file.change) end
  add_names(lines, "+", diff.tasks.added)
  add_names(lines, "-", diff.tasks.removed)
  add_names(lines, "~", changed)
  if diff.tasks.moved then lines[#lines + 1] = "  ~ the order of its tasks" end
  if #diff.options > 0 then lines[#lines + 1] = "  ~ options: " .. table.concat(diff.options, ", ") end
  if #files > 0 then lines[#lines + 1] = "  ~ sources: " .. text.list(files, term.verbose and #files or 8) end
  if #diff.modules > 0 then lines[#lines + 1] = "  ~ modules elsewhere: " .. text.list(diff.modules, 8) end
  for i, line in ipairs(lines) do lines[i] = painted(term.escape(line)) end
  return lines
end

--- The sources line by line, as `diff -u` shows them.
function catalog.source_lines(diff)
  local lines = {}
  for _, file in ipairs(diff.files) do
    lines[#lines + 1] = ""
    lines[#lines + 1] = "--- " .. term.escape(file.change == "added" and "/dev/null" or file.path)
    lines[#lines + 1] = "+++ " .. term.escape(file.change == "removed" and "/dev/null" or file.path)
    for line in file.diff:gmatch("([^\n]*)\n") do
      local mark = line:sub(1, 1)
      local color = mark == "+" and "green" or mark == "-" and "red" or mark == "@" and "dim"
      line = term.escape(line)
      lines[#lines + 1] = color and term.paint(color, line) or line
    end
  end
  return lines
end

return catalog
