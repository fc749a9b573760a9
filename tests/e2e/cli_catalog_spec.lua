-- SPDX-License-Identifier: MIT
-- Definitions that stay in the database: apply, change, compare, roll back, run by name, delete.
local sh = require "tests.lib.sh"

local ETL = [[
local ork = require "ork"
local helper = require "helper"
local w = ork.workflow("etl", { description = "Loads orders", params = { day = { type = "date", default = ork.date("-1d") } } })
local extract = w:task("extract", { command = { "echo", helper.word, w.params.day } })
w:task("clean", { command = { "cat", "data.txt" }, depends_on = { extract } })
return w
]]

local CHANGED = [[
local ork = require "ork"
local helper = require "helper"
local w = ork.workflow("etl", { description = "Loads orders", max_parallel = 3,
  params = { day = { type = "date", default = ork.date("-1d") } } })
local extract = w:task("extract", { command = { "echo", helper.word, w.params.day }, retries = 2 })
w:task("index", { command = { "true" }, depends_on = { extract } })
return w
]]

describe("ork apply", function()
  local dir, db
  before_each(function()
    dir = sh.tempdir()
    db = dir .. "/.ork/ork.db"
    sh.write(dir .. "/etl.lua", ETL)
    sh.write(dir .. "/helper.lua", 'return { word = "one" }\n')
    sh.write(dir .. "/data.txt", "the data\n")
  end)
  after_each(sh.cleanup)

  local function ork(args, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    return sh.ork(args, opts)
  end
  local function ok(...)
    return ork({ ... }, { ok = true }).out
  end

  it("says what going back would do, and of which version a run is", function()
    ok("apply", "etl.lua")
    sh.write(dir .. "/etl.lua", CHANGED)
    ok("apply", "etl.lua")
    local would = ok("apply", "etl@1", "--dry-run")
    assert.equal("etl: version 1 would be current again (now 2)\n", would:match("^[^\n]*\n"))
    assert.matches("\n  + clean\n", would, 1, true)
    assert.equal("etl: same, version 2\n", ok("apply", "etl@2", "--dry-run"))
    local list = sh.json(ok("apply", "etl@1", "--dry-run", "--json"))
    assert.same({ 1, 2, true }, { list[1].version, list[1].was, list[1].dry_run })

    ok("run", "etl", "-q")
    assert.matches("\nversion +2\n", ok("show", "last"))
    assert.equal(2, sh.json(ok("show", "last", "--json")).version)
    sh.write(dir .. "/etl.lua", (CHANGED:gsub("max_parallel = 3", "max_parallel = 4")))
    ok("etl.lua", "-q") -- a definition that nobody applied
    assert.is_nil(ok("show", "last"):find("\nversion", 1, true))
    assert.equal("null", tostring(ok("show", "last", "--json"):match('"version":(%w+)')))
  end)

  it("keeps a definition, tells what changed, compares versions and goes back", function()
    assert.equal("etl: new, version 1 (2 tasks)\n", ok("apply", "etl.lua"))
    assert.equal("etl: same, version 1\n", ok("apply", "etl.lua"))
    sh.write(dir .. "/etl.lua", CHANGED)
    local changes = [[
  + index
  - clean
  ~ extract: retries
  ~ options: max_parallel
  ~ sources: etl.lua
]]
    assert.equal("etl: would change\n" .. changes, ok("apply", "--dry-run", "etl.lua"))
    assert.equal("etl: changed, version 2 (was 1)\n" .. changes, ok("apply", "etl.lua"))

    local list = ok("versions", "etl")
    assert.matches("^VERSION +APPLIED +HASH +TASKS +RUNS +SCRIPT\n +2  current  %S+ %S+  %x+ +2 +0  [^\n]*/etl.lua\n +1  ", list)

    local diff = ok("versions", "etl", "1", "2")
    assert.matches("etl: version 1 → version 2\n" .. changes, diff, 1, true)
    assert.matches("\n--- etl.lua\n+++ etl.lua\n@@ -1,6 +1,7 @@\n", diff, 1, true)
    assert.matches('\n-w:task("clean", { command = { "cat", "data.txt" }, depends_on = { extract } })\n', diff, 1, true)
    assert.equal(diff, ok("versions", "etl@1", "etl@2"))
    assert.matches("etl: version 1 → the current one\n", ok("versions", "etl", "1"), 1, true)

    assert.matches("^etl: version 1 is current again %(was 2%)\n  %+ clean\n  %- index\n", ok("apply", "etl@1"))
    assert.matches("\n +1  current ", ok("versions", "etl"))
    assert.equal("etl: same, version 1\n", ok("apply", "etl@1"))
    assert.matches("^etl: changed, version 2 %(was 1%)\n", ok("apply", "etl.lua")) -- the number that content has
    assert.same({ { n = 2 } }, sh.sql(db, "SELECT count(*) AS n FROM workflow_versions"))
  end)

  it("runs a workflow by its name, from the database alone", function()
    ok("apply", "etl.lua")
    os.remove(dir .. "/etl.lua")
    sh.run({ "mkdir", dir .. "/etl" }) -- a folder of that name is nobody's script
    sh.write(dir .. "/helper.lua", 'return { word = "another" }\n')
    local elsewhere = sh.tempdir()
    local r = ork({ "run", "--db", db, "etl", "day=2026-01-02", "--json" }, { cwd = elsewhere, ok = true })
    local run = sh.json(r.out)
    assert.same({ "etl", "success", "2026-01-02" }, { run.workflow, run.status, run.params.day })
    assert.equal("one 2026-01-02\n", ok("logs", "last", "extract"))
    assert.equal("the data\n", ok("logs", "last", "clean")) -- its folder is the script's
    assert.matches("etl: Loads orders (2 tasks)", ok("run", "etl", "--help"), 1, true)
    assert.matches("  day  date  default 1d before the run's time", ok("run", "etl", "--help"), 1, true)
    assert.matches("^etl: 2 tasks, 2 levels", ok("plan", "etl"))
    assert.matches('"extract" -> "clean"', ok("plan", "etl@1", "--format", "dot"), 1, true)
    local bad = ork({ "run", "etl", "day=yesterdy", "x=1" })
    assert.equal(2, bad.code)
    assert.matches("day", bad.err, 1, true)
    assert.same({ { n = 1 } }, sh.sql(db, "SELECT count(*) AS n FROM runs"))
    local versions = sh.json(ok("versions", "etl", "--json"))
    assert.same({ 1, true, 1 }, { versions[1].version, versions[1].current, versions[1].runs })
  end)

  it("starts an older version without making it current", function()
    ok("apply", "etl.lua")
    sh.write(dir .. "/etl.lua", CHANGED)
    ok("apply", "etl.lua")
    ok("run", "etl@1", "--quiet")
    assert.matches("\nclean +success", "\n" .. ok("tasks", "last"):gsub("\n%s*%d+ +", "\n"))
    assert.matches("\n +2  current ", ok("versions", "etl"))
    assert.matches("\n +1 [^\n]* 1  [^\n]*etl.lua\n", ok("versions", "etl"))
  end)

  it("goes on with an interrupted run of it", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = "echo x >>count; touch started; read x <fifo" })
return w
]])
    sh.run({ "mkfifo", dir .. "/fifo" })
    ok("apply", "slow.lua")
    local p = sh.spawn_ork({ "run", "slow" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    p:kill()
    local again = sh.spawn_ork({ "run", "slow" }, { cwd = dir })
    again:wait_line("going on with run %x+ of slow")
    sh.write(dir .. "/fifo", "go\n")
    assert.equal(0, again:wait().code)
    assert.equal("x\n", sh.read(dir .. "/count"))
  end)

  it("stores all scripts or none, and tells every mistake at once", function()
    sh.write(dir .. "/bad.lua", [[
local ork = require "ork"
local w = ork.workflow("bad")
w:task("a", { comand = "x" })
w:task("b", { command = "x", retries = "many" })
return w
]])
    sh.write(dir .. "/nothing.lua", 'local ork = require "ork"\nork.workflow("lost"):task("a", { command = "x" })\n')
    sh.write(dir .. "/starts.lua", 'local ork = require "ork"\nlocal w = ork.workflow("s")\nw:task("a", { command = "x" })\nw:run{}\n')
    local r = ork({ "apply", "etl.lua", "bad.lua", "nothing.lua", "starts.lua", "missing.lua" })
    assert.equal(2, r.code)
    assert.equal("", r.out)
    for _, text in ipairs({ "bad.lua:3:", "comand", "bad.lua:4:", "nothing.lua:", "the script returns nothing", "starts.lua starts runs itself",
      "missing.lua", "nothing was applied" }) do
      assert.matches(text, r.err, 1, true)
    end
    assert.is_false(sh.exists(dir .. "/.ork"))

    sh.write(dir .. "/timed.lua", [[
local ork = require "ork"
local w = ork.workflow("timed", { params = { day = "date" }, schedule = { cron = "0 2 * * *" } })
w:task("a", { command = { "echo", w.params.day } })
return w
]])
    r = ork({ "apply", "timed.lua" })
    assert.equal(2, r.code)
    assert.matches("timed.lua:2: the schedule of workflow `timed` leaves its param `day` without a value", r.err, 1, true)
    assert.matches("schedule = { params = { day = … }, … }", r.err, 1, true)

    sh.write(dir .. "/copy.lua", ETL)
    r = ork({ "apply", "etl.lua", "copy.lua" })
    assert.equal(2, r.code)
    assert.matches("workflow `etl` is defined by etl.lua and by copy.lua", r.err, 1, true)
    r = ork({ "apply", "etl.lua", "./etl.lua" })
    assert.equal(2, r.code)
    assert.matches("given twice", r.err, 1, true)
  end)

  it("takes out what the script no longer defines, when asked", function()
    sh.write(dir .. "/two.lua", [[
local ork = require "ork"
local a, b = ork.workflow("alpha"), ork.workflow("beta")
a:task("x", { command = "true" })
b:task("x", { command = "true" })
return a, b
]])
    ok("apply", "two.lua", "etl.lua")
    sh.write(dir .. "/two.lua", [[
local ork = require "ork"
local a = ork.workflow("alpha")
a:task("x", { command = "true" })
return a
]])
    local r = ork({ "apply", "two.lua" }, { ok = true })
    assert.equal("applied from there before, not defined there any more: beta (version 1); --prune takes it out\n", r.err)
    assert.equal("alpha: changed, sources only, version 2 (was 1)\n  ~ sources: two.lua\n", r.out)
    r = ork({ "apply", "two.lua", "--prune" })
    assert.equal(2, r.code)
    assert.matches("take out beta (version 1)?", r.err, 1, true)
    assert.matches("add --yes", r.err, 1, true)
    r = ork({ "apply", "two.lua", "--prune", "--yes" }, { ok = true })
    assert.matches("beta: taken out (its runs stay; `ork apply beta@1` brings it back)\n", r.out, 1, true)
    r = ork({ "run", "beta" })
    assert.equal(4, r.code)
    assert.matches("workflow `beta` is not applied any more; `ork apply beta@1` brings back its newest version", r.err, 1, true)
    sh.write(dir .. "/again.lua", 'local ork = require "ork"\nlocal b = ork.workflow("beta")\nb:task("y", { command = "true" })\nreturn b\n')
    assert.equal("beta: applied again, version 2 (1 task)\n", ok("apply", "again.lua"))
    sh.write(dir .. "/again.lua", 'local ork = require "ork"\nlocal b = ork.workflow("gamma")\nb:task("y", { command = "true" })\nreturn b\n')
    ok("apply", "again.lua", "--prune", "--yes")
    assert.equal("beta: version 1 is current again (none was)\n", ok("apply", "beta@1"))
    ok("run", "beta", "-q")
  end)

  it("lists workflows, marking those that are known by their runs alone", function()
    local r = ork({ "workflows" })
    assert.equal(3, r.code) -- no database yet
    ok("etl.lua", "-q")
    assert.matches("\netl +%- +2 +1  success ", ok("workflows"))
    r = ork({ "run", "etl" })
    assert.equal(4, r.code)
    assert.matches("workflow `etl` is known by its runs only; to keep it: ork apply " .. dir .. "/etl.lua", r.err, 1, true)
    assert.equal("", ok("workflows", "--applied"))
    ok("apply", "etl.lua")
    assert.matches("\netl +1 +2 +1  success ", ok("workflows", "--applied"))
    local list = sh.json(ok("workflows", "--json"))
    assert.same({ "etl", true, 1, 1, "success" }, { list[1].name, list[1].applied, list[1].version, list[1].runs, list[1].last_run.status })
    -- `ork SCRIPT` runs the script as it is and leaves the definition alone
    sh.write(dir .. "/etl.lua", CHANGED)
    ok("etl.lua", "-q")
    assert.matches("\netl +1 +2 +2  success ", ok("workflows"))
  end)

  it("refuses names, versions and words that mean nothing, and says what there is", function()
    ok("apply", "etl.lua")
    for _, case in ipairs({
      { 4, { "run", "elt" }, "no workflow `elt`; did you mean `etl`?" },
      { 4, { "versions", "elt" }, "no workflow `elt`; did you mean `etl`?" },
      { 4, { "apply", "etl@7" }, "workflow `etl` has no version 7; it has 1" },
      { 4, { "run", "etl@7" }, "workflow `etl` has no version 7; it has 1" },
      { 4, { "versions", "etl", "1", "2" }, "workflow `etl` has no version 2; it has 1" },
      { 4, { "delete", "nothing" }, "no workflow `nothing`" },
      { 2, { "apply", "etl@x" }, "`etl@x`: a version is a number behind the name, like etl@2" },
      { 2, { "apply", "etl@0" }, "a version is a number" },
      { 2, { "apply", "etl@99999999999999999999" }, "a version is a number" },
      { 2, { "apply", "@2" }, "a version is a number" },
      { 2, { "run", "etl@" }, "a version is a number" },
      { 2, { "apply", "etl" }, "no file `etl`; to go back to a version of a workflow: ork apply etl@VERSION" },
      { 2, { "apply", "etl@1", "etl.lua" }, "one NAME@VERSION at a time" },
      { 2, { "apply", "--prune", "etl@1" }, "--prune goes with scripts" },
      { 2, { "apply" }, "something is missing" },
      { 2, { "run", "etl.lua" }, "`etl.lua` is a script; to run it: ork etl.lua" },
      { 2, { "run", "etl", "again" }, "one word too many" },
      { 2, { "versions", "etl", "one" }, "a version is a number" },
      { 2, { "versions", "etl@1", "other@2" }, "only versions of one workflow" },
      { 4, { "run", "" }, "no workflow" },
      { 2, { "pool", "db" }, "how many slots?" },
      { 2, { "pool", "db", "0" }, "a whole number from 1" },
      { 2, { "prune" }, "--older-than 30d, --keep 20, or both" },
      { 2, { "prune", "--keep", "-1" }, "--keep" },
      { 4, { "prune", "--keep", "1", "--workflow", "elt" }, "did you mean `etl`?" },
    }) do
      local r = ork(case[2])
      local shown = table.concat(case[2], " ") .. "\n" .. r.out .. r.err
      assert.equal(case[1], r.code, shown)
      assert.is_truthy(r.err:find(case[3], 1, true), shown)
    end
    assert.same({ { n = 1 } }, sh.sql(db, "SELECT count(*) AS n FROM workflow_versions"))
  end)

  it("says the same in JSON", function()
    local list = sh.json(ok("apply", "etl.lua", "--json"))
    assert.same({ "etl", "new", 1, 2, false }, { list[1].workflow, list[1].how, list[1].version, list[1].tasks, list[1].dry_run })
    sh.write(dir .. "/etl.lua", CHANGED)
    list = sh.json(ok("apply", "etl.lua", "--json", "--dry-run"))
    assert.same({ "changed", true, { "index" } }, { list[1].how, list[1].dry_run, list[1].diff.tasks.added })
    list = sh.json(ok("apply", "etl.lua", "--json"))
    assert.same({ "changed", 1, 2 }, { list[1].how, list[1].was, list[1].version })
    local diff = sh.json(ok("versions", "etl", "1", "2", "--json"))
    assert.same({ "clean" }, diff.tasks.removed)
    assert.matches("@@", diff.files[1].diff, 1, true)
  end)

  it("never gives two versions the same number when several apply at once", function()
    local running = {}
    for i = 1, 6 do
      local text = CHANGED:gsub('"true"', ('"echo", "%d"'):format(i % 3))
      sh.write(("%s/v%d.lua"):format(dir, i), text)
    end
    ok("apply", "etl.lua")
    for i = 1, 6 do running[i] = sh.spawn_ork({ "apply", ("v%d.lua"):format(i) }, { cwd = dir }) end
    for _, p in ipairs(running) do
      local r = p:wait()
      assert.equal(0, r.code, r.err)
      assert.matches("^etl: [^\n]*version %d", r.out)
    end
    -- the file's name is part of the sources, so the six are six contents
    assert.same({ { n = 7, most = 7, names = 1 } },
      sh.sql(db, "SELECT count(*) AS n, max(version) AS most, (SELECT count(*) FROM workflows) AS names FROM workflow_versions"))
  end)

  it("leaves a read-only database and secrets alone", function()
    sh.write(dir .. "/secret.lua", [[
local ork = require "ork"
local w = ork.workflow("secret")
w:task("a", { command = "true", env = { TOKEN = ork.secret("TOKEN") } })
return w
]])
    ork({ "apply", "secret.lua" }, { ok = true, env = { TOKEN = "hunter2" } })
    assert.equal(1, sh.run({ "grep", "-rq", "hunter2", dir .. "/.ork" }).code)
    assert.equal(0, sh.run({ "grep", "-rq", "TOKEN", dir .. "/.ork" }).code)
  end)

  it("takes a definition of a hundred thousand tasks", function()
    sh.write(dir .. "/large.lua", [[
local ork = require "ork"
local w = ork.workflow("large")
for i = 1, 100000 do w:task("t" .. i, { command = { "true", tostring(i == 77777 and N or 0) } }) end
return w
]])
    local text = sh.read(dir .. "/large.lua")
    sh.write(dir .. "/large.lua", (text:gsub("N", "1")))
    ork({ "apply", "large.lua" }, { ok = true, timeout = 120 })
    sh.write(dir .. "/large.lua", (text:gsub("N", "2")))
    local r = ork({ "apply", "large.lua" }, { ok = true, timeout = 120 })
    assert.equal("large: changed, version 2 (was 1)\n  ~ t77777: command\n  ~ sources: large.lua\n", r.out)
    sh.write(dir .. "/large.lua", 'local ork = require "ork"\nlocal w = ork.workflow("large")\nw:task("t1", { command = "true" })\nreturn w\n')
    r = ork({ "apply", "large.lua" }, { ok = true, timeout = 120 })
    assert.matches("  - t21\n  - 99979 more (--verbose lists them)\n  ~ t1: command\n", r.out, 1, true)
  end)

  it("deletes a workflow with all of its history", function()
    ok("apply", "etl.lua")
    ok("run", "etl", "-q")
    ok("run", "etl", "-q", "--new", "day=2026-01-01")
    assert.equal("would remove 2 runs, 4 tasks, ", ok("delete", "etl", "--dry-run"):sub(1, 31 - 1))
    local r = ork({ "delete", "etl" })
    assert.equal(2, r.code)
    assert.matches("delete workflow etl with 1 version and 2 runs?", r.err, 1, true)
    r = ork({ "delete", "etl", "--yes" }, { ok = true })
    assert.matches("^removed 2 runs, 4 tasks, %d+ bytes of logs\nworkflow etl is gone\n$", r.out)
    assert.same({ { n = 0 } }, sh.sql(db, [[SELECT (SELECT count(*) FROM workflows) + (SELECT count(*) FROM workflow_versions)
      + (SELECT count(*) FROM workflow_snapshots) + (SELECT count(*) FROM runs) + (SELECT count(*) FROM tasks)
      + (SELECT count(*) FROM task_attempts) + (SELECT count(*) FROM run_remains) AS n]]))
    assert.equal("", sh.run({ "ls", dir .. "/.ork/logs" }).out)
  end)

  it("does not delete what runs", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = "touch started; exec sleep 1000" })
return w
]])
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    local r = ork({ "delete", "slow", "--yes" })
    assert.equal(2, r.code)
    assert.matches("workflow `slow` has unfinished runs: %x+ %(running%); `ork cancel RUN` ends one", r.err)
    p:signal("sigint")
    p:wait()
    ok("delete", "slow", "--yes")
  end)
end)

describe("ork pool", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  it("lists pools and changes one while tasks wait for it", function()
    sh.write(dir .. "/pools.lua", [[
local ork = require "ork"
ork.pool("db", 1)
local w = ork.workflow("pools")
for i = 1, 2 do w:task("t" .. i, { command = "touch started" .. i .. "; read x <fifo" .. i, pool = "db" }) end
return w
]])
    for i = 1, 2 do sh.run({ "mkfifo", dir .. "/fifo" .. i }) end
    local p = sh.spawn_ork({ "pools.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started1")
    local pools = sh.json(sh.ork({ "pool", "--json" }, { cwd = dir, ok = true }).out)
    assert.same({ "db", 1, 1 }, { pools[1].name, pools[1].slots, pools[1].used })
    assert.is_false(sh.exists(dir .. "/started2"))
    assert.equal("pool db: 2 (was 1)\n", sh.ork({ "pool", "db", "2" }, { cwd = dir, ok = true }).out)
    p:wait_file(dir .. "/started2") -- the other task did not wait for the first
    for i = 1, 2 do sh.write(dir .. "/fifo" .. i, "go\n") end
    assert.equal(0, p:wait().code)
    assert.matches("POOL  SLOTS  USED  WAITING\ndb +2 +0 +0\n", sh.ork({ "pool" }, { cwd = dir, ok = true }).out)
    assert.equal("pool new: 3, new\n", sh.ork({ "pool", "new", "3", "--new" }, { cwd = dir, ok = true }).out)
    local r = sh.ork({ "pool", "bd", "3" }, { cwd = dir })
    assert.same({ 4, "ork: no pool `bd`; did you mean `db`? Or, to make it: ork pool bd 3 --new\n" }, { r.code, r.err })
  end)
end)
