-- SPDX-License-Identifier: MIT
-- Artifacts and jobs of other services on PostgreSQL.
local cluster = require "tests.lib.cluster"
local http = require "tests.lib.http"
local sh = require "tests.lib.sh"

describe("on PostgreSQL", function()
  after_each(sh.cleanup)

  it("artifacts and jobs elsewhere are stored with the result, and outlive their scheduler", function()
    if cluster.missing() then return pending(cluster.missing()) end
    local dir, server = sh.tempdir(), cluster.start()
    local url, jobs = server:database("ork"), http.start()
    sh.write(dir .. "/io.lua", [[
local ork = require "ork"
local w = ork.workflow("io", { params = { url = "str" } })
w:task("many", { inputs = { n = ork.each({ 1, 2, 3 }) }, command = { "sh", "-c", "echo $0 >$ORK_ARTIFACTS/n; echo same >$ORK_ARTIFACTS/same", ork.input.n } })
w:task("job", { inputs = { url = w.params.url }, run = function(input)
  return ork.defer.http({ url = input.url .. "/job/a", job_id = "a" }, { url = input.url .. "/job/b", job_id = "b" })
end })
return w
]])
    local words = { "io.lua", "url=" .. jobs.url, "--db", url, "--data", dir .. "/data" }
    local p = sh.spawn_ork(words, { cwd = dir })
    p:wait_line("job +waiting")
    p:kill()
    assert.equal("2", server:psql("ork", "SELECT count(*) FROM deferred_jobs WHERE status IN ('pending', 'polling')"))
    p = sh.spawn_ork({ "serve", "--db", url, "--data", dir .. "/data" }, { cwd = dir }) -- takes it up when the server knows that its owner is gone
    sh.wait_until(dir, function() return server:psql("ork", "SELECT status FROM runs") == "success" end, 60)
    p:signal("sigterm")
    assert.equal(0, p:wait().code)
    assert.equal("completed 2", server:psql("ork", "SELECT status || ' ' || count(*) FROM deferred_jobs GROUP BY status"))
    local list = sh.json(sh.ork({ "artifacts", "last", "--json", "--db", url, "--data", dir .. "/data" }, { cwd = dir, ok = true }).out)
    local names = {}
    for _, one in ipairs(list) do names[#names + 1] = one.task .. " " .. one.name end
    assert.same({ "many/1 n", "many/1 same", "many/2 n", "many/2 same", "many/3 n", "many/3 same" }, names)
    assert.equal("2\n", sh.ork({ "artifacts", "last", "n", "--task", "many/2", "--db", url, "--data", dir .. "/data" }, { cwd = dir }).out)
    assert.equal(0, sh.ork({ "prune", "--keep", "0", "--yes", "--db", url, "--data", dir .. "/data" }, { cwd = dir }).code)
    assert.equal("0", server:psql("ork", "SELECT count(*) FROM artifacts"))
  end)
end)
