-- SPDX-License-Identifier: MIT
-- Help pages say what is true: each command has a text and examples, and each example is a command line that Ork reads.
local args = require "ork.cli.args"
local commands = require "ork.cli.commands"
local explain = require "ork.cli.explain"
local help = require "ork.cli.help"
local term = require "ork.term"
local topics = require "ork.cli.topics"

local function load_command(name) return require("ork.cli." .. name) end

--- The Ork command lines in a line of shell: { { "runs", "--json" }, … }.
local function command_lines(line)
  line = line:gsub('eval "$%((.-)%)"', "%1")
  local list, words, word = {}, {}, nil
  local function finish_word()
    if word then words[#words + 1] = word end
    word = nil
  end
  local function finish_line()
    finish_word()
    if table.remove(words, 1) == "ork" then list[#list + 1] = words end
    words = {}
  end
  local i = 1
  while i <= #line do
    local c = line:sub(i, i)
    if c == "'" or c == '"' then
      local to = assert(line:find(c, i + 1, true), "open quote: " .. line)
      word = (word or "") .. line:sub(i + 1, to - 1)
      i = to
    elseif c == " " then
      finish_word()
    elseif c == "|" or c == "&" or c == ";" or c == "<" or c == ">" then
      finish_line()
    else
      word = (word or "") .. c
    end
    i = i + 1
  end
  finish_line()
  return list
end

--- Reads a command line as `ork` would; raises what is wrong with it.
local function read(words)
  local options, rest = args.split_globals(words)
  local word = table.remove(rest, 1)
  if not word then return end
  local command
  for _, row in ipairs(commands) do
    if row[1] == word then command = load_command(word) end
  end
  if not command then
    assert(word:find("%.lua$"), "no command " .. word)
    command = load_command("script")
  end
  if command.name == "help" and rest[1] and not rest[1]:find("^%-") then
    assert(help.page(rest[1]), "no page " .. rest[1])
  end
  args.parse(command, rest, options)
end

local function check_examples(command)
  local examples = command.examples
  assert(examples, command.name .. " has no examples")
  assert(#examples >= 2 and #examples <= (command.name == "SCRIPT" and 8 or 6), command.name .. " has " .. #examples .. " examples")
  for _, example in ipairs(examples) do
    local lines = command_lines(example[1])
    assert(#lines > 0, "no ork in: " .. example[1])
    for _, words in ipairs(lines) do
      local ok, problem = pcall(read, words)
      assert(ok, ("%s: %s"):format(example[1], type(problem) == "table" and problem.message or tostring(problem)))
    end
    assert(#example[1] <= 96 and #example[2] > 5, example[1])
  end
end

describe("a help page", function()
  it("notices an example that Ork would refuse", function()
    for _, line in ipairs({ "ork runs --statsu failed", "ork shwo last", "ls", "ork help retyr" }) do
      assert.is_false(pcall(check_examples, { name = "x", examples = { { line, "wrong on purpose" }, { "ork runs", "this is right" } } }), line)
    end
    check_examples({ name = "x", examples = { { "ork runs | wc -l", "two words" }, { "ork logs last '-f' >x", "quoted" } } })
  end)

  local pages = { { "script", "", "", "run" } }
  for _, row in ipairs(commands) do pages[#pages + 1] = row end
  for _, row in ipairs(pages) do
    local name = row[1]
    it("of " .. name .. " has a text and examples that can be typed", function()
      local command = load_command(name)
      check_examples(command)
      assert.truthy(command.summary:find("^%u") and not command.summary:find("%.$"), command.summary)
      assert.truthy(command.text or #(command.options or {}) == 0, "no text")
      for _, option in ipairs(command.options or {}) do
        assert.truthy(option[3]:find("^[%l%d%u`$]") and not option[3]:find("%.$"), option[3])
      end
      local page = explain.command(command)
      for line in page:gmatch("[^\n]+") do assert.truthy(utf8.len(line) <= 130, line) end
      if name ~= "script" then
        assert.truthy(command.usage:find(name, 1, true) == 1, command.usage)
        local word = row[2]:match("^%S+")
        assert.equal(name, word)
      end
    end)

    it("of " .. name .. " is in a group of `ork help`", function()
      local known = {}
      for _, group in ipairs(explain.groups) do known[group[1]] = true end
      assert.truthy(known[row[4]], name .. " names no group")
    end)
  end

  for _, topic in ipairs(topics) do
    it("explains " .. topic.name, function()
      local page = explain.topic(topic)
      assert.equal(topic.title, page:match("^[^\n]+"))
      for line in page:gmatch("[^\n]+") do assert.truthy(utf8.len(line) <= 130, line) end
      for _, row in ipairs(commands) do assert.not_equal(row[1], topic.name) end
      assert.matches(topic.name, help.text, 1, true)
    end)
  end

  it("points to pages there are", function()
    local texts = {}
    for _, topic in ipairs(topics) do texts[topic.name] = topic.text end
    for _, row in ipairs(pages) do texts[row[1]] = explain.command(load_command(row[1])) end
    for name, text in pairs(texts) do
      for word in text:gmatch("ork help (%w[%w-]*)") do assert.truthy(help.page(word), name .. " points to ork help " .. word) end
      for word in text:gmatch("`ork ([%w-]+)[^`]*`") do
        assert.truthy(help.page(word) or word:find("^%-"), name .. " points to ork " .. word)
      end
    end
  end)

  it("of the environment has every variable that Ork reads", function()
    local text, internal = explain.topic(help.topic("environment")), { ORK_LUA_DIR = true, ORK_AGENT_LINGER_MS = true, ORK_QUESTION_MS = true, HOME = true, PATH = true,
      TMPDIR = true }
    local root = os.getenv("ORK_ROOT") or "."
    local n = 0
    for line in io.popen(("grep -rhoE 'getenv\\(\"[A-Z_]+\"' %s/lua %s/runtime %s/bindings"):format(root, root, root)):lines() do
      local name = line:match('"([A-Z_]+)"')
      n = n + 1
      assert(internal[name] or text:find(name, 1, true), "ork help environment says nothing of " .. name)
    end
    assert.truthy(n > 10)
  end)

  it("fits the terminal", function()
    local given = term.width
    finally(function() term.width = given end)
    term.width = function() return 60 end
    local function fits(page)
      for line in page:gmatch("[^\n]+") do
        if not line:find("^usage") and not line:find("^  ork") and not line:find(" = ", 1, true) then assert.truthy(utf8.len(line) <= 64, line) end
      end
    end
    for _, name in ipairs({ "runs", "db", "prune" }) do fits(explain.command(load_command(name))) end
    for _, topic in ipairs(require "ork.cli.topics") do fits(explain.topic(topic)) end
    local naming = require("ork.cli.help").topic("naming")
    assert.matches("\n  5bf61a02      these 8, or any unique beginning of them (4\n                or more)", explain.topic(naming), 1, true)
  end)
end)

describe("wrapping", function()
  it("breaks at blanks and never within a word", function()
    assert.equal("a b\n  c\n  ddddddd\n  e", explain.wrap("a b c ddddddd e", 3, "  "))
    assert.equal("äöü äöü\näöü", explain.wrap("äöü äöü äöü", 8))
  end)

  it("keeps lines that begin with a blank", function()
    assert.same({ { text = "one two" }, { lines = { "  a", "  b" } }, { text = "three" } },
      explain.paragraphs("one\ntwo\n\n  a\n  b\n\nthree\n"))
  end)
end)
