-- SPDX-License-Identifier: MIT
-- The answers to what a task asks (`wait = { approval = … }`): methods of runs.
local core = require "ork.core"

local KEYS = { comment = true, by = true }

--- The method `kind`: "approve" or "reject".
return function(kind)
  return function(self, task, options)
    if type(task) ~= "string" then error(("%s takes the name of a task, not %s"):format(kind, type(task)), 2) end
    options = options or {}
    for key in pairs(options) do
      if not KEYS[key] then error(("%s has no option `%s`; it takes comment and by"):format(kind, tostring(key)), 2) end
    end
    return rawget(self, "engine"):command(rawget(self, "run_id"), kind,
      { task = task, by = options.by or core.sys.user(), comment = options.comment })
  end
end
