-- SPDX-License-Identifier: MIT
-- The messages that people meet: what they say, what brings them about, what to do. docs/messages.md is made from this
-- (script/lib/messages.lua) and tests/spec/messages_spec.lua plays every row.
--
-- A row: text as it is printed (`…` for what varies), exit code, and ork = the words of a command line, in a folder that
-- has `etl.lua` (applied; its newest run failed), `two.lua` (two workflows) and `other.lua`. script: the text of s.lua.
-- files: path → text. env: variables. hint: what to do, where the message does not say it all.
local messages = {}

local function words(line)
  local list = {}
  for word in line:gmatch("%S+") do list[#list + 1] = word end
  return list
end

local function group(title, about, rows)
  for _, row in ipairs(rows) do
    if type(row.ork) == "string" then row.ork = words(row.ork) end
  end
  messages[#messages + 1] = { title = title, about = about, rows = rows }
end

-- ---- the command line ------------------------------------------------------------------------

group("Words and options", "Nothing was looked at or changed yet.", {
  { text = "no command and no file `…`; did you mean `…`?", exit = 2, ork = "statsu" },
  { text = "no command and no file `…`; `ork help` lists the commands", exit = 2, ork = "zzzzzz" },
  { text = "no command and no file `…`; did you mean `….lua`?", exit = 2, ork = "etl" },
  { text = "no command and no file `…`; to run a script: ork …", exit = 2, ork = "execute etl.lua" },
  { text = "no command and no file `…`; did you mean `….lua`?", exit = 2, ork = "other.lau" },
  { text = "--… is written after the script: ork … --…", exit = 2, ork = "--resume etl.lua" },
  { text = "…: no such script; did you mean …?", exit = 2, ork = "elt.lua" },
  { text = "`…` is a folder; name a script in it", exit = 2, ork = "folder" },
  { text = "ork … has no option --…; did you mean --…?\nsee: ork …", exit = 2, ork = "runs --statuz failed" },
  { text = "ork … has no option --…; params are words: …=…\nsee: ork … --help", exit = 2, ork = "etl.lua --zzday=2026-11-01" },
  { text = "ork … has no option --…; what it would do: ork plan …", exit = 2, ork = "etl.lua --dry-run" },
  { text = "ork … has no option --…; write --…\nsee: ork … --help", exit = 2, ork = "backfill etl --start-date 2026-11-01" },
  { text = "ork … has no option --…; params are words: day=2026-11-01, or a JSON file: --params-file F\nsee: ork … --help", exit = 2, ork = "trigger etl --conf {}" },
  { text = "ork … has no option -…; tasks that do not need what failed go on anyway\nsee: ork … --help", exit = 2, ork = "etl.lua -k" },
  { text = "no command and no file `…`; did you mean `schedule NAME on`?", exit = 2, ork = "unpause etl" },
  { text = "no command and no file `…`; did you mean `trigger`?", exit = 2, ork = "dags trigger etl" },
  { text = "--… needs a value: --… …", exit = 2, ork = "runs --limit" },
  { text = "--… needs a value, not an empty one: --… …", exit = 2, ork = "etl.lua --key=" },
  { text = "--… takes no value", exit = 2, ork = "runs --json=yes" },
  { text = "--… is given twice", exit = 2, ork = "runs --limit 1 --limit 2" },
  { text = "write -… and -… apart", exit = 2, ork = "runs -qv" },
  { text = "--… is a whole number from 1, not `…`", exit = 2, ork = "runs --limit 0" },
  { text = "--… is an age with its unit, like 30d or 12h, not `…`", exit = 2, ork = "prune --older-than 2" },
  { text = "--… is a duration like 90s, 10m or 1h30m, not `…`", exit = 2, ork = "etl.lua --timeout soon" },
  { text = "--… is a time like 2026-11-01, 2026-11-01T02:00:00Z or yesterday, not `…`", exit = 2, ork = "etl.lua --at noon" },
  { text = "--… is a time like 2026-11-01 or yesterday, or how long ago, like 2d, not `…`", exit = 2, ork = "runs --since lately" },
  { text = "--… is one of …, not `…`; did you mean `…`?", exit = 2, ork = "runs --status faild" },
  { text = "something is missing: ork …", exit = 2, ork = "show" },
  { text = "`…` is one word too many: ork …", exit = 2, ork = "tasks last load x" },
  { text = "task `…` has no items", exit = 4, ork = "tasks last load", hint = "Only a task with ork.each has items." },
  { text = "`…` is not UTF-8 text", exit = 2, ork = { "show", "\255" },
    hint = "Names, ids and values are UTF-8; only paths of files that are there may be other bytes." },
  { text = "a param is written name=value, not `…`", exit = 2, ork = "etl.lua --param day" },
  { text = "the param `…` is given twice", exit = 2, ork = "etl.lua day=today day=yesterday" },
  { text = "no command and no topic `…`; did you mean `…`?", exit = 2, ork = "help enviroment" },
  { text = "`…` is a script: ork … --help", exit = 2, ork = "help etl.lua" },
  { text = "--format is for the whole manual, without a name", exit = 2, ork = "help runs --format man" },
  { text = "there is completion for bash, zsh and fish, not for `…`", exit = 2, ork = "completion tcsh" },
  { text = "no command `db …`; did you mean `db …`?", exit = 2, ork = "db statsu" },
  { text = "name runs or filter them, not both", exit = 2, ork = "cancel etl --status failed" },
  { text = "which runs? ork … RUN..., or --workflow NAME, --status S, --since D (`last` is the newest run)", exit = 2, ork = "cancel" },
  { text = "no workflow `…`; did you mean `…`?", exit = 4, ork = "cancel --workflow elt -y" },
  { text = "There is no terminal to ask on: add --yes", exit = 2, ork = "delete etl", hint = "Look first: the same with --dry-run." },
  { text = "which artifact? `ork artifacts RUN NAME --out FILE`", exit = 2, ork = "artifacts etl --out x" },
  { text = "the run left no artifact `…`; `ork artifacts …` lists what there is", exit = 4, ork = "artifacts etl report.html" },
  { text = "`…` is of items of `…`: …; name one by --task", exit = 4, ork = "artifacts kept report --task f" },
  { text = "which runs may go? --older-than 30d, --keep 20, or both", exit = 2, ork = "prune" },
  { text = "--from and --task exclude each other", exit = 2, ork = "retry etl --from load --task load" },
  { text = "--task and --update exclude each other; --from T repeats T and all after it", exit = 2, ork = "retry etl --task load --update" },
  { text = "--keep goes with --update", exit = 2, ork = "retry etl --keep" },
  { text = "--resume and --… exclude each other", exit = 2, ork = "etl.lua --resume --new" },
  { text = "--new and --key exclude each other: a key has one run; another run needs another key", exit = 2, ork = "etl.lua --new --key k" },
  { text = "the key `…` is that of run …, which was made with other params:\n…\nanother run needs another key", exit = 2,
    ork = "etl.lua --key used limit=7" },
  { text = "the key `…` is that of run …, which is …, not …; another run needs another key", exit = 2, ork = "etl.lua --key used --to load" },
  { text = "--to and --… exclude each other", exit = 2, ork = "etl.lua --to load --all" },
  { text = "--only and --… exclude each other", exit = 2, ork = "etl.lua --only load --all" },
  { text = "--input goes with --only", exit = 2, ork = "etl.lua --input {}" },
  { text = "--input is no JSON: …", exit = 2, ork = "etl.lua --only load --input {" },
  { text = "--input is a JSON object: {\"name\": value}", exit = 2, ork = "etl.lua --only load --input 5" },
  { text = "--… goes with --resume", exit = 2, ork = "etl.lua --from load" },
  { text = "--to and --… exclude each other", exit = 2, ork = "etl.lua --to load --only load" },
  { text = "--only and --… exclude each other", exit = 2, ork = "etl.lua --only load --key k" },
  { text = "--input goes with --only", exit = 2, ork = "etl.lua --input {}" },
  { text = "--all goes with neither NAME nor --key", exit = 2, ork = "two.lua --all --key k" },
  { text = "--attempt needs a TASK: ork logs RUN TASK --attempt N", exit = 2, ork = "logs etl --attempt 1" },
  { text = "WORKFLOW and --workflow are the same: give one", exit = 2, ork = "runs etl --workflow other" },
  { text = "-f follows the newest attempt; it does not go with --attempt", exit = 2, ork = "logs etl load -f --attempt 1" },
  { text = "--failed chooses the tasks; it does not go with TASK", exit = 2, ork = "logs etl load --failed" },
  { text = "logs are text: `ork show RUN TASK --json` has the attempts with the paths of their logs", exit = 2, ork = "logs etl --json" },
  { text = "no pool `…`; to make it: ork pool … … --new", exit = 4, ork = "pool zzzz 3" },
  { text = "how many slots? ork pool … SLOTS", exit = 2, ork = "pool db" },
  { text = "slots are a whole number from 1, not `…`", exit = 2, ork = "pool db none" },
  { text = "the prompt prints for people; for programs: ork runs --json, ork show RUN --json", exit = 2, ork = "repl --json" },
})

group("Params and inputs", "Told before anything runs; `ork SCRIPT --help` lists the params.", {
  { text = "no param `…`; did you mean `…`?", exit = 2, ork = "etl.lua dya=today" },
  { text = "params.…: wanted …, got …", exit = 2, ork = "etl.lua day=someday" },
  { text = "several params are wrong:\n", exit = 2, ork = "etl.lua day=someday dya=1" },
  { text = "`…` is a param; give it a value: …=…", exit = 2, ork = "etl.lua day" },
  { text = "--params-file: …: Is a directory", exit = 2, ork = "etl.lua --params-file ." },
  { text = "--params-file: …: larger than 16 MiB", exit = 2, ork = "etl.lua --params-file /dev/zero" },
  { text = "--params-file: …: No such file or directory", exit = 2, ork = "etl.lua --params-file none.json" },
  { text = "…: not a JSON object with a value for each param", exit = 2, ork = "etl.lua --params-file five.json", files = { ["five.json"] = "5" } },
  { text = "run … has no param `…`; did you mean `…`?", exit = 2, ork = "rerun etl dya=2026-11-01" },
  { text = "the param `…` was …; `…` is none", exit = 2, ork = "rerun etl limit=many" },
  { text = "the param `…` is no JSON: …", exit = 2, ork = { "rerun", "etl", "tags=[1" } },
  { text = "--set is written TASK.input=JSON, not `…`", exit = 2, ork = "rerun etl --set load=1" },
  { text = "--set …: …", exit = 2, ork = "rerun etl --set load.input={" },
  { text = "--input is no JSON: …", exit = 2, ork = "etl.lua --only load --input {" },
  { text = "--input is a JSON object: {\"name\": value}", exit = 2, ork = "etl.lua --only load --input 3" },
})

group("Scripts and applied workflows", "`ork validate SCRIPT` finds the mistakes inside a script.", {
  { text = "… has 2 workflows; name one:\n  ork … …", exit = 2, ork = "two.lua" },
  { text = "`…` is a task: ork … --to … runs it and what it needs", exit = 2, ork = "etl.lua load" },
  { text = "… has no workflow `…`; did you mean `…`?", exit = 2, ork = "two.lua frist" },
  { text = "`…` is a script; to run it: ork …", exit = 2, ork = "run etl.lua" },
  { text = "no file `…`; to go back to a version of a workflow: ork apply …@VERSION", exit = 2, ork = "apply etl" },
  { text = "one NAME@VERSION at a time, and no script beside it", exit = 2, ork = "apply etl@1 other.lua" },
  { text = "--prune goes with scripts, not with NAME@VERSION", exit = 2, ork = "apply etl@1 --prune" },
  { text = "… is given twice", exit = 2, ork = "apply etl.lua ./etl.lua" },
  { text = "workflow `…` is defined by … and by …", exit = 2, ork = "apply etl.lua copy.lua",
    files = { ["copy.lua"] = 'local w = require("ork").workflow("etl") w:task("a", { command = "x" }) return w' } },
  { text = "… starts runs itself; a script to apply defines its workflows and returns them", exit = 2, ork = "apply s.lua",
    script = 'local w = require("ork").workflow("w") w:task("a", { command = "true" }) w:run()' },
  { text = "`…`: a version is a number behind the name, like …@2", exit = 2, ork = "run etl@new" },
  { text = "only versions of one workflow are compared, not `…` and `…`", exit = 2, ork = "versions etl@1 other@1" },
  { text = "3 versions are too many: ork …", exit = 2, ork = "versions etl@1 2 3" },
  { text = "workflow `…` has no version …; it has …", exit = 4, ork = "run etl@9" },
  { text = "no workflow `…`", exit = 4, ork = "versions nosuch" },
  { text = "a second workflow is called `…`; the first is in line …", exit = 2, ork = "validate s.lua",
    script = 'local ork = require "ork"\nlocal a = ork.workflow("w") a:task("x", { command = "x" })\n'
      .. 'local b = ork.workflow("w") b:task("x", { command = "x" })\nreturn a, b' },
})

-- ---- definitions -----------------------------------------------------------------------------

local W = 'local ork = require "ork"\nlocal w = ork.workflow("w", %s)\n%s\nreturn w'
local function script(tasks, options) return W:format(options or "{}", tasks) end

--- The text of another workflow `o` in such a script.
local function inner(options) return ('local o = ork.workflow("o", %s) o:task("a", { command = "true" })\n'):format(options) end

--- Rows with `problem` name a code of the core (seal, params); the spec sees that each code has one.
group("Mistakes in a script", "All of them at once, each with its line. tests/spec/define_refuse_spec.lua has the text of every one of an option.", {
  { text = "unknown option `…`; did you mean `…`?", exit = 2, ork = "validate s.lua", script = script('w:task("a", { comand = "x" })') },
  { text = "undefined variable `…`; did you mean `…`?", exit = 2, ork = "validate s.lua", script = script("local x = ookr") },
  { text = "ork.each wants a list, or a reference to one, got …", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { inputs = { p = ork.each("x") }, command = "x" })') },
  { text = "inputs lacks `…`, which `…` requires", exit = 2, ork = "validate s.lua",
    script = script(inner('{ params = { day = "date" } }') .. 'w:task("a", { workflow = o })') },
  { text = "is no param of `…`; did you mean `…`?", exit = 2, ork = "validate s.lua",
    script = script(inner('{ params = { day = "date?" } }') .. 'w:task("a", { workflow = o, inputs = { dya = "x" } })') },
  { text = "`workflow` runs `…`, which runs `…` again: that would never come to an end", exit = 2, ork = "validate s.lua",
    script = script(inner("{}") .. 'o:task("b", { workflow = w }) w:task("a", { workflow = o })') },
  { text = "run … of `…` failed: …", exit = 1, ork = "s.lua", hint = "Its own message is with that run: `ork why RUN`. `ork retry` of the whole goes on with it.",
    script = script(inner("{}") .. 'o:task("b", { command = "false" }) w:task("a", { workflow = o })') },
  { text = "returns.…: … has no value", exit = 1, ork = "s.lua", hint = "A text can be made of values only. A value that stands alone is null where there is none.",
    script = script('local a = w:task("a", { command = "true" }) w:returns{ text = "rows: " .. a.output.rows }') },
  { text = "is a second ork.each, beside `…`; a task has one", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { inputs = { p = ork.each({ 1 }), q = ork.each({ 2 }) }, command = "x" })') },
  { text = "ork.each wants a list, but … is …", exit = 1, ork = "s.lua l=x",
    script = script('w:task("a", { inputs = { p = ork.each(w.params.l) }, command = "true" })', '{ params = { l = "any" } }'),
    hint = "Found in the run: only that task fails. A declared type, { \"str\" }, lets the script be refused before." },
  { text = "… items failed", exit = 1, ork = "s.lua", hint = "More than max_failed: the first of them are named. `ork tasks RUN TASK --status failed` lists all.",
    script = script('w:task("a", { inputs = { p = ork.each({ 1, 2 }) }, command = "false" })') },
  { text = "near …", exit = 2, ork = "validate s.lua", script = "x = = 1", hint = "The syntax is wrong there or just before." },
  { text = "the script returns nothing; end it with `return` and the workflow it defines (…)", exit = 2, ork = "s.lua",
    script = 'local w = require("ork").workflow("w")\nw:task("a", { command = "x" })' },
  { text = "a script does not end the program: return its workflow, or raise an error", exit = 2, ork = "s.lua", script = "os.exit()" },
  { text = "module `…` is neither beside the script nor in package.path", exit = 2, ork = "s.lua", script = 'require "nosuch"' },
  { text = "is defined only when the script is loaded again", exit = 2, ork = "validate s.lua", script = [[
    local f = io.open("seen") local w = require("ork").workflow("w") w:task("a", { command = "x" })
    if f then f:close() w:task("b", { command = "x" }) else io.open("seen", "w"):close() end return w]],
    hint = "A script defines the same whenever it is loaded: no clock, no random numbers of its own, no files that change." },
  { text = "depends on `…`, which is not a task of this workflow; did you mean `…`?", problem = "unknown_dependency", exit = 2, ork = "validate s.lua",
    script = script('w:task("fetch", { command = "x" }) w:task("b", { command = "x", depends_on = "fetsh" })') },
  { text = "depends on itself", problem = "self_dependency", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { command = "x", depends_on = "a" })') },
  { text = "which runs after all other tasks (finally); only another finally task can wait for it", problem = "finally_dependency", exit = 2,
    ork = "validate s.lua", script = script('w:finally("f", { command = "x" }) w:task("a", { command = "x", depends_on = "f" })') },
  { text = "has trigger_rule \"…\" but depends on nothing, so it could never run", problem = "trigger_rule", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { command = "x", trigger_rule = "one_failed" })') },
  { text = "takes … slots of pool `…`, which has …", problem = "pool_slots", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { command = "x", pool = { "db", slots = 3 } })'):gsub("local w", 'ork.pool("db", 2) local w', 1) },
  { text = "pool `…` is not declared here, so it has one slot unless somebody else gives it more; did you mean `…`?", exit = 0,
    ork = "validate s.lua", hint = "A warning.",
    script = script('w:task("a", { command = "x", pool = "bd" })'):gsub("local w", 'ork.pool("db", 2) local w', 1) },
  { text = "has no tasks; a workflow needs at least one", problem = "no_tasks", exit = 2, ork = "validate s.lua", script = script("") },
  { text = "tasks wait for each other in a circle: …; remove one of these dependencies", problem = "cycle", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { command = "x", depends_on = "b" }) w:task("b", { command = "x", depends_on = "a" })') },
  { text = "unknown type \"…\"; did you mean `…`?", problem = "param_schema", exit = 2, ork = "validate s.lua",
    script = script('w:task("a", { command = "x" })', '{ params = { day = "dat" } }') },
  { text = "no param `…`; did you mean `…`?", problem = "param_unknown", exit = 2, ork = "etl.lua dya=1" },
  { text = "params.…: wanted …, got …", problem = "param_type", exit = 2, ork = "etl.lua limit=many" },
  { text = "params.…: missing, wanted …; it has no default", problem = "param_missing", exit = 2, ork = "s.lua",
    script = script('w:task("a", { command = "x" })', '{ params = { day = "date" } }') },
  { text = "params.…: wanted one of …, got …", problem = "param_choice", exit = 2, ork = "etl.lua mode=slow" },
  { text = "params.…: ", problem = "param_range", exit = 2, ork = "etl.lua limit=1000" },
  { text = "`…` is a reference, which Lua takes for true whatever its value will be; what depends on it is decided in the run", exit = 0,
    ork = "validate s.lua", hint = "A warning.",
    script = script('w:task("a", { command = { "echo", w.params.fast and "-f" or "-i" } })', '{ params = { fast = "bool" } }') },
})

--- A script whose task `f` is a function.
local function called(body, options) return script(('w:task("f", { %s run = function(input, ctx) %s end })'):format(options or "", body)) end

group("Functions", "Errors of tasks whose `run` is a function; the traceback is in the log (`ork logs RUN TASK`).", {
  { text = "s.lua:3: …", exit = 1, ork = "s.lua", script = called("local x = input.a.b"), hint = "The function raised it, in that line." },
  { text = "undefined variable `…`; did you mean `…`?", exit = 1, ork = "s.lua", script = called("prnit()") },
  { text = "sets the global `…` inside a function; write `local …`, or define it at the top of the script", exit = 1, ork = "s.lua",
    script = called("x = 1"), hint = "What a function hands on it returns." },
  { text = "params.… is a reference, which has no value in a function; name it in `inputs`, and read `input.…`", exit = 1, ork = "s.lua day=x",
    script = script('w:task("f", { run = function() return w.params.day == "x" end })', '{ params = { day = "str" } }') },
  { text = "uses the variable `…`, which is the reference params.…: it has no value in a function; name it in `inputs`, and read `input.…`", exit = 2,
    ork = "validate s.lua", script = script('local day = w.params.day w:task("f", { run = function() return day == "x" end })', '{ params = { day = "str" } }') },
  { text = "reads the reference w.params.…, which has no value in a function; name it in `inputs`, and read `input.…`", exit = 0, ork = "validate s.lua",
    hint = "A warning.", script = script('w:task("f", { run = function() return w.params.day == "x" end })', '{ params = { day = "str" } }') },
  { text = "changes `…`, a variable of the script: which calls see that is undefined; return what is to be kept; a cache is fine", exit = 0,
    ork = "validate s.lua", hint = "A warning: each worker has variables of its own.",
    script = script('local n = 0 w:task("f", { run = function() n = n + 1 end })') },
  { text = "undefined variable `…`; did you mean `…`?", exit = 0, ork = "validate s.lua", hint = "A warning: the function raises that when it comes there.",
    script = called("prnit()") },
  { text = "returned by the function of …, as nil and a message", exit = 1, ork = "s.lua", script = called('return io.open("none")'),
    hint = "The function returned nil and a text, which is how Lua's own say that they failed." },
  { text = "cannot write …: …", exit = 1, ork = "s.lua", script = called('io.open("/dev/full", "w"):write("x")'),
    hint = "A file that the function left open could not be written." },
  { text = "output.…: a function cannot be stored as JSON", exit = 1, ork = "s.lua", script = called("return { f = print }") },
  { text = "output.…: the table contains itself", exit = 1, ork = "s.lua", script = called("local t = {} t.t = t return t") },
  { text = "output: element … is nil; a list has no holes (ork.null is a value)", exit = 1, ork = "s.lua", script = called("return { 1, nil, 3, nil, 5 }") },
  { text = "the output is … bytes; at most … are stored: return a file's path instead", exit = 1, ork = "s.lua", script = called("return ('x'):rep(17 << 20)") },
  { text = "it declares an output_type but gave no output: its function returned nothing", exit = 1, ork = "s.lua",
    script = called("", 'output_type = "int",') },
  { text = "timeout after …", exit = 1, ork = "s.lua", script = called("while true do end", 'timeout = "50ms",'), hint = "The log says where it was." },
  { text = "not enough memory: the functions in a worker have … MiB together (ORK_WORKER_MEMORY_MB)", exit = 1, ork = "s.lua",
    script = called("local t = {} for i = 1, math.huge do t[i] = ('x'):rep(1 << 20) .. i end"), env = { ORK_WORKER_MEMORY_MB = "32" } },
  { text = "lost: its worker was ended by signal … (SIG…)", exit = 1, ork = "s.lua", script = called("os.execute('kill -9 $PPID')", "max_lost = 0,"),
    hint = "Something in the function ended its worker: a library in C, the system short of memory, a signal." },
  { text = "os.exit would end the worker, in which other functions run too: return, or call ctx.fail", exit = 1, ork = "s.lua", script = called("os.exit(1)") },
  { text = "runs are out of reach: the function of a task runs in a worker, which has no database and starts no runs", exit = 1, ork = "s.lua",
    script = called('require("ork").run(w)'), hint = '`executor = "inline"` calls the function in the program that runs the workflow.' },
  { text = "module `…` is not in the run's snapshot: the script must require it where it is loaded, or by its literal name", exit = 1,
    ork = "s.lua", script = called('local m = require("no" .. "where") return m') },
  { text = "the script fails when it is loaded again: …", exit = 1, ork = "s.lua", script = [[
    local f = io.open("twice") if f then error("only once") end io.open("twice", "w"):close()
    local w = require("ork").workflow("w") w:task("f", { run = function() end }) return w]] },
  { text = "the script defines no task `…` when it is loaded again; a script must define the same tasks every time", exit = 1, ork = "s.lua", script = [[
    local w = require("ork").workflow("w") w:task("t" .. io.open("/proc/self/stat"):read("n"), { run = function() end }) return w]] },
  { text = "the script starts a run before it defines task `…`; a worker, which loads it again, stops there: define all tasks first", exit = 1,
    ork = "s.lua", script = [[
    local ork = require("ork") local v, w = ork.workflow("v"), ork.workflow("w")
    v:task("a", { command = "true" }) v:run() w:task("late", { run = function() end }) w:run()]] },
})

--- A script whose task `f` is a Python function of f.py, which has that text.
local function python(body, options) return { exit = 1, ork = "s.lua", script = script(('w:task("f", { python = "f.py", %s })'):format(options or "")),
  files = { ["f.py"] = body } } end
local function row(text, like, hint)
  like.text, like.hint = text, hint
  return like
end
local function scan(text) return { exit = 2, ork = "validate s.lua",
  script = script('local a = w:task("a", { command = "x", output_type = { rows = "int", day = "date", files = { "str" } } }) ' .. text) } end

group("Python functions and libraries", "The traceback is in the log (`ork logs RUN TASK`); a file that Python cannot read is a warning of `ork validate`.", {
  row("f.py:1: ZeroDivisionError: …", python("def main(): return 1 / 0"), "The function raised it, in that line."),
  row("f.py cannot be imported: f.py:1: ModuleNotFoundError: …", python("import nosuchmodule"),
    "In a project of uv `uv add` makes it known; without one python3 must have it."),
  row("f.py has no function `…`; it has …", python("def other(): pass")),
  row("`…` of f.py is no function, but …", python("main = 5")),
  row("there is no file …", { exit = 1, ork = "s.lua", script = script('w:task("f", { python = "none.py" })') }, "The path begins in the script's folder."),
  row("main of f.py wants `…`, which is not among the inputs", python("def main(a, b): pass", "inputs = { b = 1 }, input_type = {},")),
  row("`…` of main of f.py cannot be made of its input: …", python("from datetime import date\ndef main(day: date): pass",
    'inputs = { day = "soon" }, input_type = { day = "str" },')),
  row("what main of f.py returns is not JSON: object is nothing that JSON has; return texts, numbers, lists and dicts of them",
    python("def main(): return object()")),
  row("it declares an output_type but gave no output: its function returned None", python("def main(): pass", 'output_type = "int",')),
  { text = "names …, which cannot be read now: there is no such file", exit = 0, ork = "validate s.lua", hint = "A warning.",
    script = script('w:task("f", { python = "none.py" })') },
  { text = "names the function `…`, which f.py does not have; did you mean `…`?", exit = 0, ork = "validate s.lua", hint = "A warning.",
    script = script('w:task("f", { python = "f.py:man" })'), files = { ["f.py"] = "def main(): pass" } },
  { text = "is no parameter of `…` in f.py, which does not get it", exit = 0, ork = "validate s.lua", hint = "A warning.",
    script = script('w:task("f", { python = "f.py", inputs = { x = 1 } })'), files = { ["f.py"] = "def main(): pass" } },
  { text = "inputs lacks `…`, which f.py wants", exit = 2, ork = "validate s.lua", script = script('w:task("f", { python = "f.py" })'),
    files = { ["f.py"] = "def main(day: str, n: int): pass" } },
  row("cannot load the library: …", { exit = 1, ork = "s.lua", script = script('w:task("f", { library = "none.so" })') }),
  row("the library … has no function `ork_task_run`, and no `ork_task_free`", { exit = 1, ork = "s.lua", script = script(
    'w:task("f", { depends_on = w:task("cc", { command = "echo \'int x;\' | cc -shared -fPIC -x c -o n.so -" }), library = "n.so" })') }),
})

group("Types", "Told before anything runs, with both types; docs/writing.md has the rules.", {
  row("a.output has no field `…`; did you mean `…`?", scan("local x = a.output.row")),
  row("does not fit input_type: wanted str, the reference gives int", scan('w:task("b", { command = "x", input_type = { n = "str" }, inputs = { n = a.output.rows } })')),
  row("`inputs.n[2]` does not fit input_type: wanted str, the reference gives int",
    scan('w:task("b", { command = "x", input_type = { n = { "str" } }, inputs = { n = { "x", a.output.rows } } })')),
  row("wanted int, the reference gives int?, which may be null",
    scan('w:task("b", { command = "x", trigger_rule = "all_done", input_type = { n = "int" }, inputs = { n = a.output.rows } })'),
    "Under this trigger_rule the other task need not have succeeded; so the type is \"int?\"."),
  row("wants a list, but a.output.rows is declared as int", scan('w:task("b", { command = "x", inputs = { n = ork.each(a.output.rows) } })')),
  row("uses the field `…` of ork.input.n, which is declared as str",
    scan('w:task("b", { command = { "x", ork.input.n.size }, inputs = { n = ork.each(a.output.files) } })')),
  row("compares a.output.rows (int) with \"1\", which are never equal", scan('w:task("b", { command = "x", when = { a.output.rows, "==", "1" } })')),
  row("is compared with a date: wanted date (such as 2026-11-01), got \"…\"", scan('w:task("b", { command = "x", when = { a.output.day, "==", "monday" } })')),
  row("is 5, which a.output.day (date) never is", scan('w:task("b", { command = "x", when = { a.output.day, "in", { 5 } } })')),
  row("looks for a.output.rows (int) in a.output.files ([str]), where it never is",
    scan('w:task("b", { command = "x", when = { a.output.rows, "in", a.output.files } })')),
})

local function due(schedule) return script('w:task("a", { command = "x" })', "{ schedule = { " .. schedule .. " } }") end

group("Times of cron", "Each marks the place in the text; tests/unit/core/test_cron_wrong.c has every one.", {
  { text = "is no time of cron, \"…\": it has … fields; 5 are wanted (minute hour day month weekday), 6 (second first) or 7 (with year)", exit = 2,
    ork = "validate s.lua", script = due('cron = "0 2 * *"') },
  { text = "is no time of cron, \"…\": the … is …; it goes from … to …", exit = 2, ork = "validate s.lua", script = due('cron = "61 2 * * *"') },
  { text = "is no time of cron, \"…\": `…` is no …; did you mean …?", exit = 2, ork = "validate s.lua", script = due('cron = "0 2 * * FRY"') },
  { text = "is no time of cron, \"…\": the range of the … goes backwards, from … to …; over the end it is two ranges, …", exit = 2,
    ork = "validate s.lua", script = due('cron = "0 22-2 * * *"') },
  { text = "is no time of cron, \"…\": the step of the … is …, longer than …, so it never comes to a second one", exit = 2, ork = "validate s.lua",
    script = due('cron = "*/90 * * * *"'), hint = "A step begins anew each hour, day, …; `every` goes on counting." },
  { text = "is no time of cron, \"…\": it never comes: there is no day `…` in month `…`", exit = 2, ork = "validate s.lua",
    script = due('cron = "0 2 31 2 *"') },
  { text = "is no time of cron, \"…\": it never comes again: its last time was …", exit = 2, ork = "validate s.lua",
    script = due('cron = "0 0 2 * * ? 2020"') },
  { text = "sets both day and weekday: it is due on days that match either", exit = 0, ork = "validate s.lua",
    script = due('cron = "0 2 1 * MON"'), hint = "A warning. For the first Monday: `0 2 * * MON#1`." },
  { text = "sets both day and weekday, one of them as a step of *: it is due on days that match both", exit = 0, ork = "validate s.lua",
    script = due('cron = "0 2 */2 * MON"'), hint = "A warning: cron has always read it so." },
  { text = "is no time zone of this system: \"…\"; did you mean \"…\"?", exit = 2, ork = "validate s.lua",
    script = due('cron = "@daily", timezone = "Europe/Berlim"') },
  { text = "has both every and dst: an interval counts elapsed time, whatever clocks do", exit = 2, ork = "validate s.lua",
    script = due('every = "10m", dst = "both"') },
})

local DAILY_PARAM = script('w:task("a", { command = "x" })', '{ params = { day = "date" }, schedule = { cron = "0 2 * * *" } }')

group("Schedules, and the server that fires them", "`ork schedule` shows them with what went wrong last; docs/schedules.md has the rules.", {
  { text = "the schedule of workflow `…` leaves its param `…` without a value", exit = 2, ork = "apply s.lua", script = DAILY_PARAM },
  { text = "this system has no time zones (no …): install Debian's package tzdata; \"UTC\" works without", exit = 2, ork = "validate s.lua",
    script = due('cron = "@daily", timezone = "Europe/Berlin"'), env = { ORK_ZONEINFO = "/nonexistent" } },
  { text = "the time zone file is damaged: …; install Debian's package tzdata again", exit = 2,
    ork = "validate s.lua", script = due('cron = "@daily", timezone = "Here"'),
    files = { Here = "TZif2" .. ("\0"):rep(60) }, env = { ORK_ZONEINFO = "." } },
  { text = "workflow `…` has no schedule; its script gives it one: schedule = { cron = \"0 2 * * *\" }, then `ork apply`", exit = 4,
    ork = "schedule etl on" },
  { text = "name one: ork schedule NAME …", exit = 2, ork = "schedule next 3" },
  { text = "`…` is none of on, off and next; did you mean `…`?", exit = 2, ork = "schedule daily onn" },
  { text = "how many is a whole number from 1 to 10000, not `…`", exit = 2, ork = "schedule daily next some" },
  { text = "--all goes with on or off: ork schedule --all off", exit = 2, ork = "schedule --all" },
  { text = "nobody starts runs by them: ork serve", exit = 0, ork = "schedule" },
  { text = "`…` is a script; to run it: ork …; to keep it for trigger: ork apply …", exit = 2, ork = "trigger etl.lua" },
  { text = "--timeout goes with --wait", exit = 2, ork = "trigger etl --timeout 1m" },
  { text = "no script `…`", exit = 2, ork = "serve nosuch.lua" },
  { text = "--watch goes with scripts: ork serve SCRIPT --watch", exit = 2, ork = "serve --watch" },
  { text = "`…` is a script; first keep its workflow: ork apply …", exit = 2, ork = "backfill etl.lua --from 2026-10-01 --to 2026-10-02" },
  { text = "workflow `…` has no schedule; say how often: --every 1d", exit = 2, ork = "backfill etl --from 2026-10-01 --to 2026-10-02" },
  { text = "--… is missing: ork …", exit = 2, ork = "backfill daily --to 2026-10-02" },
  { text = "--… is a time like 2026-10-01, 2026-10-01T06:00, yesterday or -30d, not `…`", exit = 2,
    ork = "backfill daily --from 2026-10-01 --to 2026-10-32" },
  { text = "--to is before --from", exit = 2, ork = "backfill daily --from 2026-10-02 --to 2026-10-01" },
  { text = "--every is one second or more", exit = 2, ork = "backfill daily --from 2026-10-01 --to 2026-10-02 --every 1ms" },
  { text = "that is more than … runs; take a shorter stretch", exit = 2, ork = "backfill daily --from 2026-10-01 --to 2026-10-02 --every 1s" },
  { text = "there is no time between --from and --to (what is in the future is left to the schedule)", exit = 2,
    ork = "backfill daily --from 2026-10-01T03:00 --to 2026-10-01T04:00" },
})

-- ---- runs ------------------------------------------------------------------------------------

group("Runs and tasks", "`ork help naming` says how runs are named.", {
  { text = "no runs of a workflow `…`; did you mean `…`?", exit = 0, ork = "runs elt" },
  { text = "no run and no workflow `…`; `ork runs` lists the runs", exit = 4, ork = "show nosuch" },
  { text = "no run and no workflow `…`; did you mean `…`?", exit = 4, ork = "show etll" },
  { text = "`…` is a script; its runs are found by the name of its workflow: …", exit = 4, ork = "show etl.lua" },
  { text = "`…` matches more than one run: …; give more digits", exit = 2, ork = { "show", "<prefix>" } },
  { text = "no task `…` in this run; `ork tasks RUN` lists them", exit = 4, ork = "show etl nosuch" },
  { text = "there are no runs yet", exit = 4, ork = "show last", files = {}, empty = true },
  { text = "… has had … attempt", exit = 4, ork = "logs etl load --attempt 9" },
  { text = "too late: the run had ended (…)", exit = 2, ork = "pause etl", hint = "`ork show RUN` says how; `ork retry RUN` runs what failed again." },
  { text = "no run of `…` to go on with: all of them succeeded (`ork …` starts one)", exit = 4, ork = "other.lua --resume" },
  { text = "the newest run of `…` succeeded; to run `…` and all after it again there: ork retry … --update --from …", exit = 4,
    ork = "other.lua --resume --from a" },
  { text = "no run of `…` to go on with: it has not run yet (`ork …` starts it)", exit = 4, ork = "s.lua --resume",
    script = 'local w = require("ork").workflow("fresh") w:task("a", { command = "true" }) return w' },
  { text = "no run of `…` to go on with: only parts of it have run (the newest: ork retry … --update)", exit = 4, ork = "part.lua --resume" },
  { text = "the newest run of … has …; no run to go on with has …", exit = 2, ork = "etl.lua --resume limit=77",
    hint = "Params that are given with --resume choose the run; the three command lines below say what else may have been meant." },
  { text = "params go with one RUN and --update; ork rerun RUN starts a new run with other params", exit = 2, ork = "retry etl limit=5" },
  { text = "the definition has no task `…`; did you mean `…`?", exit = 4, ork = "etl.lua --resume --from laod" },
  { text = "--from takes a task, and `…` is an item: --from … does them all again", exit = 2, ork = "etl.lua --resume --from load/1" },
  { text = "run … does not come from a script; --update has nothing to load", exit = 2, ork = "retry hosted --update" },
  { text = "the script's folder … is gone; moved? ork NEW/… --resume, from where it is now", exit = 2, ork = "retry moved --update" },
  { text = "… defines no workflow `…` any more", exit = 2, ork = "retry lost --update" },
  { text = "… has no output: it is …", exit = 4, ork = "output etl load" },
  { text = "the run returned nothing: it is …", exit = 4, ork = "output giving", hint = "Its workflow says what it gives (w:returns), once it has succeeded." },
  { text = "nothing waits", exit = 0, ork = "why" },
  { text = "run … of … is pending: nobody serves this database. Start ork serve, or carry it out here: ork resume …", exit = 0, ork = "trigger daily" },
})

group("Databases", "`ork help databases` says which one is meant.", {
  { text = "no Ork database here or above; `ork SCRIPT` makes one, --db names one elsewhere", exit = 3, ork = "runs", nowhere = true },
  { text = "no Ork database at …; `ork SCRIPT` makes one, or name another with --db sqlite:PATH", exit = 3, ork = "runs --db none.db" },
  { text = "is not an SQLite database", exit = 3, ork = "runs --db text.db", files = { ["text.db"] = ("no database\n"):rep(20) } },
  { text = "this Ork knows sqlite:PATH (a file), file:DIR (a folder of JSON), sqlite::memory: (nothing is kept) and postgres://USER@HOST/DATABASE",
    exit = 2,
    ork = "runs --db mysql://host/x" },
  { text = "the database URL has a port that is no number, or more than one @", exit = 2, ork = "runs --db postgres://u:a/b@host/x" },
  { text = "postgres://… cannot be reached: …", exit = 3, ork = "runs --db postgres://127.0.0.1:1/x" },
  { text = "copy what where? ork db copy FROM TO", exit = 2, ork = "db copy .ork/ork.db" },
  { text = "--db does not go with `db copy`, which names both: ork db copy FROM TO", exit = 2, ork = "db copy a.db b.db --db c.db" },
  { text = "a database in memory ends with this command; name a file or a server", exit = 2, ork = "db copy .ork/ork.db sqlite::memory:" },
  { text = "--yes goes with `db copy` only", exit = 2, ork = "db check --yes" },
  { text = "`…` is one word too many: ork db …", exit = 2, ork = "db check all" },
  { text = "names no file; write sqlite:PATH", exit = 2, ork = "runs --db sqlite:" },
  { text = "mode is ro, rw or rwc, not \"…\"", exit = 2, ork = "runs --db sqlite:x.db?mode=x" },
  { text = "no Ork database at …: the file is empty; `ork SCRIPT` or `ork db migrate` fills it", exit = 3, ork = "runs --db empty.db",
    files = { ["empty.db"] = "" } },
})

-- ---- codes -----------------------------------------------------------------------------------

--- What a code of ork.h asks of whoever meets it. proof: a test that brings it about.
messages.codes = {
  EINVAL = { hint = "Something given is not what is wanted there; the text says which, and what would be right.", proof = "tests/unit/store/test_open.c" },
  EDEF = { hint = "The definition has mistakes: mend the script where the text points, then try again.", proof = "tests/spec/loader_spec.lua" },
  EJSON = { hint = "Text that should be JSON is not; line and column or the path in it are named.", proof = "tests/spec/json_spec.lua" },
  ETYPE = { hint = "A value is of another type than the script declares; the path in it is named.", proof = "tests/unit/core/test_types.c" },
  ETOOBIG = { hint = "Hand over a file and its path instead of the value itself.", proof = "tests/unit/core/test_expr.c" },
  ENOTFOUND = { hint = "Look what there is: `ork runs`, `ork tasks RUN`, `ork workflows`.", proof = "tests/unit/engine/test_wait.c" },
  EAMBIGUOUS = { hint = "Give more of the id; the candidates are listed.", proof = "tests/spec/messages_spec.lua" },
  EEXIST = { hint = "Two things have one name: rename one.", proof = "tests/unit/core/test_workflow.c" },
  ESTATE = { hint = "Not now: look at the state first (`ork show RUN`); the text says what goes on from there.", proof = "tests/unit/engine/test_retry.c" },
  EBUSY = { hint = "Another ork carries this run out; watch or steer it (`ork cancel RUN`), or wait.", proof = "tests/unit/engine/test_retry.c" },
  EIO = { hint = "The disk or the system refused; its own words are in the text. Nothing half-done stays; try again when it is mended.",
    proof = "tests/unit/base/test_path.c" },
  ENOSPC = { hint = "Make room on the disk that is named, then say the same again: the run goes on.", proof = "tests/unit/store/test_full.c" },
  EACCESS = { hint = "Ask the owner of the file for access, or use a database of your own (--db).", proof = "tests/unit/store/test_open.c" },
  EREADONLY = { hint = "Looking works, changing does not: make the file and its folder writable.", proof = "tests/unit/store/test_open.c" },
  EDB = { hint = "The database failed in a way of its own; `ork db check` looks for damage.", proof = "tests/unit/store/test_open.c" },
  ECORRUPT = { hint = "Keep a copy of the file; `ork db check` says what is damaged and what can be mended.", proof = "tests/unit/store/test_open.c" },
  ENEWER = { hint = "A newer ork made this database; use that one.", proof = "tests/unit/store/test_schema.c" },
  EFOREIGN = { hint = "The database belongs to another program. `ork db migrate` puts Ork's tables beside its own, if that is meant.",
    proof = "tests/unit/store/test_open.c" },
  EDATA = { hint = "A value cannot be stored (no UTF-8, a NUL): have the task write another output.", proof = "tests/unit/store/test_values.c" },
  EFENCED = { hint = "Another ork took the run over because this one stood still too long; nothing is lost, watch it with `ork show RUN`.",
    proof = "tests/unit/store/test_fence.c" },
  EPROTO = { hint = "Program and agent do not understand each other: are they of one version? (`ork doctor`)" },
  EAGENT = { hint = "The program that starts tasks does not run: is ork-agent beside ork, or named by $ORK_AGENT? Its log is in `.ork/agent/log`.",
    proof = "tests/unit/exec/test_life.c" },
  EENV = { hint = "Something of the machine is missing: a folder, a right, a limit; the text names it. `ork doctor` looks at all of it.",
    proof = "tests/spec/messages_spec.lua" },
  ETIMEDOUT = { hint = "The time was over; give more (--timeout), or find what takes so long (`ork show RUN`).", proof = "tests/unit/engine/test_wait.c" },
  ECANCELLED = { hint = "Somebody ended it: Ctrl-C, `ork cancel`, or the program itself.", proof = "tests/spec/messages_spec.lua" },
  ENOVALUE = { hint = "A reference stands for nothing in this run: the task was skipped, or its output lacks the field.", proof = "tests/unit/core/test_expr.c" },
}

return messages
