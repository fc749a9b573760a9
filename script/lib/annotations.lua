-- SPDX-License-Identifier: MIT
-- Reads LuaLS annotations: classes with fields and methods, aliases. Enough of them for lua/ork/meta*.lua and no more.
--
--   parse(texts) -> { classes = { NAME = class }, order = { NAME, … }, aliases = { { name, type, text }, … } }
--   class: { name, parent, text, fields = { { name, optional, type, text } }, methods = { method } }
--   method: { name, colon, text, params = { { name, optional, type, text } }, returns = { { type, text } } }
local annotations = {}

local PAIRS = { ["("] = ")", ["{"] = "}", ["<"] = ">", ["["] = "]" }

--- Splits "TYPE the rest" after the type. A blank ends it, unless brackets are open or the type goes on after , : or |.
local function split_type(text)
  local depth, i, quote = {}, 1, nil
  while i <= #text do
    local c = text:sub(i, i)
    if quote then
      if c == quote then quote = nil end
    elseif c == '"' then
      quote = c
    elseif PAIRS[c] then
      depth[#depth + 1] = PAIRS[c]
    elseif c == depth[#depth] then
      depth[#depth] = nil
    elseif c == " " and #depth == 0 and not text:sub(1, i - 1):find("[,:|]$") and not text:find("^ *|", i) then
      break
    end
    i = i + 1
  end
  return text:sub(1, i - 1), (text:sub(i):gsub("^%s+", ""))
end

--- "name? TYPE text" of a field or a parameter.
local function named(rest)
  local name, optional, tail = rest:match("^(%S-)(%??)%s+(.*)$")
  if rest:find("^%[") then name, optional, tail = rest:match("^(%b[])(%??)%s+(.*)$") end
  local kind, text = split_type(tail)
  return { name = name, optional = optional == "?", type = kind, text = text }
end

local function add_class(result, name, parent, text)
  local class = result.classes[name]
  if not class then
    class = { name = name, parent = parent, text = text, fields = {}, methods = {} }
    result.classes[name] = class
    result.order[#result.order + 1] = name
  elseif text ~= "" and class.text == "" then
    class.text = text
  end
  return class
end

local function new_block() return { text = {}, params = {}, returns = {} } end

--- One file. `owner` maps the names of its locals to classes.
local function parse_file(result, source)
  local owner, class, block = {}, nil, new_block()
  local tags = {
    class = function(rest)
      local name, parent = rest:match("^([%w_.]+):?%s*([%w_.]*)")
      class = add_class(result, name, parent ~= "" and parent or nil, table.concat(block.text, "\n"))
      block = new_block()
    end,
    field = function(rest) table.insert(class.fields, named(rest)) end,
    alias = function(rest)
      local name, tail = rest:match("^(%S+)%s+(.*)$")
      local kind, text = split_type(tail)
      table.insert(result.aliases, { name = name, type = kind, text = text })
      block = new_block()
    end,
    param = function(rest) table.insert(block.params, named(rest)) end,
    ["return"] = function(rest)
      local kind, text = split_type(rest)
      table.insert(block.returns, { type = kind, text = text })
    end,
  }
  for line in (source .. "\n"):gmatch("(.-)\n") do
    local tag, rest = line:match("^%-%-%-@(%w+)%s*(.*)$")
    local text = line:match("^%-%-%-%s?(.*)$")
    local variable = line:match("^local ([%w_]+) =")
    local holder, mark, name, args = line:match("^function ([%w_]+)([.:])([%w_]+)(%b())")
    if tag then
      if tags[tag] then tags[tag](rest) end
    elseif text then
      table.insert(block.text, text)
    elseif variable and class then
      owner[variable], class, block = class, nil, new_block()
    elseif holder and owner[holder] then
      table.insert(owner[holder].methods, {
        name = name, colon = mark == ":", args = args, text = table.concat(block.text, "\n"), params = block.params, returns = block.returns,
      })
      block = new_block()
    else
      block = new_block()
    end
  end
end

function annotations.parse(sources)
  local result = { classes = {}, order = {}, aliases = {} }
  for _, source in ipairs(sources) do parse_file(result, source) end
  return result
end

--- All names of a class and of what it inherits: name → field or method.
function annotations.names(result, name)
  local names, class = {}, result.classes[name]
  while class do
    for _, field in ipairs(class.fields) do names[field.name] = names[field.name] or field end
    for _, method in ipairs(class.methods) do names[method.name] = method end
    class = class.parent and result.classes[class.parent]
  end
  return names
end

return annotations
