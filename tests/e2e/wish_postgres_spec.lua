-- SPDX-License-Identifier: MIT
-- Wishes about a run on PostgreSQL whose owner was killed: whoever asks carries them out.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

describe("a wish about a run whose owner was killed", function()
  local dir, server, url
  after_each(sh.cleanup)

  local function env() return { ORK_DATABASE_URL = url, ORK_MIN_FREE_MB = "0" } end
  local function ork(...) return sh.ork({ ... }, { cwd = dir, env = env() }) end

  --- Its run, whose owner counts as dead.
  local function killed()
    dir = sh.tempdir()
    server = cluster.start()
    url = server:database("ork")
    server:wait_old()
    sh.write(dir .. "/s.lua", [[
      local ork = require "ork"
      local w = ork.workflow("s")
      w:task("a", { command = "echo x >ran; until test -e go; do sleep 0.05; done" })
      w:task("b", { command = "true", depends_on = "a" })
      return w]])
    local p = sh.spawn_ork({ "s.lua" }, { cwd = dir, env = env() })
    local run = p:wait_line("run %x+ of s"):match("run (%x+)")
    sh.wait_file(dir .. "/ran")
    p:kill()
    sh.wait_until("/nonexistent", function()
      local r = ork("show", run, "--json")
      assert.equal(0, r.code, r.err)
      return sh.json(r.out).owner.alive == false
    end)
    return run
  end

  it("ends it", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local run = killed()
    local r = ork("cancel", run)
    assert.equal(0, r.code, r.err)
    assert.equal("cancelled|cancelled,cancelled", server:psql("ork",
      "SELECT status, (SELECT string_agg(status, ',') FROM tasks) FROM runs"), r.out .. r.err)
  end)

  it("pauses it", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local run = killed()
    local r = ork("pause", run)
    assert.equal(0, r.code, r.err)
    assert.equal("paused", server:psql("ork", "SELECT status FROM runs"), r.out .. r.err)
    sh.write(dir .. "/go", "")
  end)
end)
