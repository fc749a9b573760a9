-- SPDX-License-Identifier: MIT
-- B10: what is installed, stripped, and what the agent keeps in memory when it has started a thousand tasks.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("footprint", {})
for i = 1, %d do w:task("t" .. i, { command = { "true" } }) end
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

local function sizes(ctx)
  local folder = ctx.ork:match("^(.*)/")
  local total = 0
  for _, name in ipairs({ "ork", "ork-agent", "ork_edit.so", "lib/ork/core.so" }) do
    if exists(folder .. "/" .. name) then
      local bytes = stripped(ctx, folder .. "/" .. name)
      total = total + bytes
      ctx.say("  %-16s %7d bytes", name, bytes)
    else
      ctx.say("  %s is not there and not counted", name)
    end
  end
  ctx:add({
    bench = "B10", what = "program, agent and modules, stripped", ours = total / 1e6, unit = " MB", digits = 2, peer = "the limit",
    peer_value = 3, ratio = total / 3e6, target = { "<=", 1 },
  })
end

return function(ctx)
  sizes(ctx)
  local n = ctx.quick and 100 or 1000
  local dir = ctx:tempdir()
  ctx.write(dir .. "/footprint.lua", SCRIPT:format(n))
  ctx:timed({ ctx.ork, "footprint.lua", "--quiet" }, dir)
  local pid = assert(ctx.agent_of(dir), "the agent is gone before it was measured")
  local peak = ctx.status_of(pid, "VmHWM") / 1024
  ctx:add({
    bench = "B10", what = ("memory of the agent, %d tasks, at most"):format(n), ours = peak, unit = " MB", digits = 2,
    peer = "the limit", peer_value = 1.5, ratio = peak / 1.5, target = { "<=", 1 },
  })
end
