-- SPDX-License-Identifier: MIT
-- B6: `ork serve` with 1,000 schedules that are not due: how often does it wake up, how often does it ask its database, and how
-- much memory does it keep? Counted from outside: system calls by strace, context switches by the kernel, on PostgreSQL statements by
-- the server.
local cluster = require "bench.cluster"

local SCRIPT = [[
local ork = require "ork"
local all = {}
for i = 1, 1000 do
  local w = ork.workflow(("idle%04d"):format(i), { schedule = { cron = ("%d %d 29 2 *"):format(i % 60, i % 24), timezone = "Europe/Berlin" } })
  w:task("t", { command = { "true" } })
  all[i] = w
end
return table.unpack(all)
]]

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Times any of its threads gave the processor away.
local function switches(ctx, pid)
  local n = 0
  local pipe <close> = assert(io.popen("ls /proc/" .. pid .. "/task"))
  for thread in pipe:lines() do
    for count in ctx.read(("/proc/%d/task/%s/status"):format(pid, thread)):gmatch("ctxt_switches:%s*(%d+)") do n = n + tonumber(count) end
  end
  return n
end

--- System calls of all its threads during so many seconds; nil without strace.
local function system_calls(ctx, pid, seconds, dir)
  if not ctx:peer("strace") then return nil end
  os.execute(("timeout %d strace -f -qq -o %s/calls -p %d 2>/dev/null"):format(seconds, quote(dir), pid))
  local n = 0
  for line in ctx.read(dir .. "/calls"):gmatch("[^\n]+") do
    -- what it slept in when strace came and went is none: it neither began nor ended
    if not line:find("resum", 1, true) and not line:find("<", 1, true) and line:find("%(") then n = n + 1 end
  end
  return n
end

--- `ork serve` on that many schedules, after its first look at all of them and at their history. words: those that name the database.
local function serve(ctx, words)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/idle.lua", SCRIPT)
  ctx:timed({ ctx.ork, "apply", "idle.lua", table.unpack(words) }, dir)
  local more = ""
  for _, word in ipairs(words) do more = more .. " " .. quote(word) end
  local command = "cd %s && exec env ORK_RETENTION_MS=100 sh -c 'echo $$; exec \"$0\" serve \"$@\"' %s %s 2>serve.log"
  local pipe = assert(io.popen(command:format(quote(dir), quote(ctx.ork), more)))
  local pid = assert(pipe:read("n"))
  repeat os.execute("sleep 0.1") until ctx.read(dir .. "/serve.log"):find("serving")
  os.execute("sleep 2")
  return pid, pipe, dir
end

local function add(ctx, what, value, limit, more)
  local row = { bench = "B6", what = what, ours = value, unit = "", peer = "the limit", peer_value = limit, ratio = limit > 0 and value / limit or value,
    target = { "<=", limit > 0 and 1 or 0 } }
  for key, each in pairs(more or {}) do row[key] = each end
  ctx:add(row)
end

local function on_sqlite(ctx, seconds)
  local pid, pipe, dir = serve(ctx, {})
  local before = switches(ctx, pid)
  local calls = system_calls(ctx, pid, seconds, dir)
  if not calls then os.execute("sleep " .. seconds) end
  local woken, rss = switches(ctx, pid) - before, ctx.status_of(pid, "VmRSS") / 1024
  os.execute("kill " .. pid)
  pipe:close()
  add(ctx, ("1,000 schedules idle for %d s, wake-ups"):format(seconds), calls and 0 or woken, 0)
  if calls then add(ctx, ("1,000 schedules idle for %d s, system calls"):format(seconds), calls, 0) end
  add(ctx, "memory of serve, 1,000 schedules", rss, 10, { unit = " MB", digits = 2 })
end

local COUNT = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'idle'"

local WHICH = "SELECT calls, left(query, 100) FROM pg_stat_statements ORDER BY calls DESC LIMIT 12"

--- Counted from another database, so that looking is not counted.
local function on_postgres(ctx, seconds)
  local server = ctx:peer("psql") and cluster.of(ctx)
  if not server then return end
  server:psql("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
  local pid, pipe, dir = serve(ctx, { "--db", (server:database("idle")) })
  server:psql("postgres", "SELECT pg_stat_statements_reset()")
  os.execute("sleep " .. seconds)
  local statements, rss = tonumber(server:psql("postgres", COUNT)), ctx.status_of(pid, "VmRSS") / 1024
  if statements > math.max(seconds // 5, 1) then
    ctx.say("%s", server:psql("postgres", WHICH))
    ctx.say("%s", ctx.read(dir .. "/serve.log"))
  end
  os.execute("kill " .. pid)
  pipe:close()
  add(ctx, ("1,000 schedules idle for %d s on PostgreSQL, statements"):format(seconds), statements, math.max(seconds // 5, 1))
  add(ctx, "memory of serve on PostgreSQL, 1,000 schedules", rss, 16, { unit = " MB", digits = 2 })
end

return function(ctx)
  local seconds = ctx.quick and 3 or 60
  on_sqlite(ctx, seconds)
  on_postgres(ctx, seconds)
end
