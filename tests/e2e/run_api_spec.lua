-- SPDX-License-Identifier: MIT
-- ork.run, ork.start, ork.runs, ork.open in a host program: plain lua5.4 with the module.
local sh = require "tests.lib.sh"
local uv = require "luv"

local DEFINE = [[
local ork = require "ork"
local w = ork.workflow("api", { params = { n = { type = "int", default = 1 }, fail = { type = "bool", default = false } } })
local a = w:task("a", { command = { "sh", "-c", [=[printf 'n is %d\nORK_OUTPUT:{"n":%d}\n' $0 $0; $1 && exit 5; exit 0]=],
  w.params.n, w.params.fail }, output_type = { n = "int" } })
w:task("b", { command = { "true" }, depends_on = { a } })
]]

--- Entries of a search path that begin with "./" made absolute: the program runs in another folder.
local function absolute(path)
  return (";" .. path):gsub(";%./", ";" .. uv.cwd() .. "/"):sub(2)
end

describe("driving runs from a program", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function lua(code, opts)
    opts = opts or {}
    sh.write(dir .. "/app.lua", DEFINE .. code)
    local preload = os.getenv("TEST_HOST_PRELOAD") -- the sanitizers' library, which a plain lua5.4 does not bring along
    return sh.run({ "lua5.4", "app.lua" }, {
      cwd = dir, env = {
        LUA_PATH_5_4 = absolute(package.path), LUA_CPATH_5_4 = absolute(package.cpath), ORK_DATABASE_URL = opts.url,
        LD_PRELOAD = preload, ASAN_OPTIONS = preload and "detect_leaks=0",
      },
    })
  end

  --- Runs a program that prints what is expected.
  local function expect(output, code)
    local r = lua(code)
    assert.same({ output, "", 0 }, { r.out, r.err, r.code })
  end

  it("runs a workflow and tells how it went", function()
    expect("success 3 2 api new\n", [[
      local run = assert(ork.run(w, { n = 3 }))
      print(table.concat({ run.status, run:task("a").output.n, #run:tasks(), run.workflow, run.how }, " "))
    ]])
    assert.is_true(sh.exists(dir .. "/.ork/ork.db"))
  end)

  it("starts without waiting, then waits", function()
    expect("a: nil timeout ETIMEDOUT\nb: success\nn is 7\nORK_OUTPUT:{\"n\":7}\n\n", [[
      local slow = ork.workflow("slow")
      slow:task("s", { command = "read x < fifo; exit 0" })
      os.execute("mkfifo fifo")
      local first = assert(slow:start())
      print("a: " .. table.concat({ tostring(first:wait(0.05)), select(2, first:wait("50ms")), (select(3, first:wait("1ms"))) }, " "))
      assert(first:cancel())
      local run = assert(w:start({ n = 7 }))
      print("b: " .. run:wait())
      print((run:task("a"):log()))
      first:wait()
    ]])
  end)

  it("answers what a task asks", function()
    expect("nil ESTATE\nfailed rejected rejected by eve: no\nsuccess ann fine\n", [[
      local function asked(name)
        local gated = ork.workflow(name)
        gated:task("first", { wait = { approval = "Go?" } })
        gated:task("second", { wait = { approval = "Go on?" }, depends_on = "first" })
        local run = assert(gated:start())
        while run:task("first").status ~= "running" do run:wait("10ms") end
        return run
      end
      local no, yes = asked("no"), asked("yes")
      print(table.concat({ tostring(no:approve("second")), (select(3, no:approve("second"))) }, " "))
      assert(no:reject("first", { by = "eve", comment = "no" }))
      no:wait()
      print(table.concat({ no.status, no:task("first").kind, no:task("first").error }, " "))
      assert(yes:approve("first", { by = "ann", comment = "fine" }))
      while yes:task("second").status ~= "running" do yes:wait("10ms") end
      assert(yes:approve("second"))
      print(table.concat({ yes:wait(), yes:task("first").output.by, yes:task("first").output.comment }, " "))
    ]])
  end)

  it("shows failures and retries them", function()
    expect("failed exit 5 1\nskipped\nsuccess\n", [[
      local run = assert(w:run{ fail = true })
      local a = run:task("a")
      print(run.status .. " " .. a.kind .. " " .. a.exit_code .. " " .. a.attempts)
      print(run:task("b").status)
      local again = assert(run:rerun{ params = { fail = false } })
      print(again:wait())
    ]])
  end)

  it("lists runs and finds them", function()
    expect("2 failed\n1\ntrue true\n", [[
      assert(w:run{}) assert(w:run{ fail = true })
      local n, first = 0
      for r in ork.runs{ workflow = "api", limit = 20 } do n, first = n + 1, first or r.status end
      print(n .. " " .. first)
      n = 0
      for _ in ork.runs{ status = "success", since = "1h" } do n = n + 1 end
      print(n)
      print(tostring(ork.find("last") == ork.find("api")) .. " " .. tostring(ork.find("api~1").status == "success"))
    ]])
  end)

  it("ends a list at the line that asks a database that was closed", function()
    local r = lua([[
      local db = ork.open("sqlite:other.db")
      db:run(w, {})
      local each = db:runs()
      db:close()
      each()
    ]])
    assert.equal("lua5.4: app.lua:10: the database is closed", r.err:match("^[^\n]*"))
  end)

  it("gives the same run for the same key", function()
    expect("new finished true\n", [[
      local one = assert(w:run({}, { key = "k" }))
      local two = assert(w:run({}, { key = "k" }))
      print(one.how .. " " .. two.how .. " " .. tostring(one == two))
    ]])
  end)

  it("opens other databases beside the default one", function()
    expect("success 1 0\n", [[
      local db <close> = assert(ork.open("sqlite:other.db"))
      local run = assert(db:run(w, {}))
      local n, m = 0, 0
      for _ in db:runs() do n = n + 1 end
      for _ in ork.runs() do m = m + 1 end
      print(run.status .. " " .. n .. " " .. m)
    ]])
  end)

  it("moves a failed run to another definition", function()
    expect("failed done success 1 2\n", [[
      local function etl(command)
        local e = ork.workflow("etl")
        local a = e:task("a", { command = { "true" } })
        e:task("b", { command = command, depends_on = a })
        return e
      end
      local run = ork.run(etl{ "false" })
      local first = run.status
      local outcome = assert(run:retry{ update = etl{ "true" } })
      print(first .. " " .. outcome .. " " .. run:wait() .. " " .. run:task("a").attempts .. " " .. run:task("b").attempts)
    ]])
    expect("nil\tESTATE\n", [[
      local e = ork.workflow("etl")
      e:task("b", { command = { "false" } })
      local _, why, code = ork.run(e):retry{ update = true }
      print(why:find("has no script") and "nil\t" .. code or why)
    ]])
  end)

  it("tries an item again by its name, also one that was allowed to fail", function()
    expect([=[
`from` takes a task, and `c/2` is an item; `task` does one item again
item `c/1` succeeded; from = "c" runs c and all after it again
success failed success success
]=], [[
      local e = ork.workflow("list")
      e:task("c", { inputs = { p = ork.each({ 1, 2 }, { max_failed = 1 }) }, command = { "sh", "-c", "test $0 = 1 || test -e go", ork.input.p } })
      local run = ork.run(e)
      local first, item = run.status, run:task("c/2").status
      print((select(2, run:retry{ from = "c/2" })))
      print((select(2, run:retry{ task = "c/1" })))
      io.open("go", "w"):close()
      assert(run:retry{ task = "c/2" })
      print(first .. " " .. item .. " " .. run:wait() .. " " .. run:task("c/2").status)
    ]])
  end)

  for _, case in ipairs({
    { "unknown option", 'w:start({}, { kee = "x" })', "start has no option `kee`; did you mean `key`?" },
    { "wrong type", 'w:start({}, { priority = "high" })', "start: `priority` is a whole number, not high" },
    { "unknown filter", 'ork.runs{ stauts = "failed" }', "runs has no option `stauts`; did you mean `status`?" },
    { "unknown field", "local run = ork.run(w) print(run.stauts)", "a run has no `stauts`; did you mean `status`?" },
    { "setting a field", 'local run = ork.run(w) run.status = "x"', "`status` of a run cannot be set" },
    { "no duration", 'local run = ork.run(w) run:wait("soon")', "wait takes a duration" },
    { "unknown key of an answer", 'local run = ork.run(w) run:approve("a", { coment = "x" })', "approve has no option `coment`" },
    { "unknown task", 'local run = ork.run(w) run:task("aa")', "no task `aa`" },
  }) do
    it("raises at the caller's line: " .. case[1], function()
      local r = lua("\n\n" .. case[2])
      assert.equal(1, r.code)
      assert.matches("app.lua:8: " .. case[3], r.err, 1, true)
    end)
  end

  it("returns what an operation failed with", function()
    local r = lua([[ print(select("#", w:start{ n = "many" }), (select(3, w:start{ n = "many" }))) ]])
    assert.equal("3\tEINVAL\n", r.out)
    r = lua([[ print(ork.open("sqlite:/dev/null/x.db")) ]])
    assert.matches("^nil\t.*x.db.*\tE%u+\n$", r.out)
  end)
end)
