-- SPDX-License-Identifier: MIT
-- `ork SCRIPT`: runs the workflow that the script returns to its end.
local args = require "ork.cli.args"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local drive = require "ork.cli.drive"
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local report = require "ork.cli.report"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local script = {
  name = "SCRIPT",
  usage = "SCRIPT [NAME] [name=value ...]",
  summary = "Runs the workflow of a script to its end",
  text = [[
The script defines workflows and returns them; NAME picks one of several. The run is stored as it goes: killed and started
again, with the script and the params unchanged, it goes on where it was, finds tasks that still run, and repeats nothing that
succeeded. `ork SCRIPT --help` shows the script's own params. Ctrl-C cancels the run.

--resume goes on with the newest run of the workflow, which failed, was cancelled or is unfinished, with the script as it is now
and the run's params: what did not succeed, is new or has changed runs, and everything after it; the rest stays. Params that
are given choose the run: the newest such one that has them. Runs of a part (--to, --only) are passed by, and when the newest
run succeeded nothing is gone on with: ork retry RUN --update goes on with any run, also with other params. A task has changed
when its command, env, cwd, inputs, `when`, types or dependencies have, or a param it refers to.

With --to and --only the run is a part of the workflow, and stays one: the other tasks are skipped, also by a retry, and
`ork rerun` repeats the part.]],
  examples = {
    { "ork pipeline.lua", "run it to its end" },
    { "ork etl.lua day=yesterday limit=100", "with params (see: ork help params)" },
    { "ork pipeline.lua --to clean", "`clean` and what it needs, nothing else" },
    { "ork pipeline.lua --only load", "`load` alone, with the outputs of the newest run that has them" },
    { "ork pipeline.lua --detach", "in the background: it outlives the terminal; `ork watch` shows it" },
    { "ork pipeline.lua --resume", "after mending the script: only what failed, is new or has changed" },
    { "ork jobs.lua nightly --jobs 4 --timeout 2h", "the workflow `nightly` of several, four processes at once, two hours at most" },
    { "ork etl.lua --key nightly-2026-11-01 --json >run.json", "once for this key, however often it is called; the run as JSON" },
  },
  words = { 0, 1 },
  params = true,
  options = {
    { "jobs", "N", "at most so many processes at once (default: twice the cores)", kind = "count", short = "j" },
    { "param", "name=value", "a param (also: name=value)", many = true },
    { "params-file", "F", "params from a JSON file" },
    { "key", "K", "start at most once: the workflow has one run with this key (ork help naming)" },
    { "timeout", "D", "cancel the run when it takes longer (exit code 124)", kind = "duration" },
    { "at", "TIME", "the run's logical time (default: now)", kind = "time" },
    { "new", false, "a new run, even if an earlier one was interrupted" },
    { "to", "T", "only this task and what it needs (and `finally`)" },
    { "only", "T", "only this task; its inputs come from --input, or from the newest run that has them" },
    { "input", "JSON", "with --only: the task's inputs" },
    { "resume", false, "go on with the newest run, which failed or is unfinished, with the script as it is now" },
    { "from", "T", "with --resume: this task and all after it, also where they succeeded" },
    { "keep", false, "with --resume: what succeeded stays, also where its definition changed" },
    { "all", false, "all workflows of the script, one after the other" },
    { "detach", false, "carry the run out in the background; print its id and end once it is stored" },
  },
}

--- Runs that nobody carries out any more, apart from `id` and from runs of tasks, which go with theirs: told (in a mail of cron too), never touched.
local function tell_orphans(engine, id)
  local unfinished = stop.check(engine:runs({ status = { "pending", "running", "paused" }, limit = 100 }))
  local orphans = {}
  for _, run in ipairs(unfinished) do
    if run.id ~= id and not run.parent and not (run.owner and run.owner.alive) then orphans[#orphans + 1] = run end
  end
  if #orphans == 1 then
    local run = orphans[1]
    term.message(("1 other unfinished run without an owner (%s): %s"):format(run.workflow, hint.line("ork resume %s", text.short(run.id))))
  elseif #orphans > 1 then
    term.message(("%d other unfinished runs without an owner: %s   (%s lists them)"):format(#orphans,
      hint.line("ork resume RUN"), hint.line("ork runs --status running")))
  end
end

--- --to and --only as the engine takes them.
local function part_of(options)
  if options.to then return stop.check(core.json.encode({ to = options.to })) end
  if not options.only then return nil end
  local input, why
  if options.input then
    input, why = core.json.decode(options.input)
    if input == nil then stop(2, "--input is no JSON: %s", why or "null is no input") end
    if type(input) ~= "table" then stop(2, "--input is a JSON object: {\"name\": value}") end
  end
  return stop.check(core.json.encode({ only = options.only, input = input }))
end

--- keyed: another run is another key, not --new.
local function tell_start(engine, id, how, name, tasks, alone, keyed)
  local short = text.short(id)
  if how == "new" and not term.quiet then
    local run = stop.check(engine:run(id))
    term.news(("run %s of %s: %s"):format(short, name, text.part(run, #tasks) or text.plural(#tasks, "task")))
    local from = run.part and run.part.outputs_of
    if from then term.news(("outputs of tasks before it are those of run %s"):format(text.short(from))) end
  elseif how == "resumed" then
    local another = keyed and "" or " (--new starts another)"
    if stop.check(engine:run(id)).status == "paused" then
      term.message(("run %s of %s is paused: nothing of it starts before %s%s"):format(short, name, hint.line("ork resume %s", short), another))
    else
      term.news(("going on with run %s of %s, which was interrupted%s"):format(short, name, another))
    end
  elseif how == "finished" then
    local status = stop.check(engine:run(id)).status
    local again = status ~= "success" and hint.line("ork retry %s", short)
    term.news(("run %s of %s has this key and ended before%s"):format(short, name, again and ("; nothing is run; to try it again: " .. again) or ""))
    if again and term.quiet then term.message(("nothing was run: the key is that of run %s, which ended before; %s"):format(short, again)) end
  end
  if not alone and (how == "new" or how == "resumed") then tell_orphans(engine, id) end
end

--- It may not begin yet: says for which runs it waits.
local function tell_turn(engine, id, workflow)
  if term.quiet or not core.json.decode(core.options_json(workflow) or "{}").max_active_runs then return end
  for _, reason in ipairs((engine:why(id) or {}).reasons or {}) do
    if not reason.task then term.news(("run %s %s"):format(text.short(id), reason.text)) end
  end
end

--- A key that a run has already means that run: ends with 2 when something else was given. Also for `ork trigger`.
function script.check_key(engine, workflow, typed, options)
  if not options.key then return end
  local good, why, code = require("ork.key").check(engine, workflow, options.key, typed, function(logical_ms)
    return definition.params(workflow, typed, { params_file = options.params_file, at = options.at or logical_ms })
  end, options.to)
  if not good then stop(code == "ESTATE" and 2 or core.sys.exit_code(code), "%s", why) end
end

--- Starts a run and carries it out to its end; also of an applied workflow. typed: params as they were given.
function script.run_one(engine, workflow, params, options, typed)
  script.check_key(engine, workflow, typed, options)
  local name, tasks = workflow.name, core.task_names(workflow)
  drive.prepare(engine, tasks)
  return drive.to_end(engine, function()
    local id, how, alone = stop.check(engine:start(workflow, {
      params = params, key = options.key, triggered_by = "manual", logical_ms = options.at or 0, resume = not options.new,
      part = part_of(options),
    }))
    if options.detach then require("ork.cli.detach").announce(engine, id, how, name) end
    tell_start(engine, id, how, name, tasks, alone, options.key)
    if how == "new" then tell_turn(engine, id, workflow) end
    return id, how
  end, { timeout = options.timeout })
end

--- How this script is gone on with, for failure reports.
local function resume_line(path, loaded, workflow)
  return report.resume_line(text.word(path), workflow.name, #loaded.workflows > 1)
end

--- --resume: the newest run, which did not succeed, under the definition that the script gives now.
local function go_on(path, given)
  local options = given.options
  local update = require "ork.cli.update"
  local loaded = definition.load(path, definition.arg(path, given.words, given.params), nil, { stop_at_start = true })
  local workflow = definition.pick(loaded, path, given.words[1])
  local engine <close> = open.change(options)
  local words = text.word(path) .. (#loaded.workflows > 1 and " " .. workflow.name or "")
  local run, params = update.choose(engine, workflow, words, given.params, options)
  if next(run.params or {}) then -- a graph may depend on them
    loaded = definition.load(path, update.arg(path, run, params), nil, { stop_at_start = true })
    workflow = definition.pick(loaded, path, workflow.name)
  end
  report.resume = resume_line(path, loaded, workflow)
  return update.carry_on(engine, run, workflow, params, options)
end

--- Also for an applied workflow.
function script.check_new(options)
  if options.new and options.key then stop(2, "--new and --key exclude each other: a key has one run; another run needs another key") end
end

--- Options that do not go together, told before anything is loaded.
local function check(given)
  local options = given.options
  if options.all and (given.words[1] or options.key) then stop(2, "--all goes with neither NAME nor --key") end
  script.check_new(options)
  for _, other in ipairs({ "new", "key", "at", "all" }) do
    if options.resume and options[other] then stop(2, "--resume and --%s exclude each other", other) end
  end
  for _, other in ipairs({ "only", "resume", "all" }) do
    if options.to and options[other] then stop(2, "--to and --%s exclude each other", other) end
  end
  for _, other in ipairs({ "resume", "all", "key" }) do
    if options.only and options[other] then stop(2, "--only and --%s exclude each other", other) end
  end
  if options.input and not options.only then stop(2, "--input goes with --only") end
  for _, only in ipairs({ "from", "keep" }) do
    if options[only] and not options.resume then stop(2, "--%s goes with --resume", only) end
  end
end

-- ---- scripts that start runs themselves ------------------------------------------------------

--- Runs that the script started: carried out with progress, like the one of a script that returns its workflow.
local function host_runs(options)
  local hosted = { engine = nil, pending = {}, how = {}, code = 0 }

  function hosted.finish(id)
    hosted.pending[id] = nil
    local code = drive.to_end(hosted.engine, function() return id, hosted.how[id] end)
    hosted.code = math.max(hosted.code, code)
  end

  require("ork.run").hosted({
    open = function(url, read)
      if url then return require("ork.database").open({ url = url, create = not read, read = read, jobs = options.jobs }) end
      hosted.engine = open.run(options)
      return hosted.engine
    end,
    start = function(engine, begin, workflow)
      if not next(hosted.how) then drive.collect_documents() end
      if engine == hosted.engine then drive.prepare(engine, core.task_names(workflow)) end
      local id, how, last = begin() -- last: an error's code, or whether it is alone
      if id and engine == hosted.engine then
        if options.detach then require("ork.cli.detach").announce(engine, id, how, workflow.name) end
        hosted.how[id], hosted.pending[id] = how, true
        tell_start(engine, id, how, workflow.name, core.task_names(workflow), last)
        if how == "new" then tell_turn(engine, id, workflow) end
      end
      drive.release()
      return id, how, last
    end,
    wait = function(engine, id, ms)
      if engine ~= hosted.engine or ms >= 0 or not hosted.pending[id] then return engine:wait(id, ms) end
      hosted.finish(id)
      return engine:run(id).status
    end,
  })
  return hosted
end

--- The script failed after it had started runs: they end too, before the program does.
local function abandon(hosted)
  for id in pairs(hosted.pending) do
    drive.to_end(hosted.engine, function()
      hosted.engine:command(id, "cancel")
      return id, hosted.how[id]
    end)
  end
  if hosted.engine then hosted.engine:close() end
end

--- The script is over; what it started and did not wait for goes to its end too.
local function finish_hosted(hosted)
  while next(hosted.pending) do hosted.finish((next(hosted.pending))) end
  if hosted.engine then hosted.engine:close() end
  drive.print_documents()
  return hosted.code
end

-- ---- the command -----------------------------------------------------------------------------

local function show_help(path, words)
  local loaded = definition.load(path, words, nil, { stop_at_start = true })
  for i, workflow in ipairs(loaded.workflows) do
    if i > 1 then term.out("") end
    term.out(definition.describe(workflow, path, #loaded.workflows > 1))
  end
  term.out("\noptions:\n" .. args.option_lines(script.options))
  term.out("\noptions of every command:\n" .. args.option_lines(args.globals))
  return 0
end

--- All params are read before the first run begins, so a mistake in the last one stops them all.
local function prepare(loaded, given, path)
  local options, chosen = given.options, loaded.workflows
  if not options.all then chosen = { definition.pick(loaded, path, given.words[1]) } end
  if #chosen == 0 then definition.pick(loaded, path) end
  local runs = {}
  for i, workflow in ipairs(chosen) do
    runs[i] = { workflow = workflow, params = definition.params(workflow, given.params, options) }
  end
  return runs
end

function script.run(given)
  local options, path = given.options, given.script
  local words = definition.arg(path, given.words, given.params)
  if options.help then return show_help(path, words) end
  check(given)
  options.of_script = path -- for opening
  if options.detach then require("ork.cli.detach").begin() end
  if options.resume then return go_on(path, given) end

  if options.all then drive.collect_documents() end
  local hosted = host_runs(options)
  local loaded = definition.load(path, words, function() abandon(hosted) end)
  if loaded.started then return finish_hosted(hosted) end

  local runs = prepare(loaded, given, path)
  local engine <close> = open.run(options)
  local code = 0
  for _, each in ipairs(runs) do
    report.resume = resume_line(path, loaded, each.workflow)
    code = script.run_one(engine, each.workflow, each.params, options, given.params)
    if code ~= 0 then break end
  end
  drive.print_documents()
  return code
end

return script
