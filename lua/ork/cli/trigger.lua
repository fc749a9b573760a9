-- SPDX-License-Identifier: MIT
-- `ork trigger NAME`: a run of an applied workflow, carried out by the `ork serve` of the database.
local args = require "ork.cli.args"
local catalog = require "ork.cli.catalog"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local drive = require "ork.cli.drive"
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local script = require "ork.cli.script"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local SAME = { param = true, ["params-file"] = true, key = true, at = true }

local options = {
  { "wait", false, "show the run until it ends; the exit code is the run's" },
  { "timeout", "D", "with --wait: stop waiting after so long (exit code 124); the run goes on", kind = "duration" },
}
for _, row in ipairs(script.options) do
  if SAME[row[1]] then options[#options + 1] = row end
end

local trigger = {
  name = "trigger",
  usage = "trigger NAME [name=value ...]",
  summary = "Leaves a run of an applied workflow to the scheduler that serves the database",
  text = [[
The run is stored and its id printed; the running `ork serve` takes it up within a millisecond. Nobody serves the database: the run stays
pending until somebody does, and the command says so. `ork run NAME` carries a run out here instead.]],
  examples = {
    { "ork trigger etl day=yesterday", "as soon as the scheduler hears of it" },
    { "ork trigger etl --wait", "and wait for its end" },
    { "ork trigger etl --key orders-2026-11-01", "once for this key, however often it is called" },
  },
  words = { 1, 1 },
  params = true,
  helps = true,
  options = options,
}

local function tell(engine, id, how, name)
  local short = text.short(id)
  if term.json then
    term.out((stop.check(engine:run(id, true))))
    return
  end
  term.out(short)
  if how == "finished" then
    term.news(("run %s of %s has this key and ended before: %s"):format(short, name, hint.line("ork show %s", short)))
  elseif how == "watched" then
    term.news(("run %s of %s has this key already: %s"):format(short, name, hint.line("ork watch %s", short)))
  elseif stop.check(engine:served()) then
    term.news(("run %s of %s is left to the scheduler; watch it: %s"):format(short, name, hint.line("ork watch %s", short)))
  else
    term.news(("run %s of %s is pending: nobody serves this database. Start %s, or carry it out here: %s"):format(short, name,
      hint.line("ork serve"), hint.line("ork resume %s", short)))
  end
end

function trigger.run(given)
  local word, opts = given.words[1], given.options
  if catalog.is_path(word) then stop(2, "`%s` is a script; to run it: ork %s; to keep it for trigger: ork apply %s", word, word, word) end
  if opts.help then
    local engine <close> = open.read(opts)
    term.out(definition.describe(catalog.open(engine, word), "trigger " .. word, false))
    term.out("\noptions:\n" .. args.option_lines(trigger.options))
    return 0
  end
  if opts.timeout and not opts.wait then stop(2, "--timeout goes with --wait") end
  local engine <close> = open.change(opts)
  local workflow = catalog.open(engine, word)
  local params = definition.params(workflow, given.params, opts)
  script.check_key(engine, workflow, given.params, opts)
  require("ork.cli.moved").tell_workflow(engine, workflow.name)
  local id, how = stop.check(engine:trigger(workflow, { params = params, key = opts.key, logical_ms = opts.at }))
  if not opts.wait then
    tell(engine, id, how, workflow.name)
    return 0
  end
  if how ~= "finished" and not stop.check(engine:served()) and not stop.check(engine:run(id)).owner then
    tell(engine, id, how, workflow.name)
    stop.quietly(3)
  end
  drive.prepare(engine, core.task_names(workflow))
  return drive.to_end(engine, function() return id, how == "finished" and "finished" or "watched" end,
    { look = true, timeout = opts.timeout })
end

return trigger
