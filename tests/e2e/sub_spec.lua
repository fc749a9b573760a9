-- SPDX-License-Identifier: MIT
-- Tasks that are runs of other workflows, by the real program: what they get and give, how they fail, are cancelled, paused and
-- tried again, what is refused, and that no run is lost or made twice when the program is killed.
local cjson = require "cjson"
local cluster = require "tests.lib.cluster"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local OTHER = [[
local ork = require "ork"
local other = ork.workflow("other", { params = { part = "str", n = { type = "int", default = 3 } } })
]]

describe("a task with workflow", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function write(text) sh.write(dir .. "/w.lua", OTHER .. text .. "\nreturn w\n") end
  local function run(text, ...)
    write(text)
    return ork("w.lua", ...)
  end
  local function sql(text) return sh.sql(dir .. "/.ork/ork.db", text) end
  local function document(...) return sh.json(ork("show", "--json", ...).out) end

  it("is a run of it, whose params are its inputs and whose output is its own", function()
    local r = run([=[
local one = other:task("one", { command = [[echo "ORK_OUTPUT:{\"total\": ]] .. other.params.n .. '}"', output_type = { total = "int" } })
local two = other:task("two", { inputs = { t = one.output.total, p = other.params.part }, output_type = { all = "int", who = "str" },
  run = function(input) return { all = input.t * 2, who = input.p } end })
other:returns{ total = two.output.all, who = two.output.who, at = "here" }
local w = ork.workflow("w")
local a = w:task("a", { workflow = other, inputs = { part = "north" } })
local b = w:task("b", { workflow = other, inputs = { part = ork.each{ "x", "y" }, n = a.output.total } })
w:task("c", { inputs = { totals = b.output.total, who = a.output.who }, run = function(input) return input end })
w:returns{ totals = b.output.total, first = a.output.total, run = ork.this.run_id }]=])
    assert.equal(0, r.code, r.err)
    assert.not_matches("warning", r.err)
    local whole = document("last")
    assert.same({ totals = { 12, 12 }, first = 6, run = whole.id }, whole.output)
    assert.equal('{"at":"here","total":12,"who":"y"}\n', ork("output", "last", "b/2").out)
    assert.same({ totals = { 12, 12 }, who = "north" }, sh.json(ork("output", "last", "c").out))
    assert.same(whole.output, sh.json(ork("output", "last").out))
    local task = document("last", "a")
    local child = document(task.child.run)
    assert.same({ run = whole.id, short = whole.short, workflow = "w", task = "a" }, child.parent)
    assert.equal(cjson.null, whole.parent)
    assert.same({ part = "north", n = 3 }, child.params)
    assert.equal("workflow", child.triggered_by)
    assert.equal(whole.logical_time, child.logical_time)
    assert.matches("started by +task b/2 of run " .. whole.short .. " %(w%)", ork("show", document("last", "b/2").child.run).out)
    assert.matches(child.short .. " .* a of " .. whole.short, ork("runs").out)
    assert.matches("\nruns of other workflows: a %(other%) and b %(other%)\n", ork("plan", "w.lua").out)
    assert.matches("its run +" .. child.short .. " of other", ork("show", "last", "a").out)
    assert.equal(1, #sql("SELECT DISTINCT snapshot_id FROM runs WHERE parent_task_id IS NOT NULL"))
  end)

  it("shows what its failed tasks wrote, in the report and in its logs", function()
    local r = run([[
other:task("a", { command = "echo detail of " .. other.params.part .. "; exit 7" })
local middle = ork.workflow("middle")
middle:task("m", { workflow = other, inputs = { part = "m" } })
local w = ork.workflow("w")
w:task("sub", { workflow = other, inputs = { part = "x" } })
w:task("items", { workflow = other, inputs = { part = ork.each{ "y", "z" } } })
w:task("deep", { workflow = middle })]])
    assert.equal(1, r.code)
    for _, each in ipairs{ { "sub", "x" }, { "items/1", "y" }, { "items/2", "z" }, { "deep > m", "m" } } do
      assert.matches(("\n%s > a failed: exit code 7\n  | detail of %s\n"):format(each[1], each[2]), r.err, 1, true)
    end
    assert.equal("sub > a | detail of x\nitems/1 > a | detail of y\nitems/2 > a | detail of z\ndeep > m > a | detail of m\n", ork("logs", "last").out)
  end)

  it("fails with it, by name, and goes on with it when it is tried again", function()
    local r = run([[
other:task("zero", { command = "echo zero >>ran" })
other:task("first", { depends_on = "zero", command = "test -e go" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" }, retries = { limit = 1, delay = "1ms" } })]])
    assert.equal(1, r.code)
    local a = document("last", "a")
    assert.equal(("run %s of `other` failed: 1 of 2 tasks failed: first"):format(a.child.short), a.error)
    assert.equal("error", a.kind)
    local function children() return #sql("SELECT 1 FROM runs WHERE parent_task_id IS NOT NULL") end
    assert.same({ 2, 1 }, { a.attempt, children() })
    assert.matches("a > first +failed", r.err)
    sh.write(dir .. "/go", "")
    r = ork("retry", "last", "--yes")
    assert.equal(0, r.code, r.err)
    assert.equal(1, children())
    assert.equal("zero\n", sh.read(dir .. "/ran")) -- what succeeded in it is not repeated
    assert.equal(0, ork("retry", "last", "--from", "a", "--yes").code)
    assert.equal(2, children())
    assert.equal("zero\nzero\n", sh.read(dir .. "/ran"))
  end)

  it("makes another run when its workflow has changed", function()
    local r = run([[
other:task("first", { command = "exit 7" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })]])
    assert.equal(1, r.code)
    sh.write(dir .. "/w.lua", (sh.read(dir .. "/w.lua"):gsub("exit 7", "true")))
    r = ork("w.lua", "--resume")
    assert.equal(0, r.code, r.err)
    assert.equal(2, #sql("SELECT 1 FROM runs WHERE parent_task_id IS NOT NULL"))
    sh.write(dir .. "/w.lua", (sh.read(dir .. "/w.lua"):gsub("true", "echo changed >>ran")))
    r = ork("retry", "last", "--update", "--yes")
    assert.equal(0, r.code, r.err)
    assert.equal("changed\n", sh.read(dir .. "/ran"))
  end)

  it("ends its run with its timeout", function()
    local r = run([[
other:task("long", { command = "sleep 60" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" }, timeout = "100ms" })]])
    assert.equal(1, r.code)
    assert.matches("a failed: timeout after 0.1s", r.err, 1, true)
    assert.same({ "cancelled", "the timeout of its task is over" }, { sql("SELECT status FROM runs WHERE parent_task_id IS NOT NULL")[1].status,
      sql("SELECT error FROM runs WHERE parent_task_id IS NOT NULL")[1].error })
  end)

  local SLOW = [[
local deep = ork.workflow("deep")
deep:task("long", { command = { "sh", "-c", "echo $$ >pid; exec sleep 60" } })
deep:finally("tidy", { command = "echo tidied >>tidied" })
other:task("deeper", { workflow = deep })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })]]

  it("is cancelled with all runs below it", function()
    write(SLOW)
    local p = sh.spawn_ork({ "w.lua", "-v" }, { cwd = dir })
    p:wait_line("a > deeper > long +running")
    sh.wait_file(dir .. "/pid")
    assert.equal(0, ork("cancel", "last").code)
    p:wait(nil, true)
    assert.same({ "cancelled" }, { sql("SELECT DISTINCT status FROM runs")[1].status })
    assert.equal("tidied\n", sh.read(dir .. "/tidied"))
    sh.wait_gone(tonumber(sh.read(dir .. "/pid")))
  end)

  it("fails when somebody cancels just its run", function()
    write(SLOW)
    local p = sh.spawn_ork({ "w.lua", "-v" }, { cwd = dir })
    p:wait_line("a > deeper > long +running")
    assert.matches("waits for run %x+ of `other` %(`ork why %x+`%)", ork("why", "last").out)
    assert.equal(0, ork("cancel", document("last", "a").child.run).code)
    assert.equal(1, p:wait().code)
    assert.matches("^run %x+ of `other` was cancelled$", document("last", "a").error)
  end)

  it("pauses and goes on with its run", function()
    write([[
other:task("first", { command = "until test -e go; do sleep 0.01; done" })
other:task("next", { depends_on = "first", command = "true" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })]])
    local p = sh.spawn_ork({ "w.lua", "-v" }, { cwd = dir })
    p:wait_line("a > first +running")
    assert.equal(0, ork("pause", "last").code)
    sh.write(dir .. "/go", "")
    p:wait_line("a > first +success")
    serve.wait_row(dir, "SELECT 1 WHERE (SELECT count(*) FROM runs WHERE status = 'paused') = 2")
    assert.equal(0, ork("resume", "last").code)
    assert.equal(0, p:wait().code)
  end)

  it("is marked in a plan beside tasks with items", function()
    write([[
other:task("x", { command = "true" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })
w:task("b", { workflow = other, inputs = { part = ork.each({ "x", "y" }) } })
w:task("c", { inputs = { p = ork.each({ 1, 2 }) }, command = "true" })]])
    local out = ork("plan", "w.lua").out
    assert.matches("\n  1  a, b %(per item%) and c %(per item%)\n", out)
    assert.matches("\nruns of other workflows: a %(other%) and b %(other%)\n", out)
    local plan = sh.json(ork("plan", "w.lua", "--json").out)
    assert.same({ { "b", "c" }, { a = "other", b = "other" } }, { plan.each, plan.runs })
  end)

  it("takes the params of it and gives what it returns, in a plan with types", function()
    write([[
local deep = ork.workflow("deep", {})
local x = deep:task("x-1", { command = "true", output_type = { total = "int", more = ork.optional({ n = "int", l = { "str" } }) } })
deep:returns{ total = x.output.total, n = x.output.more.n, l = x.output.more.l, all = x.output }
local run = other:task("run", { workflow = deep })
local runs = other:task("runs", { workflow = deep, inputs = {} })
local each = other:task("each", { command = "true", inputs = { i = ork.each{ 1 } }, output_type = { d = "date" } })
other:returns{ part = other.params.part, total = run.output.total, n = run.output.n, ds = each.output.d, status = runs.status,
  text = "of " .. other.params.part, one = 1 }
local mute = ork.workflow("mute", {})
mute:task("x", { command = "true" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })
w:task("b", { workflow = deep })
w:task("c", { workflow = mute })]])
    local a = "  a  { n = int, part = str } -> { ds = { date? }, n = int?, one = any, part = str, status = any, text = str, total = int }\n"
    local b = "  b  - -> { all = { more = { l = { str }, n = int }?, total = int }, l = { str }?, n = int?, total = int }\n"
    assert.matches("types:\n" .. a .. b .. "  c  - -> -\n", ork("plan", "w.lua", "--types").out, 1, true)
    assert.equal(0, ork("apply", "w.lua").code)
    assert.matches("types:\n" .. a .. b .. "  c  - -> -\n", ork("plan", "w", "--types").out, 1, true)
    local signatures = sh.json(ork("plan", "w.lua", "--types", "--json").out).signatures
    assert.same({ { n = "int", part = "str" }, "int", nil }, { signatures.a.input_type, signatures.b.output_type.total, signatures.c })
  end)

  it("is refused where it is not meant", function()
    local bad = {
      { 'w:task("a", { workflow = "other" })', '`workflow` wants a workflow, got "other"; name the one that ork.workflow returned' },
      { 'w:task("a", { workflow = w })', "`workflow` is the workflow itself, which would never come to an end" },
      { 'w:task("a", { workflow = other })', "inputs lacks `part`, which `other` requires" },
      { 'w:task("a", { workflow = other, inputs = { prat = 1, part = "x" } })', "`inputs.prat` is no param of `other`; did you mean `part`?" },
      { 'w:task("a", { workflow = other, inputs = { part = 1 } })', "inputs.part: wanted str, got 1" },
      { 'local t = w:task("t", { output_type = { n = "int" }, command = "true" })\nw:task("a", { workflow = other, inputs = { part = t.output.n } })',
        "`inputs.part` does not fit that param" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, command = "true" })', "`workflow` stands beside `command`; a task does one thing" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, run = function() end })', "`workflow` stands beside `run`; a task does one thing" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, wait = "1s" })', "`workflow` stands beside `wait`; a task does one thing" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, python = "a.py:f" })', "`workflow` stands beside `python`; a task does one thing" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, library = "x.so" })', "`workflow` stands beside `library`; a task does one thing" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, task_count = 2 })', "`task_count` stands beside `workflow`; it is for a task" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, pool = "p" })', "`pool` is for the tasks of `other`" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" }, input_type = { part = "str" } })', "`input_type` is given already, by the params of `other`" },
      { 'other:returns{ n = "x" }\nw:task("a", { workflow = other, inputs = { part = "x" }, output_type = { m = "int" } })',
        "`output_type` does not fit what `other` returns" },
      { 'w:task("a", { workflow = other, inputs = { part = "x" } })\nother:task("b", { workflow = w })', "would never come to an end" },
      { 'w:task("a", { workflow = ork.workflow("empty") })', "`empty`, which it runs, has a mistake" },
      { [[local two = ork.workflow("other")
two:task("x", { command = "true" })
w:task("a", { workflow = two })
w:task("b", { workflow = other, inputs = { part = "x" } })]], "are called `other`" },
      { [[local inner = other
for i = 1, 16 do
  local next = ork.workflow("w" .. i, { params = { part = "str" } })
  next:task("t", { workflow = inner, inputs = { part = next.params.part } })
  inner = next
end
w:task("a", { workflow = inner, inputs = { part = "x" } })]], "workflows stand within each other 17 deep, at most 16 may" },
      { [[local function part(n)
  local p = ork.workflow("part")
  p:task("t", { run = function() return n end })
  return p
end
local v = ork.workflow("v")
v:task("a", { workflow = part(1) })
w:task("a", { workflow = part(2) })
w = { v, w }]], "a second workflow is called `part`; the first is in line" },
      { 'other:returns(1)', "`returns` wants a table of values by name" },
      { 'local t = other:task("t", { command = "true" })\nother:returns{ t = t }', "is a task, no value; what it gives is its .output" },
      { 'other:returns{ x = 1 }\nother:returns{ x = 2 }', "says already what it returns" },
      { 'local t = w:task("t", { command = "true" })\nother:returns{ t = t.output.x }', "the reference belongs to another workflow" },
    }
    for _, each in ipairs(bad) do
      local r = run('local w = ork.workflow("w")\nother:task("o", { command = "true" })\n' .. each[1])
      assert.equal(2, r.code, each[1] .. r.out .. r.err)
      assert.matches(each[2], r.err, 1, true)
    end
  end)

  it("works in a script that starts its runs itself", function()
    local r = run([[
other:task("o", { run = function(input) return { n = 1 } end })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })
print(w:run().status, other:run({ part = "y" }).status)]])
    assert.equal(0, r.code, r.err)
    assert.equal(3, #sql("SELECT 1 FROM runs WHERE status = 'success'"))
    assert.same({ { n = 1 } }, sql("SELECT count(DISTINCT content_hash) AS n FROM workflow_snapshots s JOIN workflows w ON w.id = s.workflow_id WHERE w.name = 'other'"))
  end)

  it("fails a run whose values cannot be made, and gives nothing then", function()
    local r = run([[
other:task("o", { command = "true" })
local w = ork.workflow("w")
local o = w:task("o", { command = "true" })
w:returns{ text = "rows: " .. o.output.rows }]])
    assert.equal(1, r.code)
    assert.matches("returns.text: tasks.o.output.rows has no value", document("last").error, 1, true)
    r = ork("output", "last")
    assert.equal(4, r.code)
    assert.matches("the run returned nothing: it is failed", r.err, 1, true)
  end)

  it("goes on with its run through a server, and is no run to be resumed alone", function()
    write([[
other:task("first", { command = "until test -e go; do sleep 0.02; done; echo x >>ran" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })]])
    local p = sh.spawn_ork({ "w.lua", "-v" }, { cwd = dir })
    p:wait_line("a > first +running")
    p:signal("sigkill")
    p:wait(nil, true)
    local child = document("last", "a").child.run
    local r = ork("resume", child)
    assert.equal(2, r.code)
    assert.matches("task `a` of run %x+ waits for it; who goes on with that one goes on with it: `ork resume %x+`", r.err)
    local server = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE parent_task_id IS NULL AND scheduler_id IS NOT NULL")
    sh.write(dir .. "/go", "")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE parent_task_id IS NULL AND status = 'success'")
    serve.stop(server)
    assert.equal("x\n", sh.read(dir .. "/ran"))
    assert.equal(2, #sql("SELECT 1 FROM runs"))
  end)

  it("hears of the end of its run that came while nobody looked", function()
    write([[
other:task("first", { command = "sleep 60" })
local w = ork.workflow("w")
w:task("a", { workflow = other, inputs = { part = "x" } })]])
    local p = sh.spawn_ork({ "w.lua", "-v" }, { cwd = dir })
    p:wait_line("a > first +running")
    p:signal("sigkill")
    p:wait(nil, true)
    assert.equal(0, ork("cancel", document("last", "a").child.run).code)
    assert.equal("running", document("last").status)
    assert.equal(2, ork("delete", "other", "--yes").code) -- its end is still to be told
    assert.equal(0, ork("prune", "--older-than", "0s", "--yes").code)
    assert.equal(2, #sql("SELECT 1 FROM runs"))
    assert.equal(1, ork("w.lua").code)
    assert.matches("^run %x+ of `other` was cancelled$", document("last", "a").error)
  end)

  local RUNS <const> = 80
  local KILLED = [[
local one = other:task("one", { output_type = { n = "int" },
  command = { "sh", "-c", "test $(($0 % 7)) != 0 -o -e tried$0 || { >tried$0; exit 1; }\necho $0 >>ran; echo 'ORK_OUTPUT:{\"n\":'$0'}'", other.params.n } })
local two = other:task("two", { inputs = { n = one.output.n }, output_type = { n = "int" }, run = function(input, ctx)
  if input.n == ]] .. RUNS .. [[ then -- the run does not end before it may
    io.open("last", "w"):close()
    while not io.open("go") do ctx.sleep("10ms") end
  end
  return { n = input.n * 2 }
end })
other:returns{ n = two.output.n }
local w = ork.workflow("w")
local l = {}
for i = 1, ]] .. RUNS .. [[ do l[i] = i end
local many = w:task("many", { workflow = other, inputs = { part = "x", n = ork.each(l) }, retries = { limit = 1, delay = "1ms" } })
w:task("sum", { inputs = { l = many.output.n }, run = function(input)
  for i, n in ipairs(input.l) do if n ~= 2 * i then error("item " .. i .. " gave " .. tostring(n)) end end
  return #input.l
end })]]

  --- Kills the program again and again while runs of its tasks are under way.
  local function kill_often(args)
    local kills = 0
    write(KILLED)
    repeat
      local p = sh.spawn_ork(args, { cwd = dir })
      local r
      if kills < 8 then
        p:wait_line("run %x+ of w")
        p:wait_lines(kills * 7 % 13 + 1, "many/%d+ ", function() return sh.exists(dir .. "/last") end)
        p:signal("sigkill")
        r = p:wait(nil, true)
        assert.equal(9, r.signal, r.err)
        r.code, kills = nil, kills + 1
      else
        sh.write(dir .. "/go", "")
        r = p:wait(120)
        assert.equal(0, r.code, r.err)
      end
    until r.code == 0
    local ran = {}
    for n in sh.read(dir .. "/ran"):gmatch("%d+") do
      assert.is_nil(ran[n], n)
      ran[n] = true
    end
    for i = 1, RUNS do assert.is_true(ran[tostring(i)]) end
  end

  it("loses and doubles no run, however often the program is killed", function()
    kill_often({ "w.lua", "-v", "--jobs", "3" })
    assert.same({ { n = RUNS + 1, tasks = RUNS } }, sql("SELECT count(*) AS n, count(DISTINCT parent_task_id) AS tasks FROM runs WHERE status = 'success'"))
    assert.equal(RUNS + 1, #sql("SELECT 1 FROM runs"))
    assert.equal(RUNS // 7, #sql("SELECT 1 FROM commands WHERE kind = 'retry' AND outcome = 'done'"))
    assert.equal(RUNS .. "\n", ork("output", "last", "sum").out)
  end)

  it("loses and doubles no run on PostgreSQL", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local server = cluster.start()
    local url = server:database("ork")
    server:wait_old()
    kill_often({ "w.lua", "-v", "--jobs", "3", "--db", url })
    assert.equal(RUNS .. "\n", ork("output", "last", "sum", "--db", url).out)
    local count = {}
    for _, one in ipairs(sh.json(ork("runs", "--db", url, "--limit", "200", "--json").out)) do
      local what = one.workflow .. one.status
      count[what] = (count[what] or 0) + 1
    end
    assert.same({ wsuccess = 1, othersuccess = RUNS }, count)
  end)
end)
