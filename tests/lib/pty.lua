-- SPDX-License-Identifier: MIT
-- Runs a program on a pseudo-terminal, for tests. As in sh.lua nothing sleeps and nothing waits for ever.
--
--   local pty = require "tests.lib.pty"
--   after_each(sh.cleanup)                            -- ends what was started here too
--   local t = pty.open{ sh.ork_path(), "x.lua", cols = 80, rows = 24, env = { TERM = "dumb" }, cwd = dir }
--   t:expect("success: .* tasks") t:send("q") t:resize(40, 10) t:signal("tstp")
--   t:screen()[1], t:history()[1], t:text(), t:wait()  --> exit code, signal
local sh = require "tests.lib.sh"
local core = require "pty"
local screen = require "tests.lib.screen"
local uv = require "luv"

local pty = { timeout = 60 } -- seconds; the limit of every wait that names none

local Terminal = {}
Terminal.__index = Terminal

local opened = {} -- terminals not yet ended

local numbers = { hup = 1, int = 2, quit = 3, kill = 9, term = 15, cont = 18, stop = 19, tstp = 20, winch = 28 }

local function now_ms() return uv.hrtime() // 1000000 end

local function environment(extra)
  local vars, list = {}, {}
  for name, value in pairs(uv.os_environ()) do
    if not name:find("^ORK") and name ~= "DATABASE_URL" and name ~= "COLUMNS" and name ~= "LINES" and name ~= "NO_COLOR" then
      vars[name] = value
    end
  end
  for name in ("ORK_AGENT ORK_LUA_DIR"):gmatch("%S+") do vars[name] = os.getenv(name) end -- the build under test
  vars.TERM = "xterm-256color"
  for name, value in pairs(extra or {}) do vars[name] = value or nil end
  for name, value in pairs(vars) do list[#list + 1] = name .. "=" .. value end
  return list
end

--- Starts a program as the leader of a session with a terminal of its own. opts: the words of the command, cols (80), rows (24),
--- env (added to ours, false unsets; TERM is xterm-256color), cwd, reflow (false: a narrower window cuts lines).
function pty.open(opts)
  local cols, rows = opts.cols or 80, opts.rows or 24
  local argv = table.move(opts, 1, #opts, 1, {})
  local self = setmetatable({ argv = argv, bytes = "", seen = 1, view = screen.new(cols, rows, opts.reflow) }, Terminal)
  self.master, self.pid = core.spawn(argv, environment(opts.env), opts.cwd, cols, rows)
  opened[self] = true
  return self
end

--- Takes what has been written within `ms`; false when there is nothing more to come.
function Terminal:pump(ms)
  if not self.master then return false end
  local bytes = self.master:read(ms)
  if not bytes then return false end
  self.bytes = self.bytes .. bytes
  if bytes ~= "" then self.view:feed(bytes) end
  return true
end

--- Takes what is there already.
function Terminal:drain()
  local before
  repeat before = #self.bytes until not self:pump(0) or #self.bytes == before
end

function Terminal:describe(what)
  return ("%s\n$ %s\n-- screen\n%s\n-- the end of what was written\n%s"):format(what, table.concat(self.argv, " "),
    table.concat(self.view:all(), "\n"), ("%q"):format(self.bytes:sub(-2000)))
end

--- Reads until check() returns something true, which is returned; raises when the time or the output is over.
function Terminal:await(check, seconds, what)
  local deadline = now_ms() + (seconds or pty.timeout) * 1000
  while true do
    local found = check()
    if found then return found end
    local left = deadline - now_ms()
    if left <= 0 then error(self:describe(("after %g s: %s"):format(seconds or pty.timeout, what)), 0) end
    if not self:pump(left) then
      found = check()
      if found then return found end
      error(self:describe("the output is over: " .. what), 0)
    end
  end
end

--- Waits until `pattern` (plain text or a Lua pattern) is written, after what was expected before. Returns what matched.
function Terminal:expect(pattern, seconds)
  local ok, result = pcall(self.await, self, function()
    local from, to = self.bytes:find(pattern, self.seen, true)
    if not from then
      local valid, a, b = pcall(string.find, self.bytes, pattern, self.seen)
      if valid then from, to = a, b end
    end
    if not from then return nil end
    self.seen = to + 1
    return self.bytes:sub(from, to)
  end, seconds, "nothing written matches " .. pattern)
  if not ok then error(result, 2) end
  return result
end

--- Waits until a line on the screen matches the plain text or Lua pattern; returns the line.
function Terminal:expect_line(pattern, seconds)
  local ok, result = pcall(self.await, self, function()
    for _, line in ipairs(self.view:shown()) do
      if line:find(pattern, 1, true) or select(2, pcall(string.find, line, pattern)) then return line end
    end
  end, seconds, "no line of the screen matches " .. pattern)
  if not ok then error(result, 2) end
  return result
end

--- Types.
function Terminal:send(text)
  while text ~= "" do text = text:sub(self.master:write(text) + 1) end
end

function Terminal:resize(cols, rows)
  self:drain()
  self.view:resize(cols, rows)
  self.master:resize(cols, rows)
end

--- All bytes so far.
function Terminal:text() return self.bytes end

--- The lines on the screen now, as far as they were read; `fresh` reads what is there first.
function Terminal:screen(fresh)
  if fresh then self:drain() end
  return self.view:shown()
end

--- The same with all lines that scrolled out of sight.
function Terminal:history() return self.view:all() end

--- Sends a signal ("int", "tstp", …) to the program alone; Ctrl-C is t:send("\3").
function Terminal:signal(name) core.kill(self.pid, numbers[name] or error("no signal " .. name, 2)) end

--- Closes the terminal: whoever runs on it gets SIGHUP, and reading and writing fail from now on.
function Terminal:hangup()
  self:drain()
  self.master:close()
  self.master = nil
end

--- Waits for the end of the program (not of what it left running); returns its exit code and signal (0: none).
function Terminal:wait(seconds)
  if self.code then return self.code, self.signal_no end
  local deadline = now_ms() + (seconds or pty.timeout) * 1000
  while not self.code do
    local left = deadline - now_ms()
    if left <= 0 then error(self:describe(("after %g s: has not ended"):format(seconds or pty.timeout)), 2) end
    local more = self:pump(0) -- a full terminal would stop it
    self.code, self.signal_no = core.wait(self.pid, left, more and self.master or nil)
  end
  self:drain()
  return self.code, self.signal_no
end

--- Pids of its session: jobs that a shell on it started have groups of their own.
local function session_of(leader)
  local pids = {}
  for entry in uv.fs_scandir_next, (uv.fs_scandir("/proc")) do
    local pid = tonumber(entry)
    local file = pid and io.open("/proc/" .. entry .. "/stat")
    if file then
      local session = (file:read("a") or ""):match("^%d+ %b() %a %-?%d+ %-?%d+ (%-?%d+)")
      file:close()
      if tonumber(session) == leader then pids[#pids + 1] = pid end
    end
  end
  return pids
end

--- Ends the program and all of its session.
function Terminal:close()
  opened[self] = nil
  for _, pid in ipairs(session_of(self.pid)) do core.kill(pid, numbers.kill) end
  if not self.code then
    core.kill(self.pid, numbers.kill)
    local deadline = now_ms() + 10000
    while not self.code and now_ms() < deadline do self.code, self.signal_no = core.wait(self.pid, 10000) end
  end
  if self.master then self.master:close() end
  self.master = nil
end
Terminal.__close = Terminal.close

--- Ends everything that was opened; sh.cleanup calls it.
function pty.cleanup()
  for terminal in pairs(opened) do terminal:close() end
end
sh.at_cleanup(pty.cleanup)

return pty
