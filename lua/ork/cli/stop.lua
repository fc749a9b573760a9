-- SPDX-License-Identifier: MIT
-- Ends a command because of something the user can mend: `stop(2, "no workflow `%s`", name)`. main prints the text after
-- "ork: " and exits with the code (0 success 1 run failed 2 usage 3 environment 4 not found 124 timeout).
local stop = {}

local LONGEST = 1000 -- bytes of a word that is shown in full; a path may have many

local function raise(code, message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error({ stop = true, code = code, message = message }, 0)
end

--- For operations that return nil, message, "ECODE": passes their results on, or ends with the code's exit status.
function stop.check(value, message, code, ...)
  if value == nil or (value == false and message) then
    raise(require("ork.core").sys.exit_code(code or "EIO"), "%s", message)
  end
  return value, message, code, ...
end

--- A message with words that nobody would read to their end cut off (an argument can have 128 KiB).
function stop.shorten(message)
  return (message:gsub("%S+", function(word)
    if #word <= LONGEST then return nil end
    return ("%s… (%d bytes)"):format(word:sub(1, (utf8.offset(word, 0, LONGEST // 3) or 1) - 1), #word)
  end))
end

--- An exit code without words: everything was said.
function stop.quietly(code) error({ stop = true, code = code }, 0) end

return setmetatable(stop, { __call = function(_, ...) raise(...) end })
