-- SPDX-License-Identifier: MIT
-- help, help(x), help "retry": what there is at the prompt, in few words. Printed as a value: `help` alone shows it.
local annotated = require "ork.repl.annotated"
local core = require "ork.core"

local OVERVIEW = [[
Lua, with `ork` and the script's workflows at hand. A value is printed; `_` is the last one. An unfinished statement goes on in the
next line, Ctrl-C clears it, Ctrl-D ends. TAB completes names, fields, and names of tasks and runs between quotes.

  etl:start{ day = "2026-11-01" }   start a run and go on typing     etl:run{ … }   start it and wait
  runs()  runs{ status = "failed" } the runs there are               workflows      those of the script
  show(RUN)  show(RUN, TASK)        in full                          tasks(RUN)     its tasks
  logs(RUN, TASK)                   what it wrote                    why(RUN, TASK) what it waits for
  cancel(RUN) pause(RUN) resume(RUN) retry(RUN) rerun(RUN)           reload()       load the script again

RUN is what start gave, the beginning or end of an id, a workflow (its newest run), "last", or nothing: the newest run.
More: help "retry", help(etl), help(ork.date)]]

-- name → usage, text
local entries = {
  runs = { 'runs([workflow][, { status = "failed", since = "2d", limit = 20 }])', "Lists runs, newest first." },
  tasks = { 'tasks([run][, { status = "failed", limit = 20 }])', "Lists the tasks of a run." },
  show = { "show([run[, task]])", "Shows a run, or one of its tasks with output and attempts." },
  logs = { 'logs([run[, task]][, { tail = 20, attempt = 1, failed = true, follow = true }])',
    "Shows what tasks wrote; without a task, the failed ones of a finished run or the running ones. Ctrl-C ends following." },
  output = { "output([run[, task]])", "The output of a run or task." },
  status = { "status()", "What runs, waits and failed." },
  why = { "why([run[, task]])",
    "Says what exactly a run or task waits for; without a run, everything that waits. ork.why gives it as a table." },
  cancel = { "cancel([run…])", "Stops runs: what they have running is killed, what has not started never will be." },
  pause = { "pause([run…])", "Starts no new tasks of these runs; what runs may finish." },
  resume = { "resume([run])", "Goes on with a paused run, or takes over one whose program died." },
  retry = { 'retry([run][, { from = "task", task = "task" }])',
    "Runs failed and skipped tasks again; with `from` that task and all after it, with `task` that one. "
      .. "Returns the run at once; progress is shown." },
  rerun = { 'rerun([run][, { params = { … }, from = "task" }])', "A new run with the params of an old one, changed as given." },
  find = { "find([name])", "The run that is meant by a name, as a handle: find(\"last\").status, find(\"etl~1\"):task(\"load\").output" },
  reload = { "reload()", "Loads the script again: new runs have the new definition, what you defined here stays." },
  workflows = { "workflows",
    "The workflows of the script and those made here, by name; those whose name is a name in Lua are there without it. "
      .. "workflows() lists those that the database keeps (ork apply)." },
  applied = { "applied()",
    "The workflows that the database keeps, as `ork workflows` lists them; versions(\"etl\") lists the versions of one." },
  versions = { "versions(NAME[, VERSION[, VERSION]])", "The versions of an applied workflow, and how they differ." },
  start = { 'etl:start([params[, { key = "k", priority = 5, at = "2026-11-01" }]])',
    "Starts a run and returns its handle at once; it works while you type." },
  run = { "etl:run([params[, options]])", "Starts a run and waits for its end; Ctrl-C ends the waiting, not the run." },
  wait = { 'run:wait(["5m"])', 'Waits for the end and returns its status; or nil, "timeout", "ETIMEDOUT".' },
  task = { 'run:task("clean"[, 17])', "One task of a run: .status .output .input .error .attempts, :log()" },
  ["ork.why"] = { "ork.why([run[, task]])", "What it waits for, as a table: { run, workflow, status, reasons, advice }." },
  ["ork.runs"] = { 'for run in ork.runs{ workflow = "etl", status = "failed", since = "2d", limit = 20 } do … end',
    "Runs, newest first, as handles." },
  ["ork.find"] = { 'ork.find("last")', "The run that a name means, or nil, message, code." },
  ["ork.workflow"] = { 'ork.workflow("name", { params = { day = "date" }, defaults = { retries = 2 } })',
    "A new workflow; w:task(name, options) adds to it. Typed here it is in `workflows`." },
  ["ork.date"] = { 'ork.date("-1d"[, format])', "The run's logical time plus an offset, for params and commands." },
  ["ork.format"] = { 'ork.format("--day=%s", etl.params.day)', "string.format that takes references." },
  ["ork.secret"] = { 'ork.secret("NAME")', "A secret, for `env` of a task." },
  ["ork.open"] = { 'ork.open("sqlite:other.db")', "Another database: db:start(etl, …), db:runs{ … }, db:find(name)." },
  ["ork.optional"] = { 'ork.optional{ rows = "int" }', "A type that also takes null; for a word, \"int?\" is the same." },
  ["ork.load"] = { 'ork.load("etl.lua")', "The workflows of another script." },
  locals = { "local x = 1", "A local outside of a block would be gone in the next line, so it becomes a global of this session." },
  exit = { "exit()",
    "Ends the prompt, as Ctrl-D does. Runs that still work are asked about: cancel them, wait, or leave them to be resumed." },
  _ = { "_", "The last value that was shown." },
}
entries["ork.start"], entries["ork.run"], entries.quit = entries.start, entries.run, entries.exit

local function entry_text(entry) return entry[1] .. "\n  " .. entry[2] end

local function all_names()
  local list = {}
  for name in pairs(entries) do list[#list + 1] = name end
  for _, row in ipairs(require "ork.cli.commands") do list[#list + 1] = row[1] end
  for _, topic in ipairs(require "ork.cli.topics") do list[#list + 1] = topic.name end
  table.sort(list)
  return list
end

local function topic_text(name)
  for _, topic in ipairs(require "ork.cli.topics") do
    if topic.name == name then return topic.title .. "\n\n" .. topic.text end
  end
end

local function on_name(name)
  local entry = entries[name] or entries["ork." .. name] or annotated(name:match("^ork%.(%w+)$") or name)
    or entries[name:match("^%w+[.:](%w+)$")]
  if entry then return entry_text(entry) end
  local topic = topic_text(name)
  if topic then return topic end
  for _, row in ipairs(require "ork.cli.commands") do
    if row[1] == name then return ("ork %s\n  %s (a command of the shell)"):format(row[2], row[3]) end
  end
  local near = core.suggest(name, all_names())
  return ("no help on `%s`%s"):format(name, near and ("; did you mean `%s`?"):format(near) or "; `help` shows what there is")
end

--- Sorted names of a handle's methods and fields, from its metatable.
local function handle_text(value, meta)
  local methods, fields = {}, {}
  for name in pairs(meta.methods) do methods[#methods + 1] = ":" .. name end
  for name in pairs(meta.fields) do fields[#fields + 1] = "." .. name end
  table.sort(methods)
  table.sort(fields)
  return ("%s\n  %s\n  %s"):format(tostring(value), table.concat(fields, " "), table.concat(methods, " "))
end

local help = { entries = entries }
local meta = { __name = "ork.help", __index = help }

--- The name under which a value is explained.
local function name_of(value, session_helpers)
  for name in pairs(entries) do
    local ork = require "ork"
    local field = name:match("^ork%.(%w+)$")
    if field and rawget(ork, field) == value then return name end
    if session_helpers and session_helpers[name] == value then return name end
  end
end

local helpers

--- The helpers of the session, to find one by its value.
function help.use(table_of_helpers) helpers = table_of_helpers end

--- The text about a value, or the name of something.
function help.about(value)
  if type(value) == "string" then return on_name(value) end
  if value == nil then return OVERVIEW end
  if core.is_workflow(value) then
    local text = require("ork.cli.definition").describe(value, "SCRIPT", true)
    local methods = "\n\n  %s:start{ … }  :run{ … }  :task(name, { … })  :finally(…)  :validate()  .name  .params"
    return text:gsub("^[^\n]*\n\n", "") .. methods:format(value.name)
  end
  local name = name_of(value, helpers)
  if name then return entry_text(entries[name]) end
  local own = type(value) == "table" and getmetatable(value)
  if type(own) == "table" and own.methods and own.fields then return handle_text(value, own) end
  for key, own_value in next, require "ork" do
    local entry = type(value) == "function" and rawequal(own_value, value) and annotated(key)
    if entry then return entry_text(entry) end
  end
  if value == require "ork" then
    local list = {}
    for key in next, value do list[#list + 1] = "ork." .. key end
    table.sort(list)
    return table.concat(list, "  ") .. '\nhelp "ork.date" explains one'
  end
  if type(value) == "function" then
    local info = debug.getinfo(value, "S")
    return info.what == "C" and "a function that is built in" or ("a function defined in %s:%d"):format(info.short_src, info.linedefined)
  end
  return "a " .. type(value)
end

function meta.__call(_, ...)
  if select("#", ...) > 0 and (...) == nil then
    require("ork.term").out("nil: no value. `help` alone shows what there is")
  else
    require("ork.term").out(help.about((...)))
  end
end

function meta.__tostring() return OVERVIEW end

return setmetatable({}, meta)
