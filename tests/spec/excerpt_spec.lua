-- SPDX-License-Identifier: MIT
-- The line of a mistake with a mark under its place, as `ork validate` prints it.
local problems = require "ork.problems"
local script = require "tests.lib.script"

local define = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

--- What is printed for a script whose own lines begin with line 3.
local function report(text)
  local loaded = script.load(define .. text)
  return (problems.report(loaded.problems):gsub(loaded.folder:gsub("%p", "%%%0") .. "/", ""))
end

--- What stands above the marks of a script, one for each mistake; "" for a mistake without.
local function marked(text)
  local loaded, list = script.load(define .. text), {}
  local lines = {}
  for line in (define .. text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  for i, p in ipairs(loaded.problems) do
    list[i] = p.column and lines[p.line]:sub(p.column, p.column + p.length - 1) or ""
  end
  return list
end

describe("an excerpt", function()
  after_each(script.cleanup)

  it("stands below its mistake, with a mark under the key", function()
    assert.equal(table.concat({
      'main.lua:3: task `t`: unknown option `comand`; did you mean `command`?',
      '  3 | w:task("t", { comand = "x", command = "y" }) return w',
      '    |               ^^^^^^',
    }, "\n"), report('w:task("t", { comand = "x", command = "y" }) return w'))
  end)

  for _, case in ipairs({
    { 'w:task("t", { command = "x", depends_on = "tt" }) return w', '"tt"' },
    { 'w:task("t", { command = "x", depends_on = { "t", "no" } }) return w', '"no"' },
    { 'w:task("t", { command = "x",\n  retries = { limt = 1 } }) return w', "limt" },
    { 'w:task("t", { command = "x", timeout = "soon" }) return w', "timeout" },
    { 'w:task("t", { command = "x", priority = "high" }) return w', "priority" },
    { 'w:task("t", { command = { "a", print } }) return w', "print" },
    { "local x = undefind\nreturn w", "undefind" },
    { "local x\nx.y = 1\nreturn w", "x" },
    { 'w:task("t", { command = "x"\nreturn w', "return" },
    { "x = = 1", "=" },
    { 'error("no place is in this")', "" },
    { 'w:task("t", {}) return w', "" },
    { 'local v = ork.workflow("v", { schedule = { cron = "25 25 * * *" } }) return v', "25" },
    { "local v = ork.workflow('v', { schedule = { cron = '0 22-2 * * *' } }) return v", "22-2" },
    { 'local v = ork.workflow("v", { schedule = { cron = "0 2 * *" } }) return v', '"' },
  }) do
    it("marks " .. (case[2] == "" and "nothing in" or case[2] .. " of") .. " " .. case[1]:gsub("\n", " "), function()
      assert.equal(case[2], marked(case[1])[1])
    end)
  end

  it("marks the field that is not there, not something else of its name", function()
    local text = 'local o = ork.workflow("o") o:returns{ v = 1 }\nlocal e = w:task("e", { workflow = o })\nw:task("f", { command = e.output.w }) return w'
    assert.matches('  5 | w:task("f", { command = e.output.w }) return w\n    |                                  ^', report(text), 1, true)
  end)

  it("marks the field of a cron text, not another that reads the same", function()
    local text = 'local v = ork.workflow("v", { schedule = { cron = "25 25 * * *" } })\nv:task("t", { command = "x" })\nreturn v'
    assert.matches('\n  3 | local v = ork.workflow("v", { schedule = { cron = "25 25 * * *" } })\n' ..
      '    |                                                       ^^', report(text), 1, true)
  end)

  it("counts columns, not bytes, and shows tabs and control characters harmlessly", function()
    assert.matches('\n  3 | --[[ääお]]  local x = nope\n    |                       ^^^^', report("--[[ääお]]\tlocal x = nope"), 1, true)
    assert.matches("\\e[31m", report('local x = nope -- \27[31m'), 1, true)
    for _, text in ipairs({ "local x = nope --[[\u{202e}]]", ("\t"):rep(300) .. "local x = nope" }) do
      for line in report(text):gmatch("[^\n]+") do assert.truthy(utf8.len(line) < 150, line) end
    end
  end)

  it("cuts a long line around the place", function()
    local text = report(("local a = 1; "):rep(40) .. "local x = nope;" .. (" local b = 2"):rep(40))
    local line, mark = text:match("\n([^\n]*)\n([^\n]*)$")
    local at = utf8.len(line, 1, #line) and mark:find("^", 1, true)
    assert.equal("nope", line:sub(utf8.offset(line, at), utf8.offset(line, at + 4) - 1))
    assert.truthy(utf8.len(line) < 140 and line:find("^  3 | …") and line:find("…$"), line)
  end)

  it("is shown for the first twenty mistakes, the rest is counted", function()
    local lines = {}
    for i = 1, 1000 do lines[i] = ('w:task("t%d", { comand%d = "x", command = "x" })'):format(i, i) end
    local text = report(table.concat(lines, "\n") .. "\nreturn w")
    local _, marks = text:gsub("%^+", "")
    assert.equal(20, marks)
    assert.equal("and 980 more; `ork validate --json` lists them all", text:match("[^\n]*$"))
  end)

  it("is not shown when the file has changed since", function()
    assert.equal("x.lua:9: no", problems.report({ { file = "/nonexistent/x.lua", line = 9, column = 1, length = 1, text = "no" } }):gsub(".*/", ""))
  end)
end)
