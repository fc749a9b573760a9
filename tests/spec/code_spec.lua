-- SPDX-License-Identifier: MIT
-- Compiled functions as ork.code reads them: this Lua must be one whose code it knows.
local code = require "ork.code"

--- Names that functions in the text read and that are not in `there`: "name:line".
local function globals(text, there)
  local found = {}
  for _, each in ipairs(code.globals(assert(load(text, "=text", "t")), function(name) return there and there[name] end)) do
    found[#found + 1] = each.name .. ":" .. each.line
  end
  table.sort(found)
  return found
end

--- Names of the upvalues that the function which the text returns assigns.
local function sets(text)
  local f, names, i = assert(load(text, "=text", "t"))(), {}, 1
  while debug.getupvalue(f, i) do
    if code.sets(f, i) then names[#names + 1] = debug.getupvalue(f, i) end
    i = i + 1
  end
  return names
end

describe("compiled code", function()
  it("tells the globals that functions read, in their lines", function()
    assert.same({ "a:1", "b:3", "c:4" }, globals("local f = function() return a end\nreturn function()\n  b()\n  return function() return c, f end\nend"))
    assert.same({ "b:1" }, globals("return function() return a, b end", { a = true }))
    assert.same({}, globals("a() b = c + 1 return function() d = 1 end")) -- the chunk's own, and what is set
    assert.same({}, globals("local _ENV = {} return function() return a end"))
    assert.same({}, globals("return function(_ENV) return a end"))
  end)

  it("finds the line of one far below", function()
    assert.same({ "a:1003" }, globals("return function()\nlocal x = 0" .. ("\nx = x + 1"):rep(999) .. "\n\nreturn a end"))
    assert.same({ "a:402" }, globals("return function() local x = 0" .. ("\n"):rep(400) .. "x = 1\nreturn a end"))
  end)

  it("tells which variables around it a function assigns, itself or within", function()
    assert.same({ "n" }, sets("local n, m = 0, 0 return function() n = n + m end"))
    assert.same({ "m" }, sets("local n, m = 0, 0 return function() return function() return function() m = n end end end"))
    assert.same({}, sets("local n = 0 return function() local n = n n = 1 return function() n = 2 end end"))
    assert.same({}, sets("local t = {} return function() t.x = 1 t[1] = 2 x = 3 end"))
  end)

  it("tells which fields of a variable around it a function reads", function()
    local function fields(text)
      local f, found, i = assert(load(text, "=text", "t"))(), {}, 1
      while debug.getupvalue(f, i) do
        found[debug.getupvalue(f, i)] = code.field(f, i, { params = true, output = true })
        i = i + 1
      end
      return found
    end
    assert.same({ w = "params.day" }, fields("local w, a return function() return w.params.day == a.name end"))
    assert.same({ w = "params", a = "output.x.y" }, fields("local w, a return function() return function() return w.other or a.output.x.y, w.params end end"))
    assert.same({}, fields("local w, a return function() local w = {} return w.params, a, function(a) return a.output end end"))
  end)

  it("reads whatever Lua compiles", function()
    local text = "local t = { 1, 2.5, 'a', true, false, nil, 9007199254740993, 1e300, ('x'):rep(2) } return function() return t, [["
      .. ("long"):rep(100) .. "]], -1, g end"
    assert.same({ "g:1" }, globals(text))
    assert.same({ "g:1" }, globals("return function(...) for i = 1, 3 do for k, v in pairs {} do goto on end ::on:: end return g, ... end", { pairs = true }))
  end)

  it("looks at a function once, whoever asks how often", function()
    local f = assert(load("local a, b, c = 1, 2, 3 return function() b = b + 1 return a, c, w end"))()
    local dump, dumps = string.dump, 0
    string.dump = function(...) -- luacheck: ignore
      dumps = dumps + 1
      return dump(...)
    end
    local set = { code.sets(f, 1), code.sets(f, 2), code.sets(f, 3), code.sets(f, 1) }
    string.dump = dump -- luacheck: ignore
    assert.same({ true, false, false, true }, set) -- in the order of use
    assert.equal(1, dumps)
  end)
end)
