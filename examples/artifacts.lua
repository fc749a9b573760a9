-- SPDX-License-Identifier: MIT
-- Artifacts: files that are to be kept with the run. A process leaves them in a folder, a function names them.
--
--   ork artifacts.lua
--   ork artifacts last                                       what there is
--   ork artifacts last report.txt --out report.txt           one of them
local ork = require "ork"

local artifacts = ork.workflow("artifacts")

local measure = artifacts:task("measure", {
  command     = "echo 3 1 2 | tr ' ' '\\n' | sort >\"$ORK_ARTIFACTS/sorted.txt\"; echo '{\"rows\":3}' >$ORK_OUTPUT_FILE",
  output_type = { rows = "int" },
})

artifacts:task("report", {
  inputs = { rows = measure.output.rows },
  run    = function(input, ctx)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("rows: ", input.rows, "\n")
    file:close()
    local kept = ctx.artifact(path, "report.txt")
    os.remove(path)
    return kept                          -- { name, sha256, bytes }
  end,
})

return artifacts
