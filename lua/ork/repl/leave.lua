-- SPDX-License-Identifier: MIT
-- The end of a prompt: what becomes of the runs that still work.
local term = require "ork.term"
local text = require "ork.cli.text"

local leave = {}

--- Runs that only this program carries out: { id, workflow }, oldest first.
function leave.live(session)
  local list = {}
  for id, workflow in pairs(session.news.live) do
    if session.engine:owned(id) then list[#list + 1] = { id = id, workflow = workflow } end
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

local function describe(list)
  local names = {}
  for i, run in ipairs(list) do names[i] = ("%s (%s)"):format(text.short(run.id), run.workflow) end
  return text.list(names, 6)
end

local function tell(list, words)
  if #list == 0 then return end
  local ids = {}
  for i = 1, math.min(#list, 6) do ids[i] = text.short(list[i].id) end
  term.message(("left as %s: %s; %s"):format(#list == 1 and "it is" or "they are", describe(list), words:format(table.concat(ids, " "))))
end

local function has_functions(engine, id)
  for _, task in ipairs(engine:tasks(id) or {}) do
    if task.executor_type == "inline" then return true end
  end
  return false
end

--- Says what goes on with them; nothing does with those of a database that ends with the program.
local function tell_left(session, list)
  if session.engine:url():find(":memory:", 1, true) then
    term.message(("ended with the database, which was in memory: %s"):format(describe(list)))
    return
  end
  local commands, functions = {}, {}
  for _, run in ipairs(list) do
    local of = has_functions(session.engine, run.id) and functions or commands
    of[#of + 1] = run
  end
  tell(commands, "what runs goes on, the rest with: ork resume %s")
  tell(functions, "tasks are functions: with the same workflow defined, w:validate() and ork.find(RUN):resume() go on")
end

--- Waits until all have ended; false when Ctrl-C or a signal ends the waiting.
local function wait(session, list)
  term.news(("waiting for %s; Ctrl-C goes back to the prompt"):format(text.plural(#list, "run")))
  return session:guarded(function()
    for _, run in ipairs(list) do
      while session.engine:owned(run.id) do
        local status, why, code = session.engine:wait(run.id, -1)
        if not status and code ~= "ECANCELLED" then error({ stop = true, code = 3, message = why }, 0) end
      end
    end
    session.news:flush()
  end)
end

local function cancel(session, list)
  return session:guarded(function()
    for _, run in ipairs(list) do
      local _, why, code = session.engine:command(run.id, "cancel")
      if why and code and code ~= "ESTATE" then term.message("ork: " .. why) end
    end
  end) and wait(session, list)
end

local answers = { c = "cancel", cancel = "cancel", l = "leave", leave = "leave", w = "wait", wait = "wait" }

--- Asks until an answer was carried out. false: go on with the prompt.
local function ask(session, list)
  term.message(("%s still %s: %s"):format(text.plural(#list, "run"), #list == 1 and "works" or "work", describe(list)))
  local line, why = session.input:read("c cancel, w wait, l leave to be resumed, Enter goes on: ")
  if why == "end" then
    tell_left(session, list)
    return true
  end
  local answer = answers[(line or ""):lower():match("^%s*(.-)%s*$")]
  if not answer then return false end
  if answer == "leave" then
    tell_left(session, list)
    return true
  end
  return (answer == "wait" and wait or cancel)(session, list)
end

--- Leaves all that works as it is.
function leave.all(session)
  local list = leave.live(session)
  if #list > 0 then tell_left(session, list) end
end

--- May the prompt end now? On a terminal the user says what becomes of live runs; without one they are left.
function leave.may_end(session)
  local list = leave.live(session)
  if #list == 0 then return true end
  if session.input.terminal and not session.input.ending then return ask(session, list) end
  tell_left(session, list)
  return true
end

return leave
