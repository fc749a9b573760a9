-- SPDX-License-Identifier: MIT
-- Runs every test program and adds up what they report: lua5.4 tests/run.lua ROOT BUILD [options] (see script/test).
--
-- A program is a cmocka program (tests/unit/<layer>/test_*.c) or a busted spec (tests/spec, tests/e2e: *_spec.lua). Each runs alone, in
-- an empty folder that is also its TMPDIR, with a time limit, two at a time. Both report in TAP. The law: a program that dies, ends
-- before its last test, or reports nothing counts as failed, whatever its exit code.
local lfs = require "lfs"
local uv = require "luv" -- uv.spawn forks: posix_spawn, under os.execute, leaves signals 32 and 33 ignored in every descendant

local root, build = arg[1], arg[2]
local opts = { filters = {}, jobs = 2 }
for i = 3, #arg do
  local name = arg[i]:match("^%-%-(%l+)$")
  local jobs = arg[i]:match("^%-%-jobs=([1-9]%d?)$")
  if name == "long" or name == "asan" or name == "valgrind" or name == "verbose" or name == "list" then
    opts[name] = true
  elseif jobs then
    opts.jobs = tonumber(jobs)
  elseif arg[i]:sub(1, 1) == "-" then
    io.stderr:write("script/test: unknown option ", arg[i], "; see script/test --help\n")
    os.exit(2)
  else
    opts.filters[#opts.filters + 1] = arg[i]
  end
end
local limit_s = (opts.long and 3600 or 300) * (opts.asan and 3 or opts.valgrind and 10 or 1)

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("a")
  pipe:close()
  return text
end

-- ---- what there is ---------------------------------------------------------------------------

--- Files below `dir` whose path matches, as paths from the root, sorted.
local function find(dir, pattern, into)
  if lfs.attributes(root .. "/" .. dir, "mode") ~= "directory" then return into end
  local names = {}
  for name in lfs.dir(root .. "/" .. dir) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = dir .. "/" .. name
    if name:sub(1, 1) == "." then -- luacheck: ignore 542
    elseif lfs.attributes(root .. "/" .. path, "mode") == "directory" then
      find(path, pattern, into)
    elseif path:find(pattern) then
      into[#into + 1] = path
    end
  end
  return into
end

local function wanted(path)
  for _, filter in ipairs(opts.filters) do
    if path:find(filter, 1, true) then return true end
  end
  return #opts.filters == 0
end

--- Sanitizer settings: leaks count in our own programs, not in the Lua interpreter that hosts the module (tests/lib/host.lua).
local function sanitizer_settings()
  if not opts.asan then return "" end
  local library = output_of("gcc -print-file-name=libasan.so"):gsub("%s+$", "")
  return "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 ORK_TEST_ASAN=1", "LD_PRELOAD=" .. quote(library)
end
local sanitize, preload = sanitizer_settings()

local function unit_command(path)
  local layer, name = path:match("^tests/unit/([^/]+)/(.+)%.c$")
  local program = ("%s/%s_%s"):format(build, layer, name)
  if not lfs.attributes(program) then return nil, program .. " was not built" end
  local valgrind = opts.valgrind and ("env ORK_TEST_SLOW=1 LD_PRELOAD=%s valgrind -q --child-silent-after-fork=yes --leak-check=full "
    .. "--show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99 "):format(quote(build .. "/lib/valgrind_calls.so")) or ""
  local leaks = opts.asan and "ASAN_OPTIONS=detect_leaks=1 " or ""
  return sanitize .. " CMOCKA_MESSAGE_OUTPUT=TAP " .. leaks .. "timeout -k 10 " .. limit_s .. " " .. valgrind .. quote(program)
end

local busted = not opts.valgrind and output_of("command -v busted"):gsub("%s+$", "")

local function spec_command(path)
  local chunk, mistake = loadfile(root .. "/" .. path)
  if not chunk then return nil, "cannot be read: " .. mistake end
  local leaks = opts.asan and preload .. " ASAN_OPTIONS=detect_leaks=0 " or ""
  return ("%s timeout -k 10 %d env %s lua5.4 %s -o TAP --helper=%s %s"):format(sanitize, limit_s, leaks, quote(busted),
    quote(root .. "/tests/lib/host.lua"), quote(root .. "/" .. path))
end

local programs = {}
for _, path in ipairs(find("tests/unit", "/test_[^/]*%.c$", {})) do
  if wanted(path) then programs[#programs + 1] = { path = path, command = unit_command } end
end
if not opts.valgrind then
  for _, dir in ipairs({ "tests/spec", "tests/e2e" }) do
    for _, path in ipairs(find(dir, "_spec%.lua$", {})) do
      if wanted(path) then programs[#programs + 1] = { path = path, command = spec_command } end
    end
  end
end
if opts.list then
  for _, program in ipairs(programs) do print(program.path) end
  os.exit(0)
end

-- ---- running ---------------------------------------------------------------------------------

local environment = ("ORK=%s ORK_AGENT=%s ORK_PROGRAM=%s ORK_ROOT=%s LC_ALL=C.UTF-8 %s LUA_PATH_5_4=%s LUA_CPATH_5_4=%s"):format(
  quote(build .. "/ork"), quote(build .. "/ork-agent"), quote(build .. "/ork"), quote(root), opts.long and "ORK_TEST_LONG=1" or "",
  quote(("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;;"):format(root, root, root)), quote(build .. "/lib/?.so;;"))
local unset = "-u ORK_DATABASE_URL -u DATABASE_URL -u ORK_DATA -u ORK_LUA_DIR"

--- Counts of a TAP text, and why tests were skipped. planned: nil when no plan was printed.
local function count(text)
  local seen = { passed = 0, failed = 0, skipped = 0, planned = nil, reasons = {} }
  local said -- by a C program, whose SKIP has the test's name and no reason
  for line in text:gmatch("[^\n]+") do
    said = line:match("^left out: (.+)") or line:match("^skipped: (.+)") or said
    local plan = line:match("^1%.%.(%d+)%s*$")
    local key = plan and "planned" or line:find("^n?o?t? ?ok %d+.-# SKIP") and "skipped" or line:find("^ok %d+") and "passed"
      or line:find("^not ok %d+") and "failed"
    if key == "skipped" then
      local reason = line:match("# SKIP %S*busted:%d+: (.+)$") -- busted's is the reason, and no name
      local name = not reason and line:match("# SKIP (.+)$")
      if name and name:find(" ") then reason = name end -- words of a spec, not the name of a C function
      seen.reasons[#seen.reasons + 1] = reason or ("%s: %s"):format(name or "a test", said or "it does not say why")
    end
    if key and key ~= "planned" then said = nil end
    if key then seen[key] = (seen[key] or 0) + (tonumber(plan) or 1) end
  end
  return seen
end

--- Why a program that reported `seen` and ended so is not to be believed, or nil.
local function broken(seen, code, signal)
  local ran = seen.passed + seen.failed + seen.skipped
  if code == 124 or code == 137 then return ("was stopped after %d s"):format(limit_s) end
  if signal ~= 0 or code > 128 then return ("died of signal %d"):format(signal ~= 0 and signal or code - 128) end
  if seen.planned and ran < seen.planned then return ("ended after %d of %d tests"):format(ran, seen.planned) end
  if not seen.planned then return ("ended before its last test, exit code %d"):format(code) end
  if ran == 0 then return "has no tests" end
  if code ~= 0 and seen.failed == 0 then return ("ended with exit code %d"):format(code) end
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local total = { passed = 0, failed = 0, skipped = 0 }
local failures, left_out = {}, {}

local function show(path, text, problem)
  io.stderr:write("---- ", path, "\n", text:sub(-60000), text:sub(-1) == "\n" and "" or "\n")
  if problem then io.stderr:write("# ", path, " ", problem, "\n") end
end

--- Adds what one program reported, and shows what went wrong.
local function tally(path, text, problem)
  local seen = count(text)
  if problem or not seen.planned then seen.failed = seen.failed + 1 end
  for key in pairs(total) do total[key] = total[key] + seen[key] end
  for _, reason in ipairs(seen.reasons) do left_out[#left_out + 1] = path .. ": " .. reason end
  if seen.failed > 0 then failures[#failures + 1] = path end
  if seen.failed > 0 or opts.verbose then show(path, text, problem) end
end

--- Ends what a program left behind: agents and tasks outlive it by design, when it died early. All of them know its folder.
local function sweep(dir)
  for name in lfs.dir("/proc") do
    local file = name:find("^%d+$") and io.open("/proc/" .. name .. "/environ", "rb")
    local text = file and file:read("a")
    if file then file:close() end
    if text and text:find(dir, 1, true) then uv.kill(tonumber(name), "sigkill") end
  end
end

local running = {} -- handle → true

--- Starts one program in a folder of its own; done() follows its end.
local start
function start(program, done)
  local command, missing = program.command(program.path)
  if not command then
    tally(program.path, "", missing)
    return done()
  end
  local dir = assert(uv.fs_mkdtemp("/tmp/ork-test-XXXXXX"))
  local home, log = dir .. "/tmp", dir .. "/out"
  assert(uv.fs_mkdir(home, tonumber("755", 8)))
  assert(uv.fs_chmod(dir, tonumber("755", 8))) -- for tests that go on as another user
  local handle
  handle = assert(uv.spawn("sh", {
    args = { "-c", ("exec >%s 2>&1 </dev/null; exec env %s TMPDIR=%s %s %s"):format(quote(log), unset, quote(home), environment, command) },
    cwd = home,
  }, function(code, signal)
    running[handle] = nil
    handle:close()
    local text = read(log)
    sweep(dir)
    os.execute(("chmod -R u+rwX %s 2>/dev/null; rm -rf %s"):format(quote(dir), quote(dir)))
    -- The leak checker itself broke off (it races with threads that end): it says nothing about the program, so it looks again, once.
    if text:find("LeakSanitizer has encountered a fatal error", 1, true) and not program.again then
      program.again = true
      return start(program, done)
    end
    tally(program.path, text, broken(count(text), code, signal))
    done()
  end))
  running[handle] = true
end

-- Ctrl-C and the like end the programs too: each is a timeout(1), which passes the signal on.
for _, name in ipairs({ "sigint", "sigterm", "sighup" }) do
  local watcher = uv.new_signal()
  watcher:unref()
  watcher:start(name, function()
    for handle in pairs(running) do handle:kill("sigterm") end
    io.stderr:write("\nstopped\n")
    os.exit(130, false)
  end)
end

local terminal = not os.getenv("CI") and uv.guess_handle(2) == "tty" and not opts.verbose
local ahead = 0 -- programs begun

local function next_program()
  ahead = ahead + 1
  local program = programs[ahead]
  if not program then return end
  if terminal then io.stderr:write(("\r\27[K%d/%d %s"):format(ahead, #programs, program.path)) end
  start(program, next_program)
end
for _ = 1, opts.jobs do next_program() end
uv.run()
if terminal then io.stderr:write("\r\27[K") end

if #programs == 0 then io.stderr:write("no test program matches\n") end
table.sort(left_out)
local same = 1
for i, line in ipairs(left_out) do -- a whole program that lacks something says so once for all its tests
  if line == left_out[i + 1] then
    same = same + 1
  else
    io.stderr:write("skipped: ", line, same > 1 and (" (%d tests)"):format(same) or "", "\n")
    same = 1
  end
end
for _, path in ipairs(failures) do io.stderr:write("failed: ", path, "\n") end
io.stderr:flush()
print(("%d passed, %d failed%s"):format(total.passed, total.failed,
  total.skipped > 0 and (", %d skipped"):format(total.skipped) or ""))
os.exit(total.failed == 0 and total.passed > 0)
