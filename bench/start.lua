-- SPDX-License-Identifier: MIT
-- B4: the whole command for a script of one task. Warm: the database and the agent are there. Cold: an empty folder.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("start", {})
w:task("only", { command = { "true" } })
return w
]]

--- The interpreter itself, not a script that looks for one.
local function interpreter(ctx)
  local debian = io.open("/usr/bin/python3")
  if debian then
    debian:close()
    return "/usr/bin/python3"
  end
  return ctx:peer("python3")
end

return function(ctx)
  local rounds = ctx.rounds or (ctx.quick and 5 or 25)
  local function ork_in(dir)
    return ctx:timed({ ctx.ork, "start.lua", "--quiet" }, dir).wall
  end
  local function folder()
    local dir = ctx:tempdir()
    ctx.write(dir .. "/start.lua", SCRIPT)
    return dir
  end

  local warm = folder()
  ork_in(warm)
  local contestants = {
    { name = "warm", run = function() return ork_in(warm) end },
    { name = "cold", run = function() return ork_in(folder()) end },
    { name = "lua5.4", run = function() return ctx:timed({ "lua5.4", "-e", "os.execute('true')" }, ctx.dir).wall end },
  }
  local python = interpreter(ctx)
  if python then
    contestants[#contestants + 1] = { name = "python3", run = function() return ctx:timed({ python, "-c", "pass" }, ctx.dir).wall end }
  end

  local us = ctx.rounds_of(contestants, rounds)
  local function compare(mine, peer, command, target)
    if not us[peer] then return end
    ctx:add({
      bench = "B4", what = ("one task, %s"):format(mine), ours = ctx.median(us[mine]) / 1000, peer = command,
      peer_value = ctx.median(us[peer]) / 1000, unit = " ms", digits = 1, ratio = ctx.paired(us[mine], us[peer]),
      target = target,
    })
  end
  compare("warm", "python3", "python3 -c pass", { "<", 1 })
  compare("cold", "python3", "python3 -c pass", { "<=", 2 })
  compare("warm", "lua5.4", "lua5.4 -e os.execute")
end
