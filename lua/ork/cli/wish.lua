-- SPDX-License-Identifier: MIT
-- What cancel, pause, resume and retry share: a wish for some runs, carried out by whoever owns them, told run by run.
local core = require "ork.core"
local open = require "ork.cli.open"
local selection = require "ork.cli.selection"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local wish = {}

-- What is about one run only: the others may still be helped.
local OF_A_RUN = { ESTATE = true, EBUSY = true, ENOTFOUND = true, ECORRUPT = true, EDATA = true, EDEF = true }

local Results = {}
Results.__index = Results

--- Collects what became of wishes: told at once, or with --json as one list at the end (`finish`, which returns the worst
--- exit code).
function wish.results() return setmetatable({ list = {}, code = 0 }, Results) end

--- outcome: a word for programs; said: for people; reason: why it was refused.
function Results:add(run, outcome, said, code, reason)
  self.code = math.max(self.code, code or 0)
  if term.json then
    self.list[#self.list + 1] = { run = run.id, workflow = run.workflow, outcome = outcome, reason = reason }
  elseif said then
    term.out(("%s %s: %s"):format(text.short(run.id), run.workflow, said))
  end
end

--- What an engine's method refused. Ends the command when it is not about this run alone.
function Results:refused(run, why, symbol)
  if not OF_A_RUN[symbol] then stop.check(nil, why, symbol) end
  self:add(run, "refused", why, core.sys.exit_code(symbol), why)
end

function Results:finish()
  if term.json then term.out((stop.check(core.json.encode(core.json.list(self.list))))) end
  return self.code
end

--- Of several runs that are carried out here: does this exit code say that a signal ended them all?
function wish.interrupted(code) return code == 130 or code == 143 end

--- Leaves a wish with a run. words: outcome of the engine → what is printed. Returns true when it counts.
function wish.send(engine, results, run, kind, words, args)
  local outcome, why, symbol = engine:command(run.id, kind, args)
  if not outcome then return results:refused(run, why, symbol) end
  local late = outcome:find("^too late") or outcome:find("^not possible")
  results:add(run, outcome, words[outcome] or outcome, late and 2 or 0)
  return not late
end

--- A command that is nothing but a wish. statuses: what a filter means without --status. args: said with it.
--- beside(engine, run): looks at a run before; returns what is called when the wish was not refused.
function wish.command(kind, words, statuses, args, beside)
  return function(given)
    local engine <close> = open.change(given.options)
    local results = wish.results()
    for _, run in ipairs(selection.runs(engine, given, kind, statuses)) do
      local tell = beside and not term.json and beside(engine, run)
      if wish.send(engine, results, run, kind, words, args) and tell then tell() end
    end
    return results:finish()
  end
end

return wish
