-- SPDX-License-Identifier: MIT
local fields = require "ork.cli.fields"
local fires = require "ork.cli.fires"
local hint = require "ork.cli.hint"
local json = require("ork.core").json
local open = require "ork.cli.open"
local script_trouble = require "ork.cli.script_trouble"
local stop = require "ork.cli.stop"
local sys = require("ork.core").sys
local term = require "ork.term"
local text = require "ork.cli.text"

local status = {
  name = "status",
  usage = "status [--since D]",
  summary = "Shows how things stand: who works on the database, what runs and waits, what failed since yesterday",
  text = [[
Finds the database from any folder below its own. What failed is named, the newest first, with the command that says why;
`ork why` says what something waits for.]],
  examples = {
    { "ork status", "the first look in the morning" },
    { "ork status --since 7d", "the same for the last week" },
  },
  words = { 0, 0 },
  options = { { "since", "D", "what ended since then (since yesterday, midnight)", kind = "since" } },
}

local FAILED = 5 -- runs named
local NAMED = 3 -- of those without an owner

local function yesterday()
  local day = os.date("*t", sys.now() // 1000)
  return os.time({ year = day.year, month = day.month, day = day.day - 1, hour = 0 }) * 1000
end

local function size(bytes)
  if bytes < 1024 * 1024 then return ("%d KB"):format((bytes + 1023) // 1024) end
  if bytes < 1024 * 1024 * 1024 then return ("%.1f MB"):format(bytes / 1024 / 1024) end
  return ("%.1f GB"):format(bytes / 1024 / 1024 / 1024)
end

--- "2 runs on myhost, 1 run on other"; nil when nobody works.
local function workers(schedulers)
  local hosts, order = {}, {}
  for _, each in ipairs(schedulers) do
    if not hosts[each.host] then order[#order + 1] = each.host end
    local host = hosts[each.host] or { n = 0, runs = 0 }
    host.n, host.runs, hosts[each.host] = host.n + 1, host.runs + each.runs, host
  end
  local parts = {}
  for i, host in ipairs(order) do
    parts[i] = ("%s on %s with %s"):format(hosts[host].n == 1 and "1 ork" or hosts[host].n .. " orks", host,
      text.plural(hosts[host].runs, "run"))
  end
  for _, each in ipairs(schedulers) do
    if each.stopped then
      parts[#parts + 1] = ("process %d of them is stopped (`fg` where it was started, or kill -CONT %d)"):format(each.stopped, each.stopped)
    end
  end
  return #parts > 0 and table.concat(parts, ", ") or "nobody"
end

--- Who starts runs by schedules; nil where there are none.
local function server(document)
  for _, each in ipairs(document.schedulers) do
    if each.role == "serve" then return "ork serve on " .. each.host end
  end
  return #document.next > 0 and "nobody starts runs by the schedules: " .. hint.line("ork serve") or nil
end

--- The next times of schedules, a line each.
local function coming(document)
  local lines = {}
  for i, each in ipairs(document.next) do
    local option = each.options
    local when = each.waits_for_run and "when its last run has ended" or fires.time(option or {}, each.next_scheduled_at)
    lines[i] = ("%s  %s"):format(when, term.line(each.workflow))
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

local function tell_trouble(document)
  for _, each in ipairs(document.trouble) do
    if each.script_error then
      term.out(term.escape(("trouble: %s cannot be loaded again; workflow %s stays as it was: %s"):format(each.script_path or "its script",
        each.workflow, each.script_error:match("[^\n]*"))))
    end
    if each.note and each.note.kind == "failed" then
      term.out(term.escape(("trouble: the schedule of %s failed: %s"):format(each.workflow, each.note.text)))
    end
  end
end

local function tell_moved(engine)
  for _, each in ipairs(require("ork.cli.moved").gone(engine)) do
    term.out(term.escape(("trouble: %s; moved? %s"):format(each.text, each.hint)))
  end
end

local function tell_unapplied(list)
  for _, each in ipairs(list) do
    if each.gone then
      term.out(term.escape(("trouble: %s: %s; ork apply --prune takes out what is gone"):format(each.script_path, each.script_error)))
    else
      term.out(term.escape(("trouble: %s cannot be loaded, and nothing of it is applied: %s"):format(each.script_path, each.script_error:match("[^\n]*"))))
    end
  end
end

local function running(document)
  if document.runs.running == 0 then return "nothing" end
  return ("%s: %s running, %d about to start"):format(text.plural(document.runs.running, "run"),
    text.plural(document.tasks.running, "task"), document.tasks.dispatched)
end

local function waiting(document)
  local parts, runs = {}, document.runs
  if document.tasks.waiting > 0 then parts[#parts + 1] = text.plural(document.tasks.waiting, "task") end
  if runs.pending > 0 then parts[#parts + 1] = text.plural(runs.pending, "run") .. " not begun" end
  if runs.paused > 0 then parts[#parts + 1] = text.plural(runs.paused, "run") .. " paused" end
  if #parts == 0 then return "nothing" end
  return table.concat(parts, ", ") .. "   (for what: " .. hint.line("ork why") .. ")"
end

--- Runs that nobody carries out any more, the newest first, and what goes on with them.
local function unowned(engine, count)
  if count == 0 then return nil end
  local ids, functions, filter = {}, {}, { status = { "pending", "running", "paused" }, limit = 100 }
  repeat
    local page = stop.check(engine:runs(filter))
    for _, run in ipairs(page) do
      if #ids + #functions < NAMED and not (run.owner and run.owner.alive) then
        local of = engine:claimable(run.id) and ids or functions
        of[#of + 1] = text.short(run.id)
      end
    end
    filter.before = #page > 0 and page[#page].id or nil
  until #page < filter.limit or #ids + #functions == NAMED
  local advice = {}
  if #ids > 0 then advice[1] = "go on: ork resume " .. table.concat(ids, " ") end
  if #functions > 0 then advice[#advice + 1] = "ork why " .. functions[1] end
  return ("%s that nobody carries out any more   (%s%s)"):format(text.plural(count, "run"), table.concat(advice, "; "),
    count > #ids + #functions and " …" or "")
end

--- What people are asked, a line each with what answers it, or with the answer that waits for somebody to go on.
local function approvals(document)
  local lines = {}
  for i, each in ipairs(document.approvals) do
    lines[i] = ("%s %s: %s   (%s)"):format(term.line(each.workflow), term.line(each.task), term.line(each.text),
      each.decided and term.line(text.decided(each.decided)) or hint.line("ork approve %s %s", text.short(each.run), each.task))
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

--- What is asked for and gives no answer, a line each with who says more.
local function tell_failing(document)
  for _, each in ipairs(document.failing) do
    local of = each["for"] == "poll" and "its poll" or each["for"] == "executor" and "its executor" or "job " .. each.job
    term.out(term.escape(("trouble: %s %s waits; %s: %s   (%s)"):format(each.workflow, each.task, of, each.error:match("[^\n]*"),
      hint.line("ork why %s %s", text.short(each.run), text.word(each.task)))))
  end
end

local function since_text(document, given)
  return given and "since " .. text.time(document.since) or "since yesterday"
end

local function tell_cancelled(engine, document)
  if document.ended.cancelled == 0 then return end
  local width, told = term.width(), 0
  for _, run in ipairs(stop.check(engine:runs({ status = { "cancelled" }, limit = 4 * FAILED }))) do
    if told < FAILED and (run.finished_at or "") >= document.since then
      told = told + 1
      local line = ("  %s  %s  %s  %s"):format(text.short(run.id), text.time(run.finished_at), term.line(run.workflow),
        term.line(run.error or "cancelled"))
      term.out(width and text.cut(line, width) or line)
    end
  end
end

local function tell_failed(document)
  for i, run in ipairs(document.failed) do
    if i > FAILED then
      term.out(("  and %d more: ork runs --status failed"):format(document.ended.failed - FAILED))
      break
    end
    local line = ("  %s  %s  %s  %s"):format(text.short(run.id), text.time(run.finished_at), term.line(run.workflow),
      term.line(run.error or ""))
    local width = term.width()
    term.out(width and text.cut(line, width) or line)
  end
  if #document.failed > 0 then
    term.out("  why: " .. hint.line("ork show %s", text.short(document.failed[1].id)))
  end
end

function status.run(given)
  local since = given.options.since
  local engine <close> = open.read(given.options)
  local document = stop.check(engine:status(since or yesterday(), term.json))
  if term.json then
    term.out(script_trouble.add(document, script_trouble.beside(stop.check(json.decode(document)))))
    return 0
  end
  local ended = document.ended
  fields({
    { "database", ("%s%s"):format(document.database.path or document.database.url,
      document.database.bytes and ", " .. size(document.database.bytes) or "") },
    { "at work", workers(document.schedulers) },
    { "schedules", server(document) },
    { "running", running(document) },
    { "waiting", waiting(document) },
    { "approvals", approvals(document) },
    { "unowned", unowned(engine, document.runs.unowned) },
    { "next", coming(document) },
    { since_text(document, since), ("%d failed, %d succeeded%s"):format(ended.failed, ended.success,
      ended.cancelled > 0 and (", %d cancelled"):format(ended.cancelled) or "") },
  })
  tell_failed(document)
  tell_cancelled(engine, document)
  tell_failing(document)
  tell_trouble(document)
  tell_unapplied(script_trouble.beside(document))
  tell_moved(engine)
  return 0
end

return status
