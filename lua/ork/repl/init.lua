-- SPDX-License-Identifier: MIT
-- The prompt: reads a chunk, runs it, shows what it gave, and again. An error never ends it.
--
-- The law: Ctrl-C reaches only what the user asked for (core.loop.interruptible): the line, a chunk, a wait. All that this
-- file does itself is short.
local chunk = require "ork.repl.chunk"
local core = require "ork.core"
local history = require "ork.repl.history"
local input = require "ork.repl.input"
local leave = require "ork.repl.leave"
local names = require "ork.repl.names"
local news = require "ork.repl.news"
local run = require "ork.run"
local show = require "ork.repl.show"
local term = require "ork.term"
local text = require "ork.cli.text"

local Session = {}
Session.__index = Session

local MOST_LINES = 5000 -- of one statement
local MOST_FAILURES = 3 -- of the prompt itself, one after the other: then it is none any more

--- Raised by exit() and os.exit().
Session.Leave = setmetatable({}, { __tostring = function() return "the prompt ends" end })

-- ---- making one ------------------------------------------------------------------------------

--- What starting and waiting means here (ork.run.hosted).
local function host(session)
  return {
    open = function(url, read)
      if not url then return session.engine end
      local engine, why, code = require("ork.database").open({ url = url, create = not read, read = read, jobs = session.options.jobs })
      if not engine then return nil, why, code end
      session.others[engine] = true
      engine:on_change(function(change) session.news:note(change) end)
      return engine
    end,
    start = function(engine, begin, workflow)
      local tasks = core.task_names(workflow)
      local id, how, code = begin()
      if id then session:begun(engine, id, how, workflow.name, tasks) end
      return id, how, code
    end,
    wait = function(engine, id, ms)
      local status, why, code = engine:wait(id, ms)
      session.news:flush()
      if status then return status end
      return nil, why, code
    end,
  }
end

--- options: of the command line; path: the script or nil.
local function new_session(options, path)
  local self = setmetatable({
    options = options, path = path, by_name = {}, made = { hosted = true }, declared = { _ = true },
    others = setmetatable({}, { __mode = "k" }), leaving = false, failed = false,
  }, Session)
  self.engine = require "ork.repl.engine"(options)
  self.news = news.new(function(lines) self.input:above(lines) end)
  self.workflows = setmetatable({}, {
    __index = function(_, name) return self:workflow(name) end,
    __tostring = function() return self:workflows_text() end,
    __pairs = function() return next, self:all_workflows() end,
    __call = function(_, ...) return self.helpers.applied(...) end,
    __name = "ork.workflows",
  })
  names.add(self)
  require("ork.repl.help").use(self.helpers)
  self.input = input.open(function(line, cursor) return require("ork.repl.complete").at(self, line, cursor) end)
  self.input.stop = function()
    if self.engine:is_open() then self.engine:suspend() else require("ork.edit").stop() end
  end
  self.input.on_problem = function(problem) self.input:above(show.error({ raised = problem, frames = {} }, "")) end
  self.engine:tell(function(change) self.news:note(change) end)
  return self
end

--- Workflows of the script and those made at the prompt, by name.
function Session:all_workflows()
  local all = {}
  for _, workflow in ipairs(self.made) do all[workflow.name] = workflow end
  for name, workflow in pairs(self.by_name) do all[name] = workflow end
  return all
end

function Session:workflow(name) return self:all_workflows()[name] end

function Session:workflows_text()
  local list, lines = {}, {}
  for name in pairs(self:all_workflows()) do list[#list + 1] = name end
  table.sort(list)
  for i, name in ipairs(list) do
    local options = core.json.decode((core.options_json(self:workflow(name)))) or {}
    lines[i] = ("%s  (%s)%s"):format(name, text.plural(core.task_count(self:workflow(name)), "task"),
      options.description and "  " .. options.description or "")
  end
  return #lines > 0 and table.concat(lines, "\n") or "no workflows yet"
end

--- A run of ours begins or goes on.
function Session:begun(engine, id, how, workflow, tasks)
  self.last_run = id
  if how == "finished" then
    term.news(("run %s of %s has this key and ended before"):format(text.short(id), workflow))
  elseif how == "watched" then
    term.news(("run %s of %s is carried out by another program"):format(text.short(id), workflow))
  else
    if engine:owned(id) then self.news:expect(id, workflow, tasks) end
    term.news(("run %s of %s: %s"):format(text.short(id), workflow, text.plural(#tasks, "task")))
  end
end

--- The same for a handle.
function Session:expect(handle)
  self.last_run = handle.id
  if self.engine:owned(handle.id) then self.news:expect(handle.id, handle.workflow) end
end

-- ---- the script ------------------------------------------------------------------------------

--- Loads it, tells its mistakes, and takes its workflows. Returns whether all was well.
function Session:load()
  local definition = require "ork.cli.definition"
  local loaded = require("ork.loader").load(self.path, { arg = { [0] = self.path }, stop_at_start = true })
  definition.warn(loaded.warnings)
  definition.tell(loaded.problems)
  if #loaded.problems > 0 then return false end
  self.by_name = loaded.by_name
  if loaded.started then
    term.news(("%s starts runs itself; it was loaded up to the first one"):format(self.path))
  end
  for _, name in ipairs(names.hidden(self)) do
    term.news(("`%s` is also a name of the prompt: the workflow is workflows.%s"):format(name, name))
  end
  return true
end

function Session:reload()
  if not self.path then error("there is no script to load again; start with: ork repl SCRIPT", 2) end
  if not self:load() then error({ stop = true, code = 2, message = "the workflows are as they were before" }, 0) end
  return self.workflows
end

-- ---- running chunks --------------------------------------------------------------------------

--- Runs f so that Ctrl-C ends it; tells what went wrong. Returns whether it ended by itself, and its results.
function Session:guarded(f, typed)
  local results = table.pack(core.loop.interruptible(f, function(problem)
    if problem == input.Interrupted then return problem end
    return show.traceback(problem, Session.Leave)
  end))
  local ending, ok, problem = results[1], results[2], results[3]
  self.input.ending = ending or self.input.ending
  if ok then return true, table.pack(table.unpack(results, 3, results.n)) end
  self.news:flush()
  if problem == input.Interrupted then
    if not ending then term.message("interrupted") end
  elseif problem == Session.Leave or problem == term.Closed then
    self.leaving = true
    return false
  elseif type(problem) == "table" and rawget(problem, "stop") then
    if problem.message then term.message("ork: " .. term.escape(problem.message)) end
  elseif type(problem) == "table" and rawget(problem, "frames") then
    term.message(show.error(problem, typed or ""))
  else -- the handler itself was interrupted or ran out of memory or stack
    term.message(term.escape(tostring(problem)))
  end
  self.failed = true
  return false
end

function Session:tell_kept(kept)
  for _, name in ipairs(kept) do self.declared[name] = true end
  if #kept == 0 or self.told_locals then return end
  self.told_locals = true
  term.news(term.paint("dim", ('-- `%s` is kept for the next lines, as a global (help "locals")'):format(kept[1]), "err"))
end

function Session:evaluate(compiled, typed)
  local ok, values = self:guarded(compiled.f, typed)
  self.news:flush()
  if not ok then return end
  self:tell_kept(compiled.kept)
  if values.n == 0 then return end
  if values[1] ~= nil then rawset(self.env, "_", values[1]) end
  local failure
  self:guarded(function() failure = show.values(values) end)
  if failure then
    self.failed = true
    term.message(term.paint("red", term.escape(failure), "err"))
  end
end

--- What print and progress of functions write.
function Session:print(line)
  if self.input.typing then self.input:above(line) else term.out(line) end
end

-- ---- the conversation ------------------------------------------------------------------------

--- Reads lines until they are a whole chunk. Returns it and its text; nil and "end", or nil for what was cleared or refused.
function Session:read_chunk()
  local lines, prompt = {}, "> "
  while true do
    local line, why = self.input:read(prompt)
    if not line then
      if why == "end" and #lines > 0 then
        self.failed = true
        term.message(term.escape(chunk.unfinished(table.concat(lines, "\n")) or "the input ends inside a statement"))
        if self.input.terminal and not self.input.ending and not self.input.over then return nil, "cleared" end
      elseif why == "long" then
        self.failed = true
        term.message("the line is too long; it was skipped")
      end
      return nil, why
    end
    lines[#lines + 1] = line
    local typed = table.concat(lines, "\n")
    local compiled, message = chunk.compile(typed, self.env)
    if compiled or message ~= "more" or #lines > MOST_LINES then
      if self.history and self.history:add(typed) then self.input:remember(typed) end
      if compiled then return compiled, typed end
      self.failed = true
      term.message(term.paint("red", term.escape(message == "more" and "the statement is too long" or message), "err"))
      return nil
    end
    prompt = ">> "
  end
end

--- One chunk, read and run. true: the prompt is over.
function Session:turn()
  local compiled, typed = self:read_chunk()
  if compiled then
    require("ork.problems").remember(chunk.NAME, typed)
    self:evaluate(compiled, typed)
  end
  if not self.leaving and (compiled or typed ~= "end") then return false end
  self.leaving = false
  if leave.may_end(self) or self.input.over then return true end
  self.exit_code = nil
  return false
end

function Session:converse()
  local failures = 0
  while true do
    local ok, over = xpcall(self.turn, function(problem)
      return problem == term.Closed and problem or debug.traceback(tostring(problem), 2)
    end, self)
    if ok and over then return end
    if ok then
      failures = 0
    elseif over == term.Closed then -- nobody reads any more
      leave.all(self)
      return
    else
      failures = failures + 1
      if failures == MOST_FAILURES then error(over, 0) end
      term.message("ork: " .. term.escape(over))
    end
  end
end

function Session:greet()
  local where = self.path and next(self.by_name) and "  " .. self.path .. ": " .. self:names_line() or ""
  term.news(("ork %s%s   (help, Ctrl-D ends)"):format(core.version, where))
end

function Session:names_line()
  local list = {}
  for name in pairs(self.by_name) do list[#list + 1] = name end
  table.sort(list)
  return text.list(list, 6)
end

function Session:close()
  core.loop.on_interrupt()
  self.input:close()
  for engine in pairs(self.others) do engine:close() end
  self.engine:shut()
end

--- The modules of a program beside its script, else of the folder where the user stands.
local function add_module_path(path)
  local folder = path and (path:match("^(.*)/[^/]*$") or ".") or "."
  folder = core.sys.realpath(folder)
  if folder then package.path = package.path .. (";%s/?.lua;%s/?/init.lua"):format(folder, folder) end
end

--- Runs a prompt to its end. Returns the exit code.
return function(options, path)
  local self = new_session(options, path)
  require("ork.cli.open").lend(self.engine)
  run.hosted(host(self))
  core.loop.on_interrupt(input.Interrupted, function()
    self.engine:interrupt()
    for engine in pairs(self.others) do engine:interrupt() end
  end)
  add_module_path(path)
  core.collect(self.made) -- while a script loads it collects for itself
  if path then self:guarded(function() self.failed = not self:load() or self.failed end) end
  if self.input.terminal then
    self:greet()
    self.history = history.open()
    for _, entry in ipairs(self.history.entries) do self.input:remember(entry) end
  end
  self:converse()
  self:close()
  if self.input.ending == 15 then return 143 end
  if self.exit_code then return self.exit_code & 0xFF end
  return self.failed and not self.input.terminal and 1 or 0
end
