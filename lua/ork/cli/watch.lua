-- SPDX-License-Identifier: MIT
local drive = require "ork.cli.drive"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local json = require("ork.core").json
local term = require "ork.term"
local text = require "ork.cli.text"

local watch = {
  name = "watch",
  usage = "watch RUN",
  summary = "Shows a run as it goes on, whoever carries it out, until it ends",
  text = [[
Ctrl-C ends the watching, never the run. The exit code is the run's: 0 when it succeeded; 4 when nobody carries it out.
With --json the first line on stdout is the run as it stands, then each change of a task is one, and the last is the whole run.]],
  words = { 1, 1 },
  options = {},
  examples = {
    { "ork watch last", "the newest run" },
    { "ork watch nightly && deploy", "go on when the newest run of `nightly` has succeeded" },
  },
}

local function time_of(ms) return ms and os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000) end

--- Prints changes as JSON lines.
local lines = {}
function lines.tell(_, change)
  term.out((stop.check(json.encode({
    run = change.run_id, task = change.task, status = change.to, attempt = change.attempt, at = time_of(change.at),
    error = change.error, kind = change.kind, took_ms = change.took_ms, retry_at = time_of(change.retry_at),
  }))))
  term.flush()
end

local function tell_state(engine, id)
  if term.json then
    term.out((stop.check(engine:progress(id, true))))
    return term.flush()
  end
  local run = stop.check(engine:progress(id))
  local c = run.counts
  local done = (c.success or 0) + (c.failed or 0) + (c.cancelled or 0) + (c.skipped or 0)
  term.news(("run %s of %s: %s, %d of %s over"):format(text.short(id), run.workflow, run.status, done,
    text.plural(run.tasks_total, "task")))
  if term.lively() then return end
  local names = { running = {}, waiting = {} }
  for _, task in ipairs(stop.check(engine:tasks(id, { status = "running", limit = 7 }))) do table.insert(names[text.status(task)], task.name) end
  for _, word in ipairs({ "running", "waiting" }) do
    if #names[word] > 0 then term.news(word .. ": " .. text.list(names[word])) end
  end
end

function watch.run(given)
  local engine <close> = open.read(given.options)
  local id = open.find(engine, given.words[1])
  local finished = stop.check(engine:progress(id)).finished_at
  if not finished then
    if term.json then
      drive.show_by(lines)
    else
      drive.prepare(engine, drive.names(engine, id))
    end
  end
  return drive.to_end(engine, function() return id, finished and "finished" or "watched" end, { look = true, state = tell_state })
end

return watch
