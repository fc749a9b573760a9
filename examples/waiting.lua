-- SPDX-License-Identifier: MIT
-- Waiting for a time: a pause between two tasks, and an instant that a param says. Neither holds a process or a slot.
--
--   ork waiting.lua                              a pause of a second
--   ork waiting.lua opens=2026-12-01T08:00:00Z   and then until the doors open
local ork = require "ork"

local doors = ork.workflow("waiting", {
  params       = { opens = { type = "str", default = "0s", description = "a time, or how long from then on" } },
  max_parallel = 1,
})

local warm = doors:task("warm_up", { command = { "echo", "warming up" } })

-- Killed and started again it waits until the same instant, which was fixed when it began.
local cool = doors:task("cool_down", { wait = "1s", depends_on = warm })
local open = doors:task("until_open", { wait = doors.params.opens, depends_on = cool })

doors:task("enter", { command = { "echo", "come in" }, depends_on = open })

return doors
