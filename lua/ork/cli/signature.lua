-- SPDX-License-Identifier: MIT
-- What the tasks of a definition take and give, as far as it is declared. Of a task that is a run of another workflow it is written there:
-- its params, and what `w:returns` names, with the types of the tasks that the values come from.
local signature = {}

local of_task

--- Type `t` reached through the fields `path` from `from` on; "any" where that is not declared.
local function field(t, path, from)
  local optional
  for i = from, #path do
    if type(t) == "table" and t[1] == "?" then t, optional = t[2], true end
    if type(t) ~= "table" or t[1] ~= nil then return "any" end
    t = t[path[i]]
  end
  if t == nil then return "any" end
  if optional and type(t) == "string" and not t:find("%?$") and t ~= "any" then return t .. "?" end
  return optional and type(t) == "table" and t[1] ~= "?" and { "?", t } or t
end

--- The parts of a reference, in whichever form it is stored.
local function parts_of(ref)
  if type(ref) == "table" then return ref end
  local parts = {}
  for part in ref:gmatch("[^.]+") do parts[#parts + 1] = part end
  return parts
end

--- The type of what `w:returns` says of one name: a reference has that of its end, a text is one; anything else is not looked into.
local function of_value(expression, tasks, options)
  if type(expression) ~= "table" then return "any" end
  if expression.text then return "str" end
  if not expression.ref then return "any" end
  local path = parts_of(expression.ref)
  if path[1] == "params" then
    local param = (options.params or {})[path[2]]
    return param and field(param.type, path, 3) or "any"
  end
  if path[1] ~= "tasks" or path[3] ~= "output" then return "any" end
  for _, task in ipairs(tasks) do
    if task.task_name == path[2] then
      local gives = field((of_task(task, options) or {}).output_type or "any", path, 4)
      return task.params.each and { { "?", gives } } or gives
    end
  end
  return "any"
end

--- Of a task with `workflow`: what is declared there.
local function of_run(other)
  local takes, gives
  for name, param in pairs(other.options.params or {}) do
    takes = takes or {}
    takes[name] = param.type
  end
  for name, expression in pairs(other.options.returns or {}) do
    gives = gives or {}
    gives[name] = of_value(expression, other.tasks, other.options)
  end
  return (takes or gives) and { input_type = takes, output_type = gives } or nil
end

--- { input_type, output_type } of a task (as in a snapshot) of a definition with these options; nil: nothing is declared.
function of_task(task, options)
  local other = task.executor_type == "workflow" and (options.workflows or {})[task.params.workflow]
  if not other then return task.signature end
  local own, declared = of_run(other) or {}, task.signature or {}
  local takes, gives = own.input_type, declared.output_type or own.output_type
  return (takes or gives) and { input_type = takes, output_type = gives } or nil
end

signature.of_task = of_task

return signature
