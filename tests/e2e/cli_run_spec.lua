-- SPDX-License-Identifier: MIT
-- `ork SCRIPT`, by the real program in a folder of its own.
local sh = require "tests.lib.sh"

local HELLO = [[
local ork = require "ork"
local w = ork.workflow("hello", { description = "Says hello", params = { who = { type = "str", default = "world" }, n = "int?" } })
local greet = w:task("greet", { command = { "echo", "hello " .. w.params.who } })
w:task("wave", { command = { "true" }, depends_on = { greet } })
return w
]]

local FAILING = [[
local ork = require "ork"
local w = ork.workflow("broken")
w:task("fine", { command = { "true" } })
local bad = w:task("bad", { command = "for i in $(seq 30); do echo line $i; done; exit 7" })
w:task("after", { command = { "true" }, depends_on = { bad } })
return w
]]

-- tasks that end only when told to, and say that they have started
local SLOW = [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("first", { command = "touch started; exec sleep 1000" })
w:task("stubborn", { command = "trap '' TERM INT; touch stubborn; while :; do sleep 1000; done" })
return w
]]

-- waits for one line on the fifo
local WAITING = [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("first", { command = "echo x >> count; touch started; read x < fifo" })
return w
]]

describe("ork SCRIPT", function()
  local dir, db
  before_each(function()
    dir = sh.tempdir()
    db = dir .. "/.ork/ork.db"
    sh.write(dir .. "/hello.lua", HELLO)
  end)
  after_each(sh.cleanup)

  local function ork(args, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    return sh.ork(args, opts)
  end

  it("tells warnings of the script, but not with --quiet: cron would send them each night", function()
    sh.write(dir .. "/warned.lua", [[
      local w = require("ork").workflow("warned")
      w:task("a", { command = "echo {{ ds }}" })
      return w]])
    assert.matches("warned.lua:2: warning: ", ork({ "warned.lua" }).err)
    local r = ork({ "warned.lua", "--quiet" })
    assert.same({ 0, "" }, { r.code, r.err })
    assert.matches("warned.lua:2: warning: ", sh.ork({ "validate", "-q", "warned.lua" }, { cwd = dir }).err)
  end)

  it("says of all tasks why a rule that wants one failure does not come true", function()
    sh.write(dir .. "/alarm.lua", [[
      local w = require("ork").workflow("alarm")
      local north, south = w:task("north", { command = "true" }), w:task("south", { command = "true" })
      local east = w:task("east", { when = { north.status, "==", "failed" }, command = "true" })
      w:task("alarm", { depends_on = { north, south, east }, trigger_rule = "one_failed", command = "true" })
      return w]])
    assert.matches("alarm +skipped +none failed %(2 success, 1 skipped: `east`%), so its rule one_failed cannot come true", ork({ "alarm.lua" }).err)
  end)

  it("says for which run it waits", function()
    sh.write(dir .. "/turn.lua", [[
      local w = require("ork").workflow("turn", { max_active_runs = 1 })
      w:task("a", { command = "until test -e go; do sleep 0.01; done" })
      return w]])
    local first = sh.ork({ "turn.lua", "--detach" }, { cwd = dir, ok = true }).out:match("%x+")
    local second = sh.spawn_ork({ "turn.lua" }, { cwd = dir })
    second:wait_line("run %x+ waits for its turn: max_active_runs = 1; under way: " .. first)
    local pools = ork({ "pool" })
    assert.matches("run:turn +1 +1 +1\n", pools.out)
    assert.equal("run:turn counts the runs of `turn` that are under way (max_active_runs)\n", pools.err)
    sh.write(dir .. "/go", "")
    assert.equal(0, second:wait().code)
  end)

  it("runs to the end, makes the database and says so", function()
    local r = ork({ "hello.lua" })
    assert.equal(0, r.code, r.err)
    assert.matches("created .ork/ork.db\n", r.err, 1, true)
    assert.matches("run %x+ of hello: 2 tasks\n", r.err)
    assert.matches("%d%d:%d%d:%d%d  greet     success", r.err)
    assert.matches("^success: hello, 2 tasks in [%d.]+%a+ %(run %x+%)\n$", r.out)
    assert.same({ { status = "success" } }, sh.sql(db, "SELECT status FROM runs"))
  end)

  it("is silent but for failures under --quiet", function()
    local r = ork({ "hello.lua", "--quiet" })
    assert.same({ 0, "", "" }, { r.code, r.out, r.err })
    sh.write(dir .. "/broken.lua", FAILING)
    r = ork({ "-q", "broken.lua" })
    assert.equal(1, r.code)
    assert.equal("", r.out)
    assert.matches("bad failed", r.err)
    assert.matches("\nfailed: %S+, .*%(run %x+%)\n$", r.err)
  end)

  it("prints the run as one JSON document, progress apart", function()
    local r = ork({ "hello.lua", "--json", "who=you" })
    assert.equal(0, r.code, r.err)
    local run = sh.json(r.out)
    assert.same({ "hello", "success", "you" }, { run.workflow, run.status, run.params.who })
    assert.equal(2, #run.tasks)
    assert.matches("greet", r.err)
  end)

  it("reports a failure: task, reason, the end of its log, what to do", function()
    sh.write(dir .. "/broken.lua", FAILING)
    local r = ork({ "broken.lua" })
    assert.equal(1, r.code)
    assert.matches("bad failed: [^\n]*7[^\n]*\n", r.err)
    assert.matches("  | line 11\n.*  | line 30\n", r.err)
    assert.is_nil(r.err:find("| line 10\n", 1, true))
    assert.matches("more: ork logs %x+ bad\n", r.err)
    assert.matches("try again: ork retry %x+", r.err)
    assert.matches("after +skipped", r.err)
    assert.matches("^failed: broken, 1 failed, 1 skipped, 1 success in", r.out)
  end)

  it("takes params by type and refuses wrong ones before anything runs", function()
    local r = ork({ "hello.lua", "n=many", "whoo=x" })
    assert.equal(2, r.code)
    assert.matches("n", r.err, 1, true)
    assert.matches("who", r.err, 1, true)
    assert.is_false(sh.exists(dir .. "/.ork"))
    sh.write(dir .. "/p.json", '{"who":"file","n":3}')
    r = ork({ "hello.lua", "--params-file", "p.json", "--param", "n=4", "--json" })
    assert.equal(0, r.code, r.err)
    assert.same({ who = "file", n = 4 }, sh.json(r.out).params)
  end)

  it("explains a script", function()
    local r = ork({ "hello.lua", "--help" })
    assert.equal(0, r.code, r.err)
    assert.matches("hello: Says hello (2 tasks)", r.out, 1, true)
    assert.matches("  who  str   default world\n", r.out, 1, true)
    assert.matches("--jobs N", r.out, 1, true)
    assert.is_false(sh.exists(dir .. "/.ork"))
  end)

  it("lists several workflows, runs the named one, or all", function()
    sh.write(dir .. "/two.lua", [[
local ork = require "ork"
local a, b = ork.workflow("alpha"), ork.workflow("beta")
a:task("x", { command = { "true" } })
b:task("y", { command = { "true" } })
return a, b
]])
    local r = ork({ "two.lua" })
    assert.equal(2, r.code)
    assert.matches("ork two.lua alpha\n  ork two.lua beta", r.err, 1, true)
    r = ork({ "two.lua", "betta" })
    assert.equal(2, r.code)
    assert.matches("did you mean `beta`?", r.err, 1, true)
    assert.equal(0, ork({ "two.lua", "beta" }).code)
    assert.same({ { name = "beta" } }, sh.sql(db, "SELECT DISTINCT w.name FROM runs r JOIN workflows w ON w.id = r.workflow_id"))
    r = ork({ "two.lua", "--all", "--json" })
    assert.equal(0, r.code, r.err)
    local runs = sh.json(r.out)
    assert.same({ "alpha", "beta" }, { runs[1].workflow, runs[2].workflow })
    assert.equal(3, #sh.sql(db, "SELECT id FROM runs"))
  end)

  it("suggests what was meant by an unknown first word", function()
    local r = ork({ "shwo" })
    assert.equal(2, r.code)
    assert.equal("ork: no command and no file `shwo`; did you mean `show`?\n", r.err)
    assert.matches("did you mean `hello.lua`?", ork({ "hello" }).err, 1, true)
    assert.equal("helo.lua: no such script; did you mean hello.lua?\n", ork({ "helo.lua" }).err)
    assert.matches("^no/pe.lua: no such script", ork({ "no/pe.lua" }).err)
    assert.matches("is a script; to run it: ork hello.lua\n", ork({ "run", "hello.lua" }).err, 1, true)
    assert.matches("to run a script: ork hello.lua\n", ork({ "execute", "hello.lua" }).err, 1, true)
    assert.equal(2, ork({}).code)
    assert.equal(0, ork({ "--help" }).code)
  end)

  it("shows mistakes of a script with their place and exits 2", function()
    sh.write(dir .. "/bad.lua", 'local ork = require "ork"\nlocal w = ork.workflow("w")\nw:task("a", { comand = "x" })\nreturn w\n')
    local r = ork({ "bad.lua" })
    assert.equal(2, r.code)
    assert.matches("bad.lua:3", r.err, 1, true)
    assert.matches("command", r.err, 1, true)
    sh.write(dir .. "/syntax.lua", "local x = \nreturn )\n")
    r = ork({ "syntax.lua" })
    assert.equal(2, r.code)
    assert.matches("syntax.lua:2", r.err, 1, true)
    assert.is_nil(r.err:find("traceback", 1, true))
    sh.write(dir .. "/nothing.lua", "return nil\n")
    assert.equal(2, ork({ "nothing.lua" }).code)
    assert.is_false(sh.exists(dir .. "/.ork"))
  end)

  it("cancels on SIGINT (130) and SIGTERM (143)", function()
    sh.write(dir .. "/slow.lua", (SLOW:gsub("w:task%(\"stubborn.-\n", "")))
    for name, code in pairs({ sigint = 130, sigterm = 143 }) do
      local p = sh.spawn_ork({ "slow.lua", "--new" }, { cwd = dir })
      p:wait_file(dir .. "/started")
      p:signal(name)
      local r = p:wait()
      assert.equal(code, r.code, r.err)
      assert.matches("^cancelled: slow, 1 cancelled", r.out)
      assert(os.remove(dir .. "/started"))
    end
    assert.same({ { n = 2 } }, sh.sql(db, "SELECT count(*) AS n FROM runs WHERE status = 'cancelled'"))
  end)

  it("kills on a second signal what ignores the first", function()
    sh.write(dir .. "/slow.lua", (SLOW:gsub('"stubborn", {', '"stubborn", { grace = "1h",')))
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/stubborn")
    p:signal("sigint")
    p:wait_line("cancelling")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
  end)

  it("goes on when its terminal goes away", function()
    sh.write(dir .. "/slow.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    p:signal("sighup")
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(0, p:wait().code)
  end)

  it("reports a run_timeout", function()
    sh.write(dir .. "/slow.lua", (SLOW:gsub("w:task%(\"stubborn.-\n", ""):gsub('"slow"', '"slow", { run_timeout = "200ms" }')))
    local r = ork({ "slow.lua" })
    assert.equal(1, r.code, r.err)
    assert.matches("\nrun_timeout is over\n", r.err)
    sh.write(dir .. "/slow.lua", (sh.read(dir .. "/slow.lua"):gsub("return w", 'w:finally("tidy", { command = "false" }) return w')))
    r = ork({ "slow.lua" })
    assert.matches("\nrun_timeout is over; 1 of 2 tasks failed: tidy\n", r.err)
  end)

  it("says who cancelled a run", function()
    sh.write(dir .. "/slow.lua", (SLOW:gsub("w:task%(\"stubborn.-\n", "")))
    for name, said in pairs({ sigint = "cancelled by Ctrl-C", sigterm = "cancelled by SIGTERM" }) do
      sh.run({ "rm", "-f", "started" }, { cwd = dir })
      local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
      p:wait_file(dir .. "/started")
      p:signal(name)
      p:wait()
      assert.matches("once more kills what is still running and leaves out `finally`", p.err, 1, true)
      assert.equal(said, sh.sql(db, "SELECT error FROM runs ORDER BY created_at DESC LIMIT 1")[1].error)
    end
  end)

  it("cancels when --timeout is over and exits 124", function()
    sh.write(dir .. "/slow.lua", (SLOW:gsub("w:task%(\"stubborn.-\n", "")))
    local r = ork({ "slow.lua", "--timeout", "300ms" })
    assert.equal(124, r.code, r.err)
    assert.matches("the time is over", r.err, 1, true)
  end)

  it("names the database that has runs of the script, when it makes another one elsewhere", function()
    ork({ "hello.lua" }, { ok = true })
    sh.write(dir .. "/other.lua", HELLO)
    local elsewhere = sh.tempdir()
    local r = ork({ dir .. "/hello.lua", "--quiet" }, { cwd = elsewhere, ok = true })
    assert.equal(("ork: %s has runs of this script; to use it: --db %s\n"):format(db, db), r.err)
    r = ork({ dir .. "/hello.lua" }, { cwd = elsewhere, ok = true }) -- told once
    assert.is_nil(r.err:find("has runs", 1, true))
    r = ork({ dir .. "/other.lua", "--quiet" }, { cwd = sh.tempdir(), ok = true })
    assert.equal("", r.err)
    r = ork({ "runs", "--db", dir, "--json" }, { cwd = elsewhere, ok = true })
    assert.equal(1, #sh.json(r.out))
  end)

  it("takes scripts, modules and params that were saved on Windows", function()
    local function windows(lines) return (lines:gsub("\n", "\r\n")) end
    local text = [==[#!/usr/bin/env ork
local ork = require "ork"
local m = require "m"
local w = ork.workflow("w", { params = { p = { type = "str", default = "none" } } })
w:task("shell", { command = [[
  set -e
  if true; then
    echo "$P"
  fi
]], env = { P = w.params.p } })
w:task("function", { run = function() return { m.text, m.line() } end })
return w
]==]
    sh.write(dir .. "/m.lua", windows('\239\187\191return { text = [[a\nb]], line = function()\n  return debug.getinfo(1, "l").currentline end }\n'))
    sh.write(dir .. "/p.json", '\239\187\191{"p":"given"}\r\n')
    for name, mark in pairs({ ["plain.lua"] = "", ["marked.lua"] = "\239\187\191" }) do
      sh.write(dir .. "/" .. name, mark .. windows(text))
      assert.matches(": ok, w %(2 tasks%)\n$", ork({ "validate", name }).out)
      local r = ork({ name, "--new", "--params-file", "p.json" })
      assert.equal(0, r.code, r.err)
      assert.equal('["a\\nb",3]\n', ork({ "output", "last", "function" }).out)
      assert.equal("given\n", ork({ "logs", "last", "shell" }).out)
      assert.equal(0, ork({ "apply", name }).code)
      assert.equal(0, ork({ "run", "w" }).code)
      sh.write(dir .. "/" .. name, mark .. windows((text:gsub("return w", "retrn w"))))
      r = ork({ "validate", name })
      assert.matches(name .. ":12: syntax error near 'w'\n  12 | retrn w\n     |       ^\n", r.out .. r.err, 1, true)
    end
  end)

  it("goes on with an interrupted run of its own, and only reports others", function()
    sh.write(dir .. "/slow.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    p:kill()

    local other = ork({ "hello.lua" })
    assert.equal(0, other.code)
    assert.matches("1 other unfinished run without an owner (slow): ork resume ", other.err, 1, true)
    other = ork({ "hello.lua", "--quiet" }) -- a mail of cron: nobody goes on with it by itself
    assert.matches("^1 other unfinished run without an owner %(slow%): ork resume %x+\n$", other.err)

    p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_line("going on with run %x+ of slow, which was interrupted")
    p:wait_line("first +running +found running")
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(0, p:wait().code)
    assert.equal("x\n", sh.read(dir .. "/count")) -- adopted, not run again
    assert.same({ { n = 1 } }, sh.sql(db,
      "SELECT count(*) AS n FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name = 'slow'"))
  end)

  it("shows a finished run for a key that was used", function()
    local first = ork({ "hello.lua", "--key", "k1" })
    local second = ork({ "hello.lua", "--key", "k1" })
    assert.equal(0, second.code)
    assert.equal(first.out, second.out)
    assert.matches("has this key and ended before", second.err, 1, true)
  end)

  it("refuses a key whose run was made with other params", function()
    sh.write(dir .. "/keyed.lua", [[
      local ork = require "ork"
      local w = ork.workflow("keyed", { params = { n = { type = "int", default = 1 }, day = { type = "date", default = ork.date() } } })
      w:task("a", { command = "echo a >> count" })
      return w]])
    assert.equal(0, ork({ "keyed.lua", "--key", "k1", "--at", "2026-01-05" }).code)
    local r = ork({ "keyed.lua", "--key", "k1", "n=5" })
    assert.equal(2, r.code)
    assert.matches("the key `k1` is that of run %x+, which was made with other params:\n  n: 1 then, 5 now\n", r.err)
    assert.matches('  day: "2026%-01%-05" then, "2026%-01%-06" now\n  n: 1 then, 5 now\n',
      ork({ "keyed.lua", "--key", "k1", "n=5", "--at", "2026-01-06" }).err)
    r = ork({ "keyed.lua", "--key", "k1", "n=1" }) -- its day is that of the run's time
    assert.equal(0, r.code, r.err)
    assert.matches("has this key and ended before", r.err, 1, true)
    assert.equal(0, ork({ "keyed.lua", "--key", "k2", "n=5" }).code)
    assert.equal("a\na\n", sh.read(dir .. "/count"))
    assert.equal(2, ork({ "keyed.lua", "--key", "k1", "--new" }).code)
  end)

  it("says that nothing was run for a key whose run failed, also in a mail", function()
    sh.write(dir .. "/broken.lua", FAILING)
    ork({ "broken.lua", "--key", "k" })
    local r = ork({ "broken.lua", "--key", "k", "--quiet" })
    assert.equal(1, r.code)
    assert.matches("^nothing was run: the key is that of run %x+, which ended before; ork retry %x+\n", r.err)
  end)

  it("ends quietly, with its own exit code, when nobody reads its output", function()
    sh.write(dir .. "/broken.lua", FAILING)
    local closed = "%s %s | (exec <&-; cat >&2 2>&-; true); echo ${PIPESTATUS[0]}"
    for args, code in pairs({ ["hello.lua"] = "0", help = "0", ["broken.lua -q"] = "1", ["broken.lua"] = "1" }) do
      local r = sh.run({ "bash", "-c", closed:format(sh.ork_path(), args) }, { cwd = dir })
      assert.equal(code .. "\n", r.out, args)
      assert.is_nil(r.err:find("wrong inside", 1, true), r.err)
    end
  end)

  it("says when its output cannot be written", function()
    local r = sh.run({ "sh", "-c", sh.ork_path() .. " help > /dev/full" }, { cwd = dir })
    assert.same({ 3, "ork: cannot write the output: No space left on device\n" }, { r.code, r.err })
  end)

  it("survives the loss of its terminal", function()
    sh.write(dir .. "/slow.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    local terminal = sh.spawn({ "script", "-qec", sh.ork_path() .. " slow.lua", "/dev/null" }, { cwd = dir, keep_stdin = true })
    terminal:wait_file(dir .. "/started")
    terminal:signal("sigkill") -- closes the terminal: SIGHUP, and every write fails from now on
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    sh.wait_until(dir, function() return sh.sql(db, "SELECT status FROM runs")[1].status == "success" end)
  end)

  it("lists what tells runs apart", function()
    ork({ "hello.lua", "-q", "n=1" })
    assert.is_nil(ork({ "runs" }).out:find("PARAMS", 1, true)) -- nothing to tell apart
    ork({ "hello.lua", "-q", "n=2", "--new" })
    local r = ork({ "runs" })
    assert.matches("TOOK  PARAMS  ERROR\n", r.out, 1, true)
    assert.matches("hello .* n=2\n.*hello .* n=1\n$", r.out)
    assert.equal("world", sh.json(ork({ "runs", "--json" }).out)[1].params.who)
  end)

  it("fits its tables into a terminal", function()
    ork({ "hello.lua", "-q" })
    for _, columns in ipairs({ 40, 70 }) do
      local command = ("stty cols %d; %s tasks last --no-color"):format(columns, sh.ork_path())
      local r = sh.run({ "script", "-qec", command, "/dev/null" }, { cwd = dir, keep_stdin = true })
      assert.matches("greet +success", r.out)
      for line in r.out:gmatch("[^\r\n]+") do assert.is_true(#line <= columns, line) end
    end
  end)

  it("stops and continues with its terminal", function()
    sh.write(dir .. "/slow.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_file(dir .. "/started")
    p:signal("sigtstp")
    local stat = ("/proc/%d/stat"):format(p.pid)
    sh.wait_until(dir, function() return sh.read(stat):match("%) (%a)") == "T" end)
    p:signal("sigcont")
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(0, p:wait().code)
  end)

  it("lets others commit while it is stopped in the middle of a busy run", function()
    sh.write(dir .. "/busy.lua", [[
local ork = require "ork"
local w = ork.workflow("busy")
for i = 1, 400 do w:task("t" .. i, { command = { "true" } }) end
return w
]])
    local p = sh.spawn_ork({ "busy.lua" }, { cwd = dir })
    p:wait_line("success")
    p:signal("sigtstp")
    local stat = ("/proc/%d/stat"):format(p.pid)
    sh.wait_until(dir, function() return sh.read(stat):match("%) (%a)") == "T" end)
    assert.equal(0, ork({ "hello.lua" }).code)
    p:signal("sigcont")
    assert.equal(0, p:wait().code)
  end)

  it("watches a run of the same key that another program carries out", function()
    sh.write(dir .. "/slow.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    local owner = sh.spawn_ork({ "slow.lua", "--key", "k" }, { cwd = dir })
    owner:wait_file(dir .. "/started")
    local watchers = {}
    for i = 1, 2 do
      watchers[i] = sh.spawn_ork({ "slow.lua", "--key", "k" }, { cwd = dir })
      watchers[i]:wait_line("is carried out by another program; watching it")
    end
    watchers[1]:signal("sigint")
    assert.equal(130, watchers[1]:wait().code)
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(0, owner:wait().code)
    local r = watchers[2]:wait()
    assert.equal(0, r.code, r.err)
    assert.matches("^success: slow, 1 task", r.out)
  end)

  it("lets a script start its runs itself", function()
    sh.write(dir .. "/self.lua", [[
local ork = require "ork"
local w = ork.workflow("self")
w:task("a", { command = { "true" } })
local run = assert(w:run())
io.stderr:write("it was ", run.status, "\n")
]])
    local r = ork({ "self.lua" })
    assert.equal(0, r.code, r.err)
    assert.matches("it was success\n", r.err, 1, true)
    assert.same({ { n = 1 } }, sh.sql(db, "SELECT count(*) AS n FROM runs"))
  end)

  it("ends the runs of a script that fails", function()
    sh.write(dir .. "/self.lua", [[
local ork = require "ork"
local w = ork.workflow("self")
w:task("a", { command = { "sleep", "1000" } })
assert(w:start())
error("ouch")
]])
    local r = ork({ "self.lua" })
    assert.equal(2, r.code)
    assert.matches("self.lua:5: ouch\n", r.err, 1, true)
    assert.same({ { status = "cancelled" } }, sh.sql(db, "SELECT status FROM runs"))
    assert.matches("ok up to the first run", ork({ "validate", "self.lua" }).out, 1, true)
    assert.same({ { n = 1 } }, sh.sql(db, "SELECT count(*) AS n FROM runs"))
  end)
end)
