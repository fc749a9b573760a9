-- SPDX-License-Identifier: MIT
-- Branches that meet again: `when` decides in the run which way it goes, `trigger_rule` what the join needs.
--
--   ork branches.lua                   looks at /usr/bin: it is larger than a megabyte
--   ork branches.lua folder=/etc/skel  looks at a small one: the other branch
local ork = require "ork"

local watch = ork.workflow("watch", {
  description = "Looks how large a folder is, and says so or sounds the alarm",
  params = {
    folder = { type = "str", default = "/usr/bin", description = "what to look at" },
    limit  = { type = "int", default = 1024, min = 1, description = "KiB; more is too much" },
  },
})

local measure = watch:task("measure", {
  command     = "du -sk " .. watch.params.folder .. [[ | awk '{ printf "{\"kib\":%d}", $1 }' >"$ORK_OUTPUT_FILE"]],
  output_type = { kib = "int" },
})

-- Two ways, of which each run goes one: the other task is skipped.
local too_much = watch:task("too_much", {
  when    = { measure.output.kib, ">", watch.params.limit },
  command = { "echo", watch.params.folder, "is too large" },
})
local fine = watch:task("fine", {
  when    = { measure.output.kib, "<=", watch.params.limit },
  command = { "echo", watch.params.folder, "is fine" },
})

-- By default a task wants all it depends on to succeed, so a skipped branch would skip the join as well. `none_failed`
-- is the rule after branches: all have ended, none failed, one succeeded.
watch:task("report", {
  depends_on   = { too_much, fine },
  trigger_rule = "none_failed",
  command      = { "echo", "too_much:", too_much.status, "fine:", fine.status },
})

-- Runs as soon as something failed, and is skipped when nothing did.
watch:task("alarm", { depends_on = { measure, too_much, fine }, trigger_rule = "one_failed", command = { "echo", "cannot look" } })

return watch
