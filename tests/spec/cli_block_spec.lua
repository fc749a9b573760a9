-- SPDX-License-Identifier: MIT
-- What the live view shows, for every size of terminal.
local block = require "ork.cli.block"
local text = require "ork.cli.text"

local NOW = 1793498400000

--- A run with so many running tasks, named by `name(i)`.
local function run(n, name, more)
  local r = { workflow = "etl", status = "running", since = NOW - 65000, counts = { success = 3, running = n, pending = 7 },
    total = 10 + n, running = {}, retrying = {}, retries = 0 }
  for i = 1, n do r.running[name and name(i) or "task_" .. i] = { since = NOW - 1000 * i, attempt = 1 } end
  for key, value in pairs(more or {}) do r[key] = value end
  return r
end

local function lines(runs, cols, rows) return block.lines(runs, NOW, cols or 80, rows or 24) end

describe("the live block", function()
  it("says times so that they read well", function()
    for ms, shown in pairs({ [-5] = "0s", [999] = "0s", [59999] = "59s", [64000] = "1m04s", [7380000] = "2h03m", [273600000] = "3d04h" }) do
      assert.equal(shown, block.elapsed(ms))
    end
  end)

  it("shows the oldest task first, and a later attempt", function()
    local shown = lines({ run(2, nil, { running = { young = { since = NOW - 1000, attempt = 1 }, old = { since = NOW - 61000, attempt = 3 } } }) })
    assert.equal("  old     1m01s  attempt 3", shown[1])
    assert.equal("  young      1s", shown[2])
    assert.matches("^etl  .+  3/12  2 running, 7 waiting  1m05s$", shown[3])
  end)

  it("shows how many items of a task are over, unless it stands for several", function()
    local clean = { since = NOW - 2000, attempt = 1, items = 10, done = 3, failed = 1 }
    assert.equal("  clean      2s  3 of 10 items, 1 failed", lines({ run(1, nil, { running = { clean = clean } }) })[1])
    local many = {}
    for i = 1, 100 do many["clean_" .. i] = clean end
    assert.equal("  clean_* (100)      2s", lines({ run(100, nil, { running = many }) })[1])
  end)

  it("shows what will be tried again, and when", function()
    local shown = lines({ run(0, nil, { retrying = { again = NOW + 4200 }, retries = 1, counts = { success = 3, pending = 7, failed = 1 } }) })
    assert.equal("  again      5s  until its next try", shown[1])
    assert.matches("4/10  1 failed, 1 to try again, 6 waiting  1m05s$", shown[2])
  end)

  it("folds by number, then by the last part, then counts the rest", function()
    assert.same({ "  task_* (100)   1m40s" }, { (lines({ run(100) })[1]) })
    local shown = lines({ run(40, function(i) return (i % 2 == 0 and "load-" or "save-") .. string.char(97 + i // 2) end) })
    assert.matches("^  load%-%* %(20%)", shown[1])
    assert.matches("^  save%-%* %(20%)", shown[2])
    shown = lines({ run(40, function(i) return string.char(96 + i % 20 + 1):rep(i) end) })
    assert.equal(13, #shown)
    assert.equal("  … and 29 more", shown[12])
  end)

  it("says that a run is paused or being cancelled", function()
    assert.matches("paused, 7 waiting", lines({ run(0, nil, { status = "paused" }) })[1])
    assert.matches("cancelling, 1 running", lines({ run(1, nil, { ending = true }) })[2])
  end)

  it("has a bar for each of three runs, and counts the others", function()
    local shown = lines({ run(0), run(0), run(0), run(0), run(0) })
    assert.equal(4, #shown)
    assert.equal("… and 2 more runs", shown[4])
  end)

  it("never is wider or higher than the terminal", function()
    local names = function(i) return i % 3 == 0 and ("x"):rep(200) .. i or i % 3 == 1 and "n" .. i or "日本語_" .. i end
    local runs = { run(50, names, { workflow = ("w"):rep(200), total = 100000, counts = { failed = 12345, running = 50, pending = 77777 } }) }
    runs[1].retrying = { [("r"):rep(100)] = NOW + 100000 }
    for _, cols in ipairs({ 1, 7, 9, 10, 20, 21, 39, 40, 41, 80, 200 }) do
      for _, rows in ipairs({ 1, 2, 3, 4, 5, 10, 24, 100 }) do
        local shown = lines(runs, cols, rows)
        assert.is_true(#shown < math.max(rows, 1))
        for _, line in ipairs(shown) do assert.is_true(text.columns(line) < cols, line) end
        if cols > 13 and rows > 2 then assert.matches("12345/100000", shown[#shown]) end
      end
    end
  end)
end)
