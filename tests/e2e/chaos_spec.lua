-- SPDX-License-Identifier: MIT
-- Three schedulers on one PostgreSQL server, and everything fails at random (tests/lib/chaos.lua). Every run ends well, every task runs
-- once, no limit is exceeded at any instant, and nobody but its owner writes a run. What is seen is seen from outside: each process
-- appends its start and its end to one file, and triggers note which session wrote what.
local chaos = require "tests.lib.chaos"
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local LIMITS = { active = 5, parallel = 3, slots = 3 }

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("chaos", { max_active_runs = %d, max_parallel = %d })
local db = ork.pool("db", %d)
local layers, wide = %d, 5
local before
for layer = 1, layers do
  local now = {}
  for i = 1, wide do
    now[i] = w:task(("t%%d_%%d"):format(layer, i), {
      command = { "sh", "-c", 'echo "S $ORK_RUN_ID $ORK_TASK_NAME $ORK_ATTEMPT $$ $SLOTS" >> ran.log; sleep 0.' .. (layer * 7 + i * 3) %% 4 + 1 ..
        '; echo "E $ORK_RUN_ID $ORK_TASK_NAME $ORK_ATTEMPT $$ $SLOTS" >> ran.log' },
      env = { SLOTS = i == 1 and "1" or i == 2 and "2" or "0" },
      pool = i == 1 and db or i == 2 and { db, slots = 2 } or nil,
      depends_on = before and { before[i], before[i %% wide + 1] } or nil,
    })
  end
  before = now
end
return w
]]

--- Who writes what, by the name of the session, and whose the run is at that instant.
local AUDIT = [[
CREATE TABLE audit (id bigserial PRIMARY KEY, run_id uuid NOT NULL, who text NOT NULL, owner text, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('application_name') LIKE 'ork %' THEN
    INSERT INTO audit (run_id, who, owner, what)
    SELECT NEW.run_id, current_setting('application_name'), 'ork ' || r.scheduler_id, TG_ARGV[0] FROM runs r WHERE r.id = NEW.run_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON run_events FOR EACH ROW EXECUTE FUNCTION note('event');
CREATE TRIGGER note AFTER UPDATE ON tasks FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION note('task');
CREATE TRIGGER done AFTER UPDATE ON tasks FOR EACH ROW WHEN (OLD.status <> 'success' AND NEW.status = 'success') EXECUTE FUNCTION note('success');
CREATE TRIGGER lost AFTER UPDATE ON tasks FOR EACH ROW WHEN (OLD.status = 'success' AND NEW.status <> 'success') EXECUTE FUNCTION note('undone');
]]

--- Most of something at one instant, by the order in which the file was written.
local function most(lines, weight)
  local now, top = 0, 0
  for _, line in ipairs(lines) do
    now = now + (line.what == "S" and 1 or -1) * weight(line)
    top = math.max(top, now)
  end
  return top
end

local function read_log(path)
  local lines = {}
  for what, run, task, attempt, pid, slots in sh.read(path):gmatch("(%u) (%S+) (%S+) (%d+) (%d+) (%d+)\n") do
    lines[#lines + 1] = { what = what, run = run, task = task, attempt = tonumber(attempt), pid = pid, slots = tonumber(slots) }
  end
  return lines
end

describe("three schedulers on one server", function()
  after_each(sh.cleanup)

  local function check_processes(lines, tasks, say)
    local starts, ends, n = {}, {}, 0
    for _, line in ipairs(lines) do
      local key = line.run .. " " .. line.task
      local t = line.what == "S" and starts or ends
      assert.is_nil(t[key], say(key .. " ran twice: attempts " .. tostring(t[key]) .. " and " .. line.attempt))
      t[key] = line.attempt
      n = n + 1
    end
    assert.equal(2 * tasks, n, say("starts and ends of processes"))
    local of_run = {}
    for _, line in ipairs(lines) do
      of_run[line.run] = of_run[line.run] or {}
      table.insert(of_run[line.run], line)
    end
    for run, its in pairs(of_run) do
      local top = most(its, function() return 1 end)
      assert.is_true(top <= LIMITS.parallel, say(("%d processes of run %s at once"):format(top, run)))
    end
    local used = most(lines, function(line) return line.slots end)
    assert.is_true(used <= LIMITS.slots, say(("%d slots of the pool used at once"):format(used)))
  end

  local function check_rows(sql, runs, tasks, say)
    assert.equal(("success|%d"):format(runs), sql("SELECT status, count(*) FROM runs GROUP BY status"), say "runs")
    assert.equal(("success|1|%d"):format(tasks), sql("SELECT status, attempt, count(*) FROM tasks GROUP BY 1, 2"), say "tasks")
    assert.equal(("success|%d"):format(tasks), sql("SELECT status, count(*) FROM task_attempts GROUP BY status"), say "attempts")
    assert.equal("", sql("SELECT run_id, count(*) FROM audit WHERE what = 'success' GROUP BY 1 HAVING count(*) <> " .. tasks // runs), say "successes")
    assert.equal("", sql("SELECT run_id, at, data FROM run_events GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT 5"), say "stored twice")
    assert.equal("0", sql("SELECT count(*) FROM audit WHERE what = 'undone'"), say "successes that were taken back")
    assert.equal("", sql("SELECT run_id, who, owner, what FROM audit WHERE owner IS NOT NULL AND who <> owner LIMIT 5"), say "written by another")
    -- each owner's writes are together: who lost a run never writes it again
    assert.equal("", sql([[
      SELECT run_id, who FROM (SELECT run_id, who, lag(who) OVER (PARTITION BY run_id ORDER BY id) AS before FROM audit) a
      WHERE who IS DISTINCT FROM before GROUP BY run_id, who HAVING count(*) > 1 LIMIT 5]]), say "owners in turn")
    local active = tonumber(sql([[
      SELECT max(n) FROM (SELECT (SELECT count(*) FROM runs b WHERE b.started_at <= a.started_at AND b.finished_at > a.started_at) AS n
                          FROM runs a) c]]))
    assert.is_true(active <= LIMITS.active, say(active .. " runs at once"))
    assert.equal("0", sql("SELECT count(*) FROM runs WHERE scheduler_id IS NOT NULL"), say "owned at the end")
    assert.equal("", sql("SELECT pool, used FROM pool_use WHERE used <> 0"), say "slots held at the end")
  end

  local function run(runs, layers, seconds)
    local dir = sh.tempdir()
    local seed = tonumber(os.getenv("ORK_TEST_SEED")) or os.time()
    local tasks = runs * layers * 5
    local server = cluster.start()
    local url = server:database("ork")
    local function sql(text) return server:psql("ork", text) end
    sh.write(dir .. "/chaos.lua", SCRIPT:format(LIMITS.active, LIMITS.parallel, LIMITS.slots, layers))
    sh.write(dir .. "/ran.log", "")
    sh.ork({ "apply", "chaos.lua", "--db", url }, { cwd = dir, ok = true })
    sql(AUDIT)
    local c = chaos.new({ cluster = server, dir = dir, database = "ork", servers = 3, seed = seed })
    local function say(what) return ("%s (ORK_TEST_SEED=%d; %s)\n%s"):format(what, seed, c:describe(), c:logs()) end
    c:trigger("chaos", runs, seconds * 0.6)
    c:rage(seconds)
    c:calm()
    server:ready()
    local ended, failure = pcall(c.drive, c, function()
      return sql("SELECT count(*) FROM runs WHERE status IN ('pending', 'running', 'paused')") == "0"
    end, 180)
    assert.is_true(ended, say("runs that do not end: " .. tostring(failure) .. "\n" .. sql([[
      SELECT r.id, r.status, r.scheduler_id, s.state, s.host, (SELECT string_agg(DISTINCT t.status || ' ' || coalesce(a.host, ''), ', ')
        FROM tasks t LEFT JOIN task_attempts a ON a.task_id = t.id WHERE t.run_id = r.id)
      FROM runs r LEFT JOIN schedulers s ON s.id = r.scheduler_id WHERE r.status <> 'success']]) .. "\n" .. sql("SELECT * FROM pool_use")))
    c:stop()
    assert.same({}, c.strange, say "schedulers")
    check_rows(sql, runs, tasks, say)
    check_processes(read_log(dir .. "/ran.log"), tasks, say)
    sh.wait_until(dir, function() return #sh.processes(dir) == 0 end)
    print(("# chaos: seed %d, %d runs, %d tasks; %s"):format(seed, runs, tasks, c:describe()))
  end

  it("for a short time", function()
    if cluster.missing() then return pending(cluster.missing()) end
    run(8, 2, 10)
  end)

  it("for two minutes", function()
    if not os.getenv("ORK_TEST_LONG") then return pending("long: script/test --long") end
    if cluster.missing() then return pending(cluster.missing()) end
    run(100, 4, 120)
  end)
end)
