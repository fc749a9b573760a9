-- SPDX-License-Identifier: MIT
-- `ork SCRIPT --detach`: the run goes on without the terminal it was begun on.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("night", { params = { fail = { type = "bool", default = false } } })
w:task("work", { command = { "sh", "-c", "touch session; read x < fifo; test $1 = false", "-", w.params.fail } })
return w
]]

describe("--detach", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/night.lua", SCRIPT)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function go() sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir }) end
  local function status() return sh.json(ork("show", "last", "--json").out).status end
  local function ended() sh.wait_until(dir .. "/.ork", function() return status() ~= "running" end) end

  it("prints the id, and ends while the run goes on", function()
    local r = ork("night.lua", "--detach")
    assert.equal(0, r.code, r.err)
    local id = r.out:match("^(%x%x%x%x%x%x%x%x)\n$")
    assert.is_string(id, r.out)
    assert.matches("run " .. id .. " of night goes on in the background\nwatch it: ork watch " .. id .. "\n", r.err, 1, true)
    local messages = r.err:match("messages: (%S+)\n")
    local run = sh.json(ork("show", id, "--json").out)
    assert.is_true(run.status == "pending" or run.status == "running")
    assert.equal(dir .. "/.ork/logs/" .. run.id .. "/ork.log", messages)
    go()
    ended()
    assert.equal("success", status())
    sh.wait_until(dir, function() return sh.read(messages):find("success: night, 1 task", 1, true) end)
    assert.matches("work +success", sh.read(messages))
    assert.matches("^run " .. id .. " of night: 1 task\n", sh.read(messages))
  end)

  it("outlives its terminal, and can be watched and cancelled from another", function()
    local t = pty.open{ sh.ork_path(), "night.lua", "--detach", cwd = dir }
    assert.equal(0, (t:wait()))
    t:hangup()
    t:close()
    sh.wait_file(dir .. "/session")
    assert.equal("running", status())
    local watcher = sh.spawn_ork({ "watch", "last" }, { cwd = dir })
    watcher:wait_line("work")
    assert.equal(0, ork("cancel", "last").code)
    assert.equal(1, watcher:wait().code)
    assert.equal("cancelled", status())
  end)

  it("shows on the terminal what is wrong before the run is there", function()
    local r = ork("night.lua", "--detach", "fail=maybe")
    assert.equal(2, r.code)
    assert.matches("fail", r.err, 1, true)
    assert.is_false(sh.exists(dir .. "/.ork"))
    sh.write(dir .. "/bad.lua", "return nothing")
    r = ork("bad.lua", "--detach")
    assert.equal(2, r.code)
    assert.matches("bad.lua:1", r.err, 1, true)
    r = sh.ork({ "night.lua", "--detach", "--db", "sqlite:/proc/x.db" }, { cwd = dir })
    assert.equal(3, r.code)
    assert.not_equal("", r.err)
  end)

  it("names a run of the same key instead of starting another", function()
    local first = sh.json(ork("night.lua", "--detach", "--key", "k", "--json").out)
    local r = ork("night.lua", "--detach", "--key", "k")
    assert.equal(0, r.code, r.err)
    assert.matches("has this key and is carried out by another program\nwatch it: ork watch " .. first.id:sub(-8), r.err, 1, true)
    go()
    ended()
    r = ork("night.lua", "--detach", "--key", "k")
    assert.equal(0, r.code, r.err)
    assert.matches("has this key and ended before", r.err, 1, true)
  end)

  it("goes on in the background too, and with all workflows of a script", function()
    local p = sh.spawn_ork({ "night.lua", "fail=true" }, { cwd = dir })
    p:wait_line("work +running")
    go()
    assert.equal(1, p:wait().code)
    sh.write(dir .. "/night.lua", (SCRIPT:gsub("test %$1 = false", "true")))
    local r = ork("night.lua", "--resume", "--detach", "--json")
    assert.equal(0, r.code, r.err)
    assert.equal("resumed", sh.json(r.out).how)
    go()
    ended()
    assert.equal("success", status())
    sh.write(dir .. "/two.lua", [[
      local ork = require "ork"
      local a, b = ork.workflow("one"), ork.workflow("two")
      a:task("t", { command = "echo one >> all" }) b:task("t", { command = "echo two >> all" })
      return { a, b }]])
    r = ork("two.lua", "--all", "--detach")
    assert.equal(0, r.code, r.err)
    sh.wait_until(dir, function() return sh.exists(dir .. "/all") and sh.read(dir .. "/all") == "one\ntwo\n" end)
  end)

  it("works for scripts that start their runs themselves", function()
    sh.write(dir .. "/self.lua", [[
      local ork = require "ork"
      local w = ork.workflow("self")
      w:task("t", { command = "read x < fifo; echo t > done" })
      w:run{}]])
    local r = ork("self.lua", "--detach")
    assert.equal(0, r.code, r.err)
    assert.matches("of self goes on in the background", r.err, 1, true)
    go()
    sh.wait_file(dir .. "/done")
  end)
end)
