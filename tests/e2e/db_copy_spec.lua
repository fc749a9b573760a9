-- SPDX-License-Identifier: MIT
-- `ork db copy`: a real history into another database, of either kind; then the copy is worked with. Killed, stopped, refused.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("etl", { schedule = { cron = "0 2 * * *", timezone = "Europe/Berlin" } })
w:task("extract", { command = "echo 'rows: 1 “quoted” 👩‍🚀'; echo '{\"n\":1.50}' >$ORK_OUTPUT_FILE" })
w:task("load", { command = "echo trying; test -e good || exit 3", depends_on = { "extract" }, retries = { limit = 1, delay = 0 }, pool = "db" })
w:task("tell", { command = "echo %s", depends_on = { "load" } })
return w
]]

describe("ork db copy", function()
  local dir, db
  before_each(function()
    dir = sh.tempdir()
    db = dir .. "/.ork/ork.db"
  end)
  after_each(sh.cleanup)

  local function ork(args, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    -- LeakSanitizer itself dies of the stacks of the module's coroutines; what leaks there is looked for by the store's own tests
    if os.getenv("ORK_TEST_ASAN") and table.concat(args, " "):find("postgres://", 1, true) then opts.env = { ASAN_OPTIONS = "detect_leaks=0" } end
    return sh.ork(args, opts)
  end

  --- Two versions, a schedule, a pool, a failed run with retries and a good one.
  local function make_history()
    sh.write(dir .. "/etl.lua", SCRIPT:format("first"))
    ork({ "apply", "etl.lua" }, { ok = true })
    sh.write(dir .. "/etl.lua", SCRIPT:format("second"))
    ork({ "apply", "etl.lua" }, { ok = true })
    ork({ "pool", "db", "3", "--new" }, { ok = true })
    sh.write(dir .. "/good", "")
    ork({ "run", "etl", "-q" }, { ok = true })
    os.remove(dir .. "/good")
    assert.equal(1, ork({ "run", "etl", "-q" }).code)
  end

  --- What people see of a database, without what is about the database itself.
  local function seen(url)
    local all = {}
    for _, args in ipairs({ { "runs" }, { "show", "last" }, { "show", "etl~1" }, { "show", "last", "load" }, { "tasks", "last" }, { "output", "last", "extract" },
      { "logs", "last", "load" }, { "versions", "etl" }, { "schedule" }, { "pool" }, { "workflows" } }) do
      local line = table.move(args, 1, #args, 1, {})
      if args[1] ~= "logs" and args[1] ~= "output" then line[#line + 1] = "--json" end
      line[#line + 1], line[#line + 2] = "--db", url
      local r = ork(line)
      all[#all + 1] = ("%s -> %d\n%s"):format(table.concat(args, " "), r.code, r.out)
    end
    return table.concat(all, "\n")
  end

  local function works_on(url, data)
    local where = { "--db", url, "--data", data }
    local function on(...) return table.move(where, 1, #where, select("#", ...) + 1, { ... }) end
    assert.matches("trying", ork(on("logs", "last", "load"), { ok = true }).out)
    sh.write(dir .. "/good", "")
    local r = ork(on("retry", "last"))
    assert.equal(0, r.code, r.err)
    assert.matches("success", r.err .. r.out)
    assert.equal("success", sh.json(ork(on("show", "last", "--json"), { ok = true }).out).status)
    ork(on("run", "etl", "-q"), { ok = true })
    assert.equal(3, #sh.json(ork(on("runs", "--json"), { ok = true }).out))
    assert.equal(0, ork(on("db", "check")).code)
    os.remove(dir .. "/good")
  end

  it("copies a history, which then goes on as the original would", function()
    make_history()
    local copy = dir .. "/new/copy.db"
    local r = ork({ "db", "copy", db, copy })
    assert.equal(2, r.code)
    assert.matches("copy sqlite:" .. db .. " (2 runs, 6 tasks) to sqlite:" .. copy .. "? There is no terminal to ask on: add --yes", r.err, 1, true)
    assert.is_false(sh.exists(copy))

    r = ork({ "db", "copy", db, copy, "--yes" }, { ok = true })
    assert.matches("^copied %d+ rows of %d+ tables to sqlite:" .. copy:gsub("%p", "%%%0") .. "; counts and checksums of both agree\n$", r.out)
    assert.matches("\ntasks: 6 rows\n", r.err, 1, true)
    assert.matches("\nworkflow_versions: 2 rows\n", r.err, 1, true)
    assert.matches("comparing both\nlog files were not copied: they stay in " .. dir .. "/.ork/logs", r.err, 1, true)
    assert.equal(seen(db), seen(copy))
    works_on(copy, dir .. "/new")

    r = ork({ "db", "copy", db, copy, "--yes" })
    assert.same({ 2, "" }, { r.code, r.out })
    assert.matches("is not empty (rows: agents 2, pools 1, workflows 1, ", r.err, 1, true)
  end)

  it("prints a document", function()
    make_history()
    local r = ork({ "db", "copy", ".ork/ork.db", "sqlite:other.db", "--yes", "--json", "-q" }, { ok = true })
    local document = sh.json(r.out)
    assert.same({ "sqlite:" .. db, "sqlite:" .. dir .. "/other.db", false, 0, dir .. "/.ork/logs" },
      { document.from, document.to, document.resumed, document.unfinished_runs, document.logs })
    local rows = 0
    for _, each in ipairs(document.tables) do
      assert.equal(32, #each.checksum)
      rows = rows + each.rows
    end
    assert.equal(document.rows, rows)
    assert.equal("", r.err)
  end)

  it("writes one line over on a terminal", function()
    make_history()
    local pty = require "tests.lib.pty"
    local t = pty.open({ sh.ork_path(), "db", "copy", "--", ".ork/ork.db", "other.db", cwd = dir, cols = 120 })
    t:expect("copy sqlite:.ork/ork.db %(2 runs, 6 tasks%) to sqlite:other.db%? %[y/N%]")
    t:send("y\n")
    assert.equal(0, (t:wait()))
    assert.matches("copied %d+ rows", t:text())
    assert.is_nil(t:text():find("tasks: 6 rows", 1, true))
  end)

  --- So many that a copy takes a while.
  local function make_large()
    make_history()
    sh.sql(db, [[WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
      INSERT INTO tasks (id, run_id, task_index, status, task_name, executor_type, logs)
      SELECT randomblob(16), (SELECT id FROM runs LIMIT 1), i, 'success', 't' || i, 'process', hex(randomblob(50)) FROM n]])
  end

  it("goes on after it was stopped and after it was killed", function()
    make_large()
    local copy = dir .. "/other.db"
    local p = sh.spawn_ork({ "db", "copy", db, copy, "--yes" }, { cwd = dir })
    p:wait_line("^runs: 2 rows$")
    p:signal("sigint")
    local r = p:wait()
    assert.equal(130, r.code)
    assert.matches("ork: stopped; the same command goes on where it was\n$", r.err)
    assert.equal(0, sh.sql(copy, "SELECT count(*) AS n FROM schedulers WHERE state = 'live'")[1].n)

    r = ork({ "run", "etl", "--db", copy })
    assert.equal(2, r.code)
    assert.matches(copy .. " is half of a copy of sqlite:" .. db .. ": go on with `ork db copy`, the same two named, or use another database", r.err, 1, true)
    r = ork({ "pool", "db", "9", "--db", copy })
    assert.matches("is half of a copy", r.err, 1, true)

    p = sh.spawn_ork({ "db", "copy", db, copy, "--yes", "--verbose" }, { cwd = dir })
    sh.wait_until(dir, function() return sh.sql(copy, "SELECT progress FROM copies")[1].progress:find('"table":"tasks"', 1, true) end)
    p:signal("sigkill")
    p:wait()
    r = ork({ "db", "check", "--db", copy })
    assert.equal(3, r.code)
    assert.matches("this database is half of a copy of sqlite:" .. db, r.out, 1, true)
    local had = sh.sql(copy, "SELECT count(*) AS n FROM tasks")[1].n
    assert.is_true(had > 0)
    local document = sh.json(ork({ "db", "copy", db, copy, "--yes", "--json", "-q" }, { ok = true }).out)
    assert.is_true(document.resumed)
    assert.equal(119997, sh.sql(copy, "SELECT count(*) AS n FROM tasks")[1].n)
    assert.equal(0, ork({ "db", "check", "--db", copy }).code)
  end)

  it("keeps everybody away meanwhile, and stays away from what is alive", function()
    make_large()
    local p = sh.spawn_ork({ "db", "copy", db, "other.db", "--yes" }, { cwd = dir })
    p:wait_line("^agents: ")
    p:signal("sigstop")
    local r = ork({ "run", "etl" })
    assert.equal(3, r.code)
    assert.matches(" is being copied by process " .. p.pid .. " on [^;]*; wait until that has ended", r.err)
    assert.matches("is being copied by process", ork({ "schedule", "etl", "off" }).err, 1, true)
    assert.matches("is being copied by process", ork({ "db", "copy", db, "third.db", "--yes" }).err, 1, true)
    assert.equal(0, ork({ "runs" }).code)
    p:signal("sigcont")
    assert.equal(0, p:wait().code)

    local serve = sh.spawn_ork({ "serve" }, { cwd = dir })
    serve:wait_line("serving")
    r = ork({ "db", "copy", db, "third.db", "--yes" })
    assert.equal(3, r.code)
    assert.matches("is in use by process " .. serve.pid .. " on .* %(ork serve%); a copy wants it for itself: stop that first", r.err)
    serve:signal("sigterm")
    serve:wait()
    ork({ "db", "copy", db, "third.db", "--yes" }, { ok = true })
  end)

  it("refuses what cannot be meant", function()
    make_history()
    for _, row in ipairs({
      { { "db", "copy" }, 2, "copy what where? ork db copy FROM TO" },
      { { "db", "copy", db }, 2, "copy what where? ork db copy FROM TO" },
      { { "db", "copy", db, "x.db", "--db", "y.db" }, 2, "--db does not go with `db copy`, which names both: ork db copy FROM TO" },
      { { "db", "copy", db, "sqlite::memory:" }, 2, "a database in memory ends with this command; name a file or a server" },
      { { "db", "copy", db, db, "--yes" }, 2, "is both: a copy needs another database" },
      { { "db", "copy", "none.db", "x.db" }, 3, "no Ork database at " .. dir .. "/none.db" },
      { { "db", "copy", db, "x.db", "y.db" }, 2, "is one word too many" },
      { { "db", "status", "x.db" }, 2, "`x.db` is one word too many: ork db status" },
      { { "db", "status", "--yes" }, 2, "--yes goes with `db copy` only" },
      { { "db", "copy", db, "redis:x", "--yes" }, 2, "database URL" },
    }) do
      local r = ork(row[1])
      assert.equal(row[2], r.code, r.err)
      assert.matches(row[3], r.err, 1, true)
    end
    sh.sql(db, "DELETE FROM ork_migrations WHERE version = 21")
    local r = ork({ "db", "copy", db, "x.db", "--yes" })
    assert.equal(2, r.code)
    assert.matches("has schema version 20, this Ork reads version 21; run `ork db migrate` first", r.err, 1, true)
  end)

  it("copies to a server and back, without a word of its password", function()
    if cluster.missing() then return pending(cluster.missing()) end
    make_history()
    local url = cluster.start():database("ork", "s3cret")
    local there = ork({ "db", "copy", db, url, "--yes", "--verbose" }, { ok = true })
    assert.equal(seen(db), seen(url))
    local back = ork({ "db", "copy", url, "back.db", "--yes" }, { ok = true })
    assert.equal(seen(db), seen(dir .. "/back.db"))
    assert.matches("they stay on the hosts that ran the tasks", back.err, 1, true)
    for _, r in ipairs({ there, back, ork({ "db", "copy", db, url, "--yes" }), ork({ "db", "copy", url, "x.db" }) }) do
      assert.is_nil((r.out .. r.err):find("s3cret", 1, true))
    end
    works_on(url, dir .. "/state")
  end)
end)
