-- SPDX-License-Identifier: MIT
-- Where a mistake is said to be, how several are told, and when.
local script = require "tests.lib.script"

describe("the line of a mistake", function()
  after_each(script.cleanup)

  it("is the key's own", function()
    assert.same({
      "6: task `t`: `retries.limit` wants a whole number, 0 or more, got \"x\"",
      "8: task `t`: `env.B` wants a text, got a table",
      "11: task `t`: `command[3]` is a boolean, not a text; write \"true\"",
    }, script.refusals([==[
w:task("t", {
  retries = {  -- retries = { limit = 1 }, "limit = 2", [[ limit = 3 ]]
    limit = "x", },
  env = { A = "{ limit = 1 }",
    ["B"] = {} }, timeout = (function() local a, b = 1, 2 return a + b end)(),
  command = { "x",
    "y",
    true },
})]==]))
  end)

  it("is that of the call when the table is made elsewhere", function()
    assert.same({ "5: task `t`: unknown option `retires`; did you mean `retries`?" },
      script.refusals("local opts = { command = 'x', retires = 1 }\nw:task('t', opts)"))
  end)

  it("is that of the user's helper", function()
    assert.same({ "5: task `t`: unknown option `retires`; did you mean `retries`?" },
      script.refusals("local function make(name)\n  return w:task(name, { command = 'x', retires = 1 })\nend\nmake('t')"))
  end)

  it("is found among several calls of one line", function()
    assert.same({ "5: task `u`: unknown option `x`" },
      script.refusals("w:task('t', { command = 'x' }) w:task('u', { command = 'x',\n  x = 1 })"))
  end)

  it("is that of a function that uses a reference: it has no value there", function()
    local no = ", which is the reference %s: it has no value in a function; "
    local mode = no:format("params.day") .. "name it in `inputs`, and read `input.day`"
    assert.same({
      "5: task `t`: `run` uses the variable `day`" .. mode,
      "6: task `u`: `when` uses the variable `day`" .. mode,
      "7: task `v`: `wait.poll` uses the variable `out`" .. no:format("a.output") .. "name it in `inputs`, and read `input.a`",
      "8: task `x`: `retries.on` uses the variable `rows`" .. no:format("a.output.rows") .. "read what its argument has of it",
      "9: task `y`: `on_success` uses the variable `id`" .. no:format("ork.this.run_id") .. "read what its argument has of it",
      "10: task `z`: `run` uses the variable `key`" .. no:format("ork.secret(…)") ..
        "call ctx.secret(\"NAME\"), or name it in a header of ork.defer.http: { secret = \"NAME\" }",
      "11: task `e`: `executor` uses the variable `day`" .. no:format("params.day") .. "name it in `inputs`; `start` has it in `task.input`",
      "12: task `i`: `run` uses the variable `id`" .. no:format("ork.this.run_id") .. "read `ctx.run_id`",
    }, script.refusals([==[
local day, out, rows, id, key = w.params.day, a.output, a.output.rows, ork.this.run_id, ork.secret("KEY") local function full() return day == "all" end
w:task("t", { run = function() if day == "all" then return full() end end })
w:task("u", { when = function() return day == "all" end, command = "x" })
w:task("v", { wait = { every = "1s", poll = function() return out end } })
w:task("x", { command = "x", retries = { limit = 1, on = function() return rows end } })
w:task("y", { command = "x", on_success = function() return id end })
w:task("z", { run = function() return key end })
w:task("e", { command = "x", executor = ork.executor("e", { start = function() return day end, poll = function() end }) })
w:task("i", { run = function() return id end })
w:task("fine", { run = function(input) return input.day, w, a, w.params.day end, inputs = { day = day } })]==]))
  end)

  it("is told once for a loop", function()
    assert.same({ "5: task `t1`: unknown option `retires`; did you mean `retries`? (and 2 more tasks)" },
      (function()
        local got = script.refusals("for i = 1, 3 do\n  w:task('t' .. i, { command = 'x', retires = 1 })\nend")
        for i, line in ipairs(got) do got[i] = line:gsub(" %(and 2 more tasks%)(.*)$", "%1 (and 2 more tasks)") end
        return got
      end)())
  end)

  it("sorts the mistakes of a script", function()
    local got = script.refusals("w:task('t', { command = 'x', depends_on = 'zz' })\nw:task('u', { x = 1 })\nw:task('v', {})")
    assert.same({ "4: task `t` depends on `zz`, which is not a task of this workflow",
      "5: task `u`: unknown option `x`", "5: task `u`: it does nothing; give it a command = { \"program\", … }, " ..
      "or run = function(input, ctx) … end",
      "6: task `v`: it does nothing; give it a command = { \"program\", … }, " ..
      "or run = function(input, ctx) … end" }, got)
  end)
end)

describe("a workflow with mistakes", function()
  it("raises them together when it is used under plain Lua", function()
    local ork = require "ork"
    local w = ork.workflow("w")
    w:task("t", { command = "x", retires = 1 })
    w:task("u", {})
    local ok, message = pcall(w.validate, w)
    assert.is_false(ok)
    local lines = {}
    for line in message:gmatch("[^\n]+") do lines[#lines + 1] = line:match("define_line_spec%.lua:%d+: (.*)$") end
    assert.same({ "task `t`: unknown option `retires`; did you mean `retries`?",
      "task `u`: it does nothing; give it a command = { \"program\", … }, or run = function(input, ctx) … end" }, lines)
  end)

  it("takes no more tasks once it was checked", function()
    local ork = require "ork"
    local w = ork.workflow("w")
    w:task("t", { command = "x" })
    assert.is_true(w:validate())
    local ok, message = pcall(function() w:task("u", { command = "x" }) end)
    assert.is_false(ok)
    assert.truthy(message:find("workflow `w` is complete: it was started or checked; define its tasks before", 1, true), message)
  end)
end)
