-- SPDX-License-Identifier: MIT
-- Bad input, for every command there is: whatever is typed, Ork ends with the exit code for it and one message that helps,
-- shows no traceback and no raw bytes, and makes nothing.
local args = require "ork.cli.args"
local commands = require "ork.cli.commands"
local sh = require "tests.lib.sh"

local SCRIPT = [[
local w = require("ork").workflow("%s", { params = { day = { type = "date", default = "2026-11-01" } } })
w:task("extract", { command = { "true" } })
w:task("load", { command = { "%s" }, depends_on = "extract" })
return w
]]

-- Words that are right for a command, by what its usage calls them.
local right = {
  RUN = "etl", TASK = "load", NAME = "etl", SCRIPT = "etl.lua", WORKFLOW = "etl", VERSION = "1", SLOTS = "2", ["NAME@VERSION"] = "etl@1",
}

-- Options that change or end what is asked, with a value that is right.
local HUGE = ("x"):rep(131000) -- the kernel takes no argument of 128 KiB

local function rows_of(command)
  local rows = {}
  for _, list in ipairs({ command.options or {}, args.globals }) do
    for _, row in ipairs(list) do rows[#rows + 1] = row end
  end
  return rows
end

--- The fewest words that a command takes, right ones: { "show", "etl" }.
local function least(name, command)
  local words = { name }
  if name == "etl.lua" then return words end
  for word in command.usage:gsub("^%S+%s*", ""):gmatch("%S+") do
    if #words > (command.words or { 0 })[1] then break end
    words[#words + 1] = right[word:match("[^|.%[%]]+")] or word:match("[^|.%[%]]+")
  end
  return words
end

local function with(words, ...) return table.move({ ... }, 1, select("#", ...), #words + 1, table.move(words, 1, #words, 1, {})) end

--- What is in a folder and when it was changed, but for the database's own bookkeeping.
local function state_of(dir)
  local r = sh.run({ "sh", "-c", "find . -path ./.ork/agent -prune -o ! -name '*-wal' ! -name '*-shm' ! -name '*.lock*' -type f -print | sort; "
    .. "sqlite3 .ork/ork.db 'SELECT count(*) FROM runs; SELECT count(*) FROM workflow_versions; SELECT * FROM pools'" }, { cwd = dir })
  return r.out
end

describe("the words of other programs", function()
  after_each(sh.cleanup)

  it("lead to those of Ork", function()
    local dir = sh.tempdir()
    for word, meant in pairs({ list = "runs", clear = "retry", scheduler = "serve" }) do
      local r = sh.ork({ word }, { cwd = dir })
      assert.equal(2, r.code)
      assert.matches(("did you mean `%s`?"):format(meant), r.err, 1, true)
    end
    sh.write(dir .. "/x.lua", [[
      local w = require("ork").workflow("x", { max_active_tasks = 3 })
      w:task("a", { command = "true", retry_delay = "1m" })
      return w]])
    local r = sh.ork({ "validate", "x.lua" }, { cwd = dir })
    assert.matches("unknown option `max_active_tasks`; did you mean `max_parallel`?", r.err, 1, true)
    assert.matches("unknown option `retry_delay`; write `retries = { delay = … }`", r.err, 1, true)
  end)
end)

describe("bad input", function()
  local dir, before

  setup(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", SCRIPT:format("etl", "false"))
    sh.write(dir .. "/other.lua", SCRIPT:format("other", "true"))
    sh.ork({ "etl.lua", "-q" }, { cwd = dir })
    sh.ork({ "other.lua", "-q" }, { cwd = dir, ok = true })
    sh.ork({ "apply", "etl.lua", "-q" }, { cwd = dir, ok = true })
    before = state_of(dir)
  end)
  teardown(sh.cleanup)

  after_each(function() assert.equal(before, state_of(dir), "something was changed") end)

  --- Runs `ork words…` and looks at how it refused. codes: exit codes that are right.
  local function refused(words, codes, opts)
    opts = opts or {}
    opts.cwd = opts.cwd or dir
    local r = sh.ork(words, opts)
    local shown = {}
    for i, word in ipairs(words) do shown[i] = #word > 60 and word:sub(1, 20) .. "…" or ("%q"):format(word) end
    local said = ("ork %s: exit code %d, signal %d\nout: %s\nerr: %s"):format(table.concat(shown, " "), r.code, r.signal or 0, r.out:sub(1, 300),
      r.err:sub(1, 1500))
    local expected = false
    for _, code in ipairs(codes) do expected = expected or r.code == code end
    assert(expected, "wrong exit code: " .. said)
    assert(r.err:find("%S"), "no message: " .. said)
    assert(not r.err:find("inside Ork", 1, true) and not r.err:find("stack traceback", 1, true) and not r.err:find("%.lua:%d+: attempt"),
      "a traceback: " .. said)
    assert(utf8.len(r.err) and not r.err:find("[\0-\8\11-\31\127]"), "raw bytes: " .. said)
    assert(#r.err < 3000, "too much is said: " .. said)
    return r.err
  end

  local list = { { "etl.lua" } }
  for _, row in ipairs(commands) do list[#list + 1] = row end

  for _, row in ipairs(list) do
    local name = row[1]
    local command = require("ork.cli." .. (name == "etl.lua" and "script" or name))
    local min, max = table.unpack(command.words or { 0, 0 })
    if name == "completion" then max = 1 end

    it("is refused by " .. name .. ": options", function()
      local words = least(name, command)
      assert.matches("no option --statsuz", refused(with(words, "--statsuz"), { 2 }), 1, true)
      refused(with(words, "-Z"), { 2 })
      refused(with(words, "--"  .. HUGE), { 2 })
      refused(with(words, "--\255\27[31m"), { 2 })
      for _, option in ipairs(rows_of(command)) do
        local flag = "--" .. option[1]
        if option[2] then
          assert.matches(flag .. " needs a value", refused(with(words, flag), { 2 }), 1, true)
          if option.kind or option.choices then
            for _, value in ipairs({ "", "x\27[31m", "\255", "-1e400", "99999999999999999999", HUGE }) do
              refused(with(words, flag .. "=" .. value), { 2 })
            end
          end
        else
          assert.matches(flag .. " takes no value", refused(with(words, flag .. "=1"), { 2 }), 1, true)
        end
      end
    end)

    if min > 0 and name ~= "etl.lua" then
      it("is refused by " .. name .. ": nothing where something is wanted", function()
        refused({ name }, { 2 })
      end)
    end

    if max and name ~= "etl.lua" then
      it("is refused by " .. name .. ": one word more", function()
        local words = least(name, command)
        while #words <= max + 1 do words[#words + 1] = "more" end
        refused(words, { 2 })
      end)
    end

    if command.params and name ~= "validate" then
      it("is refused by " .. name .. ": params", function()
        for _, word in ipairs({ "dya=1", "day=", "day=\255", "day=x\27[31m", "=x", "day", "day=" .. HUGE, ("x"):rep(300) .. "=1", "--param=", "--param==",
          "--param=day", "--params-file=", "--params-file=/", "--params-file=/dev/zero", "--params-file=etl.lua", "--params-file=none" }) do
          local known = word:find("^%-%-params%-file") and name ~= "rerun" or not word:find("^%-%-params%-file")
          if known and not (word == "day=" and name == "rerun") then
            refused(with(least(name, command), word), name == "retry" and { 2, 4 } or { 2 }) -- of which a word may also be a run
          end
        end
      end)
    end

    if (not max or max > 0) and name ~= "etl.lua" then
      it("is refused by " .. name .. ": words that mean nothing", function()
        for _, word in ipairs({ "", "zzzzzzzz", "no/such\27[31m.lua", "\255\254", HUGE, ".", "/", "last~99", "~1", "etl~99", "etl@99", "etl@x", "%s%d", "'" }) do
          local words = least(name, command)
          words[2] = word
          refused(words, name == "runs" and { 0, 2 } or name == "repl" and { 1, 2 } or { 2, 3, 4 })
        end
      end)
    end
  end

  for _, name in ipairs({ "show", "tasks", "logs", "why", "retry", "rerun" }) do
    it("is refused by " .. name .. ": what could be two runs, and no such task", function()
      local id = sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].id
      local said = refused({ name, id:sub(1, 4) }, { 2 })
      assert.matches("matches more than one run: ", said, 1, true)
      if name == "show" or name == "logs" or name == "why" then
        assert.matches("ork tasks", refused({ name, "etl", "nosuch" }, { 4 }), 1, true)
        refused({ name, "etl", "" }, { 2, 4 })
        refused({ name, "etl", "\255" }, { 2, 4 })
        refused({ name, "etl", HUGE }, { 2, 4 })
      end
    end)
  end

  -- ---- databases and surroundings --------------------------------------------------------------

  -- Commands that need a database, with words that are right.
  local needing = {
    { "runs" }, { "show", "etl" }, { "tasks", "etl" }, { "logs", "etl" }, { "why" }, { "cancel", "etl" }, { "pause", "etl" }, { "resume", "etl" },
    { "retry", "etl" }, { "rerun", "etl" }, { "workflows" }, { "versions", "etl" }, { "run", "etl" }, { "delete", "etl", "--yes" },
    { "prune", "--keep", "1", "--yes" }, { "pool" }, { "pool", "x", "2", "--new" }, { "db", "status" }, { "db", "check" }, { "apply", "etl@1" },
  }

  it("is refused where there is no database", function()
    local empty = sh.tempdir()
    for _, words in ipairs(needing) do
      local said = refused(words, { 3 }, { cwd = empty })
      assert.matches("no Ork database here or above", said, 1, true)
      assert.is_false(sh.exists(empty .. "/.ork"), words[1] .. " made a database")
    end
  end)

  it("is refused for databases that are none", function()
    local other = sh.tempdir()
    sh.write(other .. "/text.db", "this is no database, and never was one; it is long enough to look like something")
    sh.write(other .. "/empty.db", "")
    sh.sql(other .. "/foreign.db", "CREATE TABLE users(id)")
    sh.run({ "cp", dir .. "/.ork/ork.db", other .. "/torn.db" })
    sh.run({ "dd", "if=/dev/urandom", "of=" .. other .. "/torn.db", "bs=4096", "seek=0", "count=3", "conv=notrunc" })
    for _, url in ipairs({ "text.db", "sqlite:text.db", "foreign.db", "torn.db", ".", "no/such/folder.db", "missing.db", "mysql://host/x", "sqlite:",
      "", "sqlite:missing.db?mode=what", "/dev/null", "empty.db", "sqlite://missing.db?x=1" }) do
      for _, words in ipairs({ { "runs" }, { "show", "last" }, { "cancel", "last" }, { "db", "status" }, { "rerun", "last" } }) do
        refused(with(words, "--db", url), { 2, 3 }, { cwd = other })
      end
    end
    assert.is_false(sh.exists(other .. "/missing.db") or sh.exists(other .. "/no"))
    assert.same({}, sh.sql(other .. "/empty.db", "SELECT * FROM sqlite_master"))
  end)

  it("is refused to whoever may not write", function()
    if sh.run({ "setpriv", "--reuid=65534", "--clear-groups", "true" }).code ~= 0 then return pending("only root can become another user") end
    local other = sh.tempdir()
    sh.run({ "cp", "-r", dir .. "/.ork", dir .. "/etl.lua", other })
    sh.run({ "chmod", "-R", "a+rX,go-w", other })
    sh.run({ "chmod", "755", other })
    local function as_nobody(words, env)
      return sh.run(table.move(words, 1, #words, 5, { "setpriv", "--reuid=65534", "--clear-groups", sh.ork_path() }), { cwd = other, env = env })
    end
    if as_nobody({ "version" }).code ~= 0 then return pending("the program cannot be run by others") end
    for _, words in ipairs({ { "cancel", "etl" }, { "retry", "etl" }, { "pause", "etl" }, { "rerun", "etl" }, { "etl.lua" }, { "db", "migrate" },
      { "pool", "x", "1", "--new" }, { "run", "etl" }, { "apply", "etl.lua" } }) do
      local r = as_nobody(words, { HOME = false })
      local said = ("ork %s: exit code %d: %s"):format(table.concat(words, " "), r.code, r.err)
      assert(r.code == 3 or r.code == 2 and (words[1] == "cancel" or words[1] == "pause"), said)
      assert(r.err:find("%S") and not r.err:find("inside Ork", 1, true), said)
    end
    local r = as_nobody({ "runs" }, { HOME = false })
    assert(r.code == 0 or r.code == 3 and r.err:find("%S"), r.err)
    -- logs may be for their owner alone
    sh.run({ "chmod", "-R", "go-rwx", other .. "/.ork/logs" })
    r = as_nobody({ "logs", "etl", "load" })
    assert(not r.err:find("inside Ork", 1, true), r.err)
  end)

  it("does not need HOME, TERM or a working folder that is there", function()
    local bare = { HOME = false, TERM = false, LANG = false, LC_ALL = false, USER = false, XDG_STATE_HOME = false, TMPDIR = false }
    for _, words in ipairs({ { "runs" }, { "show", "etl" }, { "help" }, { "version" }, { "validate", "etl.lua" }, { "db", "check" } }) do
      assert.same({ 0, "" }, (function(r) return { r.code, r.err } end)(sh.ork(words, { cwd = dir, env = bare })), table.concat(words, " "))
    end
    local r = sh.run({ "sh", "-c", "mkdir gone && cd gone && rmdir ../gone && exec " .. sh.ork_path() .. " runs" }, { cwd = sh.tempdir() })
    assert.equal(3, r.code)
    assert(not r.err:find("inside Ork", 1, true), r.err)
  end)

  it("ends without a word when nobody reads any more", function()
    for _, words in ipairs({ "runs", "help", "show last", "tasks last", "help --format man", "plan etl.lua", "workflows --json" }) do
      local r = sh.run({ "bash", "-c", ("%s %s | true; echo ${PIPESTATUS[0]}"):format(sh.ork_path(), words) }, { cwd = dir })
      assert.same({ "0\n", "" }, { r.out, r.err }, words)
    end
    local r = sh.run({ "sh", "-c", sh.ork_path() .. " runs >&-" }, { cwd = dir })
    assert(not r.err:find("inside Ork", 1, true), r.err)
    r = sh.run({ "sh", "-c", sh.ork_path() .. " runs 2>&- <&-" }, { cwd = dir })
    assert.equal(0, r.code)
  end)
end)
