-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local core = require "ork.core"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

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
    { "task", "TASK", "of that task (`load`, `load/3`), when several left one of the same name; without NAME, all that it left" },
  },
  examples = {
    { "ork artifacts last", "what there is" },
    { "ork artifacts last report.html --out report.html", "one of them, as a file" },
    { "ork artifacts last report.html --task eu | wc -c", "one of them, on standard output" },
  },
  words = { 1, 2 },
}

--- Is `task` this one, or the task of this item?
local function is_of(task, one) return one == task or one:match("^(.*)/%d+$") == task end

--- Why the artifact of a task with items is not found: its items left it.
local function of_items(engine, id, task, name)
  local left = {}
  for _, one in ipairs(stop.check(engine:artifacts(id))) do
    if one.name == name and one.task ~= task and is_of(task, one.task) then left[#left + 1] = one.task end
  end
  if #left > 0 then stop(4, "`%s` is of items of `%s`: %s; name one by --task", name, task, text.list(left, 5)) end
end

local function found(engine, id, task, name)
  local path, why, code = engine:artifact_path(id, task, name)
  if not path and task then
    of_items(engine, id, task, name)
    stop.check(engine:task(id, task)) -- there may be no such task
  end
  return stop.check(path, why, code)
end

local function list(engine, id, task)
  if term.json and not task then
    term.out((stop.check(engine:artifacts(id, true))))
    return 0
  end
  local left, rows = core.json.list({}), {}
  for _, one in ipairs(stop.check(engine:artifacts(id))) do
    if not task or is_of(task, one.task) then left[#left + 1] = one end
  end
  if #left == 0 and task then stop.check(engine:task(id, task)) end
  if term.json then
    term.out((stop.check(core.json.encode(left))))
    return 0
  end
  if #left == 0 then
    term.news("no artifacts")
    return 0
  end
  for i, one in ipairs(left) do rows[i] = { one.task, one.name, ("%d"):format(one.bytes), one.sha256:sub(1, 12) } end
  for _, line in ipairs(columns({ { "TASK" }, { "NAME" }, { "BYTES", right = true }, { "SHA256" } }, rows, term.width())) do term.out(line) end
  return 0
end

function artifacts.run(given)
  local engine <close> = open.read(given.options)
  local id = open.find(engine, given.words[1])
  local name, out = given.words[2], given.options.out
  if not name then
    if out then stop(2, "which artifact? `ork artifacts RUN NAME --out FILE`") end
    return list(engine, id, given.options.task)
  end
  local path = found(engine, id, given.options.task, name)
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
