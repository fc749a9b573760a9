-- SPDX-License-Identifier: MIT
local wish = require "ork.cli.wish"

return {
  name = "pause",
  usage = "pause RUN...",
  summary = "Starts no new tasks in these runs; what runs may finish",
  text = "`ork resume RUN` goes on.",
  words = { 1 },
  run = wish.command("pause", { done = "paused", sent = "pausing", ["too late"] = "had ended before" }),
}
