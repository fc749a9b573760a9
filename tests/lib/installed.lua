-- SPDX-License-Identifier: MIT
-- What must hold of Ork wherever it was installed: it works from there, and nothing in it tells of where it was built.
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"
local uv = require "luv"

local installed = {
  build = sh.ork_path():match("^(.*)/"), -- the folder of the build under test
}

local root = os.getenv("ORK_ROOT")
local preload = os.getenv("TEST_HOST_PRELOAD")

local HOST = [[
local ork = require "ork"
local w = ork.workflow("hosted")
w:task("only", { command = "echo from $0" })
print(assert(ork.run(w)).status)
]]

--- What was installed below `prefix` runs a script and a host program in a new folder.
function installed.works(prefix)
  local home = sh.tempdir()
  sh.write(home .. "/hello.lua", 'local w = require("ork").workflow("hello")\nw:task("hi", { command = "echo hi" })\n'
    .. 'w:task("py", { python = "f.py", output_type = "int" })\nreturn w\n')
  sh.write(home .. "/f.py", "def main():\n    return 5\n")
  sh.write(home .. "/host.lua", HOST)
  local env = source.plain_env(home, { ASAN_OPTIONS = preload and "detect_leaks=1" })
  local r = sh.run({ prefix .. "/bin/ork", "hello.lua", "--json" }, { cwd = home, env = env })
  assert(r.code == 0 and sh.json(r.out).status == "success", r.out .. r.err)

  env.LUA_PATH = prefix .. "/share/lua/5.4/?.lua;" .. prefix .. "/share/lua/5.4/?/init.lua"
  env.LUA_CPATH = prefix .. "/lib/lua/5.4/?.so"
  env.LD_PRELOAD, env.ASAN_OPTIONS = preload, preload and "detect_leaks=0"
  r = sh.run({ "lua5.4", "host.lua" }, { cwd = home, env = env })
  assert(r.code == 0 and r.out == "success\n" and r.err == "", r.out .. r.err)
  local agent = sh.run({ "sh", "-c", 'for p in /proc/[0-9]*; do readlink $p/exe; done | grep -Fx "$1"', "sh",
    uv.fs_realpath(prefix) .. "/libexec/ork/ork-agent" })
  assert(agent.code == 0, "the agent of another place did the work")
end

--- Programs and libraries below `prefix` name no folder that others may write, and no folder of the build.
function installed.is_clean(prefix)
  for _, path in ipairs({ "bin/ork", "lib/lua/5.4/ork/core.so", "libexec/ork/ork-agent" }) do
    local rpath = source.must({ "readelf", "-dW", prefix .. "/" .. path }):match("R[UN]*PATH[^\n]*")
    assert(not rpath, rpath)
    local text = sh.read(prefix .. "/" .. path)
    for _, place in ipairs(os.getenv("ORK_TEST_ASAN") and {} or { root, installed.build }) do -- sanitizers keep names of sources
      local at = text:find(place .. "/", 1, true)
      assert(not at, path .. " names " .. (at and text:sub(at, at + 120):match("^%g*") or ""))
    end
  end
  local open = source.must({ "find", prefix, "-perm", "/022", "!", "-type", "l" })
  assert(open == "", "others may write: " .. open)
end

return installed
