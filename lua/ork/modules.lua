-- SPDX-License-Identifier: MIT
-- `require` and ork.read of a script: what lies beside the script is found first and goes into the snapshot; other modules
-- are recorded by the hash of their file.
local core = require "ork.core"
local problems = require "ork.problems"
local source = require "ork.source"

local modules = {}

local MOST_BYTES = 16 * 1024 * 1024

local function read_file(path)
  local f, why, code = io.open(path, "rb")
  if not f then return nil, why, code end
  local parts, bytes = {}, 0
  while bytes <= MOST_BYTES do -- a device may never end
    local part
    part, why = f:read(1 << 16)
    if not part then break end
    parts[#parts + 1], bytes = part, bytes + #part
  end
  f:close()
  if why then return nil, why end -- a folder opens, but does not read
  if bytes > MOST_BYTES then return nil, ("%s: larger than 16 MiB"):format(path) end
  return table.concat(parts)
end
modules.read_file = read_file

--- The name users see of a file beside the script.
local function shown(session, relative)
  return session.folder == "" and relative or session.folder .. "/" .. relative
end

--- Puts a file into the snapshot. Raises what cannot be stored.
local function capture(session, relative, text, level)
  if not utf8.len(text) or text:find("\0", 1, true) then
    error(("%s is not UTF-8 text; only text can be part of a script's snapshot"):format(shown(session, relative)), level + 1)
  end
  session.files[relative] = text
end

--- Relative path and text of a module beside the script, or nil.
local function find_beside(session, name)
  local base = name:gsub("%.", "/")
  for _, relative in ipairs({ base .. ".lua", base .. "/init.lua" }) do
    local text
    if session.kept then
      text = session.kept.files[relative]
    else
      text = read_file(shown(session, relative))
    end
    if text then return relative, source.blank(text) end
  end
end

local function not_found(session, name, level)
  if session.kept then
    error(("module `%s` is not in the run's snapshot: the script must require it where it is loaded, or by its literal name"):format(name), level + 1)
  end
  local names = {}
  for _, file in ipairs(core.files(session.folder == "" and "." or session.folder) or {}) do
    names[#names + 1] = file:match("^(.*)%.lua$")
  end
  names[#names + 1] = "ork"
  table.sort(names)
  local near = core.suggest(name, names)
  error(("module `%s` is neither beside the script nor in package.path%s"):format(name,
    near and ("; did you mean `%s`?"):format(near) or ""), level + 1)
end

--- The plain `require`, its file recorded by hash.
local function require_outside(session, name, level)
  if package.loaded[name] == nil and package.preload[name] == nil and not package.searchpath(name, package.path)
      and not package.searchpath(name, package.cpath) and not name:find("^ork%.?") then
    local root = name:match("^([^.]+)%.")
    if not (root and package.searchpath(root, package.cpath)) then not_found(session, name, level + 1) end
  end
  local result, where = require(name)
  local path = package.searchpath(name, package.path) or package.searchpath(name, package.cpath)
  local text = path and not name:find("^ork%f[^%w]") and read_file(path)
  if text then session.modules[name] = core.sha256(text) end
  local was = session.kept and session.kept.modules and session.kept.modules[name]
  if was and text and was ~= session.modules[name] then
    io.stderr:write(("module `%s` (%s) is another one than when the run was made\n"):format(name, path))
  end
  return result, where
end

local function run_module(session, name, relative, text, level)
  local file = shown(session, relative)
  for i, open in ipairs(session.loading) do
    if open == name then
      local chain = table.concat(session.loading, " → ", i)
      error(("modules require each other: %s → %s"):format(chain, name), level + 1)
    end
  end
  capture(session, relative, text, level + 1)
  problems.remember(file, text)
  session.chunks[relative] = file
  local chunk, why = load(text, session.chunk_name(file), "t", session.env)
  if not chunk then error(session.syntax_error(file, why), 0) end
  session.loading[#session.loading + 1] = name
  local value = chunk(name, file)
  session.loading[#session.loading] = nil
  if value == nil then value = true end
  session.loaded[name] = value
  return value, file
end

--- `require` for scripts of a session: { folder, files, modules, loaded, loading, env, chunk_name, syntax_error }.
function modules.require(session)
  return function(name)
    if type(name) ~= "string" then error(("require wants the name of a module, got %s"):format(type(name)), 2) end
    if session.loaded[name] ~= nil then return session.loaded[name] end
    if name ~= "ork" and not name:find("^ork%.") then
      local relative, text = find_beside(session, name)
      if relative then
        local value, file = run_module(session, name, relative, text, 2)
        return value, file
      end
    end
    local value, where = require_outside(session, name, 2)
    return value, where
  end
end

--- ork.read for scripts of a session: the text of a file beside the script, kept in the snapshot. nil, message, code.
function modules.read(session, path)
  if type(path) ~= "string" or path == "" then error("ork.read wants the path of a file beside the script", 3) end
  if path:find("^/") or ("/" .. path .. "/"):find("/../", 1, true) then
    error(("ork.read: `%s` is outside the script's folder; a snapshot holds only what lies in it"):format(path), 3)
  end
  local relative = path:gsub("^%./+", "")
  local text, why
  if session.kept then
    text, why = session.kept.files[relative], ("%s: not in the run's snapshot"):format(relative)
  else
    text, why = read_file(shown(session, relative))
  end
  if not text then return nil, why, "ENOTFOUND" end
  capture(session, relative, text, 3)
  return text
end

--- Captures modules that functions require by a literal name later, and what those require. Mistakes in their syntax go to
--- found(file, message).
function modules.capture_required(session, found)
  local queue = {}
  for relative, text in pairs(session.files) do
    if relative:find("%.lua$") then queue[#queue + 1] = text end
  end
  while #queue > 0 do
    for _, name in ipairs(source.required(table.remove(queue))) do
      local relative, text
      if name ~= "ork" and not name:find("^ork%.") then relative, text = find_beside(session, name) end
      if relative and not session.files[relative] then
        local file = shown(session, relative)
        capture(session, relative, text, 1)
        local chunk, why = load(text, session.chunk_name(file), "t", session.env)
        if not chunk then found(file, why) end
        queue[#queue + 1] = text
      end
    end
  end
end

return modules
