-- SPDX-License-Identifier: MIT
-- ork.inspect: values as text, without effects and without end.
local core = require "ork.core"
local inspect = require "ork.inspect"

describe("inspect", function()
  it("shows scalars as they are written", function()
    assert.equal('"a\\"b\\\\\\n\\t"', inspect('a"b\\\n\t'))
    assert.equal("1 -3 1.5 0.1 1e+100 inf nan", table.concat({ inspect(1), inspect(-3), inspect(1.5), inspect(0.1), inspect(1e100),
      inspect(math.huge), inspect(0 / 0) }, " "))
    assert.equal("1.0 true false nil null", table.concat({ inspect(1.0), inspect(true), inspect(false), inspect(nil), inspect(core.null) }, " "))
    assert.equal('"é"', inspect("é"))
    assert.equal('"\\xff\\0\\e[31m"', inspect("\255\0\27[31m"))
  end)

  it("shows lists, then keys in order", function()
    assert.equal("{}", inspect({}))
    assert.equal("{ 1, 2, a = 1, b = { c = true } }", inspect({ b = { c = true }, a = 1, 1, 2 }))
    assert.equal('{ [-1] = 1, [1.5] = 2, ["a b"] = 3, ["end"] = 4, [false] = 5, [true] = 6 }',
      inspect({ [true] = 6, [false] = 5, ["end"] = 4, ["a b"] = 3, [1.5] = 2, [-1] = 1 }))
    assert.equal("{ 1, [3] = 3 }", inspect({ 1, nil, 3 }))
    assert.equal("{ 1, null, 3 }", inspect({ 1, core.null, 3 }))
  end)

  it("breaks what does not fit on one line", function()
    assert.equal("{\n  a = 1,\n  b = {\n    c = 2,\n    d = 3\n  }\n}", inspect({ a = 1, b = { c = 2, d = 3 } }, { width = 12 }))
    assert.equal("{\n  1, 2, 3,\n  4, 5, 6\n}", inspect({ 1, 2, 3, 4, 5, 6 }, { width = 12 }))
  end)

  it("tells cycles and cuts what is deep, long or much", function()
    local t = { 1 }
    t.self = t
    assert.equal("{ 1, self = <cycle> }", inspect(t))
    local shared = { 1 }
    assert.equal("{ { 1 }, { 1 } }", inspect({ shared, shared }))
    assert.equal("{ { { … } } }", inspect({ { { { 1 } } } }, { depth = 2 }))
    assert.equal("{ 1, 2, … 3 more }", inspect({ 1, 2, 3, 4, 5 }, { items = 2 }))
    assert.equal("{ 1, a = 1, … 2 more }", inspect({ 1, a = 1, b = 2, c = 3 }, { items = 2 }))
    assert.equal('{ "xxx"… (10 bytes) }', inspect({ ("x"):rep(10) }, { text = 3 }))
    assert.equal('{ "é"… (4 bytes) }', inspect({ "éé" }, { text = 3 }))
  end)

  it("has an end whatever the value is", function()
    local wide = { {} }
    for i = 1, 30 do wide = { wide, wide, i } end -- 2^30 paths
    assert.is_true(#inspect(wide, { depth = 100 }) < 500000)
    local many = {}
    for i = 1, 200000 do many["k" .. i] = i end
    assert.truthy(inspect(many):find("… 199950 more", 1, true))
  end)

  it("asks an object for its own words, protected, and calls nothing else", function()
    local function boom() error "called" end
    assert.equal("me", inspect(setmetatable({}, { __tostring = function() return "me" end })))
    assert.equal("<table whose __tostring fails: boom>", inspect(setmetatable({}, { __tostring = function() error("boom", 0) end })))
    assert.truthy(inspect(setmetatable({}, { __tostring = function() return {} end })):find("must return a string", 1, true))
    assert.equal("{ a = 1 }", inspect(setmetatable({ a = 1 }, { __index = boom, __pairs = boom, __len = boom, __eq = boom, __lt = boom })))
    assert.equal("{ [me] = 1 }", inspect({ [setmetatable({}, { __tostring = function() return "me" end })] = 1 }))
    assert.equal("a\\e[1m", inspect(setmetatable({}, { __tostring = function() return "a\27[1m" end })))
    local w = core.workflow("w")
    assert.equal("{ workflow `w` }", inspect({ w }))
  end)

  it("names functions by their place and coroutines by their state", function()
    assert.truthy(inspect(function() end):find("inspect_spec.lua:%d+$"))
    assert.equal("function: built in", inspect(print))
    assert.equal("coroutine (suspended)", inspect(coroutine.create(print)))
  end)

  it("paints by kind without counting the colours as columns", function()
    local function paint(kind, text) return kind == "number" and "\27[1m" .. text .. "\27[0m" or text end
    assert.equal("{ \27[1m1\27[0m, \27[1m2\27[0m }", inspect({ 1, 2 }, { paint = paint, width = 10 }))
  end)
end)
