-- SPDX-License-Identifier: MIT
-- Runs the benches and prints their figures: lua5.4 bench/main.lua ROOT TOOLS [options] (see script/bench).
local harness = require "bench.harness"

local benches = {
  { "B1", "spawn", require "bench.spawn" },
  { "B2", "hop", require "bench.hop" },
  { "B3", "rows", require "bench.rows" },
  { "B3", "functions", require "bench.functions" },
  { "B4", "start", require "bench.start" },
  { "B5", "scale", require "bench.scale" },
  { "B6", "idle", require "bench.idle" },
  { "B7", "enqueue", require "bench.enqueue" },
  { "B8", "history", require "bench.history" },
  { "B9", "output", require "bench.output" },
  { "B10", "footprint", require "bench.footprint" },
  { "indexes", "indexes", require "bench.indexes", alone = true }, -- as the next, only when asked for
  { "soak", "soak", require "bench.soak", alone = true },
}

local function usage(text)
  io.stderr:write("script/bench: ", text, "; see script/bench --help\n")
  os.exit(2)
end

local opts = { root = arg[1], tools = arg[2], ork = assert(os.getenv("ORK"), "ORK names the program to measure") }
local wanted, json = {}, false
local i = 3
while arg[i] do
  local word = arg[i]
  if word == "--quick" then
    opts.quick = true
  elseif word == "--json" then
    json = true
  elseif word == "--rounds" then
    i = i + 1
    opts.rounds = math.tointeger(tonumber(arg[i] or ""))
    if not opts.rounds or opts.rounds < 1 then usage("--rounds takes a number from 1") end
  elseif word == "--minutes" then
    i = i + 1
    opts.minutes = tonumber(arg[i] or "")
    if not opts.minutes or opts.minutes <= 0 then usage("--minutes takes a number above 0") end
  else
    local known = false
    for _, bench in ipairs(benches) do known = known or bench[1] == word:upper() or bench[2] == word end
    if not known then usage("no bench `" .. word .. "`") end
    wanted[word:upper()], wanted[word] = true, true
  end
  i = i + 1
end

-- ---- the table -------------------------------------------------------------------------------

local function print_table(rows)
  local function figure(row, value) return ("%." .. (row.digits or 0) .. "f%s"):format(value, row.unit) end
  local lines = { { "", "", "ork", "against", "", "ratio", "target", "" } }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = {
      row.bench, row.what, figure(row, row.ours), row.peer, figure(row, row.peer_value), ("%.2f"):format(row.ratio), row.target or "",
      row.met == nil and "" or row.met and "met" or "MISSED",
    }
  end
  local widths = {}
  for _, line in ipairs(lines) do
    for column, text in ipairs(line) do widths[column] = math.max(widths[column] or 0, utf8.len(text)) end
  end
  for _, line in ipairs(lines) do
    local parts = {}
    for column, text in ipairs(line) do
      local pad = (" "):rep(widths[column] - utf8.len(text))
      parts[column] = (column == 3 or column == 5 or column == 6) and pad .. text or text .. pad
    end
    print((table.concat(parts, "  "):gsub("%s+$", "")))
  end
end

local function text_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a"):gsub("%s+$", "")
  pipe:close()
  return text
end

local function print_json(rows)
  local cjson = require "cjson"
  for _, row in ipairs(rows) do
    for _, key in ipairs({ "ours", "peer_value", "ratio" }) do row[key] = tonumber(("%.4f"):format(row[key])) end
    row.unit, row.digits = row.unit:gsub("^ ", ""), nil
  end
  print(cjson.encode({
    version = text_of("'" .. opts.ork .. "' version"):match("^ork (%g+)"), kernel = text_of("uname -sr"), cpus = tonumber(text_of("nproc")),
    quick = opts.quick or false, figures = rows,
  }))
end

-- ---- running ---------------------------------------------------------------------------------

local ctx = harness.new(opts)
local ok, failure = xpcall(function()
  for _, bench in ipairs(benches) do
    if next(wanted) == nil and not bench.alone or wanted[bench[1]] or wanted[bench[2]] then
      harness.say("%s %s …", bench[1], bench[2])
      bench[3](ctx)
    end
  end
end, function(problem) return type(problem) == "string" and problem or debug.traceback(tostring(problem)) end)
ctx:close()
if not ok then
  io.stderr:write("script/bench: ", failure, "\n")
  os.exit(1)
end

if json then print_json(ctx.rows) else print_table(ctx.rows) end
if opts.quick then harness.say("(--quick: too little work to judge by)") end
