-- SPDX-License-Identifier: MIT
-- lua5.4 script/lib/layers.lua FILE…: includes point downward. Prints each one that does not; exit code 1 if any.
local rank = { base = 1, core = 2, store = 3, exec = 3, cloud = 3, engine = 4, script = 5, server = 5, main = 6 }

--- The layer of a path below runtime/, or nil.
local function layer_of(path)
  return path:match("^(%l+)/") or (path == "main.c" and "main") or nil
end

local function exists(path)
  local f = io.open(path)
  if f then f:close() end
  return f ~= nil
end

--- Why file may not include what it names in quotes or angles, or nil.
local function objection(file, quoted, name)
  if file:find("^bindings/") then
    local private = quoted and not exists("bindings/" .. name) or exists("runtime/" .. name)
    return private and "bindings know only <ork/ork.h>; where it lacks something, extend it" or nil
  end
  local from, to = layer_of(file:gsub("^runtime/", "")), layer_of(name)
  local lua_header = name:match("^(%l+)%.h$")
  if (lua_header == "lua" or lua_header == "lauxlib" or lua_header == "lualib") and from ~= "script" and from ~= "main" then
    return "only runtime/script and bindings know Lua"
  end
  if not quoted or not from or not rank[from] or not to or not rank[to] then return nil end
  if file:find("^runtime/exec/agent/") and to ~= "base" and not name:find("^exec/agent/") then
    return "the agent stands alone"
  end
  if rank[to] > rank[from] or (rank[to] == rank[from] and to ~= from) then
    return ("%s may not know %s (main/script/server, engine, exec/store/cloud, core, base)"):format(from, to)
  end
end

local bad = 0
for _, file in ipairs(arg) do
  local number = 0
  for line in io.lines(file) do
    number = number + 1
    local open, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
    local why = name and objection(file, open == '"', name)
    if why then
      bad = bad + 1
      print(("%s:%d: includes %s: %s"):format(file, number, name, why))
    end
  end
end
os.exit(bad == 0)
