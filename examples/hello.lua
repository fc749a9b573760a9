-- SPDX-License-Identifier: MIT
-- The smallest workflow: one task.
--
--   ork hello.lua                      runs it
--   ork logs last                      shows what it printed
--   ork hello.lua name=Ada             with another name
local ork = require "ork"

local hello = ork.workflow("hello", {
  params = { name = { type = "str", default = "world" } },
})

hello:task("greet", { command = { "echo", "hello, " .. hello.params.name } })

return hello
