-- SPDX-License-Identifier: MIT
-- Reads logs through the engine, in pieces: a log of a gigabyte costs as much memory as a small one.
local tail = { PIECE = 256 * 1024 }

local LINE_LIMIT = 64 * 1024 -- a longer line is shown in parts

--- Calls each(bytes) for the log from byte `offset` on (0: all of it) up to its present end. Returns the new offset, or nil,
--- message, code. attempt 0 is the newest.
function tail.pieces(engine, run, task, attempt, offset, each)
  while true do
    local bytes, size, stored = engine:log_read(run, task, attempt, offset, tail.PIECE)
    if not bytes then return nil, size, stored end
    if #bytes == 0 then return offset, stored end
    each(bytes)
    offset = offset + #bytes
    if stored or offset >= size then return offset, stored end
  end
end

--- The last `n` lines, the size of what was read to its end, and whether there is more before them; nil when there is no
--- log or nothing in it.
function tail.lines(engine, run, task, attempt, n)
  local want = tail.PIECE
  while true do
    local bytes, size, stored = engine:log_read(run, task, attempt, -want, want)
    if not bytes or bytes == "" then return nil end
    local whole = stored or #bytes >= size
    local starts, at = {}, whole and 1 or (bytes:find("\n", 1, true) or 0) + 1
    while at <= #bytes do
      starts[#starts + 1] = at
      at = (bytes:find("\n", at, true) or #bytes) + 1
    end
    if whole or #starts >= n or want >= 16 * 1024 * 1024 then
      local lines = {}
      for i = math.max(1, #starts - n + 1), #starts do
        lines[#lines + 1] = bytes:match("^[^\n]*", starts[i]):gsub("\r$", "")
      end
      return lines, size, not whole or #starts > n
    end
    want = want * 4
  end
end

--- Where the last line end of a piece is, or nil. A pattern would walk backwards slowly.
local function last_line_end(bytes)
  local from_end = bytes:reverse():find("\n", 1, true)
  return from_end and #bytes - from_end + 1
end

--- Where a line that is too long may be cut without cutting a character.
local function cut_at(line)
  local at = LINE_LIMIT
  while at > LINE_LIMIT - 4 and (line:byte(at + 1) or 0) & 0xC0 == 0x80 do at = at - 1 end
  return at
end

--- A sink for pieces that hands out blocks of whole lines, each line with its end: sink(bytes); sink(nil) gives a last
--- line without an end one. Blocks, not lines: a log of a million short lines costs no million calls.
function tail.blocks(emit)
  local rest = ""
  return function(bytes)
    if not bytes then
      if rest ~= "" then emit(rest .. "\n") end
      rest = ""
      return
    end
    local last = last_line_end(bytes)
    if last then
      local block = rest .. bytes:sub(1, last)
      emit(block:find("\r\n", 1, true) and block:gsub("\r\n", "\n") or block)
      rest = bytes:sub(last + 1)
    else
      rest = rest .. bytes
    end
    while #rest > LINE_LIMIT do
      local at = cut_at(rest)
      emit(rest:sub(1, at) .. "\n")
      rest = rest:sub(at + 1)
    end
  end
end

return tail
