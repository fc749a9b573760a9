-- SPDX-License-Identifier: MIT
-- The report of a failed run stays readable whatever a task prints.
local sh = require "tests.lib.sh"

local function fail_with(command, options, ...)
  local dir = sh.tempdir()
  sh.write(dir .. "/w.lua", ([[
    local ork = require "ork"
    local w = ork.workflow("w", {})
    w:task("t", { command = %q, %s })
    return w]]):format(command, options or "retries = 0"))
  local result = sh.ork({ "w.lua", ... }, { cwd = dir })
  assert.equal(1, result.code)
  return result.err, dir
end

describe("the report of a failure", function()
  after_each(sh.cleanup)

  it("cuts a line without an end", function()
    local err = fail_with("echo before; head -c 3000000 /dev/zero | tr '\\0' y; exit 1")
    assert.truthy(#err < 5000, #err .. " bytes")
    assert.truthy(err:find("  | before\n  | yyyy", 1, true), err)
    assert.truthy(err:find("y…\n", 1, true), err)
  end)

  it("escapes what is no text, also where it cuts", function()
    local err = fail_with("printf 'x\\377\\033[31m'; i=0; while [ $i -lt 300 ]; do printf 'ää'; i=$((i+1)); done; exit 1")
    assert.truthy(err:find("x\\xff\\e[31mää", 1, true), err)
    assert.truthy(utf8.len(err), "not UTF-8")
  end)

  it("names the database where nothing else does, as in a mail of cron", function()
    local err, dir = fail_with("exit 1", nil, "--quiet")
    assert.matches("\n\ndatabase:  sqlite:" .. dir .. "/.ork/ork.db\nsee it:    ork show ", err, 1, true)
    assert.is_nil(fail_with("exit 1"):find("database:", 1, true))
    assert.is_nil(fail_with("exit 1", nil, "--quiet", "--db", "x.db"):find("database:", 1, true)) -- the commands have it
  end)

  it("counts retries of items, not of their task, and points to what failed", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/w.lua", [[
      local ork = require "ork"
      local sub = ork.workflow("sub")
      sub:task("t", { command = "false" })
      local w = ork.workflow("w")
      w:task("load", { inputs = { x = ork.each{ 1, 2, 3 } }, retries = { limit = 2, delay = 0 }, command = "test $ORK_ITEM != 3" })
      w:task("sub", { workflow = sub })
      return w]])
    local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
    local first, again = ork("w.lua").err, ork("retry", "last").err
    for text, attempt in pairs({ [first] = "attempt 3, 2 retries", [again] = "attempt 6, 2 retries each time" }) do
      assert.matches("\nload failed: 1 of 3 items failed: load/3\n\nload/3 failed (" .. attempt .. "): exit code 1\n", text, 1, true)
      assert.matches("\nfixed it:  ork w.lua --resume   (", text, 1, true) -- one workflow is returned
    end
    assert.matches("^load is done by item, and so are its logs: ork logs %x+ load/3   %(which failed%)\n", ork("logs", "last", "load").err)
  end)

  it("counts retries", function()
    assert.truthy(fail_with("exit 1", "retries = { limit = 1, delay = 0 }"):find("t failed (attempt 2, 1 retry): exit code 1", 1, true))
    assert.truthy(fail_with("exit 1", "retries = { limit = 2, delay = 0 }"):find("t failed (attempt 3, 2 retries): exit code 1", 1, true))
  end)
end)
