-- SPDX-License-Identifier: MIT
-- docs/internals names the test that plays each crash. Every name there must be a test that is run.
local root = os.getenv("ORK_ROOT") or "."

local function read(path)
  local f = io.open(root .. "/" .. path)
  if not f then return nil end
  local text = f:read("a")
  f:close()
  return text
end

--- Is `name` a test of the C program? Its function, named in the table too.
local function in_c(text, name)
  local function_of = text:find("static void " .. name .. "(void **state)", 1, true)
  return function_of and text:find("[^%w_]" .. name .. "[,)]") ~= nil
end

--- Is there a test of this description ("… " at its end: it goes on)?
local function in_lua(text, name)
  local begin = name:match("^(.-) ?…$")
  local pattern = 'it("' .. (begin or name .. '"')
  return text:find(pattern, 1, true) ~= nil
end

--- What is wrong with a name `layer_test_file: a, b` or `file: description`, or nil.
local function mistake(file, names)
  local layer, test = file:match("^(%l+)_(test_[%w_]+)$")
  if layer then
    local text = read(("tests/unit/%s/%s.c"):format(layer, test))
    if not text then return "there is no " .. file end
    for name in names:gmatch("[^,%s]+") do
      if not in_c(text, name) then return file .. " has no test " .. name end
    end
    return
  end
  for _, dir in ipairs({ "e2e", "spec" }) do
    local text = read(("tests/%s/%s_spec.lua"):format(dir, file))
    if text then return not in_lua(text, names) and ("%s_spec.lua has no test %q"):format(file, names) or nil end
  end
  return "there is no " .. file .. "_spec.lua"
end

--- All names in a document: `file: names` in back quotes, or `file` alone for a whole program.
local function names_of(text)
  local list = {}
  for quoted in text:gmatch("`([^`\n]+)`") do
    local file, names = quoted:match("^([%l_]+): (.+)$")
    if file and (file:find("^%l+_test_%l") or not file:find("^%l+$") or read("tests/spec/" .. file .. "_spec.lua")) then
      list[#list + 1] = { file, names }
    elseif quoted:find("^%l+_test_[%l_]+$") then
      list[#list + 1] = { quoted, "" }
    end
  end
  return list
end

describe("the internals name tests that exist:", function()
  for _, name in ipairs({ "weaknesses", "protocols", "laws" }) do
    it(name, function()
      local text = assert(read("docs/internals/" .. name .. ".md"))
      local mistakes = {}
      for _, test in ipairs(names_of(text)) do mistakes[#mistakes + 1] = mistake(test[1], test[2]) end
      assert.same({}, mistakes)
      assert.is_nil(text:find("†", 1, true))
    end)
  end

  it("one for each weakness", function()
    local text = assert(read("docs/internals/weaknesses.md"))
    for i = 1, 28 do
      local row = assert(text:match("\n(| W" .. i .. " |[^\n]*)"), "no row W" .. i)
      assert.is_true(#names_of(row:match("[^|]*|$")) > 0, "W" .. i .. " has no test")
    end
  end)

  it("one for each protocol", function()
    local text = assert(read("docs/internals/protocols.md"))
    for title, body in (text .. "\n### "):gmatch("\n### ([^\n]+)\n(.-)\n%f[#]##") do
      assert.is_truthy(body:find("\n%*Tests:%*"), "no tests under " .. title)
    end
  end)
end)
