-- SPDX-License-Identifier: MIT
-- soak: 100,000 short tasks over half an hour, in runs of a hundred, one after the other in one program with one agent. Memory and
-- descriptors of both are sampled after each run; what grows with the tasks shows as a last value above the first.
--
-- The first value is taken when a tenth of the time is over and 10,000 tasks are done: the database's cache of 8 MB is full by then.
-- A shorter soak has no verdict about memory.
local DRIVER = [[
local ork = require "ork"
local runs, seconds = tonumber(arg[1]), tonumber(arg[2])

local function workflow()
  local w = ork.workflow("soak", { params = { n = "int" } })
  for i = 1, 60 do w:task("true" .. i, { command = { "true" } }) end
  for i = 1, 20 do
    local from = w:task("out" .. i, { command = { "sh", "-c", "printf 'ORK_OUTPUT:{\"n\":%d}' $0", w.params.n }, output_type = { n = "int" } })
    if i <= 10 then w:task("in" .. i, { command = { "test", from.output.n, "-eq", w.params.n } }) end
  end
  for i = 1, 5 do w:task("again" .. i, { command = "test $ORK_ATTEMPT -gt 1", retries = { limit = 1, delay = "10ms" } }) end
  for i = 1, 5 do w:task("child" .. i, { command = "sleep 100 & exit 0" }) end
  return w
end

local engine = assert(ork.open("sqlite:soak.db"))
local begun = os.time()
for i = 1, runs do
  local run = assert(engine:start(workflow(), { n = i }))
  local status = run:wait()
  if status ~= "success" then error("run " .. i .. " ended as " .. status) end
  run = nil
  collectgarbage()
  collectgarbage()
  print(i)
  io.stdout:flush()
  io.read("l") -- until it was looked at
  local early = begun + seconds * i / runs - os.time()
  if early > 0 then os.execute("sleep " .. early) end
end
engine:close()
]]

local TASKS_PER_RUN = 100
local WARM = 100 -- runs

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Follows one value: what it was first, last and at most.
local function gauge(row)
  return { row = row, see = function(self, value, warm)
    if warm then self.first = self.first or value end
    self.last, self.max = value, math.max(self.max or 0, value)
  end }
end

--- Starts the driver; returns a function that goes to the end of the next run, and one that ends it.
local function start(ctx, dir, runs, seconds)
  local folder = ctx.ork:match("^(.*)/")
  ctx.write(dir .. "/driver.lua", DRIVER)
  assert(os.execute(("mkfifo %s/go"):format(quote(dir))))
  local pipe = assert(io.popen(([[cd %s && exec env LUA_PATH_5_4=%s LUA_CPATH_5_4=%s ORK_AGENT=%s sh -c 'echo $$; exec lua5.4 driver.lua %d %d <>go']])
    :format(quote(dir), quote(ctx.root .. "/lua/?.lua;" .. ctx.root .. "/lua/?/init.lua"), quote(folder .. "/lib/?.so"),
      quote(folder .. "/ork-agent"), runs, seconds)))
  local pid = assert(pipe:read("n"))
  pipe:read("l")
  local go = assert(io.open(dir .. "/go", "w"))
  go:setvbuf("no")
  return { pid = pid, next = function() return tonumber(pipe:read("l") or "") end, go = function() assert(go:write("\n")) end,
    close = function()
      go:close()
      return pipe:close()
    end }
end

return function(ctx)
  local minutes = ctx.minutes or (ctx.quick and 0.2 or 30)
  local runs = math.max(10, math.floor(100000 * minutes / 30 / TASKS_PER_RUN))
  local dir = ctx:tempdir()
  local gauges = {
    gauge { what = "memory of the scheduler", unit = " MB", digits = 2, limit = 1.1 },
    gauge { what = "descriptors of the scheduler", unit = "", limit = 1 },
    gauge { what = "memory of the agent", unit = " MB", digits = 2, limit = 1.1 },
    gauge { what = "descriptors of the agent", unit = "", limit = 1 },
  }
  local warm, long = runs // 10, runs >= 3 * WARM
  if long then warm = math.max(warm, WARM) end
  local driver = start(ctx, dir, runs, math.floor(minutes * 60))
  local agent
  for i = 1, runs do
    if driver.next() ~= i then break end
    local now = ctx.agent_of(dir)
    agent = agent or now
    assert(now and now == agent, "the agent was not the same all the time")
    local values = { ctx.status_of(driver.pid, "VmRSS") / 1024, ctx.descriptors_of(driver.pid), ctx.status_of(agent, "VmRSS") / 1024,
      ctx.descriptors_of(agent) }
    for k, value in ipairs(values) do gauges[k]:see(value, i > warm) end
    if i % math.max(1, runs // 10) == 0 then
      ctx.say("  %d tasks: scheduler %.2f MB, %d descriptors; agent %.2f MB, %d descriptors", i * TASKS_PER_RUN, table.unpack(values))
    end
    driver.go()
  end
  assert(driver.close(), "the runs ended early; see above")
  for _, each in ipairs(gauges) do
    local row = each.row
    ctx:add({
      bench = "soak", what = ("%s, %d tasks (at most %." .. (row.digits or 0) .. "f)"):format(row.what, runs * TASKS_PER_RUN, each.max),
      ours = each.last, unit = row.unit, digits = row.digits, peer = ("after %d"):format(warm * TASKS_PER_RUN), peer_value = each.first,
      ratio = each.last / each.first, target = (long or row.limit == 1) and { "<=", row.limit } or nil,
    })
  end
end
