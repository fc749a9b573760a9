-- SPDX-License-Identifier: MIT
-- Several `ork serve` on one PostgreSQL server, each as on a host of its own (ORK_HOST, a data directory), and what happens to them:
-- kill -9, SIGSTOP, SIGTERM, a server that restarts or crashes, connections that are cut, also when a COMMIT was sent. What happens
-- and when is random, from a seed.
--
--   local c = chaos.new({ cluster = cluster.start(), dir = dir, database = "ork", servers = 3, seed = 7 })
--   c:trigger("chaos", 100, 80)            -- so many runs, spread over so many seconds
--   c:rage(120)                            -- seconds
--   c:calm()                               -- everybody lives and nothing more happens
local uv = require "luv"
local proxy = require "tests.lib.proxy"
local sh = require "tests.lib.sh"

local chaos = {}
chaos.__index = chaos

local function now()
  uv.update_time()
  return uv.now() / 1000
end

local function between(low, high) return low + (high - low) * math.random() end

function chaos.new(opts)
  local self = setmetatable({ cluster = opts.cluster, dir = opts.dir, agenda = {}, counts = {}, hosts = {}, strange = {},
    keys = 0, open = 0 }, chaos)
  math.randomseed(opts.seed)
  self.net = proxy.start(opts.cluster)
  self.url = self.net:url(opts.database)
  self.direct = ("postgres://ork@/%s?host=%s"):format(opts.database, opts.cluster.dir)
  for i = 1, opts.servers do
    self.hosts[i] = { name = "host" .. i, log = ("%s/host%d.log"):format(opts.dir, i) }
    self:start(self.hosts[i])
  end
  return self
end

function chaos:count(what) self.counts[what] = (self.counts[what] or 0) + 1 end

--- f after so many seconds.
function chaos:after(seconds, f) self.agenda[#self.agenda + 1] = { at = now() + seconds, f = f } end

--- Does what is due, until `done()`.
function chaos:drive(done, seconds)
  return sh.wait_until("/nonexistent", function()
    local due = {}
    for i = #self.agenda, 1, -1 do
      if self.agenda[i].at <= now() then due[#due + 1] = table.remove(self.agenda, i) end
    end
    table.sort(due, function(a, b) return a.at < b.at end)
    for _, each in ipairs(due) do each.f() end
    for _, host in ipairs(self.hosts) do self:look_after(host) end
    return done()
  end, seconds)
end

-- ---- schedulers ------------------------------------------------------------------------------

function chaos:start(host)
  local log = assert(uv.fs_open(host.log, "a", 420))
  host.process = sh.spawn_ork({ "serve", "--db", self.url, "--data", ("%s/%s"):format(self.dir, host.name), "--jobs", "6" }, {
    cwd = self.dir, stderr = log, stdout = log,
    env = { ORK_HOST = host.name, ORK_AGENT_LINGER_MS = "300", ORK_MIN_FREE_MB = "0" },
  })
  uv.fs_close(log)
  host.stopped, host.ending = false, false
end

--- What a service manager does: one that ended is started again. It may end by itself only because the database is away as it starts.
function chaos:look_after(host)
  local p = host.process
  if not p.code or host.coming then return end
  if not host.ending and p.code ~= 3 then
    self.strange[#self.strange + 1] = ("%s ended with %d, signal %d"):format(host.name, p.code, p.signal_no)
  end
  host.coming = true
  self:after(host.ending and between(0, 2) or between(0.1, 0.5), function()
    host.coming = false
    self:start(host)
  end)
end

local function any(self)
  local host = self.hosts[math.random(#self.hosts)]
  return not host.stopped and not host.ending and not host.process.code and host or nil
end

local faults = {}

function faults.kill(self)
  local host = any(self)
  if not host then return end
  host.ending = true
  host.process:signal("sigkill")
  return true
end

function faults.term(self)
  local host = any(self)
  if not host then return end
  host.ending = true
  host.process:signal("sigterm")
  self:after(20, function() -- it must end by itself; the database may be away meanwhile
    if host.ending and not host.process.code then self.strange[#self.strange + 1] = host.name .. " does not end on SIGTERM" end
  end)
  return true
end

--- Shorter than what makes it dead, or longer.
function faults.stop(self)
  local host = any(self)
  if not host then return end
  local p = host.process
  host.stopped = true
  p:signal("sigstop")
  self:after(math.random() < 0.4 and between(10, 14) or between(0.2, 4), function()
    host.stopped = false
    if not p.code then p:signal("sigcont") end
  end)
  return true
end

function faults.cut(self)
  self.net:cut()
  return true
end

function faults.commit_lost(self)
  self.net:cut_at_commit("after")
  return true
end

function faults.commit_kept(self)
  self.net:cut_at_commit("before")
  return true
end

function faults.hold(self)
  if self.net.held then return end
  self.net:hold()
  self:after(between(0.2, 3), function() self.net:pass() end)
  return true
end

local LIKELY = { "kill", "kill", "kill", "term", "stop", "stop", "cut", "commit_lost", "commit_lost", "commit_kept", "hold" }

function chaos:restart_database()
  self:count("database")
  self.cluster:stop(math.random() < 0.5 and "sigint" or "sigquit")
  self:after(between(0, 1), function() self.cluster:launch() end)
end

function chaos:rage(seconds)
  local over = now() + seconds
  local function next_fault()
    if now() >= over then return end
    local name = LIKELY[math.random(#LIKELY)]
    if faults[name](self) then self:count(name) end
    self:after(between(0.2, 1.5), next_fault)
  end
  local function next_restart()
    if now() >= over then return end
    self:restart_database()
    self:after(between(5, 20), next_restart)
  end
  self:after(between(0.5, 1), next_fault)
  self:after(between(3, 8), next_restart)
  self:drive(function() return now() >= over end, seconds + 30)
end

--- No new faults; what was begun (a pause, a restart) comes to its end, and what was to be triggered is.
function chaos:calm()
  self:drive(function()
    for _, host in ipairs(self.hosts) do
      if host.stopped or host.process.code then return false end
    end
    return #self.agenda == 0 and self.open == 0
  end, 60)
end

-- ---- runs ------------------------------------------------------------------------------------

--- Triggers until it is known to be stored: the key makes it one run.
function chaos:insist(workflow, key)
  local p = sh.spawn_ork({ "trigger", workflow, "--key", key, "--db", self.url, "-q" }, { cwd = self.dir })
  local function look()
    if not p.code then return self:after(0.05, look) end
    if p.code ~= 0 then return self:after(0.3, function() self:insist(workflow, key) end) end
    self.open = self.open - 1
  end
  look()
end

--- `count` runs, spread over so many seconds.
function chaos:trigger(workflow, count, seconds)
  for i = 1, count do
    self.open = self.open + 1
    self:after(seconds * (i - 1) / count, function() self:insist(workflow, "k" .. i) end)
  end
end

-- ---- at the end ------------------------------------------------------------------------------

--- Ends every scheduler as a service manager does.
function chaos:stop()
  for _, host in ipairs(self.hosts) do
    host.process:signal("sigterm")
    local r = host.process:wait(nil, true)
    assert(r.code == 0, host.name .. " did not end well: " .. r.code)
  end
  self.net:stop()
end

--- What happened, in a line.
function chaos:describe()
  local names, parts = {}, {}
  for name in pairs(self.counts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. " " .. self.counts[name] end
  return table.concat(parts, ", ") .. (", cut at a commit %d"):format(self.net.cuts)
end

--- The last lines of each scheduler's log.
function chaos:logs()
  local parts = {}
  for _, host in ipairs(self.hosts) do parts[#parts + 1] = ("-- %s\n%s"):format(host.name, sh.read(host.log):sub(-3000)) end
  return table.concat(parts, "\n")
end

return chaos
