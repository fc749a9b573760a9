-- SPDX-License-Identifier: MIT
-- The live view of `ork SCRIPT`, on a pseudo-terminal.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

-- tasks that end when they can read a line from the fifo `gate`, one that fails at once, one at the end
local GATED = [[
local ork = require "ork"
local w = ork.workflow("gated")
local all = {}
for i = 1, 3 do all[i] = w:task("part_" .. i, { command = "read x <gate" }) end
w:task("quick", { command = { "true" } })
w:task("broken", { command = "echo oh no; exit 3" })
w:task("last", { command = { "true" }, depends_on = all })
return w
]]

describe("the live view", function()
  local dir, gate
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/gated.lua", GATED)
    assert.equal(0, sh.run({ "mkfifo", dir .. "/gate" }).code)
  end)
  after_each(function()
    if gate then gate:close() end
    gate = nil
    sh.cleanup()
  end)

  --- Starts `ork words…` on a terminal.
  local function open(words, opts)
    opts = opts or {}
    return pty.open({ sh.ork_path(), cols = opts.cols, rows = opts.rows, env = opts.env, cwd = dir, reflow = opts.reflow,
      table.unpack(words) })
  end

  --- Lets all tasks at the gate go, those that come to it later too.
  local function open_gate()
    gate = assert(io.open(dir .. "/gate", "r+"))
    gate:write(("go\n"):rep(20)):flush()
  end

  --- Lines of a list that match.
  local function matching(lines, pattern)
    local found = {}
    for _, line in ipairs(lines) do
      if line:find(pattern) then found[#found + 1] = line end
    end
    return found
  end

  --- No line of the block is left, the cursor was never hidden.
  local function assert_clean(t)
    assert.same({}, matching(t:history(), "waiting"))
    assert.same({}, matching(t:history(), "^  part_"))
    assert.is_nil(t:text():find("\27[?", 1, true), "no mode of the terminal is changed")
    assert.equal(1, t.view.col)
  end

  it("shows what runs, keeps what failed, and leaves one final state", function()
    local t = open({ "gated.lua", "-j8" })
    t:expect_line("gated .* 2/6  1 failed, 3 running, 1 waiting  %d+s")
    local shown = t:screen()
    assert.same({ "part_1", "part_2", "part_3" }, { shown[#shown - 3]:match("part_%d"), shown[#shown - 2]:match("part_%d"),
      shown[#shown - 1]:match("part_%d") })
    assert.equal(1, #matching(shown, "^%d%d:%d%d:%d%d  broken    failed  .* exit code 3$"))
    open_gate()
    assert.equal(1, (t:wait()))
    assert_clean(t)
    local history = t:history()
    assert.matches("^failed: gated, 1 failed, 5 success in", history[#history])
    assert.equal(5, #matching(history, "^%d%d:%d%d:%d%d  %S+ +success"))
    assert.equal(1, #matching(history, "^broken failed: exit code 3$"))
  end)

  it("counts the seconds while nothing else happens", function()
    local t = open({ "gated.lua", "-j8" })
    local first = tonumber(t:expect_line("part_1 +[1-9]%d*s$"):match("(%d+)s$"))
    t:await(function()
      for _, line in ipairs(t:screen()) do
        local seconds = tonumber(line:match("part_1 +(%d+)s$"))
        if seconds and seconds > first then return true end
      end
    end, nil, "the time stands still")
    open_gate()
    t:wait()
    assert_clean(t)
  end)

  it("fits 20 columns and 5 rows", function()
    local t = open({ "gated.lua", "-j8" }, { cols = 20, rows = 5 })
    t:expect_line("^2/6  1 failed  +%d+s$")
    for _, line in ipairs(t:screen()) do assert.is_true(#line <= 20, line) end
    t:expect_line("^part_2 +[1-9]%d*s$")
    open_gate()
    t:wait()
    assert.same({}, matching(t:history(), "^part_%d +%d+s"))
    assert.same({}, matching(t:history(), "^%d/6"))
  end)

  for name, env in pairs({ dumb = { TERM = "dumb" }, unset = { TERM = false } }) do
    it("is plain lines where TERM is " .. name, function()
      local t = open({ "gated.lua", "-j8" }, { env = env })
      t:expect("part_3    running")
      open_gate()
      assert.equal(1, (t:wait()))
      assert.is_nil(t:text():find("\27", 1, true))
      assert.matches("last      running", t:text(), 1, true)
    end)
  end

  it("has no colours under NO_COLOR", function()
    local t = open({ "gated.lua", "-j8" }, { env = { NO_COLOR = "1" } })
    t:expect_line("1 failed, 3 running")
    open_gate()
    t:wait()
    assert.is_nil(t:text():find("\27%[[%d;]*m"))
    assert_clean(t)
  end)

  it("says nothing under --quiet, and leaves stdout alone under --json", function()
    sh.write(dir .. "/fine.lua", 'local w = require("ork").workflow("fine") w:task("t", { command = "read x <gate" }) return w')
    local t = open({ "fine.lua", "--quiet" })
    sh.wait_file(dir .. "/.ork/ork.db")
    open_gate()
    assert.same({ 0, 0 }, { t:wait() })
    assert.equal("", t:text())
    gate:close() -- with what is left in it
    gate = nil
    t = pty.open{ "sh", "-c", sh.ork_path() .. " fine.lua --json >out", cwd = dir }
    t:expect_line("fine .* 0/1  1 running")
    open_gate()
    assert.equal(0, (t:wait()))
    assert.equal("success", sh.json(sh.read(dir .. "/out")).status)
    assert_clean(t)
  end)

  it("follows the size of the window", function()
    local t = open({ "gated.lua", "-j8" }, { cols = 100 })
    t:expect_line("gated .* 2/6  1 failed")
    t:resize(40, 12)
    t:expect_line("^gated  2/6  1 failed, 3 running  %d+s$")
    assert.equal(1, #matching(t:screen(), "part_1"))
    t:resize(24, 12)
    t:expect_line("^2/6  1 failed  +%d+s$")
    t:resize(90, 20)
    t:expect_line("gated .* 2/6  1 failed, 3 running, 1 waiting")
    assert.equal(1, #matching(t:screen(), "part_1"))
    open_gate()
    t:wait()
    assert_clean(t)
  end)

  it("goes before Ctrl-Z and comes back with fg", function()
    local t = pty.open{ "bash", "--norc", "-i", cwd = dir, env = { PS1 = "prompt> ", HISTFILE = "" } }
    t:send(sh.ork_path() .. " gated.lua -j8\r")
    t:expect_line("1 failed, 3 running")
    t:send("\26")
    t:expect("Stopped")
    assert.same({}, matching(t:screen(), "3 running"))
    t:send("fg\r")
    t:expect_line("1 failed, 3 running")
    t:send("\26")
    t:expect("Stopped")
    t:send("bg\r") -- in the background it tells only what stays
    t:expect("&\r\n")
    open_gate()
    t:expect("last      \27[32msuccess")
    t:expect("failed\27[0m: gated")
    t:send("exit\r")
    t:wait()
    assert.same({}, matching(t:history(), "running, 1 waiting"))
  end)

  it("is left cleanly by Ctrl-C, which cancels", function()
    local t = open({ "gated.lua", "-j8" })
    t:expect_line("1 failed, 3 running")
    t:send("\3")
    assert.equal(130, (t:wait()))
    assert_clean(t)
    assert.equal(1, #matching(t:history(), "^cancelling; once more kills"))
    assert.matches("^cancelled: gated, 1 failed, 4 cancelled, 1 success", t:history()[#t:history()])
  end)

  it("goes on without its terminal", function()
    local t = open({ "gated.lua", "-j8" })
    t:expect_line("1 failed, 3 running")
    t:hangup()
    open_gate()
    assert.equal(1, (t:wait()))
    local run = sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1]
    assert.same({ "failed", 5 }, { run.status, run.counts.success })
  end)

  it("does not wait for a terminal that takes nothing", function()
    local t = open({ "gated.lua", "-j8" })
    t:expect_line("1 failed, 3 running")
    t:send("\19") -- Ctrl-S
    open_gate()
    sh.wait_until(dir .. "/.ork", function()
      return sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].status == "failed"
    end)
    assert.equal(1, #matching(t:screen(true), "1 failed, 3 running"), "nothing was drawn")
    t:send("\17") -- Ctrl-Q
    assert.equal(1, (t:wait()))
    assert_clean(t)
    assert.equal(5, #matching(t:history(), "^%d%d:%d%d:%d%d  %S+ +success"))
  end)

  -- `bad` fails without the file `fine`; with it, it waits at the gate
  local AGAIN = [[
    local ork = require "ork"
    local w = ork.workflow("again")
    local good = w:task("good", { command = { "true" } })
    local bad = w:task("bad", { command = "[ -e fine ] || exit 3; read x <gate", depends_on = good })
    w:task("after", { command = { "true" }, depends_on = bad })
    return w
  ]]

  it("is the same for retry and rerun, which begin in the middle", function()
    sh.write(dir .. "/again.lua", AGAIN)
    assert.equal(1, sh.ork({ "again.lua" }, { cwd = dir }).code)
    sh.write(dir .. "/fine", "")
    local t = open({ "retry", "last" })
    t:expect_line("^  bad +%d+s  attempt 2$")
    t:expect_line("^again .* 1/3  1 running, 1 waiting  +%d+s$")
    open_gate()
    assert.equal(0, (t:wait()))
    assert_clean(t)
    gate:close()
    gate = nil
    t = open({ "rerun", "last", "--from", "bad" })
    t:expect_line("^  bad +%d+s$")
    t:expect_line("^again .* 1/3  1 running, 1 waiting  +%d+s$")
    open_gate()
    assert.equal(0, (t:wait()))
    assert_clean(t)
  end)

  it("shows what was found running", function()
    sh.write(dir .. "/again.lua", AGAIN)
    sh.write(dir .. "/fine", "")
    local t = open({ "again.lua" })
    t:expect_line("^  bad +%d+s$")
    t:signal("kill")
    t:wait()
    t = open({ "again.lua" })
    t:expect_line("^%d%d:%d%d:%d%d  bad +running +found running$")
    t:expect_line("^  bad +%d+s$")
    t:expect_line("^again .* 1/3  1 running, 1 waiting  +%d+s$")
    open_gate()
    assert.equal(0, (t:wait()))
    assert_clean(t)
  end)

  it("shows one run after the other, and is not loaded where there is no terminal", function()
    sh.write(dir .. "/two.lua", [[
      local ork = require "ork"
      local list = {}
      for i = 1, 2 do
        list[i] = ork.workflow("w" .. i)
        list[i]:task("t" .. i, { command = "read x <gate" })
      end
      return table.unpack(list)
    ]])
    local t = open({ "two.lua", "--all" })
    t:expect_line("^w1 .* 0/1  1 running")
    open_gate()
    t:expect("w1, 1 task")
    assert.equal(0, (t:wait()))
    assert_clean(t)
    sh.write(dir .. "/loaded.lua", [[
      local w = require("ork").workflow("loaded")
      w:task("t", { command = { "true" } })
      w:run()
      print("live", package.loaded["ork.cli.live"], package.loaded["ork.cli.block"], package.loaded["ork.cli.feed"])
    ]])
    assert.matches("live\tnil\tnil\tnil\n", sh.ork({ "loaded.lua" }, { cwd = dir, ok = true }).err, 1, true)
    t = open({ "loaded.lua" })
    t:expect("live\ttable")
    t:wait()
  end)

  it("is drawn on a terminal of another session too", function()
    local t = pty.open{ "sh", "-c", "setsid -w " .. sh.ork_path() .. " gated.lua -j8", cwd = dir }
    t:expect_line("gated .* 2/6  1 failed, 3 running, 1 waiting")
    open_gate()
    assert.equal(1, (t:wait()))
    assert_clean(t)
  end)

  it("puts what the script prints above itself", function()
    sh.write(dir .. "/print.lua", [[
      local ork = require "ork"
      local w = ork.workflow("printing")
      w:task("t", { command = "read x <gate" })
      print("before")
      local run = w:start()
      print("started")
      io.stderr:write("straight\n")
      run:wait()
      print("after " .. run.status)
    ]])
    local t = open({ "print.lua" })
    t:expect_line("printing .* 0/1  1 running")
    open_gate()
    assert.equal(0, (t:wait()))
    local words = {}
    for _, line in ipairs(t:history()) do words[#words + 1] = line:match("^(%l+)") or nil end
    assert.same({ "before", "created", "run", "started", "straight", "success", "after" }, words)
    assert_clean(t)
  end)

  it("puts what functions print above itself", function()
    sh.write(dir .. "/inline.lua", [[
      local ork = require "ork"
      local w = ork.workflow("inline")
      local gate = w:task("gate", { command = "read x <gate" })
      w:task("f", { executor = "inline", run = function(_, ctx)
        print("one", 1)
        for i = 1, 3 do
          io.write("part ", i, " ")
          ctx.sleep("120ms")
        end
        io.write("\n")
        io.stderr:write("straight\n")
        print("two")
      end })
      return w
    ]])
    local t = open({ "inline.lua" })
    t:expect_line("^%d%d:%d%d:%d%d  f +success")
    t:expect_line("inline .* 1/2  1 running")
    open_gate()
    assert.equal(0, (t:wait()))
    local said = {}
    for _, line in ipairs(t:history()) do
      if not line:find("^%d%d:") and not line:find("run ") then said[#said + 1] = line end
    end
    assert.same({ "created .ork/ork.db", "one     1", "part 1 part 2 part 3", "straight", "two" }, { table.unpack(said, 1, 5) })
    assert_clean(t)
  end)

  it("puts what the engine says above itself", function()
    local agent = dir .. "/an-agent"
    sh.run({ "cp", os.getenv("ORK_AGENT"), agent })
    local t = open({ "gated.lua", "-j8" }, { env = { ORK_AGENT = agent }, cols = 250 })
    t:expect_line("1 failed, 3 running")
    os.rename(agent, agent .. ".away") -- so that it cannot be started again
    for _, pid in ipairs(sh.processes(dir)) do
      local exe = io.popen("readlink /proc/" .. pid .. "/exe"):read("l") or ""
      if exe:find("an-agent", 1, true) then sh.run({ "kill", "-KILL", tostring(pid) }) end
    end
    t:expect("trying again")
    t:resize(240, 24) -- draws once more
    t:expect_line("^gated ")
    os.rename(agent .. ".away", agent)
    open_gate()
    assert.equal(1, (t:wait()))
    assert_clean(t)
    assert.is_true(#matching(t:history(), "^error .*trying again$") >= 1)
  end)

  it("folds what does not fit", function()
    sh.write(dir .. "/wide.lua", [[
      local ork = require "ork"
      local w = ork.workflow("wide")
      for _, stem in ipairs({ "alpha", "beta" }) do
        for i = 1, 20 do w:task(stem .. "_" .. i, { command = "read x <gate" }) end
      end
      for c in ("abcdefghijklmnop"):gmatch(".") do
        w:task(("a_very_long_name_"):rep(6) .. c, { command = "read x <gate" })
      end
      return w
    ]])
    local t = open({ "wide.lua", "-j60" }, { rows = 12 })
    t:expect_line("wide .* 0/56  56 running")
    t:expect_line("^  alpha_%* %(20%)  +%d+s$")
    t:expect_line("^  beta_%* %(20%)  +%d+s$")
    t:expect_line("^  a_very_long_name_a_.*….*_%* %(16%)  +%d+s$")
    assert.is_true(#t:screen() <= 12)
    t:send("\3")
    t:wait()
  end)
end)
