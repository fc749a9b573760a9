-- SPDX-License-Identifier: MIT
-- Reading Lua source as text: its tokens, the line of a key in an option table, the modules it requires by name.
local source = {}

local long_open = "^%[(=*)%["

--- Where a long string or comment that opens at i ends (the index behind it).
local function skip_long(text, i)
  local level = text:match(long_open, i)
  local _, last = text:find("]" .. level .. "]", i, true)
  return (last or #text) + 1
end

local function skip_quoted(text, i)
  local quote, j = text:sub(i, i), i + 1
  local telling = quote == '"' and '["\\\n]' or "['\\\n]"
  while true do
    local at = text:find(telling, j)
    if not at then return #text + 1 end
    if text:sub(at, at) ~= "\\" then return at + 1 end
    j = at + 2
  end
end

local function count_lines(text, i, j)
  local n = 0
  for _ in text:sub(i, j):gmatch("\n") do n = n + 1 end
  return n
end

--- Index of the first byte of a line.
local function start_of_line(text, line)
  local i = 1
  for _ = 2, line do
    local newline = text:find("\n", i, true)
    if not newline then return #text + 1 end
    i = newline + 1
  end
  return i
end

--- Iterates over tokens from the beginning of a line: kind ("name" "string" "number" "sign"), text, line, first and last
--- byte. The text of a string is what stands between its quotes.
function source.tokens(text, from_line)
  local line = from_line or 1
  local i = start_of_line(text, line)
  return function()
    while true do
      local blank, last = text:match("^(%s+)()", i)
      if blank then
        line, i = line + count_lines(blank, 1, #blank), last
      elseif text:find("^%-%-", i) then
        local stop = text:find(long_open, i + 2) and skip_long(text, i + 2) or text:find("\n", i, true) or #text + 1
        line, i = line + count_lines(text, i, stop - 1), stop
      else
        break
      end
    end
    if i > #text then return nil end
    local at, start = line, i
    if text:find("^[%a_]", i) then
      i = text:match("^[%w_]+()", i)
      return "name", text:sub(start, i - 1), at, start, i - 1
    elseif text:find("^%.?%d", i) then
      i = text:match("^[%w%.]+()", i)
      return "number", text:sub(start, i - 1), at, start, i - 1
    elseif text:find("^[\"']", i) then
      i = skip_quoted(text, i)
      return "string", text:sub(start + 1, i - 2), at, start, i - 1
    elseif text:find(long_open, i) then
      i = skip_long(text, i)
      line = line + count_lines(text, start, i - 1)
      return "string", (text:sub(start, i - 1):gsub("^%[=*%[\n?", ""):gsub("%]=*%]$", "")), at, start, i - 1
    end
    i = text:match("^%.%.%.?()", i) or i + 1
    return "sign", text:sub(start, i - 1), at, start, i - 1
  end
end

--- Tokens from the beginning of a line as a list that is read as far as it is looked at: tokens[i] or nil at the end.
local function lazy_tokens(text, from_line)
  local next_token, n = source.tokens(text, from_line), 0
  return setmetatable({}, { __index = function(tokens, i)
    while n < i do
      local kind, value, line, start = next_token()
      if not kind then return nil end
      n = n + 1
      rawset(tokens, n, { kind = kind, text = value, line = line, start = start })
    end
    return rawget(tokens, i)
  end })
end

local opens = { ["("] = 1, ["{"] = 1, ["["] = 1 }
local closes = { [")"] = 1, ["}"] = 1, ["]"] = 1 }
local block_opens = { ["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1 }
local block_closes = { ["end"] = 1, ["until"] = 1 }

--- How a token changes the nesting.
local function step(token)
  if token.kind == "sign" then return opens[token.text] or (closes[token.text] and -1) or 0 end
  if token.kind == "name" then return block_opens[token.text] or (block_closes[token.text] and -1) or 0 end
  return 0
end

--- Walks the entries of the table whose `{` is tokens[i]: visit(key or nil, position or nil, index of its first token,
--- index of the first token of its value); stops when it returns true.
local function each_entry(tokens, i, visit)
  local depth, position, fresh = 1, 0, true
  i = i + 1
  while tokens[i] and depth > 0 do
    local token = tokens[i]
    if depth == 1 and fresh and token.text ~= "}" then
      local key, value = nil, i
      local after, third = tokens[i + 1] or {}, tokens[i + 3] or {}
      if token.kind == "name" and after.text == "=" and (tokens[i + 2] or {}).text ~= "=" then
        key, value = token.text, i + 2
      elseif token.text == "[" and after.kind == "string" and third.text == "=" then
        key, value = after.text, i + 4
      else
        position = position + 1
      end
      if visit(key, not key and position or nil, i, value) then return end
      fresh = false
    end
    depth = depth + step(token)
    if depth == 1 and token.kind == "sign" and (token.text == "," or token.text == ";") then fresh = true end
    i = i + 1
  end
end

--- Index of the `{` of the option table of the call whose name is tokens[i], or nil.
local function table_of_call(tokens, i)
  local depth, j = 0, i + 1
  while tokens[j] do
    if tokens[j].text == "{" and tokens[j].kind == "sign" and depth == 1 then return j end
    depth = depth + step(tokens[j])
    if depth <= 0 then return nil end
    j = j + 1
  end
end

--- The call `method("name", …)` that begins near `line`: the one with this name, else the first with a computed one.
local function find_call(tokens, line, method, name)
  local computed
  local i = 1
  while tokens[i] and tokens[i].line <= line + 5 do
    if tokens[i].kind == "name" and tokens[i].text == method and (tokens[i + 1] or {}).text == "(" then
      local first, second = tokens[i + 2] or {}, tokens[i + 3] or {}
      local literal = first.kind == "string" and second.text == ","
      if literal and first.text == name then return i end
      if not literal and not computed then computed = i end
    end
    i = i + 1
  end
  return computed
end

--- The line of a key in the option table of a call that begins at `line`, and its first byte in the text: path is
--- "retries\nlimit", "command\n#2". As far as the path can be followed; nil when the table is not written there.
function source.find_key(text, line, method, name, path)
  local tokens = lazy_tokens(text, line)
  local call = find_call(tokens, line, method, name)
  local at = call and table_of_call(tokens, call)
  if not at then return nil end
  local found
  for part in path:gmatch("[^\n]+") do
    local index, inner = tonumber(part:match("^#(%d+)$")), nil
    each_entry(tokens, at, function(key, position, first, value)
      if (index and position == index) or (not index and key == part) then
        found, inner = tokens[first], value
        return true
      end
    end)
    if not inner or (tokens[inner] or {}).text ~= "{" then break end
    at = inner
  end
  if found then return found.line, found.start end
end

--- Names of modules that the source requires by a literal.
function source.required(text)
  local names, seen = {}, {}
  local tokens = lazy_tokens(text, 1)
  local i = 0
  while tokens[i + 1] do
    i = i + 1
    if tokens[i].kind == "name" and tokens[i].text == "require" then
      local first = tokens[i + 1] or {}
      local literal = first.kind == "string" and first
      if first.text == "(" and (tokens[i + 2] or {}).kind == "string" and (tokens[i + 3] or {}).text == ")" then
        literal = tokens[i + 2]
      end
      if literal and not seen[literal.text] then
        seen[literal.text] = true
        names[#names + 1] = literal.text
      end
    end
  end
  return names
end

--- Source that `load` takes, with its lines where they were: a byte order mark goes, a `#!` line becomes empty.
function source.blank(text)
  text = text:gsub("^\239\187\191", "")
  return (text:gsub("^#[^\n]*", ""))
end

return source
