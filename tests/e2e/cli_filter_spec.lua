-- SPDX-License-Identifier: MIT
-- Commands for many runs at once: what a filter means, what is shown and asked, and what is told of each.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local ork = require "ork"
local function workflow(name)
  local w = ork.workflow(name)
  w:task("work", { command = "test -e fine-" .. name })
  return w
end
return { workflow("alpha"), workflow("beta") }
]]

local WAITING = [[
local ork = require "ork"
local w = ork.workflow("waiting")
w:task("first", { command = "touch started.$PPID.$$; read x < fifo" })
return w
]]

describe("runs by filter", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/w.lua", SCRIPT)
    sh.write(dir .. "/waiting.lua", WAITING)
    sh.run({ "mkfifo", "fifo" }, { cwd = dir })
  end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function statuses(workflow)
    local list = {}
    for i, run in ipairs(sh.json(ork("runs", workflow, "--json").out)) do list[i] = run.status end
    return list
  end

  it("wants runs or a filter, not both and not neither", function()
    for _, command in ipairs({ "cancel", "pause", "resume", "retry" }) do
      ork("w.lua", "alpha")
      local r = ork(command)
      assert.equal(2, r.code)
      assert.matches("which runs? ork " .. command .. " RUN..., or --workflow NAME", r.err, 1, true)
      r = ork(command, "last", "--since", "1d")
      assert.equal(2, r.code)
      assert.matches("not both", r.err, 1, true)
    end
  end)

  it("retries all that failed of one workflow", function()
    for _, name in ipairs({ "alpha", "alpha", "beta" }) do assert.equal(1, ork("w.lua", name, "--new").code) end
    sh.write(dir .. "/fine-alpha", "")
    sh.write(dir .. "/fine-beta", "")
    local r = ork("retry", "--workflow", "alpha")
    assert.equal(2, r.code)
    assert.matches("RUN +WORKFLOW +STATUS +CREATED\n%x+ +alpha +failed", r.err)
    assert.matches("retry these 2 runs? There is no terminal to ask on: add --yes", r.err, 1, true)
    assert.same({ "failed", "failed" }, statuses("alpha"))
    r = ork("retry", "--workflow", "alpha", "--yes")
    assert.equal(0, r.code, r.err)
    assert.same({ "success", "success" }, statuses("alpha"))
    assert.same({ "failed" }, statuses("beta"))
    r = ork("retry", "--workflow", "alpha", "--yes")
    assert.same({ 0, "no such runs, nothing to retry\n" }, { r.code, r.err })
  end)

  it("tells each run's end and leaves with the worst code", function()
    for _, name in ipairs({ "alpha", "beta", "beta" }) do ork("w.lua", name, "--new") end
    sh.write(dir .. "/fine-alpha", "")
    local r = ork("retry", "--since", "1h", "--yes", "--json")
    assert.equal(1, r.code, r.err)
    local outcomes = {}
    for i, each in ipairs(sh.json(r.out)) do outcomes[i] = each.workflow .. " " .. each.outcome end
    assert.same({ "beta failed", "beta failed", "alpha success" }, outcomes)
    r = ork("cancel", "alpha", "beta")
    assert.equal(2, r.code)
    assert.matches("alpha: too late: the run had ended (success)", r.out, 1, true)
    assert.matches("beta: too late: the run had ended (failed)", r.out, 1, true)
    r = ork("cancel", "--status", "failed", "--yes", "--json")
    assert.equal(2, r.code)
    assert.equal("refused", sh.json(r.out)[2].outcome)
  end)

  it("cancels what is unfinished, whoever carries it out", function()
    local one, two = sh.spawn_ork({ "waiting.lua", "--new" }, { cwd = dir }), sh.spawn_ork({ "waiting.lua", "--new" }, { cwd = dir })
    one:wait_line("first +running")
    two:wait_line("first +running")
    two:kill()
    ork("w.lua", "alpha")
    local r = ork("cancel", "--workflow", "waiting", "-y")
    assert.equal(0, r.code, r.err)
    assert.matches("waiting: cancelling\n", r.out, 1, true)
    assert.matches("waiting: cancelled\n", r.out, 1, true)
    assert.equal(1, one:wait().code)
    assert.same({ "cancelled", "cancelled" }, statuses("waiting"))
    assert.same({ "failed" }, statuses("alpha"))
  end)

  it("pauses and resumes by filter", function()
    local p = sh.spawn_ork({ "waiting.lua" }, { cwd = dir })
    p:wait_line("first +running")
    assert.matches("waiting: pausing", ork("pause", "--workflow", "waiting", "-y").out, 1, true)
    sh.wait_until(dir .. "/.ork", function() return statuses("waiting")[1] == "paused" end)
    assert.matches("waiting: resuming", ork("resume", "--status", "paused", "-y").out, 1, true)
    sh.run({ "sh", "-c", "echo > fifo" }, { cwd = dir })
    assert.equal(0, p:wait().code)
  end)

  it("asks on a terminal", function()
    ork("w.lua", "alpha")
    local t = pty.open{ sh.ork_path(), "retry", "--workflow", "alpha", cwd = dir }
    t:expect("retry this run%? %[y/N%] ")
    t:send("\n")
    assert.equal(1, (t:wait()))
    assert.matches("nothing was changed", t:text(), 1, true)
    sh.write(dir .. "/fine-alpha", "")
    t = pty.open{ sh.ork_path(), "retry", "--workflow", "alpha", cwd = dir }
    t:expect("%[y/N%] ")
    t:send("yes\n")
    assert.equal(0, (t:wait()))
    assert.same({ "success" }, statuses("alpha"))
  end)

  it("counts very many page by page", function()
    ork("w.lua", "alpha")
    sh.sql(dir .. "/.ork/ork.db", [[
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
      INSERT INTO runs (id, workflow_id, status, created_at)
      SELECT randomblob(16), (SELECT id FROM workflows WHERE name = 'alpha'), 'failed',
             strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || (i / 3) || ' minutes') FROM n]])
    local r = ork("retry", "--workflow", "alpha")
    assert.equal(2, r.code)
    assert.matches("… and 2491 more", r.err, 1, true)
    assert.matches("these 2501 runs", r.err, 1, true)
    r = ork("retry", "--workflow", "alpha", "--since", "90s")
    assert.matches("these %d runs", r.err)
  end)

  it("refuses a workflow that there is not, and one without such runs it does not", function()
    ork("w.lua", "alpha")
    for _, words in ipairs({ { "cancel", "-y" }, { "retry", "-y" }, { "prune", "--keep", "3", "-y" } }) do
      local r = ork(table.unpack(table.move({ "--workflow", "alhpa" }, 1, 2, #words + 1, { table.unpack(words) })))
      assert.same({ 4, "ork: no workflow `alhpa`; did you mean `alpha`?\n" }, { r.code, r.err })
      r = ork(table.unpack(table.move({ "--workflow", "zzzzzzzz" }, 1, 2, #words + 1, { table.unpack(words) })))
      assert.same({ 4, "ork: no workflow `zzzzzzzz`; `ork workflows` lists them\n" }, { r.code, r.err })
    end
    local r = ork("cancel", "--workflow", "alpha", "-y")
    assert.same({ 0, "no such runs, nothing to cancel\n" }, { r.code, r.err })
  end)
end)
