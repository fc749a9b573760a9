-- SPDX-License-Identifier: MIT
-- HTTP: a function asks a server, and leaves a job with it that is followed without a process or a slot.
--
--   ork http.lua url=http://127.0.0.1:8080      a server with /echo and /job/NAME (tests/lib/http_server.py is one)
--   ork why last                                what the job says so far
local ork = require "ork"

local http = ork.workflow("http", { params = { url = "str" } })

local order = http:task("order", {
  inputs  = { url = http.params.url },
  retries = 3,
  run     = function(input, ctx)
    local answer = assert(ctx.http{ url = input.url .. "/echo", body = { rows = 3 }, timeout = "10s" })
    if answer.status ~= 200 then ctx.fail("the server answered " .. answer.status, { retry = answer.status >= 500 }) end
    ctx.log("it took %s", answer.json().body)
    return ork.defer.http{ url = input.url .. "/job/order", job_id = "order", failure_value = "failure" }
  end,
  deferred_timeout = "1h",
})

http:task("done", { command = { "echo", "the order is", order.output.jobs } })

return http
