-- SPDX-License-Identifier: MIT
-- The migrations of both databases, read as text: the same names from ours on, and the same tables and columns at the end.
local root = os.getenv("ORK_ROOT") or "."

local function files_of(dir)
  local names = {}
  for name in io.popen(("ls '%s/%s'"):format(root, dir)):lines() do names[#names + 1] = name end
  return names
end

local function text_of(path)
  local f = assert(io.open(root .. "/" .. path))
  local text = f:read("a")
  f:close()
  return text
end

--- Splits at commas that stand in no bracket and no quote.
local function parts_of(list)
  local parts, depth, quoted, from = {}, 0, false, 1
  for i = 1, #list do
    local c = list:sub(i, i)
    if c == "'" then quoted = not quoted end
    if not quoted then
      if c == "(" then depth = depth + 1 end
      if c == ")" then depth = depth - 1 end
      if c == "," and depth == 0 then
        parts[#parts + 1] = list:sub(from, i - 1)
        from = i + 1
      end
    end
  end
  parts[#parts + 1] = list:sub(from)
  return parts
end

local not_a_column = { PRIMARY = true, UNIQUE = true, FOREIGN = true, CHECK = true, CONSTRAINT = true }

local function create(tables, name, body)
  tables[name] = {}
  for _, part in ipairs(parts_of(body)) do
    local column = part:match('^%s*"?([%w_]+)')
    if not not_a_column[column] then tables[name][column] = true end
  end
end

local function alter(tables, name, actions)
  local from, to = actions:match("^%s*RENAME COLUMN ([%w_]+) TO ([%w_]+)")
  local new_name = actions:match("^%s*RENAME TO ([%w_]+)")
  if new_name then
    tables[new_name], tables[name] = tables[name], nil
  elseif from then
    tables[name][from], tables[name][to] = nil, true
  else
    for _, part in ipairs(parts_of(actions)) do
      local added, dropped = part:match("^%s*ADD COLUMN ([%w_]+)"), part:match("^%s*DROP COLUMN ([%w_]+)")
      if added then tables[name][added] = true end
      if dropped then tables[name][dropped] = nil end
    end
  end
end

--- Tables and columns after all files of a folder, as sorted lines.
local function columns_after(dir)
  local tables = {}
  for _, file in ipairs(files_of(dir)) do
    local text = text_of(dir .. "/" .. file):gsub("%-%-[^\n]*", "")
    for statement in text:gmatch("[^;]+") do
      local name, body = statement:match("^%s*CREATE TABLE ([%w_]+) %((.*)%)[^)]*$")
      local altered, actions = statement:match("^%s*ALTER TABLE ([%w_]+)%s+(.*)$")
      local dropped = statement:match("^%s*DROP TABLE ([%w_]+)")
      if name then create(tables, name, body)
      elseif altered then alter(tables, altered, actions)
      elseif dropped then tables[dropped] = nil
      end
    end
  end
  local lines = {}
  for name, columns in pairs(tables) do
    for column in pairs(columns) do lines[#lines + 1] = name .. "." .. column end
  end
  table.sort(lines)
  return lines
end

describe("migrations", function()
  it("have the names that are fixed", function()
    assert.same({
      "001_init.sql", "002_add_executor_type.sql", "003_add_indexes.sql", "004_rename_executor_agnostic.sql",
      "005_add_dag_support.sql", "006_workflow_tasks.sql", "007_add_task_logs.sql", "008_add_task_retries_timeouts.sql",
      "009_add_workflow_schedules.sql", "010_add_pause_status.sql", "011_add_task_signatures.sql",
      "012_add_deferred_jobs.sql", "013_add_workflow_snapshots.sql", "014_workflow_snapshots_unique_hash.sql",
    }, { table.unpack(files_of("migrations"), 1, 14) })
    assert.same({
      "001_init.sql", "002_add_task_logs.sql", "003_add_task_retries_timeouts.sql", "004_add_workflow_schedules.sql",
      "005_add_pause_status.sql", "006_add_task_signatures.sql", "007_add_deferred_jobs.sql",
      "008_add_workflow_snapshots.sql", "009_workflow_snapshots_unique_hash.sql",
    }, { table.unpack(files_of("migrations_sqlite"), 1, 9) })
  end)

  it("come in pairs from ours on", function()
    local postgres, sqlite = files_of("migrations"), files_of("migrations_sqlite")
    for i = 10, #sqlite do
      assert.equal(("%03d"):format(i), sqlite[i]:sub(1, 3))
      assert.equal(("%03d"):format(i + 5) .. sqlite[i]:sub(4), postgres[i + 5])
    end
    assert.equal(#sqlite + 5, #postgres)
  end)

  it("end with the same tables and columns", function()
    local sqlite = columns_after("migrations_sqlite")
    assert.same(sqlite, columns_after("migrations"))
    assert.is_true(#sqlite > 150)
  end)
end)
