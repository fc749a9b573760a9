-- SPDX-License-Identifier: MIT
-- Something failed; it is mended and gone on with: `ork SCRIPT --resume`, `ork retry --update`.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

local BROKEN = [[
local ork = require "ork"
local w = ork.workflow("etl", { params = { n = { type = "int", default = 1 } } })
local a = w:task("a", { command = "echo a >> order; echo '{\"v\":1}' > $ORK_OUTPUT_FILE", output_type = { v = "int" } })
local b = w:task("b", { command = { "sh", "-c", "echo b$1 >> order; false", "x", a.output.v } })
w:task("c", { command = "echo c >> order", depends_on = { b } })
w:task("p", { command = { "sh", "-c", "echo p$1 >> order", "x", w.params.n } })
w:finally("tidy", { command = "echo tidy >> order" })
return w
]]

describe("fix and go on", function()
  local dir, mended
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", BROKEN)
    mended = BROKEN:gsub("false", "true")
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function order()
    local lines = sh.exists(dir .. "/order") and sh.read(dir .. "/order") or ""
    os.remove(dir .. "/order")
    local list = {}
    for line in lines:gmatch("%S+") do list[#list + 1] = line end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("shows the line, and keeps what did not change", function()
    local r = ork("etl.lua", "n=3")
    assert.equal(1, r.code)
    assert.matches("fixed it:  ork etl.lua --resume ", r.err, 1, true)
    assert.equal("a b1 p3 tidy", order())
    sh.write(dir .. "/etl.lua", mended)
    r = ork("etl.lua", "--resume")
    assert.equal(0, r.code, r.err)
    assert.matches("going on with run %x+ of etl %(failed, [^)]*%): 3 tasks to go, 2 stay as they are\n", r.err)
    assert.equal("b1 c tidy", order())
    assert.equal(1, #sh.json(ork("runs", "--json").out))
    r = ork("etl.lua", "--resume")
    assert.equal(4, r.code)
    assert.matches("no run of `etl` to go on with: all of them succeeded", r.err, 1, true)
  end)

  it("names what changed, is new, and is gone", function()
    ork("etl.lua")
    order()
    sh.write(dir .. "/etl.lua", (mended:gsub("echo a", "echo A"):gsub('"c", {', '"new", {')))
    local r = ork("etl.lua", "--resume")
    assert.equal(0, r.code, r.err)
    assert.matches("changed since they succeeded, and run again with all after them (--keep leaves them): a\n", r.err, 1, true)
    assert.matches("new: new\n", r.err, 1, true)
    assert.matches("no longer in the script: c\n", r.err, 1, true)
    assert.equal("A b1 c tidy", order())
    assert.equal("skipped", sh.json(ork("show", "last", "c", "--json").out).status)
    assert.is_nil(ork("tasks", "last").out:find("^c ", 1))
  end)

  it("keeps changed successes with --keep, repeats from a task with --from", function()
    ork("etl.lua")
    order()
    sh.write(dir .. "/etl.lua", (mended:gsub("echo a", "echo A")))
    local r = ork("etl.lua", "--resume", "--keep", "--from", "p")
    assert.equal(0, r.code, r.err)
    assert.matches("kept though their definition changed: a\n", r.err, 1, true)
    assert.equal("b1 c p1 tidy", order())
  end)

  it("finds the logs of a folder that was moved, and says how to go on there", function()
    local old, new = dir .. "/old", dir .. "/new"
    sh.run({ "mkdir", old })
    sh.write(old .. "/etl.lua", (BROKEN:gsub("; false", "; for i in $(seq 2000); do echo line $i; done; false")))
    sh.ork({ "etl.lua", "-q" }, { cwd = old })
    sh.run({ "mv", old, new })
    local function there(...) return sh.ork({ ... }, { cwd = new }) end
    local r = there("logs", "last", "b")
    assert.matches("^line 1\n", r.out)
    assert.equal("", r.err)
    r = there("retry", "last")
    assert.matches(("the script's folder %s is gone: ork NEW/etl.lua --resume, from where it is now\n"):format(old), r.err, 1, true)
    r = there("retry", "last", "--update")
    assert.same({ 2, ("ork: the script's folder %s is gone; moved? ork NEW/etl.lua --resume, from where it is now\n"):format(old) }, { r.code, r.err })
    sh.write(new .. "/etl.lua", mended)
    assert.equal(0, there("etl.lua", "--resume").code)
  end)

  it("takes params again, and what refers to them runs", function()
    ork("etl.lua", "n=3")
    order()
    sh.write(dir .. "/etl.lua", mended)
    local r = ork("retry", "last", "--update", "n=4")
    assert.equal(0, r.code, r.err)
    assert.equal("b1 c p4 tidy", order())
    assert.equal(4, sh.json(ork("show", "last", "--json").out).params.n)
    r = ork("retry", "last", "n=5")
    assert.equal(2, r.code)
    assert.matches("params go with one RUN and --update", r.err, 1, true)
  end)

  it("goes on with the run that has the params which are given, and changes those of none", function()
    ork("etl.lua", "n=1")
    ork("etl.lua", "n=2")
    ork("etl.lua", "n=3")
    order()
    sh.write(dir .. "/etl.lua", mended)
    local r = ork("etl.lua", "--resume", "n=1")
    assert.equal(0, r.code, r.err)
    assert.equal("b1 c tidy", order())
    local id = sh.json(ork("runs", "--json").out)[1].short
    r = ork("etl.lua", "--resume", "n=1") -- it succeeded; nobody else has it
    assert.equal(2, r.code)
    assert.matches("the newest run of etl has n=3; no run to go on with has n=1\n", r.err, 1, true)
    assert.matches("ork etl.lua --resume\n", r.err, 1, true)
    assert.matches("ork retry " .. id .. " --update n=1\n", r.err, 1, true)
    assert.matches("ork etl.lua n=1\n", r.err, 1, true)
    assert.equal("", order())
    sh.write(dir .. "/p.json", '{"n":2}')
    r = ork("etl.lua", "--resume", "--params-file", "p.json")
    assert.equal(0, r.code, r.err)
    local statuses = {}
    for i, run in ipairs(sh.json(ork("runs", "--json").out)) do
      statuses[i] = run.status .. math.tointeger(sh.json(ork("show", run.id, "--json").out).params.n)
    end
    assert.same({ "failed3", "success2", "success1" }, statuses)
  end)

  it("updates a run that is named", function()
    ork("etl.lua")
    ork("etl.lua", "--new")
    order()
    sh.write(dir .. "/etl.lua", mended)
    local r = sh.ork({ "retry", "etl~1", "--update" }, { cwd = "/", env = { ORK_DATABASE_URL = "sqlite:" .. dir .. "/.ork/ork.db" } })
    assert.equal(0, r.code, r.err)
    assert.equal("b1 c tidy", order())
    local runs = sh.json(ork("runs", "--json").out)
    assert.same({ "failed", "success" }, { runs[1].status, runs[2].status })
    r = ork("retry", "etl~1", "--update")
    assert.equal(2, r.code)
    assert.matches("every task of the run succeeded", r.err, 1, true)
  end)

  it("goes on with nothing older unasked when the newest run succeeded", function()
    ork("etl.lua")
    local failed = sh.json(ork("runs", "--json").out)[1].id:sub(-8)
    sh.write(dir .. "/etl.lua", mended)
    assert.equal(0, ork("etl.lua", "--new").code)
    local done = sh.json(ork("runs", "--json").out)[1].id:sub(-8)
    ork("etl.lua", "--only", "p", "--new") -- a part is passed by
    order()
    local r = ork("etl.lua", "--resume")
    assert.equal(4, r.code)
    assert.matches(("the newest run of `etl` succeeded; to go on with the older %s, which failed: ork retry %s --update\n"):format(failed,
      failed), r.err, 1, true)
    r = ork("etl.lua", "--resume", "--from", "c")
    assert.equal(4, r.code)
    assert.matches(("to run `c` and all after it again there: ork retry %s --update --from c; to go on with the older %s"):format(done,
      failed), r.err, 1, true)
    assert.equal("", order())
    assert.equal(0, ork("retry", done, "--update", "--from", "c").code)
    assert.equal("c tidy", order())
    assert.equal(0, ork("retry", failed, "--update").code)
    assert.equal("b1 c tidy", order())
  end)

  it("refuses what cannot be meant", function()
    ork("etl.lua")
    for _, line in ipairs({ { "etl.lua", "--resume", "--new" }, { "etl.lua", "--keep" }, { "etl.lua", "--from", "a" },
      { "etl.lua", "--resume", "--key", "k" }, { "retry", "last", "--keep" }, { "retry", "last", "--update", "--task", "b" } }) do
      local r = ork(table.unpack(line))
      assert.equal(2, r.code, table.concat(line, " "))
    end
    local r = ork("etl.lua", "--resume", "--from", "d")
    assert.equal(4, r.code)
    assert.matches("the definition has no task `d`", r.err, 1, true)
    sh.write(dir .. "/other.lua", (BROKEN:gsub('"etl"', '"other"')))
    r = ork("other.lua", "--resume")
    assert.equal(4, r.code)
    assert.matches("no run of `other` to go on with: it has not run yet", r.err, 1, true)
    sh.write(dir .. "/etl.lua", (BROKEN:gsub('"etl"', '"renamed"')))
    r = ork("retry", "last", "--update")
    assert.equal(2, r.code)
    assert.matches("defines no workflow `etl` any more", r.err, 1, true)
    assert.equal("failed", sh.json(ork("show", "last", "--json").out).status)
  end)

  it("goes on with a run whose program died, after what still ran", function()
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    sh.write(dir .. "/etl.lua", (BROKEN:gsub("echo p%$1", "read x < fifo; echo p$1")))
    local p = sh.spawn_ork({ "etl.lua" }, { cwd = dir })
    p:wait_line("p +running")
    p:wait_line("b +failed")
    local owned = ork("etl.lua", "--resume")
    assert.equal(3, owned.code)
    assert.matches("carried out by another ork (process " .. p.pid .. " on ", owned.err, 1, true)
    p:kill()
    sh.write(dir .. "/etl.lua", (mended:gsub("echo p%$1", "read x < fifo; echo p$1")))
    order()
    p = sh.spawn_ork({ "etl.lua", "--resume" }, { cwd = dir })
    p:wait_line("1 task of run %x+ may still be running; what runs may finish first")
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    local r = p:wait()
    assert.equal(0, r.code, r.err)
    assert.equal("b1 c p1 tidy", order())
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM commands WHERE done_at IS NULL"))
  end)

  it("suggests what a run and a task may be called", function()
    ork("etl.lua")
    assert.matches("no run and no workflow `elt`; did you mean `etl`?", ork("show", "elt").err, 1, true)
    assert.matches("no run and no workflow `elt~3`; did you mean `etl~3`?", ork("show", "elt~3").err, 1, true)
    assert.matches("`etl` has not so many runs: there is no `etl~3`", ork("show", "etl~3").err, 1, true)
    assert.matches("no run and no workflow `zzz`; `ork runs` lists the runs", ork("show", "zzz").err, 1, true)
    assert.matches("no task `tdiy` in this run; did you mean `tidy`?", ork("show", "last", "tdiy").err, 1, true)
  end)

  it("says that the time was over, and how to go on", function()
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    sh.write(dir .. "/etl.lua", (BROKEN:gsub("echo a ", "read x < fifo; echo a ")))
    local r = ork("etl.lua", "--timeout", "200ms")
    assert.equal(124, r.code)
    assert.matches("it took longer than --timeout 0.2s\n", r.err, 1, true)
    assert.matches("go on: ork retry %x+ ", r.err)
    local run = sh.json(ork("show", "last", "--json").out)
    assert.same({ "cancelled", "it took longer than --timeout 0.2s" }, { run.status, run.error })
    sh.write(dir .. "/etl.lua", BROKEN)
    r = ork("retry", "last", "--update")
    assert.equal(1, r.code)
    assert.equal("1 of 5 tasks failed: b", sh.json(ork("show", "last", "--json").out).error)
  end)

  it("repeats for another day, typed as `ork SCRIPT` takes it", function()
    sh.write(dir .. "/day.lua", [[
      local w = require("ork").workflow("day", { params = { day = "date", word = { type = "str", default = "today" } } })
      w:task("a", { command = { "true" } })
      return w]])
    assert.equal(0, ork("day.lua", "day=2026-11-01").code)
    local function yesterday() return os.date("!%Y-%m-%d", os.time() - 86400) end
    local before = yesterday()
    assert.equal(0, ork("rerun", "day", "day=yesterday", "word=yesterday").code)
    local params = sh.json(ork("show", "last", "--json").out).params
    assert(params.day == before or params.day == yesterday(), params.day)
    assert.equal("yesterday", params.word) -- a text is a text
    local r = ork("rerun", "day", "day=someday")
    assert.same({ 2, 'ork: params.day: wanted date (such as 2026-11-01), got "someday"\n' }, { r.code, r.err })
  end)

  it("repeats with other inputs, from a task on", function()
    sh.write(dir .. "/etl.lua", mended)
    assert.equal(0, ork("etl.lua").code)
    order()
    sh.write(dir .. "/set.lua", [[
      local ork = require "ork"
      local w = ork.workflow("set")
      local a = w:task("a", { command = "echo a >> order; echo '{\"v\":1}' > $ORK_OUTPUT_FILE", output_type = { v = "int" } })
      w:task("b", { inputs = { v = a.output.v }, command = "echo b$ORK_INPUT_JSON >> order" })
      return w]])
    assert.equal(0, ork("set.lua").code)
    assert.equal('a b{"v":1}', order())
    local r = ork("rerun", "set", "--from", "b", "--set", 'b.input={"v":5}')
    assert.equal(0, r.code, r.err)
    assert.equal('b{"v":5}', order())
    local tasks = sh.json(ork("tasks", "last", "--json").out)
    assert.same({ "copied", "success" }, { tasks[1].execution_name, tasks[2].status })
    r = ork("rerun", "set~1", "--set", "b.input.v=6")
    assert.equal(0, r.code, r.err)
    assert.equal('a b{"v":6}', order())
    r = ork("rerun", "set", "--from", "c")
    assert.equal(4, r.code)
    r = ork("rerun", "set", "--set", "nope.input=1")
    assert.equal(4, r.code)
    assert.equal("", order())
  end)

  it("leaves a run that it waits for when it is interrupted", function()
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    sh.write(dir .. "/etl.lua", (BROKEN:gsub("echo p%$1", "read x < fifo; echo p$1")))
    local p = sh.spawn_ork({ "etl.lua" }, { cwd = dir })
    p:wait_line("p +running")
    p:kill()
    local t = pty.open{ sh.ork_path(), "etl.lua", "--resume", "--quiet", cwd = dir }
    sh.wait_until(dir .. "/.ork", function()
      local owner = sh.json(ork("show", "last", "--json").out).owner
      return owner and owner.alive and owner.pid ~= p.pid
    end)
    t:send("\3")
    assert.equal(130, (t:wait()))
    assert.equal("running", sh.json(ork("runs", "--json").out)[1].status) -- as it was: nobody paused it
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(1, ork("etl.lua", "--resume").code)
  end)

  it("goes on with a run that stopped among the items of a list", function()
    local text = [[
local ork = require "ork"
local w = ork.workflow("fan", {})
local c = w:task("c", { inputs = { p = ork.each({ 1, 2, 3 }, { max_parallel = 1 }) }, run = function(input)
  local ran = io.open("ran", "a")
  ran:write(input.p):close()
  if input.p == 2 and not io.open("go") then io.open("fifo"):read("l") end
  return input.p
end })
w:task("d", { inputs = { r = c.output }, command = "echo one > d" })
return w]]
    for _, how in ipairs({ { "fan.lua", "--resume" }, { "retry", "last", "--update" } }) do
      os.remove(dir .. "/ran")
      os.remove(dir .. "/go")
      os.remove(dir .. "/fifo")
      sh.run({ "mkfifo", "fifo" }, { cwd = dir })
      sh.write(dir .. "/fan.lua", text)
      local p = sh.spawn_ork({ "fan.lua", "--new" }, { cwd = dir })
      sh.wait_until(dir, function() return sh.exists(dir .. "/ran") and sh.read(dir .. "/ran") == "12" end)
      p:kill()
      sh.write(dir .. "/go", "")
      sh.write(dir .. "/fan.lua", (text:gsub("one", "two")))
      local r = ork(table.unpack(how))
      assert.equal(0, r.code, r.err)
      assert.equal("1223", sh.read(dir .. "/ran"))
      assert.equal("two\n", sh.read(dir .. "/d"))
    end
  end)

  local function sql(text) return sh.sql(dir .. "/.ork/ork.db", text) end

  --- Starts it, kills it when `x` failed and so many jobs are waited for, and goes on with what is made of it.
  local function waits_and_goes_on(text, jobs, mended_text)
    local script = 'local ork = require "ork"\nlocal w = ork.workflow("w", {})\n%s\nreturn w\n'
    sh.write(dir .. "/w.lua", script:format(text))
    local p = sh.spawn_ork({ "w.lua", "--new" }, { cwd = dir })
    p:wait_line("run %x+ of w")
    sh.wait_until(dir .. "/.ork", function()
      return #sql("SELECT 1 FROM deferred_jobs WHERE status = 'pending'") == jobs and
        #sql("SELECT 1 FROM tasks WHERE task_name = 'x' AND status = 'failed' AND run_id = (SELECT max(id) FROM runs WHERE parent_task_id IS NULL)") == 1
    end)
    p:kill()
    sh.write(dir .. "/w.lua", script:format(mended_text))
    return sh.spawn_ork({ "w.lua", "--resume", "-v" }, { cwd = dir })
  end

  it("waits on for an approval that did not change and asks anew for one that did", function()
    local text = [[
local ap = w:task("ap", { wait = { approval = "Ship?" } })
w:task("x", { command = "false" })
w:task("z", { depends_on = { ap }, command = "true" })]]
    local p = waits_and_goes_on(text, 1, (text:gsub("false", "true")))
    p:wait_line("x +success")
    assert.same({ { attempt = 1, n = 1 } }, sql("SELECT t.attempt, count(*) AS n FROM tasks t JOIN deferred_jobs d ON d.task_id = t.id"))
    assert.equal(0, ork("approve", "last", "ap").code)
    assert.equal(0, p:wait().code)

    p = waits_and_goes_on(text, 1, (text:gsub("false", "true"):gsub("Ship%?", "Really?")))
    p:wait_line("ap +waiting +for approval: Really%?")
    local jobs = sql("SELECT d.status FROM deferred_jobs d JOIN tasks t ON t.id = d.task_id WHERE t.run_id = (SELECT max(id) FROM runs) ORDER BY d.created_at, d.id")
    assert.same({ { status = "cancelled" }, { status = "pending" } }, jobs)
    assert.equal(0, ork("approve", "last", "ap").code)
    assert.equal(0, p:wait().code)

    p = waits_and_goes_on(text, 1, 'w:task("x", { command = "true" })') -- it is gone
    assert.equal(0, p:wait().code)
    assert.same({}, sql("SELECT 1 FROM deferred_jobs WHERE status IN ('pending', 'polling')"))
  end)

  it("keeps the run of a task that did not change, with what it waits for, and ends one that did", function()
    local text = [[
local other = ork.workflow("other", {})
local zero = other:task("zero", { command = "echo zero >> ran" })
local gate = other:task("gate", { depends_on = { zero }, wait = { approval = "One?" } })
other:task("after", { depends_on = { gate }, command = "echo after >> ran" })
w:task("s", { workflow = other })
w:task("x", { command = "false" })]]
    local p = waits_and_goes_on(text, 2, (text:gsub("false", "true")))
    p:wait_line("x +success")
    local child = sql("SELECT lower(hex(id)) AS id, status FROM runs WHERE parent_task_id IS NOT NULL")
    assert.same({ 1, "running" }, { #child, child[1].status })
    assert.equal(0, ork("approve", child[1].id, "gate").code)
    assert.equal(0, p:wait().code)
    assert.equal("zero\nafter\n", sh.read(dir .. "/ran"))

    p = waits_and_goes_on(text, 2, (text:gsub("false", "true"):gsub("One%?", "Two?")))
    p:wait_line("s > gate +waiting +for approval: Two%?")
    child = sql("SELECT lower(hex(id)) AS id, status FROM runs WHERE parent_task_id IS NOT NULL ORDER BY id")
    assert.same({ 3, "cancelled", "running" }, { #child, child[2].status, child[3].status })
    assert.equal(0, ork("approve", child[3].id, "gate").code)
    assert.equal(0, p:wait().code)
  end)

  it("asks anew for items that wait", function()
    local text = [[
w:task("g", { inputs = { p = ork.each({ "a", "b" }) }, wait = { approval = "Ship " .. ork.input.p .. "?" } })
w:task("x", { command = "false" })]]
    local p = waits_and_goes_on(text, 2, (text:gsub("false", "true")))
    p:wait_line("x +success")
    sh.wait_until(dir .. "/.ork", function() return #sql("SELECT 1 FROM deferred_jobs WHERE status = 'pending'") == 2 end)
    assert.equal(0, ork("approve", "last", "g/1").code)
    assert.equal(0, ork("approve", "last", "g/2").code)
    assert.equal(0, p:wait().code)
  end)

  it("says that a run that it takes up is paused", function()
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    sh.write(dir .. "/etl.lua", (mended:gsub("echo a ", "read x < fifo; echo a ")))
    local p = sh.spawn_ork({ "etl.lua" }, { cwd = dir })
    p:wait_line("a +running")
    assert.equal(0, ork("pause", "last").code)
    sh.wait_until(dir .. "/.ork", function() return sh.json(ork("runs", "--json").out)[1].status == "paused" end)
    p:kill()
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    p = sh.spawn_ork({ "etl.lua" }, { cwd = dir })
    p:wait_line("run %x+ of etl is paused: nothing of it starts before `?ork resume %x+")
    assert.equal(0, ork("resume", "last").code)
    assert.equal(0, p:wait().code)
  end)

  it("says that a param that is wrong now is the run's, and how to give another", function()
    ork("etl.lua", "n=3")
    local id = sh.json(ork("runs", "--json").out)[1].short
    sh.write(dir .. "/etl.lua", (mended:gsub('type = "int", default = 1', 'type = { "str" }, default = { "x" }')))
    local told = "params.n: wanted [str], got 3; this is the value of run " .. id .. ", "
    local r = ork("etl.lua", "--resume")
    assert.same({ 2, "ork: " .. told .. "n=… gives another\n" }, { r.code, r.err })
    r = ork("retry", "last", "--update")
    assert.same({ 2, "ork: " .. told .. "`ork retry " .. id .. " --update n=…` gives another\n" }, { r.code, r.err })
    r = ork("etl.lua", "--resume", "n=5")
    assert.same({ 2, "ork: params.n: wanted [str], got 5\n" }, { r.code, r.err })
    assert.equal(0, ork("etl.lua", "--resume", 'n=["y"]').code)
  end)
end)
