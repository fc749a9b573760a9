-- SPDX-License-Identifier: MIT
-- luacheck: ignore 512 (loops that raise at once)
-- References and task handles: what cannot be meant raises on the user's line and names what to write instead.
local ork = require "ork"

local w = ork.workflow("w", { params = { day = "date", config = { host = "str" } } })
local a = w:task("a", { command = "x", output_type = { rows = "int", parts = { "str" }, dir = "str?", deep = ork.optional({ x = "int" }) } })
local rows, parts = a.output.rows, a.output.parts

--- A function that must raise → the message, without its place.
local cases = {
  { function() return a.output.row end, "a.output has no field `row`; did you mean `rows`?" },
  { function() return a.output.zzzz end, "a.output has no field `zzzz`; it is declared with " },
  { function() return a.output.deep.y end, "a.output.deep has no field `y`; it is declared with x" },
  { function() return rows.x end, "a.output.rows is declared as int; it has no field `x`" },
  { function() return parts.x end, "a.output.parts is a list; it has no field `x`, and its elements are known only in the run" },
  { function() return parts[1] end, "a.output.parts[1]: the value exists only in the run; give the whole list to a task " ..
    "(`inputs`, `command`) and take the element there" },
  { function() return parts[true] end, "a.output.parts: true is no name of a field" },
  { function() return #parts end, "a.output.parts has no length while the script loads: its value exists only in the run; " ..
    "count in the task that gets it" },
  { function() for _ in pairs(parts) do break end end, "a.output.parts cannot be looped over while the script loads: " ..
    "its value exists only in the run; loop in the task that gets it" },
  { function() for _ in ipairs(parts) do break end end, "a.output.parts[1]: the value exists only in the run" },
  { function() return rows < 5 end, 'a.output.rows cannot be compared while the script loads; decide in the run: ' ..
    'when = { a.output.rows, OP, value } with OP one of "==", "~=", "<", "<=", ">", ">=", "in"' },
  { function() return rows > 5 end, 'a.output.rows cannot be compared while the script loads; decide in the run: ' ..
    'when = { a.output.rows, OP, value } with OP one of "==", "~=", "<", "<=", ">", ">=", "in"' },
  { function() return 5 <= rows end, 'a.output.rows cannot be compared while the script loads; decide in the run' },
  { function() return rows == a.output.dir end, 'a.output.rows cannot be compared while the script loads; decide in the run: when = { a.output.rows, "==", value }' },
  { function() return rows + 1 end, "a.output.rows is no number while the script loads; calculate in the task that gets it" },
  { function() return 2 * rows end, "a.output.rows is no number while the script loads; calculate in the task that gets it" },
  { function() return -rows end, "a.output.rows is no number while the script loads; calculate in the task that gets it" },
  { function() return rows & 1 end, "a.output.rows is no number while the script loads; calculate in the task that gets it" },
  { function() rows() end, "a.output.rows is a value of the run, not a function" },
  { function() rows.x = 1 end, "a.output.rows cannot be changed: it stands for a value of the run" },
  { function() return rows .. {} end, "..: a table cannot be joined to a text" },
  { function() return rows .. a end, "..: a task is no text; name a field of its output: task.output.FIELD" },
  { function() return "x" .. w.params end, "workflow.params is no value; name one of its fields" },
  { function() return "x" .. rows .. "\xff" end, "text: a text that is not UTF-8 cannot be stored; encode such data (base64)" },
  { function() return "x" .. tostring(rows) .. rows end,
    "a reference was made into text before it was joined; join the reference itself, with .. or ork.format" },
  { function() return ("x" .. rows).y end, "a text of references is text; it has no field `y`" },
  { function() return w.params.dya end, "workflow `w` has no param `dya`; did you mean `day`?" },
  { function() return w.params.zzzzzz end, "workflow `w` has no param `zzzzzz`; declare it: params = { zzzzzz = \"str\" }" },
  { function() return w.params.day.x end, "params.day is declared as date; it has no field `x`" },
  { function() return w.params.config.hst end, "params.config has no field `hst`; did you mean `host`?" },
  { function() return ork.this.runid end, "ork.this has no field `runid`; did you mean `run_id`?" },
  { function() return ork.this.xxxxxxx end, "ork.this has no field `xxxxxxx`; it has run_id, task, task_index, attempt, " ..
    "logical_time, scheduled_for, workflow" },
  { function() return ork.this.run_id.x end, "ork.this.run_id is text; it has no field `x`" },
  -- handles
  { function() return a.ouput end, "task `a` has no field `ouput`; did you mean `output`?" },
  { function() return a.parts end, "task `a` has no field `parts`; it is a field of its output: .output.parts" },
  { function() return a.zzzzzz end, "task `a` has no field `zzzzzz`; a task has name, output, status, error, results" },
  { function() return a[1] end, "task `a` has no field 1" },
  { function() return #a end, "task `a` is no value: its output is .output, its outcome .status" },
  { function() a() end, "task `a` is no value: its output is .output, its outcome .status" },
  { function() return a >> a end, "task `a` is ordered by no operator: a task names those before it, depends_on = { … }" },
  { function() return { a } << a end, "task `a` is ordered by no operator: a task names those before it, depends_on = { … }" },
  { function() return a < a end, "task `a` is no value: its output is .output, its outcome .status" },
  { function() for _ in pairs(a) do break end end, "task `a` is no value: its output is .output, its outcome .status" },
  { function() return "x" .. a end, "task `a` is no value: its output is .output, its outcome .status" },
  { function() a.x = 1 end, "task `a` cannot be changed; give its options to `task`" },
}

describe("a use that cannot be meant", function()
  for i, case in ipairs(cases) do
    it(("raises %d: %s"):format(i, case[2]), function()
      local ok, message = pcall(case[1])
      assert.is_false(ok, "was accepted")
      local file, line, text = message:match("^(.-):(%d+): (.*)$")
      local info = debug.getinfo(case[1], "S")
      assert.equal(info.source:sub(2), file)
      assert.is_true(tonumber(line) >= info.linedefined and tonumber(line) <= info.lastlinedefined, message)
      assert.equal(case[2], text:sub(1, #case[2]))
    end)
  end
end)

describe("handles", function()
  it("are equal when they are the same task", function()
    local v = ork.workflow("v")
    local x, y = v:task("x", { command = "x" }), v:task("y", { command = "x" })
    assert.is_true(x == x)
    assert.is_false(x == y)
    assert.is_false(x == a)
    assert.is_false(x == "x")
    assert.equal("x", x.name)
    assert.equal("task `x`", tostring(x))
  end)

  it("and references keep their workflow", function()
    local ref, handle
    do
      local v = ork.workflow("kept", { params = { p = "str" } })
      handle = v:task("x", { command = "x", output_type = { f = "str" } })
      ref = handle.output.f .. v.params.p
    end
    collectgarbage()
    collectgarbage()
    assert.equal("x", handle.name)
    assert.equal("<ork reference x.output.f>", tostring(handle.output.f))
    assert.equal("<ork reference a text of references>", tostring(ref))
  end)

  it("show as text that is recognised", function()
    assert.equal("<ork reference a.output.rows>", tostring(rows))
    assert.equal("<ork reference params.day>", tostring(w.params.day))
    assert.equal("<ork reference ork.input.part>", tostring(ork.input.part))
    assert.equal("<ork reference ork.this.attempt>", tostring(ork.this.attempt))
    assert.equal("workflow `w`", tostring(w))
  end)

  it("hide their metatables", function()
    assert.equal("ork", getmetatable(rows))
    assert.equal("ork", getmetatable(a))
    assert.equal("ork", getmetatable(w))
  end)
end)
