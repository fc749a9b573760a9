-- SPDX-License-Identifier: MIT
-- Tables of text. Columns are as wide as their widest cell. On a narrower terminal those with `drop` go, the highest number
-- first, while the others cannot be made to fit; then those marked `shrink` are cut, the widest first. Without a width (a
-- pipe) nothing is cut and nothing left out.
local term = require "ork.term"
local text = require "ork.cli.text"

local GAP = "  "
local LEAST = 8 -- columns that a cell keeps when it is cut

--- Widths of the columns numbered in `chosen`, and their sum with the gaps; as narrow as they can be made with `least`.
local function measure(columns, rows, chosen, least)
  local widths, total = {}, #GAP * (#chosen - 1)
  for i, c in ipairs(chosen) do
    widths[i] = text.columns(columns[c][1])
    for _, row in ipairs(rows) do widths[i] = math.max(widths[i], text.columns(row[c])) end
    if least and columns[c].shrink then widths[i] = math.min(widths[i], LEAST) end
    total = total + widths[i]
  end
  return widths, total
end

--- The columns that are shown.
local function choose(columns, rows, width)
  local chosen = {}
  for c in ipairs(columns) do chosen[c] = c end
  while width do
    local _, total = measure(columns, rows, chosen, true)
    local worst
    for i, c in ipairs(chosen) do
      local drop = columns[c].drop
      if drop and (not worst or drop > columns[chosen[worst]].drop) then worst = i end
    end
    if total <= width or not worst then break end
    table.remove(chosen, worst)
  end
  return chosen
end

--- Cuts the columns that may be cut until all fit.
local function shrink(columns, chosen, widths, total, width)
  while total > width do
    local widest
    for i, c in ipairs(chosen) do
      if columns[c].shrink and widths[i] > LEAST and (not widest or widths[i] > widths[widest]) then widest = i end
    end
    if not widest then break end
    local second = LEAST
    for i, c in ipairs(chosen) do
      if columns[c].shrink and i ~= widest and widths[i] < widths[widest] then second = math.max(second, widths[i]) end
    end
    local cut = math.max(1, math.min(total - width, widths[widest] - second))
    widths[widest], total = widths[widest] - cut, total - cut
  end
end

--- columns: { { title, right = bool, shrink = bool, drop = n, paint = function(cell, shown) }, … }; rows: lists of strings
--- ("" for nothing). Returns the lines, heading first. page: a table kept between the calls for the pages of one table; the
--- columns of later pages are those of the first, and at least as wide.
return function(columns, rows, width, page)
  local cells = {}
  for r, row in ipairs(rows) do
    cells[r] = {}
    for c in ipairs(columns) do cells[r][c] = row[c]:find("[^\32-\126]") and term.line(row[c]) or row[c] end
  end
  local first = not (page and page.widths)
  local chosen = first and choose(columns, cells, width) or page.chosen
  local widths, total = measure(columns, cells, chosen)
  for i, before in ipairs(not first and page.widths or {}) do
    if widths[i] < before then widths[i], total = before, total + before - widths[i] end
  end
  if width then shrink(columns, chosen, widths, total, width) end
  if page then page.chosen, page.widths = chosen, widths end

  local lines = {}
  local function add(row, heading)
    local line, left = "", width or math.huge
    for i, c in ipairs(chosen) do
      local column = columns[c]
      local cell = text.cut(row[c], math.min(widths[i], left))
      local space = (" "):rep(math.min(widths[i], left) - text.columns(cell))
      local shown = not heading and column.paint and column.paint(row[c], cell) or cell
      line = line .. (column.right and space .. shown or shown .. space)
      left = left - widths[i] - #GAP
      if i == #chosen or left <= 0 then break end
      line = line .. GAP
    end
    lines[#lines + 1] = (line:gsub("%s+$", ""))
  end
  local titles = {}
  for c, column in ipairs(columns) do titles[c] = column[1] end
  if first then add(titles, true) end
  for _, row in ipairs(cells) do add(row) end
  return lines
end
