-- SPDX-License-Identifier: MIT
-- `ork serve`: the scheduler that stays up. Everything it does is the engine's; here are its signals, its log and its scripts.
--
-- Scripts are not loaded here but by a child, `ork apply`: one that loops for ever or eats memory while it loads costs nothing but
-- itself, and this program stays as small as it began. The child's commit rings the bell like any other program's. Where only one
-- program may write, the child applies to a database aside, and what it put there is applied from there.
local core = require "ork.core"
local database = require "ork.database"
local loop = core.loop
local open = require "ork.cli.open"
local retention = require "ork.cli.retention"
local script_trouble = require "ork.cli.script_trouble"
local stop = require "ork.cli.stop"
local sys = core.sys
local term = require "ork.term"
local text = require "ork.cli.text"

local serve = {
  name = "serve",
  usage = "serve [SCRIPT...]",
  summary = "Stays up: starts runs by schedules and carries out what others leave",
  text = [[
Takes up runs that nobody carries out (of `ork trigger`, and of programs that died), and starts runs of applied workflows by their schedules.
Scripts that are named are applied first, again on SIGHUP, and with --watch whenever one of their files changes; one that does not load,
or is not there, leaves the definition that was, and shows in `ork status`.

SIGTERM or Ctrl-C: nothing new is started, runs are given back as they stand, and the program ends within a second; processes of tasks go on and
are found again by the next `ork serve`. Messages go to stderr, a line each: time, level, event, key=value.]],
  examples = {
    { "ork serve etl.lua", "apply the script, then start its runs by its schedule" },
    { "ork serve jobs/*.lua --watch", "and apply scripts again when they change" },
    { "ork serve", "what is applied already" },
  },
  words = { 0 },
  options = {
    { "watch", false, "apply scripts again when they, or modules they load, change" },
    { "jobs", "N", "at most so many processes at once (default: twice the cores)", kind = "count", short = "j" },
  },
}

local APPLY_MS = core.sys.duration(os.getenv("ORK_LOAD_TIMEOUT") or "") or 60000 -- a script that takes longer to load is given up
local QUIET_MS = 150 -- after a change of a file: editors write several times

-- ---- the log ---------------------------------------------------------------------------------

local ESCAPED = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

--- A value of a log line, as base/log.c writes them: as it is, or as a JSON string.
local function value_of(value)
  value = tostring(value)
  if value ~= "" and not value:find('[%s%c"=\\]') then return value end
  return '"' .. value:gsub('[%c"\\]', function(c) return ESCAPED[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

--- log("info", "run ended", { { "run", id }, … })
local function log(level, event, pairs_of)
  local parts = { event }
  for _, pair in ipairs(pairs_of or {}) do
    if pair[2] ~= nil then parts[#parts + 1] = pair[1] .. "=" .. value_of(pair[2]) end
  end
  core.log(level, table.concat(parts, " "))
end

local function first_line(words) return words and words:match("^[^\n]*") end

local function tell_task(change)
  local to = change.to
  if to == "pending" and change.retry_at then
    log("warning", "task will be tried again", { { "run", change.run_id }, { "workflow", change.workflow }, { "task", change.task },
      { "attempt", change.attempt }, { "kind", change.kind }, { "error", first_line(change.error) },
      { "at", sys.format_time(change.retry_at) } })
  elseif to == "failed" then
    log("warning", "task failed", { { "run", change.run_id }, { "workflow", change.workflow }, { "task", change.task },
      { "attempt", change.attempt }, { "kind", change.kind }, { "error", first_line(change.error) } })
  elseif term.verbose and (to == "running" or to == "success" or to == "skipped" or to == "cancelled") then
    log("info", "task " .. to, { { "run", change.run_id }, { "workflow", change.workflow }, { "task", change.task },
      { "took_ms", change.took_ms } })
  end
end

local ENDED = { success = "info", failed = "error", cancelled = "warning" }

local function tell_change(change)
  if change.task then return tell_task(change) end
  if change.to == "running" and change.from ~= "paused" then
    log("info", "run started", { { "run", change.run_id }, { "workflow", change.workflow } })
  elseif ENDED[change.to] then
    log(ENDED[change.to], "run ended", { { "run", change.run_id }, { "workflow", change.workflow }, { "status", change.to },
      { "error", first_line(change.error) } })
  end
end

-- ---- scripts ---------------------------------------------------------------------------------

local Scripts = {}
Scripts.__index = Scripts

--- Also of a file that is not there: where it would be.
local function full_path(path)
  local dir, name = path:match("^(.*)/([^/]*)$")
  local folder = sys.realpath(dir == "" and "/" or dir or ".")
  if not folder then return path:sub(1, 1) == "/" and path or sys.realpath(".") .. "/" .. path end
  return sys.realpath(path) or (folder == "/" and "" or folder) .. "/" .. (name or path)
end

--- paths: as given; db: the URL that `ork apply` gets, unless that database is not shared.
local function new_scripts(paths, db, watch)
  local self = setmetatable({ db = db, shared = database.is_shared(db), watch = watch, list = {}, busy = nil, watchers = {}, dirs = {} }, Scripts)
  local any = #paths == 0
  for i, path in ipairs(paths) do
    any = any or sys.stat(path) == "file"
    self.list[i] = { path = path, full = full_path(path), dirty = true }
  end
  if not any then stop(2, "no script `%s`", paths[1]) end -- what is named was mistyped; beside others it is trouble like any
  return self
end

local function tell_applied(script, documents)
  for _, each in ipairs(documents) do
    if each.how ~= "same" and each.how ~= "removed" then
      log("info", "workflow applied", { { "workflow", each.workflow }, { "version", each.version }, { "was", each.was },
        { "script", script.path }, { "next", each.next_scheduled_at } })
    end
  end
end

--- The file of the database aside.
local function aside_of(engine) return engine:data_dir() .. "/apply.db" end

local function remove_aside(engine)
  for _, suffix in ipairs({ "", "-wal", "-shm", "-turn", "-bell" }) do os.remove(aside_of(engine) .. suffix) end
end

--- Applies what a child left aside. documents: the child's, which then tell what became of them here.
local function take_over(engine, documents)
  local aside <close>, why = core.open({ url = "sqlite:" .. aside_of(engine), read = true })
  if not aside then return nil, why end
  local workflows = {}
  for i, each in ipairs(documents) do
    workflows[i], why = aside:workflow(each.workflow)
    if not workflows[i] then return nil, why end
  end
  local outcomes
  outcomes, why = engine:apply(workflows, core.list({}))
  if not outcomes then return nil, why end
  for i, each in ipairs(documents) do
    local now = outcomes[i]
    each.was, each.version = now.was, now.version
    each.how = not now.was and "new" or now.was == now.version and "same" or "changed"
    local schedule = engine:schedules({ name = each.workflow, limit = 1 })
    each.next_scheduled_at = schedule and schedule[1] and schedule[1].next_scheduled_at
  end
  return documents
end

--- Workflows that were applied from the script and are not defined there any more; they stay as they are.
local function find_gone(script, documents, engine)
  local there, gone = {}, {}
  for _, each in ipairs(documents) do there[each.workflow] = true end
  for _, row in ipairs(engine:workflows({ applied = true }) or {}) do
    if row.script_path == script.full and not there[row.name] then
      gone[#gone + 1] = row.name
      log("warning", "workflow is not defined there any more", { { "workflow", row.name }, { "script", script.path },
        { "hint", ("ork apply --prune %s takes it out"):format(text.word(script.path)) } })
    end
  end
  return gone
end

function Scripts:finish(script, result, engine)
  local documents = result.code == 0 and core.json.decode(result.out)
  local words = result.err:gsub("^%s+", ""):gsub("%s+$", ""):gsub("\nnothing was applied$", "")
  if documents and not self.shared then
    local why
    documents, why = take_over(engine, documents)
    words = why or words
  end
  if not self.shared then remove_aside(engine) end
  if script.late then words = ("it did not come to an end of loading within %s; does it loop?"):format(core.sys.format_duration(APPLY_MS)) end
  self:look_at(documents or {}, script)
  if documents then
    tell_applied(script, documents)
  else
    words = words ~= "" and words or ("ork apply ended with %s"):format(result.code or "signal " .. tostring(result.signal))
    log("error", "script is not applied", { { "script", script.path }, { "error", words } })
  end
  stop.check(engine:script_error(script.full, not documents and words or nil))
  script.wrong = not documents and words or nil
  script.gone = documents and find_gone(script, documents, engine) or script.gone
  self:tell_trouble(engine)
end

function Scripts:tell_trouble(engine)
  local list = {}
  for _, each in ipairs(self.list) do
    if #(each.gone or {}) > 0 then
      list[#list + 1] = { script_path = each.full, gone = core.list(each.gone),
        script_error = ("applied from there before, not defined there any more: %s"):format(text.list(each.gone, 10)) }
    end
    if each.wrong then list[#list + 1] = { script_path = each.full, script_error = each.wrong } end
  end
  script_trouble.write(engine:data_dir(), list)
end

--- With --watch: the folders of its files.
function Scripts:look_at(documents, script)
  if not self.watch then return end
  local dirs = { [script.full:match("^(.*)/[^/]*$") or "/"] = true }
  for _, each in ipairs(documents) do
    for _, file in ipairs(each.files or {}) do dirs[file:match("^(.*)/[^/]*$") or "/"] = true end
  end
  for dir in pairs(dirs) do
    self.dirs[dir] = self.dirs[dir] or {}
    self.dirs[dir][script] = true
    if not self.watchers[dir] then
      local watcher, why = loop.watch(dir, function(name)
        if name and not name:find("%.lua$") and not name:find("%.json$") then return end
        for each in pairs(self.dirs[dir]) do each.dirty = true end
        self:soon()
      end)
      if watcher then self.watchers[dir] = watcher else log("warning", "changes of scripts are not noticed", { { "error", why } }) end
    end
  end
end

--- Applies what is dirty once files have been quiet.
function Scripts:soon()
  if self.timer then self.timer:close() end
  self.timer = loop.timer(QUIET_MS, function()
    self.timer = nil
    self.wake()
  end)
end

--- Starts the child for the next dirty script; done() when it has ended. False: none is dirty.
function Scripts:apply_next(engine, done)
  for _, script in ipairs(self.list) do
    local kind = script.dirty and sys.stat(script.path)
    if script.dirty and kind ~= "file" then
      script.dirty, script.late = false, false
      self:finish(script, { code = 2, out = "", err = kind == "folder" and "it is a folder" or "there is no such file" }, engine)
    elseif script.dirty then
      script.dirty, script.late = false, false
      local process, why
      local limit = loop.timer(APPLY_MS, function()
        script.late = true
        process:kill()
      end)
      process, why = loop.process({
        argv = { "/proc/self/exe", "apply", "--json", "--db", self.shared and self.db or "sqlite:" .. aside_of(engine), "--", script.path }, max_output = 1 << 20,
      }, function(result)
        limit:close()
        self.busy = nil
        done(script, result)
      end)
      self.busy = process
      if not process then
        limit:close()
        log("error", "script is not applied", { { "script", script.path }, { "error", why } })
        return self:apply_next(engine, done)
      end
      return true
    end
  end
  return false
end

function Scripts:close()
  if self.busy then self.busy:close() end
  if self.timer then self.timer:close() end
  for _, watcher in pairs(self.watchers) do watcher:close() end
end

-- ---- the loop --------------------------------------------------------------------------------

local Server = {}
Server.__index = Server

function Server:take_signals()
  local function on(name, f)
    self.watchers[#self.watchers + 1] = loop.signal(name, function()
      f()
      if self.engine then self.engine:interrupt() end
    end)
  end
  local function ending()
    if self.ending then os.exit(0) end -- once more: at once; what is stored is stored
    self.ending = true
  end
  on("int", ending)
  on("term", ending)
  on("hup", function()
    log("info", "reloading")
    core.notify("RELOADING=1")
    self.reloading = true
    for _, script in ipairs(self.scripts.list) do script.dirty = true end
  end)
end

--- Applies dirty scripts, one after the other, while the engine goes on working.
function Server:apply_scripts()
  if self.scripts.busy then return end
  local results = {}
  local begun = self.scripts:apply_next(self.engine, function(script, result)
    results[1], results[2] = script, result
    self.applied = results
    self.engine:interrupt()
  end)
  if not begun and not self.ready then
    self.ready = true
    core.notify("READY=1")
  elseif not begun and self.reloading then
    self.reloading = nil
    core.notify("READY=1")
  end
end

function Server:open()
  self.engine = open.run({ db = self.options.db, data = self.options.data, jobs = self.options.jobs, verbose = true })
  self.engine:on_change(tell_change)
  stop.check(self.engine:serve())
end

--- Workflows whose folder is gone, or that work in the folder that this project is a copy of.
function Server:tell_moved()
  local moved = require "ork.cli.moved"
  for _, each in ipairs(moved.gone(self.engine)) do
    log("warning", "the script's folder is gone", { { "workflow", each.workflow }, { "folder", each.folder }, { "hint", each.hint } })
  end
  for _, row in ipairs(self.engine:workflows({ applied = true }) or {}) do
    local words = moved.copied(self.engine, row.script_path)
    if words then log("warning", "a copy of a project", { { "workflow", row.name }, { "note", words } }) end
  end
end

function Server:describe()
  local on = #stop.check(self.engine:schedules({ enabled = true, limit = 1000 }))
  log("info", "serving", { { "database", self.engine:url() }, { "schedules", on == 1000 and "1000+" or on } })
  self:tell_moved()
end

--- What retention does not keep goes; whatever interrupts it comes first.
function Server:forget_old_runs()
  local removed = 0
  local ok, why, code = retention.run_once(self.engine, function(workflow, document)
    removed = removed + document.runs
    log("info", "old runs removed", { { "workflow", workflow }, { "runs", document.runs }, { "tasks", document.tasks },
      { "log_bytes", document.log_bytes } })
  end)
  self.clock.done(not ok)
  core.sys.rest()
  if ok and term.verbose then log("info", "history looked at", { { "removed", removed } }) end
  if ok or code == "EFENCED" then return ok, why, code end
  if code ~= "ECANCELLED" then log("warning", "old runs are not removed", { { "error", why } }) end
  return true
end

--- Until a signal ends it.
function Server:run()
  while not self.ending do
    if self.applied then
      local done = self.applied
      self.applied = nil
      self.scripts:finish(done[1], done[2], self.engine)
    end
    self:apply_scripts()
    local ok, why, code
    if self.clock.due then
      ok, why, code = self:forget_old_runs()
    else
      ok, why, code = self.engine:run_loop()
    end
    if not ok and code == "EFENCED" then
      log("warning", "another scheduler took over; beginning anew", { { "error", why } })
      self.engine:close()
      self:open()
    elseif not ok then
      stop.check(nil, why, code)
    end
  end
end

function serve.run(given)
  local options = given.options
  if options.watch and #given.words == 0 then stop(2, "--watch goes with scripts: ork serve SCRIPT --watch") end
  local found, why = database.locate({ url = options.db, create = true })
  if not found then stop(3, "%s", why) end
  local server = setmetatable({ options = options, watchers = {}, scripts = new_scripts(given.words, found.url, options.watch) }, Server)
  core.log_style(os.getenv("JOURNAL_STREAM") and "journal" or "stamped")
  server:take_signals()
  server:open()
  server.scripts.wake = function() server.engine:interrupt() end
  server.clock = retention.clock(function() server.engine:interrupt() end)
  server.scripts:tell_trouble(server.engine)
  server:describe()
  server:run()
  core.notify("STOPPING=1")
  server.clock.close()
  server.scripts:close()
  script_trouble.write(server.engine:data_dir(), {})
  server.engine:hand_over()
  server.engine:close()
  for _, watcher in ipairs(server.watchers) do watcher:close() end
  log("info", "ended")
  return 0
end

return serve
