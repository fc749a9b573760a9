-- SPDX-License-Identifier: MIT
-- Scripts of `ork serve`: applied at its start, on SIGHUP and when files change; what does not load changes nothing and stops
-- nobody.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local function version(dir, name)
  local row = serve.sql(dir, ("SELECT current_version v FROM workflows WHERE name = '%s'"):format(name))[1]
  return row and row.v
end

local function trouble(dir)
  return sh.json(sh.ork({ "status", "--json" }, { cwd = dir, ok = true }).out).trouble
end

describe("the scripts of ork serve", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    serve.script(dir, "one", { schedule = 'every = "1h"' })
  end)
  after_each(sh.cleanup)

  it("are applied at its start, and on SIGHUP what changed", function()
    serve.script(dir, "two", { schedule = 'cron = "0 2 * * *", timezone = "UTC"' })
    local p = serve.start(dir, { "one.lua", "two.lua" })
    p:wait_line("workflow applied workflow=one version=1 script=one.lua next=20")
    p:wait_line("workflow applied workflow=two version=1 script=two.lua next=20%S+T02:00:00")
    serve.script(dir, "two", { schedule = 'cron = "0 3 * * *", timezone = "UTC"' })
    p:signal("sighup")
    p:wait_line("reloading")
    p:wait_line("workflow applied workflow=two version=2 was=1 script=two.lua next=20%S+T03:00:00")
    assert.equal(1, version(dir, "one"))
    serve.stop(p)
    assert.matches("^20%d%d%-%d%d%-%d%dT03:00:00", serve.schedule(dir, "two").next_scheduled_at)
  end)

  it("that define a workflow no more keep it on, and say so", function()
    sh.write(dir .. "/both.lua", [[
      local ork = require "ork"
      local list = {}
      for name in ("kept gone"):gmatch("%a+") do
        list[#list + 1] = ork.workflow(name, { schedule = { every = "1h" } })
        list[#list]:task("a", { command = "true" })
      end
      return table.unpack(list)]])
    local p = serve.start(dir, { "both.lua" })
    p:wait_line("workflow applied workflow=gone")
    sh.write(dir .. "/both.lua", (sh.read(dir .. "/both.lua"):gsub("kept gone", "kept")))
    p:signal("sighup")
    p:wait_line('workflow is not defined there any more workflow=gone script=both.lua hint="ork apply %-%-prune both.lua takes it out"')
    local status = sh.ork({ "status" }, { cwd = dir, ok = true }).out
    assert.matches("trouble: " .. dir:gsub("%p", "%%%0") .. "/both.lua: applied from there before, not defined there any more: gone; ork apply %-%-prune takes", status)
    assert.matches("any more: gone", trouble(dir)[1].script_error)
    serve.stop(p)
  end)

  it("that are not there are said to be so, while the others serve, and are applied when they come", function()
    sh.run({ "mkdir", dir .. "/folder" })
    local p = serve.start(dir, { "one.lua", "late.lua", "folder", "gone/x.lua", "--watch" })
    p:wait_line("workflow applied workflow=one version=1 script=one.lua")
    p:wait_line('script is not applied script=late.lua error="there is no such file"$')
    p:wait_line('script is not applied script=folder error="it is a folder"$')
    p:wait_line('script is not applied script=gone/x.lua error="there is no such file"$')
    sh.wait_until(dir .. "/.ork", function() return #trouble(dir) == 3 end)
    local names = {}
    for i, each in ipairs(trouble(dir)) do names[i] = each.script_path:gsub("^.*/(ork%-test[^/]*)/", "") .. ": " .. each.script_error end
    assert.same({ "late.lua: there is no such file", "folder: it is a folder", "gone/x.lua: there is no such file" }, names)
    serve.script(dir, "late", { schedule = 'every = "1h"' })
    p:wait_line("workflow applied workflow=late version=1 script=late.lua")
    sh.wait_until(dir .. "/.ork", function() return #trouble(dir) == 2 end)
    os.remove(dir .. "/late.lua")
    p:signal("sighup")
    p:wait_line('script is not applied script=late.lua error="there is no such file"$')
    assert.equal(1, version(dir, "late"))
    serve.stop(p)
    local r = sh.ork({ "serve", "nofile.lua", "no/other.lua" }, { cwd = dir })
    assert.same({ 2, "ork: no script `nofile.lua`\n" }, { r.code, r.err })
  end)

  it("are applied when they, or modules beside them, change, with --watch", function()
    sh.run({ "mkdir", dir .. "/lib" })
    sh.write(dir .. "/lib/words.lua", 'return { word = "first" }')
    sh.write(dir .. "/main.lua", [[
      local w = require("ork").workflow("main", { schedule = { every = "1h" } })
      w:task("a", { command = { "echo", require("lib.words").word } })
      return w]])
    local p = serve.start(dir, { "main.lua", "one.lua", "--watch" })
    p:wait_line("workflow applied workflow=one")
    sh.write(dir .. "/lib/words.lua", 'return { word = "second" }')
    p:wait_line("workflow applied workflow=main version=2 was=1")
    serve.script(dir, "one", { schedule = 'every = "2h"' })
    p:wait_line("workflow applied workflow=one version=2 was=1")
    sh.write(dir .. "/new.tmp", (sh.read(dir .. "/main.lua"):gsub("1h", "3h", 1))) -- as editors do: another file in its place
    assert(os.rename(dir .. "/new.tmp", dir .. "/main.lua"))
    p:wait_line("workflow applied workflow=main version=3 was=2")
    serve.stop(p)
  end)

  it("that do not load leave what was, show in ork status, and are gone from there when mended", function()
    local p = serve.start(dir, { "one.lua", "--watch" })
    p:wait_line("workflow applied workflow=one version=1")
    sh.write(dir .. "/one.lua", "local w = nonsense(")
    p:wait_line("script is not applied script=one.lua error=\"one.lua:1: ")
    local found = sh.wait_until(dir, function() local list = trouble(dir) return #list > 0 and list end)
    assert.equal("one", found[1].workflow)
    assert.matches("one.lua:1: ", found[1].script_error)
    assert.equal(1, version(dir, "one"))
    local told = sh.ork({ "status" }, { cwd = dir, ok = true }).out
    assert.matches("trouble: .*/one.lua cannot be loaded again; workflow one stays as it was: one.lua:1: ", told)
    assert.matches("one +every 1h +trouble", sh.ork({ "schedule" }, { cwd = dir, ok = true }).out)
    serve.script(dir, "one", { schedule = 'every = "1h"' })
    sh.wait_until(dir, function() return #trouble(dir) == 0 end)
    assert.is_nil(sh.ork({ "status" }, { cwd = dir, ok = true }).out:find("trouble", 1, true))
    serve.stop(p)
  end)

  it("that do not load leave a line that programs can read back", function()
    sh.write(dir .. "/one.lua", 'local w = require "ork".workflow("w", {})\nw:task("a\tb\27", { command = "x=\\"y\\"" })\nreturn w')
    local p = serve.start(dir, { "one.lua" })
    local line = p:wait_line("script is not applied")
    local told = sh.json("[" .. line:match('error=(".*")$') .. "]")[1]
    assert.matches('^one.lua:2: the name of task `a.b', told)
    serve.stop(p)
  end)

  it("that are wrong from the start are noticed when they are mended", function()
    sh.write(dir .. "/bad.lua", "return")
    local p = serve.start(dir, { "bad.lua", "one.lua", "--watch" })
    p:wait_line("script is not applied script=bad.lua")
    p:wait_line("workflow applied workflow=one")
    local found = sh.wait_until(dir, function() local list = trouble(dir) return #list > 0 and list end) -- no workflow of it is known
    assert.same({ 1, dir .. "/bad.lua" }, { #found, found[1].script_path })
    assert.equal(require("cjson").null, found[1].workflow)
    assert.matches("^bad.lua:1: the script returns nothing", found[1].script_error)
    assert.matches("trouble: .*/bad.lua cannot be loaded, and nothing of it is applied: bad.lua:1: the script returns",
      sh.ork({ "status" }, { cwd = dir, ok = true }).out)
    serve.script(dir, "bad", { schedule = 'every = "1h"' })
    p:wait_line("workflow applied workflow=bad version=1")
    sh.wait_until(dir, function() return #trouble(dir) == 0 end)
    sh.write(dir .. "/bad.lua", "return nothing(")
    sh.wait_until(dir, function() return #trouble(dir) > 0 end)
    serve.stop(p)
    assert(not sh.exists(dir .. "/.ork/serve-trouble.json"))
  end)

  it("that are wrong are told as long as their server lives, whoever serves beside it", function()
    sh.write(dir .. "/bad.lua", "return")
    local p = serve.start(dir, { "bad.lua" })
    p:wait_line("script is not applied script=bad.lua")
    sh.wait_until(dir, function() return #trouble(dir) == 1 end)
    local other = serve.start(dir, {})
    serve.stop(other)
    assert.equal(1, #trouble(dir))
    p:signal("sigkill")
    p:wait()
    assert.same({}, trouble(dir))
  end)

  it("that loop for ever while they load are given up, and runs start meanwhile", function()
    serve.script(dir, "one", { schedule = 'every = "1s"' })
    sh.ork({ "apply", "one.lua" }, { cwd = dir, ok = true })
    sh.write(dir .. "/loop.lua", "while true do end")
    local p = serve.start(dir, { "loop.lua" }, { env = { ORK_LOAD_TIMEOUT = "3s" } })
    p:wait_line("schedule fired workflow=one")
    p:wait_line("script is not applied script=loop.lua error=\"it did not come to an end of loading within 3s")
    p:wait_line("schedule fired workflow=one")
    serve.stop(p)
  end)

  it("that loop do not keep it from ending", function()
    sh.write(dir .. "/loop.lua", 'io.open("began", "w"):close() while true do end')
    local p = serve.start(dir, { "loop.lua" })
    sh.wait_file(dir .. "/began")
    serve.stop(p)
    sh.wait_until(dir, function() return #sh.processes("loop.lua") == 0 end)
  end)

  it("are not undone by an operator's switch, nor the switch by them", function()
    local p = serve.start(dir, { "one.lua" })
    p:wait_line("workflow applied workflow=one")
    sh.ork({ "schedule", "one", "off" }, { cwd = dir, ok = true })
    serve.script(dir, "one", { schedule = 'every = "3h"' })
    p:signal("sighup")
    p:wait_line("workflow applied workflow=one version=2")
    assert.is_false(serve.schedule(dir, "one").enabled)
    serve.stop(p)
  end)
end)
