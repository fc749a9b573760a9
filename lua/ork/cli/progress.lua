-- SPDX-License-Identifier: MIT
-- One line on stderr for each change of a task that a reader wants to know: it started, it ended, it will be tried again.
local sys = require("ork.core").sys
local term = require "ork.term"
local text = require "ork.cli.text"

local progress = {}
progress.__index = progress

local MAX_NAME = 32 -- longer names push their own line aside, not all others

--- names: the tasks of the run, for the width of their column; may be empty.
function progress.new(names)
  local width = 8
  for _, name in ipairs(names) do width = math.max(width, math.min(#name, MAX_NAME)) end
  return setmetatable({ width = width }, progress)
end

--- What a task waits for that does nothing else, with the time as people here read it, and the command that ends it.
function progress.waits(change)
  local waits = change.waits
  local at = waits:match("^waits until (%S+)$")
  if at then return "until " .. text.time(at) end
  local question = waits:match("^waits for approval: (.*)$")
  if not question then return waits:match("^waits (for run .*)$") or waits end
  return ("for approval: %s   (ork approve %s %s)"):format(question, text.short(change.run_id), change.task)
end

--- What a change reads like: status word, duration or nil, remark or nil. Nothing for changes that are not told.
--- Of items and of runs within others only what goes wrong is, and what waits for people: there may be a hundred thousand.
function progress.words(change, now)
  local to, remark = change.to, change.error and change.error:match("^[^\n]*")
  if change.within and not term.verbose and to ~= "failed" and to ~= "pending"
    and not (to == "running" and change.waits and change.waits:find("^waits for approval")) then return nil end
  if change.item and not term.verbose and to ~= "failed" and to ~= "pending" then return nil end
  if to == "running" then
    if change.items then return "running", nil, text.plural(change.items, "item") end
    if change.waits and remark then return "waiting", nil, ("poll failed: %s; asked again"):format(remark) end
    if change.waits then return "waiting", nil, progress.waits(change) end
    if change.adopted then return "running", nil, "found running" end
    if (change.attempt or 0) > 1 then return "running", nil, "attempt " .. change.attempt end
    return "running"
  elseif to == "pending" and change.retry_at then
    local again = change.retry_at - now > 0 and "again in " .. text.delay(change.retry_at - now) or "again at once"
    return change.kind == "lost" and "lost" or "failed", change.took_ms, remark and remark .. "; " .. again or again
  elseif to == "pending" and change.kind == "lost" then
    return "lost", nil, remark
  elseif to == "success" then
    return "success", change.took_ms
  elseif to == "failed" or to == "skipped" or to == "cancelled" then
    return to, to ~= "skipped" and change.took_ms or nil, remark ~= to and remark or nil
  end
end

--- The line of a change of a task, or nil.
function progress:line(change, now)
  local word, took, remark = progress.words(change, now)
  if not word then return nil end
  local line = ("%s  %-" .. self.width .. "s  %s"):format(text.clock(now), change.within and change.within .. " > " .. change.task or change.task,
    term.paint_status(word == "lost" and "retrying" or word == "waiting" and "running" or word, ("%-9s"):format(word), "err"))
  if took or remark then line = line .. (" %7s"):format(took and text.duration(took) or "") end
  if remark then line = line .. "  " .. term.line(remark) end
  line = line:gsub("%s+$", "")
  local width = term.width("err")
  return width and not term.color and text.cut(line, width) or line
end

--- Prints a change; for engine:on_change.
function progress:tell(change)
  if term.quiet or not change.task then return end
  local line = self:line(change, sys.now())
  if not line then return end
  if self.held then
    self.held[#self.held + 1] = line
  else
    term.message(line)
  end
end

--- Keeps lines back until release(): a run's first changes are told while it is being started, before its head line.
function progress:hold() self.held = self.held or {} end

function progress:release()
  local held = self.held or {}
  self.held = nil
  for _, line in ipairs(held) do term.message(line) end
end

return progress
