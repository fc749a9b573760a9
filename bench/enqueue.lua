-- SPDX-License-Identifier: MIT
-- B7: from asking for a run to the first instruction of its task. In process: a program starts runs of its own. By serve: another
-- process triggers it, `ork serve` hears of it and starts the task. Both clocks are CLOCK_MONOTONIC.
local DRIVER = [[
local uv = require "luv"
local how, rounds = arg[1], tonumber(arg[2])
local now = function() return uv.hrtime() // 1000 end
if how == "inside" then
  local ork = require "ork"
  local db = assert(ork.open("sqlite:.ork/ork.db"))
  local w = ork.workflow("inside", {})
  w:task("t", { command = { arg[3], "stamps" } })
  for _ = 1, rounds do
    print(now())
    assert(assert(db:start(w)):wait() == "success")
  end
  db:close()
else
  local core = require "ork.core"
  local engine = assert(core.open({ url = "sqlite:.ork/ork.db" }))
  local w = assert(engine:workflow("enqueue"))
  for _ = 1, rounds do
    print(now())
    local id = assert(engine:trigger(w, { params = "{}" }))
    assert(engine:wait(id, -1) == "success")
  end
  engine:close()
end
]]

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("enqueue", {})
w:task("t", { command = { %q, "stamps" } })
return w
]]

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function numbers(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = math.tointeger(tonumber(line)) end
  return list
end

local function drive(ctx, dir, how, rounds)
  local folder = ctx.ork:match("^(.*)/")
  local ok = os.execute(("cd %s && env LUA_PATH_5_4=%s LUA_CPATH_5_4=%s ORK_AGENT=%s lua5.4 driver.lua %s %d %s >begun 2>driver.log"):format(
    quote(dir), quote(ctx.root .. "/lua/?.lua;" .. ctx.root .. "/lua/?/init.lua;;"), quote(folder .. "/lib/?.so;;"),
    quote(folder .. "/ork-agent"), how, rounds, quote(ctx:tool("stamp"))))
  if not ok then
    local file <close> = io.open(dir .. "/driver.log")
    error("the driver failed: " .. (file and file:read("a") or ""), 0)
  end
  local begun, stamps, took = numbers(dir .. "/begun"), numbers(dir .. "/stamps"), {}
  assert(#begun == rounds and #stamps == rounds, "a stamp is missing")
  for i = 1, rounds do took[i] = (stamps[i] - begun[i]) / 1000 end
  return took
end

return function(ctx)
  if not os.execute("lua5.4 -e 'require \"luv\"' 2>/dev/null") then
    ctx.say("lua5.4 has no luv: B7 is not measured")
    return
  end
  local rounds = ctx.quick and 20 or 300
  local dir = ctx:tempdir()
  ctx.write(dir .. "/driver.lua", DRIVER)
  ctx.write(dir .. "/enqueue.lua", SCRIPT:format(ctx:tool("stamp")))
  ctx:timed({ ctx.ork, "apply", "enqueue.lua" }, dir)
  local inside = drive(ctx, dir, "inside", rounds)
  os.remove(dir .. "/stamps")
  local pipe = assert(io.popen(("cd %s && exec sh -c 'echo $$; exec %s serve' 2>serve.log"):format(quote(dir), ctx.ork)))
  local pid = assert(pipe:read("n"))
  repeat os.execute("sleep 0.1") until ctx.read(dir .. "/serve.log"):find("serving")
  local served = drive(ctx, dir, "served", rounds)
  os.execute("kill " .. pid)
  pipe:close()
  local function add(what, list, limit, target)
    table.sort(list)
    ctx:add({
      bench = "B7", what = ("%s, p50 of %d (p99 %.2f ms)"):format(what, rounds, list[math.ceil(#list * 0.99)]), ours = ctx.median(list),
      unit = " ms", digits = 2, peer = limit == 4 and "graphile-worker's" or "the limit", peer_value = limit, ratio = ctx.median(list) / limit,
      target = target,
    })
  end
  add("start to task, in process", inside, 1, { "<=", 1 })
  add("trigger to task, by serve", served, 4, { "<", 1 })
end
