-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local core = require "ork.core"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local pool = {
  name = "pool",
  usage = "pool [NAME SLOTS] [--new]",
  summary = "Lists the pools, or changes the slots of one",
  text = [[
A pool limits how many tasks that name it run at once, over all programs on this database. The change holds at once: tasks that wait start,
or with fewer slots none starts until enough have ended. A script that declares the pool (ork.pool) sets its size again when it is run. A
pool that nobody declared has one slot. A name that no pool has yet is refused, unless --new says that it is meant.]],
  examples = {
    { "ork pool", "all pools: their slots, how many are taken, how many programs wait" },
    { "ork pool db 2", "two at once, until the script says otherwise" },
  },
  words = { 0, 2 },
  options = { { "new", false, "with a name that no pool has yet" } },
}

local function list(options)
  local engine <close> = open.read(options)
  if term.json then
    term.out((stop.check(engine:pools(true))))
    return 0
  end
  local rows, of_runs = {}, nil
  for i, each in ipairs(stop.check(engine:pools())) do
    rows[i] = { term.line(each.name), tostring(each.slots), tostring(each.used), tostring(each.waiting) }
    of_runs = of_runs or each.name:match("^run:(.*)")
  end
  if #rows == 0 then
    term.news("no pools yet; a script declares one with ork.pool, or: ork pool NAME SLOTS --new")
    return 0
  end
  for _, line in ipairs(columns({
    { "POOL", shrink = true }, { "SLOTS", right = true }, { "USED", right = true }, { "WAITING", right = true },
  }, rows, term.width())) do term.out(line) end
  if of_runs then term.news(("run:%s counts the runs of `%s` that are under way (max_active_runs)"):format(of_runs, of_runs)) end
  return 0
end

function pool.run(given)
  local name, word = given.words[1], given.words[2]
  if not name then return list(given.options) end
  local slots = word and word:find("^%d+$") and math.tointeger(tonumber(word))
  if not word then stop(2, "how many slots? ork pool %s SLOTS", name) end
  if not slots or slots < 1 or slots > 0x7fffffff then stop(2, "slots are a whole number from 1, not `%s`", word) end
  local engine <close> = open.change(given.options)
  local before, names = nil, {}
  for i, each in ipairs(stop.check(engine:pools())) do
    names[i] = each.name
    if each.name == name then before = each end
  end
  if not before and not given.options.new then
    local near = core.suggest(name, names)
    stop(4, "no pool `%s`; %sto make it: ork pool %s %d --new", name, near and ("did you mean `%s`? Or, "):format(near) or "", text.word(name), slots)
  end
  stop.check(engine:pool_set(name, slots))
  if term.json then
    term.out((stop.check(core.json.encode({ name = name, slots = slots, before = before and before.slots }))))
  elseif not before then
    term.out(("pool %s: %d, new"):format(term.line(name), slots))
  else
    term.out(("pool %s: %d (was %d)"):format(term.line(name), slots, before.slots))
  end
  return 0
end

return pool
