-- SPDX-License-Identifier: MIT
-- A database was made here, though the script has runs in another one: it was called from another folder than before.
local core = require "ork.core"
local database = require "ork.database"
local term = require "ork.term"
local text = require "ork.cli.text"

local elsewhere = {}

local LOOKED_AT = 200 -- newest runs

local function has_runs_of(path, script)
  local engine <close> = core.open({ url = "sqlite:" .. path, read = true })
  for _, run in ipairs(engine and engine:runs({ limit = LOOKED_AT }) or {}) do
    if run.script_path == script then return true end
  end
  return false
end

--- Names the database beside or above the script that has runs of it, unless it is `own`.
function elsewhere.tell(script, own)
  local path = core.sys.realpath(script)
  local folder = path and path:match("^(.*)/[^/]*$")
  local found = folder and database.find_upwards(folder == "" and "/" or folder)
  if not found or core.sys.realpath(found) == core.sys.realpath(own) or not has_runs_of(found, path) then return end
  term.message(("ork: %s has runs of this script; to use it: --db %s"):format(term.escape(found), text.word(found)))
end

return elsewhere
