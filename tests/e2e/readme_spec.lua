-- SPDX-License-Identifier: MIT
-- The README as a new user reads it: every command it shows is run, top to bottom, in a folder with the examples, and prints
-- what it shows (tests/lib/page.lua).
local page = require "tests.lib.page"
local sh = require "tests.lib.sh"

local root = os.getenv("ORK_ROOT") or "."

describe("the README", function()
  local this = page.open(root .. "/README.md", root)
  setup(function() this:begin() end)
  teardown(sh.cleanup)

  it("shows commands and files", function()
    local commands, files = 0, 0
    for _, step in ipairs(this.steps) do
      if step.command then commands = commands + 1 else files = files + 1 end
    end
    assert.is_true(commands >= 10, "only " .. commands .. " commands were found")
    assert.equal(3, files)
  end)

  for _, step in ipairs(this.steps) do
    it(("line %d: %s"):format(step.line, step.command or step.file), function()
      local difference, printed = this:play(step)
      assert.is_nil(difference, difference and (difference .. "\n" .. table.concat(printed, "\n")))
    end)
  end

  it("has made the page of the quickstart", function()
    assert.is_true(sh.exists(this.begins_in .. "/examples/quickstart/packages.html"))
  end)

  it("links to files that exist", function()
    for name in sh.read(root .. "/README.md"):gmatch("%]%(([^)#:]+)%)") do
      assert.is_true(sh.exists(root .. "/" .. name), name)
    end
  end)
end)
