-- SPDX-License-Identifier: MIT
-- B8: a database with 1,000,000 finished runs against one that is nearly empty: what running and looking costs must not depend on it.
-- The same program, the same commands, in turns.
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

local function folder(ctx, runs)
  local dir = ctx:tempdir()
  ctx.write(dir .. "/one.lua", ONE)
  for _ = 1, 20 do ctx:timed({ ctx.ork, "one.lua", "--quiet" }, dir) end
  if runs > 0 then
    ctx.say("  making %d runs", runs)
    ctx:timed({ ctx:tool("history"), ".ork/ork.db", runs }, dir)
  end
  return dir
end

return function(ctx)
  local runs = ctx.quick and 20000 or 1000000
  local n = ctx.quick and 20 or 100
  local rounds = ctx.rounds or (ctx.quick and 3 or 15)
  local empty, full = folder(ctx, 0), folder(ctx, runs)
  local benches = {
    { "chain of " .. n, { "chain.lua", "--quiet", "--new" } },
    { "ork runs", { "runs" } },
    { "ork runs, failed ones", { "runs", "--status", "failed" } },
    { "ork runs, of a workflow", { "runs", "one" } },
    { "ork show last", { "show", "last" } },
    { "ork status", { "status" }, free = true }, -- counts what ended since yesterday: 100,000 of them here
  }
  for _, dir in ipairs({ empty, full }) do ctx.write(dir .. "/chain.lua", CHAIN:format(n)) end
  for _, each in ipairs(benches) do
    local argv = { ctx.ork, table.unpack(each[2]) }
    local function in_dir(dir)
      return function() return ctx:timed(argv, dir).wall end
    end
    in_dir(empty)()
    in_dir(full)()
    local us = ctx.rounds_of({ { name = "full", run = in_dir(full) }, { name = "empty", run = in_dir(empty) } }, rounds)
    ctx:add({
      bench = "B8", what = ("%s, %d finished runs"):format(each[1], runs), ours = ctx.median(us.full) / 1000, peer = "20 finished runs",
      peer_value = ctx.median(us.empty) / 1000, unit = " ms", digits = 1, ratio = ctx.paired(us.full, us.empty), target = not each.free and { "<=", 1.1 } or nil,
    })
  end
end
