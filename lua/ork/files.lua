-- SPDX-License-Identifier: MIT
-- Files of functions in a worker. Law: what a call wrote is in the file, and has been read by the program behind
-- io.popen(…, "w"), before its end is told; and each call has default files (io.output, io.input) of its own.
--
-- The worker itself flushes all that C has buffered (worker.c). Here is kept what that cannot do: a write that fails
-- fails the call that made it, programs that are written to are waited for, and handles that calls left open are
-- collected before there are too many.
local files = {}

local own = { open = io.open, popen = io.popen, tmpfile = io.tmpfile, output = io.output, input = io.input }
local MOST_LEFT <const> = 64 -- opened since the last look at how many are still open

local of_call              -- the call that computes, or nil
local opened = setmetatable({}, { __mode = "k" }) -- handles of all calls, while they live
local count, limit = 0, MOST_LEFT

local function keep(handle, name, kind)
  if handle and of_call then
    of_call.files = of_call.files or setmetatable({}, { __mode = "k" }) -- one that is dropped is closed by the collector
    of_call.files[handle] = { name = name, kind = kind }
    opened[handle] = true
    count = count + 1
  end
end

--- What one of Lua's own functions gave; its complaints blame the user's line. Whatever else came up goes on as it is.
local function give(name, ok, ...)
  if ok then return ... end
  local what = ...
  if type(what) ~= "string" or what == "not enough memory" then error(what, 0) end
  error((what:gsub("to '%?'", ("to '%s'"):format(name))), 3)
end

local function open(path, mode, ...)
  local handle, why, code = give("open", pcall(own.open, path, mode, ...))
  if not handle then return handle, why, code end
  if mode ~= nil and mode ~= "r" and mode ~= "rb" then
    keep(handle, path, "written")
  else
    keep(handle, path, "read")
  end
  return handle
end

local function popen(command, mode, ...)
  local handle, why, code = give("popen", pcall(own.popen, command, mode, ...))
  if not handle then return handle, why, code end
  keep(handle, command, mode == "w" and "fed" or "read")
  return handle
end

local function tmpfile()
  local handle, why, code = own.tmpfile()
  if not handle then return handle, why, code end
  keep(handle, "a temporary file", "written")
  return handle
end

--- io.output and io.input: files of the call from then on.
local function default(name, mode)
  return function(...)
    local file = ...
    if file == nil then return own[name]() end
    local handle = give(name, pcall(own[name], ...))
    if type(file) ~= "userdata" then keep(handle, file, mode) end
    if of_call then of_call.defaults = true end
    return handle
  end
end

--- Before a script is loaded: `io` is what keeps count. Modules that are installed have it, too.
function files.begin()
  for name, f in pairs({ open = open, popen = popen, tmpfile = tmpfile, output = default("output", "written"),
    input = default("input", "read") }) do
    rawset(io, name, f)
  end
end

--- A call computes from now on.
function files.enter(call)
  of_call = call
  if call.defaults then -- one that was closed cannot be set
    if io.type(call.output) == "file" then own.output(call.output) end
    if io.type(call.input_file) == "file" then own.input(call.input_file) end
  end
end

--- It sleeps, or has ended.
function files.leave(call)
  of_call = nil
  if call.defaults then
    call.output, call.input_file = own.output(), own.input()
    own.output(io.stdout)
    own.input(io.stdin)
  end
end

local function collect()
  local left = 0
  for handle in pairs(opened) do
    if io.type(handle) == "file" then left = left + 1 end
  end
  if left >= limit then
    collectgarbage() -- closes those that nobody has any more
    left = 0
    for handle in pairs(opened) do
      if io.type(handle) == "file" then left = left + 1 end
    end
    limit = math.max(MOST_LEFT, 2 * left)
  end
  count = 0
end

--- What functions wrote is in their files.
function files.flush()
  for handle in pairs(opened) do
    if io.type(handle) == "file" then pcall(handle.flush, handle) end
  end
end

--- The call has ended: what it left open is written, and programs that it wrote to come to their end, unless it was told
--- to end itself. nil and a text when that fails.
function files.settle(call, stopped)
  local list, failed = call.files, nil
  if not list then return true end
  call.files = nil
  for handle, what in pairs(list) do
    if io.type(handle) == "file" and what.kind ~= "read" and not (stopped and what.kind == "fed") then
      local ok, why = handle:flush()
      if what.kind == "fed" then
        handle:close()
      elseif not ok then
        failed = ("cannot write %s: %s"):format(what.name, why)
        handle:close() -- what is left in it would fail others
      end
    end
  end
  if count >= MOST_LEFT then collect() end
  if failed then return nil, failed end
  return true
end

return files
