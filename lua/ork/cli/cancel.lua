-- SPDX-License-Identifier: MIT
local selection = require "ork.cli.selection"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"
local wish = require "ork.cli.wish"

local NAMED, ITEMS = 5, 100

--- Jobs of other services that a run waits for: nobody cancels them there. Returns what says so once the wish is left.
local function jobs_of(engine, run)
  local lines, more = {}, 0
  local function note(task)
    if not task.waits or task.waits["for"] ~= "custom_http" then return end
    if #lines == NAMED then more = more + 1 return end
    lines[#lines + 1] = ("%s: job %s%s goes on at its service, where Ork cancels nothing"):format(term.line(task.name), term.line(task.waits.text),
      task.waits.jobs > 1 and (" and %d more"):format(task.waits.jobs - 1) or "")
  end
  for _, task in ipairs(stop.check(engine:tasks(run.id, { status = "running", limit = ITEMS }))) do
    note(task)
    for _, item in ipairs(task.items and stop.check(engine:tasks(run.id, { of = task.name, status = "running", limit = ITEMS })) or {}) do note(item) end
  end
  return function()
    for _, line in ipairs(lines) do term.news(line) end
    if more > 0 then term.news(("and those of %s"):format(text.plural(more, "more task"))) end
  end
end

return {
  name = "cancel",
  usage = "cancel RUN...|FILTER",
  summary = "Stops runs: what they have running is killed, what has not started never will be",
  text = [[
What runs gets SIGTERM, and SIGKILL after 5 seconds, with everything it started; `finally` tasks still run. It works
from any terminal, whichever program carries the run out. A filter (any of --workflow, --status, --since) means the unfinished
runs that match; they are listed, and you are asked. Jobs that a task handed to another service go on there: nobody is told to end them.
An executor's `cancel` is called.]],
  examples = {
    { "ork cancel last", "the newest run" },
    { "ork cancel 5bf61a02 etl", "two runs: one by its id, and the newest of `etl`" },
    { "ork cancel --workflow etl", "all unfinished runs of `etl`, after a question" },
    { "ork cancel --status paused --since 2d --yes", "what was paused in the last two days, without one" },
  },
  words = { 0 },
  options = selection.options(),
  run = wish.command("cancel", { done = "cancelled", sent = "cancelling" }, { "pending", "running", "paused" },
    { why = "cancelled by `ork cancel`" }, jobs_of),
}
