-- SPDX-License-Identifier: MIT
-- What is tried again, and what is not: exit codes say it. 75 means "busy, come back later", 65 "this data is no good".
--
--   ork retries.lua                    the server is busy twice, then it answers
--   ork retries.lua busy=9             it stays busy; the retries are used up
--   ork retries.lua answer=hello       what it says is no good, and asking again would not help
local ork = require "ork"

local import = ork.workflow("import", {
  description = "Fetches a number from a server that is busy now and then, and checks it",
  params = {
    busy   = { type = "int", default = 2, min = 0, description = "how often the server says that it is busy" },
    answer = { type = "str", default = "42", description = "what it says then" },
  },
  defaults = {
    timeout = "10s",                                -- of each attempt
    retries = { limit = 4, delay = "50ms", factor = 2, max_delay = "1s", on = { exit_codes = { 75 }, kinds = { "timeout" } } },
  },
})

-- The server is played by a few lines of shell. ORK_ATTEMPT is 1 for the first attempt, then 2, 3, …
local fetch = import:task("fetch", {
  command = [[
    if [ "$ORK_ATTEMPT" -le ]] .. import.params.busy .. [[ ]; then echo "503, the server is busy"; exit 75; fi
    echo ]] .. import.params.answer .. " >answer.txt",
})

local check = import:task("check", {
  depends_on = fetch,
  command = "grep -Eqx '[0-9]+' answer.txt || { echo \"this is no number: $(cat answer.txt)\"; exit 65; }",
})

-- An answer that `check` refused stays: to be looked at, and for `ork retry`, which does not fetch it again.
import:finally("tidy", { when = { check.status, "==", "success" }, command = { "rm", "-f", "answer.txt" } })

return import
