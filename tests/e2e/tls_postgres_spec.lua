-- SPDX-License-Identifier: MIT
-- Encrypted connections to PostgreSQL: the server proves who it is, by a certificate of its own; whatever does not fit is refused with words.
local cluster = require "tests.lib.cluster"
local sh = require "tests.lib.sh"
local uv = require "luv"

local SCRIPT = 'local w = require("ork").workflow("etl")\nw:task("hi", { command = "echo hi" })\nreturn w\n'

local function free_port()
  local tcp = uv.new_tcp()
  assert(tcp:bind("127.0.0.1", 0))
  local port = tcp:getsockname().port
  tcp:close()
  return port
end

--- A key and a certificate of its own for localhost: NAME.key, NAME.crt.
local function certificate(dir, name)
  local r = sh.run({ "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
    "subjectAltName=DNS:localhost", "-keyout", dir .. "/" .. name .. ".key", "-out", dir .. "/" .. name .. ".crt" })
  assert(r.code == 0, r.err)
  sh.run({ "chmod", "600", dir .. "/" .. name .. ".key" })
end

describe("PostgreSQL by TLS", function()
  local missing = cluster.missing() or (sh.run({ "sh", "-c", "command -v openssl" }).code ~= 0 and "openssl is not installed")
  if missing then
    it("proves who the server is", function() pending(missing) end)
    return
  end

  after_each(sh.cleanup)

  it("proves who the server is, or is refused", function()
    local dir, port = sh.tempdir(), free_port()
    certificate(dir, "server")
    certificate(dir, "other")
    local server = cluster.start({
      args = { "-c", "listen_addresses=localhost", "-c", "port=" .. port, "-c", "ssl=on", "-c", "log_connections=on" },
      prepare = function(data)
        for _, file in ipairs({ "server.key", "server.crt" }) do sh.run({ "cp", "-p", dir .. "/" .. file, data .. "/" .. file }) end
        local rules = sh.read(data .. "/pg_hba.conf")
        sh.write(data .. "/pg_hba.conf", "hostnossl all all all reject\n" .. rules)
      end,
      owns = { "server.key", "server.crt", "pg_hba.conf" },
    })
    server.port = port
    server:database("ork")
    sh.write(dir .. "/etl.lua", SCRIPT)
    local function ork(host, parameters)
      local env = os.getenv("ORK_TEST_ASAN") and { ASAN_OPTIONS = "detect_leaks=0" } or nil
      return sh.ork({ "etl.lua", "-q", "--db", ("postgres://ork@%s:%d/ork?%s"):format(host, port, parameters) }, { cwd = dir, env = env })
    end
    local right = "sslmode=verify-full&sslrootcert=" .. dir .. "/server.crt"
    local r = ork("localhost", right)
    assert.equal(0, r.code, r.err)
    server.server:wait_line("connection authorized: user=ork database=ork application_name=ork SSL enabled")
    assert.equal("success", server:psql("ork", "SELECT status FROM runs"))
    for _, row in ipairs({
      { "127.0.0.1", right, 'does not match host name "127.0.0.1"' },
      { "localhost", "sslmode=verify-full&sslrootcert=" .. dir .. "/other.crt", "certificate verify failed" },
      { "localhost", "sslmode=verify-full&sslrootcert=" .. dir .. "/none.crt", "none.crt" },
      { "localhost", "sslmode=disable", "pg_hba.conf rejects connection" },
    }) do
      r = ork(row[1], row[2])
      assert.equal(3, r.code, r.err)
      assert.matches(row[3], r.err, 1, true)
    end
    assert.equal("1", server:psql("ork", "SELECT count(*) FROM runs"))
  end)
end)
