-- SPDX-License-Identifier: MIT
-- B2: a chain, where each task waits for the one before: what does it cost to make every step durable? The measure is one
-- fdatasync of 4 KiB on the same disk in the same round.
local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("hop", {})
local last
for i = 1, %d do last = w:task("t" .. i, { command = { "/bin/true" }, depends_on = last and { last } or {} }) end
return w
]]

return function(ctx)
  local n = ctx.quick and 50 or 500
  local rounds = ctx.rounds or (ctx.quick and 2 or 7)

  local contestants = {
    { name = "ork", run = function()
      local dir = ctx:tempdir()
      ctx.write(dir .. "/hop.lua", SCRIPT:format(n))
      return ctx:timed({ ctx.ork, "hop.lua", "--quiet" }, dir).wall / n
    end },
    { name = "bare", run = function() return ctx:timed({ ctx:tool("chain"), n, "/bin/true" }, ctx:tempdir()).wall / n end },
    { name = "sync", run = function()
      local dir = ctx:tempdir()
      ctx:timed({ ctx:tool("sync"), "file", ctx.quick and 100 or 500 }, dir)
      local file <close> = assert(io.open(dir .. "/.out"))
      return file:read("n")
    end },
  }
  if ctx:peer("ninja") then
    contestants[#contestants + 1] = { name = "ninja", run = function()
      local dir, lines = ctx:tempdir(), { "rule t\n  command = /bin/true\n" }
      for i = 1, n do lines[#lines + 1] = ("build t%d: t %s\n"):format(i, i > 1 and "t" .. i - 1 or "") end
      ctx.write(dir .. "/build.ninja", table.concat(lines))
      return ctx:timed({ "ninja", "-j4", "--quiet" }, dir).wall / n
    end }
  end

  local us = ctx.rounds_of(contestants, rounds)
  local what = ("chain of %d"):format(n)
  local added = {}
  for i = 1, rounds do added[i] = us.ork[i] - us.bare[i] end
  ctx:add({
    bench = "B2", what = what .. ", added per hop", ours = ctx.median(added), peer = "fdatasync 4 KiB",
    peer_value = ctx.median(us.sync), unit = " µs", ratio = ctx.paired(added, us.sync), target = { "<=", 2.5 },
  })
  ctx:add({
    bench = "B2", what = what .. ", per hop", ours = ctx.median(us.ork), peer = "posix_spawn + wait",
    peer_value = ctx.median(us.bare), unit = " µs", ratio = ctx.paired(us.ork, us.bare),
  })
  if us.ninja then
    ctx:add({
      bench = "B2", what = what .. ", per hop", ours = ctx.median(us.ork), peer = "ninja",
      peer_value = ctx.median(us.ninja), unit = " µs", ratio = ctx.paired(us.ork, us.ninja), target = { "<", 1 },
    })
  end
end
