-- SPDX-License-Identifier: MIT
-- A PostgreSQL server of a test's own: in a temporary folder, on a socket there and nowhere else. It ends with sh.cleanup, and with
-- this program however that ends. Never a server that somebody else started.
--
--   local cluster = require "tests.lib.cluster"
--   if cluster.missing() then return pending(cluster.missing()) end
--   local url = cluster.start():database("ork")          -- postgres://…, without Ork's tables
local uv = require "luv"
local sh = require "tests.lib.sh"

local cluster = {}
cluster.__index = cluster

local function bin()
  local newest
  for _, version in ipairs({ "13", "14", "15", "16", "17", "18" }) do
    local dir = "/usr/lib/postgresql/" .. version .. "/bin"
    if uv.fs_stat(dir .. "/initdb") then newest = dir end
  end
  return newest
end

--- Why there can be no server here; nil when there can.
function cluster.missing()
  if not bin() then return "PostgreSQL is not installed" end
  if uv.getuid() == 0 and sh.run({ "id", "postgres" }).code ~= 0 then return "there is no user postgres to run the server as" end
  return nil
end

--- As its user (the server does not run as root), ended with us.
local function as_server(argv)
  local prefix = { "setpriv", "--pdeathsig", "QUIT" }
  if uv.getuid() == 0 then prefix = { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig", "QUIT" } end
  return table.move(argv, 1, #argv, #prefix + 1, prefix)
end

--- opts.args: more arguments of the server; opts.prepare(data): before it starts, with its folder; opts.owns: files in it that it must own.
function cluster.start(opts)
  opts = opts or {}
  local self = setmetatable({ dir = sh.tempdir() }, cluster)
  if uv.getuid() == 0 then assert(sh.run({ "chown", "postgres", self.dir }).code == 0) end
  local data = self.dir .. "/data"
  local made = sh.run(as_server({ bin() .. "/initdb", "-D", data, "-U", "ork", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8" }),
    { cwd = self.dir, timeout = 120 })
  assert(made.code == 0, made.err)
  if opts.prepare then opts.prepare(data) end
  for _, file in ipairs(opts.owns or {}) do
    if uv.getuid() == 0 then assert(sh.run({ "chown", "postgres", data .. "/" .. file }).code == 0) end
  end
  self.args = opts.args or {}
  self:launch()
  self:ready()
  return self
end

--- Starts the server, again after cluster:stop; does not wait until it is ready.
function cluster:launch()
  local args = { bin() .. "/postgres", "-D", self.dir .. "/data", "-k", self.dir, "-c", "listen_addresses=", "-c", "fsync=off" }
  self.server = sh.spawn(as_server(table.move(self.args, 1, #self.args, #args + 1, args)), { cwd = self.dir })
end

--- Waits until it takes connections.
function cluster:ready()
  sh.wait_until("/nonexistent", function() return self.server.err:find("ready to accept connections", 1, true) end, 60)
end

--- Ends it, by "sigint" (what it does is given up) or "sigquit" (as in a crash).
function cluster:stop(signal)
  self.server:signal(signal)
  self.server:wait(30, true)
end

function cluster:psql(database, sql)
  local r = sh.run({ bin() .. "/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-p", tostring(self.port or 5432), "-U", "ork", "-d", database, "-c", sql })
  assert(r.code == 0, r.err)
  return (r.out:gsub("\n$", ""))
end

--- Makes an empty database; its URL. password: as if one were needed.
function cluster:database(name, password)
  self:psql("postgres", ("CREATE DATABASE \"%s\""):format(name))
  return ("postgres://ork%s@/%s?host=%s"):format(password and ":" .. password or "", name, self.dir)
end

--- Until the server is old enough that a scheduler may be declared dead.
function cluster:wait_old()
  self:psql("postgres", "SELECT pg_sleep(extract(epoch FROM pg_postmaster_start_time() + interval '10.1 s' - clock_timestamp()))")
end

return cluster
