-- SPDX-License-Identifier: MIT
-- `ork …`: finds the command (or the script), reads its options, runs it, and turns what it says into an exit code.
local args = require "ork.cli.args"
local hint = require "ork.cli.hint"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"

local function is_command(word)
  for _, row in ipairs(require "ork.cli.commands") do
    if row[1] == word then return true end
  end
  return false
end

--- The script in this folder whose name is nearest.
local function near_script(word)
  local core, names = require "ork.core", {}
  for _, file in ipairs(core.files(".") or {}) do
    if file:find("%.lua$") then names[#names + 1] = file end
  end
  table.sort(names)
  return core.suggest(word, names)
end

--- What commands of other programs are called here.
local ELSEWHERE = {
  list = "runs", ls = "runs", clear = "retry", start = "run", stop = "cancel", kill = "cancel", restart = "rerun",
  unpause = "schedule NAME on", diff = "versions", rollback = "apply",
  history = "runs", dags = "workflows", log = "logs", scheduler = "serve", server = "serve", daemon = "serve", cron = "schedule",
  schedules = "schedule", catchup = "backfill",
}

--- `dags trigger orders`, `tasks clear`: the word behind it is the command.
local GROUPS = { dag = true, dags = true, task = true }
local OF_GROUP = { list = "workflows", pause = "schedule NAME off", unpause = "schedule NAME on", test = "plan", state = "show", clear = "retry" }

local function of_group(word, following)
  if not GROUPS[word] or not following then return nil end
  return OF_GROUP[following] or is_command(following) and following or nil
end

local function unknown(word, following)
  local help = require "ork.cli.help"
  if following and following:find("%.lua$") and sys.stat(following) == "file" then
    stop(2, "no command and no file `%s`; to run a script: ork %s", word, following)
  end
  if sys.stat(word .. ".lua") == "file" then stop(2, "no command and no file `%s`; did you mean `%s.lua`?", word, word) end
  local near = of_group(word, following) or ELSEWHERE[word] or require("ork.core").suggest(word, help.names())
  local script = not near and near_script(word)
  if script then stop(2, "no command and no file `%s`; did you mean `%s`?", word, script) end
  stop(2, "no command and no file `%s`; %s", word,
    near and ("did you mean `%s`?"):format(near) or "`ork help` lists the commands")
end

--- The command a word stands for, and whether the word itself is its first argument (a script).
local function find(word, following)
  if is_command(word) then return require("ork.cli." .. word), false end
  local kind = sys.stat(word)
  if kind == "folder" then stop(2, "`%s` is a folder; name a script in it", word) end
  local meant = word:find("/", 1, true) or word:find("%.lua$") -- the loader says which scripts there are
  if not kind and not meant then unknown(word, following) end
  return require "ork.cli.script", true
end

local function dispatch(argv)
  local options, words = args.split_globals(argv)
  term.configure(options)
  local word = table.remove(words, 1)
  if not word then
    local overview = require("ork.cli.help").overview()
    if options.help then
      term.out(overview)
      return 0
    end
    term.message(overview)
    return 2
  end
  local command, is_script = find(word, words[1])
  local given = args.parse(command, words, options, is_script and word)
  term.configure(given.options)
  hint.configure(given.options)
  if is_script then given.script = word end
  if given.options.help and not is_script and not (command.helps and given.words[1]) then
    term.out(args.help(command))
    return 0
  end
  return command.run(given)
end

local function on_error(problem)
  if problem == term.Closed or type(problem) == "table" and problem.stop then return problem end
  return debug.traceback(type(problem) == "string" and problem or tostring(problem), 2)
end

--- Runs f protected; an exit code comes out whatever the user did wrong. What is our own mistake is raised on.
local function guard(f, ...)
  local ok, result = xpcall(f, on_error, ...)
  if ok then return result end
  if result == term.Closed then return term.exit_code end
  if type(result) ~= "table" then error(result, 0) end
  if result.message then term.message("ork: " .. stop.shorten(term.escape(result.message))) end
  return result.code
end

return function(argv)
  local code = guard(dispatch, argv)
  local flushed = guard(function()
    term.flush()
    return 0
  end)
  return flushed ~= 0 and code == 0 and flushed or code
end
