-- SPDX-License-Identifier: MIT
-- Runs programs that have Ork inside, with a plain lua5.4 and the module under test, in a temporary folder.
local sh = require "tests.lib.sh"
local uv = require "luv"

local app = {}

--- Entries of a search path that begin with "./" made absolute: the program runs in another folder.
local function absolute(path)
  return (";" .. path):gsub(";%./", ";" .. uv.cwd() .. "/"):sub(2)
end

local preload = os.getenv("TEST_HOST_PRELOAD") -- the sanitizers' library, which a plain lua5.4 does not bring along
app.environment = {
  LUA_PATH_5_4 = absolute(package.path), LUA_CPATH_5_4 = absolute(package.cpath),
  LD_PRELOAD = preload, ASAN_OPTIONS = preload and "detect_leaks=0",
}
app.absolute = absolute

--- Starts the program app.lua in `dir`: `code`, after `ork` was required. Its second line is the first one of `code`.
function app.spawn(dir, code, ...)
  sh.write(dir .. "/app.lua", 'local ork = require "ork"\n' .. code)
  return sh.spawn({ "lua5.4", "app.lua", ... }, { cwd = dir, env = app.environment })
end

--- Runs it to its end, in a folder of its own unless one is given: { code, out, err, dir }.
function app.run(code, dir)
  dir = dir or sh.tempdir()
  sh.write(dir .. "/app.lua", 'local ork = require "ork"\n' .. code)
  local r = sh.run({ "lua5.4", "app.lua" }, { cwd = dir, env = app.environment })
  r.dir = dir
  return r
end

return app
