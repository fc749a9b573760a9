-- SPDX-License-Identifier: MIT
-- B6: `ork serve` with 1,000 schedules that are not due: how often does it wake up, how often does it ask its database, and how
-- much memory does it keep? Counted from outside: system calls by strace, context switches by the kernel.
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

return function(ctx)
  local seconds = ctx.quick and 3 or 60
  local dir = ctx:tempdir()
  ctx.write(dir .. "/idle.lua", SCRIPT)
  ctx:timed({ ctx.ork, "apply", "idle.lua" }, dir)
  local pipe = assert(io.popen(("cd %s && exec sh -c 'echo $$; exec %s serve' 2>serve.log"):format(quote(dir), ctx.ork)))
  local pid = assert(pipe:read("n"))
  repeat os.execute("sleep 0.1") until ctx.read(dir .. "/serve.log"):find("serving")
  os.execute("sleep 2") -- the first look at all of them
  local before = switches(ctx, pid)
  local calls = system_calls(ctx, pid, seconds, dir)
  if not calls then os.execute("sleep " .. seconds) end
  local woken, rss = switches(ctx, pid) - before, ctx.status_of(pid, "VmRSS") / 1024
  os.execute("kill " .. pid)
  pipe:close()
  ctx:add({
    bench = "B6", what = ("1,000 schedules idle for %d s, wake-ups"):format(seconds), ours = calls and 0 or woken, unit = "", peer = "the limit",
    peer_value = 0, ratio = calls and 0 or woken, target = { "<=", 0 },
  })
  if calls then
    ctx:add({
      bench = "B6", what = ("1,000 schedules idle for %d s, system calls"):format(seconds), ours = calls, unit = "", peer = "the limit",
      peer_value = 0, ratio = calls, target = { "<=", 0 },
    })
  end
  ctx:add({
    bench = "B6", what = "memory of serve, 1,000 schedules", ours = rss, unit = " MB", digits = 2, peer = "the limit", peer_value = 10,
    ratio = rss / 10, target = { "<=", 1 },
  })
end
