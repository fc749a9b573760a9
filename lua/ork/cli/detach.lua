-- SPDX-License-Identifier: MIT
-- `ork SCRIPT --detach`: a second `ork`, in a session of its own, carries the run out; this one ends once the run is in the
-- database. Until then the second one writes where the first does, so what is wrong shows on the terminal; from then on it
-- writes into a file beside the run's logs.
local core = require "ork.core"
local hint = require "ork.cli.hint"
local stop = require "ork.cli.stop"
local term = require "ork.term"
local text = require "ork.cli.text"

local detach = {}

local function tell(said)
  local started = stop.check(core.json.decode(said))
  if term.json then return term.out(said) end
  local short = text.short(started.id)
  local words = {
    new = "run %s of %s goes on in the background", resumed = "run %s of %s is gone on with in the background",
    watched = "run %s of %s has this key and is carried out by another program",
    finished = "run %s of %s has this key and ended before",
  }
  term.out(short)
  term.news(words[started.how]:format(short, started.workflow))
  if started.how == "finished" then
    term.news("see it:   " .. hint.line("ork show %s", short))
    return
  end
  term.news("watch it: " .. hint.line("ork watch %s", short))
  if started.messages then term.news(("messages: %s"):format(term.escape(started.messages))) end
end

--- Before anything is opened. Returns in the one that goes on; the first ends here.
function detach.begin()
  local said, code = core.background.fork()
  if said == true then
    term.err_columns, term.out_columns, term.color = nil, nil, false -- it will have no terminal
    return
  end
  if not said then
    if type(code) == "string" then stop(3, "--detach: %s", code) end
    stop.quietly(code)
  end
  tell(said)
  stop.quietly(0)
end

--- The run is in the database: tells so once, to whoever waits. how: as engine:start says. Ends the program when another
--- one carries the run out.
function detach.announce(engine, id, how, workflow)
  local mine = how == "new" or how == "resumed"
  local file = ("%s/logs/%s/ork.log"):format(engine:data_dir(), id)
  local said = { id = id, workflow = workflow, how = how, messages = mine and file or nil }
  local first, why = core.background.announce(mine and file or "/dev/null", stop.check(core.json.encode(said)))
  if first == nil then stop(3, "--detach: %s", why) end
  io.stdout:setvbuf("line")
  if first and not mine then stop.quietly(0) end
end

return detach
