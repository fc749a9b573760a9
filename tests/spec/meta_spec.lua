-- SPDX-License-Identifier: MIT
-- The annotations (lua/ork/meta*.lua) against what is really there: every field of `ork`, every field and method of a handle,
-- every option that C or Lua reads, both ways; and docs/reference.md is what they make.
local annotations = require "script.lib.annotations"
local core = require "ork.core"
local ork = require "ork"
local lfs = require "lfs"

local root = os.getenv("ORK_ROOT") or "."

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read("a")
end

local function meta_files()
  local names = {}
  for name in lfs.dir(root .. "/lua/ork") do
    if name:find("^meta.*%.lua$") then names[#names + 1] = "lua/ork/" .. name end
  end
  table.sort(names)
  names[#names + 1] = "lua/ork/init.lua"
  return names
end

local sources = {}
for i, name in ipairs(meta_files()) do sources[i] = read(name) end
local parsed = annotations.parse(sources)

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function annotated(class)
  assert.truthy(parsed.classes[class], "no annotations of " .. class)
  return sorted(annotations.names(parsed, class))
end

local function keys_of(t)
  local set = {}
  for name in next, t do set[name] = true end
  return set
end

--- The names that a refusal offers: "… ; there are a, b, c" and the like.
local function offered(call, ...)
  local ok, message = pcall(call, ...)
  assert.is_false(ok, "nothing was refused")
  local set = {}
  for name in assert(message:match("; there are ([%w_, ]+)$") or message:match("; %a[%a ]- has ([%w_, ]+)$")
    or message:match("; it has ([%w_, ]+)$"), message):gmatch("[%w_]+") do set[name] = true end
  return sorted(set)
end

local NONSENSE = "zqxjkvzqxjkv"

--- Options in a C table of rows: from the line that matches `start` to its end. `only`: a word that must stand in the row.
local function rows_in(file, start, only)
  local text = read("bindings/" .. file)
  local from = assert(text:find(start), file .. " has no " .. start)
  local body = text:match("rows%[%] = (%b{})", from)
  local set = {}
  for row in body:sub(2, -2):gmatch("%b{}") do
    local name = row:match('%.name = "([%w_]+)"')
    if name and (not only or row:find(only, 1, true)) then set[name] = true end
  end
  return sorted(set)
end

describe("the annotations", function()
  local db, w, task

  setup(function()
    db = assert(ork.open("sqlite::memory:"))
    w = ork.workflow("annotated", {})
    task = w:task("a", { command = { "true" } })
  end)
  teardown(function() db:close() end)

  it("have every field of ork, and no other", function()
    assert.same(sorted(keys_of(ork)), annotated("ork"))
    assert.same(sorted(keys_of(ork.json)), annotated("ork.json"))
  end)

  it("have every field and method of a workflow and a task", function()
    local methods = keys_of(core.methods)
    methods.name, methods.params = true, true
    assert.same(sorted(methods), annotated("ork.workflow"))
    assert.same(offered(function() return task[NONSENSE] end), annotated("ork.task"))
    assert.same(offered(function() return ork.this[NONSENSE] end), annotated("ork.this"))
  end)

  it("have every field and method of runs, their tasks and databases", function()
    local run = assert(db:start(w))
    assert.same(offered(function() return db[NONSENSE] end), annotated("ork.database"))
    assert.same(offered(function() return run[NONSENSE] end), annotated("ork.run"))
    assert.same(offered(function() return run:task("a")[NONSENSE] end), annotated("ork.run_task"))
  end)

  it("have every option of the calls", function()
    local wrong = { [NONSENSE] = 1 }
    local run = assert(db:start(w))
    assert.same(offered(db.start, db, w, {}, wrong), annotated("ork.start_options"))
    assert.same(offered(db.runs, db, wrong), annotated("ork.runs_filter"))
    assert.same(offered(run.retry, run, wrong), annotated("ork.retry_options"))
    assert.same(offered(run.rerun, run, wrong), annotated("ork.rerun_options"))
    assert.same(offered(run.tasks, run, wrong), annotated("ork.tasks_filter"))
  end)

  it("have what a task's function gets", function()
    local options, failing
    local call = ork.workflow("calls", {})
    call:task("f", { run = function(_, ctx)
      for name in pairs(annotations.names(parsed, "ork.ctx")) do
        local _ = ctx[name] -- raises when there is no such field
      end
      local ok, message = pcall(ctx.exec, { "true" }, { [NONSENSE] = 1 })
      options = not ok and message
      ok, message = pcall(ctx.fail, "x", { [NONSENSE] = 1 })
      failing = not ok and message
      return {}
    end })
    local run = assert(db:run(call))
    assert.equal("success", run.status, run.error)
    assert.truthy(options:find("no option", 1, true))
    assert.truthy(failing:find("there are " .. table.concat(annotated("ork.fail_options"), ", "), 1, true), failing)
    local text = read("lua/ork/ctx.lua")
    local declared = {}
    for name in text:match("local exec_options = (%b{})"):gmatch("([%w_]+) =") do declared[name] = true end
    assert.same(sorted(declared), annotated("ork.exec_options"))
    local there = {}
    for name in text:gmatch("\nfunction methods%.([%w_]+)") do there[name] = true end
    for name in text:match("local fields = (%b{})"):gmatch("\n  ([%w_]+) = function") do there[name] = true end
    assert.same(sorted(there), annotated("ork.ctx"))
  end)

  it("have every option that C reads", function()
    assert.same(rows_in("task_options.c", "struct ork_lua_option rows"), annotated("ork.task_options"))
    assert.same(rows_in("task_options.c", "struct ork_lua_option rows", "by_default"), annotated("ork.defaults"))
    assert.same(rows_in("workflow_options.c", "struct ork_lua_option rows"), annotated("ork.workflow_options"))
    assert.same(rows_in("params.c", "json_t %*read_param%("), annotated("ork.param"))
    assert.same(rows_in("retries.c", "void ork_lua_read_retries"), annotated("ork.retry"))
    assert.same(rows_in("retries.c", "void read_on"), annotated("ork.retry_on"))
    assert.same(rows_in("schedule.c", "void ork_lua_read_schedule"), annotated("ork.schedule"))
  end)

  it("name no type that is not there", function()
    local known = {}
    for name in pairs(parsed.classes) do known[name] = true end
    for _, alias in ipairs(parsed.aliases) do known[alias.name] = true end
    for _, source in ipairs(sources) do
      for line in source:gmatch("%-%-%-@[^\n]+") do
        for name in line:gmatch("%f[%w_.]ork%.[%l_]+") do
          local code = line:find(name .. "%(") or line:find("[`:]" .. name) or rawget(ork, name:sub(5)) ~= nil
          assert.truthy(known[name] or code or name == "ork.db", line)
        end
      end
    end
  end)

  it("explain each field, each option and each call", function()
    local plain = {} -- what is said by the name alone
    for name in ("name url status workflow type task output tags jitter schedule started_at finished_at kinds reasons this json"):gmatch("%a[%w_]*") do
      plain[name] = true
    end
    for _, name in ipairs(parsed.order) do
      local class = parsed.classes[name]
      for _, method in ipairs(class.methods) do
        assert.is_true(method.text ~= "", ("%s: %s is not explained"):format(name, method.name))
        local args = {}
        for arg in method.args:gmatch("[%w_]+") do args[#args + 1] = arg end
        local params = {}
        for _, param in ipairs(method.params) do params[#params + 1] = param.name ~= "..." and param.name or nil end
        assert.same(args, params, name .. ": " .. method.name)
      end
      for _, field in ipairs(class.fields) do assert.truthy(field.text ~= "" or plain[field.name], name .. "." .. field.name) end
    end
  end)

  it("make docs/reference.md", function()
    local command = ("cd '%s' && LUA_PATH_5_4='./?.lua;;' lua5.4 script/lib/reference.lua %s"):format(root, table.concat(meta_files(), " "))
    local pipe <close> = assert(io.popen(command))
    assert.equal(read("docs/reference.md"), pipe:read("a"), "script/docs reference writes it")
  end)
end)

describe("reading annotations", function()
  local one = annotations.parse({ [[
---@alias a.word "x" | "y" which
---Text.
---@class a.b: a.c
---@field f? fun(a: string): any, string? what it does
---@field t { a: string, b?: integer }[]
local b = {}

---Does it.
---@param x? string|integer so
---@return a.b?, string? then
function b:go(x) end
]] })

  it("finds classes, fields, methods and aliases", function()
    assert.same({ { name = "a.word", type = '"x" | "y"', text = "which" } }, one.aliases)
    local class = one.classes["a.b"]
    assert.equal("a.c", class.parent)
    assert.equal("Text.", class.text)
    assert.same({ name = "f", optional = true, type = "fun(a: string): any, string?", text = "what it does" }, class.fields[1])
    assert.same({ name = "t", optional = false, type = "{ a: string, b?: integer }[]", text = "" }, class.fields[2])
    assert.same({ name = "go", colon = true, args = "(x)", text = "Does it.",
      params = { { name = "x", optional = true, type = "string|integer", text = "so" } },
      returns = { { type = "a.b?, string?", text = "then" } } }, class.methods[1])
  end)
end)
