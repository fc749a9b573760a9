-- SPDX-License-Identifier: MIT
-- B3: no-op Lua functions in one run, from the first insert to the last result committed, loading of the script by the workers
-- included. On SQLite against a figure; on PostgreSQL against graphile-worker on the same server, in turns, each on a new
-- database: as one process and as two, of which the better one counts.
local cluster = require "bench.cluster"
local graphile = require "bench.graphile"

-- As tasks that the script names one by one, and as the items of one list, which is how people write so many.
local SCRIPTS = {
  tasks = [[
local ork = require "ork"
local w = ork.workflow("functions", {})
for i = 1, %d do w:task("t" .. i, { run = function() end }) end
return w
]],
  items = [[
local ork = require "ork"
local w = ork.workflow("functions", {})
local list = {}
for i = 1, %d do list[i] = i end
w:task("t", { inputs = { n = ork.each(list) }, run = function() end })
return w
]],
}

local SPAN = "SELECT %s, count(*) FROM tasks t JOIN runs r ON r.id = t.run_id WHERE t.status = 'success' AND t.map_count IS NULL"
local SECONDS = {
  sqlite = SPAN:format("(julianday(max(t.finished_at)) - julianday(min(r.created_at))) * 86400"),
  postgres = SPAN:format("extract(epoch FROM max(t.finished_at) - min(r.created_at))"),
}

local function on_sqlite(ctx, kind, tasks)
  local goal, rates, rss = 40000, {}, {}
  for round = 1, ctx.rounds or (ctx.quick and 1 or 3) do
    local dir = ctx:tempdir()
    ctx.write(dir .. "/functions.lua", SCRIPTS[kind]:format(tasks))
    rss[round] = ctx:timed({ ctx.ork, "functions.lua", "--quiet" }, dir).rss
    local pipe = assert(io.popen(("sqlite3 -separator ' ' '%s/.ork/ork.db' \"%s\""):format(dir, SECONDS.sqlite)))
    local seconds, done = pipe:read("n", "n")
    pipe:close()
    assert(done == tasks, "not all of them succeeded")
    rates[round] = tasks / seconds
    ctx.say("B3: %d %s in %.2f s", tasks, kind, seconds)
  end
  ctx:add({
    bench = "B3", what = ("%d functions, %s, SQLite"):format(tasks, kind), ours = ctx.median(rates), unit = " /s", peer = "the goal", peer_value = goal,
    ratio = ctx.median(rates) / goal, target = { ">=", 1 },
  })
  ctx:add({
    bench = "B3", what = ("peak memory of the scheduler, %s"):format(kind), ours = ctx.median(rss) / 1024, unit = " MiB", digits = 1, peer = "the goal", peer_value = 200,
    ratio = ctx.median(rss) / 1024 / 200, target = { "<=", 1 },
  })
end

local function on_postgres(ctx, server, kind, tasks)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/functions.lua", SCRIPTS[kind]:format(tasks))
  local url = server:database("functions")
  ctx:timed({ ctx.ork, "functions.lua", "--quiet", "--db", url }, dir)
  local seconds, done = server:psql("functions", SECONDS.postgres):match("([%d.]+)|(%d+)")
  assert(tonumber(done) == tasks, "not all of them succeeded")
  return tasks / tonumber(seconds)
end

return function(ctx)
  local tasks = ctx.quick and 5000 or 100000
  if ctx:peer("sqlite3") then
    on_sqlite(ctx, "tasks", tasks)
    on_sqlite(ctx, "items", tasks)
  end
  local server = ctx:peer("psql") and cluster.of(ctx)
  if not server then return end
  local dir = graphile.install(ctx)
  if not dir then return end
  local contestants = {}
  for _, kind in ipairs({ "tasks", "items" }) do
    contestants[#contestants + 1] = { name = kind, run = function() return on_postgres(ctx, server, kind, tasks) end }
  end
  for processes = 1, 2 do
    contestants[#contestants + 1] = { name = processes, run = function() return graphile.rate(ctx, dir, server, tasks, processes) end }
  end
  local rate = ctx.rounds_of(contestants, ctx.rounds or (ctx.quick and 1 or 3))
  local best = ctx.median(rate[1]) > ctx.median(rate[2]) and 1 or 2
  for _, kind in ipairs({ "tasks", "items" }) do
    ctx:add({
      bench = "B3", what = ("%d functions, %s, PostgreSQL"):format(tasks, kind), ours = ctx.median(rate[kind]), unit = " /s",
      peer = "graphile-worker, batched", peer_value = ctx.median(rate[best]), ratio = ctx.paired(rate[kind], rate[best]), target = { ">=", 3 },
    })
  end
end
