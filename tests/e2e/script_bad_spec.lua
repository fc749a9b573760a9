-- SPDX-License-Identifier: MIT
-- Scripts that do what definitions should not: print, read, move about, change what everybody shares, never end, define
-- very much. Ork stays itself, and says whose mistake it is.
local sh = require "tests.lib.sh"

local W = 'local w = require("ork").workflow("w") w:task("a", { command = { "pwd" } }) '

describe("a script", function()
  local dir

  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(text, words, opts)
    sh.write(dir .. "/s.lua", text)
    opts = opts or {}
    opts.cwd = dir
    local r = sh.ork(words or { "s.lua", "--json", "-q" }, opts)
    assert(not r.err:find("inside Ork", 1, true), r.err)
    return r
  end

  it("that prints leaves stdout to results", function()
    local r = ork('print("one") io.write("two\\n") ' .. W .. "return w")
    assert.same({ 0, "one\ntwo\n" }, { r.code, r.err })
    assert.equal("success", sh.json(r.out).status)
    r = ork('local f = io.open("out", "w") io.output(f) io.write("kept") f:close() io.output(io.stdout) ' .. W .. "return w")
    assert.equal(0, r.code, r.err)
    assert.equal("kept", sh.read(dir .. "/out"))
  end)

  it("that reads stdin gets what is there, and tasks nothing of it", function()
    local r = ork('local name = io.read() local w = require("ork").workflow("w") w:task(name, { command = "cat" }) return w', nil, { stdin = "fromstdin\nmore\n" })
    assert.equal(0, r.code, r.err)
    assert.equal("fromstdin", sh.json(r.out).tasks[1].name)
    assert.equal("", sh.ork({ "logs", "last", "fromstdin" }, { cwd = dir }).out)
  end)

  it("that changes what everybody shares changes its own copy", function()
    local r = ork('table.concat = nil table.sort = error utf8.len = nil math.floor = nil _G.string = nil _G.print = nil '
      .. 'io.stderr = nil debug.sethook(function() end, "l") collectgarbage("stop") package.path = "" package.loaded = {} ' .. W .. "return w")
    assert.equal(0, r.code, r.err)
    r = ork("string.format = nil " .. W .. "return w")
    assert.equal(2, r.code)
    assert.matches("s.lua:1: string.format cannot be replaced; give yours another name", r.err, 1, true)
  end)

  it("that says nothing useful when it fails is still told by its place", function()
    for _, text in ipairs({ "error()", "error({})", "error(setmetatable({}, { __tostring = error }))", "local function f() return f() + 1 end f()",
      "coroutine.yield(1)", "os.exit(3)", "return 5", "", "return", "return nil, w", "x = = 1", "error('a\\nb\\27[31m\\255')", "setmetatable(_G, nil)",
      ("x = %s1"):format(("("):rep(300)), "local s = string.rep('x', 1 << 40)" }) do
      for _, words in ipairs({ { "validate", "s.lua" }, { "s.lua" }, { "plan", "s.lua" }, { "apply", "s.lua" }, { "s.lua", "--help" } }) do
        local r = ork(text, words)
        assert.equal(2, r.code, text .. r.err)
        assert.matches("^s.lua:%d+: ", r.err)
        assert(utf8.len(r.err) and not r.err:find("[\0-\8\11-\31\127]"), text)
      end
    end
    assert.is_false(sh.exists(dir .. "/.ork"))
  end)

  it("that never ends its loading is ended by Ctrl-C", function()
    sh.write(dir .. "/s.lua", 'print("loading") while true do end')
    for _, words in ipairs({ { "s.lua" }, { "validate", "s.lua" } }) do
      local p = sh.spawn_ork(words, { cwd = dir })
      p:wait_line("^loading")
      p:signal("sigint")
      local r = p:wait()
      assert(r.code == 130 or r.signal == 2, p:describe("another end"))
    end
    assert.is_false(sh.exists(dir .. "/.ork"))
  end)

  it("that defines 100,000 tasks is looked at in time", function()
    local r = ork('local w = require("ork").workflow("w") for i = 1, 100000 do w:task("t" .. i, { command = { "true" } }) end return w',
      { "validate", "s.lua" })
    assert.same({ 0, "s.lua: ok, w (100000 tasks)\n" }, { r.code, r.out })
    r = ork('local w = require("ork").workflow("w") for i = 1, 100000 do w:task("t" .. i, { comand = { "true" } }) end return w', { "validate", "s.lua" })
    assert.equal(2, r.code)
    assert.truthy(#r.err < 4000, #r.err)
  end)

  it("that is no file of text is refused", function()
    sh.write(dir .. "/latin.lua", "-- caf\xe9\n" .. W .. "return w")
    sh.write(dir .. "/zero.lua", "-- \0\n" .. W .. "return w")
    for path, said in pairs({ ["latin.lua"] = "is not UTF-8 text; save it as UTF-8", ["/dev/zero"] = "larger than 16 MiB", ["."] = "is a folder",
      ["none.lua"] = "no such script" }) do
      local r = sh.ork({ "validate", path }, { cwd = dir })
      assert.equal(2, r.code, path)
      assert.matches(said, r.err, 1, true)
    end
    assert.matches("^zero.lua", sh.ork({ "validate", "zero.lua" }, { cwd = dir }).err .. sh.ork({ "validate", "zero.lua" }, { cwd = dir }).out)
  end)

  it("that starts its run itself is looked at without running it", function()
    for _, words in ipairs({ { "plan", "s.lua" }, { "s.lua", "--help" }, { "validate", "s.lua" }, { "plan", "s.lua", "--format", "dot" } }) do
      local r = ork('local w = require("ork").workflow("w") w:task("a", { command = "touch ran" }) w:run() return w', words)
      assert.equal(0, r.code, r.err)
      assert.is_false(sh.exists(dir .. "/ran") or sh.exists(dir .. "/.ork"), words[1])
    end
  end)

  it("is found by any name that is text, and refused by others", function()
    for _, path in ipairs({ "a b.lua", "x\ny.lua", "ä'\"$.lua", "-.lua" }) do
      sh.write(dir .. "/" .. path, W .. "return w")
      local r = sh.ork({ "-q", "./" .. path }, { cwd = dir })
      assert.equal(0, r.code, r.err)
    end
    sh.write(dir .. "/caf\xe9.lua", W .. "return w")
    sh.run({ "mkdir", dir .. "/d\xe9" })
    sh.write(dir .. "/d\xe9/s.lua", W .. "return w")
    for _, word in ipairs({ "run", "validate", "plan", "apply" }) do
      local first = word ~= "run" and word or nil
      local r = sh.ork({ first or "caf\xe9.lua", first and "caf\xe9.lua" }, { cwd = dir })
      assert.same({ 2, "caf\\xe9.lua: its name is not UTF-8 text, which a database keeps; rename it" }, { r.code, r.err:match("^[^\n]*") })
      r = sh.ork({ first or "s.lua", first and "s.lua" }, { cwd = dir .. "/d\xe9" })
      assert.same({ 2, "s.lua: the name of its folder is not UTF-8 text, which a database keeps; rename it" }, { r.code, r.err:match("^[^\n]*") })
    end
  end)

  it("that takes long to load is named to whoever waits", function()
    sh.write(dir .. "/loop.lua", "while true do end")
    sh.write(dir .. "/wait.lua", 'io.popen("cat go"):read("a") ' .. W .. "return w") -- computes nothing: only a signal gets a word in
    sh.run({ "mkfifo", dir .. "/go" })
    local env = { ORK_LOAD_NOTICE = "100ms" }
    local p = sh.spawn_ork({ "validate", "loop.lua" }, { cwd = dir, env = env })
    p:wait_line("^still loading loop%.lua; does it loop, or wait for something%? Ctrl%-C ends it$")
    p:signal("sigint")
    p:wait()
    p = sh.spawn_ork({ "wait.lua", "-q" }, { cwd = dir, env = env })
    p:wait_line("^still loading wait%.lua;")
    sh.write(dir .. "/go", "") -- opens the pipe, and lets go of it
    assert.equal(0, p:wait().code)
  end)

  it("is asked for when the file is something else, or nearly named so", function()
    sh.write(dir .. "/b.sh", "set -e\necho hi && ls\n")
    sh.write(dir .. "/long.lua", W .. "return w")
    local function said(...)
      local r = sh.ork({ ... }, { cwd = dir })
      assert.equal(2, r.code)
      return r.err:match("^[^\n]*")
    end
    assert.equal("b.sh:1: syntax error near '-'; is it a Lua script?", said("b.sh"))
    assert.equal("ork: no command and no file `long.lau`; did you mean `long.lua`?", said("long.lau"))
    assert.equal("ork: --resume is written after the script: ork long.lua --resume", said("--resume", "long.lua"))
    assert.equal("ork: --jobs=4 is written after the script: ork long.lua --jobs=4", said("--quiet", "--jobs=4", "long.lua"))
    assert.equal("ork: ork COMMAND has no option --resum", said("--resum", "long.lua"))
  end)
end)
