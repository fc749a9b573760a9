-- SPDX-License-Identifier: MIT
local decision = require "ork.cli.decision"

return {
  name = "reject",
  usage = "reject RUN TASK",
  summary = "Rejects what a task waits for with `wait = { approval = … }`; it fails",
  text = [[
The task fails (kind `rejected`), and what depends on it is skipped. It is not tried again unless its `retries` say so by name; `ork retry`
asks anew.]],
  examples = {
    { "ork reject last ship", "no to the task `ship` of the newest run" },
    { [[ork reject etl ship --comment "totals are off"]], "and why; it shows as the task's error" },
  },
  words = { 2, 2 },
  options = { decision.comment },
  run = decision.command("reject", "rejected"),
}
