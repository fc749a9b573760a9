-- SPDX-License-Identifier: MIT
local core = require "ork.core"
local stop = require "ork.cli.stop"
local term = require "ork.term"

return {
  name = "version",
  usage = "version",
  summary = "Prints the versions of this program and of what it is made with",
  text = [[
The first line is the program's own: the last tag, how many commits ago, and the commit. The protocol is the one spoken with
ork-agent; the schema is the newest one of a database that this program reads.

With --json: {"version", "agent_protocol", "schema", "sqlite", "libuv", "jansson", "lua"}.]],
  examples = {
    { "ork version", "for a bug report" },
    { "ork version --json", "for programs" },
  },
  run = function()
    local versions = stop.check(core.versions())
    versions.lua = core.lua_release:match("%S+$")
    if term.json then
      term.out((stop.check(core.json.encode(versions))))
      return 0
    end
    term.out("ork " .. versions.version)
    term.out(("agent protocol %d, schema %d"):format(versions.agent_protocol, versions.schema))
    term.out(("SQLite %s, Lua %s, libuv %s, Jansson %s"):format(versions.sqlite, versions.lua, versions.libuv, versions.jansson))
    return 0
  end,
}
