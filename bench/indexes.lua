-- SPDX-License-Identifier: MIT
-- What each index costs per row written, and which statements want it: on SQLite in pages of the log, on PostgreSQL in bytes of it, for
-- the life of a run of one task, with the index and without. Counted, not timed. Only when asked for.
local cluster = require "bench.cluster"

local ONE = [[
local ork = require "ork"
local w = ork.workflow("one", {})
w:task("t", { command = { "true" } })
return w
]]

-- Twenty thousand finished runs, as `history` makes them for SQLite.
local FILL = [[
INSERT INTO workflows (id, name, job_name, project) VALUES (md5('w')::uuid, 'w', '', '');
INSERT INTO workflow_snapshots (id, workflow_id, content_hash, tasks_json, created_at) VALUES (md5('s')::uuid, md5('w')::uuid, 'h', '[]', now());
INSERT INTO runs (id, workflow_id, snapshot_id, status, created_at, tasks_total)
  SELECT md5('r' || i)::uuid, md5('w')::uuid, md5('s')::uuid, 'success', now() - i * interval '1 s', 1 FROM generate_series(1, 20000) i;
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, params, created_at)
  SELECT md5('t' || i)::uuid, md5('r' || i)::uuid, 0, 'task', 'process', 'success', '{}', now() FROM generate_series(1, 20000) i;
INSERT INTO task_attempts (task_id, attempt, status) SELECT md5('t' || i)::uuid, 1, 'success' FROM generate_series(1, 20000) i;
VACUUM ANALYZE]]

local LIFE = [[
BEGIN;
%s;
CREATE TEMP TABLE cost ON COMMIT DROP AS SELECT pg_current_wal_insert_lsn() AS at;
DO $$
DECLARE r uuid; t uuid;
BEGIN
  FOR i IN 1..500 LOOP
    r := gen_random_uuid(); t := gen_random_uuid();
    INSERT INTO runs (id, workflow_id, snapshot_id, status, created_at, tasks_total, scheduler_id)
      VALUES (r, md5('w')::uuid, md5('s')::uuid, 'pending', clock_timestamp(), 1, t);
    INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, params, created_at)
      VALUES (t, r, 0, 'task', 'process', 'pending', '{}', now());
    UPDATE runs SET status = 'running', started_at = now() WHERE id = r;
    UPDATE tasks SET status = 'dispatched', attempt = 1 WHERE id = t;
    INSERT INTO task_attempts (task_id, attempt, status) VALUES (t, 1, 'dispatched');
    UPDATE tasks SET status = 'success' WHERE id = t;
    UPDATE task_attempts SET status = 'success' WHERE task_id = t;
    UPDATE runs SET status = 'success', finished_at = now(), scheduler_id = NULL WHERE id = r;
    INSERT INTO run_events (run_id, seq, at, data) VALUES (r, 1, now(), '[]');
  END LOOP;
END $$;
SELECT round((pg_current_wal_insert_lsn() - at) / 500) FROM cost;
ROLLBACK]]

local function on_sqlite(ctx)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/one.lua", ONE)
  ctx:timed({ ctx.ork, "one.lua", "--quiet" }, dir)
  ctx:timed({ ctx:tool("history"), ".ork/ork.db", ctx.quick and 1000 or 20000 }, dir)
  ctx:timed({ ctx:tool("indexes"), ".ork/ork.db", ctx.root .. "/runtime/store/sql/sqlite" }, dir)
  local all, wanted = nil, {}
  for line in ctx.read(dir .. "/.out"):gmatch("[^\n]+") do
    local name, pages, statements = line:match("^(%S+) (%S+)%s*(.*)$")
    all = all or tonumber(pages)
    if name ~= "all" then
      wanted[name] = statements
      ctx:add({
        bench = "indexes", what = name .. " on SQLite", ours = tonumber(pages), unit = " pages", digits = 1, peer = "a run with all of them",
        peer_value = all, ratio = pages / all,
      })
    end
  end
  return wanted
end

local function on_postgres(ctx)
  local server = ctx:peer("psql") and cluster.of(ctx)
  if not server then return end
  local dir = ctx:tempdir()
  local url = server:database("indexes")
  ctx:timed({ ctx.ork, "db", "migrate", "--db", url }, dir)
  for sql in (FILL .. ";"):gmatch("(.-);%s*") do server:psql("indexes", sql) end
  server:psql("postgres", "ALTER SYSTEM SET full_page_writes = off") -- whole pages after a checkpoint are no index's cost
  server:psql("postgres", "SELECT pg_reload_conf()")
  local function cost(change) return tonumber(server:psql("indexes", LIFE:format(change)):match("%d+$")) end
  cost("SELECT 1")
  local all = cost("SELECT 1")
  local names = server:psql("indexes", "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'idx%' ORDER BY 1")
  for name in names:gmatch("%S+") do
    ctx:add({
      bench = "indexes", what = name .. " on PostgreSQL", ours = all - cost("DROP INDEX " .. name), unit = " B", peer = "a run with all of them",
      peer_value = all, ratio = 0,
    })
    local row = ctx.rows[#ctx.rows]
    row.ratio = row.ours / all
  end
  server:psql("postgres", "ALTER SYSTEM RESET full_page_writes")
  server:psql("postgres", "SELECT pg_reload_conf()")
end

return function(ctx)
  local wanted = on_sqlite(ctx)
  on_postgres(ctx)
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do ctx.say("  %s: %s", name, wanted[name] ~= "" and wanted[name] or "wanted by nothing") end
end
