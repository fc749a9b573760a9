-- SPDX-License-Identifier: MIT
-- A document as a session at a terminal: its ```console blocks are commands (`$ …`) and what they print, other blocks
-- that follow a line with only a `file name` are files. A line `…` in an output stands for lines left out.
local readme = {}

--- Parses the text: a list of { file, text, line } and { command, output (lines), line }, in order; and the ```lua blocks
--- that are no files, { text, line }. Lines are those at which the block or the command stands.
function readme.parse(text)
  local steps, snippets, block, kind, before, number = {}, {}, nil, nil, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local fence = line:match("^```(%a*)$")
    if fence and not kind then
      kind, block = fence, { line = number }
    elseif fence == "" and kind then
      local file = kind ~= "console" and before and before:match("^`([%w_./-]+)`:?$")
      local content = table.concat(block, "\n") .. "\n"
      if file then
        steps[#steps + 1] = { file = file, text = content, line = block.line }
      elseif kind == "lua" then
        snippets[#snippets + 1] = { text = content, line = block.line }
      end
      kind, before = nil, nil
    elseif kind == "console" then
      local command = line:match("^%$ (.+)$")
      if command then
        steps[#steps + 1] = { command = command, output = {}, line = number }
      else
        local output = assert(steps[#steps], "a console block begins with a command").output
        output[#output + 1] = line
      end
    elseif kind then
      block[#block + 1] = line
    elseif line ~= "" then
      before = line
    end
  end
  return steps, snippets
end

--- A line without what differs from run to run: clock, ids, durations, the width of columns.
function readme.normal(line)
  line = line:gsub("%d%d%d%d%-%d%d%-%d%d", "DATE"):gsub("%d%d:%d%d:%d%d%.?%d*", "TIME")
  line = line:gsub("%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+", "UUID"):gsub("%f[%w]%x%x%x%x%x%x%x%x%f[%W]", "ID")
  line = line:gsub("%f[%w]%d+%.?%d*m?s%f[%W]", "TOOK"):gsub("%f[%w]%d+m TOOK", "TOOK")
  line = line:gsub("^ork %d+%.%d+%.%d+%S*", "ork VERSION")
  line = line:gsub("%f[%w]%d+%.?%d* [kKMG]B%f[%W]", "SIZE")
  line = line:gsub("19 tasks, 1 skipped", "19 tasks"):gsub("1%d/19", "N/19") -- the quickstart skips a task on tidy machines only
  return (line:gsub("%s+", " "):gsub(" $", ""))
end

local function normal_lines(lines)
  local normal, open = {}, false
  for _, line in ipairs(lines) do
    if line == "…" then open = true elseif line:find("%S") then normal[#normal + 1] = readme.normal(line) end
  end
  return normal, open
end

--- Is the output what the document shows? Lines of tasks that run at the same time come in any order. nil, or what differs.
function readme.differs(shown, printed)
  local wanted, open = normal_lines(shown)
  local got = normal_lines(printed)
  local left = {}
  for _, line in ipairs(got) do left[line] = (left[line] or 0) + 1 end
  for _, line in ipairs(wanted) do
    if (left[line] or 0) == 0 then return "is not printed: " .. line end
    left[line] = left[line] - 1
  end
  if open then return nil end
  for _, line in ipairs(got) do
    if left[line] > 0 then return "is not shown: " .. line end
  end
end

-- ---- mending a document (script/docs update) --------------------------------------------------

local ID = "%f[%w]%x%x%x%x%x%x%x%x%f[%W]"

--- What was printed, with the lines, and the names of runs, that were shown before wherever only times and names differ: so that a
--- page changes where its meaning does.
function readme.blend(shown, printed)
  local old, names, lines = {}, {}, {}
  for _, line in ipairs(shown) do
    local normal = readme.normal(line)
    old[normal] = old[normal] or {}
    table.insert(old[normal], line)
  end
  for i, line in ipairs(printed) do
    local same = old[readme.normal(line)]
    lines[i] = same and table.remove(same, 1) or line
    local was = lines[i]:gmatch(ID)
    for name in line:gmatch(ID) do names[name] = names[name] or was() end
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub(ID, names) end
  return lines
end

--- The text with other lines after some places (by_line: line of a command or of a block → lines), up to the next command or the end of the block.
function readme.rewrite(text, by_line)
  local out, number, skipping, inside = {}, 0, false, false
  for line in text:gmatch("(.-)\n") do
    number = number + 1
    local fence = line:find("^```")
    if fence then inside = not inside end
    if skipping and ((fence and not inside) or (inside and line:find("^%$ ") and skipping == "output")) then skipping = false end
    if not skipping then out[#out + 1] = line end
    if by_line[number] then
      table.move(by_line[number], 1, #by_line[number], #out + 1, out)
      skipping = fence and "file" or "output"
    end
  end
  return table.concat(out, "\n") .. "\n"
end

return readme
