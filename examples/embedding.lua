-- SPDX-License-Identifier: MIT
-- Ork inside of a Lua program: functions of the program are tasks, upvalues and all. Killed in the middle and started
-- again, it goes on where it was: what had succeeded is not done twice.
--
--   lua5.4 embedding.lua [FILE…]       sums words and lines; without files: its own
--   ork show last                      what it did, also after its end
local ork = require "ork"

local files = #arg > 0 and arg or { arg[0] }
local done = 0 -- tasks share what the program has

--- A workflow that counts the files, two at a time.
local function counting()
  local count = ork.workflow("count", { max_parallel = 2 })
  local counts = {}
  for i, path in ipairs(files) do
    local task = count:task("file-" .. i, {
      inputs      = { path = path },
      output_type = { words = "int", lines = "int" },
      retries     = { limit = 2, delay = "100ms", on = { codes = { "BUSY" } } },
      run         = function(input, ctx)
        local wc, why = ctx.exec({ "wc", "-wl", input.path }, { timeout = "10s" }) -- others go on meanwhile
        if not wc then ctx.fail(why, { code = "BUSY", after = "200ms" }) end
        local lines, words = wc.out:match("(%d+)%s+(%d+)")
        if not lines then ctx.fail(wc.err, { retry = false }) end
        done = done + 1
        ctx.log("%s: file %d of %d", input.path, done, #files)
        return { words = tonumber(words), lines = tonumber(lines) }
      end,
    })
    counts[i] = task.output
  end
  local total = count:task("total", {
    inputs      = { counts = counts },
    output_type = { words = "int", lines = "int" },
    run         = function(input)
      local sum = { words = 0, lines = 0 }
      for _, each in ipairs(input.counts) do
        sum.words, sum.lines = sum.words + each.words, sum.lines + each.lines
      end
      return sum
    end,
  })
  return count, total
end

ork.spawn(function() -- in it waiting lets the rest of the program go on
  local count, total = counting()
  local run = assert(ork.start(count, nil, { resume = true }))
  if run:wait() ~= "success" then error(run.error, 0) end
  local sum = run:task(total.name).output
  print(("%d words, %d lines in %d files (%s run)"):format(sum.words, sum.lines, #files, run.how))
end)

while ork.step(true) do end -- a program with a loop of its own would call ork.attach(require "luv")
