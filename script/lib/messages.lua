-- SPDX-License-Identifier: MIT
-- messages.lua ROOT: docs/messages.md, from tests/lib/messages.lua (what people meet, and what to do), runtime/include/ork/ork.h
-- (the codes) and the texts in the C sources.
local root = arg[1] or "."
package.path = root .. "/?.lua;" .. package.path
local messages = require "tests.lib.messages"

local function read(path)
  local f = assert(io.open(root .. "/" .. path, "rb"))
  local text = f:read("a")
  f:close()
  return text
end

local function files(...)
  local list = {}
  for _, folder in ipairs({ ... }) do
    for path in io.popen(("cd '%s' && find %s -name '*.c'"):format(root, folder)):lines() do list[#list + 1] = path end
  end
  table.sort(list)
  return list
end

-- ---- texts of C ------------------------------------------------------------------------------

--- What a format says, with … for what varies; nil when there is nothing in it to search for.
local function shown(format)
  local text = format:gsub("%%%%", "\0"):gsub("%%[%-%d.*]*[hlzj]*[sduxcigf]", "…"):gsub("%z", "%%"):gsub('\\"', '"'):gsub("\\\\", "\\")
  text = text:gsub("\\n.*", ""):gsub("[;:]?%s*$", "")
  while text:find("……", 1, true) do text = text:gsub("……", "…") end
  return text:find("%a%a%a") and text or nil
end

--- The pieces of the literal of C at the beginning of `source` ("a" MACRO "b"), without their quotes.
local function literal(source)
  local pieces, at = {}, 1
  while true do
    local first, last = source:find('^%s*"[^"\\]*', at)
    if not first then break end
    while source:sub(last + 1, last + 1) == "\\" do last = select(2, source:find('^\\.[^"\\]*', last + 1)) end
    pieces[#pieces + 1] = source:sub(first, last):match('^%s*"(.*)$')
    at = source:match('^%s*[%u_]+()%s*"', last + 2) or last + 2
  end
  return table.concat(pieces)
end

--- { code = { text, … } } of all calls ork_err_set(err, ORK_ECODE, "text"…).
local function texts_by_code()
  local by_code = {}
  for _, path in ipairs(files("runtime", "bindings")) do
    local source = read(path)
    for call in source:gmatch("ork_err_set(%b())") do
      local code, rest = call:match("^%([^,]-,%s*ORK_(E%u+),%s*(.*)%)$")
      if rest and rest:find('^"') then
        local text = shown(literal(rest))
        by_code[code] = by_code[code] or {}
        if text then by_code[code][text] = true end
      end
    end
  end
  return by_code
end

-- ---- the page --------------------------------------------------------------------------------

--- Text as inline code, whatever backticks are in it; a `|` would end the cell of a table.
local function code(text, cell)
  text = text:gsub("\n.*", " …"):gsub("%s+$", "")
  local fence = text:find("`", 1, true) and "``" or "`"
  local pad = text:find("^`") or text:find("`$")
  return fence .. (pad and " " or "") .. (cell and text:gsub("|", "\\|") or text) .. (pad and " " or "") .. fence
end

local out = {
  "<!-- Made by `lua5.4 script/lib/messages.lua . >docs/messages.md`; do not edit. -->",
  "# Messages",
  "What Ork says when something is not as it should be, and what to do. `…` stands for what varies. The number is the\n"
    .. "[exit code](commands.md#exit-codes). Most messages say themselves what to do; where there is more to say, it stands below.",
}
for _, group in ipairs(messages) do
  out[#out + 1] = "## " .. group.title
  out[#out + 1] = (group.about:gsub(" tests/spec/%S+ has the text of every one of an option%.", ""))
  local lines = { "| message | | what to do |\n|---|---|---|" }
  local seen = {}
  for _, row in ipairs(group.rows) do
    if not seen[row.text] then
      seen[row.text] = true
      lines[#lines + 1] = ("| %s | %d | %s |"):format(code(row.text, true), row.exit, row.hint or "")
    end
  end
  out[#out + 1] = table.concat(lines, "\n")
end

out[#out + 1] = "## Codes"
out[#out + 1] = "In Lua an operation that fails returns `nil, message, code`; documents have the code too. These are all codes, with the texts that\n"
  .. "the engine has for each."
local by_code = texts_by_code()
for symbol, meaning, exit in read("runtime/include/ork/ork.h"):gmatch('X%(ORK_(E%u+), %-%d+, "E%u+", "(.-)", (%d+),') do
  out[#out + 1] = ("### %s: %s"):format(symbol, meaning)
  out[#out + 1] = ("%s Exit code %s."):format(messages.codes[symbol].hint, exit)
  local lines = {}
  for text in pairs(by_code[symbol] or {}) do lines[#lines + 1] = "- " .. code(text) end
  table.sort(lines)
  if #lines > 0 then out[#out + 1] = table.concat(lines, "\n") end
end
print(table.concat(out, "\n\n"))
