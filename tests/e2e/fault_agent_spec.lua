-- SPDX-License-Identifier: MIT
-- The agent is killed with SIGKILL. Nothing of its tasks survives, no retry runs beside what is left, and recorded exits count.
local sh = require "tests.lib.sh"

local function agent_pid(dir)
  for _, pid in ipairs(sh.processes(dir)) do
    local f = io.open("/proc/" .. pid .. "/comm")
    local comm = f and f:read("l")
    if f then f:close() end
    if comm == "ork-agent" then return pid end
  end
end

describe("an agent that is killed", function()
  after_each(sh.cleanup)

  it("takes children, pipelines and setsid grandchildren with it; the retry starts after they are gone", function()
    local dir = sh.tempdir()
    -- Each process that is alive holds a lock on `alive`; the second attempt must find it free.
    sh.write(dir .. "/tree.sh", [[
#!/bin/sh
echo "$ORK_ATTEMPT" >> attempts
if [ "$ORK_ATTEMPT" = 1 ]; then
  ( flock -s 9; exec sleep 1000 ) 9> alive &
  ( flock -s 9; exec setsid sleep 1000 ) 9> alive &
  ( flock -s 9; sleep 1000 | sleep 1000 ) 9> alive &
  setsid sh -c 'flock -s 9; setsid sleep 1000; :' 9> alive &
  echo ready > ready
  flock -s 9 9> alive
  wait
fi
flock -n -x 9 9> alive || { echo "the predecessor still lives" > beside; exit 7; }
]], "755")
    sh.write(dir .. "/tree.lua", [[
      local ork = require "ork"
      local w = ork.workflow("tree")
      w:task("tree", { command = { "./tree.sh" } })
      return w
    ]])
    local p = sh.spawn_ork({ "tree.lua" }, { cwd = dir })
    sh.wait_file(dir .. "/ready")
    local agent = assert(agent_pid(dir), "no agent")
    require("luv").kill(agent, "sigkill")
    local r = p:wait(60)
    assert.is_false(sh.exists(dir .. "/beside"))
    assert.equal(0, r.code, r.out .. r.err)
    assert.equal("1\n2\n", sh.read(dir .. "/attempts"))
    local task = sh.sql(dir .. "/.ork/ork.db", "SELECT status, attempt, attempts, lost FROM tasks")[1]
    assert.same({ status = "success", attempt = 2, attempts = 0, lost = 1 }, task)
    local attempts = sh.sql(dir .. "/.ork/ork.db", "SELECT attempt, status, kind FROM task_attempts ORDER BY attempt")
    assert.equal("lost", attempts[1].kind)
  end)

  it("again and again: a task is given up after max_lost losses, with the reason", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/again.lua", [[
      local ork = require "ork"
      local w = ork.workflow("again")
      w:task("victim", { command = "echo $ORK_ATTEMPT > started.$ORK_ATTEMPT; exec sleep 1000", max_lost = 2 })
      return w
    ]])
    local p = sh.spawn_ork({ "again.lua" }, { cwd = dir })
    for attempt = 1, 3 do
      sh.wait_file(dir .. "/started." .. attempt)
      require("luv").kill(assert(agent_pid(dir), "no agent"), "sigkill")
    end
    local r = p:wait(60)
    assert.equal(1, r.code, r.out .. r.err)
    local task = sh.sql(dir .. "/.ork/ork.db", "SELECT status, attempt, attempts, lost, kind FROM tasks")[1]
    assert.same({ status = "failed", attempt = 3, attempts = 0, lost = 3, kind = "lost" }, task)
  end)

  it("together with the scheduler: the next program sweeps, retries and ends the run", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/both.lua", [[
      local ork = require "ork"
      local w = ork.workflow("both")
      w:task("a", { command = 'echo $$ >> pids; [ "$ORK_ATTEMPT" = 2 ] || exec sleep 1000' })
      return w
    ]])
    local p = sh.spawn_ork({ "both.lua" }, { cwd = dir })
    local pid = sh.wait_until(dir, function() return sh.exists(dir .. "/pids") and tonumber(sh.read(dir .. "/pids"):match("^(%d+)\n")) end)
    local agent = assert(agent_pid(dir), "no agent")
    p:kill()
    require("luv").kill(agent, "sigkill")
    local r = sh.ork({ "both.lua" }, { cwd = dir })
    assert.equal(0, r.code, r.out .. r.err)
    assert.is_false(sh.alive(pid))
    assert.equal(2, sh.sql(dir .. "/.ork/ork.db", "SELECT attempt FROM tasks")[1].attempt)
  end)
end)
