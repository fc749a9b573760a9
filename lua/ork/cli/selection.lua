-- SPDX-License-Identifier: MIT
-- The runs that a command is about: named one by one, or all that a filter matches. What a filter matched is shown and
-- asked about before anything changes. Of very many runs only id, workflow, status and time are held.
local columns = require "ork.cli.columns"
local confirm = require "ork.cli.confirm"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local selection = {}

local PAGE = 1000
local SHOWN = 10

--- What of a run is filtered; for `runs` too.
selection.filters = {
  { "workflow", "NAME", "only runs of this workflow" },
  { "status", "S", "only runs with this status; may be repeated", many = true,
    choices = { "pending", "running", "paused", "success", "failed", "cancelled" } },
  { "since", "D", "only runs created since then: 2d, 2026-11-01", kind = "since" },
}

--- Rows for a command's options: the filters, --yes, and `more`.
function selection.options(more)
  local rows = table.move(selection.filters, 1, #selection.filters, 1, {})
  rows[#rows + 1] = confirm.option
  return table.move(more or {}, 1, #(more or {}), #rows + 1, rows)
end

local function named(engine, words)
  local list, seen = {}, {}
  for _, word in ipairs(words) do
    local id = open.find(engine, word)
    if not seen[id] then
      seen[id] = true
      local run = stop.check(engine:run(id))
      list[#list + 1] = { id = id, workflow = run.workflow, status = run.status }
    end
  end
  return list
end

--- All that match, newest first, read page by page.
local function matching(engine, options, statuses)
  local filter = {
    workflow = options.workflow, status = options.status or statuses, since_ms = options.since, limit = PAGE, brief = true,
  }
  local list = {}
  repeat
    local page = stop.check(engine:runs(filter))
    table.move(page, 1, #page, #list + 1, list)
    filter.before = #page > 0 and page[#page].id or nil
  until #page < PAGE
  return list
end

local function show(list)
  local rows = {}
  for i = 1, math.min(#list, SHOWN) do
    local run = list[i]
    rows[i] = { text.short(run.id), term.line(run.workflow), run.status, text.time(run.created_at) }
  end
  local lines = columns({
    { "RUN" }, { "WORKFLOW", shrink = true }, { "STATUS" }, { "CREATED" },
  }, rows, term.width("err"))
  for _, line in ipairs(lines) do term.message(line) end
  if #list > SHOWN then term.message(("… and %d more"):format(#list - SHOWN)) end
end

--- Ends the command when the database knows no workflow of this name, neither applied nor by a run.
function selection.check_workflow(engine, name)
  if name then stop.check(engine:versions(name)) end
end

--- The runs that words or filter mean: { { id, workflow, status }, … }. Nothing is done when one of the words is unknown
--- or the answer is no. verb: "cancel"; statuses: which a filter means without --status.
function selection.runs(engine, given, verb, statuses)
  local options = given.options
  local filtered = options.workflow or options.status or options.since
  if #given.words > 0 and filtered then stop(2, "name runs or filter them, not both") end
  if #given.words > 0 then return named(engine, given.words) end
  if not filtered then
    stop(2, "which runs? ork %s RUN..., or --workflow NAME, --status S, --since D (`last` is the newest run)", verb)
  end
  local list = matching(engine, options, statuses)
  if #list == 0 then
    selection.check_workflow(engine, options.workflow)
    term.news(("no such runs, nothing to %s"):format(verb))
    return list
  end
  if not (options.yes and term.quiet) then show(list) end
  confirm(("%s %s?"):format(verb, #list == 1 and "this run" or ("these %d runs"):format(#list)), options)
  return list
end

return selection
