-- SPDX-License-Identifier: MIT
-- `finally`: what has to be done however the run ends, after success, failure, Ctrl-C or a timeout.
--
--   ork cleanup.lua                    all goes well, and nothing is left
--   ork cleanup.lua slow=60            press Ctrl-C: what is half-written is removed; `ork retry last` finds it anew
--   ork cleanup.lua fail=true          the last step fails; what was found stays, because going on needs it:
--   ork retry last --update fail=false
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
  command = "find " .. sorted.params.folder .. " -type f >" .. dir .. "/names.part && sleep " .. sorted.params.slow
            .. " && mv " .. dir .. "/names.part " .. dir .. "/names", -- whole, or not there
})
local sort = sorted:task("sort", {
  depends_on = find,
  command    = "if " .. sorted.params.fail .. "; then echo 'out of luck'; exit 1; fi; sort " .. dir .. "/names",
})

-- These come last, when all others have ended. A retry does not repeat what succeeded, so what that has made may go only
-- when nobody needs it any more; what is half-written may always go.
sorted:finally("tell", { command = { "echo", "sort:", sort.status } })
sorted:finally("tidy", { when = dir, command = "rm -f " .. dir .. "/*.part" })
sorted:finally("clear", { when = { sort.status, "==", "success" }, command = { "rm", "-r", dir } })

return sorted
