-- SPDX-License-Identifier: MIT
-- `ork repl` without a terminal: plain lines from a pipe or a file. And that nothing loads libedit there.
local sh = require "tests.lib.sh"

local root = os.getenv("ORK_ROOT") or "."

local SCRIPT = [[
local ork = require "ork"
local etl = ork.workflow("etl", { params = { n = { type = "int", default = 0 } } })
local a = etl:task("a", { command = { "sh", "-c", "echo out of a; exit $0", etl.params.n } })
etl:task("b", { command = { "true" }, depends_on = { a } })
return etl
]]

describe("ork repl in a pipe", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/etl.lua", SCRIPT)
  end)
  after_each(sh.cleanup)

  local function repl(text, opts)
    opts = opts or {}
    local args = { "repl" }
    for _, word in ipairs(opts.args or { "etl.lua" }) do args[#args + 1] = word end
    local env = { HOME = dir, TERM = "xterm" }
    for name, value in pairs(opts.env or {}) do env[name] = value end
    return sh.ork(args, { cwd = opts.cwd or dir, stdin = text, env = env })
  end

  --- Text in, text out, nothing on stderr.
  local function expect(input, output, opts)
    local r = repl(input, opts)
    assert.same({ output, "", 0 }, { r.out, r.err, r.code })
  end

  --- What fails: the message, and exit code 1; the line behind it still runs.
  local function expect_error(input, message)
    local r = repl(input .. "\n'after'\n")
    assert.truthy(r.err:find(message, 1, true), r.err)
    assert.equal('"after"\n', r.out)
    assert.equal(1, r.code)
  end

  it("prints values, without a prompt and without escape codes", function()
    expect("1 + 1\n= 'a', nil, 2.5\nx = 3\nx\n-- nothing\n\n", '2\n"a", nil, 2.5\n3\n')
    expect("x = { b = 1, 2, { c = {} } }\nx", "{ 2, { c = {} }, b = 1 }\n")
    expect("1 + 1\r\n", "2\n")
    expect("", "")
    assert.is_false(sh.exists(dir .. "/.ork"))
    assert.is_false(sh.exists(dir .. "/.local"))
  end)

  it("ends with the code of os.exit", function()
    for call, code in pairs({ ["os.exit(5)"] = 5, ["exit(7)"] = 7, ["os.exit()"] = 0, ["os.exit(false)"] = 1, ["os.exit(true)"] = 0 }) do
      assert.equal(code, repl(call).code, call)
    end
  end)

  it("says what becomes of runs when it ends", function()
    local r = repl("etl:start{ n = 1 }\n", { args = { "etl.lua", "--db", "sqlite::memory:" } })
    assert.matches("ended with the database, which was in memory: %x+ %(etl%)\n", r.err)
    r = repl("w = ork.workflow('f')\nw:task('t', { run = function(_, ctx) ctx.sleep('1h') end })\nw:start()\n")
    assert.matches("left as it is: %x+ %(f%); tasks are functions: with the same workflow defined, w:validate%(%) and ork.find%(RUN%):resume%(%) go on", r.err)
  end)

  it("reads statements of several lines", function()
    expect("for i = 1, 2 do\n  print(i)\nend\nfunction f(a)\n  return [[v\n]] .. a\nend\nf 'x'\n", '1\n2\n"v\\nx"\n')
    expect_error("for i = 1 do end", "prompt:1: ")
    local r = repl("x = {\n1\n")
    assert.same({ "prompt:2: '}' expected (to close '{' at line 1) near <eof>\n", 1 }, { r.err, r.code })
  end)

  it("keeps locals for the next lines, and says so once", function()
    local r = repl("local a <const>, b = 1, 2\nlocal function f() return a + b end\nlocal c\nf(), c\ndo local d = 1 end\nlocal a = 5 a\n")
    assert.same({ "3, nil\n", 1 }, { r.out, select(2, r.err:gsub("is kept", "")) })
  end)

  it("survives errors of every kind and tells them", function()
    expect_error("error 'mine'", "prompt:1: mine")
    expect_error("error({ code = 3 })", "an error that is a table: { code = 3 }")
    expect_error("error(setmetatable({}, { __tostring = function() return 'my own words' end }))", "my own words")
    expect_error("error(setmetatable({}, { __tostring = function() error 'again' end }))", "<table whose __tostring fails: prompt:1: again>")
    expect_error("error(setmetatable({}, { __tostring = function() return {} end }))", "<table whose __tostring fails")
    expect_error("error()", "an error without a message (nil)")
    expect_error("error(print)", "an error that is a function: function: ")
    expect_error("local function deep(n) return 1 + deep(n + 1) end deep(1)", "stack overflow")
    expect_error("string.rep('x', 1 << 40)", "prompt:1")
    expect_error("clean_up()", "undefined variable `clean_up`")
    expect_error("etll:start{}", "undefined variable `etll`; did you mean `etl`?")
    expect_error("etl:strat{}", "workflow `etl` has no field `strat`; did you mean `start`?")
    expect_error("etl:start{ m = 1 }", "no param `m`")
    expect_error("runs{ statsu = 'failed' }", "runs has no option `statsu`; did you mean `status`?")
    expect_error("runs{ status = 'faild' }", "did you mean `failed`?")
    expect_error("show(1, 2, 3)", "one word too many")
    expect_error("show({})", "no Ork database here or above")
    expect_error("show(print)", "show takes a run, a workflow, or a name of one, not a function")
    expect_error("coroutine.wrap(function() error 'inside' end)()", "inside")
    expect_error("os = nil collectgarbage('nonsense')", "prompt:1")
    expect_error("error(setmetatable({}, { __index = function() error 'no' end }))", "an error that is a table: {}")
    expect_error("for k in pairs(string) do string[k] = nil end for k in pairs(table) do table[k] = nil end error 'x'", "prompt:1: x")
    expect_error("string = nil table = nil io = nil _G = nil ork = nil error 'x'", "prompt:1: x")
  end)

  it("shows the line and the way to an error in a long statement", function()
    local r = repl("function f(x)\n  local y = x.z.w\n  return y\nend\nf({})\n")
    assert.truthy(r.err:find("prompt:2: attempt to index a nil value (field 'z')", 1, true), r.err)
    r = repl("for i = 1, 2 do\n  local x = nil + 1\nend\n")
    assert.truthy(r.err:find("\n  2 |   local x = nil + 1\n", 1, true), r.err)
    sh.write(dir .. "/deep.lua", "local m = {}\nfunction m.f(x)\n  local r = x.y.z\n  return r\nend\nreturn m\n")
    r = repl("m = require 'deep'\nx = m.f({}) + 1\n")
    assert.truthy(r.err:find("deep.lua:3: attempt to index a nil value %(field 'y'%)\n  %S*deep.lua:3 in .-\n  prompt:1\n"), r.err)
  end)

  it("takes garbage, zero bytes and huge lines", function()
    expect_error("\255\254", "the line is not UTF-8 text")
    expect_error("x = '\0'", "zero byte")
    expect_error("\27Lua", "prompt:1")
    expect("x = '" .. ("y"):rep(1 << 20) .. "'\n#x\n", (1 << 20) .. "\n")
    expect(("a = 1 "):rep(100000) .. "\na\n", "1\n")
    local r = repl(("z"):rep((16 << 20) + 100000) .. "\n'after'\n")
    assert.same({ '"after"\n', "the line is too long; it was skipped\n", 1 }, { r.out, r.err, r.code })
    r = repl(("{"):rep(300) .. "\n'after'\n")
    assert.equal('"after"\n', r.out)
  end)

  it("shows control characters and cuts what is long", function()
    expect("'\\27[31m\\0\\xff'\n", '"\\e[31m\\0\\xff"\n')
    local r = repl("('x'):rep(100000)\nt = {} for i = 1, 1000 do t[i] = i end\nt\nt.t, t[1] = t, t\nt\n")
    assert.truthy(r.out:find("… (100000 bytes)", 1, true))
    assert.truthy(r.out:find("… 950 more", 1, true))
    assert.truthy(r.out:find("<cycle>", 1, true))
    assert.is_true(#r.out < 20000)
  end)

  it("runs workflows and looks at them as the commands do", function()
    local r = repl("r = etl:run{ n = 3 }\nr\nruns()\nork.runs()\ntasks(r)\nr:tasks()\nlogs(r, 'a')\nwhy()\nr:task('a').error\n_\n")
    assert.equal(0, r.code, r.err)
    local id = r.out:match("^run (%x+) of etl: failed\n")
    local lines = { "RUN", id, "RUN", id, "TASK", "a", "b", "TASK", "a", "b", "out of a", '"exit code 3"', '"exit code 3"' }
    local i = 1
    for line in r.out:gmatch("[^\n]+") do
      if line:find(lines[i] or "?", 1, true) == 1 then i = i + 1 end
    end
    assert.equal(#lines + 1, i, r.out)
    assert.truthy(r.err:find("created .ork/ork.db", 1, true))
    assert.truthy(r.err:find("a +failed .*exit code 3"), r.err)
    assert.truthy(r.err:find("nothing waits", 1, true))
  end)

  it("steers runs: retry, rerun, cancel, pause, resume", function()
    sh.write(dir .. "/x.lua", "local ork = require 'ork'\nlocal w = ork.workflow('x')\nw:task('t', { command = 'test -e ok' })\n"
      .. "w:task('u', { command = 'sleep 100' })\nreturn w\n")
    local r = repl("r = x:start{}\npause(r)\nr.status\nresume(r)\ncancel()\nr:wait()\nos.execute 'touch ok'\nretry(r, { task = 't' })\n"
      .. "find(r.id) == r\nr2 = rerun()\nr2 ~= r\ncancel(r, r2)\nr2:wait()\n", { args = { "x.lua" } })
    assert.equal(0, r.code, r.err)
    assert.truthy(r.out:find("^%x+ x: paused\n"), r.out)
    assert.truthy(r.out:find('"cancelled"\n', 1, true), r.out)
    assert.truthy(r.err:find("trying again: run %x+ of x"), r.err)
  end)

  it("says why, also as a table", function()
    local r = repl("r = etl:run{ n = 1 }\nork.why(r).reasons[1].task\nork.why(r:task 'b').reasons[1].text\nork.why('last', 'a').status\n"
      .. "ork.why()\nork.why(5)\n")
    assert.truthy(r.out:find('^"a"\n"[^"]+"\n"failed"\n'), r.out .. r.err)
    assert.truthy(r.err:find("why takes a run, a task of a run, or the name of a run, not number", 1, true), r.err)
  end)

  it("never writes to a database before the first start", function()
    expect_error("runs()", "no Ork database here or above")
    assert.is_false(sh.exists(dir .. "/.ork"))
    sh.ork({ "etl.lua" }, { cwd = dir, ok = true })
    sh.run({ "chmod", "-R", "a-w", dir .. "/.ork" })
    local before = sh.run({ "find", dir .. "/.ork", "!", "-name", "*-shm", "-printf", "%p %T@ %s\n" }).out
    local r = repl("runs()\nshow()\nwhy()\nork.find('last').status\n")
    assert.equal(0, r.code, r.err)
    assert.equal(before, sh.run({ "find", dir .. "/.ork", "!", "-name", "*-shm", "-printf", "%p %T@ %s\n" }).out)
    sh.run({ "chmod", "-R", "u+w", dir .. "/.ork" })
    r = repl("etl:run{}.status\n", { args = { "--db", "other.db", "etl.lua" } })
    assert.equal('"success"\n', r.out, r.err)
    assert.is_true(sh.exists(dir .. "/other.db"))
  end)

  it("leaves runs that still work at the end of the input", function()
    sh.write(dir .. "/x.lua", "local ork = require 'ork'\nlocal w = ork.workflow('x')\nw:task('t', { command = 'read x < fifo' })\nreturn w\n")
    sh.run({ "mkfifo", dir .. "/fifo" })
    local r = repl("r = x:start{}\n", { args = { "x.lua" } })
    assert.equal(0, r.code)
    assert.truthy(r.err:find("left as it is: %x+ %(x%); .*ork resume %x+"), r.err)
    local resumed = sh.spawn_ork({ "resume", "last" }, { cwd = dir })
    sh.write(dir .. "/fifo", "go\n")
    assert.equal(0, resumed:wait().code)
  end)

  it("explains", function()
    expect("help 'retry'\n", 'retry([run][, { from = "task", task = "task" }])\n  Runs failed and skipped tasks again; with `from` that task '
      .. "and all after it, with `task` that one. Returns the run at once; progress is shown.\n")
    local r = repl("help\nhelp(etl)\nhelp(ork.date)\nhelp(runs)\nhelp 'retyr'\nhelp 'params'\nhelp 'plan'\nhelp(ork)\nhelp(7)\nhelp(nil)\nhelp(workflows)\n")
    assert.equal(0, r.code, r.err)
    for _, part in ipairs({ "etl:start{ day", "etl: no description (2 tasks)", "ork.date(", "runs([workflow]", "did you mean `retry`?",
      "each is a word", "ork plan", "ork.workflow", "a number", "nil: no value", "of the script" }) do
      assert.truthy(r.out:find(part, 1, true), part .. "\n" .. r.out)
    end
  end)

  it("has the workflows of the script and those made at the prompt", function()
    expect("w = ork.workflow('made')\nt = w:task('t', { command = 'true' })\nworkflows\nworkflows.made.name\n",
      'etl  (2 tasks)\nmade  (1 task)\n"made"\n', nil)
    local r = repl("w = ork.workflow('made', {})\nw:task('t', { comand = 'true' })\nw:run()\n")
    assert.truthy(r.err:find("did you mean `command`?", 1, true), r.err)
    sh.write(dir .. "/names.lua", "local ork = require 'ork'\nlocal w = ork.workflow('show')\nw:task('t', { command = 'true' })\nreturn w\n")
    r = repl("workflows.show:run().status\n", { args = { "names.lua" } })
    assert.equal('"success"\n', r.out)
    assert.truthy(r.err:find("`show` is also a name of the prompt: the workflow is workflows.show", 1, true))
  end)

  it("goes on without a script that is missing, wrong, or starts runs itself", function()
    local r = repl("1\n", { args = { "elt.lua" } })
    assert.same({ "1\n", 1 }, { r.out, r.code })
    assert.truthy(r.err:find("elt.lua: no such script; did you mean etl.lua?", 1, true))
    sh.write(dir .. "/self.lua", (SCRIPT:gsub("return etl", "etl:run{}")))
    r = repl("etl:run{}.status\n", { args = { "self.lua" } })
    assert.equal('"success"\n', r.out, r.err)
    assert.truthy(r.err:find("self.lua starts runs itself; it was loaded up to the first one", 1, true))
    r = repl(nil, { args = { "a", "b" } })
    assert.equal(2, r.code)
    r = repl(nil, { args = { "--json" } })
    assert.equal(2, r.code)
  end)

  it("does not mind a closed stdin or stdout, or no HOME", function()
    local r = sh.run({ "sh", "-c", '"$0" repl <&-', sh.ork_path() }, { cwd = dir })
    assert.same({ "", 0 }, { r.err, r.code })
    r = sh.run({ "sh", "-c", 'echo 1 | "$0" repl >&-', sh.ork_path() }, { cwd = dir })
    assert.truthy(r.code == 0 or r.code == 3, r.err)
    r = sh.run({ "sh", "-c", '(yes 1 | head -n 100000 | "$0" repl; echo $? >code) | head -n 1', sh.ork_path() }, { cwd = dir })
    assert.same({ "1\n", "" }, { r.out, r.err })
    assert.equal("0\n", sh.read(dir .. "/code"))
    expect("1\n", "1\n", { env = { HOME = false, TERM = false } })
    sh.write(dir .. "/lines", "x = 1\nx + 1\n")
    r = sh.run({ "sh", "-c", '"$0" repl < lines', sh.ork_path() }, { cwd = dir })
    assert.same({ "2\n", "", 0 }, { r.out, r.err, r.code })
  end)

  it("ends by exit() and os.exit(), at once and in order", function()
    expect("exit() print 'not this'\n2\n", "")
    local r = repl("r = etl:start{} os.exit(true) print 'not this'\n2\n")
    assert.same({ "", 0 }, { r.out, r.code })
    expect("io.stdout:close()\n1\n", 'nil, "cannot close standard file"\n1\n')
    assert.equal("exit() or Ctrl-D ends the prompt\n", repl("exit\n").out)
  end)

  it("finds a run, and gives nothing else beside it", function()
    local r = repl("etl:run{}\nfind('last')\nfind('etl')\n")
    assert.same({ "", 0 }, { r.err:match("mistake") or "", r.code })
    assert.equal(3, select(2, r.out:gsub("run %x+ of etl: success\n", "")), r.out)
    assert.equal(3, select(2, r.out:gsub("\n", "")), r.out)
  end)

  it("explains functions in the words of their annotations", function()
    local r = repl('help(ork.spawn)\nhelp "ork.fd"\nhelp(ork.pool)\n')
    assert.same({ "", 0 }, { r.err, r.code })
    for _, words in ipairs({ "ork.spawn(f, ...)\n  Runs `f(…)` as a coroutine", "\n  f: function\n", "ork.fd()\n  For other loops", "\n  slots: integer 1 or more\n" }) do
      assert(r.out:find(words, 1, true), ("no %q in\n%s"):format(words, r.out))
    end
    for _, class in ipairs({ "meta", "meta_run", "meta_inline" }) do
      for name in sh.read(root .. "/lua/ork/" .. class .. ".lua"):gmatch("\nfunction (ork%.[%w_]+)") do
        assert.is_nil(repl("help(" .. name .. ")\n").out:find("a function", 1, true), name)
      end
    end
  end)

  it("never loads libedit, and no other command does", function()
    local r = repl("for line in io.lines('/proc/self/maps') do assert(not line:find 'edit', line) end\n")
    assert.same({ "", 0 }, { r.err, r.code })
    r = sh.run({ "ldd", sh.ork_path() })
    assert.falsy(r.out:find("edit", 1, true))
    sh.write(dir .. "/maps.lua", "for line in io.lines('/proc/self/maps') do assert(not line:find 'edit', line) end\n" .. SCRIPT)
    for _, words in ipairs({ { "maps.lua" }, { "runs" }, { "help", "repl" }, { "repl", "--help" } }) do
      r = sh.ork(words, { cwd = dir, env = { LD_DEBUG = "files" } })
      assert.equal(0, r.code, r.err)
      assert.falsy(r.err:find("libedit", 1, true) or r.err:find("ork_edit", 1, true))
    end
  end)
end)
