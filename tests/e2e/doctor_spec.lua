-- SPDX-License-Identifier: MIT
-- ork doctor and ork version: what they find where all is well, and what they say about each thing that can be broken on purpose.
local sh = require "tests.lib.sh"
local uv = require "luv"

local SCRIPT = 'local w = require("ork").workflow("etl")\nw:task("hi", { command = "echo hi" })\nreturn w\n'

describe("ork doctor", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", SCRIPT)
  end)
  after_each(sh.cleanup)

  --- A database with a run in it.
  local function with_database() sh.ork({ "etl.lua", "-q" }, { cwd = dir, ok = true }) end

  --- The findings by name, and the exit code.
  local function findings(args, opts)
    opts = opts or {}
    opts.cwd = dir
    local r = sh.ork({ "doctor", "--json", table.unpack(args or {}) }, opts)
    local document = sh.json(r.out)
    assert.equal(document.ok and 0 or 3, r.code)
    local by_name = { code = r.code }
    for _, each in ipairs(document.checks) do by_name[each.name] = each end
    return by_name
  end

  --- That finding has the state, its text and its hint match.
  local function expect(found, name, state, text, hint)
    local each = assert(found[name], "nothing about " .. name)
    assert.equal(state, each.state, each.text)
    assert(each.text:find(text), each.text)
    if hint then assert(each.hint:find(hint), each.hint) end
  end

  local function sql(text) sh.sql(dir .. "/.ork/ork.db", text) end

  it("finds nothing wrong where nothing is", function()
    with_database()
    local r = sh.ork({ "doctor" }, { cwd = dir })
    assert.equal(0, r.code, r.out)
    for _, name in ipairs({ "kernel", "processes", "open files", "process limit", "database", "clock", "runs", "leftovers",
      "data directory", "file system", "disk space", "locks", "notices", "agent", "agent works", "terminal" }) do
      assert(r.out:find("\n" .. "%l+ +" .. name .. "  ") or r.out:find("^%l+ +" .. name .. "  "), name .. " not in\n" .. r.out)
    end
    local found = findings()
    expect(found, "database", "ok", "ork%.db %(schema %d+, WAL, [%d.]+ MB%)")
    expect(found, "processes", "ok", "PDEATHSIG")
    expect(found, "data directory", "ok", "/%.ork %(mode 0700%)")
    expect(found, "agent works", "ok", "left nothing of it behind")
    expect(found, "leftovers", "ok", "logs of 1 run$")
    assert.equal(1, #sh.sql(dir .. "/.ork/ork.db", "SELECT id FROM runs"))
  end)

  it("names the program that keeps the database locked", function()
    with_database()
    local holder = sh.spawn({ "sqlite3", dir .. "/.ork/ork.db" }, { cwd = dir, keep_stdin = true })
    holder.stdin:write("BEGIN IMMEDIATE;\nSELECT 'writes';\n")
    holder:wait_line("writes")
    local found = findings()
    expect(found, "database lock", "problem", "ork%.db is locked by process " .. holder.pid .. " %(sqlite3%); until it lets go nothing can be stored",
      "ps " .. holder.pid)
    expect(found, "database", "ok", "WAL")
    holder.stdin:write("COMMIT;\nPRAGMA locking_mode=exclusive;\nBEGIN EXCLUSIVE;\nSELECT 'alone';\n")
    holder:wait_line("alone")
    found = findings()
    expect(found, "database lock", "problem", "locked by process " .. holder.pid .. " %(sqlite3%); until it lets go nothing can be read or stored")
    holder:close_stdin()
    holder:wait()
    found = findings()
    expect(found, "database", "ok", "WAL")
    assert.is_nil(found["database lock"])
  end)

  it("looks at a folder without a database and leaves nothing there", function()
    local found = findings()
    expect(found, "database", "ok", "none here or above")
    expect(found, "agent works", "ok", "ran a process")
    local names = {}
    for name in uv.fs_scandir_next, (uv.fs_scandir(dir)) do names[#names + 1] = name end
    assert.same({ "etl.lua" }, names)
  end)

  it("tells of a database it cannot use", function()
    with_database()
    sql("INSERT INTO ork_migrations VALUES (999, 'later', 'x', '2026-01-01')")
    local found = findings()
    expect(found, "database", "problem", "made by a newer Ork")
    assert.equal(3, found.code)
    sql("DELETE FROM ork_migrations WHERE version > 10")
    expect(findings(), "database", "warning", "schema version 10", "ork db migrate")
    sh.write(dir .. "/text.db", "not a database at all, but long enough to have a header")
    expect(findings({ "--db", "text.db" }), "database", "problem", "not an SQLite database")
    expect(findings({ "--db", "none/x.db" }), "database", "problem", "no Ork database")
  end)

  it("tells of runs that no program drives", function()
    sh.write(dir .. "/slow.lua", 'local w = require("ork").workflow("slow")\nw:task("s", { command = "touch up; read x < fifo" })\n'
      .. "return w\n")
    assert(os.execute("mkfifo '" .. dir .. "/fifo'"))
    local process = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    process:wait_file(dir .. "/up")
    expect(findings(), "runs", "ok", "^1 under way")
    process:signal("sigkill")
    process:wait(nil, true)
    expect(findings(), "runs", "warning", "^1 unfinished that no program drives: %x+ %(slow%)$", "ork resume RUN")
  end)

  it("tells of logs whose runs are gone", function()
    with_database()
    sh.run({ "mkdir", dir .. "/.ork/logs/01900000-0000-7000-8000-000000000000" })
    expect(findings(), "leftovers", "warning", "^1 folder of logs whose runs are gone", "rm %-r .*/logs/01900000")
  end)

  it("tells who else may look into the data directory", function()
    with_database()
    assert(uv.fs_chmod(dir .. "/.ork", tonumber("755", 8)))
    local found = findings()
    expect(found, "data directory", "warning", "open to other users %(mode 0755%)", "chmod")
    assert.equal(0, found.code)
    expect(findings({ "--data", dir .. "/etl.lua" }), "data directory", "problem", "is no folder", "%-%-data")
  end)

  it("tells whom it does not serve", function()
    if uv.getuid() ~= 0 or sh.run({ "sh", "-c", "command -v setpriv" }).code ~= 0 then
      return pending("needs root and setpriv: somebody else looks")
    end
    --- What a user without rights here finds.
    local function stranger(args)
      assert(uv.fs_chmod(dir, tonumber("755", 8)))
      local r = sh.run({ "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sh.ork_path(), "doctor", "--json",
        table.unpack(args or {}) }, { cwd = dir, env = { HOME = "/" } })
      local by_name = {}
      for _, each in ipairs(sh.json(r.out).checks) do by_name[each.name] = each end
      return by_name
    end
    expect(stranger(), "data directory", "problem", "cannot be made in the current folder: Permission denied", "%-%-db")
    with_database()
    sh.run({ "sh", "-c", "chmod 755 .ork; chmod 644 .ork/ork.db*" }, { cwd = dir })
    local found = stranger({ "--db", dir .. "/.ork/ork.db" })
    expect(found, "data directory", "problem", "not writable for you: Permission denied", "%-%-data")
    expect(found, "leftovers", "warning", "cannot look into .*/logs: Permission denied")
  end)

  it("tells of a database that somebody else may not look at", function()
    if uv.getuid() ~= 0 or sh.run({ "sh", "-c", "command -v setpriv" }).code ~= 0 then
      return pending("needs root and setpriv: somebody else looks")
    end
    with_database()
    assert(uv.fs_chmod(dir, tonumber("755", 8)))
    local function stranger(...)
      return sh.run({ "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sh.ork_path(), ... }, { cwd = dir, env = { HOME = "/" } })
    end
    local r = stranger("doctor")
    assert.equal(3, r.code)
    assert(r.out:find("PROBLEM  database +/%g+/%.ork/ork%.db may not be looked at: permission denied\n +%-> be the user"), r.out)
    assert(not (r.out .. r.err):find("none here or above", 1, true), r.out)
    assert(not r.err:find("nothing is wrong", 1, true), r.err)
    r = stranger("runs")
    assert.equal(3, r.code)
    assert(r.err:find("^ork: /%g+/%.ork/ork%.db may not be looked at: permission denied; be the user whose runs are there"), r.err)
    assert(not r.err:find("makes one", 1, true), r.err)
  end)

  describe("on a disk of its own", function()
    local disk
    before_each(function()
      disk = sh.tempdir()
      local r = sh.run({ "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk })
      if r.code ~= 0 then disk = nil end
    end)
    after_each(function()
      if not disk then return end
      for _, pid in ipairs(sh.processes(disk)) do uv.kill(pid, "sigkill") end
      sh.run({ "umount", "-l", disk })
    end)

    it("puts down to a full one what fails because of it", function()
      if not disk then return pending("no tmpfs can be mounted") end
      local db = disk .. "/x.db"
      sh.ork({ "etl.lua", "-q", "--db", db }, { cwd = dir, ok = true, env = { ORK_MIN_FREE_MB = "0" } })
      sh.run({ "dd", "if=/dev/zero", "of=" .. disk .. "/filler", "bs=4k" })
      local found = findings({ "--db", db })
      expect(found, "disk space", "problem", "^the disk is full", "^remove a file first .*/logs/.*then `ork prune`$")
      expect(found, "notices", "warning", "^could not be tried: the disk is full$")
      for name, each in pairs(found) do
        assert(name == "disk space" or name == "code" or each.state ~= "problem", name)
        assert(name == "code" or not tostring(each.hint):find("local disk", 1, true), name)
      end
      assert.equal(3, found.code)
    end)

    it("tells of a read-only one what helps there", function()
      if not disk then return pending("no tmpfs can be mounted") end
      local db = disk .. "/x.db"
      sh.ork({ "etl.lua", "-q", "--db", db }, { cwd = dir, ok = true, env = { ORK_MIN_FREE_MB = "0" } })
      for _, pid in ipairs(sh.processes(disk)) do
        uv.kill(pid, "sigkill")
        sh.wait_gone(pid)
      end
      local r = sh.run({ "mount", "-o", "remount,ro", disk })
      assert.equal(0, r.code, r.err)
      local found = findings({ "--db", db })
      expect(found, "data directory", "problem", "is on a disk that is mounted read%-only$", "^mount it for writing")
      assert.equal(3, found.code)
    end)
  end)

  it("tells of little room", function()
    with_database()
    local found = findings({}, { env = { ORK_MIN_FREE_MB = "999999999" } })
    expect(found, "disk space", "problem", "less than 999999999 MB no task is started", "ORK_MIN_FREE_MB")
    local r = sh.run({ "sh", "-c", 'ulimit -n 64; exec "$0" doctor --quiet', sh.ork_path() }, { cwd = dir })
    assert(r.out:find("warning  open files +64 for this program"), r.out)
    assert.equal(0, r.code)
  end)

  it("tells of a disk that forgets", function()
    if not uv.fs_access("/dev/shm", "W") then return pending("there is no /dev/shm") end
    local shm = assert(uv.fs_mkdtemp("/dev/shm/ork-test-XXXXXX"))
    local ok, problem = pcall(function()
      sh.ork({ "etl.lua", "-q", "--db", shm .. "/x.db" }, { cwd = dir, ok = true })
      expect(findings({ "--db", shm .. "/x.db" }), "file system", "warning", "on tmpfs, in memory")
    end)
    os.execute("rm -rf '" .. shm .. "'")
    assert(ok, problem)
  end)

  it("tells of a clock that was set back", function()
    with_database()
    sql("UPDATE runs SET created_at = '2999-01-01T00:00:00.000Z'")
    expect(findings(), "clock", "warning", "it was set back", "timedatectl")
  end)

  it("tells of an agent that is missing, another, or no agent", function()
    with_database()
    expect(findings({}, { env = { ORK_AGENT = "/no/such/agent" } }), "agent", "problem", "ORK_AGENT names `/no/such/agent`")
    expect(findings({}, { env = { ORK_AGENT = "/bin/true" } }), "agent", "problem", "does not say that it is ork%-agent")
    local function pretend(protocol)
      return sh.write(dir .. "/fake", ("#!/bin/sh\n[ $1 = --version ] && echo 'ork-agent 9.9.9, protocol %d'\n"):format(protocol), "755")
    end
    local fake = pretend(99)
    expect(findings({}, { env = { ORK_AGENT = fake } }), "agent", "problem", "speaks protocol 99, this ork protocol %d+")
    local protocol = sh.json(sh.ork({ "version", "--json" }, { ok = true }).out).agent_protocol
    sh.run({ "rm", "-rf", dir .. "/.ork/agent" }) -- no agent of ours answers there any more
    pretend(protocol)
    local found = findings({}, { env = { ORK_AGENT = fake } })
    expect(found, "agent", "warning", "of another version: 9%.9%.9")
    expect(found, "agent works", "problem", "ended at once; .*agent/log may say why")
  end)

  it("tells of an agent that does not answer", function()
    with_database()
    local stopped = 0
    for _, pid in ipairs(sh.processes(dir)) do
      uv.kill(pid, "sigstop")
      stopped = stopped + 1
    end
    assert(stopped > 0, "the agent of the run is gone already")
    expect(findings(), "agent works", "problem", "did not answer within %d s", "killed")
  end)

  it("speaks to people too", function()
    with_database()
    local r = sh.ork({ "doctor", "--no-color" }, { cwd = dir, env = { ORK_MIN_FREE_MB = "999999999", ORK_AGENT = "/no/agent" } })
    assert.equal(3, r.code)
    assert(r.out:find("\nPROBLEM  disk space +%d+ MB are free[^\n]*\n +%-> make room"), r.out)
    assert.equal("2 problems\n", r.err)
    assert.equal(2, sh.ork({ "doctor", "now" }, { cwd = dir }).code)
  end)
end)

describe("ork version", function()
  after_each(sh.cleanup)

  it("names everything that may differ", function()
    local r = sh.ork({ "version" }, { ok = true })
    assert(r.out:find("^ork %d+%.%d+%.%d[^\n]*\nagent protocol %d+, schema %d+\nSQLite 3%.[%d.]+, Lua 5%.4%.%d+, libuv [%d.]+, Jansson [%d.]+\n$"),
      r.out)
    assert.equal(r.out, sh.ork({ "--version" }, { ok = true }).out)
    local versions = sh.json(sh.ork({ "version", "--json" }, { ok = true }).out)
    assert.equal(versions.version, r.out:match("^ork (%g+)"))
    local agent = sh.run({ os.getenv("ORK_AGENT"), "--version" })
    assert.equal(("ork-agent %s, protocol %d\n"):format(versions.version, versions.agent_protocol), agent.out)
  end)
end)
