-- SPDX-License-Identifier: MIT
-- `ork` as the first process of a container: a namespace of processes, as far as this user may make one.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local uv = require "luv"

local UNSHARE = { "unshare", "--fork", "--pid", "--mount-proc", "--kill-child" }

describe("ork as PID 1", function()
  if sh.run({ "/usr/bin/env", "unshare", "--fork", "--pid", "--mount-proc", "true" }).code ~= 0 then
    pending("cannot be tried: this user may not make a namespace of processes")
    return
  end
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  --- Starts ork in a namespace of its own.
  local function start(...)
    local argv = table.move(UNSHARE, 1, #UNSHARE, 2, { "/usr/bin/env" })
    argv[#argv + 1] = sh.ork_path()
    for _, word in ipairs({ ... }) do argv[#argv + 1] = word end
    return sh.spawn(argv, { cwd = dir })
  end

  --- The same of one that stays; and the pid of its first process, seen from here.
  local function start_serve()
    local p = start("serve", "tick.lua")
    local children = ("/proc/%d/task/%d/children"):format(p.pid, p.pid)
    local first = sh.wait_until("/nonexistent", function() return sh.exists(children) and sh.read(children):match("%d+") end)
    return p, tonumber(first)
  end

  it("ends as the program does", function()
    serve.script(dir, "job", { command = "exit 3" })
    local p = start("job.lua", "-q")
    assert.equal(1, p:wait().code)
  end)

  it("passes signals on", function()
    serve.script(dir, "tick", { schedule = 'every = "1s"' })
    local p, first = start_serve()
    p:wait_line("schedule fired workflow=tick")
    uv.kill(first, "sighup")
    p:wait_line("reloading")
    uv.kill(first, "sigterm")
    p:wait_line("ended")
    assert.equal(0, p:wait().code)
  end)

  it("buries processes that lost their parent", function()
    serve.script(dir, "tick", { schedule = 'every = "1h"' })
    local p, first = start_serve()
    p:wait_line("workflow applied")
    -- a process of the namespace whose parent ends: it becomes the first one's child, and ends
    local r = sh.run({ "nsenter", "-t", tostring(first), "-p", "-m", "sh", "-c", "(sleep 0.1; echo gone >" .. dir .. "/gone) &" })
    if r.code == 0 then
      sh.wait_file(dir .. "/gone")
      sh.wait_until("/nonexistent", function()
        local state = sh.run({ "ps", "--ppid", tostring(first), "-o", "stat=" }).out
        return not state:find("Z")
      end)
    end
    uv.kill(first, "sigterm")
    assert.equal(0, p:wait().code)
  end)
end)
