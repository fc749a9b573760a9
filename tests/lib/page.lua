-- SPDX-License-Identifier: MIT
-- A page of the documentation, followed to the letter: its files are written and its commands are run, top to bottom, in one
-- scratch folder that has a copy of examples/, `ork` in its PATH, and a script/run that runs it (that script/run builds one is
-- not repeated). The README, which begins in a clone, has these in a folder `ork` of the scratch folder, which is the home. `cd`
-- lasts, as at a terminal; other changes of the shell do not. A page postgres.md finds a PostgreSQL server of the test's own where
-- one without a host is looked for, with an empty database `ork` that $ORK_DATABASE_URL names; where there can be none, page:missing()
-- says why.
--
--   local page = page.open(root .. "/docs/x.md")
--   for _, step in ipairs(page.steps) do local wrong = page:play(step) end
local cluster = require "tests.lib.cluster"
local readme = require "tests.lib.readme"
local sh = require "tests.lib.sh"

local page = {}
page.__index = page

local HOME = "/home/ada" -- stands for the scratch folder in what is shown

--- A page without its scratch folder, which page:begin() makes.
function page.open(path, root)
  local steps, snippets = readme.parse(sh.read(path))
  return setmetatable({ path = path, root = root, steps = steps, snippets = snippets }, page)
end

local function wants_server(self) return self.path:find("postgres%.md$") ~= nil end

--- Why its commands cannot be run here; nil when they can.
function page:missing() return wants_server(self) and cluster.missing() or nil end

function page:begin()
  self.dir = sh.tempdir()
  self.begins_in = self.dir .. (self.path:find("README%.md$") and "/ork" or "")
  local bin = self.dir .. "/.bin"
  sh.run({ "mkdir", "-p", bin, self.dir .. "/.tmp", self.begins_in .. "/script" })
  sh.run({ "cp", "-r", self.root .. "/examples", self.begins_in .. "/examples" })
  sh.write(bin .. "/ork", ('#!/bin/sh\nexec "%s" "$@"\n'):format(sh.ork_path()), "755")
  sh.write(self.begins_in .. "/script/run", '#!/bin/sh\nexec ork "$@"\n', "755")
  local preload = os.getenv("TEST_HOST_PRELOAD") -- lua5.4 with a sanitized module
  if preload then
    local script = [[exec env LD_PRELOAD='%s' ASAN_OPTIONS=detect_leaks=0 "$(PATH=${PATH#*:} command -v lua5.4)" "$@"]]
    sh.write(bin .. "/lua5.4", "#!/bin/sh\n" .. script:format(preload) .. "\n", "755")
  end
  sh.write(self.dir .. "/.cwd", self.begins_in .. "\n")
  self.path_variable = bin .. ":" .. os.getenv("PATH")
  self.more = {}
  if wants_server(self) and not self:missing() then
    local server = cluster.start()
    server:database("ork")
    server:wait_old() -- on a page somebody dies and is noticed
    self.more = { PGHOST = server.dir, PGUSER = "ork", ORK_DATABASE_URL = "postgres://ork@/ork" }
    if os.getenv("ORK_TEST_ASAN") then self.more.ASAN_OPTIONS = "detect_leaks=0" end -- as tests/e2e/db_copy_spec.lua says
  end
end

--- A program that was killed is not dead at once; whoever types the next command takes longer than it does.
local function wait_for_the_dead(dir)
  sh.wait_until("/nonexistent", function()
    for _, pid in ipairs(sh.processes(dir)) do
      local file = io.open(("/proc/%d/comm"):format(pid))
      local name = file and file:read("l")
      if file then file:close() end
      if name == "ork" then return false end
    end
    return true
  end)
end

--- What a command prints, as lines.
function page:run(command)
  local state = self.dir .. "/.cwd"
  local script = ('exec 2>&1; cd "$(cat "%s")"; %s\ncode=$?; pwd >"%s"; exit $code'):format(state, command, state)
  local env = { PATH = self.path_variable, TERM = "dumb", TZ = "UTC", HOME = self.dir, TMPDIR = self.dir .. "/.tmp", XDG_STATE_HOME = false }
  for name, value in pairs(self.more) do env[name] = value end
  local result = sh.run({ "/bin/sh", "-c", script }, { env = env, timeout = 60 })
  if result.code == 137 then wait_for_the_dead(self.dir) end
  local lines = {}
  local text = result.out:gsub(self.dir:gsub("%p", "%%%0"), HOME)
  text = text:gsub("==%d+==WARNING: ASan doesn't fully support makecontext[^\n]*\n", "") -- of the sanitizers' builds, not Ork's
  for line in (text:gsub("\n+$", "") .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line:gsub("%s+$", "") end
  if #lines == 1 and lines[1] == "" then lines = {} end
  return lines
end

--- The text of an example without the line of its licence, which pages leave out.
function page:example(file) return (sh.read(self.root .. "/" .. file):gsub("^[^\n]*SPDX[^\n]*\n", "")) end

--- Does one step. nil, or what is not as the page says, and the lines that would be right.
function page:play(step)
  if step.command then
    local printed = self:run(step.command)
    local nothing = #step.output == 1 and step.output[1] == "…" -- a place to be filled by `script/docs update`
    local difference = nothing and "is not shown at all" or readme.differs(step.output, printed)
    if difference then return difference, printed end
  elseif step.file:find("^examples/") then
    local text = self:example(step.file)
    if text == step.text then return nil end
    local lines = {}
    for line in text:gmatch("(.-)\n") do lines[#lines + 1] = line end
    return "is not " .. step.file, lines
  else
    local folder = sh.read(self.dir .. "/.cwd"):match("[^\n]+")
    local mode = step.text:find("^#!") and "755" or "644"
    sh.write(folder .. "/" .. step.file, step.text, mode)
  end
end

return page
