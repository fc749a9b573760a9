-- SPDX-License-Identifier: MIT
-- What `ork serve` keeps of history: finished runs beyond `retention` go with their logs, unfinished ones never.
local sh = require "tests.lib.sh"

local function script(retention)
  return ([[
    local ork = require "ork"
    local w = ork.workflow("etl", { retention = %s })
    w:task("a", { command = { "echo", "said" } })
    return w
  ]]):format(retention)
end

describe("retention", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function rows(sql) return sh.sql(dir .. "/.ork/ork.db", sql) end

  --- So many finished runs, the first of them old.
  local function history(retention, n)
    sh.write(dir .. "/etl.lua", script(retention))
    sh.ork({ "apply", "etl.lua" }, { cwd = dir, ok = true })
    for _ = 1, n do sh.ork({ "run", "etl", "--new" }, { cwd = dir, ok = true }) end
    rows [[UPDATE runs SET finished_at = '2020-01-01T00:00:00.000Z' WHERE id = (SELECT id FROM runs ORDER BY created_at LIMIT 1)]]
  end

  --- Until the server has looked at history once.
  local function serve(pattern)
    local p = sh.spawn_ork({ "serve" }, { cwd = dir, env = { ORK_RETENTION_MS = "1" } })
    p:wait_line(pattern)
    p:signal("sigterm")
    assert.equal(0, p:wait().code)
  end

  it("keeps so many days", function()
    history("{ days = 30 }", 3)
    local logs = #sh.spawn({ "find", dir .. "/.ork/logs", "-name", "*.log" }):wait().out
    serve "old runs removed workflow=etl runs=1 tasks=1"
    assert.equal(2, #rows "SELECT 1 FROM runs")
    assert.is_true(#sh.spawn({ "find", dir .. "/.ork/logs", "-name", "*.log" }):wait().out < logs)
  end)

  it("keeps so many runs", function()
    history("{ runs = 2 }", 5)
    serve "old runs removed workflow=etl runs=3"
    assert.equal(2, #rows "SELECT 1 FROM runs")
  end)

  it("keeps logs of so many bytes", function()
    history("{ bytes = 10 }", 4) -- "said\n": two runs of five bytes
    serve "old runs removed workflow=etl runs=2"
    assert.equal(2, #rows "SELECT 1 FROM runs")
  end)

  it("is generous where nothing is said, and can be switched off", function()
    history("nil", 2)
    serve "old runs removed workflow=etl runs=1" -- older than a year
    history("false", 1)
    rows [[UPDATE runs SET finished_at = '2020-01-01T00:00:00.000Z']]
    local p = sh.spawn_ork({ "serve", "--verbose" }, { cwd = dir, env = { ORK_RETENTION_MS = "1" } })
    p:wait_line("history looked at removed=0")
    p:signal("sigterm")
    p:wait()
    assert.equal(2, #rows "SELECT 1 FROM runs")
  end)
end)
