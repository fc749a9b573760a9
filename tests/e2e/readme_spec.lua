-- SPDX-License-Identifier: MIT
-- The README as a new user reads it: every command it shows is run, top to bottom, in a folder with the examples, and prints
-- what it shows. `script/run` stands for the program under test here; that it builds one is not repeated.
local readme = require "tests.lib.readme"
local sh = require "tests.lib.sh"

local root = os.getenv("ORK_ROOT") or "."

describe("the README", function()
  local dir, path
  local steps = readme.parse(sh.read(root .. "/README.md"))

  setup(function()
    dir = sh.tempdir()
    sh.run({ "cp", "-r", root .. "/examples", dir .. "/examples" })
    sh.run({ "mkdir", "-p", dir .. "/bin", dir .. "/script" })
    sh.write(dir .. "/bin/ork", ('#!/bin/sh\nexec "%s" "$@"\n'):format(sh.ork_path()), "755")
    sh.write(dir .. "/script/run", '#!/bin/sh\nexec ork "$@"\n', "755")
    path = dir .. "/bin:" .. os.getenv("PATH")
  end)
  teardown(sh.cleanup)

  it("shows commands and files", function()
    local commands, files = 0, 0
    for _, step in ipairs(steps) do
      if step.command then commands = commands + 1 else files = files + 1 end
    end
    assert.is_true(commands >= 10, "only " .. commands .. " commands were found")
    assert.equal(3, files)
  end)

  for _, step in ipairs(steps) do
    if step.file then
      it("has " .. step.file, function() sh.write(dir .. "/" .. step.file, step.text) end)
    else
      it(("prints what it shows in line %d: %s"):format(step.line, step.command), function()
        local result = sh.run({ "/bin/sh", "-c", "exec 2>&1; " .. step.command }, { cwd = dir, env = { PATH = path, TERM = "dumb" } })
        local printed = {}
        for line in result.out:gmatch("[^\n]*") do printed[#printed + 1] = line end
        local difference = readme.differs(step.output, printed)
        assert.is_nil(difference, difference and (difference .. "\n" .. result.out))
      end)
    end
  end

  it("has made the page of the quickstart", function()
    assert.is_true(sh.exists(dir .. "/examples/quickstart/packages.html"))
  end)

  it("links to files that exist", function()
    for name in sh.read(root .. "/README.md"):gmatch("%]%(([^)#:]+)%)") do
      assert.is_true(sh.exists(root .. "/" .. name), name)
    end
  end)
end)
