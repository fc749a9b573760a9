-- SPDX-License-Identifier: MIT
-- on_success, on_failure, on_cancel: what they are told, that they change nothing, and that no kill makes one be forgotten.
local app = require "tests.lib.app"
local cluster = require "tests.lib.cluster"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local HEAD = [[
local ork = require "ork"
local function exists(name)
  local f <close> = io.open(name)
  return f ~= nil
end
local function add(name, text)
  local f <close> = io.open(name, "a")
  f:write(text)
end
local function write(name) return function(what) add(name, ork.json.encode(what) .. "\n") end end
]]

describe("a handler", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  --- Until a function has written a line into that file.
  local function wait_line(name)
    sh.wait_until(dir, function() return sh.exists(dir .. "/" .. name) and sh.read(dir .. "/" .. name):find("\n") end)
  end
  local function told(name)
    local list = {}
    for line in sh.read(dir .. "/" .. name):gmatch("[^\n]+") do list[#list + 1] = sh.json(line) end
    return list
  end
  local function outcome() return sh.sql(dir .. "/.ork/ork.db", "SELECT coalesce(outcome, 'owed') AS o FROM commands WHERE kind = 'on_success'")[1].o end

  it("of a workflow is told how the run ended, before `ork SCRIPT` does", function()
    write([[
local w = ork.workflow("w", { params = { day = "str" }, on_success = write "success", on_failure = write "failure", on_cancel = write "cancel" })
local bad = w:task("bad", { command = "echo why; exit 3", when = { w.params.day, "==", "bad" } })
w:task("items", { when = { w.params.day, "==", "bad" }, inputs = { n = ork.each { 1, 2 } }, run = function(input)
  if input.n == 2 then error("second", 0) end
end })
w:task("long", { when = { w.params.day, "==", "long" }, command = "sleep 60" })]])
    assert.equal(0, ork("w.lua", "day=fine").code)
    local run = told("success")[1]
    assert.same({ "w", "success", "fine" }, { run.workflow, run.status, run.params.day })
    assert.same({}, run.failed)
    assert.matches("^%x+-", run.id)
    assert.equal(1, ork("w.lua", "day=bad").code)
    run = told("failure")[1]
    assert.equal("failed", run.status)
    assert.matches("2 of 3 tasks failed", run.error)
    assert.same({ { task = "bad", attempt = 1, error = "exit code 3", log = "why\n" },
      { task = "items", item = 2, attempt = 1, error = "second", log = run.failed[2].log } }, run.failed)
    local p = sh.spawn_ork({ "w.lua", "day=long" }, { cwd = dir })
    p:wait_line("long +running")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.equal("cancelled", told("cancel")[1].status)
    for _, name in ipairs({ "success", "failure", "cancel" }) do assert.equal(1, #told(name)) end
    assert.matches("handlers +on_cancel: done\n", ork("show", "last").out)
  end)

  it("of a task is told how that ended", function()
    write([[
local w = ork.workflow("w")
w:task("a", { run = function() return { n = 1 } end, on_success = write "a", on_failure = write "never" })
w:task("b", { command = "exit 4", retries = { limit = 1, delay = 0 }, on_failure = write "b", on_success = write "never" })
w:task("c", { inputs = { n = ork.each { 1, 2 } }, run = function() end, on_success = write "c" })]])
    assert.equal(1, ork("w.lua").code)
    local a, b = told("a"), told("b")
    assert.same({ 1, "a", "success", 1, "w" }, { #a, a[1].name, a[1].status, a[1].output.n, a[1].run.workflow })
    assert.same({ 1, "failed", "exit code 4", "exit", 4, 2 }, { #b, b[1].status, b[1].error, b[1].kind, b[1].exit_code, b[1].attempt })
    assert.equal(1, #told("c")) -- once for all items
    assert.is_false(sh.exists(dir .. "/never"))
  end)

  it("that fails changes nothing, and is shown", function()
    write([[
local w = ork.workflow("w", { on_success = function() error("no mail", 0) end })
w:task("a", { command = "true", on_success = function(task, ctx) ctx.log("told of %s", task.name) os.exit(1) end })]])
    local r = ork("w.lua")
    assert.equal(0, r.code, r.err)
    assert.matches('a handler failed run=%S+ handler=on_success error="no mail"', r.err)
    local shown = ork("show", "last").out
    assert.matches("status +success", shown)
    assert.matches("on_success: failed: no mail\n", shown)
    assert.matches("on_success of a: failed: w.lua:12: os.exit would end the worker", shown, 1, true)
    local log = sh.read(sh.run({ "/bin/sh", "-c", "ls " .. dir .. "/.ork/logs/*/handlers.log" }).out:gsub("\n", ""))
    assert.matches("told of a\n", log)
    assert.matches("no mail\nstack traceback", log)
  end)

  it("that hangs is given up, and that takes its worker along is called again", function()
    write([[
local w = ork.workflow("w", { on_success = function() while true do end end })
w:task("a", { command = "true", on_success = function()
  add("tries", "x")
  os.execute("kill -ABRT $PPID")
end })]])
    local r = sh.ork({ "w.lua" }, { cwd = dir, env = { ORK_QUESTION_MS = "1500" } })
    assert.equal(0, r.code, r.err)
    assert.matches("on_success: failed: it took longer than 1.5s", ork("show", "last").out, 1, true)
    assert.matches("on_success of a: failed: lost: its worker was ended by signal 6", ork("show", "last").out, 1, true)
    assert.equal("xxx", sh.read(dir .. "/tries"))
  end)

  local WAITS = [[
local w = ork.workflow("w", { on_success = function(run, ctx)
  add("called", run.status .. "\n")
  while not exists("go") do ctx.sleep("10ms") end
end })
w:task("a", { command = "true" })]]

  --- Its program was killed while the handler was under way, after the end was stored.
  local function kill_within()
    write(WAITS)
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("called")
    assert.equal("success", sh.sql(dir .. "/.ork/ork.db", "SELECT status FROM runs")[1].status)
    p:kill()
    assert.equal("owed", outcome())
    assert.matches("handlers +on_success: not called yet", ork("show", "last").out)
    sh.write(dir .. "/go", "")
  end

  it("is called by the next server when its program died", function()
    kill_within()
    local server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM commands WHERE outcome = 'done'")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE scheduler_id IS NULL")
    serve.stop(server)
    assert.equal("success\nsuccess\n", sh.read(dir .. "/called"))
  end)

  it("is called by the server after the next when that is killed, too", function()
    write(WAITS)
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("called")
    p:kill()
    local server = serve.start(dir)
    sh.wait_until(dir, function() return sh.read(dir .. "/called") == "success\nsuccess\n" end)
    assert.same({ 1 }, { #sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM runs WHERE scheduler_id IS NOT NULL") }) -- nobody else takes it
    server:kill()
    sh.write(dir .. "/go", "")
    server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM commands WHERE outcome = 'done'")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE scheduler_id IS NULL")
    serve.stop(server)
    assert.equal("success\nsuccess\nsuccess\n", sh.read(dir .. "/called"))
  end)

  it("is called by `ork resume` when its program died", function()
    kill_within()
    local r = ork("resume", "last")
    assert.equal(0, r.code, r.err)
    assert.equal("success\nsuccess\n", sh.read(dir .. "/called"))
    assert.equal("done", outcome())
    assert.equal(2, ork("resume", "last").code)
  end)

  it("stays owed to the next server when one ends", function()
    write(WAITS)
    local server = serve.start(dir)
    assert.equal(0, ork("apply", "w.lua").code)
    assert.equal(0, ork("trigger", "w").code)
    wait_line("called")
    serve.stop(server)
    assert.equal("owed", outcome())
    sh.write(dir .. "/go", "")
    server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM commands WHERE kind = 'on_success' AND outcome = 'done'")
    serve.stop(server)
  end)

  it("does not keep its run from being tried again", function()
    write([[
local w = ork.workflow("w", { on_failure = function(run, ctx)
  add("called", run.status .. "\n")
  while not exists("go") do ctx.sleep("10ms") end
end, on_success = write "success" })
w:task("a", { command = "test -e good" })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("called")
    sh.write(dir .. "/good", "")
    local r = ork("retry", "last")
    assert.equal(0, r.code, r.err)
    assert.equal("success", told("success")[1].status)
    sh.write(dir .. "/go", "")
    p:wait()
  end)

  it("of a program is called in it", function()
    local r = app.run([[
local told = {}
local w = ork.workflow("w", { on_failure = function(run, ctx)
  ctx.sleep("50ms")
  told[#told + 1] = run.status .. " " .. run.failed[1].error
end })
w:task("a", { command = "exit 2", on_failure = function(task) told[#told + 1] = task.name end })
local run = assert(w:run())
table.sort(told)
print(run.status, table.concat(told, ", "))]], dir)
    assert.equal("failed\ta, failed exit code 2\n", r.out, r.err)
  end)

  it("of a program that died is called when it takes the run up", function()
    local code = [[
local function called(text)
  local f <close> = io.open("called", "a")
  f:write(text, "\n")
end
local w = ork.workflow("w", { on_success = function(run, ctx)
  called(run.status)
  if not arg[1] then ctx.sleep("1h") end
end })
w:task("a", { command = "true" })
if arg[1] then
  w:validate()
  local run = ork.find("last")
  print(run:resume(), run:wait())
  print(run:resume())
else
  w:run()
end]]
    local p = app.spawn(dir, code)
    wait_line("called")
    p:kill()
    local r = ork("resume", "last")
    assert.equal(2, r.code)
    assert.matches("tasks of this run are functions of the program that started it", r.out .. r.err)
    r = app.spawn(dir, code, "again"):wait()
    assert.equal("done\tsuccess\nnil\ttoo late: the run had ended (success); r:retry() runs again what did not succeed\tESTATE\n", r.out, r.err)
    assert.equal("success\nsuccess\n", sh.read(dir .. "/called"))
  end)

  it("is called on PostgreSQL, too, also by another program", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    write(WAITS)
    local p = sh.spawn_ork({ "w.lua", "--db", url }, { cwd = dir })
    wait_line("called")
    p:kill()
    sh.write(dir .. "/go", "")
    local server = serve.start(dir, { "--db", url }) -- which hears of the death within seconds
    sh.wait_until(dir, function() return ork("show", "last", "--db", url).out:find("on_success: done", 1, true) end, 40)
    serve.stop(server)
    assert.equal("success\nsuccess\n", sh.read(dir .. "/called"))
  end)

  it("is refused when it is none", function()
    write('local w = ork.workflow("w", { on_failure = "mail" })\nw:task("a", { command = "true", on_success = true })')
    local r = ork("w.lua")
    assert.equal(2, r.code)
    assert.matches('`on_failure` wants a function(run, ctx), got "mail"', r.err, 1, true)
    assert.matches("`on_success` wants a function(task, ctx), got true", r.err, 1, true)
  end)
end)
