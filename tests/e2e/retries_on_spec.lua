-- SPDX-License-Identifier: MIT
-- `retries.on` as a function: asked in a worker of every failure that could be tried again, before anything of it is
-- stored.
local app = require "tests.lib.app"
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local HEAD = [[
local ork = require "ork"
local function add(name, text)
  local f <close> = io.open(name, "a")
  f:write(text, "\n")
end
local w = ork.workflow("w", { defaults = { retries = { limit = 2, delay = 0, on = function(err)
  print("of defaults", err.kind)
  return err.exit_code == 75
end } } })
]]

describe("retries.on as a function", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  --- Until a function has written a line into that file.
  local function wait_line(name)
    sh.wait_until(dir, function() return sh.exists(dir .. "/" .. name) and sh.read(dir .. "/" .. name):find("\n") end)
  end
  local function attempts(name)
    local row = sh.sql(dir .. "/.ork/ork.db", "SELECT attempt, kind FROM tasks WHERE task_name = '" .. name .. "'")[1]
    return math.tointeger(row.attempt) .. " " .. (row.kind or "")
  end
  local function run(text, ...)
    write(text)
    return ork("w.lua", ...)
  end

  it("decides for processes, functions and items", function()
    local r = run([[
local function until_third(err)
  io.write(err.kind, "|", err.message, "|", tostring(err.exit_code), "|", tostring(err.signal), "|", tostring(err.code), "|", err.attempt, "\n")
  return err.attempt < 3
end
local on = { limit = 5, delay = 0, on = until_third }
w:task("process", { command = "exit 7", retries = on })
w:task("signal", { command = "kill -9 $$", retries = on })
w:task("call", { run = function(_, ctx) ctx.fail("no", { code = "RATE" }) end, retries = on })
w:task("output", { command = "echo ORK_OUTPUT:{", retries = on })
local data = { limit = 5, delay = 0, on = function(err) return err.data and err.data.left > err.attempt end }
w:task("data", { run = function(_, ctx) ctx.fail("busy", { data = { left = 2 } }) end, retries = data })
w:task("raised", { run = function() error { message = "busy", data = { left = 2 } } end, retries = data })
w:task("written", { command = "echo '{\"left\":3}' >$ORK_OUTPUT_FILE; exit 1", retries = data })
w:task("items", { inputs = { n = ork.each({ 1, 2 }, { max_failed = 2 }) }, run = function(input) error("item " .. input.n, 0) end, retries = on })
w:task("same", { command = "exit 75" })
w:task("other", { command = "exit 76" })]])
    assert.equal(1, r.code)
    assert.equal("3 exit", attempts("process"))
    assert.equal("3 signal", attempts("signal"))
    assert.equal("3 error", attempts("call"))
    assert.equal("3 output", attempts("output")) -- which the kinds alone would not try again
    assert.equal("2 error", attempts("data"))
    assert.equal("2 error", attempts("raised"))
    assert.equal("3 exit", attempts("written"))
    assert.equal("3 error", attempts("items/1"))
    assert.equal("3 error", attempts("items/2"))
    assert.equal("3 exit", attempts("same"))
    assert.equal("1 exit", attempts("other"))
    assert.matches("exit|exit code 7|7|nil|nil|3\n$", ork("logs", "last", "process").out)
    assert.matches("signal|[^\n]*|nil|9|nil|3\n$", ork("logs", "last", "signal").out)
    assert.matches("error|no|nil|nil|RATE|3\n$", ork("logs", "last", "call").out)
    assert.equal("of defaults\texit\n", ork("logs", "last", "other").out)
  end)

  it("is not asked where nothing it says would count", function()
    run([[
local function never(err) add("asked", err.kind) return true end
w:task("final", { run = function(_, ctx) ctx.fail("no", { retry = false }) end, retries = { limit = 2, delay = 0, on = never } })
w:task("spent", { command = "exit 1", retries = { limit = 1, delay = 0, on = never } })
w:task("after", { run = function(_, ctx)
  if ctx.attempt == 1 then ctx.fail("wait", { after = "1h" }) end
end, retries = { limit = 1, delay = 0, on = function() return false end } })]])
    assert.equal("1 error", attempts("final"))
    assert.equal("2 exit", attempts("spent"))
    assert.equal("1 error", attempts("after"))
    assert.equal("exit\n", sh.read(dir .. "/asked"))
  end)

  it("that fails or hangs leaves it to the kind of the failure, and says so", function()
    local r = run([[
w:task("broken", { command = "exit 1", retries = { limit = 1, delay = 0, on = function() error("oops", 0) end } })
w:task("output", { command = "echo ORK_OUTPUT:{", retries = { limit = 1, delay = 0, on = function() return nil .. 1 end } })
w:task("hangs", { command = "exit 1", retries = { limit = 1, delay = 0, on = function() while true do end end } })]])
    assert.equal("2 exit", attempts("broken"))
    assert.equal("1 output", attempts("output"))
    assert.equal("2 exit", attempts("hangs"))
    assert.matches("retries.on gave no answer, the kind of the failure decides run=%S+ task=broken attempt=1 error=oops", r.err)
    assert.matches("task=hangs attempt=1 error=\"[^\n]*5s\"", r.err)
  end)

  it("is asked again when the program died before the answer", function()
    write([[
w:task("a", { command = "echo x >>ran; exit 7", retries = { limit = 1, delay = 0, on = function(err)
  add("asked", err.attempt)
  while not io.open("go") do end
  return err.attempt == 1
end } })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("asked")
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM tasks WHERE finished_at IS NOT NULL"))
    p:kill()
    sh.write(dir .. "/go", "")
    assert.equal(1, ork("w.lua").code)
    assert.equal("1\n1\n", sh.read(dir .. "/asked"))
    assert.equal("x\nx\n", sh.read(dir .. "/ran"))
    assert.equal("2 exit", attempts("a"))
  end)

  it("does not hold up a cancel", function()
    write([[
w:task("a", { command = "exit 7", retries = { limit = 1, delay = 0, on = function(err, ctx)
  add("asked", err.attempt)
  ctx.sleep("1h")
end } })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("asked")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.equal("1 cancelled", attempts("a"))
  end)

  it("is called by the program that defines it", function()
    local r = app.run([[
local asked = {}
local w = ork.workflow("w")
w:task("a", { command = "exit 7", retries = { limit = 5, delay = 0, on = function(err)
  asked[#asked + 1] = err.exit_code
  return #asked < 3
end } })
local run = assert(w:run())
print(run.status, run:task("a").attempt, table.concat(asked, " "))]], dir)
    assert.equal("failed\t3\t7 7 7\n", r.out, r.err)
  end)

  it("is no option of a task that waits", function()
    local r = run('w:task("a", { wait = "1s", retries = { limit = 1, on = function() end } })\nw:task("b", { command = "true", retries = { limit = 1, on = 5 } })')
    assert.equal(2, r.code)
    assert.matches("`retries.on` is asked of what has run; a task that waits is tried again by data; write { kinds = { … }, codes = { … } }", r.err, 1, true)
    assert.matches("`retries.on` wants { kinds, exit_codes, codes } or a function(err), got 5", r.err, 1, true)
  end)

  it("is asked on PostgreSQL, too", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    write('w:task("a", { command = "exit 7", retries = { limit = 3, delay = 0, on = function(err) return err.attempt < 3 end } })')
    assert.equal(1, ork("w.lua", "--db", url, "--quiet").code)
    assert.equal(3, sh.json(ork("show", "last", "a", "--db", url, "--json").out).attempt)
  end)
end)
