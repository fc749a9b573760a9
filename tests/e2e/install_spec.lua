-- SPDX-License-Identifier: MIT
-- `cmake --install` of the build under test, and the Debian package of it: complete, without traces of where it was built, at work
-- wherever it lies. Nothing is compiled here.
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"
local uv = require "luv"

local build = (sh.ork_path()):match("^(.*)/")
local root = os.getenv("ORK_ROOT")
local preload = os.getenv("TEST_HOST_PRELOAD")

local FILES = {
  "bin/ork", "libexec/ork/ork-agent", "lib/lua/5.4/ork/core.so", "share/lua/5.4/ork/init.lua", "share/lua/5.4/ork/cli/main.lua",
  "include/ork/ork.h", "share/man/man1/ork.1", "share/bash-completion/completions/ork", "share/zsh/vendor-completions/_ork",
  "share/doc/ork/README.md", "share/doc/ork/docs/tasks.md", "share/doc/ork/examples/hello.lua",
}

if sh.exists(build .. "/ork_edit.so") then FILES[#FILES + 1] = "libexec/ork/ork_edit.so" end

local HOST = [[
local ork = require "ork"
local w = ork.workflow("hosted")
w:task("only", { command = "echo from $0" })
print(assert(ork.run(w)).status)
]]

--- What was installed below `prefix` runs a script and a host program in a new folder.
local function works(prefix)
  local home = sh.tempdir()
  sh.write(home .. "/hello.lua", 'local w = require("ork").workflow("hello")\nw:task("hi", { command = "echo hi" })\nreturn w\n')
  sh.write(home .. "/host.lua", HOST)
  local env = source.plain_env(home, { ASAN_OPTIONS = preload and "detect_leaks=1" })
  local r = sh.run({ prefix .. "/bin/ork", "hello.lua", "--json" }, { cwd = home, env = env })
  assert.same({ 0, "success" }, { r.code, r.code == 0 and sh.json(r.out).status or r.err })

  env.LUA_PATH = prefix .. "/share/lua/5.4/?.lua;" .. prefix .. "/share/lua/5.4/?/init.lua"
  env.LUA_CPATH = prefix .. "/lib/lua/5.4/?.so"
  env.LD_PRELOAD, env.ASAN_OPTIONS = preload, preload and "detect_leaks=0"
  r = sh.run({ "lua5.4", "host.lua" }, { cwd = home, env = env })
  assert.same({ "success\n", "", 0 }, { r.out, r.err, r.code })
  local agent = sh.run({ "sh", "-c", 'for p in /proc/[0-9]*; do readlink $p/exe; done | grep -Fx "$1"', "sh",
    uv.fs_realpath(prefix) .. "/libexec/ork/ork-agent" })
  assert.equal(0, agent.code, "the agent of another place did the work")
end

--- Programs and libraries below `prefix` name no folder that others may write, and no folder of the build.
local function is_clean(prefix)
  for _, path in ipairs({ "bin/ork", "lib/lua/5.4/ork/core.so", "libexec/ork/ork-agent" }) do
    assert.is_nil(source.must({ "readelf", "-dW", prefix .. "/" .. path }):match("R[UN]*PATH[^\n]*"))
    local text = sh.read(prefix .. "/" .. path)
    for _, place in ipairs({ root, build }) do
      local at = text:find(place .. "/", 1, true)
      assert.is_nil(at and text:sub(at, at + 120):match("^%g*"), path)
    end
  end
  assert.equal("", source.must({ "find", prefix, "-perm", "/022", "!", "-type", "l" }))
end

describe("cmake --install", function()
  local prefix
  before_each(function()
    prefix = sh.tempdir() .. "/some where"
    source.must({ "cmake", "--install", build, "--prefix", prefix, "--strip" }, { env = { DESTDIR = false, LD_PRELOAD = false } })
  end)
  after_each(sh.cleanup)

  it("puts everything in its place, to work from there", function()
    for _, path in ipairs(FILES) do assert(sh.exists(prefix .. "/" .. path), path) end
    is_clean(prefix)
    works(prefix)
  end)

  it("makes what can be moved", function()
    local moved = prefix .. " else"
    assert(uv.fs_rename(prefix, moved))
    works(moved)
  end)

  it("installs every module of Lua", function()
    local function modules(dir)
      local list = {}
      for _, path in ipairs(source.files(dir)) do list[#list + 1] = path:match(".*%.lua$") end
      return list
    end
    assert.same(modules(root .. "/lua/ork"), modules(prefix .. "/share/lua/5.4/ork"))
  end)
end)

describe("the Debian package", function()
  if not (source.has("cpack") and source.has("dpkg-shlibdeps") and source.has("file")) then
    pending("is not tried: cpack, dpkg-dev or file is not installed (script/setup)")
    return
  end
  after_each(sh.cleanup)

  --- The package of the build under test. cpack alone would build it anew; here it packs what is there.
  local function pack(dir)
    source.must({ "cmake", "--install", build, "--prefix", dir .. "/stage", "--strip" }, { env = { DESTDIR = false, LD_PRELOAD = false } })
    sh.write(dir .. "/config.cmake", ([[
      include(%s/CPackConfig.cmake)
      set(CPACK_INSTALL_CMAKE_PROJECTS)
      set(CPACK_INSTALLED_DIRECTORIES "%s/stage;/usr")
    ]]):format(build, dir))
    source.must({ "cpack", "-G", "DEB", "--config", dir .. "/config.cmake", "-B", dir .. "/out" }, { timeout = 120,
      env = { LD_PRELOAD = false } })
    for _, path in ipairs(source.files(dir .. "/out")) do
      if path:find("^ork_%d[%w.+~]*_%w+%.deb$") then return dir .. "/out/" .. path end
    end
    error("no package in " .. dir .. "/out")
  end

  it("says what it is and needs", function()
    local deb = pack(sh.tempdir())
    local function field(name) return (source.must({ "dpkg-deb", "-f", deb, name }):gsub("\n$", "")) end
    assert.equal("ork", field("Package"))
    assert.equal(deb:match("ork_([^_/]+)_[^/]*$"), field("Version"))
    local depends = field("Depends")
    for _, library in ipairs({ "libc6", "libjansson4", "liblua5.4-0", "libmd0", "libsqlite3-0", "libuv1" }) do
      assert(depends:find(library .. " (>=", 1, true) or depends:find(library, 1, true), library .. " not in: " .. depends)
    end
    assert(#field("Description"):match("^[^\n]*") <= 80)
    assert(field("Maintainer"):find("^[^<]+ <[^@]+@[^>]+>$"))

    local list = source.must({ "dpkg-deb", "-c", deb })
    for _, path in ipairs({ "man/man1/ork.1.gz", "doc/ork/changelog.gz", "doc/ork/copyright" }) do
      assert(list:find("./usr/share/" .. path .. "\n", 1, true), path)
    end
    for line in list:gmatch("[^\n]+") do
      assert(line:find("^[-d]rw[-x]r%-[-x]r%-[-x] root/root "), line)
    end
  end)

  it("installs, runs and goes without a trace", function()
    if uv.getuid() ~= 0 then
      pending("needs root: dpkg gives files to root")
      return
    end
    local dir = sh.tempdir()
    local deb = pack(dir)
    local target = dir .. "/root"
    local function dpkg(...)
      return source.must({ "dpkg", "--root=" .. target, "--log=" .. dir .. "/log", "--force-depends", ... })
    end
    source.must({ "mkdir", "-p", target .. "/var/lib/dpkg/info", target .. "/var/lib/dpkg/updates" })
    sh.write(target .. "/var/lib/dpkg/status", "")
    dpkg("-i", deb)
    assert.equal("", dpkg("-V", "ork")) -- its own checksums
    is_clean(target .. "/usr")
    works(target .. "/usr")
    dpkg("-P", "ork")
    local left = {}
    for _, path in ipairs(source.files(target)) do
      if not path:find("^var/lib/dpkg/") then left[#left + 1] = path end
    end
    assert.same({}, left)
    assert.is_false(sh.exists(target .. "/usr"))
  end)
end)
