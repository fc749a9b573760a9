-- SPDX-License-Identifier: MIT
-- Tasks that only wait: until a time, for an approval; whoever is killed, and wherever it is answered.
local app = require "tests.lib.app"
local cjson = require "cjson"
local cluster = require "tests.lib.cluster"
local pty = require "tests.lib.pty"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local RELEASE = [[
local ork = require "ork"
local w = ork.workflow("release", { params = { version = { type = "str", default = "1.2" } }, max_parallel = 1,
  defaults = { timeout = "1ms", retries = 9, pool = "db" } })
local gate = w:task("gate", { wait = { approval = "Ship " .. w.params.version .. "?" } })
w:task("ship", { command = { "sh", "-c", "echo \"$0\" >>shipped", gate.output.by }, timeout = "1h" })
return w
]]

local COUNTED = [[
local ork = require "ork"
local inner = ork.workflow("inner", {})
inner:task("nap", { wait = "1h" })
local w = ork.workflow("counted", {})
w:task("nap", { wait = "1h" })
w:task("ask", { wait = { approval = "Ship?" } })
w:task("poll", { wait = { poll = function() end, every = "1h" } })
w:task("child", { workflow = inner })
w:task("naps", { wait = "1h", inputs = { x = ork.each { 1, 2 } } })
w:task("mixed", { command = "read x <gate", inputs = { x = ork.each { 1 } } })
local works = w:task("works", { command = "read x <gate" })
w:task("later", { command = { "true" }, depends_on = works })
return { w, inner }
]]

describe("a task that waits", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function db() return dir .. "/.ork/ork.db" end

  --- When a wish was left.
  local function asked_for(kind)
    return sh.sql(db(), "SELECT created_at AS at FROM commands WHERE kind = '" .. kind .. "'")[1].at
  end

  --- A run whose gate waits; what it was started with goes along.
  local function start(...)
    sh.write(dir .. "/release.lua", RELEASE)
    local p = sh.spawn_ork({ "release.lua", ... }, { cwd = dir })
    p:wait_line("gate +waiting +for approval: Ship 1.2%?   %(ork approve %x+ gate%)")
    return p
  end

  it("is answered from another terminal, and said to wait until then", function()
    local p = start()
    assert.matches("\n  gate: waits for approval: Ship 1.2%? %(`ork approve %x+ gate`, or `ork reject`%)\n", ork("why", "last").out)
    assert.matches("approvals +release gate: Ship 1.2%?   %(ork approve %x+ gate%)", ork("status").out)
    assert.matches("gate +waiting +1 .* waits for approval: Ship 1.2%?", ork("show", "last").out)
    assert.equal("Ship 1.2?", sh.json(ork("show", "last", "gate", "--json").out).waits.text)
    local r = ork("approve", "last", "gat")
    assert.equal(4, r.code)
    assert.matches("no task `gat` in this run; did you mean `gate`%?", r.err)
    r = ork("approve", "last", "gate", "--comment", "it's fine")
    assert.equal(0, r.code, r.err)
    assert.matches("^%x+ gate: approved by %S+\n$", r.out)
    assert.equal(0, p:wait().code)
    local shown = sh.json(ork("show", "last", "gate", "--json").out)
    assert.equal("it's fine", shown.output.comment)
    assert.equal(shown.output.by, shown.decided.by)
    assert.equal(asked_for("approve"), shown.decided.at)
    assert.same({ "approved", true }, { shown.decided.as, shown.decided.counts })
    assert.equal(cjson.null, shown.waits)
    assert.equal(shown.output.by .. "\n", sh.read(dir .. "/shipped"))
    assert.matches("decided +approved by " .. shown.output.by .. " at %d.*: it's fine", ork("show", "last", "gate").out)
    assert.equal(2, ork("approve", "last", "gate").code)
    p = start("--new")
    assert.equal(0, ork("approve", "last", "gate").code)
    p:wait()
    assert.matches('output +{"by":"[^"]+","comment":null}\n', ork("show", "last", "gate").out)
  end)

  --- Every place says the same of a run of COUNTED, all of whose tasks but the last have begun; base: of the database.
  local function counts_agree(...)
    local base = { ... }
    local function ask(...)
      local words = { ... }
      return ork(table.unpack(table.move(base, 1, #base, #words + 1, words)))
    end
    local r = ask("status")
    assert.matches("\nrunning +2 runs: 2 tasks running, 0 about to start\n", r.out)
    assert.matches("\nwaiting +7 tasks +%(for what: ork why", r.out)
    assert.same({ running = 2, dispatched = 0, waiting = 7 }, sh.json(ask("status", "--json").out).tasks)
    r = ask("show", "counted")
    assert.matches("\ntasks +8 tasks: 2 running, 5 waiting, 1 pending\n", r.out)
    for _, name in ipairs({ "nap", "ask", "poll", "child", "naps" }) do assert.matches("\n" .. name .. " +waiting +1 ", r.out) end
    for _, name in ipairs({ "mixed", "works" }) do assert.matches("\n" .. name .. " +running +1 ", r.out) end
    assert.matches("\nnaps .* 0 of 2 items, 2 waiting\n", r.out)
    local d = sh.json(ask("show", "counted", "--json").out)
    assert.same({ { running = 7, pending = 1 }, 5 }, { d.counts, d.waiting })
    local names = {}
    for i, task in ipairs(sh.json(ask("tasks", "counted", "--status", "waiting", "--json").out)) do names[i] = task.name end
    assert.equal("nap ask poll child naps", table.concat(names, " "))
    assert.same({}, sh.json(ask("tasks", "counted", "mixed", "--status", "waiting", "--json").out))
    assert.equal(2, #sh.json(ask("tasks", "counted", "naps", "--status", "waiting", "--status", "pending", "--json").out))
    assert.matches("status +waiting\nwaits +until", ask("show", "counted", "nap").out)
    assert.matches("status +waiting\nitems +2 items: 2 waiting\n", ask("show", "counted", "naps").out)
    local p = sh.spawn_ork({ "watch", "counted", table.unpack(base) }, { cwd = dir })
    p:wait_line("running: mixed and works$")
    p:wait_line("waiting: nap, ask, poll, child and naps$")
    p:kill()
  end

  --- A run of COUNTED, once everything of it that can has begun.
  local function start_counted(...)
    sh.write(dir .. "/counted.lua", COUNTED)
    sh.run({ "mkfifo", dir .. "/gate" })
    local p = sh.spawn_ork({ "counted.lua", "counted", "--verbose", ... }, { cwd = dir })
    local left = { "nap", "ask", "poll", "child > nap", "naps/1", "naps/2", "mixed/1", "works" }
    sh.wait_until(dir, function()
      for i = #left, 1, -1 do
        if p.err:find("%d  " .. left[i] .. " +%l+ing") then table.remove(left, i) end
      end
      return #left == 0
    end)
    return p
  end

  it("is counted as waiting, not as running, wherever it is shown", function()
    local p = start_counted()
    counts_agree()
    p:kill()
  end)

  it("shows as waiting in the live view too", function()
    sh.write(dir .. "/counted.lua", COUNTED)
    sh.run({ "mkfifo", dir .. "/gate" })
    local t = pty.open({ sh.ork_path(), "counted.lua", "counted", cwd = dir })
    t:expect_line("^counted .* 0/8  2 running, 6 waiting")
    local other = pty.open({ sh.ork_path(), "watch", "counted", cwd = dir })
    other:expect_line("^counted .* 0/8  2 running, 6 waiting")
  end)

  it("is asked for each item of a list, and named so", function()
    sh.write(dir .. "/w.lua", [[
local ork = require "ork"
local w = ork.workflow("w", {})
w:task("c", { inputs = { p = ork.each({ "a", "b" }, { max_failed = 1 }) }, wait = { approval = "Ship " .. ork.input.p .. "?" } })
return w]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("run %x+ of w")
    local function open() return #sh.sql(db(), "SELECT 1 FROM deferred_jobs WHERE status = 'pending'") end
    sh.wait_until(dir .. "/.ork", function() return open() == 2 end)
    local function refused(task) return ork("approve", "last", task).err end
    assert.matches("`c` asks for each of its items; now these wait: `c/1`, `c/2`", refused("c"), 1, true)
    assert.equal(0, ork("reject", "last", "c/2").code)
    sh.wait_until(dir .. "/.ork", function() return open() == 1 end)
    assert.matches("`c/2` waits for no approval any more (failed)", refused("c/2"), 1, true)
    assert.matches("`c` asks for each of its items; now this waits: `c/1`", refused("c"), 1, true)
    assert.equal(0, ork("approve", "last", "c/1").code)
    assert.equal(0, p:wait().code)
    assert.matches("too late: the run had ended (success)", refused("c"), 1, true)
  end)

  it("fails when it is rejected, and is asked again by a retry", function()
    local p = start()
    local r = ork("reject", "last", "gate", "--comment", "not today", "--json")
    assert.equal(0, r.code, r.err)
    assert.equal("not today", sh.json(r.out).comment)
    assert.equal(1, p:wait().code)
    assert.matches("gate +failed .*rejected by %S+: not today", p.err)
    local shown = sh.json(ork("show", "last", "gate", "--json").out)
    assert.same({ "failed", "rejected", 1 }, { shown.status, shown.kind, shown.attempt }) -- `retries` of defaults are for what does something
    assert.matches("rejected by %S+: not today", ork("why", "last").out)
    p = sh.spawn_ork({ "retry", "last" }, { cwd = dir })
    p:wait_line("gate +waiting")
    assert.equal(0, ork("approve", "last", "gate").code)
    assert.equal(0, p:wait().code)
  end)

  it("keeps an answer that nobody is there to carry out", function()
    start():kill()
    local r = ork("approve", "last", "gate")
    assert.equal(0, r.code, r.err)
    assert.matches("nobody carries out this run now: `ork serve`, or `ork resume %x+`, goes on with it", r.err)
    assert.matches("gate: approved by %S+, which counts as soon as somebody goes on with the run", ork("why", "last").out)
    r = ork("reject", "last", "gate")
    assert.equal(2, r.code)
    assert.matches("`gate` was approved by %S+ already", r.err)
    local at = asked_for("approve")
    local function kept(counts)
      local decided = sh.json(ork("show", "last", "gate", "--json").out).decided
      assert.same({ "approved", at, counts }, { decided.as, decided.at, decided.counts })
    end
    kept(false)
    assert.matches("decided +approved by %S+ at %d[^\n]*; counts when the run goes on\n", ork("show", "last", "gate").out)
    local shown = ork("show", "last").out
    assert.matches("gate +waiting[^\n]*approved by %S+ at %d[^\n]*; counts when the run goes on\n", shown)
    assert.not_matches("waits for approval", shown, 1, true)
    local status = ork("status").out
    assert.matches("release gate: Ship 1.2%?   %(approved by %S+ at %d[^\n]*; counts when the run goes on%)\n", status)
    assert.not_matches("ork approve", status, 1, true)
    r = ork("release.lua") -- the same command again goes on with it
    assert.equal(0, r.code, r.err)
    kept(true)
    assert.equal(1, #sh.sql(db(), "SELECT id FROM runs"))
    assert.matches("^%S+\n$", sh.read(dir .. "/shipped"))
  end)

  it("is answered through a server that nobody looks at", function()
    start():kill()
    local server = serve.start(dir)
    assert.equal(0, ork("approve", "last", "gate").code)
    sh.wait_file(dir .. "/shipped")
    server:signal("sigterm")
    server:wait(nil, true)
  end)

  it("waits no longer for being killed", function()
    sh.write(dir .. "/nap.lua", [[
      local ork = require "ork"
      local w = ork.workflow("nap")
      w:task("nap", { wait = "2s" })
      return w]])
    local p = sh.spawn_ork({ "nap.lua" }, { cwd = dir })
    p:wait_line("nap +waiting +until")
    p:kill()
    local r = ork("nap.lua")
    assert.equal(0, r.code, r.err)
    local job = sh.sql(db(), "SELECT json_extract(job_data, '$.due') AS due, started_at, status FROM deferred_jobs")
    assert.equal(1, #job)
    assert.equal("completed", job[1].status)
    local late = sh.sql(db(), "SELECT (julianday(t.finished_at) - julianday(json_extract(d.job_data, '$.due'))) * 86400 AS s, attempt, lost " ..
      "FROM tasks t, deferred_jobs d")[1]
    assert.is_true(late.s >= -0.01 and late.s < 1.5, "it ended " .. late.s .. " s after its time")
    assert.same({ 1, 0 }, { late.attempt, late.lost })
  end)

  it("says once that its calls fail, and with its timeout of what", function()
    sh.write(dir .. "/typo.lua", [[
      local ork = require "ork"
      local w = ork.workflow("typo")
      w:task("typo", { timeout = "2500ms", wait = { every = "1s", poll = function(input)
        local f <close> = io.open("polled", "a")
        f:write("x")
        return input.file:upper()
      end } })
      return w]])
    local r = ork("typo.lua")
    assert.equal(1, r.code)
    assert.matches("^xx", sh.read(dir .. "/polled"))
    local reason = "typo.lua:6: attempt to index a nil value (field 'file')"
    local _, n = r.err:gsub("typo +waiting +poll failed: " .. reason:gsub("%p", "%%%0") .. "; asked again\n", "")
    assert.equal(1, n, r.err)
    assert.matches("\ntypo failed: timeout after 2.5s; the last call failed: " .. reason, r.err, 1, true)
  end)

  it("has a function for `when`, as any task", function()
    sh.write(dir .. "/ask.lua", [[
      local ork = require "ork"
      local limit = 3
      local w = ork.workflow("ask", { params = { n = "int" } })
      w:task("few", { command = "true", inputs = { n = w.params.n }, when = function(input) return input.n < limit end })
      w:task("many", { command = "true", inputs = { n = w.params.n }, when = function(input) return input.n >= limit end })
      w:task("wrong", { command = "true", inputs = { n = w.params.n }, when = function(input) return input.m + 1 end })
      return w]])
    assert.equal(1, ork("ask.lua", "n=2").code)
    local rows = sh.sql(db(), "SELECT status, coalesce(error, '') AS error, coalesce(kind, '') AS kind FROM tasks ORDER BY task_index")
    assert.same({ "success", "skipped" }, { rows[1].status, rows[2].status })
    assert.equal("its `when` is false", rows[2].error)
    assert.same({ "failed", "error" }, { rows[3].status, rows[3].kind })
    assert.matches("^when: ask.lua:6: attempt to perform arithmetic on a nil value", rows[3].error)
  end)

  it("of a program has its functions called there", function()
    local r = app.run([[
local asked = 0
local w = ork.workflow("w", { params = { n = "int" } })
local gate = w:task("gate", { wait = { every = "1s", poll = function(input, ctx)
  asked = asked + 1
  ctx.log("asked")
  if asked == 1 then error("not there") end
  return asked == 3 and { n = asked }
end } })
w:task("few", { command = "true", inputs = { n = gate.output.n }, when = function(input) return input.n == asked end })
w:task("many", { command = "true", inputs = { n = gate.output.n }, when = function(input) return input.n > asked end })
local run = assert(w:run({ n = 1 }))
print(run:task("few").status, run:task("many").status, asked)]], dir)
    assert.equal("success\tskipped\t3\n", r.out, r.err)
  end)

  it("is answered on PostgreSQL, from another program", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local server = cluster.start()
    local url = server:database("ork")
    local p = start("--db", url, "--data", dir .. "/data")
    assert.matches("approvals +release gate: Ship 1.2%?", ork("status", "--db", url).out)
    local r = ork("approve", "last", "gate", "--comment", "yes", "--db", url)
    assert.equal(0, r.code, r.err)
    assert.equal(0, p:wait().code)
    assert.equal("completed|Ship 1.2?|yes", server:psql("ork",
      "SELECT d.status || '|' || (job_data ->> 'text') || '|' || (job_data ->> 'comment') FROM deferred_jobs d"))
    p = start_counted("--db", url, "--data", dir .. "/data")
    counts_agree("--db", url)
    p:kill()
    start("--new", "--db", url, "--data", dir .. "/data"):kill()
    assert.equal(0, ork("approve", "last", "gate", "--db", url).code)
    local function decided() return sh.json(ork("show", "last", "gate", "--json", "--db", url).out).decided end
    local kept = decided()
    assert.is_false(kept.counts)
    assert.matches("release gate: Ship 1.2%?   %(approved by %S+ at %d[^\n]*; counts when the run goes on%)\n", ork("status", "--db", url).out)
    sh.wait_until(dir, function() return not sh.json(ork("show", "last", "--json", "--db", url).out).owner.alive end, 60)
    assert.matches("gate +waiting[^\n]*approved by %S+ at %d", ork("show", "last", "--db", url).out)
    r = ork("resume", "last", "--db", url, "--data", dir .. "/data")
    assert.equal(0, r.code, r.err)
    assert.same({ kept.at, true }, { decided().at, decided().counts })
    p = start("--new", "--db", url, "--data", dir .. "/data")
    assert.equal(0, ork("reject", "last", "gate", "--db", url).code)
    assert.equal(1, p:wait().code)
    assert.matches("rejected by", p.err)
  end)

  it("reads the inputs of many polls that are due at once a few at a time", function()
    sh.write(dir .. "/many.lua", [[
local ork = require "ork"
local w = ork.workflow("many")
local l = {}
for i = 1, 400 do l[i] = i end
local make = w:task("make", { output_type = { s = "str" }, run = function() return { s = ("x"):rep(1 << 20) } end })
local p = w:task("p", { inputs = { i = ork.each(l), big = make.output.s }, output_type = { n = "int" },
  wait = { every = "1s", poll = function(input) return { n = #input.big + input.i } end } })
w:task("peak", { inputs = { l = p.output.n }, run = function(input)
  for i, n in ipairs(input.l) do assert(n == (1 << 20) + i) end
  local ork_pid = io.open("/proc/self/stat"):read("a"):match("^%d+ %(.*%) %a (%d+)")
  return tonumber(io.open("/proc/" .. ork_pid .. "/status"):read("a"):match("VmHWM:%s+(%d+) kB"))
end })
return w
]])
    local r = sh.ork({ "many.lua", "--jobs", "2", "-q" }, { cwd = dir, timeout = 120 })
    assert.equal(0, r.code, r.err)
    local peak = tonumber(sh.ork({ "output", "last", "peak" }, { cwd = dir }).out)
    assert.is_true(peak < (os.getenv("ORK_TEST_ASAN") and 900 or 300) << 10, peak .. " kB") -- their inputs are 400 MB together
  end)
end)
