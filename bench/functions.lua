-- SPDX-License-Identifier: MIT
-- B3: no-op Lua functions in one run, on SQLite: from the first insert to the last result committed, loading of the script by
-- the workers included.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("functions", {})
for i = 1, %d do w:task("t" .. i, { run = function() end }) end
return w
]]

local SPAN = "SELECT (julianday(max(t.finished_at)) - julianday(min(r.created_at))) * 86400, count(*) "
  .. "FROM tasks t JOIN runs r ON r.id = t.run_id WHERE t.status = 'success'"

return function(ctx)
  if not ctx:peer("sqlite3") then return end
  local tasks, goal = ctx.quick and 5000 or 100000, 40000
  local rates, rss = {}, {}
  for round = 1, ctx.rounds or (ctx.quick and 1 or 3) do
    local dir = ctx:tempdir()
    ctx.write(dir .. "/functions.lua", SCRIPT:format(tasks))
    rss[round] = ctx:timed({ ctx.ork, "functions.lua", "--quiet" }, dir).rss
    local pipe = assert(io.popen(("sqlite3 -separator ' ' '%s/.ork/ork.db' \"%s\""):format(dir, SPAN)))
    local seconds, done = pipe:read("n", "n")
    pipe:close()
    assert(done == tasks, "not all of them succeeded")
    rates[round] = tasks / seconds
    ctx.say("B3: %d functions in %.2f s", tasks, seconds)
  end
  ctx:add({
    bench = "B3", what = ("%d functions, SQLite"):format(tasks), ours = ctx.median(rates), unit = " /s", peer = "the goal", peer_value = goal,
    ratio = ctx.median(rates) / goal, target = { ">=", 1 },
  })
  ctx:add({
    bench = "B3", what = "peak memory of the scheduler", ours = ctx.median(rss) / 1024, unit = " MiB", digits = 1, peer = "the goal", peer_value = 200,
    ratio = ctx.median(rss) / 1024 / 200, target = { "<=", 1 },
  })
end
