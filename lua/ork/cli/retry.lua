-- SPDX-License-Identifier: MIT
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"
local wish = require "ork.cli.wish"

local retry = {
  name = "retry",
  usage = "retry RUN [--from T] [--task T]",
  summary = "Runs what failed, was skipped or cancelled in a run again and keeps what succeeded",
  text = [[
What succeeded is kept. The run goes on here, in the foreground, unless a living program owns it. Retries of the script
begin anew.]],
  examples = {
    { "ork retry last", "the failed and the skipped tasks" },
    { "ork retry last --task load", "only `load`, and what was skipped because of it" },
    { "ork retry last --from transform", "`transform` and all after it, also where they succeeded" },
  },
  words = { 1, 1 },
  options = {
    { "from", "T", "this task and all after it, also where they succeeded" },
    { "task", "T", "only this failed task, and what was skipped because of it" },
    { "jobs", "N", "at most so many processes at once here", kind = "count", short = "j" },
  },
}

function retry.run(given)
  local options = given.options
  if options.from and options.task then stop(2, "--from and --task exclude each other") end
  local engine <close> = open.change(options)
  local run = stop.check(engine:run(open.find(engine, given.words[1])))
  local args = (options.from or options.task) and { from = options.from, task = options.task } or nil
  local named = options.from or options.task
  local task = named and stop.check(engine:task(run.id, named))
  if options.task and task.status == "success" then
    stop(2, "task `%s` succeeded; --from %s runs it and all after it again", named, named)
  end
  drive.prepare(engine)

  if run.owner and run.owner.alive then
    local outcome = stop.check(engine:command(run.id, "retry", args))
    wish.tell({ { run = run, outcome = outcome, text = outcome == "sent" and "will be tried again by its program" or outcome } })
    return 0
  end
  local words = run.status == "success" and not options.from
    and "run %s of %s succeeded, nothing to try again (--from TASK repeats that task and all after it)"
    or "trying again: run %s of %s"
  term.news(words:format(text.short(run.id), run.workflow))
  return drive.to_end(engine, function()
    stop.check(engine:command(run.id, "retry", args))
    if engine:owned(run.id) then return run.id, "resumed" end
    return drive.take(engine, run.id)
  end)
end

return retry
