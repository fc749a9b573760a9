-- SPDX-License-Identifier: MIT
-- ctx.http: requests of functions, against a server of the tests' own.
local http = require "tests.lib.http"
local sh = require "tests.lib.sh"

describe("ctx.http", function()
  local dir, server
  before_each(function()
    dir = sh.tempdir()
    server = http.start()
  end)
  after_each(sh.cleanup)

  local function ork(args, env) return sh.ork(args, { cwd = dir, env = env }) end

  --- The output of a task whose function has that body, with `url` and ctx.
  local function run(body, env)
    sh.write(dir .. "/h.lua", ([[
local ork = require "ork"
local w = ork.workflow("h", { params = { url = "str" } })
w:task("a", { inputs = { url = w.params.url }, run = function(input, ctx)
  local url = input.url
%s
end })
return w
]]):format(body))
    local r = ork({ "h.lua", "--new", "url=" .. server.url }, env)
    if r.code ~= 0 then return nil, r.err:match("\na failed: ([^\n]*)") or r.err end
    return sh.json(ork({ "output", "last", "a" }).out)
  end

  it("sends a request and gives the answer", function()
    assert.same({ 200, { method = "GET", body = "", token = "t" }, "1", 404, { error = "told so" } }, run([[
  local r = assert(ctx.http{ url = url .. "/echo", headers = { ["X-Token"] = "t" } })
  local missing = ctx.http(url .. "/status/404")
  local echoed = r.json()
  return { r.status, { method = echoed.method, body = echoed.body, token = echoed.token }, r.headers["x-one"], missing.status, missing:json() }]]))
    assert.same({ { "POST", '{"a":1}', "application/json" }, { "PUT", "raw", "text/x" }, "POST", "DELETE", "" }, run([[
  local one = ctx.http{ url = url .. "/echo", body = { a = 1 } }.json()
  local two = ctx.http{ url = url .. "/echo", method = "PUT", body = "raw", headers = { ["Content-Type"] = "text/x" } }.json()
  return { { one.method, one.body, one.type }, { two.method, two.body, two.type }, ctx.http{ url = url .. "/echo", method = "POST" }.json().method,
    ctx.http{ url = url .. "/echo", method = "DELETE" }.json().method, ctx.http{ url = url .. "/echo", method = "HEAD" }.body }]]))
  end)

  it("follows redirects, some of them, and to http alone", function()
    assert.same({ 200, "nil", "EIO", "nil", "EINVAL" }, run([[
  local r = assert(ctx.http(url .. "/redirect/9"))
  local many, _, code = ctx.http(url .. "/redirect/11")
  local file, _, other = ctx.http(url .. "/elsewhere")
  return { r.status, tostring(many), code, tostring(file), other }]]))
  end)

  it("says why there is no answer", function()
    local got = run([[
  local _, slow, slow_code = ctx.http{ url = url .. "/slow", timeout = "200ms" }
  local _, big, big_code = ctx.http{ url = url .. "/bytes/1001", max_bytes = 1000 }
  local _, nobody, nobody_code = ctx.http("http://127.0.0.1:1/")
  local whole = ctx.http{ url = url .. "/bytes/1000", max_bytes = 1000 }
  local bad = { pcall(ctx.http(url .. "/bytes/3").json) }
  return { slow, slow_code, big, big_code, nobody, nobody_code, #whole.body, bad[2] == nil and bad[4] or "raised" }]])
    assert.matches("^GET http://127.0.0.1:%d+/slow: .*timed out", got[1])
    assert.equal("ETIMEDOUT", got[2])
    assert.matches("^GET http://127.0.0.1:%d+/bytes/1001: the answer has more than 1000 bytes %(max_bytes%)$", got[3])
    assert.equal("ETOOBIG", got[4])
    assert.matches("^GET http://127.0.0.1:1/: Failed to connect", got[5])
    assert.same({ "EIO", 1000, "EJSON" }, { got[6], got[7], got[8] })
  end)

  it("lets others go on meanwhile, many in one worker", function()
    sh.write(dir .. "/many.lua", [[
local ork = require "ork"
local w = ork.workflow("many", { params = { url = "str" } })
w:task("slow", { inputs = { url = w.params.url }, timeout = "1s", run = function(input, ctx) return { ctx.http(input.url .. "/slow") ~= nil } end })
w:task("each", { inputs = { url = w.params.url, n = ork.each({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }) },
  run = function(input, ctx) return ctx.http(input.url .. "/echo").status end })
return w
]])
    local r = ork({ "many.lua", "--jobs", "1", "url=" .. server.url })
    assert.matches("slow failed: timeout after 1s\n", r.err) -- which ends the request, too
    local all = sh.json(ork({ "output", "last", "each" }).out)
    assert.equal(20, #all)
    assert.equal(200, all[20])
  end)

  it("refuses what is no request, at the line of the call", function()
    local function refused(call)
      local _, why = run("  local r = " .. call .. "\n  return r")
      return why
    end
    assert.equal("h.lua:5: ctx.http wants a URL, or { url, method, headers, body, timeout, max_bytes }", refused("ctx.http(7)"))
    for url, why in pairs({
      ["'file:///etc/passwd'"] = "`url` begins with http:// or https://; `file` is another protocol", ["''"] = "`url` is empty",
      ["'example.com/x'"] = "`url` begins with http:// or https://, unlike `example.com/x`", ["'http://'"] = "`url` names no host: `http://`",
      ["'http://é/a b'"] = "`url` has a blank, its character 11; within a URL it is written %20",
      ["'http://h/a\\n'"] = "`url` has a line end, its character 11", ["'http://h/\\0'"] = "`url` has a NUL, its character 10",
      ["'http://h/\\27'"] = "`url` has the control character \\x1b, its character 10", ["' http://h/'"] = "`url` has a blank, its character 1; "
        .. "within a URL it is written %20", ["{ method = 'GET' }"] = "`url` wants a text, got none", ["{ url = 5 }"] = "`url` wants a text, got a number",
      ["'" .. ("é"):rep(150) .. "'"] = "`url` begins with http:// or https://, unlike `" .. ("é"):rep(99) .. "…`",
    }) do
      assert.equal("h.lua:5: ctx.http: " .. why, refused("ctx.http(" .. url .. ")"))
    end
    assert.equal("h.lua:5: ctx.http has no option `methd`; did you mean `method`?", refused("ctx.http{ url = url, methd = 'GET' }"))
    assert.equal("h.lua:5: ctx.http: `method` is a word such as \"POST\"", refused("ctx.http{ url = url, method = 'a b' }"))
    assert.equal("h.lua:5: ctx.http: `headers` is a table, { Name = \"value\" }", refused("ctx.http{ url = url, headers = 'a' }"))
    assert.equal("h.lua:5: ctx.http: `headers` wants names of headers, not a b", refused("ctx.http{ url = url, headers = { ['a b'] = 'x' } }"))
    assert.equal("h.lua:5: ctx.http: `headers.A` wants a text without line breaks", refused("ctx.http{ url = url, headers = { A = 'x\\n' } }"))
    assert.equal("h.lua:5: ctx.http: `max_bytes` is a whole number, 1 or more", refused("ctx.http{ url = url, max_bytes = 0 }"))
    assert.matches("^h.lua:5: ctx.http: `timeout` wants a duration", refused("ctx.http{ url = url, timeout = 'x' }"))
    assert.matches("^h.lua:5: ctx.http: `body`: ", refused("ctx.http{ url = url, body = { print } }"))
  end)

  it("needs its module, which nothing else does", function()
    local other = sh.tempdir()
    local program = sh.ork_path()
    sh.spawn({ "cp", program, program:match("^(.*)/") .. "/ork-agent", other }):wait()
    sh.write(dir .. "/h.lua", [[
local ork = require "ork"
local w = ork.workflow("h")
w:task("a", { run = function(_, ctx) return { ctx.http("http://127.0.0.1:1/") or "none", select(2, ctx.http("http://127.0.0.1:1/")) } end })
w:task("b", { run = function() local f = io.open("/proc/self/maps") local text = f:read("a") f:close() return text:find("libcurl") ~= nil end })
return w
]])
    local r = sh.run({ other .. "/ork", "h.lua" }, { cwd = dir, env = { ORK_AGENT = other .. "/ork-agent", ORK_PROGRAM = other .. "/ork" } })
    assert.equal(0, r.code, r.err)
    assert.matches("HTTP needs the module ork_cloud.so, which is not installed", ork({ "output", "last", "a" }).out)
    assert.equal("false\n", ork({ "output", "last", "b" }).out)
  end)
end)
