-- SPDX-License-Identifier: MIT
-- References that a script uses as truth values: `if w.params.fast then`, `w.params.full and "-f" or "-i"`. Lua asks nobody
-- whether a value is true, so they cannot raise, and a reference is always true.
--
-- Found in the text, for names that the script itself gives to workflows and tasks; nothing else is judged.
local source = require "ork.source"

local truth = {}

local asks = { ["if"] = true, ["elseif"] = true, ["while"] = true, ["until"] = true, ["not"] = true, ["and"] = true, ["or"] = true }
-- What may stand before the left operand of `and` and `or`, beside the words above.
local begins = { ["("] = true, ["{"] = true, [","] = true, [";"] = true, ["="] = true, ["["] = true, ["return"] = true, ["then"] = true,
  ["do"] = true, ["else"] = true }
local compares = { ["="] = true, ["~"] = true, ["<"] = true, [">"] = true }

--- Is it worth the time to read all tokens?
local function is_likely(text)
  for _, field in ipairs({ "%.params%.[%w_]+", "%.output[%w_.]*" }) do
    if text:find(field .. "[%s)]+and%f[%W]") or text:find(field .. "[%s)]+or%f[%W]") or text:find("%f[%w]not[%s(]+[%w_]+" .. field)
      or text:find("%f[%w]if[%s(]+[%w_]+" .. field) or text:find("%f[%w]elseif[%s(]+[%w_]+" .. field) then
      return true
    end
  end
  return false
end

local function tokens_of(text)
  local list = {}
  for kind, value, line in source.tokens(text) do list[#list + 1] = { kind = kind, text = value, line = line } end
  return list
end

local function is(token, text) return token ~= nil and token.kind ~= "string" and token.text == text end

--- `NAME = ork.workflow(` and `NAME = WORKFLOW:task(`: names → "params" or "output".
local function handles(tokens)
  local names = {}
  for i = 1, #tokens - 5 do
    if tokens[i].kind == "name" and is(tokens[i + 1], "=") and tokens[i + 2].kind == "name" then
      local owner, dot, method = tokens[i + 2].text, tokens[i + 3], tokens[i + 4]
      if owner == "ork" and is(dot, ".") and is(method, "workflow") then
        names[tokens[i].text] = "params"
      elseif names[owner] == "params" and is(dot, ":") and (is(method, "task") or is(method, "finally")) then
        names[tokens[i].text] = "output"
      end
    end
  end
  return names
end

--- The reference that begins with tokens[i]: its text and the index behind it; nil for anything else.
local function reference(tokens, i, names)
  local field = tokens[i].kind == "name" and not is(tokens[i - 1], ".") and names[tokens[i].text]
  if not field or not is(tokens[i + 1], ".") or not is(tokens[i + 2], field) then return nil end
  local parts, j = { tokens[i].text, field }, i + 3
  while is(tokens[j], ".") and tokens[j + 1] and tokens[j + 1].kind == "name" do
    parts[#parts + 1] = tokens[j + 1].text
    j = j + 2
  end
  if field == "params" and #parts < 3 then return nil end
  return table.concat(parts, "."), j
end

local function is_asked(tokens, first, behind)
  while is(tokens[first - 1], "(") and is(tokens[behind], ")") and not (tokens[first - 2] and tokens[first - 2].kind == "name"
    and not asks[tokens[first - 2].text]) do
    first, behind = first - 1, behind + 1
  end
  local before, after = tokens[first - 1], tokens[behind]
  if is(before, "not") then return true end
  local word = before and before.kind == "name" and asks[before.text]
  if is(after, "and") or is(after, "or") then
    if is(before, "=") then return tokens[first - 2] ~= nil and not compares[tokens[first - 2].text] end -- signs are read one by one
    return before == nil or word or before.kind ~= "string" and begins[before.text] or false
  end
  return word and before.text ~= "and" and before.text ~= "or" and (is(after, "then") or is(after, "do")) or false
end

--- The references that `text` uses so: { { line, text }, … }.
function truth.find(text)
  local found = {}
  if not is_likely(text) then return found end
  local tokens = tokens_of(text)
  local names = handles(tokens)
  for i = 1, #tokens do
    local name, behind = reference(tokens, i, names)
    if name and is_asked(tokens, i, behind) then found[#found + 1] = { line = tokens[i].line, text = name } end
  end
  return found
end

return truth
