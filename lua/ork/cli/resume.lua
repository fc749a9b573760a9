-- SPDX-License-Identifier: MIT
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local owed = require "ork.owed"
local selection = require "ork.cli.selection"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"
local wish = require "ork.cli.wish"

local resume = {
  name = "resume",
  usage = "resume RUN...|FILTER",
  summary = "Goes on with paused runs, and with runs whose program died",
  text = [[
A run that no living program owns (it was killed, the machine went down) is carried out here, in the foreground, with the
definition it began with. Of one that ended, handlers (`on_failure` …) that its program did not get to call are called, also
those of the runs of its tasks. To go on with a changed script, or to repeat what failed, see `ork help retry`.]],
  examples = {
    { "ork resume last", "go on after `ork pause`, or after a crash" },
    { "ork resume etl --jobs 2", "go on, but with at most two processes at once" },
    { "ork resume --workflow etl", "all unfinished runs of `etl` that are paused or whose program died, after a question" },
  },
  words = { 0 },
  options = selection.options { { "jobs", "N", "at most so many processes at once here", kind = "count", short = "j" } },
}

local WORDS = { done = "resumed", sent = "resuming" }

--- Has it ended, and are handlers owed that nobody calls any more?
local function owes(run)
  return run.finished_at and not (run.owner and run.owner.alive) and owed(run)
end

local function brief(run) return { id = run.id, workflow = run.workflow, status = run.status, script_path = run.script_path } end

--- Takes an ownerless run and carries it out to its end.
local function carry_on(engine, results, run)
  local good, why, symbol = engine:claimable(run.id)
  if not good then return results:refused(run, why, symbol) end
  require("ork.cli.moved").tell(engine, run.script_path)
  term.news(("going on with run %s of %s"):format(text.short(run.id), run.workflow))
  drive.prepare(engine, drive.names(engine, run.id))
  local code = drive.to_end(engine, function()
    if run.status == "paused" then stop.check(engine:command(run.id, "resume")) end
    return drive.take(engine, run.id)
  end)
  local after = stop.check(engine:run(run.id))
  if owes(after) then term.message("ork: the program that calls its handlers is not known to have ended yet; once more in a moment") end
  results:add(run, after.status, nil, code)
  return code
end

--- What is owed of the runs of its tasks, at any depth: handlers that the program that died did not get to call. Returns an exit code.
local function carry_on_within(engine, results, run)
  local code = 0
  for _, id in ipairs(stop.check(engine:owed(run.id))) do
    code = carry_on(engine, results, brief(stop.check(engine:run(id))))
    if wish.interrupted(code) then break end
  end
  return code
end

--- Those whose program lives are told first; then what nobody carries out is carried out here, one after the other.
function resume.run(given)
  local engine <close> = open.change(given.options)
  local results, ownerless, ended = wish.results(), {}, {}
  for _, chosen in ipairs(selection.runs(engine, given, "resume", { "pending", "running", "paused" })) do
    local run = stop.check(engine:run(chosen.id))
    local lives = run.owner and run.owner.alive
    if owes(run) then
      ownerless[#ownerless + 1] = brief(run)
    elseif run.finished_at and #stop.check(engine:owed(run.id)) > 0 then
      ended[#ended + 1] = run
    elseif run.finished_at then
      results:add(run, "refused", ("ended: %s%s"):format(run.status,
        run.status == "success" and "" or "; `ork retry` runs what failed again"), 2)
    elseif lives and run.status ~= "paused" and #given.words == 0 then
      results:add(run, "runs", nil) -- a filter also means those that need no help
    elseif lives and run.status ~= "paused" then
      local pid = run.owner.pid
      results:add(run, "refused", run.owner.stopped
        and ("its ork (process %d) is stopped: `fg` where it was started, or kill -CONT %d"):format(pid, pid)
        or ("is under way in another ork (process %d)"):format(pid), 2)
    elseif lives then
      wish.send(engine, results, run, "resume", WORDS)
    else
      ownerless[#ownerless + 1] = brief(run)
    end
  end
  drive.collect_documents()
  for _, run in ipairs(ownerless) do
    if wish.interrupted(carry_on(engine, results, run)) or wish.interrupted(carry_on_within(engine, results, run)) then return results:finish() end
  end
  for _, run in ipairs(ended) do
    if wish.interrupted(carry_on_within(engine, results, run)) then break end
  end
  return results:finish()
end

return resume
