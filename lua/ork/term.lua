-- SPDX-License-Identifier: MIT
-- What Ork prints: results to stdout, everything else to stderr. Whoever reads stdout may go away (`ork runs | head`);
-- that ends the program quietly. The terminal may go away too (SIGHUP); that must not end a run.
local sys = require("ork.core").sys

local term = { quiet = false, verbose = false, json = false, color = false }

local codes = { red = "31", green = "32", yellow = "33", dim = "2", bold = "1" }
local status_colors = {
  success = "green", failed = "red", cancelled = "yellow", skipped = "dim", running = "bold", retrying = "yellow",
}

--- Options that every command takes, and what the environment asks for.
function term.configure(options)
  term.quiet, term.verbose, term.json = options.quiet or false, options.verbose or false, options.json or false
  local plain = os.getenv("NO_COLOR")
  term.err_columns = sys.terminal(2)
  term.out_columns = sys.terminal(1)
  term.color = not options.no_color and not (plain and plain ~= "") and os.getenv("TERM") ~= "dumb"
  io.stdout:setvbuf(term.out_columns and "line" or "full")
  io.stderr:setvbuf("full")
end

--- Columns that text on stdout (or stderr) may take; nil when nothing limits it, as in a pipe.
function term.width(stream)
  local columns = stream == "err" and term.err_columns or stream ~= "err" and term.out_columns
  if not columns then return nil end
  columns = tonumber(os.getenv("COLUMNS") or "") or columns
  return columns >= 20 and columns or nil
end

--- `text` in a colour, where the stream ("out", "err") is a terminal that shows colours.
function term.paint(color, text, stream)
  local shows = term.color and (stream == "err" and term.err_columns or stream ~= "err" and term.out_columns)
  if not shows or not codes[color] then return text end
  return ("\27[%sm%s\27[0m"):format(codes[color], text)
end

function term.paint_status(status, text, stream)
  return term.paint(status_colors[status], text or status, stream)
end

-- ---- foreign text ----------------------------------------------------------------------------

local function hex(byte) return ("\\x%02x"):format(byte:byte()) end
local named = { ["\r"] = "\\r", ["\27"] = "\\e", ["\0"] = "\\0", ["\a"] = "\\a", ["\b"] = "\\b" }

--- Text of tasks and users, harmless to a terminal: control characters, bytes that are not UTF-8 and marks that reverse
--- the reading direction become \x1b-like escapes; tabs and line ends stay.
function term.escape(text)
  if not text:find("[^\t\n\32-\126]") then return text end
  text = text:gsub("[\0-\8\11-\31\127]", function(c) return named[c] or hex(c) end)
  if not text:find("[\128-\255]") then return text end
  local parts, from = {}, 1
  while from <= #text do
    local valid, bad = utf8.len(text, from)
    local chunk = text:sub(from, valid and #text or bad - 1)
    chunk = chunk:gsub("\xc2[\x80-\x9f]", function(c) return ("\\x%02x"):format(utf8.codepoint(c)) end)
    chunk = chunk:gsub("\xe2[\x80\x81][\x8e\x8f\xaa-\xae\xa6-\xa9]", function(c)
      local point = utf8.codepoint(c)
      local reverses = point == 0x200E or point == 0x200F or point >= 0x202A and point <= 0x202E
        or point >= 0x2066 and point <= 0x2069
      return reverses and ("\\u{%x}"):format(point) or c
    end)
    parts[#parts + 1] = chunk
    if valid then break end
    parts[#parts + 1] = hex(text:sub(bad, bad))
    from = bad + 1
  end
  return table.concat(parts)
end

--- The first line of a text, escaped, for one-line places.
function term.line(text)
  return (term.escape(text:match("^[^\n]*")):gsub("\t", " "))
end

-- ---- writing ---------------------------------------------------------------------------------

--- What the program ends with when nobody reads stdout any more.
term.exit_code = 0

--- Thrown when stdout cannot take more; main ends the program.
term.Closed = setmetatable({}, { __tostring = function() return "stdout is closed" end })

local function check(ok, why, number)
  if ok then return end
  if number == 32 or number == 5 then error(term.Closed, 0) end -- EPIPE, EIO: nobody reads
  error({ stop = true, code = 3, message = "cannot write the output: " .. why }, 0)
end

--- Results.
function term.out(text) check(io.stdout:write(text, "\n")) end
function term.out_raw(bytes) check(io.stdout:write(bytes)) end
function term.flush() check(io.stdout:flush()) end

--- Messages: always shown. A terminal that is gone is nobody's mistake.
function term.message(text)
  io.stderr:write(text, "\n")
  io.stderr:flush()
end

--- News that --quiet switches off.
function term.news(text)
  if not term.quiet then term.message(text) end
end

function term.detail(text)
  if term.verbose then term.message(text) end
end

return term
