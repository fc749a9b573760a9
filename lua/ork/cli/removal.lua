-- SPDX-License-Identifier: MIT
-- What was removed, or would be, from the document of engine:prune and engine:delete.
local core = require "ork.core"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local removal = {}

--- "1.4 MB".
function removal.size(bytes)
  for _, unit in ipairs({ { 1e9, "GB" }, { 1e6, "MB" }, { 1e3, "kB" } }) do
    if bytes >= unit[1] then return ("%.1f %s"):format(bytes / unit[1], unit[2]) end
  end
  return ("%d bytes"):format(bytes)
end

--- While the result is open Ctrl-C ends the removal after the commit under way, and what was done is told.
function removal.interruptible(engine)
  return core.loop.signal("int", function() engine:interrupt() end)
end

function removal.print(document)
  term.out((stop.check(core.json.encode(document))))
  return 0
end

--- "removed 12 runs, 40 tasks, 1.2 MB of logs".
function removal.tell(document, verb)
  term.out(("%s %s, %s, %s of logs"):format(verb, text.plural(document.runs, "run"), text.plural(document.tasks, "task"),
    removal.size(document.log_bytes)))
  if document.logs_left > 0 then
    term.message(("%s could not be removed (another user's files?); the next `ork prune` tries again"):format(
      text.plural(document.logs_left, "log folder")))
  end
end

return removal
