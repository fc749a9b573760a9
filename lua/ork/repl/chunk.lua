-- SPDX-License-Identifier: MIT
-- What was typed, as a chunk: an expression, a statement, the beginning of one, or a mistake.
local source = require "ork.source"

local chunk = { NAME = "prompt" }

-- ---- locals ----------------------------------------------------------------------------------

local opens = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true, ["("] = true, ["{"] = true, ["["] = true }
local closes = { ["end"] = true, ["until"] = true, [")"] = true, ["}"] = true, ["]"] = true }

local function tokens_of(text)
  local tokens = {}
  for kind, word, _, first, last in source.tokens(text) do
    tokens[#tokens + 1] = { kind = kind, text = word, first = first, last = last }
  end
  return tokens
end

--- The names that a `local` whose first name is tokens[i] declares, the parts to blank out, and where its last one ends; nil
--- when one is to be closed, which has no meaning outside its chunk.
local function declared(tokens, i)
  local names, blank, last = {}, {}, nil
  while tokens[i] and tokens[i].kind == "name" do
    names[#names + 1], last = tokens[i].text, tokens[i].last
    i = i + 1
    if tokens[i] and tokens[i].text == "<" and tokens[i + 2] and tokens[i + 2].text == ">" then
      if tokens[i + 1].text == "close" then return nil end
      blank[#blank + 1] = { tokens[i].first, tokens[i + 2].last }
      last = tokens[i + 2].last
      i = i + 3
    end
    if not (tokens[i] and tokens[i].text == ",") then break end
    i = i + 1
  end
  return names, blank, last, tokens[i] and tokens[i].text == "=" and tokens[i].kind == "sign"
end

--- Text whose locals outside of any block are globals: a line is a chunk, and what it declares must be there in the next
--- one. Positions stay. Returns the text and the names.
function chunk.keep_locals(text)
  if not text:find("local", 1, true) then return text, {} end
  local tokens, depth, kept = tokens_of(text), 0, {}
  local edits = {} -- { first, last, instead }, in order
  for i, token in ipairs(tokens) do
    local word = token.kind ~= "string" and token.text
    if word == "local" and depth == 0 then
      local following = tokens[i + 1] or {}
      if following.text == "function" then
        edits[#edits + 1] = { token.first, token.last, "     " }
        kept[#kept + 1] = tokens[i + 2] and tokens[i + 2].text
      else
        local names, blank, last, assigned = declared(tokens, i + 1)
        if names and #names > 0 then
          edits[#edits + 1] = { token.first, token.last, "     " }
          for _, range in ipairs(blank) do edits[#edits + 1] = { range[1], range[2], (" "):rep(range[2] - range[1] + 1) } end
          if not assigned then edits[#edits + 1] = { last + 1, last, " = nil;" } end
          table.move(names, 1, #names, #kept + 1, kept)
        end
      end
    elseif word and opens[word] then
      depth = depth + 1
    elseif word and closes[word] then
      depth = depth - 1
    end
  end
  local parts, at = {}, 1
  for _, edit in ipairs(edits) do
    parts[#parts + 1] = text:sub(at, edit[1] - 1) .. edit[3]
    at = edit[2] + 1
  end
  return table.concat(parts) .. text:sub(at), kept
end

-- ---- compiling -------------------------------------------------------------------------------

local function is_open(message) return message:find("<eof>", -7, true) ~= nil end

local statements = {}
for word in ("break do for function goto if local repeat return while"):gmatch("%S+") do statements[word] = true end

--- Was it meant as a statement? Then that is the mistake to tell.
local function looks_like_statement(text)
  local depth, first = 0, true
  for kind, word in source.tokens(text) do
    if first and kind == "name" and statements[word] then return true end
    if first and word == "::" then return true end
    first = false
    if kind == "sign" then
      if opens[word] then depth = depth + 1 elseif closes[word] then depth = depth - 1 end
      if word == "=" and depth == 0 then return true end
    end
  end
  return false
end

--- Lua doubles no sign in our tokens: "==" comes as two of "=".
local function has_assignment(text)
  return looks_like_statement((text:gsub("[=~<>]=", "  ")))
end

--- Compiles what was typed so far. Returns { f, kept = names of locals that became globals }, or nil, "more" when it is only
--- the beginning, or nil, message.
function chunk.compile(text, env)
  local name = "=" .. chunk.NAME
  local expression = text:gsub("^%s*=", "", 1)
  if not utf8.len(text) then return nil, "the line is not UTF-8 text" end
  if text:find("\0", 1, true) then return nil, "the line has a zero byte in it" end
  -- the line ends: a string that is still open is a mistake, not a beginning
  local f, why = load("return " .. expression .. "\n", name, "t", env)
  if f then return { f = f, kept = {} } end
  if expression ~= text then return nil, is_open(why) and "more" or why end

  local kept, names = chunk.keep_locals(text)
  local statement, reason = load(kept .. "\n", name, "t", env)
  if statement then return { f = statement, kept = names } end
  if is_open(reason) or is_open(why) then return nil, "more" end
  return nil, has_assignment(text) and reason or why
end

--- What is wrong with the beginning of a statement that nothing follows.
function chunk.unfinished(text)
  local _, why = load(text, "=" .. chunk.NAME, "t")
  return why
end

return chunk
