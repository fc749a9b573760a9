-- SPDX-License-Identifier: MIT
-- Tasks that run once per element of a list, by the real program: what they get, how they are counted and named, what is
-- refused, and that no item is lost or done twice when the program or its workers are killed.
local cluster = require "tests.lib.cluster"
local json = require("ork.core").json
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w", { params = { l = { type = "any", default = "none" }, n = { type = "int", default = 0 } } })\n'

describe("a task with ork.each", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function run(text, ...)
    write(text)
    return ork("w.lua", ...)
  end
  local function sql(text) return sh.sql(dir .. "/.ork/ork.db", text) end
  local function output(task) return json.decode(ork("output", "last", task).out) end

  it("calls its function for each element, and hands the results on in order", function()
    local r = run([[
local make = w:task("make", { output_type = { parts = { "str" } }, run = function() return { parts = { "x", "yy", "zzz" } } end })
local clean = w:task("clean", { inputs = { part = ork.each(make.output.parts), k = 10 }, output_type = { rows = "int" },
  run = function(input, ctx) return { rows = #input.part * input.k, item = ctx.item, task = ctx.task } end })
w:task("sum", { inputs = { rows = clean.output.rows, all = clean.results, whole = clean.output }, run = function(input) return input end })]])
    assert.equal(0, r.code, r.err)
    local got = output("sum")
    assert.same({ 10, 20, 30 }, { table.unpack(got.rows) })
    assert.equal(2, got.whole[2].item)
    assert.equal("clean", got.whole[2].task)
    assert.same({ "zzz", "success", 30 }, { got.all[3].item, got.all[3].status, got.all[3].output.rows })
    assert.equal('{"item":2,"rows":20,"task":"clean"}\n', ork("output", "last", "clean/2").out)
    assert.matches('^%[{"item":1,"rows":10,"task":"clean"},.*"item":3.*}%]\n$', ork("output", "last", "clean").out)
    assert.same({ "clean/1", "clean/2", "clean/3" }, (function(rows)
      local names = {}
      for i, row in ipairs(rows) do names[i] = row.task_name end
      return names
    end)(sql("SELECT task_name FROM tasks WHERE map_parent IS NOT NULL ORDER BY task_index")))
  end)

  it("shows where its logs are, and what its items gave among the outputs of the run", function()
    local r = run([[
local other = ork.workflow("other")
other:task("s", { command = "echo hi" })
w:task("c", { inputs = { x = ork.each({ 1, 2 }) }, command = { "echo", ork.input.x } })
w:task("f", { inputs = { x = ork.each({ 1, 2 }) }, run = function(input) return input.x end })
w:task("quiet", { run = function() return 7 end })
w:task("none", { inputs = { x = ork.each({}) }, run = function() end })
w:task("sub", { workflow = other })]], "w")
    assert.equal(0, r.code, r.err)
    assert.matches("^run %x+ of w: 5 tasks\n", (r.err:gsub("^created [^\n]*\n", "")))
    assert.matches("^c is done by item, and so are its logs: ork logs %x+ c/1\n$", ork("logs", "w", "c").err)
    assert.matches("^f is done by item, and so are its logs: ork logs %x+ f/1\n$", ork("logs", "w", "f").err)
    assert.equal("quiet wrote nothing\n", ork("logs", "w", "quiet").err)
    assert.equal("none has no items, so nothing was written\n", ork("logs", "w", "none").err)
    assert.matches("^sub is a run of its own; see it: ork logs %x+\n$", ork("logs", "w", "sub").err)
    assert.equal('{"c":[null,null],"f":[1,2],"quiet":7,"none":[]}\n', ork("output", "w").out)
  end)

  it("starts a process for each element, of a literal list, a param, a product", function()
    local r = run([[
w:task("lit", { inputs = { p = ork.each({ "a b", "c" }) }, env = { P = ork.input.p },
  command = { "sh", "-c", "echo $ORK_ITEM $ORK_TASK_NAME \"$P\" \"$1\"", "x", ork.input.p } })
w:task("par", { inputs = { p = ork.each(w.params.l) }, command = { "echo", ork.input.p } })
w:task("pro", { inputs = { p = ork.each(ork.product{ os = { "l", "m" }, arch = { 1, 2 } }) }, command = { "echo", ork.input.p.os, ork.input.p.arch } })]],
      'l=["one","two"]')
    assert.equal(0, r.code, r.err)
    assert.equal("1 lit/1 a b a b\n", ork("logs", "last", "lit/1").out)
    assert.equal("two\n", ork("logs", "last", "par/2").out)
    assert.equal("l 1\nm 1\nl 2\nm 2\n", ork("logs", "last", "pro/1").out .. ork("logs", "last", "pro/2").out ..
      ork("logs", "last", "pro/3").out .. ork("logs", "last", "pro/4").out)
  end)

  it("makes so many alike by task_count, told as the original told them", function()
    local r = run([[
w:task("p", { task_count = 3, command = "echo $task_index $task_name $workflow_name $run_id $ORK_TASK_NAME " .. ork.input.task_index })
local f = w:task("f", { task_count = 3, inputs = { k = 10 }, run = function(input) return { n = input.k + input.task_index } end })
w:task("sum", { inputs = { n = f.output.n }, run = function(input) return input.n end })]])
    assert.equal(0, r.code, r.err)
    assert.equal(("2 task_2 w %s p/3 2\n"):format(json.decode(ork("show", "last", "--json").out).id), ork("logs", "last", "p/3").out)
    assert.equal("[10,11,12]\n", ork("output", "last", "sum").out)
  end)

  it("succeeds without elements, also of an empty table of Lua, which may be an object", function()
    local r = run([[
local a = w:task("a", { inputs = { p = ork.each({}) }, run = function() return { n = 1, items = {} } end })
w:task("b", { inputs = { n = a.output.n, r = a.results }, run = function(input) return { n = #input.n, r = #input.r } end })
local made = w:task("made", { run = function() return { items = {} } end })
local e = w:task("e", { inputs = { x = ork.each(made.output.items) }, run = function(input) return input.x end })
w:task("p", { inputs = { x = ork.each(ork.product{ a = made.output.items, b = { 1 } }), e = e.output }, run = function() end })
w:task("in", { command = "true", when = { 1, "in", made.output.items } })]])
    assert.equal(0, r.code, r.err)
    assert.same({ { n = 0, r = 0 }, {}, {} }, { output("b"), output("e"), output("p") })
    assert.equal("skipped", sql("SELECT status FROM tasks WHERE task_name = 'in'")[1].status)
  end)

  it("fails alone over what is no list, or too long", function()
    local r = run([[
w:task("a", { inputs = { p = ork.each(w.params.l) }, run = function() end })
local make = w:task("make", { inputs = { n = w.params.n }, output_type = { l = { "int" } },
  run = function(input) local t = {} for i = 1, input.n do t[i] = i end return { l = t } end })
w:task("b", { inputs = { p = ork.each(make.output.l) }, run = function() end })
w:task("c", { command = "true" })]], "l=parts.txt", "n=100001")
    assert.equal(1, r.code)
    local rows = sql("SELECT task_name, status, kind, error FROM tasks ORDER BY task_index")
    assert.same({ "failed", "input", 'ork.each wants a list, but params.l is "parts.txt"' }, { rows[1].status, rows[1].kind, rows[1].error })
    assert.equal("tasks.make.output.l has 100001 items, ork.each takes at most 100000: make a list of lists of it, and give each item several to do",
      rows[3].error)
    assert.equal("success", rows[4].status)
  end)

  it("tolerates max_failed failures, and starts no others beyond", function()
    local text = [[
local a = w:task("a", { inputs = { p = ork.each({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, { max_failed = %s, max_parallel = 1 }) }, run = function(input)
  if input.p == 2 or input.p == 4 then error("no good") end
  return { n = input.p }
end })
w:task("b", { trigger_rule = "all_done", inputs = { r = a.results }, run = function(input) return input end })]]
    assert.equal(0, run(text:format('"20%"')).code)
    local r = run(text:format("1"))
    assert.equal(1, r.code)
    assert.matches("a failed: 2 of 10 items failed (at most 1 may): a/2, a/4", r.err, 1, true)
    assert.matches("a/2 failed: w.lua:4: no good", r.err, 1, true)
    local got = output("b").r
    assert.same({ "success", "failed", "success", "failed", "skipped" }, { got[1].status, got[2].status, got[3].status, got[4].status, got[5].status })
    assert.equal("w.lua:4: no good", got[2].error)
    assert.matches("a/5   skipped", ork("tasks", "last", "a").out)
    assert.matches("2 failed, 6 skipped", ork("show", "last").out)
    assert.matches("it never began", ork("why", "last", "a/10").out)
  end)

  it("takes back what had not begun when too many failed", function()
    local LIST = "local l = {} for i = 1, 300 do l[i] = i end\n"
    for most, task in pairs({
      [20] = 'w:task("a", { inputs = { p = ork.each(l) }, command = "echo x >>ran; sleep 0.05; false" })',
      [150] = [[w:task("a", { inputs = { p = ork.each(l) }, run = function() -- those that sleep would all begin; of those that compute one after another
  io.open("ran", "a"):write("x\n"):close()
  local began = os.clock()
  repeat until os.clock() - began > 0.01
  error("no")
end })]],
    }) do
      sh.write(dir .. "/ran", "")
      local r = run(LIST .. task, "--jobs", "1", "--new")
      assert.equal(1, r.code)
      local _, ran = sh.read(dir .. "/ran"):gsub("x", "")
      assert.is_true(ran >= 1 and ran < most, ran .. " of 300 ran")
      assert.matches("a/300 +skipped", ork("tasks", "last", "a", "--limit", "300").out)
      assert.same({}, sql("SELECT task_name FROM tasks WHERE status NOT IN ('failed', 'skipped')"))
    end
  end)

  it("keeps to max_parallel", function()
    local r = run([[
w:task("a", { inputs = { p = ork.each({ 1, 2, 3, 4, 5, 6 }, { max_parallel = 1 }) },
  command = "printf + >>in; sleep 0.01; printf - >>in" })]], "--jobs", "4")
    assert.equal(0, r.code, r.err)
    assert.equal("+-+-+-+-+-+-", sh.read(dir .. "/in"))
  end)

  it("tries items again by its own policy, and by hand only what did not succeed", function()
    write([[
w:task("a", { retries = { limit = 1, delay = "1ms" }, inputs = { p = ork.each({ "x", "y", "z" }) },
  command = { "sh", "-c", "echo $1 >>ran; test $1 != y || test -e go", "x", ork.input.p } })]])
    assert.equal(1, ork("w.lua").code)
    assert.equal(2, sql("SELECT attempt FROM tasks WHERE task_name = 'a/2'")[1].attempt)
    sh.write(dir .. "/go", "")
    assert.equal(0, ork("retry", "last", "--task", "a/2", "--yes").code)
    local ran = {}
    for name in sh.read(dir .. "/ran"):gmatch("%a") do ran[name] = (ran[name] or 0) + 1 end
    assert.same({ x = 1, y = 3, z = 1 }, ran)
    assert.equal(0, ork("rerun", "last").code)
    local before = sql("SELECT count(*) AS n FROM tasks WHERE map_parent IS NOT NULL")[1].n
    assert.equal(0, ork("retry", "last", "--from", "a", "--yes").code)
    assert.equal(before + 3, sql("SELECT count(*) AS n FROM tasks WHERE map_parent IS NOT NULL")[1].n) -- by a new list: other items
  end)

  local TWO_FAIL = [[
w:task("a", { inputs = { p = ork.each({ "x", "y", "z" }) },
  command = { "sh", "-c", "echo $1 >>ran; test -e $1 || test $1 = z || exit 3", "x", ork.input.p } })]]

  it("tries one item again though others stay failed", function()
    write(TWO_FAIL)
    assert.equal(1, ork("w.lua", "--jobs", "8").code)
    sh.sql(dir .. "/.ork/ork.db", "UPDATE tasks SET status = 'failed', kind = 'exit' WHERE task_name = 'a/2'") -- though it may not have begun
    for _, name in ipairs({ "x", "y" }) do
      sh.write(dir .. "/" .. name, "")
      local r = ork("retry", "last", "--task", name == "x" and "a/1" or "a/2")
      assert.equal(name == "x" and 1 or 0, r.code, r.err)
      assert.equal("success", sql("SELECT status FROM tasks WHERE task_name = 'a/1'")[1].status)
    end
    assert.same({}, sql("SELECT task_name FROM tasks WHERE status <> 'success'"))
  end)

  it("tries an item again that was allowed to fail, and none from an item on", function()
    write([[
local s = w:task("s", { run = function() end })
local a = w:task("a", { depends_on = s, inputs = { p = ork.each({ 1, 2, 3 }, { max_failed = 1 }) }, run = function(input)
  if input.p == 2 and not io.open("go") then error("no good") end
  return input.p
end })
w:task("b", { depends_on = a, command = "echo b >>ran; test -e go" })]])
    assert.equal(1, ork("w.lua").code)
    local r = ork("retry", "last", "--from", "a/2")
    assert.equal(2, r.code)
    assert.matches("--from takes a task, and `a/2` is an item: --from a does them all again, --task a/2 only this one", r.err, 1, true)
    for _, words in ipairs({ { "retry", "last", "--update" }, { "w.lua", "--resume" } }) do
      r = ork(table.unpack(table.move({ "--from", "a/2" }, 1, 2, #words + 1, words)))
      assert.same({ 2, "ork: --from takes a task, and `a/2` is an item: --from a does them all again\n" }, { r.code, r.err })
    end
    r = ork("rerun", "last", "--from", "a/2")
    assert.same({ 2, "ork: `a/2` is an item, and a task is wanted here: `a`, which has them all\n" }, { r.code, r.err })
    r = ork("retry", "last", "--task", "a/1")
    assert.equal(2, r.code)
    assert.matches("item `a/1` succeeded; --from a runs a and all after it again", r.err, 1, true)
    sh.write(dir .. "/go", "")
    r = ork("retry", "last", "--task", "a/2") -- of a run that failed for another reason
    assert.equal(1, r.code, r.err)
    assert.equal("[1,2,3]\n", ork("output", "last", "a").out)
    assert.equal("b\n", sh.read(dir .. "/ran"))
    assert.equal(0, ork("retry", "last").code)
    os.remove(dir .. "/go")
    write('w:task("a", { inputs = { p = ork.each({ 1, 2 }, { max_failed = 1 }) },\n' ..
      'run = function(input) if input.p == 2 and not io.open("go") then error("no") end return 1 end })')
    assert.equal(0, ork("w.lua", "--new").code)
    assert.equal("[1,null]\n", ork("output", "last", "a").out)
    sh.write(dir .. "/go", "")
    r = ork("retry", "last", "--task", "a/2") -- and of one that succeeded
    assert.equal(0, r.code, r.err)
    assert.matches("trying again: run", r.err, 1, true)
    assert.equal("[1,1]\n", ork("output", "last", "a").out)
  end)

  it("finds items by their one name, and none of a list that is no more", function()
    write([[
local s = w:task("s", { output_type = { l = { "int" } }, run = function() return { l = io.open("short") and { 7 } or { 1, 2, 3 } } end })
w:task("f", { inputs = { p = ork.each(s.output.l) }, run = function(input) return input.p end })]])
    assert.equal(0, ork("w.lua").code)
    assert.equal("success", json.decode(ork("show", "last", "f/3", "--json").out).status)
    for _, name in ipairs({ "f/03", "f/+3", "f/ 3", "f/3 ", "f/0", "f/", "/3" }) do
      local r = ork("show", "last", name)
      assert.same({ name, 4, "" }, { name, r.code, r.out })
      assert.matches("no task `" .. name .. "` in this run; ", r.err, 1, true)
    end
    sh.write(dir .. "/short", "")
    assert.equal(0, ork("retry", "last", "--from", "s").code)
    assert.equal("7\n", ork("output", "last", "f/1").out)
    for _, command in ipairs({ "output", "show", "logs" }) do
      local r = ork(command, "last", "f/3")
      assert.equal("", r.out)
      assert.matches("task `f` has 1 item, no number 3", r.err, 1, true)
    end
  end)

  it("leaves no item pending when its `when` is false for a retry", function()
    write([[
w:task("a", { inputs = { p = ork.each({ 1, 2, 3 }) }, when = function() return not io.open("no") end,
  run = function(input) if input.p == 2 then error("no good") end end })]])
    assert.equal(1, ork("w.lua", "--jobs", "1").code)
    sh.write(dir .. "/no", "")
    assert.equal(0, ork("retry", "last").code)
    assert.equal("its `when` is false", sql("SELECT error FROM tasks WHERE task_name = 'a'")[1].error)
    local row = sql("SELECT status, error FROM tasks WHERE task_name = 'a/2'")[1]
    assert.same({ "skipped", "`a` is skipped" }, { row.status, row.error })
    assert.same({}, sql("SELECT task_name FROM tasks WHERE status = 'pending'"))
  end)

  it("does only what did not succeed when its function was mended, unless its list is another", function()
    local text = [[
local m = w:task("m", { run = function() return { l = { "x", "y", "z" } } end, output_type = { l = { "str" } } })
w:task("a", { inputs = { p = ork.each(%s) }, output_type = "str", run = function(input)
  io.open("ran", "a"):write(input.p):close()
  %s
  return input.p
end })]]
    for _, list in ipairs({ "m.output.l", '{ "x", "y", "z" }' }) do
      sh.write(dir .. "/ran", "")
      write(text:format(list, 'if input.p == "y" then error("no") end'))
      assert.equal(1, ork("w.lua", "--new", "--jobs", "1").code)
      write(text:format(list, ""))
      local r = ork("w.lua", "--resume")
      assert.equal(0, r.code, r.err)
      assert.equal(1, select(2, r.err:gsub("a +running +3 items", "")), r.err) -- told once
      assert.equal("xyzy", sh.read(dir .. "/ran"))
      assert.same({ "x", "y", "z" }, output("a"))
    end
    sh.write(dir .. "/ran", "")
    write(text:format('{ "x", "y" }', 'if input.p == "y" then error("no") end'))
    assert.equal(1, ork("w.lua", "--new", "--jobs", "1").code)
    write(text:format('{ "v", "w", "y" }', ""))
    assert.equal(0, ork("w.lua", "--resume", "--jobs", "1").code)
    assert.equal("xyvwy", sh.read(dir .. "/ran"))
    assert.same({ "v", "w", "y" }, output("a"))
  end)

  it("does only what did not succeed when its limits changed, and all of it when its command did, unless that is kept", function()
    local text = [[w:task("a", { inputs = { p = ork.each({ "x", "y", "z" }, %s) }, command = { "sh", "-c", "printf $1 >>ran; %s", "sh", ork.input.p } })]]
    local fails = 'test $1 != y'
    local function go(limits, command, ...)
      sh.write(dir .. "/ran", "")
      write(text:format(limits, command))
      local r = ork("w.lua", "--jobs", "1", ...)
      return r.code, sh.read(dir .. "/ran")
    end
    assert.same({ 1, "xyz" }, { go("{ max_failed = 0, max_parallel = 3 }", fails, "--new") })
    assert.same({ 0, "y" }, { go("{ max_failed = 1, max_parallel = 1 }", fails, "--resume") })
    assert.same({ 1, "xyz" }, { go("{ max_parallel = 3 }", fails, "--new") })
    assert.same({ 0, "y" }, { go("{ max_parallel = 3 }", "true", "--resume", "--keep") })
    assert.same({ 1, "xyz" }, { go("{ max_parallel = 3 }", fails, "--new") })
    assert.same({ 0, "xyz" }, { go("{ max_parallel = 3 }", "true", "--resume") })
  end)

  it("is taken over with its items by a rerun from a later task", function()
    local r = run([[
local a = w:task("a", { inputs = { p = ork.each({ 1, 2, 3 }) }, output_type = { n = "int" },
  run = function(input) io.open("ran", "a"):write("x"):close() return { n = input.p } end })
w:task("b", { inputs = { n = a.output.n, r = a.results }, run = function(input) return input end })]])
    assert.equal(0, r.code, r.err)
    local before = output("b")
    r = ork("rerun", "last", "--from", "b")
    assert.equal(0, r.code, r.err)
    assert.equal("xxx", sh.read(dir .. "/ran"))
    assert.same(before, output("b"))
    assert.same({ count = 3, success = 3, first = 1 << 24 }, json.decode(ork("show", "last", "a", "--json").out).items)
  end)

  it("is cancelled with all its items", function()
    write('w:task("a", { inputs = { p = ork.each({ 1, 2, 3, 4, 5 }) }, command = "sleep 60" })')
    local p = sh.spawn_ork({ "w.lua", "--jobs", "2", "-v" }, { cwd = dir })
    p:wait_line("a/1 .* running")
    p:wait_line("a/2 .* running")
    assert.matches("0 of 5 items done", ork("why", "last", "a").out)
    assert.equal(0, ork("cancel", "last").code)
    p:wait(nil, true)
    assert.same({ "cancelled" }, { sql("SELECT status FROM tasks WHERE task_name = 'a'")[1].status })
    assert.same({}, sql("SELECT 1 FROM tasks WHERE status NOT IN ('cancelled')"))
    local items = json.decode(ork("show", "last", "a", "--json").out).items
    assert.same({ count = 5, cancelled = 5, first = 1 << 24 }, items)
  end)

  it("waits in its items, which are approved one by one", function()
    write([[
local ask = w:task("ask", { inputs = { f = ork.each({ "a", "b" }) }, wait = { approval = "go " .. ork.input.f .. "?" } })
local poll = w:task("poll", { inputs = { f = ork.each({ "c", "d" }, { max_parallel = 1 }) }, output_type = { x = "str" },
  wait = { every = "1s", poll = function(input, ctx) return { x = input.f .. ctx.item } end } })
w:task("end", { inputs = { by = ask.output.comment, x = poll.output.x }, run = function(input) return input end })]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("poll +success")
    p:signal("sigkill")
    p:wait(nil, true)
    assert.equal(0, ork("approve", "last", "ask/1", "--comment", "one").code) -- with nobody there, for who goes on
    p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("ask +running +2 items")
    sh.wait_until(dir .. "/.ork", function() return ork("tasks", "last", "ask").out:find("ask/2 +waiting.*waits for approval: go b%?") end)
    sh.wait_until(dir .. "/.ork", function() return ork("status").out:find("approvals +w ask/2: go b%?") end)
    assert.equal(0, ork("approve", "last", "ask/2", "--comment", "two").code)
    assert.equal(0, p:wait().code)
    assert.same({ by = { "one", "two" }, x = { "c1", "d2" } }, output("end"))
    assert.matches("decided +approved by .*: one", ork("show", "last", "ask/1").out)
  end)

  it("holds slots of a pool, and its timeout is that of each item", function()
    local r = run([[
ork.pool("db", 2)
w:task("a", { inputs = { n = ork.each({ 1, 2, 3, 4 }, { max_failed = 1 }) }, pool = "db", timeout = "300ms",
  command = { "sh", "-c", "printf + >>in; test $1 != 2 || exec sleep 60; printf - >>in", "x", ork.input.n } })]], "--jobs", "4")
    assert.equal(0, r.code, r.err)
    local most, now = 0, 0
    for sign in sh.read(dir .. "/in"):gmatch(".") do
      now = now + (sign == "+" and 1 or -1)
      most = math.max(most, now)
    end
    assert.is_true(most <= 2, sh.read(dir .. "/in"))
    assert.equal("timeout after 0.3s", sql("SELECT error FROM tasks WHERE task_name = 'a/2'")[1].error)
  end)

  it("is paused in the midst of its items, and goes on", function()
    write('w:task("a", { inputs = { p = ork.each({ 1, 2, 3 }) }, command = "until test -e go; do sleep 0.01; done" })')
    local p = sh.spawn_ork({ "w.lua", "--jobs", "1", "-v" }, { cwd = dir })
    p:wait_line("a/1 .* running")
    assert.equal(0, ork("pause", "last").code)
    sh.wait_until(dir .. "/.ork", function() -- those handed over are called back; until then one may begin
      return sql("SELECT count(*) AS n FROM tasks WHERE status = 'dispatched'")[1].n == 0
    end)
    sh.write(dir .. "/go", "")
    sh.wait_until(dir .. "/.ork", function() return ork("tasks", "last", "a").out:find("a/1 +success") end)
    assert.same({}, sql("SELECT 1 FROM tasks WHERE map_parent IS NOT NULL AND status NOT IN ('success', 'paused', 'pending')"))
    local r = ork("resume", "last")
    assert.equal(0, r.code, r.err .. r.out)
    assert.equal(0, p:wait().code)
    assert.equal(3, sql("SELECT count(*) AS n FROM tasks WHERE map_parent IS NOT NULL AND status = 'success'")[1].n)
  end)

  it("is read once for all who want its list, and they are handed it a few at a time", function()
    write([[
local l = {} for i = 1, 400 do l[i] = i end
local c = w:task("c", { inputs = { p = ork.each(l) }, run = function(input) return { p = input.p, t = ("x"):rep(5000) } end })
local h = w:task("h", { inputs = { p = ork.each(l), all = c.output }, run = function(input)
  for i, each in ipairs(input.all) do assert(each.p == i) end
  return #input.all
end })
w:task("last", { depends_on = h, run = function() io.open("done", "w"):close() io.open("end"):read() end })]])
    sh.run({ "mkfifo", "end" }, { cwd = dir })
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_file(dir .. "/done", 120)
    local kb = tonumber(sh.read(("/proc/%d/status"):format(p.pid)):match("VmHWM:%s*(%d+) kB"))
    sh.run({ "sh", "-c", "echo >end" }, { cwd = dir })
    local r = p:wait(60)
    assert.equal(0, r.code, r.err)
    local most = os.getenv("ORK_TEST_ASAN") and 700 or 200 -- 400 lists of 2 MB are 800 MB; the sanitizer keeps 256 MB of what was freed
    assert.is_true(kb < most * 1024, "ork had " .. kb .. " kB")
    assert.equal(400, sql("SELECT count(*) AS n FROM tasks WHERE map_parent IS NOT NULL AND output = '400'")[1].n)
  end)

  it("shows a hundred thousand items as one line", function()
    local r = run([[
local make = w:task("make", { inputs = { n = w.params.n }, output_type = { l = { "int" } },
  run = function(input) local t = {} for i = 1, input.n do t[i] = i end return { l = t } end })
local a = w:task("a", { inputs = { p = ork.each(make.output.l) }, output_type = { n = "int" }, run = function(input) return { n = input.p } end })
w:task("sum", { inputs = { l = a.output.n }, run = function(input)
  for i, n in ipairs(input.l) do if i ~= n then error("item " .. i .. " gave " .. n) end end
  return #input.l
end })]], "n=100000")
    assert.equal(0, r.code, r.err)
    assert.equal("100000\n", ork("output", "last", "sum").out)
    local _, lines = r.err:gsub("\n", "")
    assert.is_true(lines < 20, r.err:sub(1, 2000))
    assert.matches("a  +success +1 .*100000 of 100000 items", ork("show", "last").out)
    assert.equal(3, #json.decode(ork("tasks", "last", "--json").out))
    assert.equal("a/70000", json.decode(ork("tasks", "last", "a", "--json", "--limit", "70000").out)[70000].name)
  end)

  local ITEMS <const> = 10000
  local KILLED = [[
local make = w:task("make", { inputs = { n = w.params.n }, output_type = { l = { "int" } },
  run = function(input) local t = {} for i = 1, input.n do t[i] = i end return { l = t } end })
local a = w:task("a", { inputs = { p = ork.each(make.output.l) }, output_type = { n = "int" }, run = function(input, ctx)
  local x = 0
  if input.p == 10000 then -- the run does not end before it may
    io.open("last", "w"):close()
    while not io.open("go") do ctx.sleep("10ms") end
  end
  for i = 1, 3000 do x = x + i end
  if input.p % 2500 == 7 and not io.open("killed" .. input.p) then -- a worker dies in the midst of its window
    io.open("killed" .. input.p, "w"):close()
    os.execute("kill -KILL $PPID")
  end
  return { n = input.p }
end })
w:task("sum", { inputs = { l = a.output.n }, run = function(input)
  for i, n in ipairs(input.l) do if i ~= n then error("item " .. i .. " gave " .. tostring(n)) end end
  return #input.l
end })]]

  --- Kills the program again and again while it is at the items; look() after each.
  local function kill_often(args, look)
    local kills = 0
    write(KILLED)
    repeat
      local p = sh.spawn_ork(args, { cwd = dir })
      local r
      if kills < 6 then
        p:wait_line("run %x+ of w")
        p:wait_lines(kills * 367 % 1500 + 1, "a/%d+ .*success", function() return sh.exists(dir .. "/last") end)
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
  end

  it("loses and doubles no item, however often the program and its workers are killed", function()
    local recorded = {}
    kill_often({ "w.lua", "n=" .. ITEMS, "-v", "--jobs", "3" }, function()
      for _, row in ipairs(sql("SELECT map_index, output, finished_at FROM tasks WHERE map_parent IS NOT NULL AND status = 'success'")) do
        local now, before = row.output .. row.finished_at, recorded[row.map_index]
        assert.is_true(before == nil or before == now, row.map_index)
        recorded[row.map_index] = now
      end
    end)
    assert.equal(1, #sql("SELECT 1 FROM runs"))
    assert.equal(ITEMS, sql("SELECT count(DISTINCT map_index) AS n FROM tasks WHERE status = 'success' AND map_parent IS NOT NULL")[1].n)
    assert.equal(ITEMS, sql("SELECT count(*) AS n FROM tasks WHERE map_parent IS NOT NULL")[1].n)
    assert.equal(ITEMS .. "\n", ork("output", "last", "sum").out)
    assert.is_true(sql("SELECT sum(lost) AS n FROM tasks WHERE map_parent IS NOT NULL")[1].n >= 1)
  end)

  it("does only what did not succeed on PostgreSQL", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    local text = [[
w:task("a", { inputs = { p = ork.each(w.params.l) }, run = function(input)
  io.open("ran", "a"):write(input.p):close()
  %s
end })]]
    write(text:format('if input.p == "y" or input.p == "w" then error("no") end'))
    assert.equal(1, ork("w.lua", 'l=["x","y","z","w"]', "--jobs", "1", "--db", url).code)
    write(text:format(""))
    local r = ork("w.lua", 'l=["x","y","z","w"]', "--resume", "--jobs", "1", "--db", url)
    assert.equal(0, r.code, r.err)
    assert.matches("^xy.*y", sh.read(dir .. "/ran"))
    local times = {}
    for name in sh.read(dir .. "/ran"):gmatch(".") do times[name] = (times[name] or 0) + 1 end
    assert.same({ 1, 1 }, { times.x, times.z and times.z or 1 })
    assert.same({ count = 4, success = 4, first = 1 << 24 }, json.decode(ork("show", "last", "a", "--json", "--db", url).out).items)
  end)

  it("loses and doubles no item on PostgreSQL", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local url = cluster.start():database("ork")
    kill_often({ "w.lua", "n=" .. ITEMS, "-v", "--jobs", "3", "--db", url }, function() end)
    assert.equal(ITEMS .. "\n", ork("output", "last", "sum", "--db", url).out)
    local items = json.decode(ork("show", "last", "a", "--json", "--db", url).out).items
    assert.same({ count = ITEMS, success = ITEMS, first = 1 << 24 }, items)
  end)

  it("goes on with processes that were under way", function()
    write([[
w:task("a", { inputs = { p = ork.each({ 1, 2, 3, 4, 5, 6, 7, 8 }) },
  command = { "sh", "-c", "echo $1 >>ran; until test -e go; do sleep 0.02; done", "x", ork.input.p } })]])
    local p = sh.spawn_ork({ "w.lua", "--jobs", "3", "-v" }, { cwd = dir })
    for i = 1, 3 do p:wait_line("a/" .. i .. " .* running") end
    p:signal("sigkill")
    p:wait(nil, true)
    sh.write(dir .. "/go", "")
    assert.equal(0, ork("w.lua", "--jobs", "3").code)
    local ran = {}
    for n in sh.read(dir .. "/ran"):gmatch("%d") do ran[#ran + 1] = n end
    table.sort(ran)
    assert.equal("12345678", table.concat(ran))
  end)
end)
