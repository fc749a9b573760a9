-- SPDX-License-Identifier: MIT
-- Values as the prompt shows them: lists of runs and tasks as the tables that the commands print, all else by ork.inspect.
local inspect = require "ork.inspect"
local run = require "ork.run"
local term = require "ork.term"

local show = {}

local colors = { string = "green", number = "bold", word = "bold", other = "dim" }

local function paint(kind, text) return term.paint(colors[kind], text) end

--- A value as text.
function show.text(value)
  return inspect(value, { paint = paint, width = term.width() or 100 })
end

local tables = {
  runs = function(documents)
    if #documents == 0 then return "no runs" end
    require "ork.cli.run_table"(documents)
  end,
  tasks = function(documents)
    if #documents == 0 then return "no tasks" end
    require "ork.cli.task_table"(documents)
  end,
  why = function(documents) require("ork.cli.why").tell(documents) end,
}

--- An operation that failed: nil, message, "ECODE".
local function failure(values)
  local code = values[3]
  return values.n == 3 and values[1] == nil and type(values[2]) == "string" and type(code) == "string" and code:find("^E%u+$") ~= nil
end

--- Shows what a chunk returned. Returns the message when it is an operation that failed.
function show.values(values)
  if failure(values) then return ("%s (%s)"):format(values[2], values[3]) end
  local texts, long = {}, false
  for i = 1, values.n do
    local kind, documents = run.listed(values[i])
    if kind and values.n == 1 then
      local nothing = tables[kind](documents)
      if nothing then term.out(nothing) end
      return nil
    end
    texts[i] = show.text(values[i])
    long = long or texts[i]:find("\n", 1, true)
  end
  if values.n > 0 then term.out(table.concat(texts, long and "\n" or ", ")) end
end

-- ---- errors ----------------------------------------------------------------------------------

local MOST_FRAMES = 5

--- The message handler of chunks: { raised, frames } from whatever was raised. What ends the prompt, and what commands
--- raise, goes through.
function show.traceback(problem, leaving)
  local place = require "ork.place"
  if type(problem) == "table" and (problem == leaving or problem == term.Closed or rawget(problem, "stop")) then return problem end
  local frames, level = {}, 2
  while #frames <= MOST_FRAMES do
    local info = debug.getinfo(level, "Sln")
    if not info then break end
    if info.what ~= "C" and info.currentline > 0 and not place.is_own(info.source) then
      local what = info.name and ("in `%s`"):format(info.name) or nil
      frames[#frames + 1] = { at = ("%s:%d"):format(place.file(info.source), info.currentline), what = what }
    end
    level = level + 1
  end
  return { raised = problem, frames = frames }
end

--- Line n of what was typed.
local function line_of(text, n)
  local at = 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    at = at + 1
    if at == n then return line end
  end
end

--- What was raised, as text.
local function message_of(raised)
  if type(raised) == "string" then return raised end
  local meta = debug.getmetatable(raised)
  if raised == nil then return "an error without a message (nil)" end
  if type(meta) == "table" and rawget(meta, "__tostring") then return inspect(raised) end
  if type(raised) == "table" then return "an error that is a table: " .. inspect(raised) end
  return ("an error that is a %s: %s"):format(type(raised), inspect(raised))
end

--- The text of an error: its message, the line when there are several, and the way to it when it is not where it was typed.
function show.error(caught, typed)
  local message = term.escape(message_of(caught.raised))
  local lines = { term.paint("red", message, "err") }
  local at = tonumber(message:match("^prompt:(%d+): "))
  local code = at and typed:find("\n", 1, true) and line_of(typed, at)
  if code then lines[#lines + 1] = ("  %d | %s"):format(at, term.escape(code)) end
  if #caught.frames > 1 then
    for i = 1, math.min(#caught.frames, MOST_FRAMES) do
      local frame = caught.frames[i]
      local way = term.escape("  " .. frame.at .. (frame.what and " " .. frame.what or ""))
      lines[#lines + 1] = term.paint("dim", way, "err")
    end
    if #caught.frames > MOST_FRAMES then lines[#lines + 1] = term.paint("dim", "  …", "err") end
  end
  return table.concat(lines, "\n")
end

return show
