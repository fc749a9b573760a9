-- SPDX-License-Identifier: MIT
-- A PostgreSQL server of the bench's own, as it is delivered (durable: fsync and synchronous_commit are on): in a temporary folder, on
-- a socket there and nowhere else, as the user postgres when root asks. It ends with the bench, however that ends.
local cluster = {}
cluster.__index = cluster

local function quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("%s+$", ""))
end

local function run(command)
  if not os.execute(command) then error("failed: " .. command, 0) end
end

--- The running server, started when it is first asked for; nil, and a line says why, where there can be none.
function cluster.of(ctx)
  if ctx.cluster ~= nil then return ctx.cluster or nil end
  ctx.cluster = false
  local bin = output_of("ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n1")
  local root = output_of("id -u") == "0"
  if bin == "" or not os.execute("test -x " .. bin .. "/initdb") then
    ctx.say("PostgreSQL is not installed: nothing is measured on it")
    return nil
  elseif root and not os.execute("id postgres >/dev/null 2>&1") then
    ctx.say("there is no user postgres to run a server as: nothing is measured on PostgreSQL")
    return nil
  end
  local self = setmetatable({ bin = bin, dir = output_of("mktemp -d /var/tmp/ork-bench-XXXXXX") }, cluster)
  self.as = "setpriv " .. (root and "--reuid=postgres --regid=postgres --clear-groups " or "")
  if root then run("chown postgres " .. self.dir) end
  ctx.cluster = self
  run(("cd %s && %s %s/initdb -D data -U ork -A trust -E UTF8 --locale=C.UTF-8 >initdb.log 2>&1"):format(self.dir, self.as, bin))
  self.server = assert(io.popen(("cd %s && exec %s --pdeathsig QUIT %s/postgres -D data -k %s -c listen_addresses= "
    .. "-c shared_preload_libraries=pg_stat_statements >log 2>&1"):format(self.dir, self.as, bin, self.dir)))
  for tries = 1, 600 do
    if os.execute(("%s/pg_isready -q -h %s -U ork"):format(bin, self.dir)) then break end
    if tries == 600 then error("PostgreSQL did not start:\n" .. ctx.read(self.dir .. "/log"), 0) end
    os.execute("sleep 0.1")
  end
  return self
end

--- What psql answers, a line each.
function cluster:psql(database, sql)
  local pipe = assert(io.popen(("PGOPTIONS='-c client_min_messages=warning' %s/psql -XAtq -v ON_ERROR_STOP=1 -h %s -U ork -d %s -c %s"):format(
    self.bin, self.dir, database, quote(sql))))
  local text = pipe:read("a"):gsub("%s+$", "")
  assert(pipe:close(), "psql failed: " .. sql)
  return text
end

--- A new database, empty or with what `from` has; its URL.
function cluster:database(name, from)
  self:psql("postgres", ("DROP DATABASE IF EXISTS \"%s\""):format(name))
  self:psql("postgres", ("CREATE DATABASE \"%s\" TEMPLATE %s"):format(name, from or "template0"))
  return ("postgres://ork@/%s?host=%s"):format(name, self.dir)
end

function cluster:close()
  local pid = output_of(("head -n1 %s/data/postmaster.pid 2>/dev/null"):format(self.dir))
  if pid ~= "" then os.execute(("kill -INT %s"):format(pid)) end
  if self.server then self.server:close() end
  os.execute("rm -rf " .. quote(self.dir))
end

return cluster
