-- SPDX-License-Identifier: MIT
-- Files of functions in workers: what a call wrote is in them when others hear of its end, whatever it left open.
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

describe("a file of a function", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function run(text, ...)
    sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n")
    return ork("w.lua", ...)
  end
  local function task(name) return sh.sql(dir .. "/.ork/ork.db", "SELECT * FROM tasks WHERE task_name = '" .. name .. "'")[1] end

  it("that it did not close is there for the next task, and afterwards", function()
    local r = run([[
local kept -- a handle that outlives calls
local function fill(f) for i = 1, 10 do f:write(i, "\n") end end
local a = w:task("a", { run = function()
  fill(io.open("open.csv", "w"))
  kept = kept or io.open("kept.csv", "a")
  kept:write("row\n")
  io.output("output.csv")
  io.write("one\n", "two\n")
end })
w:task("b", { depends_on = a, command = "cat open.csv kept.csv output.csv | wc -l" })
w:task("c", { depends_on = "b", run = function() kept:write("another\n") error("after writing") end, when = function()
  io.open("when.txt", "w"):write("asked\n")
  return true
end })
w:task("d", { wait = { every = "1s", poll = function()
  io.open("poll.txt", "w"):write("polled\n")
  return true
end } })
w:task("e", { depends_on = a, run = function(input, ctx)
  local f = io.open("exec.txt", "w")
  f:write("for a program\n")
  return { text = ctx.exec({ "cat", "exec.txt" }).out }
end })
w:task("f", { run = function()
  local f <close> = setmetatable({}, { __close = function() io.open("closed.txt", "w"):write("closed\n") end })
  error("closes")
end, on_failure = function() io.open("handler.txt", "w"):write("told\n") end })]], "--jobs", "1")
    assert.equal(1, r.code, r.err)
    assert.matches("^%s*13\n$", ork("logs", "last", "b").out)
    assert.equal("row\nanother\n", sh.read(dir .. "/kept.csv"))
    assert.equal("asked\n", sh.read(dir .. "/when.txt"))
    assert.equal("polled\n", sh.read(dir .. "/poll.txt"))
    assert.equal("closed\n", sh.read(dir .. "/closed.txt"))
    assert.equal("told\n", sh.read(dir .. "/handler.txt"))
    assert.equal('{"text":"for a program\\n"}\n', ork("output", "last", "e").out)
  end)

  it("is there while an executor is at work", function()
    local r = run([[
local note = ork.executor("note", {
  every = "1s",
  start = function() io.open("start.txt", "w"):write("started\n") return {} end,
  poll = function() io.open("end.txt", "w"):write("ended\n") return { output = { text = io.open("start.txt"):read("a") } } end,
})
local a = w:task("a", { executor = note })
w:task("b", { depends_on = a, command = "cat start.txt end.txt" })]])
    assert.equal(0, r.code, r.err)
    assert.equal("started\nended\n", ork("logs", "last", "b").out)
  end)

  it("behind a program has been read by it, also after an error", function()
    local r = run([[
w:task("a", { run = function() io.popen("sleep 0.2; cat >piped.txt", "w"):write("all of it\n") end })
w:task("b", { run = function()
  io.popen("sleep 0.2; cat >failed.txt", "w"):write("and this\n")
  error("after writing")
end })
w:task("c", { depends_on = "a", command = "cat piped.txt" })
w:task("broken", { run = function() io.popen("exec <&-", "w"):write(("x"):rep(1 << 20)) end })]])
    assert.equal(1, r.code)
    assert.equal("all of it\n", ork("logs", "last", "c").out)
    assert.equal("and this\n", sh.read(dir .. "/failed.txt"))
    assert.equal("success", task("broken").status)
  end)

  it("that cannot be written fails the call that wrote it, and no other", function()
    local r = run([[
local keep
w:task("a", { run = function() keep = io.open("/dev/full", "w") keep:write("lost") end })
w:task("b", { depends_on = { "a" }, run = function() return "well" end, trigger_rule = "all_done" })]], "--jobs", "1")
    assert.equal(1, r.code, r.err)
    assert.equal("cannot write /dev/full: No space left on device", task("a").error)
    assert.equal("success", task("b").status)
  end)

  it("is kept whole as an artifact though it is open", function()
    local r = run([[
w:task("a", { run = function(input, ctx)
  local f <close> = io.open("out.csv", "w")
  f:write("1,2,3\n")
  return ctx.artifact("out.csv").bytes
end })]])
    assert.equal(0, r.code, r.err)
    assert.equal("6\n", ork("output", "last", "a").out)
    assert.equal("1,2,3\n", ork("artifacts", "last", "out.csv").out)
  end)

  it("is the default of its own call only", function()
    local r = run([[
w:task("a", { run = function(input, ctx)
  io.output("a.txt")
  io.input("w.lua")
  io.write("one ")
  ctx.sleep(0.05)
  io.write("two\n")
  return io.read("l")
end })
w:task("b", { run = function(input, ctx)
  for i = 1, 20 do
    io.write("of b\n")
    ctx.sleep(0.01)
  end
  return io.input() == io.stdin
end })
w:task("closed", { run = function(input, ctx)
  io.output("closed.txt")
  io.write("all")
  io.close()
  ctx.sleep(0.01)
  return (pcall(io.input, "none"))
end })
w:task("c", { depends_on = { "a", "b" }, run = function() io.write("of c\n") return io.output() == io.stdout end })]], "--jobs", "1")
    assert.equal(0, r.code, r.err)
    assert.equal("one two\n", sh.read(dir .. "/a.txt"))
    assert.equal("all", sh.read(dir .. "/closed.txt"))
    assert.equal("false\n", ork("output", "last", "closed").out)
    assert.equal(("of b\n"):rep(20), ork("logs", "last", "b").out)
    assert.equal("of c\n", ork("logs", "last", "c").out)
    assert.equal('local ork = require "ork"', require("cjson").decode("[" .. ork("output", "last", "a").out .. "]")[1])
    assert.equal("true\n", ork("output", "last", "b").out)
    assert.equal("true\n", ork("output", "last", "c").out)
  end)

  it("left open by thousands of calls does not use up what may be open", function()
    local r = run([[
w:task("a", { inputs = { n = ork.each((function() local t = {} for i = 1, 3000 do t[i] = i end return t end)()) },
  run = function(input) io.open("many.txt", "a"):write(input.n, "\n") end })]], "--jobs", "1")
    assert.equal(0, r.code, r.err)
    local _, lines = sh.read(dir .. "/many.txt"):gsub("\n", "")
    assert.equal(3000, lines)
  end)

  it("that cannot be opened so is blamed on the line", function()
    local r = run([[
w:task("a", { run = function() io.open({}) end })
w:task("b", { run = function() io.popen("true", "x") end })
w:task("c", { run = function() io.input("none") end })]])
    assert.equal(1, r.code)
    assert.equal("w.lua:3: bad argument #1 to 'open' (string expected, got table)", task("a").error)
    assert.equal("w.lua:4: bad argument #2 to 'popen' (invalid mode)", task("b").error)
    assert.equal("w.lua:5: cannot open file 'none' (No such file or directory)", task("c").error)
  end)
end)
