-- SPDX-License-Identifier: MIT
-- "name  value" lines, the values under each other; for `show` and `db`. On a terminal a value goes on in the next line where words
-- end; what has no blanks (ids, paths) stays whole, to be taken with the mouse.
local term = require "ork.term"
local text = require "ork.cli.text"

--- A line in pieces of at most `width` columns, broken at blanks where there are any.
local function fold(line, width, pieces)
  local piece = ""
  for blanks, word in line:gmatch("(%s*)(%S*)") do
    if piece ~= "" and text.columns(piece .. blanks .. word) > width then
      pieces[#pieces + 1], piece, blanks = piece, "", ""
    end
    piece = piece .. blanks .. word
  end
  pieces[#pieces + 1] = piece
end

local function lines_of(value, width)
  local pieces = {}
  for line in (value .. "\n"):gmatch("(.-)\n") do
    if width and width > 0 then fold(line, width, pieces) else pieces[#pieces + 1] = line end
  end
  return pieces
end

--- rows: { { name, value | nil }, … }; rows without a value are left out, further lines of a value are indented.
return function(rows)
  local width, columns = 0, term.width()
  for _, row in ipairs(rows) do
    if row[2] then width = math.max(width, #row[1]) end
  end
  for _, row in ipairs(rows) do
    if row[2] then
      local pieces = lines_of(term.escape(row[2]), columns and columns - width - 2)
      for i, piece in ipairs(pieces) do
        term.out((("%-" .. width .. "s  %s"):format(i == 1 and row[1] or "", piece):gsub("%s+$", "")))
      end
    end
  end
end
