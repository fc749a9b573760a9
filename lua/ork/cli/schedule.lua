-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local confirm = require "ork.cli.confirm"
local core = require "ork.core"
local definition = require "ork.cli.definition"
local fields = require "ork.cli.fields"
local fires = require "ork.cli.fires"
local hint = require "ork.cli.hint"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local schedule = {
  name = "schedule",
  usage = "schedule [NAME|--all] [on|off|next [N]]",
  summary = "Shows schedules and when they are due, and switches them",
  text = [[
A script gives its workflow a schedule, `ork apply` stores it and switches it on, `ork serve` starts the runs. The switch is yours: off stays
off when the script is applied again. On never starts a run at once, and what was due while it was off is not caught up.

`next` prints the next times in the zone of the schedule and in yours, and says where clocks are set forward or back.]],
  examples = {
    { "ork schedule", "all schedules: when each is due next, what it waits for, what went wrong" },
    { "ork schedule etl next 10", "the next ten times" },
    { "ork schedule etl off", "no runs by the schedule until it is switched on" },
    { "ork schedule --all off", "none at all (asks first)" },
  },
  words = { 0, 3 },
  options = { { "all", false, "all workflows with a schedule" }, confirm.option },
}

local MOST = 1000 -- schedules listed
local CATCHUP_LIMIT = 100 -- the engine's default

--- Was it applied once and taken out? Then its schedule is history: what is stored of it says nothing. (One of the original's has no versions.)
local function is_out(engine, each)
  if each.options then return false end
  local row = stop.check(engine:workflows({ name = each.workflow, limit = 1 }))[1]
  return row ~= nil and not row.applied and row.versions > 0
end

local function state_of(each)
  if not each.enabled then return "off" end
  if each.waits_for_run then return "waits" end
  if each.script_error or each.note and each.note.kind == "failed" then return "trouble" end
  return each.next_scheduled_at and "on" or "over"
end

local function note_of(each)
  if each.script_error then
    return ("%s cannot be loaded: %s"):format(each.script_path or "its script", each.script_error:match("[^\n]*"))
  end
  local note = each.note
  if not note then return nil end
  local words = { failed = "failed", missed = "missed", passed = "passed over" }
  return ("%s%s: %s"):format(words[note.kind] or note.kind,
    note.time and note.kind ~= "missed" and " " .. fires.time(fires.option(each), note.time) or "", note.text)
end

--- All schedules but those of workflows that were taken out.
local function listed(engine)
  local all = {}
  for _, each in ipairs(stop.check(engine:schedules({ limit = MOST }))) do
    if not is_out(engine, each) then all[#all + 1] = each end
  end
  return all
end

local function list(engine)
  if term.json then
    term.out((stop.check(core.json.encode(core.list(listed(engine))))))
    return 0
  end
  local rows, notes, gone = {}, {}, {}
  for _, each in ipairs(require("ork.cli.moved").gone(engine)) do gone[each.workflow] = ("%s; moved? %s"):format(each.text, each.hint) end
  for _, each in ipairs(listed(engine)) do
    local option = fires.option(each)
    rows[#rows + 1] = { term.line(each.workflow), term.line(fires.rule(option)), state_of(each),
      each.enabled and fires.time(option, each.next_scheduled_at) or "-", fires.time(option, each.last_scheduled_at) }
    local note = note_of(each)
    if note then notes[#notes + 1] = ("%s: %s"):format(each.workflow, note) end
    notes[#notes + 1] = gone[each.workflow]
  end
  if #rows == 0 then
    term.news("no schedules; a script gives its workflow one: schedule = { cron = \"0 2 * * *\" }, then `ork apply`")
    return 0
  end
  for _, line in ipairs(columns({
    { "WORKFLOW", shrink = true }, { "SCHEDULE" }, { "STATE" }, { "NEXT" }, { "LAST" },
  }, rows, term.width())) do term.out(line) end
  for _, note in ipairs(notes) do term.out(term.escape(note)) end
  if not stop.check(engine:served()) then
    term.news("nobody starts runs by them: " .. hint.line("ork serve"))
  end
  return 0
end

local function find(engine, name)
  local found = stop.check(engine:schedules({ name = name, limit = 1 }))[1]
  if found and is_out(engine, found) then stop.check(engine:workflow(name)) end -- says what brings it back
  if found then return found end
  local known = stop.check(engine:workflows({ name = name, limit = 1 }))[1]
  if known then
    stop(4, "workflow `%s` has no schedule; its script gives it one: schedule = { cron = \"0 2 * * *\" }, then `ork apply`", name)
  end
  stop.check(engine:workflow(name)) -- says which there are
  stop(4, "no workflow `%s`", name)
end

local function catchup_of(option)
  if option.catchup ~= "all" then return option.catchup or "latest" end
  return ("all, at most %s"):format(text.plural(option.catchup_limit or CATCHUP_LIMIT, "run"))
end

--- "day=1d before the run's time", a param a line; nil for none.
local function params_of(params)
  local lines = {}
  for name, value in pairs(params) do lines[#lines + 1] = name .. "=" .. definition.value_text(value) end
  table.sort(lines)
  return #lines > 0 and table.concat(lines, "\n") or nil
end

local function show(engine, name)
  local each = find(engine, name)
  if term.json then
    term.out((stop.check(core.json.encode(each))))
    return 0
  end
  local option = fires.option(each)
  fields({
    { "workflow", each.workflow },
    { "schedule", fires.rule(option) },
    { "state", state_of(each) .. (each.off_since and " since " .. text.time(each.off_since) or "") },
    { "dst", option.dst },
    { "catchup", catchup_of(option) },
    { "overlap", option.overlap or "skip" },
    { "jitter", option.jitter_ms and option.jitter_ms > 0 and text.duration(option.jitter_ms) or nil },
    { "params", params_of(option.params or {}) },
    { "last", each.last_scheduled_at and fires.time(option, each.last_scheduled_at) },
    { "note", note_of(each) },
  })
  if each.enabled then fires.tell(option, 5) end
  return 0
end

local function next_times(engine, name, word)
  local n = word == nil and 5 or math.tointeger(tonumber(word))
  if not n or n < 1 or n > 10000 then stop(2, "how many is a whole number from 1 to 10000, not `%s`", word) end
  local each = find(engine, name)
  local document = fires.document(fires.option(each), core.sys.now(), n)
  if term.json then
    term.out((stop.check(core.json.encode(document))))
    return 0
  end
  for _, line in ipairs(fires.lines(document)) do term.out(line) end
  if not each.enabled then term.news(("the schedule is off; switch it on: %s"):format(hint.line("ork schedule %s on", text.word(name)))) end
  return 0
end

local function switch(engine, names, on)
  local changed = {}
  for _, name in ipairs(names) do
    local was = stop.check(engine:schedule_switch(name, on))
    local each = find(engine, name)
    changed[#changed + 1] = { workflow = name, enabled = on, changed = was, next_scheduled_at = each.next_scheduled_at }
    if not term.json then
      local when = on and each.next_scheduled_at and "; next " .. fires.time(fires.option(each), each.next_scheduled_at) or ""
      term.out(term.escape(("%s: %s%s%s"):format(name, was and "" or "already ", on and "on" or "off", when)))
    end
  end
  if term.json then term.out((stop.check(core.json.encode(core.list(changed))))) end
  if on and #names > 0 and not stop.check(engine:served()) then
    term.news("nobody starts runs by it yet: " .. hint.line("ork serve"))
  end
  return 0
end

local function switch_all(options, on)
  local engine <close> = open.change(options)
  local names = {}
  for _, each in ipairs(listed(engine)) do
    if each.enabled ~= on then names[#names + 1] = each.workflow end
  end
  if #names == 0 then
    term.news(("all schedules are %s already"):format(on and "on" or "off"))
    return 0
  end
  confirm(("switch %s %s: %s?"):format(text.plural(#names, "schedule"), on and "on" or "off", text.list(names, 10)), options)
  return switch(engine, names, on)
end

local ACTIONS = { "on", "off", "next" }

local function is_action(word) return word == "on" or word == "off" or word == "next" end

function schedule.run(given)
  local words, options = given.words, given.options
  local name = not options.all and table.remove(words, 1) or nil
  local action, count = words[1], words[2]
  if name and is_action(name) and not (action and is_action(action)) then
    local engine <close> = open.read(options)
    if action or not engine:schedules({ name = name, limit = 1 })[1] then stop(2, "name one: ork schedule NAME %s", table.concat({ name, action }, " ")) end
  end
  if options.all and action ~= "on" and action ~= "off" then stop(2, "--all goes with on or off: ork schedule --all off") end
  if action and action ~= "on" and action ~= "off" and action ~= "next" then
    local near = core.suggest(action, ACTIONS)
    stop(2, "`%s` is none of on, off and next%s", action, near and ("; did you mean `%s`?"):format(near) or "")
  end
  if count and action ~= "next" then stop(2, "`%s` is one word too many: ork %s", count, schedule.usage) end
  if options.all then return switch_all(options, action == "on") end
  if action == "on" or action == "off" then
    local engine <close> = open.change(options)
    find(engine, name)
    return switch(engine, { name }, action == "on")
  end
  local engine <close> = open.read(options)
  if not name then return list(engine) end
  if action == "next" then return next_times(engine, name, count) end
  return show(engine, name)
end

return schedule
