-- SPDX-License-Identifier: MIT
local database = require "ork.database"
local sh = require "tests.lib.sh"

describe("finding the database", function()
  --- A file system: path → owner.
  local function stat_of(files)
    return function(path)
      local owner = files[path]
      if not owner then return nil, path .. ": No such file or directory" end
      return path:find("%.db$") and "file" or "folder", 0, owner
    end
  end

  local function find(dir, files, uid) return database.find_upwards(dir, stat_of(files), uid or 1000) end

  it("takes the nearest one upwards", function()
    local files = { ["/home/a"] = 1000, ["/home/a/x/y"] = 1000, ["/home/a/.ork/ork.db"] = 1000, ["/.ork/ork.db"] = 0 }
    assert.equal("/home/a/.ork/ork.db", (find("/home/a/x/y", files)))
    assert.equal("/.ork/ork.db", (find("/srv", files)))
    assert.equal("/.ork/ork.db", (find("/", files)))
    assert.is_nil((find("/home/a", { ["/home/a"] = 1000 })))
  end)

  it("passes over one that a third user left on the way", function()
    local files = { ["/tmp/mine"] = 1000, ["/tmp/.ork/ork.db"] = 666, ["/.ork/ork.db"] = 0 }
    local path, passed_over = find("/tmp/mine", files)
    assert.equal("/.ork/ork.db", path)
    assert.equal("/tmp/.ork/ork.db", passed_over)
  end)

  it("says which one it may not look at", function()
    local path, passed_over, denied = database.find_upwards("/srv/a", function(at)
      if at == "/srv/a/.ork/ork.db" then return nil, "Permission denied", "EACCESS" end
      return nil, "No such file"
    end, 1000)
    assert.same({ nil, nil, "/srv/a/.ork/ork.db" }, { path, passed_over, denied })
  end)

  it("takes one of the folder's owner, as root in a mounted folder needs", function()
    assert.equal("/w/.ork/ork.db", (find("/w", { ["/w"] = 1000, ["/w/.ork/ork.db"] = 1000 }, 0)))
  end)

  it("reads a bare path as a SQLite file", function()
    assert.equal("sqlite:runs.db", database.url_of("runs.db"))
    assert.equal("sqlite:/a/b.db", database.url_of("/a/b.db"))
    assert.equal("sqlite::memory:", database.url_of("sqlite::memory:"))
    assert.equal("postgres://h/d", database.url_of("postgres://h/d"))
    assert.equal("file:runs", database.url_of("file:runs"))
  end)

  it("reads a folder as the database in it", function()
    finally(sh.cleanup)
    local dir = sh.tempdir()
    assert.equal("sqlite:" .. dir .. "/.ork/ork.db", database.url_of(dir)) -- it may be made there
    sh.write(dir .. "/ork.db", "")
    assert.equal("sqlite:" .. dir .. "/ork.db", database.url_of(dir .. "/"))
    sh.run({ "mkdir", dir .. "/.ork", dir .. "/store" })
    sh.write(dir .. "/store/lock", "")
    sh.write(dir .. "/store/log", "")
    assert.equal("file:" .. dir .. "/store", database.url_of(dir .. "/store"))
    sh.write(dir .. "/.ork/ork.db", "")
    assert.equal("sqlite:" .. dir .. "/.ork/ork.db", database.url_of(dir .. "/"))
  end)

  it("a flag beats the environment, which beats the folder, which beats DATABASE_URL", function()
    finally(sh.cleanup)
    local dir = sh.tempdir()
    local function url(name) return "sqlite:" .. dir .. "/" .. name end
    for _, name in ipairs({ "flag.db", "environment.db", "last.db", ".ork/ork.db" }) do
      sh.run({ "mkdir", "-p", dir .. "/.ork" })
      sh.ork({ "db", "migrate", "--db", url(name) }, { cwd = dir, ok = true })
    end
    local env = { ORK_DATABASE_URL = url("environment.db"), DATABASE_URL = url("last.db") }
    local function used(args)
      return sh.json(sh.ork(table.move(args, 1, #args, 4, { "db", "status", "--json" }), { cwd = dir, env = env, ok = true }).out).url
    end
    assert.equal(url("flag.db"), used({ "--db", url("flag.db") }))
    assert.equal(url("environment.db"), used({}))
    env.ORK_DATABASE_URL = nil
    assert.equal(url(".ork/ork.db"), used({}))
    sh.run({ "rm", "-r", dir .. "/.ork" })
    assert.equal(url("last.db"), used({}))
  end)
end)
