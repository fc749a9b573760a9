-- SPDX-License-Identifier: MIT
-- reference.lua FILE…: the annotations of these files as a page of Markdown (docs/reference.md), on stdout.
local annotations = require "script.lib.annotations"

--- In which order the classes come, and under which words. What is not named here comes at the end.
local SECTIONS = {
  { "The module", "What `local ork = require \"ork\"` gives.", "ork", "ork.json" },
  { "Defining", "Handles that exist while a script is loaded.", "ork.workflow", "ork.task", "ork.ref", "ork.this" },
  { "Options", "Tables given to the functions above. Unknown names are refused, at the line where they stand.", "ork.workflow_options",
    "ork.param", "ork.schedule", "ork.defaults", "ork.task_options", "ork.retry", "ork.retry_on", "ork.pool_use" },
  { "Functions as tasks", "What a function given as `run` has.", "ork.ctx", "ork.exec_options", "ork.exec_result", "ork.fail_options" },
  { "Runs", "Operations return `nil, message, \"ECODE\"` when they fail; a call that cannot be meant raises an error.", "ork.run",
    "ork.run_task", "ork.database", "ork.start_options", "ork.retry_options", "ork.rerun_options", "ork.runs_filter", "ork.tasks_filter", "ork.why" },
}

local sources = {}
for i = 1, #arg do
  local file <close> = assert(io.open(arg[i]))
  sources[i] = file:read("a")
end
local parsed = annotations.parse(sources)

local known = {}
for name in pairs(parsed.classes) do known[name] = true end
for _, alias in ipairs(parsed.aliases) do known[alias.name] = true end

local function anchor(name) return "#" .. name:gsub("[^%w_]", "") end

--- The alternatives of a type: split at each | that is in no brackets.
local function alternatives(kind)
  local parts, depth, from = {}, 0, 1
  for i = 1, #kind + 1 do
    local c = kind:sub(i, i)
    if c:find("[({<%[]") then depth = depth + 1 elseif c:find("[)}>%]]") then depth = depth - 1 end
    if i > #kind or (c == "|" and depth == 0) then
      parts[#parts + 1] = kind:sub(from, i - 1):match("^%s*(.-)%s*$")
      from = i + 1
    end
  end
  return parts
end

--- A type for reading: `|` is "or", names of this page are links.
local function type_text(kind)
  local parts = alternatives(kind)
  for i, word in ipairs(parts) do
    local base, tail = word:match("^([%w_.]+)([%[%]?]*)$")
    if base and known[base] then
      parts[i] = ("[`%s%s`](%s)"):format(base, tail, anchor(base))
    else
      parts[i] = "`" .. word:gsub("%s*|%s*", " or ") .. "`"
    end
  end
  return table.concat(parts, " or ")
end

local lines = {}
local function add(text, ...) lines[#lines + 1] = select("#", ...) > 0 and text:format(...) or text end

local function add_fields(fields, words)
  if #fields == 0 then return end
  add("| %s | type | |\n|---|---|---|", words)
  for _, f in ipairs(fields) do
    add("| `%s`%s | %s | %s |", f.name, f.optional and "?" or "", type_text(f.type), (f.text:gsub("|", "or")))
  end
  add("")
end

--- How a call is written: the class's last word stands for its instance.
local function add_method(class, method)
  local holder = class.name:match("[^.]+$"):gsub("_task$", ":task(…)")
  if class.name == "ork" then holder = "ork" end
  add("#### `%s%s%s%s`\n", holder, method.colon and ":" or ".", method.name, method.args)
  if method.text ~= "" then add("%s\n", method.text) end
  for _, p in ipairs(method.params) do
    add("- `%s`%s: %s%s", p.name, p.optional and "?" or "", type_text(p.type), p.text ~= "" and ", " .. p.text or "")
  end
  for _, r in ipairs(method.returns) do
    add("- returns `%s`%s", (r.type:gsub("%s*|%s*", " or ")), r.text ~= "" and ": " .. r.text or "")
  end
  if #method.params + #method.returns > 0 then add("") end
end

local done = {}
local function add_class(name)
  local class = parsed.classes[name]
  if not class or done[name] then return end
  done[name] = true
  add("### %s\n", name)
  if class.text ~= "" then add("%s\n", class.text) end
  if class.parent then add("Also all of [`%s`](%s).\n", class.parent, anchor(class.parent)) end
  add_fields(class.fields, #class.methods > 0 and "field" or "name")
  for _, method in ipairs(class.methods) do add_method(class, method) end
end

add("<!-- Made by script/docs from the annotations in lua/ork; do not edit. -->\n")
add("# The Lua API\n")
add("Every function, handle and option table of the module `ork`. Editors that read LuaLS annotations know all of this: give them the folder")
add("`lua/ork` as a library. A `?` after a name says that it may be left out, after a type that it may be nil.\n")
for _, section in ipairs(SECTIONS) do
  add("## %s\n\n%s\n", section[1], section[2])
  for i = 3, #section do add_class(section[i]) end
end
local more = {}
for _, name in ipairs(parsed.order) do
  if not done[name] then more[#more + 1] = name end
end
if #more > 0 then add("## More\n") end
for _, name in ipairs(more) do add_class(name) end
add("## Words\n")
add("| name | stands for | |\n|---|---|---|")
for _, alias in ipairs(parsed.aliases) do
  add('| <a id="%s"></a>`%s` | %s | %s |', anchor(alias.name):sub(2), alias.name, type_text(alias.type), (alias.text:gsub("|", "or")))
end
io.write(table.concat(lines, "\n"), "\n")
