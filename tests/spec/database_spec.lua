-- SPDX-License-Identifier: MIT
local database = require "ork.database"

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

  it("takes one of the folder's owner, as root in a mounted folder needs", function()
    assert.equal("/w/.ork/ork.db", (find("/w", { ["/w"] = 1000, ["/w/.ork/ork.db"] = 1000 }, 0)))
  end)

  it("reads a bare path as a SQLite file", function()
    assert.equal("sqlite:runs.db", database.url_of("runs.db"))
    assert.equal("sqlite:/a/b.db", database.url_of("/a/b.db"))
    assert.equal("sqlite::memory:", database.url_of("sqlite::memory:"))
    assert.equal("postgres://h/d", database.url_of("postgres://h/d"))
  end)
end)
