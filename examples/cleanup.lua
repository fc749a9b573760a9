-- SPDX-License-Identifier: MIT
-- `finally`: what has to be done however the run ends, after success, failure, Ctrl-C or a timeout.
--
--   ork cleanup.lua                    all goes well
--   ork cleanup.lua fail=true          the middle fails; the scratch folder is removed all the same
--   ork cleanup.lua slow=60            press Ctrl-C: it is removed, too
local ork = require "ork"

local sorted = ork.workflow("sorted", {
  description = "Sorts the names of all files below a folder, in a scratch folder of its own",
  run_timeout = "10m",
  params = {
    folder = { type = "str", default = "/etc/init.d" },
    fail   = { type = "bool", default = false },
    slow   = { type = "int", default = 0, min = 0, description = "seconds that it takes longer" },
  },
})

local scratch = sorted:task("scratch", {
  command     = [[dir=$(mktemp -d) && printf '{"dir":"%s"}' "$dir" >"$ORK_OUTPUT_FILE"]],
  output_type = { dir = "str" },
})
local dir = scratch.output.dir

local find = sorted:task("find", {
  command = "find " .. sorted.params.folder .. " -type f >" .. dir .. "/names && sleep " .. sorted.params.slow,
})
local sort = sorted:task("sort", {
  depends_on = find,
  command    = "if " .. sorted.params.fail .. "; then echo 'out of luck'; exit 1; fi; sort " .. dir .. "/names",
})

-- Both come last, when all others have ended. `when` keeps `tidy` from running when there is nothing to remove.
sorted:finally("tell", { command = { "echo", "sort:", sort.status } })
sorted:finally("tidy", { when = dir, command = { "rm", "-r", dir } })

return sorted
