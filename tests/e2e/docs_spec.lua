-- SPDX-License-Identifier: MIT
-- The pages of docs/ as a newcomer reads them: each command is run and prints what is shown (tests/lib/page.lua), each piece
-- of a script loads without a mistake, each link leads somewhere. `script/docs update PAGE` writes what is really printed.
local loader = require "ork.loader"
local page = require "tests.lib.page"
local problems = require "ork.problems"
local sh = require "tests.lib.sh"
local uv = require "luv"

local root = assert(uv.fs_realpath(os.getenv("ORK_ROOT") or "."))
local docs = root .. "/docs"

local function files_in(folder)
  local names, scan = {}, assert(uv.fs_scandir(folder))
  for name, kind in uv.fs_scandir_next, scan do
    if kind == "file" and name:find("%.md$") then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- What a piece of a script may count on: a workflow with params, a task with outputs.
local PREAMBLE = [[
local ork = require "ork"
local w = ork.workflow("w", { params = { day = "date", folder = "str", limit = "int", full = "bool", note = "str?" } })
local extract = w:task("extract", { command = "x", output_type = { rows = "int", dir = "str", file = "str", parts = { "str" } } })
local load, publish = w:task("load", { command = "x" }), w:task("publish", { command = "x" })
]]

local function load_snippet(text)
  local dir = sh.tempdir()
  sh.write(dir .. "/snippet.lua", PREAMBLE:gsub("\n", " ") .. text .. "\nreturn w\n")
  return problems.text(loader.load(dir .. "/snippet.lua", {}).problems):gsub(dir .. "/", "")
end

--- The anchors of a page, as MkDocs makes them of its headings.
local function anchors_of(text)
  local found, code = {}, false
  for line in text:gmatch("[^\n]+") do
    if line:find("^```") then code = not code end
    for id in line:gmatch('<a id="([^"]+)">') do found[id] = true end
    local heading = not code and line:match("^#+ +(.+)$")
    if heading then
      found[(heading:gsub("[`*]", ""):gsub("[^%w%s_-]", ""):lower():gsub("^%s+", ""):gsub("%s+$", ""):gsub("[%s-]+", "-"))] = true
    end
  end
  return found
end

for _, name in ipairs(files_in(docs)) do
  describe("docs/" .. name, function()
    local this = page.open(docs .. "/" .. name, root)
    local missing = this:missing()
    if missing then it("runs its commands", function() pending(missing) end) end
    if not missing then setup(function() this:begin() end) end
    teardown(sh.cleanup)

    for _, step in ipairs(missing and {} or this.steps) do
      it(("line %d: %s"):format(step.line, step.command or step.file), function()
        local difference, printed = this:play(step)
        assert.is_nil(difference, difference and (difference .. "\n" .. table.concat(printed, "\n")))
      end)
    end

    for _, snippet in ipairs(this.snippets) do
      it(("line %d: a piece of a script"):format(snippet.line), function() assert.equal("", load_snippet(snippet.text)) end)
    end

    it("leads somewhere", function()
      local text = sh.read(docs .. "/" .. name)
      for target in text:gmatch("%]%(([^)%s]+)%)") do
        local file, anchor = target:match("^([^#]*)#?(.*)$")
        if not target:find("^https?://") then
          local path = file == "" and docs .. "/" .. name or docs .. "/" .. file
          assert.is_true(sh.exists(path), target)
          assert.is_nil(file:find("^%.%./"), target .. " leaves the folder of the pages, where MkDocs does not follow")
          assert.is_true(anchor == "" or anchors_of(sh.read(path))[anchor] == true, target .. ": no such heading")
        end
      end
    end)
  end)
end

describe("the pages together", function()
  it("are all in the table of contents", function()
    local contents = sh.read(root .. "/mkdocs.yml")
    for _, folder in ipairs({ "", "internals/" }) do
      for _, name in ipairs(files_in(docs .. "/" .. folder)) do
        assert.truthy(contents:find(": " .. folder .. name, 1, true), folder .. name)
      end
    end
  end)

  it("are built by MkDocs, where there is one", function()
    if sh.run({ "/bin/sh", "-c", "command -v mkdocs" }).code ~= 0 then return pending("there is no mkdocs here") end
    local dir = sh.tempdir()
    local built = sh.run({ "mkdocs", "build", "--strict", "--quiet", "-f", root .. "/mkdocs.yml", "-d", dir .. "/site" }, { cwd = root, timeout = 120 })
    assert.equal(0, built.code, built.out .. built.err)
    local index = sh.read(dir .. "/site/index.html")
    assert.is_nil(index:find('src="https?://'), "the site needs something from elsewhere")
    assert.is_nil(index:find("<link[^>]*stylesheet[^>]*https?://"), "the site needs something from elsewhere")
    sh.cleanup()
  end)
end)
