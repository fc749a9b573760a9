-- SPDX-License-Identifier: MIT
-- B5: graphs of a thousand to a million tasks, each after three earlier ones: what does a task cost as they become many?
--
-- `plan` loads the script, checks the graph and prints its levels. `store` makes a run of it, whose first task has a `when`
-- that is false: so every task is inserted, decided (skipped) and updated, and no process starts. `core` is the scheduler
-- core alone, walking every task from ready to success.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("scale", { params = { go = { type = "bool", default = false } } })
local tasks = { w:task("t1", { command = { "true" }, when = { w.params.go, "==", true } }) }
for i = 2, %d do
  local after = { tasks[1], tasks[math.random(i - 1)], tasks[math.random(i - 1)] }
  tasks[i] = w:task("t" .. i, { command = { "true" }, depends_on = after })
end
return w
]]

local function folder(ctx, n)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/scale.lua", SCRIPT:format(n))
  return dir
end

--- What one more task costs, in µs: the whole command less the command for one task.
local function measure(ctx, n, argv, rounds)
  local used = ctx.rounds_of({
    { name = "many", run = function() return ctx:timed(argv, folder(ctx, n)).wall end },
    { name = "one", run = function() return ctx:timed(argv, folder(ctx, 1)).wall end },
  }, rounds)
  return (ctx.median(used.many) - ctx.median(used.one)) / n
end

local function label(n) return n >= 1000000 and ("%dM"):format(n // 1000000) or ("%dk"):format(n // 1000) end

--- Compares each size with the first. limits: by size.
local function compare(ctx, what, sizes, values, limits)
  for i = 2, #sizes do
    ctx:add({
      bench = "B5", what = ("%s, %s tasks"):format(what, label(sizes[i])), ours = values[i], unit = " µs", digits = 2,
      peer = ("itself, %s"):format(label(sizes[1])), peer_value = values[1], ratio = values[i] / values[1],
      target = limits[sizes[i]] and { "<=", limits[sizes[i]] },
    })
  end
end

local function core_alone(ctx, sizes, limits)
  local program = io.open(ctx:tool("scale"))
  if not program then
    ctx.say("the core alone is not measured: no libork_core.a beside %s", ctx.ork)
    return
  end
  program:close()
  local values, bytes = {}, nil
  for i, n in ipairs(sizes) do
    local runs = {}
    for round = 1, n >= 1000000 and 1 or 5 do
      local dir = ctx:tempdir()
      ctx:timed({ ctx:tool("scale"), n }, dir)
      local file <close> = assert(io.open(dir .. "/.out"))
      local ns, definition, state = file:read("n", "n", "n")
      runs[round], bytes = ns / 1000, definition + state
    end
    values[i] = ctx.median(runs)
  end
  compare(ctx, "core", sizes, values, limits)
  ctx:add({
    bench = "B5", what = ("core memory per task, %s"):format(label(sizes[#sizes])), ours = bytes, unit = " B",
    peer = "the limit", peer_value = 200, ratio = bytes / 200, target = { "<=", 1 },
  })
end

local function engine_time(ctx, n)
  local dir = folder(ctx, n)
  ctx:timed({ ctx.ork, "scale.lua", "--quiet" }, dir)
  ctx:timed({ ctx.ork, "runs", "--json" }, dir)
  local file <close> = assert(io.open(dir .. "/.out"))
  local function at(text)
    local d, h, m, s = text:match("(%d+)T(%d+):(%d+):([%d.]+)")
    return ((tonumber(d) * 24 + tonumber(h)) * 60 + tonumber(m)) * 60 + tonumber(s)
  end
  local text = file:read("a")
  return at(text:match('"finished_at":"([^"]+)"')) - at(text:match('"created_at":"([^"]+)"'))
end

return function(ctx)
  local sizes = ctx.quick and { 1000, 10000 } or { 1000, 10000, 100000, 1000000 }
  local limits = { [10000] = 1.3, [100000] = 1.3, [1000000] = 2 }
  core_alone(ctx, sizes, limits)

  local plan, store = {}, {}
  for i, n in ipairs(sizes) do
    local rounds = ctx.rounds or (n <= 10000 and 5 or n <= 100000 and 3 or 1)
    ctx.say("  %s tasks", label(n))
    plan[i] = measure(ctx, n, { ctx.ork, "plan", "scale.lua" }, rounds)
    store[i] = measure(ctx, n, { ctx.ork, "scale.lua", "--quiet" }, rounds)
  end
  compare(ctx, "load, validate, plan", sizes, plan, limits)
  compare(ctx, "load, validate, store, decide", sizes, store, limits)

  local n = ctx.quick and 10000 or 100000
  local seconds = engine_time(ctx, n)
  ctx:add({
    bench = "B5", what = ("store and decide %s, created to finished"):format(label(n)), ours = seconds, unit = " s", digits = 2,
    peer = "the limit", peer_value = 1, ratio = seconds, target = { "<=", 1 },
  })
end
