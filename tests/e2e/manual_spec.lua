-- SPDX-License-Identifier: MIT
-- The man page, docs/commands.md and `ork help` say the same: what the tables of the commands say.
local commands = require "ork.cli.commands"
local sh = require "tests.lib.sh"
local topics = require "ork.cli.topics"

local root = os.getenv("ORK_ROOT") or "."

--- Text with nothing but its words left, however it was broken into lines and marked up.
local function words(text)
  return (text:gsub("```%a*", ""):gsub("[`*|\\]", ""):gsub("%s+", " "))
end

local function program_prints(...)
  local r = sh.ork({ ... }, { ok = true })
  assert.equal("", r.err)
  return r.out
end

--- The man page as a reader sees it.
local function render(page)
  local path = sh.write(sh.tempdir() .. "/ork.1", page)
  local r = sh.run({ "groff", "-ww", "-man", "-Tutf8", "-P-c", "-rLL=400n", path })
  assert.same({ 0, "" }, { r.code, r.err })
  return (r.out:gsub("[\0-\127\194-\244][\128-\191]*\8", ""):gsub("\u{2010}", "-"):gsub("\u{2212}", "-"))
end

describe("the manual", function()
  after_each(sh.cleanup)

  local man, page

  before_each(function()
    man = man or program_prints("help", "--format", "man")
    page = page or words(render(man))
  end)

  local function each_text(check)
    local names = { "script" }
    for _, row in ipairs(commands) do names[#names + 1] = row[1] end
    for _, name in ipairs(names) do
      local command = require("ork.cli." .. name)
      check("ork " .. command.usage, name)
      check(command.summary, name)
      if command.text then check(command.text, name) end
      for _, row in ipairs(command.options or {}) do
        check("--" .. row[1] .. (row[2] and " " .. row[2] or ""), name)
        check(row[3], name)
      end
      for _, example in ipairs(command.examples) do
        check(example[1], name)
        check(example[2], name)
      end
    end
    for _, topic in ipairs(topics) do check(topic.text, topic.name) end
    for _, row in ipairs(require("ork.cli.args").globals) do check(row[3], "options of every command") end
  end

  it("has every command, option, example and topic in the man page", function()
    each_text(function(text, where) assert(page:find(words(text), 1, true), ("%s: not in the man page: %s"):format(where, text)) end)
  end)

  it("has them in docs/commands.md, as the program prints it", function()
    local printed = program_prints("help", "--format", "markdown")
    assert(sh.read(root .. "/docs/commands.md") == printed,
      "docs/commands.md is not what the tables say; write it again: ork help --format markdown >docs/commands.md")
    printed = words(printed)
    each_text(function(text, where) assert(printed:find(words(text), 1, true), ("%s: not in docs/commands.md: %s"):format(where, text)) end)
  end)

  it("has them in `ork help`", function()
    local pages = { words(program_prints("help", "script")) }
    for _, row in ipairs(commands) do pages[#pages + 1] = words(program_prints("help", row[1])) end
    for _, topic in ipairs(topics) do pages[#pages + 1] = words(program_prints("help", topic.name)) end
    local all = table.concat(pages, " ")
    each_text(function(text, where) assert(all:find(words(text), 1, true), ("%s: not in the help pages: %s"):format(where, text)) end)
  end)

  it("is a man page that man has nothing to say about", function()
    if sh.run({ "sh", "-c", "command -v man" }).code ~= 0 then return pending("there is no man") end
    local path = sh.write(sh.tempdir() .. "/ork.1", man)
    local r = sh.run({ "man", "--warnings", "-l", path }, { env = { LC_ALL = "C.UTF-8", MANPAGER = "cat", TERM = "dumb" } })
    assert.same({ 0, "" }, { r.code, r.err })
    assert.matches("run workflows that survive", r.out, 1, true)
  end)

  it("leaves nothing out where the terminal has ASCII only", function()
    local path = sh.write(sh.tempdir() .. "/ork.1", man)
    local r = sh.run({ "groff", "-ww", "-man", "-Tascii", "-P-c", "-rLL=400n", path })
    assert.same({ 0, "" }, { r.code, r.err })
    assert(man:find("\\[u2026]", 1, true) and r.out:find("runs, tasks, ... are", 1, true))
  end)

  it("was made at build time", function()
    local built = sh.ork_path():match("^(.*)/") .. "/ork.1"
    if not sh.exists(built) then return pending("ork_man was not built") end
    local function without_version(text) return (text:gsub('"Ork [^"]*"', "")) end
    assert.equal(without_version(man), without_version(sh.read(built)))
  end)

  it("is refused for one command", function()
    local r = sh.ork({ "help", "runs", "--format", "man" })
    assert.same({ 2, "ork: --format is for the whole manual, without a name\n" }, { r.code, r.err })
  end)
end)
