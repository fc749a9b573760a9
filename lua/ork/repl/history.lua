-- SPDX-License-Identifier: MIT
-- What was typed, for the arrow keys of the next session: $XDG_STATE_HOME/ork/history, an entry a line, for its user alone.
-- Several prompts may append to it at once; it is made shorter when it is read.
local edit = require "ork.edit"

local MOST = 1000 -- entries kept
local MOST_BYTES = 1024 * 1024 -- of a file that is read at all; and an entry is at most 16 KiB

local history = {}
history.__index = history

--- Where it is, or nil: no home, no history.
function history.path(getenv)
  local state, home = getenv("XDG_STATE_HOME"), getenv("HOME")
  if state and state:find("^/") then return state .. "/ork/history" end
  if home and home:find("^/") then return home .. "/.local/state/ork/history" end
end

local function to_line(entry) return (entry:gsub("\\", "\\\\"):gsub("\n", "\\n")) end

local function from_line(line)
  return (line:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

--- The entries of a history, oldest first; a new one when there is none.
function history.open(getenv)
  local self = setmetatable({ path = history.path(getenv or os.getenv), entries = {} }, history)
  local file = self.path and io.open(self.path, "rb")
  if not file then return self end
  local size = file:seek("end") or 0
  file:seek("set", math.max(0, size - MOST_BYTES))
  local text = file:read("a") or ""
  file:close()
  if size > MOST_BYTES then text = text:gsub("^[^\n]*\n", "") end
  for line in text:gmatch("[^\n]+") do
    if utf8.len(line) and not line:find("%c") then self.entries[#self.entries + 1] = from_line(line) end
  end
  if #self.entries > 2 * MOST or size > MOST_BYTES then self:shorten() end
  return self
end

function history:shorten()
  local n = #self.entries
  self.entries = table.move(self.entries, math.max(1, n - MOST + 1), n, 1, {})
  local lines = {}
  for i, entry in ipairs(self.entries) do lines[i] = to_line(entry) .. "\n" end
  edit.write(self.path, table.concat(lines), false)
end

--- Adds an entry, unless it is the last one again, begins with a space (typed so that it is not kept) or is huge. A file that
--- cannot be written is no reason to disturb anybody.
function history:add(entry)
  entry = entry:gsub("%s+$", "")
  if entry == "" or entry:find("^ ") or #entry > 16 * 1024 or not utf8.len(entry) or entry:find("[^%C\n\t]") then return false end
  if self.entries[#self.entries] == entry then return true end
  self.entries[#self.entries + 1] = entry
  if not self.path then return true end
  if not self.made then
    self.made = edit.make_folder(self.path:match("^(.*)/"))
    if not self.made then
      self.path = nil
      return true
    end
  end
  edit.write(self.path, to_line((entry:gsub("\t", " "))) .. "\n", true)
  return true
end

return history
