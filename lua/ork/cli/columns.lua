-- SPDX-License-Identifier: MIT
-- Tables of text. Columns are as wide as their widest cell; when a terminal is narrower, the columns marked `shrink` are
-- cut, the widest first. Without a width (a pipe) nothing is cut.
local text = require "ork.cli.text"

local GAP = "  "

--- columns: { { title, right = bool, shrink = bool, paint = function(cell, shown) }, … }; rows: lists of strings ("" for
--- nothing). Returns the lines, heading first.
return function(columns, rows, width)
  local widths = {}
  for c, column in ipairs(columns) do
    widths[c] = text.columns(column[1])
    for _, row in ipairs(rows) do widths[c] = math.max(widths[c], text.columns(row[c])) end
  end

  local total = #GAP * (#columns - 1)
  for _, w in ipairs(widths) do total = total + w end
  while width and total > width do
    local widest
    for c, column in ipairs(columns) do
      if column.shrink and widths[c] > 8 and (not widest or widths[c] > widths[widest]) then widest = c end
    end
    if not widest then break end
    local second = 8
    for c, column in ipairs(columns) do
      if column.shrink and c ~= widest and widths[c] < widths[widest] then second = math.max(second, widths[c]) end
    end
    local cut = math.max(1, math.min(total - width, widths[widest] - second))
    widths[widest], total = widths[widest] - cut, total - cut
  end

  local lines = {}
  local function add(cells, heading)
    local parts = {}
    for c, column in ipairs(columns) do
      local cell = text.cut(cells[c], widths[c])
      local space = (" "):rep(widths[c] - text.columns(cell))
      local shown = not heading and column.paint and column.paint(cells[c], cell) or cell
      parts[c] = column.right and space .. shown or c < #columns and shown .. space or shown
    end
    lines[#lines + 1] = (table.concat(parts, GAP):gsub("%s+$", ""))
  end
  local titles = {}
  for c, column in ipairs(columns) do titles[c] = column[1] end
  add(titles, true)
  for _, row in ipairs(rows) do add(row) end
  return lines
end
