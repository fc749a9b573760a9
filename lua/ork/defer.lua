-- SPDX-License-Identifier: MIT
-- ork.defer: outputs of tasks that say "this goes on elsewhere": `return ork.defer.http{ … }`.
local core = require "ork.core"

local defer = {}

local kinds = {
  failure_value = "string", headers = "table", job_id = "string", method = "string", status_field = "string", success_value = "string",
  url = "string",
}
local names = {}
for name in pairs(kinds) do names[#names + 1] = name end
table.sort(names)

local function check(job, i)
  if type(job) ~= "table" then error(("ork.defer.http wants tables { url, … }; number %d is a %s"):format(i, type(job)), 3) end
  local given = { service_type = "custom_http" }
  for key, value in pairs(job) do
    if not kinds[key] then
      local near = type(key) == "string" and core.suggest(key, names)
      error(("ork.defer.http has no option `%s`%s"):format(tostring(key), near and ("; did you mean `%s`?"):format(near) or ""), 3)
    end
    if type(value) ~= kinds[key] then error(("ork.defer.http: `%s` is a %s, not a %s"):format(key, type(value), kinds[key]), 3) end
    given[key] = value
  end
  for name, value in pairs(given.headers or {}) do
    if type(value) ~= "string" and type(value) ~= "table" then
      error(("ork.defer.http: `headers.%s` is a text, or names a secret: { secret = \"NAME\" }, { text = { \"Bearer \", { secret = \"NAME\" } } }")
        :format(tostring(name)), 3)
    end
  end
  if not given.url then error("ork.defer.http: `url` is missing", 3) end
  given.job_id = given.job_id or given.url
  return given
end

--- One job, or several: the task is done when all are.
function defer.http(...)
  local jobs = { ... }
  if #jobs == 0 then error("ork.defer.http wants a table { url, … }", 2) end
  for i, job in ipairs(jobs) do jobs[i] = check(job, i) end
  return { deferred = jobs }
end

return setmetatable(defer, { __index = function(_, name)
  if name == "bigquery" or name == "cloudrun" or name == "dataproc" then
    error(("ork.defer.%s: jobs of `%s` are not followed by this Ork, which follows those of ork.defer.http"):format(name, name), 2)
  end
  error(("ork.defer has no `%s`; there is http"):format(tostring(name)), 2)
end })
