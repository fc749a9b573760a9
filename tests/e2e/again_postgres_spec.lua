-- SPDX-License-Identifier: MIT
-- `ork SCRIPT` again after a kill, on a server that has just begun: who lives there cannot be told for ten seconds.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

describe("ork SCRIPT again, on a server that has just begun", function()
  local dir, server, url
  after_each(sh.cleanup)

  local function begin()
    dir = sh.tempdir()
    server = cluster.start()
    url = server:database("ork")
    sh.write(dir .. "/s.lua", [[
      local ork = require "ork"
      local w = ork.workflow("s")
      w:task("a", { command = "echo x >>ran; until test -e go; do sleep 0.05; done" })
      return w]])
  end
  local function start(...) return sh.spawn_ork({ "s.lua", "--db", url, "--data", dir .. "/data", ... }, { cwd = dir, env = { ORK_MIN_FREE_MB = "0" } }) end

  --- Killed while it runs, and the server begins anew.
  local function interrupted(...)
    local p = start(...)
    sh.wait_file(dir .. "/ran")
    p:kill()
    server:stop("sigint")
    server:launch()
    server:ready()
    return start(...)
  end

  for what, key in pairs({ ["the run that was interrupted"] = {}, ["the run of its key"] = { "--key", "k" } }) do
    it("goes on with " .. what, function()
      if cluster.missing() then return pending(cluster.missing()) end
      begin()
      local p = interrupted(table.unpack(key))
      p:wait_line("going on with run %x+")
      sh.write(dir .. "/go", "")
      assert.equal(0, p:wait().code, p.err)
      assert.equal("1|success|1", server:psql("ork", "SELECT count(*), min(status), (SELECT max(attempt) FROM tasks) FROM runs"))
      assert.equal("x\n", sh.read(dir .. "/ran"))
    end)
  end

  it("begins a new one at once beside one that lives", function()
    if cluster.missing() then return pending(cluster.missing()) end
    begin()
    local first = start()
    sh.wait_file(dir .. "/ran")
    local second = start()
    second:wait_line("run %x+ of s")
    assert.is_nil(second.err:find("just begun", 1, true), second.err)
    sh.write(dir .. "/go", "")
    assert.equal(0, first:wait().code)
    assert.equal(0, second:wait().code)
    assert.equal("2", server:psql("ork", "SELECT count(*) FROM runs"))
  end)
end)
