-- SPDX-License-Identifier: MIT
-- Scripts for tests of the definition side: written into a folder of their own and loaded as `ork` would.
local lfs = require "lfs"
local loader = require "ork.loader"
local problems = require "ork.problems"

local script = {}
local folders = {}

--- A new empty folder.
function script.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  folders[#folders + 1] = path
  return path
end

local function remove(path)
  if lfs.symlinkattributes(path, "mode") == "directory" then
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then remove(path .. "/" .. name) end
    end
  end
  os.remove(path)
end

function script.cleanup()
  for _, path in ipairs(folders) do remove(path) end
  folders = {}
end

function script.write(path, text)
  local folder = path:match("^(.*)/")
  if folder and not lfs.attributes(folder, "mode") then assert(lfs.mkdir(folder)) end
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

--- Loads a script text as `main.lua` beside `files` (path → text). What it returns has `lines` and `warned`: each problem
--- as `ork` prints it, without the folder.
function script.load(text, opts)
  opts = opts or {}
  local folder = script.folder()
  for path, content in pairs(opts.files or {}) do script.write(folder .. "/" .. path, content) end
  script.write(folder .. "/main.lua", text)
  local loaded = loader.load(folder .. "/main.lua", { twice = opts.twice, arg = opts.arg, stop_at_start = opts.stop_at_start })
  local function lines(list)
    local result = {}
    for i, p in ipairs(list) do
      result[i] = problems.line(p):gsub(folder:gsub("%p", "%%%0") .. "/", "")
    end
    return result
  end
  loaded.folder, loaded.lines, loaded.warned = folder, lines(loaded.problems), lines(loaded.warnings)
  return loaded
end

--- Three lines that give `w` with two params and `a` with an output; what follows is line 4.
script.preamble = [[
local ork = require "ork"
local w = ork.workflow("w", { params = { day = "date", n = "int?" } })
local a = w:task("a", { command = "x", output_type = { rows = "int", dir = "str", parts = { "str" }, opt = "str?" } })
]]

--- The problems of a snippet behind the preamble, as lines without "main.lua:".
function script.refusals(snippet)
  local loaded = script.load(script.preamble .. snippet .. "\nreturn w\n")
  local lines = {}
  for i, line in ipairs(loaded.lines) do lines[i] = line:gsub("main%.lua:", "") end
  return lines
end

return script
