-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"

local artifacts = {
  name = "artifacts",
  usage = "artifacts RUN [NAME]",
  summary = "Lists the files that the tasks of a run left to be kept; with NAME, gets one",
  text = [[
A process leaves files in the folder $ORK_ARTIFACTS, a function by ctx.artifact(path). They are kept, when their attempt succeeds, until
the run is removed (`ork prune`, `ork delete`, a workflow's retention). NAME is written to standard output, or to the file of --out. They are on
the machine that ran the task.]],
  options = {
    { "out", "FILE", "write it there", short = "o" },
    { "task", "TASK", "of that task, when several left one of the same name" },
  },
  examples = {
    { "ork artifacts last", "what there is" },
    { "ork artifacts last report.html --out report.html", "one of them, as a file" },
    { "ork artifacts last report.html --task eu | wc -c", "one of them, on standard output" },
  },
  words = { 1, 2 },
}

local function list(engine, id)
  if term.json then
    term.out((stop.check(engine:artifacts(id, true))))
    return 0
  end
  local rows = {}
  for _, one in ipairs(stop.check(engine:artifacts(id))) do
    rows[#rows + 1] = { one.task, one.name, ("%d"):format(one.bytes), one.sha256:sub(1, 12) }
  end
  if #rows == 0 then
    term.news("no artifacts")
    return 0
  end
  for _, line in ipairs(columns({ { "TASK" }, { "NAME" }, { "BYTES", right = true }, { "SHA256" } }, rows, term.width())) do term.out(line) end
  return 0
end

function artifacts.run(given)
  local engine <close> = open.read(given.options)
  local id = open.find(engine, given.words[1])
  local name, out = given.words[2], given.options.out
  if not name then
    if out or given.options.task then stop(2, "which artifact? `ork artifacts RUN NAME --out FILE`") end
    return list(engine, id)
  end
  local path = stop.check(engine:artifact_path(id, given.options.task, name))
  local from = stop.check(io.open(path, "rb"))
  local to = io.stdout
  if out then
    local why
    to, why = io.open(out, "wb")
    if not to then stop(3, "cannot write %s", why) end
  end
  for piece in from:lines(65536) do
    local ok, why = to:write(piece)
    if not ok then stop(3, "cannot write %s: %s", out or "standard output", why) end
  end
  from:close()
  local ok, why = to:flush()
  if ok and out then ok, why = to:close() end
  if not ok then stop(3, "cannot write %s: %s", out or "standard output", why) end
  return 0
end

return artifacts
