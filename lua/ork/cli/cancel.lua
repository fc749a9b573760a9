-- SPDX-License-Identifier: MIT
local wish = require "ork.cli.wish"

return {
  name = "cancel",
  usage = "cancel RUN...",
  summary = "Stops runs: what they have running is killed, what has not started never will be",
  words = { 1 },
  run = wish.command("cancel", { done = "cancelled", sent = "cancelling", ["too late"] = "had ended before" }),
}
