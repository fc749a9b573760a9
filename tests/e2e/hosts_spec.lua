-- SPDX-License-Identifier: MIT
-- Servers on several hosts and one database (each calls itself a host by ORK_HOST): who goes on with a run whose processes may live.
local cluster = require "tests.lib.cluster"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

describe("servers on two hosts", function()
  local dir, server, url
  after_each(sh.cleanup)

  local function begin()
    dir = sh.tempdir()
    server = cluster.start()
    url = server:database("ork")
    sh.write(dir .. "/long.lua", [[
      local ork = require "ork"
      local w = ork.workflow("long")
      local a = w:task("a", { command = "echo x >>ran; echo $$ >pid; until test -e go; do sleep 0.05; done" })
      w:task("b", { command = "true", depends_on = a })
      local outer = ork.workflow("outer")
      outer:task("all", { workflow = w })
      return w, outer]])
    sh.ork({ "apply", "long.lua", "--db", url }, { cwd = dir, ok = true })
  end

  local function on(host, grace)
    return serve.start(dir, { "--db", url, "--data", dir .. "/" .. host },
      { env = { ORK_HOST = host, ORK_HOST_GRACE = grace, ORK_AGENT_LINGER_MS = "300", ORK_MIN_FREE_MB = "0" } })
  end

  --- A run whose process lives on host one, the server of which is gone.
  local function left(grace, signal, workflow)
    begin()
    local one = on("one", grace)
    sh.ork({ "trigger", workflow or "long", "--db", url }, { cwd = dir, ok = true })
    sh.wait_file(dir .. "/pid")
    local two = on("two", grace)
    -- the server must be ten seconds old before anybody is declared dead
    server:psql("ork", "SELECT pg_sleep(extract(epoch FROM pg_postmaster_start_time() + interval '10.1 s' - clock_timestamp()))")
    one:signal(signal)
    one:wait(nil, true)
    return two
  end

  it("keeps the run of a killed server until one of its host is back", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local two = left("1h", "sigkill")
    two:wait_line("run waits for its host run=%S+ host=one")
    local one = on("one", "1h")
    one:wait_line("run taken up .* workflow=long status=running")
    sh.write(dir .. "/go", "")
    one:wait_line("run ended .* status=success")
    assert.equal("x\n", sh.read(dir .. "/ran"))
    assert.equal("1|1", server:psql("ork", "SELECT count(*), max(attempt) FROM tasks WHERE task_name = 'a' AND status = 'success'"))
    serve.stop(one)
    serve.stop(two)
  end)

  it("keeps the run of one that ended by SIGTERM, too", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local two = left("1h", "sigterm")
    two:wait_line("run waits for its host run=%S+ host=one")
    local one = on("one", "1h")
    sh.write(dir .. "/go", "")
    one:wait_line("run ended .* status=success")
    assert.equal("x\n", sh.read(dir .. "/ran"))
    serve.stop(one)
    serve.stop(two)
  end)

  it("keeps a run together with those of its tasks", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local two = left("1h", "sigterm", "outer")
    two:wait_line("run waits for its host run=%S+ host=one") -- it has no process itself
    local one = on("one", "1h")
    one:wait_line("run taken up .* workflow=outer status=running")
    sh.write(dir .. "/go", "")
    one:wait_line("run ended .* workflow=outer status=success")
    assert.equal("x\n", sh.read(dir .. "/ran"))
    assert.equal("2", server:psql("ork", "SELECT count(*) FROM runs"))
    serve.stop(one)
    serve.stop(two)
  end)

  it("takes up on another host what nobody serves any more", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local two = left("8s", "sigkill")
    two:wait_line("run waits for its host run=%S+ host=one")
    two:wait_line("run taken up .* workflow=long status=running")
    sh.wait_until(dir, function() return sh.read(dir .. "/ran") == "x\nx\n" end) -- this is the price
    sh.write(dir .. "/go", "")
    two:wait_line("run ended .* status=success")
    assert.equal("lost|success", server:psql("ork", [[SELECT string_agg(coalesce(a.kind, a.status), '|' ORDER BY a.attempt)
      FROM task_attempts a JOIN tasks t ON t.id = a.task_id WHERE t.task_name = 'a']]))
    serve.stop(two)
  end)
end)
