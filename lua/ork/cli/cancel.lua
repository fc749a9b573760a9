-- SPDX-License-Identifier: MIT
local selection = require "ork.cli.selection"
local wish = require "ork.cli.wish"

return {
  name = "cancel",
  usage = "cancel RUN...|FILTER",
  summary = "Stops runs: what they have running is killed, what has not started never will be",
  text = [[
What runs gets SIGTERM, and SIGKILL after 5 seconds, with everything it started; `finally` tasks still run. It works
from any terminal, whichever program carries the run out. A filter (any of --workflow, --status, --since) means the unfinished
runs that match; they are listed, and you are asked.]],
  examples = {
    { "ork cancel last", "the newest run" },
    { "ork cancel 5bf61a02 etl", "two runs: one by its id, and the newest of `etl`" },
    { "ork cancel --workflow etl", "all unfinished runs of `etl`, after a question" },
    { "ork cancel --status paused --since 2d --yes", "what was paused in the last two days, without one" },
  },
  words = { 0 },
  options = selection.options(),
  run = wish.command("cancel", { done = "cancelled", sent = "cancelling" }, { "pending", "running", "paused" },
    { why = "cancelled by `ork cancel`" }),
}
