-- SPDX-License-Identifier: MIT
-- Runs of a part of a workflow: `--to T`, `--only T`; and what show, why, retry, rerun and --update make of them.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("etl")
local extract = w:task("extract", { command = "echo extract >> order; echo '{\"v\":7}' > $ORK_OUTPUT_FILE", output_type = { v = "int" } })
local clean = w:task("clean", { inputs = { v = extract.output.v },
  command = "echo clean $(cat $ORK_INPUT_FILE) >> order; test -e fine" })
w:task("load", { command = "echo load >> order", depends_on = { clean } })
w:task("other", { command = "echo other >> order" })
w:task("either", { command = "echo either >> order", depends_on = { clean }, trigger_rule = "one_failed" })
w:finally("tidy", { command = "echo tidy >> order" })
return w
]]

describe("a part of a workflow", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", SCRIPT)
    sh.write(dir .. "/fine", "")
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function order()
    local text = sh.exists(dir .. "/order") and sh.read(dir .. "/order") or ""
    os.remove(dir .. "/order")
    return (text:gsub("\n", ";"))
  end
  local function statuses()
    local list = {}
    for i, task in ipairs(sh.json(ork("tasks", "last", "--json").out)) do list[i] = task.name .. "=" .. task.status end
    return table.concat(list, " ")
  end

  it("is another run than the whole, for a key", function()
    assert.equal(0, ork("etl.lua", "--to", "extract", "--key", "d5").code)
    assert.equal(0, ork("etl.lua", "--to", "extract", "--key", "d5").code)
    local r = ork("etl.lua", "--key", "d5")
    assert.equal(2, r.code)
    assert.matches("the key `d5` is that of run %x+, which is the part %-%-to extract, not the whole workflow; another run needs another key", r.err)
    assert.equal(0, ork("etl.lua", "--key", "all").code)
    r = ork("etl.lua", "--to", "extract", "--key", "all")
    assert.equal(2, r.code)
    assert.matches("which is the whole workflow, not the part %-%-to extract", r.err)
  end)

  it("runs up to a task, what that needs, and finally", function()
    local r = ork("etl.lua", "--to", "clean")
    assert.equal(0, r.code, r.err)
    assert.matches("run %x+ of etl: 3 of 6 tasks %(%-%-to clean%)\n", r.err)
    assert.is_nil(r.err:find("skipped", 1, true))
    assert.matches("^success: etl, 3 of 6 tasks %(%-%-to clean%) in ", r.out)
    assert.equal('extract;clean {"v":7};tidy;', order())
    assert.equal("extract=success clean=success load=skipped other=skipped either=skipped tidy=success", statuses())
    assert.matches("not part of this run (--to clean)", ork("show", "last", "load").out, 1, true)
    assert.matches("part +3 of 6 tasks %(%-%-to clean%)", ork("show", "last").out)
    assert.matches("nothing to try again", ork("retry", "last").err, 1, true)
  end)

  it("stays a part when it is retried, repeated, or gone on with", function()
    os.remove(dir .. "/fine")
    assert.equal(1, ork("etl.lua", "--to", "clean").code)
    order()
    local r = ork("retry", "last")
    assert.equal(1, r.code)
    assert.equal('clean {"v":7};tidy;', order())
    assert.matches("^failed: etl, 1 failed, 2 success in ", r.out)
    r = ork("retry", "last", "--from", "load")
    assert.equal(2, r.code)
    assert.matches("`load` is not part of this run (--to clean)", r.err, 1, true)
    sh.write(dir .. "/fine", "")
    sh.write(dir .. "/etl.lua", (SCRIPT:gsub("echo load", "echo LOAD"):gsub("echo clean", "echo CLEAN")))
    r = ork("etl.lua", "--resume")
    assert.equal(4, r.code)
    assert.matches("only parts of it have run (the newest: ork retry ", r.err, 1, true)
    r = ork("retry", "last", "--update")
    assert.equal(0, r.code, r.err)
    assert.equal('CLEAN {"v":7};tidy;', order())
    assert.equal("extract=success clean=success load=skipped other=skipped either=skipped tidy=success", statuses())
    r = ork("rerun", "last")
    assert.equal(0, r.code, r.err)
    assert.equal('extract;CLEAN {"v":7};tidy;', order())
    r = ork("rerun", "last", "--from", "clean")
    assert.equal(0, r.code, r.err)
    assert.equal('CLEAN {"v":7};tidy;', order())
    sh.write(dir .. "/etl.lua", (SCRIPT:gsub('"clean", {', '"wash", {')))
    os.remove(dir .. "/fine")
    assert.matches("fixed it:  ork retry %x+ %-%-update", ork("rerun", "last").err)
    r = ork("retry", "last", "--update")
    assert.equal(4, r.code)
    assert.matches("--to: no task `clean`", r.err, 1, true)
  end)

  it("runs a task alone with outputs of an earlier run", function()
    local r = ork("etl.lua", "--only", "clean")
    assert.equal(2, r.code)
    assert.matches("`clean` needs the output of `extract`, and no run of `etl` has it: run it with --to clean first, or give its inputs by --input JSON",
      r.err, 1, true)
    assert.equal("", order())
    assert.equal(0, ork("etl.lua", "--to", "extract").code)
    order()
    r = ork("etl.lua", "--only", "clean")
    assert.equal(0, r.code, r.err)
    assert.matches("outputs of tasks before it are those of run %x+\n", r.err)
    assert.matches("^success: etl, 1 of 6 tasks %(%-%-only clean%) in ", r.out)
    assert.equal('clean {"v":7};', order())
    assert.equal("extract=success clean=success load=skipped other=skipped either=skipped tidy=skipped", statuses())
    r = ork("rerun", "last")
    assert.equal(0, r.code, r.err)
    assert.equal('clean {"v":7};', order())
    r = ork("retry", "last", "--from", "extract")
    assert.equal(2, r.code)
    r = ork("retry", "last", "--from", "clean")
    assert.equal(0, r.code, r.err)
    assert.equal('clean {"v":7};', order())
  end)

  it("runs a task alone with inputs that are given", function()
    local r = ork("etl.lua", "--only", "clean", "--input", '{"v":9}')
    assert.equal(0, r.code, r.err)
    assert.equal('clean {"v":9};', order())
    os.remove(dir .. "/fine")
    assert.equal(1, ork("etl.lua", "--only", "clean", "--input", '{"v":10}').code)
    assert.equal(1, ork("retry", "last").code)
    assert.equal('clean {"v":10};clean {"v":10};', order())
  end)

  it("goes over a list that is given", function()
    sh.write(dir .. "/fan.lua", [[
local ork = require "ork"
local inner = ork.workflow("inner", { params = { x = "int" } })
local add = inner:task("add", { inputs = { x = inner.params.x }, run = function(i) return i.x + 1 end })
inner:returns{ sum = add.output }
local w = ork.workflow("fan")
local list = w:task("list", { command = "false" })
w:task("double", { inputs = { x = ork.each(list.output), by = 2 }, run = function(i) return i.x * i.by end })
w:task("pairs", { inputs = { x = ork.each(ork.product{ a = { 1 }, b = { 2, 3 } }) }, command = { "sh", "-c", "echo ORK_OUTPUT:$0", ork.input.x } })
w:task("four", { task_count = 4, inputs = { k = 1 }, run = function(i) return i.task_index + i.k end })
w:task("below", { workflow = inner, inputs = { x = ork.each({ 1, 2 }) } })
w:task("asked", { inputs = { x = ork.each({ 5 }) }, when = function(i) return i.x == nil end, run = function(i) return i.x end })
return w
]])
    local function output(task, input)
      local r = ork("fan.lua", "--only", task, "--input", input, "--quiet")
      assert.equal(0, r.code, r.err)
      return (ork("output", "last", task).out:gsub("%s+$", ""))
    end
    assert.equal("[30,60]", output("double", '{"x":[10,20],"by":3}'))
    assert.equal("[]", output("double", '{"x":[],"by":3}'))
    assert.equal("[7,8,9]", output("pairs", '{"x":[7,8,9]}'))
    assert.equal('[{"a":1,"b":2},{"a":1,"b":3}]', output("pairs", "{}"))
    assert.equal("[10,11,12,13]", output("four", '{"k":10}'))
    assert.equal('[{"sum":42}]', output("below", '{"x":[41]}'))
    assert.equal("[1,2]", output("asked", '{"x":[1,2]}'))
    local r = ork("fan.lua", "--only", "double", "--input", '{"x":"abc","by":2}')
    assert.equal(1, r.code)
    assert.matches("double failed: ork.each wants a list, and `x` of --input is none", r.err, 1, true)
    r = ork("fan.lua", "--only", "double", "--input", '{"by":2}')
    assert.equal(2, r.code)
    assert.matches("`double` needs the output of `list`", r.err, 1, true)
  end)

  it("does not let what is outside decide", function()
    for _, name in ipairs({ "load", "either", "tidy" }) do
      local r = ork("etl.lua", "--only", name)
      assert.equal(0, r.code, r.err)
      assert.equal(name .. ";", order())
    end
    assert.equal(0, ork("etl.lua", "--to", "tidy").code)
    assert.matches("load", order(), 1, true)
  end)

  it("is another run than the whole", function()
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
    sh.write(dir .. "/etl.lua", (SCRIPT:gsub("echo extract", "test -e go || read x < fifo; echo extract")))
    local p = sh.spawn_ork({ "etl.lua", "--to", "extract" }, { cwd = dir })
    p:wait_line("extract +running")
    p:kill()
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    sh.write(dir .. "/go", "")
    local r = ork("etl.lua")
    assert.equal(0, r.code, r.err)
    assert.matches("1 other unfinished run", r.err, 1, true)
    r = ork("etl.lua", "--to", "extract")
    assert.equal(0, r.code, r.err)
    assert.matches("going on with run", r.err, 1, true)
  end)

  it("refuses what cannot be meant", function()
    for words, text in pairs({
      ["--to claen"] = "--to: no task `claen`; did you mean `clean`?",
      ["--only claen"] = "--only: no task `claen`; did you mean `clean`?",
      ["--to clean --only load"] = "exclude each other", ["--input {}"] = "--input goes with --only",
      ["--only clean --input [1"] = "--input is no JSON", ["--only clean --input 3"] = "--input is a JSON object",
      ["--only clean --key k"] = "exclude each other", ["--to clean --all"] = "exclude each other",
    }) do
      local list = { "etl.lua" }
      for word in words:gmatch("%S+") do list[#list + 1] = word end
      local r = ork(table.unpack(list))
      assert.is_true(r.code == 2 or r.code == 4, words)
      assert.matches(text, r.err, 1, true)
    end
  end)
end)
