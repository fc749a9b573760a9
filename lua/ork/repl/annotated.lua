-- SPDX-License-Identifier: MIT
-- What the annotations (lua/ork/meta*.lua) say about the functions of `ork`, for `help` at the prompt: the same words as in an
-- editor and in docs/reference.md. The program has their text compiled in; elsewhere they lie beside the modules.
local FILES = { "ork/meta.lua", "ork/meta_run.lua", "ork/meta_inline.lua" }

local function read(path)
  local ok, embedded = pcall(require, "ork.embedded")
  local text = ok and embedded(path)
  if text then return text end
  local found = package.searchpath(path:gsub("%.lua$", ""):gsub("/", "."), package.path)
  local file <close> = found and io.open(found) or nil
  return file and file:read("a") or ""
end

--- `---@param name? type text` and its kin as lines for people.
local function line_of(tag, rest)
  if tag == "param" then
    local name, optional, tail = rest:match("^(%S-)(%??)%s+(.*)$")
    return ("%s%s: %s"):format(name, optional == "?" and " (optional)" or "", tail)
  end
  return tag == "return" and "gives " .. rest or nil
end

local known -- name of a function → usage, text

local function parse()
  known = {}
  for _, file in ipairs(FILES) do
    local text, more = {}, {}
    for line in read(file):gmatch("[^\n]+") do
      local tag, rest = line:match("^%-%-%-@(%w+)%s*(.*)$")
      local words = line:match("^%-%-%-(.*)$")
      local name, args = line:match("^function ork%.([%w_]+)(%b())")
      if tag then
        more[#more + 1] = line_of(tag, rest)
      elseif words then
        text[#text + 1] = words
      else
        if name then
          table.move(more, 1, #more, #text + 1, text)
          known[name] = { ("ork.%s%s"):format(name, args), table.concat(text, "\n  ") }
        end
        text, more = {}, {}
      end
    end
  end
end

--- { usage, text } of ork.NAME, or nil.
return function(name)
  if not known then parse() end
  return known[name]
end
