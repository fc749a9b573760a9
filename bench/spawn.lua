-- SPDX-License-Identifier: MIT
-- B1: independent tasks that do nothing, four at a time. Ork makes each start and each end durable; the others keep nothing.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("spawn", {})
for i = 1, %d do w:task("t" .. i, { command = { "/bin/true" } }) end
return w
]]

local function numbers(n, format)
  local lines = {}
  for i = 1, n do lines[i] = format:gsub("#", tostring(i)) end
  return table.concat(lines)
end

return function(ctx)
  local n = ctx.quick and 300 or 5000
  local rounds = ctx.rounds or (ctx.quick and 2 or 5)

  local contestants = {
    { name = "ork", run = function()
      local dir = ctx:tempdir()
      ctx.write(dir .. "/spawn.lua", SCRIPT:format(n))
      return ctx:timed({ ctx.ork, "spawn.lua", "--jobs", "4", "--quiet" }, dir).wall
    end },
  }
  local function compare(name, file, text, argv)
    if not ctx:peer(name) then return end
    contestants[#contestants + 1] = { name = name, run = function()
      local dir = ctx:tempdir()
      ctx.write(dir .. "/" .. file, text)
      return ctx:timed(argv, dir).wall
    end }
  end
  compare("xargs", "list", numbers(n, "#\n"), { "xargs", "-a", "list", "-P4", "-n1", "/bin/true" })
  compare("make", "Makefile", "all: " .. numbers(n, "t# ") .. "\n.PHONY: all " .. numbers(n, "t# ") .. "\n"
    .. numbers(n, "t#:\n\t@/bin/true\n"), { "make", "-j4", "-s" })
  compare("ninja", "build.ninja", "rule t\n  command = /bin/true\n" .. numbers(n, "build t#: t\n"), { "ninja", "-j4", "--quiet" })

  local wall = ctx.rounds_of(contestants, rounds)
  local targets = { xargs = { ">=", 1.2 }, make = { ">=", 0.9 }, ninja = { ">=", 1.5 } }
  local function rate(list) return n * 1e6 / ctx.median(list) end
  for i = 2, #contestants do
    local peer = contestants[i].name
    ctx:add({
      bench = "B1", what = ("spawn %d"):format(n), ours = rate(wall.ork), peer = peer .. (peer == "xargs" and " -P4" or " -j4"),
      peer_value = rate(wall[peer]), unit = "/s", ratio = ctx.paired(wall[peer], wall.ork), target = targets[peer],
    })
  end
end
