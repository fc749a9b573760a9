-- SPDX-License-Identifier: MIT
-- A project whose folder was moved or copied: where its applied workflows work, and who says so.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("p", { schedule = { every = "1h" } })
w:task("a", { command = "pwd" })
return w
]]

describe("the folder of a project", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.run({ "mkdir", dir .. "/old" })
    sh.write(dir .. "/old/p.lua", SCRIPT)
    sh.ork({ "apply", "p.lua" }, { cwd = dir .. "/old", ok = true })
    sh.ork({ "run", "p" }, { cwd = dir .. "/old", ok = true })
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir .. "/new" }) end

  it("is that of the original in a copy, which is told", function()
    sh.run({ "cp", "-a", dir .. "/old", dir .. "/new" })
    local told = ("works in %s/old; this database lies in %s/new, which has p.lua too; to work there: ork apply p.lua, in that folder"):format(dir, dir)
    for _, words in ipairs({ { "run", "p" }, { "rerun", "last" }, { "retry", "last", "--from", "a" }, { "trigger", "p" } }) do
      local r = ork(table.unpack(words))
      assert.equal(0, r.code, r.err)
      assert.truthy(r.err:find(told, 1, true), words[1] .. ": " .. r.err)
      local _, count = r.err:gsub("works in ", "")
      assert.equal(1, count)
    end
    local p = serve.start(dir .. "/new")
    p:wait_line('a copy of a project workflow=p note="works in ')
    p:wait_line("run ended run=%S+ workflow=p status=success") -- that of trigger
    serve.stop(p)
    assert.no.matches("works in", sh.ork({ "run", "p" }, { cwd = dir .. "/old", ok = true }).err)
    assert.equal(("p: same, version 1, now in %s/new\n"):format(dir), ork("apply", "p.lua").out)
    assert.equal("p: same, version 1\n", ork("apply", "p.lua").out)
    assert.no.matches("works in", ork("run", "p").err)
    assert.equal(dir .. "/new\n", ork("logs", "last", "a", "--raw").out)
  end)

  it("that was moved is missed at once, and apply puts it right", function()
    assert(os.rename(dir .. "/old", dir .. "/new"))
    local gone = ("the folder of `p` is gone: %s/old"):format(dir)
    assert.truthy(ork("status").out:find("trouble: " .. gone .. "; moved? ork apply NEW/p.lua, from where it is now\n", 1, true))
    assert.truthy(ork("schedule").out:find(gone .. "; moved?", 1, true))
    local doctor = ork("doctor").out
    assert.matches("warning  scripts  ", doctor)
    assert.truthy(doctor:find(gone, 1, true))
    local p = serve.start(dir .. "/new")
    p:wait_line("the script's folder is gone workflow=p")
    serve.stop(p)
    local r = ork("run", "p")
    assert.equal(1, r.code)
    assert.no.matches("works in", r.err)
    assert.matches("moved%?     the script's folder " .. dir:gsub("%p", "%%%0") .. "/old is gone: ork NEW/p.lua %-%-resume, from where it is now; "
      .. "ork apply NEW/p.lua for the runs to come\n", r.err)
    assert.matches("^p: same, version 1, now in ", ork("apply", "p.lua").out)
    for _, command in ipairs({ "status", "schedule", "doctor" }) do assert.no.matches("is gone", ork(command).out) end
    assert.equal(0, ork("run", "p").code)
  end)
end)
