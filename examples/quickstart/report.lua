-- SPDX-License-Identifier: MIT
-- report.lua FILE TOP: the rows of report.sql on stdin become a page without scripts, fonts or pictures from elsewhere.
local cjson = require "cjson"

local path, top = arg[1], tonumber(arg[2])

local sections, by_name, total, packages = {}, {}, 0, 0
for line in io.lines() do
  local fields = {}
  for field in (line .. "\t"):gmatch("(.-)\t") do fields[#fields + 1] = field end
  if fields[1] == "section" then
    local section = { name = fields[2], count = tonumber(fields[3]), kib = tonumber(fields[4]), largest = {} }
    sections[#sections + 1], by_name[section.name] = section, section
    total, packages = total + section.kib, packages + section.count
  else
    local largest = by_name[fields[2]].largest
    if #largest < top then largest[#largest + 1] = { name = fields[3], kib = tonumber(fields[4]), version = fields[5] } end
  end
end
if #sections == 0 then error("no sections in the database: sqlite3 said nothing", 0) end

local input_file = assert(io.open(os.getenv("ORK_INPUT_FILE")))
local leftovers = cjson.decode(input_file:read("a")).leftovers -- null when the task was skipped
input_file:close()

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function escape(text) return (text:gsub('[&<>"]', entities)) end
local function size(kib)
  if kib >= 1024 * 1024 then return ("%.1f GiB"):format(kib / 1024 / 1024) end
  if kib >= 1024 then return ("%.1f MiB"):format(kib / 1024) end
  return ("%d KiB"):format(kib)
end

local html = {}
local function add(format, ...) html[#html + 1] = format:format(...) end

-- Bars of the chart, 26 units a row; the longest is 460 wide.
local function chart()
  local height = #sections * 26
  add('<svg viewBox="0 0 720 %d" role="img" aria-label="installed size by section">', height)
  for i, section in ipairs(sections) do
    local y, width = (i - 1) * 26, math.max(2, 460 * section.kib / sections[1].kib)
    add('<text class="name" x="96" y="%d" text-anchor="end">%s</text>', y + 17, escape(section.name))
    add('<rect x="106" y="%d" width="%.1f" height="18" rx="4"><title>%s: %d packages, %s</title></rect>', y + 4, width,
      escape(section.name), section.count, size(section.kib))
    add('<text class="value" x="%.1f" y="%d">%s</text>', 114 + width, y + 17, size(section.kib))
  end
  add("</svg>")
end

local function details(section)
  add("<details><summary><b>%s</b> %d packages, %s</summary><table>", escape(section.name), section.count, size(section.kib))
  for _, package in ipairs(section.largest) do
    add("<tr><td>%s</td><td class=dim>%s</td><td class=num>%s</td></tr>", escape(package.name), escape(package.version), size(package.kib))
  end
  add("</table></details>")
end

add([[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Packages of this machine</title><style>
:root { color-scheme: light dark; --ink: #1c2430; --dim: #6b7686; --card: #fff; --page: #f3f5f8; --bar: #2f7de1; --line: #e3e7ed }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --dim: #93a0b2; --card: #1b2230; --page: #10151e; --bar: #5b9df5; --line: #2b3444 }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0; padding: 2rem 1rem }
main { max-width: 46rem; margin: auto }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.5rem; margin: 1rem 0 }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1rem; margin: 0 0 .75rem } .dim, .name { color: var(--dim) }
svg { width: 100%%; height: auto } svg text { font-size: 13px; fill: var(--ink) }
svg .name { fill: var(--dim) } svg rect { fill: var(--bar) }
summary { cursor: pointer; padding: .3rem 0 } table { width: 100%%; border-collapse: collapse; font-size: .9rem; margin-bottom: .5rem }
td { border-top: 1px solid var(--line); padding: .25rem .5rem } .num { text-align: right; white-space: nowrap }
</style></head><body><main>]])
add('<h1>Packages of this machine</h1><p class="dim">%d packages in %d sections take %s</p>', packages, #sections, size(total))
add("<section><h2>Installed size by section</h2>")
chart()
add("</section><section><h2>The largest of each section</h2>")
for _, section in ipairs(sections) do details(section) end
add("</section>")
if type(leftovers) == "table" then
  add("<section><h2>Removed, but their configuration is still here</h2><p>%s</p></section>", escape(table.concat(leftovers, ", ")))
end
add('<p class="dim">Made by examples/quickstart/pipeline.lua</p></main></body></html>')

local page = table.concat(html, "\n") .. "\n"
local file = assert(io.open(path, "w"))
assert(file:write(page))
assert(file:close())

local output = assert(io.open(os.getenv("ORK_OUTPUT_FILE"), "w"))
assert(output:write(cjson.encode({ report = path, bytes = #page })))
assert(output:close())
print(("wrote %s, %d bytes"):format(path, #page))
