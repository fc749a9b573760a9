-- SPDX-License-Identifier: MIT
-- Files that tasks leave to be kept: taken when their attempt succeeds, once per content, and gone with the last run that needs them.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("art", { params = { text = { type = "str", default = "hi" } } })
w:task("process", { inputs = { text = w.params.text }, command = { "sh", "-c", [=[
  printf '%s\n' "$0" >"$ORK_ARTIFACTS/report.txt"; mkdir -p "$ORK_ARTIFACTS/sub/dir"
  echo other >"$ORK_ARTIFACTS/sub/dir/b c.txt"; printf '%s\n' "$0" >"$ORK_ARTIFACTS/same.txt"]=], ork.input.text } })
w:task("failing", { command = "echo half >\"$ORK_ARTIFACTS/half\"; exit 1" })
w:task("fn", { inputs = { text = w.params.text }, run = function(input, ctx)
  local f = assert(io.open("made.txt", "w"))
  f:write(input.text, "\n")
  f:close()
  local kept = ctx.artifact("made.txt", "report.txt")
  f = assert(io.open("made.txt", "w")) -- its own file goes on; what is kept stays as it was
  f:write("changed")
  f:close()
  return kept
end })
return w
]]

describe("artifacts", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end

  --- Files below a folder of .ork, with their number of names.
  local function contents(folder)
    local out = sh.spawn({ "find", ".ork/" .. folder, "-type", "f", "-printf", "%n %s\n" }, { cwd = dir }):wait().out
    local lines = {}
    for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
    table.sort(lines)
    return lines
  end

  it("have a folder that is there for who names it, and made by others", function()
    sh.write(dir .. "/own.sh", 'test ! -e "$ORK_ARTIFACTS" && mkdir -p "$ORK_ARTIFACTS" && echo mine >"$ORK_ARTIFACTS/own.txt"\n')
    sh.write(dir .. "/w.lua", 'local ork = require "ork"\nlocal w = ork.workflow("w")\n' ..
      'w:task("own", { command = { "sh", "own.sh" } })\nw:task("named", { command = "test -d $ORK_ARTIFACTS" })\nreturn w\n')
    local r = ork("w.lua")
    assert.equal(0, r.code, r.err)
    assert.equal("mine\n", ork("artifacts", "last", "own.txt").out)
  end)

  it("are kept from where a function cannot wait", function()
    sh.write(dir .. "/w.lua", [[
local ork = require "ork"
local w = ork.workflow("w")
w:task("fn", { run = function(_, ctx)
  local f <close> = io.open("made.txt", "w")
  f:write("made")
  ;("a"):gsub("a", function(name) ctx.artifact("made.txt", name) end)
  coroutine.wrap(function() ctx.artifact("made.txt", "b") end)()
end })
return w
]])
    local r = ork("w.lua")
    assert.equal(0, r.code, r.err)
    assert.equal("made", ork("artifacts", "last", "a").out)
    assert.equal("made", ork("artifacts", "last", "b").out)
  end)

  it("are kept once per content, listed, got, and removed with the last run", function()
    sh.write(dir .. "/art.lua", SCRIPT)
    assert.equal(1, ork("art.lua").code)
    local r = ork("artifacts", "last")
    assert.matches("^TASK +NAME +BYTES +SHA256\nprocess  report.txt +3  98ea6e4f216f\nprocess  same.txt +3  98ea6e4f216f\n" ..
      "process  sub/dir/b c.txt +6  7e4fa2eb8c7a\nfn +report.txt +3  98ea6e4f216f\n$", r.out)
    assert.same({ "2 3", "2 6" }, contents("artifacts"))
    local one = sh.json(ork("artifacts", "last", "--json").out)[1]
    assert.same({ "process", "report.txt", 3, 1 }, { one.task, one.name, one.bytes, one.attempt })
    assert.equal("hi\n", sh.read(one.path))
    assert.equal("98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4", one.sha256)
    assert.same({ bytes = 3, name = "report.txt", sha256 = one.sha256 }, sh.json(ork("output", "last", "fn").out))
    r = ork("artifacts", "last", "report.txt")
    assert.equal(2, r.code)
    assert.matches("2 tasks left an artifact `report.txt`, `process` and `fn` among them; name one by %-%-task", r.err)
    assert.equal("hi\n", ork("artifacts", "last", "report.txt", "--task", "fn").out)
    assert.equal(0, ork("artifacts", "last", "sub/dir/b c.txt", "--out", dir .. "/got").code)
    assert.equal("other\n", sh.read(dir .. "/got"))
    r = ork("artifacts", "last", "half")
    assert.equal(4, r.code)
    assert.matches("the run left no artifact `half`; `ork artifacts %x+` lists what there is", r.err)
    assert.matches("task `fn` left no artifact `same.txt`", ork("artifacts", "last", "same.txt", "--task", "fn").err)
    assert.matches("which artifact%? `ork artifacts RUN NAME %-%-out FILE`", ork("artifacts", "last", "--out", "x").err)
    assert.matches("cannot write /no/such/file", ork("artifacts", "last", "same.txt", "--out", "/no/such/file").err)

    assert.equal(1, ork("art.lua", "--new").code) -- the same content: one more name each
    assert.same({ "3 3", "3 6" }, contents("artifacts"))
    assert.equal(0, ork("prune", "--keep", "1", "--yes").code)
    assert.same({ "2 3", "2 6" }, contents("artifacts"))
    assert.equal(4, #sh.json(ork("artifacts", "last", "--json").out))
    assert.equal(0, ork("prune", "--keep", "0", "--yes").code)
    assert.same({}, contents("artifacts"))
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT name FROM artifacts"))
  end)

  it("say when their content is somewhere else", function()
    sh.write(dir .. "/art.lua", SCRIPT)
    ork("art.lua")
    sh.spawn({ "rm", "-rf", ".ork/logs", ".ork/artifacts" }, { cwd = dir }):wait()
    local r = ork("artifacts", "last", "same.txt")
    assert.equal(4, r.code)
    assert.matches("the content of `same.txt` is not in %S+/.ork: artifacts stay on the machine, and in the data directory, of who ran the task", r.err)
  end)

  it("of what cannot be kept fail their attempt", function()
    local function fails(command)
      sh.write(dir .. "/bad.lua", ([[
local ork = require "ork"
local w = ork.workflow("bad")
w:task("a", { command = %q })
return w
]]):format(command))
      local r = ork("bad.lua", "--new")
      assert.equal(1, r.code)
      assert.equal("[]\n", ork("artifacts", "last", "--json").out)
      return r.err
    end
    assert.matches("a failed: artifact `pw`: %S+ is a symbolic link; only files are kept\n", fails("ln -s /etc/passwd $ORK_ARTIFACTS/pw"))
    assert.matches("a failed: artifact `p`: %S+ is no file; only files are kept\n", fails("mkfifo $ORK_ARTIFACTS/p"))
    assert.matches('a failed: "a\\nb" is no name of an artifact: it has no control characters\n', fails("echo >\"$ORK_ARTIFACTS/a\nb\""))
    assert.matches("a failed: artifact `big`: with it there are more than 1024 MiB, which is the most that is kept of an attempt\n",
      fails("truncate -s 1100M $ORK_ARTIFACTS/big"))
    assert.matches("a failed: more than 100 artifacts; at most so many are kept of an attempt %(`.+` is one too many%)\n",
      fails("for i in $(seq 101); do ln -s x $ORK_ARTIFACTS/x 2>/dev/null; rm -f $ORK_ARTIFACTS/x; : >$ORK_ARTIFACTS/$i; done"))
  end)

  it("of items are found by their task, which names them", function()
    sh.write(dir .. "/items.lua", [[
local ork = require "ork"
local w = ork.workflow("items")
w:task("f", { inputs = { x = ork.each{ 1, 2 } }, command = "echo x >$ORK_ARTIFACTS/x" })
w:task("g", { command = "echo y >$ORK_ARTIFACTS/y" })
return w
]])
    assert.equal(0, ork("items.lua").code)
    assert.matches("^TASK +NAME +BYTES +SHA256\nf/1 +x [^\n]+\nf/2 +x [^\n]+\n$", ork("artifacts", "last", "--task", "f").out)
    assert.equal("x\n", ork("artifacts", "last", "x", "--task", "f/2").out)
    local r = ork("artifacts", "last", "x", "--task", "f")
    assert.same({ 4, "ork: `x` is of items of `f`: f/1 and f/2; name one by --task\n" }, { r.code, r.err })
    local left = {}
    for i, one in ipairs(sh.json(ork("artifacts", "last", "--task", "f", "--json").out)) do left[i] = one.task .. " " .. one.name end
    assert.same({ "f/1 x", "f/2 x" }, left)
  end)

  it("of a task that left none, or is none", function()
    sh.write(dir .. "/w.lua", [[
local ork = require "ork"
local w = ork.workflow("w")
w:task("load", { command = "echo x >$ORK_ARTIFACTS/x" })
w:task("none", { command = "true" })
return w
]])
    assert.equal(0, ork("w.lua").code)
    local r = ork("artifacts", "last", "--task", "none")
    assert.same({ 0, "", "no artifacts\n" }, { r.code, r.out, r.err })
    assert.equal("[]\n", ork("artifacts", "last", "--task", "none", "--json").out)
    local refused = { 4, "", "ork: no task `laod` in this run; did you mean `load`?\n" }
    for _, more in ipairs({ {}, { "--json" }, { "x" } }) do
      r = ork("artifacts", "last", "--task", "laod", table.unpack(more))
      assert.same(refused, { r.code, r.out, r.err })
    end
  end)

  it("of a function are refused by name, and are the task's own", function()
    sh.write(dir .. "/fn.lua", [[
local ork = require "ork"
local w = ork.workflow("fn")
local function bad(name, ...)
  local arguments = table.pack(...)
  w:task(name, { run = function(_, ctx) ctx.artifact(table.unpack(arguments, 1, arguments.n)) end })
end
bad("up", "fn.lua", "../x")
bad("absolute", "fn.lua", "/x")
bad("empty", "fn.lua", "")
bad("none", "no-such-file")
bad("folder", ".", "x")
bad("what", 7)
w:task("busy", { run = function(_, ctx) for _ = 1, 3 do ctx.heartbeat() end return "done" end })
return w
]])
    local r = ork("fn.lua")
    assert.matches('up failed: fn.lua:5: ctx.artifact: "../x" is no name of an artifact: none of its parts is empty, `.` or `..`\n', r.err)
    assert.matches('absolute failed: fn.lua:5: ctx.artifact: "/x" is no name of an artifact: it is relative\n', r.err)
    assert.matches('empty failed: fn.lua:5: ctx.artifact: "" is no name of an artifact: it has 1 to 255 bytes\n', r.err)
    assert.matches("none failed: fn.lua:5: ctx.artifact: artifact `no%-such%-file`: cannot read no%-such%-file: No such file or directory\n", r.err)
    assert.matches("folder failed: fn.lua:5: ctx.artifact: artifact `x`: . is a folder; only files are kept\n", r.err)
    assert.equal("fn.lua:5: ctx.artifact wants the path of a file", sh.json(ork("show", "last", "what", "--json").out).error)
    assert.equal('"done"\n', ork("output", "last", "busy").out)
  end)

  it("are taken by who goes on with a run whose scheduler was killed", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = "echo kept >$ORK_ARTIFACTS/x; echo >begun; cat go; echo >ended" })
return w
]])
    sh.spawn({ "mkfifo", dir .. "/go" }):wait()
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    sh.wait_file(dir .. "/begun")
    p:kill()
    sh.write(dir .. "/go", "x\n")
    sh.wait_file(dir .. "/ended")
    assert.equal(0, ork("slow.lua").code)
    assert.equal("kept\n", ork("artifacts", "last", "x").out)
    assert.same({ "2 5" }, contents("artifacts"))
  end)

  local SLOW = [[
local ork = require "ork"
local w = ork.workflow("slow")
local function pid() return io.open("/proc/self/stat"):read("n") end
local function mark(name) io.open(name, "w"):close() end
w:task("copies", { inputs = {}, run = function(_, ctx)
  while not io.open("there") do ctx.sleep("1ms") end
  mark("copying")
  local kept = ctx.artifact("big", "big")
  local beside = io.open("beside")
  return { bytes = kept.bytes, beside = beside and beside:read("n") == pid() }
end })
w:task("goes_on", { inputs = {}, run = function(_, ctx)
  mark("there")
  while not io.open("copying") do ctx.sleep("1ms") end
  local program = io.open("/proc/self/stat"):read("a"):match("^%d+ %(.*%) %a (%d+)")
  if os.remove("kill") then -- once the copy is open
    os.execute("until ls -l /proc/$PPID/fd | grep -q artifacts/; do sleep 0.01; done; kill -9 " .. program)
  end
  local f = io.open("beside.new", "w")
  f:write(pid()):close()
  os.rename("beside.new", "beside")
end })
return w
]]

  it("of functions are copied while others go on in the same worker", function()
    sh.write(dir .. "/slow.lua", SLOW)
    sh.run({ "truncate", "-s", "200M", dir .. "/big" })
    assert.equal(0, ork("slow.lua", "--jobs", "1").code)
    assert.same({ bytes = 200 << 20, beside = true }, sh.json(ork("output", "last", "copies").out))
  end)

  it("are whole or not there when the program is killed while one is copied", function()
    sh.write(dir .. "/slow.lua", SLOW)
    sh.run({ "truncate", "-s", "200M", dir .. "/big" })
    sh.write(dir .. "/kill", "") -- by the function beside it
    assert.equal(9, sh.spawn_ork({ "slow.lua", "--jobs", "1" }, { cwd = dir }):wait(nil, true).signal)
    sh.wait_until(dir, function() return #sh.processes(dir) == 0 end)
    assert.same({}, sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM artifacts"))
    for path in sh.run({ "find", ".ork", "-path", "*artifacts/*", "-type", "f" }, { cwd = dir }).out:gmatch("[^\n]+") do error(path) end
    assert.equal(0, ork("slow.lua", "--jobs", "1").code)
    assert.equal("big", sh.json(ork("artifacts", "last", "--json").out)[1].name)
    assert.same({ "2 209715200" }, contents("artifacts"))
  end)
end)
