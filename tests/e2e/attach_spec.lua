-- SPDX-License-Identifier: MIT
-- Programs that run Ork on luv's loop, or on one of their own: what they did with Ork before must not keep that loop busy.
local sh = require "tests.lib.sh"
local host = require "tests.lib.app"

describe("a loop that Ork was attached to", function()
  after_each(sh.cleanup)

  local function run(code)
    return host.run('local luv = require "luv"\nork.attach(luv)\nlocal w = ork.workflow("w")\n' ..
      'w:task("a", { command = "true" })\n' .. code)
  end

  local TICK = [[
    local t = luv.new_timer()
    t:start(30, 0, function() print("tick", luv.getrusage().utime.sec) t:close() end)
    luv.run()
    print("over")
  ]]

  for what, before in pairs({
    ["nothing"] = "",
    ["a database was opened"] = "local db = assert(ork.open('x.db'))",
    ["runs were listed"] = "for r in ork.runs() do print(r) end",
    ["a run was looked for"] = "print(ork.find('last') == nil) io.stdout:setvbuf('no')",
    ["a start was refused"] = "assert(not ork.start(w, { nonsense = 1 }))",
    ["a run was waited for"] = "assert(w:run())",
    ["a run was waited for with a limit"] = "local r = assert(w:start()) r:wait('1ms') r:wait()",
    ["a database was closed"] = "local db = assert(ork.open('x.db')) assert(db:run(w)) db:close()",
  }) do
    it("has its turn, and ends, after " .. what, function()
      local r = run(before .. "\n" .. TICK)
      assert.matches("tick\t0\nover\n$", r.out, nil, r.err)
      assert.equal("", r.err)
    end)
  end

  it("is asked for no turn when nothing is due", function()
    local r = host.run([[
      assert(ork.open("x.db"))
      local turns = 0
      while ork.timeout() == 0 and turns < 100 do
        ork.step()
        turns = turns + 1
      end
      print(ork.timeout(), turns < 10)
    ]])
    assert.same({ "nil\ttrue\n", "" }, { r.out, r.err })
  end)
end)
