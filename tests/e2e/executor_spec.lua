-- SPDX-License-Identifier: MIT
-- ork.executor: tasks that functions of the script start, look after and cancel, through kills of the program.
local app = require "tests.lib.app"
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

--- The other machine is a folder: start makes NAME.started, whoever is there writes NAME.code.
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
local function read(name)
  local f <close> = io.open(name)
  return f and f:read("a")
end
local far = ork.executor("far", {
  every = "1s",
  start = function(task, ctx)
    add("started", task.key:match("/(.*)") .. " " .. table.concat(task.command or {}, ",") .. " " .. tostring(task.input.n))
    while exists("slow") do ctx.sleep("10ms") end
    return { name = task.name }
  end,
  poll = function(job, ctx)
    add("polled", job.name)
    local text = read(job.name .. ".end")
    return text and load("return " .. text)()
  end,
  cancel = function(job) add("cancelled", job.name) end,
})
local w = ork.workflow("w")
]]

describe("a task of an executor", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  --- Until a function has written a line into that file.
  local function wait_line(name)
    sh.wait_until(dir, function() return sh.exists(dir .. "/" .. name) and sh.read(dir .. "/" .. name):find("\n") end)
  end
  local function task(name) return sh.json(ork("show", "last", name, "--json").out) end
  local function ending(name, text) sh.write(dir .. "/" .. name .. ".end", text) end

  it("ends as its poll says", function()
    write([[
local a = w:task("a", { executor = far, inputs = { n = 5 }, command = { "echo", "-n", ork.input.n }, output_type = { n = "int" } })
w:task("after", { command = { "echo", a.output.n } })
w:task("empty", { executor = far })
w:task("bad", { executor = far })
w:task("again", { executor = far, retries = { limit = 1, delay = 0, on = function(err) return err.kind == "remote" and err.code == "BUSY" end } })
w:task("final", { executor = far, retries = 3 })
w:task("wrong", { executor = far, output_type = { n = "int" } })
w:task("none", { executor = far, output_type = { n = "int" } })
w:task("odd", { executor = far })
w:task("items", { executor = far, inputs = { n = ork.each { 1, 2 } } })]])
    ending("a", "{ output = { n = 7 } }")
    ending("empty", "{}")
    ending("bad", '{ error = "no disk" }')
    ending("again", '{ error = "busy", code = "BUSY", after = "10ms" }')
    ending("final", '{ error = "no", retry = false }')
    ending("wrong", '{ output = { n = "x" } }')
    ending("none", "{}")
    ending("odd", '"finished"')
    sh.run({ "mkdir", dir .. "/items" })
    ending("items/1", "{ output = 1 }")
    ending("items/2", "{ output = 2 }")
    local r = ork("w.lua")
    assert.equal(1, r.code)
    assert.equal("7\n", ork("logs", "last", "after").out)
    assert.equal("success", task("empty").status)
    assert.same({ "failed", "remote", "no disk", 1 }, { task("bad").status, task("bad").kind, task("bad").error, task("bad").attempt })
    assert.equal(2, task("again").attempt)
    assert.equal(1, task("final").attempt)
    assert.same({ "output", 'output.n: wanted int, got "x"' }, { task("wrong").kind, task("wrong").error })
    assert.equal("it declares an output_type but gave no output: the `poll` of its executor returns { output = … } at the end", task("none").error)
    assert.matches("the poll of executor `far` wants to return nil, { output = … } or { error = \"…\" }, and returned something else", task("odd").error, 1, true)
    assert.equal(2, task("items/2").output)
    local started = sh.read(dir .. "/started")
    assert.matches("a/1 echo,-n,5 5\n", started, 1, true)
    assert.matches("again/2  nil\n", started, 1, true)
    assert.matches("items/2/1  2\n", started, 1, true)
    assert.is_false(sh.exists(dir .. "/cancelled"))
  end)

  it("fails when start does, and is polled again when poll does", function()
    write([[
local bad = ork.executor("bad", { start = function() error("no route", 0) end, poll = function() end })
w:task("start", { executor = bad, retries = { limit = 1, delay = 0 } })
local huge = ork.executor("huge", { start = function() return ("x"):rep(70000) end, poll = function() end })
w:task("handle", { executor = huge })
local shy = ork.executor("shy", { every = "1s", start = function() end, poll = function(handle)
  assert(handle == nil)
  add("shy", "x")
  if read("shy") == "x\n" then error("not there", 0) end
  return { output = 1 }
end })
w:task("poll", { executor = shy })]])
    assert.equal(1, ork("w.lua").code)
    assert.same({ "error", "no route", 2 }, { task("start").kind, task("start").error, task("start").attempt })
    assert.equal("its executor's start returned 70002 bytes; at most 65536 are kept", task("handle").error)
    assert.equal("success", task("poll").status)
  end)

  it("is found again by its handle after a kill, and started again under its key without one", function()
    write('w:task("a", { executor = far })')
    sh.write(dir .. "/slow", "")
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("started")
    p:kill() -- start was called, and nobody heard of its handle
    sh.run({ "rm", dir .. "/slow" })
    p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("polled")
    assert.equal("a/1  nil\na/1  nil\n", sh.read(dir .. "/started"))
    assert.matches("a: by executor far, which has started it; polls every 1s; asked %d+ time", ork("why", "last").out)
    assert.matches("by executor far", ork("show", "last").out)
    p:kill() -- it has its handle
    ending("a", "{ output = 3 }")
    assert.equal(0, ork("w.lua").code)
    assert.equal("a/1  nil\na/1  nil\n", sh.read(dir .. "/started"))
    assert.same({ 3, 1 }, { task("a").output, task("a").attempt })
  end)

  it("is cancelled with what it started: by people, by its timeout, and while it is being started", function()
    write('w:task("a", { executor = far })\nw:task("late", { executor = far, timeout = "1s" })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("cancelled")
    assert.equal("late\n", sh.read(dir .. "/cancelled"))
    p:wait_line("late +failed .*timeout after 1s")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.equal("late\na\n", sh.read(dir .. "/cancelled"))
    assert.equal("cancelled", task("a").status)
    sh.write(dir .. "/slow", "")
    sh.run({ "rm", dir .. "/started", dir .. "/cancelled" })
    write('w:task("b", { executor = far })')
    p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("started")
    p:signal("sigint")
    p:wait_line("cancelling")
    sh.run({ "rm", dir .. "/slow" })
    assert.equal(130, p:wait().code)
    assert.equal("b\n", sh.read(dir .. "/cancelled"))
  end)

  it("is cancelled by who takes the run up when the program died over that", function()
    write('w:task("a", { executor = far })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("polled")
    p:kill()
    assert.equal(0, ork("cancel", "last").code)
    assert.equal("a\n", sh.read(dir .. "/cancelled"))
    assert.equal("cancelled", task("a").status)
  end)

  it("says so when it cannot be cancelled, and needs no cancel", function()
    write([[
local stuck = ork.executor("stuck", { start = function() return 1 end, poll = function() add("polled", "x") end, cancel = function() error("no way", 0) end })
local free = ork.executor("free", { start = function() return 1 end, poll = function() end })
w:task("stuck", { executor = stuck })
w:task("free", { executor = free })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    wait_line("polled")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.equal("cancelled; its executor could not cancel it: no way", task("stuck").error)
    assert.equal("cancelled", task("free").error)
  end)

  it("of a program is carried out by it", function()
    local r = app.run([[
local polls = 0
local here = ork.executor("here", { every = 1, start = function(task) return { key = task.key } end,
  poll = function(job) polls = polls + 1 return polls == 2 and { output = { key = job.key } } end })
local w = ork.workflow("w")
w:task("a", { executor = here, output_type = { key = "str" } })
local run = assert(w:run())
print(run.status, run:task("a").output.key == run.id .. "/a/1")]], dir)
    assert.equal("success\ttrue\n", r.out, r.err)
  end)

  it("is carried out on PostgreSQL, too", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    write('w:task("a", { executor = far, output_type = { n = "int" } })')
    ending("a", "{ output = { n = 7 } }")
    local r = ork("w.lua", "--db", url)
    assert.equal(0, r.code, r.err)
    assert.equal('{"n":7}\n', ork("output", "last", "a", "--db", url).out)
  end)

  it("is refused where it is not meant", function()
    local function refused(text, message)
      write(text)
      local r = ork("w.lua")
      assert.equal(2, r.code, r.err)
      assert.matches(message, r.err, 1, true)
    end
    refused('w:task("a", { executor = "far" })', '`executor` wants "inline" or an ork.executor, got "far"; ork.executor(name, { start = …, poll = … }) makes one')
    write('w:task("a", { executor = "far", command = { "true" } })')
    assert.not_matches("is for a function", ork("validate", "w.lua").err, 1, true)
    refused('w:task("a", { executor = far, run = function() end })', "`executor` stands beside `run`; a task does one thing")
    refused('w:task("a", { executor = far, wait = "1s" })', "`executor` stands beside `wait`; a task does one thing")
    refused('w:task("a", { executor = far, python = "a.py:f" })', "`executor` stands beside `python`; a task does one thing")
    refused('w:task("a", { executor = far, library = "x.so" })', "`executor` stands beside `library`; a task does one thing")
    refused('w:task("a", { executor = far, workflow = ork.workflow("b") })', "`workflow` stands beside `executor`; a task does one thing")
    refused('w:task("a", { executor = far, task_count = 3 })', "`task_count` stands beside `executor`; it is for a task that does something itself")
    refused('w:task("a", { executor = far, deferred_timeout = "1h" })', "`deferred_timeout` is for jobs that a task leaves elsewhere (ork.defer)")
    refused('w:task("a", { executor = far, isolated = true })', "`isolated` is of no use to a task of an executor")
    refused('w:task("a", { executor = far, pool = "db" })', "`pool` is of no use to a task of an executor: it has no process here and takes no slot")
    refused('w:task("a", { executor = far, cwd = "/" })', "`cwd` is for `command`")
    refused('w:task("a", { executor = far, env = { A = "b" } })', "`env` is for `command`")
    refused('ork.executor("x", { start = function() end })', "executor `x` has no `poll`")
    refused('ork.executor("x", { poll = function() end, start = 1 })', "executor `x`: `start` wants a function, got a number")
    refused('ork.executor("x", { pol = print })', "executor `x` has no option `pol`; did you mean `poll`?")
    refused('ork.executor("x", { every = "10ms" })', "executor `x`: `every` wants a duration of 1 s or more, got 10ms")
    refused("ork.executor{}", "ork.executor wants a name first, of letters, digits, _ . and -")
    refused('ork.executor("x")', "ork.executor wants a table after the name: { start = function(task, ctx) … end, poll = … }")
  end)
end)
