-- SPDX-License-Identifier: MIT
-- The arithmetic behind script/bench: a wrong median or a verdict turned round would be believed.
local harness = require "bench.harness"

local function context() return setmetatable({ rows = {} }, harness) end

describe("the figures of a bench", function()
  it("are medians", function()
    assert.equal(2, harness.median({ 3, 1, 2 }))
    assert.equal(2.5, harness.median({ 4, 1, 2, 3 }))
    local list = { 3, 1, 2 }
    harness.median(list)
    assert.same({ 3, 1, 2 }, list)
  end)

  it("are compared within rounds", function()
    assert.equal(2, harness.paired({ 2, 40, 6 }, { 1, 20, 3 })) -- the machine was busy in the second round, for both
  end)

  local verdicts = {
    { ">=", 1.2, 1.2, true }, { ">=", 1.2, 1.19, false }, { "<=", 2.5, 2.5, true }, { "<=", 2.5, 2.51, false },
    { "<", 1, 1, false }, { "<", 1, 0.99, true },
  }
  for _, case in ipairs(verdicts) do
    it(("%g is %s%s %g"):format(case[3], case[4] and "" or "not ", case[1], case[2]), function()
      local ctx = context()
      ctx:add({ ratio = case[3], target = { case[1], case[2] } })
      assert.equal(case[4], ctx.rows[1].met)
    end)
  end

  it("without a target have no verdict", function()
    local ctx = context()
    ctx:add({ ratio = 3 })
    assert.is_nil(ctx.rows[1].met)
  end)

  it("come from every contestant in every round, each first once", function()
    local order = {}
    local function contestant(name)
      return { name = name, run = function()
        order[#order + 1] = name
        return #order
      end }
    end
    local samples = harness.rounds_of({ contestant("a"), contestant("b"), contestant("c") }, 3)
    assert.equal("abcbcacab", table.concat(order))
    assert.same({ a = { 1, 6, 8 }, b = { 2, 4, 9 }, c = { 3, 5, 7 } }, samples)
  end)
end)
