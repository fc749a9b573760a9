-- SPDX-License-Identifier: MIT
-- A half-typed line of shell: its words, and how the last one can be continued.
local words = {}

--- The words of a line up to the cursor, quotes taken off; the last one is what is being typed, "" after a blank. And where
--- that one can be continued: open is the quote that is still open or nil, start the index in the line behind that quote (or
--- where the word begins), skip how much of the word stands before that, plain is false when it holds closed quotes.
function words.split(line)
  local list, word, quote, start, skip, plain = {}, nil, nil, #line + 1, 0, true
  local i = 1
  while i <= #line do
    local c = line:sub(i, i)
    if not word and not c:find("%s") then word, start, skip, plain = "", i, 0, true end
    if quote then
      if c == quote then
        quote, plain = nil, false
      elseif c == "\\" and quote == '"' and line:find('^["\\$`]', i + 1) then
        i = i + 1
        word = word .. line:sub(i, i)
      else
        word = word .. c
      end
    elseif c == "'" or c == '"' then
      quote, start, skip = c, i + 1, #word
    elseif c == "\\" then
      i = i + 1
      word = word .. line:sub(i, i)
    elseif c:find("%s") then
      list[#list + 1], word = word, nil
    elseif c:find("[|;&]") then
      list, word = {}, nil -- another command begins
    else
      word = word .. c
    end
    i = i + 1
  end
  list[#list + 1] = word or ""
  return list, { open = quote, start = word and start or #line + 1, skip = word and quote and skip or 0, plain = plain }
end

--- `text` so that the shell reads it back, within the open quote or outside of quotes; nil when it cannot be written there.
function words.quote(text, open)
  if open == "'" then return not text:find("'", 1, true) and text or nil end
  if open == '"' then return (text:gsub('["\\$`]', "\\%0")) end
  return (text:gsub("[^%w_./:=@%%+,~%-\128-\255]", "\\%0"))
end

return words
