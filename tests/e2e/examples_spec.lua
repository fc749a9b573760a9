-- SPDX-License-Identifier: MIT
-- The examples on real input: this machine's package database, and recorded scientific workflows. The traces are looked for in
-- $ORK_SHARED/workflows, else beside the repository in ../shared/workflows; without them their tests are skipped.
local sh = require "tests.lib.sh"
local uv = require "luv"

local root = assert(uv.fs_realpath(os.getenv("ORK_ROOT") or "."))
local examples = root .. "/examples"
local traces = (os.getenv("ORK_SHARED") or root .. "/../shared") .. "/workflows"

local function statuses(db, where)
  local by_name = {}
  for _, row in ipairs(sh.sql(db, "SELECT task_name, status FROM tasks " .. (where or ""))) do by_name[row.task_name] = row.status end
  return by_name
end

--- Folders of the quickstart that its `tidy` did not remove.
local function leftovers_in(dir) return sh.run({ "/bin/sh", "-c", "ls -d ork-quickstart-* 2>/dev/null" }, { cwd = dir }).out end

describe("hello.lua", function()
  after_each(sh.cleanup)

  it("greets", function()
    local dir = sh.tempdir()
    sh.ork({ examples .. "/hello.lua", "name=Ada & Eve's" }, { cwd = dir, ok = true })
    assert.equal("hello, Ada & Eve's\n", sh.ork({ "logs", "last" }, { cwd = dir, ok = true }).out)
  end)
end)

describe("the quickstart", function()
  after_each(sh.cleanup)

  if sh.run({ "/bin/sh", "-c", "command -v dpkg-query" }).code ~= 0 then
    pending("there is no dpkg-query here")
    return
  end
  local script = examples .. "/quickstart/pipeline.lua"

  it("reports every package that dpkg knows", function()
    local dir = sh.tempdir()
    sh.ork({ script, "report=" .. dir .. "/p.html", "top=2" }, { cwd = dir, ok = true, env = { TMPDIR = dir } })

    local page = sh.read(dir .. "/p.html")
    local installed = sh.run({ "/bin/sh", "-c", "dpkg-query -W -f '${db:Status-Status}\\n' | grep -cx installed" }).out:match("%d+")
    assert.truthy(page:find(installed .. " packages in ", 1, true), "not " .. installed .. " packages")
    local bars = select(2, page:gsub("<rect ", ""))
    local sections = select(2, page:gsub("<details>", ""))
    assert.truthy(bars > 3 and bars == sections, bars .. " bars, " .. sections .. " sections")
    assert.is_nil(page:find("https?://"), "the page needs something from elsewhere")
    assert.truthy(page:find("</html>\n$"))

    local page_size = sh.json(sh.ork({ "show", "last", "report", "--json" }, { cwd = dir, ok = true }).out).output.bytes
    assert.equal(#page, page_size)
    local status = statuses(dir .. "/.ork/ork.db")
    assert.equal("success", status.tidy)
    status.leftovers = nil -- depends on the machine
    for name, each in pairs(status) do assert.equal("success", each, name) end
    assert.equal("", leftovers_in(dir))
  end)

  it("stumbles and tries again", function()
    local dir = sh.tempdir()
    sh.ork({ script, "report=" .. dir .. "/p.html", "stumble=2" }, { cwd = dir, ok = true, env = { TMPDIR = dir } })
    local rows = sh.sql(dir .. "/.ork/ork.db", [[SELECT a.status, a.exit_code FROM task_attempts a JOIN tasks t ON t.id = a.task_id
      WHERE t.task_name = 'load' ORDER BY a.attempt]])
    local stumbled = { status = "failed", exit_code = 75 }
    assert.same({ stumbled, stumbled, { status = "success", exit_code = 0 } }, rows)
  end)

  it("keeps its files after a failure, so that a retry goes on", function()
    local dir = sh.tempdir()
    local opts = { cwd = dir, env = { TMPDIR = dir } }
    local failed = sh.ork({ script, "report=" .. dir .. "/missing/p.html" }, opts)
    assert.equal(1, failed.code)
    assert.truthy(failed.err:find("missing/p.html", 1, true), failed.err)
    local status = statuses(dir .. "/.ork/ork.db")
    assert.equal("failed", status.report)
    assert.equal("skipped", status.tidy)
    assert(uv.fs_mkdir(dir .. "/missing", 448))
    assert.equal(0, sh.ork({ "retry", "last" }, opts).code)
    assert.truthy(sh.exists(dir .. "/missing/p.html"))
    assert.equal("", leftovers_in(dir))
  end)
end)

describe("wfcommons.lua", function()
  after_each(sh.cleanup)
  local script = examples .. "/wfcommons.lua"

  --- Tasks that were handed over or started before one of their parents had ended; must be none. Times are milliseconds: a task
  --- may start in the one in which its parent ended.
  local TOO_EARLY = [[
    SELECT child.task_name AS child, parent.task_name AS parent FROM tasks child, json_each(child.depends_on) edge
    JOIN tasks parent ON parent.run_id = child.run_id AND parent.task_name = edge.value
    WHERE parent.finished_at IS NULL OR child.dispatched_at IS NULL OR child.started_at IS NULL
       OR child.dispatched_at < parent.finished_at OR child.started_at < parent.finished_at]]

  local names = {}
  local folder = uv.fs_scandir(traces)
  for name in folder and uv.fs_scandir_next or function() end, folder do
    if name:find("%.json$") then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 0 then pending("no traces in " .. traces .. " (ORK_SHARED names the folder above)") end

  for _, name in ipairs(names) do
    it("plays " .. name, function()
      local dir, path = sh.tempdir(), assert(uv.fs_realpath(traces .. "/" .. name))
      sh.ork({ script, "trace=" .. path, "speed=1000000", "--quiet" }, { cwd = dir, ok = true, timeout = 120 })

      local recorded, edges = sh.json(sh.read(path)).workflow.specification.tasks, 0
      for _, task in ipairs(recorded) do edges = edges + #task.parents end
      local db = dir .. "/.ork/ork.db"
      assert.same({ { n = #recorded, status = "success" } }, sh.sql(db, "SELECT count(*) AS n, status FROM tasks GROUP BY status"))
      assert.equal(edges, sh.sql(db, "SELECT sum(json_array_length(depends_on)) AS n FROM tasks")[1].n)
      assert.same({}, sh.sql(db, TOO_EARLY))
    end)
  end

  it("refuses a file that is no trace", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/x.json", "{}")
    local result = sh.ork({ script, "trace=x.json" }, { cwd = dir })
    assert.equal(2, result.code)
    assert.truthy(result.err:find("x.json is no trace in WfFormat", 1, true), result.err)
  end)

  it("takes traces of older versions", function()
    local dir = sh.tempdir()
    sh.write(dir .. "/old.json", [[{"schemaVersion":"1.3","workflow":{"tasks":[
      {"name":"b:2","parents":["a/1"],"children":[],"runtimeInSeconds":0.002},
      {"name":"a/1","parents":[],"children":["b:2"],"runtime":0.001}]}}]])
    sh.ork({ script, "trace=old.json" }, { cwd = dir, ok = true })
    assert.same({ { task_name = "a_1" }, { task_name = "b_2" } },
      sh.sql(dir .. "/.ork/ork.db", "SELECT task_name FROM tasks WHERE status = 'success' ORDER BY started_at, task_name"))
  end)
end)
