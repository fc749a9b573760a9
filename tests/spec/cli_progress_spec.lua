-- SPDX-License-Identifier: MIT
local progress = require "ork.cli.progress"

describe("progress", function()
  local now = 1793498400000
  local lines = progress.new({ "extract", "a-longer-name" })

  local function line(change) return lines:line(change, now) end

  it("says what a reader wants to know, under each other", function()
    assert.matches("^%d%d:%d%d:%d%d  extract        running$", line({ task = "extract", to = "running", attempt = 1 }))
    assert.matches("^%d%d:%d%d:%d%d  a%-longer%-name  success  +1%.5s$", line({ task = "a-longer-name", to = "success", took_ms = 1500 }))
  end)

  for _, case in ipairs({
    { "a later attempt", { to = "running", attempt = 3 }, "running", nil, "attempt 3" },
    { "an adopted process", { to = "running", attempt = 1, adopted = true }, "running", nil, "found running" },
    { "the first line of an error", { to = "failed", took_ms = 5, error = "exit code 1\nmore" }, "failed", 5, "exit code 1" },
    { "a retry", { to = "pending", retry_at = now + 2000, took_ms = 7, error = "exit code 1" }, "failed", 7, "exit code 1; again in 2s" },
    { "a retry as it was meant", { to = "pending", retry_at = now + 99, took_ms = 7 }, "failed", 7, "again in 0.1s" },
    { "a retry seen late", { to = "pending", retry_at = now + 1880, took_ms = 7 }, "failed", 7, "again in 2s" },
    { "a retry in no time", { to = "pending", retry_at = now + 1 }, "failed", nil, "again in 0.005s" },
    { "a long one with a jitter", { to = "pending", retry_at = now + 3599970 }, "failed", nil, "again in 1h" },
    { "a retry that is due", { to = "pending", retry_at = now - 5 }, "failed", nil, "again at once" },
    { "a lost attempt", { to = "pending", kind = "lost", error = "the agent died" }, "lost", nil, "the agent died" },
    { "a skipped task", { to = "skipped", took_ms = 3, error = "extract failed" }, "skipped", nil, "extract failed" },
    { "a cancelled task", { to = "cancelled" }, "cancelled" },
    { "nothing of a dispatch", { to = "dispatched" } },
    { "nothing of a recall", { to = "pending" } },
  }) do
    it("tells " .. case[1], function()
      local word, took, remark = progress.words(case[2], now)
      assert.same({ case[3], case[4], case[5] }, { word, took, remark })
    end)
  end

  it("escapes what a task brought", function()
    assert.matches("bad \\e[31m", line({ task = "extract", to = "failed", error = "bad \27[31m" }), 1, true)
  end)
end)
