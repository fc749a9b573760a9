-- SPDX-License-Identifier: MIT
-- How a run ended: one line, and for each failed task the reason, the end of its log and the commands to see more.
local core = require "ork.core"
local hint = require "ork.cli.hint"
local stop = require "ork.cli.stop"
local tail = require "ork.cli.tail"
local term = require "ork.term"
local text = require "ork.cli.text"
local sys = core.sys

local report = {}

local MAX_TASKS = 5
local LOG_LINES = 20
local COLUMNS = 500 -- of a line of a log; a task may print megabytes without an end of line

local NEVER_RETRIED = { input = true, output = true, policy = true, rejected = true } -- unless `on` names them

--- Of a task with items nothing: each of them has attempts of its own.
local function attempt_of(task)
  if task.items then return "" end
  if (task.max_retries or 0) > 0 and NEVER_RETRIED[task.kind] and (task.attempts or 0) <= task.max_retries then
    return (" (attempt %d; not retried: kind %s)"):format(task.attempt, task.kind)
  end
  if (task.max_retries or 0) > 0 then
    local retries = task.max_retries == 1 and "1 retry" or task.max_retries .. " retries"
    local again = task.attempt > (task.attempts or task.attempt) -- by hand: then its retries begin anew
    return (" (attempt %d, %s%s)"):format(task.attempt, retries, again and " each time" or "")
  elseif (task.attempt or 0) > 1 then
    return (" (attempt %d)"):format(task.attempt)
  end
  return ""
end

local failed_items, failed_run
local MAX_RUNS = 10 -- of tasks that are runs, gone down into in one report

--- within: the tasks whose runs it is in, "sub > "; left.runs: how many runs may still be gone down into.
local function failed_task(engine, run, task, within, left)
  term.message(("\n%s %s%s: %s"):format(term.paint("bold", within .. task.name, "err"), term.paint_status("failed", nil, "err"),
    attempt_of(task), term.escape(task.error or text.reason(task) or "no reason recorded")))
  if (task.attempt or 0) == 0 then return end
  if task.items then return failed_items(engine, run, task, within, left) end
  if task.executor_type == "workflow" then return failed_run(engine, run, task, within, left) end
  local lines, _, more = tail.lines(engine, run.id, task.name, 0, LOG_LINES)
  if not lines then return end -- it wrote nothing, or the log is gone
  for _, line in ipairs(lines) do
    local shown = #line > COLUMNS and text.cut(term.escape(line:sub(1, 4 * COLUMNS)), COLUMNS) or term.escape(line)
    term.message(term.paint("dim", "  | ", "err") .. shown)
  end
  if more then term.message("  more: " .. hint.line("ork logs %s %s", text.short(run.id), text.word(task.name))) end
end

local MAX_ITEMS = 2

--- The first of the items that failed: as a rule all fail of the same.
function failed_items(engine, run, task, within, left)
  for _, item in ipairs(stop.check(engine:tasks(run.id, { of = task.name, status = "failed", limit = MAX_ITEMS }))) do
    failed_task(engine, run, item, within, left)
  end
  local more = (task.items.failed or 0) - MAX_ITEMS
  if more > 0 then
    term.message(("\n%s of %s failed: %s"):format(text.plural(more, "more item"), task.name,
      hint.line("ork tasks %s %s --status failed", text.short(run.id), text.word(task.name))))
  end
end

--- What failed in the run that a task is.
function failed_run(engine, run, task, within, left)
  local child = stop.check(engine:task(run.id, task.name)).child
  if not child then return end
  if left.runs == 0 then return term.message("  see it: " .. hint.line("ork show %s", child.short)) end
  left.runs = left.runs - 1
  local its = engine:run(child.run)
  if not its then return end -- it was removed since
  for _, each in ipairs(stop.check(engine:tasks(its.id, { status = "failed", limit = MAX_ITEMS }))) do
    failed_task(engine, its, each, within .. task.name .. " > ", left)
  end
  local more = (its.counts.failed or 0) - MAX_ITEMS
  if more > 0 then
    term.message(("\n%d more failed in %s: %s"):format(more, within .. task.name, hint.line("ork tasks %s --status failed", child.short)))
  end
end

--- How the user would name a script: from the current folder when it is below.
local function short_path(path)
  local cwd = sys.cwd()
  local below = cwd and path:sub(1, #cwd + 1) == (cwd == "/" and "/" or cwd .. "/") and path:sub(#cwd + 2)
  return text.word(below or path)
end

--- `ork SCRIPT --resume` for a run that came from a script; set by `ork SCRIPT` as it was called.
report.resume = nil

--- How a script is gone on with; `path` as a shell takes it.
function report.resume_line(path, workflow, several)
  return hint.line("ork %s%s --resume", path, several and " " .. text.word(workflow) or "")
end

local function resume_command(run)
  if run.part then return run.script_path and ("ork retry %s --update"):format(text.short(run.id)) end -- --resume passes it by
  if report.resume then return report.resume end
  if not run.script_path then return nil end
  return report.resume_line(short_path(run.script_path), run.workflow, (run.script_workflows or 2) > 1)
end

--- What to do about a run that did not succeed.
local function advice(engine, run, failed)
  local id = text.short(run.id)
  local resume = resume_command(run)
  local what = failed and (run.counts.cancelled or 0) == 0 and "the failed and skipped tasks only" or "what did not succeed"
  if term.quiet and hint.line("") == "" then -- a mail of cron, read elsewhere: the commands below are said where the run was
    term.message("\ndatabase:  " .. term.escape(core.url_plain(engine:url())))
  else
    term.message("")
  end
  term.message(("see it:    %s\ntry again: %s   (%s)"):format(hint.line("ork show %s", id), hint.line("ork retry %s", id), what))
  if run.script_dir and not sys.stat(run.script_dir) then
    local script = term.escape((run.script_path or ""):match("([^/]*)$"))
    term.message(("moved?     the script's folder %s is gone: ork NEW/%s --resume, from where it is now%s"):format(term.escape(run.script_dir),
      script, run.version and ("; ork apply NEW/%s for the runs to come"):format(script) or ""))
  elseif resume then
    term.message(("fixed it:  %s   (with what changed in the script)"):format(resume))
  end
  term.message("")
end

--- Tells on stderr what failed in a finished run.
function report.failures(engine, run)
  local failed = stop.check(engine:tasks(run.id, { status = "failed", limit = MAX_TASKS + 1 }))
  if run.error and not run.error:find("^%d+ of %d+ tasks? failed") then term.message("\n" .. term.escape(run.error)) end -- run_timeout
  local left = { runs = MAX_RUNS }
  for i = 1, math.min(#failed, MAX_TASKS) do failed_task(engine, run, failed[i], "", left) end
  local id = text.short(run.id)
  if #failed > MAX_TASKS then
    term.message(("\n%d more failed: %s"):format((run.counts.failed or 0) - MAX_TASKS, hint.line("ork tasks %s --status failed", id)))
  end
  advice(engine, run, #failed > 0)
end

--- Tells on stderr why a run was cancelled, when that was said, and how to go on with it.
function report.cancelled(run)
  if run.error and not run.error:find("^cancelled") then term.message("\n" .. term.escape(run.error)) end
  term.news(("go on: %s   (what has not succeeded)"):format(hint.line("ork retry %s", text.short(run.id))))
end

--- The one line that sums a run up.
function report.summary(run)
  local what = run.status == "success" and text.plural(run.tasks_total or 0, "task") or text.counts(run.counts)
  local left_out = run.part and run.part.left_out or 0
  local skipped = (run.counts.skipped or 0) - left_out
  if run.part and run.status == "success" then
    what = text.part(run, run.tasks_total or 0)
  elseif left_out > 0 then
    local counts = {}
    for status, n in pairs(run.counts) do counts[status] = n end
    counts.skipped = skipped
    what = text.counts(counts)
  end
  if run.status == "success" and skipped > 0 then what = ("%s, %d skipped"):format(what, skipped) end
  return ("%s: %s, %s%s (run %s)"):format(term.paint_status(run.status), run.workflow, what,
    run.took_ms and " in " .. text.duration(run.took_ms) or "", text.short(run.id))
end

return report
