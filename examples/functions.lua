-- SPDX-License-Identifier: MIT
-- Tasks that are Lua functions, called in worker processes: counting words of licences.
--
--   ork functions.lua                  runs it
--   ork output last total              what it found
--   ork logs last GPL-3                what one of them printed
local ork = require "ork"

local licences = ork.workflow("functions", {
  params   = { folder = { type = "str", default = "/usr/share/common-licenses" } },
  defaults = { timeout = "1m" },
})

-- Each worker loads this script again, from the run's snapshot, so a function may use whatever loading makes.
local function words_of(path)
  local words = {}
  for line in io.lines(path) do
    for word in line:lower():gmatch("%a+") do words[word] = (words[word] or 0) + 1 end
  end
  return words
end

local function sorted(counts)
  local list = {}
  for word, n in pairs(counts) do list[#list + 1] = { word = word, n = n } end
  table.sort(list, function(a, b) return a.n > b.n or a.n == b.n and a.word < b.word end)
  return list
end

local parts = {}
for i, name in ipairs({ "GPL-2", "GPL-3", "Artistic" }) do
  local count = licences:task(name, {
    inputs      = { file = licences.params.folder .. "/" .. name },
    output_type = { words = "any", total = "int" },
    run         = function(input, ctx)
      local words, total = words_of(input.file), 0
      for _, n in pairs(words) do total = total + n end
      ctx.log("%s: %d words", input.file, total)
      return { words = words, total = total }
    end,
  })
  parts[i] = count.output
end

licences:task("total", {
  inputs      = { parts = parts },
  output_type = { total = "int", most = { "str" } },
  run         = function(input)
    local all, total = {}, 0
    for _, part in ipairs(input.parts) do
      total = total + part.total
      for word, n in pairs(part.words) do all[word] = (all[word] or 0) + n end
    end
    local list = sorted(all)
    return { total = total, most = { list[1].word, list[2].word, list[3].word } }
  end,
})

return licences
