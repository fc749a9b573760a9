-- SPDX-License-Identifier: MIT
-- What may stand at the end of a half-typed command line. The law: it only looks. No script is run, no database is made or
-- changed, and what cannot be read has no candidates.
--
-- A candidate is { word, text, more }: text says what it is, more that the word goes on (`day=`). What may be completed is
-- read from the commands' usages and options: RUN, TASK, NAME, SCRIPT, name=value, or words to choose from.
local args = require "ork.cli.args"
local commands = require "ork.cli.commands"

local MOST_RUNS, MOST_TASKS, MOST_SCHEDULES = 50, 2000, 1000

local complete = {}

-- ---- the database ----------------------------------------------------------------------------

--- The engine of what is typed so far, opened once for reading; false when there is none.
local function engine_of(state)
  if state.engine == nil then
    state.engine = require("ork.database").open({
      url = state.options.db, data_dir = state.options.data, read = true, log_level = 0,
    }) or false
  end
  return state.engine
end

local function runs_of(state)
  local engine = engine_of(state)
  return engine and engine:runs({ limit = MOST_RUNS }) or {}
end

local finders = {}

function finders.WORKFLOW(state, add)
  local engine, seen = engine_of(state), {}
  local applied = engine and engine.workflows and engine:workflows()
  for _, workflow in ipairs(applied or {}) do
    local name = workflow.name or workflow.workflow
    if name then seen[name] = true add(name, workflow.description or "workflow") end
  end
  for _, run in ipairs(runs_of(state)) do
    if not seen[run.workflow] then
      seen[run.workflow] = true
      add(run.workflow, "workflow")
    end
  end
end

function finders.RUN(state, add)
  local list = runs_of(state)
  if #list == 0 then return end
  local text = require "ork.cli.text"
  add("last", "the newest run")
  for _, run in ipairs(list) do
    add(text.short(run.id), ("%s, %s, %s"):format(run.workflow, run.status, text.time(run.started_at or run.created_at)))
  end
  finders.WORKFLOW(state, add)
end

--- The run that is named before: the first word after the command; for a script, the newest run of its workflow.
local function named_run(state)
  local engine, name = engine_of(state), state.words[1]
  if state.script and not name then
    local workflows = require "ork.cli.outline"(state.script)
    name = #workflows == 1 and workflows[1].name
  end
  return engine and name and engine:find(name) or nil
end

function finders.TASK(state, add)
  for _, workflow in ipairs(state.script and require "ork.cli.outline"(state.script) or {}) do
    if not state.words[1] or workflow.name == state.words[1] then
      for _, name in ipairs(workflow.tasks) do add(name, "task") end
    end
  end
  local id = named_run(state)
  for _, task in ipairs(id and state.engine:tasks(id, { limit = MOST_TASKS }) or {}) do add(task.name, task.status) end
end

finders["T.input=JSON"] = function(state, add)
  finders.TASK(state, function(name, text) add(name .. ".input=", text, true) end)
end

--- The params of an applied workflow.
local function params_of_workflow(state)
  local engine, core = engine_of(state), require "ork.core"
  local name, version = (state.words[1] or ""):match("^([^@]*)@?(%d*)$")
  local workflow = engine and name and engine:workflow(name, math.tointeger(tonumber(version)))
  local options, list = workflow and core.json.decode(core.options_json(workflow)), {}
  for param, spec in pairs(options and options.params or {}) do
    list[#list + 1] = { name = param, type = spec.type, choices = spec.choices, description = spec.description }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local OF_WORKFLOWS = { run = true, trigger = true, backfill = true, plan = true } -- commands whose NAME is an applied workflow

--- What is known about params: of the script or the applied workflow that is named, or those that the named run has.
local function params_of(state)
  local script = state.script or (state.words[1] or ""):find("%.lua$") and state.words[1]
  if script then
    local name, list = state.words[state.script and 1 or 2], {}
    local workflows = require "ork.cli.outline"(script)
    for _, workflow in ipairs(workflows) do
      if #workflows == 1 or not name or workflow.name == name then
        table.move(workflow.params, 1, #workflow.params, #list + 1, list)
      end
    end
    return list
  end
  if OF_WORKFLOWS[state.command.name] then return params_of_workflow(state) end
  local id, list = named_run(state), {}
  local run = id and state.engine:run(id)
  for name, value in pairs(run and run.params or {}) do list[#list + 1] = { name = name, description = "was " .. tostring(value) } end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

finders["name=value"] = function(state, add)
  local typed = state.word:match("^([%w_][%w_.-]*)=")
  for _, param in ipairs(params_of(state)) do
    if typed ~= param.name then
      if not typed and not state.params[param.name] then
        add(param.name .. "=", param.description or type(param.type) == "string" and param.type or "param", true)
      end
    elseif param.choices then
      for _, choice in ipairs(param.choices) do add(typed .. "=" .. tostring(choice), param.description) end
    elseif param.type == "bool" then
      for _, choice in ipairs({ "true", "false" }) do add(typed .. "=" .. choice) end
    elseif param.type == "date" then
      for _, choice in ipairs({ "today", "yesterday" }) do add(typed .. "=" .. choice) end
    end
  end
end

local function add_schedules(state, add)
  local engine = engine_of(state)
  for _, each in ipairs(engine and engine:schedules({ limit = MOST_SCHEDULES }) or {}) do
    add(each.workflow, each.enabled and "schedule, on" or "schedule, off")
  end
end

--- NAME after a script is one of its workflows, elsewhere one of the database; that of `ork pool` is a pool, that of
--- `ork schedule` a workflow with a schedule.
function finders.NAME(state, add)
  if state.command and state.command.name == "schedule" then return add_schedules(state, add) end
  if state.command and state.command.name == "pool" then
    local engine = engine_of(state)
    for _, pool in ipairs(engine and engine:pools() or {}) do add(pool.name, "pool") end
    return
  end
  local script = state.script or (state.words[1] or ""):find("%.lua$") and state.words[1]
  if not script then return finders.WORKFLOW(state, add) end
  local workflows = require "ork.cli.outline"(script)
  if #workflows > 1 then
    for _, workflow in ipairs(workflows) do add(workflow.name, workflow.description or "workflow") end
  end
end

--- Names, and behind an @ the versions of the one that stands before it.
finders["NAME@VERSION"] = function(state, add)
  local name, engine = state.word:match("^(.+)@"), engine_of(state)
  if not name then return finders.WORKFLOW(state, add) end
  for _, version in ipairs(engine and engine:versions(name) or {}) do
    add(("%s@%d"):format(name, version.version), version.current and "current" or "version")
  end
end

function finders.VERSION(state, add)
  local engine = engine_of(state)
  for _, version in ipairs(engine and state.words[1] and engine:versions(state.words[1]) or {}) do
    add(tostring(version.version), version.current and "current" or "version")
  end
end

function finders.SCRIPT(state) state.files = "lua" end
function finders.F(state) state.files = "any" end
function finders.DIR(state) state.files = "folders" end
finders.FILE, finders.URL, finders.FROM, finders.TO = finders.F, finders.F, finders.F, finders.F

function finders.COMMAND(_, add)
  for _, row in ipairs(commands) do add(row[1], row[3]) end
end

function finders.TOPIC(_, add)
  for _, topic in ipairs(require "ork.cli.topics") do add(topic.name, topic.title) end
end

finders.T = finders.TASK
function finders.FILTER() end -- stands for options
function finders.SLOTS() end
function finders.N() end

-- ---- what stands where -----------------------------------------------------------------------

--- The positions of a usage behind its first word: { { { "SCRIPT", "NAME" }, many = bool }, … }; options are left out.
function complete.positions(usage)
  usage = usage:gsub("^%S+%s*", "", 1):gsub("%s*|%s*", "|"):gsub("%[%-[^%]]*%]", ""):gsub("%[name=value %.%.%.%]", "")
    :gsub("%f[%S]%-%-[%l-]+ %u+", "") -- options that must be given
  local list = {}
  for word in usage:gmatch("[^%s%[%]]+") do
    local plain = word:gsub("%.%.%.", "")
    local many = plain ~= word
    word = plain
    if not word:find("^%-") then
      local kinds = { many = many }
      for kind in word:gmatch("[^|]+") do kinds[#kinds + 1] = kind end
      list[#list + 1] = kinds
    end
  end
  return list
end

local function add_kind(state, kind, add)
  if finders[kind] then
    finders[kind](state, add)
  elseif not kind:find("%u") and kind:find("^[%w-]+$") then
    add(kind)
  end
end

--- Can candidates be found for a kind of a usage? For tests.
function complete.knows(kind) return finders[kind] ~= nil or not kind:find("%u") end

local function rows_of(command)
  local rows = table.move(args.globals, 1, #args.globals, 1, {})
  return table.move(command and command.options or {}, 1, #(command and command.options or {}), #rows + 1, rows)
end

local function find_row(rows, word)
  local name = word:match("^%-%-([^=]+)")
  for _, row in ipairs(rows) do
    if name and row[1] == name or not name and row.short and word == "-" .. row.short then return row end
  end
end

local function option_values(state, row, prefix, add)
  local function value(word, text, more) add(prefix .. word, text, more) end
  if row.choices then
    for _, choice in ipairs(row.choices) do value(choice) end
  elseif finders[row[2]] then
    finders[row[2]](state, value)
  end
end

local function option_names(state, rows, add)
  for _, row in ipairs(rows) do
    if row.many or not state.given[row[1]] then add("--" .. row[1], row[3]) end
  end
end

--- Reads what stands before the last word, forgiving everything. state: command, script, options (texts), words, params,
--- given (option names), row (an option that waits for its value), only_words.
local function read(list)
  local state = { options = {}, words = {}, params = {}, given = {}, word = list[#list] }
  local i = 2
  while i < #list do
    local word = list[i]
    local row = not state.only_words and word:find("^%-.") and find_row(rows_of(state.command), word)
    if word == "--" then
      state.only_words = true
    elseif row then
      state.given[row[1]] = true
      local value = word:match("^%-%-[^=]+=(.*)$")
      if row[2] and not value then
        i = i + 1
        value = list[i]
        if i >= #list then state.row = row end
      end
      state.options[row[1]] = value
    elseif state.only_words or not word:find("^%-.") then
      local param = word:match("^([%w_][%w_.-]*)=")
      if not state.command then
        local is_command = false
        for _, each in ipairs(commands) do is_command = is_command or each[1] == word end
        if not is_command then state.script = word end
        state.command = require("ork.cli." .. (is_command and word or "script"))
      elseif param and state.command.params then
        state.params[param] = true
      else
        state.words[#state.words + 1] = word
      end
    end
    i = i + 1
  end
  return state
end

local function positional(state, add)
  if not state.command then
    finders.COMMAND(state, add)
    return finders.SCRIPT(state)
  end
  local positions = complete.positions(state.command.usage)
  local at = #state.words + 1
  for _, kind in ipairs(positions[at] or {}) do
    if kind:find("^%-%-") and state.given[kind:sub(3)] then at = at + 1 end -- NAME|--all, and it is --all
  end
  local kinds = positions[at] or (#positions > 0 and positions[#positions].many and positions[#positions]) or {}
  for _, kind in ipairs(kinds) do add_kind(state, kind, add) end
  if state.command.params then finders["name=value"](state, add) end
end

--- Candidates for the last of `list`, the words of a command line (the first is the program), and which files may stand
--- there too: "lua", "any", "folders" or nil.
function complete.candidates(list)
  local state = read(list)
  local word, found, seen = state.word, {}, {}
  local function add(candidate, text, more)
    if candidate:sub(1, #word) == word and not seen[candidate] then
      seen[candidate] = true
      found[#found + 1] = { word = candidate, text = text, more = more }
    end
  end
  local rows = rows_of(state.command)
  local equals = not state.only_words and word:match("^(%-%-[^=]+=)")
  if state.row then
    option_values(state, state.row, "", add)
  elseif equals then
    local row = find_row(rows, word)
    if row and row[2] then option_values(state, row, equals, add) end
    state.files = nil
  elseif not state.only_words and word:find("^%-") then
    option_names(state, rows, add)
  else
    positional(state, add)
  end
  if state.engine then state.engine:close() end
  return found, state.files
end

return complete
