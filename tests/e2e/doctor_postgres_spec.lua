-- SPDX-License-Identifier: MIT
-- ork doctor and ork db check on PostgreSQL: what they find where all is well, and what they say about each thing that can be wrong.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local SCRIPT = 'local w = require("ork").workflow("etl")\nw:task("hi", { command = "echo hi" })\nreturn w\n'

describe("ork doctor on PostgreSQL", function()
  if cluster.missing() then
    it("looks at a server", function() pending(cluster.missing()) end)
    return
  end

  local dir, server, url
  before_each(function()
    dir = sh.tempdir()
    server = cluster.start()
    url = server:database("ork", "s3cret")
    sh.write(dir .. "/etl.lua", SCRIPT)
    sh.ork({ "etl.lua", "-q", "--db", url }, { cwd = dir, ok = true, env = { ASAN_OPTIONS = "detect_leaks=0" } })
  end)
  after_each(sh.cleanup)

  local function ork(args, as)
    local r = sh.ork({ args[1], table.unpack(args, 2) }, { cwd = dir, env = { ORK_DATABASE_URL = as or url, ASAN_OPTIONS = "detect_leaks=0" } })
    assert.is_nil((r.out .. r.err):find("s3cret", 1, true)) -- whatever it says
    return r
  end

  --- The findings by name, and the exit code.
  local function findings(as)
    local r = ork({ "doctor", "--json" }, as)
    local document = sh.json(r.out)
    assert.equal(document.ok and 0 or 3, r.code)
    local by_name = {}
    for _, each in ipairs(document.checks) do by_name[each.name] = each end
    return by_name
  end

  local function expect(found, name, state, text, hint)
    local each = assert(found[name], "nothing about " .. name)
    assert.equal(state, each.state, each.text)
    assert(each.text:find(text), each.text)
    if hint then assert(each.hint:find(hint), each.hint) end
  end

  it("finds nothing wrong where nothing is", function()
    local found = findings()
    local newest = server:psql("ork", "SELECT max(version) FROM ork_migrations")
    expect(found, "database", "ok", "^postgres://ork@.* %(schema " .. newest .. ", PostgreSQL [%d.]+, [%d.]+ MB%)$")
    expect(found, "server clock", "ok", "^as this one")
    expect(found, "connections", "ok", "^%d+ in use, %d+ left$")
    expect(found, "rights", "ok", "^reads, writes and migrates$")
    expect(found, "vacuum", "ok", "^the server keeps up$")
    assert.is_nil(found.sessions)
  end)

  it("tells what a role may not do", function()
    server:psql("ork", "CREATE ROLE guest LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest; GRANT INSERT ON runs TO guest")
    local guest = url:gsub("//ork:s3cret@", "//guest@")
    expect(findings(guest), "rights", "problem", "lacks rights on tables: agents %(INSERT, UPDATE, DELETE%).*, runs %(UPDATE, DELETE%)", "GRANT ALL")
    server:psql("ork", "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")
    expect(findings(guest), "rights", "warning", "may not create tables: a new version of Ork cannot migrate", "GRANT CREATE")
  end)

  it("tells how few connections are left", function()
    server:psql("ork", "CREATE ROLE few LOGIN CONNECTION LIMIT 4; GRANT ALL ON ALL TABLES IN SCHEMA public TO few")
    expect(findings((url:gsub("//ork:s3cret@", "//few@"))), "connections", "warning", "^3 left, and a scheduler takes up to 10", "pool_size")
  end)

  it("tells what should be cleaned up", function()
    server:psql("ork", "ALTER TABLE run_events SET (autovacuum_enabled = false)")
    server:psql("ork", "INSERT INTO run_events (run_id, seq, at, data) SELECT id, n, now(), '[]' FROM runs, generate_series(100, 20100) n")
    server:psql("ork", "SELECT pg_stat_force_next_flush()") -- what is counted is told
    expect(findings(), "vacuum", "warning", "old statistics in run_events", "VACUUM %(ANALYZE%) run_events;")
    server:psql("ork", "VACUUM ANALYZE")
    expect(findings(), "vacuum", "ok", "keeps up")
    server:psql("ork", "ALTER SYSTEM SET autovacuum = off")
    server:psql("ork", "SELECT pg_reload_conf()")
    expect(findings(), "vacuum", "warning", "does not clean up by itself", "autovacuum = on")
  end)

  it("tells of a database of an older or a newer Ork", function()
    server:psql("ork", "DELETE FROM ork_migrations WHERE version > 20")
    expect(findings(), "database", "warning", "schema version 20", "ork db migrate")
    server:psql("ork", "INSERT INTO ork_migrations VALUES (999, 'later', 'x', now())")
    expect(findings(), "database", "problem", "newer Ork")
  end)

  it("tells of a server that is not there", function()
    server.server:signal("sigint")
    server.server:wait()
    expect(findings(), "database", "problem", "postgres://ork@")
  end)

  it("ork db check prints what contradicts itself, and how it is mended", function()
    local r = ork({ "db", "check" })
    assert.same({ 0, "no damage found\n" }, { r.code, r.out })
    server:psql("ork", "UPDATE tasks SET status = 'running'")
    r = ork({ "db", "check" })
    assert.equal(3, r.code)
    assert.matches("run %x+ is success but 1 of its tasks are not finished\n  %-> `ork retry RUN` goes on with them", r.out)
    server:psql("ork", "UPDATE runs SET status = 'running'")
    r = ork({ "db", "check" })
    assert.equal(0, r.code)
    assert.matches("no damage found\nrun %x+ is running and nobody owns it\n  %-> `ork resume RUN` goes on with it", r.out)
    assert.is_true(sh.json(ork({ "db", "check", "--json" }).out).ok)
  end)
end)
