-- SPDX-License-Identifier: MIT
-- Lines for the prompt: typed on a terminal by libedit, or plain from a pipe, a file or a terminal that cannot be drawn on.
-- While a line is waited for the loop runs, so runs go on; what they say is put above the line.
local core = require "ork.core"
local edit = require "ork.edit"
local loop = core.loop
local term = require "ork.term"

local MOST_BYTES = 16 * 1024 * 1024 -- of a line in a pipe

local input = {}
input.__index = input

--- What on_interrupt raises in whatever is interrupted.
input.Interrupted = setmetatable({}, { __tostring = function() return "interrupted" end })

--- complete(line, cursor) → text to insert, text to show.
function input.open(complete)
  local sys = core.sys
  local terminal = sys.terminal(0) ~= nil
  local self = setmetatable({ terminal = terminal, buffer = "", typing = false }, input)
  local name = os.getenv("TERM")
  if terminal and sys.terminal(1) and name and name ~= "" and name ~= "dumb" then
    local library = edit.open()
    if library then self.editor = library.open(function() return self:wait() end, complete) end
  end
  if self.editor then
    self.watchers = {
      loop.signal("winch", function() self.editor:resized() end),
      loop.signal("tstp", function() self:suspend() end),
      loop.signal("cont", function() self.editor:prepare(true) end),
    }
  end
  return self
end

--- Ctrl-Z. stop(): stops the process; the prompt sets it, for an engine stops only between two commits.
function input:suspend()
  self.editor:prepare(false)
  if self.stop then self.stop() end
end

function input:close()
  for _, watcher in ipairs(self.watchers or {}) do watcher:close() end
  if self.editor then self.editor:close() end
  self.editor = nil
end

-- ---- waiting ---------------------------------------------------------------------------------

local function keep(problem) return problem end

--- Drives the loop until standard input can be read: "ready"; "interrupted" by Ctrl-C; "end" when a signal asks to end.
function input:wait()
  while true do
    local ready = false
    local watcher <close> = loop.readable(0, function() ready = true end)
    if not watcher then return "ready" end
    local ending, ok, problem = loop.interruptible(function()
      while not ready do core.inline.step(true, true) end
    end, keep)
    self.ending = ending
    if ending then return "end" end
    if ok then return "ready" end
    if problem == input.Interrupted then return "interrupted" end
    if self.on_problem then self.on_problem(problem) end
  end
end

--- Shows lines above the one that is being typed, or simply shows them.
function input:above(text)
  if self.typing and self.editor then
    term.flush()
    self.editor:above(text)
  elseif self.typing and self.terminal then
    term.message("\n" .. text)
    io.stderr:write(self.prompt)
    io.stderr:flush()
  else
    term.message(text)
  end
end

-- ---- reading ---------------------------------------------------------------------------------

--- The next line of the buffer, taken out of it; without an end of line only when `last`.
function input:take_line(last)
  local stop = self.buffer:find("\n", self.searched or 1, true)
  if not stop then
    self.searched = #self.buffer + 1
    if not last or self.buffer == "" then return nil end
    stop = #self.buffer + 1
  end
  local line = self.buffer:sub(1, stop - 1):gsub("\r$", "")
  self.buffer, self.searched = self.buffer:sub(stop + 1), 1
  return line
end

function input:read_plain()
  while true do
    local line = self:take_line(self.over)
    if line and self.skipping then
      self.skipping = false
      return nil, "long"
    end
    if line then return line end
    if self.over then return nil, "end" end
    local what = self:wait()
    if what == "interrupted" then
      self.buffer, self.searched = "", 1
      return nil, "cleared"
    end
    local bytes = what == "ready" and edit.read(0)
    if bytes == "" and self.terminal and self.buffer == "" then return nil, "end" end -- Ctrl-D; more may come
    if not bytes or bytes == "" then
      self.over = true
    else
      self.buffer = self.buffer .. bytes
    end
    if #self.buffer > MOST_BYTES and not self.buffer:find("\n", 1, true) then
      self.buffer, self.searched, self.skipping = "", 1, true
    end
  end
end

--- A line without its end, or nil and "cleared" (Ctrl-C), "long" (a line above the limit was dropped) or "end".
function input:read(prompt)
  local flushed, why_not = pcall(term.flush)
  if not flushed and why_not == term.Closed then error(why_not, 0) end -- another reason is the user's: he closed it
  self.prompt, self.typing = prompt, true
  local line, why
  if self.editor then
    line, why = self.editor:read(prompt)
    if not line then line, why = nil, why or "end" end
  else
    if self.terminal then
      io.stderr:write(prompt)
      io.stderr:flush()
    end
    line, why = self:read_plain()
  end
  self.typing = false
  local open = why == "end" or why == "cleared" and not self.editor
  if open and self.terminal then term.message("") end -- what follows begins on a line of its own
  return line, why
end

--- Into the history of the arrow keys.
function input:remember(text)
  if self.editor then self.editor:remember(text) end
end

return input
