-- SPDX-License-Identifier: MIT
-- The examples on real input: this machine's package database, and recorded scientific workflows. The traces are looked for in
-- $ORK_SHARED/workflows, else beside the repository in ../shared/workflows; without them their tests are skipped.
local sh = require "tests.lib.sh"
local uv = require "luv"

local root = assert(uv.fs_realpath(os.getenv("ORK_ROOT") or "."))
local examples = root .. "/examples"
local traces = (os.getenv("ORK_SHARED") or root .. "/../shared") .. "/workflows"

local function statuses(db, where)
  local by_name = {}
  for _, row in ipairs(sh.sql(db, "SELECT task_name, status FROM tasks " .. (where or ""))) do by_name[row.task_name] = row.status end
  return by_name
end

--- Folders of the quickstart that its `tidy` did not remove.
local function leftovers_in(dir) return sh.run({ "/bin/sh", "-c", "ls -d ork-quickstart-* 2>/dev/null" }, { cwd = dir }).out end

describe("hello.lua", function()
  after_each(sh.cleanup)

  it("greets", function()
    local dir = sh.tempdir()
    sh.ork({ examples .. "/hello.lua", "name=Ada & Eve's" }, { cwd = dir, ok = true })
    assert.equal("hello, Ada & Eve's\n", sh.ork({ "logs", "last" }, { cwd = dir, ok = true }).out)
  end)
end)

--- Runs an example with params in a folder of its own that has a copy of it; the result, and statuses by task.
local function play(name, params, expected_code)
  local dir = sh.tempdir()
  sh.run({ "cp", "-r", examples .. "/.", dir .. "/examples" })
  local words = { "examples/" .. name }
  for _, word in ipairs(params or {}) do words[#words + 1] = word end
  local result = sh.ork(words, { cwd = dir, env = { TMPDIR = dir } })
  assert.equal(expected_code or 0, result.code, result.err)
  return statuses(dir .. "/.ork/ork.db"), dir, result
end

local function log_of(dir, run, task) return sh.ork({ "logs", run, task }, { cwd = dir, ok = true }).out end

describe("the examples", function()
  after_each(sh.cleanup)

  it("fit a screen, and say how to run them", function()
    for name in sh.run({ "/bin/sh", "-c", "ls *.lua */build.lua" }, { cwd = examples }).out:gmatch("%S+") do
      local text = sh.read(examples .. "/" .. name)
      assert.is_true(select(2, text:gsub("\n", "")) <= 60, name .. " is long")
      assert.truthy(text:find("^%-%- SPDX[^\n]*\n%-%- [A-Z`]"), name .. " does not say what it shows")
      assert.truthy(text:find("\n%-%-   [%w. ]*" .. name:match("[^/]+$"):gsub("%p", "%%%0")), name .. " does not say how to run it")
    end
  end)

  it("retries.lua tries again what is busy, not what is wrong", function()
    local function attempts(dir, task)
      return sh.sql(dir .. "/.ork/ork.db", "SELECT attempt FROM tasks WHERE task_name = '" .. task .. "'")[1].attempt
    end
    local status, dir = play("retries.lua")
    assert.same({ fetch = "success", check = "success", tidy = "success" }, status)
    assert.equal(3, attempts(dir, "fetch"))
    status, dir = play("retries.lua", { "busy=9" }, 1)
    assert.same({ fetch = "failed", check = "skipped", tidy = "skipped" }, status)
    assert.equal(5, attempts(dir, "fetch"))
    status, dir = play("retries.lua", { "busy=0", "answer=it's no number; really" }, 1)
    assert.same({ fetch = "success", check = "failed", tidy = "skipped" }, status)
    assert.equal(1, attempts(dir, "check"))
    sh.write(dir .. "/examples/answer.txt", "42\n") -- a retry finds what was refused where it was
    sh.ork({ "retry", "last" }, { cwd = dir, ok = true })
    assert.equal(1, attempts(dir, "fetch"))
    assert.is_false(sh.exists(dir .. "/examples/answer.txt"))
  end)

  it("branches.lua goes one way and meets again", function()
    local status, dir = play("branches.lua")
    assert.same({ measure = "success", too_much = "success", fine = "skipped", report = "success", alarm = "skipped" }, status)
    assert.equal("too_much: success fine: skipped\n", log_of(dir, "last", "report"))
    status = play("branches.lua", { "folder=/etc/skel" })
    assert.same({ measure = "success", too_much = "skipped", fine = "success", report = "success", alarm = "skipped" }, status)
    status = play("branches.lua", { "folder=/nonexistent" }, 1)
    assert.same({ measure = "failed", too_much = "skipped", fine = "skipped", report = "skipped", alarm = "success" }, status)
  end)

  it("parallel.lua adds up what was counted at once", function()
    local _, dir = play("parallel.lua")
    local words = sh.run({ "/bin/sh", "-c", "cd /usr/share/common-licenses && cat Apache-2.0 Artistic BSD GFDL-1.3 GPL-2 GPL-3 LGPL-2.1 LGPL-3 | wc -w" })
    assert.equal(words.out:match("%d+") .. " words in 8 licences\n", log_of(dir, "last", "total"))
  end)

  it("functions.lua counts in workers what is counted by wc", function()
    local status, dir = play("functions.lua")
    assert.same({ ["GPL-2"] = "success", ["GPL-3"] = "success", Artistic = "success", total = "success" }, status)
    assert.truthy(log_of(dir, "last", "GPL-3"):find("^/usr/share/common%-licenses/GPL%-3: %d+ words\n$"))
    local words = sh.run({ "/bin/sh", "-c", "cd /usr/share/common-licenses && cat GPL-2 GPL-3 Artistic | grep -oE '[A-Za-z]+' | wc -l" })
    local output = sh.json(sh.ork({ "output", "last", "total" }, { cwd = dir, ok = true }).out)
    assert.equal(tonumber(words.out), output.total)
    assert.equal("the", output.most[1])
  end)

  it("fan_in.lua, etl.lua and mapping.lua do what orchestrators are compared by", function()
    local function output(dir, task) return sh.json(sh.ork({ "output", "last", task }, { cwd = dir, ok = true }).out) end
    local _, dir = play("fan_in.lua")
    assert.same({ sum = 6 }, output(dir, "add"))
    _, dir = play("etl.lua")
    local lines = tonumber(sh.run({ "/bin/sh", "-c", "wc -l </etc/passwd" }).out)
    assert.equal(lines, output(dir, "transform").rows)
    assert.matches(("^%d rows: {"):format(lines), log_of(dir, "last", "load"))
    local status
    status, dir = play("mapping.lua")
    local files = tonumber(sh.run({ "/bin/sh", "-c", "find -H /usr/share/common-licenses -type f | wc -l" }).out)
    assert.same({ each = "success", sample = "skipped", counted = files }, output(dir, "report"))
    assert.same({ "success", "success", "skipped" }, { status.list, status["each/" .. files], status.sample })
    status, dir = play("mapping.lua", { "most=3" })
    assert.same({ each = "skipped", sample = "success" }, output(dir, "report"))
    assert.same({ "skipped", "success" }, { status.each, status.sample })
  end)

  it("the three of the comparison fit 40 lines each", function()
    for _, name in ipairs({ "fan_in.lua", "etl.lua", "mapping.lua" }) do
      assert.is_true(select(2, sh.read(examples .. "/" .. name):gsub("\n", "")) < 40, name .. " is long")
    end
  end)

  it("python.lua counts words of three licences", function()
    local status, dir = play("python.lua")
    assert.same({ "success", "success", "success", "success" }, { status.find, status.count, status["count/3"], status.show })
    assert.matches("^redistribution is there %d+ times\n$", (log_of(dir, "last", "show"):gsub("^%a+", "redistribution")))
    assert.matches("^/usr/share/common%-licenses/GPL%-3 has %d+ of them\n$", log_of(dir, "last", "count/2"))
  end)

  it("library.lua counts primes in C", function()
    local status, dir = play("library.lua")
    assert.same({ compile = "success", count = "success", show = "success", tidy = "success" }, status)
    assert.equal("168 primes below 1000\n", log_of(dir, "last", "show"))
    assert.equal("looked at 998 numbers\n", log_of(dir, "last", "count"))
    assert.is_false(sh.exists(dir .. "/examples/primes.so"))
  end)

  it("each.lua counts the lines of every file", function()
    local status, dir = play("each.lua")
    assert.same({ "success", "success", "success", "success" }, { status.list, status.count, status["count/2"], status.total })
    local lines = sh.run({ "/bin/sh", "-c", "find -H /usr/share/common-licenses -type f -exec cat {} + | wc -l" })
    local files = sh.run({ "/bin/sh", "-c", "find -H /usr/share/common-licenses -type f | wc -l" })
    local output = sh.json(sh.ork({ "output", "last", "total" }, { cwd = dir, ok = true }).out)
    assert.same({ files = tonumber(files.out), lines = tonumber(lines.out) }, output)
  end)

  it("chains.lua runs a chain for each part", function()
    local status, dir = play("chains.lua")
    assert.same({ "success", "success", "success" }, { status.part, status["part/3"], status.sum })
    assert.equal('{"bytes":52,"parts":["north.csv","south.csv","east.csv"]}\n', sh.ork({ "output", "last" }, { cwd = dir, ok = true }).out)
    local chains = sh.json(sh.ork({ "runs", "--workflow", "part", "--json" }, { cwd = dir, ok = true }).out)
    assert.equal(3, #chains)
    for _, run in ipairs(chains) do assert.same({ "success", 2 }, { run.status, run.tasks_total }) end
  end)

  it("waiting.lua waits a second, and as long as it is told", function()
    local status, dir = play("waiting.lua", { "opens=1s" })
    assert.same({ warm_up = "success", cool_down = "success", until_open = "success", enter = "success" }, status)
    for _, row in ipairs(sh.sql(dir .. "/.ork/ork.db", "SELECT (julianday(finished_at) - julianday(started_at)) * 86400 AS s FROM deferred_jobs")) do
      assert.is_true(row.s > 0.99, "it waited for " .. row.s .. " s")
    end
  end)

  it("approval.lua waits for an answer", function()
    local dir = sh.tempdir()
    sh.run({ "cp", examples .. "/approval.lua", dir })
    local p = sh.spawn_ork({ "approval.lua" }, { cwd = dir })
    p:wait_line("ask +waiting +for approval: Release 1.2%?")
    sh.ork({ "approve", "last", "ask", "--comment", "tests are green" }, { cwd = dir, ok = true })
    assert.equal(0, p:wait().code)
    assert.equal("published 1.2 because tests are green\n", log_of(dir, "last", "publish"))

    p = sh.spawn_ork({ "approval.lua" }, { cwd = dir })
    p:wait_line("ask +waiting +for approval: Release 1.2%?")
    sh.ork({ "approve", "last", "ask" }, { cwd = dir, ok = true })
    assert.equal(0, p:wait().code)
    local me = sh.run({ "id", "-un" }).out:gsub("%s+$", "")
    assert.equal("published 1.2 because " .. me .. " agreed\n", log_of(dir, "last", "publish"))
  end)

  it("poll.lua waits for a file that another program writes", function()
    local dir = sh.tempdir()
    sh.run({ "cp", examples .. "/poll.lua", dir })
    local p = sh.spawn_ork({ "poll.lua" }, { cwd = dir })
    p:wait_line("delivery +waiting +polls every 1s")
    sh.write(dir .. "/delivery.csv", "1,2,3\n")
    assert.equal(0, p:wait().code)
    assert.equal("loading 6 bytes of delivery.csv\n", log_of(dir, "last", "load"))
  end)

  it("told.lua is told how it ended", function()
    local dir = sh.tempdir()
    sh.run({ "cp", examples .. "/told.lua", dir })
    assert.equal(1, sh.ork({ "told.lua" }, { cwd = dir }).code)
    assert.equal("told: fetch failed (attempt 1): exit code 3\nthe server says no\n\n", sh.read(dir .. "/told.txt"))
    assert.equal(0, sh.ork({ "told.lua", "code=0" }, { cwd = dir }).code)
    local two = {} -- handlers of a task and of its run are called in either order
    for line in sh.read(dir .. "/told.txt"):match("no\n\n(.*)"):gmatch("[^\n]+") do two[#two + 1] = line end
    table.sort(two)
    assert.same({ "store is done", "told went well" }, two)
    assert.equal(1, sh.ork({ "told.lua", "code=4" }, { cwd = dir }).code)
    assert.matches("fetch failed %(attempt 4%): exit code 4", sh.read(dir .. "/told.txt"))
  end)

  it("ssh.lua runs commands on another machine, and finds them again", function()
    local dir = sh.tempdir()
    sh.run({ "mkdir", dir .. "/machine" })
    sh.run({ "cp", examples .. "/ssh.lua", dir })
    local machine = sh.spawn({ root .. "/tests/lib/machine.sh", dir .. "/machine" })
    machine:wait_line("ready")
    sh.at_cleanup(function() machine:kill() end)
    local env = { PATH = dir .. "/machine/bin:" .. os.getenv("PATH") }
    local p = sh.spawn_ork({ "ssh.lua" }, { cwd = dir, env = env })
    p:wait_line("kernel +success")
    p:kill()
    local r = sh.ork({ "ssh.lua" }, { cwd = dir, env = env })
    assert.equal(0, r.code, r.err)
    assert.equal("it runs Linux", log_of(dir, "last", "report"):gsub("%s+$", ""))
    local db = dir .. "/.ork/ork.db"
    assert.same({}, sh.sql(db, "SELECT 1 FROM tasks WHERE attempt != 1"))
    assert.equal("2", sh.run({ "/bin/sh", "-c", "ls " .. dir .. "/machine/ork-jobs | wc -l" }).out:match("%d+"))
  end)

  it("types.lua refuses an output of another type", function()
    local status, dir = play("types.lua")
    assert.same({ count = "success", show = "success" }, status)
    assert.truthy(log_of(dir, "last", "show"):find("^%d+ users\n *%d+ /"))
    local result
    local _
    status, _, result = play("types.lua", { "wrong=true" }, 1)
    assert.same({ count = "failed", show = "skipped" }, status)
    assert.truthy(result.err:find('output.users: wanted int, got "many"', 1, true), result.err)
  end)

  it("schedule.lua is due on working days, and its scheduled runs are full ones", function()
    local status, dir = play("schedule.lua", { "day=2026-11-01" })
    assert.same({ sum = "success" }, status)
    assert.equal("adding up 2026-11-01 false\n", log_of(dir, "last", "sum"))
    sh.ork({ "apply", "examples/schedule.lua" }, { cwd = dir, ok = true })
    sh.ork({ "backfill", "closing", "--from", "2026-10-23", "--to", "2026-10-26" }, { cwd = dir, ok = true })
    assert.equal(3, #sh.sql(dir .. "/.ork/ork.db", "SELECT 1 FROM runs"))
    assert.equal("adding up 2026-10-26 true\n", log_of(dir, "last", "sum"))
  end)

  it("params.lua takes dates, and keeps the report where it is told to", function()
    local status, dir = play("params.lua", { "day=2026-11-01" })
    assert.same({ write = "success", show = "success", keep = "skipped", tidy = "success" }, status)
    assert.equal("report of 2026-11-01, level all\n", log_of(dir, "last", "show"))
    status, dir = play("params.lua", { "to=kept.txt", "--at", "2026-03-01", "level=error" })
    assert.equal("success", status.keep)
    assert.truthy(sh.read(dir .. "/examples/kept.txt"):find("^report of 2026%-02%-28, level error\n"))
    assert.is_false(sh.exists(dir .. "/examples/report-2026-02-28.txt"))
  end)

  it("params.lua keeps the report for a retry", function()
    local status, dir = play("params.lua", { "day=2026-11-01", "to=late/kept.txt" }, 1)
    assert.same({ write = "success", show = "success", keep = "failed", tidy = "skipped" }, status)
    sh.run({ "mkdir", dir .. "/examples/late" })
    sh.ork({ "retry", "last" }, { cwd = dir, ok = true })
    assert.is_true(sh.exists(dir .. "/examples/late/kept.txt"))
    assert.is_false(sh.exists(dir .. "/examples/report-2026-11-01.txt"))
  end)

  it("cleanup.lua keeps after a failure or Ctrl-C what going on needs, and leaves nothing in the end", function()
    local function scratch(dir) return sh.run({ "/bin/sh", "-c", "ls tmp.*" }, { cwd = dir }).out end
    local function gone(dir) return sh.run({ "/bin/sh", "-c", "ls -d tmp.* 2>/dev/null" }, { cwd = dir }).out end
    local whole = { scratch = "success", find = "success", sort = "success", tell = "success", tidy = "success", clear = "success" }
    local status, dir = play("cleanup.lua")
    assert.same(whole, status)
    assert.equal("", gone(dir))
    status, dir = play("cleanup.lua", { "fail=true" }, 1)
    assert.same({ scratch = "success", find = "success", sort = "failed", tell = "success", tidy = "success", clear = "skipped" }, status)
    assert.equal("names\n", scratch(dir))
    sh.ork({ "retry", "last", "--update", "fail=false" }, { cwd = dir, env = { TMPDIR = dir }, ok = true })
    assert.same(whole, statuses(dir .. "/.ork/ork.db"))
    assert.equal("", gone(dir))

    dir = sh.tempdir()
    local run = sh.spawn_ork({ examples .. "/cleanup.lua", "slow=60" }, { cwd = dir, env = { TMPDIR = dir } })
    run:wait_line("find +running")
    run:signal("sigint")
    assert.equal(130, run:wait().code)
    assert.equal("success", statuses(dir .. "/.ork/ork.db").tidy)
    assert.equal("", scratch(dir))
  end)

  it("factory.lua makes workflows that are alike", function()
    local dir = sh.tempdir()
    local listed = sh.ork({ examples .. "/factory.lua" }, { cwd = dir })
    assert.equal(2, listed.code)
    assert.truthy(listed.err:find("3 workflows", 1, true) and listed.err:find("pack_skel", 1, true), listed.err)
    sh.ork({ examples .. "/factory.lua", "--all", "to=" .. dir }, { cwd = dir, ok = true })
    for _, name in ipairs({ "apt", "skel", "cron" }) do assert.is_true(sh.exists(dir .. "/" .. name .. ".tar.gz")) end
    local apt = sh.run({ "tar", "-tzf", dir .. "/apt.tar.gz" }).out
    assert.truthy(apt:find("./", 1, true))
    assert.is_nil(apt:find("%.gpg\n"))
  end)

  if sh.run({ "/bin/sh", "-c", "command -v cc" }).code ~= 0 then
    pending("there is no cc here")
  else
    it("build.lua compiles, links and tries a program", function()
      local status, dir = play("build/build.lua")
      for name, each in pairs(status) do assert.equal("success", each, name) end
      local all = sh.run({ "/bin/sh", "-c", "cat *.c *.h | wc" }, { cwd = examples .. "/build" }).out
      assert.equal(("%d lines, %d words, %d bytes\n"):format(all:match("(%d+) +(%d+) +(%d+)")), log_of(dir, "last", "run"))
    end)
  end
end)

describe("the quickstart", function()
  after_each(sh.cleanup)

  if sh.run({ "/bin/sh", "-c", "command -v dpkg-query" }).code ~= 0 then
    pending("there is no dpkg-query here")
    return
  end
  local script = examples .. "/quickstart/pipeline.lua"

  it("reports every package that dpkg knows", function()
    local dir = sh.tempdir()
    sh.ork({ script, "report=" .. dir .. "/p.html", "top=2" }, { cwd = dir, ok = true, env = { TMPDIR = dir } })

    local page = sh.read(dir .. "/p.html")
    local installed = sh.run({ "/bin/sh", "-c", "dpkg-query -W -f '${db:Status-Status}\\n' | grep -cx installed" }).out:match("%d+")
    assert.truthy(page:find(installed .. " packages in ", 1, true), "not " .. installed .. " packages")
    local bars = select(2, page:gsub("<rect ", ""))
    local sections = select(2, page:gsub("<details>", ""))
    assert.truthy(bars > 3 and bars == sections, bars .. " bars, " .. sections .. " sections")
    assert.is_nil(page:find("https?://"), "the page needs something from elsewhere")
    assert.truthy(page:find("</html>\n$"))

    local page_size = sh.json(sh.ork({ "show", "last", "report", "--json" }, { cwd = dir, ok = true }).out).output.bytes
    assert.equal(#page, page_size)
    local status = statuses(dir .. "/.ork/ork.db")
    assert.equal("success", status.tidy)
    status.leftovers = nil -- depends on the machine
    for name, each in pairs(status) do assert.equal("success", each, name) end
    assert.equal("", leftovers_in(dir))
  end)

  it("stumbles and tries again", function()
    local dir = sh.tempdir()
    sh.ork({ script, "report=" .. dir .. "/p.html", "stumble=2" }, { cwd = dir, ok = true, env = { TMPDIR = dir } })
    local rows = sh.sql(dir .. "/.ork/ork.db", [[SELECT a.status, a.exit_code FROM task_attempts a JOIN tasks t ON t.id = a.task_id
      WHERE t.task_name = 'load' ORDER BY a.attempt]])
    local stumbled = { status = "failed", exit_code = 75 }
    assert.same({ stumbled, stumbled, { status = "success", exit_code = 0 } }, rows)
  end)

  it("keeps its files after a failure, so that a retry goes on", function()
    local dir = sh.tempdir()
    local opts = { cwd = dir, env = { TMPDIR = dir } }
    local failed = sh.ork({ script, "report=" .. dir .. "/missing/p.html" }, opts)
    assert.equal(1, failed.code)
    assert.truthy(failed.err:find("missing/p.html", 1, true), failed.err)
    local status = statuses(dir .. "/.ork/ork.db")
    assert.equal("failed", status.report)
    assert.equal("skipped", status.tidy)
    assert(uv.fs_mkdir(dir .. "/missing", 448))
    assert.equal(0, sh.ork({ "retry", "last" }, opts).code)
    assert.truthy(sh.exists(dir .. "/missing/p.html"))
    assert.equal("", leftovers_in(dir))
  end)
end)

describe("wfcommons.lua", function()
  after_each(sh.cleanup)
  local script = examples .. "/wfcommons.lua"

  --- Tasks that were handed over or started before one of their parents had ended; must be none. Times are milliseconds: a task
  --- may start in the one in which its parent ended.
  local TOO_EARLY = [[
    SELECT child.task_name AS child, parent.task_name AS parent FROM tasks child, json_each(child.depends_on) edge
    JOIN tasks parent ON parent.run_id = child.run_id AND parent.task_name = edge.value
    WHERE parent.finished_at IS NULL OR child.dispatched_at IS NULL OR child.started_at IS NULL
       OR child.dispatched_at < parent.finished_at OR child.started_at < parent.finished_at]]

  local names = {}
  local folder = uv.fs_scandir(traces)
  for name in folder and uv.fs_scandir_next or function() end, folder do
    if name:find("%.json$") then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 0 then pending("no traces in " .. traces .. " (ORK_SHARED names the folder above)") end

  for _, name in ipairs(names) do
    it("plays " .. name, function()
      local dir, path = sh.tempdir(), assert(uv.fs_realpath(traces .. "/" .. name))
      sh.ork({ script, "trace=" .. path, "speed=1000000", "--quiet" }, { cwd = dir, ok = true, timeout = 120 })

      local recorded, edges = sh.json(sh.read(path)).workflow.specification.tasks, 0
      for _, task in ipairs(recorded) do edges = edges + #task.parents end
      local db = dir .. "/.ork/ork.db"
      assert.same({ { n = #recorded, status = "success" } }, sh.sql(db, "SELECT count(*) AS n, status FROM tasks GROUP BY status"))
      assert.equal(edges, sh.sql(db, "SELECT sum(json_array_length(depends_on)) AS n FROM tasks")[1].n)
      assert.same({}, sh.sql(db, TOO_EARLY))
    end)
  end

  it("refuses a file that is no trace", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/x.json", "{}")
    local result = sh.ork({ script, "trace=x.json" }, { cwd = dir })
    assert.equal(2, result.code)
    assert.truthy(result.err:find("x.json is no trace in WfFormat", 1, true), result.err)
  end)

  it("takes traces of older versions", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/old.json", [[{"schemaVersion":"1.3","workflow":{"tasks":[
      {"name":"b:2","parents":["a/1"],"children":[],"runtimeInSeconds":0.002},
      {"name":"a/1","parents":[],"children":["b:2"],"runtime":0.001}]}}]])
    sh.ork({ script, "trace=old.json" }, { cwd = dir, ok = true })
    assert.same({ { task_name = "a_1" }, { task_name = "b_2" } },
      sh.sql(dir .. "/.ork/ork.db", "SELECT task_name FROM tasks WHERE status = 'success' ORDER BY started_at, task_name"))
  end)
end)

describe("the examples of what comes from elsewhere", function()
  local http = require "tests.lib.http"
  after_each(sh.cleanup)

  local function run(name, words, env)
    local dir = sh.tempdir()
    sh.run({ "cp", "-r", examples .. "/.", dir .. "/examples" })
    local result = sh.ork({ "examples/" .. name, table.unpack(words or {}) }, { cwd = dir, env = env })
    return result, dir
  end

  it("secrets.lua shows no secret, and needs one", function()
    local r, dir = run("secrets.lua", {}, { ORK_SECRET_API_TOKEN = "very-secret" })
    assert.equal(0, r.code, r.err)
    assert.equal('{"sent":"Bearer ***"}\n', sh.ork({ "output", "last", "login" }, { cwd = dir }).out)
    r = run("secrets.lua")
    assert.matches("login failed: the secret `API_TOKEN` was not found", r.err)
  end)

  it("artifacts.lua keeps two files", function()
    local r, dir = run("artifacts.lua")
    assert.equal(0, r.code, r.err)
    assert.equal("1\n2\n3\n", sh.ork({ "artifacts", "last", "sorted.txt" }, { cwd = dir }).out)
  end)

  it("http.lua asks a server, and waits for its job", function()
    local r, dir = run("http.lua", { "url=" .. http.start().url })
    assert.equal(0, r.code, r.err)
    assert.matches('^the order is {"answer":{"seen":3,"status":"success"},"job_id":"order",', log_of(dir, "last", "done"))
    assert.equal('it took {"rows":3}\n', log_of(dir, "last", "order"))
  end)
end)
