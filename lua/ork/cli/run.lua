-- SPDX-License-Identifier: MIT
-- `ork run NAME`: an applied workflow, run here to its end, from its definition in the database.
local args = require "ork.cli.args"
local catalog = require "ork.cli.catalog"
local definition = require "ork.cli.definition"
local open = require "ork.cli.open"
local script = require "ork.cli.script"
local stop = require "ork.cli.stop"
local term = require "ork.term"

local SAME = { jobs = true, param = true, ["params-file"] = true, key = true, timeout = true, at = true, new = true, detach = true }

local options = {}
for _, row in ipairs(script.options) do
  if SAME[row[1]] then options[#options + 1] = row end
end

local run = {
  name = "run",
  usage = "run NAME [name=value ...]",
  summary = "Runs an applied workflow to its end, here",
  text = [[
NAME is an applied workflow (see: ork workflows); NAME@2 runs its version 2. Tasks, params and sources are those of the database,
whatever has become of the script since; its tasks work in the script's folder. `ork run NAME --help` shows its params.]],
  examples = {
    { "ork run etl day=yesterday", "the current version, with a param" },
    { "ork run etl --key nightly-2026-11-01", "once for this key, however often it is called" },
    { "ork run etl --detach", "in the background; `ork watch` shows it" },
    { "ork run etl@2", "an older version, without making it current" },
    { "ork run etl --help", "what it is for and which params it takes" },
  },
  words = { 1, 1 },
  params = true,
  helps = true,
  options = options,
}

function run.run(given)
  local word = given.words[1]
  if catalog.is_path(word) then stop(2, "`%s` is a script; to run it: ork %s", word, word) end
  if given.options.help then
    local engine <close> = open.read(given.options)
    term.out(definition.describe(catalog.open(engine, word), "run " .. word, false))
    term.out("\noptions:\n" .. args.option_lines(run.options))
    return 0
  end
  script.check_new(given.options)
  if given.options.detach then require("ork.cli.detach").begin() end
  local engine <close> = open.change(given.options)
  local workflow = catalog.open(engine, word)
  local params = definition.params(workflow, given.params, given.options)
  require("ork.cli.moved").tell_workflow(engine, workflow.name)
  return script.run_one(engine, workflow, params, given.options, given.params)
end

return run
