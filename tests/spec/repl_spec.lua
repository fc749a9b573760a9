-- SPDX-License-Identifier: MIT
-- Parts of the prompt: chunks (lua/ork/repl/chunk.lua) and completion (complete.lua).
local chunk = require "ork.repl.chunk"
local complete = require "ork.repl.complete"
local core = require "ork.core"
local ork = require "ork"

describe("a chunk", function()
  local env = setmetatable({}, { __index = _G })

  local function run(text)
    local compiled, why = chunk.compile(text, env)
    assert(compiled, why)
    return compiled.f()
  end

  it("is an expression, a statement, or several", function()
    assert.equal(2, run("1 + 1"))
    assert.equal(2, run("= 1 + 1"))
    assert.equal(2, run("return 1 + 1"))
    assert.same({ 1, 2 }, { run("1, 2 -- both") })
    assert.equal(0, select("#", run("x = 1")))
    assert.equal(0, select("#", run("")))
    assert.equal(0, select("#", run("  -- nothing")))
    assert.equal("ab", run("('a') .. 'b'"))
    assert.equal(3, run("y = 1 return y + 2"))
  end)

  it("is only the beginning until it ends", function()
    for _, text in ipairs({ "for i = 1, 3 do", "x = {", "x =", "1 +", "f(", "function f()", "if x then\nelse", "x = [[", "--[[", "return", "'a' ..",
      "local", "local x =", "repeat", "= 1 +", "local function", "x = [==[ ]]", "goto", "while true do\n  break" }) do
      local compiled, why = chunk.compile(text, env)
      if text ~= "return" then assert.same({ text, "more" }, { compiled and "compiled " .. text or text, why }) end
    end
  end)

  it("is wrong at once when nothing could mend it", function()
    local function refuse(text, message)
      local compiled, why = chunk.compile(text, env)
      assert.is_nil(compiled)
      assert.equal(message, why)
    end
    refuse("x = = 1", "prompt:1: unexpected symbol near '='")
    refuse("1 + * 2", "prompt:1: unexpected symbol near '*'")
    refuse("for i in do", "prompt:1: unexpected symbol near 'do'")
    refuse("end", "prompt:1: <eof> expected near 'end'")
    refuse("x = 'open", "prompt:1: unfinished string near ''open'")
    refuse("= x = 1", "prompt:1: <eof> expected near '='")
    refuse("a == 1 b", "prompt:1: <eof> expected near 'b'")
    refuse("\255", "the line is not UTF-8 text")
    refuse("\27Lua", "prompt:1: unexpected symbol near '<\\27>'")
    refuse("goto nowhere", "prompt:2: no visible label 'nowhere' for <goto> at line 1")
  end)

  local function keep(text)
    local kept, names = chunk.keep_locals(text)
    return kept, table.concat(names, " ")
  end

  it("has no locals of its own outside of blocks", function()
    assert.same({ "      x = 1", "x" }, { keep("local x = 1") })
    assert.same({ "      x, y = 1, 2", "x y" }, { keep("local x, y = 1, 2") })
    assert.same({ "      x = nil;", "x" }, { keep("local x") })
    assert.same({ "      x, y = nil; (f)()", "x y" }, { keep("local x, y (f)()") })
    assert.same({ "      x        , y = 1, 2", "x y" }, { keep("local x <const>, y = 1, 2") })
    assert.same({ "      function f() local a end", "f" }, { keep("local function f() local a end") })
    assert.same({ "a = 1       b = { function() local c end }", "b" }, { keep("a = 1 local b = { function() local c end }") })
  end)

  it("keeps locals of blocks, words in texts, and what is to be closed", function()
    for _, text in ipairs({ "do local x = 1 end", "for i = 1, 2 do local y = i end", "x = 'local y = 1'", "-- local x = 1", "x = [[\nlocal y = 1]]",
      "while a do local b end", "if a then local b = 1 elseif c then local d end", "repeat local x = 1 until x", "local x <close> = nil", "locale = 1" }) do
      assert.same({ text, "" }, { keep(text) })
    end
    assert.same({ "for i = 1, 2 do local y end       z = 1", "z" }, { keep("for i = 1, 2 do local y end local z = 1") })
  end)

  it("keeps positions", function()
    local compiled = chunk.compile("local a = 1\nlocal b <const> = nil + 1", env)
    local ok, why = pcall(compiled.f)
    assert.same({ false, "prompt:2: attempt to perform arithmetic on a nil value" }, { ok, why })
  end)
end)

describe("completion", function()
  local session, w
  before_each(function()
    w = ork.workflow("etl", { params = { day = { type = "date", default = ork.date("-1d") }, dry = { type = "bool", default = false } } })
    w:task("extract", { command = "true" })
    w:task("extra", { command = "true" })
    session = {
      env = { mine = { one = 1, two = { three = 3 }, f = function() end, ["not a name"] = 1 }, text = "x" }, helpers = { ork = ork, show = print },
      by_name = { etl = w }, workflows = {}, all_workflows = function() return { etl = w } end,
      engine = { runs = function() return { { workflow = "old", id = "01a201d9-003a-7000-9c6b-9b0a13138363" } } end },
    }
  end)

  local function candidates(before)
    local _, list = complete.candidates(session, before)
    return table.concat(list, " ")
  end

  it("knows names", function()
    assert.equal("mine", candidates("x = mi"))
    assert.equal("etl", candidates("et"))
    assert.equal("show", candidates("sh"))
    assert.equal("string", candidates("str"))
    assert.equal("until", candidates("unt"))
    assert.equal("", candidates(""))
    assert.equal("", candidates("-- mi"))
    assert.equal("", candidates("nothing_such"))
  end)

  it("knows fields of tables and texts, and after a colon what can be called", function()
    assert.equal("f one two", candidates("print(mine."))
    assert.equal("three", candidates("mine.two.t"))
    assert.equal("f", candidates("mine:"))
    assert.equal("format", candidates("text:form"))
    assert.equal("", candidates("mine.f()."))
    assert.equal("", candidates("nothing.x"))
  end)

  it("knows Ork's own things", function()
    assert.equal("date", candidates("ork.da"))
    assert.equal("start", candidates("etl:sta"))
    assert.equal("name", candidates("etl.na"))
    assert.equal("day =  dry = ", candidates("etl:start{ d"))
    assert.equal("day = ", candidates("etl:run({ dry = true, da"))
    assert.equal("extra extract", candidates('etl:task("new", { command = "x", depends_on = "ext'))
    assert.equal("etl", candidates("runs{ workflow = 'e"))
    assert.equal("failed", candidates("runs{ status = 'f"))
    assert.equal("retry", candidates('help "retr'))
    assert.equal("13138363", candidates('show("1313'))
    assert.equal("last", candidates('ork.find "la'))
    assert.equal("old", candidates("why('ol"))
  end)

  it("knows files", function()
    local _, list = complete.candidates(session, ('ork.load("%s/tests/spec/repl_s'):format(os.getenv("ORK_ROOT")))
    assert.equal(1, #list)
    assert.truthy(list[1]:find("repl_spec.lua$"))
  end)

  it("never calls what is the user's", function()
    local function boom() error "called" end
    session.env.trap = setmetatable({ plain = 1 }, { __index = boom, __pairs = boom, __len = boom })
    session.env.chain = setmetatable({}, { __index = { inherited = 1 } })
    assert.equal("plain", candidates("trap.p"))
    assert.equal("", candidates("trap.other.x"))
    assert.equal("inherited", candidates("chain."))
  end)

  it("inserts what all candidates share, then shows them", function()
    assert.same({ "ra" }, { complete.at(session, 'etl:task("n", { depends_on = "ext', 33) })
    local insert, shown = complete.at(session, 'etl:task("n", { depends_on = "extra', 35)
    assert.is_nil(insert)
    assert.equal("extra    extract", shown)
    assert.same({ 't"' }, { complete.at(session, 'etl:task("n", { depends_on = "extrac', 36) })
    assert.same({ 'ry"' }, { complete.at(session, 'help "ret', 9) })
    assert.same({ "ry" }, { complete.at(session, 'help "ret"', 9) })
    assert.same({}, { complete.at(session, "zzz", 3) })
  end)

  it("takes anything before the cursor", function()
    for _, before in ipairs({ "\255\254", "'\\", "a.b.c.d:", "....", "::", "x['", "(((", "etl:start{{{", ("a."):rep(10000), "etl.params.da" }) do
      assert.has_no.errors(function() complete.candidates(session, before) end)
    end
    assert.is_table(core.methods)
  end)
end)
