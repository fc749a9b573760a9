-- SPDX-License-Identifier: MIT
-- What becomes of the times of a schedule: overlap, catchup after downtime, params and logical time, the switch while it is
-- served, tzdata that is replaced. The database of the test is changed as if time had passed.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local tzif = require "tests.lib.tzif"

local HOLD = 'echo "$ORK_RUN_ID" >>ran; until test -e go; do sleep 0.05; done'

describe("a schedule", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(words, env)
    local list = {}
    for word in words:gmatch("%S+") do list[#list + 1] = word end
    return sh.ork(list, { cwd = dir, ok = true, env = env })
  end

  local function count(where) return serve.sql(dir, "SELECT count(*) n FROM runs " .. (where or ""))[1].n end
  local function note(name) return serve.schedule(dir, name).note end

  -- ---- overlap -------------------------------------------------------------------------------

  it("passes a time over while the last run goes on (skip, the default), and says so", function()
    serve.script(dir, "w", { schedule = 'every = "1s"', command = HOLD })
    local p = serve.start(dir, { "w.lua" })
    p:wait_line("schedule's time passed over, its last run goes on workflow=w time=20%S+ run=%x+%-%S+ next=")
    p:wait_line("schedule's time passed over")
    assert.equal(1, count())
    assert.equal("passed", note("w").kind)
    assert.matches("w: passed over 20[%d :-]+ UTC: its last run was still going on", ork("schedule").out)
    sh.write(dir .. "/go", "")
    p:wait_line("run ended ")
    p:wait_line("schedule fired ")
    serve.stop(p)
  end)

  it("waits for its last run (queue), and starts one for each time that came meanwhile", function()
    serve.script(dir, "w", { schedule = 'every = "1s", overlap = "queue"', command = HOLD })
    local p = serve.start(dir, { "w.lua" })
    local first = p:wait_line("schedule fired workflow=w"):match("time=(%S+)")
    local waits = p:wait_line("schedule waits for its last run workflow=w"):match("time=(%S+)")
    assert.equal("waits", ork("schedule").out:match("every 1s +(%l+)"))
    assert.matches("when its last run has ended +w", ork("status").out)
    sh.write(dir .. "/go", "")
    local second = p:wait_line("schedule fired workflow=w"):match("time=(%S+)")
    assert.equal(waits, second)
    assert(first < second)
    p:wait_line("schedule fired workflow=w")
    serve.stop(p)
    local rows = serve.sql(dir, "SELECT CAST(strftime('%s', scheduled_for) AS INTEGER) at, started_at, finished_at FROM runs ORDER BY scheduled_for")
    for i = 2, #rows do
      assert.equal(rows[i - 1].at + 1, rows[i].at)
      if type(rows[i].started_at) == "string" then assert(rows[i].started_at >= rows[i - 1].finished_at) end
    end
  end)

  it("cancels its last run (cancel_running)", function()
    serve.script(dir, "w", { schedule = 'every = "2s", overlap = "cancel_running"', command = HOLD })
    local p = serve.start(dir, { "w.lua" })
    p:wait_line("schedule fired workflow=w")
    p:wait_line("schedule waits for its last run workflow=w time=%S+ run=%S+ cancelled=true")
    p:wait_line("run ended run=%S+ workflow=w status=cancelled")
    p:wait_line("schedule fired workflow=w")
    serve.stop(p)
  end)

  it("lets runs go on beside each other (allow)", function()
    serve.script(dir, "w", { schedule = 'every = "1s", overlap = "allow"', command = HOLD })
    local p = serve.start(dir, { "w.lua" })
    for _ = 1, 3 do p:wait_line("schedule fired workflow=w") end
    serve.wait_row(dir, "SELECT 1 FROM tasks WHERE status = 'running' LIMIT 1 OFFSET 2")
    sh.write(dir .. "/go", "")
    for _ = 1, 3 do p:wait_line("run ended run=%S+ workflow=w status=success") end
    serve.stop(p)
  end)

  -- ---- downtime ------------------------------------------------------------------------------

  --- About an hour, in minutes: so that its last time is minutes ago (and was missed), and its next is not in the middle of the test.
  local function interval()
    for minutes = 60, 90 do
      local since = os.time() % (minutes * 60)
      if since > 120 and since < (minutes - 10) * 60 then return minutes end
    end
  end

  --- Applies a schedule of every hour or so, turns its next time back by n of them, and serves.
  local function after_hours(n, fields, options)
    local minutes = interval()
    serve.script(dir, "w", { schedule = ('every = "%dm", %s'):format(minutes, fields), command = options and options.command })
    ork("apply w.lua")
    local span = minutes * 60
    local last = os.time() // span * span
    local at = os.date("!%Y-%m-%dT%H:%M:%S.000Z", last - (n - 1) * span)
    serve.sql(dir, ("UPDATE workflows SET next_scheduled_at = '%s', fire_at = '%s' WHERE name = 'w'"):format(at, at))
    local times = {}
    for i = 1, n do times[i] = os.date("!%Y-%m-%dT%H:%M:%S.000Z", last - (n - i) * span) end
    return times, serve.start(dir)
  end

  local function times_of_runs()
    local list = {}
    for i, row in ipairs(serve.sql(dir, "SELECT scheduled_for FROM runs ORDER BY created_at, id")) do list[i] = row.scheduled_for end
    return list
  end

  it("starts the newest time that was missed (latest, the default), and says how many were not", function()
    local times, p = after_hours(5, "")
    p:wait_line("schedule fired workflow=w run=%S+ time=" .. times[5]:gsub("%p", "%%%0") .. " caught_up=true")
    p:wait_line("schedule missed 4 times workflow=w")
    p:wait_line("run ended ")
    serve.stop(p)
    assert.same({ times[5] }, times_of_runs())
    local found = note("w")
    assert.same({ "missed", 4, times[1] }, { found.kind, found.times, found.time })
    assert.matches("w: missed: 4 times from " .. times[1]:gsub("%p", "%%%0") .. " on had no run: a newer one was due", ork("schedule").out)
  end)

  it("starts none of them (none)", function()
    local _, p = after_hours(5, 'catchup = "none"')
    p:wait_line("schedule missed 5 times workflow=w")
    serve.stop(p)
    assert.same({}, times_of_runs())
    assert.matches("catchup is none", ork("schedule").out, 1, true)
  end)

  it("starts all of them, the oldest first, one after the other (all)", function()
    local times, p = after_hours(5, 'catchup = "all"')
    for _ = 1, 5 do p:wait_line("run ended run=%S+ workflow=w status=success") end
    serve.stop(p)
    assert.same(times, times_of_runs())
    assert.is_nil(note("w"))
  end)

  it("starts no more of them than catchup_limit, the newest", function()
    local times, p = after_hours(5, 'catchup = "all", catchup_limit = 2')
    for _ = 1, 2 do p:wait_line("run ended run=%S+ workflow=w status=success") end
    serve.stop(p)
    assert.same({ times[4], times[5] }, times_of_runs())
    assert.equal(3, note("w").times)
  end)

  it("catches up after a kill in the middle without doubling or losing one", function()
    local times, p = after_hours(6, 'catchup = "all"', { command = "echo $ORK_RUN_ID >>ran; sleep 0.1" })
    p:wait_line("run ended ")
    p:kill()
    p = serve.start(dir)
    serve.wait_row(dir, "SELECT 1 FROM runs WHERE status = 'success' LIMIT 1 OFFSET 5")
    serve.stop(p)
    assert.same(times, times_of_runs())
    local n = 0
    for _ in sh.read(dir .. "/ran"):gmatch("\n") do n = n + 1 end
    assert.equal(6, n)
  end)

  it("is put right when its next time lies far ahead, as after a clock that was wrong", function()
    serve.script(dir, "w", { schedule = 'every = "1s"' })
    ork("apply w.lua")
    serve.sql(dir, "UPDATE workflows SET next_scheduled_at = '2099-01-01T00:00:00.000Z', fire_at = '2099-01-01T00:00:00.000Z'")
    local p = serve.start(dir)
    p:wait_line("schedule fired workflow=w")
    serve.stop(p)
  end)

  -- ---- params and the logical time -----------------------------------------------------------

  it("gives its runs their params, dates from the time they are for in its zone", function()
    sh.write(dir .. "/w.lua", [[
      local ork = require "ork"
      local w = ork.workflow("w", {
        params = { day = "date", what = { type = "str", default = "nothing" } },
        schedule = { every = "1h", catchup = "latest", params = { day = ork.date("-1d"), what = "all" } },
      })
      w:task("a", { command = { "echo", w.params.day, w.params.what, ork.date(0, "%Y-%m-%d %H:%M") } })
      return w]])
    ork("apply w.lua")
    serve.sql(dir, "UPDATE workflows SET next_scheduled_at = strftime('%Y-%m-%dT%H:00:00.000Z', 'now'), fire_at = strftime('%Y-%m-%dT%H:00:00.000Z', 'now')")
    local p = serve.start(dir)
    local at = p:wait_line("schedule fired "):match("time=(%S+)")
    p:wait_line("run ended run=%S+ workflow=w status=success")
    serve.stop(p)
    local y, m, d, h = at:match("(%d+)-(%d+)-(%d+)T(%d+)")
    local day = os.date("!%Y-%m-%d", os.time() // 86400 * 86400 - 86400)
    local run = sh.json(ork("show last --json").out)
    assert.same({ day = day, what = "all" }, run.params)
    assert.equal(at, run.scheduled_for)
    assert.equal(at, run.logical_time)
    assert.equal(("%s all %s-%s-%s %s:00\n"):format(day, y, m, d, h), ork("logs last a").out)
  end)

  -- ---- the switch ----------------------------------------------------------------------------

  it("rests while it is off, and does not fire at once when it is on again", function()
    local minutes = interval()
    serve.script(dir, "w", { schedule = ('every = "%dm", catchup = "all"'):format(minutes) })
    serve.script(dir, "beat", { schedule = 'every = "1s"' })
    ork("apply w.lua beat.lua")
    ork("schedule w off")
    local at = os.date("!%Y-%m-%dT%H:%M:%S.000Z", os.time() // (minutes * 60) * minutes * 60 - minutes * 120)
    serve.sql(dir, ("UPDATE workflows SET next_scheduled_at = '%s' WHERE name = 'w'"):format(at))
    local p = serve.start(dir)
    p:wait_line("schedule fired workflow=beat")
    ork("schedule w on")
    p:wait_line("schedule fired workflow=beat")
    p:wait_line("schedule fired workflow=beat")
    assert.equal(0, count("JOIN workflows w ON w.id = workflow_id WHERE w.name = 'w'"))
    local now = serve.schedule(dir, "w").next_scheduled_at
    assert(now > os.date("!%Y-%m-%dT%H:%M:%S"), now)
    ork("schedule beat off")
    local n = count()
    ork("trigger w") -- something happens
    p:wait_line("run ended run=%S+ workflow=w")
    assert(count() <= n + 2)
    serve.stop(p)
  end)

  it("that fails rests with a note, and goes on when it was mended", function()
    serve.script(dir, "w", { schedule = 'every = "1s"' })
    ork("apply w.lua")
    serve.sql(dir, [[UPDATE workflows SET schedule_options = '{"cron":"* * * * *","timezone":"Europe/Nowhere"}']])
    local p = serve.start(dir)
    p:wait_line("schedule failed workflow=w error=\"there is no time zone `Europe/Nowhere`")
    serve.wait_row(dir, "SELECT 1 FROM workflows WHERE schedule_note LIKE '%failed%'")
    assert.matches("trouble: the schedule of w failed: there is no time zone", ork("status").out)
    serve.script(dir, "w", { schedule = 'every = "1s", overlap = "allow"' })
    ork("apply w.lua")
    p:wait_line("schedule fired workflow=w")
    serve.stop(p)
    assert.is_nil(ork("status").out:find("trouble"))
  end)

  -- ---- time zones ----------------------------------------------------------------------------

  it("follows a time zone of which only the database knows", function()
    sh.run({ "mkdir", "-p", dir .. "/zones/Land" })
    tzif.write(dir .. "/zones/Land/Far", "AAA0", 0)
    serve.script(dir, "w", { schedule = 'cron = "30 12 * * *", timezone = "UTC"' })
    local p = serve.start(dir, { "w.lua" }, { env = { ORK_ZONEINFO = dir .. "/zones", TZ = "UTC" } })
    p:wait_line("workflow applied workflow=w")
    -- As by a program that applied it behind very many others: nobody is told.
    serve.sql(dir, [[UPDATE workflows SET schedule_options = json_set(schedule_options, '$.timezone', 'Land/Far')]])
    tzif.write(dir .. "/zones/Land/Far", "BBB-2", 7200)
    serve.wait_row(dir, "SELECT 1 FROM workflows WHERE next_scheduled_at LIKE '%T10:30:00.000Z'")
    serve.stop(p)
  end)

  it("follows a time zone that is replaced while it is served", function()
    sh.run({ "mkdir", dir .. "/zones" })
    tzif.write(dir .. "/zones/Here", "AAA0", 0)
    local env = { ORK_ZONEINFO = dir .. "/zones", TZ = "UTC" }
    serve.script(dir, "w", { schedule = 'cron = "30 12 * * *", timezone = "Here"' })
    local p = serve.start(dir, { "w.lua" }, { env = env })
    p:wait_line("workflow applied workflow=w version=1 script=w.lua next=20%S+T12:30:00.000Z")
    tzif.write(dir .. "/zones/Here", "BBB-2", 7200)
    serve.wait_row(dir, "SELECT 1 FROM workflows WHERE next_scheduled_at LIKE '%T10:30:00.000Z'")
    assert.matches("12:30 BBB", ork("schedule", env).out)
    sh.write(dir .. "/zones/Here", "TZif2" .. ("\0"):rep(60)) -- damaged: the one that was right stays
    tzif.write(dir .. "/zones/Here", "CCC-3", 10800)
    p:wait_line("time zones changed")
    serve.wait_row(dir, "SELECT 1 FROM workflows WHERE next_scheduled_at LIKE '%T09:30:00.000Z'")
    serve.stop(p)
  end)
end)
