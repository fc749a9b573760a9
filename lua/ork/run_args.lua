-- SPDX-License-Identifier: MIT
-- What callers of ork.run and its like may say: unknown keys and wrong types raise at their line.
local core = require "ork.core"
local sys = core.sys

local args = {}

function args.sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

function args.did_you_mean(word, words)
  local near = type(word) == "string" and core.suggest(word, words)
  return near and ("; did you mean `%s`?"):format(near) or "; there are " .. table.concat(words, ", ")
end

--- Refuses unknown keys and wrong types; spec: key → type name or function(value) → value | nil, what is wanted.
function args.check_options(what, opts, spec, level)
  if opts == nil then return {} end
  if type(opts) ~= "table" then error(("%s: options are a table, not %s"):format(what, type(opts)), level + 1) end
  local checked = {}
  for key, value in pairs(opts) do
    local wanted = spec[key]
    if not wanted then
      error(("%s has no option `%s`%s"):format(what, tostring(key), args.did_you_mean(key, args.sorted_keys(spec))), level + 1)
    end
    local kind, bad
    if type(wanted) == "function" then
      checked[key], kind, bad = wanted(value)
    elseif type(value) == wanted then
      checked[key] = value
    end
    if checked[key] == nil then
      error(("%s: `%s` is %s, not %s"):format(what, key, kind or "a " .. wanted, tostring(bad or value)), level + 1)
    end
  end
  return checked
end

function args.duration(value)
  if type(value) == "number" and value >= 0 then return math.floor(value * 1000 + 0.5) end
  local ms = type(value) == "string" and sys.duration(value)
  if ms and ms >= 0 then return ms end
  return nil, "a duration like 90, \"10m\" or \"1h30m\""
end

function args.instant(value)
  if type(value) ~= "string" then return nil, "a time like \"2026-11-01\" or \"2026-11-01T02:00:00Z\"" end
  local ms, why = sys.time(value)
  if ms then return ms end
  local detail = why:match("^\".-\": (.*)$") -- "2026-02 has 28 days"
  return nil, "a time like \"2026-11-01\" or \"2026-11-01T02:00:00Z\"" .. (detail and (" (%s)"):format(detail) or "")
end

function args.whole(value)
  local n = math.tointeger(value)
  if n then return n end
  return nil, "a whole number"
end

function args.count(value)
  local n = math.tointeger(value)
  if n and n >= 1 then return n end
  return nil, "a whole number from 1 on"
end

--- A check of a status or a list of them, of those there are.
function args.statuses(known)
  local is = {}
  for _, each in ipairs(known) do is[each] = true end
  return function(value)
    if type(value) == "string" then value = { value } end
    if type(value) ~= "table" then return nil, "a status or a list of them" end
    for _, each in ipairs(value) do
      if not is[each] then
        local near = type(each) == "string" and core.suggest(each, known)
        return nil, ("one or more of %s%s"):format(table.concat(known, ", "), near and (" (did you mean `%s`?)"):format(near) or ""), each
      end
    end
    return value
  end
end

return args
