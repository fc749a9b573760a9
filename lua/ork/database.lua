-- SPDX-License-Identifier: MIT
-- Which database a program means: what it names (--db, ork.open), else $ORK_DATABASE_URL, else the nearest .ork/ork.db from
-- the current folder upwards, else $DATABASE_URL if that one already holds Ork's tables. What runs something may then
-- create ./.ork/ork.db; what only reads may not.
local core = require "ork.core"
local sys = core.sys

local database = { FILE = ".ork/ork.db" }

--- "runs.db" is meant as sqlite:runs.db, a folder (what is one, or ends in a slash) as the file store it is, or the database
--- in it; what has a scheme stays.
function database.url_of(name)
  if name:find("^%a[%w+.-]*:") then return name end
  if sys.stat(name) ~= "folder" and name:sub(-1) ~= "/" then return "sqlite:" .. name end
  local folder = name:gsub("/+$", "") .. "/"
  if sys.stat(folder .. "log") == "file" and sys.stat(folder .. "lock") == "file" then return "file:" .. name end
  local inside = folder .. database.FILE
  if sys.stat(inside) ~= "file" and sys.stat(folder .. "ork.db") == "file" then inside = folder .. "ork.db" end
  return "sqlite:" .. inside
end

--- May other programs write to that database while one has it open?
function database.is_shared(url) return not url:find("^file:") and not url:find("^sqlite:.*:memory:") end

--- The nearest .ork/ork.db at or above `dir`. One that belongs to a third user is passed over and returned second: whoever
--- may write /tmp/.ork could have programs of his run by everyone who works below /tmp. Third: the nearest that may not be
--- looked at.
function database.find_upwards(dir, stat, uid)
  stat, uid = stat or sys.stat, uid or sys.uid()
  local _, _, dir_owner = stat(dir)
  local passed_over, denied
  while true do
    local path = (dir == "/" and "" or dir) .. "/" .. database.FILE
    local kind, _, owner = stat(path)
    if kind == "file" then
      if owner == uid or owner == 0 or owner == dir_owner then return path, passed_over, denied end
      passed_over = passed_over or path
    elseif owner == "EACCESS" then
      denied = denied or path
    end
    if dir == "/" or dir == "" then return nil, passed_over, denied end
    dir = dir:match("^(.*)/[^/]*$")
    if dir == "" then dir = "/" end
  end
end

local function is_ours(url)
  local engine = core.open({ url = url, read = true })
  if engine then engine:close() end
  return engine ~= nil
end

--- Returns { url, from = "named"|"environment"|"found"|"DATABASE_URL"|"new", passed_over } or nil, message and
--- the path of a database here or above that this user may not look at, if there is one.
--- opts: url (named by the user), create (may a new one be made).
function database.locate(opts)
  if opts.url then return { url = database.url_of(opts.url), from = "named" } end
  local env = os.getenv("ORK_DATABASE_URL")
  if env and env ~= "" then return { url = database.url_of(env), from = "environment" } end

  local cwd, why = sys.cwd()
  if not cwd then return nil, why end
  local path, passed_over, denied = database.find_upwards(cwd)
  if path then return { url = "sqlite:" .. path, from = "found", passed_over = passed_over } end

  env = os.getenv("DATABASE_URL")
  if env and env ~= "" and is_ours(env) then return { url = env, from = "DATABASE_URL" } end

  if opts.create then return { url = "sqlite:" .. cwd .. "/" .. database.FILE, from = "new", passed_over = passed_over } end
  local message = "no Ork database here or above; `ork SCRIPT` makes one, --db names one elsewhere"
  if denied then
    message = ("%s may not be looked at: permission denied; be the user whose runs are there, or name another database: --db"):format(denied)
  end
  if passed_over then message = message .. ("\n(%s belongs to another user and is not used)"):format(passed_over) end
  return nil, message, denied
end

--- Finds and opens it. opts: url, data_dir, create, read, migrate, jobs, log_level. Returns the engine and where it was
--- found (database.locate), or nil, message, "ECODE".
function database.open(opts)
  local found, message = database.locate(opts)
  if not found then return nil, message, "EENV" end
  local data_dir = opts.data_dir or os.getenv("ORK_DATA")
  local engine, why, code = core.open({
    url = found.url, data_dir = data_dir ~= "" and data_dir or nil, create = opts.create, read = opts.read,
    migrate = opts.migrate, jobs = opts.jobs, log_level = opts.log_level,
  })
  if not engine then
    if found.from == "new" then why = why .. "; --db names a database elsewhere" end
    -- a database that is not there is an environment to mend, not a run that was not found
    return nil, why, code == "ENOTFOUND" and "EENV" or code
  end
  return engine, found
end

return database
