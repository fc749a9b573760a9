-- SPDX-License-Identifier: MIT
-- `ork watch`: the run of another program, seen as it goes on.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

-- `first` ends with a line from the fifo `a`, `second` with one from `b`; then something fails
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("gated")
w:task("before", { command = { "true" } })
local first = w:task("first", { command = "read x <a" })
local second = w:task("second", { command = "read x <b", depends_on = first })
local bad = w:task("bad", { command = "echo oh no; exit 3", depends_on = second, retries = { limit = 1, delay = "10ms" } })
w:task("never", { command = { "true" }, depends_on = bad })
return w
]]

describe("ork watch", function()
  local dir, gates
  before_each(function()
    dir, gates = sh.tempdir(), {}
    sh.write(dir .. "/gated.lua", SCRIPT)
    sh.run({ "mkfifo", dir .. "/a", dir .. "/b" })
  end)
  after_each(function()
    for _, gate in ipairs(gates) do gate:close() end
    sh.cleanup()
  end)

  local function open_gate(name)
    gates[#gates + 1] = assert(io.open(dir .. "/" .. name, "r+"))
    gates[#gates]:write("go\n"):flush()
  end

  --- Starts the run; returns its process once `first` runs.
  local function start()
    local p = sh.spawn_ork({ "gated.lua", "-j4" }, { cwd = dir })
    p:wait_line("first +running")
    return p
  end

  --- The lines without times, in the order of their tasks' first mention.
  local function told(text)
    local lines = {}
    for line in text:gmatch("%d%d:%d%d:%d%d  ([^\n]+)") do
      lines[#lines + 1] = line:gsub(" +[%d.]+m?s%f[%s\0]", ""):gsub("again in.*", "again"):gsub("again at once", "again"):gsub(" +", " ")
    end
    return lines
  end

  it("tells what happens from now on, and ends with the run's exit code", function()
    local owner = start()
    local p = sh.spawn_ork({ "watch", "last" }, { cwd = dir })
    assert.matches("^run %x+ of gated: running, 1 of 5 tasks over$", p:wait_line("^run"))
    p:wait_line("^running: first$")
    open_gate("a")
    p:wait_line("second +running")
    open_gate("b")
    local r = p:wait()
    assert.equal(1, r.code)
    assert.same({ "first success", "second running", "second success", "bad running", "bad failed exit code 3; again",
      "bad running attempt 2", "bad failed exit code 3", "never skipped `bad` failed" }, told(r.err))
    assert.matches("bad failed (attempt 2, 1 retry): exit code 3\n  | oh no", r.err, 1, true)
    assert.matches("^failed: gated, 1 failed, 1 skipped, 3 success in ", r.out)
    assert.equal(1, owner:wait().code)
  end)

  it("tells the end of whatever runs already: items, functions, other workflows", function()
    sh.write(dir .. "/kinds.lua", [[
      local ork = require "ork"
      local sub = ork.workflow("sub", { params = { n = "int?" } })
      sub:task("z", { command = ": >began.$$; read x <b" })
      local function wait(input, ctx)
        io.open(os.tmpname():gsub("^.*/", "began."), "w"):close()
        while not io.open("go") do ctx.sleep(0.01) end
      end
      local w = ork.workflow("kinds")
      w:task("items", { inputs = { n = ork.each{ 1, 2 } }, command = ": >began.$$; until test -e go; do read x <b; done" })
      w:task("calls", { inputs = { n = ork.each{ 1, 2 } }, run = wait })
      w:task("count", { task_count = 2, run = wait })
      w:task("call", { run = wait })
      w:task("run", { workflow = sub })
      w:task("runs", { workflow = sub, inputs = { n = ork.each{ 1 } } })
      return w
    ]])
    local owner = sh.spawn_ork({ "kinds.lua", "-j9" }, { cwd = dir })
    sh.wait_until(dir, function() return sh.run({ "sh", "-c", "test $(ls began.* | wc -l) = 9" }, { cwd = dir }).code == 0 end)
    local p = sh.spawn_ork({ "watch", "kinds" }, { cwd = dir })
    p:wait_line("^running: ")
    sh.write(dir .. "/go", "")
    for _ = 1, 4 do open_gate("b") end
    assert.equal(0, p:wait().code)
    local list = {}
    for _, line in ipairs(told(p.err)) do list[#list + 1] = line:match("^.* success$") end
    table.sort(list)
    assert.same({ "call success", "calls success", "count success", "items success", "run success", "runs success" }, list)
    assert.equal(0, owner:wait().code)
  end)

  it("loses nothing that happens while it begins", function()
    local owner = start()
    sh.run({ "mkfifo", dir .. "/told" })
    local p = sh.spawn({ "sh", "-c", "exec 3<>told; head -c 65536 /dev/zero >&3; exec \"$0\" watch last 2>&3", sh.ork_path() }, { cwd = dir })
    sh.wait_until("/nonexistent", function() -- it writes how the run stands, and nobody reads
      local f = io.open("/proc/" .. p.pid .. "/syscall")
      local call = f and f:read("a") or ""
      if f then f:close() end
      local exe = io.open("/proc/" .. p.pid .. "/comm"):read("l")
      return exe == "ork" and call:find("^%d+ 0x2 ")
    end)
    open_gate("a")
    owner:wait_line("second +running")
    local reader = sh.spawn({ "sh", "-c", "tr -d '\\0' <told" }, { cwd = dir })
    open_gate("b")
    assert.equal(1, p:wait().code)
    local out = told(reader:wait().out)
    assert.same({ "first success", "second running", "second success" }, { out[1], out[2], out[3] })
    assert.equal(1, owner:wait().code)
  end)

  it("prints JSON lines, the run last", function()
    start()
    local p = sh.spawn_ork({ "watch", "gated", "--json" }, { cwd = dir })
    p:wait_line('^{"id":')
    open_gate("a")
    p:wait_line('"task":"second"')
    open_gate("b")
    local r = p:wait()
    assert.same({ 1, "" }, { r.code, r.err })
    local docs = {}
    for line in r.out:gmatch("[^\n]+") do docs[#docs + 1] = sh.json(line) end
    local first, last = table.remove(docs, 1), table.remove(docs)
    assert.same({ last.id, "running", 1 }, { first.id, first.status, first.counts.running })
    assert.same({ "gated", "failed", 5 }, { last.workflow, last.status, #last.tasks })
    for _, d in ipairs(docs) do assert.equal(last.id, d.run) end
    assert.same({ "never", "skipped", "`bad` failed" }, { docs[#docs].task, docs[#docs].status, docs[#docs].error })
    local failed = docs[#docs - 1]
    assert.same({ "bad", "failed", 2, "exit", "exit code 3" }, { failed.task, failed.status, failed.attempt, failed.kind, failed.error })
    assert.matches("^%d+%-%d%d%-%d%dT.*Z$", failed.at)
  end)

  it("is left by Ctrl-C, and the run goes on", function()
    local owner = start()
    local t = pty.open{ sh.ork_path(), "watch", "last", cwd = dir }
    t:expect_line("^  first +%d+s$")
    t:expect_line("^gated .* 1/5  1 running, 3 waiting")
    t:send("\3")
    assert.equal(130, (t:wait()))
    local shown = t:screen()
    assert.equal("the run goes on in its own program", shown[#shown])
    assert.is_nil(owner.code)
    open_gate("a")
    open_gate("b")
    assert.equal(1, owner:wait().code)
  end)

  it("shows the live view of a run whose own terminal is gone", function()
    local own = pty.open{ sh.ork_path(), "gated.lua", cwd = dir }
    own:expect_line("^  first +%d+s$")
    own:hangup()
    local t = pty.open{ sh.ork_path(), "watch", "last", cwd = dir }
    t:expect_line("^  first +%d+s$")
    open_gate("a")
    t:expect_line("^%d%d:%d%d:%d%d  first +success")
    t:expect_line("^gated .* 2/5  1 running, 2 waiting")
    open_gate("b")
    assert.equal(1, (t:wait()))
    local history = t:history()
    assert.matches("^failed: gated, 1 failed, 1 skipped, 3 success in", history[#history])
    for _, line in ipairs(history) do assert.is_nil(line:find("waiting", 1, true)) end
  end)

  it("shows how many items of a task are over, in the run's own terminal and in another", function()
    sh.write(dir .. "/items.lua", [[
      local ork = require "ork"
      local w = ork.workflow("items")
      w:task("each", { inputs = { n = ork.each{ "x", "a", "b" } }, command = { "sh", "-c", "test $0 = x || read x <$0", ork.input.n } })
      return w
    ]])
    local own = pty.open{ sh.ork_path(), "items.lua", "-j4", cwd = dir }
    own:expect_line("^  each +%d+s  1 of 3 items$")
    local t = pty.open{ sh.ork_path(), "watch", "items", cwd = dir }
    t:expect_line("^  each +%d+s  1 of 3 items$")
    open_gate("a")
    own:expect_line("^  each +%d+s  2 of 3 items$")
    t:expect_line("^  each +%d+s  2 of 3 items$")
    open_gate("b")
    assert.equal(0, (own:wait()))
    assert.equal(0, (t:wait()))
  end)

  it("finds a detached run again, whose terminal is gone since", function()
    local own = pty.open{ sh.ork_path(), "gated.lua", "--detach", cwd = dir }
    assert.equal(0, (own:wait()))
    own:hangup()
    local t = pty.open{ sh.ork_path(), "watch", "last", cwd = dir }
    t:expect_line("^  first +%d+s$")
    open_gate("a")
    t:expect_line("^  second +%d+s$")
    open_gate("b")
    assert.equal(1, (t:wait()))
    assert.matches("^failed: gated, 1 failed, 1 skipped, 3 success in", t:history()[#t:history()])
  end)

  it("ends with its terminal, unlike the run", function()
    local owner = start()
    local t = pty.open{ sh.ork_path(), "watch", "last", cwd = dir }
    t:expect_line("^  first +%d+s$")
    t:hangup()
    assert.same({ 129, 0 }, { t:wait() })
    assert.is_nil(owner.code)
  end)

  it("says that nobody carries the run out any more", function()
    local owner = start()
    local p = sh.spawn_ork({ "watch", "last" }, { cwd = dir })
    p:wait_line("^running: first$")
    owner:signal("sigkill")
    local r = p:wait()
    assert.equal(4, r.code)
    local id = sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].id:sub(-8)
    local way = ("nobody carries out run %s, which is running; to go on with it: ork resume %s\n"):format(id, id)
    assert.matches(way, r.err, 1, true)
    r = sh.ork({ "watch", id }, { cwd = dir })
    assert.equal(4, r.code)
    assert.matches(way, r.err, 1, true)
  end)

  it("shows the end of a run that is over, from any folder below", function()
    sh.write(dir .. "/fine.lua", 'local w = require("ork").workflow("fine") w:task("t", { command = { "true" } }) return w')
    sh.ork({ "fine.lua" }, { cwd = dir, ok = true })
    sh.run({ "mkdir", "-p", dir .. "/x/y" })
    local r = sh.ork({ "watch", "fine" }, { cwd = dir .. "/x/y" })
    assert.same({ 0, "" }, { r.code, r.err })
    assert.matches("^success: fine, 1 task in", r.out)
    assert.equal("success", sh.json(sh.ork({ "watch", "fine", "--json" }, { cwd = dir }).out).status)
    assert.equal(4, sh.ork({ "watch", "nothing" }, { cwd = dir }).code)
    assert.equal(2, sh.ork({ "watch" }, { cwd = dir }).code)
  end)

  it("also follows a run that waits for a retry of its owner, many tasks at a time", function()
    sh.write(dir .. "/many.lua", [[
      local ork = require "ork"
      local w = ork.workflow("many")
      local first = w:task("first", { command = "read x <a" })
      for i = 1, 300 do w:task("t" .. i, { command = { "true" }, depends_on = first }) end
      return w
    ]])
    local owner = sh.spawn_ork({ "many.lua", "-j4", "-q" }, { cwd = dir })
    sh.wait_until(dir, function() return sh.exists(dir .. "/.ork/ork.db") and sh.ork({ "tasks", "last", "--status", "running" }, { cwd = dir }).out:find("first") end)
    local p = sh.spawn_ork({ "watch", "last" }, { cwd = dir })
    p:wait_line("^running: first$")
    open_gate("a")
    local r = p:wait()
    assert.equal(0, r.code)
    local ended = 0
    for _ in r.err:gmatch("t%d+ +success") do ended = ended + 1 end
    assert.equal(300, ended)
    assert.equal(0, owner:wait().code)
  end)
end)
