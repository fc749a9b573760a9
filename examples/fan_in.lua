-- SPDX-License-Identifier: MIT
-- Parallel fan-in: three calls that take a second each, at once, and one that adds up what they gave: two seconds in all.
--
--   ork fan_in.lua
--   ork output last add
local ork = require "ork"

local w = ork.workflow("fan_in", {})

local function slow(value)
  return function(_, ctx)
    ctx.sleep("1s")
    return { value = value }
  end
end

local a = w:task("a", { run = slow(1), output_type = { value = "int" } })
local b = w:task("b", { run = slow(2), output_type = { value = "int" } })
local c = w:task("c", { run = slow(3), output_type = { value = "int" } })

w:task("add", {
  inputs = { values = { a.output.value, b.output.value, c.output.value } },
  run    = function(input, ctx)
    local sum = 0
    for _, value in ipairs(input.values) do sum = sum + value end
    ctx.sleep("1s")
    return { sum = sum }
  end,
})

return w
