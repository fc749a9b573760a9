-- SPDX-License-Identifier: MIT
-- The version a build gives itself (cmake/version.cmake): by tags of git, without git the project's own. And CHANGELOG.md, which is
-- to tell of each.
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"

local root = os.getenv("ORK_ROOT")

describe("the version", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function git(...)
    return (source.must({ "git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", dir, ... }):gsub("\n$", ""))
  end

  local function commit() git("commit", "-q", "--allow-empty", "-m", "x") end

  --- The version, and the one for Debian.
  local function versions()
    sh.write(dir .. "/print.cmake", ('set(PROJECT_VERSION 0.1.0)\ninclude("%s/cmake/version.cmake")\n'
      .. 'message(STATUS "${ORK_VERSION} ${ORK_DEBIAN_VERSION}")\n'):format(root))
    return source.must({ "cmake", "-P", "print.cmake" }, { cwd = dir }):match("^%-%- (%S+) (%S+)\n$")
  end

  it("is the project's own outside of git", function()
    assert.same({ "0.1.0", "0.1.0" }, { versions() })
  end)

  it("follows the tags", function()
    if not source.has("git") then return pending("there is no git") end
    git("init", "-q")
    commit()
    commit()
    local first = git("rev-parse", "--short", "HEAD")
    assert.same({ "0.1.0-g" .. first, "0.1.0~2.g" .. first }, { versions() })
    git("tag", "v0.1.0-rc1")
    assert.same({ "0.1.0-rc1", "0.1.0~rc1" }, { versions() })
    commit()
    git("tag", "v0.1.0")
    git("tag", "nightly")
    assert.same({ "0.1.0", "0.1.0" }, { versions() })
    commit()
    commit()
    commit()
    local last = git("rev-parse", "--short", "HEAD")
    assert.same({ "0.1.0-3-g" .. last, "0.1.0+3.g" .. last }, { versions() })
  end)

  it("sorts as it should in Debian", function()
    if not source.has("dpkg") then return pending("there is no dpkg") end
    local order = { "0.1.0~57.gabcdef", "0.1.0~rc1", "0.1.0", "0.1.0+3.gabcdef", "0.1.1~rc1", "0.1.1" }
    for i = 1, #order - 1 do
      assert.equal(0, sh.run({ "dpkg", "--compare-versions", order[i], "lt", order[i + 1] }).code, order[i])
    end
  end)
end)

describe("CHANGELOG.md", function()
  local text = sh.read(root .. "/CHANGELOG.md")

  it("has what is not released first, then versions with their days", function()
    local versions = {}
    for line in text:gmatch("\n(## [^\n]*)") do versions[#versions + 1] = line end
    assert.equal("## [Unreleased]", versions[1])
    for i = 2, #versions do assert(versions[i]:find("^## %[%d+%.%d+%.%d+%] %- %d%d%d%d%-%d%d%-%d%d$"), versions[i]) end
  end)

  it("sorts changes by what they do", function()
    local kinds = { Added = true, Changed = true, Deprecated = true, Removed = true, Fixed = true, Security = true }
    local n = 0
    for kind in text:gmatch("\n### ([^\n]*)") do
      assert(kinds[kind], kind)
      n = n + 1
    end
    assert(n > 0, "no section")
  end)

  it("tells of every tag", function()
    local r = sh.run({ "git", "-C", root, "tag", "--list", "v[0-9]*" })
    for tag in r.out:gmatch("v([%d.]+)\n") do assert(text:find("## [" .. tag .. "]", 1, true), "nothing about " .. tag) end
  end)
end)
