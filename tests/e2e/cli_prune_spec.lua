-- SPDX-License-Identifier: MIT
-- `ork prune`: cleaning up, by the real program; killed, on many rows, beside running workflows.
local sh = require "tests.lib.sh"

local TWO = [[
local ork = require "ork"
local a, b = ork.workflow("alpha"), ork.workflow("beta")
for _, w in ipairs{ a, b } do
  w:task("x", { command = "echo 123456789" })
  w:task("y", { command = "true" })
end
return a, b
]]

describe("ork prune", function()
  local dir, db
  before_each(function()
    dir = sh.tempdir()
    db = dir .. "/.ork/ork.db"
    sh.write(dir .. "/two.lua", TWO)
  end)
  after_each(sh.cleanup)

  local function ork(args, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    return sh.ork(args, opts)
  end
  local function count(query) return sh.sql(db, "SELECT (SELECT " .. query .. ") AS n")[1].n end
  local function folders()
    local n = 0
    for _ in sh.run({ "ls", dir .. "/.ork/logs" }).out:gmatch("[^\n]+") do n = n + 1 end
    return n
  end

  it("removes what is old, keeps the newest, asks first and tells what went", function()
    for _ = 1, 3 do ork({ "two.lua", "--all", "--new", "-q" }, { ok = true }) end
    ork({ "two.lua", "beta", "--new", "-q" }, { ok = true })
    sh.sql(db, "UPDATE runs SET created_at = '2020-01-01T00:00:0' || rowid || '.000Z', finished_at = '2020-01-02T00:00:00.000Z' WHERE rowid <= 4")

    local r = ork({ "prune", "--older-than", "2", "--yes" })
    assert.same({ 2, "ork: --older-than is an age with its unit, like 30d or 12h, not `2`\n" }, { r.code, r.err })
    r = ork({ "prune", "--older-than", "30d" })
    assert.equal(2, r.code)
    assert.matches("remove 4 finished runs of 2 workflows (8 tasks)?", r.err, 1, true)
    assert.matches("add --yes", r.err, 1, true)
    assert.equal(7, count("count(*) FROM runs"))

    r = ork({ "prune", "--older-than", "30d", "--dry-run" }, { ok = true })
    assert.matches("^would remove 4 runs, 8 tasks, %d+ bytes of logs\n  alpha: 2 runs, 4 tasks\n  beta: 2 runs, 4 tasks\n$", r.out)
    assert.same({ 7, 7 }, { count("count(*) FROM runs"), folders() })

    r = ork({ "prune", "--older-than", "30d", "--keep", "2", "--yes", "--json" }, { ok = true })
    local document = sh.json(r.out)
    assert.same({ 3, 6, 0 }, { document.runs, document.tasks, document.logs_left })
    assert.is_true(document.log_bytes > 0)
    assert.same({ 4, 4 }, { count("count(*) FROM runs"), folders() })

    r = ork({ "prune", "--keep", "1", "--workflow", "beta", "-y" }, { ok = true })
    assert.matches("^removed 1 run, 2 tasks, ", r.out)
    assert.same({ 2, 1 }, { count("count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name = 'alpha'"),
      count("count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name = 'beta'") })
    r = ork({ "prune", "--older-than", "9000d" }, { ok = true })
    assert.same({ "", "nothing to remove\n" }, { r.out, r.err })
  end)

  it("never touches what runs, and works beside it", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = "touch started; read x <fifo" })
w:task("b", { command = "true", depends_on = { "a" } })
return w
]])
    sh.run({ "mkfifo", dir .. "/fifo" })
    ork({ "two.lua", "alpha", "-q" }, { ok = true })
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    local r = ork({ "prune", "--keep", "0", "--yes" }, { ok = true })
    assert.matches("^removed 1 run, ", r.out)
    sh.write(dir .. "/fifo", "go\n")
    assert.equal(0, p:wait().code)
    assert.same({ { name = "slow", status = "success" } },
      sh.sql(db, "SELECT w.name, r.status FROM runs r JOIN workflows w ON w.id = r.workflow_id"))
  end)

  --- So many runs of two tasks, made by SQL; some have log folders.
  local function many(runs)
    ork({ "two.lua", "alpha", "-q" }, { ok = true })
    sh.sql(db, ([[
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
INSERT INTO runs (id, workflow_id, snapshot_id, status, created_at, finished_at, tasks_total)
SELECT randomblob(16), (SELECT id FROM workflows), (SELECT id FROM workflow_snapshots LIMIT 1), 'success', '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:01.000Z', 2
FROM n;
INSERT INTO tasks (id, run_id, task_index, status, task_name, executor_type)
SELECT randomblob(16), r.id, t.i, 'success', 't' || t.i, 'process'
FROM runs r, (SELECT 0 AS i UNION SELECT 1) t WHERE r.rowid > 1;
COMMIT]]):format(runs))
    local ids = sh.sql(db, "SELECT lower(hex(id)) AS id FROM runs WHERE rowid > 1 LIMIT 40")
    for _, row in ipairs(ids) do
      local id = row.id:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)", "%1-%2-%3-%4-")
      sh.run({ "mkdir", dir .. "/.ork/logs/" .. id })
      sh.write(dir .. "/.ork/logs/" .. id .. "/0.1.log", "x")
    end
  end

  it("removes a hundred thousand rows a part at a time, in bounded memory", function()
    many(30000)
    local limit = os.getenv("ORK_TEST_ASAN") and "" or "ulimit -v 400000; " -- the sanitizers reserve terabytes
    local r = sh.run({ "/bin/bash", "-c", limit .. 'exec "$0" prune --older-than 1d --yes', sh.ork_path() }, { cwd = dir, timeout = 120 })
    assert.equal(0, r.code, r.err)
    assert.matches("^removed 30000 runs, 60000 tasks, 40 bytes of logs\n$", r.out)
    assert.same({ 1, 2, 1 }, { count("count(*) FROM runs"), count("count(*) FROM tasks"), folders() })
  end)

  it("goes on where it was killed", function()
    many(8000)
    local killed = 0
    repeat
      local before = count("count(*) FROM tasks")
      local p = sh.spawn_ork({ "prune", "--older-than", "1d", "--yes" }, { cwd = dir })
      sh.wait_until(dir .. "/.ork", function() return p.code or count("count(*) FROM tasks") < before end)
      if not p.code then
        p:kill()
        killed = killed + 1
      end
      assert.equal(0, count("count(*) FROM pragma_foreign_key_check"))
      -- what is left of each run is whole, or marked and found by nobody
      assert.equal(0, count("count(*) FROM runs r WHERE deleted_at IS NULL AND (SELECT count(*) FROM tasks WHERE run_id = r.id) <> 2"))
    until count("count(*) FROM tasks") == 2
    assert.is_true(killed > 0)
    ork({ "prune", "--older-than", "1d" }, { ok = true }) -- nothing to ask: only what was left behind
    assert.same({ 1, 0, 1 }, { count("count(*) FROM runs"), count("count(*) FROM run_remains"), folders() })
    assert.matches("^success", ork({ "two.lua", "alpha", "--new" }, { ok = true }).out)
    assert.equal("no damage found\n", ork({ "db", "check" }, { ok = true }).out)
  end)

  it("ends at Ctrl-C after the part under way, and says so", function()
    many(8000)
    local p = sh.spawn_ork({ "prune", "--older-than", "1d", "--yes" }, { cwd = dir })
    sh.wait_until(dir .. "/.ork", function() return count("count(*) FROM tasks") < 16002 end)
    p:signal("sigint")
    local r = p:wait()
    assert.equal(130, r.code, r.err)
    local done = tonumber(r.err:match("interrupted after (%d+) runs; what is removed is gone, the rest is as it was\n"))
    assert.is_true(done > 0 and done < 8000, r.err)
    r = ork({ "prune", "--older-than", "1d", "--yes", "--json" }, { ok = true })
    assert.equal(8000, done + sh.json(r.out).runs)
  end)

  it("shares the work when two do it at once, beside runs that start and end", function()
    many(4000)
    local first = sh.spawn_ork({ "prune", "--older-than", "1d", "--yes", "--json" }, { cwd = dir })
    local second = sh.spawn_ork({ "prune", "--older-than", "1d", "--yes", "--json" }, { cwd = dir })
    for _ = 1, 3 do ork({ "two.lua", "beta", "--new", "-q" }, { ok = true }) end
    local a, b = first:wait(60), second:wait(60)
    assert.same({ 0, 0 }, { a.code, b.code }, a.err .. b.err)
    assert.equal(4000, sh.json(a.out).runs + sh.json(b.out).runs)
    assert.equal(8000, sh.json(a.out).tasks + sh.json(b.out).tasks)
    assert.same({ 4, 0, 4 }, { count("count(*) FROM runs"), count("count(*) FROM run_remains"), folders() })
  end)

  it("removes definitions nobody refers to any more, and no version", function()
    ork({ "apply", "two.lua" }, { ok = true })
    sh.write(dir .. "/two.lua", TWO .. "-- changed\n")
    ork({ "two.lua", "alpha", "-q" }, { ok = true })
    assert.equal(3, count("count(*) FROM workflow_snapshots"))
    local r = ork({ "prune", "--keep", "0", "--yes", "--json" }, { ok = true })
    assert.equal(1, sh.json(r.out).definitions)
    assert.equal(2, count("count(*) FROM workflow_snapshots"))
    ork({ "run", "alpha", "-q" }, { ok = true })
  end)
end)
