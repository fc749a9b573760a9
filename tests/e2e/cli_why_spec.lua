-- SPDX-License-Identifier: MIT
-- `ork why`: what something waits for, by the program that owns the run and by others.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("gated")
local first = w:task("first", { command = "read x <fifo" })
w:task("later", { command = { "true" }, depends_on = first })
w:finally("tidy", { command = { "true" } })
return w
]]

describe("why", function()
  local dir

  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/gated.lua", SCRIPT)
    sh.run({ "mkfifo", dir .. "/fifo" })
  end)
  after_each(sh.cleanup)

  local function why(...) return sh.ork({ "why", "last", ... }, { cwd = dir }).out end

  it("says that a `finally` waits for all others", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    assert.matches("tidy: comes last (`finally`); waits for the 2 tasks that have not ended", why("tidy"), 1, true)
    p:kill()
    assert.matches("tidy: comes last (`finally`); waits for the 2 tasks that have not ended", why("tidy"), 1, true)
  end)

  it("does not say that a task runs whose process is gone", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    p:kill()
    assert.matches("first: still running, process %d+, though no ork carries the run out\n", why())
    local pid = math.tointeger(tonumber(why():match("process (%d+)")))
    sh.run({ "kill", "-KILL", tostring(pid) })
    sh.wait_gone(pid)
    assert.matches(("first: was running when its ork ended (process %d); how it ended is seen when somebody goes on"):format(pid), why(), 1, true)
  end)

  it("says that the program which has the run is stopped", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    p:signal("sigstop")
    local said = ("(process %d) is stopped: `fg` where it was started, or kill -CONT %d"):format(p.pid, p.pid)
    sh.wait_until(dir, function() return why():find(said, 1, true) end)
    assert.matches(("process %d of them is stopped"):format(p.pid), sh.ork({ "status" }, { cwd = dir }).out, 1, true)
    local r = sh.ork({ "resume", "last" }, { cwd = dir })
    assert.equal(2, r.code)
    assert.matches("is stopped", r.out, 1, true)
    p:signal("sigcont")
    sh.wait_until(dir, function() return not why():find("is stopped", 1, true) end)
    r = sh.ork({ "resume", "last" }, { cwd = dir })
    assert.matches(("is under way in another ork (process %d)"):format(p.pid), r.out, 1, true)
  end)

  it("says who has the turn that a run waits for, why it ended early, and where the log is", function()
    sh.write(dir .. "/one.lua", (SCRIPT:gsub('"gated"', '"one", { max_active_runs = 1 }'):gsub("read x <fifo", "read x <fifo; exit 3")))
    local first = sh.spawn_ork({ "one.lua" }, { cwd = dir })
    first:wait_line("first +running")
    local id = sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].short
    local second = sh.spawn_ork({ "one.lua", "--new" }, { cwd = dir })
    second:wait_line("run %x+ of one")
    sh.wait_until(dir, function() return why():find("waits for its turn: max_active_runs = 1; under way: " .. id, 1, true) end)
    second:signal("sigterm")
    second:wait()
    assert.matches("^%x+ one: cancelled by SIGTERM\n", why())
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    first:wait()
    assert.matches(("`ork logs %s` shows what the failed tasks wrote"):format(id), sh.ork({ "why", "one~1" }, { cwd = dir }).out, 1, true)
  end)
end)
