-- SPDX-License-Identifier: MIT
-- Functions of scripts, by the real program: what they may use, what they print, what they do wrong, and that nothing of
-- them is lost or doubled when the program is killed.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

describe("a function of a script", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function task(name) return sh.sql(dir .. "/.ork/ork.db", "SELECT * FROM tasks WHERE task_name = '" .. name .. "'")[1] end
  local function run(text, ...)
    write(text)
    return ork("w.lua", ...)
  end

  it("uses what loading the script makes, modules beside it, and files of the snapshot", function()
    sh.write(dir .. "/helper.lua", "return { twice = function(n) return require('deep').two * n end }")
    sh.write(dir .. "/deep.lua", "return { two = 2 }")
    sh.write(dir .. "/greeting.txt", "hello")
    sh.write(dir .. "/data.txt", "as it is now")
    local r = run([[
local helper, text = require "helper", ork.read("greeting.txt")
local a = w:task("a", { inputs = { n = 4 }, output_type = { n = "int", text = "str", file = "str" }, run = function(input, ctx)
  return { n = helper.twice(input.n), text = text, file = io.open("data.txt"):read("a") }
end })
w:task("b", { command = { "echo", a.output.n, a.output.text, a.output.file } })]])
    assert.equal(0, r.code, r.err)
    assert.equal("8 hello as it is now\n", ork("logs", "last", "b").out)
  end)

  it("stays as it was when the run began", function()
    sh.write(dir .. "/helper.lua", "return 'old'")
    write([[
w:task("gate", { command = "until test -e go; do sleep 0.02; done" })
w:task("a", { depends_on = "gate", run = function() return require("helper") end })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("gate .* running")
    sh.write(dir .. "/helper.lua", "return 'new'")
    sh.write(dir .. "/w.lua", "error('another script')")
    sh.write(dir .. "/go", "")
    assert.equal(0, p:wait().code)
    assert.equal('{"a":"old"}\n', ork("output", "last").out)
  end)

  it("prints into the log of its task, whichever way", function()
    local r = run([[
w:task("a", { run = function(_, ctx)
  io.stdout:write("first ")
  print("one", 2, nil)
  io.write("three ", 4, "\n")
  ctx.log("five %d", 6)
  io.stderr:write("seven\n")
  os.execute("echo eight")
  ctx.sleep(0.01)
  print("nine")
end })
w:task("b", { run = function() io.stdout:write("of b\n") end })
w:task("silent", { run = function() end })]])
    assert.equal(0, r.code, r.err)
    assert.equal("first one\t2\tnil\nthree 4\nfive 6\nseven\neight\nnine\n", ork("logs", "last", "a").out)
    assert.equal("of b\n", ork("logs", "last", "b").out)
    assert.equal("", ork("logs", "last", "silent").out)
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM task_attempts"))
  end)

  it("shows what a `when` wrote that failed, of functions and of processes", function()
    for _, what in ipairs { "run = function() end", 'command = "true"' } do
      local r = run('w:task("a", { when = function() print("hear") error("cannot tell") end, ' .. what .. " })")
      assert.equal(1, r.code)
      for _, words in ipairs { { "last", "a" }, { "last" }, { "last", "a", "--tail", "20" } } do
        local log = ork("logs", table.unpack(words))
        assert.matches("^hear\n.*w.lua:3: cannot tell\n", log.out, 1, false, log.err)
      end
    end
  end)

  it("has its resources when it decides, too", function()
    local r = run([[
w:task("a", { resources = { memory = "32m" }, command = "true", when = function() local t = {} for i = 1, 1e9 do t[i] = {} end end })]])
    assert.equal(1, r.code)
    assert.equal("when: not enough memory: it may have 32 MiB (resources)", task("a").error)
  end)

  it("takes nobody with it again when it is polled", function()
    local r = run([[
w:task("p", { wait = { every = "1s", poll = function(_, ctx)
  local f <close> = io.open("asked", "a")
  f:write("x"):flush()
  if f:seek("end") > 3 then return true end
  ctx.sleep("200ms")
  os.execute("kill -9 $PPID")
end } })
local before
for i = 1, 8 do before = w:task("s" .. i, { depends_on = before, run = function(_, ctx) ctx.sleep("500ms") end }) end]], "--jobs", "1")
    assert.equal(0, r.code, r.err)
    assert.equal("xxxx", sh.read(dir .. "/asked"))
    assert.is_true(sh.sql(dir .. "/.ork/ork.db", "SELECT sum(lost) AS n FROM tasks")[1].n <= 1)
  end)

  it("shows its log while it computes", function()
    write('w:task("a", { run = function() print("I am here") while not io.open("go") do end end })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("a .* running")
    assert.equal("I am here\n", ork("logs", "last", "a").out)
    assert.matches("its function runs in a worker of the program that owns the run, or waits for one", ork("why", "last").out, 1, true)
    sh.write(dir .. "/go", "")
    assert.equal(0, p:wait().code)
  end)

  it("fails alone, and says why", function()
    local bad = {
      { "raises", 'error("boom")', "error", "w.lua:3: boom" },
      { "fails", 'ctx.fail("no luck", { code = "X", retry = false })', "error", "no luck" },
      { "exits", "os.exit(3)", "error", "w.lua:3: os.exit would end the worker, in which other functions run too: return, or call ctx.fail" },
      { "functions", "return { f = print }", "output", "output.f: a function cannot be stored as JSON" },
      { "cycle", "local t = {} t.t = t return t", "output", "output.t: the table contains itself" },
      { "sparse", "return { 1, nil, 3, nil, 5 }", "output", "output: element 2 is nil; a list has no holes (ork.null is a value)" },
      { "large", "return ('x'):rep(17 << 20)", "output",
        "the output is 17825794 bytes; at most 16777216 are stored: return a file's path instead" },
      { "sets", "x = 1", "error", "w.lua:3: sets the global `x` inside a function; write `local x`, or define it at the top of the script" },
      { "misspells", "return prnit", "error", "w.lua:3: undefined variable `prnit`; did you mean `print`?" },
      { "starts", "require('ork').run(w)", "error",
        "w.lua:3: runs are out of reach: the function of a task runs in a worker, which has no database and starts no runs" },
      { "spawns", "require('ork').spawn(print)", "error",
        "w.lua:3: ork.spawn: the function of a task runs in a worker, which has no database and starts no runs" },
      { "requires", "local m = require('not' .. 'there') return m", "error",
        "w.lua:3: module `notthere` is not in the run's snapshot: the script must require it where it is loaded, or by its literal name" },
      { "hoards", "local t = {} for i = 1, math.huge do t[i] = ('x'):rep(1 << 20) .. i end", "error",
        "not enough memory: the functions in a worker have 64 MiB together (ORK_WORKER_MEMORY_MB)" },
      { "crashes", "io.stdout:write('last words\\n') os.execute('kill -ABRT $PPID')", "lost", "lost: its worker was ended by signal 6 (SIGABRT)" },
      { "leaves", "os.execute('kill -TERM $PPID')", "lost", "lost: its worker was ended by signal 15 (SIGTERM)" },
    }
    for _, each in ipairs(bad) do
      write(("w:task(%q, { max_lost = 0, run = function(_, ctx) %s end })\nw:task('good', { run = function() return 1 end })"):format(each[1], each[2]))
      local r = sh.ork({ "w.lua" }, { cwd = dir, env = { ORK_WORKER_MEMORY_MB = "64" } })
      assert.equal(1, r.code, each[1] .. r.err)
      local t = sh.sql(dir .. "/.ork/ork.db", "SELECT t.* FROM tasks t JOIN runs r ON r.id = t.run_id ORDER BY r.created_at DESC, task_index LIMIT 2")
      assert.same({ each[1], "failed", each[3], each[4] }, { t[1].task_name, t[1].status, t[1].kind, t[1].error })
      assert.same({ "success", "1" }, { t[2].status, tostring(math.tointeger(t[2].attempt)) }, each[1])
      if each[1] == "crashes" then assert.matches("last words", t[1].logs) end
      sh.run({ "rm", "-rf", dir .. "/.ork/ork.db" })
    end
  end)

  it("goes on while all that is in memory sleeps", function() -- 75 MB of inputs, whose functions wait for another
    local r = run([[
local big = w:task("big", { run = function() return ("x"):rep(15 << 20) end })
for i = 1, 5 do
  w:task("s" .. i, { inputs = { big = big.output }, run = function(_, ctx) ctx.progress(1) repeat ctx.sleep("10ms") until io.open("go") end })
end
local pause = w:task("pause", { depends_on = big, wait = "3s" })
w:task("make", { depends_on = pause, run = function() io.open("go", "w"):close() end })]])
    assert.equal(0, r.code, r.err)
  end)

  it("has what its resources say, alone in its worker; so have processes", function()
    local r = run([[
w:task("small", { resources = { memory = "32m" }, run = function() local t = {} for i = 1, 1e9 do t[i] = {} end end })
w:task("large", { resources = { memory = "256m" }, run = function() return #(("x"):rep(100 << 20)) end })
w:task("busy", { resources = { cpu_time = "200ms" }, run = function() while true do end end })
w:task("stubborn", { resources = { cpu_time = "100ms" }, run = function() while true do pcall(function() while true do end end) end end })
w:task("in_c", { resources = { cpu_time = "100ms" }, run = function() return (("a"):rep(100000)):find((".-"):rep(40) .. "b") end })
w:task("sleeps", { resources = { cpu_time = "100ms" }, run = function(_, ctx) ctx.sleep("300ms") return 1 end })
w:task("process", { resources = { cpu_time = 1 }, command = "while :; do :; done" })
w:task("hoards", { resources = { memory = "64m" }, command = { "python3", "-c", "x = bytearray(200000000)" } })
w:task("usual", { depends_on = "large", trigger_rule = "all_done", run = function() return #(("x"):rep(40 << 20)) end })]])
    assert.equal(1, r.code)
    local got = {}
    for _, t in ipairs(sh.sql(dir .. "/.ork/ork.db", "SELECT task_name, status || ' ' || coalesce(error, output) AS told FROM tasks")) do
      got[t.task_name] = t.told
    end
    assert.same({
      small = "failed not enough memory: it may have 32 MiB (resources)",
      large = "success " .. (100 << 20),
      busy = "failed it took more than 0.2s of CPU time (resources)",
      stubborn = "failed it took more than 0.1s of CPU time (resources)",
      in_c = "failed it took more than 0.1s of CPU time (resources)",
      sleeps = "success 1",
      process = "failed ended by signal 24 (SIGXCPU): it took more CPU time than it may (resources)",
      hoards = "failed exit code 1",
      usual = "success " .. (40 << 20),
    }, got)
    assert.matches("MemoryError", ork("logs", "last", "hoards").out)
    assert.equal(0, sh.sql(dir .. "/.ork/ork.db", "SELECT sum(lost) AS n FROM tasks")[1].n)
  end)

  it("is explained when loading the script again does not make it", function()
    local r = run([[
local run = w:start{}
w:task("late", { run = function() end })]])
    assert.equal(2, r.code)
    sh.write(dir .. "/s.lua", HEAD .. [[
w:task("first", { run = function() return 1 end })
local v = ork.workflow("v")
assert(w:run{})
v:task("late", { run = function() end })
local run = assert(v:run{})
io.stderr:write(run:task("late").error, "\n")
]])
    r = ork("s.lua")
    assert.matches("the script starts a run before it defines task `late`; a worker, which loads it again, stops there: define all tasks first", r.err, 1, true)
    sh.write(dir .. "/seconds.lua", HEAD .. 'w:task("t" .. io.open("/proc/self/stat"):read("n"), { run = function() end })\nreturn w')
    r = ork("seconds.lua")
    assert.equal(1, r.code)
    assert.matches("the script defines no task `t%d+` when it is loaded again; a script must define the same tasks every time", r.out .. r.err)
    sh.write(dir .. "/fails.lua", HEAD .. 'if io.open("seen") then error("only once") end io.open("seen", "w"):close()\n' ..
      'w:task("a", { run = function() end })\nreturn w')
    r = ork("fails.lua")
    assert.matches("the script fails when it is loaded again: fails.lua:3: only once", r.out .. r.err, 1, true)
  end)

  it("is held back by max_parallel and pools, and started by priority", function()
    local r = run([[
local function note(name) local f = io.open("ran", "a") f:write(name, "\n") f:close() end
local function at_once(_, ctx)
  local f = assert(io.open("in", "a")) f:write("+") f:close()
  ctx.sleep(0.005)
  f = assert(io.open("in", "a")) f:write("-") f:close()
end
for i = 1, 6 do w:task("p" .. i, { pool = "one", run = at_once }) end
ork.pool("one", 1)
w:task("gate", { priority = 9, run = function() note("gate") end })
for i = 1, 3 do w:task("low" .. i, { depends_on = "gate", priority = i, run = function(_, ctx) note(ctx.task) end }) end]], "--jobs", "1")
    assert.equal(0, r.code, r.err)
    assert.equal("+-+-+-+-+-+-", sh.read(dir .. "/in"))
    assert.equal("gate\nlow3\nlow2\nlow1\n", sh.read(dir .. "/ran"))
  end)

  it("is applied, planned, validated and run by name", function()
    write('w:task("a", { run = function() return { n = 1 } end, output_type = { n = "int" } })')
    assert.matches("a", ork("plan", "w.lua").out)
    assert.equal(0, ork("validate", "w.lua").code)
    assert.equal(0, ork("apply", "w.lua").code)
    os.remove(dir .. "/w.lua")
    local r = ork("run", "w")
    assert.equal(0, r.code, r.err)
    assert.equal("lua", task("a").executor_type)
    assert.matches("lua", ork("show", "last", "a", "--json").out)
  end)

  it("fails where the script's folder is gone", function()
    sh.run({ "mkdir", dir .. "/sub" })
    sh.write(dir .. "/sub/w.lua", HEAD .. [[
w:task("gate", { cwd = "/", command = "until test -e " .. ork.read("place") .. "/go; do sleep 0.02; done" })
w:task("a", { depends_on = "gate", run = function() end })
return w]])
    sh.write(dir .. "/sub/place", dir)
    local p = sh.spawn_ork({ "sub/w.lua" }, { cwd = dir })
    p:wait_line("gate .* running")
    sh.run({ "rm", "-r", dir .. "/sub" })
    sh.write(dir .. "/go", "")
    assert.equal(1, p:wait().code)
    assert.same({ "spawn", "cannot work in the script's folder " .. dir .. "/sub: No such file or directory" }, { task("a").kind, task("a").error })
  end)

  it("of a Lua program's own script runs in workers of the program `ork`, which must be there", function()
    write('w:task("a", { run = function() return io.open("/proc/self/comm"):read() end })')
    sh.write(dir .. "/app.lua", [[
local ork = require "ork"
local w = ork.load("w.lua")
local run, why, code = w:run()
print(run and run:task("a").output or why, code)]])
    local function app(program)
      return sh.run({ "lua5.4", "app.lua" }, { cwd = dir, env = { ORK_PROGRAM = program, LD_PRELOAD = os.getenv("TEST_HOST_PRELOAD"),
        ASAN_OPTIONS = os.getenv("TEST_HOST_PRELOAD") and "detect_leaks=0" } }).out
    end
    assert.equal("ork-worker\tnil\n", app())
    assert.equal("ORK_PROGRAM names `/nowhere/ork`, which is not a program that can be run\tEAGENT\n", app("/nowhere/ork"))
  end)

  it("leaves nothing behind when its worker is killed by somebody", function()
    write([[
w:task("a", { max_lost = 0, run = function(_, ctx) ctx.exec({ "sh", "-c", "echo $$ >other; exec sleep 4326" }) end })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    local pid = sh.wait_until(dir, function() return sh.exists(dir .. "/other") and tonumber(sh.read(dir .. "/other")) end)
    local worker = tonumber(io.popen("pgrep -P " .. p.pid .. " -f worker"):read("a"))
    sh.run({ "kill", "-9", tostring(worker) })
    assert.equal(1, p:wait().code)
    assert.is_false(sh.alive(pid)) -- before the end is told
    assert.equal("lost", task("a").kind)
  end)

  it("gets another worker when earlier ones kept much", function()
    write([[
local kept = {}
for i = 1, 60 do
  w:task("t" .. i, { run = function() kept[#kept + 1] = ("x"):rep(4 << 20) .. i return #kept end })
end]])
    local r = sh.ork({ "w.lua", "--quiet", "--jobs", "1" }, { cwd = dir, env = { ORK_WORKER_MEMORY_MB = "64" } })
    assert.equal(0, r.code, r.err)
    local most = sh.sql(dir .. "/.ork/ork.db", "SELECT max(CAST(output AS INTEGER)) AS n, sum(lost) AS lost FROM tasks")[1]
    assert.is_true(most.n > 1 and most.n < 10, most.n) -- 64 MiB hold fifteen of them
    assert.equal(0, math.tointeger(most.lost))
  end)

  it("runs on PostgreSQL, too", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    write([[
local sum = { inputs = {}, output_type = { n = "int" } }
for i = 1, 300 do
  sum.inputs["n" .. i] = w:task("t" .. i, { output_type = { n = "int" }, retries = { limit = 1, delay = 0 }, run = function(_, ctx)
    if i % 50 == 0 and ctx.attempt == 1 then error("once") end
    return { n = i }
  end }).output.n
end
function sum.run(input)
  local n = 0
  for _, each in pairs(input) do n = n + each end
  return { n = n }
end
w:task("sum", sum)]])
    local r = ork("w.lua", "--db", url, "--quiet")
    assert.equal(0, r.code, r.err)
    assert.equal('{"n":45150}\n', ork("output", "last", "sum", "--db", url).out)
    local tasks = sh.json(ork("tasks", "last", "--db", url, "--json").out)
    local again = 0
    for _, t in ipairs(tasks) do again = again + (t.attempt == 2 and 1 or 0) end
    assert.same({ 301, 6 }, { #tasks, again })
  end)

  it("is retried by a person, with what it printed before kept", function()
    local r = run([[
w:task("a", { run = function(_, ctx) print("attempt", ctx.attempt) if not io.open("fixed") then error("not yet") end end })]])
    assert.equal(1, r.code)
    sh.write(dir .. "/fixed", "")
    r = ork("retry", "last")
    assert.equal(0, r.code, r.err)
    assert.equal("attempt\t2\n", ork("logs", "last", "a").out)
    assert.matches("^attempt\t1\n.*not yet", ork("logs", "last", "a", "--attempt", "1").out)
  end)

  it("is cancelled from elsewhere, with all that it started", function()
    write([[
w:task("a", { run = function(_, ctx) os.execute("setsid sleep 4321 & echo $! >pid; echo on; sleep 4322") end })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("a .* running")
    local pid = tonumber(sh.wait_file(dir .. "/pid"))
    assert.equal(0, ork("cancel", "last").code)
    p:wait()
    sh.wait_gone(pid)
    assert.equal("cancelled", task("a").status)
  end)
end)

describe("a program that is killed while functions run", function()
  after_each(sh.cleanup)

  it("leaves no worker and nothing they started", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/w.lua", HEAD .. [[
w:task("a", { run = function(_, ctx) os.execute("setsid sleep 4323 & echo $! >pid; sleep 4324") end })
w:task("b", { run = function(_, ctx) ctx.exec({ "sh", "-c", "echo $$ >other; exec sleep 4325" }) end })
w:task("c", { run = function() while true do end end })
return w
]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    local pids = {}
    for i, name in ipairs({ "pid", "other" }) do
      pids[i] = sh.wait_until(dir, function() return sh.exists(dir .. "/" .. name) and tonumber(sh.read(dir .. "/" .. name)) end)
    end
    for pid in io.popen("pgrep -P " .. p.pid .. " -f worker"):lines() do pids[#pids + 1] = tonumber(pid) end
    assert.is_true(#pids >= 4, #pids)
    p:signal("sigkill")
    p:wait(nil, true)
    for _, pid in ipairs(pids) do sh.wait_gone(pid) end
  end)

  it("loses and doubles no recorded result, however often", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/w.lua", HEAD .. [[
local last
for i = 1, 3000 do
  local t = w:task("t" .. i, { inputs = { n = i % 100 == 1 and last and last.output.n or 0 }, output_type = { n = "int" }, run = function(input, ctx)
    local f = io.open("ran/" .. i, "a") f:write("x") f:close()
    if i == 3000 then -- the run does not end before it may
      io.open("last", "w"):close()
      while not io.open("go") do ctx.sleep("10ms") end
    end
    return { n = input.n + 1 }
  end })
  if i % 100 == 1 then last = t end
end
return w
]])
    sh.run({ "mkdir", dir .. "/ran" })
    local db, recorded, kills = dir .. "/.ork/ork.db", {}, 0
    local function look()
      for _, row in ipairs(sh.sql(db, "SELECT task_name, output, finished_at FROM tasks WHERE status = 'success'")) do
        local before = recorded[row.task_name]
        local now = row.output .. row.finished_at
        assert.is_true(before == nil or before == now, row.task_name)
        recorded[row.task_name] = now
      end
    end
    repeat
      local p = sh.spawn_ork({ "w.lua", "--jobs", "3" }, { cwd = dir })
      local r
      if kills < 12 then
        p:wait_line("run %x+ of w")
        p:wait_lines(kills * 37 % 200 + 1, "success", function() return sh.exists(dir .. "/last") end)
        p:signal("sigkill")
        r = p:wait(nil, true)
        assert.equal(9, r.signal, r.err)
        r.code, kills = nil, kills + 1
      else
        sh.write(dir .. "/go", "")
        r = p:wait(120)
        assert.equal(0, r.code, r.err)
      end
      look()
    until r.code == 0
    assert.equal(1, #sh.sql(db, "SELECT 1 FROM runs"))
    assert.equal(3000, sh.sql(db, "SELECT count(*) AS n FROM tasks WHERE status = 'success' AND attempt = 1")[1].n)
    assert.equal(30, tonumber(sh.sql(db, "SELECT json_extract(output, '$.n') AS n FROM tasks WHERE task_name = 't2901'")[1].n))
  end)
end)
