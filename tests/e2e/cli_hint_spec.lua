-- SPDX-License-Identifier: MIT
-- Command lines that Ork proposes lead where the report came from: typed as told, in the same folder, they work.
local sh = require "tests.lib.sh"

local ONE = 'local w = require("ork").workflow("one")\nw:task("t", { command = "exit 3" })\nreturn w\n'
local MANY = [[
local ork = require "ork"
local function make(name)
  local w = ork.workflow(name)
  w:task("t", { command = "exit 3" })
  return w
end
return make("many"), make("more")
]]

describe("a proposed command line", function()
  local dir, elsewhere, db
  before_each(function()
    dir, elsewhere = sh.tempdir(), sh.tempdir()
    db = dir .. "/my runs.db"
    sh.write(dir .. "/one.lua", ONE)
    sh.write(dir .. "/many.lua", MANY)
  end)
  after_each(sh.cleanup)

  --- The line behind a word of a report.
  local function line(err, word)
    return assert(err:match(word .. ":%s+(ork [^\n]-)%s%s%s") or err:match(word .. ":%s+(ork [^\n]+)"), word .. " not in\n" .. err)
  end

  --- What a shell makes of it there.
  local function typed(command, cwd)
    return sh.run({ "sh", "-c", (command:gsub("^ork ", "exec '" .. sh.ork_path() .. "' ")) }, { cwd = cwd })
  end

  it("names the database that was named, quoted for a shell", function()
    local first = sh.ork({ "one.lua", "--db", db }, { cwd = dir })
    assert.equal(1, first.code)
    local retried = sh.ork({ "retry", "last", "--db", db }, { cwd = elsewhere })
    for _, each in ipairs({ { first.err, dir }, { retried.err, elsewhere } }) do
      local err, cwd = table.unpack(each)
      assert.matches(" --db '" .. db .. "'", line(err, "see it"), 1, true)
      local seen = typed(line(err, "see it"), cwd)
      assert.equal(0, seen.code, seen.err)
      for _, word in ipairs({ "try again", "fixed it" }) do
        local again = typed(line(err, word), cwd)
        assert.equal(1, again.code, again.err)
        assert.matches("t failed", again.err, 1, true)
      end
    end
    assert.matches("why: ork show %x+ %-%-db '", sh.ork({ "status", "--db", db }, { cwd = elsewhere }).out)
    local detached = sh.ork({ "one.lua", "--detach", "--new", "--db", db }, { cwd = dir, ok = true })
    assert.equal(1, typed(line(detached.err, "watch it"), dir).code)
  end)

  it("names the database only when it was named", function()
    local r = sh.ork({ "one.lua" }, { cwd = dir })
    assert.falsy(r.err:find("--db", 1, true), r.err)
  end)

  it("names the script from where the user is, and the workflow only where there are several", function()
    sh.ork({ "one.lua" }, { cwd = dir })
    sh.ork({ "many.lua", "many" }, { cwd = dir })
    sh.run({ "mkdir", dir .. "/below" })
    for run, lines in pairs({ one = { "ork one.lua --resume", "ork " .. dir .. "/one.lua --resume" },
      many = { "ork many.lua many --resume", "ork " .. dir .. "/many.lua many --resume" } }) do
      for i, cwd in ipairs({ dir, dir .. "/below" }) do
        for _, command in ipairs({ "watch", "retry" }) do
          assert.equal(lines[i], line(sh.ork({ command, run }, { cwd = cwd }).err, "fixed it"))
        end
        assert.equal(lines[i], line(sh.ork({ "retry", run, "--update" }, { cwd = cwd }).err, "fixed it"))
      end
      assert.equal(1, typed(lines[2], dir .. "/below").code)
    end
  end)
end)
