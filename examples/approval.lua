-- SPDX-License-Identifier: MIT
-- A release that somebody must agree to: a task that waits for approval, without a process, for as long as it takes.
--
--   ork approval.lua                                    runs until it is answered
--   ork approve last ask --comment "tests are green"    yes, from another terminal
--   ork reject last ask                                 no: the task fails, the release is skipped
local ork = require "ork"

local release = ork.workflow("approval", {
  params = { version = { type = "str", default = "1.2" } },
})

local build = release:task("build", { command = { "echo", "building", release.params.version } })

-- `timeout` counts from here, through restarts; without it the question stays for ever.
local ask = release:task("ask", {
  depends_on = build,
  wait       = { approval = "Release " .. release.params.version .. "?" },
  timeout    = "7d",
})

-- Its output is who answered, and what was said with it.
release:task("publish", { command = { "echo", "published", release.params.version, "because", ask.output.comment } })

return release
