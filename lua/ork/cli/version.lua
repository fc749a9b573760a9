-- SPDX-License-Identifier: MIT
local sys = require("ork.core").sys
local term = require "ork.term"

return {
  name = "version",
  usage = "version",
  summary = "Prints the version of this program",
  run = function()
    term.out(term.json and ('{"version":"%s"}'):format(sys.version()) or "ork " .. sys.version())
    return 0
  end,
}
