-- SPDX-License-Identifier: MIT
-- Secrets: where they come from, that a missing one fails its attempt alone, and that their values are found nowhere.
local sh = require "tests.lib.sh"
local uv = require "luv"

local VALUE = "hunter2-is-long"

local SCRIPT = [[
local ork = require "ork"
local w = ork.workflow("s", { params = { many = { type = "int", default = 1 } } })
w:task("process", {
  command = { "sh", "-c", [=[
    echo "token $TOKEN"; env | grep -c ORK_SECRET_
    printf '{"bearer":"%s","n":%s,"%s":[true,"x%sx"]}' "$BEARER" "$PIN" "$TOKEN" "$TOKEN" >"$ORK_OUTPUT_FILE"; cp "$ORK_OUTPUT_FILE" seen.json]=] },
  env = { TOKEN = ork.secret("TOKEN"), BEARER = "Bearer " .. ork.secret("TOKEN"), PIN = ork.secret("PIN") },
  output_type = { bearer = "str" },
})
w:task("failing", { command = { "sh", "-c", "echo $TOKEN; exit 3" }, env = { TOKEN = ork.secret("TOKEN") } })
w:task("fn", { run = function(_, ctx)
  local value = ctx.secret("TOKEN")
  print("printed", value)
  ctx.log("said %s", value)
  os.execute("echo shell " .. value .. "; env | grep -c ORK_SECRET")
  return { value = "<" .. value .. ">", bytes = #value, env = os.getenv("TOKEN") or os.getenv("ORK_SECRET_TOKEN") or "none" }
end })
w:task("raises", { run = function(_, ctx) error("no " .. ctx.secret("TOKEN")) end })
w:task("other", { command = { "sh", "-c", "env" } })
return w
]]

describe("a secret", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(args, env) return sh.ork(args, { cwd = dir, env = env }) end

  --- Files below .ork in which the value stands.
  local function leaks(value)
    local found = sh.spawn({ "grep", "-rlaF", value, ".ork" }, { cwd = dir }):wait()
    return found.out
  end

  it("is in the attempt that was given it, and nowhere else", function()
    sh.write(dir .. "/s.lua", SCRIPT)
    local r = ork({ "s.lua" }, { ORK_SECRET_TOKEN = VALUE, ORK_SECRET_PIN = "48151623" })
    assert.equal(1, r.code, r.err)
    assert.equal('{"bearer":"Bearer ' .. VALUE .. '","n":48151623,"' .. VALUE .. '":[true,"x' .. VALUE .. 'x"]}', sh.read(dir .. "/seen.json"))
    assert.same({ bearer = "Bearer ***", n = "***", ["***"] = { true, "x***x" } }, sh.json(ork({ "output", "last", "process" }).out))
    assert.equal("token " .. ("*"):rep(#VALUE) .. "\n0\n", ork({ "logs", "last", "process" }).out)
    assert.same({ value = "<***>", bytes = #VALUE, env = "none" }, sh.json(ork({ "output", "last", "fn" }).out))
    assert.equal("printed\t***\nsaid ***\nshell " .. ("*"):rep(#VALUE) .. "\n0\n", ork({ "logs", "last", "fn" }).out)
    assert.matches("raises failed: s.lua:%d+: no %*%*%*\n", r.err)
    assert.is_nil((r.out .. r.err):find(VALUE, 1, true))
    assert.is_nil(ork({ "logs", "last", "other" }).out:find(VALUE, 1, true))
    assert.equal("", leaks(VALUE))
    assert.equal("", leaks("48151623"))
  end)

  it("is not half there in what is too long and cut", function()
    sh.write(dir .. "/cut.lua", [[
local ork = require "ork"
local w = ork.workflow("cut")
local function task(name, run) w:task(name, { run = function(_, ctx) run(ctx, ctx.secret("TOKEN")) end }) end
task("url", function(ctx, value) ctx.http(("a"):rep(192) .. value) end)
task("query", function(ctx) ctx.http("no-host.example/x?key=mine-alone") end)
task("text", function(ctx, value) ctx.fail(("b"):rep(4088) .. value) end)
task("code", function(ctx, value) ctx.fail("x", { code = ("c"):rep(8180) .. value }) end)
task("table", function(_, value) error({ blah = ("d"):rep(983) .. value }) end)
return w
]])
    local r = ork({ "cut.lua" }, { ORK_SECRET_TOKEN = VALUE })
    assert.equal(1, r.code)
    assert.is_nil((r.out .. r.err):find(VALUE:sub(1, 4), 1, true))
    assert.equal("", leaks(VALUE:sub(1, 4)))
    local function failure(name) return sh.json(ork({ "show", "last", name, "--json" }).out).error end
    assert.equal("cut.lua:4: ctx.http: `url` begins with http:// or https://, unlike `" .. ("a"):rep(192) .. "***`", failure("url"))
    assert.equal("cut.lua:5: ctx.http: `url` begins with http:// or https://, unlike `no-host.example/x?…`", failure("query"))
    assert.equal(("b"):rep(4088) .. "***", failure("text"))
    assert.equal('{"blah":"' .. ("d"):rep(983) .. '***"}', failure("table"))
  end)

  it("with a quote is not shown in the JSON of a table that was raised", function()
    sh.write(dir .. "/raised.lua", [[
local ork = require "ork"
local w = ork.workflow("raised")
w:task("a", { run = function(_, ctx)
  local value = ctx.secret("TOKEN")
  error({ list = { 1, "<" .. value .. ">" }, none = {}, [value] = true })
end })
return w
]])
    assert.equal(1, ork({ "raised.lua" }, { ORK_SECRET_TOKEN = 'mine"\\alone' }).code)
    assert.same({ list = { 1, "<***>" }, none = {}, ["***"] = true }, sh.json(sh.json(ork({ "show", "last", "a", "--json" }).out).error))
    assert.equal("", leaks("alone"))
  end)

  local ONE = [[
local ork = require "ork"
local w = ork.workflow("one")
w:task("a", { command = { "sh", "-c", "test \"$T\" = 'from here'" }, env = { T = ork.secret("KEY_1") }, retries = 5 })
return w
]]

  it("comes from a file that is this user's alone", function()
    sh.write(dir .. "/one.lua", ONE)
    assert(uv.fs_mkdir(dir .. "/keys", 448))
    local key = sh.write(dir .. "/keys/KEY_1", "from here\n", "644")
    assert.equal(0, ork({ "one.lua" }, { ORK_SECRETS_DIR = dir .. "/keys" }).code)
    sh.write(key, "from here", "666")
    local r = ork({ "one.lua" }, { ORK_SECRETS_DIR = dir .. "/keys" })
    assert.matches("a failed %(.-: the secret `KEY_1` is not used: others may write %S+/keys/KEY_1 %(mode 0666%); `chmod 600` it\n", r.err)
    assert(uv.fs_mkdir(dir .. "/.ork/secrets", 448))
    key = sh.write(dir .. "/.ork/secrets/KEY_1", "from here\n", "644")
    r = ork({ "one.lua" })
    assert.matches("a failed %(.-: the secret `KEY_1` is not used: others may read %S+/.ork/secrets/KEY_1 %(mode 0644%); `chmod 600` it\n", r.err)
    sh.write(key, "from here\n", "600")
    assert.equal(0, ork({ "one.lua" }).code)
    sh.write(key, "\0", "600")
    r = ork({ "one.lua" })
    assert.matches("a failed %(.-: the secret `KEY_1` is no text in UTF%-8 %(%S+/.ork/secrets/KEY_1%)\n", r.err)
    sh.write(key, ("x"):rep(65537), "600")
    r = ork({ "one.lua" })
    assert.matches("a failed %(.-: the secret `KEY_1` has more than 65536 bytes %(%S+/.ork/secrets/KEY_1%)\n", r.err)
  end)

  it("comes from a command, which is asked by name and not by a shell", function()
    sh.write(dir .. "/one.lua", ONE)
    sh.write(dir .. "/vault", "#!/bin/sh\necho \"$*\" >asked\n[ \"$2\" = KEY_1 ] && echo 'from here'\n", "755")
    local r = ork({ "one.lua" }, { ORK_SECRETS_COMMAND = dir .. "/vault  $(get)" })
    assert.equal(0, r.code, r.err)
    assert.equal("$(get) KEY_1\n", sh.read(dir .. "/asked"))
    r = ork({ "one.lua" }, { ORK_SECRETS_COMMAND = "false" })
    assert.matches("a failed %(.-: the secret `KEY_1` was not found: not in the environment %(ORK_SECRET_KEY_1%), no file %S+/.ork/secrets/KEY_1, " ..
      "and `false` %(ORK_SECRETS_COMMAND%) ended with exit code 1\n", r.err)
    r = ork({ "one.lua" }, { ORK_SECRETS_COMMAND = "/no/such/program" })
    assert.matches("`/no/such/program` %(ORK_SECRETS_COMMAND%) cannot be run: no such file or directory\n", r.err)
    r = ork({ "one.lua" }, { ORK_SECRETS_COMMAND = "head -c 70000 /dev/zero --" })
    assert.equal(1, r.code)
  end)

  it("fails the attempt when there is none, once", function()
    sh.write(dir .. "/one.lua", ONE .. "")
    local r = ork({ "one.lua" })
    assert.equal(1, r.code)
    assert.matches("a failed %(.-: the secret `KEY_1` was not found: no ORK_SECRET_KEY_1 in the environment, no file %S+/.ork/secrets/KEY_1, " ..
      "and no ORK_SECRETS_COMMAND is set\n", r.err)
    local shown = sh.json(ork({ "show", "last", "a", "--json" }).out)
    assert.same({ "input", 1 }, { shown.kind, shown.attempt })
    sh.write(dir .. "/fn.lua", [[
local ork = require "ork"
local w = ork.workflow("fn")
w:task("a", { run = function(_, ctx) return ctx.secret("KEY_1") end, retries = 5 })
w:task("b", { run = function(_, ctx) local v = ctx.secret("no name") return v end })
return w
]])
    r = ork({ "fn.lua" })
    assert.matches("a failed %(.-: the secret `KEY_1` was not found: no ORK_SECRET_KEY_1", r.err)
    assert.matches("b failed: fn.lua:4: ctx.secret wants the name of a secret: letters, digits, _\n", r.err)
    shown = sh.json(ork({ "show", "last", "a", "--json" }).out)
    assert.same({ "input", 1 }, { shown.kind, shown.attempt })
  end)

  it("stays hidden while its attempt runs, and after its scheduler was killed", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = { "sh", "-c", "echo $T; echo begun >begun; cat go; echo \"ORK_OUTPUT:{\\\"t\\\":\\\"$T\\\"}\"" }, env = { T = ork.secret("TOKEN") } })
return w
]])
    sh.spawn({ "mkfifo", dir .. "/go" }):wait()
    local secret = { ORK_SECRET_TOKEN = VALUE }
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir, env = secret })
    sh.wait_file(dir .. "/begun")
    sh.wait_until(dir .. "/.ork", function() return ork({ "show", "last", "a" }).out:find("running") end)
    local r = ork({ "logs", "last", "a" })
    assert.matches("the log of an attempt that runs is not shown here, where the secret `TOKEN` is not known", r.err)
    assert.equal(("*"):rep(#VALUE) .. "\n", ork({ "logs", "last", "a" }, secret).out)
    p:kill()
    p = sh.spawn_ork({ "slow.lua" }, { cwd = dir, env = secret })
    p:wait_line("going on with")
    sh.write(dir .. "/go", "x\n")
    assert.equal(0, p:wait().code)
    assert.equal('{"t":"***"}\n', ork({ "output", "last", "a" }).out)
    assert.equal("", leaks(VALUE))
  end)

  it("that is gone after a restart fails the attempt that had it, rather than being stored", function()
    sh.write(dir .. "/slow.lua", [[
local ork = require "ork"
local w = ork.workflow("slow")
w:task("a", { command = { "sh", "-c", "echo begun >begun; cat go; echo \"ORK_OUTPUT:{\\\"t\\\":\\\"$T\\\"}\"" }, env = { T = ork.secret("TOKEN") } })
return w
]])
    sh.spawn({ "mkfifo", dir .. "/go" }):wait()
    local p = sh.spawn_ork({ "slow.lua" }, { cwd = dir, env = { ORK_SECRET_TOKEN = VALUE } })
    sh.wait_file(dir .. "/begun")
    p:kill()
    p = sh.spawn_ork({ "slow.lua" }, { cwd = dir })
    p:wait_line("going on with")
    sh.write(dir .. "/go", "x\n")
    assert.equal(1, p:wait().code)
    assert.matches("a failed: none of what it left is kept, as it may hold a secret: the secret `TOKEN` was not found", p.err)
  end)
end)
