-- SPDX-License-Identifier: MIT
-- Ork inside of a program: coroutines that wait, other loops, several databases, and what closing leaves behind.
local ork = require "ork"
local core = require "ork.core"
local sh = require "tests.lib.sh"
local uv = require "luv"

--- A workflow of one function.
local function workflow(name, run)
  local w = ork.workflow(name)
  w:task("t", { run = run or function() return { 1 } end })
  return w
end

local function open_files()
  local count = 0
  for _ in uv.fs_scandir_next, assert(uv.fs_scandir("/proc/self/fd")) do count = count + 1 end
  return count
end

describe("a host program", function()
  local db
  before_each(function() db = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db")) end)
  after_each(function()
    db:close()
    sh.cleanup()
  end)

  it("waits in coroutines made by ork.spawn, while others go on", function()
    local order = {}
    for i = 1, 2 do
      ork.spawn(function(name)
        local run = assert(db:run(workflow(name, function(_, ctx) ctx.sleep(0.002 * i) end)))
        order[#order + 1] = name .. " " .. run.status
      end, "w" .. i)
    end
    assert.same({}, order)
    while ork.step(true) do end -- luacheck: ignore 542
    table.sort(order)
    assert.same({ "w1 success", "w2 success" }, order)
    assert.is_false(ork.step(true)) -- nothing is left: it does not block
    assert.is_false(ork.step())
  end)

  it("gets the run of a key, unless that was made with other params", function()
    local w = ork.workflow("keyed", { params = { n = { type = "int", default = 0 } } })
    w:task("t", { run = function() end })
    local first = assert(db:run(w, { n = 1 }, { key = "k" }))
    assert.equal(first, assert(db:run(w, { n = 1 }, { key = "k" })))
    for _, method in ipairs({ "run", "start" }) do
      for _, params in ipairs({ { n = 2 }, {} }) do
        local run, why, code = db[method](db, w, params, { key = "k" })
        assert.is_nil(run)
        assert.equal(("the key `k` is that of run %s, which was made with other params:\n  n: 1 then, %d now\nanother run needs another key")
          :format(first.id:sub(-8), params.n or 0), why)
        assert.equal("ESTATE", code)
      end
    end
    assert(db:run(w, { n = 2 }, { key = "other" }))
  end)

  it("calls the functions of a workflow that was validated, for a run of another program", function()
    local path = sh.tempdir() .. "/ork.db"
    sh.run({ "lua5.4", "-e", ([[
      local ork = require "ork"
      local w = ork.workflow("again")
      w:task("only_here", { run = function() error("no luck") end })
      ork.open("sqlite:%s"):run(w)]]):format(path) }, { env = require("tests.lib.app").environment, ok = true })
    local other <close> = assert(ork.open(path))
    local run = assert(other:find("last"))
    assert.equal("failed", run.status)
    local _, why, code = run:retry()
    assert.equal("ESTATE", code)
    assert.matches("after w:validate() of the same workflow, or by r:retry{ update = w }", why, 1, true)
    local w = ork.workflow("again")
    w:task("only_here", { run = function() return { 1 } end })
    assert.is_nil((run:retry())) -- not before it is whole
    w:validate()
    local alike = ork.workflow("alike") -- has the same hash
    alike:task("only_here", { run = function() return { 2 } end })
    alike:validate()
    assert(run:retry())
    assert.equal("success", run:wait())
    assert.same({ 1 }, run:task("only_here").output)
    assert.equal("success", assert(run:rerun()):wait())
  end)

  it("refuses params that JSON has not as what came from outside, and functions as misuse", function()
    local w = ork.workflow("given", { params = { x = { type = "any", default = 1 } } })
    w:task("t", { run = function() end })
    for bad, words in pairs({ ["fine"] = false, ["a\255"] = "not UTF%-8", ["a\0"] = "NUL" }) do
      local run, why, code = db:start(w, { x = bad })
      if words then assert.same({ nil, "EINVAL" }, { run, code }) assert.matches("^params%.x: .*" .. words, why) else assert(run):wait() end
    end
    local run, why, code = db:start(w, { x = 0 / 0 })
    assert.same({ nil, "EINVAL" }, { run, code })
    assert.matches("NaN is no value of JSON", why)
    local ok, raised = pcall(db.start, db, w, { x = print })
    assert.is_false(ok)
    assert.matches("params%.x: ", raised)
  end)

  it("says where a call that waits cannot stand", function()
    local raised = {}
    local w = workflow("below")
    ork.spawn(function()
      raised[1] = select(2, pcall(string.gsub, "a", "a", function() db:run(w) end))
      raised[2] = select(2, pcall(coroutine.wrap(function() db:run(w) end)))
    end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.matches("embed_spec.lua:%d+: a call that waits cannot stand in a function that a library's C calls", raised[1])
    assert.matches("embed_spec.lua:%d+: waiting holds up the function of ork.spawn; call it there", raised[2])
  end)

  it("names what is somewhere else", function()
    local w = workflow("words")
    for pattern, f in pairs({
      ["no%.lua: no such script"] = function() ork.load("no.lua") end,
      ["`validate` belongs to a workflow: call it with a colon"] = function() w.validate() end,
      ["applying is a command, ork apply SCRIPT"] = function() w:apply() end,
      ["the workflow is given twice: w:run%(params%), with a colon, or ork.run%(w, params%)"] = function() w:run(w) end,
      ["ork has no `serve`: a server is the command `ork serve`"] = function() ork.serve() end,
      ["ork has no `BashOperator`: a task is w:task"] = function() ork.BashOperator() end,
      ["open takes a URL, not a number"] = function() ork.open(5) end,
      ["a task that was defined has it: t.name"] = function() local r = db:start(w) r:wait() r:task(w) end,
      ["`at` is a time like .* %(2026%-02 has 28 days%), not 2026%-02%-30"] = function() db:start(w, {}, { at = "2026-02-30" }) end,
    }) do
      local ok, why = pcall(f)
      assert.is_false(ok)
      assert.matches("embed_spec.lua:%d+: .*" .. pattern, why)
    end
  end)

  it("takes a name that ends in a slash for a folder", function()
    local dir = sh.tempdir()
    local other <close> = assert(ork.open(dir .. "/new/"))
    assert.equal("success", assert(other:run(workflow("w"))).status)
    assert.equal("file", core.sys.stat(dir .. "/new/.ork/ork.db"))
    assert.matches("open takes a URL or the name of a file, not an empty text", select(2, pcall(ork.open, "")))
  end)

  it("looks into a file store that another program has", function()
    local dir = sh.tempdir()
    local writer <close> = assert(ork.open("file:" .. dir .. "/store"))
    assert.equal("success", assert(writer:run(workflow("w"))).status)
    local program = sh.run({ "lua5.4", "-e", ([[
      local ork = require "ork"
      print(select(3, ork.open("file:%s/store")))
      print(assert(ork.open("file:%s/store", { read = true })):find("last").status)]]):format(dir, dir) },
      { env = require("tests.lib.app").environment })
    assert.equal("EBUSY\nsuccess\n", program.out, program.err)
  end)

  it("waits in them no longer than it is told", function()
    local got
    local go = false
    ork.spawn(function()
      local run = assert(db:start(workflow("w", function(_, ctx) while not go do ctx.sleep("1ms") end end)))
      got = { run:wait("5ms") }
      go = true
      got[4] = run:wait()
    end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.same({ nil, "timeout", "ETIMEDOUT", "success" }, got)
  end)

  it("drives them also while the main program waits", function()
    local spawned
    ork.spawn(function() spawned = assert(db:run(workflow("inner"))).status end)
    assert(db:run(workflow("outer", function(_, ctx) while not spawned do ctx.sleep("1ms") end end)))
    assert.equal("success", spawned)
  end)

  it("gets what a spawned function raises from the call that drives", function()
    ork.spawn(function() error("out of luck") end)
    local ok, why = pcall(function() while ork.step(true) do end end) -- luacheck: ignore 542
    assert.is_false(ok)
    assert.matches("embed_spec.lua:%d+: out of luck\nstack traceback:", why)
    local object = {}
    ork.spawn(function() error(object) end)
    local run = assert(db:start(workflow("w", function(_, ctx) ctx.sleep("1h") end)))
    ok, why = pcall(run.wait, run)
    assert.is_false(ok)
    assert.equal(object, why)
    run:cancel()
    assert.equal("cancelled", run:wait())
    assert.matches("ork.spawn takes a function, not a nil", select(2, pcall(ork.spawn)))
  end)

  it("may not wait in a callback of the loop", function()
    local w, why = workflow("w"), nil
    local timer <close> = core.loop.timer(0, function() why = select(2, pcall(db.run, db, w)) end) -- luacheck: ignore 211
    assert(db:run(workflow("outer", function(_, ctx) while not why do ctx.sleep("1ms") end end)))
    assert.matches("a callback of the loop cannot wait; ork.spawn%(function%(%) … end%) makes a coroutine that can", why)
    local names = {}
    for run in db:runs() do names[#names + 1] = run.workflow end
    assert.same({ "outer" }, names) -- it has not made a run, which would be carried out all the same
  end)

  it("drives Ork from any loop by descriptor, time and step", function()
    local status
    ork.spawn(function() status = assert(db:run(workflow("w", function(_, ctx) ctx.sleep("3ms") end))).status end)
    assert.equal(0, ork.timeout())
    local poll = uv.new_poll(ork.fd()) -- stands for poll(2) of a loop of one's own
    local timer = uv.new_timer()
    poll:start("r", function() end)
    while ork.step() do
      local seconds = ork.timeout()
      if seconds ~= 0 then
        if seconds then timer:start(math.ceil(seconds * 1000), 1, function() end) end -- again: luv runs what is due before it polls
        uv.run("once")
        timer:stop()
      end
    end
    poll:close()
    timer:close()
    uv.run("nowait")
    assert.equal("success", status)
  end)

  it("runs on a luv loop", function()
    ork.attach(uv)
    local order = {}
    local ticks = 0
    local timer = uv.new_timer()
    timer:start(1, 1, function() ticks = ticks + 1 end)
    timer:unref()
    ork.spawn(function()
      local w = ork.workflow("w")
      w:task("p", { command = { "sleep", "0.05" } })
      w:task("f", { run = function(_, ctx) ctx.sleep("20ms") end })
      order[#order + 1] = assert(db:run(w)).status
    end)
    uv.run() -- ends when nothing is left to happen
    assert.same({ "success" }, order)
    assert.is_true(ticks > 3)
    -- a run that a callback starts keeps the loop alive too
    local run, why, inside
    local once = uv.new_timer()
    once:start(1, 0, function()
      once:close()
      run = assert(db:start(workflow("later", function(_, ctx) ctx.sleep("5ms") end)))
      why = select(2, pcall(run.wait, run))
      inside = select(2, pcall(coroutine.wrap(function() run:wait() end)))
    end)
    uv.run()
    assert.equal("success", run.status)
    assert.matches("a callback of the loop cannot wait", why)
    assert.matches("a callback of the loop cannot wait", inside) -- also in a coroutine of its own
    assert.equal("success", assert(db:run(workflow("direct"))).status) -- outside of the loop it may
    timer:close()
    uv.run("nowait")
    assert.matches("ork.attach wants luv", select(2, pcall(ork.attach, {})))
  end)

  it("sleeps while nothing is due", function()
    local run
    ork.spawn(function() run = assert(db:run(workflow("w"))) end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.equal("success", run.status)
    assert.is_nil(ork.timeout())
  end)

  it("keeps databases apart", function()
    local other = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
    local w = workflow("w", function(_, ctx) ctx.sleep("2ms") end)
    local a, b = assert(db:start(w)), assert(other:start(w))
    assert.equal("success", a:wait()) -- drives both
    assert.equal("success", b:wait())
    assert.is_nil(db:find(b.id))
    other:close()
    assert.equal("success", assert(db:run(w)).status)
  end)

  it("closes while functions are under way, and goes on with them later", function()
    local path = sh.tempdir() .. "/ork.db"
    local calls, closed, go = 0, 0, false
    local w = workflow("w", function(_, ctx)
      calls = calls + 1
      local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end }) -- luacheck: ignore 211
      while not go do ctx.sleep("1ms") end
      return { ctx.attempt }
    end)
    local first = assert(ork.open("sqlite:" .. path))
    local run = assert(first:start(w))
    local id = run.id
    while calls == 0 do ork.step(true) end
    first:close()
    assert.equal(1, closed)
    while ork.step() do end -- luacheck: ignore 542
    go = true
    local second = assert(ork.open("sqlite:" .. path))
    run = assert(second:start(w, nil, { resume = true }))
    assert.same({ id, "resumed" }, { run.id, run.how })
    assert.equal("success", run:wait())
    assert.same({ 1 }, { run:task("t").output[1] }) -- the same attempt: the first left no trace
    assert.equal(2, calls)
    second:close()
  end)

  it("may close the database in a function", function()
    local closing = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
    local run = assert(closing:start(workflow("w", function() closing:close() end)))
    assert.same({ nil, "interrupted", "ECANCELLED" }, { run:wait() })
    assert.matches("the database is closed", select(2, pcall(function() return run.status end)))
    closing:close()
    local other = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
    assert(other:start(workflow("w", function() other:close() end)))
    while ork.step(true) do end -- luacheck: ignore 542
    assert.equal("ork database (closed)", tostring(other))
    do -- nobody has it but the function, which lets it go while it is driven
      local only = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
      assert(only:start(workflow("w", function()
        only = nil
        collectgarbage()
      end)))
    end
    while ork.step(true) do end -- luacheck: ignore 542
  end)

  it("tells coroutines that wait that the database was closed", function()
    local why
    local each = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
    ork.spawn(function()
      local run = assert(each:start(workflow("w", function(_, ctx) ctx.sleep("1h") end)))
      why = select(2, pcall(run.wait, run))
    end)
    ork.spawn(function() each:close() end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.matches("the database is closed", why)
    each = assert(ork.open("sqlite:" .. sh.tempdir() .. "/ork.db"))
    ork.spawn(function()
      local _, message = pcall(function()
        local x = each:run(workflow("w", function(_, ctx) ctx.sleep("1h") end))
        return x
      end)
      why = message
    end)
    ork.spawn(function() each:close() end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.matches("^[^:]*embed_spec.lua:%d+: the database is closed", why)
  end)

  it("leaves nothing open", function()
    local function once()
      local path = sh.tempdir() .. "/ork.db"
      local each = assert(ork.open("sqlite:" .. path))
      local w = ork.workflow("w")
      w:task("p", { command = { "true" } })
      w:task("f", { run = function(_, ctx) ctx.exec({ "true" }) ctx.log("x") end })
      assert.equal("success", assert(each:run(w)).status)
      assert(each:start(workflow("open", function(_, ctx) ctx.sleep("1h") end)))
      ork.step()
      each:close()
      while ork.step() do end -- luacheck: ignore 542
    end
    once()
    collectgarbage()
    local before = open_files()
    for _ = 1, 5 do once() end
    collectgarbage()
    while core.loop.step() do end -- luacheck: ignore 542
    assert.equal(before, open_files())
  end)

  it("says at the caller's line what is misused, and what cannot be", function()
    local w = ork.workflow("w", {})
    w:task("only", { run = function() end })
    local r = assert(db:run(w))
    local function refused(pattern, f, ...)
      local ok, why = pcall(f, ...)
      assert.is_false(ok)
      assert.matches("^[^:]*embed_spec.lua:%d+: " .. pattern, why)
    end
    local _, why, code = r:retry({ from = "onyl" })
    assert.same({ "no task `onyl` in this run (did you mean `only`?)", "ENOTFOUND" }, { why, code })
    assert.equal("ENOTFOUND", (select(3, r:retry({ task = "nosuch" }))))
    assert.matches("task `only` succeeded", (select(2, r:retry({ task = "only" }))))
    assert.equal("ESTATE", (select(3, r:retry())))
    assert.same({ "ESTATE", "ESTATE" }, { (select(3, r:resume())), (select(3, r:cancel())) })
    assert.equal("done", r:retry({ from = "only" }))
    assert.equal("success", r:wait())
    refused("run:tasks: `status` is one or more of pending, .*did you mean `failed`%?%), not fialed", function() local x = r:tasks({ status = "fialed" }) return x end)
    refused("runs: `status` is one or more of", function() local x = db:runs({ status = "done" }) return x end)
    refused("runs: `limit` is a whole number from 1 on, not %-1", function() local x = db:runs({ limit = -1 }) return x end)
    refused("options are a table, not a database; say db:run", function() local x = ork.start(w, {}, db) return x end)
    local typed = ork.workflow("typed", { params = { s = "str" } })
    typed:task("only", { command = "true" })
    refused("params.s: a function cannot be stored as JSON", function() local x = db:run(typed, { s = print }) return x end)
    refused("params.s: a function cannot be stored as JSON", function() local x = typed:start({ s = print }) return x end)
    refused("start wants a workflow, got the text \"good\"; ork.load", function() local x = ork.start("good") return x end)
    refused("run wants a workflow, got a run$", function() local x = db:run(r) return x end)
    refused("run wants a workflow, got table. To a workflow it belongs with a colon: w:run", function() local x = w.run({}) return x end)
    refused("start wants a workflow, got nil. To a workflow .* w:start", function() local x = w.start() return x end)
    refused("call it with a dot: ork.find", function() local x = ork:find("last") return x end)
    refused("call it with a dot: ork.run", function() local x = ork:run(w) return x end)
    refused("a task of a run has no `ouput`; did you mean `output`?", function() local x = r:task("only").ouput return x end)
    refused("a run has no `x`; there are approve, cancel, counts, created_at", function() local x = r.x return x end)
    refused("run.wait%(%) wants a run: r:wait%(%), with a colon", function() local x = r.wait() return x end)
    refused("find takes the name", function() local x = db:find() return x end)
    refused("log takes the number", function() local x = r:task("only"):log("x") return x end)
    refused("ork.load takes the path", function() local x = ork.load() return x end)
    db:close()
    refused("the database is closed", function() local x = db:start(w) return x end)
    refused("the database is closed", function() local x = r.status return x end)
    assert.matches("^run %x+ %(the database is closed%)$", tostring(r))
    db:close()
  end)

  it("runs twenty thousand functions in few commits", function()
    local w = ork.workflow("many")
    local calls = 0
    for i = 1, 20000 do w:task("t" .. i, { run = function() calls = calls + 1 end }) end
    local beats, last = 0, nil
    ork.spawn(function() -- the loop is not starved: others have their turn between slices
      local run = assert(db:start(w))
      while not run:wait("1ms") do
        if calls ~= last then beats, last = beats + 1, calls end
      end
    end)
    while ork.step(true) do end -- luacheck: ignore 542
    assert.equal(20000, calls)
    assert.is_true(beats > 5)
    local path = db.url:gsub("^sqlite:", "")
    local commits = sh.sql(path, "SELECT count(*) AS n FROM run_events")[1].n
    assert.is_true(tonumber(commits) < 2000)
  end)

  it("is another one in another thread, with a Lua state of its own", function()
    local result = sh.tempdir() .. "/result"
    local thread = uv.new_thread(function(path, cpath, folder, out)
      package.path, package.cpath = path, cpath
      local mine = require "ork"
      local own = assert(mine.open("sqlite:" .. folder .. "/ork.db"))
      local w = mine.workflow("threaded")
      w:task("f", { run = function(_, ctx) ctx.sleep("2ms") return { 7 } end })
      w:task("p", { command = { "true" } })
      local run = assert(own:run(w))
      local file = assert(io.open(out, "w"))
      file:write(run.status, " ", run:task("f").output[1])
      file:close()
      own:close()
    end, package.path, package.cpath, sh.tempdir(), result)
    assert.equal("success", assert(db:run(workflow("here", function(_, ctx) ctx.sleep("2ms") end))).status)
    assert.is_true(thread:join())
    assert.equal("success 7", sh.read(result))
  end)
end)
