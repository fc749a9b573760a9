-- SPDX-License-Identifier: MIT
-- `ork serve` among other programs: what it tells a service manager, how its log looks, and that it needs neither a terminal nor
-- anybody who listens.
local pty = require "tests.lib.pty"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local uv = require "luv"

--- A datagram socket of our own at `path`: luv has none of that kind, Python is on every Debian base system with tests.
local LISTEN = [[
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print("got " + s.recv(4096).decode().replace("\n", " "), flush=True)
]]

describe("ork serve", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    serve.script(dir, "one", { schedule = 'every = "1h"', command = "exit 3" })
  end)
  after_each(sh.cleanup)

  it("tells a service manager that it is ready, reloads and ends", function()
    local path = dir .. "/notify"
    local manager = sh.spawn({ "/usr/bin/python3", "-c", LISTEN, path })
    manager:wait_line("listening")
    local p = serve.start(dir, { "one.lua" }, { env = { NOTIFY_SOCKET = path } })
    p:wait_line("workflow applied")
    manager:wait_line("^got READY=1$")
    p:signal("sighup")
    assert.matches("^got RELOADING=1 MONOTONIC_USEC=%d+$", manager:wait_line("RELOADING"))
    manager:wait_line("^got READY=1$")
    serve.stop(p)
    manager:wait_line("^got STOPPING=1$")
  end)

  it("is ready although a script does not load, or nobody takes its news", function()
    local path = dir .. "/notify"
    local manager = sh.spawn({ "/usr/bin/python3", "-c", LISTEN, path })
    manager:wait_line("listening")
    sh.write(dir .. "/bad.lua", "return")
    local p = serve.start(dir, { "bad.lua" }, { env = { NOTIFY_SOCKET = path } })
    manager:wait_line("^got READY=1$")
    manager:kill()
    p:signal("sighup")
    p:wait_line("script is not applied")
    p:wait_line("script is not applied")
    serve.stop(p)
  end)

  it("logs a line for each event: time, level, event, key=value", function()
    local p = serve.start(dir, { "one.lua" })
    p:wait_line("workflow applied")
    sh.ork({ "trigger", "one" }, { cwd = dir, ok = true })
    p:wait_line("run ended")
    serve.stop(p)
    for line in p.err:gmatch("[^\n]+") do
      if not line:find("^created ") then
        local level, event = line:match("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ (%l+) ork: (.*)$")
        assert(level == "info" or level == "warning" or level == "error", line)
        local rest = event:gsub(' [%l_]+="[^"]*"', ""):gsub(' [%l_]+=[^%s"]+', "") -- every pair
        assert.matches("^[%l ]+$", rest, line)
      end
    end
    assert.matches("warning ork: task failed run=%x+%-%S+ workflow=one task=a attempt=1 kind=exit error=", p.err)
    assert.matches("error ork: run ended run=%x+%-%S+ workflow=one status=failed error=\"", p.err)
    assert(not p.out:find("%S"), p.out)
  end)

  it("begins lines for the journal with their level", function()
    local p = serve.start(dir, { "one.lua" }, { env = { JOURNAL_STREAM = "8:1234" } })
    assert.matches("\n<6>serving database=", p.err)
    p:wait_line("^<6>workflow applied ")
    sh.ork({ "trigger", "one" }, { cwd = dir, ok = true })
    p:wait_line("^<4>task failed ")
    p:wait_line("^<3>run ended ")
    serve.stop(p)
  end)

  it("does not care that nobody reads its log", function()
    local p = sh.spawn({ "/bin/sh", "-c", "exec " .. sh.ork_path() .. " serve one.lua 2>&- >&- <&-" }, { cwd = dir })
    serve.wait_row(dir, "SELECT 1 FROM workflows WHERE name = 'one' AND current_version = 1")
    local id = sh.ork({ "trigger", "one" }, { cwd = dir, ok = true }).out:match("%x+")
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'failed'")
    assert.matches("failed", sh.ork({ "show", id }, { cwd = dir, ok = true }).out)
    serve.stop(p)
    -- a reader that went away
    local pipe = sh.spawn({ "/bin/sh", "-c", "{ " .. sh.ork_path() .. " serve 2>&1; echo $? >code; } | head -n 1" }, { cwd = dir })
    pipe:wait_line("serving")
    sh.ork({ "trigger", "one" }, { cwd = dir, ok = true })
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'failed' LIMIT 1 OFFSET 1")
    local pid = serve.sql(dir, "SELECT backend_pid pid FROM schedulers WHERE role = 'serve' AND state = 'live'")[1].pid
    uv.kill(pid, "sigterm")
    sh.wait_until(dir, function() return sh.exists(dir .. "/code") and sh.read(dir .. "/code") == "0\n" end)
  end)

  it("reads nothing and holds no terminal", function()
    local t = pty.open({ "/bin/sh", cwd = dir })
    t:send("PS1='> '; " .. sh.ork_path() .. " serve one.lua & echo pid $!\n")
    t:expect("workflow applied")
    t:send("echo still $((40 + 2))\n") -- the shell reads, not it
    t:expect("still 42")
    t:send("kill %1; wait %1; echo code $?\n")
    t:expect("code 0")
    t:send("exit\n")
    t:wait()
  end)

  it("goes on when Ctrl-C is for another, and ends on its own", function()
    local t = pty.open({ sh.ork_path(), "serve", "one.lua", cwd = dir })
    t:expect("workflow applied")
    t:send("\3")
    t:expect("ended")
    assert.equal(0, t:wait())
  end)
end)
