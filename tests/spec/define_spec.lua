-- SPDX-License-Identifier: MIT
-- What option tables become: the canonical JSON of docs/internals/json.md.
local core = require "ork.core"
local ork = require "ork"
local script = require "tests.lib.script"

local function workflow(options)
  local w = ork.workflow("w", options or { params = { day = "date", n = "int?" } })
  return w, w:task("a", { command = "x", output_type = { rows = "int", dir = "str", parts = { "str" }, deep = { x = { y = "int" } } } })
end

--- The snapshot form of the last task of a workflow; problems raise.
local function last_task(w)
  assert.is_true(w:validate())
  local tasks = core.json.decode(core.tasks_json(w))
  return tasks[#tasks]
end

--- The JSON of params (or of one key) of task `t` with these options.
local function params(options, key)
  local w, a = workflow()
  if type(options) == "function" then options = options(w, a) end
  w:task("t", options)
  local task = last_task(w)
  return core.json.encode(key and task.params[key] or task.params), task
end

local function options_of(options)
  local w = ork.workflow("v", options)
  w:task("t", { command = "x" })
  assert.is_true(w:validate())
  return core.options_json(w)
end

describe("command", function()
  it("is a list of texts", function()
    assert.equal('["python3","x.py","5","12","0.5",""]', params({ command = { "python3", "x.py", 5, 12.0, 0.5, "" } }, "command"))
    assert.equal('["x","0.30000000000000004","1e+20","-7","0"]', params({ command = { "x", 0.1 + 0.2, 1e20, -7, -0.0 } }, "command"))
  end)

  it("is a text for the shell", function()
    assert.equal('"echo \\"$HOME\\" é"', params({ command = 'echo "$HOME" é' }, "command"))
  end)

  it("holds references and texts of them", function()
    assert.equal('["x",{"ref":"tasks.a.output.parts"},{"text":["--day=",{"ref":"params.day"}]},{"ref":"this.run_id"}]',
      params(function(w, a) return { command = { "x", a.output.parts, "--day=" .. w.params.day, ork.this.run_id } } end, "command"))
  end)

  it("depends on what it refers to, once", function()
    local _, task = params(function(_, a)
      return { command = { "x", a.output.dir, "y" .. a.output.dir }, inputs = { p = a.output.parts }, depends_on = { a, "a" } }
    end)
    assert.same({ "a" }, task.depends_on)
  end)

  it("writes names that are no identifiers as lists", function()
    local w = ork.workflow("w")
    local a = w:task("A.B-1", { command = "x" })
    w:task("t", { command = { "x", a.output["some field"], a.output.f } })
    assert.equal('["x",{"ref":["tasks","A.B-1","output","some field"]},{"ref":["tasks","A.B-1","output","f"]}]',
      core.json.encode(last_task(w).params.command))
  end)
end)

describe("texts", function()
  it("join neighbours and keep one form", function()
    local w = workflow()
    local d = w.params.day
    for _, text in ipairs({ "a" .. "b" .. d .. "c" .. "d", ("ab" .. d) .. "c" .. "d", ork.format("a%s%s%sd", "b", d, "c"),
      ork.format("%s%s", "ab" .. d, "cd") }) do
      assert.equal('["x",{"text":["ab",{"ref":"params.day"},"cd"]}]', params(function(v)
        local b = v.params.day
        local same = { ["1"] = "a" .. "b" .. b .. "c" .. "d", ["2"] = ork.format("a%s%s%sd", "b", b, "c") }
        return { command = { "x", same["1"] } }, text
      end, "command"))
    end
  end)

  it("take numbers, escapes, letters, per cent signs", function()
    assert.equal('["x",{"text":["1\\"\\\\\\né%",{"ref":"params.n"},"2.5|007"]}]', params(function(w)
      return { command = { "x", 1 .. '"\\\né%' .. w.params.n .. ork.format("%.1f|%03d", 2.5, 7) } }
    end, "command"))
    assert.equal('["x",{"text":["100%",{"ref":"params.n"}]}]',
      params(function(w) return { command = { "x", ork.format("100%%%s", w.params.n) } } end, "command"))
  end)

  it("stay strings when nothing of the run is in them", function()
    assert.equal("a  5", ork.format("%s %2d", "a", 5))
  end)

  it("keep the dependencies of all parts", function()
    local w, a = workflow()
    local b = w:task("b", { command = "x" })
    local text = a.output.dir .. "/" .. b.output.name
    w:task("t", { command = { "x", text .. "!" } })
    assert.same({ "a", "b" }, last_task(w).depends_on)
  end)

  it("hold dates", function()
    assert.equal('["x",{"date":{"offset_ms":-86400000}},{"text":[{"date":{"format":"%Y","offset_ms":0}},"!"]}]',
      params({ command = { "x", ork.date("-1d"), ork.date(0, "%Y") .. "!" } }, "command"))
  end)
end)

describe("env and cwd", function()
  it("take texts, numbers, references and false", function()
    assert.equal('{"A":"1","B":{"ref":"params.day"},"C":false,"D":{"secret":"KEY"},"E":{"text":["Bearer ",{"secret":"KEY"}]},"F":"é"}',
      params(function(w)
        return { command = "x", env = { A = 1, B = w.params.day, C = false, D = ork.secret("KEY"), E = "Bearer " .. ork.secret("KEY"), F = "é" } }
      end, "env"))
    assert.equal('"/tmp"', params({ command = "x", cwd = "/tmp" }, "cwd"))
    assert.equal('{"ref":"tasks.a.output.dir"}', params(function(_, a) return { command = "x", cwd = a.output.dir } end, "cwd"))
  end)
end)

describe("inputs", function()
  it("are expressions by name", function()
    assert.equal('{"a":{"ref":"tasks.a.output.rows"},"b":{"const":[1,{"x":2.5}]},' ..
      '"c":{"object":{"k":{"const":"v"},"l":{"list":[{"ref":"params.day"},{"const":true}]}}},"d":{"const":{}},"e":{"const":[]}}',
      params(function(w, a)
        return { command = "x", inputs = { a = a.output.rows, b = { 1, { x = 2.5 } }, c = { k = "v", l = { w.params.day, true } },
          d = {}, e = ork.list() } }
      end, "task_bindings"))
  end)

  it("are one reference to an object", function()
    assert.equal('{"ref":"tasks.a.output.deep"}', params(function(_, a) return { command = "x", inputs = a.output.deep } end, "task_binding"))
  end)

  it("follow their declared type", function()
    assert.equal('{"e":{"const":[]},"f":{"const":2.0},"i":{"const":5},"r":{"ref":"tasks.a.output.rows"}}', params(function(_, a)
      return { command = "x", input_type = { e = { "str" }, i = "int", f = "float", r = "int" },
        inputs = { e = {}, i = 10 / 2, f = 2, r = a.output.rows } }
    end, "task_bindings"))
  end)

  it("are what ork.input stands for", function()
    assert.equal('["x",{"ref":"input.part"},{"text":["n=",{"ref":"input.deep.x"}]}]', params(function(_, a)
      return { command = { "x", ork.input.part, "n=" .. ork.input.deep.x }, inputs = { part = a.output.parts, deep = { x = 1 } } }
    end, "command"))
  end)
end)

describe("types", function()
  it("are stored as signature", function()
    local _, task = params({ command = "x", input_type = { a = "int?" }, output_type = { ork.optional({ f = "str", g = { "any" } }) } })
    assert.equal('{"input_type":{"a":"int?"},"output_type":[["?",{"f":"str","g":["any"]}]]}', core.json.encode(task.signature))
  end)

  it("decide which fields a reference has", function()
    local w, a = workflow()
    assert.equal("<ork reference a.output.deep.x.y>", tostring(a.output.deep.x.y))
    local open = w:task("open", { command = "x", output_type = { any = "any", none = {} } })
    assert.equal("<ork reference open.output.any.what.ever>", tostring(open.output.any.what.ever))
    assert.equal("<ork reference open.output.none.what>", tostring(open.output.none.what))
    local unknown = w:task("unknown", { command = "x" })
    assert.equal("<ork reference unknown.output.x.y>", tostring(unknown.output.x.y))
  end)
end)

describe("types of many tasks", function()
  it("are each task's own", function()
    local w = ork.workflow("many")
    for i = 1, 60 do
      local typed = i % 3 ~= 0
      local t = w:task("t" .. i, { command = "x", output_type = typed and { ["f" .. i] = "int" } or nil })
      w:task("u" .. i, { command = { "x", t.output["f" .. i] } })
      for j, handle in ipairs({ t }) do
        assert.equal(not typed, (pcall(function() return handle.output.other end)), i .. "." .. j)
      end
    end
    local loaded = script.load([[
local ork = require "ork"
local w = ork.workflow("w")
local kept = {}
for i = 1, 40 do
  kept[i] = w:task("t" .. i, { command = "x", output_type = i % 2 == 0 and { ["f" .. i] = "int" } or nil,
    when = i % 5 == 0 and { ork.this.attempt, "==", 1 } or nil })
end
for i = 2, 40, 2 do
  local _ = kept[i].output["f" .. i]
  assert(not pcall(function() return kept[i].output.other end))
end
for i = 5, 35, 5 do w:task("j" .. i, { command = "x", depends_on = { kept[i], kept[i + 5] } }) end
return w]])
    assert.same({}, loaded.lines)
    assert.equal(7, #loaded.warned)
    assert.truthy(loaded.warned[1]:find("task `j5` waits for several tasks with `when` (`t5`, `t10`)", 1, true), loaded.warned[1])
    script.cleanup()
  end)
end)

describe("a host's locale", function()
  it("changes nothing", function()
    local before = os.setlocale(nil)
    for _, name in ipairs({ "de_DE.UTF-8", "fr_FR.UTF-8", "C" }) do
      os.setlocale(name)
      local ok, got = pcall(params, { command = { "x", 0.5 }, inputs = { f = 0.25 } })
      os.setlocale(before)
      assert.is_true(ok, got)
      assert.truthy(got:find('"0.5"', 1, true) and got:find("0.25", 1, true), got)
    end
  end)
end)

describe("order and faults", function()
  it("take a task, a name, a list", function()
    for _, way in ipairs({ "handle", "name", "list" }) do
      local _, task = params(function(_, a)
        return { command = "x", depends_on = way == "handle" and a or way == "name" and "a" or { a } }
      end)
      assert.same({ "a" }, task.depends_on)
    end
    local _, task = params({ command = "x", depends_on = false })
    assert.same({}, task.depends_on)
  end)

  it("take conditions", function()
    assert.equal('{"left":{"ref":"tasks.a.output.dir"},"op":"truthy"}', params(function(_, a) return { command = "x", when = a.output.dir } end, "when"))
    assert.equal('{"left":{"ref":"tasks.a.output.rows"},"op":">=","right":{"const":5}}',
      params(function(_, a) return { command = "x", when = { a.output.rows, ">=", 5 } } end, "when"))
    assert.equal('{"left":{"ref":"tasks.a.status"},"op":"==","right":{"const":"failed"}}',
      params(function(_, a) return { command = "x", when = { a.status, "==", "failed" }, trigger_rule = "all_done" } end, "when"))
    assert.equal('{"left":{"const":"x"},"op":"in","right":{"ref":"tasks.a.output.parts"}}',
      params(function(_, a) return { command = "x", when = { "x", "in", a.output.parts } } end, "when"))
    assert.equal('{"left":{"ref":"params.day"},"op":"in","right":{"const":["a","b"]}}',
      params(function(w) return { command = "x", when = { w.params.day, "in", { "a", "b" } } } end, "when"))
  end)

  it("take retries", function()
    assert.equal('{"command":"x","max_retries":3,"timeout_seconds":0}', params({ command = "x", retries = 3 }))
    assert.equal('{"delay_ms":1000,"exit_codes":[75],"factor":2.0,"jitter":true,"kinds":["exit","timeout"],"limit":5,"max_delay_ms":60000}',
      params({ command = "x", retries = { limit = 5, delay = "1s", factor = 2, max_delay = 60, jitter = true,
        on = { exit_codes = { 75 }, kinds = { "timeout", "exit" } } } }, "retries"))
    assert.equal('["RATE","BUSY"]', core.json.encode(core.json.decode((params({ command = "x",
      retries = { limit = 1, on = { codes = { "RATE", "BUSY" } } } }, "retries"))).codes))
  end)

  it("take limits and load", function()
    assert.equal('{"command":"x","grace_ms":500,"keep_children":true,"max_lost":0,"max_retries":0,"pool":"db","pool_slots":2,"priority":-5,' ..
      '"queue_timeout_ms":3600000,"timeout_ms":90000,"timeout_seconds":90,"trigger_rule":"none_failed"}',
      params({ command = "x", grace = 0.5, keep_children = true, max_lost = 0, pool = { "db", slots = 2 }, priority = -5,
        queue_timeout = "1h", timeout = 90, trigger_rule = "none_failed" }))
  end)

  it("take resources", function()
    assert.equal('{"command":"x","isolated":true,"max_retries":0,"resources":{"cpu_ms":90000,"memory":1073741824},"timeout_seconds":0}',
      params({ command = "x", isolated = true, resources = { cpu_time = "90s", memory = "1g" } }))
    for text, bytes in pairs({ ["512m"] = 512 << 20, ["2GiB"] = 2 << 30, ["65536k"] = 65536 << 10, ["16777216"] = 16 << 20, ["1T"] = 1 << 40 }) do
      assert.equal(('{"command":"x","max_retries":0,"resources":{"memory":%d},"timeout_seconds":0}'):format(bytes),
        params({ command = "x", resources = { memory = text } }))
    end
    local w = ork.workflow("w", { defaults = { resources = { memory = "1g", cpu_time = 5 } } })
    w:task("t", { command = "x", resources = false })
    w:task("u", { command = "x", resources = { memory = 1 << 30 } })
    assert(w:validate())
    local tasks = core.json.decode(core.tasks_json(w))
    assert.is_nil(tasks[1].params.resources)
    assert.same({ memory = 1 << 30 }, { memory = tasks[2].params.resources.memory, cpu_ms = tasks[2].params.resources.cpu_ms })
  end)

  it("take defaults, which false switches off", function()
    local w = ork.workflow("w", { defaults = { retries = { limit = 2, on = { codes = { "A" } } }, timeout = "10m", env = { A = "1" }, cwd = "/d",
      pool = "db", grace = 1, max_lost = 1, priority = 3 } })
    w:task("t", { command = "x" })
    w:task("u", { command = "x", retries = false, timeout = false, env = false, cwd = false, pool = false, priority = 0 })
    w:task("v", { command = "x", retries = 0, env = { B = "2" }, cwd = "/e", timeout = 1 })
    assert.is_true(w:validate())
    local tasks = core.json.decode(core.tasks_json(w))
    assert.equal('{"command":"x","cwd":"/d","env":{"A":"1"},"grace_ms":1000,"max_lost":1,"max_retries":2,"pool":"db","priority":3,' ..
      '"retries":{"codes":["A"],"limit":2},"timeout_ms":600000,"timeout_seconds":600}', core.json.encode(tasks[1].params))
    assert.equal('{"command":"x","grace_ms":1000,"max_lost":1,"max_retries":0,"timeout_seconds":0}', core.json.encode(tasks[2].params))
    assert.equal('{"command":"x","cwd":"/e","env":{"B":"2"},"grace_ms":1000,"max_lost":1,"max_retries":0,"pool":"db","priority":3,' ..
      '"timeout_ms":1000,' ..
      '"timeout_seconds":1}', core.json.encode(tasks[3].params))
  end)

  it("define what comes last", function()
    local w, a = workflow()
    w:finally("tidy", { command = { "rm", "-r", a.output.dir }, when = a.output.dir })
    local task = last_task(w)
    assert.is_true(task.params.finally)
    assert.equal("tidy", task.task_name)
  end)
end)

describe("options of a workflow", function()
  it("are stored", function()
    assert.equal('{"description":"d","fail_fast":true,"max_active_runs":1,"max_parallel":8,"run_timeout_ms":7200000,"tags":["x","y"]}',
      options_of({ description = "d", fail_fast = true, max_active_runs = 1, max_parallel = 8, run_timeout = "2h", tags = { "x", "y" } }))
    assert.equal("{}", options_of({ fail_fast = false, max_parallel = false, run_timeout = false }))
  end)

  it("hold params", function()
    assert.equal('{"params":{"day":{"default":{"date":{"offset_ms":-86400000}},"type":"date"},' ..
      '"full":{"default":{"const":false},"type":"bool"},"list":{"default":{"const":[]},"type":["str"]},' ..
      '"mode":{"choices":["a","b"],"default":{"const":"a"},"description":"m","type":"str"},' ..
      '"n":{"max":10,"min":1,"required":true,"type":"int"},"o":{"type":"int?"},"x":{"required":true,"type":{"a":"int"}}}}',
      options_of({ params = { day = { type = "date", default = ork.date("-1d") }, full = { type = "bool", default = false },
        list = { type = { "str" }, default = ork.list() }, mode = { type = "str", choices = { "a", "b" }, default = "a", description = "m" },
        n = { type = "int", min = 1, max = 10 }, o = "int?", x = { a = "int" } } }))
  end)

  it("hold a schedule", function()
    assert.equal('{"params":{"day":{"required":true,"type":"date"}},"schedule":{"catchup":"all","catchup_limit":5,"cron":"0 2 * * MON-FRI",' ..
      '"dst":"skip","jitter_ms":60000,"overlap":"queue","params":{"day":{"const":"2026-11-01"}},"timezone":"UTC"}}',
      options_of({ params = { day = "date" }, schedule = { cron = "0 2 * * MON-FRI", timezone = "UTC", catchup = "all", catchup_limit = 5,
        overlap = "queue", jitter = "1m", dst = "skip", params = { day = "2026-11-01" } } }))
    assert.equal('{"schedule":{"every_ms":600000}}', options_of({ schedule = { every = "10m" } }))
    for _, cron in ipairs({ "@daily", "*/5 0-6,12 L * ?", "0 0 12 1W * ? 2030", "0 2 * * 1#2" }) do
      assert.equal(('{"schedule":{"cron":"%s"}}'):format(cron), options_of({ schedule = { cron = cron } }))
    end
  end)

  it("hold the declared pools that tasks use", function()
    ork.pool("define_spec_db", 4)
    ork.pool("define_spec_other", 1)
    local w = ork.workflow("w")
    w:task("t", { command = "x", pool = { "define_spec_db", slots = 4 } })
    assert.is_true(w:validate())
    assert.equal('{"pools":{"define_spec_db":4}}', core.options_json(w))
    local v = ork.workflow("v")
    v:task("t", { command = "x", pool = { "define_spec_db", slots = 5 } })
    local ok, message = pcall(v.validate, v)
    assert.is_false(ok)
    assert.truthy(message:find("task `t` takes 5 slots of pool `define_spec_db`, which has 4", 1, true), message)
  end)
end)

describe("a join after branches", function()
  it("is warned of under all_success", function()
    local loaded = script.load([[
local ork = require "ork"
local w = ork.workflow("w", { params = { x = "int" } })
local a = w:task("a", { command = "x", when = { w.params.x, "==", 1 } })
local b = w:task("b", { command = "x", when = { w.params.x, "~=", 1 } })
w:task("join", { command = "x", depends_on = { a, "b" } })
w:task("fine", { command = "x", depends_on = { a, b }, trigger_rule = "none_failed" })
return w]])
    assert.same({}, loaded.lines)
    assert.same({ "main.lua:5: task `join` waits for several tasks with `when` (`a`, `b`) and is skipped unless all of them ran; " ..
      "a join after branches wants trigger_rule = \"none_failed\"" }, loaded.warned)
    script.cleanup()
  end)
end)

describe("the words for editors", function()
  it("are those that option tables take", function()
    local root = package.searchpath("ork.meta", package.path)
    local class, seen = nil, 0
    local makers = {
      ["ork.defaults"] = function(o) return ork.workflow("m", { defaults = o }) end,
      ["ork.workflow_options"] = function(o) return ork.workflow("m", o) end,
      ["ork.task_options"] = function(o)
        local w = ork.workflow("m")
        w:task("t", o)
        return w
      end,
      ["ork.retry"] = function(o) return ork.workflow("m", { defaults = { retries = o } }) end,
      ["ork.schedule"] = function(o) return ork.workflow("m", { schedule = o }) end,
    }
    for line in io.lines(root) do
      class = line:match("^%-%-%-@class ([%w_.]+)") or line ~= "" and class or nil
      local field = line:match("^%-%-%-@field ([%w_]+)")
      if makers[class] and field then
        seen = seen + 1
        for _, p in ipairs(core.problems(makers[class]({ [field] = io.stdout }))) do
          assert.is_nil(p.text:find("unknown", 1, true), p.text)
        end
      end
    end
    assert.is_true(seen > 40)
  end)
end)
