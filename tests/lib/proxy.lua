-- SPDX-License-Identifier: MIT
-- A network that fails on demand, in front of a PostgreSQL server's socket (tests/lib/cluster.lua). It runs on the loop of the test,
-- so it passes bytes while the test waits for anything.
--
--   local net = proxy.start(cluster)        -- net:url("ork") is the same database through it
--   net:cut()                               -- all connections, now
--   net:cut_at_commit("after")              -- the next COMMIT arrives, its answer does not
--   net:cut_at_commit("before")             -- of what holds the next COMMIT only the part before it arrives
--   net:cut_at("tasks_load", "before", true) -- the same at another statement, and then nobody can connect
--   net:refuse(true)                        -- nobody can connect, until net:refuse(false)
--   net:hold() net:pass()                   -- nothing goes either way; connections stay
local uv = require "luv"
local sh = require "tests.lib.sh"

local proxy = {}
proxy.__index = proxy

local function close(handle)
  if not handle:is_closing() then handle:close() end
end

function proxy:drop(pair)
  self.pairs[pair] = nil
  close(pair.client)
  close(pair.server)
end

--- What a program sends: here a statement is seen, in a Bind: the end of the portal's name, then the statement's.
function proxy:forward(pair, data)
  local cut = self.next_cut
  local at = cut and data:find("\0" .. cut.statement .. "\0", 1, true)
  if not at then return pair.server:write(data) end
  self.next_cut = nil
  self.cuts = self.cuts + 1
  self.refused = self.refused or cut.refuse
  pair.doomed = true
  if cut.how == "after" then return pair.server:write(data) end
  pair.server:write(data:sub(1, at), function() self:drop(pair) end)
end

--- What the server answers: lost once the pair is doomed.
function proxy:answer(pair, data)
  if pair.doomed then return self:drop(pair) end
  pair.client:write(data)
end

function proxy:read(pair)
  pair.client:read_start(function(failure, data)
    if failure or not data then return self:drop(pair) end
    self:forward(pair, data)
  end)
  pair.server:read_start(function(failure, data)
    if failure or not data then return self:drop(pair) end
    self:answer(pair, data)
  end)
end

function proxy:accept()
  local pair = { client = uv.new_pipe(), server = uv.new_pipe() }
  self.listener:accept(pair.client)
  if self.refused then
    self.refusals = self.refusals + 1
    close(pair.client)
    return close(pair.server)
  end
  self.pairs[pair] = true
  pair.server:connect(self.target, function(failure)
    if not self.pairs[pair] then return end
    if failure then return self:drop(pair) end
    if not self.held then self:read(pair) end
  end)
end

function proxy.start(cluster)
  local self = setmetatable({ target = cluster.dir .. "/.s.PGSQL.5432", dir = sh.tempdir(), pairs = {}, cuts = 0, refusals = 0 }, proxy)
  self.quiet = uv.new_signal() -- whom we write to may be gone
  self.quiet:start("sigpipe", function() end)
  self.quiet:unref()
  self.listener = uv.new_pipe()
  assert(self.listener:bind(self.dir .. "/.s.PGSQL.5432"))
  assert(self.listener:listen(64, function(failure)
    assert(not failure, failure)
    self:accept()
  end))
  sh.at_cleanup(function() self:stop() end)
  return self
end

function proxy:url(database) return ("postgres://ork@/%s?host=%s"):format(database, self.dir) end

function proxy:cut()
  for pair in pairs(self.pairs) do self:drop(pair) end
end

function proxy:cut_at(statement, how, refuse) self.next_cut = { statement = statement, how = how, refuse = refuse } end

function proxy:cut_at_commit(how) self:cut_at("commit", how) end

function proxy:refuse(on) self.refused = on end

function proxy:hold()
  self.held = true
  for pair in pairs(self.pairs) do
    pair.client:read_stop()
    pair.server:read_stop()
  end
end

function proxy:pass()
  self.held = false
  for pair in pairs(self.pairs) do
    if pair.server:is_readable() then self:read(pair) end
  end
end

function proxy:stop()
  self:cut()
  close(self.listener)
  close(self.quiet)
end

return proxy
