-- SPDX-License-Identifier: MIT
-- Every message of tests/lib/messages.lua is produced from real bad input; no code and no refusal of a command is without a
-- row; docs/messages.md is made from the same table.
local core = require "ork.core"
local messages = require "tests.lib.messages"
local ork = require "ork"
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"

local root = os.getenv("ORK_ROOT") or "."

local ETL = [[
local w = require("ork").workflow("etl", { params = {
  day = { type = "date", default = "2026-11-01" }, limit = { type = "int", default = 5, min = 1, max = 100 },
  mode = { type = "str", default = "fast", choices = { "fast", "full" } }, tags = { type = { "str" }, default = { "a" } },
} })
w:task("extract", { command = { "true" } })
w:task("load", { command = { "false" }, depends_on = "extract" })
return w
]]
local TASK = 'local ork = require "ork"\nlocal function w(name) local w = ork.workflow(name) w:task("a", { command = { "true" } }) return w end\n'

--- A text of the table, or a format of string.format, as a pattern.
local function pattern(text)
  text = text:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", "[^\n]-")
  return text
end
local function format_pattern(format)
  format = format:gsub("\\n", "\n"):gsub('\\"', '"'):gsub("%%%%", "\0"):gsub("%%[%d.*]*[sdqu]", "…")
  return (pattern(format):gsub("%[%^\n%]%-", ".-"):gsub("%z", "%%%%"))
end

describe("messages", function()
  local dir
  local said = {} -- everything that was printed

  setup(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", ETL)
    sh.write(dir .. "/other.lua", TASK .. 'return w("other")')
    sh.write(dir .. "/two.lua", TASK .. 'return w("first"), w("second")')
    sh.run({ "mkdir", dir .. "/folder" })
    sh.ork({ "other.lua", "-q" }, { cwd = dir, ok = true })
    sh.ork({ "etl.lua", "-q" }, { cwd = dir })
    sh.ork({ "etl.lua", "--key", "used", "-q" }, { cwd = dir })
    sh.write(dir .. "/part.lua", TASK .. 'return w("part")')
    sh.ork({ "part.lua", "--to", "a", "-q" }, { cwd = dir })
    sh.write(dir .. "/daily.lua", 'local w = require("ork").workflow("daily", { schedule = { cron = "0 2 * * *" } }) w:task("a", { command = "true" }) return w')
    sh.ork({ "apply", "etl.lua", "other.lua", "daily.lua" }, { cwd = dir, ok = true })
  end)
  teardown(sh.cleanup)

  --- A database that holds something, and one that a copy was killed on.
  setup(function()
    sh.ork({ "db", "copy", ".ork/ork.db", "filled.db", "--yes" }, { cwd = dir, ok = true })
    sh.ork({ "db", "copy", ".ork/ork.db", "half.db", "--yes" }, { cwd = dir, ok = true })
    sh.sql(dir .. "/half.db", "INSERT INTO copies VALUES ('sqlite:/gone/ork.db', '{}', '2026-11-01T00:00:00.000Z')")
  end)

  --- Runs that a script gives no more, and that none gave.
  setup(function()
    sh.write(dir .. "/lost.lua", 'local w = require("ork").workflow("lost") w:task("a", { command = "false" }) return w')
    sh.ork({ "lost.lua", "-q" }, { cwd = dir })
    sh.write(dir .. "/lost.lua", TASK .. 'return w("found")')
    local engine <close> = assert(core.open({ url = "sqlite:" .. dir .. "/.ork/ork.db" }))
    local w = ork.workflow("hosted")
    w:task("a", { command = { "false" } })
    local id = assert(engine:start(w, {}))
    engine:wait(id, 30000)
    sh.run({ "mkdir", dir .. "/gone" })
    sh.write(dir .. "/gone/moved.lua", 'local w = require("ork").workflow("moved") w:task("a", { command = "false" }) return w')
    sh.ork({ "gone/moved.lua", "-q" }, { cwd = dir })
    sh.run({ "rm", "-r", dir .. "/gone" })
    sh.write(dir .. "/giving.lua", 'local w = require("ork").workflow("giving") w:task("a", { command = "false" }) w:returns{ n = 1 } return w')
    sh.ork({ "giving.lua", "-q" }, { cwd = dir })
    sh.write(dir .. "/kept.lua", 'local ork = require("ork") local w = ork.workflow("kept")\n' ..
      'w:task("f", { inputs = { x = ork.each{ 1, 2 } }, command = "echo x >$ORK_ARTIFACTS/report" }) return w')
    sh.ork({ "kept.lua", "-q" }, { cwd = dir, ok = true })
    sh.ork({ "etl.lua", "-q" }, { cwd = dir }) -- the newest again
  end)

  local function play(row)
    local where = dir
    if row.nowhere or row.empty then
      where = sh.tempdir()
      if row.empty then sh.ork({ "db", "migrate", "--db", ".ork/ork.db" }, { cwd = where, env = { ORK_DATABASE_URL = "sqlite:.ork/ork.db" } }) end
    end
    for path, text in pairs(row.files or {}) do sh.write(where .. "/" .. path, text) end
    if row.script then sh.write(where .. "/s.lua", row.script) end
    local words = {}
    for i, word in ipairs(row.ork) do
      words[i] = word == "<prefix>" and sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].id:sub(1, 4) or word
    end
    local r = sh.ork(words, { cwd = where, env = row.env })
    r.err = r.err .. r.out
    said[#said + 1] = r.err
    return r
  end

  for _, group in ipairs(messages) do
    for _, row in ipairs(group.rows) do
      it(("say: %s"):format(row.text:gsub("\n", " ")), function()
        local r = play(row)
        assert.equal(row.exit, r.code, r.err)
        assert.truthy(r.err:find(pattern(row.text)), r.err)
      end)
    end
  end

  it("say on a terminal that nothing was changed", function()
    local t = pty.open({ sh.ork_path(), "delete", "etl", cwd = dir })
    t:expect("%[y/N%]")
    t:send("n\n")
    t:expect("ork: nothing was changed")
    assert.equal(1, t:wait())
    said[#said + 1] = t:text()
  end)

  --- Refusals that stand behind another one that comes first.
  local behind = {
    ["nobody carries out run %s, which is %s; to go on with it: ork resume %s"] = "a run whose program was killed (cli_watch_spec.lua)",
    ["cannot write %s"] = "the system's own words (artifact_spec.lua)",
    ["cannot write %s: %s"] = "the system's own words, when the disk is full",
    ["--detach: %s"] = "the system's own words, when it starts no process or makes no file",
    ["%s returns no workflow; end it with `return` and the workflow it defines"] = "the loader says the same with a line",
  }

  it("have a row for every refusal of a command", function()
    local missing = {}
    local all = table.concat(said, "\n")
    for path in io.popen(("find %s/lua/ork/cli -name '*.lua'"):format(root)):lines() do
      for format in sh.read(path):gmatch('[^.%w_]stop%(%d, "(.-[^\\])"') do
        if format ~= "%s" and format ~= "%s: %s" and not behind[format] and not all:find(format_pattern(format)) then
          missing[#missing + 1] = path:match("[^/]+$") .. ": " .. format
        end
      end
    end
    assert.same({}, missing)
  end)

  it("have a row for every code of a mistake", function()
    local rows = {}
    for _, group in ipairs(messages) do
      for _, row in ipairs(group.rows) do
        if row.problem then rows[row.problem] = true end
      end
    end
    for _, file in ipairs({ "seal.c", "cycles.c", "params.c", "params_check.c", "params_limits.c" }) do
      local text = sh.read(root .. "/runtime/core/" .. file)
      for call in text:gmatch("tell(%b())") do
        local code = call:match('"([a-z]+_[a-z_]+)"')
        if code then assert(rows[code], "no row for the problem " .. code) end
      end
      for code in text:gmatch('"(param_[a-z]+)"') do assert(rows[code], "no row for the problem " .. code) end
    end
    assert(rows.cycle)
  end)

  it("have a word for every code of ork.h, and a test that brings it about", function()
    local header, n = sh.read(root .. "/runtime/include/ork/ork.h"), 0
    for code in header:gmatch("X%(ORK_(E%u+),") do
      n = n + 1
      local entry = assert(messages.codes[code], code .. " has no entry in tests/lib/messages.lua")
      if entry.proof then
        local text = sh.read(root .. "/" .. entry.proof)
        assert(text:find("ORK_" .. code .. "%f[^%w_]") or text:find('"' .. code .. '"', 1, true), entry.proof .. " says nothing of " .. code)
      end
    end
    assert(n > 20)
    for code in pairs(messages.codes) do assert(header:find("ORK_" .. code .. ",", 1, true), code .. " is not in ork.h") end
  end)

  local function open() return assert(core.open({ url = "sqlite:" .. dir .. "/.ork/ork.db", read = true })) end

  it("come with their code to programs", function()
    local engine = open()
    local id = engine:runs({ limit = 1 })[1].id
    for code, call in pairs({
      ["EAMBIGUOUS"] = function() return engine:find(id:sub(1, 4)) end,
      ENOTFOUND = function() return engine:find("nosuch") end,
      EREADONLY = function() return engine:command(id, "cancel") end,
      EINVAL = function() return core.open({ url = "mysql://x" }) end,
      EJSON = function() return core.json.decode("{") end,
      ["EENV"] = function() return require("ork.database").open({ url = dir .. "/none.db" }) end,
    }) do
      local result, message, symbol = call()
      assert.is_nil(result, code)
      assert.is_string(message)
      assert(symbol == code or code == "EREADONLY" and symbol == "ESTATE", code .. ": " .. tostring(symbol) .. ": " .. message)
    end
    engine:close()
  end)

  it("say that somebody ended a wait", function()
    local engine = assert(core.open({ url = "sqlite::memory:" }))
    local w = require("ork").workflow("waiting")
    w:task("long", { command = { "sleep", "60" } })
    local id = assert(engine:start(w, {}))
    engine:interrupt()
    local _, _, code = engine:wait(id, 30000)
    assert.equal("ECANCELLED", code)
    engine:command(id, "cancel")
    engine:wait(id, 30000)
    engine:close()
  end)

  it("are listed in docs/messages.md", function()
    local r = sh.run({ "lua5.4", root .. "/script/lib/messages.lua", root })
    assert.equal(0, r.code, r.err)
    assert(sh.read(root .. "/docs/messages.md") == r.out,
      "docs/messages.md is not what the table says; write it again: lua5.4 script/lib/messages.lua . >docs/messages.md")
  end)
end)
