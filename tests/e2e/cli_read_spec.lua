-- SPDX-License-Identifier: MIT
-- The commands that look at runs, on a database that the program itself filled.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("mixed", { params = { day = { type = "str", default = "monday" } } })
local a = w:task("a", {
  command = "printf 'one\\ntwo\\nthr\\033[31mee\\377\\n'; echo 'ORK_OUTPUT:{\"rows\":3}'",
  output_type = { rows = "int" },
})
local b = w:task("b", { command = "echo attempt $ORK_ATTEMPT; exit 3", retries = { limit = 1, delay = "1ms" }, depends_on = { a } })
w:task("c", { command = { "true" }, depends_on = { b } })
return w
]]

describe("reading", function()
  local dir, id

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end

  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/mixed.lua", SCRIPT)
    id = sh.json(ork("mixed.lua", "--json").out).id
  end)
  after_each(sh.cleanup)

  it("lists runs", function()
    local r = ork("runs")
    assert.equal(0, r.code, r.err)
    assert.matches("RUN +WORKFLOW +STATUS +TASKS +STARTED +TOOK +ERROR", r.out)
    assert.matches("\n" .. id:sub(-8) .. "  mixed +failed +1/3 ", r.out)
    assert.equal("no such runs\n", ork("runs", "--status", "success").err)
    local list = sh.json(ork("runs", "--json", "--workflow", "mixed").out)
    assert.same({ 1, id, "failed" }, { #list, list[1].id, list[1].status })
    assert.same({}, sh.json(ork("runs", "--json", "--since", "2100-01-01").out))
  end)

  it("pages", function()
    for _ = 1, 2 do ork("mixed.lua", "--quiet") end
    local r = ork("runs", "-n", "2")
    assert.equal(3, select(2, r.out:gsub("\n", "")))
    local before = r.err:match("older ones: ork runs %-%-before (%x+)")
    assert.matches(id:sub(-8), ork("runs", "--before", before).out, 1, true)
  end)

  it("finds the runs before the newest", function()
    local second = sh.json(ork("mixed.lua", "--json").out).id
    local function shown(name) return ork("show", name, "--json") end
    assert.equal(second, sh.json(shown("last").out).id)
    assert.equal(second, sh.json(shown("last~0").out).id)
    assert.equal(id, sh.json(shown("last~1").out).id)
    assert.equal(id, sh.json(shown("mixed~1").out).id)
    local r = shown("last~2")
    assert.same({ 4, "ork: there are not so many runs: 2 in all, no `last~2`\n" }, { r.code, r.err })
    assert.matches("last~N reaches 10000 runs back", shown("last~999999").err, 1, true)
    for _, name in ipairs({ "last~x", "mixed~x", "mixed~", "mixed~-1" }) do
      assert.matches(("ork: no run and no workflow `%s`; "):format(name), shown(name).err, 1, true)
    end
  end)

  it("shows a run and its tasks", function()
    for _, name in ipairs({ id, id:sub(-8), "mixed", "last" }) do
      local r = ork("show", name)
      assert.equal(0, r.code, r.err)
      assert.matches("status +failed\n", r.out)
      assert.matches("params +day=monday\n", r.out)
      assert.matches("\nb +failed +2 ", r.out)
      assert.matches("\nc +skipped ", r.out)
    end
    assert.equal(id, sh.json(ork("show", "last", "--json").out).id)
  end)

  it("shows a task with output and attempts", function()
    local r = ork("show", "last", "a")
    assert.matches('output +{"rows":3}\n', r.out)
    r = ork("show", "last", "b")
    assert.matches("ATTEMPT +STATUS", r.out)
    assert.matches("\n +1  failed .*\n +2  failed ", r.out)
    local document = sh.json(ork("show", "last", "b", "--json").out)
    assert.equal(2, #document.attempts_list)
    assert.equal(3, document.attempts_list[2].exit_code)
  end)

  it("lists tasks by status", function()
    local r = ork("tasks", "last", "--status", "failed", "--status", "skipped")
    assert.equal(0, r.code, r.err)
    assert.equal(3, select(2, r.out:gsub("\n", "")))
    assert.equal("c", sh.json(ork("tasks", "last", "--status", "skipped", "--json").out)[1].name)
    assert.equal("no task is running\n", ork("tasks", "last", "--status", "running").err)
  end)

  it("shows logs, harmless unless --raw", function()
    local r = ork("logs", "last", "a")
    assert.equal('one\ntwo\nthr\\e[31mee\\xff\nORK_OUTPUT:{"rows":3}\n', r.out)
    assert.equal('one\ntwo\nthr\27[31mee\255\nORK_OUTPUT:{"rows":3}\n', ork("logs", "last", "a", "--raw").out)
    assert.equal('ORK_OUTPUT:{"rows":3}\n', ork("logs", "last", "a", "--tail", "1").out)
  end)

  it("shows the failed logs of a finished run, by attempt", function()
    assert.equal("attempt 2\n", ork("logs", "last").out)
    assert.equal("attempt 1\n", ork("logs", "last", "b", "--attempt", "1").out)
    local r = ork("logs", "last", "b", "--attempt", "9")
    assert.same({ 4, "ork: b has had 2 attempts\n" }, { r.code, r.err })
    assert.matches("c has not started: it is skipped", ork("logs", "last", "c").err, 1, true)
  end)

  it("says what is not found", function()
    for _, args in ipairs({ { "show", "zzzz9" }, { "show", "last", "nope" }, { "logs", "last", "nope" } }) do
      local r = sh.ork(args, { cwd = dir })
      assert.equal(4, r.code, table.concat(args, " ") .. ": " .. r.err)
      assert.matches("^ork: no ", r.err)
    end
  end)

  it("needs a database", function()
    local empty = sh.tempdir()
    local r = sh.ork({ "runs" }, { cwd = empty })
    assert.equal(3, r.code)
    assert.matches("no Ork database here or above", r.err, 1, true)
    assert.is_false(sh.exists(empty .. "/.ork"))
    assert.equal(0, sh.ork({ "runs", "--db", dir .. "/.ork/ork.db" }, { cwd = empty }).code)
    assert.equal(0, sh.ork({ "runs" }, { cwd = empty, env = { ORK_DATABASE_URL = "sqlite:" .. dir .. "/.ork/ork.db" } }).code)
    assert.equal(0, sh.ork({ "runs" }, { cwd = empty, env = { DATABASE_URL = "sqlite:" .. dir .. "/.ork/ork.db" } }).code)
    sh.sql(empty .. "/foreign.db", "CREATE TABLE t(x)")
    assert.equal(3, sh.ork({ "runs" }, { cwd = empty, env = { DATABASE_URL = "sqlite:foreign.db" } }).code)
  end)

  it("finds it from a folder below", function()
    sh.run({ "mkdir", "-p", dir .. "/x/y" })
    assert.equal(0, sh.ork({ "show", "last" }, { cwd = dir .. "/x/y" }).code)
  end)

  it("looks after the database", function()
    local r = ork("db", "status")
    assert.equal(0, r.code, r.err)
    assert.matches("database +sqlite:", r.out)
    assert.equal("no damage found\n", ork("db", "check").out)
    assert.is_true(sh.json(ork("db", "check", "--json").out).ok)
    assert.equal(0, ork("db", "migrate").code)
    assert.matches("did you mean `db status`?", ork("db", "statsu").err, 1, true)
  end)

  it("prints its version and help", function()
    assert.matches("^ork %d+%.%d+%.%d+", ork("version").out)
    assert.equal(ork("version").out, ork("--version").out)
    local commands = "validate plan runs show tasks logs why cancel pause resume retry rerun db"
    for command in commands:gmatch("%S+") do
      local r = ork("help", command)
      assert.equal(0, r.code)
      assert.matches("usage: ork " .. command, r.out, 1, true)
      assert.equal(r.out, ork(command, "--help").out)
    end
  end)
end)

describe("validate and plan", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/mixed.lua", SCRIPT)
  end)
  after_each(sh.cleanup)

  it("accept a good script without making anything", function()
    local r = sh.ork({ "validate", "mixed.lua" }, { cwd = dir })
    assert.same({ 0, "mixed.lua: ok, mixed (3 tasks)\n" }, { r.code, r.out })
    assert.is_false(sh.exists(dir .. "/.ork"))
  end)

  it("show all mistakes of all scripts", function()
    sh.write(dir .. "/bad.lua", 'local ork = require "ork"\nlocal w = ork.workflow("w")\nw:task("a", { comand = "x" })\n'
      .. 'w:task("b", { command = { "true" }, depends_on = { "aa" } })\nreturn w\n')
    local r = sh.ork({ "validate", "bad.lua", "mixed.lua" }, { cwd = dir })
    assert.equal(2, r.code)
    assert.matches("bad.lua:3", r.err, 1, true)
    assert.matches("bad.lua:4", r.err, 1, true)
    assert.matches("mixed.lua: ok", r.out, 1, true)
    local documents = sh.json(sh.ork({ "validate", "bad.lua", "--json" }, { cwd = dir }).out)
    assert.is_false(documents[1].ok)
    assert.is_true(#documents[1].problems >= 2)
  end)

  it("count what max_parallel lets run at once", function()
    sh.write(dir .. "/wide.lua", [[
      local w = require("ork").workflow("wide", { max_parallel = 2 })
      for i = 1, 6 do w:task("t" .. i, { command = "true" }) end
      return w]])
    local r = sh.ork({ "plan", "wide.lua" }, { cwd = dir })
    assert.matches("wide: 6 tasks, 1 level, at most 2 at once (max_parallel; without it 6)\n", r.out, 1, true)
    local plan = sh.json(sh.ork({ "plan", "wide.lua", "--json" }, { cwd = dir }).out)
    assert.same({ 6, 2 }, { plan.width, plan.max_parallel })
    sh.write(dir .. "/wide.lua", (sh.read(dir .. "/wide.lua"):gsub("max_parallel = 2", "max_parallel = 9")))
    assert.matches("at most 6 at once\n", sh.ork({ "plan", "wide.lua" }, { cwd = dir }).out, 1, true)
  end)

  it("show the levels", function()
    local r = sh.ork({ "plan", "mixed.lua" }, { cwd = dir })
    assert.equal("mixed: 3 tasks, 3 levels, at most 1 at once\n  1  a\n  2  b\n  3  c\nlongest chain: a -> b -> c\n", r.out)
    assert.equal(3, sh.json(sh.ork({ "plan", "mixed.lua", "--json" }, { cwd = dir }).out).depth)
    assert.matches('  "a" -> "b";\n', sh.ork({ "plan", "mixed.lua", "--format", "dot" }, { cwd = dir }).out, 1, true)
  end)
end)
