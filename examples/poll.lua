-- SPDX-License-Identifier: MIT
-- Waiting for something that only asking can tell: a file that another program writes. The function is called in a
-- worker, once a second, until it returns something; between the calls there is no process.
--
--   ork poll.lua                       waits for delivery.csv beside it
--   echo 1,2,3 >delivery.csv           what it waits for, from another terminal
--   ork why last                       how often it has asked, and what went wrong the last time
local ork = require "ork"

local intake = ork.workflow("poll", {
  params = { file = { type = "str", default = "delivery.csv" } },
})

local delivery = intake:task("delivery", {
  inputs      = { file = intake.params.file },
  output_type = { bytes = "int" },
  timeout     = "2h",                    -- from its start; a single call has a minute
  wait        = {
    every = "1s",
    poll  = function(input)
      local file = io.open(input.file)
      if not file then return nil end    -- not yet
      local bytes = file:seek("end")
      file:close()
      return bytes > 0 and { bytes = bytes }
    end,
  },
})

intake:task("load", { command = { "echo", "loading", delivery.output.bytes, "bytes of", intake.params.file } })

return intake
