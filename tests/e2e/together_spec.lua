-- SPDX-License-Identifier: MIT
-- Features that meet: functions beside a task's own with runs of tasks, secrets, Python and jobs of other services.
local app = require "tests.lib.app"
local http = require "tests.lib.http"
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
  f:write(text, "\n")
end
--- Notes what it is told, and wants another attempt.
local function asks(name)
  return { limit = 1, delay = 0, on = function(err) add(name, ork.json.encode(err)) return true end }
end
]]

describe("together", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(args, env) return sh.ork(args, { cwd = dir, env = env }) end
  local function sql(text) return sh.sql(dir .. "/.ork/ork.db", text) end
  local function wait_line(name)
    sh.wait_until(dir, function() return sh.exists(dir .. "/" .. name) and sh.read(dir .. "/" .. name):find("\n") end)
  end
  local function told(name)
    local list = {}
    for line in sh.read(dir .. "/" .. name):gmatch("[^\n]+") do list[#list + 1] = sh.json(line) end
    return list
  end

  it("retries.on is told no secret, and nothing of how Python says its reason", function()
    sh.write(dir .. "/p.py", "def f():\n    raise ValueError('bad')\n")
    write([[
local w = ork.workflow("w")
local TOKEN = ork.secret("TOKEN")
w:task("python", { python = "p.py:f", retries = asks("python") })
w:task("process", { command = "echo '{\"a\":\"'$TOKEN'\"}' >$ORK_OUTPUT_FILE; exit 4", env = { TOKEN = TOKEN }, retries = asks("process") })
w:task("fn", { run = function(_, ctx)
  local token = ctx.secret("TOKEN")
  ctx.fail("no " .. token, { data = { token = token } })
end, retries = asks("fn") })]])
    assert.equal(1, ork({ "w.lua" }, { ORK_SECRET_TOKEN = "hunter2-is-long" }).code)
    assert.same({ { attempt = 1, exit_code = 1, kind = "error", message = "p.py:2: ValueError: bad" } }, told("python"))
    assert.same({ { attempt = 1, data = { a = "***" }, exit_code = 4, kind = "exit", message = "exit code 4" } }, told("process"))
    assert.same({ { attempt = 1, data = { token = "***" }, kind = "error", message = "no ***" } }, told("fn"))
    assert.equal("", sh.spawn({ "grep", "-rlaF", "hunter2-is-long", ".ork" }, { cwd = dir }):wait().out)
  end)

  it("an executor gets secrets of `env`, which are kept nowhere", function()
    write([[
local w = ork.workflow("w")
local far = ork.executor("far", { every = "1s",
  start = function(task)
    print("with", task.env.TOKEN)
    add("seen", task.env.TOKEN)
    return { token = task.env.TOKEN }
  end,
  poll = function(handle) return { output = handle } end })
w:task("a", { executor = far, command = { "x" }, env = { TOKEN = ork.secret("TOKEN") } })
w:task("b", { executor = far, command = { "x" }, env = { TOKEN = ork.secret("NONE") } })]])
    assert.equal(1, ork({ "w.lua" }, { ORK_SECRET_TOKEN = "hunter2-is-long" }).code)
    assert.equal("hunter2-is-long\n", sh.read(dir .. "/seen"))
    assert.equal('{"token":"***"}\n', ork({ "output", "last", "a" }).out)
    assert.equal("with\t***************\n", ork({ "logs", "last", "a" }).out)
    assert.equal("", sh.spawn({ "grep", "-rlaF", "hunter2-is-long", ".ork" }, { cwd = dir }):wait().out)
    assert.equal("input", sql("SELECT kind FROM tasks WHERE task_name = 'b'")[1].kind)
  end)

  it("a job of another service that failed is asked again when the program died over the verdict", function()
    local server = http.start()
    write([[
local w = ork.workflow("w", { params = { url = "str" } })
w:task("a", { inputs = { url = w.params.url }, retries = { limit = 1, delay = 0, on = function(err)
  add("asked", err.kind)
  while not exists("go") do os.execute("sleep 0.01") end
  return false
end }, run = function(input)
  return ork.defer.http({ url = input.url .. "/job/never", job_id = "long" }, { url = input.url .. "/job/fail", job_id = "bad", failure_value = "failure" })
end })]])
    local p = sh.spawn_ork({ "w.lua", "url=" .. server.url }, { cwd = dir })
    wait_line("asked")
    p:kill()
    assert.same({ { n = 2 } }, sql("SELECT count(*) AS n FROM deferred_jobs WHERE status IN ('pending', 'polling')"))
    sh.write(dir .. "/go", "")
    local r = ork({ "w.lua", "url=" .. server.url })
    assert.matches("a failed (attempt 1, 1 retry): job `bad` failed: its status is `failure`\n", r.err, 1, true)
    assert.equal("remote\nremote\n", sh.read(dir .. "/asked"))
    assert.same({ { job_id = "bad", status = "failed" }, { job_id = "long", status = "cancelled" } },
      sql("SELECT job_id, status FROM deferred_jobs ORDER BY job_id"))
  end)

  local CHILD = [[
local far = ork.executor("far", { every = "1s", start = function(task) return task.name end, poll = function(handle) return { output = handle } end })
local child = ork.workflow("child", { params = { n = "int" },
  on_success = function(run, ctx)
    add("told", "success " .. run.params.n)
    while exists("hold") do ctx.sleep("10ms") end
  end,
  on_failure = function(run) add("told", "failure " .. run.params.n) end })
child:task("far", { executor = far })
child:task("few", { command = { "sh", "-c", "test $0 -lt 5", child.params.n }, on_failure = function(task) add("told", task.name .. " " .. task.status) end })
local w = ork.workflow("w")
local kids = w:task("kids", { workflow = child, inputs = { n = ork.each { 1, 9 } }, retries = asks("asked") })
]]
  local EXPECTED = "failure 9\nfailure 9\nfew failed\nfew failed\nsuccess 1\n"
  local function lines(name)
    local list = {}
    for line in sh.read(dir .. "/" .. name):gmatch("[^\n]+") do list[#list + 1] = line end
    table.sort(list)
    return table.concat(list, "\n") .. "\n"
  end

  it("runs of tasks have handlers and executors, and retries.on judges them", function()
    write(CHILD)
    assert.equal(1, ork({ "w.lua" }).code)
    assert.equal(EXPECTED, lines("told"))
    local asked = told("asked")
    assert.same({ 1, "error" }, { #asked, asked[1].kind })
    assert.matches("^run %x+ of `child` failed: 1 of 2 tasks failed: few$", asked[1].message)
  end)

  it("who started the run waits for the handlers of the runs of its tasks, too", function()
    write([[
local child = ork.workflow("child", { on_success = function(run, ctx) ctx.sleep("300ms") add("told", run.status) end })
child:task("a", { command = "true" })
local w = ork.workflow("w")
w:task("kid", { workflow = child })]])
    assert.equal(0, ork({ "w.lua" }).code)
    assert.equal("success\n", sh.read(dir .. "/told"))
  end)

  it("in a program they are all functions of it", function()
    local r = app.run(HEAD:gsub("^[^\n]*\n", "") .. CHILD .. "\nprint(w:run().status)", dir)
    assert.equal("failed\n", r.out, r.err)
    assert.equal(EXPECTED, lines("told"))
    assert.equal(1, #told("asked"))
  end)

  it("a handler of a run of a task is called by the next server when its program died", function()
    sh.write(dir .. "/hold", "")
    write(CHILD:gsub("ork.each { 1, 9 }", "1"):gsub("\nlocal kids", "\nlocal _") .. '\nw:task("long", { command = "until ! test -e hold; do sleep 0.02; done" })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("told")
    p:kill()
    sh.run({ "rm", dir .. "/hold" })
    local server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM commands WHERE kind = 'on_success' AND outcome = 'done'")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'success' AND parent_task_id IS NULL")
    serve.stop(server)
    assert.equal("success 1\nsuccess 1\n", sh.read(dir .. "/told"))
  end)

  it("a handler of a run of a task is called by who finds its end, which its program did not live to tell the task", function()
    local one = CHILD:gsub("ork.each { 1, 9 }", "1"):gsub("\nlocal kids", "\nlocal _")
    local function left() -- as if killed one commit earlier
      sh.run({ "rm", "-rf", dir .. "/told", dir .. "/.ork" })
      sh.write(dir .. "/hold", "")
      write(one .. '\nw:task("long", { command = "until ! test -e hold; do sleep 0.02; done" })')
      local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
      wait_line("told")
      serve.wait_row(dir, "SELECT 1 FROM tasks WHERE task_name = 'kids' AND status = 'success'")
      p:kill()
      sql([[UPDATE tasks SET status = 'running', output = NULL, finished_at = NULL WHERE task_name = 'kids';
        UPDATE deferred_jobs SET status = 'polling', finished_at = NULL WHERE service_type = 'run']])
      sh.run({ "rm", dir .. "/hold" })
    end
    left()
    local r = ork({ "w.lua" })
    assert.equal(0, r.code, r.err)
    assert.equal("success 1\nsuccess 1\n", sh.read(dir .. "/told"))
    assert.same({}, sql("SELECT 1 FROM commands WHERE done_at IS NULL"))
    left()
    local server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM commands WHERE kind = 'on_success' AND outcome = 'done'")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'success' AND parent_task_id IS NULL")
    serve.stop(server)
    assert.equal("success 1\nsuccess 1\n", sh.read(dir .. "/told"))
    assert.same({ { n = 2 } }, sql("SELECT count(*) AS n FROM runs WHERE status = 'success' AND scheduler_id IS NULL"))
  end)

  it("a handler of a run of a task is called by `ork resume` of its run when its program died", function()
    local one = CHILD:gsub("ork.each { 1, 9 }", "1"):gsub("\nlocal kids", "\nlocal _")
    for _, more in ipairs({ '\nw:task("long", { command = "until ! test -e hold; do sleep 0.02; done" })', "" }) do -- the run goes on, or has ended
      sh.run({ "rm", "-rf", dir .. "/told", dir .. "/.ork" })
      sh.write(dir .. "/hold", "")
      write(one .. more)
      local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
      wait_line("told")
      if more == "" then serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'success' AND parent_task_id IS NULL") end
      p:kill()
      sh.run({ "rm", dir .. "/hold" })
      local r = ork({ "resume", sql("SELECT lower(hex(id)) AS id FROM runs WHERE parent_task_id IS NULL")[1].id })
      assert.equal(0, r.code, r.err)
      assert.equal("success 1\nsuccess 1\n", sh.read(dir .. "/told"))
      assert.same({}, sql("SELECT 1 FROM commands WHERE done_at IS NULL"))
    end
  end)
end)
