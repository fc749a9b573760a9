-- SPDX-License-Identifier: MIT
-- Command lines that are proposed: what was given to find the database goes into them too, or typed as told they would look
-- into another one.
local core = require "ork.core"
local text = require "ork.cli.text"

local hint = {}

local tail = ""

--- Options of the command line, as they were given; passwords stay out.
function hint.configure(options)
  tail = (options.db and " --db " .. text.word(core.url_plain(options.db)) or "") .. (options.data and " --data " .. text.word(options.data) or "")
end

--- "ork show %s" with its words, and with --db and --data where they were given.
function hint.line(format, ...) return format:format(...) .. tail end

return hint
