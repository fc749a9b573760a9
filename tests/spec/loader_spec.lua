-- SPDX-License-Identifier: MIT
-- Loading scripts: the strict environment, modules and the snapshot, what may be returned, the second load.
local core = require "ork.core"
local ork = require "ork"
local loader = require "ork.loader"
local script = require "tests.lib.script"

local define = 'local ork = require "ork"\nlocal w = ork.workflow("w")\nw:task("a", { command = "x" })\n'

--- Lines of a script that defines `w` first; its own code begins in line 4.
local function refused(text, opts)
  return script.load(define .. text, opts).lines
end

describe("a script", function()
  after_each(script.cleanup)

  it("gives the workflow it returns", function()
    local loaded = script.load(define .. "return w")
    assert.same({}, loaded.lines)
    assert.equal(1, #loaded.workflows)
    assert.equal("w", loaded.by_name.w.name)
    assert.is_false(loaded.started)
  end)

  it("gives several, as values or as a list, in their order", function()
    for _, last in ipairs({ "return w, v", "return { w, v }" }) do
      local loaded = script.load(define .. 'local v = ork.workflow("v")\nv:task("b", { command = "y" })\n' .. last)
      assert.same({}, loaded.lines)
      assert.same({ "w", "v" }, { loaded.workflows[1].name, loaded.workflows[2].name })
    end
  end)

  it("is given arg and its values", function()
    local loaded = script.load(define .. 'assert(arg[0] == "p" and arg[1] == "one" and ... == "one")\nreturn w', { arg = { [0] = "p", "one" } })
    assert.same({}, loaded.lines)
  end)

  it("may begin with a byte order mark and a #! line", function()
    local loaded = script.load("\239\187\191#!/usr/bin/env ork\n" .. define .. "w:task('b', {})\nreturn w")
    assert.same({ "main.lua:5: task `b`: it does nothing; give it a command = { \"program\", … }, " ..
      "or run = function(input, ctx) … end" }, loaded.lines)
  end)

  it("that returns nothing or something else is told what it may return", function()
    local rule = "a script returns a workflow or a list of workflows"
    assert.same({ "main.lua:4: the script returns nothing; end it with `return` and the workflow it defines (`w`)" }, refused("local x = 1"))
    assert.same({ "main.lua:1: the script returns nothing; " .. rule }, script.load("local x = 1").lines)
    assert.same({ "main.lua:4: the script returns an empty table; " .. rule }, refused("return {}"))
    assert.same({ "main.lua:4: the script returns a text; " .. rule }, refused("return 'w'"))
    assert.same({ "main.lua:4: the script returns a table with a number in it; " .. rule }, refused("return { w, 5 }"))
    assert.same({ "main.lua:4: the script returns a table with the key `w`; " .. rule }, refused("return { w = w }"))
    assert.same({ "main.lua:4: the script returns a list with holes; " .. rule }, refused("return { [1] = w, [3] = w }"))
    assert.same({ "main.lua:4: the script returns a table with task `b` in it; " .. rule },
      refused("return { w, w:task('b', { command = 'x' }) }"))
  end)

  it("that defines a name twice, or does not return a workflow, is told", function()
    assert.same({ "main.lua:4: a second workflow is called `w`; the first is in line 2" },
      refused("local v = ork.workflow('w') v:task('a', { command = 'x' })\nreturn w, v"))
    local loaded = script.load(define .. "local v = ork.workflow('v')\nreturn w")
    assert.same({}, loaded.lines)
    assert.same({ "main.lua:4: workflow `v` is defined but not returned, so it cannot be run" }, loaded.warned)
  end)

  it("is warned of what is hardly meant: a list of one word with blanks, `typ`", function()
    local loaded = script.load([=[
local ork = require "ork"
local w = ork.workflow("w", { params = { n = { typ = "int" }, o = { type = "int" }, p = { size = "int" } } })
w:task("a", { command = { "tar -czf x y" } })
w:task("b", { command = { "./my program" } })
return w]=])
    assert.same({}, loaded.lines)
    assert.same({
      "main.lua:2: workflow `w`: `params.n` is an object with the field `typ`; did you mean `type`? { type = \"int\" }",
      "main.lua:3: task `a`: `command[1]` names a program with blanks in its name; a list goes without a shell: write a text, or an element for each word",
    }, loaded.warned)
  end)

  it("that orders tasks by an operator is told what to write", function()
    local hint = "tasks are ordered by no operator: a task names those before it, depends_on = { … }"
    assert.same({ "main.lua:4: syntax error near '>>'; " .. hint }, refused("w >> w\nreturn w"))
  end)

  it("without tasks, or with a cycle, is told", function()
    assert.same({ "main.lua:2: workflow `w` has no tasks; a workflow needs at least one" },
      script.load('local ork = require "ork"\nreturn ork.workflow("w")').lines)
    assert.same({ "main.lua:4: tasks wait for each other in a circle: `b` → `c` → `b` (each waits for the next); " ..
      "remove one of these dependencies" },
      refused("w:task('b', { command = 'x', depends_on = 'c' })\nw:task('c', { command = 'x', depends_on = 'b' })\nreturn w"))
  end)

  it("with an error in its syntax is told its line", function()
    assert.same({ "main.lua:5: unexpected symbol near '='" }, refused("\nlocal x = = 1"))
    assert.same({ "main.lua:4: unfinished string near '\"abc'" }, refused('local x = "abc\nreturn w'))
  end)

  it("that raises is told its line", function()
    assert.same({ "main.lua:4: no such thing" }, refused("error('no such thing')"))
    assert.same({ "main.lua:5: too far" }, refused("local function f() error('too far', 2) end\nf()"))
    assert.same({ "main.lua:4: plain" }, refused("error('plain', 0)"))
    assert.same({ "main.lua:4: error raised with a table as its message" }, refused("error({})"))
    assert.same({ "main.lua:4: attempt to index a nil value (local 'x')" }, refused("local x; x.y = 1"))
    assert.same({ "main.lua:4: bad argument #1 to 'insert' (table expected, got nil)" }, refused("table.insert(nil, 1)"))
  end)

  it("with bytes of any kind in a message is told as text", function()
    assert.same({ [[main.lua:4: task `b`: `timeout` wants a duration: "\xff\x01" is no duration: a number is missing; ]] ..
      "write for example 500ms, 90s, 10m, 1h30m or 2d" }, refused("w:task('b', { command = 'x', timeout = '\\xff\\1' })\nreturn w"))
    assert.same({ [[main.lua:4: \xe9t\xe9]] }, refused("error('\\xe9t\\xe9')"))
  end)

  it("that is not there, is a folder, or no text, is told", function()
    local folder = script.folder()
    script.write(folder .. "/pipeline.lua", "")
    local function line(path)
      local p = loader.load(folder .. path).problems
      assert.equal(1, #p)
      return p[1].code, p[1].text, p[1].hint
    end
    assert.same({ "ENOTFOUND", "no such script", "did you mean " .. folder .. "/pipeline.lua?" }, { line("/pipelin.lua") })
    assert.same({ "ENOTFOUND", "no such script", "did you mean " .. folder .. "/pipeline.lua?" }, { line("/pipeline") })
    assert.same({ "ENOTFOUND", "no such script", "there are pipeline.lua" }, { line("/zzzzzzzz.lua") })
    assert.same({ "ENOTFOUND", "is a folder, not a script" }, { line("/") })
    script.write(folder .. "/c.lua", string.dump(function() end))
    assert.same({ "EDEF", "is compiled Lua; a script is text" }, { line("/c.lua") })
    script.write(folder .. "/l.lua", "-- \n-- \xe9\n")
    assert.same({ "EDEF", "is not UTF-8 text; save it as UTF-8" }, { line("/l.lua") })
  end)
end)

describe("the environment of a script", function()
  after_each(script.cleanup)

  it("raises for names that are not defined", function()
    assert.same({ "main.lua:5: undefined variable `claen`; did you mean `clean`?" }, refused("local clean = 1\nlocal x = claen"))
    assert.same({ "main.lua:5: undefined variable `claen`; did you mean `clean`?" },
      refused("local clean = 1\nlocal function f() return claen end\nf()"))
    assert.same({ "main.lua:4: undefined variable `pirnt`; did you mean `print`?" }, refused("pirnt('x')"))
    assert.same({ "main.lua:1: undefined variable `ork`; begin with: local ork = require \"ork\"" }, script.load("return ork.workflow('w')").lines)
    assert.same({ "main.lua:4: module `orc` is neither beside the script nor in package.path; did you mean `ork`?" }, refused("require 'orc'"))
    assert.same({ "main.lua:4: undefined variable `zzzzzz`" }, refused("return zzzzzz"))
  end)

  it("leaves Ork's own functions alone, whatever the script does to its own", function()
    assert.same({ "main.lua:4: string.format cannot be replaced; give yours another name" }, refused("string.format = nil"))
    local loaded = script.load(define .. "table.concat = nil\nutf8.len = nil\ncoroutine.wrap = nil\nmath.floor = nil\n_G.ipairs = nil\n"
      .. "function string:shout() return self:upper() .. '!' end\nassert(('a'):shout() == 'A!' and string.shout and string.rep('x', 2) == 'xx')\n"
      .. "local n = 0 for name in pairs(string) do n = n + (name == 'rep' and 1 or 0) end assert(n == 1)\nstring.shout = nil return w")
    assert.same({}, loaded.lines)
    assert.truthy(table.concat and utf8.len and coroutine.wrap and math.floor)
  end)

  it("is text of 16 MiB at most, from a device that never ends too", function()
    local loaded = require("ork.loader").load("/dev/zero")
    assert.matches("larger than 16 MiB", loaded.problems[1].text)
  end)

  it("lets the top of a script define globals, functions not", function()
    assert.same({}, refused("X = 1\nfunction f() return X end\nassert(f() == 1)\nX = 2\nreturn w"))
    assert.same({ "main.lua:4: sets the global `n` inside a function; write `local n`, or define it at the top of the script" },
      refused("local function f() n = 1 end\nf()"))
    assert.is_nil(rawget(_G, "X"))
  end)

  it("goes through tables in key order", function()
    assert.same({}, refused([[
local seen = {}
for k, v in pairs({ b = 1, a = 2, [10] = 3, [2] = 4, "x", [0.5] = 5 }) do seen[#seen + 1] = tostring(k) end
assert(table.concat(seen, " ") == "0.5 1 2 10 a b", table.concat(seen, " "))
local t, n = { a = 1, b = 2, c = 3 }, 0
for k in pairs(t) do t.b = nil n = n + 1 end
assert(n == 2)
local m = setmetatable({}, { __pairs = function() return function(_, k) return not k and 1 or nil end, {}, nil end })
for k in pairs(m) do assert(k == 1) end
for _ in pairs({}) do error("empty") end
return w]]))
    assert.same({ "main.lua:4: bad argument #1 to 'pairs' (table expected, got nil)" }, refused("pairs(nil)"))
  end)

  it("draws the same random numbers every time", function()
    local text = [[
local list = {}
for i = 1, 50 do
  local x = math.random()
  assert(x >= 0 and x < 1)
  local y = math.random(6)
  assert(y >= 1 and y <= 6 and math.type(y) == "integer")
  local z = math.random(-3, 3)
  assert(z >= -3 and z <= 3)
  list[i] = x .. y .. z
end
assert(not pcall(math.random, 2, 1))
assert(not pcall(math.random, 1.5))
w:task("t", { command = { "x", table.concat(list) } })
return w]]
    local first, second = script.load(define .. text), script.load(define .. text)
    assert.same({}, first.lines)
    assert.equal(core.hash(first.workflows[1]), core.hash(second.workflows[1]))
  end)

  it("warns once of what is read now", function()
    local loaded = script.load(define .. [[
local t = os.time()
t = os.time() + os.time({ year = 2026, month = 1, day = 1 })
local d = os.date("%Y") .. os.date("%Y", 0)
local h = os.getenv("HOME")
return w]])
    assert.same({}, loaded.lines)
    assert.same({
      "main.lua:4: os.time is read while the script loads, not in the run; ork.date and ork.this.logical_time are the run's own",
      "main.lua:6: os.date is read while the script loads, not in the run; ork.date and ork.this.logical_time are the run's own",
      "main.lua:7: os.getenv is read while the script loads, not in the run; a command reads its environment itself; " ..
      "`params` are given with the run",
    }, loaded.warned)
  end)

  it("warns of what functions change, which calls see or not; a cache is none", function()
    local loaded = script.load(define:gsub("w:task.*", "") .. [[
local counter, last, seen, start, cache = 0, "", true, os.clock(), nil
local function count() counter = counter + 1 end
local function kept() return start, cache end
w:task("a", { run = function() count() return kept() end })
w:task("b", { command = "x", when = function() return (function() last = "b" end)() end, on_failure = function() seen = false end })
w:task("c", { run = function() local own = 0 own = own + 1 cache = cache or own return start end })
w:task("d", { executor = "inline", run = function() counter = counter + 1 end })
w:task("e", { wait = { every = "1s", poll = function() counter = 2 end } })
for i = 1, 3 do w:task("f" .. i, { run = function() counter = i end }) end
return w]])
    assert.same({}, loaded.lines)
    for i, line in ipairs(loaded.warned) do
      loaded.warned[i] = line:gsub(", a variable of the script: which calls see that is undefined", ""):gsub("; return what is to be kept; a cache is fine", "")
    end
    local first = tonumber(loaded.warned[1]:match("^main.lua:(%d+)"))
    local function at(n) return ("main.lua:%d: task "):format(first + n) end
    assert.same({ at(0) .. "`a`: `run` changes `counter`", at(1) .. "`b`: `on_failure` changes `seen`", at(1) .. "`b`: `when` changes `last`",
      at(4) .. "`e`: `wait.poll` changes `counter`", at(5) .. "`f1`: `run` changes `counter` (and 2 more tasks)" }, loaded.warned)
  end)

  it("warns of references that functions read", function()
    local loaded = script.load(define:gsub('"w"%)\nw:task.*', '"w", { params = { day = "str" } })\n') .. [[
local a = w:task("a", { command = "x" })
local function helper() return a.status end
local day = w.params.day
local function of(text) return (text or day) .. "!" end
w:task("b", { run = function() if w.params.day == "all" then return 1 end end })
w:task("c", { command = "x", when = function() return helper() == "failed" end, on_success = function() return a.output.rows end })
w:task("d", { executor = "inline", run = function() return w.params.day end })
w:task("e", { run = function() return w.name, a end, inputs = { day = w.params.day } })
w:task("f", { command = { "echo", of() }, when = function(input) return of(input.day) end, inputs = { day = w.params.day } })
w:task("g", { executor = "inline", run = function() return of("x") end })
return w]])
    assert.same({}, loaded.lines)
    local no = ", which has no value in a function; "
    local first = tonumber(loaded.warned[1]:match("^main.lua:(%d+)"))
    local function at(n) return ("main.lua:%d: task "):format(first + n) end
    assert.same({ at(0) .. "`b`: `run` reads the reference w.params.day" .. no .. "name it in `inputs`, and read `input.day`",
      at(1) .. "`c`: `on_success` reads the reference a.output.rows" .. no .. "read what its argument has of it",
      at(1) .. "`c`: `when` reads the reference a.status" .. no .. "name it in `inputs`, and read `input.NAME`",
      at(4) .. "`f`: `when` calls `of`, which uses the reference params.day: it has no value in a function; hand it the value, which is among `inputs`" },
      loaded.warned)
  end)

  it("lets functions that drive runs use what belongs to no workflow, and long names be", function()
    local loaded = script.load(define:gsub("w:task.*", "") .. [[
local today = ork.date("-0d")
local function child(n) local c = ork.workflow(n) c:task("x", { command = { "echo", today } }) return c end
w:task("drive", { executor = "inline", run = function() return { s = child("c"):run().status } end })
local ]] .. ("v"):rep(200) .. [[ = w
w:task("long", { run = function() return ]] .. ("v"):rep(200) .. [[.params end })
return w]])
    assert.same({}, loaded.lines)
    assert.equal(1, #loaded.warned)
    assert.matches("reads the reference " .. ("v"):rep(90) .. "%.params", loaded.warned[1])
  end)

  it("warns of names that functions read and nothing defines", function()
    local loaded = script.load([[
local ork = require "ork"
local helper = require "helper"
made = 1
local w = ork.workflow("w")
w:task("a", { run = function(input)
  local file = inputs.file
  return function() return fil, made, print, file end
end })
w:task("b", { run = function() return orkk, string.nothing end })
w:task("c", { run = function()
  local _ENV = { own = 1 }
  return own
end })
if false then return missing end
return w]], { files = { ["helper.lua"] = "later = 1\nreturn function() return later, latter end" } })
    assert.same({}, loaded.lines)
    assert.same({ "helper.lua:2: undefined variable `latter`; did you mean `later`?", "main.lua:6: undefined variable `inputs`; did you mean `input`?",
      "main.lua:7: undefined variable `fil`; did you mean `file`?", "main.lua:9: undefined variable `orkk`; did you mean `ork`?" }, loaded.warned)
  end)

  it("does not end the program", function()
    assert.same({ "main.lua:4: a script does not end the program: return its workflow, or raise an error" }, refused("os.exit(0)"))
  end)

  it("is where loaded code lives", function()
    assert.same({}, refused("X = 7\nassert(load('return X')() == 7)\nassert(load('return y', 'c', 't', { y = 1 })() == 1)\nreturn w"))
    assert.same({}, refused("assert(dofile('part.lua') == 'part')\nreturn w", { files = { ["part.lua"] = "#!x\nreturn 'part'" } }))
  end)
end)

describe("modules of a script", function()
  after_each(script.cleanup)

  --- The source that a workflow was given.
  local function source_of(loaded)
    local original, got = core.source, nil
    core.source = function(w, t, dir)
      got = { t = t, dir = dir }
      return original(w, t, dir)
    end
    local again = loader.load(loaded.folder .. "/main.lua")
    core.source = original
    assert.same({}, again.problems)
    return got.t, got.dir
  end

  it("are found beside it first and go into the snapshot", function()
    local loaded = script.load(define .. [[
local h, where = require("helper")
assert(h.value == 5 and require("helper") == h, where)
assert(require("lib.deep").x == 1)
assert(require("pack") == true)
return w]], { files = {
      ["helper.lua"] = 'local name, file = ...\nassert(name == "helper" and file:find("helper.lua$"))\nG = 5\nreturn { value = G }',
      ["lib/deep.lua"] = "return { x = 1 }", ["pack/init.lua"] = "local x = 1", ["unused.lua"] = "return 1" } })
    assert.same({}, loaded.lines)
    local source, dir = source_of(loaded)
    local names = {}
    for name in pairs(source.files) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "helper.lua", "lib/deep.lua", "main.lua", "pack/init.lua" }, names)
    assert.equal("main.lua", source.main)
    assert.same({ "w" }, source.workflows)
    assert.equal(core.sys.realpath(loaded.folder), dir)
  end)

  it("are found when a function requires them later, and what those require", function()
    local loaded = script.load(define .. [[
local function later() return require "one" end
local x = "require 'not_this'" -- require "nor_this"
local function computed() return require("com" .. "puted") end
return w]], { files = { ["one.lua"] = "return require('two')", ["two.lua"] = "return 2", ["not_this.lua"] = "", ["nor_this.lua"] = "",
      ["com.lua"] = "" } })
    local names = {}
    for name in pairs(source_of(loaded).files) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "main.lua", "one.lua", "two.lua" }, names)
  end)

  it("from elsewhere are recorded by hash", function()
    local loaded = script.load(define .. "local c = require('cjson')\nassert(c.null)\nreturn w")
    assert.same({}, loaded.lines)
    assert.truthy(source_of(loaded).modules.cjson:find("^%x+$"))
  end)

  it("with mistakes are told at their own line", function()
    assert.same({ "helper.lua:2: unexpected symbol near <eof>" }, refused("require 'helper'\nreturn w", { files = { ["helper.lua"] = "\nx =" } }))
    assert.same({ "helper.lua:1: undefined variable `foo`" }, refused("require 'helper'\nreturn w", { files = { ["helper.lua"] = "return foo" } }))
    assert.same({ "late.lua:1: unexpected symbol near <eof>" },
      refused("local function f() return require 'late' end\nreturn w", { files = { ["late.lua"] = "x =" } }))
    assert.same({ "helper.lua:3: task `b`: unknown option `x`" }, refused("require('helper')(w)\nreturn w",
      { files = { ["helper.lua"] = "return function(w)\n  w:task('b', { command = 'x',\n    x = 1 })\nend" } }))
  end)

  it("that are not found, or require each other, are told", function()
    assert.same({ "main.lua:4: module `helpr` is neither beside the script nor in package.path; did you mean `helper`?" },
      refused("require 'helpr'", { files = { ["helper.lua"] = "" } }))
    assert.same({ "main.lua:4: module `zzzzzz` is neither beside the script nor in package.path" }, refused("require 'zzzzzz'"))
    assert.same({ "b.lua:1: modules require each other: a → b → a" },
      refused("require 'a'", { files = { ["a.lua"] = "require 'b'", ["b.lua"] = "require 'a'" } }))
    assert.same({ "main.lua:4: require wants the name of a module, got number" }, refused("require(5)"))
  end)
end)

describe("ork.read", function()
  after_each(script.cleanup)

  it("reads a file beside the script into the snapshot", function()
    local loaded = script.load(define .. "assert(ork.read('list.txt') == 'a\\nb')\nassert(ork.read('./d/x') == 'x')\nreturn w",
      { files = { ["list.txt"] = "a\nb", ["d/x"] = "x" } })
    assert.same({}, loaded.lines)
    local other = script.load(define .. "assert(ork.read('list.txt') == 'a\\nc')\nassert(ork.read('./d/x') == 'x')\nreturn w",
      { files = { ["list.txt"] = "a\nc", ["d/x"] = "x" } })
    assert.are_not.equal(core.hash(loaded.workflows[1]), core.hash(other.workflows[1]))
  end)

  it("refuses what a snapshot cannot hold", function()
    assert.same({ "main.lua:4: ork.read: `/etc/passwd` is outside the script's folder; a snapshot holds only what lies in it" },
      refused("ork.read('/etc/passwd')"))
    assert.same({ "main.lua:4: ork.read: `a/../../x` is outside the script's folder; a snapshot holds only what lies in it" },
      refused("ork.read('a/../../x')"))
    local lines = refused("ork.read('bytes')", { files = { bytes = "\xff" } })
    assert.truthy(lines[1]:find("^main.lua:4: .*bytes is not UTF%-8 text; only text can be part of a script's snapshot$"), lines[1])
    assert.same({}, refused("local text, why, code = ork.read('nope')\nassert(not text and code == 'ENOTFOUND', code)\nreturn w"))
  end)
end)

describe("a second load", function()
  after_each(script.cleanup)
  after_each(function() package.loaded.loader_spec = nil end)

  --- A script that knows how often it was loaded.
  local count = "local n = (package.loaded.loader_spec or 0) + 1\npackage.loaded.loader_spec = n\n"

  it("finds nothing in a script that is the same", function()
    assert.same({}, script.load(define .. "for k in pairs({ x = 1, y = 2 }) do w:task(k .. math.random(9), { command = 'x' }) end\nreturn w",
      { twice = true }).lines)
  end)

  it("names the first task that differs", function()
    local hint = "; a script must define the same tasks every time it is loaded"
    local cases = {
      { "w:task('b' .. n, { command = 'x' })", "main.lua:6: task `b1` is `b2` when the script is loaded again" },
      { "w:task('b', { command = { 'x', n } })", "main.lua:6: task `b` is another one when the script is loaded again" },
      { "if n == 1 then w:task('b', { command = 'x' }) end", "main.lua:6: task `b` is not defined when the script is loaded again" },
      { "if n == 2 then w:task('b', { command = 'x' }) end", "main.lua:6: task `b` is defined only when the script is loaded again" },
      { "w = ork.workflow('v' .. n) w:task('b', { command = 'x' })",
        "main.lua:6: workflow `v1` is not there when the script is loaded again" },
      { "w = ork.workflow('v', { max_parallel = n }) w:task('b', { command = 'x' })",
        "main.lua:6: the options of workflow `v`, or files of the script, differ when it is loaded again" },
    }
    for _, case in ipairs(cases) do
      package.loaded.loader_spec = nil
      assert.same({ case[2] .. hint }, refused(count .. case[1] .. "\nreturn w", { twice = true }))
    end
    package.loaded.loader_spec = nil
    assert.same({ "main.lua:6: second; only when the script is loaded a second time" },
      refused(count .. "if n == 2 then error('second') end\nreturn w", { twice = true }))
  end)
end)

describe("a script that starts runs", function()
  after_each(script.cleanup)

  it("ends at the start when it is only looked at", function()
    local loaded = script.load(define .. "w:run()\nerror('not reached')", { twice = true })
    assert.same({}, loaded.lines)
    assert.is_true(loaded.started)
  end)

  it("gives what it runs its sources first", function()
    local original, given = core.source, {}
    core.source = function(w, t, dir)
      given[#given + 1] = t
      return original(w, t, dir)
    end
    local loaded = script.load("local h = require 'helper'\n" .. define .. "w:validate()\nrequire 'other'\nreturn w",
      { files = { ["helper.lua"] = "", ["other.lua"] = "" } })
    core.source = original
    assert.same({}, loaded.lines)
    assert.equal(2, #given)
    assert.truthy(given[1].files["helper.lua"])
    assert.truthy(given[2].files["other.lua"])
  end)

  it("is told its mistakes at the start", function()
    local text = define .. "w:task('b', {})\n" .. "w:validate()"
    assert.same({ "main.lua:4: task `b`: it does nothing; give it a command = { \"program\", … }, " ..
      "or run = function(input, ctx) … end" }, script.load(text).lines)
  end)
end)

describe("ork.load", function()
  after_each(script.cleanup)

  it("gives the workflows or raises all mistakes", function()
    local folder = script.folder()
    script.write(folder .. "/a.lua", define .. "return w")
    assert.equal("w", ork.load(folder .. "/a.lua").name)
    script.write(folder .. "/b.lua", define .. "w:task('b', { x = 1 })\nw:task('c', {})\nreturn w")
    local ok, message = pcall(ork.load, folder .. "/b.lua")
    assert.is_false(ok)
    local _, lines = message:gsub("b%.lua:", "")
    assert.equal(3, lines)
  end)

  it("works inside a script", function()
    local loaded = script.load(define .. "local v = ork.load(... .. '/other.lua')\nassert(v.name == 'o')\nreturn w",
      { files = { ["other.lua"] = 'local ork = require "ork" local o = ork.workflow("o") o:task("t", { command = "x" }) return o' }, arg = {} })
    assert.equal(1, #loaded.lines) -- `...` is nil without arguments
    local folder = loaded.folder
    script.write(folder .. "/main.lua", define .. ("local v = ork.load(%q)\nassert(v.name == 'o')\nreturn w"):format(folder .. "/other.lua"))
    local again = loader.load(folder .. "/main.lua")
    assert.same({}, again.problems)
    assert.equal(1, #again.workflows)
    assert.same({}, again.warnings)
  end)
end)
