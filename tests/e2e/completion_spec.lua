-- SPDX-License-Identifier: MIT
-- Completion as shells get it: the candidates, then bash, zsh and fish on a terminal with the Tab key.
local commands = require "ork.cli.commands"
local complete = require "ork.cli.complete"
local outline = require "ork.cli.outline"
local pty = require "tests.lib.pty"
local sh = require "tests.lib.sh"
local words = require "ork.cli.words"

local BREAKS = " \t\n\"'><=;|&(:"

local SCRIPT = [==[
local ork = require "ork"
local days = { "mon", "tue" }
local etl = ork.workflow("etl", {
  description = "Loads a day",
  params = {
    day = { type = "date", default = "2026-11-01" },
    mode = { type = "str", choices = { "fast", "very slow" }, default = "fast", description = "how" },
    limit = "int?",
    ["full"] = { type = "bool", default = false },
  },
})
etl:task("extract", { command = { "true" } })
etl:task("load", { command = { "false" } })
ork.workflow "other"
return etl
]==]

local function candidates_of(dir)
  --- The candidates for a line, as lines "kind text".
  return function(line, shell)
    local r = sh.ork({ "completion", "words", shell or "bash", BREAKS, line }, { cwd = dir, env = { TZ = "UTC" } })
    assert.same({ 0, "" }, { r.code, r.err })
    local list = {}
    for each in r.out:gmatch("[^\n]+") do list[#list + 1] = each end
    return list
  end
end

local function has(list, wanted)
  for _, each in ipairs(list) do
    if each == wanted then return true end
  end
  error(("no %q among\n%s"):format(wanted, table.concat(list, "\n")), 2)
end

describe("candidates", function()
  local dir, ask

  setup(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", (SCRIPT:gsub('ork.workflow "other"\n', "")))
    sh.write(dir .. "/two.lua", SCRIPT)
    sh.ork({ "etl.lua", "-q" }, { cwd = dir })
    ask = candidates_of(dir)
  end)
  teardown(sh.cleanup)

  it("are commands and scripts at the beginning", function()
    local list = ask("ork ")
    for _, row in ipairs(commands) do has(list, "word " .. row[1]) end
    has(list, "files lua")
    assert.same({ "files lua", "word validate" }, ask("ork val"))
    assert.same({ "files lua" }, ask("ork zzz"))
  end)

  it("are options, each once unless it may be repeated", function()
    local list = ask("ork runs --st")
    assert.same({ "word --status" }, list)
    has(ask("ork runs --status failed --"), "word --status")
    assert.same({}, ask("ork runs --limit 3 --lim"))
    has(ask("ork --"), "word --db")
    assert.same({}, ask("ork runs -- --st"))
  end)

  it("are the values of options", function()
    assert.same({ "word pending", "word paused" }, ask("ork runs --status p"))
    assert.same({ "word failed" }, ask("ork runs --status=fa"))
    assert.same({ "files any" }, ask("ork etl.lua --params-file "))
    assert.same({ "files folders" }, ask("ork runs --data "))
    assert.same({}, ask("ork runs --since "))
    assert.same({ "word etl" }, ask("ork runs --workflow "))
    assert.same({ "word markdown" }, ask("ork help --format mar"))
  end)

  it("are runs, workflows and tasks", function()
    local id = sh.json(sh.ork({ "runs", "--json" }, { cwd = dir }).out)[1].id:sub(-8)
    assert.same({ "word last", "word " .. id, "word etl" }, ask("ork show "))
    assert.same({ "word extract", "word load" }, ask("ork show last "))
    assert.same({ "word load" }, ask("ork logs " .. id .. " l"))
    assert.same({ "word load" }, ask("ork retry etl --task l"))
    assert.same({ "word load" }, ask("ork etl.lua --resume --from l"))
    assert.same({ "word extract", "word load" }, ask("ork two.lua etl --from "))
    assert.same({ "nospace -", "word load.input=" }, ask("ork rerun etl --set lo"))
    assert.matches("^word " .. id .. ":etl, failed, %d+%-", ask("ork show " .. id, "zsh")[1])
    assert.same({}, ask("ork show last load "))
  end)

  it("are params with their choices, read from the script's text", function()
    assert.same({ "nospace -", "word day=", "word mode=", "word limit=", "word full=" }, ask("ork etl.lua "))
    assert.same({ "nospace -", "word mode=", "word limit=", "word full=" }, ask("ork etl.lua day=today "))
    assert.same({ "word fast", "word very\\ slow" }, ask("ork etl.lua mode="))
    assert.same({ "word today" }, ask("ork etl.lua day=t"))
    assert.same({ "word true", "word false" }, ask("ork etl.lua full="))
    assert.same({ "word mode=fast:how", "word mode=very slow:how" }, ask("ork etl.lua mode=", "zsh"))
    assert.same({ "open mode=:how" }, ask("ork etl.lua m", "zsh"))
    local list = ask("ork two.lua ")
    has(list, "word etl ")
    has(list, "word other ")
    has(ask("ork rerun last "), "word mode=")
  end)

  it("are applied workflows, their versions and params", function()
    sh.ork({ "apply", "etl.lua" }, { cwd = dir, ok = true })
    has(ask("ork run e"), "word etl")
    has(ask("ork versions "), "word etl")
    assert.same({ "word 1" }, ask("ork versions etl "))
    assert.same({ "word fast", "word very\\ slow" }, ask("ork run etl mode="))
    has(ask("ork apply "), "word etl")
    has(ask("ork apply "), "files lua")
    assert.same({}, ask("ork pool "))
  end)

  it("are schedules and what is done with them", function()
    local there = sh.tempdir()
    local asked = candidates_of(there)
    sh.write(there .. "/two.lua", [[
      local ork = require "ork"
      local due = ork.workflow("due", { schedule = { cron = "@daily" }, params = { mode = { type = "str", choices = { "fast", "slow" }, default = "fast" } } })
      due:task("a", { command = "true" })
      local free = ork.workflow("free")
      free:task("a", { command = "true" })
      return due, free]])
    sh.ork({ "apply", "two.lua" }, { cwd = there, ok = true })
    assert.same({ "word due", "word --all" }, asked("ork schedule "))
    assert.same({ "word on", "word off", "word next" }, asked("ork schedule due "))
    assert.same({ "word on", "word off", "word next" }, asked("ork schedule --all "))
    assert.same({}, asked("ork schedule due next "))
    assert.same({ "word due", "word free" }, asked("ork trigger "))
    assert.same({ "nospace -", "word mode=" }, asked("ork trigger due "))
    assert.same({ "word fast", "word slow" }, asked("ork backfill due --from 2026-10-01 mode="))
    assert.same({ "word --from" }, asked("ork backfill due --fr"))
    assert.same({ "files lua" }, asked("ork serve "))
  end)

  it("go on within quotes", function()
    assert.same({ "word last" }, ask('ork show "la'))
    assert.same({ "word very slow" }, ask("ork etl.lua mode='very"))
    assert.same({ "word very slow" }, ask('ork etl.lua mode="very s'))
    assert.same({ "word very\\ slow" }, ask("ork etl.lua mode=very\\ s"))
    assert.same({ "files lua", "word runs" }, ask("TZ=UTC ork runs"))
  end)

  it("are words to choose from", function()
    assert.same({ "word migrate", "word status", "word check", "word copy" }, ask("ork db "))
    assert.same({ "word bash" }, ask("ork completion b"))
    assert.same({ "word exit-codes", "word environment" }, ask("ork help e"))
  end)

  it("come fast, from nowhere, without a word", function()
    local empty = sh.tempdir()
    local nothing = candidates_of(empty)
    for _, line in ipairs({ "", "ork", "ork show ", "ork --db /nonexistent/x.db show ", "ork none.lua ", "ork shwo x ", "ork runs --statsu ",
      "ork show 'x", 'ork "', "ork \\", "ork runs --status", "ork \255\254 ", "ork show " .. ("x"):rep(20000), "ork -" }) do
      nothing(line)
      nothing(line, "zsh")
    end
    assert.same({}, nothing("ork show "))
    assert.is_false(sh.exists(empty .. "/.ork"))
    sh.write(empty .. "/etl.lua", 'io.open("ran", "w"):close() local w = require("ork").workflow("w", { params = { a = "str" } }) return w')
    assert.same({ "nospace -", "word a=" }, nothing("ork etl.lua "))
    assert.is_false(sh.exists(empty .. "/ran"), "the script was run")
    sh.write(empty .. "/broken.db", "no database")
    assert.same({}, nothing("ork --db broken.db show "))
  end)

  it("know every kind that a usage names", function()
    for _, row in ipairs(commands) do
      local command = require("ork.cli." .. row[1])
      for _, kinds in ipairs(complete.positions(command.usage)) do
        for _, kind in ipairs(kinds) do assert(complete.knows(kind), ("ork %s: what is %s?"):format(command.usage, kind)) end
      end
    end
  end)

  it("are the versions of a workflow behind its @", function()
    sh.ork({ "apply", "etl.lua" }, { cwd = dir, ok = true })
    sh.write(dir .. "/again.lua", (SCRIPT:gsub('ork.workflow "other"\n', ""):gsub('"false"', '"true"')))
    sh.ork({ "apply", "again.lua" }, { cwd = dir, ok = true })
    assert.same({ "word etl@2:current", "word etl@1:version", "files lua" }, ask("ork apply etl@", "zsh"))
    has(ask("ork apply etl@2"), "word etl@2")
    has(ask("ork run "), "word etl")
  end)

  it("come to fish with what they are behind a tab", function()
    assert.same({ "word last\tthe newest run" }, ask("ork show la", "fish"))
    assert.same({ "word mode=fast\thow", "word mode=very slow\thow" }, ask("ork etl.lua mode=", "fish"))
    has(ask("ork val", "fish"), "files lua")
  end)

  it("are refused for other shells", function()
    local r = sh.ork({ "completion", "zhs" })
    assert.same({ 2, "ork: there is completion for bash, zsh and fish, not for `zhs`; did you mean `zsh`?\n" }, { r.code, r.err })
    assert.equal(2, sh.ork({ "completion" }).code)
  end)
end)

describe("the outline of a script", function()
  local function of(text)
    local path = sh.write(sh.tempdir() .. "/x.lua", text)
    return outline(path)
  end
  after_each(sh.cleanup)

  it("has what is written there as literals", function()
    assert.same({ { name = "a", description = "b; c", params = {
      { name = "x", type = "str" }, { name = "y", choices = { 1, 2, [0] = {} }, type = "int" }, { name = "z" },
    }, tasks = { "t" } } }, of('local w = ork.workflow("a", { f(1, { params = { q = 1 } }), description = "b; c", params = { x = "str", '
      .. 'y = { type = "int", choices = { 1, 2 } }, z = some.thing("p", {}) } }) w:task("t", {})'))
  end)

  it("is empty for what cannot be read", function()
    assert.same({}, outline("/nonexistent.lua"))
    for _, text in ipairs({ "", "workflow", "workflow(", 'x.workflow("a', "\27Lua", "workflow { params = {", "x = { y = ", "}}}" }) do
      of(text)
    end
    assert.same({ { name = "a", params = {}, tasks = {} } }, of('workflow("a", options)'))
  end)
end)

describe("words of a line", function()
  it("lose their quotes", function()
    local list, place = words.split([[a 'b c'd "e\"f$" g\ h i]])
    assert.same({ "a", "b cd", 'e"f$', "g h", "i" }, list)
    assert.same({ start = 23, skip = 0, plain = true }, place)
    assert.same({ "a", "" }, (words.split("a ")))
    assert.same({ "b" }, (words.split("a; b")))
    local _, open = words.split("a b='c ")
    assert.same({ open = "'", start = 6, skip = 2, plain = true }, open)
  end)

  it("can be written back", function()
    for _, text in ipairs({ "plain", "two words", [[q'"$`\x]], "*?[", "ä" }) do
      assert.same({ text, "" }, (words.split(words.quote(text) .. " ")))
      assert.same({ text }, (words.split('"' .. words.quote(text, '"'))))
    end
    assert.is_nil(words.quote("it's", "'"))
  end)
end)

-- ---- real shells -----------------------------------------------------------------------------

--- A shell on a terminal with completion for the program under test, in a folder with a script and a run.
local function shell(argv, prepare)
  local dir = sh.tempdir()
  sh.write(dir .. "/etl.lua", (SCRIPT:gsub('ork.workflow "other"\n', "")))
  sh.run({ "mkdir", dir .. "/sub" })
  sh.write(dir .. "/sub/deep.lua", SCRIPT)
  sh.ork({ "etl.lua", "-q" }, { cwd = dir })
  local bin = sh.ork_path():match("^(.*)/")
  argv.cwd, argv.cols, argv.rows = dir, 100, 60
  argv.env = { PATH = bin .. ":" .. os.getenv("PATH"), HOME = dir, ZDOTDIR = dir, INPUTRC = "/dev/null", LC_ALL = "C.UTF-8", HISTFILE = false }
  local t = pty.open(argv)
  t:send(prepare .. "\n")
  t:expect("ready%d")
  return t
end

--- Types a line with Tab in it and waits for what it prints.
local function typed(t, keys, wanted)
  t:send(keys .. "\n")
  t:expect(wanted)
end

describe("bash", function()
  after_each(sh.cleanup)

  it("completes with the Tab key", function()
    local t = shell({ "/bin/bash", "--norc", "--noprofile" }, [[PS1='> '; bind 'set bell-style none'; eval "$(ork completion bash)"; echo ready$((1))]])
    typed(t, "true; ork vers\t", "ork %d+%.")
    typed(t, "ork runs --sta\tfai\t -q", "etl .-failed")
    typed(t, "ork tasks la\t", "extract .-success")
    typed(t, "ork show last ex\t", "task +extract")
    typed(t, "ork plan sub/de\tetl", "2 tasks")
    t:send("ork etl.lua mo\tve\t --help\n")
    t:expect_line("ork etl.lua mode=very\\ slow")
    t:expect("usage: ork etl.lua")
    t:send("exit\n")
    t:wait()
  end)
end)

describe("zsh", function()
  after_each(sh.cleanup)

  it("completes with the Tab key", function()
    if sh.run({ "sh", "-c", "command -v zsh" }).code ~= 0 then return pending("there is no zsh") end
    local t = shell({ "/bin/zsh", "-f" }, [[PS1='> '; autoload -U compinit; compinit -D -u; eval "$(ork completion zsh)"; echo ready$((1))]])
    typed(t, "ork vers\t", "ork %d+%.")
    typed(t, "ork runs --sta\tfai\t -q", "etl .-failed")
    typed(t, "ork tasks la\t", "extract .-success")
    typed(t, "ork plan sub/de\tetl", "2 tasks")
    t:send("ork show \t")
    t:expect("the newest run")
    t:send("\21")
    t:send("ork etl.lua mo\tve\t --help\n")
    t:expect_line("ork etl.lua mode=very\\ slow")
    t:expect("usage: ork etl.lua")
    t:send("exit\n")
    t:wait()
  end)

  it("finds it as a file of $fpath", function()
    if sh.run({ "sh", "-c", "command -v zsh" }).code ~= 0 then return pending("there is no zsh") end
    local t = shell({ "/bin/zsh", "-f" }, "PS1='> '; mkdir zf; ork completion zsh >zf/_ork; fpath=($PWD/zf $fpath); "
      .. "autoload -U compinit; compinit -D -u; echo ready$((1))")
    typed(t, "ork vers\t", "ork %d+%.")
    typed(t, "ork tasks la\t", "extract .-success")
    t:send("exit\n")
    t:wait()
  end)
end)

describe("fish", function()
  after_each(sh.cleanup)

  it("completes what is typed", function()
    if sh.run({ "sh", "-c", "command -v fish" }).code ~= 0 then return pending("there is no fish") end
    local dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", (SCRIPT:gsub('ork.workflow "other"\n', "")))
    sh.ork({ "etl.lua", "-q" }, { cwd = dir })
    local function ask(line)
      local r = sh.run({ "fish", "-N", "-c", "ork completion fish | source; complete -C $argv[1]", line },
        { cwd = dir, env = { PATH = sh.ork_path():match("^(.*)/") .. ":" .. os.getenv("PATH"), HOME = dir } })
      assert.same({ 0, "" }, { r.code, r.err })
      return r.out
    end
    assert.matches("versions\tthe versions of a workflow", ask("ork vers"), 1, true)
    assert.equal("last\tthe newest run\n", ask("ork show la"))
    assert.equal("etl.lua\n", ask("ork plan et"):match("etl.lua\n"))
    assert.matches("mode=very slow\thow", ask("ork etl.lua mode="), 1, true)
  end)
end)
