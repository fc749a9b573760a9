-- SPDX-License-Identifier: MIT
-- A schedule: every working day at six in the evening, on the clocks of Berlin, for that day. The server starts the runs.
--
--   ork schedule.lua                   a run now, for today
--   ork plan schedule.lua              when it is due
--   ork serve schedule.lua             stays up and starts the runs
--   ork backfill closing --from 2026-10-01 --to 2026-10-31
local ork = require "ork"

local closing = ork.workflow("closing", {
  description = "Adds up the day",
  params   = {
    day  = { type = "date", default = ork.date() },
    full = { type = "bool", default = false },
  },
  schedule = {
    cron     = "0 18 * * MON-FRI",
    timezone = "Europe/Berlin",
    params   = { full = true },      -- of scheduled runs only
    catchup  = "latest",             -- after a night without power: the newest time, not all of them
    overlap  = "skip",               -- a run that still goes on is not joined by another
  },
})

closing:task("sum", { command = { "echo", "adding up", closing.params.day, closing.params.full } })

return closing
