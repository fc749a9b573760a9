-- SPDX-License-Identifier: MIT
-- ETL: data goes from task to task, each value checked against its type. Reads the accounts of this machine.
--
--   ork etl.lua
--   ork etl.lua file=/etc/group field=1
local ork = require "ork"

local w = ork.workflow("etl", {
  params = { file = { type = "str", default = "/etc/passwd" }, field = { type = "int", default = 7, min = 1 } },
})

local extract = w:task("extract", {
  inputs      = { file = w.params.file },
  output_type = { rows = { { "str" } } },
  run         = function(input)
    local rows = {}
    for line in io.lines(input.file) do
      rows[#rows + 1] = {}
      for field in (line .. ":"):gmatch("([^:]*):") do table.insert(rows[#rows], field) end
    end
    return { rows = rows }
  end,
})

local transform = w:task("transform", {
  inputs      = { rows = extract.output.rows, field = w.params.field },
  output_type = { counts = "any", rows = "int" },
  run         = function(input)
    local counts = {}
    for _, row in ipairs(input.rows) do counts[row[input.field]] = (counts[row[input.field]] or 0) + 1 end
    return { counts = counts, rows = #input.rows }
  end,
})

w:task("load", { command = { "echo", transform.output.rows, "rows:", transform.output.counts } })

return w
