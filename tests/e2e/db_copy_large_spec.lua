-- SPDX-License-Identifier: MIT
-- `ork db copy` of a history that has grown, to a server; then the copy is worked with. 3,000 tasks; 1,000,000 among the long tests.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("etl", {})
w:task("extract", { command = "echo '{\"n\":1.50}' >$ORK_OUTPUT_FILE" })
w:task("load", { command = "test -e good || exit 3", depends_on = { "extract" } })
w:task("tell", { command = "echo done", depends_on = { "load" } })
return w
]]

local OF_RUN = "(SELECT id FROM runs ORDER BY created_at DESC LIMIT 1)"
local NEW = "CAST(printf('%012d', n.i) || CAST(x'00000000' AS TEXT) AS BLOB)"
--- What differs between the newest run and its copies, each a second older than the one before.
local COPIES = {
  { "task_attempts", "WHERE s.task_id IN (SELECT id FROM tasks WHERE run_id = " .. OF_RUN .. ")",
    { task_id = "CAST(printf('%012d', n.i) || substr(s.task_id, 13) AS BLOB)" } },
  { "tasks", "WHERE s.run_id = " .. OF_RUN, { id = "CAST(printf('%012d', n.i) || substr(s.id, 13) AS BLOB)", run_id = NEW } },
  { "run_events", "WHERE s.run_id = " .. OF_RUN, { run_id = NEW } },
  { "runs", "WHERE s.id = " .. OF_RUN, { id = NEW, created_at = "strftime('%Y-%m-%dT%H:%M:%fZ', s.created_at, '-' || n.i || ' seconds')" } },
}

local function multiply(db, n)
  local sql = { "PRAGMA synchronous = OFF", "BEGIN" }
  for _, copy in ipairs(COPIES) do
    local columns, values = {}, {}
    for i, column in ipairs(sh.sql(db, ("SELECT name FROM pragma_table_info('%s')"):format(copy[1]))) do
      columns[i], values[i] = '"' .. column.name .. '"', copy[3][column.name] or 's."' .. column.name .. '"'
    end
    sql[#sql + 1] = ("INSERT INTO %s (%s) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %s FROM n, %s s %s"):format(
      copy[1], table.concat(columns, ", "), n, table.concat(values, ", "), copy[1], copy[2])
  end
  sql[#sql + 1] = "COMMIT"
  local r = sh.run({ "sqlite3", db, table.concat(sql, ";\n") }, { timeout = 600 })
  assert.equal(0, r.code, r.err)
end

describe("ork db copy of a large history", function()
  after_each(sh.cleanup)

  it("to a server, where it goes on", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local runs = os.getenv("ORK_TEST_LONG") and 333333 or 999
    local dir = sh.tempdir()
    local db = dir .. "/.ork/ork.db"
    local function ork(args)
      local env = os.getenv("ORK_TEST_ASAN") and { ASAN_OPTIONS = "detect_leaks=0" } or nil -- as db_copy_spec.lua says
      return sh.ork(args, { cwd = dir, timeout = 1800, env = env })
    end
    sh.write(dir .. "/etl.lua", SCRIPT)
    assert.equal(1, ork({ "etl.lua", "-q" }).code)
    multiply(db, runs)
    assert.equal(3 * (runs + 1), sh.sql(db, "SELECT count(*) AS n FROM tasks")[1].n)

    local url = cluster.start():database("large")
    local began = os.time()
    local r = ork({ "db", "copy", db, url, "--yes" })
    assert.equal(0, r.code, r.err)
    if runs > 1000 then io.stderr:write(("copied and compared %d tasks in %d s\n"):format(3 * (runs + 1), os.time() - began)) end
    assert.matches("counts and checksums of both agree", r.out, 1, true)
    assert.matches(("\ntasks: %d rows\n"):format(3 * (runs + 1)), r.err, 1, true)

    local function on(...) return table.move({ "--db", url, "--data", dir .. "/state" }, 1, 4, select("#", ...) + 1, { ... }) end
    local function list(...) return sh.json(ork(on("runs", "--json", ...)).out) end
    assert.equal(20, #list("--limit", "20"))
    assert.equal(20, #list("--limit", "20", "--status", "failed"))
    assert.equal(0, #list("--status", "success"))
    sh.write(dir .. "/good", "")
    r = ork(on("retry", "last"))
    assert.equal(0, r.code, r.err)
    assert.equal(1, #list("--status", "success"))
    r = ork(on("retry", "etl~500", "-q")) -- one that exists as rows alone: its script is in its snapshot
    assert.equal(0, r.code, r.err)
    assert.equal(0, ork(on("etl.lua", "-q")).code)
    assert.equal(0, ork(on("db", "check")).code)
  end)
end)
