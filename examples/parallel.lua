-- SPDX-License-Identifier: MIT
-- The same work on many files at once, and one task that gets all the results: counts the words of the licences that
-- every Debian system has.
--
--   ork parallel.lua                   four at once
--   ork parallel.lua --jobs 1          one after the other
--   ork logs last total                the answer
local ork = require "ork"

local FOLDER = "/usr/share/common-licenses/"
local LICENCES = { "Apache-2.0", "Artistic", "BSD", "GFDL-1.3", "GPL-2", "GPL-3", "LGPL-2.1", "LGPL-3" }

local licences = ork.workflow("licences", {
  description  = "Counts the words of licences",
  max_parallel = 4,                                 -- of this workflow's tasks; --jobs is for all of an `ork`
})

-- An ordinary loop makes the tasks. They do not depend on each other, so they run at once.
local words = {}
for i, name in ipairs(LICENCES) do
  local count = licences:task("count_" .. name, {
    command     = { "sh", "-c", [[printf '{"words":%d}' "$(wc -w <"$1")" >"$ORK_OUTPUT_FILE"]], "sh", FOLDER .. name },
    output_type = { words = "int" },
  })
  words[i] = count.output.words
end

-- `words` is a list of references: `total` waits for all of them and gets a list of numbers, in $ORK_INPUT_FILE as JSON and
-- here as arguments, one for each element.
licences:task("total", {
  inputs  = { words = words },
  command = { "awk", 'BEGIN { for (i = 1; i < ARGC; i++) n += ARGV[i]; print n, "words in", ARGC - 1, "licences" }', ork.input.words },
})

return licences
