-- SPDX-License-Identifier: MIT
-- graphile-worker, the fastest queue on PostgreSQL, as a peer: from npm, in a folder of the build.
local graphile = {}

local VERSION <const> = "0.17.3"

local function quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

--- Its folder, installed when it is not there yet; nil, and a line says why, where that cannot be done.
function graphile.install(ctx)
  if not (ctx:peer("node") and ctx:peer("npm")) then return nil end
  local dir = ctx.root .. "/build/bench/npm"
  local ready = os.execute("test -e " .. quote(dir .. "/node_modules/graphile-worker/package.json"))
    or os.execute(("mkdir -p %s && cd %s && npm install --prefix . --no-audit --no-fund --silent graphile-worker@%s >npm.log 2>&1"):format(
      quote(dir), quote(dir), VERSION))
  if not ready then
    ctx.say("graphile-worker cannot be installed by npm (%s/npm.log): no comparison with it", dir)
    return nil
  end
  assert(os.execute(("cp %s %s"):format(quote(ctx.root .. "/bench/graphile.mjs"), quote(dir))))
  return dir
end

--- Jobs per second from the first insert to the last one done, by so many processes, in a new database of the server.
function graphile.rate(ctx, dir, server, jobs, processes)
  server:database("graphile")
  local url = ("postgres://ork@localhost/graphile?host=%s"):format(server.dir)
  local out = ctx:tempdir() .. "/out"
  assert(os.execute(("cd %s && timeout 300 node graphile.mjs %s %d %d >%s 2>%s.err"):format(quote(dir), quote(url), jobs, processes, quote(out), quote(out))),
    "graphile-worker failed: " .. ctx.read(out .. ".err"):sub(-2000))
  local done, ms = ctx.read(out):match("(%d+) ([%d.]+)")
  assert(tonumber(done) == jobs, "not all jobs were done")
  return jobs / ms * 1000
end

return graphile
