-- SPDX-License-Identifier: MIT
-- 100,000 tasks: nothing of a task stays in Lua, and little in C.
local core = require "ork.core"
local ork = require "ork"

local N = 100000

local function resident_kb()
  for line in io.lines("/proc/self/status") do
    local kb = line:match("^VmRSS:%s+(%d+)")
    if kb then return tonumber(kb) end
  end
end

describe("a definition of 100,000 tasks", function()
  it("keeps no Lua memory and at most 200 bytes a task", function()
    local w = ork.workflow("big")
    w:task("first", { command = { "/bin/true" } })
    collectgarbage()
    collectgarbage()
    local lua_kb, kb = collectgarbage("count"), resident_kb()
    local previous
    for i = 1, N do previous = w:task("task_" .. i, { command = { "/bin/true" }, depends_on = previous }) end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage("count") - lua_kb < 100, "kept in Lua: " .. collectgarbage("count") - lua_kb .. " KB")
    if not os.getenv("ORK_TEST_ASAN") and not os.getenv("ORK_TEST_VALGRIND") then
      assert.is_true((resident_kb() - kb) * 1024 / N < 200, "bytes a task: " .. (resident_kb() - kb) * 1024 / N)
    end
    assert.same({}, core.seal(w))
    assert.equal(N + 1, core.task_count(w))
    assert.equal("task_100000", (core.task_name(w, N + 1)))
  end)

  it("with handles kept costs a handle each", function()
    local w = ork.workflow("handles")
    collectgarbage()
    local lua_kb = collectgarbage("count")
    local handles = {}
    for i = 1, 20000 do handles[i] = w:task("t" .. i, { command = "x", output_type = { rows = "int" } }) end
    collectgarbage()
    assert.is_true((collectgarbage("count") - lua_kb) * 1024 / 20000 < 100)
    assert.equal("<ork reference t777.output.rows>", tostring(handles[777].output.rows))
  end)

  it("with a thousand mistakes shows them and counts the rest", function()
    local w = ork.workflow("bad")
    for i = 1, 1500 do w:task("t" .. i, {}) end
    local list = core.problems(w)
    assert.equal(1001, #list)
    assert.equal("500 more mistakes in workflow `bad`", list[1001].text)
  end)
end)
