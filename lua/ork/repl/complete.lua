-- SPDX-License-Identifier: MIT
-- TAB: names, fields of values, and between quotes names of tasks, runs, workflows, topics and files.
--
-- The law: looking has no effect. No function of the user is called, no __index of his; fields are followed only through
-- plain tables and Ork's own handles.
local core = require "ork.core"
local loader_files = core.files
local text = require "ork.cli.text"

local complete = {}

local MOST = 200 -- candidates shown

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do keywords[#keywords + 1] = word end

-- ---- where is the cursor ---------------------------------------------------------------------

--- The text before the cursor taken apart: the string that is open there (or nil), and the code before it.
local function open_string(before)
  local i = 1
  while i <= #before do
    local c = before:sub(i, i)
    if before:find("^%-%-", i) then return nil, nil, true end
    if c == '"' or c == "'" then
      local j = i + 1
      while j <= #before do
        local d = before:sub(j, j)
        if d == "\\" then j = j + 2 elseif d == c then break else j = j + 1 end
      end
      if j > #before then return before:sub(i + 1), before:sub(1, i - 1), false, c end
      i = j + 1
    else
      i = i + 1
    end
  end
  return nil, before, false
end

-- ---- values ----------------------------------------------------------------------------------

--- A field of a value without side effects, or nil.
local function field_of(value, key)
  if core.is_workflow(value) then
    if key == "params" or key == "name" then return value[key] end
    return core.methods[key]
  end
  if type(value) == "string" then return string[key] end
  if type(value) ~= "table" then return nil end
  for _ = 1, 10 do
    local found = rawget(value, key)
    if found ~= nil then return found end
    local meta = debug.getmetatable(value)
    if type(meta) ~= "table" then return nil end
    if meta.__name == "ork.workflows" then return meta.__index(value, key) end
    if type(meta.methods) == "table" and type(meta.fields) == "table" then
      if meta.methods[key] then return meta.methods[key] end
      local ok, got = pcall(function() return meta.fields[key] and value[key] end)
      return ok and got or nil
    end
    value = meta.__index
    if type(value) ~= "table" then return nil end
  end
end

--- A name at the prompt, without raising.
local function global(session, name)
  local value = rawget(session.env, name)
  if value == nil then value = session.helpers[name] end
  if value == nil then value = session.by_name[name] end
  if value == nil then value = _G[name] end
  return value
end

--- The value of "etl", "ork.json", "last_run.output", "workflows.etl"; of calls and indices: nil.
local function value_of(session, path)
  local value
  for name in path:gmatch("[%w_]+") do
    if value == nil then value = global(session, name) else value = field_of(value, name) end
    if value == nil then return nil end
  end
  return value
end

--- Adds the names of a table's text keys to a set.
local function add_keys(set, t, wanted)
  for key, value in next, t do
    if type(key) == "string" and key:find("^[%a_][%w_]*$") and (not wanted or wanted(value)) then set[key] = true end
  end
end

local function is_callable(value)
  return type(value) == "function" or type(value) == "table" and debug.getmetatable(value) ~= nil
end

--- Names of the fields of a value; only what can be called after a colon.
local function fields_of(session, value, colon)
  local set = {}
  local wanted = colon and is_callable or nil
  if core.is_workflow(value) then
    add_keys(set, core.methods)
    if not colon then set.name, set.params = true, true end
    return set
  end
  if type(value) == "string" then
    add_keys(set, string, wanted)
    return set
  end
  for _ = 1, 10 do
    if type(value) ~= "table" then break end
    local meta = debug.getmetatable(value)
    if value == session.workflows then
      add_keys(set, session:all_workflows())
      break
    end
    if type(meta) == "table" and type(meta.methods) == "table" and type(meta.fields) == "table" then
      add_keys(set, meta.methods)
      if not colon then add_keys(set, meta.fields) end
      break
    end
    add_keys(set, value, wanted)
    value = type(meta) == "table" and meta.__index or nil
  end
  return set
end

-- ---- between quotes --------------------------------------------------------------------------

local function add_tasks(set, which)
  local run = which
  if type(which) == "string" then
    local ork = require "ork"
    local ok, found = pcall(ork.find, which)
    run = ok and found or nil
  end
  local meta = type(run) == "table" and debug.getmetatable(run)
  if core.is_workflow(run) then
    for _, name in ipairs(core.task_names(run)) do set[name] = true end
  elseif meta and meta.__name == "ork.run" then
    local ok, list = pcall(run.tasks, run, { limit = 1000 })
    for _, task in ipairs(ok and list or {}) do set[task.name] = true end
  end
end

local function add_workflows(session, set)
  for name in pairs(session:all_workflows()) do set[name] = true end
end

local function add_runs(session, set)
  set.last = true
  add_workflows(session, set)
  local ok, list = pcall(session.engine.runs, session.engine, { limit = 50 })
  for _, run in ipairs(ok and list or {}) do
    set[run.workflow] = true
    set[text.short(run.id)] = true
  end
end

local function add_files(set, typed, only_lua)
  local folder, name = typed:match("^(.*/)([^/]*)$")
  folder, name = folder or "", name or typed
  for _, file in ipairs(loader_files(folder == "" and "." or folder) or {}) do
    if file:sub(1, #name) == name and (file:sub(1, 1) ~= "." or name:sub(1, 1) == ".") then
      local kind = core.sys.stat(folder .. file)
      if kind == "folder" then set[folder .. file .. "/"] = true
      elseif not only_lua or file:find("%.lua$") then set[folder .. file] = true end
    end
  end
end

local statuses = { "pending", "running", "paused", "success", "failed", "cancelled", "skipped" }

local of_runs = { show = true, tasks = true, logs = true, why = true, output = true, cancel = true, pause = true, resume = true,
  retry = true, rerun = true, find = true }

--- What may stand in a string that is open behind `code`.
local function in_string(session, code, typed)
  local set = {}
  local call = code:match("([%w_.:]+)%s*%(?%s*$")
  local path, method = (call or ""):match("^(.+)[:.]([%w_]+)$")
  method = method or call
  if code:find("workflow%s*=%s*$") then
    add_workflows(session, set)
  elseif code:find("status%s*=%s*{?[^}]*$") and code:find("status%s*=[^,;)]*$") then
    for _, status in ipairs(statuses) do set[status] = true end
  elseif code:find("from%s*=%s*$") or code:find("task%s*=%s*$") then
    local which = code:match("%a+%s*%(%s*([%w_.]+)%s*[,)]") or code:match("([%w_.]+)%s*:%s*retry")
    add_tasks(set, which and value_of(session, which) or session.last_run or "last")
  elseif method == "task" and path then
    local value = value_of(session, path)
    if not core.is_workflow(value) then add_tasks(set, value) end
  elseif code:find("depends_on%s*=%s*{?[^}]*$") then
    local owner = code:match("([%w_.]+):task%s*%(") or code:match("([%w_.]+):finally%s*%(")
    add_tasks(set, owner and value_of(session, owner))
  elseif method == "help" then
    local help = require "ork.repl.help"
    for name in pairs(help.entries) do set[name] = true end
    for _, topic in ipairs(require "ork.cli.topics") do set[topic.name] = true end
  elseif method == "runs" then
    add_workflows(session, set)
  elseif (method == "find" or not path) and of_runs[method or ""] then
    add_runs(session, set)
  elseif method == "require" then
    local files = {}
    add_files(files, typed, true)
    for file in pairs(files) do set[(file:gsub("%.lua$", ""))] = true end
  elseif method == "load" or method == "dofile" or method == "loadfile" or method == "read" or method == "open" then
    add_files(set, typed, method ~= "read" and method ~= "open")
  else
    local name, first = code:match("([%w_]+)%s*%(%s*([^,()]+),%s*$")
    if of_runs[name or ""] then
      local literal = first:match("^%s*[\"'](.*)[\"']%s*$")
      add_tasks(set, literal or value_of(session, first))
    end
  end
  return set
end

--- Params of a workflow: etl:start{ d<TAB>.
local function params_at(session, before)
  local path = before:match("([%w_.]+):start%s*%(?%s*{[^{}]*$") or before:match("([%w_.]+):run%s*%(?%s*{[^{}]*$")
  local value = path and value_of(session, path)
  if not core.is_workflow(value) or before:find("=%s*[%w_.]*$") then return nil end
  local options = core.json.decode((core.options_json(value))) or {}
  local set = {}
  for name in pairs(options.params or {}) do set[name .. " = "] = true end
  return next(set) and set or nil
end

-- ---- candidates ------------------------------------------------------------------------------

local function matching(set, word)
  local list = {}
  for name in pairs(set) do
    if name:sub(1, #word) == word then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- The word before the cursor and what it may become, sorted; and what closes it when there is only one.
function complete.candidates(session, before)
  local typed, code, comment, quote = open_string(before)
  if comment then return "", {} end
  if typed then return typed, matching(in_string(session, code, typed), typed), quote end

  local params = params_at(session, before)
  local word = before:match("[%a_][%w_]*$") or ""
  if params then
    local list = matching(params, word)
    if #list > 0 then return word, list end
  end
  local path, separator = before:match("([%a_][%w_.]*)([.:])[%w_]*$")
  if separator then
    local value = value_of(session, path)
    return word, matching(fields_of(session, value, separator == ":"), word)
  end
  if before:find("[.:)%]}\"'][%w_]*$") and before:find("[.:][%w_]*$") or word == "" then return word, {} end
  local set = {}
  for _, t in ipairs({ session.env, session.helpers, session:all_workflows(), _G }) do add_keys(set, t) end
  for _, keyword in ipairs(keywords) do set[keyword] = true end
  return word, matching(set, word)
end

local function common_prefix(list)
  local prefix = list[1]
  for i = 2, #list do
    while list[i]:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  while prefix ~= "" and not utf8.len(prefix) do prefix = prefix:sub(1, -2) end
  return prefix
end

--- Names in columns.
local function in_columns(list, width)
  local widest = 0
  for _, name in ipairs(list) do widest = math.max(widest, text.columns(name)) end
  local per_line = math.max(1, width // (widest + 2))
  local rows, lines = math.ceil(#list / per_line), {}
  for r = 1, rows do
    local parts = {}
    for c = 0, per_line - 1 do
      local name = list[c * rows + r]
      if name then parts[#parts + 1] = name .. (" "):rep(widest - text.columns(name)) end
    end
    lines[r] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- For the editor: the line and the cursor in bytes → what to insert, what to show above; both nil: nothing fits.
function complete.at(session, line, cursor)
  local before, after = line:sub(1, cursor), line:sub(cursor + 1)
  local word, list, quote = complete.candidates(session, before)
  if #list == 0 then return nil, nil end
  local prefix = common_prefix(list)
  local rest = prefix:sub(#word + 1)
  if #list == 1 and quote and after:sub(1, 1) ~= quote and not prefix:find("/$") then rest = rest .. quote end
  if rest ~= "" then return rest, nil end
  if #list == 1 then return nil, nil end
  local shown = #list > MOST and table.move(list, 1, MOST, 1, {}) or list
  local term = require "ork.term"
  local lines = in_columns(shown, term.width() or 80)
  if #list > MOST then lines = ("%s\n… %d more"):format(lines, #list - MOST) end
  return nil, term.escape(lines)
end

return complete
