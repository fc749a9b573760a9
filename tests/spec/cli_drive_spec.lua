-- SPDX-License-Identifier: MIT
-- Who carries a run out when several want to.
local drive = require "ork.cli.drive"

describe("taking a run", function()
  local function engine(...)
    local answer = table.pack(...)
    return { served = function() return false end, claim = function() return table.unpack(answer, 1, answer.n) end }
  end

  it("carries it out when it is free", function()
    assert.same({ "r1", "resumed" }, { drive.take(engine(true), "r1") })
  end)

  it("watches when somebody came first", function()
    assert.same({ "r1", "watched" }, { drive.take(engine(nil, "the run is in the hands of another ork", "EBUSY"), "r1") })
  end)

  it("leaves it to whoever serves the database", function()
    local asked = { served = function() return true end, claim = function() error("it is not claimed here") end }
    assert.same({ "r1", "watched" }, { drive.take(asked, "r1") })
  end)

  it("ends with the reason of any other failure", function()
    local ok, failure = pcall(drive.take, engine(nil, "no such run", "ENOTFOUND"), "r1")
    assert.is_false(ok)
    assert.same({ 4, "no such run" }, { failure.code, failure.message })
  end)
end)
