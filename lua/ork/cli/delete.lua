-- SPDX-License-Identifier: MIT
local confirm = require "ork.cli.confirm"
local open = require "ork.cli.open"
local removal = require "ork.cli.removal"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local delete = {
  name = "delete",
  usage = "delete NAME",
  summary = "Removes a workflow: its definitions, its runs and their logs",
  text = [[
Nothing of it is left, so you are asked; --yes answers where there is no terminal. It is refused while runs of it are unfinished. To take a
workflow out and keep its history: ork apply SCRIPT --prune. To remove old runs only: ork prune.]],
  examples = {
    { "ork delete etl", "after a question" },
    { "ork delete etl --dry-run", "what would be removed" },
  },
  words = { 1, 1 },
  options = {
    { "dry-run", false, "only show what would be removed" },
    confirm.option,
  },
}

function delete.run(given)
  local options, name = given.options, given.words[1]
  local engine <close> = options.dry_run and open.read(options) or open.change(options)
  local known = stop.check(engine:workflows({ name = name }))[1]
  if not known then stop.check(engine:versions(name)) end -- says what there is instead
  if options.dry_run then
    local document = stop.check(engine:prune({ keep = 0, workflow = name, dry_run = true }))
    if term.json then return removal.print(document) end
    removal.tell(document, "would remove")
    if known.unfinished_runs > 0 then
      term.message(("%s unfinished: `ork delete` is refused until they ended"):format(text.plural(known.unfinished_runs, "run")))
    end
    term.out(("would remove workflow %s and its %s"):format(name, text.plural(known.versions, "version")))
    return 0
  end
  if known.unfinished_runs == 0 then
    confirm(("delete workflow %s with %s and %s?"):format(name, text.plural(known.versions, "version"), text.plural(known.runs, "run")),
      options)
  end
  local _ <close> = removal.interruptible(engine)
  local document = stop.check(engine:delete(name))
  if term.json then return removal.print(document) end
  removal.tell(document, "removed")
  term.out(("workflow %s is gone"):format(name))
  return 0
end

return delete
