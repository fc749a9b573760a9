-- SPDX-License-Identifier: MIT
-- What takes the space on this machine? Reads the Debian package database, sums it up section by section, loads the
-- result into a SQLite file and writes a page with a chart.
--
--   ork pipeline.lua                         then open packages.html in a browser
--   ork pipeline.lua stumble=2               see how retries look
--   ork pipeline.lua --help                  all params; report=/tmp/p.html sets one
local ork = require "ork"

-- Loading this file defines the graph; nothing runs yet. Ork loads it again when it needs to, so each load must define
-- the same tasks: the sections are a fixed list and not whatever this machine has. "other" takes the rest.
local SECTIONS = {
  "libs", "libdevel", "devel", "python", "perl", "java", "interpreters", "admin", "utils", "net", "web", "text", "doc", "other",
}

local packages = ork.workflow("packages", {
  description = "What takes the space on this machine, by section of its packages",
  params = {
    report  = { type = "str", default = "packages.html", description = "where the page goes" },
    top     = { type = "int", default = 5, min = 1, max = 50, description = "largest packages listed per section" },
    stumble = { type = "int", default = 0, min = 0, max = 5, description = "fail the loading so often first" },
  },
  defaults = { timeout = "2m" },                   -- of each attempt of each task
})

-- A command that is a list runs directly, without a shell, in the directory of this file. A task hands on what it found
-- as JSON in the file $ORK_OUTPUT_FILE; output_type says what is in it, and Ork checks.
local collect = packages:task("collect", {
  command     = { "sh", "collect.sh" },
  output_type = { dir = "str", packages = "int", leftovers = "int" },
})

-- `collect.output.dir` is a reference: it stands for the value that the run will have. Whoever uses one also waits for
-- the task it comes from. All sections run in parallel, at most --jobs at once.
local counts = {}
for i, section in ipairs(SECTIONS) do
  local sum = packages:task("sum_" .. section, {
    command = {
      "awk", "-f", "section.awk", "-v", "section=" .. section, "-v", "known=" .. table.concat(SECTIONS, " "),
      "-v", "dir=" .. collect.output.dir, collect.output.dir .. "/packages.tsv",
    },
    output_type = { packages = "int", kib = "int" },
  })
  counts[i] = sum.output.packages
end

-- Inputs are JSON in $ORK_INPUT_FILE; here a list with one number per section. Exit code 75 (EX_TEMPFAIL) is tried again.
local load = packages:task("load", {
  inputs      = { counts = counts, expected = collect.output.packages },
  command     = { "sh", "load.sh", collect.output.dir, packages.params.stumble },
  output_type = { database = "str" },
  retries     = { limit = 5, delay = "200ms", factor = 2, on = { exit_codes = { 75 } } },
})

-- Runs only when there is something to list, and is skipped otherwise.
local leftovers = packages:task("leftovers", {
  when        = { collect.output.leftovers, ">", 0 },
  command     = { "awk", "-f", "leftovers.awk", collect.output.dir .. "/leftovers.tsv" },
  output_type = { names = { "str" } },
})

-- A command that is a text goes to `sh -c`. References in it become arguments of the shell and never text of the command,
-- so a value with blanks or quotes does no harm. `none_failed`: it does not mind that `leftovers` was skipped.
local report = packages:task("report", {
  inputs       = { leftovers = leftovers.output.names },
  trigger_rule = "none_failed",
  command      = "sqlite3 -tabs " .. load.output.database .. " <report.sql | lua5.4 report.lua "
                 .. packages.params.report .. " " .. packages.params.top,
  output_type  = { report = "str", bytes = "int" },
})

-- Last, when all others have ended, however they did: also after a failure or Ctrl-C. Here only if the page was written;
-- otherwise the files stay, and `ork retry` goes on with them.
packages:finally("tidy", {
  when    = { report.status, "==", "success" },
  command = { "rm", "-r", collect.output.dir },
})

return packages
