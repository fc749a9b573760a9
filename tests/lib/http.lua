-- SPDX-License-Identifier: MIT
-- A small HTTP server of the tests' own, on the loopback (tests/lib/http_server.py). sh.cleanup ends it.
--
--   local server = http.start()      -- server.url: "http://127.0.0.1:PORT"
local sh = require "tests.lib.sh"

local http = {}

function http.start()
  local process = sh.spawn({ "python3", os.getenv("ORK_ROOT") .. "/tests/lib/http_server.py" }, { keep_stdin = true })
  return { process = process, url = "http://127.0.0.1:" .. process:wait_line("^%d+$") }
end

return http
