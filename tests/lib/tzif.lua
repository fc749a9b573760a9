-- SPDX-License-Identifier: MIT
-- Time zone files for tests (TZif version 2, RFC 9636): one rule for all times, as POSIX writes it.
local tzif = {}

--- The bytes of a zone. rule: "AAA0", or with changes, "AAA0BBB,J60/2,J300/3"; its first name and offset hold before the first change.
function tzif.bytes(rule, offset)
  local abbreviation = rule:match("^%a+")
  offset = offset or 0
  local part = "TZif2" .. ("\0"):rep(15) .. string.pack(">I4I4I4I4I4I4", 0, 0, 0, 0, 1, #abbreviation + 1)
    .. string.pack(">i4I1I1", offset, 0, 0) .. abbreviation .. "\0"
  return part .. part .. "\n" .. rule .. "\n"
end

--- A rule by which clocks go forward by an hour at 02:00 so many days from now (UTC), and back a hundred days later.
function tzif.jump(days, before, after)
  local function julian(n)
    local day = os.date("!*t", os.time() + n * 86400)
    local number = day.yday
    if day.year % 4 == 0 and day.yday > 60 then number = number - 1 end -- Jn counts no 29 February
    return math.min(number, 365)
  end
  return ("%s0%s,J%d/2,J%d/3"):format(before, after, julian(days), julian(days + 100))
end

--- Writes a zone by its rule.
function tzif.write(path, rule, offset)
  local f = assert(io.open(path .. ".new", "wb"))
  f:write(tzif.bytes(rule, offset))
  f:close()
  assert(os.rename(path .. ".new", path))
end

return tzif
