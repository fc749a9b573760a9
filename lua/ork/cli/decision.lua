-- SPDX-License-Identifier: MIT
-- What approve and reject share: the wish for one task, who says it, and what became of it.
local core = require "ork.core"
local open = require "ork.cli.open"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

--- Is somebody there who carries it out?
local function owned(engine, id)
  local run = stop.check(engine:run(id))
  return run.owner ~= nil and run.owner.alive
end

--- The option of both commands.
local comment = { "comment", "TEXT", "said with it; stored, and part of the output" }

--- A command: kind is "approve" or "reject", done what is said when it is carried out.
local function command(kind, done)
  return function(given)
    local engine <close> = open.change(given.options)
    local id, task = open.find(engine, given.words[1]), given.words[2]
    local by = core.sys.user()
    local args = { task = task, by = by, comment = given.options.comment }
    local outcome = stop.check(engine:command(id, kind, args))
    local refused = outcome:find("^too late") or outcome:find("^not possible")
    if term.json then
      term.out((stop.check(core.json.encode({ run = id, task = task, outcome = outcome, by = by, comment = args.comment }))))
    elseif refused then
      term.out(("%s %s: %s"):format(text.short(id), term.line(task), term.line(outcome)))
    else
      term.out(("%s %s: %s by %s"):format(text.short(id), term.line(task), done, by))
      if outcome ~= "done" and not owned(engine, id) then
        term.news(("nobody carries out this run now: `ork serve`, or `ork resume %s`, goes on with it"):format(text.short(id)))
      end
    end
    return refused and 2 or 0
  end
end

return { comment = comment, command = command }
