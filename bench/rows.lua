-- SPDX-License-Identifier: MIT
-- B3, rows: batches of 2,000 rows of tasks and attempts, as the engine makes them, written by the PostgreSQL store against the same
-- statements from a bare loop over libpq, whose parameters are made beforehand. The same server, in turns, each on a new database.
local cluster = require "bench.cluster"

return function(ctx)
  if not ctx:peer("psql") then return end
  local program = io.open(ctx:tool("rows"))
  if not program then
    ctx.say("rows are not measured: no libpq-dev, or no libork_store.a beside %s", ctx.ork)
    return
  end
  program:close()
  local server = cluster.of(ctx)
  if not server then return end
  local batches, rounds = ctx.quick and 5 or 20, ctx.rounds or (ctx.quick and 2 or 7)
  local function by(how)
    return function()
      local dir = ctx:tempdir()
      local url = server:database("rows")
      ctx:timed({ ctx:tool("rows"), how, url, ctx.root .. "/runtime/store/sql/postgres", batches }, dir)
      assert(server:psql("rows", "SELECT count(*) FROM tasks t JOIN task_attempts a ON a.task_id = t.id WHERE t.status = 'success' AND "
        .. "t.output IS NOT NULL AND a.finished_at IS NOT NULL") == ("%d"):format(batches * 2000), how .. ": rows are missing")
      local rows, ns = ctx.read(dir .. "/.out"):match("(%d+) (%d+)")
      return rows / (ns / 1e9)
    end
  end
  by("store")()
  local rate = ctx.rounds_of({ { name = "store", run = by("store") }, { name = "bare", run = by("bare") } }, rounds)
  ctx:add({
    bench = "B3", what = ("rows to PostgreSQL, %d in batches of 2,000"):format(batches * 10000), ours = ctx.median(rate.store), unit = " rows/s",
    peer = "libpq, same statements", peer_value = ctx.median(rate.bare), ratio = ctx.paired(rate.store, rate.bare), target = { ">=", 0.8 },
  })
end
