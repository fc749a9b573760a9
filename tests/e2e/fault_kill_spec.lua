-- SPDX-License-Identifier: MIT
-- The scheduler is killed with SIGKILL at random moments and started again. Its agent lives on, so nothing may run twice.
local sh = require "tests.lib.sh"
local uv = require "luv"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("layers", { defaults = { retries = 3 } })
local before = {}
for layer = 1, 20 do
  local now = {}
  for i = 1, 10 do
    now[i] = w:task(("t%02d_%02d"):format(layer, i), {
      command = { "sh", "-c", 'echo "S $ORK_TASK_NAME $ORK_ATTEMPT" >> ran.log; sleep 0.' .. 10 + (layer + i) % 5 ..
        '; echo "E $ORK_TASK_NAME $ORK_ATTEMPT" >> ran.log; echo \'{"n":\'$ORK_TASK_INDEX\'}\' > $ORK_OUTPUT_FILE' },
      depends_on = layer > 1 and { before[i], before[i % 10 + 1] } or nil,
    })
  end
  before = now
end
return w
]]

describe("a scheduler that is killed", function()
  after_each(sh.cleanup)

  it("50 times during 200 tasks: every task succeeds, each ran exactly once, nothing is left", function()
    local dir = sh.tempdir()
    local seed = tonumber(os.getenv("ORK_TEST_SEED")) or os.time()
    math.randomseed(seed)
    local function say(what) return what .. " (ORK_TEST_SEED=" .. seed .. ")" end
    sh.write(dir .. "/layers.lua", SCRIPT)
    sh.write(dir .. "/ran.log", "")
    local opts = { cwd = dir, env = { ORK_AGENT_LINGER_MS = "300" } }
    local db = dir .. "/.ork/ork.db"
    local function ended() return sh.exists(db) and #sh.sql(db, "SELECT 1 FROM sqlite_schema WHERE name = 'runs'") == 1 and
      #sh.sql(db, "SELECT 1 FROM runs WHERE status = 'success'") > 0 end
    local kills, early, resumed = 0, false, 0
    local slow = 1 -- how much longer a start takes than on a quick machine: so much that about every second one says something
    while kills < 50 and not early do
      local p = sh.spawn_ork({ "layers.lua", "--jobs", "4" }, opts)
      local timer = uv.new_timer()
      timer:start(math.ceil(math.random(1, 90) * slow), 0, function() if not p.code then p:signal("sigkill") end end)
      local r = p:wait(nil, true)
      timer:close()
      if r.err:find("going on with") then resumed = resumed + 1 end
      slow = math.max(1, slow * (r.err == "" and 1.2 or 1 / 1.2))
      if r.signal == 9 then
        kills = kills + 1
        early = ended() -- killed after its last commit: the same command would begin a new run, as it should
      else
        assert.equal(0, r.code, say(r.out .. r.err))
        early = true
      end
    end
    if not early then
      local last = sh.spawn_ork({ "layers.lua", "--jobs", "4" }, opts):wait(60, true)
      assert.equal(0, last.code, say(last.out .. last.err))
      if last.err:find("going on with") then resumed = resumed + 1 end
    end
    assert.is_true(kills >= 15, say("only " .. kills .. " kills hit"))
    assert.is_true(resumed > 0, say("no restart resumed the run"))

    local runs = sh.sql(db, "SELECT status FROM runs")
    assert.equal(1, #runs, say "one run, resumed each time")
    assert.equal("success", runs[1].status)
    local counts = sh.sql(db, "SELECT status, count(*) AS n, max(attempt) AS attempt, max(lost) AS lost FROM tasks GROUP BY status")
    assert.same({ { status = "success", n = 200, attempt = 1, lost = 0 } }, counts, say "200 successes at the first attempt")

    local starts, ends = {}, {}
    for what, name, attempt in sh.read(dir .. "/ran.log"):gmatch("(%u) (%S+) (%d+)") do
      local t = what == "S" and starts or ends
      t[name] = (t[name] or 0) + 1
      assert.equal("1", attempt)
    end
    local n = 0
    for name, count in pairs(starts) do
      n = n + 1
      assert.equal(1, count, say(name .. " started twice"))
      assert.equal(1, ends[name], say(name .. " did not end once"))
    end
    assert.equal(200, n)
    -- No task started before what it depends on had succeeded.
    assert.same({}, sh.sql(db, [[SELECT t.task_name FROM tasks t, json_each(t.depends_on) d JOIN tasks p ON p.run_id = t.run_id AND
      p.task_name = d.value WHERE t.started_at < p.finished_at]]))
    sh.wait_until(dir, function() return #sh.processes(dir) == 0 end)
  end)

  it("during a long task: it is adopted, keeps its pid and its log, and is not started again", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/long.lua", [[
      local ork = require "ork"
      local w = ork.workflow("long")
      local a = w:task("a", { command = "echo begun; echo $$ > pid; while [ ! -e go ]; do sleep 0.05; done; echo ended" })
      w:task("b", { command = { "true" }, depends_on = a })
      return w
    ]])
    local p = sh.spawn_ork({ "long.lua" }, { cwd = dir })
    local pid = sh.wait_until(dir, function() return sh.exists(dir .. "/pid") and tonumber(sh.read(dir .. "/pid")) end)
    p:kill()
    assert.is_true(sh.alive(pid))
    local q = sh.spawn_ork({ "long.lua" }, { cwd = dir })
    q:wait_line("going on with")
    sh.write(dir .. "/go", "")
    local r = q:wait()
    assert.equal(0, r.code, r.err)
    local task = sh.sql(dir .. "/.ork/ork.db", "SELECT status, attempt, execution_name, logs FROM tasks WHERE task_name='a'")[1]
    assert.equal("success", task.status)
    assert.equal(1, task.attempt)
    assert.equal(tostring(pid), task.execution_name)
    assert.equal("begun\nended\n", task.logs)
  end)

  it("while its task ends: the exit that nobody heard is found and counts", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/exit.lua", [[
      local ork = require "ork"
      local w = ork.workflow("exit")
      w:task("a", { command = 'echo x >> ran; echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; echo \'{"v":7}\' > $ORK_OUTPUT_FILE' })
      return w
    ]])
    local p = sh.spawn_ork({ "exit.lua" }, { cwd = dir })
    local pid = sh.wait_until(dir, function() return sh.exists(dir .. "/pid") and tonumber(sh.read(dir .. "/pid")) end)
    p:kill()
    sh.write(dir .. "/go", "")
    sh.wait_gone(pid)
    local r = sh.ork({ "exit.lua" }, { cwd = dir })
    assert.equal(0, r.code, r.err)
    assert.equal("x\n", sh.read(dir .. "/ran"))
    assert.equal('{"v":7}', sh.sql(dir .. "/.ork/ork.db", "SELECT output FROM tasks")[1].output)
  end)
end)
