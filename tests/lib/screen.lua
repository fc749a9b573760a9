-- SPDX-License-Identifier: MIT
-- What a terminal would show: a small emulator for tests. It knows what Ork and line editors send: CR LF BS TAB, cursor movement,
-- erasing, inserting and deleting characters and lines, scrolling, UTF-8 with wide characters and marks; colours are
-- read and dropped. Law: what it does not know is an error, so that nothing is shown wrongly without a word.
--
-- On a narrower window long lines wrap, as most terminals do (reflow); with `reflow = false` they are cut, as in xterm.
local screen = {}
screen.__index = screen

function screen.new(cols, rows, reflow)
  local self = setmetatable({ cols = cols, rows = rows, reflow = reflow ~= false, cursor = true, rest = "" }, screen)
  self:reset()
  return self
end

function screen:reset()
  self.lines = {} -- from the first one of the scrollback; each a list of cells: text, "" for the right half of a wide one
  self.top, self.row, self.col, self.wrap = 0, 1, 1, false -- top: lines above the window
end

local function is_wide(point)
  return point >= 0x1100 and (point <= 0x115F or point >= 0x2E80 and point <= 0xA4CF or point >= 0xAC00 and point <= 0xD7A3
    or point >= 0xF900 and point <= 0xFAFF or point >= 0xFE30 and point <= 0xFE6F or point >= 0xFF00 and point <= 0xFF60
    or point >= 0x1F300 and point <= 0x1F64F or point >= 0x1F900 and point <= 0x1F9FF or point >= 0x20000 and point <= 0x3FFFD)
end
local function is_mark(point) return point >= 0x300 and point <= 0x36F or point == 0x200D or point >= 0xFE00 and point <= 0xFE0F end

function screen:line(row)
  local at = self.top + row
  for i = #self.lines + 1, at do self.lines[i] = {} end
  return self.lines[at]
end

function screen:down()
  self.wrap = false
  if self.row < self.rows then
    self.row = self.row + 1
  else
    self.top = self.top + 1
  end
  self:line(self.row)
end

function screen:put(char, point)
  if is_mark(point) then
    local line, at = self:line(self.row), self.wrap and self.col or self.col - 1
    while at > 0 and line[at] == "" do at = at - 1 end
    if at > 0 then line[at] = (line[at] or " ") .. char end
    return
  end
  local width = is_wide(point) and 2 or 1
  if self.wrap or self.col + width - 1 > self.cols then
    self.col = 1
    self:down()
  end
  local line = self:line(self.row)
  for i = #line + 1, self.col - 1 do line[i] = " " end
  line[self.col] = char
  if width == 2 then line[self.col + 1] = "" end
  self.col = self.col + width
  if self.col > self.cols then self.col, self.wrap = self.cols, true end
end

-- ---- control sequences -----------------------------------------------------------------------

local function clamp(n, low, high) return math.max(low, math.min(high, n)) end

local function erase_line(line, from, to)
  for i = from, math.min(to, #line) do line[i] = " " end
  while line[#line] == " " do line[#line] = nil end
end

local csi = {}
function csi.A(s, n) s.row = clamp(s.row - n, 1, s.rows) end
function csi.B(s, n) s.row = clamp(s.row + n, 1, s.rows) end
function csi.C(s, n) s.col = clamp(s.col + n, 1, s.cols) end
function csi.D(s, n) s.col = clamp(s.col - n, 1, s.cols) end
function csi.E(s, n) s.row, s.col = clamp(s.row + n, 1, s.rows), 1 end
function csi.F(s, n) s.row, s.col = clamp(s.row - n, 1, s.rows), 1 end
function csi.G(s, n) s.col = clamp(n, 1, s.cols) end
function csi.d(s, n) s.row = clamp(n, 1, s.rows) end
function csi.H(s, n, m) s.row, s.col = clamp(n, 1, s.rows), clamp(m, 1, s.cols) end
csi.f = csi.H
function csi.K(s, _, _, raw)
  local line = s:line(s.row)
  erase_line(line, raw == 1 and 1 or raw == 2 and 1 or s.col, raw == 1 and s.col or s.cols)
end
function csi.J(s, _, _, raw)
  csi.K(s, nil, nil, raw)
  local from, to = s.row + 1, s.rows
  if raw == 1 then from, to = 1, s.row - 1 elseif raw == 2 then from = 1 elseif raw == 3 then return end
  for row = from, to do
    if s.lines[s.top + row] then s.lines[s.top + row] = {} end
  end
end
function csi.P(s, n)
  local line = s:line(s.row)
  for _ = 1, n do if line[s.col] then table.remove(line, s.col) end end
end
csi["@"] = function(s, n)
  local line = s:line(s.row)
  for _ = 1, n do if s.col <= #line then table.insert(line, s.col, " ") end end
end
function csi.X(s, n) erase_line(s:line(s.row), s.col, s.col + n - 1) end
function csi.L(s, n)
  s:line(s.rows)
  for _ = 1, n do
    table.insert(s.lines, s.top + s.row, {})
    table.remove(s.lines, s.top + s.rows + 1)
  end
end
function csi.M(s, n)
  s:line(s.rows)
  for _ = 1, n do
    table.remove(s.lines, s.top + s.row)
    table.insert(s.lines, s.top + s.rows, {})
  end
end
function csi.s(s) s.saved = { s.row, s.col } end
function csi.u(s) if s.saved then s.row, s.col = s.saved[1], s.saved[2] end end
for kind in ("mnrtqc"):gmatch(".") do csi[kind] = function() end end -- colours, reports, the window's title

local function private(s, mode, on)
  if mode == "25" then s.cursor = on end
  if mode == "1049" or mode == "47" then error("the alternate screen is not for Ork") end
end

function screen:control(sequence)
  local mark, args, kind = sequence:match("^\27%[([?>=]?)([%d;:]*)[ !$']?([%a@`])$")
  if not kind then error(("unknown control sequence %q"):format(sequence)) end
  if mark ~= "" then
    for mode in args:gmatch("%d+") do private(self, mode, kind == "h") end
    return
  end
  local apply = csi[kind]
  if not apply then
    if kind == "h" or kind == "l" then return end
    error(("unknown control sequence %q"):format(sequence))
  end
  local first, second = args:match("^(%d*);?(%d*)")
  first, second = tonumber(first), tonumber(second)
  if kind ~= "m" then self.wrap = false end
  apply(self, math.max(1, first or 1), math.max(1, second or 1), first or 0)
end

local single = {}
single["\r"] = function(s) s.col, s.wrap = 1, false end
single["\n"] = function(s) s:down() end
single["\b"] = function(s) s.col, s.wrap = math.max(1, s.wrap and s.col or s.col - 1), false end
single["\t"] = function(s) s.col = math.min(s.cols, (s.col - 1) // 8 * 8 + 9) end
single["\a"] = function() end
single["\0"] = function() end
single["\14"], single["\15"] = single["\a"], single["\a"]

local escapes = {
  ["7"] = csi.s, ["8"] = csi.u, ["="] = single["\a"], [">"] = single["\a"], c = screen.reset,
  M = function(s) if s.row > 1 then s.row = s.row - 1 else csi.L(s, 1) end end,
}

--- One step at `at` of bytes; returns where the next begins, or nil when the sequence is not whole yet.
function screen:step(bytes, at)
  local char = bytes:sub(at, at)
  if single[char] then
    single[char](self)
    return at + 1
  elseif char == "\27" then
    local kind = bytes:sub(at + 1, at + 1)
    if kind == "" then return nil end
    if kind == "[" then
      local stop = bytes:find("[@-~]", at + 2)
      if not stop then return nil end
      self:control(bytes:sub(at, stop))
      return stop + 1
    elseif kind == "]" then
      local _, stop = bytes:find("^[^\7\27]*\7", at + 2)
      if not stop then _, stop = bytes:find("^[^\7\27]*\27\\", at + 2) end
      return stop and stop + 1
    elseif kind == "(" or kind == ")" then
      return bytes:sub(at + 2, at + 2) ~= "" and at + 3 or nil
    end
    local apply = escapes[kind] or error(("unknown escape %q"):format(kind))
    apply(self)
    return at + 2
  end
  local byte = char:byte()
  if byte < 0x20 or byte == 0x7F then error(("unknown control character %d"):format(byte)) end
  local size = byte < 0x80 and 1 or byte < 0xE0 and 2 or byte < 0xF0 and 3 or 4
  if #bytes < at + size - 1 then return nil end
  local text = bytes:sub(at, at + size - 1)
  self:put(text, utf8.len(text) == 1 and utf8.codepoint(text) or 0xFFFD)
  return at + size
end

--- Takes what a program wrote.
function screen:feed(bytes)
  bytes = self.rest .. bytes
  local at = 1
  while at <= #bytes do
    local following = self:step(bytes, at)
    if not following then break end
    at = following
  end
  self.rest = bytes:sub(at)
end

-- ---- the window ------------------------------------------------------------------------------

--- A new size; the line with the cursor stays in the window.
function screen:resize(cols, rows)
  local cursor, lines, at = self.top + self.row, {}, nil
  for i, line in ipairs(self.lines) do
    if i == cursor then at = #lines + 1 end
    if not self.reflow or #line <= cols then
      lines[#lines + 1] = table.move(line, 1, math.min(#line, cols), 1, {})
    else
      for from = 1, #line, cols do lines[#lines + 1] = table.move(line, from, math.min(#line, from + cols - 1), 1, {}) end
    end
  end
  self.lines, self.cols, self.rows, self.wrap = lines, cols, rows, false
  at = at or #lines + 1
  self.top = math.max(0, math.min(self.top, at - 1), at - rows)
  self.row, self.col = at - self.top, math.min(self.col, cols)
end

local function text_of(line)
  local cells = {}
  for i = 1, #line do cells[i] = line[i] end
  return (table.concat(cells):gsub("%s+$", ""))
end

--- The lines of the window, without trailing empty ones.
function screen:shown()
  local list = {}
  for row = 1, self.rows do
    local line = self.lines[self.top + row]
    list[row] = line and text_of(line) or ""
  end
  while list[#list] == "" do list[#list] = nil end
  return list
end

--- All lines, those that scrolled out of the window first.
function screen:all()
  local list = {}
  for i, line in ipairs(self.lines) do list[i] = text_of(line) end
  while list[#list] == "" do list[#list] = nil end
  return list
end

return screen
