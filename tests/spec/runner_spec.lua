-- SPDX-License-Identifier: MIT
-- tests/run.lua itself: what its summary says of programs that pass, fail and leave tests out.
local sh = require "tests.lib.sh"

describe("the summary of all tests", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  --- A program of unit tests that prints this.
  local function program(name, text)
    sh.run({ "mkdir", "-p", dir .. "/tests/unit/base", dir .. "/build" })
    sh.write(dir .. "/tests/unit/base/test_" .. name .. ".c", "")
    sh.write(dir .. "/build/base_test_" .. name, "#!/bin/sh\ncat <<'END'\n" .. text .. "END\n", "755")
  end

  it("names what was skipped, and why, before its last line", function()
    program("c", "1..4\nok 1 - fine\nleft out: no cat here\nnot ok 2 # SKIP cats\nok 3 - dog\nnot ok 4 # SKIP birds\n")
    program("lua", "ok 1 - # SKIP /usr/bin/busted:3: there is no fish\nok 2 - # SKIP /usr/bin/busted:3: there is no fish\nok 3 - a\n"
      .. "ok 4 - # SKIP x.lua is not tried: no traces\n1..4\n")
    local r = sh.run({ "lua5.4", os.getenv("ORK_ROOT") .. "/tests/run.lua", dir, dir .. "/build" }, { env = { CI = "1" } })
    assert.equal(0, r.code, r.err)
    assert.equal("3 passed, 0 failed, 5 skipped\n", r.out)
    assert.equal("skipped: tests/unit/base/test_c.c: birds: it does not say why\n"
      .. "skipped: tests/unit/base/test_c.c: cats: no cat here\n"
      .. "skipped: tests/unit/base/test_lua.c: there is no fish (2 tests)\n"
      .. "skipped: tests/unit/base/test_lua.c: x.lua is not tried: no traces\n", r.err)
  end)

  it("says nothing of it when nothing was", function()
    program("c", "1..1\nok 1 - fine\n")
    local r = sh.run({ "lua5.4", os.getenv("ORK_ROOT") .. "/tests/run.lua", dir, dir .. "/build" }, { env = { CI = "1" } })
    assert.same({ "1 passed, 0 failed\n", "" }, { r.out, r.err })
  end)
end)
