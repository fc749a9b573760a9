-- SPDX-License-Identifier: MIT
-- Every mistake of an option table: its line and its exact text.
local script = require "tests.lib.script"

local compare = 'compare in the run: when = { task.output.FIELD, "==", value }'
local later = " comes with a later version; this one runs process tasks"
local forms = "wants a span (\"30m\"), a time (\"2026-12-01T08:00:00Z\", a reference), { approval = \"Ship?\" } or { poll = function }"
local makes = "; ork.executor(name, { start = …, poll = … }) makes one"
local mail = '`on_failure = function(run, ctx) … end` is called when a run has failed'

local an_each = "an ork.each, which is one of a task's inputs: inputs = { part = ork.each(…) }"
local a_product = "an ork.product, which is the list of an ork.each: ork.each(ork.product{ … })"

--- options of task `t` on line 4 → the refusals
local of_task = {
  { [[{}]], "4: task `t`: it does nothing; give it a command = { \"program\", … }, " ..
      "or run = function(input, ctx) … end" },
  { [[{ command = "x", retires = 1 }]], "4: task `t`: unknown option `retires`; did you mean `retries`?" },
  { [[{ command = "x", cmd = 1 }]], "4: task `t`: unknown option `cmd`; did you mean `command`?" },
  { [[{ command = "x", priority_weight = 1 }]], "4: task `t`: unknown option `priority_weight`; did you mean `priority`?" },
  { [[{ command = "x", needs = a }]], "4: task `t`: unknown option `needs`; did you mean `depends_on`?" },
  { [[{ command = "x", zzzzzz = 1 }]], "4: task `t`: unknown option `zzzzzz`" },
  { [[{ command = "x", a }]], "4: task `t`: options have names, but a task stands there without one" },
  { [[{ command = "x", [true] = 1 }]], "4: task `t`: options have names, but 1 stands there without one" },
  -- command
  { [[{ command = {} }]], "4: task `t`: `command` is empty: it names no program" },
  { [[{ command = "  " }]], "4: task `t`: `command` is empty: it names no program" },
  { [[{ command = { "" } }]], "4: task `t`: `command[1]` is empty: it names no program" },
  { [[{ command = 5 }]], "4: task `t`: `command` wants a list of arguments or a text, got 5" },
  { [[{ command = { "x", true } }]], "4: task `t`: `command[2]` is a boolean, not a text; write \"true\"" },
  { [[{ command = { "x", { "y" } } }]], "4: task `t`: `command[2]` is a table; one element is one argument; " ..
      "those of a list stand as the last: table.unpack(list)" },
  { [[{ command = { "x", nil, "y" } }]], "4: task `t`: `command` has a hole: element 2 is nil" },
  { [[{ command = { "x", flag = 1 } }]], "4: task `t`: `command` wants a list of arguments or a text, but has the key \"flag\"" },
  { [[{ command = { "x", a } }]], "4: task `t`: `command[2]` is a task, not a text; name a field of its output: task.output.FIELD" },
  { [[{ command = { "x", print } }]], "4: task `t`: `command[2]` wants a text, got a function" },
  { [[{ command = { "x", "a\0b" } }]],
    "4: task `t`: `command[2]` is refused: a text with a NUL byte cannot be stored; encode such data (base64)" },
  { [[{ command = { "x", "a\xff" } }]],
    "4: task `t`: `command[2]` is refused: a text that is not UTF-8 cannot be stored; encode such data (base64)" },
  { [[{ command = { "x", ("--n=%s"):format(a.output.rows) } }]],
    "4: task `t`: `command[2]` has a reference that was made into text while the script was loading; " ..
    "join it: \"…\" .. reference, or ork.format(\"…%s\", reference)" },
  { [[{ command = "x " .. tostring(a.output.rows) }]],
    "4: task `t`: `command` has a reference that was made into text while the script was loading; " ..
    "join it: \"…\" .. reference, or ork.format(\"…%s\", reference)" },
  { [[{ command = a.output.dir }]],
    "4: task `t`: `command` is only a reference; a value of the run is never a command of the shell; " ..
    "a list runs a program: { program, argument, … }" },
  { [[{ command = { "x", ork.secret("K") } }]],
    "4: task `t`: `command[2]` is refused: a secret can only stand in `env`, where nothing stores or shows it" },
  { [[{ command = { "x", w.params } }]], "4: task `t`: `command[2]` is refused: params is no value; name one of its fields" },
  { [[{ command = { "x", ork.input } }]], "4: task `t`: `command[2]` is refused: ork.input is no value; name one of its fields" },
  { [[{ command = { "x", ork.input.part } }]],
    "4: task `t`: `command[2]` uses ork.input.part, but the task has no inputs; give it: inputs = { … }" },
  { [[{ command = { "x", ork.input.prt }, inputs = { part = 1 } }]],
    "4: task `t`: `command[2]` uses ork.input.prt, which is not among its inputs; did you mean ork.input.part?" },
  { [[{ command = { "x", 0/0 } }]], "4: task `t`: `command[2]` wants a text, got " .. ("%.14g"):format(0 / 0) },
  -- cwd, env
  { [[{ command = "x", cwd = "" }]], "4: task `t`: `cwd` is empty; leave it out for the script's directory" },
  { [[{ command = "x", cwd = 5 }]], "4: task `t`: `cwd` wants a text, got 5" },
  { [[{ command = "x", cwd = ork.secret("K") }]],
    "4: task `t`: cwd: a secret can only stand in `env`, where nothing stores or shows it" },
  { [[{ command = "x", env = "A=1" }]], "4: task `t`: `env` wants variables by name, { NAME = \"value\" }, got \"A=1\"" },
  { [[{ command = "x", env = { "A" } }]], "4: task `t`: `env` wants variables by name, but has the key 1" },
  { [[{ command = "x", env = { ["A B"] = "1" } }]], "4: task `t`: `env.A B` is no name of a variable: letters, digits, _" },
  { [[{ command = "x", env = { ORK_RUN_ID = "1" } }]], "4: task `t`: `env.ORK_RUN_ID` is set by Ork for every attempt" },
  { [[{ command = "x", env = { A = true } }]],
    "4: task `t`: `env.A` wants a text, got true; write \"true\" or \"1\"; false unsets a variable" },
  { [[{ command = "x", env = { A = {} } }]], "4: task `t`: `env.A` wants a text, got a table" },
  { [[{ command = "x", env = { A = "\0" } }]],
    "4: task `t`: `env.A` is refused: a text with a NUL byte cannot be stored; encode such data (base64)" },
  -- inputs, types
  { [[{ command = "x", inputs = 5 }]],
    "4: task `t`: `inputs` wants values by name, { part = … }, or a reference to an object, got 5" },
  { [[{ command = "x", inputs = { 5 } }]], "4: task `t`: `inputs` wants values by name, but has the key 1" },
  { [[{ command = "x", inputs = { f = print } }]], "4: task `t`: inputs.f: a function cannot be stored as JSON" },
  { [[{ command = "x", inputs = { f = { { 1, nil, 3 } } } }]],
    "4: task `t`: inputs.f[1]: element 2 is nil; a list has no holes (ork.null is a value)" },
  { [[{ command = "x", inputs = { f = { x = 1, 2 } } }]],
    "4: task `t`: inputs.f: both list elements and named fields; it is one or the other" },
  { [[{ command = "x", inputs = { f = 0/0 } }]], "4: task `t`: inputs.f: NaN is no value of JSON" },
  { [[{ command = "x", inputs = { f = a } }]], "4: task `t`: inputs.f: a task is no value; its output is `task.output`" },
  { [[{ command = "x", inputs = { f = ork.input.g } }]],
    "4: task `t`: inputs.f: ork.input cannot stand here; it is made of the inputs of a task" },
  { [[{ command = "x", inputs = { f = { g = ork.secret("K") } } }]],
    "4: task `t`: inputs.f.g: a secret can only stand in `env`, where nothing stores or shows it" },
  { [[{ command = "x", input_type = "int", inputs = {} }]],
    "4: task `t`: `input_type` wants an object of fields, such as { part = \"str\" }" },
  { [[{ command = "x", output_type = 5 }]],
    "4: task `t`: `output_type` wants a type, such as \"str\", { \"int\" } or { rows = \"int\" }, got 5" },
  { [[{ command = "x", output_type = { rows = "integer" } }]],
    "4: task `t`: `output_type` is no type: rows: unknown type \"integer\"; write `int`" },
  { [[{ command = "x", input_type = { n = "str" }, inputs = { n = a.output.rows } }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted str, the reference gives int" },
  { [[{ command = "x", input_type = { n = "str" }, inputs = { n = 5 } }]], "4: task `t`: inputs.n: wanted str, got 5" },
  { [[{ command = "x", input_type = { n = "str", m = "int?" } }]],
    "4: task `t`: inputs lacks `n`, which input_type wants" },
  { [[{ command = "x", input_type = { n = "int" }, inputs = { n = a.output.rows }, trigger_rule = "all_done" }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted int, the reference gives int?, which may be null" },
  { [[{ command = "x", input_type = { rows = "str" }, inputs = a.output }]],
    "4: task `t`: `inputs` does not fit input_type: rows: wanted str, the reference gives int" },
  { [[{ command = "x", input_type = { n = { "str" } }, inputs = { n = { "a", a.output.rows } } }]],
    "4: task `t`: `inputs.n[2]` does not fit input_type: wanted str, the reference gives int" },
  { [[{ command = "x", input_type = { n = { "str" } }, inputs = { n = { 5, a.output.dir } } }]],
    "4: task `t`: `inputs.n[1]` does not fit input_type: wanted str, got 5" },
  { [[{ command = "x", input_type = { n = { "str" } }, inputs = { n = { x = a.output.dir } } }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted [str], got an object" },
  { [[{ command = "x", input_type = { n = { x = "str" } }, inputs = { n = { a.output.dir } } }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted {x: str}, got a list" },
  { [[{ command = "x", input_type = { n = { x = "str", y = "int", z = "int?" } }, inputs = { n = { x = a.output.dir } } }]],
    "4: task `t`: `inputs.n` lacks `y`, which input_type wants" },
  { [[{ command = "x", input_type = { n = "int" }, inputs = { n = "a" .. a.output.rows } }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted int, the reference gives str" },
  { [[{ command = "x", input_type = { n = { "int" } }, inputs = { n = { a.output.rows } }, trigger_rule = "all_done" }]],
    "4: task `t`: `inputs.n[1]` does not fit input_type: wanted int, the reference gives int?, which may be null" },
  { [[{ command = "x", input_type = { n = "str" }, inputs = { n = a.error }, trigger_rule = "all_done" }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted str, the reference gives str?, which may be null" },
  { [[{ command = "x", input_type = { n = "int" }, inputs = { n = ork.each(a.output.parts) } }]],
    "4: task `t`: `inputs.n` does not fit input_type: wanted int, the reference gives str" },
  { [[{ command = "x", input_type = { n = "int" }, inputs = { n = ork.each{ 1, "b" } } }]],
    "4: task `t`: `inputs.n[2]` does not fit input_type: wanted int, got \"b\"" },
  { [[{ command = "x", input_type = { n = { p = "int" } }, inputs = { n = ork.each(ork.product{ p = a.output.parts, q = { 1 } }) } }]],
    "4: task `t`: `inputs.n` does not fit input_type: p: wanted int, the reference gives str" },
  { [[{ command = { "x", ork.input.n.x }, inputs = { n = ork.each(a.output.parts) } }]],
    "4: task `t`: `command[2]` uses the field `x` of ork.input.n, which is declared as str" },
  { [[{ command = { "x", ork.input.n.rwos }, inputs = { n = a.output } }]],
    "4: task `t`: `command[2]` uses the field `rwos` of ork.input.n, which is declared as {dir: str, opt: str?, parts: [str], rows: int}" },
  -- order
  { [[{ command = "x", depends_on = 5 }]],
    "4: task `t`: `depends_on` wants a task, the name of one, or a list of them, got 5" },
  { [[{ command = "x", depends_on = a.output }]],
    "4: task `t`: `depends_on` is a reference, not a task; name the task itself, or use the reference in an option: that is a dependency too" },
  { [[{ command = "x", depends_on = { a, nil, a } }]], "4: task `t`: `depends_on` has a hole: element 2 is nil" },
  { [[{ command = "x", depends_on = { "" } }]], "4: task `t`: `depends_on[1]` names no task: the text is empty" },
  { [[{ command = "x", depends_on = "aa" }]], "4: task `t` depends on `aa`, which is not a task of this workflow; did you mean `a`?" },
  { [[{ command = "x", depends_on = "t" }]], "4: task `t` depends on itself" },
  { [[{ command = "x", trigger_rule = "all_sucess" }]],
    "4: task `t`: `trigger_rule` wants one of all_success, none_failed, all_done, always, all_failed, one_failed, one_success, " ..
    "got \"all_sucess\"; did you mean \"all_success\"?" },
  { [[{ command = "x", trigger_rule = "none_failed_min_one_success" }]],
    "4: task `t`: `trigger_rule` \"none_failed_min_one_success\" is called \"none_failed\" here" },
  { [[{ command = "x", trigger_rule = "one_failed" }]],
    "4: task `t` has trigger_rule \"one_failed\" but depends on nothing, so it could never run" },
  { [[{ command = "x", when = true }]], "4: task `t`: `when` is true, which was decided while the script was loading; " .. compare },
  { [[{ command = "x", when = a.output.rows == 5 }]],
    "4: task `t`: `when` is false, which was decided while the script was loading; " .. compare },
  { [[{ command = "x", when = a }]],
    "4: task `t`: `when` is a task, not a value; for order alone use depends_on; for its outcome task.status or task.output.FIELD" },
  { [[{ command = "x", when = "x" .. a.output.rows }]], "4: task `t`: `when` is a text, which is always true; " .. compare },
  { [[{ command = "x", when = { 1, "==", 1 } }]], "4: task `t`: `when` compares two constants: it holds no reference; " .. compare },
  { [[{ command = "x", when = { a.output.rows, ">" } }]],
    "4: task `t`: `when` wants { a, op, b }, got 2 elements; write { reference, \"==\", value }" },
  { [[{ command = "x", when = { a.output.rows, "!=", 1 } }]],
    "4: task `t`: `when[2]` wants one of == ~= < <= > >= in, got \"!=\"; did you mean \"~=\"?" },
  { [[{ command = "x", when = { a.output.rows, ">", "1" } }]], "4: task `t`: `when` compares a.output.rows (int) with \"1\", which have no order" },
  { [[{ command = "x", when = { a.output.dir, "==", 1 } }]], "4: task `t`: `when` compares a.output.dir (str) with 1, which are never equal" },
  { [[{ command = "x", when = { a.output.parts, "<", a.output.parts } }]],
    "4: task `t`: `when` orders a.output.parts ([str]); `<` orders two numbers or two texts" },
  { [[{ command = "x", when = { a.output.dir, "in", { "x", 5 } } }]], "4: task `t`: `when[3][2]` is 5, which a.output.dir (str) never is" },
  { [[{ command = "x", when = { a.output.rows, "in", a.output.parts } }]],
    "4: task `t`: `when` looks for a.output.rows (int) in a.output.parts ([str]), where it never is" },
  { [[{ command = "x", when = { a.output.dir, "in", "x" } }]], "4: task `t`: `when[3]` is text; `in` wants a list on the right" },
  { [[{ command = "x", when = { a.status, "==", "sucess" } }]],
    "4: task `t`: `when[3]` is no status a task ends with: success, failed, cancelled, skipped; got \"sucess\"; did you mean \"success\"?" },
  { [[{ command = "x", when = ork.secret("K") }]],
    "4: task `t`: when: a secret can only stand in `env`, where nothing stores or shows it" },
  -- faults
  { [[{ command = "x", retries = "3" }]],
    "4: task `t`: `retries` wants a number of further attempts, or { limit, delay, factor, max_delay, jitter, on }, got \"3\"" },
  { [[{ command = "x", retries = -1 }]], "4: task `t`: `retries` wants a whole number, 0 or more, got -1" },
  { [[{ command = "x", retries = 1.5 }]], "4: task `t`: `retries` wants a whole number, 0 or more, got 1.5" },
  { [[{ command = "x", retries = {} }]], "4: task `t`: `retries` is empty; add limit = n" },
  { [[{ command = "x", retries = { delay = "1s" } }]],
    "4: task `t`: `retries` does not say how many further attempts there are; add limit = n" },
  { [[{ command = "x", retries = { limit = 1, factor = 2 } }]],
    "4: task `t`: `retries` has a factor but no delay that it could multiply; add delay = \"1s\"" },
  { [[{ command = "x", retries = { limit = 1, delay = 1, factor = 0.5 } }]],
    "4: task `t`: `retries.factor` wants a number from 1 to 1000, got 0.5" },
  { [[{ command = "x", retries = { limit = 1, delay = "2m", max_delay = "1m" } }]],
    "4: task `t`: `retries` has a delay above its max_delay" },
  { [[{ command = "x", retries = { limit = 1, attempts = 3 } }]],
    "4: task `t`: unknown key `attempts` in `retries`; did you mean `limit`?" },
  { [[{ command = "x", retries = { limit = 1, on = {} } }]],
    "4: task `t`: `retries.on` is empty: name kinds, exit_codes or codes" },
  { [[{ command = "x", retries = { limit = 1, on = 5 } }]],
    "4: task `t`: `retries.on` wants { kinds, exit_codes, codes } or a function(err), got 5" },
  { [[{ command = "x", retries = { limit = 1, on = { kinds = { "timout" } } } }]],
    "4: task `t`: `retries.on.kinds[1]` wants one of exit, signal, timeout, spawn, lost, error, input, output, remote, rejected, policy, " ..
    "got \"timout\"; did you mean \"timeout\"?" },
  { [[{ command = "x", retries = { limit = 1, on = { exit_codes = 75 } } }]],
    "4: task `t`: `retries.on.exit_codes` wants a list of exit codes, such as { 75 }, got 75" },
  { [[{ command = "x", retries = { limit = 1, on = { exit_codes = { 300 } } } }]],
    "4: task `t`: `retries.on.exit_codes[1]` wants an exit code from 1 to 255, got 300" },
  { [[{ command = "x", timeout = true }]],
    "4: task `t`: `timeout` wants a duration, seconds or a text such as \"10m\", got true" },
  { [[{ command = "x", timeout = "10x" }]],
    "4: task `t`: `timeout` wants a duration: \"10x\" is no duration: unknown unit \"x\"; the units are w d h m s ms" },
  { [[{ command = "x", timeout = "-1m" }]], "4: task `t`: `timeout` wants a duration that is not negative, got \"-1m\"" },
  { [[{ command = "x", timeout = -1 }]], "4: task `t`: `timeout` wants a duration of 0 seconds or more, got -1" },
  { [[{ command = "x", timeout = 0/0 }]], "4: task `t`: `timeout` wants a duration of 0 seconds or more, got " ..
    ("%.14g"):format(0 / 0) },
  { [[{ command = "x", max_lost = -1 }]], "4: task `t`: `max_lost` wants a whole number, 0 or more, got -1" },
  { [[{ command = "x", keep_children = 1 }]], "4: task `t`: `keep_children` wants true or false, got 1" },
  { [[{ command = "x", isolated = 1 }]], "4: task `t`: `isolated` wants true or false, got 1" },
  { [[{ command = "x", resources = 1 }]],
    '4: task `t`: `resources` wants a table, such as { memory = "1g", cpu_time = "10m" }, got 1' },
  { [[{ command = "x", resources = { memory = "1 g" } }]],
    '4: task `t`: `resources.memory` wants bytes, such as "512m" or "1g", got "1 g"' },
  { [[{ command = "x", resources = { memory = "9999999t" } }]],
    '4: task `t`: `resources.memory` wants bytes, such as "512m" or "1g", got "9999999t"' },
  { [[{ command = "x", resources = { memory = "1k" } }]],
    '4: task `t`: `resources.memory` is "1k"; less than 16m is not enough for a program to begin' },
  { [[{ command = "x", resources = { cpu = 1 } }]], "4: task `t`: unknown key `cpu` in `resources`; did you mean `cpu_time`?" },
  -- load
  { [[{ command = "x", pool = 5 }]], "4: task `t`: `pool` wants a text, got 5" },
  { [[{ command = "x", pool = "" }]], "4: task `t`: `pool` wants the name of a pool, 1 to 200 characters" },
  { [[{ command = "x", pool = { "db", slots = 0 } }]], "4: task `t`: `pool.slots` wants a whole number, 1 or more, got 0" },
  { [[{ command = "x", pool = { "db", slot = 2 } }]],
    "4: task `t`: `pool` wants a name or { name, slots = n }, but has the key \"slot\"" },
  { [[{ command = "x", pool = w.params.day }]],
    "4: task `t`: `pool` named by a reference comes with a later version; give its name as a text" },
  { [[{ command = "x", priority = "high" }]], "4: task `t`: `priority` wants a whole number, got \"high\"" },
  -- words of later versions
  -- functions
  { [[{ run = "f" }]], "4: task `t`: `run` wants a function, got \"f\"" },
  { [[{ run = function() end, command = "x" }]], "4: task `t`: `run` stands beside `command`; a task does one thing; make two tasks of it" },
  { [[{ run = function() end, env = { A = "1" } }]],
    "4: task `t`: `env` is for `command`, not for a function; the function can pass one to ctx.exec" },
  { [[{ run = function() end, executor = "inline", cwd = "/" }]],
    "4: task `t`: `cwd` is for `command`, not for a function; the function can pass one to ctx.exec" },
  { [[{ command = "x", executor = "inline" }]], "4: task `t`: `executor` is for a function; give it run = function(input, ctx) … end" },
  { [[{ executor = "text" }]], "4: task `t`: `executor` wants \"inline\" or an ork.executor, got \"text\"" .. makes },
  { [[{ command = "x", executor = "text" }]], "4: task `t`: `executor` wants \"inline\" or an ork.executor, got \"text\"" .. makes },
  { [[{ wait = "1h", executor = "text" }]], "4: task `t`: `executor` wants \"inline\" or an ork.executor, got \"text\"" .. makes },
  { [[{ python = "a:f", executor = true }]], "4: task `t`: `executor` wants \"inline\" or an ork.executor, got true" .. makes },
  { [[{ wait = "1h", executor = "inline" }]],
    "4: task `t`: `executor` is of no use to a task that waits: it has no process and takes no slot" },
  { [[{ executor = "inline" }]], "4: task `t`: `executor` is for a function; give it run = function(input, ctx) … end" },
  { [[{ run = 5, executor = "inline" }]], "4: task `t`: `run` wants a function, got 5" },
  { [[{ run = function() end, executor = "inlined" }]],
    "4: task `t`: `executor` wants \"inline\" or an ork.executor, got \"inlined\"; did you mean \"inline\"?" },
  { [[{ python = "a.py:f", command = "x" }]], "4: task `t`: `python` stands beside `command`; a task does one thing; make two tasks of it" },
  { [[{ python = "a.py:f", run = print }]], "4: task `t`: `python` stands beside `run`; a task does one thing; make two tasks of it" },
  { [[{ library = "x.so", python = "a.py:f" }]], "4: task `t`: `library` stands beside `python`; a task does one thing; make two tasks of it" },
  { [[{ library = "x.so", command = "x" }]], "4: task `t`: `library` stands beside `command`; a task does one thing; make two tasks of it" },
  { [[{ task_count = 2, wait = 5 }]],
    "4: task `t`: `task_count` stands beside `wait`; it is for a task that does something itself; write inputs = { n = ork.each{ 0, 1, 2 } }" },
  { [[{ library = "x.so", run = print }]], "4: task `t`: `library` stands beside `run`; a task does one thing; make two tasks of it" },
  { [[{ library = "x.so", wait = 5 }]], "4: task `t`: `wait` stands beside `library`; a task does one thing; make two tasks of it" },
  { [[{ library = "x.so", executor = "inline" }]], "4: task `t`: `executor` is for a function; give it run = function(input, ctx) … end" },
  { [[{ python = "a:f", executor = "inline" }]], "4: task `t`: `executor` is for a function; give it run = function(input, ctx) … end" },
  { [[{ library = "" }]], "4: task `t`: `library` is empty; it wants the path of a shared library, such as \"parse.so\"" },
  { [[{ library = "x.so", cwd = "/" }]], "4: task `t`: `cwd` is for `command`, not for a library" },
  { [[{ library = "x.so", env = { A = "b" } }]], "4: task `t`: `env` is for `command`, not for a library" },
  { [[{ python = "a.py:f", wait = 5 }]], "4: task `t`: `wait` stands beside `python`; a task does one thing; make two tasks of it" },
  { [[{ python = "a/b:f" }]], "4: task `t`: `python` wants \"file.py:function\" or \"package.module:function\", got \"a/b:f\"" },
  { [[{ python = "a.py:f(1)" }]], "4: task `t`: `python` wants \"file.py:function\" or \"package.module:function\", got \"a.py:f(1)\"" },
  { [[{ python = 5 }]], "4: task `t`: `python` wants a text, got 5" },
  -- waiting
  { [[{ wait = "30m", command = "x" }]], "4: task `t`: `wait` stands beside `command`; a task does one thing; make two tasks of it" },
  { [[{ wait = "30m", run = function() end }]], "4: task `t`: `wait` stands beside `run`; a task does one thing; make two tasks of it" },
  { [[{ wait = "soon" }]], "4: task `t`: `wait` " .. forms .. ", got \"soon\"" },
  { [[{ wait = true }]], "4: task `t`: `wait` " .. forms .. ", got true" },
  { [[{ wait = -1 }]], "4: task `t`: `wait` wants a duration of 0 seconds or more, got -1" },
  { [[{ wait = "-5m" }]], "4: task `t`: `wait` lies in the past: \"-5m\"" },
  { [[{ wait = a }]], "4: task `t`: `wait` is a task, neither a span nor a time; for order alone use depends_on" },
  { [[{ wait = a.output }]], "4: task `t`: `wait` is no span or time, but a list or an object" },
  { [[{ wait = ork.secret("K") }]], "4: task `t`: wait: a secret can only stand in `env`, where nothing stores or shows it" },
  { [[{ wait = {} }]], "4: task `t`: `wait` does not say for what; add poll = function(input, ctx) … end, or approval = \"…\"" },
  { [[{ wait = { aproval = "x" } }]], "4: task `t`: unknown key `aproval` in `wait`; did you mean `approval`?" },
  { [[{ wait = { approval = "" } }]], "4: task `t`: `wait.approval` is empty; say what is to be approved: approval = \"Ship it?\"" },
  { [[{ wait = { approval = true } }]], "4: task `t`: `wait.approval` wants a text, got true" },
  { [[{ wait = { approval = "x", every = "1m" } }]], "4: task `t`: `wait.every` is for `poll`; nobody asks again for an approval" },
  { [[{ wait = { poll = "f" } }]], "4: task `t`: `wait.poll` wants a function(input, ctx), got \"f\"" },
  { [[{ wait = { approval = "ok?" }, deferred_timeout = "1h" }]], "4: task `t`: `deferred_timeout` is for jobs that a task leaves elsewhere "
    .. "(ork.defer), which this one cannot; `timeout` is how long this task may take" },
  { [[{ wait = "1h", pool = "db" }]], "4: task `t`: `pool` is of no use to a task that waits: it has no process and takes no slot" },
  { [[{ wait = "1h", env = { A = "1" } }]], "4: task `t`: `env` is of no use to a task that waits: it has no process and takes no slot" },
  { [[{ wait = "1h", output_type = "int" }]], "4: task `t`: `output_type` cannot be: a task that waits for a time gives nothing" },
  { [[{ wait = "1h", timeout = "1h" }]], "4: task `t`: `timeout` is over before the wait is" },
  { [[{ workflow = w }]], "4: task `t`: `workflow` is the workflow itself, which would never come to an end" },
  { [[{ command = "x", on_failure = "mail" }]], "4: task `t`: `on_failure` wants a function(task, ctx), got \"mail\"" },
  { [[{ command = "x", on_failure_callback = print }]], "4: task `t`: unknown option `on_failure_callback`; " .. mail },
  { [[{ command = "x", pool = {} }]], "4: task `t`: `pool` names no pool; write `pool = \"db\"` or { \"db\", slots = 2 }" },
  { [[{ command = "x", task_id = "x" }]], "4: task `t`: unknown option `task_id`; the name is the first argument" },
  { [[{ command = "x", do_xcom_push = true }]], "4: task `t`: unknown option `do_xcom_push`; what a task gives is declared: `output_type = { … }`" },
  { [[{ command = "x", python_callable = print }]], "4: task `t`: unknown option `python_callable`; write `python = \"FILE.py:FUNCTION\"`" },
  { [[{ command = "x", retries = { count = 1 } }]], "4: task `t`: unknown key `count` in `retries`; did you mean `limit`?" },
  { [[{ command = "x", retries = { zzzzzz = 1 } }]],
    "4: task `t`: unknown key `zzzzzz` in `retries`; there are delay, factor, jitter, limit, max_delay, on" },
  { [[{ command = "x", when = { a.output.rows, "==", print } }]], "4: task `t`: when[3]: a function cannot be stored as JSON" },
  { [[{ command = ork.each{ 1 } }]], "4: task `t`: `command` wants a list of arguments or a text, got " .. an_each },
  { [[{ command = { "x", ork.each{ 1 } } }]], "4: task `t`: `command[2]` wants a text, got " .. an_each },
  { [[{ command = { "x", w } }]], "4: task `t`: `command[2]` wants a text, got a workflow" },
  { [[{ command = "x", env = { A = ork.product{ a = { 1 } } } }]], "4: task `t`: `env.A` wants a text, got " .. a_product },
  { [[{ command = "x", inputs = { n = ork.product{ a = { 1 } } } }]], "4: task `t`: inputs.n: wants a value, got " .. a_product },
  { [[{ command = "x", inputs = { n = { 1, ork.each{ 1 } } } }]], "4: task `t`: inputs.n[2]: wants a value, got " .. an_each },
  { [[{ command = "x", inputs = { n = w } }]], "4: task `t`: inputs.n: wants a value, got a workflow" },
  { [[{ command = "x", when = ork.each{ true } }]],
    "4: task `t`: `when` wants a reference, { a, OP, b } or a function(input), got " .. an_each },
  { [[{ command = "x", timeout = w.params.n }]], "4: task `t`: `timeout` wants a duration, seconds or a text such as \"10m\", got " ..
      "the reference params.n, whose value is known only in the run" },
  { [[{ command = "x", priority = ork.input.n }]],
    "4: task `t`: `priority` wants a whole number, got the reference ork.input.n, whose value is known only in the run" },
  { [[{ command = "x", keep_children = ork.secret("S") }]], "4: task `t`: `keep_children` wants true or false, got ork.secret(…), which stands in `env` alone, " ..
      "where nothing stores or shows it (in a function: ctx.secret)" },
  { [[{ command = "x", priority = ork.date() }]],
    "4: task `t`: `priority` wants a whole number, got ork.date(…), whose value is known only in the run" },
  { [[{ command = "x", cwd = ork.executor("e", { start = print, poll = print }) }]], "4: task `t`: `cwd` wants a text, got an ork.executor" },
  { [[{ command = "x", cwd = ork }]], "4: task `t`: `cwd` wants a text, got the module ork" },
  { [[{ command = "x", cwd = io.stdout }]], "4: task `t`: `cwd` wants a text, got a FILE*" },
  { [[{ command = ork.format("%s", w) }]], "4: ork.format: a workflow cannot be joined to a text" },
  { [[{ command = ork.format("%s", {}) }]], "4: ork.format: a table cannot be joined to a text" },
  { [[{ command = "x" .. ork.product{ a = { 1 } } }]], "4: ork.product is no value: it is the list of an ork.each, inputs = { on = " ..
      "ork.each(ork.product{ os = { … }, arch = { … } }) }, and the task uses ork.input.on.os" },
  { [[{ command = "x", inputs = { n = ork.each(ork.each{ 1 }) } }]], "4: ork.each wants a list, or a reference to one, got " .. an_each },
  { [[{ command = "x", reads = { "f" } }]], "4: task `t`: `reads` (up-to-date checks on files)" .. later },
}

--- options of workflow `v` on line 4 → the refusals
local of_workflow = {
  { [[{ descripton = "x" }]], "4: workflow `v`: unknown option `descripton`; did you mean `description`?" },
  { [[{ timeout = "1h" }]],
    "4: workflow `v`: unknown option `timeout`; of the whole run it is `run_timeout`, of each task `defaults = { timeout = … }`" },
  { [[{ env = { A = "1" } }]], "4: workflow `v`: unknown option `env`; it is an option of tasks; for all of them: `defaults = { env = … }`" },
  { [[{ jobs = 2 }]],
    "4: workflow `v`: unknown option `jobs`; it is an option of the command, --jobs N; tasks of a run at once are `max_parallel`" },
  { [[{ max_runs = 2 }]], "4: workflow `v`: unknown option `max_runs`; did you mean `max_active_runs`?" },
  { [[{ timezone = "UTC" }]], "4: workflow `v`: unknown option `timezone`; write `schedule = { cron = …, timezone = … }`" },
  { [[{ mailto = "a" }]], "4: workflow `v`: unknown option `mailto`; " .. mail },
  { [[{ schedule_interval = "@daily" }]], "4: workflow `v`: unknown option `schedule_interval`; write `schedule = { cron = … }`" },
  { [[{ defaults = { retry_delay = 1 } }]], "4: workflow `v`: unknown key `retry_delay` in `defaults`; write `retries = { delay = … }`" },
  { [[{ defaults = { retries = { retry_delay = 1 } } }]],
    "4: workflow `v`: unknown key `retry_delay` in `defaults.retries`; did you mean `delay`?" },
  { [[{ retention = { days = 1, age = 1 } }]], "4: workflow `v`: unknown key `age` in `retention`; did you mean `days`?" },
  { [[{ schedule = { cron = "0 2 * * *", timezone = "GMT+1" } }]], "4: workflow `v`: `schedule.timezone` is an offset, not a time zone: \"GMT+1\"; " ..
      "name a city, \"Europe/Berlin\", whose clocks are known (in Etc/GMT+1 the sign is reversed: it is UTC-1)" },
  { [[{ schedule = { cron = "0 2 * * *", timezone = "local" } }]], "4: workflow `v`: `schedule.timezone` is no time zone: \"local\"; " ..
      "name it, \"Europe/Berlin\": the zone of a machine is not that of the definition" },
  { [[{ params = { day = { type = "date", default = "yesterday" } } }]],
    "4: workflow `v`: params.day: default: wanted date (such as 2026-11-01), got \"yesterday\"; the day before is ork.date(\"-1d\")" },
  { [[{ schedule = { cron = "30 2 * * * cd /srv" } }]], "4: workflow `v`: `schedule.cron` is no time of cron, \"30 2 * * * cd /srv\": " ..
      "`cd` is no day of the week; the command of a crontab goes to a task: w:task(\"name\", { command = \"…\" })" },
  { [[{ params = { day = { type = "date", default = ork.date(-1) } } }]], "4: ork.date: a number is seconds; write \"-1d\" for days or \"-1s\" for seconds" },
  { [[{ params = { day = { type = "date", default = ork.date("-1d", "YYYY-MM-DD") } } }]],
    "4: ork.date: the format \"YYYY-MM-DD\" has no % in it, so it is the same every day; write \"%Y-%m-%d\", or join texts with `..`" },
  { [[{ description = 5 }]], "4: workflow `v`: `description` wants a text, got 5" },
  { [[{ retention = "30d" }]], "4: workflow `v`: `retention` wants { days = 90, runs = 1000, bytes = \"10g\" } or false, got \"30d\"; " ..
      "`days` is how long finished runs stay, `runs` how many, `bytes` what their logs may take" },
  { [[{ retention = {} }]], "4: workflow `v`: `retention` is empty: it wants days, runs or bytes, or false to keep everything" },
  { [[{ retention = { days = 0 } }]], "4: workflow `v`: `retention.days` wants a whole number, 1 or more, got 0" },
  { [[{ retention = { bytes = "10x" } }]], "4: workflow `v`: `retention.bytes` wants a size like \"500m\" or \"10g\", got \"10x\"" },
  { [[{ max_parallel = 0 }]], "4: workflow `v`: `max_parallel` wants a whole number, 1 or more, got 0" },
  { [[{ fail_fast = "yes" }]], "4: workflow `v`: `fail_fast` wants true or false, got \"yes\"" },
  { [[{ tags = "x" }]], "4: workflow `v`: `tags` wants a list of texts, such as { \"nightly\" }, got \"x\"" },
  { [[{ run_timeout = {} }]], "4: workflow `v`: `run_timeout` wants a duration, seconds or a text such as \"10m\", got a table" },
  { [[{ defaults = 1 }]], "4: workflow `v`: `defaults` wants options for its tasks, such as { retries = 2 }, got 1" },
  { [[{ defaults = { command = "x" } }]], "4: workflow `v`: `defaults.command` is an option of single tasks, it cannot be a default" },
  { [[{ defaults = { retires = 1 } }]], "4: workflow `v`: unknown key `retires` in `defaults`; did you mean `retries`?" },
  { [[{ defaults = { retries = { limit = "x" } } }]], "4: workflow `v`: `defaults.retries.limit` wants a whole number, 0 or more, got \"x\"" },
  { [[{ params = "x" }]], "4: workflow `v`: `params` wants params by name, { day = \"date\" }, got \"x\"" },
  { [[{ params = { ["a b"] = "int" } }]],
    "4: workflow `v`: `params` has \"a b\" for the name of a param; names are letters, digits, _ and -" },
  { [[{ params = { n = "integer" } }]], "4: workflow `v`: `params.n` is no type: unknown type \"integer\"; write `int`" },
  { [[{ params = { n = { type = "int", defalt = 1 } } }]],
    "4: workflow `v`: unknown key `defalt` in `params.n`; did you mean `default`?" },
  { [[{ params = { n = { type = "int", default = "x" } } }]], "4: workflow `v`: params.n: default: wanted int, got \"x\"" },
  { [[{ params = { n = { type = "int", choices = {} } } }]], "4: workflow `v`: `params.n.choices` is empty: no value would fit" },
  { [[{ params = { n = { type = "int", min = 5, max = 1 } } }]], "4: workflow `v`: params.n: min is above max: no value fits" },
  { [[{ params = { n = { type = "int", default = a.output.rows } } }]],
    "4: workflow `v`: params.n.default: the reference belongs to another workflow" },
  { [[{ params = { n = { type = "str", default = ork.this.run_id } } }]],
    "4: workflow `v`: params.n.default: only ork.date can stand here; the run does not exist yet" },
  { [[{ schedule = "0 2 * * *" }]],
    "4: workflow `v`: `schedule` wants { cron = \"0 2 * * *\", … }, got \"0 2 * * *\"; write { cron = \"…\" } or { every = \"…\" }" },
  { [[{ schedule = {} }]], "4: workflow `v`: `schedule` says no time: give it cron = \"0 2 * * *\" or every = \"10m\"" },
  { [[{ schedule = { cron = "@daily", every = 60 } }]], "4: workflow `v`: `schedule` has both cron and every; it is one or the other" },
  { [[{ schedule = { cron = "0 2 * *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 2 * *\": it has 4 fields; 5 are wanted (minute hour day month weekday), 6 " ..
      "(second first) or 7 (with year)" },
  { [[{ schedule = { cron = "0 25 * * *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 25 * * *\": the hour is 25; it goes from 0 to 23; the fields are minute hour " ..
      "day month weekday, or six with the second first" },
  { [[{ schedule = { cron = "0 24 * * *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 24 * * *\": the hour is 24; it goes from 0 to 23; midnight is 0" },
  { [[{ schedule = { cron = "@dayly" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"@dayly\": there is no word `@dayly`; did you mean @daily?" },
  { [[{ schedule = { cron = "0 2 * * $" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 2 * * $\": the day of the week has `$` where it means nothing" },
  { [[{ schedule = { cron = "0 22-2 * * *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 22-2 * * *\": the range of the hour goes backwards, from 22 to 2; over the " ..
      "end it is two ranges, 22-23,0-2" },
  { [[{ schedule = { cron = "0 2 31 2 *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 2 31 2 *\": it never comes: there is no day `31` in month `2`; the last day of a month is L" },
  { [[{ schedule = { cron = "0 2 * * FRY" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 2 * * FRY\": `FRY` is no day of the week; did you mean Friday?" },
  { [[{ schedule = { cron = "0 2 * SEPT *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 2 * SEPT *\": `SEPT` is no month; did you mean September?" },
  { [[{ schedule = { cron = "*/90 * * * *" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"*/90 * * * *\": the step of the minute is 90, longer than 0-59, so it never " ..
      "comes to a second one; for times that do not begin anew each hour: every = \"90m\"" },
  { [[{ schedule = { cron = "0 0 2 * * ? 2020" } }]],
    "4: workflow `v`: `schedule.cron` is no time of cron, \"0 0 2 * * ? 2020\": it never comes again: its last time was 2020-12-31 " ..
      "02:00:00; the last field is the year; without it every year counts" },
  { [[{ schedule = { every = "10ms" } }]], "4: workflow `v`: `schedule.every` wants one second or more" },
  { [[{ schedule = { every = "20000d" } }]], "4: workflow `v`: `schedule.every` wants less than 12,000 days" },
  { [[{ schedule = { every = "10m", dst = "both" } }]],
    "4: workflow `v`: `schedule` has both every and dst: an interval counts elapsed time, whatever clocks do" },
  { [[{ schedule = { cron = "@daily", timezone = "Europe/Berlim" } }]],
    "4: workflow `v`: `schedule.timezone` is no time zone of this system: \"Europe/Berlim\"; did you mean \"Europe/Berlin\"?" },
  { [[{ schedule = { cron = "@daily", timezone = "New York" } }]],
    "4: workflow `v`: `schedule.timezone` is no time zone of this system: \"New York\"; did you mean \"America/New_York\"?" },
  { [[{ schedule = { cron = "@daily", timezone = "../Europe/Berlin" } }]],
    "4: workflow `v`: `schedule.timezone` is no time zone of this system: \"../Europe/Berlin\"; zones are named like \"Europe/Berlin\" or \"UTC\"" },
  { [[{ schedule = { cron = "@daily", timezone = "" } }]],
    "4: workflow `v`: `schedule.timezone` is no time zone of this system: \"\"; zones are named like \"Europe/Berlin\" or \"UTC\"" },
  { [[{ schedule = { cron = "@daily", timezone = "right/Europe/Berlin" } }]],
    "4: workflow `v`: `schedule.timezone` is no time zone of this system: \"right/Europe/Berlin\"; did you mean \"Europe/Berlin\"?" },
  { [[{ schedule = { cron = "@daily", overlap = "skp" } }]],
    "4: workflow `v`: `schedule.overlap` wants one of allow, skip, queue, cancel_running, got \"skp\"; did you mean \"skip\"?" },
  { [[{ params = { day = "date" }, schedule = { cron = "@daily", params = { dya = 1 } } }]],
    "4: workflow `v`: `schedule.params.dya` is no param of the workflow; did you mean `day`?" },
  { [[{ params = { n = "int" }, schedule = { cron = "@daily", params = { n = "x" } } }]],
    "4: workflow `v`: schedule.params.n: wanted int, got \"x\"" },
}

--- Calls that cannot be meant; they raise at once, so each is the only message.
local calls = {
  { [[w.task("x", {})]], "4: `task` belongs to a workflow: call it with a colon, workflow:task(…)" },
  { [[w.task({ command = "x" })]], "4: `task` belongs to a workflow: call it with a colon, workflow:task(…)" },
  { [[w:task({ command = "x" })]], "4: `task` wants the name first: workflow:task(\"name\", { … })" },
  { [[w:task()]], "4: `task` wants a name, got none" },
  { [[w:task("x", "y")]], "4: `task` wants a table of options after the name, got \"y\"" },
  { [[w:task("x", {}, 1)]], "4: `task` takes a name and a table of options, got 3 arguments" },
  { [[w:tsk("x")]], "4: workflow `w` has no field `tsk`; did you mean `task`?" },
  { [[w:returns()]], "4: `returns` wants a table of values by name, such as { rows = load.output.rows }" },
  { [[w.x = 1]], "4: workflow `w` cannot be changed; give its options to ork.workflow" },
  { [[ork:workflow("x")]], "4: `workflow` is called with a dot: ork.workflow(\"x\", { … })" },
  { [[ork.workflow{ description = "x" }]], "4: `workflow` wants the name first: ork.workflow(\"name\", { … })" },
  { [[ork.workflow()]], "4: `workflow` wants a name, got none" },
  { [[ork.workflw("x")]], "4: ork has no field `workflw`; did you mean `workflow`?" },
  { [[ork.executor(a.output.parts)]],
    "4: ork.executor wants a name first, of letters, digits, _ . and -" },
  { [[ork.x = 1]], "4: ork.x cannot be set" },
  { [[ork.date("1x")]], "4: ork.date: \"1x\" is no duration: unknown unit \"x\"; the units are w d h m s ms" },
  { [[ork.date(0, "%Q")]], "4: ork.date: the format has %Q; known are %Y %m %d %H %M %S %j %y %F %T %s %a %b %%" },
  { [[ork.secret("a b")]], "4: ork.secret wants the name of a secret: letters, digits, _" },
  { [[ork.pool("db")]], "4: ork.pool: `db` wants a whole number of slots, 1 or more, got nil" },
  { [[ork.pool("db", 1) ork.pool("db", 2)]], "4: pool `db` was declared with 1 slots before" },
  { [[ork.format("%d", a.output.rows)]],
    "4: ork.format: a reference only goes into %s, its value exists only in the run; the format has %d" },
  { [[ork.format("%s %s", a.output.rows)]], "4: ork.format: the format has more places than there are values (1)" },
  { [[ork.format("%s", a.output.rows, 2)]], "4: ork.format: 2 values for 1 places of the format" },
}

local function one(expected, got)
  assert.same({ expected }, got)
end

describe("a mistake in the options of a task", function()
  after_each(script.cleanup)
  for _, case in ipairs(of_task) do
    it("is told: " .. case[1], function()
      one(case[2], script.refusals(("w:task(%q, %s)"):format("t", case[1])))
    end)
  end

  it("is told once of an executor beside a workflow", function()
    local text = [[local o = ork.workflow("o") o:task("x", { command = "x" }) w:task("t", { workflow = o, executor = %s })]]
    one("4: task `t`: `executor` wants \"inline\" or an ork.executor, got \"text\"" .. makes, script.refusals(text:format('"text"')))
    one("4: task `t`: `executor` is for the tasks of `o`: this one has no process and takes no slot", script.refusals(text:format('"inline"')))
  end)

  it("is told for finally too", function()
    one("4: task `t`: `trigger_rule` cannot be chosen for a finally task: it always runs; leave it out",
      script.refusals([[w:finally("t", { command = "x", trigger_rule = "all_done" })]]))
  end)

  it("is told of names together with the rest", function()
    assert.same({
      "4: task `a b`: it does nothing; give it a command = { \"program\", … }, or run = function(input, ctx) … end",
      "4: the name of task `a b` may only have letters, digits, _ . and -",
      "5: a task needs a name",
      "6: task `c`: unknown option `priority_weight`; did you mean `priority`?",
    }, script.refusals([[w:task("a b", {})
w:task("", { command = "x", depends_on = w:task("fine", { command = "x" }) })
w:task("c", { command = "x", priority_weight = 1, depends_on = "fine" })]]))
  end)

  it("is told when a name is taken", function()
    local got = script.refusals([[w:task("a", { command = "x" })]])
    assert.equal(1, #got)
    assert.truthy(got[1]:find("^4: there is a task `a` already, defined at .*3; names must differ$"), got[1])
  end)

  it("is told for handles and references of another workflow", function()
    local got = script.refusals([[local v = ork.workflow("v")
local b = v:task("b", { command = { "x", a.output.dir }, depends_on = a })]])
    assert.same({
      "5: task `b`: `command[2]` is refused: the reference belongs to another workflow",
      "5: task `b`: `depends_on` names task `a` of another workflow, `w`",
    }, got)
  end)
end)

describe("a mistake in the options of a workflow", function()
  after_each(script.cleanup)
  for _, case in ipairs(of_workflow) do
    it("is told: " .. case[1], function()
      one(case[2], script.refusals(("ork.workflow(%q, %s)"):format("v", case[1])))
    end)
  end
end)

describe("a call that cannot be meant", function()
  after_each(script.cleanup)
  for _, case in ipairs(calls) do
    it("raises: " .. case[1], function() one(case[2], script.refusals(case[1])) end)
  end
end)
