-- SPDX-License-Identifier: MIT
-- Mistakes of scripts: { code, file, line, text, hint }. C collects them with the call and the way to the key; here the
-- key's own place is found (column and length, in bytes, where it can be) and they become text.
local core = require "ork.core"
local source = require "ork.source"
require "ork.place"

local problems = {}

local MOST_PLACES = 200 -- mistakes whose column is looked for
local MOST_SHOWN = 20 -- mistakes that are printed; nobody reads more at once

-- Texts of scripts by the name users know, as they were loaded.
local texts = {}

--- Remembers the text of a script or module that was loaded.
function problems.remember(file, text)
  texts[file] = text
end

local function text_of(file)
  if texts[file] == nil then
    local f = io.open(file, "rb")
    texts[file] = f and source.blank(f:read("a")) or false
    if f then f:close() end
  end
  return texts[file]
end

--- A loop makes the same mistake for many tasks: one is told, the others are counted.
local function fold(list)
  local kept, first = {}, {}
  for _, p in ipairs(list) do
    local subject = p.name and ("`%s`"):format(p.name)
    local at = subject and p.text:find(subject, 1, true)
    local key = at and table.concat({ p.file, p.line, p.path or "", p.text:sub(1, at), p.text:sub(at + #subject), p.hint or "" }, "\0")
    if key and first[key] then
      first[key].others = (first[key].others or 0) + 1
    else
      if key then first[key] = p end
      kept[#kept + 1] = p
    end
  end
  for _, p in ipairs(kept) do
    if p.others then
      p.text = ("%s (and %d more %s)"):format(p.text, p.others, p.others == 1 and "task" or "tasks")
      p.others = nil
    end
  end
  return kept
end

--- Text that any terminal and JSON can take: bytes that are no UTF-8 and control characters are shown as \xNN.
local function clean(text)
  if not text then return nil end
  local parts, i = {}, 1
  local function escape(c) return ("\\x%02x"):format(c:byte()) end
  while i <= #text do
    local good, bad = utf8.len(text, i)
    local last = good and #text or bad - 1
    parts[#parts + 1] = text:sub(i, last):gsub("[\0-\8\11-\31\127]", escape)
    if last < #text then parts[#parts + 1] = escape(text:sub(last + 1, last + 1)) end
    i = last + 2
  end
  return table.concat(parts)
end

--- Finds each key's own line; what only the search needs is dropped. A list sorted by place.
function problems.resolve(list)
  list = fold(list)
  for i, p in ipairs(list) do
    local text = p.path and p.path ~= "" and p.file and text_of(p.file)
    local start
    if text then
      local line
      line, start = source.find_key(text, p.line, p.call, p.name, p.path)
      p.line = line or p.line
    end
    text = text or p.file and (p.line or 0) > 0 and text_of(p.file)
    if text and i <= MOST_PLACES then require("ork.excerpt").place(p, text, start) end
    p.text, p.hint = clean(p.text), clean(p.hint)
    p.order, p.path, p.call, p.name, p.value, p.value_at, p.value_length = i, nil, nil, nil, nil, nil, nil
  end
  table.sort(list, function(a, b)
    if (a.file or "") ~= (b.file or "") then return (a.file or "") < (b.file or "") end
    if (a.line or 0) ~= (b.line or 0) then return (a.line or 0) < (b.line or 0) end
    return a.order < b.order
  end)
  for _, p in ipairs(list) do p.order = nil end
  return list
end

--- One line for one mistake: `pipeline.lua:14: unknown option `retires`; did you mean `retries`?`
function problems.line(p, mark)
  local where = p.file and (p.line and p.line > 0 and ("%s:%d: "):format(p.file, p.line) or p.file .. ": ") or ""
  return where .. (mark or "") .. p.text .. (p.hint and "; " .. p.hint or "")
end

--- All of them, a line each.
function problems.text(list)
  local lines = {}
  for i, p in ipairs(list) do lines[i] = problems.line(p) end
  return table.concat(lines, "\n")
end

--- For people: the first ones with the line of the script they are in, the rest counted. mark: before each text.
function problems.report(list, mark)
  local lines = {}
  for i = 1, math.min(#list, MOST_SHOWN) do
    local p = list[i]
    local text = p.file and p.column and text_of(p.file)
    lines[#lines + 1] = problems.line(p, mark)
    lines[#lines + 1] = text and require("ork.excerpt").of(p, text) or nil
  end
  if #list > MOST_SHOWN then lines[#lines + 1] = ("and %d more; `ork validate --json` lists them all"):format(#list - MOST_SHOWN) end
  return table.concat(lines, "\n")
end

--- The text that `run`, `start` and `validate` raised last for a workflow: all its mistakes together.
problems.raised = nil

core.on_problems(function(list)
  local mistakes = {}
  for _, p in ipairs(list) do
    if not p.warning then mistakes[#mistakes + 1] = p end
  end
  problems.raised = problems.text(problems.resolve(mistakes))
  return problems.raised
end)

return problems
