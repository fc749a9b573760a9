-- SPDX-License-Identifier: MIT
-- `ork logs` of many tasks: finished, running, one after the other, all at once.
local sh = require "tests.lib.sh"

-- each task writes, waits at its own gate, writes again; `flaky` fails, twice
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("many")
local all = {}
for _, name in ipairs({ "one", "two" }) do
  all[#all + 1] = w:task(name, { command = ("echo first; echo %s begins; read x <%s; echo %s ends; printf 'no end of line'"):format(name, name, name) })
end
local flaky = w:task("flaky", { command = "echo attempt $ORK_ATTEMPT; read x <flaky; echo broken; exit 3", retries = { limit = 1, delay = 0 } })
w:task("late", { command = "echo late", depends_on = all })
w:task("never", { command = "echo never", depends_on = flaky })
return w
]]

describe("ork logs", function()
  local dir, gates
  before_each(function()
    dir, gates = sh.tempdir(), {}
    sh.write(dir .. "/many.lua", SCRIPT)
    sh.run({ "mkfifo", dir .. "/one", dir .. "/two", dir .. "/flaky" })
  end)
  after_each(function()
    for _, gate in pairs(gates) do gate:close() end
    sh.cleanup()
  end)

  --- Lets one attempt of the task go on.
  local function go(name)
    gates[name] = gates[name] or assert(io.open(dir .. "/" .. name, "r+"))
    gates[name]:write("go\n"):flush()
  end

  local function start()
    local p = sh.spawn_ork({ "many.lua", "-j8" }, { cwd = dir })
    for _, name in ipairs({ "one", "two", "flaky" }) do p:wait_line(name .. " +running") end
    return p
  end

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end

  local function finish(p)
    for _, name in ipairs({ "one", "two", "flaky", "flaky" }) do go(name) end
    return p:wait()
  end

  --- The lines of a text that begin with a name and " | ", by name.
  local function by_task(out)
    local seen = {}
    for line in out:gmatch("[^\n]+") do
      local name, rest = line:match("^(%l+) | (.*)$")
      assert.is_truthy(name, "no prefix: " .. line)
      seen[name] = (seen[name] and seen[name] .. "," or "") .. rest
    end
    return seen
  end

  it("follow everything that runs, each line with its task's name, until the run ends", function()
    local p = start()
    local f = sh.spawn_ork({ "logs", "last", "-f" }, { cwd = dir })
    for _ = 1, 5 do f:wait_line("^%l+ | ") end
    finish(p)
    local r = f:wait()
    assert.same({ 0, "" }, { r.code, r.err })
    assert.same({
      one = "first,one begins,one ends,no end of line", two = "first,two begins,two ends,no end of line", late = "late",
      flaky = "attempt 1,broken,attempt 2,broken",
    }, by_task(r.out))
  end)

  it("follow one task to its end, not the run's", function()
    local p = start()
    local f = sh.spawn_ork({ "logs", "last", "two", "-f" }, { cwd = dir })
    f:wait_line("^two begins$")
    go("two")
    local r = f:wait()
    assert.same({ 0, "first\ntwo begins\ntwo ends\nno end of line\n" }, { r.code, r.out })
    assert.is_nil(p.code)
    finish(p)
  end)

  it("follow what fails", function()
    local p = start()
    local f = sh.spawn_ork({ "logs", "last", "-f", "--failed" }, { cwd = dir })
    f:wait_line("no task failed")
    finish(p)
    local r = f:wait()
    assert.same({ 0, "flaky | attempt 2\nflaky | broken\n" }, { r.code, r.out })
  end)

  it("begin with as much as --tail says", function()
    local p = start()
    local f = sh.spawn_ork({ "logs", "last", "-f", "--tail", "1" }, { cwd = dir })
    for _ = 1, 3 do f:wait_line("^%l+ | ") end
    finish(p)
    local seen = by_task(f:wait().out)
    assert.same({ "one begins,one ends,no end of line", "attempt 1,broken,attempt 2,broken" }, { seen.one, seen.flaky })
  end)

  it("show what runs, and what failed of a finished run", function()
    local p = start()
    assert.same({ one = "first,one begins", two = "first,two begins", flaky = "attempt 1" }, by_task(ork("logs", "last").out))
    assert.equal("two | two begins\n", ork("logs", "last", "--tail", "1").out:match("two[^\n]*\n"))
    finish(p)
    assert.equal("attempt 2\nbroken\n", ork("logs", "last").out)
    assert.equal("attempt 1\nbroken\n", ork("logs", "last", "flaky", "--attempt", "1").out)
    assert.equal("broken\n", ork("logs", "last", "--failed", "--tail", "1").out)
    local r = ork("logs", "last", "-f") -- nothing more comes: all of it
    assert.equal(0, r.code)
    assert.equal("late", by_task(r.out).late)
  end)

  it("refuse what goes nowhere", function()
    finish(start())
    for words, reason in pairs({
      ["last --attempt 1"] = "--attempt needs a TASK", ["last flaky --attempt 1 -f"] = "-f follows the newest attempt",
      ["last flaky --failed"] = "--failed chooses the tasks", ["last --json"] = "logs are text", ["last --tail -1"] = "--tail is a whole number",
    }) do
      local list = { "logs" }
      for word in words:gmatch("%S+") do list[#list + 1] = word end
      local r = ork(table.unpack(list))
      assert.equal(2, r.code, words)
      assert.matches(reason, r.err, 1, true)
    end
    assert.matches("late has had 1 attempt", ork("logs", "last", "late", "--attempt", "2").err, 1, true)
    assert.matches("never has not started: it is skipped", ork("logs", "last", "never").err, 1, true)
  end)

  it("of hundreds of failed tasks come page by page, and may be cut short", function()
    sh.write(dir .. "/wide.lua", [[
      local w = require("ork").workflow("wide")
      for i = 1, 520 do w:task("t" .. i, { command = ("echo a%d; echo b%d; exit 1"):format(i, i) }) end
      return w
    ]])
    assert.equal(1, ork("wide.lua", "-q", "-j8").code)
    local r = ork("logs", "wide")
    local n = 0
    for line in r.out:gmatch("[^\n]+") do
      n = n + 1
      assert.matches("^t%d+ | [ab]%d+$", line)
    end
    assert.equal(1040, n)
    r = sh.run({ "bash", "-c", sh.ork_path() .. " logs wide | head -n 2; echo ${PIPESTATUS[0]}" }, { cwd = dir })
    assert.same({ "t1 | a1\nt1 | b1\n0\n", "" }, { r.out, r.err })
  end)

  it("end when nobody reads them any more", function()
    local p = start()
    local f = sh.spawn({ "bash", "-c", sh.ork_path() .. " logs last -f | head -n 3; echo ended ${PIPESTATUS[0]}" }, { cwd = dir })
    for _ = 1, 3 do f:wait_line("^%l+ | ") end
    finish(p)
    f:wait_line("^ended 0$")
    assert.equal("", f:wait().err)
  end)

  it("show bytes as they are with --raw, and escaped without", function()
    sh.write(dir .. "/odd.lua", [[
      local w = require("ork").workflow("odd")
      for _, name in ipairs({ "a", "b" }) do w:task(name, { command = "printf 'x\\033[2J\\377\\r\\ny\\rz\\n'; exit 1" }) end
      return w
    ]])
    ork("odd.lua", "-q", "-j1")
    assert.equal("a | x\\e[2J\\xff\na | y\\rz\nb | x\\e[2J\\xff\nb | y\\rz\n", ork("logs", "odd").out)
    assert.equal("x\27[2J\255\r\ny\rz\n", ork("logs", "odd", "a", "--raw").out)
  end)
end)
