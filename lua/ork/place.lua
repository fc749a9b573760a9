-- SPDX-License-Identifier: MIT
-- Where in the user's own code are we? Chunks of lua/ork do not count; helpers of the user do.
local core = require "ork.core"

local place = {}

-- "@ork/" in the program, "@/usr/share/lua/5.4/ork/" or the like in a host.
local own = debug.getinfo(1, "S").source:match("^(.*)place%.lua$")
if own then core.own(own) end

--- Is this chunk name (debug.getinfo's source) one of Ork's files?
function place.is_own(source)
  return own ~= nil and source:sub(1, #own) == own
end

--- The name users know a chunk by: "@pipeline.lua" is pipeline.lua.
function place.file(source)
  if source:find("^[@=]") then return source:sub(2) end
  return debug.getinfo(load("", source) or print, "S").short_src
end

--- File and line of the innermost user code from `level` (of the caller) on, or nil.
function place.here(level)
  level = (level or 1) + 1
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and not place.is_own(info.source) then return place.file(info.source), info.currentline end
    level = level + 1
  end
end

--- Takes an error message apart, in a message handler: text without position, file, line. A position in the message that
--- names a chunk on the stack is believed (error level 2); without one it is the innermost line of user code.
function place.of_error(message, level)
  level = (level or 1) + 1
  local file, line
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.what ~= "C" then
      for _, name in ipairs({ info.short_src, place.file(info.source) }) do
        if message:sub(1, #name + 1) == name .. ":" then
          local number, text = message:match("^(%d+): (.*)$", #name + 2)
          if number and not place.is_own(info.source) then return text, place.file(info.source), tonumber(number) end
          if number then message = text end
        end
      end
      if not file and info.currentline > 0 and not place.is_own(info.source) then
        file, line = place.file(info.source), info.currentline
      end
    end
    level = level + 1
  end
  return message, file, line
end

return place
