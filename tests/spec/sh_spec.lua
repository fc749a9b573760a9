-- SPDX-License-Identifier: MIT
local sh = require "tests.lib.sh"

describe("tests.lib.sh", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  it("captures both outputs and the exit code", function()
    local r = sh.run({ "sh", "-c", "echo hi; echo no >&2; exit 3" }, { cwd = dir })
    assert.same({ code = 3, signal = 0, out = "hi\n", err = "no\n" }, r)
  end)

  it("waits for lines, each once, and raises with what was written", function()
    local p = sh.spawn({ "sh", "-c", "echo a; echo b; echo b; exec sleep 100" }, { cwd = dir })
    assert.equal("b", p:wait_line("^b"))
    assert.equal("b", p:wait_line("^b"))
    local ok, why = pcall(p.wait_line, p, "^b", 0.05)
    assert.is_false(ok)
    assert.matches("no line matches ^b", why, 1, true)
    assert.matches("a\nb\n", why, 1, true)
    p:signal("sigterm")
    assert.equal(15, p:wait().signal)
  end)

  it("finds and removes what works in a temporary folder", function()
    local p = sh.spawn({ "sleep", "100" }, { cwd = dir })
    assert.same({ p.pid }, sh.processes(dir))
    sh.cleanup()
    assert.is_false(sh.alive(p.pid))
    assert.is_false(sh.exists(dir))
  end)

  it("waits for a file and reads a database", function()
    sh.spawn({ "sh", "-c", "read x; echo $x > f" }, { cwd = dir, stdin = "word\n" })
    sh.wait_until(dir, function() return sh.exists(dir .. "/f") and sh.read(dir .. "/f") == "word\n" end)
    assert.equal(2, sh.sql(dir .. "/x.db", "SELECT 1 + 1 AS n")[1].n)
  end)

  it("hides Ork's variables of the caller", function()
    local r = sh.run({ "env" }, { env = { ORK_DATABASE_URL = "x", HOME = false } })
    assert.matches("ORK_DATABASE_URL=x", r.out, 1, true)
    assert.is_nil(r.out:find("\nHOME="))
  end)
end)
