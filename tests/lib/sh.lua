-- SPDX-License-Identifier: MIT
-- Runs programs for end-to-end tests, on lua-luv. The law: nothing sleeps and nothing waits for ever. Every wait is for
-- an event (a line, an exit, a change in a folder) with a time limit that raises and shows what the program has written.
--
--   local sh = require "tests.lib.sh"
--   after_each(sh.cleanup)                          -- kills what is left, removes the temporary folders
--   local dir = sh.tempdir()
--   local r = sh.ork({ "runs", "--json" }, { cwd = dir })          --> { code, signal, out, err }
--   local p = sh.spawn({ sh.ork_path(), "x.lua" }, { cwd = dir })
--   p:wait_line("a .* running") p:signal("sigint") assert.equal(130, p:wait().code)
--   sh.sql(dir .. "/.ork/ork.db", "SELECT status FROM runs")[1].status
local uv = require "luv"
local cjson = require "cjson"

local sh = { timeout = 60 } -- seconds; the limit of every wait that names none

local spawned = {} -- processes not yet ended
local tempdirs = {}

-- ---- waiting ---------------------------------------------------------------------------------

local function now_ms()
  uv.update_time()
  return uv.now()
end

--- Lets handles that were closed go: luv frees their memory at the end of the program, whether libuv is done or not.
local function settle()
  uv.run("nowait")
end

--- Drives the loop until `done()` is true; raises what `describe()` says after `seconds`.
local function drive(done, seconds, describe)
  local deadline = now_ms() + (seconds or sh.timeout) * 1000
  local timer
  while not done() do
    local left = deadline - now_ms()
    if left <= 0 then
      if timer then timer:close() end
      settle()
      error(("after %g s: %s"):format(seconds or sh.timeout, describe()), 0)
    end
    if not timer then
      timer = uv.new_timer()
      timer:start(left, 0, function() end) -- only wakes the loop
    end
    uv.run("once")
  end
  if timer then timer:close() end
  settle()
end

--- Waits until `check()` returns something true and returns it; looks again at each change in folder `dir`
--- (and, for what makes no event there, every 50 ms).
function sh.wait_until(dir, check, seconds)
  local result = check()
  if result then return result end
  local dirty = false
  local event, tick = uv.new_fs_event(), uv.new_timer()
  if uv.fs_stat(dir) then
    event:start(dir, { recursive = false }, function() dirty = true end)
  end
  tick:start(50, 50, function() dirty = true end)
  local ok, failure = pcall(drive, function()
    if not dirty then return false end
    dirty = false
    result = check()
    return result
  end, seconds, function() return "still not true in " .. dir end)
  event:close()
  tick:close()
  settle()
  if not ok then error(failure, type(failure) == "string" and failure:find("^after ") and 2 or 0) end
  return result
end

--- Waits until the file exists; returns its text.
function sh.wait_file(path, seconds)
  sh.wait_until(path:match("^(.*)/") or ".", function() return uv.fs_stat(path) end, seconds)
  return sh.read(path)
end

--- Waits until no process `pid` is left (zombies of ours do not count as alive).
function sh.wait_gone(pid, seconds)
  sh.wait_until("/nonexistent", function() return not sh.alive(pid) end, seconds)
end

-- ---- files -----------------------------------------------------------------------------------

function sh.read(path)
  local f, why = io.open(path, "rb")
  if not f then error("cannot read " .. why, 2) end
  local text = f:read("a")
  f:close()
  return text
end

function sh.write(path, text, mode)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
  if mode then assert(uv.fs_chmod(path, tonumber(mode, 8))) end
  return path
end

function sh.exists(path) return uv.fs_stat(path) ~= nil end

--- A new empty folder, removed by sh.cleanup.
function sh.tempdir()
  local dir = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/ork-test-XXXXXX"))
  tempdirs[#tempdirs + 1] = dir
  return dir
end

-- ---- processes -------------------------------------------------------------------------------

local Process = {}

--- `out` and `err` are put together when somebody looks: megabytes of them come in thousands of pieces.
function Process:__index(key)
  local pieces = rawget(self, "pieces")[key]
  if not pieces then return Process[key] end
  if #pieces > 1 then
    pieces = { table.concat(pieces) }
    self.pieces[key] = pieces
  end
  return pieces[1]
end

--- The environment of a child: ours without Ork's variables, then `extra` (false unsets).
local function environment(extra)
  local vars, list = {}, {}
  for name, value in pairs(uv.os_environ()) do
    if not name:find("^ORK") and name ~= "DATABASE_URL" and name ~= "COLUMNS" then vars[name] = value end
  end
  for name in ("ORK_AGENT ORK_LUA_DIR"):gmatch("%S+") do vars[name] = os.getenv(name) end -- the build under test
  for name, value in pairs(extra or {}) do vars[name] = value or nil end
  for name, value in pairs(vars) do list[#list + 1] = name .. "=" .. value end
  return list
end

local function collect(process, pipe, key)
  pipe:read_start(function(failure, chunk)
    assert(not failure, failure)
    if chunk then
      local pieces = process.pieces[key]
      pieces[#pieces + 1] = chunk
    else
      process.open = process.open - 1
      pipe:close()
    end
  end)
end

--- Starts argv without waiting. opts: cwd, env (added; false unsets), stdin (text), stdout/stderr (an open file
--- descriptor instead of capturing). The process leads its own session.
function sh.spawn(argv, opts)
  opts = opts or {}
  local stdin, stdout, stderr = uv.new_pipe(), opts.stdout or uv.new_pipe(), opts.stderr or uv.new_pipe()
  local self = setmetatable({ argv = argv, pieces = { out = { "" }, err = { "" } }, seen = { out = 1, err = 1 }, open = 0 }, Process)
  local handle, pid = uv.spawn(argv[1], {
    args = table.move(argv, 2, #argv, 1, {}),
    cwd = opts.cwd, env = environment(opts.env), detached = true, stdio = { stdin, stdout, stderr },
  }, function(code, signal)
    self.code, self.signal_no = code, signal
    self.handle:close()
    spawned[self] = nil
  end)
  if not handle then error(("cannot start %s: %s"):format(argv[1], pid), 2) end
  self.handle, self.pid = handle, pid
  spawned[self] = true
  for key, pipe in pairs({ out = not opts.stdout and stdout, err = not opts.stderr and stderr }) do
    if pipe then
      self.open = self.open + 1
      collect(self, pipe, key)
    end
  end
  if opts.stdin then stdin:write(opts.stdin) end
  if not opts.keep_stdin then stdin:shutdown(function() stdin:close() end) else self.stdin = stdin end
  return self
end

function Process:describe(what)
  return ("%s\n$ %s\n-- stdout\n%s\n-- stderr\n%s\n-- %s"):format(what, table.concat(self.argv, " "),
    self.out:sub(-8000), self.err:sub(-8000), self.code and ("ended, exit code " .. self.code) or "still running")
end

--- Waits for the next whole line of stdout or stderr that matches the Lua pattern; returns it. A line is found once.
function Process:wait_line(pattern, seconds)
  local found
  local function look()
    for _, key in ipairs({ "out", "err" }) do
      local from = self.seen[key]
      while true do
        local stop = self[key]:find("\n", from, true)
        if not stop then break end
        local line = self[key]:sub(from, stop - 1)
        from = stop + 1
        if line:find(pattern) then
          self.seen[key] = from
          found = line
          return true
        end
      end
    end
    if self.code and self.open == 0 then error(self:describe("no line matches " .. pattern), 0) end
  end
  local ok, failure = pcall(drive, look, seconds, function() return self:describe("no line matches " .. pattern) end)
  if not ok then error(failure, 2) end
  return found
end

--- Waits until so many lines of stdout or stderr match, or done() says that no more are to be waited for; raises when the process ends before that.
function Process:wait_lines(n, pattern, done, seconds)
  local at, seen = { out = 1, err = 1 }, 0
  local ok, failure = pcall(sh.wait_until, "/nonexistent", function()
    for key, from in pairs(at) do
      local text = self[key]
      for line, after in text:gmatch("([^\n]*)\n()", from) do
        at[key] = after
        if line:find(pattern) then seen = seen + 1 end
      end
    end
    if seen >= n or done() then return true end
    if self.code and self.open == 0 then error(self:describe(("only %d of %d lines match %s"):format(seen, n, pattern)), 0) end
  end, seconds)
  if not ok then error(self.code and failure or self:describe(failure), 2) end
end

--- Waits until the file exists, as sh.wait_file, but raises at once when the process ends without making it.
function Process:wait_file(path, seconds)
  local ok, failure = pcall(sh.wait_until, path:match("^(.*)/") or ".", function()
    if uv.fs_stat(path) then return true end
    if self.code then error(self:describe("ended without making " .. path), 0) end
  end, seconds)
  if not ok then error(self.code and failure or self:describe(failure), 2) end
  return sh.read(path)
end

--- Waits for the exit and the end of its output; returns { code, signal, out, err }. `alone` does not wait for the
--- output, which processes left behind may hold open.
function Process:wait(seconds, alone)
  local ok, failure = pcall(drive, function() return self.code and (alone or self.open == 0) end, seconds,
    function() return self:describe("has not ended") end)
  if not ok then error(failure, 2) end
  return { code = self.code, signal = self.signal_no, out = self.out, err = self.err }
end

--- Sends a signal ("sigint", "sigkill", a number) to this process alone.
function Process:signal(name) assert(uv.kill(self.pid, name)) end
function Process:kill() if not self.code then self:signal("sigkill") end return self:wait(nil, true) end
function Process:close_stdin() self.stdin:close() end

--- Runs argv to the end. opts as of spawn, and timeout (seconds).
function sh.run(argv, opts)
  local process = sh.spawn(argv, opts)
  local ok, result = pcall(process.wait, process, opts and opts.timeout)
  if not ok then error(result, 2) end
  return result
end

--- The program under test.
function sh.ork_path()
  local path = os.getenv("ORK") or "build/dev/ork"
  return assert(uv.fs_realpath(path), "set ORK to the program under test; there is no " .. path)
end

--- Runs `ork args…`. A test that expects success says so: opts.ok = true raises on any other exit code.
function sh.ork(args, opts)
  local result = sh.run(table.move(args, 1, #args, 2, { sh.ork_path() }), opts)
  if opts and opts.ok and result.code ~= 0 then
    error(("ork %s: exit code %d\n%s%s"):format(table.concat(args, " "), result.code, result.out, result.err), 2)
  end
  return result
end

function sh.spawn_ork(args, opts) return sh.spawn(table.move(args, 1, #args, 2, { sh.ork_path() }), opts) end

--- Is there a process `pid` that is not a zombie?
function sh.alive(pid)
  local f = io.open(("/proc/%d/stat"):format(pid))
  if not f then return false end
  local state = (f:read("a") or ""):match("^%d+ %b() (%a)")
  f:close()
  return state ~= nil and state ~= "Z" and state ~= "X"
end

--- Pids of processes that work in `dir` or name it in their arguments or (readable) environment.
function sh.processes(dir)
  local pids = {}
  for entry in uv.fs_scandir_next, (uv.fs_scandir("/proc")) do
    local pid = tonumber(entry)
    if pid and pid ~= uv.os_getpid() and sh.alive(pid) then
      local hit = (uv.fs_readlink("/proc/" .. entry .. "/cwd") or ""):find(dir, 1, true)
      for _, name in ipairs({ "cmdline", "environ" }) do
        local f = not hit and io.open("/proc/" .. entry .. "/" .. name, "rb")
        if f then
          hit = (f:read("a") or ""):find(dir, 1, true)
          f:close()
        end
      end
      if hit then pids[#pids + 1] = pid end
    end
  end
  table.sort(pids)
  return pids
end

--- Rows of a query on a SQLite file, each a table by column name. NULL is cjson.null.
function sh.sql(db, query)
  local result = sh.run({ "sqlite3", "-json", "-cmd", ".timeout 10000", db, query })
  if result.code ~= 0 then error("sqlite3: " .. result.err, 2) end
  return result.out:find("%S") and cjson.decode(result.out) or {}
end

sh.json = cjson.decode

local also = {} -- what other helpers clean up

--- Calls f at each sh.cleanup, before it does its own.
function sh.at_cleanup(f) also[#also + 1] = f end

--- For after_each: kills what still runs and everything that works in a temporary folder, then removes the folders.
function sh.cleanup()
  for _, f in ipairs(also) do f() end
  for process in pairs(spawned) do
    uv.kill(-process.pid, "sigkill")
  end
  for _, dir in ipairs(tempdirs) do
    for _, pid in ipairs(sh.processes(dir)) do uv.kill(pid, "sigkill") end
  end
  for process in pairs(spawned) do pcall(process.wait, process, 10, true) end
  for _, dir in ipairs(tempdirs) do
    sh.run({ "chmod", "-R", "u+rwX", dir })
    sh.run({ "rm", "-rf", dir })
  end
  tempdirs = {}
  settle()
end

return sh
