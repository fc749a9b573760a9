-- SPDX-License-Identifier: MIT
-- Several programs on one database: they do not adopt each other's runs, never see a lock, and a stopped one that was overtaken does no harm.
local sh = require "tests.lib.sh"

describe("several ork on one database", function()
  after_each(sh.cleanup)

  it("four at once: four runs, each carried out once, no message about locks", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/four.lua", [[
      local ork = require "ork"
      local w = ork.workflow("four", { params = { who = { type = "str", default = "x" } } })
      local last
      for i = 1, 30 do
        local t = w:task("t" .. i, { command = 'echo "$ORK_RUN_ID $ORK_TASK_NAME" >> ran', depends_on = i % 3 == 0 and last or nil })
        last = t
      end
      return w
    ]])
    sh.ork({ "db", "migrate", "--db", "sqlite:" .. dir .. "/ork.db" }, { cwd = dir, ok = true })
    local ps = {}
    for i = 1, 4 do ps[i] = sh.spawn_ork({ "four.lua", "--db", "sqlite:" .. dir .. "/ork.db", "--jobs", "2" }, { cwd = dir }) end
    for i = 1, 4 do
      local r = ps[i]:wait(60)
      assert.equal(0, r.code, r.out .. r.err)
      assert.is_nil((r.out .. r.err):lower():find("locked"), r.err)
      assert.is_nil((r.out .. r.err):lower():find("busy"), r.err)
    end
    assert.same({ { n = 4 } }, sh.sql(dir .. "/ork.db", "SELECT count(*) AS n FROM runs WHERE status='success'"))
    assert.same({ { n = 120, once = 1 } }, sh.sql(dir .. "/ork.db", "SELECT count(*) AS n, max(attempt) AS once FROM tasks WHERE status='success'"))
    local seen, n = {}, 0
    for line in sh.read(dir .. "/ran"):gmatch("[^\n]+") do
      assert.is_nil(seen[line], "ran twice: " .. line)
      seen[line], n = true, n + 1
    end
    assert.equal(120, n)
  end)

  it("says that another program has locked the database, and goes on when that lets go", function()
    local dir = sh.tempdir()
    local db = dir .. "/ork.db"
    sh.write(dir .. "/a.lua", 'local w = require("ork").workflow("w") w:task("a", { command = "true" }) return w')
    sh.ork({ "db", "migrate", "--db", "sqlite:" .. db }, { cwd = dir, ok = true })
    local holder = sh.spawn({ "sqlite3", db }, { cwd = dir, keep_stdin = true })
    holder.stdin:write("BEGIN IMMEDIATE;\nSELECT 'held';\n")
    holder:wait_line("held")
    local p = sh.spawn_ork({ "a.lua", "--quiet", "--db", db }, { cwd = dir })
    p:wait_line("^warning store: " .. (db:gsub("%p", "%%%0")) .. " is locked by another program; waiting for it$")
    holder:close_stdin()
    assert.equal(0, p:wait().code)
    holder:wait()
  end)

  it("one key, four programs at once: one run, and all four end with its status", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/key.lua", [[
      local ork = require "ork"
      local w = ork.workflow("key")
      w:task("a", { command = "echo x >> ran; sleep 0.2" })
      return w
    ]])
    sh.ork({ "db", "migrate", "--db", "sqlite:" .. dir .. "/ork.db" }, { cwd = dir, ok = true })
    local ps = {}
    for i = 1, 4 do ps[i] = sh.spawn_ork({ "key.lua", "--db", "sqlite:" .. dir .. "/ork.db", "--key", "k1" }, { cwd = dir }) end
    for i = 1, 4 do
      local r = ps[i]:wait(60)
      assert.equal(0, r.code, r.out .. r.err)
    end
    assert.equal("x\n", sh.read(dir .. "/ran"))
    assert.same({ { n = 1 } }, sh.sql(dir .. "/ork.db", "SELECT count(*) AS n FROM runs"))
  end)

  it("one is stopped, overtaken and continued: it stores nothing, kills nothing, and says what happened", function()
    local dir = sh.tempdir()
    local db = dir .. "/ork.db"
    sh.write(dir .. "/stop.lua", [[
      local ork = require "ork"
      local w = ork.workflow("stop")
      local a = w:task("a", { command = 'echo x >> ran.a; echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done' })
      local b = w:task("b", { command = 'echo x >> ran.b; while [ ! -e go2 ]; do sleep 0.02; done', depends_on = a })
      w:task("c", { command = { "true" }, depends_on = b })
      return w
    ]])
    local first = sh.spawn_ork({ "stop.lua", "--db", "sqlite:" .. db }, { cwd = dir })
    sh.wait_file(dir .. "/pid")
    first:wait_line("a +running") -- it is stored: there is nothing that could be refused
    first:signal("sigstop")
    -- Whoever overtakes a scheduler marks it dead; on SQLite only a free lock allows that, so the test does it by hand.
    sh.sql(db, "UPDATE schedulers SET state='dead'")
    local second = sh.spawn_ork({ "stop.lua", "--db", "sqlite:" .. db }, { cwd = dir })
    second:wait_line("going on with")
    sh.write(dir .. "/go", "")
    sh.wait_file(dir .. "/ran.b")
    first:signal("sigcont")
    local r1 = first:wait(60)
    assert.truthy((r1.out .. r1.err):find("took over") or (r1.out .. r1.err):find("taken over"), r1.out .. r1.err)
    assert.not_equal(0, r1.code)
    sh.write(dir .. "/go2", "")
    local r2 = second:wait(60)
    assert.equal(0, r2.code, r2.out .. r2.err)
    assert.equal("x\n", sh.read(dir .. "/ran.a"))
    assert.equal("x\n", sh.read(dir .. "/ran.b"))
    assert.same({ { n = 3 } }, sh.sql(db, "SELECT count(*) AS n FROM tasks WHERE status='success' AND attempt=1"))
  end)

  it("a value the database refuses fails its task alone", function()
    local dir = sh.tempdir()
    local db = dir .. "/ork.db"
    sh.ork({ "db", "migrate", "--db", "sqlite:" .. db }, { cwd = dir, ok = true })
    sh.sql(db, [[CREATE TRIGGER poison BEFORE UPDATE ON tasks WHEN NEW.output LIKE '%poison%'
                 BEGIN SELECT RAISE(ABORT, 'this database takes no poison'); END]])
    sh.write(dir .. "/poison.lua", [[
      local ork = require "ork"
      local w = ork.workflow("poison")
      local bad = w:task("bad", { command = "echo 'ORK_OUTPUT:{\"x\":\"poison\"}'" })
      for i = 1, 20 do w:task("good" .. i, { command = "echo x >> ran." .. i .. "; echo 'ORK_OUTPUT:{\"x\":" .. i .. "}'" }) end
      w:task("after", { command = { "true" }, depends_on = bad })
      return w
    ]])
    local r = sh.ork({ "poison.lua", "--db", "sqlite:" .. db }, { cwd = dir })
    assert.equal(1, r.code, r.out .. r.err)
    assert.same({ { task_name = "bad", kind = "output" } }, sh.sql(db, "SELECT task_name, kind FROM tasks WHERE status='failed'"))
    assert.truthy(sh.sql(db, "SELECT error FROM tasks WHERE task_name='bad'")[1].error:find("takes no poison"))
    assert.same({ { n = 20 } }, sh.sql(db, "SELECT count(*) AS n FROM tasks WHERE status='success' AND attempt=1"))
    assert.same({ { task_name = "after" } }, sh.sql(db, "SELECT task_name FROM tasks WHERE status='skipped'"))
    for i = 1, 20 do assert.equal("x\n", sh.read(dir .. "/ran." .. i)) end
  end)
end)
