-- SPDX-License-Identifier: MIT
-- A chain of tasks for each of several parts: each is a run of another workflow, and goes on by itself.
--
--   ork chains.lua                        runs it
--   ork chains.lua 'parts=["a.txt"]'      for other parts
--   ork show last part/2                  its second run, and what that returned
--   ork runs --workflow part              all runs of the chain
local ork = require "ork"

local part = ork.workflow("part", { params = { name = "str", times = { type = "int", default = 2 } } })

local fetch = part:task("fetch", {
  command     = { "sh", "-c", [[echo "ORK_OUTPUT:{\"bytes\":${#1}}"]], "fetch", part.params.name },
  output_type = { bytes = "int" },
})

local scale = part:task("scale", {
  inputs      = { bytes = fetch.output.bytes, times = part.params.times },
  output_type = { bytes = "int" },
  run         = function(input) return { bytes = input.bytes * input.times } end,
})

part:returns{ name = part.params.name, bytes = scale.output.bytes }    -- what a run of it gives

local chains = ork.workflow("chains", {
  params = { parts = { type = { "str" }, default = { "north.csv", "south.csv", "east.csv" } } },
})

local parts = chains:task("part", {
  workflow = part,                                                     -- its params are the inputs
  inputs   = { name = ork.each(chains.params.parts, { max_parallel = 8 }) },
})

local sum = chains:task("sum", {
  inputs      = { bytes = parts.output.bytes },                        -- a number per part, in their order
  output_type = { bytes = "int" },
  run         = function(input)
    local total = 0
    for _, n in ipairs(input.bytes) do total = total + n end
    return { bytes = total }
  end,
})

chains:returns{ parts = parts.output.name, bytes = sum.output.bytes }

return chains
