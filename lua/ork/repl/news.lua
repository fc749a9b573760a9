-- SPDX-License-Identifier: MIT
-- What runs of the prompt do meanwhile: ends of tasks and runs, a few lines at a time.
--
-- A change is noted in the engine's callback and told a moment later by a timer: what comes together is told together, and of
-- many successes only how many there were. Nothing here asks the engine, which a callback may not.
local core = require "ork.core"
local progress = require "ork.cli.progress"
local term = require "ork.term"
local text = require "ork.cli.text"

local PAUSE_MS = 60 -- between a change and its line
local LONGEST_MS = 2000 -- when more comes than can be read
local MOST_LINES = 12 -- told at once

local news = {}
news.__index = news

local FINAL = { success = true, failed = true, cancelled = true }

--- tell(text): shows lines, above what is being typed.
function news.new(tell)
  return setmetatable({
    tell = tell, queue = {}, folded = { success = 0, others = 0 }, live = {}, lines = progress.new({}), timer = nil, pause = PAUSE_MS,
  }, news)
end

--- How many runs are under way here, as far as known.
function news:count()
  local n = 0
  for _ in pairs(self.live) do n = n + 1 end
  return n
end

--- A run of ours that begins.
function news:expect(id, workflow, tasks)
  self.live[id] = workflow
  for _, name in ipairs(tasks or {}) do self.lines.width = math.max(self.lines.width, math.min(#name, 32)) end
end

local function run_line(change, now)
  local run = ("run %s of %s:"):format(text.short(change.run_id), change.workflow)
  local words = { text.clock(now), run, term.paint_status(change.to, nil, "err") }
  if change.took_ms then words[#words + 1] = "in " .. text.duration(change.took_ms) end
  local line = table.concat(words, " ")
  if change.to == "failed" then line = line .. ('   why("%s")'):format(text.short(change.run_id)) end
  return line
end

--- For engine:on_change.
function news:note(change)
  local now = core.sys.now()
  if not change.task then
    self.live[change.run_id] = not FINAL[change.to] and change.workflow or nil
    if FINAL[change.to] then
      self:add(run_line(change, now))
      self:hurry()
    end
    return
  end
  local word = progress.words(change, now)
  if not word or word == "running" or word == "skipped" or word == "cancelled" then return end
  if self:count() > 1 then
    local renamed = {}
    for key, value in pairs(change) do renamed[key] = value end
    renamed.task = change.workflow .. "." .. change.task
    change = renamed
  end
  self:add(self.lines:line(change, now), word == "success")
end

function news:add(line, minor)
  self.queue[#self.queue + 1] = { line = line, minor = minor }
  if #self.queue > 10 * MOST_LINES then self:fold() end
  self.timer = self.timer or core.loop.timer(self.pause, function() self:flush() end)
end

--- Tells what there is soon, however much there was before.
function news:hurry()
  if self.timer then self.timer:close() end
  self.timer = core.loop.timer(PAUSE_MS, function() self:flush() end)
end

--- Keeps what matters of a long queue; the rest is counted.
function news:fold()
  local kept, folded = {}, self.folded
  local room = MOST_LINES
  for i = #self.queue, 1, -1 do
    local entry = self.queue[i]
    if room > 0 and not entry.minor then
      table.insert(kept, 1, entry)
      room = room - 1
    elseif entry.minor then
      folded.success = folded.success + 1
    else
      folded.others = folded.others + 1
    end
  end
  self.queue = kept
end

local function folded_line(folded)
  local parts = {}
  if folded.success > 0 then parts[1] = text.plural(folded.success, "task") .. ": success" end
  if folded.others > 0 then parts[#parts + 1] = text.plural(folded.others, "other change") end
  return #parts > 0 and term.paint("dim", "… " .. table.concat(parts, ", "), "err") or nil
end

--- Tells what there is now.
function news:flush()
  if self.timer then self.timer:close() end
  self.timer = nil
  if #self.queue > MOST_LINES then self:fold() end
  local lines = { folded_line(self.folded) }
  self.pause = #lines > 0 and math.min(2 * self.pause, LONGEST_MS) or PAUSE_MS
  for _, entry in ipairs(self.queue) do lines[#lines + 1] = entry.line end
  self.queue, self.folded = {}, { success = 0, others = 0 }
  if #lines > 0 and not term.quiet then self.tell(table.concat(lines, "\n")) end
end

return news
