-- SPDX-License-Identifier: MIT
-- Secrets: what a task needs to know and nobody may read. The value is looked up when an attempt begins; what the task
-- writes is searched for it, so that logs, outputs and the database never hold it.
--
--   ork secrets.lua                   with ORK_SECRET_API_TOKEN=very-secret in its environment
--   ork logs last login               its bytes are stars
local ork = require "ork"

local secrets = ork.workflow("secrets")

-- A process gets it as a variable of its environment, alone or within a text.
local login = secrets:task("login", {
  command = { "sh", "-c", "echo \"sending: $AUTHORIZATION\"; echo \"ORK_OUTPUT:{\\\"sent\\\":\\\"$AUTHORIZATION\\\"}\"" },
  env     = { AUTHORIZATION = "Bearer " .. ork.secret("API_TOKEN") },
})

-- A function asks for it.
secrets:task("count", {
  depends_on = login,
  run        = function(_, ctx)
    local token = ctx.secret("API_TOKEN")
    ctx.log("the token is %s", token)
    return { bytes = #token }
  end,
})

return secrets
