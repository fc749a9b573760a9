-- SPDX-License-Identifier: MIT
-- `ork backfill`: a run for each past time of a schedule, a few at once, each once, however often it is begun.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

describe("ork backfill", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", [[
      local ork = require "ork"
      local w = ork.workflow("etl", {
        params = { day = "date", table = { type = "str", default = "all" }, code = { type = "int", default = 0 } },
        schedule = { cron = "0 2 * * *", timezone = "Europe/Berlin", params = { day = ork.date("-1d"), table = "scheduled" } },
      })
      w:task("load", { command = { "sh", "-c",
        "echo S $0 $1 >>ran; until test -e go || test -e go-$0; do sleep 0.05; done; echo E $0 >>ran; exit $2",
        w.params.day, w.params.table, w.params.code } })
      return w]])
    sh.ork({ "apply", "etl.lua" }, { cwd = dir, ok = true })
  end)
  after_each(sh.cleanup)

  local function words(line)
    local list = {}
    for word in line:gmatch("%S+") do list[#list + 1] = word end
    return list
  end
  local function ork(line, env) return sh.ork(words(line), { cwd = dir, env = env or { TZ = "UTC" } }) end
  local function go() sh.write(dir .. "/go", "") end
  local function lines()
    local list = {}
    for line in (sh.exists(dir .. "/ran") and sh.read(dir .. "/ran") or ""):gmatch("[^\n]+") do list[#list + 1] = line end
    return list
  end
  local function runs() return serve.sql(dir, "SELECT status, scheduled_for, logical_at, triggered_by FROM runs ORDER BY scheduled_for") end

  it("has a scheduled time in its runs, which is null in a run started by hand", function()
    sh.write(dir .. "/go", "")
    sh.write(dir .. "/etl.lua", [[
      local ork = require "ork"
      local w = ork.workflow("etl", { schedule = { cron = "0 2 * * *" } })
      w:task("text", { command = { "touch", ork.this.scheduled_for } })
      w:task("item", { command = { "touch", ork.this.item } })
      w:task("input", { run = function(input, ctx) return { input.at or "none", ctx.scheduled_for or "none" } end,
        inputs = { at = ork.this.scheduled_for } })
      w:task("by_hand", { command = { "touch", "by_hand" }, when = { ork.this.scheduled_for, "==", ork.null } })
      w:task("due", { command = { "touch", "due" }, when = ork.this.scheduled_for })
      w:task("always", { command = { "touch", ork.this.logical_time } })
      return w]])
    local r = ork("etl.lua --at 2026-03-01T05:00:00Z")
    assert.equal(1, r.code)
    assert.matches("text failed: command, word 2: this.scheduled_for has no value: no schedule started this run; "
      .. "the time that every run has is this.logical_time\n", r.err, 1, true)
    assert.matches("item failed: command, word 2: this.item has no value: the task has no items\n", r.err, 1, true)
    assert.matches("due +skipped", r.err)
    assert.equal('["none","none"]\n', ork("output last input").out)
    assert.is_true(sh.exists(dir .. "/by_hand") and sh.exists(dir .. "/2026-03-01T05:00:00.000Z") and not sh.exists(dir .. "/due"))
    assert.equal(0, sh.ork({ "apply", "etl.lua" }, { cwd = dir }).code)
    ork("backfill etl --from 2026-02-01 --to 2026-02-01")
    assert.equal('["2026-02-01T02:00:00.000Z","2026-02-01T02:00:00.000Z"]\n', ork("output last input").out)
    assert.is_true(sh.exists(dir .. "/due") and sh.exists(dir .. "/2026-02-01T02:00:00.000Z"))
  end)

  it("lists the times with --dry-run, in the schedule's zone, and starts nothing", function()
    local r = ork("backfill etl --from 2026-10-24 --to 2026-10-26 --dry-run")
    assert.equal(0, r.code, r.err)
    assert.equal("2026-10-24 02:00 CEST\n2026-10-25 02:00 CEST   the first of two such times\n2026-10-26 02:00 CET   clocks go back by 1h\n", r.out)
    local list = sh.json(ork("backfill etl --from 2026-10-24 --to 2026-10-26 --dry-run --json").out)
    assert.same({ { scheduled_for = "2026-10-24T00:00:00.000Z" }, { scheduled_for = "2026-10-25T00:00:00.000Z" },
      { scheduled_for = "2026-10-26T01:00:00.000Z" } }, list)
    assert.same({}, runs())
  end)

  it("starts a run for each time, with the params of the schedule and those that are typed over them", function()
    go()
    local r = ork("backfill etl --from 2026-10-24 --to 2026-10-26 table=mine")
    assert.equal(0, r.code, r.err)
    assert.matches("1 of 3  2026%-10%-24 02:00 CEST  success    %x+  ", r.err)
    assert.matches("3 of 3  2026%-10%-26 02:00 CET  success ", r.err)
    assert.equal("backfill of etl: 3 success\n", r.out)
    assert.same({ "S 2026-10-23 mine", "E 2026-10-23", "S 2026-10-24 mine", "E 2026-10-24", "S 2026-10-25 mine", "E 2026-10-25" }, lines())
    for _, run in ipairs(runs()) do
      assert.same({ "success", run.logical_at, "backfill" }, { run.status, run.scheduled_for, run.triggered_by })
    end
  end)

  it("leaves times alone that have a run, and goes on with what is new", function()
    go()
    ork("backfill etl --from 2026-10-01 --to 2026-10-02")
    local r = ork("backfill etl --from 2026-10-01 --to 2026-10-04")
    assert.equal("backfill of etl: 2 had run, 2 success\n", r.out)
    assert.equal(4, #runs())
    local dry = ork("backfill etl --from 2026-10-04 --to 2026-10-05 --dry-run").out
    assert.matches("^2026%-10%-04 02:00 CEST  has run %x+ %(success%)\n2026%-10%-05 02:00 CEST\n$", dry)
  end)

  it("runs no more than --max-parallel at once", function()
    local b = sh.spawn_ork(words("backfill etl --from 2026-10-01 --to 2026-10-05 --max-parallel 2"), { cwd = dir })
    for i = 1, 5 do
      sh.wait_until(dir, function() return #lines() >= math.min(5, i + 1) + (i - 1) end)
      local open, n = {}, 0
      for _, line in ipairs(lines()) do
        local what, day = line:match("^(%u) (%S+)")
        if what == "S" then open[day], n = true, n + 1 else open[day], n = nil, n - 1 end
        assert(n <= 2, table.concat(lines(), "\n"))
      end
      sh.write(dir .. "/go-" .. next(open), "")
      sh.wait_until(dir, function()
        local done = 0
        for _, line in ipairs(lines()) do if line:find("^E") then done = done + 1 end end
        return done >= i
      end)
    end
    assert.equal(0, b:wait().code)
    assert.equal(10, #lines())
  end)

  it("goes on where it was killed", function()
    local b = sh.spawn_ork(words("backfill etl --from 2026-10-01 --to 2026-10-03"), { cwd = dir })
    sh.wait_until(dir, function() return #lines() == 1 end)
    b:kill()
    go()
    local r = ork("backfill etl --from 2026-10-01 --to 2026-10-03")
    assert.equal(0, r.code, r.err)
    assert.equal("backfill of etl: 3 success\n", r.out)
    assert.equal(6, #lines()) -- each ran once
  end)

  it("says which failed, and goes on with the others; with --fail-fast it stops", function()
    go()
    local r = ork("backfill etl --from 2026-10-01 --to 2026-10-03 code=3")
    assert.equal(1, r.code)
    assert.matches("load failed: exit code 3", r.err, 1, true)
    assert.is_nil(r.err:find("load failed.*load failed")) -- in full once
    assert.matches("those that failed again: ork retry %x+ %x+ %x+\n", r.err)
    assert.equal("backfill of etl: 3 failed\n", r.out)
    r = ork("backfill etl --from 2026-11-01 --to 2026-11-03 code=3 --fail-fast")
    assert.equal(1, r.code)
    assert.equal("backfill of etl: 1 failed, 2 not begun\n", r.out)
    r = ork("backfill etl --from 2026-10-01 --to 2026-10-03")
    assert.equal(1, r.code) -- they had run, and failed
    assert.matches("ork retry", r.err .. r.out, 1, true)
  end)

  it("cancels what runs and begins no more on Ctrl-C", function()
    local b = sh.spawn_ork(words("backfill etl --from 2026-10-01 --to 2026-10-09 --max-parallel 2"), { cwd = dir })
    sh.wait_until(dir, function() return #lines() == 2 end)
    b:signal("sigint")
    local r = b:wait()
    assert.equal(130, r.code)
    assert.matches("cancelling; once more kills what is still running", r.err, 1, true)
    assert.equal("backfill of etl: 2 cancelled, 7 not begun\n", r.out)
    assert.same({ "cancelled", "cancelled" }, { runs()[1].status, runs()[2].status })
  end)

  it("takes --every instead of the schedule", function()
    go()
    sh.write(dir .. "/plain.lua", 'local w = require("ork").workflow("plain") w:task("a", { command = "true" }) return w')
    ork("apply plain.lua")
    local r = ork("backfill plain --from 2026-10-01 --to 2026-10-03 --every 1d")
    assert.equal(0, r.code, r.err)
    assert.equal("backfill of plain: 3 success\n", r.out)
    local dry = ork("backfill etl --from 2026-10-24 --to 2026-10-26 --every 1d --dry-run").out
    assert.equal("2026-10-24 00:00 CEST\n2026-10-25 00:00 CEST\n2026-10-26 00:00 CET\n", dry) -- days of the calendar
    dry = ork("backfill etl --from 2026-10-25T00:00 --to 2026-10-25T04:00 --every 1h --dry-run").out
    assert.equal("2026-10-25 00:00 CEST\n2026-10-25 01:00 CEST\n2026-10-25 02:00 CEST\n2026-10-25 02:00 CET\n2026-10-25 03:00 CET\n2026-10-25 04:00 CET\n", dry)
  end)

  it("asks before more than a hundred", function()
    local r = ork("backfill etl --from 2026-01-01 --to 2026-04-30")
    assert.equal(2, r.code)
    assert.matches("start 120 runs of etl", r.err)
    assert.matches("--yes", r.err, 1, true)
    assert.same({}, runs())
    go()
    r = ork("backfill etl --from 2026-01-01 --to 2026-04-12 --yes --max-parallel 8 --quiet")
    assert.same({ 0, 102 }, { r.code, #runs() })
  end)

  it("prints a list as JSON", function()
    go()
    local list = sh.json(ork("backfill etl --from 2026-10-01 --to 2026-10-02 --json").out)
    assert.same({ "2026-10-01T00:00:00.000Z", "success" }, { list[1].scheduled_for, list[1].status })
    assert.equal(2, #list)
    assert.equal(36, #list[1].run)
    list = sh.json(ork("backfill etl --from 2026-10-01 --to 2026-10-02 --json").out)
    assert.equal("success", list[1].status)
    assert.is_true(list[1].had_run)
  end)

  it("works while the database is served", function()
    go()
    local p = serve.start(dir)
    local r = ork("backfill etl --from 2026-10-01 --to 2026-10-02 --max-parallel 2")
    assert.equal("backfill of etl: 2 success\n", r.out)
    serve.stop(p)
  end)

  it("is refused what is wrong, and starts nothing", function()
    for line, text in pairs({
      ["backfill etl --from 2026-10-01"] = "--to is missing",
      ["backfill etl --from 2026-10-32 --to 2026-11-01"] = "--from is a time like 2026-10-01",
      ["backfill etl --from 2026-10-01 --to 2026-02-30"] = "--to is a time like 2026-10-01",
      ["backfill etl --from 2026-10-02 --to 2026-10-01"] = "--to is before --from",
      ["backfill etl --from 2099-10-01 --to 2099-10-02"] = "what is in the future is left to the schedule",
      ["backfill etl --from 2026-10-01 --to 2026-10-02 dya=1"] = "no param `dya`",
      ["backfill etl --from 2026-10-01 --to 2026-10-02 code=x"] = "params.code: wanted",
      ["backfill etl --from 2026-10-01 --to 2026-10-02 --max-parallel 0"] = "whole number from 1",
      ["backfill elt --from 2026-10-01 --to 2026-10-02"] = "did you mean `etl`?",
      ["backfill etl.lua --from 2026-10-01 --to 2026-10-02"] = "ork apply etl.lua",
    }) do
      local r = ork(line)
      assert(r.code == 2 or r.code == 4, line .. ": " .. r.code .. r.err)
      assert.matches(text, r.err, 1, true)
    end
    assert.same({}, runs())
    local dry = ork("backfill etl --from 2026-10-30 --to tomorrow --dry-run")
    assert.equal(2, dry.code)
  end)
end)
