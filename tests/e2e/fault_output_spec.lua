-- SPDX-License-Identifier: MIT
-- Tasks that print more than anybody wants to read: it costs disk, not memory.
local sh = require "tests.lib.sh"

--- Kilobytes a process had in memory at most.
local function peak(pid) return tonumber(sh.read(("/proc/%d/status"):format(pid)):match("VmHWM:%s*(%d+) kB")) end

local function agent_of(dir)
  for _, pid in ipairs(sh.processes(dir)) do
    if sh.read(("/proc/%d/comm"):format(pid)) == "ork-agent\n" then return pid end
  end
end

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("chatty", { params = { megabytes = "int" } })
local first = w:task("first", { command = "touch begun; read x <one" })
local big = w:task("big", { depends_on = first, command = { "sh", "-c",
  "yes 'what nobody reads' | head -c $(($1 * 1048576)); echo; echo 'ORK_OUTPUT:{\"n\":7}'", "sh", w.params.megabytes } })
local binary = w:task("binary", { depends_on = big, command = { "sh", "-c",
  "head -c $(($1 * 1048576)) /dev/zero; exit 1", "sh", w.params.megabytes } })
w:task("last", { depends_on = binary, trigger_rule = "all_done", command = "touch done; read x <two" })
return w
]]

describe("output without end", function()
  after_each(sh.cleanup)

  local function run(megabytes)
    local dir = sh.tempdir()
    sh.write(dir .. "/chatty.lua", SCRIPT)
    sh.run({ "mkfifo", "one", "two" }, { cwd = dir })
    local p = sh.spawn_ork({ "chatty.lua", "megabytes=" .. megabytes }, { cwd = dir })
    p:wait_file(dir .. "/begun")
    local agent = assert(agent_of(dir), "no agent")
    local ork_before, agent_before = peak(p.pid), peak(agent)
    sh.run({ "sh", "-c", "echo >one" }, { cwd = dir })
    p:wait_file(dir .. "/done", 600)
    local ork_grew, agent_grew = peak(p.pid) - ork_before, peak(agent) - agent_before
    sh.run({ "sh", "-c", "echo >two" }, { cwd = dir })
    local r = p:wait(60)
    assert.equal(1, r.code, r.out .. r.err)
    assert.is_true(ork_grew < 16 * 1024, "ork grew by " .. ork_grew .. " kB")
    assert.is_true(agent_grew < 4 * 1024, "ork-agent grew by " .. agent_grew .. " kB")
    local rows = sh.sql(dir .. "/.ork/ork.db", [[SELECT t.task_name, t.output, length(CAST(t.logs AS BLOB)) AS tail, a.log_bytes FROM tasks t
      JOIN task_attempts a ON a.task_id = t.id WHERE t.task_name IN ('big', 'binary') ORDER BY t.task_index]])
    assert.equal('{"n":7}', rows[1].output)
    assert.equal(4096, rows[1].tail)
    assert.is_true(rows[1].log_bytes >= megabytes * 1048576)
    assert.is_true(rows[2].tail <= 3 * 65536) -- each zero is shown by three bytes
    local size = sh.sql(dir .. "/.ork/ork.db", "SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size")[1].n
    assert.is_true(size < 2 * 1048576, "the database has " .. size .. " bytes")
    local shown = sh.run({ "sh", "-c", '"$0" logs last big | tail -n 1', sh.ork_path() }, { cwd = dir, timeout = 120 })
    assert.equal('ORK_OUTPUT:{"n":7}\n', shown.out, shown.err)
  end

  it("64 MB with flat memory", function() run(64) end)

  it("1 GB with flat memory", function()
    if not os.getenv("ORK_TEST_LONG") then return pending("long: script/test --long") end
    run(1024)
  end)
end)
