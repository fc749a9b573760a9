-- SPDX-License-Identifier: MIT
-- The Debian package of the build under test: what it says of itself, and its life in a root of its own. Nothing is compiled here.
local installed = require "tests.lib.installed"
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"
local uv = require "luv"

describe("the Debian package", function()
  if not (source.has("cpack") and source.has("dpkg-shlibdeps") and source.has("file")) then
    pending("is not tried: cpack, dpkg-dev or file is not installed (script/setup)")
    return
  end
  after_each(sh.cleanup)

  --- The package of the build under test. cpack alone would build it anew; here it packs what is there.
  local function pack(dir)
    source.must({ "cmake", "--install", installed.build, "--prefix", dir .. "/stage", "--strip" }, { env = { DESTDIR = false, LD_PRELOAD = false } })
    sh.write(dir .. "/config.cmake", ([[
      include(%s/CPackConfig.cmake)
      set(CPACK_INSTALL_CMAKE_PROJECTS)
      set(CPACK_INSTALLED_DIRECTORIES "%s/stage;/usr")
    ]]):format(installed.build, dir))
    source.must({ "cpack", "-G", "DEB", "--config", dir .. "/config.cmake", "-B", dir .. "/out" }, { timeout = 120,
      env = { LD_PRELOAD = false } })
    for _, path in ipairs(source.files(dir .. "/out")) do
      if path:find("^ork_%d[%w.+~]*_%w+%.deb$") then return dir .. "/out/" .. path end
    end
    error("no package in " .. dir .. "/out")
  end

  it("says what it is and needs", function()
    local deb = pack(sh.tempdir())
    local function field(name) return (source.must({ "dpkg-deb", "-f", deb, name }):gsub("\n$", "")) end
    assert.equal("ork", field("Package"))
    assert.equal(deb:match("ork_([^_/]+)_[^/]*$"), field("Version"))
    local depends = field("Depends")
    for _, library in ipairs({ "libc6", "libjansson4", "liblua5.4-0", "libmd0", "libsqlite3-0", "libuv1" }) do
      assert(depends:find(library .. " (>=", 1, true) or depends:find(library, 1, true), library .. " not in: " .. depends)
    end
    assert(#field("Description"):match("^[^\n]*") <= 80)
    assert(field("Maintainer"):find("^[^<]+ <[^@]+@[^>]+>$"))

    local list = source.must({ "dpkg-deb", "-c", deb })
    for _, path in ipairs({ "man/man1/ork.1.gz", "doc/ork/changelog.gz", "doc/ork/copyright" }) do
      assert(list:find("./usr/share/" .. path .. "\n", 1, true), path)
    end
    for line in list:gmatch("[^\n]+") do
      assert(line:find("^[-d]rw[-x]r%-[-x]r%-[-x] root/root "), line)
    end
  end)

  it("installs, runs and goes without a trace", function()
    if uv.getuid() ~= 0 then
      pending("needs root: dpkg gives files to root")
      return
    end
    local dir = sh.tempdir()
    local deb = pack(dir)
    local target = dir .. "/root"
    local function dpkg(...)
      return source.must({ "dpkg", "--root=" .. target, "--log=" .. dir .. "/log", "--force-depends", ... })
    end
    source.must({ "mkdir", "-p", target .. "/var/lib/dpkg/info", target .. "/var/lib/dpkg/updates" })
    sh.write(target .. "/var/lib/dpkg/status", "")
    dpkg("-i", deb)
    assert.equal("", dpkg("-V", "ork")) -- its own checksums
    installed.is_clean(target .. "/usr")
    installed.works(target .. "/usr")
    dpkg("-P", "ork")
    local left = {}
    for _, path in ipairs(source.files(target)) do
      if not path:find("^var/lib/dpkg/") then left[#left + 1] = path end
    end
    assert.same({}, left)
    assert.is_false(sh.exists(target .. "/usr"))
  end)
end)
