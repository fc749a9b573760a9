-- Commands on another machine, by an executor of your own: nothing waits here while they run, and an ork that is killed
-- and started again finds them. `ork ssh.lua host=me@server` uses ssh; without host the "other machine" is this one.
local ork = require "ork"

local w = ork.workflow("ssh", { params = {
  host = { type = "str", default = "localhost", description = "user@server, or localhost: without ssh" },
} })

-- Runs a line of shell there: what it printed; an error when that cannot be had.
local function remote(ctx, host, line)
  local argv = host == "localhost" and { "sh", "-c", line } or { "ssh", "-o", "BatchMode=yes", host, line }
  local result = assert(ctx.exec(argv, { timeout = "30s" }))
  if result.code ~= 0 then ctx.fail(("%s: %s"):format(host, result.err)) end
  return result.out
end

local function quoted(list)
  local words = {}
  for i, word in ipairs(list) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return table.concat(words, " ")
end

local ssh = ork.executor("ssh", {
  every = "1s",
  -- Called again when ork died before it heard the answer: the folder, named by the key, tells that it began already.
  start = function(task, ctx)
    local folder = "ork-jobs/" .. task.key:gsub("/", ".")
    remote(ctx, task.input.host, ([[
      mkdir -p ork-jobs && if mkdir %s 2>/dev/null; then
        setsid sh -c '(%s) >%s/out 2>&1; echo $? >%s/code.new; mv %s/code.new %s/code' >/dev/null 2>&1 </dev/null &
        echo $! >%s/pid
      fi]]):format(folder, quoted(task.command):gsub("'", "'\\''"), folder, folder, folder, folder, folder))
    return { host = task.input.host, folder = folder }
  end,
  poll = function(job, ctx)
    local code = remote(ctx, job.host, ("cat %s/code 2>/dev/null || :"):format(job.folder))
    if code == "" then return nil end
    local out = remote(ctx, job.host, ("cat %s/out; rm -rf %s"):format(job.folder, job.folder))
    ctx.log(out:gsub("\n$", ""))
    if tonumber(code) ~= 0 then return { error = "exit code " .. tonumber(code) } end
    return { output = { out = out } }
  end,
  cancel = function(job, ctx)
    remote(ctx, job.host, ("kill -- -$(cat %s/pid) 2>/dev/null; rm -rf %s"):format(job.folder, job.folder))
  end,
})

local function there(name, command)
  return w:task(name, { executor = ssh, inputs = { host = w.params.host }, command = command, output_type = { out = "str" }, timeout = "10m" })
end

local kernel = there("kernel", { "uname", "-s" })
there("count", { "sh", "-c", "sleep 1; ls / | wc -l" })
w:task("report", { command = { "printf", "it runs %s", kernel.output.out } })

return w
