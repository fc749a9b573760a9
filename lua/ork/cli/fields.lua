-- SPDX-License-Identifier: MIT
-- "name  value" lines, the values under each other; for `show` and `db`.
local term = require "ork.term"

--- rows: { { name, value | nil }, … }; rows without a value are left out, further lines of a value are indented.
return function(rows)
  local width = 0
  for _, row in ipairs(rows) do
    if row[2] then width = math.max(width, #row[1]) end
  end
  for _, row in ipairs(rows) do
    if row[2] then
      local value = term.escape(row[2]):gsub("\n", "\n" .. (" "):rep(width + 2))
      term.out(("%-" .. width .. "s  %s"):format(row[1], value))
    end
  end
end
