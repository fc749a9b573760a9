-- SPDX-License-Identifier: MIT
local confirm = require "ork.cli.confirm"
local open = require "ork.cli.open"
local removal = require "ork.cli.removal"
local selection = require "ork.cli.selection"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local prune = {
  name = "prune",
  usage = "prune [--older-than D] [--keep N] [--workflow NAME]",
  summary = "Removes finished runs and their logs",
  text = [[
--older-than D: those that ended longer ago than that. --keep N: all but the newest N finished runs of each workflow. With both, a run goes
that both allow. Unfinished runs, and runs that somebody resumes or retries, are never touched. You are asked; --yes answers where there is no
terminal. It works a part at a time, beside running workflows; when it is interrupted the next `ork prune` goes on.]],
  examples = {
    { "ork prune --older-than 30d", "everything that ended more than 30 days ago" },
    { "ork prune --older-than 7d --keep 20", "the same for a week, but the newest 20 of each workflow stay" },
    { "ork prune --keep 5 --workflow etl --dry-run", "what would go" },
    { "ork prune --older-than 30d --yes --quiet", "from cron" },
  },
  options = {
    { "older-than", "D", "runs that ended longer ago: 12h, 30d", kind = "age" },
    { "keep", "N", "but the newest N finished runs of each workflow stay", kind = "number" },
    { "workflow", "NAME", "only runs of this workflow" },
    { "dry-run", false, "only show what would be removed" },
    confirm.option,
  },
}

local function tell_workflows(document)
  if #document.workflows < 2 and not term.verbose then return end
  for _, each in ipairs(document.workflows) do
    term.out(("  %s: %s, %s"):format(term.line(each.workflow), text.plural(each.runs, "run"), text.plural(each.tasks, "task")))
  end
end

function prune.run(given)
  local options = given.options
  if not options.older_than and not options.keep then
    stop(2, "which runs may go? --older-than 30d, --keep 20, or both")
  end
  local engine <close> = options.dry_run and open.read(options) or open.change(options)
  selection.check_workflow(engine, options.workflow)
  local what = { older_than_ms = options.older_than, keep = options.keep, workflow = options.workflow, dry_run = options.dry_run }
  if not options.dry_run then
    local counted = stop.check(engine:prune({ older_than_ms = what.older_than_ms, keep = what.keep, workflow = what.workflow, count = true }))
    if counted.runs > 0 then
      local of = #counted.workflows == 1 and counted.workflows[1].workflow or text.plural(#counted.workflows, "workflow")
      confirm(("remove %s of %s (%s)?"):format(text.plural(counted.runs, "finished run"), of, text.plural(counted.tasks, "task")), options)
    end
  end
  local _ <close> = removal.interruptible(engine)
  local document = stop.check(engine:prune(what))
  if term.json then return removal.print(document) end
  if document.runs == 0 and document.log_bytes == 0 then
    term.news("nothing to remove")
    return 0
  end
  if term.quiet then return 0 end
  removal.tell(document, options.dry_run and "would remove" or "removed")
  tell_workflows(document)
  return 0
end

return prune
