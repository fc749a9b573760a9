-- SPDX-License-Identifier: MIT
-- ork.executor: who carries tasks out, as three functions of a script. Called in workers, with what is kept in the
-- database between the calls; see runtime/engine/executor.h.
local core = require "ork.core"

local LEAST_MS = 1000

local Executor = { __name = "ork.executor" }
function Executor.__tostring(self) return ("executor `%s`"):format(rawget(self, "name")) end

local names = { "cancel", "every", "poll", "start" }

--- An executor: start(task, ctx) begins the work and returns a handle, poll(handle, ctx) looks how it is going: nil (not
--- yet), { output = … } or { error = "…" }, cancel(handle, ctx) ends it.
return function(name, options)
  if type(name) ~= "string" or not name:find("^[%w_][%w_.-]*$") or #name > 200 then
    error("ork.executor wants a name first, of letters, digits, _ . and -", 2)
  end
  if type(options) ~= "table" then error("ork.executor wants a table after the name: { start = function(task, ctx) … end, poll = … }", 2) end
  local self = { name = name }
  for key, value in next, options do
    if key == "every" then
      local ms = type(value) == "string" and core.sys.duration(value) or type(value) == "number" and math.floor(value * 1000 + 0.5)
      if not ms or ms < LEAST_MS then error(("executor `%s`: `every` wants a duration of 1 s or more, got %s"):format(name, tostring(value)), 2) end
      self.every_ms = ms
    elseif key == "start" or key == "poll" or key == "cancel" then
      if type(value) ~= "function" then error(("executor `%s`: `%s` wants a function, got a %s"):format(name, key, type(value)), 2) end
      self[key] = value
    else
      local near = type(key) == "string" and core.suggest(key, names)
      error(("executor `%s` has no option `%s`%s"):format(name, tostring(key), near and ("; did you mean `%s`?"):format(near) or
        "; there are " .. table.concat(names, ", ")), 2)
    end
  end
  for _, key in ipairs({ "start", "poll" }) do
    if not self[key] then error(("executor `%s` has no `%s`"):format(name, key), 2) end
  end
  return setmetatable(self, Executor)
end
