-- SPDX-License-Identifier: MIT
-- One task per file of a folder, however many there are: the list is made in the run.
--
--   ork each.lua                       runs it
--   ork each.lua folder=/etc           over another folder
--   ork tasks last count               one line per file
--   ork show last count/2              one of them
local ork = require "ork"

local each = ork.workflow("each", {
  params   = { folder = { type = "str", default = "/usr/share/common-licenses" } },
  defaults = { timeout = "1m" },
})

local list = each:task("list", {
  inputs      = { folder = each.params.folder },
  output_type = { files = { "str" } },
  run         = function(input)
    local files = {}
    local found <close> = io.popen(("find -H '%s' -type f | sort"):format((input.folder:gsub("'", "'\\''"))))
    for line in found:lines() do files[#files + 1] = line end
    return { files = files }
  end,
})

local count = each:task("count", {
  inputs      = { file = ork.each(list.output.files, { max_parallel = 4, max_failed = "10%" }) },
  output_type = { lines = "int" },
  run         = function(input, ctx)
    local n = 0
    for _ in io.lines(input.file) do n = n + 1 end
    ctx.log("%s has %d lines", input.file, n)
    return { lines = n }
  end,
})

each:task("total", {
  inputs      = { lines = count.output.lines },        -- a number per file, null where it could not be read
  output_type = { files = "int", lines = "int" },
  run         = function(input)
    local sum, files = 0, 0
    for _, n in ipairs(input.lines) do
      if n ~= ork.null then sum, files = sum + n, files + 1 end
    end
    return { files = files, lines = sum }
  end,
})

return each
