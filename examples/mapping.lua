-- SPDX-License-Identifier: MIT
-- Branching, and a graph that grows from data: what a task finds decides which way the run goes, and how many tasks it has.
--
--   ork mapping.lua                    few files: each is counted
--   ork mapping.lua most=3             too many: only a sample
local ork = require "ork"

local w = ork.workflow("mapping", {
  params = { folder = { type = "str", default = "/usr/share/common-licenses" }, most = { type = "int", default = 100 } },
})

local list = w:task("list", {
  inputs      = { folder = w.params.folder },
  output_type = { files = { "str" }, count = "int" },
  run         = function(input, ctx)
    local found, files = ctx.exec({ "find", "-H", input.folder, "-type", "f" }), {}
    for file in found.out:gmatch("[^\n]+") do files[#files + 1] = file end
    table.sort(files)
    return { files = files, count = #files }
  end,
})

local function lines(input)
  local n = 0
  for _ in io.lines(input.file) do n = n + 1 end
  return { lines = n }
end

local few = { list.output.count, "<=", w.params.most }
local each = w:task("each", { when = few, inputs = { file = ork.each(list.output.files) }, run = lines, output_type = { lines = "int" } })
local sample = w:task("sample", { when = { list.output.count, ">", w.params.most }, command = { "wc", "-l", list.output.files } })

w:task("report", {
  depends_on = sample, trigger_rule = "none_failed",
  inputs     = { each = each.status, lines = each.output.lines, sample = sample.status },
  run        = function(input) return { each = input.each, sample = input.sample, counted = input.lines and #input.lines } end,
})

return w
