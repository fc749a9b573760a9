-- SPDX-License-Identifier: MIT
-- Applied workflows and runs work in the folder of their script. One that was moved is gone from there; in a copy of a project the
-- database still names the folder of the original. Both are told, never mended: only `ork apply` and the user move a workflow.
local core = require "ork.core"
local stop = require "ork.cli.stop"
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local moved = {}

local MOST = 1000 -- workflows looked at

--- Folder and name of a path.
local function split(path)
  local folder, name = path:match("^(.*)/([^/]*)$")
  return folder == "" and "/" or folder, name
end

local function is_below(path, folder)
  return path == folder or path:sub(1, #folder + 1) == (folder == "/" and "/" or folder .. "/")
end

--- Do paths of this database mean this machine?
local function is_local(engine) return not engine:url():find("^postgres") end

--- The folder of the project that the database belongs to: the one that has its .ork. nil where it lies elsewhere.
local function project_of(engine)
  local path = engine:url():match("^sqlite:(.*)/%.ork/[^/]+$")
  return path and sys.realpath(path == "" and "/" or path)
end

--- A run or a workflow of `script` is about to work in that script's folder: is this a copy of the project? Then words about it.
function moved.copied(engine, script)
  local project = script and project_of(engine)
  if not project then return nil end
  local folder, name = split(script)
  if not folder or not sys.stat(folder) or is_below(sys.realpath(folder) or folder, project) or sys.stat(project .. "/" .. name) ~= "file" then return nil end
  if sys.realpath(project .. "/" .. name) == sys.realpath(script) then return nil end -- a link
  return ("works in %s; this database lies in %s, which has %s too; to work there: ork apply %s, in that folder"):format(folder, project, name, name)
end

--- Says so once for a command.
function moved.tell(engine, script)
  local words = moved.copied(engine, script)
  if words then term.message("ork: " .. term.escape(words)) end
end

--- The same for an applied workflow.
function moved.tell_workflow(engine, name)
  local row = (engine:workflows({ name = name }) or {})[1]
  moved.tell(engine, row and row.script_path)
end

--- Applied workflows whose script's folder is gone: { { workflow, script_path, folder, text, hint }, … }.
function moved.gone(engine)
  local list = {}
  if not is_local(engine) then return list end
  for _, row in ipairs(stop.check(engine:workflows({ applied = true, limit = MOST }))) do
    local folder, name = split(row.script_path or "")
    if folder and not sys.stat(folder) then
      list[#list + 1] = { workflow = row.name, script_path = row.script_path, folder = folder,
        text = ("the folder of `%s` is gone: %s"):format(row.name, folder), hint = ("ork apply NEW/%s, from where it is now"):format(text.word(name)) }
    end
  end
  return list
end

return moved
