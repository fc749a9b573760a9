-- SPDX-License-Identifier: MIT
-- A key that a run has already means that run, so what it was made with has to be what is given now.
local core = require "ork.core"

local key = {}

local function text(value) return value ~= nil and core.json.encode(value) or nil end

--- "--to a" and the like, for a run that is a part of its workflow.
local function part_text(part)
  return part and ("the part --%s %s"):format(part.to and "to" or "only", part.to or part.only) or "the whole workflow"
end

--- Lines for the params that are not what the run has. One that nobody gave and the run does not know is newer than it.
local function differences(was, now, given)
  local lines = {}
  for name, value in pairs(now) do
    local before, is = text((was or {})[name]), text(value)
    if before ~= is and (before or given[name] ~= nil) then
      lines[#lines + 1] = ("  %s: %s then, %s now"):format(name, before or "nothing", is)
    end
  end
  table.sort(lines)
  return lines
end

--- May a start with this key mean the run that has it? given: by name, what the caller gave; complete(logical_ms): the
--- complete params as JSON, or nil, message, code; those that follow the run's time are those of its time (nil: none).
--- to: the task of --to. true, or nil, message, "ECODE".
function key.check(engine, workflow, name, given, complete, to)
  local found, why, code = engine:runs({ workflow = workflow.name, key = name })
  if not found then return nil, why, code end
  if not found[1] then return true end
  local run
  run, why, code = engine:run(found[1].id)
  if not run then return nil, why, code end
  local short = run.id:sub(-8)
  local part = run.part
  if (part and (part.to or part.only)) ~= to then
    return nil, ("the key `%s` is that of run %s, which is %s, not %s; another run needs another key"):format(name, short,
      part_text(part), part_text(to and { to = to })), "ESTATE"
  end
  local now
  now, why, code = complete(run.logical_time and core.sys.time(run.logical_time))
  if not now then return nil, why, code end
  local lines = differences(run.params, core.json.decode(now), given)
  if #lines == 0 then return true end
  return nil, ("the key `%s` is that of run %s, which was made with other params:\n%s\nanother run needs another key"):format(name,
    short, table.concat(lines, "\n")), "ESTATE"
end

return key
