-- SPDX-License-Identifier: MIT
-- B9: one task that writes a gigabyte to stdout. Nothing copies it: the task writes its log itself, so it should be no slower than
-- what hands it to `cat >file`, and the scheduler should not notice how much it was.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("output", {})
w:task("print", { command = %q })
return w
]]

return function(ctx)
  local megabytes = ctx.quick and 64 or 1024
  local rounds = ctx.rounds or (ctx.quick and 2 or 5)
  local PRINT = "yes 'a line of a log that nobody reads' | head -c %d"

  --- Each begins with nothing left to write back, and takes its gigabyte away again.
  local function clean(run)
    os.execute("sync")
    local dir = ctx:tempdir()
    local used = run(dir)
    os.execute(("rm -rf '%s'"):format(dir))
    return used
  end
  local resident = {}
  local function ork(bytes)
    return clean(function(dir)
      ctx.write(dir .. "/output.lua", SCRIPT:format(PRINT:format(bytes)))
      local used = ctx:timed({ ctx.ork, "output.lua", "--quiet" }, dir)
      resident[bytes] = math.max(resident[bytes] or 0, used.rss)
      return used.wall
    end)
  end
  local function shell(into)
    return clean(function(dir) return ctx:timed({ "sh", "-c", PRINT:format(megabytes << 20) .. into }, dir).wall end)
  end

  local wall = ctx.rounds_of({
    { name = "ork", run = function() return ork(megabytes << 20) end },
    { name = "nothing", run = function() return ork(0) end },
    { name = "cat", run = function() return shell(" | cat >out") end },
    { name = "direct", run = function() return shell(" >out") end },
  }, rounds)

  local function rate(list) return megabytes * 1e6 / ctx.median(list) end
  local function compare(name, peer, target)
    ctx:add({
      bench = "B9", what = ("%d MB of output"):format(megabytes), ours = rate(wall.ork), peer = peer, peer_value = rate(wall[name]),
      unit = " MB/s", ratio = ctx.paired(wall[name], wall.ork), target = target,
    })
  end
  compare("cat", "cat >file", { ">=", 0.8 })
  compare("direct", ">file")
  ctx:add({
    bench = "B9", what = ("memory of ork, %d MB of output"):format(megabytes), ours = resident[megabytes << 20] / 1024, digits = 1,
    peer = "no output", peer_value = resident[0] / 1024, unit = " MB", ratio = resident[megabytes << 20] / resident[0],
    target = { "<=", 1.5 },
  })
end
