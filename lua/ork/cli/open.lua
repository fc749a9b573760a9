-- SPDX-License-Identifier: MIT
-- Opens the database that a command line means, and finds what is named in it.
local database = require "ork.database"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"

local open = {}

--- The file of a SQLite URL, or the folder of a file store, that is not there yet.
local function missing_file(url)
  local folder = url:match("^file:/?/?(/?[^?]+)")
  if folder then return not sys.stat(folder .. "/log") and folder or nil end
  local path = url:match("^sqlite:(/?/?[^?]+)") or ""
  path = path:gsub("^//", "")
  return path ~= "" and path ~= ":memory:" and not sys.stat(path) and path or nil
end

local function open_for(options, extra)
  local named = options.db or os.getenv("ORK_DATABASE_URL")
  local new = extra.create and named and missing_file(database.url_of(named))
  local engine, found, code = database.open({
    url = options.db, data_dir = options.data, jobs = options.jobs, log_level = options.verbose and 2 or 1,
    create = extra.create, read = extra.read, migrate = extra.migrate,
  })
  if not engine then stop.check(nil, found, code) end
  if found.passed_over then
    term.message(("ork: %s belongs to another user and is not used"):format(term.escape(found.passed_over)))
  end
  if found.from == "new" or new then term.news("created " .. term.escape(new or database.FILE)) end
  if found.from == "new" and options.of_script then require("ork.cli.elsewhere").tell(options.of_script, found.url:match("^sqlite:(.*)")) end
  return engine
end

local lent

--- Every command uses this engine from now on: that of the prompt, which closes it itself. nil: each opens its own again.
function open.lend(engine) lent = engine end

--- Opens one even while one is lent. wanted: "read" "change" "run", as below.
function open.fresh(options, wanted)
  return open_for(options, { read = wanted == "read", create = wanted == "run" })
end

--- For looking: nothing is written.
function open.read(options) return lent or open.fresh(options, "read") end
--- For steering runs that exist.
function open.change(options) return lent or open.fresh(options, "change") end
--- For running something: ./.ork/ork.db is made when there is none.
function open.run(options) return lent or open.fresh(options, "run") end
--- Also for `db migrate`.
function open.migrate(options) return open_for(options, { migrate = true, create = options.db ~= nil }) end

--- The id of the run that the user names so.
function open.find(engine, name)
  local id, why, code = engine:find(name)
  local base = code == "ENOTFOUND" and name:sub(-4) == ".lua" and name:sub(1, -5):match("[^/]*$")
  if base and engine:find(base) then stop(4, "`%s` is a script; its runs are found by the name of its workflow: %s", name, base) end
  return (stop.check(id, why, code))
end

return open
