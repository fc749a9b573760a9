-- SPDX-License-Identifier: MIT
local truth = require "ork.truth"

local BEGIN = [[
local w = ork.workflow("w", { params = { fast = "bool" } })
local t = w:task("t", { command = "true" })
]]

describe("a reference as a truth value", function()
  local function found(line)
    local list = {}
    for i, each in ipairs(truth.find(BEGIN .. line .. "\n")) do list[i] = each.text .. ":" .. each.line end
    return table.concat(list, " ")
  end

  for line, wanted in pairs({
    ["if w.params.fast then end"] = "w.params.fast:3",
    ["if (w.params.fast) then end"] = "w.params.fast:3",
    ["if x == 1 and\nnot w.params.fast then end"] = "w.params.fast:4",
    ["local a = w.params.fast and '-f' or '-i'"] = "w.params.fast:3",
    ["f({ w.params.fast or 3 })"] = "w.params.fast:3",
    ["if a and w.params.fast and b then end"] = "w.params.fast:3",
    ["if t.output.rows then elseif t.output then end"] = "t.output.rows:3 t.output:3",
    ["while not (t.output.done) do end"] = "t.output.done:3",
    ["return w.params.a and w.params.b or w.params.c"] = "w.params.a:3 w.params.b:3",
  }) do
    it("is found in " .. line, function() assert.equal(wanted, found(line)) end)
  end

  for _, line in ipairs({
    "local a = x or w.params.fast", -- a default, which is not asked
    "w:task('b', { when = w.params.fast })",
    "if run.params.fast then end", -- of a run: a value
    "local r = run:task('t') if r.output.rows then end",
    "local a = f(w.params.fast) and 1", -- what f returns is asked
    "local a = 'x' .. w.params.fast or 1",
    "local a = b == w.params.fast and 1",
    "-- if w.params.fast then", "local a = 'if w.params.fast then'",
    "local x = a.w.params.fast and 1", "if w.params then end",
  }) do
    it("is not seen in " .. line, function() assert.equal("", found(line)) end)
  end
end)
