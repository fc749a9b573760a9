-- SPDX-License-Identifier: MIT
-- What a script says about its workflows, read from its text: names, params, choices. The script is not run, so asking is
-- always safe; what it computes is not seen.
local source = require "ork.source"

local MOST_BYTES = 1 << 20

local openers = { ["("] = true, ["{"] = true, ["["] = true }
local closers = { [")"] = true, ["}"] = true, ["]"] = true }

--- The index behind the expression at i: that of the comma, or of what closes the list it is in.
local function skip(tokens, i)
  local depth = 0
  while tokens[i] do
    local text = tokens[i].kind == "sign" and tokens[i].text
    if depth == 0 and (text == "," or text == ";" or closers[text]) then return i end
    depth = depth + (openers[text] and 1 or closers[text] and -1 or 0)
    i = i + 1
  end
  return i
end

local constants = { ["true"] = true, ["false"] = false }
local read_table

--- The value at i when it is a literal (else nil), and the index behind it.
local function read_value(tokens, i)
  local token, behind, value = tokens[i], i + 1, nil
  if token.kind == "string" then
    value = token.text
  elseif token.kind == "number" then
    value = tonumber(token.text)
  elseif token.kind == "name" then
    value = constants[token.text]
  elseif token.text == "{" then
    value, behind = read_table(tokens, i)
  end
  local stop = skip(tokens, i)
  return behind == stop and value or nil, stop
end

--- The literals in the table whose `{` is at i, the names of its keys in their order at [0], and the index behind it.
function read_table(tokens, i)
  local values, keys, n = {}, {}, 0
  i = i + 1
  while tokens[i] and tokens[i].text ~= "}" do
    local key
    local after = tokens[i + 1] or {}
    if tokens[i].kind == "name" and after.text == "=" and after.kind == "sign" then
      key, i = tokens[i].text, i + 2
    elseif tokens[i].text == "[" and after.kind == "string" and (tokens[i + 3] or {}).text == "=" then
      key, i = after.text, i + 4
    end
    if not tokens[i] then break end
    local value
    value, i = read_value(tokens, i)
    if key then
      keys[#keys + 1] = key
    else
      n = n + 1
      key = n
    end
    values[key] = value
    if tokens[i] and (tokens[i].text == "," or tokens[i].text == ";") then i = i + 1 end
  end
  values[0] = keys
  return values, i + 1
end

local function params_of(options)
  local params, list = options.params, {}
  if type(params) ~= "table" then return list end
  for _, name in ipairs(params[0]) do
    local spec = params[name]
    if type(spec) ~= "table" then spec = { type = spec } end
    list[#list + 1] = { name = name, type = spec.type, choices = spec.choices, description = spec.description }
  end
  return list
end

--- The workflows of a script: { { name, description, params = { { name, type, choices, description }, … }, tasks = { name, … } },
--- … }; {} when the file cannot be read. A task is counted to the workflow above it.
return function(path)
  local file = io.open(path, "rb")
  local text = file and file:read(MOST_BYTES)
  if file then file:close() end
  if not text then return {} end
  local tokens, list = {}, {}
  for kind, value in source.tokens(source.blank(text)) do tokens[#tokens + 1] = { kind = kind, text = value } end
  for i, token in ipairs(tokens) do
    local j = i + 1
    local is_task = token.kind == "name" and (token.text == "task" or token.text == "finally") and #list > 0
    if is_task and tokens[j] and tokens[j].text == "(" and tokens[j + 1] and tokens[j + 1].kind == "string" then
      table.insert(list[#list].tasks, tokens[j + 1].text)
    end
    if token.kind == "name" and token.text == "workflow" and tokens[j] then
      if tokens[j].text == "(" and tokens[j].kind == "sign" then j = j + 1 end
      local name = tokens[j] and tokens[j].kind == "string" and tokens[j].text
      if name then
        j = j + 1
        if tokens[j] and tokens[j].text == "," then j = j + 1 end
        local options = tokens[j] and tokens[j].kind == "sign" and tokens[j].text == "{" and read_table(tokens, j) or {}
        list[#list + 1] = { name = name, description = options.description, params = params_of(options), tasks = {} }
      end
    end
  end
  return list
end
