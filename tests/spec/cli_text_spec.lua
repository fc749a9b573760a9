-- SPDX-License-Identifier: MIT
local columns = require "ork.cli.columns"
local tail = require "ork.cli.tail"
local term = require "ork.term"
local text = require "ork.cli.text"

describe("foreign text", function()
  for _, case in ipairs({
    { "plain", "plain text\twith\ntabs and lines", "plain text\twith\ntabs and lines" },
    { "UTF-8", "größer 日本 🎉", "größer 日本 🎉" },
    { "escape sequences", "\27[31mred\27]0;title\a", "\\e[31mred\\e]0;title\\a" },
    { "control characters", "a\0b\rc\127\1", "a\\0b\\rc\\x7f\\x01" },
    { "C1 controls", "a\xc2\x9bb", "a\\x9bb" },
    { "bytes that are not UTF-8", "a\xff\xfeb\xc3", "a\\xff\\xfeb\\xc3" },
    { "surrogates", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
    { "marks that turn the direction", "a\u{202E}b\u{2066}c\u{200F}", "a\\u{202e}b\\u{2066}c\\u{200f}" },
    { "their harmless neighbours", "a\u{2026}b\u{2013}\u{2060}", "a\u{2026}b\u{2013}\u{2060}" },
  }) do
    it("is harmless: " .. case[1], function() assert.equal(case[3], term.escape(case[2])) end)
  end

  it("fits one line where one is wanted", function() assert.equal("a b", term.line("a\tb\nc")) end)
end)

describe("texts", function()
  it("list", function()
    assert.equal("", text.list({}))
    assert.equal("a", text.list({ "a" }))
    assert.equal("a, b and c", text.list({ "a", "b", "c" }))
    assert.equal("a and 3 more", text.list({ "a", "b", "c", "d" }, 2))
  end)

  it("count the worst first", function()
    assert.equal("1 failed, 2 skipped, 4 success", text.counts({ success = 4, failed = 1, skipped = 2, pending = 0 }))
    assert.equal("1 task", text.plural(1, "task"))
    assert.equal("0 tasks", text.plural(0, "task"))
  end)

  it("know how wide they are", function()
    assert.equal(5, text.columns("hello"))
    assert.equal(4, text.columns("日本"))
    assert.equal(1, text.columns("e\u{301}"))
    assert.equal("日…", text.cut("日本語", 4))
    assert.equal("hel…", text.cut("hello", 4))
    assert.equal("hello", text.cut("hello", 5))
  end)

  it("say how long something took or takes", function()
    assert.equal(text.duration(1500), text.took({ took_ms = 1500 }))
    assert.equal(text.duration(3000), text.took({ started_at = "2026-11-01T02:00:00.000Z" }, 1793498403000))
    assert.equal("-", text.took({}))
  end)
end)

describe("tables", function()
  local heads = { { "NAME", shrink = true }, { "N", right = true }, { "WHY", shrink = true } }
  local rows = { { "extract", "1", "" }, { "a-very-long-task-name", "12", "exit code 1, and more words" } }

  it("align their columns", function()
    assert.same({
      "NAME                    N  WHY",
      "extract                 1",
      "a-very-long-task-name  12  exit code 1, and more words",
    }, columns(heads, rows))
  end)

  it("fit a narrow terminal by cutting the widest", function()
    local lines = columns(heads, rows, 40)
    for _, line in ipairs(lines) do assert.is_true(text.columns(line) <= 40, line) end
    assert.matches("…", lines[3], 1, true)
    assert.matches(" 12 ", lines[3], 1, true)
  end)
end)

describe("a table on a narrow terminal", function()
  local heads = {
    { "RUN" }, { "WORKFLOW", shrink = true, drop = 1 }, { "STATUS" }, { "TASKS", right = true, drop = 4 }, { "STARTED", drop = 3 },
    { "TOOK", right = true, drop = 5 }, { "ERROR", shrink = true, drop = 2 },
  }
  local rows = {
    { "12345678", "etl", "success", "5/5", "2026-11-01 03:00:00", "1.5s", "" },
    { "9abcdef0", "日本語のとても長い名前", "cancelled", "100/100000", "2026-11-01 03:00:00", "1h30m", ("why "):rep(60) },
    { "bad\27[2J", "\255\254", "failed", "0/1", "2026-11-01 03:00:00", "1ms", "line\nmore" },
  }

  for _, width in ipairs({ 1, 8, 19, 20, 40, 60, 80, 120, 200, 1000 }) do
    it("never is wider than " .. width .. " columns", function()
      for _, line in ipairs(columns(heads, rows, width)) do
        assert.is_true(text.columns(line) <= width, line)
        assert.is_nil(line:find("[%c]"))
      end
    end)
  end

  it("leaves out what matters least first", function()
    assert.same({ "RUN       STATUS", "12345678  success" }, columns(heads, { rows[1] }, 19))
    assert.same({ "RUN       WORKFLOW  STATUS   ERROR", "12345678  etl       success" }, columns(heads, { rows[1] }, 40))
    assert.matches("STARTED", columns(heads, rows, 80)[1])
    assert.matches("TOOK", columns(heads, rows, 120)[1])
  end)

  it("comes in pages of one heading and the same columns", function()
    local page = {}
    local first, second = columns(heads, { rows[1] }, 79, page), columns(heads, { rows[2] }, 79, page)
    assert.same({ 2, 1 }, { #first, #second })
    assert.is_true(text.columns(second[1]) <= 79)
    assert.matches("cancelled", second[1])
    local third = columns(heads, { { "r", "etl", "success", "1/1", "", "", "" } }, 79, page)
    assert.equal(text.columns(second[1]:sub(1, second[1]:find("cancelled", 1, true) - 1)) + 1, third[1]:find("success", 1, true))
  end)

  it("is whole in a pipe", function()
    local lines = columns(heads, rows)
    assert.matches("日本語のとても長い名前", lines[3], 1, true)
    assert.matches("bad\\x1b[2J", lines[4]:gsub("\\e", "\\x1b"), 1, true)
    assert.is_true(#lines[3] > 240)
  end)
end)

describe("fields", function()
  local fields = require "ork.cli.fields"
  local out, width

  before_each(function() out, width = term.out, term.width end)
  after_each(function() term.out, term.width = out, width end)

  local function print_at(columns_wide, rows)
    local lines = {}
    term.width = function() return columns_wide end
    term.out = function(line) lines[#lines + 1] = line end
    fields(rows)
    return lines
  end

  it("go on below themselves where words end", function()
    local rows = { { "status", "failed" }, { "error", "1 of 3 tasks failed: extract" }, { "none" }, { "log", "/a/very/long/path/to/the.log" }, { "params", "a=1\nb=2" } }
    assert.same({
      "status  failed", "error   1 of 3 tasks", "        failed: extract", "log     /a/very/long/path/to/the.log", "params  a=1", "        b=2",
    }, print_at(24, rows))
    assert.equal("error   1 of 3 tasks failed: extract", print_at(nil, rows)[2])
  end)
end)

describe("logs", function()
  --- An engine whose only log is `bytes`.
  local function engine_of(bytes)
    return {
      log_read = function(_, _, _, _, offset, len)
        if offset < 0 then offset = math.max(0, #bytes + offset) end
        return bytes:sub(offset + 1, offset + len), #bytes, false
      end,
    }
  end

  it("give their last lines", function()
    local engine = engine_of("a\nb\r\nc\nd")
    assert.same({ "c", "d" }, (tail.lines(engine, "r", "t", 0, 2)))
    local all, size, more = tail.lines(engine, "r", "t", 0, 20)
    assert.same({ "a", "b", "c", "d" }, all)
    assert.same({ 8, false }, { size, more })
    assert.is_true(select(3, tail.lines(engine, "r", "t", 0, 2)))
    assert.is_nil(tail.lines(engine_of(""), "r", "t", 0, 2))
  end)

  it("are read backwards as far as the lines asked for need", function()
    local long = ("x"):rep(200 * 1024)
    local bytes = table.concat({ "first", long, long, long, "last" }, "\n") .. "\n"
    assert.same({ long, "last" }, (tail.lines(engine_of(bytes), "r", "t", 0, 2)))
    assert.same({ "first", long, long, long, "last" }, (tail.lines(engine_of(bytes), "r", "t", 0, 5)))
  end)

  it("come in pieces from an offset on", function()
    local bytes = ("0123456789"):rep(100000)
    local parts = {}
    local offset = tail.pieces(engine_of(bytes), "r", "t", 0, 5, function(piece) parts[#parts + 1] = piece end)
    assert.equal(#bytes, offset)
    assert.equal(bytes:sub(6), table.concat(parts))
    assert.is_true(#parts > 1)
  end)

  it("are cut into blocks of lines wherever the pieces end", function()
    local blocks = {}
    local sink = tail.blocks(function(block) blocks[#blocks + 1] = block end)
    for _, piece in ipairs({ "a", "b\nc\r", "\n\nd" }) do sink(piece) end
    assert.same({ "ab\n", "c\n\n" }, blocks)
    sink(nil)
    assert.same({ "ab\n", "c\n\n", "d\n" }, blocks)
  end)

  it("do not grow memory by a line without an end, nor cut its characters", function()
    local longest, n = 0, 0
    local sink = tail.blocks(function(block)
      assert.is_truthy(utf8.len(block))
      longest, n = math.max(longest, #block), n + #block - 1
    end)
    for i = 1, 50 do sink(("\u{20AC}"):rep(64 * 1024 + i)) end
    sink(nil)
    assert.equal(3 * (50 * 64 * 1024 + 25 * 51), n)
    assert.is_true(longest <= 64 * 1024 + 1)
  end)
end)
