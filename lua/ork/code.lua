-- SPDX-License-Identifier: MIT
-- Reading compiled functions: which variables around them they assign, which fields of them and which globals they read. Lua has the one who knows,
-- its compiler, and string.dump has what it made; the form is that of Lua 5.4 on this machine, which is tried on a function
-- of ours first. Where anything is not as expected nothing is said: what this finds are warnings.
local code = {}

-- ---- bytes -----------------------------------------------------------------------------------

local SIGNATURE <const> = "\27Lua\x54\0\x19\x93\r\n\x1a\n"

--- Reads text from `at` on: byte(), number() (as Lua packs sizes), text(), skip(n).
local function reader(text, at)
  local r = {}
  function r.byte()
    at = at + 1
    return text:byte(at - 1)
  end
  function r.number()
    local n = 0
    repeat
      local b = r.byte()
      n = n << 7 | b & 0x7f
    until b & 0x80 ~= 0
    return n
  end
  function r.skip(n) at = at + n end
  function r.text()
    local n = r.number()
    if n == 0 then return nil end
    at = at + n - 1
    return text:sub(at - n + 1, at - 1)
  end
  function r.unpack(format)
    local value
    value, at = string.unpack(format, text, at)
    return value
  end
  return r
end

local constant = {
  [0] = function() end, [1] = function() end, [17] = function() end,
  [3] = function(r) r.skip(8) end, [19] = function(r) r.skip(8) end,
  [4] = function(r) return r.text() end, [20] = function(r) return r.text() end,
}

local function list(r, read)
  local items = {}
  for i = 1, r.number() do items[i] = read(r) or false end
  return items
end

local function read_upvalue(r) return { in_stack = r.byte() ~= 0, index = r.byte(), kind = r.byte() } end
local function read_line(r) return { pc = r.number(), line = r.number() } end
local function read_local(r)
  local name = r.text()
  r.number()
  r.number()
  return name
end

--- { line, code, constants, upvalues = { { name, in_stack, index } … }, protos, lines, at_lines, locals }
local function read_function(r)
  r.text() -- its source
  local f = { line = r.number() }
  r.number() -- its last line
  r.skip(3) -- parameters, varargs, size of the stack
  f.code = list(r, function() return r.unpack("I4") end)
  f.constants = list(r, function() return constant[r.byte()](r) end)
  f.upvalues = list(r, read_upvalue)
  f.protos = list(r, read_function)
  f.lines = list(r, function() return r.unpack("i1") end)
  f.at_lines = list(r, read_line)
  f.locals = list(r, read_local)
  for i, name in ipairs(list(r, r.text)) do f.upvalues[i].name = name end
  return f
end

--- What string.dump gave as that; raises what it cannot read.
local function read(dumped)
  assert(dumped:sub(1, #SIGNATURE) == SIGNATURE)
  local r = reader(dumped, #SIGNATURE + 1)
  assert(r.byte() == 4 and r.byte() == 8 and r.byte() == 8)
  assert(r.unpack("i8") == 0x5678 and r.unpack("d") == 370.5)
  r.byte()
  return read_function(r)
end

local MOST_KEPT <const> = 200
local MOST_BYTES <const> = 16 << 20 -- of compiled functions that are looked at: thousands of tasks cost a moment, not minutes
local kept, count, bytes = {}, 0, 0
local known_functions = setmetatable({}, { __mode = "k" })

--- The same of a function, without names and lines; nil: enough was looked at. Many tasks share a helper, which is looked at
--- once, and a loop makes thousands of one text, which is read once.
local function read_bare(f)
  local got = known_functions[f]
  if got or bytes > MOST_BYTES then return got end
  local dumped = string.dump(f, true)
  bytes = bytes + #dumped
  if not kept[dumped] then
    if count >= MOST_KEPT then kept, count = {}, 0 end
    kept[dumped], count = read(dumped), count + 1
  end
  known_functions[f] = kept[dumped]
  return kept[dumped]
end

--- Another script is loaded: it may be looked at as much.
function code.begin() bytes = 0 end

-- ---- instructions ----------------------------------------------------------------------------

local function op(instruction) return instruction & 0x7f end
local function a(instruction) return instruction >> 7 & 0xff end
local function b(instruction) return instruction >> 16 & 0xff end
local function c(instruction) return instruction >> 24 & 0xff end

--- The numbers of the instructions that matter, as this Lua has them: of a field of a variable around the function (a
--- global is one of _ENV), of assigning such a variable, of a field of something else. Raises when they look otherwise.
local function learn()
  local tried = read(string.dump(assert(load("local v, w return function() v = g return w.x.y end", "=tried", "t"))))
  local f = tried.protos[1]
  local global, set, first, second = table.unpack(f.code)
  assert(f.upvalues[b(global) + 1].name == "_ENV" and f.constants[c(global) + 1] == "g" and f.lines[1] == 0)
  assert(f.upvalues[b(set) + 1].name == "v" and a(global) == a(set))
  assert(op(first) == op(global) and f.upvalues[b(first) + 1].name == "w" and f.constants[c(first) + 1] == "x")
  assert(a(first) == b(second) and f.constants[c(second) + 1] == "y")
  return { first = op(first), set = op(set), second = op(second) }
end

local known, ops = pcall(learn)

local function line_at(f, pc)
  local line, absolute = f.line, 0
  for i = 1, pc do
    if f.lines[i] == -128 then
      absolute = absolute + 1
      line = f.at_lines[absolute].line
    else
      line = line + f.lines[i]
    end
  end
  return line
end

-- ---- what is asked ---------------------------------------------------------------------------

--- Marks in `set` the variables of f (indexes from 0) that it assigns, or a function within it.
local function mark_sets(f, set)
  for _, instruction in ipairs(f.code) do
    if op(instruction) == ops.set then set[b(instruction)] = true end
  end
  for _, inner in ipairs(f.protos) do
    local own = {}
    mark_sets(inner, own)
    for index in pairs(own) do
      local variable = inner.upvalues[index + 1]
      if not variable.in_stack then set[variable.index] = true end
    end
  end
end

--- Does the function assign its i-th upvalue, itself or in a function within it?
function code.sets(f, i)
  if not known then return false end
  local ok, set = pcall(function()
    local read_so = read_bare(f)
    if not read_so then return {} end
    if not read_so.sets then
      read_so.sets = {}
      mark_sets(read_so, read_so.sets)
    end
    return read_so.sets
  end)
  return ok and set[i - 1] or false
end

--- The fields that are read of the variable with that index (from 0): "params.day"; nil when it is not one of `wanted`.
local function find_field(f, index, wanted)
  for pc, instruction in ipairs(f.code) do
    local path = op(instruction) == ops.first and b(instruction) == index and f.constants[c(instruction) + 1]
    if path and wanted[path] then
      local register, at = a(instruction), pc + 1
      while f.code[at] and op(f.code[at]) == ops.second and b(f.code[at]) == register do
        path, register, at = path .. "." .. f.constants[c(f.code[at]) + 1], a(f.code[at]), at + 1
      end
      return path
    end
  end
  for _, inner in ipairs(f.protos) do
    for i, variable in ipairs(inner.upvalues) do
      local path = not variable.in_stack and variable.index == index and find_field(inner, i - 1, wanted)
      if path then return path end
    end
  end
end

--- What the function, or one within it, reads of its i-th upvalue, where that begins with a field of `wanted`; or nil.
function code.field(f, i, wanted)
  local ok, path = pcall(function()
    local read_so = known and read_bare(f)
    if not read_so then return nil end
    read_so.fields = read_so.fields or {}
    local of_these = read_so.fields[wanted] or {}
    read_so.fields[wanted] = of_these
    if of_these[i] == nil then of_these[i] = find_field(read_so, i - 1, wanted) or false end
    return of_these[i]
  end)
  return ok and path or nil
end

local function add_globals(f, environment, names, is_there, found)
  local in_reach = table.move(f.locals, 1, #f.locals, #names + 1, table.move(names, 1, #names, 1, {}))
  for pc, instruction in ipairs(f.code) do
    local name = op(instruction) == ops.first and environment and b(instruction) == environment and f.constants[c(instruction) + 1]
    if name and not is_there(name) then found[#found + 1] = { name = name, line = line_at(f, pc), names = in_reach } end
  end
  for _, inner in ipairs(f.protos) do
    local own
    for index, variable in ipairs(inner.upvalues) do
      if not variable.in_stack and variable.index == environment then own = index - 1 end
    end
    add_globals(inner, own, in_reach, is_there, found)
  end
end

--- Globals that functions within a chunk read and of which is_there(name) is not true:
--- { { name, line, names = those of variables around it } … }.
function code.globals(chunk, is_there)
  if not known then return {} end
  local ok, found = pcall(function()
    local main, found = read(string.dump(chunk)), {}
    for _, inner in ipairs(main.protos) do
      for index, variable in ipairs(inner.upvalues) do
        if not variable.in_stack and variable.index == 0 then add_globals(inner, index - 1, main.locals, is_there, found) end
      end -- a function without it has none within it that has it
    end
    return found
  end)
  return ok and found or {}
end

return code
