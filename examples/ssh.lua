-- SPDX-License-Identifier: MIT
-- Commands on another machine, by an executor of your own: nothing waits here while they run, and an ork that is killed
-- and started again finds them.
--
--   ork ssh.lua host=me@server         over ssh, which must not ask for a password
--   ork show last count                what it waits for, its attempts, its output
local ork = require "ork"

local w = ork.workflow("ssh", { params = { host = { type = "str", default = "localhost", description = "user@server" } } })

-- Runs a line of shell there: what it printed; an error when that cannot be had.
local function remote(ctx, host, line)
  local result = assert(ctx.exec({ "ssh", "-o", "BatchMode=yes", host, line }, { timeout = "30s" }))
  if result.code ~= 0 then error(("%s: %s"):format(host, result.err)) end
  return result.out
end

local function quoted(list)
  local words = {}
  for i, word in ipairs(list) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return table.concat(words, " ")
end

local ssh = ork.executor("ssh", {
  every = "1s",
  -- Called again when ork died before it heard the answer. The job itself makes the folder, named by the key: the second
  -- one finds it and ends, and when the first one was killed before it came so far there is none.
  start = function(task, ctx)
    local folder = "ork-jobs/" .. task.key:gsub("/", ".")
    local job = ("mkdir F/ || exit; echo $$ >F/pid; (%s) >F/out 2>&1; echo $? >F/new; mv F/new F/code"):gsub("F/", folder .. "/"):format(
      quoted(task.command))
    remote(ctx, task.input.host, ("mkdir -p ork-jobs; setsid sh -c %s >/dev/null 2>&1 </dev/null & until [ -s %s/pid ]; do sleep 0.1; done"):format(
      quoted { job }, folder))
    return { host = task.input.host, folder = folder }
  end,
  poll = function(job, ctx)
    local code = remote(ctx, job.host, ("cat %s/code 2>/dev/null || :"):format(job.folder))
    if code == "" then return nil end
    local out = remote(ctx, job.host, ("cat %s/out"):format(job.folder)) -- the folder stays: a poll may be called again
    io.write(out)
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
