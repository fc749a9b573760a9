-- SPDX-License-Identifier: MIT
-- The line of a script that a mistake is in, with a mark under the place:
--
--     3 | w:task("fetch", { comand = { "true" } })
--       |                   ^^^^^^
local sys = require("ork.core").sys

local excerpt = {}

local WIDEST = 120 -- columns of a line that are shown

--- Line `number` of a text.
local function line_of(text, number)
  local n = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    n = n + 1
    if n == number then return (line:gsub("\r$", "")) end
  end
end

local function plain_find(line, word, from)
  local at, last = line:find(word, from, true)
  return at, last
end

--- The place of an identifier that stands alone.
local function find_name(line, name)
  local from = 1
  while true do
    local at, last = line:find(name, from, true)
    if not at then return nil end
    if not line:find("^[%w_]", last + 1) and not line:sub(at - 1, at - 1):find("[%w_]") then return at, last end
    from = last + 1
  end
end

--- The names that a message is about, the most telling first: what it quotes, except who has the mistake.
local function quoted(text)
  local list = {}
  for before, word in (" " .. text):gmatch("(%S*) `([^`]+)`") do
    if before ~= "task" and before ~= "workflow" then list[#list + 1] = word end
  end
  for word in text:gmatch("%a '([^']+)'") do list[#list + 1] = word end
  local near = text:match("near '(.*)'$") or text:match("near (<eof>)$")
  if near then table.insert(list, 1, near) end
  return list
end

--- The place of a field that is not there: the one that is read, not something else of its name.
local function find_field(line, text)
  local name = text:match("no field `([%a_][%w_]*)`")
  local at, last = line:find("%.%s*" .. (name or "%z") .. "%f[^%w_]")
  if at then return last + 1 - #name, last end
end

--- First and last byte in `line` that a message is about, or nil. from: where to begin to look.
function excerpt.find(line, text, from)
  for _, word in ipairs(quoted(text)) do
    if #word > 0 then
      for _, written in ipairs({ '"' .. word .. '"', "'" .. word .. "'" }) do
        local at, last = plain_find(line, written, from)
        if at then return at, last end
      end
    end
  end
  local field, stop = find_field(line, text)
  if field then return field, stop end
  for _, word in ipairs(quoted(text)) do
    local at, last
    if word:find("^[%a_][%w_]*$") then at, last = find_name(line, word) else at, last = plain_find(line, word, 1) end
    if at then return at, last end
  end
end

--- The place of a part of a text that stands in the line as it is, without escapes.
local function find_inside(p, line, from)
  for _, written in ipairs({ '"' .. p.value .. '"', "'" .. p.value .. "'" }) do
    local at = plain_find(line, written, from)
    if at then return at + 1 + p.value_at, math.min(p.value_length, #p.value + 1 - p.value_at) end
  end
end

--- Finds where in its line a mistake is: sets p.column and p.length (bytes). start: the byte of its key in the text, if known.
function excerpt.place(p, text, start)
  local line = p.line and p.line > 0 and line_of(text, p.line)
  if not line then return end
  local first, last, from = nil, nil, 1
  if start then
    local newline = text:sub(1, start - 1):reverse():find("\n", 1, true)
    from = newline or start
    first, last = from, from + #line:match("^[%w_]*", from) - 1
    if last < first then first, last = from, from + #(line:match('^"[^"]*"', from) or line:match("^'[^']*'", from) or "x") - 1 end
  end
  if p.value then
    local at, length = find_inside(p, line, from)
    if at then
      p.column, p.length = at, length
      return
    end
  end
  local at, stop = excerpt.find(line, p.text, from)
  if at and not (start and line:sub(at, stop) == line:sub(first, last)) then first, last = at, stop end
  if first then p.column, p.length = first, last - first + 1 end
end

--- As many columns as a terminal takes for a piece of a line.
local function shown(text)
  return sys.escape((text:gsub("\t", "  ")))
end

local function columns(text) return require("ork.cli.text").columns(text) end

--- The excerpt for a mistake with a place, as text; nil without one.
function excerpt.of(p, text)
  local line = p.column and line_of(text, p.line)
  if not line or not utf8.len(line) then return nil end
  local before, marked = shown(line:sub(1, p.column - 1)), shown(line:sub(p.column, p.column + p.length - 1))
  local after = shown(line:sub(p.column + p.length))
  local indent = before:match("^ *")
  if #indent > 8 then before = before:sub(#indent - 3) end -- far inside, the place is what counts
  local too_long = columns(before) + columns(marked) + columns(after) > WIDEST
  if too_long and columns(before) > WIDEST / 2 then before = "…" .. before:sub(utf8.offset(before, -math.floor(WIDEST / 2 - 1))) end
  if columns(before) + columns(marked) + columns(after) > WIDEST then
    local room = math.max(0, WIDEST - columns(before) - columns(marked))
    local cut = utf8.offset(after, room)
    after = cut and after:sub(1, cut - 1) .. "…" or after
  end
  local number = tostring(p.line)
  return ("  %s | %s\n  %s | %s%s"):format(number, before .. marked .. after, (" "):rep(#number), (" "):rep(columns(before)),
    ("^"):rep(math.max(1, math.min(columns(marked), WIDEST))))
end

return excerpt
