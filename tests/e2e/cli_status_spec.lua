-- SPDX-License-Identifier: MIT
-- The first look in the morning: `status`, `runs`, `show`, `why`, `output`, from anywhere, on any terminal.
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

local NIGHTLY = [[
local ork = require "ork"
local w = ork.workflow("nightly")
local fetch = w:task("fetch", {
  command = [=[printf '{"rows":3,"dir":"x","none":null,"big":9007199254740993,"f":1.0,"list":[]}' >"$ORK_OUTPUT_FILE"]=],
})
local load = w:task("load", { command = "printf 'cannot load \\033[2J \\342\\200\\256\\n'; exit 9", depends_on = fetch })
w:task("report", { command = { "true" }, depends_on = load })
w:task("quiet", { command = { "true" } })
return w
]]

-- waits for a line from the fifo `gate`; `later` waits for it
local GATED = [[
local ork = require "ork"
local w = ork.workflow("gated")
local first = w:task("first", { command = "read x <gate" })
w:task("later", { command = { "true" }, depends_on = first })
return w
]]

describe("the state of things", function()
  local dir, below
  before_each(function()
    dir = sh.tempdir()
    below = dir .. "/some/where"
    sh.run({ "mkdir", "-p", below })
    sh.write(dir .. "/nightly.lua", NIGHTLY)
    sh.write(dir .. "/gated.lua", GATED)
    sh.run({ "mkfifo", dir .. "/gate" })
  end)
  after_each(sh.cleanup)

  local function ork(words, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    return sh.ork(words, opts)
  end

  it("leads from anywhere to last night's failure, and to its reason", function()
    assert.equal(1, ork({ "nightly.lua" }).code)
    local r = ork({ "status" }, { cwd = below, ok = true })
    assert.matches("since yesterday  1 failed, 0 succeeded\n", r.out, 1, true)
    local id = r.out:match("\n  (%x+)  %d+%-%d+%-%d+ %d+:%d+:%d+  nightly  1 of 4 tasks failed: load\n")
    assert.is_truthy(id, r.out)
    assert.matches("why: ork show " .. id, r.out, 1, true)
    assert.matches("\nload +failed +1 +[%d.]+m?s +exit code 9\n", ork({ "show", id }, { cwd = below, ok = true }).out)
    r = ork({ "logs", id }, { cwd = below, ok = true })
    assert.matches("cannot load \\", r.out, 1, true)
    assert.is_nil(r.out:find("\27", 1, true))
    assert.matches("report: skipped: `load` failed", ork({ "why", id, "report" }, { cwd = below, ok = true }).out, 1, true)
    assert.matches("^RUN .*\n" .. id .. "  nightly   failed", ork({ "runs", "--status", "failed", "--since", "1d" }, { cwd = below }).out)
  end)

  it("names what a killed program left, which is no damage", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    p:kill()
    local id = sh.json(ork({ "runs", "--json" }).out)[1].id:sub(-8)
    assert.matches("unowned +1 run that nobody carries out any more   %(go on: ork resume " .. id .. "%)\n", ork({ "status" }).out)
    local r = ork({ "db", "check" })
    assert.equal(0, r.code, r.out)
    assert.matches("^no damage found\nrun " .. id .. " is running and its owner is gone %(process %d+ on .-%)\n"
      .. "  %-> `ork resume RUN` goes on with it, `ork cancel RUN` ends it\n$", r.out)
    local document = sh.json(ork({ "db", "check", "--json" }).out)
    assert.same({ true, 0, 1 }, { document.ok, #document.problems, #document.notes })
    assert.equal(0, ork({ "cancel", id:sub(1, 4) }).code)
    sh.sql(dir .. "/.ork/ork.db", "UPDATE runs SET status = 'success'")
    assert.equal(3, ork({ "db", "check" }).code)
  end)

  it("finds a run by the beginning of what is shown of its id", function()
    ork({ "nightly.lua" })
    ork({ "nightly.lua", "--new" })
    local ids = {}
    for i, run in ipairs(sh.json(ork({ "runs", "--json" }).out)) do ids[i] = run.id:gsub("-", "") end
    for _, id in ipairs(ids) do
      for n = 4, 8 do assert.equal(id, (sh.json(ork({ "show", id:sub(25, 24 + n), "--json" }, { ok = true }).out).id:gsub("-", ""))) end
    end
    local low = ids[2]:sub(1, 24) .. ids[1]:sub(25, 28) .. "0000"
    sh.sql(dir .. "/.ork/ork.db", "PRAGMA foreign_keys = off; UPDATE runs SET id = x'" .. low .. "' WHERE hex(id) = upper('" .. ids[2] .. "')")
    local r = ork({ "show", ids[1]:sub(25, 28) })
    assert.equal(2, r.code, r.err)
    assert.matches("matches more than one run: ", r.err, 1, true)
    assert.matches(ids[1]:sub(25), r.err, 1, true)
    assert.matches(ids[1]:sub(25, 28) .. "0000", r.err, 1, true)
    assert.equal(4, ork({ "show", "nosuch" }).code)
  end)

  it("takes days by name where times are", function()
    ork({ "nightly.lua" })
    for _, day in ipairs({ "today", "yesterday" }) do
      assert.equal(1, #sh.json(ork({ "runs", "--since", day, "--json" }, { ok = true }).out))
      assert.equal(0, ork({ "status", "--since", day }).code)
    end
    assert.equal(0, #sh.json(ork({ "runs", "--since", "tomorrow", "--json" }, { ok = true }).out))
    assert.matches("--since is a time like 2026-11-01 or yesterday", ork({ "runs", "--since", "yesteryear" }).err, 1, true)
  end)

  it("says that a task was cancelled while it waited, and why one is not retried", function()
    sh.write(dir .. "/waits.lua", [[
      local w = require("ork").workflow("waits")
      w:task("waits", { command = { "false" }, retries = { limit = 2, delay = "1h" } })
      return w]])
    local p = sh.spawn_ork({ "waits.lua" }, { cwd = dir })
    p:wait_line("waits +failed .*again in")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.matches("\nwaits +cancelled +1 .* cancelled before attempt 2\n", ork({ "tasks", "last" }, { ok = true }).out)
    sh.write(dir .. "/waits.lua", [[
      local w = require("ork").workflow("mute")
      w:task("mute", { command = { "true" }, output_type = { n = "int" }, retries = 2 })
      return w]])
    assert.matches("mute failed (attempt 1; not retried: kind output): it declares", ork({ "waits.lua" }).err, 1, true)
  end)

  it("aligns the progress of what is gone on with", function()
    sh.write(dir .. "/long.lua", [[
      local w = require("ork").workflow("long")
      local long = w:task("a_rather_long_name", { command = "test -e ok" })
      w:task("short", { command = "true", depends_on = long })
      return w]])
    local function starts(r)
      local columns = {}
      for line in r.err:gmatch("[^\n]+") do
        local at = line:match("^%d%d:%d%d:%d%d  [%w_]+ +()running")
        if at then columns[#columns + 1] = at end
      end
      return columns
    end
    ork({ "long.lua" })
    sh.write(dir .. "/ok", "")
    local wide = #"00:00:00  a_rather_long_name  " + 1
    assert.same({ wide, wide }, starts(ork({ "retry", "last" })))
    assert.same({ wide, wide }, starts(ork({ "rerun", "last" })))
  end)

  it("lists items by status as they are, however few are asked for", function()
    sh.write(dir .. "/items.lua", [[
local ork = require "ork"
local w = ork.workflow("w", {})
w:task("a", { inputs = { n = ork.each({ 1, 2, 3, 4, 5, 6 }, { max_parallel = 1 }) },
  command = { "sh", "-c", "test $0 != 4 || read x <gate", ork.input.n } })
return w
]])
    local p = sh.spawn_ork({ "items.lua", "--verbose" }, { cwd = dir })
    p:wait_line("a/4 +running")
    for n, wanted in pairs({ ["1"] = "a/5", ["2"] = "a/5 a/6", ["9"] = "a/5 a/6" }) do
      local names = {}
      for i, item in ipairs(sh.json(ork({ "tasks", "last", "a", "--status", "pending", "-n", n, "--json" }).out)) do names[i] = item.name end
      assert.equal(wanted, table.concat(names, " "))
    end
    p:kill()
  end)

  it("counts what runs and waits, and who works", function()
    local p = sh.spawn_ork({ "gated.lua" }, { cwd = dir })
    p:wait_line("first +running")
    local r = ork({ "status" }, { cwd = below, ok = true })
    assert.matches("at work +1 ork on %S+ with 1 run\n", r.out)
    assert.matches("running +1 run: 1 task running, 0 about to start\n", r.out)
    assert.matches("waiting +1 task +%(for what: ork why%)\n", r.out)
    assert.matches("later: waits for `?first", ork({ "why", "last", "later" }).out)
    local d = sh.json(ork({ "status", "--json" }, { ok = true }).out)
    assert.same({ 1, 1, 0, 1, 0 }, { #d.schedulers, d.runs.running, d.runs.unowned, d.tasks.running, d.ended.failed })
    assert.is_true(d.database.bytes > 4096)
    p:kill()
    assert.matches("at work +nobody\n.*unowned +1 run that nobody carries out any more", ork({ "status" }, { ok = true }).out)
  end)

  it("is calm where nothing ran, and clear where nothing is", function()
    local r = ork({ "status" }, { cwd = below })
    assert.same({ 3, "" }, { r.code, r.out })
    assert.matches("no Ork database here or above", r.err)
    ork({ "db", "migrate", "--db", "sqlite:" .. dir .. "/new.db" }, { ok = true })
    local db = { "--db", "sqlite:" .. dir .. "/new.db" }
    local function on_empty(...) return ork({ db[1], db[2], ... }) end
    r = on_empty("status")
    assert.equal(0, r.code)
    assert.matches("since yesterday  0 failed, 0 succeeded\n$", r.out)
    r = on_empty("runs")
    assert.same({ 0, "", "no runs yet; start one: ork SCRIPT\n" }, { r.code, r.out, r.err })
    assert.equal(4, on_empty("show", "last").code)
  end)

  it("gives outputs as JSON, exactly", function()
    ork({ "nightly.lua" })
    local fetch = '{"big":9007199254740993,"dir":"x","f":1.0,"list":[],"none":null,"rows":3}'
    assert.equal(fetch .. "\n", ork({ "output", "last", "fetch" }, { ok = true }).out)
    assert.equal("null\n", ork({ "output", "last", "quiet" }, { ok = true }).out)
    assert.equal('{"fetch":' .. fetch .. "}\n", ork({ "output", "nightly" }, { ok = true }).out)
    local r = ork({ "output", "last", "load" })
    assert.same({ 4, "" }, { r.code, r.out })
    assert.matches("load has no output: it is failed; see: ork logs %x+ load", r.err)
    r = ork({ "output", "last", "fetsh" })
    assert.equal(4, r.code)
    assert.matches("did you mean `fetch`?", r.err, 1, true)
    assert.equal(2, ork({ "output" }).code)
  end)

  it("gives a thousand outputs, page by page", function()
    sh.write(dir .. "/many.lua", [[
      local w = require("ork").workflow("many")
      for i = 1, 250 do w:task("t" .. i, { command = ([=[printf '{"i":%d}' >"$ORK_OUTPUT_FILE"]=]):format(i) }) end
      return w
    ]])
    ork({ "many.lua", "-q", "-j8" }, { ok = true })
    local all, n = sh.json(ork({ "output", "last" }, { ok = true }).out), 0
    for name, value in pairs(all) do
      assert.equal(name, ("t%d"):format(value.i))
      n = n + 1
    end
    assert.equal(250, n)
  end)

  for _, cols in ipairs({ 20, 40, 80, 200 }) do
    it("fits " .. cols .. " columns", function()
      ork({ "nightly.lua" })
      for _, words in ipairs({ { "runs" }, { "tasks", "last" }, { "status" } }) do
        local t = pty.open{ sh.ork_path(), cols = cols, cwd = dir, table.unpack(words) }
        assert.equal(0, (t:wait()))
        local lines = 0
        for _ in t:text():gmatch("\n") do lines = lines + 1 end
        if words[1] ~= "status" then assert.equal(lines, #t:history(), "no line wraps: " .. t:text()) end
        assert.is_nil(t:text():find("\27[2J", 1, true))
      end
    end)
  end

  it("is plain columns in a pipe, however narrow COLUMNS says", function()
    ork({ "nightly.lua" })
    local r = ork({ "runs" }, { env = { COLUMNS = "20" } })
    assert.matches("1 of 4 tasks failed: load\n$", r.out)
    assert.is_nil(r.out:find("\27", 1, true))
  end)

  it("ends quietly when nobody reads", function()
    ork({ "nightly.lua" })
    for _, words in ipairs({ "runs", "tasks last", "show last", "output last", "status", "logs last --failed" }) do
      local r = sh.run({ "bash", "-c", ("%s %s | true; echo ${PIPESTATUS[0]}"):format(sh.ork_path(), words) }, { cwd = dir })
      assert.same({ "0\n", "" }, { r.out, r.err })
    end
  end)
end)
