-- SPDX-License-Identifier: MIT
-- B10: the program with all it loads, stripped; what the agent keeps in memory when it has started a thousand tasks, and a
-- worker that has called a function.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("footprint", {})
for i = 1, %d do w:task("t" .. i, { command = { "true" } }) end
return w
]]

local FUNCTION = [[
local ork = require "ork"
local w = ork.workflow("worker", {})
w:task("look", { run = function()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmHWM:%s*(%d+)")
    if kib then return tonumber(kib) end
  end
end })
return w
]]

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- Bytes of a program or library without symbols.
local function stripped(ctx, path)
  local copy = ctx:tempdir() .. "/stripped"
  assert(os.execute(("strip -o '%s' '%s'"):format(copy, path)), "strip failed; is binutils installed?")
  local file <close> = assert(io.open(copy))
  return file:seek("end")
end

local PROGRAM = { "ork", "ork_postgres.so", "ork_cloud.so", "ork_edit.so" }
local BESIDE = { "ork-agent", "lib/ork/core.so" } -- static, to outlive an update; the engine again, for Lua programs

local function add_up(ctx, folder, names)
  local total = 0
  for _, name in ipairs(names) do
    if exists(folder .. "/" .. name) then
      local bytes = stripped(ctx, folder .. "/" .. name)
      total = total + bytes
      ctx.say("  %-16s %7d bytes", name, bytes)
    else
      ctx.say("  %s is not there and not counted", name)
    end
  end
  return total
end

local function sizes(ctx)
  local folder = ctx.ork:match("^(.*)/")
  local total = add_up(ctx, folder, PROGRAM)
  ctx.say("  beside it:")
  add_up(ctx, folder, BESIDE)
  ctx:add({
    bench = "B10", what = "program and its modules, stripped", ours = total / 1e6, unit = " MB", digits = 2, peer = "the limit",
    peer_value = 3, ratio = total / 3e6, target = { "<=", 1 },
  })
end

local function add_memory(ctx, what, mib, limit)
  ctx:add({
    bench = "B10", what = what, ours = mib, unit = " MB", digits = 2, peer = "the limit", peer_value = limit, ratio = mib / limit,
    target = { "<=", 1 },
  })
end

local function worker(ctx)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/worker.lua", FUNCTION)
  ctx:timed({ ctx.ork, "worker.lua", "--quiet" }, dir)
  local pipe <close> = assert(io.popen(("cd '%s' && '%s' output last look"):format(dir, ctx.ork)))
  add_memory(ctx, "memory of a worker, at most", assert(tonumber(pipe:read("a")), "the worker told nothing") / 1024, 4)
end

return function(ctx)
  sizes(ctx)
  local n = ctx.quick and 100 or 1000
  local dir = ctx:tempdir()
  ctx.write(dir .. "/footprint.lua", SCRIPT:format(n))
  ctx:timed({ ctx.ork, "footprint.lua", "--quiet" }, dir)
  local pid = assert(ctx.agent_of(dir), "the agent is gone before it was measured")
  add_memory(ctx, ("memory of the agent, %d tasks, at most"):format(n), ctx.status_of(pid, "VmHWM") / 1024, 1.5)
  worker(ctx)
end
