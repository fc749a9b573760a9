-- SPDX-License-Identifier: MIT
local core = require "ork.core"
local definition = require "ork.cli.definition"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local validate = {
  name = "validate",
  usage = "validate SCRIPT... [name=value ...]",
  summary = "Finds all mistakes of scripts at once, without running anything",
  text = [[
Each script is loaded twice: it must define the same tasks every time. Nothing is run and no database is touched, so it is
safe in an editor, a hook or CI. Exit code 2 when there is a mistake in any of them.

Each mistake has its line and, where it is known, the place in it; of many, the first twenty are shown. --json has them all, for each
script {"script", "ok", "workflows", "problems", "warnings"}, a problem being {"code", "file", "line", "column", "length", "text", "hint"}
with column and length in bytes.

Params (`day=2026-11-01`) are only for scripts that read `arg`.]],
  examples = {
    { "ork validate pipeline.lua", "mistakes with file and line, all at once" },
    { "ork validate *.lua && git commit", "refuse to commit a broken one" },
    { "ork validate --json pipeline.lua", "the same for programs: problems with file, line and text" },
  },
  words = { 1 },
  params = true,
}

local function summary_of(path, loaded)
  if loaded.started then return ("%s: ok up to the first run that it starts itself"):format(path) end
  local parts = {}
  for i, workflow in ipairs(loaded.workflows) do
    parts[i] = ("%s (%s)"):format(workflow.name, text.plural(#core.task_names(workflow), "task"))
  end
  return ("%s: ok, %s"):format(path, text.list(parts, 20))
end

function validate.run(given)
  local loader = require "ork.loader"
  local code, documents = 0, {}
  for i, path in ipairs(given.words) do
    local loaded = loader.load(path, { arg = definition.arg(path, {}, given.params), twice = true })
    local problems, warnings = loaded.problems, loaded.warnings
    for _, workflow in ipairs(#problems == 0 and loaded.workflows or {}) do
      local more = definition.schedule_problems(workflow)
      table.move(more, 1, #more, #problems + 1, problems)
    end
    if #problems > 0 then code = 2 end
    if term.json then
      documents[i] = { script = path, ok = #problems == 0, problems = core.list(problems), warnings = core.list(warnings),
        workflows = core.list(#problems == 0 and definition.names(loaded) or {}) }
    else
      definition.warn(warnings)
      definition.tell(problems)
      if #problems == 0 then term.out(summary_of(path, loaded)) end
    end
  end
  if term.json then term.out((stop.check(core.json.encode(documents)))) end
  return code
end

return validate
