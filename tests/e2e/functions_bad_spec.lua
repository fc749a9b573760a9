-- SPDX-License-Identifier: MIT
-- Functions that do what nobody should: each fails its own task, with the reason; the others go on, and the scheduler stays
-- small.
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

describe("a function that does what it should not", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text, workflow)
    sh.write(dir .. "/w.lua", HEAD:gsub("ork%.workflow%(\"w\"%)", workflow or "%0") .. text .. "\nw:task('good', { run = function() return 1 end })\nreturn w\n")
  end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function task(name)
    local t = sh.sql(dir .. "/.ork/ork.db", "SELECT status, kind, error FROM tasks WHERE task_name = '" .. name .. "'")[1]
    return { t.status, t.kind, t.error }
  end
  local function good() assert.equal("success", task("good")[1]) end

  --- Most memory the process had so far, in MB.
  local function peak(pid) return tonumber(sh.read("/proc/" .. pid .. "/status"):match("VmHWM:%s+(%d+)")) / 1024 end

  it("loops for ever: ended by its timeout, also when it catches all errors", function()
    write([[
w:task("loops", { timeout = "300ms", run = function() while true do end end })
w:task("catches", { timeout = "300ms", grace = "200ms", run = function() while true do pcall(function() while true do end end) end end })
w:task("sleeps", { timeout = "300ms", run = function(_, ctx) while true do ctx.sleep("1h") end end })
w:task("in_c", { timeout = "300ms", grace = "200ms", run = function() os.execute("sleep 60") end })
w:task("matches", { timeout = "300ms", grace = "200ms", run = function() return ("a"):rep(40):find(("a-"):rep(40) .. "b") end })]])
    assert.equal(1, ork("w.lua").code)
    for _, name in ipairs({ "loops", "catches", "sleeps", "in_c", "matches" }) do
      assert.same({ "failed", "timeout", "timeout after 0.3s" }, task(name), name)
    end
    good()
    assert.matches("w.lua:3: in ", ork("logs", "last", "loops").out) -- where it was
  end)

  it("gives a list with a wrong element: counted from 1, as everywhere", function()
    write([=[
local given = { rows = { { n = 1 }, { n = "x" } } }
w:task("text", { output_type = { rows = { { n = "int" } } }, run = function() return given end })
w:task("value", { run = function() return { rows = { { n = 1 }, { n = print } } } end })
w:task("json", { output_type = { rows = { { n = "int" } } }, command = [[echo 'ORK_OUTPUT:{"rows":[{"n":1},{"n":"x"}]}']] })
w:task("nul", { command = [[printf '%s\n' 'ORK_OUTPUT:{"rows":[{"n":1},{"n":"\u0000"}]}']] })
w:task("input", { inputs = { rows = w:task("all", { run = function() return given.rows end }).output }, input_type = { rows = { { n = "int" } } }, command = "true" })]=])
    assert.equal(1, ork("w.lua").code)
    assert.same({ "failed", "output", 'output.rows[2].n: wanted int, got "x"' }, task("text"))
    assert.same({ "failed", "output", "output.rows[2].n: a function cannot be stored as JSON" }, task("value"))
    assert.same({ "failed", "output", 'output.rows[2].n: wanted int, got "x"' }, task("json"))
    assert.matches("rows[2].n: the character U+0000", task("nul")[3], 1, true)
    assert.same({ "failed", "input", 'input.rows[2].n: wanted int, got "x"' }, task("input"))
    sh.write(dir .. "/w.lua", 'local w = require("ork").workflow("w", { params = { l = { type = { "int" } } } })\nw:task("t", { command = "true" })\nreturn w\n')
    sh.write(dir .. "/p.json", '{"l":[1,"x"]}')
    local said = 'params.l[2]: wanted int, got "x"\n'
    assert.matches(said, ork("w.lua", "--params-file", "p.json").err, 1, true)
    assert.matches(said, ork("w.lua", 'l=[1,"x"]').err, 1, true)
  end)

  it("calls what fails in tail position: named is where it begins", function()
    write([[
w:task("tail", { run = function(_, ctx)
  return ctx.artifact("nope.csv")
end })]])
    assert.equal(1, ork("w.lua").code)
    assert.matches("^w.lua:3: ctx.artifact: ", task("tail")[3])
    good()
  end)

  it("loops for ever: ended by a cancel", function()
    write('w:task("loops", { depends_on = "good", run = function() io.open("loops", "w"):close() while true do end end })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    sh.wait_file(dir .. "/loops")
    p:signal("sigint")
    assert.equal(130, p:wait().code)
    assert.same({ "cancelled", "cancelled", "cancelled" }, task("loops"))
    good()
  end)

  it("crashes in C", function()
    write([[
w:task("segv", { max_lost = 0, run = function() os.execute("kill -SEGV $PPID") end })
w:task("bus", { max_lost = 1, run = function(_, ctx) os.execute("kill -BUS $PPID") end })]])
    assert.equal(1, ork("w.lua").code)
    local sanitized = sh.run({ "/bin/sh", "-c", "grep -c __asan_init " .. sh.ork_path() .. " || :" }).out ~= "0\n" -- which makes an exit of it
    for name, signal in pairs({ segv = "11 (SIGSEGV)", bus = "7 (SIGBUS)" }) do
      assert.same({ "failed", "lost", "lost: its worker " .. (sanitized and "ended with exit code 1" or "was ended by signal " .. signal) }, task(name))
    end
    good()
  end)

  it("returns nothing though it said otherwise, or nothing that can be stored", function()
    write([[
w:task("nothing", { output_type = { n = "int" }, run = function() end })
w:task("message", { output_type = { n = "int" }, run = function() return nil, "it went wrong" end })
w:task("thread", { run = function() return { a = { coroutine.create(print) } } end })
w:task("nan", { run = function() return { n = 0 / 0 } end })
w:task("bytes", { run = function() return { s = "\xff\xfe" } end })
w:task("deep", { run = function() local t = {} for _ = 1, 1000 do t = { t } end return t end })
w:task("meta", { run = function() error(setmetatable({}, { __tostring = function() error("not even this") end })) end })]])
    assert.equal(1, ork("w.lua").code)
    local nothing = "it declares an output_type but gave no output: its function returned nothing"
    assert.same({ "failed", "output", nothing }, task("nothing"))
    assert.same({ "failed", "error", "it went wrong" }, task("message"))
    for _, name in ipairs({ "thread", "nan", "bytes", "deep" }) do assert.same({ "failed", "output" }, { task(name)[1], task(name)[2] }, name) end
    assert.matches("output.a[1]: a thread cannot be stored as JSON", task("thread")[3], 1, true)
    assert.matches("whose __tostring fails", task("meta")[3], 1, true)
    good()
  end)

  it("returns nil and a message, as Lua's own functions do: it has failed with that", function()
    write([[
local batch = ork.executor("batch", { start = function() return nil, "no place", "FULL" end, poll = function() end })
w:task("program", { run = function(_, ctx) return ctx.exec({ "curll", "-f" }) end, retries = { limit = 1, delay = 0 } })
w:task("file", { run = function() return io.open("/nonexistent") end })
w:task("shell", { run = function() return os.execute("exit 7") end })
w:task("signal", { run = function() return os.execute("kill -9 $$") end })
w:task("when", { when = function() return io.open("/nonexistent") end, command = "true" })
w:task("executor", { executor = batch, command = { "x" }, retries = { limit = 1, delay = 0, on = { codes = { "OTHER" } } } })
w:task("on", { command = "exit 3", retries = { limit = 1, delay = 0, on = function() return nil, "cannot decide" end } })
w:task("exits", { run = function(_, ctx) return ctx.exec({ "false" }) end, on_success = function() return nil, "nobody to tell" end })
w:task("after", { depends_on = { "program" }, command = "true" })]])
    assert.equal(1, ork("w.lua").code)
    assert.same({ "failed", "error", "cannot run `curll`: no such file or directory" }, task("program"))
    assert.equal(2, sh.sql(dir .. "/.ork/ork.db", "SELECT attempt FROM tasks WHERE task_name = 'program'")[1].attempt)
    assert.equal("cannot run `curll`: no such file or directory\nreturned by the function of w.lua:4, as nil and a message\n",
      ork("logs", "last", "program", "--attempt", "1").out)
    assert.same({ "failed", "error", "/nonexistent: No such file or directory" }, task("file"))
    assert.same({ "failed", "error", "a program ended with exit code 7" }, task("shell"))
    assert.same({ "failed", "error", "a program was ended by signal 9" }, task("signal"))
    assert.matches("^when: /nonexistent: No such file or directory", task("when")[3])
    assert.same({ "failed", "error", "no place" }, task("executor"))
    assert.equal("success", task("exits")[1])
    assert.equal("skipped", task("after")[1])
    assert.matches("nobody to tell", ork("show", "last").out)
    good()
  end)

  it("uses a reference: raised on its line, with what to write, whatever it does with it", function()
    write([[
local named = { day = w.params.day }
local a = w:task("a", { command = "true" })
local uses = {
  equal = function() if w.params.day == "all" then return "all" end end,
  other = function() return w.params.day ~= "all" end,
  output = function() return { c = a.output.c } end,
  status = function() if a.status == "failed" then return 1 end end,
  concat = function() return "of " .. named.day end,
  format = function() return ork.format("of %s", named.day) end,
  field = function() return named.day.x end,
  sum = function() return named.day + 1 end,
  text = function() return tostring(named.day) end,
  own = function() return ork.input.day end,
  this = function() return ork.this.run_id end,
  date = function() return ork.date("-1d") end,
  table = function() return named end,
}
for name, use in pairs(uses) do w:task(name, { run = use }) end
w:task("when", { when = function() return w.params.day == "all" end, command = "true" })
w:task("told", { command = "true", on_success = function() return w.params.day == "all" end })]], 'ork.workflow("w", { params = { day = "str" } })')
    assert.equal(1, ork("w.lua", "day=all").code)
    local no = " is a reference, which has no value in a function; "
    for name, expected in pairs({
      equal = "w.lua:6: params.day", other = "w.lua:7: params.day", output = "w.lua:8: a.output", status = "w.lua:9: a.status", concat = "w.lua:10: params.day",
      format = "w.lua:11: params.day", field = "w.lua:12: params.day", sum = "w.lua:13: params.day", text = "w.lua:14: params.day", own = "w.lua:15: ork.input.day",
      this = "w.lua:16: ork.this.run_id", date = "w.lua:17: ork.date(…)", when = "when: w.lua:21: params.day",
    }) do
      assert.matches("^" .. expected:gsub("%p", "%%%0") .. no .. "n?a?m?e?.*read `[ci][tn][xp]", task(name)[3], 1, false, name)
    end
    assert.matches("name it in `inputs`, and read `input.day`$", task("equal")[3])
    assert.matches("w.lua:22: params.day" .. no .. "read what its argument has of it", ork("show", "last").out, 1, true)
    assert.matches("read `ctx.run_id`$", task("this")[3])
    assert.same({ "failed", "output", "w.lua:18: output.day: a reference has no value in a function; name it in `inputs`, and read `input.NAME`" },
      task("table"))
    good()
  end)

  it("returns or prints a hundred megabytes: the scheduler does not hold them", function()
    write([[
for i = 1, 4 do
  w:task("large" .. i, { run = function() return ("x"):rep(100 << 20) end })
  w:task("prints" .. i, { run = function() for _ = 1, 100 do io.write(("y"):rep(1 << 20), "\n") end end })
  w:task("raises" .. i, { run = function() error(("z"):rep(100 << 20), 0) end })
end
w:task("gate", { trigger_rule = "all_done", depends_on = { "large1", "large2", "large3", "large4", "prints1", "prints2", "prints3", "prints4",
  "raises1", "raises2", "raises3", "raises4" }, command = "until test -e go; do sleep 0.02; done" })]])
    local p = sh.spawn_ork({ "w.lua", "--jobs", "2" }, { cwd = dir })
    p:wait_line("gate +running", 60)
    local most = peak(p.pid)
    sh.write(dir .. "/go", "")
    assert.equal(1, p:wait().code)
    assert.is_true(most < 100, "the scheduler took " .. most .. " MB")
    assert.same({ "failed", "output", "the output is 104857602 bytes; at most 16777216 are stored: return a file's path instead" }, task("large1"))
    assert.equal("success", task("prints1")[1])
    assert.matches("^z+… %(whole in the log%)$", task("raises1")[3])
    good()
  end)

  it("has what loading the script made, and nothing that came later or elsewhere", function()
    sh.write(dir .. "/data.txt", "text of a file")
    write([[
local file, count, started = assert(io.open("data.txt")), 0, false
local a = w:task("a", { run = function()
  count = count + 1
  return { text = file:read("a"), count = count, started = started }
end })
w:task("b", { depends_on = a, run = function() return { count = count } end })
if arg.late then
  started = true
end]])
    assert.equal(0, ork("w.lua").code)
    assert.equal('{"count":1,"started":false,"text":"text of a file"}\n', ork("output", "last", "a").out)
    local b = sh.json(ork("output", "last", "b").out)
    assert.is_true(b.count == 0 or b.count == 1) -- by whether the same worker called both: nothing to rely on
  end)

  it("fans out over what is no list, or too long a one", function()
    write([[
local text = w:task("text", { run = function() return "abc" end })
local many = w:task("many", { run = function() local t = {} for i = 1, 1000000 do t[i] = i end return t end })
w:task("letters", { inputs = { x = ork.each(text.output) }, run = function() end })
w:task("million", { inputs = { x = ork.each(many.output) }, run = function() end })]])
    assert.equal(1, ork("w.lua").code)
    assert.same({ "failed", "input" }, { task("letters")[1], task("letters")[2] })
    assert.same({ "failed", "input" }, { task("million")[1], task("million")[2] })
    assert.matches("list", task("letters")[3])
    assert.matches("1000000", task("million")[3])
    assert.equal(5, #sh.sql(dir .. "/.ork/ork.db", "SELECT id FROM tasks"))
    good()
  end)

  it("is asked by `when` and fails, hangs, or answers what is no answer", function()
    write([[
w:task("raises", { when = function() error("cannot say", 0) end, command = "true" })
w:task("hangs", { when = function() while true do end end, command = "true" })
w:task("function", { when = function() return print end, command = "touch ran" })
w:task("crashes", { when = function() os.execute("kill -SEGV $PPID") end, command = "true" })]])
    local r = sh.ork({ "w.lua" }, { cwd = dir, env = { ORK_QUESTION_MS = "500" } })
    assert.equal(1, r.code)
    assert.same({ "failed", "error", "when: cannot say" }, task("raises"))
    assert.same({ "failed", "timeout", "when: it took longer than 0.5s" }, task("hangs"))
    assert.equal("success", task("function")[1]) -- what is not nil or false is yes
    assert.same({ "failed", "lost" }, { task("crashes")[1], task("crashes")[2] })
    good()
  end)
end)
