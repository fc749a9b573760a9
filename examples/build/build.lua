-- SPDX-License-Identifier: MIT
-- A build: sources are compiled at once, linked when all are, and the program is tried. Needs a C compiler (`cc`).
--
--   ork build.lua                      builds ./out/tally and runs it on its own sources
--   ork build.lua flags=-O0            with other flags
--   ork plan build.lua                 the graph
local ork = require "ork"

local SOURCES = { "tally", "count", "print" }

local build = ork.workflow("build", {
  description = "Compiles and tries tally, which counts lines, words and bytes",
  params = {
    flags = { type = "str", default = "-O2", description = "one option for the compiler" },
    out   = { type = "str", default = "out", description = "the folder for what is made" },
  },
})

local out = build.params.out
local folder = build:task("folder", { command = { "mkdir", "-p", out } })

local objects = {}
local compiled = {}
for i, name in ipairs(SOURCES) do
  objects[i] = out .. "/" .. name .. ".o"
  compiled[i] = build:task(name .. ".o", {
    depends_on = folder,
    command    = { "cc", "-std=c99", "-Wall", build.params.flags, "-c", name .. ".c", "-o", objects[i] },
  })
end

local link = build:task("link", { depends_on = compiled, command = { "cc", "-o", out .. "/tally", table.unpack(objects) } })

-- Two tests, at once.
build:task("test_sum", {
  depends_on = link,
  command    = "test \"$(printf 'a b\\nc\\n' | " .. out .. "/tally)\" = '2 lines, 3 words, 6 bytes'",
})
build:task("test_empty", { depends_on = link, command = "test \"$(" .. out .. "/tally </dev/null)\" = '0 lines, 0 words, 0 bytes'" })

build:task("run", { depends_on = { "test_sum", "test_empty" }, command = "cat *.c *.h | " .. out .. "/tally" })

return build
