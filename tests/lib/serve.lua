-- SPDX-License-Identifier: MIT
-- `ork serve` for end-to-end tests: started and waited for, and the scripts that it is given.
--
--   local serve = require "tests.lib.serve"
--   serve.script(dir, "tick", { schedule = 'every = "1s"', command = "true" })
--   local p = serve.start(dir, { "tick.lua" })
--   p:wait_line("schedule fired workflow=tick")
--   serve.stop(p)
local sh = require "tests.lib.sh"

local serve = {}

--- Writes NAME.lua: one workflow with one task `a`. opts: schedule (the fields), params (a table's text), command (a line of
--- shell), options (more of the task), name.
function serve.script(dir, name, opts)
  return sh.write(dir .. "/" .. name .. ".lua", ([[
local ork = require "ork"
local w = ork.workflow("%s", { %s %s })
w:task("a", { command = { "sh", "-c", %q } %s })
return w
]]):format(opts.name or name, opts.schedule and "schedule = { " .. opts.schedule .. " }," or "",
    opts.params and "params = " .. opts.params .. "," or "", opts.command or "true", opts.options and ", " .. opts.options or ""))
end

--- Starts `ork serve words…` in dir; returns once it serves (with scripts: once the first of them were tried).
function serve.start(dir, words, opts)
  opts = opts or {}
  opts.cwd = dir
  local p = sh.spawn_ork({ "serve", table.unpack(words or {}) }, opts)
  if not opts.stderr then p:wait_line("serving ") end
  return p
end

--- Ends it as a service manager does; it must end well and at once.
function serve.stop(p)
  p:signal("sigterm")
  local r = p:wait(nil, true)
  assert(r.code == 0, p:describe("did not end well"))
  return r
end

function serve.sql(dir, query) return sh.sql(dir .. "/.ork/ork.db", query) end

--- Waits until a query on the database of dir (there by then) gives a row; returns it.
function serve.wait_row(dir, query, seconds)
  return sh.wait_until(dir, function()
    local made, tables = pcall(serve.sql, dir, "SELECT 1 FROM sqlite_schema WHERE name = 'idx_runs_open'")
    return made and #tables > 0 and serve.sql(dir, query)[1]
  end, seconds)
end

--- The schedule of a workflow as `ork schedule NAME --json` has it.
function serve.schedule(dir, name, env)
  return sh.json(sh.ork({ "schedule", name, "--json" }, { cwd = dir, ok = true, env = env }).out)
end

return serve
