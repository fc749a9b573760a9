-- SPDX-License-Identifier: MIT
-- A server whose database goes away at the wrong moment: what it wanted to know or to take is not forgotten.
local cluster = require "tests.lib.cluster"
local proxy = require "tests.lib.proxy"
local serve = require "tests.lib.serve"
local sh = require "tests.lib.sh"

describe("ork serve, when its database goes away", function()
  local dir, server, net, url, p
  after_each(sh.cleanup)

  local function begin()
    dir = sh.tempdir()
    server = cluster.start()
    url = server:database("ork")
    net = proxy.start(server)
    serve.script(dir, "one", {})
    sh.ork({ "apply", "one.lua", "--db", url }, { cwd = dir, ok = true })
    p = serve.start(dir, { "--db", net:url("ork"), "--data", dir .. "/data" }, { env = { ORK_MIN_FREE_MB = "0" } })
  end

  it("takes up a run although nobody told it whether its claim was stored", function()
    if cluster.missing() then return pending(cluster.missing()) end
    begin()
    net:cut_at("commit", "after", true)
    sh.ork({ "trigger", "one", "--db", url }, { cwd = dir, ok = true })
    sh.wait_until(dir, function() return server:psql("ork", "SELECT count(*) FROM runs WHERE scheduler_id IS NOT NULL") == "1" end)
    p:wait_line("runs cannot be claimed") -- the answer is looked for, then it counts as failed
    net:refuse(false)
    p:wait_line("run ended .* status=success")
    serve.stop(p)
  end)

  --- Before the claim: whose its tasks are; after it: what the run is. Neither can be read then.
  for _, query in ipairs({ "snapshot_inline", "tasks_load" }) do
    it("takes up a run whose " .. query .. " could not be read", function()
      if cluster.missing() then return pending(cluster.missing()) end
      begin()
      net:cut_at(query, "before", true)
      sh.ork({ "trigger", "one", "--db", url }, { cwd = dir, ok = true })
      sh.wait_until(dir, function() return net.refusals > 0 end)
      net:refuse(false)
      p:wait_line("run ended .* status=success")
      serve.stop(p)
      assert.is_nil(p.err:find("is not taken up", 1, true), p.err)
    end)
  end

  it("takes up what was triggered while it could not hear", function()
    if cluster.missing() then return pending(cluster.missing()) end
    begin()
    net:refuse(true)
    net:cut()
    sh.ork({ "trigger", "one", "--db", url }, { cwd = dir, ok = true })
    net:refuse(false)
    p:wait_line("run ended .* status=success")
    serve.stop(p)
  end)
end)
