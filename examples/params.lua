-- SPDX-License-Identifier: MIT
-- Params: what a run is asked to do. They have types, defaults and bounds; dates understand "yesterday".
--
--   ork params.lua --help              the params, from this file
--   ork params.lua                     the report of yesterday
--   ork params.lua day=-3d level=warning top=1
local ork = require "ork"

local report = ork.workflow("report", {
  description = "What happened on a day, by the package manager's log",
  params = {
    -- ork.date is the run's own time, here a day earlier. It stays the same when the run is tried again next week.
    day   = { type = "date", default = ork.date("-1d"), description = "the day to report" },
    level = { type = "str", default = "all", choices = { "all", "warning", "error" } },
    top   = { type = "int", default = 5, min = 1, max = 100, description = "how many lines at most" },
    to    = { type = "str?", description = "a file for the report; without it, it goes to the log" },
  },
})

local p = report.params

local write = report:task("write", {
  -- In a text, each reference is one word for the shell, whatever is in it.
  command = [[
    file=report-]] .. p.day .. [[.txt
    echo "report of "]] .. p.day .. [[", level "]] .. p.level .. [[ >"$file"
    grep -s "^"]] .. p.day .. [[ /var/log/dpkg.log | head -n ]] .. p.top .. [[ >>"$file" || :
    printf '{"file":"%s"}' "$file" >"$ORK_OUTPUT_FILE"
  ]],
  output_type = { file = "str" },
})

local show = report:task("show", { command = { "head", "-n", "1", write.output.file } })

-- `when` with a reference alone: runs if there is a value.
local keep = report:task("keep", { when = p.to, depends_on = show, command = { "cp", write.output.file, p.to } })
-- Not after a failure: the file is there for a retry.
report:task("tidy", { depends_on = { show, keep }, trigger_rule = "none_failed", command = { "rm", "-f", write.output.file } })

return report
