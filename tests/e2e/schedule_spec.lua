-- SPDX-License-Identifier: MIT
-- Schedules as an operator meets them: the list, the next times, the switch, what apply and plan say of them.
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"
local tzif = require "tests.lib.tzif"

describe("ork schedule", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(words, opts)
    opts = opts or {}
    opts.cwd = dir
    opts.env = opts.env or { TZ = "UTC" }
    local list = {}
    for word in words:gmatch("%S+") do list[#list + 1] = word end
    return sh.ork(list, opts)
  end

  it("lists all with their rule, state, next and last time", function()
    serve.script(dir, "daily", { schedule = 'cron = "0 2 * * *", timezone = "Europe/Berlin"' })
    serve.script(dir, "often", { schedule = 'every = "10m"' })
    serve.script(dir, "once", { schedule = 'cron = "0 0 2 1 1 ? 2199"' })
    ork("apply daily.lua often.lua once.lua", { ok = true })
    ork("schedule often off", { ok = true })
    local r = ork("schedule")
    assert.equal(0, r.code)
    assert.matches("WORKFLOW +SCHEDULE +STATE +NEXT +LAST", r.out)
    assert.matches("daily +0 2 %* %* %*  Europe/Berlin +on +20%d%d%-%d%d%-%d%d 02:00 CES?T +%-", r.out)
    assert.matches("often +every 10m +off +%- +%-", r.out)
    assert.matches("once +0 0 2 1 1 %? 2199  UTC +on +2199%-01%-01 02:00 UTC", r.out)
    assert.matches("nobody starts runs by them: ork serve", r.err, 1, true)
    local list = sh.json(ork("schedule --json").out)
    assert.equal(3, #list)
    assert.same({ "daily", true, "0 2 * * *", "Europe/Berlin" }, { list[1].workflow, list[1].enabled, list[1].options.cron, list[1].options.timezone })
    assert.is_false(list[2].enabled)
    assert.truthy(list[2].off_since)
  end)

  it("says how a workflow gets one", function()
    serve.script(dir, "plain", {})
    ork("apply plain.lua", { ok = true })
    local r = ork("schedule")
    assert.same({ 0, "" }, { r.code, r.out })
    assert.matches('no schedules; a script gives its workflow one: schedule = { cron = "0 2 * * *" }, then `ork apply`', r.err, 1, true)
    r = ork("schedule plain")
    assert.equal(4, r.code)
    assert.matches("workflow `plain` has no schedule", r.err, 1, true)
    r = ork("schedule palin on")
    assert.equal(4, r.code)
    assert.matches("did you mean `plain`?", r.err, 1, true)
  end)

  it("shows one in full and its next times, in its zone and the viewer's", function()
    serve.script(dir, "daily", { schedule = 'cron = "30 2 * * *", timezone = "Europe/Berlin", catchup = "all", overlap = "queue", jitter = "1m"' })
    ork("apply daily.lua", { ok = true })
    local r = ork("schedule daily", { env = { TZ = "Asia/Tokyo" } })
    assert.matches("state +on\ncatchup +all, at most 100 runs\noverlap +queue\njitter +1m\n", r.out)
    assert.matches("20%d%d%-%d%d%-%d%d %d%d:%d%d CES?T   20%d%d%-%d%d%-%d%d %d%d:30 JST", r.out)
    r = ork("schedule daily next 400", { env = { TZ = "Asia/Tokyo" } })
    local n = 0
    for _ in r.out:gmatch("\n") do n = n + 1 end
    assert.equal(400, n)
    assert.matches("03:00 CEST   20%d%d%-03%-%d%d 10:00 JST   clocks go forward by 1h; 02:30 does not exist that day", r.out)
    assert.matches("02:30 CEST   20%d%d%-10%-%d%d 09:30 JST   the first of two such times", r.out)
    assert.matches("02:30 CET   20%d%d%-1[01]%-%d%d 10:30 JST   clocks go back by 1h", r.out)
    local document = sh.json(ork("schedule daily next 2 --json").out)
    assert.equal("Europe/Berlin", document.timezone)
    assert.equal(2, #document.fires)
    local plain = ork("schedule daily next 3", { env = { TZ = "Europe/Berlin" } }).out
    assert.is_nil(plain:find("CES?T .*CES?T[^\n]*\n"), plain) -- one column where both zones are alike
  end)

  it("marks the change of clocks in plan, apply --dry-run and next", function()
    sh.run({ "mkdir", dir .. "/zones" })
    tzif.write(dir .. "/zones/Here", tzif.jump(2, "AAA", "BBB")) -- in two days clocks go forward by an hour, at 02:00
    serve.script(dir, "daily", { schedule = 'cron = "30 2 * * *", timezone = "Here"' })
    local env = { ORK_ZONEINFO = dir .. "/zones", TZ = "Here" }
    local planned = ork("plan daily.lua", { env = env }).out
    assert.matches("schedule: 30 2 %* %* %*  Here\n", planned)
    assert.matches("\n  20%d%d%-%d%d%-%d%d 03:00 BBB   clocks go forward by 1h; 02:30 does not exist that day\n", planned)
    local document = sh.json(ork("plan daily.lua --json", { env = env }).out)
    assert.equal(5, #document.schedule.fires)
    local found
    for _, fire in ipairs(document.schedule.fires) do found = found or type(fire.shifted_from) == "string" and fire end
    assert.equal(3600, found.change.by_s)
    assert.matches("\n  2026%-05%-01 02:30 [AB]+\n", ork("plan daily.lua --at 2026-05-01", { env = env }).out)
    local dry = ork("apply daily.lua --dry-run", { env = env }).out
    assert.matches("daily: would be new %(1 task%)\n  schedule: 30 2 %* %* %*  Here; next 20%d%d%-%d%d%-%d%d 0[23]:[30]0 [AB]+", dry)
    ork("apply daily.lua", { env = env, ok = true })
    assert.matches("clocks go forward by 1h", ork("schedule daily next 5", { env = env }).out, 1, true)
  end)

  it("is applied switched on, and stays off once it was switched off", function()
    serve.script(dir, "w", { schedule = 'cron = "0 2 * * *"' })
    local first = ork("apply w.lua").out
    assert.matches("w: new, version 1 %(1 task%)\n  schedule: 0 2 %* %* %*  UTC; next 20%d%d%-%d%d%-%d%d 02:00 UTC\n", first)
    assert.equal("w: off\n", ork("schedule w off").out)
    assert.equal("w: already off\n", ork("schedule w off").out)
    serve.script(dir, "w", { schedule = 'cron = "0 3 * * *"' })
    local second = ork("apply w.lua").out
    assert.matches("schedule: 0 3 %* %* %*  UTC; off since 20[%d :-]+: ork schedule w on\n", second)
    assert.matches("the schedule is off; switch it on: ork schedule w on", ork("schedule w next").err, 1, true)
    assert.matches("^w: on; next 20%d%d%-%d%d%-%d%d 03:00 UTC\n", ork("schedule w on").out)
    assert.matches("^w: already on; next ", ork("schedule w on").out)
    local document = sh.json(ork("apply w.lua --json").out)[1]
    assert.matches("T03:00:00.000Z$", document.next_scheduled_at)
    assert.equal(dir:match("[^/]+$") .. "/w.lua", document.files[1]:match("[^/]+/[^/]+$"))
  end)

  it("wants a name for its words", function()
    serve.script(dir, "w", { schedule = 'every = "1h"' })
    ork("apply w.lua", { ok = true })
    for words, message in pairs({ ["next 3"] = "name one: ork schedule NAME next 3\n", on = "name one: ork schedule NAME on\n" }) do
      local r = ork("schedule " .. words)
      assert.same({ 2, "ork: " .. message }, { r.code, r.err })
    end
  end)

  it("switches all, and asks first", function()
    for _, name in ipairs({ "a", "b" }) do serve.script(dir, name, { schedule = 'every = "1h"' }) end
    ork("apply a.lua b.lua", { ok = true })
    assert.equal(2, ork("schedule --all off").code)
    assert.equal("a: off\nb: off\n", ork("schedule --all off --yes").out)
    assert.matches("all schedules are off already", ork("schedule --all off --yes").err, 1, true)
    local changed = sh.json(ork("schedule --all on --yes --json").out)
    assert.same({ "a", true, true }, { changed[1].workflow, changed[1].enabled, changed[1].changed })
    assert.truthy(changed[1].next_scheduled_at)
  end)

  it("is gone with the option, and when its workflow is taken out", function()
    serve.script(dir, "w", { schedule = 'every = "1h"' })
    ork("apply w.lua", { ok = true })
    serve.script(dir, "w", {})
    ork("apply w.lua", { ok = true })
    assert.equal("", ork("schedule").out)
    serve.script(dir, "w", { schedule = 'every = "1h"' })
    ork("apply w.lua", { ok = true })
    sh.write(dir .. "/w.lua", 'local w = require("ork").workflow("other") w:task("a", { command = "true" }) return w')
    ork("apply w.lua --prune --yes", { ok = true })
    assert.same({ "", "[]\n" }, { ork("schedule").out, ork("schedule --json").out })
    for _, words in ipairs({ "schedule w", "schedule w on", "schedule w next" }) do
      local r = ork(words)
      assert.equal(4, r.code)
      assert.matches("workflow `w` is not applied any more; `ork apply w@2` brings back", r.err, 1, true)
    end
  end)

  it("is refused by apply and validate while a param has no value", function()
    serve.script(dir, "w", { schedule = 'cron = "0 2 * * *"', params = '{ day = "date", table = "str" }' })
    local r = ork("apply w.lua")
    assert.equal(2, r.code)
    assert.matches("w.lua:2: the schedule of workflow `w` leaves its param `day` without a value", r.err, 1, true)
    assert.matches("its param `table` without a value", r.err, 1, true)
    assert.matches("nothing was applied", r.err, 1, true)
    r = ork("validate w.lua")
    assert.same({ 2, "" }, { r.code, r.out })
    assert.matches("its param `table` without a value", r.err, 1, true)
    assert.equal(2, #sh.json(ork("validate --json w.lua").out)[1].problems)
    serve.script(dir, "w", { schedule = 'cron = "0 2 * * *", params = { day = ork.date("-1d"), table = "t" }', params = '{ day = "date", table = "str" }' })
    ork("apply w.lua", { ok = true })
    assert.matches("\nparams    day=1d before the run's time\n          table=t\n", ork("schedule w").out, 1, true)
  end)

  it("tells of zones there are none of, and of damaged ones", function()
    serve.script(dir, "w", { schedule = 'cron = "0 2 * * *", timezone = "Europe/Berlin"' })
    ork("apply w.lua", { ok = true })
    local none = { ORK_ZONEINFO = dir .. "/zones" }
    local r = ork("schedule w", { env = none })
    assert.equal(3, r.code)
    assert.matches("this system has no time zones (no " .. dir .. "/zones): install Debian's package tzdata", r.err, 1, true)
    assert.equal(0, ork("schedule", { env = none }).code)
    sh.run({ "mkdir", "-p", dir .. "/zones/Europe" })
    sh.write(dir .. "/zones/Europe/Berlin", "TZif2" .. ("\0"):rep(60))
    r = ork("schedule w next", { env = none })
    assert.equal(3, r.code)
    assert.matches("the time zone file is damaged", r.err, 1, true)
    assert.matches("install Debian's package tzdata again", r.err, 1, true)
  end)
end)

describe("the tables of docs/schedules.md", function()
  after_each(sh.cleanup)

  it("say when expressions are due", function()
    local dir, page, n = sh.tempdir(), sh.read((os.getenv("ORK_ROOT") or ".") .. "/docs/schedules.md"), 0
    sh.write(dir .. "/times.lua", assert(page:match("`times.lua`:\n\n```lua\n(.-)```")))
    local function times(cron, ...)
      local r = sh.ork({ "plan", "times.lua", "cron=" .. cron, ... }, { cwd = dir, env = { TZ = "UTC" } })
      assert.equal(0, r.code, r.err)
      n = n + 1
      return r.out
    end
    for cron, due in page:gmatch("\n| `([^`]+)` | [^|]+ | (%d%d%d%d%-[^|]+) |") do
      local list = {}
      for time in times(cron, "--at", "2026-11-01"):gmatch("\n  (%d%d%d%d%-%d%d%-%d%d [%d:]+) UTC") do list[#list + 1] = time end
      assert.equal(due, table.concat(list, ", "):sub(1, #due), cron)
    end
    local days = { ["29 March"] = "2026-03-29", ["25 October"] = "2026-10-25" }
    for cron, dst, march, october in page:gmatch('\n| `([^`]+)` | (%S+) | ([^|]-) | ([^|]-) |') do
      local is_table = march:find("CES?T") or march == "not"
      for name, said in pairs(is_table and { ["29 March"] = march, ["25 October"] = october } or {}) do
        local at = name == "29 March" and "2026-03-28T23:00:00Z" or "2026-10-24T22:00:00Z" -- before midnight there
        local out = times(cron, "zone=Europe/Berlin", "--at", at, dst ~= "–" and "dst=" .. dst:match("%a+") or nil)
        local list = {}
        for time in out:gmatch("\n  " .. days[name]:gsub("%p", "%%%0") .. " ([%d:]+ CES?T)") do list[#list + 1] = time end
        local told = {}
        for time in said:gmatch("[%d:]+ CES?T") do told[#told + 1] = time end
        assert.same(told, list, cron .. " " .. dst .. " " .. name)
      end
    end
    assert(n > 30, n)
  end)
end)
