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

-- Its output is who answered, and what was said with it. In `inputs` a comment that nobody gave is nil; in a command it
-- would be an error.
release:task("publish", {
  inputs = { version = release.params.version, by = ask.output.by, comment = ask.output.comment },
  run    = function(input)
    print(("published %s because %s"):format(input.version, input.comment or input.by .. " agreed"))
  end,
})

return release
