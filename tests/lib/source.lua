-- SPDX-License-Identifier: MIT
-- A copy of the sources in a folder of its own, for tests that build and install them, and what such builds are told.
local sh = require "tests.lib.sh"
local uv = require "luv"

local source = {}

--- Runs argv; raises with its output when it fails.
function source.must(argv, opts)
  local r = sh.run(argv, opts)
  if r.code ~= 0 then
    error(("%s: exit code %d\n%s%s"):format(table.concat(argv, " "), r.code, r.out:sub(-6000), r.err:sub(-6000)), 2)
  end
  return r.out
end

--- Copies the tree, without builds and history, to `into`.
function source.copy(into)
  assert(uv.fs_mkdir(into, tonumber("755", 8)))
  source.must({ "sh", "-c", 'tar -C "$1" --exclude=./build --exclude=./build.luarocks --exclude=./.git -c . | tar -C "$2" -x', "sh",
    os.getenv("ORK_ROOT"), into })
  return into
end

--- The environment of a build in `dir`: two jobs, ninja, compiled files found again wherever the copy lies, and no network.
function source.build_env(dir)
  local home = os.getenv("HOME") or "/root"
  return {
    HOME = dir, CCACHE_DIR = os.getenv("CCACHE_DIR") or home .. "/.cache/ccache", CCACHE_BASEDIR = dir, CCACHE_NOHASHDIR = "1",
    CMAKE_GENERATOR = "Ninja", CMAKE_BUILD_PARALLEL_LEVEL = "2", LD_PRELOAD = false, DESTDIR = false,
    http_proxy = "http://127.0.0.1:9", https_proxy = "http://127.0.0.1:9", LUA_PATH_5_4 = false, LUA_CPATH_5_4 = false,
  }
end

--- Is a program installed?
function source.has(program) return sh.run({ "sh", "-c", 'command -v "$1"', "sh", program }).code == 0 end

--- Paths of the files below `dir`, sorted, relative to it.
function source.files(dir)
  local list = {}
  for path in source.must({ "find", dir, "-type", "f", "-printf", "%P\\n" }):gmatch("[^\n]+") do list[#list + 1] = path end
  table.sort(list)
  return list
end

--- What a plain user's shell has, for running what was installed; `extra` is added.
function source.plain_env(home, extra)
  local env = { HOME = home, PATH = "/usr/bin:/bin", LUA_PATH_5_4 = false, LUA_CPATH_5_4 = false, ORK_AGENT = false, ORK_PROGRAM = false, ORK_LUA_DIR = false }
  for name, value in pairs(extra or {}) do env[name] = value end
  return env
end

return source
