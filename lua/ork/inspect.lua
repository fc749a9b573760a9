-- SPDX-License-Identifier: MIT
-- Any Lua value as text for people: keys sorted, cycles and depth told, long things cut, handles by their own words.
--
-- The law: looking has no effect. No metamethod is called but __tostring, and that protected; the work is bounded, whatever
-- the value is.
local core = require "ork.core"

local MAX_NODES = 2000 -- of one value: shared tables make small graphs large trees
local MAX_KEYS = 10000 -- looked at, and so sorted, in one table
local SHORT = 24 -- columns of an element that shares its line with others

local defaults = { depth = 4, items = 50, text = 200, width = 80 }

local function plain(_, text) return text end

-- ---- texts -----------------------------------------------------------------------------------

local escapes = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

--- The longest beginning of s of at most n bytes that does not cut a character.
local function cut(s, n)
  if #s <= n then return s end
  while n > 0 and (s:byte(n + 1) or 0) & 0xC0 == 0x80 do n = n - 1 end
  return s:sub(1, n)
end

local function quoted(s, limit)
  local kept = cut(s, limit)
  local text = '"' .. core.sys.escape((kept:gsub('[\\"\n\t\r]', escapes))) .. '"'
  if #kept < #s then text = ("%s… (%d bytes)"):format(text, #s) end
  return text
end

-- ---- values ----------------------------------------------------------------------------------

local reserved = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do reserved[word] = true end

local function is_name(key) return type(key) == "string" and key:find("^[%a_][%w_]*$") ~= nil and not reserved[key] end

local rank = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local x, y = rank[type(a)] or 4, rank[type(b)] or 4
  if x ~= y then return x < y end
  if x <= 2 then return a < b end
  if x == 3 then return not a and b end
  return false
end

local function describe_function(f)
  local info = debug.getinfo(f, "S")
  if info.what == "C" then return "function: built in" end
  return ("function: %s:%d"):format(info.short_src, info.linedefined)
end

--- What an object says of itself, or nil.
local function own_words(value)
  local meta = debug.getmetatable(value)
  local say = type(meta) == "table" and rawget(meta, "__tostring")
  if say == nil or say == false then return nil end
  local ok, text = pcall(tostring, value)
  if ok then return core.sys.escape(cut(text, 4000)) end
  local got, message = pcall(tostring, text)
  return ("<%s whose __tostring fails: %s>"):format(type(value), core.sys.escape(cut(got and message or type(text), 200)))
end

local function scalar(value, o, limit)
  local kind = type(value)
  if kind == "string" then return o.paint("string", quoted(value, limit or o.text)) end
  if kind == "number" then return o.paint("number", value ~= value and "nan" or tostring(value)) end
  if value == core.null then return o.paint("word", "null") end
  if kind == "boolean" or kind == "nil" then return o.paint("word", tostring(value)) end
  if kind == "function" then return o.paint("other", describe_function(value)) end
  if kind == "thread" then return o.paint("other", ("coroutine (%s)"):format(coroutine.status(value))) end
  return o.paint("other", own_words(value) or (tostring(value):gsub(": 0x%x+", "")))
end

-- ---- tables ----------------------------------------------------------------------------------

local render

--- Keys behind the list part, sorted; and how many there are more than looked at.
local function other_keys(t, n)
  local keys, more = {}, 0
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      if #keys < MAX_KEYS then keys[#keys + 1] = key else more = more + 1 end
    end
  end
  table.sort(keys, before)
  return keys, more
end

local function list_length(t)
  local n = 0
  while rawget(t, n + 1) ~= nil do n = n + 1 end
  return n
end

local function key_text(key, o)
  if is_name(key) then return key end
  if type(key) == "table" then return "[" .. o.paint("other", own_words(key) or "table") .. "]" end
  return "[" .. scalar(key, o, 60) .. "]"
end

--- The entries of a table as texts: { text, columns, lines }.
local function entries(t, o, state, depth)
  local list, n = {}, list_length(t)
  local function add(prefix, value)
    local text, columns, long = render(value, o, state, depth + 1)
    columns = columns + utf8.len(prefix, 1, -1, true)
    list[#list + 1] = { prefix .. text, columns, long }
    list.short = list.short ~= false and prefix == "" and not long and type(value) ~= "table" and columns <= SHORT
  end
  for i = 1, math.min(n, o.items) do add("", rawget(t, i)) end
  local keys, more = other_keys(t, n)
  local room = math.max(0, o.items - math.min(n, o.items))
  for i = 1, math.min(#keys, room) do add(key_text(keys[i], o) .. " = ", rawget(t, keys[i])) end
  more = more + math.max(0, n - o.items) + math.max(0, #keys - room)
  if more > 0 then
    local text = ("… %d more"):format(more)
    list[#list + 1] = { o.paint("other", text), utf8.len(text), false }
  end
  return list
end

--- Short elements of a long list share lines.
local function fill(list, width)
  local lines, line, used = {}, {}, 0
  for _, entry in ipairs(list) do
    if used + entry[2] + 2 > width and used > 0 then
      lines[#lines + 1], line, used = table.concat(line, ", "), {}, 0
    end
    line[#line + 1], used = entry[1], used + entry[2] + 2
  end
  lines[#lines + 1] = table.concat(line, ", ")
  return lines
end

local function table_text(t, o, state, depth)
  if state.open[t] then return o.paint("other", "<cycle>"), 7, false end
  if next(t) == nil then return "{}", 2, false end
  if depth >= o.depth or state.nodes > MAX_NODES then return "{ … }", 5, false end
  state.open[t] = true
  local list = entries(t, o, state, depth)
  state.open[t] = nil
  local columns, long, parts = 2, false, {}
  for i, entry in ipairs(list) do
    parts[i], columns, long = entry[1], columns + entry[2] + 2, long or entry[3]
  end
  local indent = (" "):rep(2 * (depth + 1))
  if list.short then parts = fill(list, o.width - #indent) end
  if not long and columns + #indent <= o.width then return "{ " .. table.concat(parts, ", ") .. " }", columns, false end
  return "{\n" .. indent .. table.concat(parts, ",\n" .. indent) .. "\n" .. (" "):rep(2 * depth) .. "}", 1, true
end

--- Text, its columns without colours, and whether it has more than one line.
function render(value, o, state, depth)
  state.nodes = state.nodes + 1
  local text
  if type(value) == "table" then
    text = own_words(value)
    if not text then return table_text(value, o, state, depth) end
    text = o.paint("other", text)
  else
    text = scalar(value, o, depth == 0 and 20 * o.text or nil)
  end
  local bare = text:gsub("\27%[%d*m", "")
  return text, utf8.len(bare, 1, -1, true) or #bare, bare:find("\n", 1, true) ~= nil
end

--- opts: depth (of tables in tables), items (per table), text (bytes of a string in a table; one alone may be 20 times as
--- long), width (columns), paint(kind, text) with kind "string" "number" "word" "other".
return function(value, opts)
  local o = setmetatable({ paint = opts and opts.paint or plain }, { __index = function(_, key)
    return opts and opts[key] or defaults[key]
  end })
  return (render(value, o, { nodes = 0, open = {} }, 0))
end
