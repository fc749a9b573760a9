-- SPDX-License-Identifier: MIT
local core = require "ork.core"
local term = require "ork.term"

return {
  name = "version",
  usage = "version",
  summary = "Prints the version of this program",
  text = [[
With --json, as {"version":"…"}.]],
  examples = {
    { "ork version", "for a bug report" },
    { "ork version --json", "for programs" },
  },
  run = function()
    term.out(term.json and ('{"version":"%s"}'):format(core.version) or "ork " .. core.version)
    return 0
  end,
}
