-- SPDX-License-Identifier: MIT
-- `ork serve` as it lives and dies: it fires, hands over, is killed, and shares its database with others. Nothing runs twice,
-- nothing is lost.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local uv = require "luv"

--- Says that it runs (its pid), waits for the file `go`, says that it ends.
local HELD = 'echo "begin $$"; echo "S $$ $ORK_ATTEMPT" >>ran; until test -e go; do sleep 0.05; done; echo end; echo "E $$ $ORK_ATTEMPT" >>ran'

local function lines(path)
  local list = {}
  for line in sh.read(path):gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

--- Waits for the first line of `ran`.
local function wait_ran(dir)
  return sh.wait_until(dir, function() return sh.exists(dir .. "/ran") and sh.read(dir .. "/ran"):match("^[^\n]+\n") end)
end

describe("ork serve", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  it("applies its script and starts a run at each time of its schedule", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"' })
    local p = serve.start(dir, { "tick.lua" })
    p:wait_line("workflow applied workflow=tick version=1 script=tick.lua next=20")
    p:wait_line("schedule fired workflow=tick run=%x+%-%S+ time=20%S+ next=20%S+ late_ms=%d+")
    p:wait_line("run started run=%S+ workflow=tick")
    p:wait_line("run ended run=%S+ workflow=tick status=success")
    p:wait_line("schedule fired ")
    serve.stop(p)
    local rows = serve.sql(dir, "SELECT scheduled_for, logical_at, triggered_by, status FROM runs ORDER BY scheduled_for")
    assert(#rows >= 2)
    for i, row in ipairs(rows) do
      assert.equal("schedule", row.triggered_by)
      assert.equal(row.scheduled_for, row.logical_at)
      assert.matches("%.?0*Z?$", row.scheduled_for)
      if i > 1 then assert.not_equal(rows[i - 1].scheduled_for, row.scheduled_for) end
    end
  end)

  it("needs no script where workflows are applied, and says so where there is nothing", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"' })
    sh.ork({ "apply", "tick.lua" }, { cwd = dir, ok = true })
    os.remove(dir .. "/tick.lua")
    local p = serve.start(dir)
    p:wait_line("schedule fired ")
    serve.stop(p)
  end)

  it("ends within a second when it is told to, and the next one finds its processes", function()
    serve.script(dir, "long", { schedule = 'every = "1s"', command = HELD })
    local p = serve.start(dir, { "long.lua" })
    local pid = tonumber(wait_ran(dir):match("^S (%d+)"))
    local began = uv.hrtime()
    serve.stop(p)
    assert((uv.hrtime() - began) / 1e9 < 1.0 * (os.getenv("ORK_TEST_ASAN") and 4 or 1), "it took too long to end")
    assert.matches("ended\n$", p.err)
    assert(sh.alive(pid), "the process of the task is gone")
    assert.equal("running", serve.sql(dir, "SELECT status FROM runs")[1].status)

    local next = serve.start(dir)
    next:wait_line("run taken up run=%S+ workflow=long status=running")
    assert(sh.alive(pid))
    sh.write(dir .. "/go", "")
    next:wait_line("run ended run=%S+ workflow=long status=success")
    serve.stop(next)
    assert.same({ ("S %d 1"):format(pid), ("E %d 1"):format(pid) }, table.move(lines(dir .. "/ran"), 1, 2, 1, {}))
    local first = serve.sql(dir, "SELECT hex(id) id FROM runs ORDER BY id")[1].id:lower()
    local log = sh.ork({ "logs", first:sub(-8), "a" }, { cwd = dir, ok = true }).out
    assert.equal(("begin %d\nend\n"):format(pid), log)
  end)

  it("goes on after it was killed, and nothing runs twice", function()
    sh.write(dir .. "/chain.lua", ([[
      local w = require("ork").workflow("chain", { schedule = { every = "1h" } })
      local before
      for _, name in ipairs({ "a", "b", "c" }) do
        before = w:task(name, { command = { "sh", "-c", "echo $ORK_TASK_NAME $ORK_ATTEMPT >>ran; until test -e go-$ORK_TASK_NAME; do sleep 0.05; done" },
          depends_on = before })
      end
      return w]]))
    sh.ork({ "apply", "chain.lua" }, { cwd = dir, ok = true })
    local p = serve.start(dir)
    sh.ork({ "trigger", "chain" }, { cwd = dir, ok = true })
    for i, name in ipairs({ "a", "b", "c" }) do
      sh.wait_until(dir, function() return sh.exists(dir .. "/ran") and #lines(dir .. "/ran") == i end)
      p:kill()
      sh.write(dir .. "/go-" .. name, "") -- it ends while nobody looks
      p = serve.start(dir)
      p:wait_line("run taken up ")
    end
    p:wait_line("run ended run=%S+ workflow=chain status=success")
    serve.stop(p)
    assert.same({ "a 1", "b 1", "c 1" }, lines(dir .. "/ran"))
  end)

  it("takes up the run of a program that is killed, at once", function()
    serve.script(dir, "mine", { command = HELD })
    local p = serve.start(dir)
    local own = sh.spawn_ork({ "mine.lua" }, { cwd = dir })
    wait_ran(dir)
    own:kill()
    p:wait_line("run taken up run=%S+ workflow=mine status=running")
    sh.write(dir .. "/go", "")
    p:wait_line("run ended run=%S+ workflow=mine status=success")
    assert.equal(2, #lines(dir .. "/ran"))
    serve.stop(p)
  end)

  it("shares its database: no time has two runs, none is left out, and who is left goes on with what the other had", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"' })
    serve.script(dir, "long", { command = HELD })
    local one, two = serve.start(dir, { "tick.lua" }), serve.start(dir)
    sh.ork({ "apply", "long.lua" }, { cwd = dir, ok = true })
    local told = sh.ork({ "status" }, { cwd = dir, ok = true }).out
    assert.matches("2 orks on ", told, 1, true)
    sh.ork({ "trigger", "long" }, { cwd = dir, ok = true })
    wait_ran(dir)
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE triggered_by = 'schedule' LIMIT 1 OFFSET 2")
    -- whoever has the long run is killed
    local had = one.err:find("workflow=long") and one or two
    local other = had == one and two or one
    had:kill()
    other:wait_line("run taken up run=%S+ workflow=long status=running")
    sh.write(dir .. "/go", "")
    other:wait_line("run ended run=%S+ workflow=long status=success")
    local n = serve.sql(dir, "SELECT count(*) n FROM runs WHERE triggered_by = 'schedule'")[1].n
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE triggered_by = 'schedule' LIMIT 1 OFFSET " .. n + 1)
    serve.stop(other)
    assert.equal(2, #lines(dir .. "/ran"))
    local rows = serve.sql(dir, [[SELECT CAST(strftime('%s', scheduled_for) AS INTEGER) at, count(*) n FROM runs WHERE triggered_by = 'schedule'
      GROUP BY 1 ORDER BY 1]])
    assert(#rows >= 5)
    for i, row in ipairs(rows) do
      assert.equal(1, row.n)
      if i > 1 then assert.equal(rows[i - 1].at + 1, row.at) end
    end
  end)

  it("carries out wishes: cancel, pause, resume, retry", function()
    serve.script(dir, "long", { command = HELD .. "; test -e well" })
    sh.ork({ "apply", "long.lua" }, { cwd = dir, ok = true })
    local p = serve.start(dir)
    local id = sh.ork({ "trigger", "long" }, { cwd = dir, ok = true }).out:match("%x+")
    wait_ran(dir)
    sh.ork({ "pause", id }, { cwd = dir, ok = true })
    sh.write(dir .. "/go", "") -- what runs may finish
    serve.wait_row(dir, "SELECT 1 FROM tasks WHERE status = 'failed'")
    sh.ork({ "resume", id }, { cwd = dir })
    p:wait_line("run ended run=%S+ workflow=long status=failed")
    sh.write(dir .. "/well", "")
    local retried = sh.ork({ "retry", id }, { cwd = dir })
    assert.equal(0, retried.code, retried.out .. retried.err)
    p:wait_line("run ended run=%S+ workflow=long status=success")
    os.remove(dir .. "/go")
    os.remove(dir .. "/ran")
    local second = sh.ork({ "trigger", "long" }, { cwd = dir, ok = true }).out:match("%x+")
    wait_ran(dir)
    sh.ork({ "cancel", second }, { cwd = dir, ok = true })
    p:wait_line("run ended run=%S+ workflow=long status=cancelled")
    serve.stop(p)
  end)

  it("leaves a run of functions of a program that died alone, with a word", function()
    serve.script(dir, "tick", { schedule = 'every = "1h"' })
    sh.ork({ "apply", "tick.lua" }, { cwd = dir, ok = true })
    sh.write(dir .. "/host.lua", [[
      local ork = require "ork"
      local w = ork.workflow("hosted")
      w:task("f", { executor = "inline", run = function() io.open("began", "w"):close() os.execute("until test -e go; do sleep 0.05; done") return {} end })
      return w]])
    local own = sh.spawn_ork({ "host.lua" }, { cwd = dir })
    own:wait_file(dir .. "/began")
    own:kill()
    local p = serve.start(dir)
    p:wait_line("run is not taken up run=%S+ error=")
    serve.stop(p)
  end)

  it("is refused what makes no sense, before anything is made", function()
    for _, words in ipairs({ { "nosuch.lua" }, { "--watch" }, { "--jobs", "0" } }) do
      local r = sh.ork({ "serve", table.unpack(words) }, { cwd = dir })
      assert.equal(2, r.code, r.err)
      assert.is_false(sh.exists(dir .. "/.ork"))
    end
  end)
end)
