-- SPDX-License-Identifier: MIT
-- The database of a prompt: opened for reading when something is looked at, for writing by what changes something, made by
-- the first start. It stands for an engine wherever one is wanted, and stays when a command closes it.
local open = require "ork.cli.open"

local changing = {} -- methods that write; the others only look
for name in ("command claim rerun update delete prune apply activate pool_set"):gmatch("%S+") do changing[name] = true end

--- Methods that say something to an engine that is there, and nothing when there is none.
local only_open = { interrupt = true, suspend = true, owned = true, on_change = true }

local level = { read = 1, change = 2, run = 3 }

local Engine = { __name = "ork.repl_engine" }

local methods = {}

--- Opens it as far as `wanted` ("read", "change", "run") asks; ends with an error of ork.cli.stop when it cannot be.
local function ensure(self, wanted)
  local at = rawget(self, "level")
  if at and level[at] >= level[wanted] then return rawget(self, "engine") end
  local fresh = open.fresh(rawget(self, "options"), wanted)
  local before = rawget(self, "engine")
  rawset(self, "engine", fresh)
  rawset(self, "level", wanted)
  if rawget(self, "tell") then fresh:on_change(rawget(self, "tell")) end
  if before then before:close() end
  return fresh
end

--- Opens it for writing, as far as it exists, and makes it when `create`.
function methods.ensure(self, wanted) return ensure(self, wanted) end

--- Is anything open?
function methods.is_open(self) return rawget(self, "engine") ~= nil end

--- Called for each change from now on, also of an engine that is opened later.
function methods.tell(self, f)
  rawset(self, "tell", f)
  local engine = rawget(self, "engine")
  if engine then engine:on_change(f) end
end

--- Really closes it.
function methods.shut(self)
  local engine = rawget(self, "engine")
  rawset(self, "engine", nil)
  rawset(self, "level", nil)
  if engine then engine:close() end
end

--- Commands close what they opened; this one is the prompt's. on_change of a command would switch off the prompt's news.
function methods.close() end
function methods.on_change() end

function Engine.__index(_, name)
  if methods[name] then return methods[name] end
  local function forward(self, ...)
    local engine
    if only_open[name] then
      engine = rawget(self, "engine")
      if not engine then return nil end
    else
      engine = ensure(self, name == "start" and "run" or changing[name] and "change" or "read")
    end
    return engine[name](engine, ...)
  end
  methods[name] = forward
  return forward
end

Engine.__close = function() end
Engine.__tostring = function(self)
  local engine = rawget(self, "engine")
  return engine and tostring(engine) or "ork database (not opened yet)"
end

--- options: of the command line (--db, --data, --jobs …).
return function(options) return setmetatable({ options = options }, Engine) end
