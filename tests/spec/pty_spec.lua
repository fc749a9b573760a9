-- SPDX-License-Identifier: MIT
-- The pseudo-terminal that other specs stand on.
local pty = require "tests.lib.pty"
local screen = require "tests.lib.screen"
local sh = require "tests.lib.sh"

local function shown(cols, rows, bytes)
  local s = screen.new(cols, rows)
  s:feed(bytes)
  return s:shown()
end

describe("the screen of a terminal", function()
  it("wraps, scrolls and remembers", function()
    local s = screen.new(5, 2)
    s:feed("abcdefg\r\nx\r\ny")
    assert.same({ "x", "y" }, s:shown())
    assert.same({ "abcde", "fg", "x", "y" }, s:all())
  end)

  it("fills the last column without wrapping before there is more", function()
    assert.same({ "abcde", "f" }, shown(5, 3, "abcde\r\nf"))
  end)

  it("moves, erases and overwrites", function()
    assert.same({ "a", "new" }, shown(20, 5, "a\r\nb\r\nc\r\n\27[2A\r\27[Jnew\r\n"))
    assert.same({ "axc" }, shown(20, 5, "abc\b\bx"))
    assert.same({ "ab" }, shown(20, 5, "abcd\27[3G\27[K"))
    assert.same({ "abcd" }, shown(20, 5, "acd\r\27[C\27[1@b"))
  end)

  it("knows wide characters, marks and sequences in pieces", function()
    local s = screen.new(5, 3)
    for byte in ("\27[31m日本語e\204\129"):gmatch(".") do s:feed(byte) end
    assert.same({ "日本", "語e\204\129" }, s:shown())
  end)

  it("refuses what it does not know", function()
    assert.has_error(function() shown(5, 3, "\27[5y") end)
    assert.has_error(function() shown(5, 3, "\1") end)
  end)

  it("wraps long lines again in a narrower window", function()
    local s = screen.new(10, 4)
    s:feed("abcdefgh\r\nx\r\n")
    s:resize(5, 4)
    assert.same({ "abcde", "fgh", "x" }, s:shown())
    assert.equal(4, s.row)
  end)
end)

describe("a program on a pseudo-terminal", function()
  after_each(sh.cleanup)

  it("has a terminal of the given size, and says how it ended", function()
    local t = pty.open{ "sh", "-c", "stty size; tty; exit 3", cols = 33, rows = 7 }
    t:expect("7 33")
    t:expect("/dev/pts/%d+")
    assert.same({ 3, 0 }, { t:wait() })
    assert.equal("7 33", t:screen()[1])
  end)

  it("reads what is typed, sees signals and a new size", function()
    local t = pty.open{ "bash", "-c",
      "trap 'stty size' WINCH; trap 'echo stopped; exit 5' INT; read -r x; echo got $x; while :; do sleep 1000 & wait $!; done" }
    t:send("hello\r")
    t:expect("got hello")
    t:resize(40, 10)
    t:expect("10 40")
    t:send("\3")
    t:expect("stopped")
    assert.equal(5, (t:wait()))
  end)

  it("notices that its terminal vanishes", function()
    local dir = sh.tempdir()
    local t = pty.open{ "sh", "-c", "trap 'echo gone >hup; exit 0' HUP; echo ready; sleep 1000 & wait $!", cwd = dir }
    t:expect("ready")
    t:hangup()
    assert.equal(0, (t:wait()))
    assert.equal("gone\n", sh.read(dir .. "/hup"))
  end)

  it("raises with what was seen when something does not come", function()
    local t = pty.open{ "sh", "-c", "echo one; read x" }
    local ok, why = pcall(t.expect, t, "two", 0.3)
    assert.is_false(ok)
    assert.matches("nothing written matches two.*one", why)
    t:send("\r")
    local _, over = pcall(t.expect, t, "two")
    assert.matches("the output is over", over)
  end)

  it("ends all of its session at the end of the test", function()
    local t = pty.open{ "bash", "-ic", "set -m; sleep 1000 & echo pid $!; wait" }
    local pid = tonumber(t:expect("pid %d+"):match("%d+"))
    assert.is_true(sh.alive(pid))
    sh.cleanup()
    sh.wait_gone(pid)
    sh.wait_gone(t.pid)
  end)
end)
