-- SPDX-License-Identifier: MIT
-- What is known of a task with a list before it runs: its plan, its types, and what is refused.
local json = require("ork.core").json
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w", { params = { l = { type = "any", default = "none" }, n = { type = "int", default = 0 } } })\n'

describe("a task with ork.each", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function run(text, ...)
    write(text)
    return ork("w.lua", ...)
  end
  local function output(task) return json.decode(ork("output", "last", task).out) end

  it("is marked in a plan, and gives programs a list", function()
    write('w:task("a", { inputs = { p = ork.each({ 1, 2 }) }, command = "true" })')
    assert.equal("w: 1 task, 1 level, as many at once as its lists are long\n  1  a (per item)\n", ork("plan", "w.lua").out)
    assert.same({ "a" }, json.decode(ork("plan", "w.lua", "--json").out).each)
    sh.write(dir .. "/app.lua", HEAD .. [[
w:task("a", { inputs = { n = ork.each({ 1, 2, 3 }, { max_failed = 1 }) }, output_type = { n = "int" }, run = function(input)
  if input.n == 2 then error("two") end
  return { n = input.n * 2 }
end })
local r = assert(w:run{})
print(ork.json.encode(r:task("a").output), ork.json.encode(r:task("a").items), ork.json.encode(r:task("a", 3).output))]])
    local r = sh.ork({ "app.lua" }, { cwd = dir })
    assert.equal(0, r.code, r.err)
    assert.equal('[{"n":2},null,{"n":6}]\t{"count":3,"failed":1,"success":2}\t{"n":6}', r.err:match('%[{"n".-\n'):sub(1, -2))
  end)

  it("goes over what the items of another task gave, and knows the types of it", function()
    local text = [[
local c = w:task("c", { inputs = { p = ork.each({ 1, 2, 3 }) }, output_type = %s, run = function(input) return %s end })
w:task("e", { inputs = { p = ork.each(%s) }, input_type = { p = %s }, run = function(input) return input.p end })]]
    local function over(...)
      local r = run(text:format(...))
      return r.code == 0 and output("e") or r.err
    end
    assert.same({ { v = 1 }, { v = 2 }, { v = 3 } }, over('{ v = "int" }', "{ v = input.p }", "c.output", '{ "?", { v = "int" } }'))
    assert.same({ 1, 2, 3 }, over('{ v = "int" }', "{ v = input.p }", "c.output.v", '"int?"'))
    assert.same({ { 1 }, { 2 }, { 3 } }, over('{ "int" }', "{ input.p }", "c.output", '{ "?", { "int" } }'))
    assert.same({ { a = 1, b = "x" }, { a = 2, b = "x" }, { a = 3, b = "x" } },
      over('{ v = "int" }', "{ v = input.p }", 'ork.product{ a = c.output.v, b = { "x" } }', '{ a = "int?", b = "str" }'))
    assert.equal("success", over('"any"', "input.p", "c.results", '{ item = "any", status = "str", output = "any", error = "str?" }')[2].status)
    assert.equal("success", over('{ v = "int" }', "{ v = input.p }", "c.results", '{ item = "any", status = "str", output = "any", error = "str?" }')[2].status)
    assert.matches("does not fit input_type", over('{ v = "int" }', "{ v = input.p }", "c.output.v", '"str?"'), 1, true)
    assert.matches("does not fit input_type", over('{ "int" }', "{ input.p }", "c.output", '"int?"'), 1, true)
    assert.matches("does not fit input_type: status: wanted int", over('{ v = "int" }', "{ v = input.p }", "c.results", '{ status = "int" }'), 1, true)
  end)

  it("is refused where it is not meant", function()
    local bad = {
      { 'w:task("a", { inputs = { p = ork.each({ 1 }), q = ork.each({ 2 }) }, command = "true" })', "is a second ork.each, beside `p`; a task has one" },
      { 'w:task("a", { task_count = 2, inputs = { p = ork.each({ 1 }) }, command = "true" })', "`task_count` stands beside ork.each" },
      { 'w:task("a", { task_count = 2, wait = "1s" })', "`task_count` stands beside `wait`" },
      { 'w:task("a", { task_count = 0, command = "true" })', "task_count" },
      { 'w:task("a", { task_count = 100001, command = "true" })', "`task_count` takes at most 100000" },
      { 'w:task("a", { inputs = ork.each({ 1 }), command = "true" })', "is ork.each itself; an input of that kind needs a name" },
      { 'w:task("a", { inputs = { p = ork.each() }, command = "true" })', "ork.each wants a list, or a reference to one, got none" },
      { 'w:task("a", { inputs = { p = ork.each("abc") }, command = "true" })', 'ork.each wants a list, or a reference to one, got "abc"' },
      { 'w:task("a", { inputs = { p = ork.each({ 1 }, { max_faild = 1 }) }, command = "true" })', "did you mean `max_failed`?" },
      { 'w:task("a", { inputs = { p = ork.each({ 1 }, { max_failed = "many" }) }, command = "true" })',
        'max_failed wants a number of items or a share such as "5%", got "many"' },
      { 'w:task("a", { inputs = { p = ork.each({ 1 }, { max_parallel = 0 }) }, command = "true" })', "max_parallel wants a number from 1 on" },
      { 'w:task("a", { inputs = { p = ork.each({ a = 1 }) }, command = "true" })', "wants a list" },
      { 'local t = w:task("t", { output_type = { n = "int" }, command = "true" })\nw:task("a", { inputs = { p = ork.each(t.output.n) }, command = "true" })',
        "wants a list, but t.output.n is declared as int" },
      { 'w:task("a", { inputs = { p = ork.each({ "x" }) }, input_type = { p = "int" }, command = "true" })', nil },
      { 'w:task("a", { command = { "echo", ork.each({ 1 }) } })', "ork.each" },
      { 'w:task("a", { inputs = { p = ork.each(ork.product{}) }, command = "true" })', "ork.product of nothing" },
    }
    for _, each in ipairs(bad) do
      local r = run(each[1])
      if each[2] then
        assert.equal(2, r.code, each[1] .. r.out .. r.err)
        assert.matches(each[2], r.err, 1, true)
      end
    end
  end)
end)
