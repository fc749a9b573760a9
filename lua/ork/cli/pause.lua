-- SPDX-License-Identifier: MIT
local wish = require "ork.cli.wish"

return {
  name = "pause",
  usage = "pause RUN...",
  summary = "Starts no new tasks in these runs; what runs may finish",
  text = [[
What runs may finish; nothing new starts, retries included. `ork resume RUN` goes on.]],
  examples = {
    { "ork pause last", "let the newest run come to rest" },
    { "ork pause etl && ork resume etl", "hold it while something else is mended, then go on" },
  },
  words = { 1 },
  run = wish.command("pause", { done = "paused", sent = "pausing", ["too late"] = "had ended before" }),
}
