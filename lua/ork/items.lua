-- SPDX-License-Identifier: MIT
-- What the items of a task gave, page by page: there may be a hundred thousand.
local items = {}

local PAGE = 100

--- Calls tell(text) for each item in the order of the list: the JSON of its output, or nil when it gave nothing. `of` is what a task's
--- document says of its items. Returns true; or nil, message, code.
function items.each(engine, id, of, tell)
  local at, last = of.first, of.first + of.count
  while at < last do
    local list, message, code = engine:outputs(id, at - 1, PAGE)
    if not list then return nil, message, code end
    for _, one in ipairs(list) do
      if one.index >= last then break end
      for _ = at, one.index - 1 do tell(nil) end
      tell(one.output)
      at = one.index + 1
    end
    if #list == 0 or list[#list].index >= last then
      for _ = at, last - 1 do tell(nil) end
      at = last
    end
  end
  return true
end

return items
