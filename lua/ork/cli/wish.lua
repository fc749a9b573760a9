-- SPDX-License-Identifier: MIT
-- What cancel, pause and resume share: a wish for some runs, carried out by whoever owns them, told run by run.
local json = require("ork.core").json
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local wish = {}

--- The runs that the words name, each once; nothing is done when one of them is unknown.
function wish.runs(engine, words)
  local list, seen = {}, {}
  for _, word in ipairs(words) do
    local id = open.find(engine, word)
    if not seen[id] then
      seen[id] = true
      list[#list + 1] = stop.check(engine:run(id))
    end
  end
  return list
end

--- Prints what became of the wishes. results: { { run = document, outcome, text }, … }
function wish.tell(results)
  if term.json then
    local list = {}
    for i, r in ipairs(results) do list[i] = { run = r.run.id, workflow = r.run.workflow, outcome = r.outcome } end
    term.out((stop.check(json.encode(list))))
    return
  end
  for _, r in ipairs(results) do term.out(("%s %s: %s"):format(text.short(r.run.id), r.run.workflow, r.text)) end
end

--- A command that is nothing but a wish. words: outcome of the engine → what is printed.
function wish.command(kind, words)
  return function(given)
    local engine <close> = open.change(given.options)
    local results, code = {}, 0
    for i, run in ipairs(wish.runs(engine, given.words)) do
      local outcome, why, symbol = engine:command(run.id, kind)
      if not outcome and symbol ~= "ESTATE" then stop.check(nil, why, symbol) end
      if not outcome then code = 2 end
      results[i] = { run = run, outcome = outcome or "refused", text = outcome and (words[outcome] or outcome) or why }
    end
    wish.tell(results)
    return code
  end
end

return wish
