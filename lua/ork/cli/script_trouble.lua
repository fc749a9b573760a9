-- SPDX-License-Identifier: MIT
-- Scripts that `ork serve` could not apply, for `ork status`. The database has a place for that beside a workflow only; a script that
-- was never applied has none there, so the server leaves a note in the data directory, which goes when the server ends.
local core = require "ork.core"

local script_trouble = {}

local function path_of(data_dir) return data_dir .. "/serve-trouble.json" end

--- list: { { script_path, script_error }, … }; empty: nothing is wrong.
function script_trouble.write(data_dir, list)
  local path = path_of(data_dir)
  if #list == 0 then
    os.remove(path)
    return
  end
  local file = io.open(path .. ".new", "w")
  if not file then return end -- the log has it
  local stored = file:write((core.json.encode(core.list(list))))
  if file:close() and stored then os.rename(path .. ".new", path) end
end

function script_trouble.read(data_dir)
  local file <close> = io.open(path_of(data_dir))
  local list = file and core.json.decode(file:read("a"))
  return type(list) == "table" and list or {}
end

--- What the database does not have, while somebody serves. document: that of `ork status`.
function script_trouble.beside(document)
  local served, known, list = false, {}, {}
  for _, each in ipairs(document.schedulers) do served = served or each.role == "serve" end
  for _, each in ipairs(document.trouble) do known[each.script_path or ""] = true end
  for _, each in ipairs(served and script_trouble.read(document.data_dir) or {}) do
    if not known[each.script_path] then list[#list + 1] = each end
  end
  return list
end

--- The text of such a document with them among its trouble.
function script_trouble.add(text, list)
  local parts = {}
  for i, each in ipairs(list) do parts[i] = '{"workflow":null,"note":null,' .. core.json.encode(each):sub(2) end
  if #parts == 0 then return text end
  local from, to = text:find('"trouble":[', 1, true)
  local rest = text:sub(to + 1)
  return text:sub(1, from - 1) .. '"trouble":[' .. table.concat(parts, ",") .. (rest:find("^%s*%]") and "" or ",") .. rest
end

return script_trouble
