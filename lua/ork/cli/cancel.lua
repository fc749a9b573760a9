-- SPDX-License-Identifier: MIT
local wish = require "ork.cli.wish"

return {
  name = "cancel",
  usage = "cancel RUN...",
  summary = "Stops runs: what they have running is killed, what has not started never will be",
  text = [[
What runs gets SIGTERM, and SIGKILL after 5 seconds, with everything it started; `finally` tasks still run. It works
from any terminal, whichever program carries the run out.]],
  examples = {
    { "ork cancel last", "the newest run" },
    { "ork cancel 5bf61a02 etl", "two runs: one by its id, and the newest of `etl`" },
  },
  words = { 1 },
  run = wish.command("cancel", { done = "cancelled", sent = "cancelling", ["too late"] = "had ended before" }),
}
