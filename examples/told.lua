-- SPDX-License-Identifier: MIT
-- Being told how a run ended: handlers, called in a worker after the end was stored, at least once. What they do, and
-- whether they fail, changes nothing about the run. Here they write a file; a mail or a message is the same.
--
--   ork told.lua                       fails, and is told of
--   ork told.lua code=0                goes well
--   ork show last                      what became of the handlers
local ork = require "ork"

local function tell(format, ...)
  local file <close> = assert(io.open("told.txt", "a"))
  file:write(format:format(...), "\n")
end

local told = ork.workflow("told", {
  params = { code = { type = "int", default = 3 } },
  on_success = function(run) tell("%s went well", run.workflow) end,
  on_failure = function(run)
    for _, task in ipairs(run.failed) do
      tell("%s: %s failed (attempt %d): %s\n%s", run.workflow, task.task, task.attempt, task.error, task.log or "")
    end
  end,
  on_cancel = function(run) tell("%s: %s", run.workflow, run.error) end,
})

local fetch = told:task("fetch", {
  command = { "sh", "-c", "echo the server says no; exit $0", told.params.code },
  -- Asked of each failure that could be tried again: true tries again. An exit code of 3 here lasts.
  retries = { limit = 3, delay = "100ms", on = function(err) return err.exit_code ~= 3 end },
})

told:task("store", {
  command    = { "echo", "stored" },
  depends_on = fetch,
  on_success = function(task) tell("%s is done", task.name) end,
})

return told
