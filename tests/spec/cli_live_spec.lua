-- SPDX-License-Identifier: MIT
-- The live view's work, on a clock and a terminal of the test.
local core = require "ork.core"
local live = require "ork.cli.live"
local term = require "ork.term"

describe("the live view of a run of 100,000 tasks", function()
  local sys, loop, real = core.sys, core.loop, {}
  local now, written, timer, writable, front

  before_each(function()
    for _, name in ipairs({ "now", "write", "terminal", "writable", "foreground", "unwritten", "messages" }) do real[name] = sys[name] end
    for _, name in ipairs({ "timer", "signal" }) do real[name] = loop[name] end
    now, written, timer, writable, front = 1793498400000, {}, nil, true, true
    function sys.now() return now end
    function sys.write(_, bytes)
      written[#written + 1] = bytes
      return true
    end
    function sys.terminal() return 80, 24 end
    function sys.writable() return writable end
    function sys.foreground() return front end
    function sys.unwritten() return 0 end
    function sys.messages() end
    function loop.timer(ms, f)
      timer = { at = now + ms, f = f }
      local mine = timer
      return { close = function() if timer == mine then timer = nil end end }
    end
    function loop.signal() return { close = function() end } end
    term.quiet = false
  end)
  after_each(function()
    for _, name in ipairs({ "timer", "signal" }) do loop[name] = real[name] end
    for _, name in ipairs({ "now", "write", "terminal", "writable", "foreground", "unwritten", "messages" }) do sys[name] = real[name] end
    term.view = nil
  end)

  --- Lets time pass; the timer fires when it is due.
  local function pass(ms)
    local stop = now + ms
    while timer and timer.at <= stop do
      local due = timer
      now, timer = due.at, nil
      due.f()
    end
    now = stop
  end

  local function new_view(total)
    local view = live.new({})
    view:begin("r", { workflow = "big", tasks_total = total, status = "running", tasks = {} }, { pending = total })
    return view
  end

  --- One task from start to end within 2 ms.
  local function one(view, i, to)
    local name = "t" .. i
    view:tell({ run_id = "r", workflow = "big", task = name, from = "pending", to = "running", attempt = 1 })
    pass(1)
    view:tell({ run_id = "r", workflow = "big", task = name, from = "running", to = to, attempt = 1, took_ms = 1, error = "exit code 1" })
    pass(1)
  end

  it("draws ten times a second, and the block is all there is", function()
    local view = new_view(100000)
    for i = 1, 100000 do one(view, i, "success") end
    local bytes = 0
    for _, frame in ipairs(written) do bytes = bytes + #frame end
    assert.is_true(#written <= 2010, #written)
    assert.is_true(bytes < 2010 * 400)
    assert.is_nil(next(view.shown[1].running))
    assert.equal(100000, view.shown[1].counts.success)
    view:close()
    assert.is_nil(timer)
  end)

  it("tells of failures by the hundred, not by the thousand", function()
    local view = new_view(100000)
    for i = 1, 2000 do
      view:tell({ run_id = "r", workflow = "big", task = "t" .. i, from = "running", to = "failed", attempt = 1, error = "exit code 1" })
    end
    pass(1000)
    local lines = select(2, table.concat(written):gsub("failed   ", ""))
    assert.is_true(lines <= 100, lines)
    assert.matches("… and %d+ more changes", table.concat(written))
    view:close()
  end)

  it("sleeps while nothing runs", function()
    local view = new_view(10)
    pass(1000)
    local frames = #written
    pass(3600000)
    assert.equal(frames, #written)
    assert.is_nil(timer)
    view:tell({ run_id = "r", workflow = "big", task = "t", from = "pending", to = "running", attempt = 1 })
    pass(10000)
    assert.is_true(#written - frames >= 10 and #written - frames <= 13, #written - frames)
    view:close()
  end)

  it("draws nothing in the background or while stopped, and keeps what failed for later", function()
    local view = new_view(100)
    view:tell({ run_id = "r", workflow = "big", task = "t", from = "pending", to = "running", attempt = 1 })
    pass(1000)
    view:suspend()
    local frames = #written
    pass(60000)
    assert.equal(frames, #written)
    view:tell({ run_id = "r", workflow = "big", task = "t", from = "running", to = "failed", attempt = 1, error = "exit code 1" })
    assert.equal(frames, #written)
    view.stopped, view.height, front = false, 0, false -- SIGCONT, by `bg`
    view:wake()
    pass(1000)
    assert.matches("t         .*failed.* exit code 1\n$", written[#written])
    assert.is_nil(written[#written]:find("\27[J", 1, true))
    assert.is_nil(timer)
    view:close()
  end)

  it("holds no more lines for a terminal that takes nothing than anybody would read", function()
    local view = new_view(100000)
    writable = false
    for i = 1, 5000 do
      view:tell({ run_id = "r", workflow = "big", task = "t" .. i, from = "running", to = "failed", attempt = 1, error = "exit code 1" })
    end
    view:above("a message")
    pass(1000)
    assert.equal(0, #written)
    assert.is_true(#view.lines <= 1000)
    writable = true
    pass(1000)
    assert.matches("… and 4950 more changes.*\na message", table.concat(written))
    view:close()
  end)

  it("counts what was found running from its start", function()
    local view = new_view(10)
    view:tell({ run_id = "r", workflow = "big", task = "t", to = "running", attempt = 1, adopted = true, took_ms = 65000 })
    pass(1000)
    assert.matches("t +1m05s", table.concat(written))
    view:close()
  end)

  it("is over when the terminal is gone", function()
    local view = new_view(10)
    view:tell({ run_id = "r", workflow = "big", task = "t", from = "pending", to = "running", attempt = 1 })
    function sys.write() return nil, "Input/output error" end
    pass(10000)
    assert.is_true(view.dead)
    assert.is_nil(timer)
    view:above("nobody reads this")
    view:close()
  end)
end)
