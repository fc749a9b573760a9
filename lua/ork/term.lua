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
  local plain, kind = os.getenv("NO_COLOR"), os.getenv("TERM") or ""
  term.err_columns = sys.terminal(2)
  term.out_columns = sys.terminal(1)
  term.dumb = kind == "" or kind == "dumb"
  term.color = not options.no_color and not (plain and plain ~= "") and not term.dumb
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

--- May stderr be drawn on, so that progress is a live view instead of lines?
function term.lively() return term.err_columns ~= nil and not term.dumb end

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

--- Text of tasks and users, harmless to a terminal: control characters, bytes that are not UTF-8 and marks that turn the
--- reading direction become \x1b-like escapes; tabs and line ends stay.
term.escape = sys.escape

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

--- The live view that has the end of the terminal, or nil; its above(text) shows a text over it.
term.view = nil

--- Messages: always shown. A terminal that is gone is nobody's mistake.
function term.message(text)
  if term.view then return term.view:above(text) end
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
