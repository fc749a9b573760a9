-- SPDX-License-Identifier: MIT
-- Steering runs from another program, and again later.
local sh = require "tests.lib.sh"

-- the first task waits for a line on the fifo, until the file `go` is there
local WAITING = [[
local ork = require "ork"
local w = ork.workflow("waiting", { params = { n = { type = "int", default = 1 } } })
local first = w:task("first", { command = "echo begin; touch started; test -e go || read x < fifo; echo end" })
w:task("second", { command = "echo second >> order; test -e fine", depends_on = { first } })
return w
]]

describe("steering", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/waiting.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end

  local function start()
    local p = sh.spawn_ork({ "waiting.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    return p
  end

  local function go()
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir }) -- opening it waits for the reader
    sh.write(dir .. "/go", "")
  end

  it("cancels a run of another program", function()
    local p = start()
    local r = ork("cancel", "last")
    assert.equal(0, r.code, r.err)
    assert.matches("^%x+ waiting: cancelling\n$", r.out)
    assert.equal(1, p:wait().code)
    r = ork("cancel", "last")
    assert.equal(2, r.code)
    assert.matches("cancelled", r.out)
  end)

  it("cancels a run without an owner itself", function()
    start():kill()
    local r = ork("cancel", "last", "--json")
    assert.equal(0, r.code, r.err)
    assert.equal("done", sh.json(r.out)[1].outcome)
    assert.equal("cancelled", sh.json(ork("show", "last", "--json").out).status)
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT id FROM tasks WHERE status IN ('running', 'dispatched')"))
  end)

  it("pauses and resumes", function()
    sh.write(dir .. "/fine", "")
    local p = start()
    assert.matches("pausing", ork("pause", "last").out)
    go()
    p:wait_line("first +success")
    assert.matches("paused", ork("show", "last").out, 1, true)
    assert.is_false(sh.exists(dir .. "/order"))
    assert.matches("paused", ork("why", "last").out, 1, true)
    assert.matches("resuming", ork("resume", "last").out)
    assert.equal(0, p:wait().code)
    assert.equal("second\n", sh.read(dir .. "/order"))
  end)

  it("goes on here with a run whose program died", function()
    sh.write(dir .. "/fine", "")
    start():kill()
    local p = sh.spawn_ork({ "resume", "last" }, { cwd = dir })
    p:wait_line("going on with run %x+ of waiting")
    p:wait_line("first +running +found running")
    go()
    local r = p:wait()
    assert.equal(0, r.code, r.err)
    assert.matches("^success: waiting", r.out)
  end)

  it("retries what failed and keeps the rest", function()
    local p = start()
    go()
    assert.equal(1, p:wait().code)
    sh.write(dir .. "/fine", "")
    local r = ork("retry", "last")
    assert.equal(0, r.code, r.err)
    assert.is_nil(r.err:find("first"))
    assert.equal("second\nsecond\n", sh.read(dir .. "/order"))
    r = ork("retry", "last", "--from", "second")
    assert.equal(0, r.code, r.err)
    assert.equal("second\nsecond\nsecond\n", sh.read(dir .. "/order"))
  end)

  it("runs again with other params", function()
    sh.write(dir .. "/fine", "")
    local p = start()
    go()
    assert.equal(0, p:wait().code)
    local r = ork("rerun", "last", "n=5", "--json")
    assert.equal(0, r.code, r.err)
    local run = sh.json(r.out)
    assert.same({ "success", 5, "rerun" }, { run.status, run.params.n, run.triggered_by })
    assert.matches("no param `m`; there is n", ork("rerun", "last", "m=5").err, 1, true)
    assert.matches("`n` was 1; `many` is none", ork("rerun", "waiting~1", "n=many").err, 1, true)
  end)

  it("follows a log until the task has ended", function()
    local p = start()
    local follower = sh.spawn_ork({ "logs", "last", "first", "-f" }, { cwd = dir })
    follower:wait_line("^begin$")
    go()
    follower:wait_line("^end$")
    assert.equal(0, follower:wait().code)
    p:wait()
  end)

  it("follows all logs of a run", function()
    sh.write(dir .. "/fine", "")
    local p = start()
    local follower = sh.spawn_ork({ "logs", "last", "-f" }, { cwd = dir })
    follower:wait_line("^first | begin$")
    go()
    assert.equal(0, p:wait().code)
    local r = follower:wait()
    assert.equal(0, r.code, r.err)
    assert.equal("first | begin\nfirst | end\n", r.out)
  end)

  it("says what a run waits for", function()
    local p = start()
    local r = ork("why", "last")
    assert.equal(0, r.code, r.err)
    assert.matches("waiting: running\n", r.out)
    assert.matches("second", r.out)
    assert.matches("first", r.out)
    assert.equal("running", sh.json(ork("why", "last", "--json").out).status)
    p:signal("sigint")
    p:wait()
  end)
end)
