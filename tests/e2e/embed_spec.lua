-- SPDX-License-Identifier: MIT
-- Programs that have Ork inside, from outside: killed in the middle, with two Lua states, on a luv loop; and functions under `ork`.
local sh = require "tests.lib.sh"
local app = require "tests.lib.app"
local uv = require "luv"

local root = assert(uv.fs_realpath(os.getenv("ORK_ROOT") or "."))
local module_path = assert(package.searchpath("ork.core", package.cpath))

local environment, absolute = app.environment, app.absolute

describe("a program with Ork inside", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function program(code) sh.write(dir .. "/app.lua", 'local ork = require "ork"\n' .. code) end
  local function run(...) return sh.run({ "lua5.4", "app.lua", ... }, { cwd = dir, env = environment }) end
  local function query(sql) return sh.sql(dir .. "/.ork/ork.db", sql)[1] end

  local RESUMED = [[
    local w = ork.workflow("chain")
    local function mark(name)
      local file = io.open("marks", "a")
      file:write(name, "\n")
      file:close()
    end
    local a = w:task("a", { run = function(_, ctx) mark("a" .. ctx.attempt) return { n = 1 } end })
    local b = w:task("b", { depends_on = a, run = function(_, ctx)
      mark("b" .. ctx.attempt)
      ctx.log("begun by " .. arg[1])
      if arg[1] == "first" then
        print("in the middle")
        io.stdout:flush()
        ctx.sleep("1h")
      end
    end })
    w:task("c", { inputs = { n = a.output.n }, depends_on = b, run = function(input, ctx) mark("c" .. ctx.attempt .. input.n) end })
    local run = assert(w:start({}, { resume = true }))
    print(run.how, run:wait())
  ]]

  it("goes on after a kill -9, and repeats only what was interrupted", function()
    program(RESUMED)
    local first = sh.spawn({ "lua5.4", "app.lua", "first" }, { cwd = dir, env = environment })
    first:wait_line("in the middle")
    first:signal("sigkill")
    first:wait()
    assert.same({ status = "running" }, query("SELECT status FROM runs"))
    assert.equal("success1,pending0,pending0", query("SELECT group_concat(status||attempt) AS s FROM tasks").s)
    -- in between: `ork` says where the functions are, and does not go on
    local why = sh.ork({ "why", "last" }, { cwd = dir })
    assert.matches("its function lives in the program that started the run", why.out .. why.err)
    local resumed = sh.ork({ "resume", "last" }, { cwd = dir })
    assert.is_true(resumed.code ~= 0)
    assert.matches("start that program again", resumed.out .. resumed.err)
    assert.no.matches("going on with", resumed.out .. resumed.err)
    local status = sh.ork({ "status" }, { cwd = dir, ok = true }).out
    assert.matches("unowned +1 run that nobody carries out any more   %(ork why %x+%)\n", status)
    local retried = sh.ork({ "retry", "last" }, { cwd = dir })
    assert.equal(2, retried.code)
    assert.matches("start that program again", retried.err)
    assert.no.matches("trying again", retried.err)
    assert.equal(0, math.tointeger(query("SELECT count(*) AS n FROM commands").n))

    local second = run("second")
    assert.same({ "resumed\tsuccess\n", "" }, { second.out, second.err })
    assert.equal("a1\nb1\nb1\nc11\n", sh.read(dir .. "/marks"))
    assert.equal("success10,success10,success10", query("SELECT group_concat(status||attempt||lost) AS s FROM tasks").s)
    assert.equal(0, tonumber(query("SELECT count(*) AS n FROM task_attempts").n))
    assert.equal("begun by second\n", sh.ork({ "logs", "last", "b" }, { cwd = dir, ok = true }).out)
  end)

  it("leaves an interrupted run to whoever cancels it", function()
    program(RESUMED)
    local first = sh.spawn({ "lua5.4", "app.lua", "first" }, { cwd = dir, env = environment })
    first:wait_line("in the middle")
    first:signal("sigkill")
    first:wait()
    sh.ork({ "cancel", "last" }, { cwd = dir, ok = true })
    assert.equal("success,cancelled,cancelled", query("SELECT group_concat(status) AS s FROM tasks").s)
  end)

  it("hears what others wish for its runs", function()
    program([[
      local w = ork.workflow("long")
      w:task("a", { run = function(_, ctx) print("in") io.stdout:flush() ctx.sleep("1h") end })
      local run = assert(w:start())
      print(run:wait())
    ]])
    local p = sh.spawn({ "lua5.4", "app.lua" }, { cwd = dir, env = environment })
    p:wait_line("in")
    assert.matches("its function is called by the program that owns the run", sh.ork({ "why", "last" }, { cwd = dir, ok = true }).out)
    sh.ork({ "cancel", "last" }, { cwd = dir, ok = true })
    p:wait_line("cancelled")
    assert.equal(0, p:wait().code)
  end)

  it("runs the example", function()
    local example = root .. "/examples/embedding.lua"
    local r = sh.run({ "lua5.4", example }, { cwd = dir, env = environment })
    assert.same({ "", 0 }, { r.err, r.code })
    assert.matches("^%d+ words, %d+ lines in 1 files %(new run%)\n$", r.out)
    r = sh.run({ "lua5.4", example, example, root .. "/LICENSE" }, { cwd = dir, env = environment })
    assert.matches("in 2 files", r.out)
    r = sh.run({ "lua5.4", example, "/no/such/file" }, { cwd = dir, env = environment })
    assert.equal(1, r.code)
    assert.matches("1 of 2 tasks failed", r.err)
  end)

  it("holds two Lua states with an engine each, and leaves nothing open", function()
    local host = module_path:gsub("ork/core%.so$", "embed_host")
    local r = sh.run({ host, module_path, "sqlite:" .. dir .. "/1/ork.db", "sqlite:" .. dir .. "/2/ork.db" }, {
      cwd = dir, env = { LUA_PATH_5_4 = absolute(package.path), ORK_AGENT = os.getenv("ORK_AGENT"), LSAN_OPTIONS = "print_suppressions=0" },
    })
    local once = "success\tsecond\t1\tsuccess\nsuccess\tfirst\t1\tsuccess\nsuccess\tsecond\t2\tsuccess\n"
    assert.same({ once .. once .. "0 more\n", "", 0 }, { r.out, r.err, r.code })
  end)

  it("has a module that brings no Lua along", function()
    assert.is_nil(sh.run({ "ldd", module_path }).out:find("liblua", 1, true))
    local symbols = sh.run({ "nm", "-D", "--defined-only", module_path }).out
    assert.matches("luaopen_ork_core", symbols)
    assert.is_nil(symbols:find("lua_newstate", 1, true))
  end)
end)

describe("a function in a script for ork that is to run in the program", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  it("is called there with executor = \"inline\"", function()
    sh.write(dir .. "/w.lua", [[
local ork = require "ork"
local w = ork.workflow("w")
local a = w:task("a", { executor = "inline", output_type = { n = "int" }, run = function(_, ctx)
  ctx.log("here")
  ctx.sleep("5ms")
  return { n = 2 }
end })
w:task("b", { command = { "echo", a.output.n } })
return w
]])
    local r = sh.ork({ "w.lua" }, { cwd = dir })
    assert.same({ 0 }, { r.code }, r.err)
    assert.equal("2\n", sh.ork({ "logs", "last", "b" }, { cwd = dir, ok = true }).out)
    assert.equal("here\n", sh.ork({ "logs", "last", "a" }, { cwd = dir, ok = true }).out)
    assert.equal("a", sh.json(sh.ork({ "tasks", "last", "--json" }, { cwd = dir, ok = true }).out)[1].name)
  end)

  it("ends when it is interrupted", function()
    sh.write(dir .. "/w.lua", [[
local ork = require "ork"
local w = ork.workflow("w")
w:task("a", { executor = "inline", run = function(_, ctx) io.stderr:write("in\n") ctx.sleep("1h") end })
return w
]])
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("in")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.equal("cancelled", sh.sql(dir .. "/.ork/ork.db", "SELECT status FROM tasks")[1].status)
  end)
end)
