-- SPDX-License-Identifier: MIT
-- Jobs of other services that tasks leave: followed without a process or a slot, whoever is killed.
local http = require "tests.lib.http"
local sh = require "tests.lib.sh"

describe("a task that leaves jobs", function()
  local dir, server
  before_each(function()
    dir = sh.tempdir()
    server = http.start()
  end)
  after_each(sh.cleanup)

  local function ork(args, env) return sh.ork(args, { cwd = dir, env = env }) end
  local function db() return dir .. "/.ork/ork.db" end

  --- A script whose task `a` leaves these jobs (Lua, `url` is the server's), by a process or a function.
  local function write(jobs, options)
    sh.write(dir .. "/d.lua", ([[
local ork = require "ork"
local w = ork.workflow("d", { params = { url = "str" }, max_parallel = 1 })
local url = w.params.url
local a = w:task("a", { inputs = { url = url }, run = function(input, ctx)
  local url = input.url
  print("left them")
  return %s
end, %s })
w:task("after", { inputs = { jobs = a.output.jobs }, command = "cat $ORK_INPUT_FILE" })
return w
]]):format(jobs, options or ""))
  end
  local function start(...) return sh.spawn_ork({ "d.lua", "url=" .. server.url, ... }, { cwd = dir }) end
  local function run(env, ...) return ork({ "d.lua", "--new", "url=" .. server.url, ... }, env) end
  local function count(path)
    local r = sh.run({ "python3", "-c", "import urllib.request, sys; print(urllib.request.urlopen(sys.argv[1]).read().decode())", server.url .. "/count" },
      { env = { no_proxy = "127.0.0.1" } })
    return sh.json(r.out)[path] or 0
  end

  it("is done when all of them are, and gives them on", function()
    write([[ork.defer.http({ url = url .. "/job/a", job_id = "one" }, { url = url .. "/flaky", job_id = "two" })]])
    local p = start()
    p:wait_line("a +waiting +for 2 jobs of other services$")
    local r = p:wait()
    assert.equal(0, r.code, r.err)
    local out = sh.json(ork({ "output", "last", "a" }).out)
    assert.same({ { service_type = "custom_http", job_id = "one", status = "completed", answer = { status = "success", seen = 3 } },
      { service_type = "custom_http", job_id = "two", status = "completed", answer = { status = "success" } } }, out.jobs)
    assert.equal("left them\n", ork({ "logs", "last", "a" }).out)
    assert.same(out, sh.json(ork({ "logs", "last", "after" }).out))
    local rows = sh.sql(db(), "SELECT job_id, status, finished_at IS NOT NULL AS ended FROM deferred_jobs ORDER BY job_id")
    assert.same({ { job_id = "one", status = "completed", ended = 1 }, { job_id = "two", status = "completed", ended = 1 } }, rows)
  end)

  it("may be a process, of which log and artifacts are kept", function()
    sh.write(dir .. "/d.lua", [[
local ork = require "ork"
local w = ork.workflow("d", { params = { url = "str" } })
w:task("a", { env = { URL = w.params.url }, command = [=[
  echo said; echo kept >$ORK_ARTIFACTS/x
  echo "{\"deferred\":[{\"service_type\":\"custom_http\",\"job_id\":\"j\",\"url\":\"$URL/job/p\",\"status_field\":\"status\"}]}" >$ORK_OUTPUT_FILE]=] })
return w
]])
    local r = run()
    assert.equal(0, r.code, r.err)
    assert.equal("completed", sh.json(ork({ "output", "last", "a" }).out).jobs[1].status)
    assert.equal("said\n", ork({ "logs", "last", "a" }).out)
    assert.equal("kept\n", ork({ "artifacts", "last", "x" }).out)
    assert.same({ { status = "success", exit_code = 0 } }, sh.sql(db(), "SELECT status, exit_code FROM task_attempts"))
  end)

  it("takes no slot meanwhile, and says what it waits for", function()
    write([[ork.defer.http({ url = url .. "/job/never", job_id = "slow" }, { url = url .. "/job/never", job_id = "other" })]])
    sh.write(dir .. "/d.lua", (sh.read(dir .. "/d.lua"):gsub('return w\n$', 'w:task("beside", { command = "true" })\nreturn w\n')))
    local p = start()
    p:wait_line("beside +success")
    sh.wait_until(dir .. "/.ork", function() return ork({ "why", "last" }).out:find("asked 2 times") end)
    assert.matches("a: waits for job `slow` of another service and 1 more; asked %d times", ork({ "why", "last" }).out)
    assert.matches("a +waiting +1 .* waits for job slow and 1 more, asked %d times", ork({ "show", "last" }).out)
    local waits = sh.json(ork({ "show", "last", "a", "--json" }).out).waits
    assert.same({ "custom_http", "slow", 2, "its `status` is `running`; success is `success`" }, { waits["for"], waits.text, waits.jobs, waits.said })
    assert.matches("asked %d times; the last time: its `status` is `running`; success is `success`", ork({ "why", "last" }).out)
    assert.matches("asked %d times; last: its `status` is `running`; success is `success`", ork({ "show", "last", "a" }).out)
    local cancel = ork({ "cancel", "last" })
    assert.equal(0, cancel.code)
    assert.equal("a: job slow and 1 more goes on at its service, where Ork cancels nothing\n", cancel.err)
    assert.equal(1, p:wait().code)
    assert.same({ { status = "cancelled", n = 2 } }, sh.sql(db(), "SELECT status, count(*) AS n FROM deferred_jobs GROUP BY 1"))
  end)

  it("fails when one of them does; the others are given up", function()
    write([[ork.defer.http({ url = url .. "/job/never" }, { url = url .. "/job/fail", job_id = "bad", failure_value = "failure" })]])
    local r = run()
    assert.equal(1, r.code)
    assert.matches("\na failed: job `bad` failed: its status is `failure`\n", r.err)
    assert.equal("remote", sh.json(ork({ "show", "last", "a", "--json" }).out).kind)
    assert.same({ { status = "cancelled" }, { status = "failed" } }, sh.sql(db(), "SELECT status FROM deferred_jobs ORDER BY status"))
    write([[ork.defer.http{ url = url .. "/status/404", job_id = "gone" }]])
    assert.matches("a failed: job `gone` failed: its service answered 404: told so\n", run().err)
  end)

  it("goes on waiting for them when its run moves to another definition", function()
    write([[ork.defer.http({ url = url .. "/job/never", job_id = "slow" })]], 'output_type = "any"')
    local text = sh.read(dir .. "/d.lua")
    sh.write(dir .. "/d.lua", (text:gsub("return w\n", 'w:task("x", { command = "false" })\nreturn w\n')))
    local p = start()
    p:wait_line("run %x+ of d")
    sh.wait_until(dir .. "/.ork", function()
      return #sh.sql(db(), "SELECT 1 FROM deferred_jobs WHERE status IN ('pending', 'polling')") == 1 and
        #sh.sql(db(), "SELECT 1 FROM tasks WHERE status = 'failed'") == 1
    end)
    p:kill()
    sh.write(dir .. "/d.lua", (sh.read(dir .. "/d.lua"):gsub('"false"', '"true"')))
    p = sh.spawn_ork({ "d.lua", "--resume", "-v" }, { cwd = dir })
    p:wait_line("x +success")
    assert.same({ { attempt = 1 } }, sh.sql(db(), "SELECT attempt FROM tasks WHERE task_name = 'a' AND status = 'running'"))
    p:kill()
    sh.write(dir .. "/d.lua", (sh.read(dir .. "/d.lua"):gsub('output_type = "any"', 'output_type = { jobs = "any" }')))
    p = sh.spawn_ork({ "d.lua", "--resume", "-v" }, { cwd = dir }) -- it has changed: it begins anew
    sh.wait_until(dir .. "/.ork", function()
      return #sh.sql(db(), "SELECT 1 FROM deferred_jobs") == 2 and #sh.sql(db(), "SELECT 1 FROM tasks WHERE attempt = 2 AND status = 'running'") == 1
    end)
    assert.same({ { n = 1 } }, sh.sql(db(), "SELECT count(*) AS n FROM deferred_jobs WHERE status = 'cancelled'"))
    assert.equal(0, ork({ "cancel", "last" }).code)
    p:wait(nil, true)
  end)

  it("asks again when there is no answer, until its deferred_timeout", function()
    local jobs = { { "nobody", '"http://127.0.0.1:1/"' }, { "text", 'url .. "/bytes/3"' }, { "busy", 'url .. "/status/503"' },
      { "odd", 'url .. "/job/never", status_field = "state"' } }
    local tasks = {}
    for i, job in ipairs(jobs) do -- at once, and with time for a question: the first one comes after a second
      tasks[i] = ([[w:task(%q, { inputs = { url = w.params.url }, deferred_timeout = "8s", run = function(input)
        local url = input.url
        return ork.defer.http({ url = %s, job_id = %q })
      end })]]):format(job[1], job[2], job[1])
    end
    sh.write(dir .. "/d.lua", ('local ork = require "ork"\nlocal w = ork.workflow("d", { params = { url = "str" } })\n%s\nreturn w\n'):format(
      table.concat(tasks, "\n")))
    local err = run().err
    assert.matches("nobody failed: its jobs took longer than its deferred_timeout %(8s%); job `nobody`: Failed to connect", err)
    assert.equal("timeout", sh.json(ork({ "show", "last", "nobody", "--json" }).out).kind)
    assert.matches("; job `text`: the answer of its service is no JSON object\n", err)
    assert.matches("; job `busy`: its service answered 503: told so\n", err)
    assert.matches("; job `odd`: no field `state` in the answer; did you mean `status`%?\n", err)
  end)

  it("is told what their service says in whole characters, and without secrets that its words would be cut in", function()
    local e = "é"
    local function says(text) return '/says/' .. text:gsub("[^%w]", function(c) return ("%%%02x"):format(c:byte()) end) end
    local answers = { field = ('{"x%s":1}'):format(e:rep(40)), word = ('{"status":"x%s"}'):format(e:rep(150)),
      secret = ('{"status":"%s{token}"}'):format(("y"):rep(190)) }
    local tasks = {}
    for name, answer in pairs(answers) do
      tasks[#tasks + 1] = ([[w:task(%q, { inputs = { url = w.params.url }, deferred_timeout = "8s", run = function(input)
        return ork.defer.http({ url = input.url .. %q, job_id = %q, headers = { ["X-Token"] = { secret = "TOKEN" } } })
      end })]]):format(name, says(answer), "x" .. e:rep(150))
    end
    sh.write(dir .. "/d.lua", ('local ork = require "ork"\nlocal w = ork.workflow("d", { params = { url = "str" } })\n%s\nreturn w\n'):format(
      table.concat(tasks, "\n")))
    local r = run({ ORK_SECRET_TOKEN = "hunter2hunter2" })
    assert.equal(1, r.code, r.err)
    local job = "8s); job `x" .. e:rep(99) .. "`: "
    assert.matches(job .. "no field `status` in the answer; it has x" .. e:rep(29) .. "\n", r.err, 1, true)
    assert.matches(job .. "its `status` is `x" .. e:rep(99) .. "`; success is `success`\n", r.err, 1, true)
    assert.matches(job .. "its `status` is `" .. ("y"):rep(190) .. "***`; success is `success`\n", r.err, 1, true)
    assert.equal("", sh.spawn({ "grep", "-rlaF", "hunter2", ".ork" }, { cwd = dir }):wait().out)
  end)

  it("goes on after kill -9, without running again", function()
    write([[ork.defer.http({ url = url .. "/job/a", job_id = "one" }, { url = url .. "/job/b", job_id = "two" })]])
    local p = start()
    p:wait_line("a +waiting")
    sh.wait_until(dir .. "/.ork", function() return count("/job/a") >= 1 end)
    p:kill()
    assert.same({ { n = 2 } }, sh.sql(db(), "SELECT count(*) AS n FROM deferred_jobs WHERE status IN ('pending', 'polling')"))
    p = start()
    p:wait_line("a +waiting +for ")
    local r = p:wait()
    assert.equal(0, r.code, r.err)
    local shown = sh.json(ork({ "show", "last", "a", "--json" }).out)
    assert.same({ "success", 1, 0 }, { shown.status, shown.attempt, shown.lost or 0 })
    assert.equal("left them\n", ork({ "logs", "last", "a" }).out)
    assert.equal(2, #shown.output.jobs)
  end)

  it("says wherever it is looked for that it cannot be asked, or gives no state", function()
    write([[ork.defer.http({ url = url .. "/job/never", job_id = "one" }, { url = url .. "/job/never", job_id = "two", status_field = "state" })]])
    sh.write(dir .. "/d.lua", (sh.read(dir .. "/d.lua"):gsub('return w\n$', [[
w:task("b", { inputs = { url = url }, run = function(input)
  return ork.defer.http({ url = input.url .. "/job/b", job_id = "three", headers = { A = { secret = "NONE" } } }) end })
return w
]])))
    local p = start()
    p:wait_line("b +waiting")
    local trouble = {
      a = "job two: no field `state` in the answer; did you mean `status`?",
      b = "job three: the secret `NONE` was not found: no ORK_SECRET_NONE in the environment,",
    }
    sh.wait_until(dir .. "/.ork", function() return #sh.json(ork({ "status", "--json" }).out).failing == 2 end)
    local shown, status = ork({ "show", "last" }).out, ork({ "status" }).out
    for name, text in pairs(trouble) do
      assert.matches("\ntrouble: d " .. name .. " waits; " .. text, status, 1, true)
      assert.matches(text:match(": (.*)"), shown, 1, true)
      assert.matches("; last: " .. text:match(": (.*)"), ork({ "logs", "last", name }).err, 1, true)
      assert.matches("; the last time: " .. text:match(": (.*)"), ork({ "why", "last", name }).out, 1, true)
    end
    assert.equal("left them\n", ork({ "logs", "last", "a" }).out)
    local failing = sh.json(ork({ "status", "--json" }).out).failing
    table.sort(failing, function(x, y) return x.task < y.task end)
    assert.same({ "d", "a", "custom_http", "two" }, { failing[1].workflow, failing[1].task, failing[1]["for"], failing[1].job })
    p:signal("sigint")
    p:wait()
    assert.same({}, sh.json(ork({ "status", "--json" }).out).failing)
  end)

  it("refuses a reference in a header, where it is written", function()
    write([[ork.defer.http({ url = url, headers = { Authorization = "Bearer " .. ork.secret("TOKEN") } })]])
    assert.matches('d.lua:7: ork.secret(…) is a reference, which has no value in a function; ' ..
      'call ctx.secret("NAME"), or name it in a header of ork.defer.http: { secret = "NAME" }', run().err, 1, true)
  end)

  it("asks with secrets by name, and is refused when it would store one", function()
    write([[ork.defer.http({ url = url .. "/echo", success_value = "GET", status_field = "method",
      headers = { ["X-Token"] = { text = { "t-", { secret = "TOKEN" } } } } })]])
    local r = run({ ORK_SECRET_TOKEN = "hunter2hunter2" })
    assert.equal(0, r.code, r.err)
    assert.equal("t-***", sh.json(ork({ "output", "last", "a" }).out).jobs[1].answer.token)
    assert.equal("", sh.spawn({ "grep", "-rlaF", "hunter2", ".ork" }, { cwd = dir }):wait().out)
    write([[ork.defer.http({ url = url .. "/echo", headers = { ["X-Token"] = ctx.secret("TOKEN") } })]])
    r = run({ ORK_SECRET_TOKEN = "hunter2hunter2" })
    assert.matches('a failed: deferred: it holds the value of a secret, and would be stored: write {"secret": NAME} in a header instead\n', r.err)
    assert.equal("", sh.spawn({ "grep", "-rlaF", "hunter2", ".ork" }, { cwd = dir }):wait().out)
  end)

  it("is refused when its jobs are none", function()
    local function refused(jobs)
      write("{ deferred = { " .. jobs .. " } }")
      return run().err:match("\na failed: ([^\n]*)")
    end
    assert.equal("deferred[1]: jobs of `bigquery` are not followed by this Ork, which follows `custom_http`",
      refused('{ service_type = "bigquery", job_id = "1", project = "p", location = "EU" }'))
    assert.equal("deferred[1]: there is no service type `carrier_pigeon`; this Ork follows `custom_http`",
      refused('{ service_type = "carrier_pigeon", job_id = "1" }'))
    assert.equal("deferred[2]: `job_id` is missing",
      refused('{ service_type = "custom_http", job_id = "1", url = url }, { service_type = "custom_http", url = url }'))
    assert.equal("deferred[1]: `url` is not a text", refused('{ service_type = "custom_http", job_id = "1", url = 7 }'))
    assert.equal("deferred[1]: `url` begins with http:// or https://", refused('{ service_type = "custom_http", job_id = "1", url = "mock://success" }'))
    assert.equal("deferred[1]: `method` is GET, POST, PUT or DELETE", refused('{ service_type = "custom_http", job_id = "1", url = url, method = "get" }'))
    assert.equal("deferred[1]: `headers` is an object", refused('{ service_type = "custom_http", job_id = "1", url = url, headers = { "a" } }'))
    assert.equal("deferred[1]: it is no object", refused("7"))
    write("{ deferred = ork.list{} }")
    assert.equal(0, run().code)
    assert.equal('{"jobs":[]}\n', ork({ "output", "last", "a" }).out)
  end)

  it("is refused by ork.defer at the line of the call", function()
    local function refused(call)
      write(call)
      return run().err:match("\na failed: d.lua:7: ([^\n]*)")
    end
    assert.equal("ork.defer.bigquery: jobs of `bigquery` are not followed by this Ork, which follows those of ork.defer.http", refused("ork.defer.bigquery{}, nil"))
    assert.equal("ork.defer has no `ftp`; there is http", refused("ork.defer.ftp{}, nil"))
    assert.equal("ork.defer.http wants a table { url, … }", refused("ork.defer.http(), nil"))
    assert.equal("ork.defer.http wants tables { url, … }; number 1 is a string", refused("ork.defer.http('x'), nil"))
    assert.equal("ork.defer.http: `url` is missing", refused("ork.defer.http{}, nil"))
    assert.equal("ork.defer.http has no option `urll`; did you mean `url`?", refused("ork.defer.http{ urll = url }, nil"))
    assert.equal("ork.defer.http: `method` is a number, not a string", refused("ork.defer.http{ url = url, method = 7 }, nil"))
  end)
end)
