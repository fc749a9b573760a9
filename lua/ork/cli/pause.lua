-- SPDX-License-Identifier: MIT
local selection = require "ork.cli.selection"
local wish = require "ork.cli.wish"

return {
  name = "pause",
  usage = "pause RUN...|FILTER",
  summary = "Starts no new tasks in these runs; what runs may finish",
  text = [[
What runs may finish; nothing new starts, retries included. `ork resume RUN` goes on.]],
  examples = {
    { "ork pause last", "let the newest run come to rest" },
    { "ork pause etl && ork resume etl", "hold it while something else is mended, then go on" },
    { "ork pause --workflow etl", "all runs of `etl` that are under way, after a question" },
  },
  words = { 0 },
  options = selection.options(),
  run = wish.command("pause", { done = "paused", sent = "pausing" }, { "pending", "running" }),
}
