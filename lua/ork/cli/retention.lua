-- SPDX-License-Identifier: MIT
-- What `ork serve` does about history, once when it begins and then once a day: finished runs that a workflow's `retention` does not
-- keep are removed with their logs, a commit of 2,000 rows at a time, beside everything else. Signals and scripts interrupt it;
-- what is left is done the next time it comes round.
local core = require "ork.core"

local retention = {}

--- Where a workflow says nothing: a year, and never more than 10,000 runs.
retention.DEFAULT = { days = 365, runs = 10000 }

local DAY_MS = 86400000
local PAGE = 25 -- workflows: what is read of them is garbage at once, in a program that stays up

--- The removals that keep what a workflow with so many runs may keep, as options of engine:prune.
function retention.steps(name, option, runs)
  if option == false then return {} end
  option = option or retention.DEFAULT
  local steps = {}
  local function add(step)
    step.workflow, step.leftovers = name, false
    steps[#steps + 1] = step
  end
  if runs == 0 then return steps end
  if option.days then add({ older_than_ms = option.days * DAY_MS }) end
  if option.runs and runs > option.runs then add({ keep = option.runs }) end
  if option.bytes then add({ log_bytes = option.bytes }) end
  return steps
end

--- All workflows once. tell(workflow, document) for each removal that removed something. Returns true, or nil, why, code; what
--- interrupts it comes back as "ECANCELLED".
function retention.run_once(engine, tell)
  local after
  local left, trouble, kind = engine:prune({ leftovers = true })
  if not left then return nil, trouble, kind end
  repeat
    local page, why, code = engine:workflows({ after = after, limit = PAGE })
    if not page then return nil, why, code end
    for _, row in ipairs(page) do
      local option = row.retention
      if option == core.null then option = nil end
      for _, step in ipairs(retention.steps(row.name, option, row.runs)) do
        local document
        document, why, code = engine:prune(step)
        if not document then return nil, why, code end
        if document.runs > 0 then tell(row.name, document) end
      end
    end
    after = #page > 0 and page[#page].name or nil
    collectgarbage()
  until #page < PAGE
  return true
end

--- Calls wake() when it is time: soon after the beginning, then daily; and again in a minute after it was interrupted. Returns
--- { due, done(again), close() }.
function retention.clock(wake)
  local clock, timer = { due = false }, nil
  local function arm(ms)
    timer = core.loop.timer(ms, function()
      timer, clock.due = nil, true
      wake()
    end)
  end
  function clock.done(again)
    clock.due = false
    arm(again and 60000 or DAY_MS)
  end
  function clock.close() if timer then timer:close() end end
  arm(tonumber(os.getenv("ORK_RETENTION_MS") or "") or 10000)
  return clock
end

return retention
