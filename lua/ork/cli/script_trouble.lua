-- SPDX-License-Identifier: MIT
-- Scripts that `ork serve` could not apply, for `ork status`. The database has a place for that beside a workflow only; a script that
-- was never applied has none there, so the server leaves a note in the data directory, which goes when the server ends. Of several
-- servers the last that had something to say is heard, as long as it lives.
local core = require "ork.core"

local script_trouble = {}

local function path_of(data_dir) return data_dir .. "/serve-trouble.json" end

--- { pid, scripts } as it is there, or nil.
local function note_in(data_dir)
  local file <close> = io.open(path_of(data_dir))
  local note = file and core.json.decode(file:read("a"))
  return type(note) == "table" and math.tointeger(note.pid) and type(note.scripts) == "table" and note or nil
end

local function own_pid()
  local file <close> = io.open("/proc/self/stat")
  return file and file:read("n") or 0
end

local function is_alive(pid)
  local file <close> = io.open(("/proc/%d/stat"):format(pid))
  return file ~= nil
end

--- list: { { script_path, script_error }, … }; empty: nothing is wrong.
function script_trouble.write(data_dir, list)
  local path, note, pid = path_of(data_dir), note_in(data_dir), own_pid()
  if #list == 0 then
    if not note or note.pid == pid or not is_alive(note.pid) then os.remove(path) end
    return
  end
  local file = io.open(path .. ".new", "w")
  if not file then return end -- the log has it
  local stored = file:write((core.json.encode({ pid = pid, scripts = core.list(list) })))
  if file:close() and stored then os.rename(path .. ".new", path) end
end

--- What the database does not have, while that server lives. document: that of `ork status`.
function script_trouble.beside(document)
  local note, known, list = note_in(document.data_dir), {}, {}
  for _, each in ipairs(document.trouble) do known[each.script_path or ""] = true end
  for _, each in ipairs(note and is_alive(note.pid) and note.scripts or {}) do
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
