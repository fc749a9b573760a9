-- SPDX-License-Identifier: MIT
-- ork is killed while it cancels: the wish is stored, so the run ends cancelled, whoever takes it up next.
local sh = require "tests.lib.sh"

-- `stubborn` hears TERM and goes on; only KILL, after the grace period, ends it.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("stubborn")
local a = w:task("a", { grace = "2s",
  command = "trap 'touch term' TERM; touch begun; echo $$ > pid; while :; do sleep 1000 & wait; done" })
w:task("b", { command = "touch ran.b", depends_on = a })
w:finally("z", { command = "touch ran.z" })
return w
]]

describe("a cancel whose ork is killed in the grace period", function()
  after_each(sh.cleanup)

  --- The folder of a run that was being cancelled when its ork was killed.
  local function interrupted(how)
    local dir = sh.tempdir()
    sh.write(dir .. "/stubborn.lua", SCRIPT)
    local p = sh.spawn_ork({ "stubborn.lua" }, { cwd = dir })
    local pid = sh.wait_until(dir, function() return sh.exists(dir .. "/pid") and tonumber(sh.read(dir .. "/pid")) end)
    if how == "signal" then
      p:signal("sigint")
    else
      assert.equal(0, sh.ork({ "cancel", "last" }, { cwd = dir }).code)
    end
    p:wait_file(dir .. "/term")
    p:kill()
    assert.is_true(sh.alive(pid))
    return dir, pid
  end

  local function assert_cancelled(dir, pid)
    assert.is_false(sh.alive(pid))
    assert.is_false(sh.exists(dir .. "/ran.b"))
    assert.is_true(sh.exists(dir .. "/ran.z"))
    local db = dir .. "/.ork/ork.db"
    assert.same({ { status = "cancelled", owned = 0 } }, sh.sql(db, "SELECT status, scheduler_id IS NOT NULL AS owned FROM runs"))
    assert.same({ { s = "cancelled,cancelled,success" } }, sh.sql(db, "SELECT group_concat(status) AS s FROM (SELECT * FROM tasks ORDER BY task_index)"))
  end

  it("ends cancelled when the script is started again", function()
    local dir, pid = interrupted("signal")
    local r = sh.ork({ "stubborn.lua" }, { cwd = dir })
    assert.truthy(r.err:find("going on with") or r.out:find("going on with"), r.out .. r.err)
    assert.equal(1, r.code, r.out .. r.err)
    assert_cancelled(dir, pid)
  end)

  it("ends cancelled when it is resumed", function()
    local dir, pid = interrupted("command")
    local r = sh.ork({ "resume", "last" }, { cwd = dir })
    assert.not_equal(0, r.code, r.out .. r.err)
    assert_cancelled(dir, pid)
  end)

  it("ends cancelled when it is cancelled once more", function()
    local dir, pid = interrupted("command")
    local r = sh.ork({ "cancel", "last" }, { cwd = dir })
    assert.equal(0, r.code, r.out .. r.err)
    local db = dir .. "/.ork/ork.db"
    assert.is_false(sh.alive(pid))
    assert.same({ { status = "cancelled" } }, sh.sql(db, "SELECT status FROM runs"))
    assert.is_false(sh.exists(dir .. "/ran.b"))
  end)
end)
