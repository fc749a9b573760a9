-- SPDX-License-Identifier: MIT
-- `cmake --install` of the build under test: complete, without traces of where it was built, at work wherever it lies. Nothing is
-- compiled here.
local installed = require "tests.lib.installed"
local sh = require "tests.lib.sh"
local source = require "tests.lib.source"
local uv = require "luv"

local root = os.getenv("ORK_ROOT")

local FILES = {
  "bin/ork", "libexec/ork/ork-agent", "lib/lua/5.4/ork/core.so", "share/lua/5.4/ork/init.lua", "share/lua/5.4/ork/cli/main.lua",
  "include/ork/ork.h", "share/man/man1/ork.1", "share/bash-completion/completions/ork", "share/zsh/site-functions/_ork",
  "share/fish/vendor_completions.d/ork.fish",
  "lib/systemd/system/ork.service", "share/doc/ork/README.md", "share/doc/ork/docs/tasks.md", "share/doc/ork/examples/hello.lua",
}

if sh.exists(installed.build .. "/ork_edit.so") then FILES[#FILES + 1] = "libexec/ork/ork_edit.so" end

describe("cmake --install", function()
  local prefix
  before_each(function()
    prefix = sh.tempdir() .. "/some where"
    source.must({ "cmake", "--install", installed.build, "--prefix", prefix, "--strip" }, { env = { DESTDIR = false, LD_PRELOAD = false } })
  end)
  after_each(sh.cleanup)

  it("puts everything in its place, to work from there", function()
    for _, path in ipairs(FILES) do assert(sh.exists(prefix .. "/" .. path), path) end
    installed.is_clean(prefix)
    installed.works(prefix)
  end)

  it("puts the completion for zsh where Debian's zsh looks, below /usr", function()
    local root_dir = sh.tempdir()
    source.must({ "cmake", "--install", installed.build, "--prefix", "/usr" }, { env = { DESTDIR = root_dir, LD_PRELOAD = false } })
    assert(sh.exists(root_dir .. "/usr/share/zsh/vendor-completions/_ork"))
    assert(not sh.exists(root_dir .. "/usr/share/zsh/site-functions"))
  end)

  it("makes what can be moved", function()
    local moved = prefix .. " else"
    assert(uv.fs_rename(prefix, moved))
    installed.works(moved)
  end)

  it("installs every module of Lua", function()
    local function modules(dir)
      local list = {}
      for _, path in ipairs(source.files(dir)) do list[#list + 1] = path:match(".*%.lua$") end
      return list
    end
    assert.same(modules(root .. "/lua/ork"), modules(prefix .. "/share/lua/5.4/ork"))
  end)

  it("installs the examples without what they made, and pages whose links lead somewhere", function()
    local made = { "/examples/quickstart/packages.html", "/examples/quickstart/runs.db" }
    for _, path in ipairs(made) do
      if sh.exists(root .. path) then made[path] = true else sh.write(root .. path, "made by a run") end
    end
    local again = sh.tempdir()
    local r = sh.run({ "cmake", "--install", installed.build, "--prefix", again }, { env = { DESTDIR = false, LD_PRELOAD = false } })
    for _, path in ipairs(made) do
      if not made[path] then os.remove(root .. path) end
    end
    assert.equal(0, r.code, r.err)
    local doc, dead = again .. "/share/doc/ork/", {}
    local tracked = sh.run({ "git", "-C", root, "ls-files", "examples" })
    if tracked.code == 0 then
      local known = {}
      for path in tracked.out:gmatch("[^\n]+") do known[path] = true end
      for _, path in ipairs(source.files(doc .. "examples")) do assert(known["examples/" .. path:gsub("^/", "")], path) end
    end
    for _, path in ipairs(made) do assert(not sh.exists(doc .. path), path) end
    for page in source.must({ "find", doc, "-name", "*.md" }):gmatch("[^\n]+") do
      for link in sh.read(page):gsub("```.-\n```", ""):gmatch("%]%(([^)%s#]+)") do
        if not link:find("^%a+:") and not sh.exists(page:match("^.*/") .. link) then dead[#dead + 1] = page:sub(#doc + 1) .. ": " .. link end
      end
    end
    assert.same({}, dead)
  end)
end)
