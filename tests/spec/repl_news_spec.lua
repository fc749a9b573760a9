-- SPDX-License-Identifier: MIT
-- News of runs at the prompt (lua/ork/repl/news.lua): told together, and of many only what matters.
local news = require "ork.repl.news"
local term = require "ork.term"

describe("news", function()
  local told, it_
  before_each(function()
    told = {}
    term.configure({})
    it_ = news.new(function(text) told[#told + 1] = text end)
  end)

  local function change(fields)
    local c = { run_id = "01a201d9-003a-7000-9c6b-9b0a13138363", workflow = "etl", from = "running", took_ms = 5, attempt = 1, kind = "" }
    for key, value in pairs(fields) do c[key] = value end
    it_:note(c)
  end

  local function lines()
    it_:flush()
    local list = {}
    for line in table.concat(told, "\n"):gmatch("[^\n]+") do list[#list + 1] = line:gsub("^%d%d:%d%d:%d%d ?", "") end
    told = {}
    return list
  end

  it("tell ends of tasks and runs, not their beginnings", function()
    change({ from = "pending", to = "running" })
    change({ task = "a", to = "running" })
    change({ task = "a", to = "success" })
    change({ task = "b", to = "skipped" })
    change({ task = "c", to = "failed", error = "exit code 3" })
    change({ to = "failed", took_ms = 70 })
    assert.same({ " a         success    0.005s", " c         failed     0.005s  exit code 3",
      'run 13138363 of etl: failed in 0.07s   why("13138363")' }, lines())
    assert.equal(0, it_:count())
  end)

  it("name the workflow when there are several runs", function()
    it_:expect("x", "other", { "t" })
    it_:expect("01a201d9-003a-7000-9c6b-9b0a13138363", "etl", { "a" })
    change({ task = "a", to = "success" })
    assert.truthy(lines()[1]:find("etl.a +success"))
  end)

  it("count what is too much, and keep failures and ends", function()
    for i = 1, 5000 do change({ task = "t" .. i, to = i == 4000 and "failed" or "success", error = i == 4000 and "bad" or nil }) end
    change({ to = "failed", took_ms = 1000 })
    local list = lines()
    assert.is_true(#list <= 13)
    local text = table.concat(list, "\n")
    assert.truthy(text:find("t4000 +failed"), text)
    assert.truthy(text:find("run 13138363 of etl: failed", 1, true), text)
    assert.truthy(text:find("… 4999 tasks: success", 1, true), text)
    assert.same({}, lines())
  end)
end)
