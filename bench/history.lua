-- SPDX-License-Identifier: MIT
-- B8: a database with 1,000,000 finished runs against one that is nearly empty: what running and looking costs must not depend on it.
-- The same program, the same commands, in turns; on SQLite, and on PostgreSQL where it is installed.
local cluster = require "bench.cluster"

local CHAIN = [[
local ork = require "ork"
local w = ork.workflow("chain", {})
local last
for i = 1, %d do last = w:task("t" .. i, { command = { "/bin/true" }, depends_on = last and { last } or {} }) end
return w
]]
local ONE = [[
local ork = require "ork"
local w = ork.workflow("one", {})
w:task("t", { command = { "true" } })
return w
]]

--- What differs between a run and its copies, for PostgreSQL; history.c has the same for SQLite.
local COPIES = {
  { "runs", "seed s, n", { id = "n.id", created_at = "n.at", started_at = "n.at", finished_at = "n.at", logical_at = "n.at",
    idempotency_key = "NULL", scheduled_for = "NULL" } },
  { "tasks", "tasks s, n WHERE s.run_id = (SELECT id FROM seed)", { id = "(left(n.id::text, 28) || right(s.id::text, 8))::uuid", run_id = "n.id" } },
  { "task_attempts", "task_attempts s JOIN tasks t ON t.id = s.task_id, n WHERE t.run_id = (SELECT id FROM seed)",
    { task_id = "(left(n.id::text, 28) || right(s.task_id::text, 8))::uuid" } },
  { "run_events", "run_events s, n WHERE s.run_id = (SELECT id FROM seed)", { run_id = "n.id" } },
}

local function fill_postgres(server, name, runs)
  local sql = { "SET synchronous_commit = off", "SET session_replication_role = replica", -- foreign keys are not looked at
    "CREATE TEMP TABLE seed AS SELECT * FROM runs ORDER BY created_at DESC LIMIT 1",
    ("CREATE TEMP TABLE n AS SELECT (left(gen_random_uuid()::text, 28) || '00000000')::uuid AS id, "
      .. "(SELECT created_at FROM seed) - i * interval '1 s' AS at FROM generate_series(1, %d) i"):format(runs) }
  for _, copy in ipairs(COPIES) do
    local table_name, from, changed = table.unpack(copy)
    local columns, values = {}, {}
    local text = server:psql(name, ("SELECT attname FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped"):format(
      table_name))
    for column in text:gmatch("%S+") do
      columns[#columns + 1] = '"' .. column .. '"'
      values[#values + 1] = changed[column] or 's."' .. column .. '"'
    end
    sql[#sql + 1] = ("INSERT INTO %s (%s) SELECT %s FROM %s"):format(table_name, table.concat(columns, ", "), table.concat(values, ", "), from)
  end
  server:psql(name, table.concat(sql, ";\n"))
end

--- A place to run in: dir, and the words that name its database.
local function place(ctx, server, name, runs)
  local dir, words = ctx:tempdir(), {}
  if server then words = { "--db", (server:database(name)) } end
  ctx.write(dir .. "/one.lua", ONE)
  for _ = 1, 20 do ctx:timed({ ctx.ork, "one.lua", "--quiet", table.unpack(words) }, dir) end
  if runs > 0 then
    ctx.say("  making %d runs", runs)
    if server then
      fill_postgres(server, name, runs)
    else
      ctx:timed({ ctx:tool("history"), ".ork/ork.db", runs }, dir)
    end
  end
  if server then
    server:psql(name, "VACUUM ANALYZE") -- as the server does by itself in time
    server:psql(name, "CHECKPOINT")
  end
  return { dir = dir, words = words }
end

local function compare(ctx, where, empty, full, runs)
  local n = ctx.quick and 20 or 100
  local rounds = ctx.rounds or (ctx.quick and 3 or 15)
  local benches = {
    { "chain of " .. n, { "chain.lua", "--quiet", "--new" } },
    { "ork runs", { "runs" } },
    { "ork runs, failed ones", { "runs", "--status", "failed" } },
    { "ork runs, of a workflow", { "runs", "one" } },
    { "ork show last", { "show", "last" } },
    { "ork status", { "status" }, free = true }, -- counts what ended since yesterday: 100,000 of them here
  }
  for _, each in ipairs({ empty, full }) do ctx.write(each.dir .. "/chain.lua", CHAIN:format(n)) end
  for i, each in ipairs(benches) do
    local function run_in(at)
      local argv = table.move(at.words, 1, #at.words, #each[2] + 2, { ctx.ork, table.unpack(each[2]) })
      return function() return ctx:timed(argv, at.dir).wall end
    end
    run_in(empty)()
    run_in(full)()
    local times = i == 1 and rounds or 5 * rounds -- a list takes some milliseconds, of which much else on the machine takes its part
    local us = ctx.rounds_of({ { name = "full", run = run_in(full) }, { name = "empty", run = run_in(empty) } }, times)
    ctx:add({
      bench = "B8", what = ("%s, %d finished runs%s"):format(each[1], runs, where), ours = ctx.median(us.full) / 1000, peer = "20 finished runs",
      peer_value = ctx.median(us.empty) / 1000, unit = " ms", digits = 1, ratio = ctx.paired(us.full, us.empty), target = not each.free and { "<=", 1.1 } or nil,
    })
  end
end

return function(ctx)
  local runs = ctx.quick and 20000 or 1000000
  compare(ctx, "", place(ctx, nil, "empty", 0), place(ctx, nil, "full", runs), runs)
  local server = ctx:peer("psql") and cluster.of(ctx)
  if not server then return end
  compare(ctx, " (PostgreSQL)", place(ctx, server, "empty", 0), place(ctx, server, "full", runs), runs)
end
