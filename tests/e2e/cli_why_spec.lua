-- SPDX-License-Identifier: MIT
-- `ork why`: what something waits for, by the program that owns the run and by others.
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("gated")
local first = w:task("first", { command = "read x <fifo" })
w:task("later", { command = { "true" }, depends_on = first })
w:finally("tidy", { command = { "true" } })
return w
]]

describe("why", function()
  local dir

  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/gated.lua", SCRIPT)
    sh.run({ "mkfifo", dir .. "/fifo" })
  end)
  after_each(sh.cleanup)

  local function why(...) return sh.ork({ "why", "last", ... }, { cwd = dir }).out end

  it("says that a `finally` waits for all others", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    assert.matches("tidy: comes last (`finally`); waits for the 2 tasks that have not ended", why("tidy"), 1, true)
    p:kill()
    assert.matches("tidy: comes last (`finally`); waits for the 2 tasks that have not ended", why("tidy"), 1, true)
  end)
end)
