-- SPDX-License-Identifier: MIT
local args = require "ork.cli.args"

local command = {
  name = "runs", usage = "runs [NAME]", summary = "Lists runs", words = { 0, 1 }, params = true,
  options = {
    { "status", "S", "only this status", many = true, choices = { "running", "failed" } },
    { "limit", "N", "at most", kind = "count", short = "n" },
    { "timeout", "D", "no longer", kind = "duration" },
    { "follow", false, "go on", short = "f" },
    { "max-parallel", "N", "at once", kind = "number" },
    { "param", "k=v", "a param", many = true },
  },
}

local function parse(...) return args.parse(command, { ... }) end

--- The message a command line is refused with.
local function refusal(...)
  local ok, problem = pcall(parse, ...)
  assert.is_false(ok, "was accepted")
  assert.is_true(type(problem) == "table" and problem.stop, tostring(problem))
  assert.equal(2, problem.code)
  return problem.message
end

describe("command lines", function()
  it("give options, words and params", function()
    local given = parse("hello", "--status", "failed", "--status=running", "-n", "5", "-f", "day=2026-11-01", "q=a=b")
    assert.same({ "hello" }, given.words)
    assert.same({ status = { "failed", "running" }, limit = 5, follow = true }, given.options)
    assert.same({ day = "2026-11-01", q = "a=b" }, given.params)
  end)

  it("take a short option's value joined or apart", function()
    assert.equal(7, parse("-n7").options.limit)
    assert.equal(7, parse("-n", "7").options.limit)
    assert.equal(3, parse("--max-parallel", "3").options.max_parallel)
  end)

  it("read values by their kind", function()
    assert.equal(5400000, parse("--timeout", "1h30m").options.timeout)
    assert.same({ a = "1", b = "2" }, parse("--param", "a=1", "b=2").params)
  end)

  it("end their options at --", function()
    assert.same({ "--limit" }, parse("--", "--limit").words)
  end)

  it("know the options of every command", function()
    local given = parse("--db", "sqlite:x.db", "--json", "-q", "--no-color")
    assert.same({ db = "sqlite:x.db", json = true, quiet = true, no_color = true }, given.options)
  end)

  for _, case in ipairs({
    { { "--statsu", "failed" }, "no option --statsu; did you mean --status?" },
    { { "-x" }, "no option -x" },
    { { "--limit" }, "--limit needs a value: --limit N" },
    { { "--limit", "0" }, "--limit is a whole number from 1, not `0`" },
    { { "--limit", "1", "--limit", "2" }, "--limit is given twice" },
    { { "--timeout", "soon" }, "--timeout is a duration like 90s, 10m or 1h30m, not `soon`" },
    { { "--status", "faild" }, "--status is one of running, failed, not `faild`; did you mean `failed`?" },
    { { "--follow=yes" }, "--follow takes no value" },
    { { "-fn5" }, "write -f and -n5 apart" },
    { { "a", "b" }, "`b` is one word too many: ork runs [NAME]" },
    { { "x=1", "x=2" }, "the param `x` is given twice" },
    { { "--param", "x" }, "a param is written name=value, not `x`" },
  }) do
    it("are refused: " .. table.concat(case[1], " "), function()
      assert.matches(case[2], refusal(table.unpack(case[1])), 1, true)
    end)
  end

  it("are refused when a word is missing", function()
    local ok, problem = pcall(args.parse, { name = "show", usage = "show RUN", words = { 1, 2 } }, {})
    assert.is_false(ok)
    assert.equal("something is missing: ork show RUN", problem.message)
  end)

  it("may begin with options of every command", function()
    local options, words = args.split_globals({ "--json", "--db", "x.db", "runs", "--limit", "3" })
    assert.same({ json = true, db = "x.db" }, options)
    assert.same({ "runs", "--limit", "3" }, words)
    local _, version = args.split_globals({ "--version" })
    assert.same({ "version" }, version)
  end)

  it("are explained from the same table", function()
    local help = args.help(command)
    assert.matches("usage: ork runs [NAME]", help, 1, true)
    assert.matches("\n  %-n, %-%-limit N +at most\n", help)
    assert.matches("\n  %-f, %-%-follow +go on\n", help)
    assert.matches("%-%-no%-color", help)
  end)
end)
