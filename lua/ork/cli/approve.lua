-- SPDX-License-Identifier: MIT
local decision = require "ork.cli.decision"

return {
  name = "approve",
  usage = "approve RUN TASK",
  summary = "Approves what a task waits for with `wait = { approval = … }`; it succeeds",
  text = [[
Its output is who approved and what was said: { by, comment }. It works from any terminal, whichever program carries the run out;
without one it is kept, and counts as soon as somebody goes on with the run. `ork status` lists what waits for approval.]],
  examples = {
    { "ork approve last ship", "yes to the task `ship` of the newest run" },
    { [[ork approve etl ship --comment "checked the totals"]], "and why" },
  },
  words = { 2, 2 },
  options = { decision.comment },
  run = decision.command("approve", "approved"),
}
