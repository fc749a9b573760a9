-- SPDX-License-Identifier: MIT
-- Ork on a folder (file:DIR): every command, killed programs, a scheduler that stays up, old runs removed, a full disk.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local uv = require "luv"

local ENV = { ORK_DATABASE_URL = "file:store", ORK_AGENT_LINGER_MS = "300" }

local LAYERS = [[
local ork = require "ork"
local w = ork.workflow("layers", { defaults = { retries = 3 } })
local before = {}
for layer = 1, 10 do
  local now = {}
  for i = 1, 6 do
    now[i] = w:task(("t%02d_%02d"):format(layer, i), {
      command = { "sh", "-c", 'echo "S $ORK_TASK_NAME $ORK_ATTEMPT" >>ran.log; sleep 0.' .. 10 + (layer + i) % 5 ..
        '; echo "E $ORK_TASK_NAME $ORK_ATTEMPT" >>ran.log; echo \'{"n":\'$ORK_TASK_INDEX\'}\' >$ORK_OUTPUT_FILE' },
      depends_on = layer > 1 and { before[i], before[i % 6 + 1] } or nil,
    })
  end
  before = now
end
return w
]]

local TWO = [[
local ork = require "ork"
local w = ork.workflow("two", { params = { n = { type = "int", default = 1 } } })
local a = w:task("a", { command = { "sh", "-c", "echo hello; echo '{\"rows\":3}' >$ORK_OUTPUT_FILE" } })
w:task("b", { command = { "sh", "-c", "test ! -e fail" }, depends_on = a })
return w
]]

local function files(dir, folder)
  local n = 0
  for name in sh.run({ "ls", dir .. "/store/" .. folder }).out:gmatch("[^\n]+") do
    n = n + 1
    assert(sh.json(sh.read(dir .. "/store/" .. folder .. "/" .. name)))
  end
  return n
end

describe("ork on a folder", function()
  local dir
  local function ork(words, opts)
    opts = opts or {}
    opts.cwd, opts.env = dir, ENV
    return sh.ork(words, opts)
  end
  local function json(...)
    local words = { ... }
    words[#words + 1] = "--json"
    return sh.json(ork(words, { ok = true }).out)
  end
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  it("has every command", function()
    sh.write(dir .. "/two.lua", TWO)
    assert.matches("created store", ork({ "two.lua" }, { ok = true }).err)
    sh.write(dir .. "/fail", "")
    assert.equal(1, ork({ "two.lua", "n=2" }).code)
    os.remove(dir .. "/fail")
    assert.equal("failed", json("runs")[1].status)
    ork({ "retry", "last" }, { ok = true })
    assert.equal("success", json("show", "last").status)
    ork({ "rerun", "last" }, { ok = true })
    assert.equal(3, #json("runs"))
    assert.equal(2, #json("tasks", "last"))
    assert.equal("hello\n", ork({ "logs", "last", "a", "--raw" }, { ok = true }).out)
    assert.equal(3, json("output", "last", "a").rows)
    for _, words in ipairs({ { "why", "last", "a" }, { "status" }, { "db", "status" }, { "db", "check" }, { "db", "migrate" }, { "workflows" },
      { "pool" }, { "plan", "two.lua" }, { "validate", "two.lua" }, { "watch", "last" } }) do
      ork(words, { ok = true })
    end
    ork({ "apply", "two.lua" }, { ok = true })
    sh.write(dir .. "/two.lua", (TWO:gsub("hello", "other")))
    ork({ "apply", "two.lua" }, { ok = true })
    assert.equal(2, #json("versions", "two"))
    ork({ "apply", "two@1" }, { ok = true })
    ork({ "run", "two" }, { ok = true })
    ork({ "pool", "db", "3" })
    local id = ork({ "two.lua", "--detach", "n=7" }, { ok = true }).out:match("%x+")
    sh.wait_until(dir, function() return json("show", id).status == "success" end)
    sh.wait_until(dir, function() return #sh.processes(dir) == 0 end)
    local doctor = ork({ "doctor" }).out
    assert.matches("ok       database        %S+/store/log %(schema %d+, ", doctor)
    assert.matches("ok       data directory  %S+/store %(mode 0700%)", doctor)
    assert.equal(5, files(dir, "runs"))
    assert.equal(10, files(dir, "tasks"))
    ork({ "db", "copy", "store", "sqlite:copy.db", "--yes" }, { ok = true })
    ork({ "db", "copy", "copy.db", "file:again", "--yes" }, { ok = true })
    assert.equal(5, #json("runs", "--db", "again"))
    ork({ "prune", "--keep", "1", "--yes" }, { ok = true })
    assert.equal(1, #json("runs"))
    assert.equal(1, files(dir, "runs"))
    assert.equal(2, files(dir, "tasks"))
    ork({ "delete", "two", "--yes" }, { ok = true })
    assert.equal(0, files(dir, "workflows"))
    assert.same({}, json("runs"))
    assert.is_nil(sh.read(dir .. "/store/log"):find("\0", 1, true))
  end)

  it("survives a program that is killed 15 times: every task ran exactly once", function()
    local seed = tonumber(os.getenv("ORK_TEST_SEED")) or os.time()
    math.randomseed(seed)
    local function say(what) return what .. " (ORK_TEST_SEED=" .. seed .. ")" end
    sh.write(dir .. "/layers.lua", LAYERS)
    sh.write(dir .. "/ran.log", "")
    local opts, kills, over = { cwd = dir, env = ENV }, 0, false
    local slow = os.getenv("ORK_TEST_ASAN") and 4 or 1
    while kills < 15 and not over do
      local p = sh.spawn_ork({ "layers.lua", "--jobs", "4" }, opts)
      local timer = uv.new_timer()
      timer:start(math.random(1, 150) * slow, 0, function() if not p.code then p:signal("sigkill") end end)
      local r = p:wait(nil, true)
      timer:close()
      if r.signal == 9 then
        kills = kills + 1
        local runs = sh.ork({ "runs", "--json" }, opts)
        over = runs.code == 0 and #sh.json(runs.out) > 0 and sh.json(runs.out)[1].status == "success"
      else
        assert.equal(0, r.code, say(r.out .. r.err))
        over = true
      end
    end
    if not over then assert.equal(0, sh.spawn_ork({ "layers.lua", "--jobs", "4" }, opts):wait(60, true).code) end
    assert.is_true(kills >= 3, say("only " .. kills .. " kills hit"))
    local runs = json("runs")
    assert.equal(1, #runs, say "one run, resumed each time")
    assert.equal("success", runs[1].status)
    local n, starts = 0, {}
    for what, name, attempt in sh.read(dir .. "/ran.log"):gmatch("(%u) (%S+) (%d+)") do
      assert.equal("1", attempt)
      starts[what .. name] = (starts[what .. name] or 0) + 1
    end
    for what, count in pairs(starts) do
      n = n + 1
      assert.equal(1, count, say(what))
    end
    assert.equal(120, n)
    sh.wait_until(dir, function() return #sh.processes(dir) == 0 end)
    assert.equal(true, json("db", "check").ok)
    ork({ "db", "migrate" }, { ok = true })
    assert.equal(60, files(dir, "tasks"))
  end)

  it("has one writer: the next is told whose pid it is, and readers follow it", function()
    sh.write(dir .. "/held.lua", [[
      local ork = require "ork"
      local w = ork.workflow("held")
      w:task("a", { command = "echo begun; touch ran; until test -e go; do sleep 0.05; done" })
      w:task("b", { command = { "true" }, depends_on = "a" })
      return w
    ]])
    local p = sh.spawn_ork({ "held.lua" }, { cwd = dir, env = ENV })
    sh.wait_file(dir .. "/ran")
    local refused = ork({ "held.lua", "--new" })
    assert.equal(3, refused.code)
    assert.matches("store is in use by process " .. p.pid .. ": one program at a time may change a file store", refused.err)
    assert.equal(3, ork({ "cancel", "last", "--yes" }).code)
    assert.equal("running", json("runs")[1].status)
    local w = sh.spawn_ork({ "watch", "last" }, { cwd = dir, env = ENV })
    w:wait_line("held: running, 0 of 2 tasks over")
    sh.write(dir .. "/go", "")
    local seen = w:wait()
    assert.equal(0, seen.code, seen.out .. seen.err)
    assert.matches("b%s+success", seen.out .. seen.err)
    assert.equal(0, p:wait().code)
    assert.equal("success", json("runs")[1].status)
  end)

  it("serves schedules, is killed, and goes on", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"', command = "echo x >>ran" })
    local p = serve.start(dir, { "tick.lua" }, { env = ENV })
    p:wait_line("schedule fired workflow=tick")
    p:wait_line("run ended run=%S+ workflow=tick status=success")
    assert.is_true(#json("runs") >= 1)
    assert.equal("tick", json("schedule", "tick").workflow)
    p:kill()
    p = serve.start(dir, { "tick.lua" }, { env = ENV })
    p:wait_line("schedule fired workflow=tick")
    p:wait_line("run ended run=%S+ workflow=tick status=success")
    serve.stop(p)
    local times = {}
    for _, run in ipairs(json("runs")) do
      assert.equal("schedule", run.triggered_by)
      assert.is_nil(times[run.scheduled_for])
      times[run.scheduled_for] = true
    end
    assert.is_true(files(dir, "runs") >= 2)
  end)

  it("is not the only place where serve applies scripts itself: nor can anybody else write to memory", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"' })
    local p = serve.start(dir, { "tick.lua", "--db", "sqlite::memory:" })
    p:wait_line("workflow applied workflow=tick version=1")
    p:wait_line("run ended run=%S+ workflow=tick status=success")
    serve.script(dir, "tick", { schedule = 'every = "1s"', options = "retries = 2" })
    p:signal("sighup")
    p:wait_line("workflow applied workflow=tick version=2 was=1")
    sh.write(dir .. "/tick.lua", "return 1")
    p:signal("sighup")
    p:wait_line("script is not applied script=tick.lua")
    serve.stop(p)
  end)

  it("takes over a folder of the original's", function()
    local W, R = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "7f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    for _, folder in ipairs({ "workflows", "runs", "tasks", "workflow_tasks" }) do sh.run({ "mkdir", "-p", dir .. "/store/" .. folder }) end
    sh.write(dir .. "/store/workflows/" .. W .. ".json", ([[{ "id": "%s", "name": "old", "job_name": "j", "region": "r", "project": "p",
      "executor_type": "process", "schedule_enabled": false, "created_at": "2025-11-02T10:00:00.123456789Z",
      "updated_at": "2025-11-02T10:00:00Z" }]]):format(W))
    sh.write(dir .. "/store/runs/" .. R .. ".json", ([[{ "id": "%s", "workflow_id": "%s", "status": "success", "triggered_by": "manual",
      "created_at": "2025-11-02T10:00:00Z", "started_at": null, "finished_at": null, "error": null }]]):format(R, W))
    assert.equal("old", json("runs")[1].workflow)
    assert.is_false(sh.exists(dir .. "/store/log"))
    sh.write(dir .. "/two.lua", TWO)
    ork({ "two.lua" }, { ok = true })
    assert.equal(2, #json("runs"))
    assert.is_true(sh.exists(dir .. "/store/log"))
    assert.equal(2, files(dir, "workflows"))
  end)

  it("leaves a folder with other things alone", function()
    sh.write(dir .. "/two.lua", TWO)
    local r = sh.ork({ "two.lua", "--db", "file:." }, { cwd = dir })
    assert.equal(3, r.code)
    assert.matches("is a folder of something else: it has two.lua in it", r.err)
    assert.is_false(sh.exists(dir .. "/log"))
    assert.equal(3, ork({ "runs" }).code)
  end)
end)
