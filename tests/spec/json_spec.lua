-- SPDX-License-Identifier: MIT
-- ork.json: exact both ways, and every refusal with its place.
local cjson = require "cjson"
local core = require "ork.core"
local ork = require "ork"

local encode, decode = ork.json.encode, ork.json.decode

describe("encoding", function()
  local cases = {
    { 1, "1" }, { -0.0, "0.0" }, { 1.0, "1.0" }, { 0.1, "0.1" }, { 1e20, "100000000000000000000.0" }, { 1e-7, "0.0000001" },
    { math.maxinteger, "9223372036854775807" }, { math.mininteger, "-9223372036854775808" }, { 2 ^ 53, "9007199254740992.0" },
    { true, "true" }, { false, "false" }, { ork.null, "null" }, { cjson.null, "null" }, { "", '""' }, { "é\n\"\\\1", '"é\\n\\"\\\\\\u0001"' },
    { {}, "{}" }, { ork.list(), "[]" }, { ork.list({}), "[]" }, { { 1, 2 }, "[1,2]" }, { { b = 1, a = 2, B = 3 }, '{"B":3,"a":2,"b":1}' },
    { { { {} } }, "[[{}]]" }, { { a = { 1, { b = ork.null } } }, '{"a":[1,{"b":null}]}' }, { { [1.0] = "x" }, '["x"]' },
  }
  for _, case in ipairs(cases) do
    it("gives " .. case[2], function() assert.equal(case[2], encode(case[1])) end)
  end

  it("sorts many keys", function()
    local t, keys = {}, {}
    for i = 1, 100 do
      keys[i] = ("k%03d"):format((i * 37) % 100)
      t[keys[i]] = i
    end
    table.sort(keys)
    local got = {}
    for key in encode(t):gmatch('"(k%d+)"') do got[#got + 1] = key end
    assert.same(keys, got)
  end)
end)

describe("a value that is refused", function()
  local cycle = { a = {} }
  cycle.a.b = { cycle }
  local deep = {}
  for _ = 1, 201 do deep = { deep } end
  local cases = {
    { { f = print }, "value.f: a function cannot be stored as JSON" },
    { { { io.stdout } }, "value[1][1]: a FILE* cannot be stored as JSON" },
    { { c = coroutine.create(print) }, "value.c: a thread cannot be stored as JSON" },
    { cycle, "value.a.b[1]: the table contains itself" },
    { { 1, nil, 3 }, "value: element 2 is nil; a list has no holes (ork.null is a value)" },
    { { [3] = 1 }, "value: element 1 is nil; a list has no holes (ork.null is a value)" },
    { { [0] = 1 }, "value: element 0 does not exist: lists begin at 1" },
    { { [1.5] = 1 }, "value: a number is no key: fields are named by text" },
    { { [true] = 1 }, "value: a boolean is no key: fields are named by text" },
    { { 1, x = 2 }, "value: both list elements and named fields; it is one or the other" },
    { ork.list({ x = 1 }), "value: a list (ork.list) has no named fields" },
    { { n = 0 / 0 }, "value.n: NaN is no value of JSON" },
    { { n = 1 / 0 }, "value.n: infinity is no value of JSON" },
    { { s = "a\0b" }, "value.s: a text with a NUL byte cannot be stored; encode such data (base64)" },
    { { ["a\0"] = 1 }, "value: a text with a NUL byte cannot be stored; encode such data (base64)" },
    { { ork.this.run_id }, "value[1]: a reference has a value only in the run; it cannot stand here" },
    { { "x" .. tostring(ork.this.run_id) },
      "value[1]: a reference was made into text while the script was loading; join with .. or ork.format" },
  }
  for _, case in ipairs(cases) do
    it("is named: " .. case[2], function()
      local text, message, code = encode(case[1])
      assert.is_nil(text)
      assert.equal(case[2], message)
      assert.equal("EJSON", code)
    end)
  end

  it("is nested too deep", function()
    local text, message = encode(deep)
    assert.is_nil(text)
    assert.truthy(message:find("nested too deep %(200 levels%)$"), message)
  end)

  it("is not UTF-8", function()
    for _, bytes in ipairs({ "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80", "\xc3" }) do
      local text, message = encode(bytes)
      assert.is_nil(text)
      assert.equal("value: a text that is not UTF-8 cannot be stored; encode such data (base64)", message)
    end
    for _, text in ipairs({ "\xc2\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80" }) do
      assert.equal(text, decode(encode(text)))
    end
  end)

  it("makes text that grows without bound", function()
    local t = { ("x"):rep(1000) }
    for _ = 1, 60 do t = { t, t } end
    local text, message = encode(t)
    assert.is_nil(text)
    assert.truthy(message:find("too large (over 64 MiB of JSON)", 1, true), message)
  end)
end)

describe("decoding", function()
  it("gives lists that stay lists", function()
    assert.equal("[]", encode(decode("[]")))
    assert.equal('{"a":[],"b":{}}', encode(decode('{"a":[],"b":{}}')))
    local list = decode("[1,2]")
    list[#list], list[#list - 1] = nil, nil
    assert.equal("[]", encode(list))
  end)

  it("leaves null fields out and keeps null elements", function()
    local v = decode('{"a":null,"b":[null,1]}')
    assert.is_nil(v.a)
    assert.equal(ork.null, v.b[1])
    assert.equal(cjson.null, v.b[1])
  end)

  it("keeps integers and floats apart", function()
    assert.equal("integer", math.type(decode("9223372036854775807")))
    assert.equal("float", math.type(decode("1.0")))
    assert.equal("float", math.type(decode("1e2")))
  end)

  it("refuses bad text", function()
    for _, text in ipairs({ "", "{", "[1,]", '{"a":1,"a":2}', '"\\u0000"', '"\\ud800"', "1 2", "9223372036854775808", "nul" }) do
      local v, message, code = decode(text)
      assert.is_nil(v)
      assert.truthy(message)
      assert.equal("EJSON", code)
    end
  end)
end)

-- ---- properties ------------------------------------------------------------------------------

local function same(a, b)
  if type(a) ~= type(b) then return false end
  if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local letters = { "a", "B", "\n", "\"", "\\", "/", "é", "€", "😀", "\1", " ", "\127", "0" }

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 8) do parts[i] = letters[math.random(#letters)] end
  return table.concat(parts)
end

--- A random value; floats only such that lua-cjson writes exactly (14 digits).
local function random_value(depth, simple)
  local kind = math.random(depth > 0 and 8 or 5)
  if kind == 1 then return random_text() end
  if kind == 2 then return math.random(0) >> (simple and 24 or 0) end
  if kind == 3 then
    if simple then return math.random(-1000000, 1000000) / 8 end
    local v
    repeat v = string.unpack("<d", string.pack("<i8", math.random(0))) until v == v and v ~= math.huge and v ~= -math.huge
    return v
  end
  if kind == 4 then return math.random(2) == 1 end
  if kind == 5 then return simple and "n" or math.random(2) == 1 and ork.null or -1 end
  local t = {}
  if kind <= 7 then
    for _ = 1, math.random(1, 5) do t["k" .. random_text()] = random_value(depth - 1, simple) end
    for key, value in pairs(t) do
      if value == ork.null then t[key] = 1 end -- a null field reads as nil
    end
    return t
  end
  for i = 1, math.random(1, 5) do t[i] = random_value(depth - 1, simple) end
  return t
end

describe("random values", function()
  it("read back as they were, and have one text", function()
    math.randomseed(20261101)
    for _ = 1, 3000 do
      local value = random_value(4, false)
      local text = assert(encode(value))
      local back, why = decode(text)
      assert.is_nil(why)
      if not same(value, back) then error(("%s\n%s"):format(text, encode(back))) end
      assert.equal(text, encode(back))
    end
  end)

  it("mean the same to lua-cjson", function()
    math.randomseed(4)
    for _ = 1, 3000 do
      local value = random_value(3, true)
      local from_ours = cjson.decode(encode({ value }))
      local to_ours = decode(cjson.encode({ value }))
      local function loose(a, b)
        if type(a) ~= "table" or type(b) ~= "table" then return a == b end
        for key, x in pairs(a) do
          if not loose(x, b[key]) then return false end
        end
        for key in pairs(b) do
          if a[key] == nil then return false end
        end
        return true
      end
      assert.is_true(loose({ value }, from_ours))
      assert.is_true(loose({ value }, to_ours))
    end
  end)
end)

describe("core", function()
  it("hashes text", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", core.sha256("abc"))
  end)
end)
