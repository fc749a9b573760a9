-- SPDX-License-Identifier: MIT
-- Plays a recorded workflow: reads a trace in WfFormat (https://wfcommons.org), the JSON that scientific workflow systems
-- leave behind, and makes a task of each task in it, with the same dependencies, that sleeps as long as the real one ran.
--
--   ork wfcommons.lua trace=1000genome.json speed=100        a hundred times as fast
--   ork plan wfcommons.lua trace=1000genome.json             its shape, without running it
local ork = require "ork"

-- The graph depends on the trace, so its path must be known while this file is loaded. `arg` has what the command line
-- says; whatever a script reads while it loads, each load must read the same.
local path = arg.trace or error("which trace? say: ork wfcommons.lua trace=FILE.json", 0)
local file <close> = assert(io.open(path))
local trace, mistake = ork.json.decode(file:read("a"))
if not trace then error(("%s is no JSON: %s"):format(path, mistake), 0) end
local recorded = trace.workflow or {}
local tasks = (recorded.specification or recorded).tasks        -- version 1.5, and what was before
if not tasks then error(path .. " is no trace in WfFormat: it has no workflow.specification.tasks", 0) end

-- Times are with the tasks in old traces and in a list of their own in new ones.
local seconds = {}
for _, task in ipairs(tasks) do seconds[task.id or task.name] = task.runtimeInSeconds or task.runtime end
for _, task in ipairs((recorded.execution or {}).tasks or {}) do seconds[task.id] = task.runtimeInSeconds or seconds[task.id] end

-- Names as Ork takes them: letters, digits, _ . -
local names, taken = {}, {}
for _, task in ipairs(tasks) do
  local id = task.id or task.name
  local name = id:gsub("[^%w_.-]", "_"):gsub("^[^%w_]", "_"):sub(1, 180)
  while taken[name] do name = name .. "_" end
  names[id], taken[name] = name, true
end

local replay = ork.workflow(path:match("([^/]+)$"):gsub("%.json$", ""):gsub("[^%w_.-]", "_"):gsub("^[^%w_]", "_"), {
  description = ("The %d tasks of %s, asleep"):format(#tasks, path),
  params = {
    trace = { type = "str", default = path, description = "a file in WfFormat" },
    speed = { type = "int", default = 1, min = 1, description = "so many times as fast as it was recorded" },
  },
})

-- The division is left to the shell: a param has its value only in the run, and can be another one in `ork rerun`.
local SLEEP = 'ms=$(($1 / $2)); exec sleep "$(printf %d.%03d $((ms / 1000)) $((ms % 1000)))"'

for _, task in ipairs(tasks) do
  local id, parents = task.id or task.name, {}
  for i, parent in ipairs(task.parents or {}) do parents[i] = names[parent] or parent end
  replay:task(names[id], {
    depends_on = parents,
    command    = { "sh", "-c", SLEEP, "sleep", math.floor((seconds[id] or 0) * 1000), replay.params.speed },
  })
end

return replay
