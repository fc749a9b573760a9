-- SPDX-License-Identifier: MIT
-- What the benches share: folders, timing, rounds, figures.
--
-- Law: contestants run interleaved, in another order each round, and a ratio is the median of the ratios within rounds; so
-- what else happens on the machine meets all alike. Each run has a new folder, and no folder is removed before the end:
-- deleting thousands of logs makes the file system slow for whoever comes next.
local harness = {}
harness.__index = harness

local function quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  return text, (pipe:close())
end

--- opts: root, tools (folder of our C programs), ork (path), quick, rounds.
function harness.new(opts)
  local self = setmetatable(opts, harness)
  os.execute("mkdir -p " .. quote(opts.root .. "/build/bench"))
  self.dir = output_of("mktemp -d " .. quote(opts.root .. "/build/bench/tmp-XXXXXX")):gsub("%s+$", "")
  assert(self.dir ~= "", "no folder to work in")
  self.dirs, self.rows, self.skipped = 0, {}, {}
  return self
end

function harness:close()
  if self.cluster then self.cluster:close() end
  os.execute("rm -rf " .. quote(self.dir))
end

--- Progress, on stderr.
function harness.say(format, ...) io.stderr:write(format:format(...), "\n") end

function harness:tempdir()
  self.dirs = self.dirs + 1
  local path = ("%s/%d"):format(self.dir, self.dirs)
  assert(os.execute("mkdir " .. quote(path)))
  return path
end

function harness:tool(name) return self.tools .. "/" .. name end

function harness.write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

--- The full path of a program, or nil; then a line says what is not compared.
function harness:peer(name)
  local path, ok = output_of("command -v " .. quote(name))
  path = path:gsub("%s+$", "")
  if ok and path ~= "" then return path end
  if not self.skipped[name] then harness.say("%s is not installed: no comparison with it", name) end
  self.skipped[name] = true
end

--- Runs argv once in `dir`. Returns { wall, user, sys (µs), rss (KiB) }; raises with its output when it fails.
function harness:timed(argv, dir)
  local words = {}
  for i, word in ipairs(argv) do words[i] = quote(word) end
  local out = dir .. "/.out"
  local line = output_of(("env -u ORK_DATABASE_URL -u DATABASE_URL -u ORK_DATA %s -C %s -o %s %s"):format(
    quote(self:tool("timed")), quote(dir), quote(out), table.concat(words, " ")))
  local wall, user, sys, rss, code = line:match("^(%d+) (%d+) (%d+) (%d+) (%d+)")
  if code ~= "0" then
    local file = io.open(out)
    error(("%s failed (%s):\n%s"):format(table.concat(argv, " "), code or "?", file and file:read("a"):sub(-4000) or ""), 0)
  end
  return { wall = tonumber(wall), user = tonumber(user), sys = tonumber(sys), rss = tonumber(rss) }
end

-- ---- other processes -------------------------------------------------------------------------

local function text_of_file(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a") or ""
end

function harness.read(path) return text_of_file(path) end

--- The pid of the agent of the data directory in or below `dir`, or nil.
function harness.agent_of(dir)
  local pipe <close> = assert(io.popen("ls /proc"))
  for name in pipe:lines() do
    local words = name:find("^%d+$") and text_of_file("/proc/" .. name .. "/cmdline") or ""
    if words:find("^[^\0]*ork%-agent\0") and words:find("\0" .. dir .. "/", 1, true) then return tonumber(name) end
  end
end

--- A number of /proc/PID/status, as "VmRSS" or "VmHWM" in KiB.
function harness.status_of(pid, name)
  return assert(tonumber(text_of_file(("/proc/%d/status"):format(pid)):match("\n" .. name .. ":%s*(%d+)")), "process " .. pid .. " is gone")
end

--- How many descriptors a process has open.
function harness.descriptors_of(pid)
  local n = 0
  local pipe <close> = assert(io.popen(("ls /proc/%d/fd"):format(pid)))
  for _ in pipe:lines() do n = n + 1 end
  return n
end

-- ---- figures ---------------------------------------------------------------------------------

function harness.median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  return n % 2 == 1 and sorted[n // 2 + 1] or (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

--- How many times b is a: the median over the rounds.
function harness.paired(a, b)
  local list = {}
  for i = 1, #a do list[i] = a[i] / b[i] end
  return harness.median(list)
end

--- Runs every contestant in every round. contestants: { { name, run = function() → number } }. Returns lists by name.
function harness.rounds_of(contestants, rounds)
  local samples = {}
  for _, each in ipairs(contestants) do samples[each.name] = {} end
  for round = 1, rounds do
    for i = 1, #contestants do
      local each = contestants[(i + round - 2) % #contestants + 1]
      samples[each.name][round] = each.run()
    end
  end
  return samples
end

--- Adds a line to the table. row: bench, what, ours and peer_value (numbers), unit, digits (0), peer (its name), ratio, target
--- ({ ">=", "<=" or "<", number }; nil: only told).
function harness:add(row)
  if row.target then
    local op, limit = row.target[1], row.target[2]
    local ratio = row.ratio
    row.met = op == ">=" and ratio >= limit or op == "<=" and ratio <= limit or op == "<" and ratio < limit
    row.target = ("%s %g"):format(op, limit)
  end
  self.rows[#self.rows + 1] = row
end

return harness
