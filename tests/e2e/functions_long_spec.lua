-- SPDX-License-Identifier: MIT
-- Functions that go on for long: who looks from elsewhere sees them run, and nothing depends on that.
local cluster = require "tests.lib.cluster"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("w")
local function until_told(input, ctx)
  repeat
    local file = io.open("go")
    if not file then ctx.sleep(0.05) end
  until file
  return input.x or 1
end
local a = w:task("a", { run = until_told })
w:task("computes", { run = function() repeat local file = io.open("go") until file end })
w:task("each", { inputs = { x = ork.each({ 5, 6 }) }, run = until_told })
w:task("after", { depends_on = a, run = function() return 3 end })
return w
]]

describe("a function that goes on for long", function()
  local dir, env
  before_each(function()
    dir, env = sh.tempdir(), nil
    sh.write(dir .. "/w.lua", SCRIPT)
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir, env = env }) end

  --- "a=running computes=running …" of the newest run, items by their number.
  local function statuses()
    local r = ork("show", "last", "--json")
    if r.code ~= 0 then return "" end
    local all = {}
    for _, task in ipairs(sh.json(r.out).tasks) do all[#all + 1] = task.name .. "=" .. task.status end
    r = ork("tasks", "last", "each", "--json")
    if r.code ~= 0 then return "" end -- its items are not there yet
    for _, item in ipairs(sh.json(r.out)) do all[#all + 1] = item.name .. "=" .. item.status end
    return table.concat(all, " ")
  end

  local RUNNING = "a=running computes=running each=running after=pending each/1=running each/2=running"
  local function wait_shown() sh.wait_until("/nonexistent", function() return statuses() == RUNNING end) end

  it("is shown as running", function()
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_shown()
    assert.matches("\n  a: running for ", ork("why", "last", "a").out)
    assert.matches("\n  each/2: running for ", ork("why", "last", "each/2").out)
    assert.matches("status +running\nstarted +20", ork("show", "last", "computes").out)
    sh.write(dir .. "/go", "")
    assert.equal(0, p:wait().code)
    assert.equal("a=success computes=success each=success after=success each/1=success each/2=success", statuses())
    assert.equal("[5,6]\n", ork("output", "last", "each").out)
  end)

  --- Killed while all of them are shown, gone on with: nothing was lost, no attempt is counted.
  local function killed()
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir, env = env })
    wait_shown()
    p:kill()
    assert.not_matches("there is no row of it", ork("db", "check").out, 1, true)
    sh.write(dir .. "/go", "")
    local run = sh.json(ork("show", "last", "--json").out).id
    local r = ork("resume", run)
    assert.equal(0, r.code, r.out .. r.err)
    local tasks = sh.json(ork("tasks", "last", "--json").out)
    for _, item in ipairs(sh.json(ork("tasks", "last", "each", "--json").out)) do tasks[#tasks + 1] = item end
    assert.equal(6, #tasks)
    for _, task in ipairs(tasks) do
      assert.equal("success", task.status, task.name)
      if task.name ~= "each" then assert.equal(1, task.attempt, task.name) end
      assert.is_true((task.lost or 0) == 0, task.name)
    end
    assert.equal("no damage found\n", ork("db", "check").out)
  end

  it("is made again under its number after a kill", function() killed() end)

  it("is made again under its number after a kill, on PostgreSQL", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local server = cluster.start()
    server:wait_old()
    env = { ORK_DATABASE_URL = server:database("long") }
    killed()
  end)

  it("may change after a kill", function()
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_shown()
    p:kill()
    sh.write(dir .. "/go", "")
    sh.write(dir .. "/w.lua", (SCRIPT:gsub("return 3", "return 4")))
    local r = ork("w.lua", "--resume")
    assert.equal(0, r.code, r.err)
    assert.equal("4\n", ork("output", "last", "after").out)
  end)

  --- Killed while all of them are shown, then `wishes` in turn: what is said of each.
  local function cancelled(...)
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_shown()
    p:kill()
    for _, wish in ipairs({ ... }) do assert.equal(0, ork(wish, "last").code) end
    local said = {}
    for _, list in ipairs({ ork("tasks", "last", "--json").out, ork("tasks", "last", "each", "--json").out }) do
      for _, task in ipairs(sh.json(list)) do
        assert.equal("cancelled", task.status, task.name)
        if type(task.error) == "string" then said[task.name] = task.error end
      end
    end
    return said
  end

  local ENDED = "its program ended before it did; cancelled"

  it("is not said to have waited when it is cancelled after a kill", function()
    local said = cancelled("cancel")
    for _, name in ipairs({ "a", "computes", "each/1", "each/2" }) do -- "cancelled": it had begun again already
      assert.is_true(said[name] == ENDED or said[name] == "cancelled", name .. ": " .. tostring(said[name]))
    end
  end)

  it("is not said to have waited when it is paused after a kill, then cancelled", function()
    local said = cancelled("pause", "cancel")
    for _, name in ipairs({ "a", "computes" }) do -- nothing: it was pending again by its row when the pause was over
      assert.is_true(said[name] == ENDED or said[name] == nil, name .. ": " .. tostring(said[name]))
    end
  end)

  it("is pending again when its program ends", function()
    local p = serve.start(dir, { "w.lua" })
    p:wait_line("workflow applied")
    assert.equal(0, ork("trigger", "w").code)
    wait_shown()
    serve.stop(p)
    assert.equal("a=pending computes=pending each=running after=pending each/1=pending each/2=pending", statuses())
  end)
end)
