-- SPDX-License-Identifier: MIT
-- Tasks that are functions of this very program.
local ork = require "ork"
local core = require "ork.core"
local sh = require "tests.lib.sh"
local uv = require "luv"

describe("a task that is a function", function()
  local db
  before_each(function() db = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db")) end)
  after_each(function()
    db:close()
    sh.cleanup()
  end)

  local function workflow(options) return ork.workflow("w", options) end

  --- Runs a workflow of one task and returns the task.
  local function run_one(options, params)
    local w = workflow(params)
    w:task("t", options)
    return assert(db:run(w)):task("t")
  end

  it("is called with its input, and returns its output", function()
    local w = workflow({ params = { n = "int" } })
    local seen = {}
    local a = w:task("a", { inputs = { n = w.params.n, list = { 1, 2 } }, output_type = { half = "int", none = { "str" } },
      run = function(input)
        seen[#seen + 1] = input.n
        return { half = input.n / 2, none = {} }
      end })
    w:task("b", { inputs = a.output, run = function(input) seen[#seen + 1] = input.half end })
    local run = assert(db:run(w, { n = 8 }))
    assert.equal("success", run.status)
    assert.same({ 8, 4 }, seen)
    assert.equal('{"half":4,"none":[]}', core.json.encode(run:task("a").output))
    assert.is_nil(run:task("b").output)
    assert.equal(1, run:task("b").attempts)
  end)

  it("mixes with programs", function()
    local w = workflow()
    local a = w:task("a", { command = "echo 'ORK_OUTPUT:{\"n\":3}'", output_type = { n = "int" } })
    local b = w:task("b", { inputs = { n = a.output.n }, run = function(input) return { n = input.n + 1 } end })
    w:task("c", { command = { "echo", b.output.n } })
    assert.equal("4\n", assert(db:run(w)):task("c"):log())
  end)

  it("has a context", function()
    local ctx
    local t = run_one({ run = function(_, given)
      ctx = given
      return { given.run_id, given.task, given.attempt, tostring(given.item), tostring(given.scheduled_for), given.cancelled }
    end })
    assert.same({ t.output[1], "t", 1, "nil", "nil", false }, { table.unpack(t.output) })
    assert.equal(36, #t.output[1])
    assert.equal("ctx of task t, attempt 1", tostring(ctx))
    local ok, why = pcall(function() return ctx.lgo end)
    assert.is_false(ok)
    assert.matches("inline_spec.lua:%d+: ctx has no field `lgo`; did you mean `log`%?$", why)
    assert.matches("inline_spec.lua:%d+: ctx.attempt cannot be set$", select(2, pcall(function() ctx.attempt = 2 end)))
    assert.matches("^.*inline_spec.lua:%d+: ctx.http waits, which only the task's function itself can", select(2, pcall(function() ctx.http("http://x") end)))
    assert.matches("inline_spec.lua:%d+: ctx.artifact: the attempt has ended$", select(2, pcall(function() ctx.artifact("x") end)))
    assert.matches("^.*inline_spec.lua:%d+: ctx.sleep waits, which only the task's function itself can", select(2, pcall(function() ctx.sleep(0) end)))
    assert.matches("inline_spec.lua:%d+: ctx.log: the attempt has ended$", select(2, pcall(function() ctx.log("late") end)))
  end)

  it("writes a log, with a dot or a colon", function()
    local t = run_one({ run = function(_, ctx)
      ctx.log("100%")
      ctx:log("%s of %d", "one", 2)
      ctx.log(nil)
    end })
    assert.equal("100%\none of 2\nnil\n", t:log())
    assert.equal("", run_one({ run = function() end }):log())
    t = run_one({ run = function(_, ctx) ctx.log("%d", "x") end })
    assert.matches("inline_spec.lua:%d+: ctx.log: ", t.error)
  end)

  it("fails by an error, which keeps its traceback in the log", function()
    local t = run_one({ run = function() local x = nil; return x.y end })
    assert.same({ "failed", "error" }, { t.status, t.kind })
    assert.matches("inline_spec.lua:%d+: attempt to index a nil value %(local 'x'%)$", t.error)
    assert.matches("stack traceback:", t:log())
    t = run_one({ run = function() error(setmetatable({}, { __tostring = function() return "an object" end })) end })
    assert.equal("an object", t.error)
    t = run_one({ run = function() error() end })
    assert.equal("error raised without a message", t.error)
    assert.equal('{"x":3}', run_one({ run = function() error({ x = 3 }) end }).error)
    assert.equal('[1,{"deep":true}]', run_one({ run = function() error({ message = { 1, { deep = true } } }) end }).error)
    assert.equal("error raised with a table that cannot be shown: value.f: a function cannot be stored as JSON",
      run_one({ run = function() error({ f = print }) end }).error)
    assert.equal('["' .. ("ä"):rep(498) .. "…", run_one({ run = function() error({ ("ä"):rep(5000) }) end }).error)
  end)

  it("fails by nil and a message, as Lua's own functions say that they failed", function()
    local t = run_one({ run = function() return io.open("/nonexistent") end })
    assert.same({ "failed", "error", "/nonexistent: No such file or directory" }, { t.status, t.kind, t.error })
    assert.matches("^/nonexistent: No such file or directory\nreturned by the function of .*inline_spec.lua:%d+, as nil and a message\n$", t:log())
    local tries = 0
    t = run_one({ retries = { limit = 2, delay = 0, on = { codes = { "RATE" } } }, run = function()
      tries = tries + 1
      return nil, "slow down", tries < 3 and "RATE" or "OTHER"
    end })
    assert.same({ "failed", "slow down", 3 }, { t.status, t.error, tries })
    for _, run in ipairs({ function() return nil, 5 end, function() return nil, nil, "x" end, function() return { ok = false }, "why" end,
      function() return false, "why" end }) do
      assert.equal("success", run_one({ run = run }).status)
    end
  end)

  it("does not show what is Ork's own in tracebacks", function()
    local t = run_one({ run = function(_, ctx)
      local function inner() ctx.fail("no luck") end
      inner()
    end })
    assert.matches("^no luck\nstack traceback:\n\t[^\n]*inline_spec.lua:%d+: in [^\n]* 'inner'\n\t[^\n]*inline_spec.lua:%d+: in the function\n$", t:log())
    assert.matches("has no field `params`; name it in `inputs`, and read `input.NAME`$", run_one({ run = function(_, ctx) return ctx.params.x end }).error)
    assert.matches("; name it in `inputs = { workflow = ork.this.workflow }`, and read `input.workflow`$",
      run_one({ run = function(_, ctx) return ctx.workflow end }).error)
  end)

  it("fails by what cannot be turned into text, and nothing else does", function()
    local function meta(t) return function() error(setmetatable({}, t)) end end
    local function again() error("again", 0) end
    local function status(run) local t = run_one({ run = run }) return t.status, t.error end
    assert.same({ "failed", "<table whose __tostring fails: again>" }, { status(meta({ __tostring = again })) })
    assert.same({ "failed", "<table whose __tostring fails: '__tostring' must return a string>" },
      { status(meta({ __tostring = function() return {} end })) })
    assert.same({ "failed", "<table whose __tostring fails: again>" },
      { status(meta({ __tostring = function() error(setmetatable({}, { __tostring = again })) end })) })
    for _, t in ipairs({ { __index = again }, { __name = {} }, { __eq = again }, { __metatable = setmetatable({}, { __eq = again }) } }) do
      local got, why = status(meta(t))
      assert.equal("failed", got)
      assert.matches(t.__name and "^table: 0x" or "^{}$", why)
    end
    local _, why = status(function() error({ code = setmetatable({}, { __tostring = again }) }) end)
    assert.equal("<table whose __tostring fails: again>", why)
    assert.equal("failed", (status(function() return setmetatable({}, { __index = again, __pairs = again, __len = again }) == nil or print end)))
  end)

  it("keeps the traceback of an error with a code, and a long text whole, in the log", function()
    local t = run_one({ run = function() error({ code = "X", message = "m" }) end })
    assert.equal("m", t.error)
    assert.matches("^m\nstack traceback:\n.*inline_spec.lua:%d+", t:log())
    assert.is_nil(t:log():find("ork/fiber.lua", 1, true))
    t = run_one({ run = function() error(("ä"):rep(150000), 0) end })
    assert.equal(("ä"):rep(2048) .. "… (whole in the log)", t.error)
    assert.is_true(#t:log() > 300000)
    t = run_one({ run = function() error("a" .. ("ä"):rep(150000), 0) end })
    assert.is_truthy(utf8.len(t.error))
  end)

  it("fails with a code, which decides whether it is tried again", function()
    local tries = {}
    local function task(how)
      return { retries = { limit = 2, delay = 0, on = { codes = { "RATE" } } }, run = function(_, ctx)
        tries[#tries + 1] = ctx.attempt
        how(ctx)
      end }
    end
    local t = run_one(task(function(ctx) ctx.fail("slow down", { code = "RATE" }) end))
    assert.same({ "failed", "slow down", 3 }, { t.status, t.error, t.attempts })
    assert.same({ 1, 2, 3 }, tries)
    assert.equal(1, run_one(task(function() error({ code = "OTHER" }) end)).attempts)
    assert.equal(1, run_one(task(function() error({ message = "m", code = "RATE", retry = false }) end)).attempts)
    assert.equal(2, run_one(task(function(ctx) if ctx.attempt == 1 then error({ code = "RATE", after = "1ms" }) end end)).attempts)
    assert.matches("ctx.fail has no option `cod`", run_one(task(function(ctx) ctx.fail("m", { cod = 1 }) end)).error)
  end)

  it("refuses what is no JSON, or not of its type", function()
    local t = run_one({ run = function() return { f = print } end })
    assert.same({ "failed", "output" }, { t.status, t.kind })
    assert.matches("^output%.f", t.error)
    t = run_one({ output_type = { n = "int" }, run = function() return { n = "x" } end })
    assert.equal("output", t.kind)
    assert.matches("output%.n", t.error)
    t = run_one({ output_type = { n = "int" }, run = function() end })
    assert.equal("it declares an output_type but gave no output: its function returned nothing", t.error)
    t = run_one({ inputs = { n = "x" }, run = function(input) return input end })
    assert.same({ n = "x" }, t.output)
  end)

  it("waits without holding up the others", function()
    local w, order = workflow(), {}
    w:task("slow", { run = function(_, ctx)
      ctx.sleep("50ms")
      order[#order + 1] = "slow"
    end })
    w:task("quick", { run = function(_, ctx)
      ctx.sleep(0.001)
      order[#order + 1] = "quick"
    end })
    w:task("now", { run = function() order[#order + 1] = "now" end })
    assert.equal("success", assert(db:run(w)).status)
    assert.same({ "now", "quick", "slow" }, order)
  end)

  it("goes on at once when its time had come before the loop slept", function()
    local handlers -- of bindings/inline.c; a turn that takes long stands for a commit that does
    for _, value in pairs(debug.getregistry()) do
      if type(value) == "table" and rawget(value, "knows") and rawget(value, "turn") then handlers = value end
    end
    local turn = handlers.turn
    finally(function() handlers.turn = turn end)
    handlers.turn = function()
      local busy, until_ms = turn(), core.inline.mono() + 4
      while not busy and core.inline.mono() < until_ms do end -- luacheck: ignore 542
      return busy
    end
    local w = workflow()
    w:task("a", { run = function(_, ctx) for _ = 1, 3 do ctx.sleep("2ms") end end })
    local run = assert(db:start(w))
    assert.equal("success", (run:wait("10s")))
  end)

  it("lets others run when it yields", function()
    local w, order = workflow(), {}
    for _, name in ipairs({ "a", "b" }) do
      w:task(name, { run = function()
        for i = 1, 2 do
          order[#order + 1] = name .. i
          coroutine.yield()
        end
      end })
    end
    assert.equal("success", assert(db:run(w)).status)
    table.sort(order)
    assert.same({ "a1", "a2", "b1", "b2" }, order)
  end)

  it("ends when its timeout is over, waiting or busy", function()
    local closed
    local t = run_one({ timeout = "30ms", run = function(_, ctx)
      local guard <close> = setmetatable({}, { __close = function() closed = true end }) -- luacheck: ignore 211
      ctx.sleep("1h")
    end })
    assert.same({ "failed", "timeout", "timeout after 0.03s", true }, { t.status, t.kind, t.error, closed })
    t = run_one({ timeout = "30ms", run = function() while true do end end }) -- luacheck: ignore 542
    assert.same({ "failed", "timeout" }, { t.status, t.kind })
    assert.matches("^timeout after 0.03s\nstack traceback:\n.*inline_spec.lua:%d+: in the function", t:log())
    t = run_one({ timeout = "30ms", grace = "30ms", run = function()
      local function stubborn() while true do pcall(function() while true do end end) end end -- luacheck: ignore 542
      stubborn()
    end })
    assert.matches("^timeout after 0.03s\nstack traceback:\n.*inline_spec.lua:%d+: in .*stubborn", t:log())
    t = run_one({ timeout = "30ms", grace = "30ms", run = function(_, ctx) -- a function that does not want to end
      while true do pcall(ctx.sleep, "1h") coroutine.yield() end
    end })
    assert.same({ "failed", "timeout" }, { t.status, t.kind })
  end)

  it("is ended for good when it catches that", function()
    local function status(run) local t = run_one({ timeout = "20ms", grace = "20ms", run = run }) return t.status, t.kind end
    local ended = { "failed", "timeout" }
    local closed = 0
    assert.same(ended, { status(function(_, ctx) while true do pcall(ctx.sleep, "1s") end end) })
    assert.same(ended, { status(function(_, ctx)
      local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end }) -- luacheck: ignore 211
      while true do pcall(ctx.exec, { "sleep", "10" }) end
    end) })
    assert.same(ended, { status(function()
      local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end }) -- luacheck: ignore 211
      while true do pcall(function() while true do end end) end -- luacheck: ignore 542
    end) })
    assert.equal(2, closed)
    assert.same(ended, { status(function()
      local function spin() while true do pcall(function() while true do end end) end end -- luacheck: ignore 542
      while true do pcall(coroutine.wrap(spin)) end
    end) })
    assert.same(ended, { status(function()
      while true do
        pcall(table.sort, { 1, 2, 3 }, function() while true do pcall(string.rep, "x", 2) end end)
      end
    end) })
    assert.same(ended, { status(function()
      local guard <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
        while true do pcall(function() while true do end end) end -- luacheck: ignore 542
      end })
      while true do pcall(function() while true do end end) end -- luacheck: ignore 542
    end) })
    local turns = 0
    assert.same(ended, { status(function(_, ctx)
      while not ctx.cancelled do pcall(function() for i = 1, 1e5 do turns = turns + i end end) end
    end) })
    assert.equal("success", run_one({ run = function() end }).status) -- the program goes on
  end)

  it("is ended for good when it catches that it is cancelled", function()
    local w, run = workflow(), nil
    for name, body in pairs({
      sleeps = function(_, ctx) while true do pcall(ctx.sleep, "1h") end end,
      computes = function(_, ctx)
        pcall(ctx.sleep, "1h")
        while true do pcall(function() while true do end end) end -- luacheck: ignore 542
      end,
    }) do
      w:task(name, { grace = "20ms", run = body })
    end
    w:task("cancels", { run = function() run:cancel() end })
    run = assert(db:start(w))
    assert.equal("cancelled", run:wait())
    assert.same({ "cancelled", "cancelled" }, { run:task("sleeps").status, run:task("computes").status })
  end)

  it("is told when its run is cancelled", function()
    local told, run
    local w = workflow()
    w:task("a", { run = function(_, ctx)
      local ok, why = pcall(ctx.sleep, "1h")
      told = { ok, tostring(why), ctx.cancelled }
      ctx.sleep(0)
    end })
    w:task("b", { run = function() run:cancel() end })
    run = assert(db:start(w))
    assert.equal("cancelled", run:wait())
    assert.same({ false, "the task was cancelled", true }, told)
    assert.equal("cancelled", run:task("a").status)
  end)

  it("runs other workflows and waits for them", function()
    local inner = ork.workflow("inner", { params = { n = "int" } })
    inner:task("double", { inputs = { n = inner.params.n }, output_type = { n = "int" }, run = function(input, ctx)
      ctx.sleep("1ms")
      return { n = 2 * input.n }
    end })
    local w = workflow()
    for i = 1, 300 do -- more than there are places
      w:task("t" .. i, { run = function() return assert(db:run(inner, { n = i })):task("double").output end })
    end
    local run = assert(db:run(w))
    assert.equal("success", run.status)
    assert.same({ n = 600 }, run:task("t300").output)
  end)

  it("cannot wait in a coroutine that it made", function()
    local inner = ork.workflow("inner")
    inner:task("x", { run = function() end })
    local t = run_one({ run = function(_, ctx)
      local _, first = coroutine.resume(coroutine.create(function() ctx.sleep(0) end))
      local _, second = coroutine.resume(coroutine.create(function() db:run(inner) end))
      return { first, second }
    end })
    assert.matches("^[^:]*inline_spec.lua:%d+: ctx.sleep waits, which only the task's function itself can", t.output[1])
    assert.matches("^[^:]*inline_spec.lua:%d+: waiting holds up the task's function", t.output[2])
  end)

  it("takes part in max_parallel and pools", function()
    local w = workflow({ max_parallel = 2 })
    local now, most = 0, 0
    for i = 1, 6 do
      w:task("t" .. i, { run = function(_, ctx)
        now = now + 1
        most = math.max(most, now)
        ctx.sleep("2ms")
        now = now - 1
      end })
    end
    assert.equal("success", assert(db:run(w)).status)
    assert.equal(2, most)
  end)

  it("runs again by retry in the program that has it", function()
    local good = false
    local w = workflow()
    w:task("a", { run = function() return { 1 } end })
    w:task("b", { run = function() assert(good, "not yet") end })
    local run = assert(db:run(w))
    assert.equal("failed", run.status)
    good = true
    assert.equal("done", run:retry())
    assert.equal("success", run:wait())
    assert.equal(2, run:task("b").attempts)
    assert.equal(1, run:task("a").attempts)
    local again = assert(run:rerun())
    assert.equal("success", again:wait())
  end)

  it("runs again with another input in the program that has it", function()
    local seen = {}
    local w = workflow({ params = { n = "int" } })
    w:task("a", { inputs = { n = w.params.n }, run = function(input)
      seen[#seen + 1] = input.n
      assert(input.n > 1, "too little")
    end })
    local run = assert(db:run(w, { n = 0 }))
    assert.equal("failed", run.status)
    local again = assert(run:rerun({ set = { ["a.input.n"] = 1 } }))
    assert.equal("failed", again:wait())
    assert.matches("too little", again:task("a").error)
    again:retry() -- the functions of a changed definition stay known
    assert.equal("failed", again:wait())
    assert.equal("success", assert(run:rerun({ set = { ["a.input.n"] = 2 } })):wait())
    assert.same({ 0, 1, 1, 2 }, seen)
  end)

  it("says how far it is", function()
    local w, run, why = workflow(), nil, nil
    w:task("a", { run = function(_, ctx)
      ctx.progress(3, 10)
      ctx.sleep(0)
      why = core.json.encode(rawget(run, "engine"):why(run.id))
    end })
    run = assert(db:start(w))
    assert.equal("success", run:wait())
    assert.matches("its function has been running for .- %(3 of 10%)", why)
  end)

  it("keeps files", function()
    local path = sh.write(sh.tempdir() .. "/x.txt", "kept\n")
    local t = run_one({ run = function(_, ctx) return ctx.artifact(path) end })
    assert.same({ "x.txt", 5 }, { t.output.name, t.output.bytes })
    t = run_one({ run = function(_, ctx) ctx.artifact(path, "../x") end })
    assert.matches('inline_spec.lua:%d+: ctx.artifact: "../x" is no name of an artifact: none of its parts is empty, `.` or `..`$', t.error)
  end)

  it("gets secrets, which are in nothing that it leaves", function()
    uv.os_setenv("ORK_SECRET_INLINE_1", "hunter2hunter2")
    local t = run_one({ run = function(_, ctx)
      local value = ctx.secret("INLINE_1")
      ctx.log("it is %s", value)
      return { #value, "<" .. value .. ">" }
    end })
    local cut = run_one({ run = function(_, ctx) ctx.fail(("b"):rep(4088) .. ctx.secret("INLINE_1")) end })
    local url = run_one({ run = function(_, ctx) ctx.http(("a"):rep(192) .. ctx.secret("INLINE_1")) end })
    uv.os_unsetenv("ORK_SECRET_INLINE_1")
    assert.equal(("b"):rep(4088) .. "***", cut.error)
    assert.matches("unlike `a+%*%*%*`$", url.error)
    assert.same({ 14, "<***>" }, { t.output[1], t.output[2] })
    assert.equal("it is ***\n", t:log())
    t = run_one({ retries = 3, run = function(_, ctx) ctx.secret("NO_SUCH_SECRET_1") end })
    assert.same({ 1, "input" }, { t.attempts, t.kind })
    assert.matches("^the secret `NO_SUCH_SECRET_1` was not found: no ORK_SECRET_NO_SUCH_SECRET_1 in the environment", t.error)
  end)

  describe("runs a process", function()
    local function exec(argv, opts, task_options)
      local options = task_options or {}
      options.run = function(_, ctx)
        local result, why, code = ctx.exec(argv, opts)
        return { result or ork.null, why, code }
      end
      return run_one(options)
    end

    it("to its end", function()
      local t = exec({ "sh", "-c", "cat; pwd; echo $A-$HOME >&2; exit 3" }, { stdin = "in\n", cwd = "/", env = { A = 1, HOME = false } })
      assert.same({ code = 3, out = "in\n/\n", err = "1-\n" }, t.output[1])
      t = exec({ "sh", "-c", "kill -9 $$" })
      assert.equal(9, t.output[1].signal)
    end)

    it("and bounds what is kept", function()
      local t = exec({ "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x" }, { max_output = 1000 })
      assert.same({ 1000, true, 0 }, { #t.output[1].out, t.output[1].truncated, t.output[1].code })
    end)

    it("with a time limit", function()
      local t = exec({ "sleep", "1000" }, { timeout = "20ms" })
      assert.same({ true, 9 }, { t.output[1].timed_out, t.output[1].signal })
    end)

    it("or says why it cannot", function()
      local t = exec({ "no-such-program-1" })
      assert.same({ "cannot run `no-such-program-1`: no such file or directory", "ENOTFOUND" }, { t.output[2], t.output[3] })
      assert.matches("ctx.exec wants a list", exec({}).error)
      assert.matches("ctx.exec has no option `stdn`; did you mean `stdin`%?", exec({ "x" }, { stdn = "" }).error)
      assert.matches("argument 2 is a table", exec({ "x", {} }).error)
    end)

    it("which ends with the attempt, and all that it started", function()
      local path = sh.tempdir() .. "/pid"
      local t = exec({ "sh", "-c", "sleep 1000 & echo $! >" .. path .. "; wait" }, nil, { timeout = "200ms" })
      assert.equal("timeout", t.kind)
      local pid = assert(io.open(path)):read("n")
      sh.wait_gone(pid)
    end)

    it("many at once, 64 at a time", function()
      local w = workflow()
      for i = 1, 80 do w:task("t" .. i, { run = function(_, ctx) return { ctx.exec({ "sleep", "0.01" }).code } end }) end
      assert.equal("success", assert(db:run(w)).status)
    end)

    it("gives its place back, however it ends", function()
      local w, run = workflow(), nil
      for i = 1, 130 do
        w:task("t" .. i, { run = function(_, ctx)
          if i == 130 then run:cancel() end
          ctx.exec({ "sleep", "1000" })
        end })
      end
      run = assert(db:start(w))
      assert.equal("cancelled", run:wait())
      assert.equal("success", run_one({ timeout = "10s", run = function(_, ctx) ctx.exec({ "true" }) end }).status)
    end)
  end)
end)
