-- SPDX-License-Identifier: MIT
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local selection = require "ork.cli.selection"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"
local update = require "ork.cli.update"
local wish = require "ork.cli.wish"

local retry = {
  name = "retry",
  usage = "retry RUN...|FILTER [--from T] [--task T] [--update] [name=value ...]",
  summary = "Runs what failed, was skipped or cancelled in a run again and keeps what succeeded",
  text = [[
What succeeded is kept; `finally` tasks run again after what is repeated. What a `finally` removed is not there for a retry: name the
task that makes it with --from. The run goes on here, in the foreground, unless a
living program owns it; several go on one after the other. Retries of the script begin anew. A filter (any of --workflow,
--status, --since) means the failed and cancelled runs that match; they are listed, and you are asked.

With --update the run first moves to its script as it is now (as `ork SCRIPT --resume` does): what did not succeed, is new or
has changed runs, and everything after it; so does what refers to a param that is given. A task has changed when its
command, env, cwd, inputs, `when`, types or dependencies have; not by other retries, timeouts or pools. What the
script has no more leaves the run; `ork show RUN TASK` still finds it.]],
  examples = {
    { "ork retry last", "the failed and the skipped tasks" },
    { "ork retry last --task load", "only `load`, and what was skipped because of it" },
    { "ork retry last --from transform", "`transform` and all after it, also where they succeeded" },
    { "ork retry last --update", "after mending the script" },
    { "ork retry last --update limit=100", "and with another value for a param" },
    { "ork retry --workflow etl --since 1d", "all runs of `etl` that failed since yesterday, after a question" },
  },
  words = { 0 },
  params = true,
  options = selection.options {
    { "from", "T", "this task and all after it, also where they succeeded" },
    { "task", "T", "only this failed task or item, and what was skipped because of it" },
    { "update", false, "with the script as it is now" },
    update.keep,
    { "jobs", "N", "at most so many processes at once here", kind = "count", short = "j" },
  },
}

local WORDS = { done = "trying again", sent = "will be tried again by its program" }

local function is_outside(run, task)
  if not run.part then return false end
  if run.part.only then return task.name ~= run.part.only end
  return task.status == "skipped" and (task.error or ""):find("^not part of this run") ~= nil
end

--- Refuses a task that is not there, is no part of the run, or succeeded: nil, message, code.
local function check_task(engine, run, options)
  local named = options.from or options.task
  if not named then return true end
  if options.update then return true end -- the new definition decides
  local task, why, symbol = engine:task(run.id, named)
  if not task then return nil, why, symbol end
  if is_outside(run, task) then
    return nil, ("`%s` is not part of this run (--%s %s)"):format(named, run.part.to and "to" or "only", run.part.to or run.part.only), "ESTATE"
  end
  local of = task.item and named:gsub("/%d+$", "")
  if options.from and of then
    return nil, ("--from takes a task, and `%s` is an item: --from %s does them all again, --task %s only this one"):format(named, of, named), "EINVAL"
  end
  if options.task and task.status == "success" then
    return nil, ("%s `%s` succeeded; --from %s runs %s and all after it again"):format(of and "item" or "task", named, of or named, of or "it"), "ESTATE"
  end
  return true
end

--- Carries the retry out here. Returns the exit code.
local function carry_on(engine, run, options, args, typed)
  if options.update then return update.carry_on(engine, run, update.definition_of(run, typed), typed or {}, options) end
  stop.check(engine:claimable(run.id)) -- before it is said that it goes on
  require("ork.cli.moved").tell(engine, run.script_path)
  local words = run.status == "success" and not options.from and not options.task
    and "run %s of %s succeeded, nothing to try again (--from TASK repeats that task and all after it)"
    or "trying again: run %s of %s"
  term.news(words:format(text.short(run.id), run.workflow))
  drive.prepare(engine, drive.names(engine, run.id))
  return drive.to_end(engine, function()
    stop.check(engine:command(run.id, "retry", args))
    if engine:owned(run.id) then return run.id, "resumed" end
    return drive.take(engine, run.id)
  end)
end

local function try_again(engine, results, run, options)
  local args = (options.from or options.task) and { from = options.from, task = options.task } or nil
  local good, why, symbol = check_task(engine, run, options)
  if good and not options.update then good, why, symbol = engine:claimable(run.id) end
  if not good then return results:refused(run, why, symbol) end
  if run.owner and run.owner.alive and not options.update then return wish.send(engine, results, run, "retry", WORDS, args) end
  local code = carry_on(engine, run, options, args)
  results:add(run, stop.check(engine:run(run.id)).status, nil, code)
  return code
end

--- One run that was named: with --json its document, as `ork SCRIPT` prints it.
local function one(engine, id, options, typed)
  local run = stop.check(engine:run(id))
  stop.check(check_task(engine, run, options))
  local args = (options.from or options.task) and { from = options.from, task = options.task } or nil
  if options.update or not (run.owner and run.owner.alive) then return carry_on(engine, run, options, args, typed) end
  local results = wish.results()
  wish.send(engine, results, run, "retry", WORDS, args)
  return results:finish()
end

function retry.run(given)
  local options = given.options
  if options.from and options.task then stop(2, "--from and --task exclude each other") end
  if options.task and options.update then stop(2, "--task and --update exclude each other; --from T repeats T and all after it") end
  if options.keep and not options.update then stop(2, "--keep goes with --update") end
  if next(given.params) and not (options.update and #given.words == 1) then
    stop(2, "params go with one RUN and --update; ork rerun RUN starts a new run with other params")
  end
  local engine <close> = open.change(options)
  local chosen = selection.runs(engine, given, "retry", { "failed", "cancelled" })
  if #given.words == 1 then return one(engine, chosen[1].id, options, given.params) end
  local results = wish.results()
  drive.collect_documents()
  for _, each in ipairs(chosen) do
    if wish.interrupted(try_again(engine, results, stop.check(engine:run(each.id)), options)) then break end
  end
  return results:finish()
end

return retry
