-- SPDX-License-Identifier: MIT
-- The reader of documents that tests/e2e/readme_spec.lua relies on: does it notice when a document is wrong?
local readme = require "tests.lib.readme"

describe("reading a document", function()
  local steps, snippets = readme.parse(table.concat({
    "text", "`a.lua`:", "", "```lua", "return 1", "```", "", "```lua", "not a file", "```",
    "```console", "$ ork a.lua", "one", "", "two", "$ ork runs", "```", "", "```mermaid", "$ no command", "```",
    "`run.sh`:", "```sh", "$ no command", "```",
  }, "\n"))

  it("finds files, commands and what they print", function()
    assert.same({
      { file = "a.lua", text = "return 1\n", line = 4 },
      { command = "ork a.lua", output = { "one", "", "two" }, line = 12 },
      { command = "ork runs", output = {}, line = 16 },
      { file = "run.sh", text = "$ no command\n", line = 23 },
    }, steps)
    assert.same({ { text = "not a file\n", line = 8 } }, snippets)
  end)
end)

describe("comparing an output", function()
  local cases = {
    { "the same", { "a", "b" }, { "a", "b" } },
    { "another order", { "a", "b" }, { "b", "a" } },
    { "other times and ids", { "03:02:33  pack  success  0.005s (run 4e706872)" }, { "12:00:01  pack  success   1.5s (run 00aabbcc)" } },
    { "minutes", { "took 0.157s" }, { "took 1m 2s" } },
    { "lines left out", { "a", "…", "z" }, { "a", "b", "c", "z" } },
    { "a line that is missing", { "a", "b" }, { "a" }, "is not printed: b" },
    { "a line too many", { "a" }, { "a", "b" }, "is not shown: b" },
    { "a line twice", { "a" }, { "a", "a" }, "is not shown: a" },
    { "another status", { "03:02:33  pack  success" }, { "03:02:33  pack  failed" }, "is not printed: TIME pack success" },
    { "another number", { "19 tasks" }, { "18 tasks" }, "is not printed: 19 tasks" },
  }
  for _, case in ipairs(cases) do
    it("sees " .. case[1], function() assert.equal(case[4] or "no", readme.differs(case[2], case[3]) or "no") end)
  end
end)

describe("mending a document", function()
  it("keeps times and names that were shown", function()
    assert.same({ "run aaaaaaaa of w", "03:02:33  a  failed  0.1s", "see it: ork show aaaaaaaa", "new line about aaaaaaaa" },
      readme.blend({ "run aaaaaaaa of w", "03:02:33  a  failed  0.1s", "see it: ork show aaaaaaaa" },
        { "run bbbbbbbb of w", "12:00:00  a  failed  7s", "see it: ork show bbbbbbbb", "new line about bbbbbbbb" }))
  end)

  it("replaces the lines of one command, or of one block, and no others", function()
    local text = table.concat({ "text", "```console", "$ one", "old", "old", "$ two", "stays", "```", "`f.lua`:", "", "```lua", "old()", "```", "end", "" }, "\n")
    local mended = table.concat({ "text", "```console", "$ one", "new", "$ two", "stays", "```", "`f.lua`:", "", "```lua", "new()", "", "x()", "```", "end", "" }, "\n")
    assert.equal(mended, readme.rewrite(text, { [3] = { "new" }, [11] = { "new()", "", "x()" } }))
    assert.equal(text, readme.rewrite(text, {}))
  end)
end)
