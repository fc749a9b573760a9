-- SPDX-License-Identifier: MIT
-- The rock: built by luarocks from a copy of the sources into a tree of its own, offline; then used by a plain lua5.4 that
-- knows nothing but that tree. Under the sanitizers the rock is built with them too.
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"

local SMOKE = [[
local ork = require "ork"
local w = ork.workflow("smoke", { params = { n = "int" } })
local a = w:task("a", { command = { "sh", "-c", "printf 'ORK_OUTPUT:{\"n\":%s}' $0", w.params.n }, output_type = { n = "int" } })
local b = w:task("b", { run = function(input) return { twice = 2 * input.n } end, inputs = { n = a.output.n }, output_type = { twice = "int" } })
w:task("c", { command = { "echo", b.output.twice } })

--- Two databases at once, with a run in each; returns how many descriptors are open when both are closed again.
local function both()
  local first, second = assert(ork.open("sqlite:first.db")), assert(ork.open("sqlite:second.db"))
  local one, two = assert(first:start(w, { n = 5 })), assert(second:start(w, { n = 7 }))
  print(one:wait(), two:wait())
  print(one:task("b").output.twice, two:task("b").output.twice, (one:task("c"):log()))
  first:close()
  second:close()
  local list = io.popen("ls /proc/$PPID/fd | wc -l")
  local n = list:read("n")
  list:close()
  return n
end
print(both() == both())
]]

describe("the rock", function()
  if not source.has("luarocks") then
    pending("is not tried: luarocks is not installed (script/setup)")
    return
  end

  local dir, tree, env
  local preload = os.getenv("TEST_HOST_PRELOAD")

  local function luarocks(...)
    return source.must({ "luarocks", "--lua-version=5.4", ... }, { cwd = dir .. "/src", env = env, timeout = preload and 800 or 280 })
  end

  lazy_setup(function()
    dir = sh.tempdir()
    tree, env = dir .. "/tree", source.build_env(dir)
    source.copy(dir .. "/src")
    local rockspec = "rockspec/ork-scm-1.rockspec"
    if preload then
      local text, n = sh.read(dir .. "/src/" .. rockspec):gsub('(CMAKE_BUILD_TYPE = )"Release"', '%1"Debug", ORK_SANITIZE = "ON"')
      assert(n == 1, "the rockspec names no build type")
      sh.write(dir .. "/src/" .. rockspec, text)
    end
    luarocks("make", rockspec, "--tree=" .. tree)
  end)
  lazy_teardown(sh.cleanup)

  --- Runs argv in a new folder where only the tree is known.
  local function plain(argv)
    local home = sh.tempdir()
    sh.write(home .. "/smoke.lua", SMOKE)
    sh.write(home .. "/hello.lua", 'local w = require("ork").workflow("hello")\nw:task("hi", { command = "echo hi" })\nreturn w\n')
    return sh.run(argv, { cwd = home, env = source.plain_env(home, {
      LUA_PATH = tree .. "/share/lua/5.4/?.lua;" .. tree .. "/share/lua/5.4/?/init.lua",
      LUA_CPATH = tree .. "/lib/lua/5.4/?.so",
      LD_PRELOAD = preload and argv[1] == "lua5.4" and preload or false,
      ASAN_OPTIONS = preload and "detect_leaks=" .. (argv[1] == "lua5.4" and 0 or 1),
    }) })
  end

  it("brings module, program and agent", function()
    for _, path in ipairs({ "bin/ork", "lib/lua/5.4/ork/core.so", "lib/lua/5.4/ork/ork-agent", "lib/lua/5.4/ork/ork_cloud.so", "share/lua/5.4/ork/init.lua",
      "share/lua/5.4/ork/cli/main.lua" }) do
      assert(sh.exists(tree .. "/" .. path), path)
    end
  end)

  it("has a module that takes Lua from its host and gives one name", function()
    local module = tree .. "/lib/lua/5.4/ork/core.so"
    assert.is_nil(source.must({ "readelf", "-dW", module }):match("NEEDED[^\n]*liblua"))
    assert.is_nil(source.must({ "readelf", "-dW", module }):match("R[UN]*PATH[^\n]*"))
    assert.truthy(source.must({ "nm", "-D", "--undefined-only", module }):find(" lua_pcallk\n", 1, true))
    local names = {}
    for name in source.must({ "nm", "-D", "--defined-only", module }):gmatch(" T ([%w_]+)") do names[#names + 1] = name end
    assert.same({ "luaopen_ork_core" }, names)
  end)

  it("runs workflows under a plain lua5.4", function()
    local r = plain({ "lua5.4", "smoke.lua" })
    local each = "success\tsuccess\n10\t14\t10\n\n"
    assert.same({ each .. each .. "true\n", "", 0 }, { r.out, r.err, r.code })
  end)

  it("runs a script with its program", function()
    local r = plain({ tree .. "/bin/ork", "hello.lua", "--json" })
    assert.same({ 0, "success" }, { r.code, r.code == 0 and sh.json(r.out).status or r.err })
  end)

  it("goes without a trace", function()
    luarocks("remove", "ork", "--tree=" .. tree)
    local left = {}
    for _, path in ipairs(source.files(tree)) do
      if path ~= "lib/luarocks/rocks-5.4/manifest" then left[#left + 1] = path end
    end
    assert.same({}, left)
  end)
end)
