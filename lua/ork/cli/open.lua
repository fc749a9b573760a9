-- SPDX-License-Identifier: MIT
-- Opens the database that a command line means, and finds what is named in it.
local database = require "ork.database"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"

local open = {}

--- The file of a SQLite URL that is not there yet.
local function missing_file(url)
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
  return engine
end

--- For looking: nothing is written.
function open.read(options) return open_for(options, { read = true }) end
--- For steering runs that exist.
function open.change(options) return open_for(options, {}) end
--- For running something: ./.ork/ork.db is made when there is none.
function open.run(options) return open_for(options, { create = true }) end
--- Also for `db migrate`.
function open.migrate(options) return open_for(options, { migrate = true, create = options.db ~= nil }) end

--- The id of the run that the user names so.
function open.find(engine, name) return (stop.check(engine:find(name))) end

return open
