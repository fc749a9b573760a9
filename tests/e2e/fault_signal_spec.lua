-- SPDX-License-Identifier: MIT
-- The program can be left and stopped whatever keeps it from ending its run: an agent that does not answer, a database that
-- another program holds.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = "echo $$ > pid.new; mv pid.new pid; exec sleep 1000" })
return w
]]

local function agent_pid(dir)
  for _, pid in ipairs(sh.processes(dir)) do
    local f = io.open("/proc/" .. pid .. "/comm")
    local comm = f and f:read("l")
    if f then f:close() end
    if comm == "ork-agent" then return pid end
  end
end

local function state_of(pid)
  local f = io.open("/proc/" .. pid .. "/stat")
  local state = f and (f:read("a") or ""):match("^%d+ %b() (%a)")
  if f then f:close() end
  return state
end

describe("signals", function()
  local dir, db

  before_each(function()
    dir = sh.tempdir()
    db = dir .. "/.ork/ork.db"
    sh.write(dir .. "/slow.lua", SCRIPT)
  end)
  after_each(sh.cleanup)

  local function start()
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    local pid = tonumber((p:wait_file(dir .. "/pid")))
    p:wait_line("a +running")
    return p, pid
  end

  --- One signal after the other until the program has ended.
  local function insist(p)
    p:signal("sigint")
    p:wait_line("cancelling")
    sh.wait_until("/nonexistent", function()
      if p.code == nil then p:signal("sigint") end
      return p.code
    end)
    return p:wait()
  end

  it("end the program when its agent is stopped; the run is cancelled later", function()
    local p, pid = start()
    local agent = agent_pid(dir)
    assert.equal(0, sh.run({ "kill", "-STOP", tostring(agent) }).code)
    local r = insist(p)
    assert.equal(130, r.code, r.err)
    assert.matches("leaving", r.err, 1, true)
    assert.is_true(sh.alive(pid))
    assert.equal(0, sh.run({ "kill", "-CONT", tostring(agent) }).code)
    r = sh.ork({ "cancel", "last" }, { cwd = dir })
    assert.equal(0, r.code, r.err)
    assert.same({ { status = "cancelled" } }, sh.sql(db, "SELECT status FROM runs"))
    assert.is_false(sh.alive(pid))
  end)

  it("end the program while another holds the turn", function()
    local p = start()
    local holder = sh.spawn({ "sh", "-c", "exec 9<> \"$0\"; flock 9; echo held; exec sleep 1000", db .. "-turn" })
    holder:wait_line("held")
    local r = insist(p)
    assert.equal(130, r.code, r.err)
    holder:kill()
    r = sh.ork({ "cancel", "last" }, { cwd = dir })
    assert.equal(0, r.code, r.err)
    assert.same({ { status = "cancelled" } }, sh.sql(db, "SELECT status FROM runs"))
  end)

  it("stop the program without its holding others up", function()
    local p = start()
    for _ = 1, 20 do
      p:signal("sigtstp")
      sh.wait_until("/nonexistent", function() return state_of(p.pid) == "T" end)
      local r = sh.ork({ "runs" }, { cwd = dir })
      assert.equal(0, r.code, r.err)
      assert.equal(0, sh.run({ "flock", "-w", "20", db .. "-turn", "true" }).code)
      p:signal("sigcont")
    end
    p:signal("sigint")
    assert.equal(130, p:wait().code)
  end)
end)
