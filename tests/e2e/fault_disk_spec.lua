-- SPDX-License-Identifier: MIT
-- A full disk: results wait, nothing is lost, nothing new starts, and the run goes on when there is room again.
local sh = require "tests.lib.sh"

local mounted = {}

--- A small file system of its own, or nil where mounting is not allowed.
local function small_disk(megabytes)
  local dir = sh.tempdir()
  local r = sh.run({ "mount", "-t", "tmpfs", "-o", "size=" .. megabytes .. "m", "tmpfs", dir })
  if r.code ~= 0 then return nil, r.err end
  mounted[#mounted + 1] = dir
  return dir
end

local function fill(dir)
  sh.run({ "dd", "if=/dev/zero", "of=" .. dir .. "/filler", "bs=4k" })
end

describe("a full disk", function()
  after_each(function()
    for _, dir in ipairs(mounted) do
      for _, pid in ipairs(sh.processes(dir)) do require("luv").kill(pid, "sigkill") end
      sh.wait_until("/nonexistent", function() return #sh.processes(dir) == 0 end)
      sh.run({ "umount", "-l", dir })
    end
    mounted = {}
    sh.cleanup()
  end)

  it("stops nothing that runs and loses no result", function()
    local disk, why = small_disk(8)
    if not disk then return pending("no tmpfs can be mounted: " .. why) end
    local dir = sh.tempdir()
    sh.write(dir .. "/full.lua", [[
      local ork = require "ork"
      local w = ork.workflow("full")
      local a = w:task("a", { command = 'echo x >> ran.a; echo begun > begun; while [ ! -e go ]; do sleep 0.02; done' })
      local b = w:task("b", { command = 'echo x >> ran.b', depends_on = a })
      w:task("c", { command = { "true" }, depends_on = b })
      return w
    ]])
    local p = sh.spawn_ork({ "full.lua", "--db", "sqlite:" .. disk .. "/ork.db" }, { cwd = dir, env = { ORK_MIN_FREE_MB = "0" } })
    sh.wait_file(dir .. "/begun")
    fill(disk)
    sh.write(dir .. "/go", "")
    p:wait_line("waiting for the database")
    assert.is_false(sh.exists(dir .. "/ran.b"))
    sh.run({ "rm", disk .. "/filler" })
    local r = p:wait(60)
    assert.equal(0, r.code, r.out .. r.err)
    assert.equal("x\n", sh.read(dir .. "/ran.a"))
    assert.equal("x\n", sh.read(dir .. "/ran.b"))
    assert.is_nil((r.out .. r.err):find("locked"))
    assert.same({ { n = 3 } }, sh.sql(disk .. "/ork.db", "SELECT count(*) AS n FROM tasks WHERE status='success' AND attempt=1"))
  end)

  it("below min_free starts no task and says so; `why` of the log is the message", function()
    local disk, why = small_disk(16)
    if not disk then return pending("no tmpfs can be mounted: " .. why) end
    local dir = sh.tempdir()
    sh.write(dir .. "/low.lua", [[
      local ork = require "ork"
      local w = ork.workflow("low")
      w:task("a", { command = "touch ran" })
      return w
    ]])
    sh.run({ "dd", "if=/dev/zero", "of=" .. disk .. "/filler", "bs=1M", "count=12" })
    local p = sh.spawn_ork({ "low.lua", "--db", "sqlite:" .. disk .. "/ork.db" }, { cwd = dir, env = { ORK_MIN_FREE_MB = "8" } })
    p:wait_line("less than 8 MiB %(ORK_MIN_FREE_MB%) are free .* no task is started until there is room")
    assert.is_false(sh.exists(dir .. "/ran"))
    sh.run({ "rm", disk .. "/filler" })
    assert.equal(0, p:wait().code)
    assert.is_true(sh.exists(dir .. "/ran"))
  end)

  it("is made room on by prune, which needs little itself, and never holds half a definition", function()
    local disk, why = small_disk(24)
    if not disk then return pending("no tmpfs can be mounted: " .. why) end
    local dir, db = sh.tempdir(), "sqlite:" .. disk .. "/ork.db"
    sh.write(dir .. "/big.lua", [[
      local ork = require "ork"
      local w = ork.workflow("big")
      for i = 1, 40 do w:task("t" .. i, { command = "head -c 200000 /dev/zero" }) end
      return w
    ]])
    for _ = 1, 2 do sh.ork({ "big.lua", "--new", "-q", "--db", db }, { cwd = dir, ok = true, env = { ORK_MIN_FREE_MB = "0" } }) end
    sh.write(dir .. "/a.lua", 'local ork = require "ork" local w = ork.workflow("a") w:task("a", { command = "echo x" }) return w')
    for _ = 1, 2 do sh.ork({ "a.lua", "--new", "-q", "--db", db }, { cwd = dir, ok = true, env = { ORK_MIN_FREE_MB = "0" } }) end
    fill(disk)
    local r = sh.ork({ "apply", "big.lua", "--db", db }, { cwd = dir })
    assert.equal(3, r.code, r.out .. r.err)
    assert.truthy(r.err:find("space"), r.err)
    r = sh.ork({ "prune", "--keep", "0", "--yes", "--db", db }, { cwd = dir }) -- nothing of it can be stored: no log goes
    assert.equal(3, r.code, r.out .. r.err)
    assert.truthy(r.err:find("space"), r.err)
    assert.same({ "4\n", "82\n" }, { sh.run({ "sh", "-c", "ls " .. disk .. "/logs | wc -l" }).out,
      sh.run({ "sh", "-c", "ls " .. disk .. "/logs/*/*.log | wc -l" }).out })
    -- what is left of room is less than a commit of all these rows needs
    sh.run({ "truncate", "-s", "-200K", disk .. "/filler" })
    r = sh.ork({ "prune", "--keep", "0", "--yes", "--db", db }, { cwd = dir })
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("^removed 4 runs, 82 tasks, 16.0 MB of logs\n", r.out)
    assert.equal("big: new, version 1 (40 tasks)\n", sh.ork({ "apply", "big.lua", "--db", db }, { cwd = dir, ok = true }).out)
  end)

  it("makes no half database", function()
    local disk, why = small_disk(1)
    if not disk then return pending("no tmpfs can be mounted: " .. why) end
    local dir = sh.tempdir()
    sh.write(dir .. "/x.lua", 'local ork = require "ork" local w = ork.workflow("x") w:task("a", { command = { "true" } }) return w')
    fill(disk)
    local r = sh.ork({ "x.lua", "--db", "sqlite:" .. disk .. "/ork.db" }, { cwd = dir })
    assert.equal(3, r.code, r.out .. r.err)
    assert.truthy(r.err:find("space"), r.err)
    sh.run({ "rm", disk .. "/filler" })
    local again = sh.ork({ "x.lua", "--db", "sqlite:" .. disk .. "/ork.db" }, { cwd = dir, env = { ORK_MIN_FREE_MB = "0" } })
    assert.equal(0, again.code, again.out .. again.err)
  end)
end)
