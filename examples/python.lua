-- SPDX-License-Identifier: MIT
-- Tasks that are Python functions: the hints in words.py are their types, checked before anything runs.
--
--   ork python.lua                     runs it
--   ork python.lua least=12            longer words only
--   ork plan python.lua --types        what its tasks take and give
local ork = require "ork"

local words = ork.workflow("python", {
  params = {
    folder = { type = "str", default = "/usr/share/common-licenses" },
    least  = { type = "int", default = 10, min = 1, description = "letters of a word that counts" },
  },
})

local find = words:task("find", {
  python = "words.py:find",
  inputs = { folder = words.params.folder, names = { "GPL-2", "GPL-3", "Artistic" } },
})

local count = words:task("count", {
  python  = "words.py:count",
  inputs  = { file = ork.each(find.output.files), least = words.params.least },   -- once per file
  timeout = "1m",
})

local most = words:task("most", { python = "words.py:most", inputs = { counts = count.output.words } })

words:task("show", { command = { "echo", most.output.word, "is there", most.output.times, "times" } })

return words
