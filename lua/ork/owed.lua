-- SPDX-License-Identifier: MIT
-- Handlers that were not called to their end, of a run's document.

--- Are there any?
return function(run)
  for _, h in ipairs(run.handlers or {}) do
    if h.outcome == nil then return true end
  end
  return false
end
