-- SPDX-License-Identifier: MIT
-- Loading a script to define workflows: in the strict environment, with everything it consists of captured for the
-- snapshot, and every mistake told at once.
local compiled = require "ork.code"
local core = require "ork.core"
local modules = require "ork.modules"
local place = require "ork.place"
local problems = require "ork.problems"
local source = require "ork.source"
local strict = require "ork.strict"
local truth = require "ork.truth"

local loader = {}

local stop = setmetatable({}, { __tostring = function() return "the script starts a run here" end })

--- The session of the script that is being loaded, or nil.
local current

-- ---- sessions --------------------------------------------------------------------------------

local session_methods = {}
session_methods.__index = session_methods

function session_methods.warn(self, p) self.warnings[#self.warnings + 1] = p end
function session_methods.add(self, p) self.problems[#self.problems + 1] = p end

--- A chunk name that is never taken for one of Ork's own files.
local function chunk_name(file)
  if place.is_own("@" .. file) then return "@./" .. file end
  return "@" .. file
end

--- A mistake in the syntax as a problem; the message begins with the chunk's short name.
local function syntax_error(file, message)
  if message:find("^C stack overflow") then -- raised, not returned: without a place, with whatever a message handler adds
    return { code = "EDEF", file = file, line = 1, text = "is nested too deeply: at most about 200 brackets or blocks within each other" }
  end
  local short = debug.getinfo(load("", chunk_name(file)), "S").short_src
  local line, text = message:match("^:(%d+): (.*)$", #short + 1)
  return { code = "EDEF", file = file, line = tonumber(line) or 0, text = text or message,
    hint = text and text:find("near '[<>][<>]'$") and "tasks are ordered by no operator: a task names those before it, depends_on = { … }"
      or not file:find("%.lua$") and "is it a Lua script?" or nil }
end

local function new_session(path, opts)
  local folder, name = path:match("^(.*)/([^/]*)$")
  local session = setmetatable({
    path = path, folder = folder or "", name = name or path, arg = opts.arg or { [0] = path },
    stop_at_start = opts.stop_at_start or opts.twice or false,
    files = {}, chunks = {}, modules = {}, loaded = {}, loading = {}, problems = {}, warnings = {}, workflows = {},
    chunk_name = chunk_name, syntax_error = syntax_error, done = false, started = false, kept = opts.kept,
  }, session_methods)
  if path:find("^/[^/]*$") then session.folder = "/" end
  session.require = modules.require(session)
  session.read = function(file) return modules.read(session, file) end
  session.env = strict.new(session)
  return session
end

local function message_handler(message)
  if message == stop then return stop end
  if type(message) == "table" and getmetatable(message) == nil and message.text then return message end
  if type(message) ~= "string" then
    local meta = debug.getmetatable(message)
    message = meta and meta.__tostring and tostring(message) or ("error raised with a %s as its message"):format(type(message))
  end
  if message == problems.raised then return { raised = true } end
  local text, file, line = place.of_error(message, 2)
  return { code = "EDEF", file = file, line = line or 0, text = text }
end

-- ---- the file --------------------------------------------------------------------------------

--- Scripts beside a path that is not there, for a suggestion.
local function similar(path)
  local folder, name = path:match("^(.*/)([^/]*)$")
  folder, name = folder or "", name or path
  local names = {}
  for _, file in ipairs(core.files(folder == "" and "." or folder) or {}) do
    names[#names + 1] = file:match("^(.*)%.lua$")
  end
  table.sort(names)
  local near = core.suggest((name:gsub("%.lua$", "")), names)
  if near then return ("did you mean %s.lua?"):format(folder .. near) end
  if #names == 0 then return nil end
  local more = #names > 5 and ", …" or ""
  return ("there are %s.lua%s"):format(table.concat(names, ".lua, ", 1, math.min(5, #names)), more)
end

local function absolute_folder(session)
  local full = core.sys and core.sys.realpath(session.folder == "" and "." or session.folder)
  return full or session.folder
end

local function read_script(session)
  local full = utf8.len(session.path) and absolute_folder(session)
  if not full or not utf8.len(full) then
    session:add({ code = "EINVAL", file = session.path, line = 0, text = ("%s is not UTF-8 text, which a database keeps; rename it"):format(
      full and "the name of its folder" or "its name") })
    return nil
  end
  local text, why = modules.read_file(session.path)
  if not text then
    if why:find("Is a directory", 1, true) then
      session:add({ code = "ENOTFOUND", file = session.path, line = 0, text = "is a folder, not a script" })
    elseif why:find("No such file", 1, true) then
      session:add({ code = "ENOTFOUND", file = session.path, line = 0, text = "no such script", hint = similar(session.path) })
    else
      session:add({ code = "EIO", file = session.path, line = 0, text = why:gsub("^.-: ", "", 1) })
    end
    return nil
  end
  if text:find("^\27") then
    session:add({ code = "EDEF", file = session.path, line = 0, text = "is compiled Lua; a script is text" })
    return nil
  end
  if not utf8.len(text) then
    local _, at = utf8.len(text)
    local _, before = text:sub(1, at):gsub("\n", "")
    session:add({ code = "EDEF", file = session.path, line = before + 1, text = "is not UTF-8 text; save it as UTF-8" })
    return nil
  end
  return source.blank(text)
end

-- ---- what came back --------------------------------------------------------------------------

local function list_names(workflows)
  local names = {}
  for i, w in ipairs(workflows) do names[i] = ("`%s`"):format(w.name) end
  return table.concat(names, ", ")
end

local wanted = "a script returns a workflow or a list of workflows"

local function describe(value)
  if type(value) == "table" then return next(value) == nil and "an empty table" or "a table" end
  if type(value) == "userdata" then return tostring(value) end
  return type(value) == "string" and "a text" or "a " .. type(value)
end

--- The workflows among what the script returned, or nil and what is wrong.
local function pick_returned(session, returned)
  if returned.n == 0 or returned[1] == nil then
    if #session.workflows == 0 then return nil, "the script returns nothing; " .. wanted end
    return nil, ("the script returns nothing; end it with `return` and the workflow it defines (%s)"):format(list_names(session.workflows))
  end
  local list = returned
  if returned.n == 1 and type(returned[1]) == "table" then list = returned[1] end
  if list ~= returned and next(list) == nil then return nil, "the script returns an empty table; " .. wanted end
  local count = 0
  for key, value in next, list do
    if list == returned and key == "n" then goto continue end
    if not core.is_workflow(value) then
      local what = list ~= returned and ("a table with %s in it"):format(describe(value)) or describe(value)
      return nil, ("the script returns %s; %s"):format(what, wanted)
    end
    if math.type(key) ~= "integer" then
      return nil, ("the script returns a table with the key `%s`; %s"):format(tostring(key), wanted)
    end
    count = count + 1
    ::continue::
  end
  if count ~= #list then return nil, "the script returns a list with holes; " .. wanted end
  return table.move(list, 1, #list, 1, {})
end

local function check_names(session, workflows)
  local by_name, all = {}, {}
  local function second(w)
    if all[w.name] and all[w.name] ~= w then
      local file, line = core.workflow_place(w)
      local _, first = core.workflow_place(all[w.name])
      session:add({ code = "EDEF", file = file, line = line, text = ("a second workflow is called `%s`; the first is in line %d"):format(w.name, first) })
    end
    all[w.name] = all[w.name] or w
  end
  for _, w in ipairs(workflows) do
    second(w)
    by_name[w.name] = by_name[w.name] or w
  end
  for _, w in ipairs(session.workflows) do -- workers find functions by the name of their workflow
    if core.is_inner(w) and by_name[w.name] ~= w then second(w) end
  end
  for _, w in ipairs(session.workflows) do
    if not by_name[w.name] and not core.is_inner(w) and not session.started and #session.problems == 0 then
      local file, line = core.workflow_place(w)
      session:warn({ code = "EDEF", file = file, line = line, text = ("workflow `%s` is defined but not returned, so it cannot be run"):format(w.name) })
    end
  end
  return by_name
end

-- ---- the snapshot ----------------------------------------------------------------------------

--- Gives a workflow the sources it was made of; given: those that the script gives, of which who runs it has to name one.
local function attach(session, w, given)
  local names = {}
  for i, each in ipairs(given) do names[i] = each.name end
  table.sort(names)
  local ok, why = core.source(w, { main = session.name, files = session.files, modules = session.modules,
    workflows = core.list(names) }, absolute_folder(session))
  if not ok then session:add({ code = "EDEF", file = session.path, line = 0, text = why }) end
end

--- Mistakes and warnings of a workflow, sealed when `seal`.
local function take_problems(session, w, seal)
  local mistakes = {}
  for _, p in ipairs(seal and core.seal(w) or core.problems(w)) do
    local warning = p.warning
    p.warning = nil
    if warning then session:warn(p) else mistakes[#mistakes + 1] = p end
  end
  table.move(mistakes, 1, #mistakes, #session.problems + 1, session.problems)
end

-- ---- loading ---------------------------------------------------------------------------------

--- Files of Python functions that the text names: one process tells the types of all. A worker asks for none.
local function python_files(text)
  local files, seen = {}, {}
  for file in text:gmatch("%f[%w_]python%s*=%s*[\"']([^\"'\n:]+%.py)[:\"']") do
    if not seen[file] then files[#files + 1] = file end
    seen[file] = true
  end
  return files
end

local function run_script(session, text)
  compiled.begin()
  session.files[session.name] = text
  session.chunks[session.name] = session.path
  problems.remember(session.path, text)
  local chunk, why = load(text, chunk_name(session.path), "t", session.env)
  if not chunk then
    session:add(syntax_error(session.path, why))
    return nil
  end
  local outer, collected, pools = current, core.collect(session.workflows), core.pools({})
  local home = core.python_home(not session.kept and absolute_folder(session), python_files(text))
  current = session
  local returned = table.pack(xpcall(chunk, message_handler, table.unpack(session.arg)))
  if not returned[1] then
    local p = returned[2]
    if p == stop then
      session.started = true
    elseif not p.raised then
      session:add(p)
    end
    returned = nil
  end
  return returned and table.pack(table.unpack(returned, 2, returned.n)), function()
    current = outer
    core.collect(collected)
    core.pools(pools)
    core.python_home(home)
  end
end

--- Warns of names that functions of the script and of modules beside it read, and nobody defined.
local function find_undefined(session)
  for relative, file in pairs(session.chunks) do
    local chunk = load(session.files[relative], chunk_name(file), "t", {})
    for _, each in ipairs(chunk and strict.undefined(session.env, chunk) or {}) do
      session:warn({ code = "EDEF", file = file, line = each.line, text = each.text, hint = each.hint })
    end
  end
end

--- What a script that ran to its end gave: workflows, attached and sealed.
local function finish(session, returned, text)
  local workflows = session.workflows
  if not session.started and returned then
    local why
    workflows, why = pick_returned(session, returned)
    if not workflows then
      local _, last = text:gsub("\n", "")
      session:add({ code = "EDEF", file = session.path, line = last + (text:find("\n$") and 0 or 1), text = why })
      workflows = {}
    end
  elseif not session.started then
    workflows = {}
  end
  modules.capture_required(session, function(file, why) session:add(syntax_error(file, why)) end)
  local returned_set = {}
  for _, w in ipairs(workflows) do
    attach(session, w, workflows)
    returned_set[w] = true
  end
  for _, each in ipairs(truth.find(text)) do
    session:warn({ code = "EDEF", file = session.path, line = each.line, text = ("`%s` is a reference, which Lua takes for true "
      .. "whatever its value will be; what depends on it is decided in the run: when = %s, or by the command"):format(each.text, each.text) })
  end
  local failed = #session.problems > 0
  if not failed then find_undefined(session) end
  for _, w in ipairs(session.workflows) do take_problems(session, w, returned_set[w] and not failed) end
  return workflows, check_names(session, workflows)
end

local function paths_of(session)
  local paths = {}
  for name in pairs(session.files) do paths[#paths + 1] = session.folder == "" and name or session.folder .. "/" .. name end
  table.sort(paths)
  return paths
end

local slow = package.preload["ork.slow"] and require "ork.slow" -- in the program; it has the signals of a process that is its own
local SLOW_MS = core.sys.duration(os.getenv("ORK_LOAD_NOTICE") or "") or 10000
local watched = false

--- Tells who waits when the script takes long to load; to be closed.
local function watch(path)
  if not slow or watched then return nil end
  watched = true
  slow(("still loading %s; does it loop, or wait for something? Ctrl-C ends it"):format(core.sys.escape(path:sub(-400)):sub(-400)), SLOW_MS)
  return setmetatable({}, { __close = function()
    watched = false
    slow()
  end })
end

local function load_once(path, opts)
  local session = new_session(path, opts)
  local result = { workflows = {}, by_name = {}, problems = session.problems, warnings = session.warnings, started = false }
  local text = read_script(session)
  if not text then return result, session end
  local returned, restore = run_script(session, text)
  if restore then
    local ok, workflows, by_name = xpcall(finish, message_handler, session, returned, text)
    restore()
    if ok then
      result.workflows, result.by_name = workflows, by_name
    else
      workflows.file = workflows.file or path
      session:add(workflows)
    end
  end
  session.done = true
  result.started = session.started
  result.files = paths_of(session)
  result.problems = problems.resolve(session.problems)
  result.warnings = problems.resolve(session.warnings)
  return result, session
end

-- ---- the second load -------------------------------------------------------------------------

local unequal = "a script must define the same tasks every time it is loaded"

--- The first task that two loads of a workflow do not agree on, as a problem; nil when all agree.
local function first_difference(a, b)
  local first = core.json.decode(core.tasks_json(a))
  local second = core.json.decode(core.tasks_json(b))
  for i = 1, math.max(#first, #second) do
    local x, y = first[i], second[i]
    if not x or not y or core.json.encode(x) ~= core.json.encode(y) then
      local name, file, line = core.task_name(x and a or b, i)
      local text
      if not y then
        text = ("task `%s` is not defined when the script is loaded again"):format(name)
      elseif not x then
        text = ("task `%s` is defined only when the script is loaded again"):format(name)
      elseif x.task_name ~= y.task_name then
        text = ("task `%s` is `%s` when the script is loaded again"):format(name, y.task_name)
      else
        text = ("task `%s` is another one when the script is loaded again"):format(name)
      end
      return { code = "EDEF", file = file, line = line, text = text, hint = unequal }
    end
  end
end

local function compare(result, again)
  for _, w in ipairs(result.workflows) do
    local other = again.by_name[w.name]
    local file, line = core.workflow_place(w)
    local difference
    if not other then
      difference = { code = "EDEF", file = file, line = line, text = ("workflow `%s` is not there when the script is loaded again"):format(w.name), hint = unequal }
    elseif core.hash(w) ~= core.hash(other) then
      difference = first_difference(w, other) or { code = "EDEF", file = file, line = line,
        text = ("the options of workflow `%s`, or files of the script, differ when it is loaded again"):format(w.name), hint = unequal }
    end
    result.problems[#result.problems + 1] = difference
  end
end

--- Loads a script. opts: arg (list, [0] the script); twice: loads it again in a fresh environment and compares;
--- stop_at_start: ends at the first run it starts. Returns { workflows, by_name, problems, warnings, started, files }:
--- files are the paths of what it was made of.
function loader.load(path, opts)
  opts = opts or {}
  local _ <close> = watch(path)
  local result = load_once(path, opts)
  if opts.twice and #result.problems == 0 and not result.started then
    local again = load_once(path, opts)
    if #again.problems > 0 then
      for _, p in ipairs(again.problems) do
        p.hint = p.hint or "only when the script is loaded a second time"
        result.problems[#result.problems + 1] = p
      end
    else
      compare(result, again)
      result.problems = problems.resolve(result.problems)
    end
  end
  return result
end

--- Loads a script again from what a snapshot kept of it ({ main, files, modules }), up to the first run it starts. Returns
--- { by_name, problems, started, env }.
function loader.again(kept)
  local session = new_session(kept.main, { stop_at_start = true, kept = kept })
  local _, restore = run_script(session, kept.files[kept.main])
  if restore then restore() end
  session.done = true
  local by_name = {}
  for _, w in ipairs(session.workflows) do by_name[w.name] = by_name[w.name] or w end
  return { by_name = by_name, problems = problems.resolve(session.problems), started = session.started, env = session.env }
end

--- Before a run begins: while a script loads, it becomes one that starts its runs itself.
function loader.starting()
  if not current then return end
  if current.stop_at_start then error(stop, 0) end
  current.started = true
end

local references = { params = true, output = true, status = true, error = true, results = true }

-- What the functions of a script change, and which references they read of a workflow or task; a worker, which loads it
-- again, has nobody to tell.
core.sets(function(f, i, handle)
  if not current or current.kept then return nil end
  if handle then return compiled.field(f, i, references) end
  return compiled.sets(f, i)
end)

-- A workflow that the script itself runs or validates gets its sources before it is sealed.
core.before_seal(function(w)
  if not current then return end
  modules.capture_required(current, function() end)
  attach(current, w, current.workflows)
end)

--- ork.read: a file beside the script that is being loaded, into its snapshot; without one, a file as it is.
function loader.read(path)
  if current then
    local text, why, code = modules.read(current, path) -- no tail call: its errors count levels
    return text, why, code
  end
  local text, why = modules.read_file(path)
  if not text then return nil, why, "ENOTFOUND" end
  return text
end

return loader
