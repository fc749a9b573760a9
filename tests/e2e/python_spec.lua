-- SPDX-License-Identifier: MIT
-- Tasks that are Python functions: what they get and give, how they fail, projects of uv, and the types of their hints.
local cjson = require "cjson"
local sh = require "tests.lib.sh"
local uv = require "luv"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

describe("a Python function", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function write(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function run(text, python, env)
    write(text)
    if python then sh.write(dir .. "/f.py", python) end
    return sh.ork({ "w.lua" }, { cwd = dir, env = env })
  end
  local function output(name) return sh.json(ork("output", "last", name).out) end
  local function task(name) return sh.sql(dir .. "/.ork/ork.db", "SELECT * FROM tasks WHERE task_name = '" .. name .. "'")[1] end
  --- The kind and text of a task's failure.
  local function failure(name)
    local shown = sh.json(ork("show", "last", name, "--json").out)
    assert.equal("failed", shown.status)
    return shown.kind, shown.error
  end

  it("gets its inputs as arguments and returns the output", function()
    local r = run([[
local a = w:task("a", { python = "f.py:parts", inputs = { day = "2026-11-01", n = 2 } })
local b = w:task("b", { python = "f.py:sizes", inputs = { part = ork.each(a.output.parts), twice = true } })
w:task("c", { python = "f.py", inputs = { sizes = b.output, none = ork.null } })
w:task("d", { python = "f.py:whole", inputs = { x = 1, y = { 2 } } })
w:task("e", { python = "helper:say", inputs = { name = "Ada" }, env = { GREETING = "hello" } })
w:task("f", { python = "f.py:silent" })
w:task("g", { python = "f.py:K.made", inputs = { point = { x = 3 } } })
w:task("h", { python = "f.py:many", inputs = { points = { { x = 1, y = 2 }, { x = 3 } }, days = { "2026-11-01", ork.null } } })]], [[
import dataclasses, datetime, asyncio
from typing import List, Optional
import helper

@dataclasses.dataclass
class Point:
    x: int
    y: int = 7

class K:
    @staticmethod
    def made(point: Point):
        return [point, datetime.date(2026, 11, 1), (1, 2)]

def parts(day: datetime.date, n, limit=10):
    print("the day is", day.isoformat(), limit)
    return {"parts": ["p%d" % i for i in range(n)]}

async def sizes(part: str, twice: bool):
    await asyncio.sleep(0)
    return len(part) * (2 if twice else 1)

def main(sizes, **rest):
    return {"sum": sum(sizes), "rest": sorted(rest)}

def whole(inputs):
    return inputs

def silent():
    helper.say("x")

def many(points: List[Point], days: "list[Optional[datetime.date] ]", when: Optional[datetime.datetime] = None):
    return [p.x + p.y for p in points] + [d and d.day for d in days] + [when]
]], nil)
    assert.equal(1, r.code)
    sh.write(dir .. "/helper.py", 'import os\ndef say(name):\n    return os.environ.get("GREETING", "bye") + " " + name\n')
    r = ork("w.lua", "--resume")
    assert.equal(0, r.code, r.err)
    assert.equal("the day is 2026-11-01 10\n", ork("logs", "last", "a").out)
    assert.same({ sum = 8, rest = { "none" } }, output("c"))
    assert.same({ x = 1, y = { 2 } }, output("d"))
    assert.equal('"hello Ada"\n', ork("output", "last", "e").out)
    assert.equal(cjson.null, task("f").output)
    assert.same({ { x = 3, y = 7 }, "2026-11-01", { 1, 2 } }, output("g"))
    assert.same({ 3, 10, 1, cjson.null, cjson.null }, output("h"))
    assert.same({ { e = "python" } }, sh.sql(dir .. "/.ork/ork.db", "SELECT DISTINCT executor_type AS e FROM tasks"))
  end)

  it("gets the default of a parameter with a hint where its input is null", function()
    local r = run([[
w = ork.workflow("p", { params = { n = "int?", day = "date?" } })
local a = w:task("a", { command = "echo '{}' >$ORK_OUTPUT_FILE" })
local b = w:task("b", { command = "echo '{}' >$ORK_OUTPUT_FILE", output_type = { n = "int?", l = { "?", { "str" } } } })
w:task("given", { python = "f.py:dflt", inputs = { n = w.params.n, day = w.params.day } })
w:task("read", { python = "f.py:dflt", inputs = { n = a.output.n, names = ork.null } })
w:task("typed", { python = "f.py:dflt", inputs = { n = b.output.n, names = b.output.l } })
w:task("needed", { python = "f.py:needs", inputs = { n = a.output.n } })]], [[
import datetime
def dflt(n: int = 3, names: "list[str]" = ("x",), day: datetime.date = datetime.date(2026, 11, 1)):
    return [n, names, day]
def needs(n: int): pass
]])
    assert.equal(1, r.code, r.err)
    for _, name in ipairs { "given", "read", "typed" } do
      assert.same({ 3, { "x" }, "2026-11-01" }, output(name))
    end
    assert.same({ "input", "input.n: wanted int, got null; an optional type takes null: \"T?\"" }, { failure("needed") })
    assert.matches("given   { day = date?, n = int? } -> -", ork("plan", "w.lua", "--types").out, 1, true)
  end)

  it("gets dates and classes wherever its hints have them, also of what another one returned", function()
    local cfg = [[{ day = "2026-11-01", at = "2026-11-01T08:00:00Z", inner = { x = 3, more = 1 }, rows = { { day = "2026-11-02" }, ork.null },
  by = { a = { x = 5 } }, tree = { left = { left = {} } }, when = { "2026-11-03", 7 }, ]]
    local r = run([[
local made = w:task("made", { python = "f.py:take", inputs = { cfg = ]] .. cfg .. [[} } })
w:task("again", { python = "f.py:take", inputs = { cfg = made.output } })
w:task("day", { python = "f.py:take", input_type = {}, inputs = { cfg = ]] .. cfg .. [[by = { a = { x = 5, day = "soon" } } } } })
w:task("lacks", { python = "f.py:take", input_type = {}, inputs = { cfg = { day = "2026-11-01" } } })
w:task("text", { python = "f.py:take", input_type = {}, inputs = { cfg = ]] .. cfg .. [[inner = "x" } } })
w:task("deep", { python = "f.py:grow", input_type = {}, inputs = { size = 200 } })]], [[
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime
from typing import Dict, List, Optional, Tuple, TypedDict
import sys

@dataclass
class Inner:
    x: int
    day: Optional[date] = None

class Row(TypedDict, total=False):
    day: date

@dataclass
class Tree:
    left: "Optional[Tree]" = None
    seen: int = field(init=False, default=1)

@dataclass
class Cfg:
    day: date
    at: datetime
    inner: Inner
    rows: List[Optional[Row] ]
    by: Dict[str, Inner]
    tree: Tree
    when: Tuple[date, int]
    tags: List[str] = field(default_factory=list)
    start: InitVar["date | None"] = None

    def __post_init__(self, start):
        assert start is None or isinstance(start, date)

def take(cfg: Cfg) -> Cfg:
    assert isinstance(cfg, Cfg) and type(cfg.day) is date and type(cfg.at) is datetime, cfg
    assert cfg.inner == Inner(3) and type(cfg.rows[0]["day"]) is date and cfg.rows[1] is None, cfg
    assert cfg.by["a"] == Inner(5) and isinstance(cfg.tree.left.left, Tree) and cfg.when == [date(2026, 11, 3), 7], cfg
    return cfg

def grow(size):
    here = sys.modules["__main__"]
    value = {}
    for _ in range(size):
        value = {"left": value}
    try:
        here.convert(value, Tree, "tree")
    except here.Unfit as error:
        raise ValueError("%s: %s" % (error.path[:14], error))
]])
    assert.equal(1, r.code, r.err)
    assert.equal("success", task("made").status, task("made").error_message)
    assert.equal("success", task("again").status, task("again").error_message)
    local function refused(name, text)
      local kind, said = failure(name)
      assert.same({ "input", text }, { kind, said })
    end
    refused("day", "`cfg.by.a.day` of take of f.py cannot be made of its input: Invalid isoformat string: 'soon'")
    refused("lacks", "`cfg` of take of f.py cannot be made of its input: it lacks `at`, which Cfg wants")
    refused("text", '`cfg.inner` of take of f.py cannot be made of its input: wanted an object for Inner, got "x"')
    assert.equal("f.py:48: ValueError: tree.left.left: it is more than 100 levels deep", select(2, failure("deep")))
  end)

  it("gets what came where its hints say nothing that could be made", function()
    local r = run([[
w:task("any", { python = "f.py:loose", input_type = {}, inputs = { a = { x = { y = 1 } }, b = { k = { y = 2 } }, c = { { y = 3 } }, p = { y = 4 }, m = {} } })
w:task("own", { python = "f.py:own", input_type = {}, inputs = { o = { day = "2026-11-01", n = 2 } } })]], [[
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

class Has(Protocol):
    y: int

@dataclass
class Own:
    day: date
    n: int

    def __init__(self, **given):
        self.day, self.n = given["day"], given["n"]

def loose(a: Any, b: dict[str, Any], c: list[Any], p: Has, m: Mapping):
    return [a, b, c, p, m]

def own(o: Own):
    return [type(o).__name__, type(o.day).__name__, o.n]
]])
    assert.equal(0, r.code, r.err)
    assert.equal('[{"x":{"y":1}},{"k":{"y":2}},[{"y":3}],{"y":4},{}]\n', ork("output", "last", "any").out)
    assert.equal('["Own","date",2]\n', ork("output", "last", "own").out)
  end)

  it("gets secrets, which stay out of what it gives and says", function()
    local r = run([[
w:task("a", { python = "f.py:go", env = { TOK = ork.secret("API_TOKEN") } })
w:task("b", { python = "f.py:no", env = { TOK = "Bearer " .. ork.secret("API_TOKEN") } })]], [[
import os
def go():
    return {"n": len(os.environ["TOK"]), "is": os.environ["TOK"]}
def no():
    raise ValueError("no " + os.environ["TOK"])
]], { ORK_SECRET_API_TOKEN = "zyxwvut98" })
    assert.equal(1, r.code, r.err)
    assert.same({ n = 9, is = "***" }, output("a"))
    assert.same({ "error", "f.py:5: ValueError: no Bearer ***" }, { failure("b") })
    assert.equal(1, sh.run({ "grep", "-rqs", "zyxwvut98", dir .. "/.ork" }).code)
  end)

  it("fails alone, with a sentence and a traceback that ends in its line", function()
    sh.write(dir .. "/broken.py", "import nonsense\n")
    sh.write(dir .. "/syntax.py", "def main(:\n")
    local r = run([[
w:task("raises", { python = "f.py:raises", retries = { limit = 1, delay = 0 } })
w:task("object", { python = "f.py:object_", retries = { limit = 1, delay = 0 } })
w:task("nan", { python = "f.py:nan" })
w:task("gone", { python = "f.py:gone" })
w:task("constant", { python = "f.py:CONSTANT" })
w:task("nofile", { python = "none.py" })
w:task("broken", { python = "broken.py" })
w:task("syntax", { python = "syntax.py" })
w:task("exits", { python = "f.py:exits" })
w:task("lacks", { python = "f.py:lacks", inputs = { b = 1 }, input_type = {} })
w:task("dates", { python = "f.py:dates", inputs = { day = "soon" }, input_type = { day = "str" } })
w:task("typed", { python = "f.py:typed" })
w:task("declared", { python = "f.py:typed", output_type = { n = "int" } })
w:task("none", { python = "f.py:fine", output_type = "int" })
w:task("fine", { python = "f.py:fine" })]], [[
import sys, datetime
CONSTANT = 5
def inner(): raise ValueError("no rows")
def raises():
    try:
        1 / 0
    except ZeroDivisionError as error:
        inner()
def object_(): return {"a": object()}
def nan(): return float("nan")
def exits(): sys.exit(3)
def lacks(a, b): pass
def dates(day: datetime.date): pass
def typed() -> int: return "x"
def fine(): pass
]])
    assert.equal(1, r.code)
    local function fails(name, kind, text)
      local k, t = failure(name)
      assert.same({ kind, text }, { k, t })
    end
    fails("raises", "error", "f.py:3: ValueError: no rows")
    assert.equal(2, sh.json(ork("show", "last", "raises", "--json").out).attempts)
    local log = ork("logs", "last", "raises", "--attempt", "1").out
    assert.matches('f.py", line 3, in inner\n[^\n]*raise ValueError%("no rows"%)\n[ ^~]*\n?ValueError: no rows\n$', log)
    assert.not_matches("run_task.py", log, 1, true)
    fails("object", "output", "what object_ of f.py returns is not JSON: object is nothing that JSON has; return texts, numbers, lists and dicts of them")
    assert.equal(1, sh.json(ork("show", "last", "object", "--json").out).attempts)
    assert.matches("^what nan of f.py returns is not JSON: Out of range float values", select(2, failure("nan")))
    fails("gone", "policy", "f.py has no function `gone`; it has dates, exits, fine, inner, lacks, nan, object_, raises, typed")
    fails("constant", "policy", "`CONSTANT` of f.py is no function, but int")
    fails("nofile", "policy", "there is no file " .. uv.fs_realpath(dir) .. "/none.py")
    fails("broken", "error", "broken.py cannot be imported: broken.py:1: ModuleNotFoundError: No module named 'nonsense'")
    assert.matches("^syntax.py cannot be imported: syntax.py:1: SyntaxError: ", select(2, failure("syntax")))
    fails("exits", "exit", "exit code 3")
    fails("lacks", "input", "lacks of f.py wants `a`, which is not among the inputs: b")
    fails("dates", "input", "`day` of dates of f.py cannot be made of its input: Invalid isoformat string: 'soon'")
    fails("typed", "output", 'output: wanted int, got "x"')
    fails("declared", "output", 'output: wanted {n: int}, got "x"')
    fails("none", "output", "it declares an output_type but gave no output: its function returned None")
    assert.equal("success", task("fine").status)
  end)

  it("runs by uv in a project, and by python3 where there is no uv", function()
    assert(uv.fs_mkdir(dir .. "/bin", 448))
    assert(uv.fs_mkdir(dir .. "/p", 448))
    assert(uv.fs_mkdir(dir .. "/p/src", 448))
    sh.write(dir .. "/p/src/f.py", "import common, os\ndef main():\n    return [common.name, os.environ.get('BY'), os.getcwd()]\n")
    sh.write(dir .. "/p/common.py", 'name = "common"\n')
    sh.write(dir .. "/bin/uv", '#!/bin/sh\necho "$1 $2 $3 $4" >>"$LOG"\nshift 3\nBY=uv exec "$@"\n', "700")
    local env = { PATH = dir .. "/bin:" .. os.getenv("PATH"), LOG = dir .. "/asked", PYTHONPATH = dir .. "/p" }
    local home = uv.fs_realpath(dir)
    local function said()
      local r = run('w:task("a", { python = "p/src/f.py" })', nil, env)
      assert.equal(0, r.code, r.err)
      return output("a")
    end
    assert.same({ "common", cjson.null, home }, said())
    sh.write(dir .. "/p/pyproject.toml", "[project]\n")
    env.PYTHONPATH = nil
    assert.same({ "common", "uv", home }, said())
    assert.equal("run --project " .. home .. "/p python3\n", sh.read(dir .. "/asked"))
    assert(uv.fs_unlink(dir .. "/bin/uv"))
    assert.same({ "common", cjson.null, home }, said())
  end)

  it("says why it failed also to an ork that comes later", function()
    sh.write(dir .. "/f.py", [=[
import os, time
def main():
    open("began", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    raise ValueError("too late")
]=])
    write('w:task("a", { python = "f.py" })')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    sh.wait_file(dir .. "/began")
    p:signal("sigkill")
    p:wait()
    sh.write(dir .. "/go", "")
    assert.equal(1, ork("w.lua").code) -- goes on with that run
    local kind, text = failure("a")
    assert.same({ "error", "f.py:6: ValueError: too late" }, { kind, text })
    assert.same({ { n = 1 } }, sh.sql(dir .. "/.ork/ork.db", "SELECT count(*) AS n FROM runs"))
    assert.equal(1, sh.json(ork("show", "last", "a", "--json").out).attempt)
  end)

  it("hands a job over as ork_sdk says it", function()
    sh.write(dir .. "/f.py", [[
from ork_sdk import BigQueryJob, CloudRunJob, CustomHttp, DataprocJob
def one(): return CustomHttp("mock://success", status_field="state", headers={"A": "b"})
def two(): return [BigQueryJob("p", "eu", "j"), CloudRunJob("p", "r", "n", "e"), DataprocJob("p", "r", "c", "j")]
def by_hand(): return {"deferred": [CustomHttp("mock://success", completion_field="s", completion_value="ok").to_dict()]}
]])
    local python = ([[import sys, json; sys.path.insert(0, %q); sys.path.insert(0, %q); import f
print(json.dumps([[x.to_dict() for x in (f.one(), *f.two())], f.by_hand()]))]]):format(dir, sh.ork_path():match("^(.*)/") .. "/python")
    local told = sh.run({ "python3", "-c", python })
    assert.equal(0, told.code, told.err)
    assert.same({
      { { service_type = "custom_http", url = "mock://success", method = "GET", headers = { A = "b" }, status_field = "state",
          success_value = "success", job_id = "mock://success" },
        { service_type = "bigquery", project = "p", location = "eu", job_id = "j" },
        { service_type = "cloudrun", project = "p", region = "r", job_name = "n", execution_id = "e", job_id = "p/r/n/e" },
        { service_type = "dataproc", project = "p", region = "r", cluster_name = "c", job_id = "j" } },
      { deferred = { { service_type = "custom_http", url = "mock://success", method = "GET", status_field = "s", success_value = "ok",
          job_id = "mock://success" } } },
    }, sh.json(told.out))
    -- returned, they are that output
    local file = dir .. "/out.json"
    for name, n in pairs({ one = 1, two = 3, by_hand = 1 }) do
      local r = sh.run({ "python3", sh.ork_path():match("^(.*)/") .. "/python/run_task.py" },
        { env = { ORK_TASK_FILE = dir .. "/f.py", ORK_TASK_FUNCTION = name, ORK_OUTPUT_FILE = file } })
      assert.equal(0, r.code, r.err)
      assert.equal(n, #sh.json(sh.read(file)).deferred)
    end
  end)
end)

describe("the hints of a Python function", function()
  local dir
  before_each(function()
    dir = sh.tempdir()
    sh.write(dir .. "/f.py", [=[
from dataclasses import dataclass
from typing import Literal, Optional, TypedDict
import datetime as dt
raise_when_imported = 1 / 0

Names = list[str]

class Found(TypedDict, total=False):
    file: str
    rows: int | None

@dataclass
class Options:
    day: dt.date
    level: Literal["all", "some"] = "all"

async def extract(day: dt.date, limit: int = 10) -> Found: ...
def names(options: Options) -> Names: ...
def join(names: "Names", found, more: Optional[dict[str, int]] = None, *, n: float) -> tuple[int, ...]: ...
def nothing() -> None: ...
def anything(**rest): ...
]=])
  end)
  after_each(sh.cleanup)

  local function script(text) sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n") end
  local function ork(words, env) return sh.ork(words, { cwd = dir, env = env }) end
  local function validate(text)
    script(text)
    local r = ork({ "validate", "w.lua" })
    local list = {}
    for line in (r.out .. r.err):gmatch("[^\n]+") do
      if line:find("^w.lua:%d") then list[#list + 1] = line:match("^w.lua:(.*)$") end
    end
    return list, r
  end

  it("are the types of the task, without importing the file", function()
    local list = validate([[
local a = w:task("extract", { python = "f.py:extract", inputs = { day = "2026-11-01" } })
local b = w:task("names", { python = "f.py:names", inputs = { day = "2026-11-01" } })
w:task("join", { python = "f.py:join", inputs = { names = b.output, found = a.output.file, n = 1 } })
w:task("nothing", { python = "f.py:nothing" })
w:task("anything", { python = "f.py:anything", inputs = { x = 1 } })
w:task("declared", { python = "f.py:join", inputs = { names = 5 }, input_type = { names = "int" }, output_type = "any" })
]])
    assert.same({}, list)
    assert.matches([[
  extract   { day = date } -> { file = str?, rows = int? }
  names     { day = date, level = str? } -> { str }
  join      { found = any, n = float, names = { str } } -> { int }
  nothing   - -> -
  anything  - -> -
  declared  { names = int } -> any
]], ork({ "plan", "w.lua", "--types" }).out, 1, true)
    assert.same({ inputs = {}, output = "None" }, sh.json(ork({ "plan", "w.lua", "--types", "--json" }).out).signatures.nothing)
    assert.equal(0, ork({ "apply", "w.lua" }).code)
    local rows = sh.sql(dir .. "/.ork/ork.db", "SELECT task_name, executor_type, signature FROM workflow_tasks ORDER BY task_index")
    assert.equal(6, #rows)
    assert.same({ "extract", "python" }, { rows[1].task_name, rows[1].executor_type })
    assert.same({ inputs = { day = "dt.date", limit = "int" }, output = "Found", input_type = { day = "date" },
      output_type = { file = "str?", rows = "int?" } }, sh.json(rows[1].signature))
    assert.same({ inputs = {}, output = "None" }, sh.json(rows[4].signature))
  end)

  it("take a list of what items gave, without null where none of them may fail", function()
    sh.write(dir .. "/g.py", [=[
from typing import TypedDict
class Row(TypedDict):
    n: int
def each(p: int) -> Row: return {"n": p}
def rows(rows: list[Row]) -> list[int]: return [r["n"] for r in rows]
def ints(ns: list[int]) -> int: return sum(ns)
def one(n: int) -> int: return n
]=])
    local text = [[
local a = w:task("a", { python = "g.py:each", inputs = { p = ork.each({ 1, 2 }%s) } })
w:task("b", { python = "g.py:rows", inputs = { rows = a.output }, trigger_rule = %s })
w:task("c", { python = "g.py:ints", inputs = { ns = a.output.n }, trigger_rule = %s })
w:task("d", { python = "g.py:one", inputs = { n = ork.each(a.output.n) } })
local sub = ork.workflow("sub")
local s = sub:task("s", { python = "g.py:each", inputs = { p = ork.each({ 3 }%s) } })
sub:returns{ ns = s.output.n }
w:task("e", { python = "g.py:ints", inputs = { ns = w:task("sub", { workflow = sub }).output.ns } })]]
    local function mistakes(options, rule)
      local list = {}
      for i, line in ipairs((validate(text:format(options, rule, rule, options)))) do list[i] = line:match("^(%d+): ") .. ": " .. line:match("wanted.*") end
      return list
    end
    assert.same({}, mistakes("", "nil"))
    assert.equal(0, ork({ "w.lua" }).code)
    assert.equal("[1,2]\n3\n[1,2]\n3\n", ork({ "output", "last", "b" }).out .. ork({ "output", "last", "c" }).out ..
      ork({ "output", "last", "d" }).out .. ork({ "output", "last", "e" }).out)
    local int, row = "wanted int, the reference gives int?, which may be null", "wanted {n: int}, the reference gives {n: int}?, which may be null"
    assert.same({ "4: " .. row, "5: " .. int, "6: " .. int, "10: " .. int }, mistakes(", { max_failed = 1 }", "nil"))
    assert.equal(2, #mistakes("", '"all_done"')) -- b and c
    assert.matches("wanted", validate([[
local a = w:task("a", { command = "true", inputs = { p = ork.each{ 1 } }, output_type = ork.optional{ n = "int" } })
w:task("c", { python = "g.py:ints", inputs = { ns = a.output.n } })]])[1])
  end)

  it("are held against what the task gets, and what others make of its output", function()
    local list = validate([[
local a = w:task("a", { python = "f.py:extract", inputs = { day = "soon" } })
w:task("b", { python = "f.py:join", inputs = { names = { "x", a.output.rows }, n = 1 } })
w:task("c", { python = "f.py:join", inputs = { names = ork.each(a.output.file), n = 1, found = 1 } })
w:task("d", { command = "x", when = { a.output.rows, "==", "x" } })
w:task("e", { python = "f.py:nothing", inputs = { x = 1 } })
w:task("f", { python = "f.py:extrakt" })
w:task("g", { python = "none.py" })
w:task("h", { command = { "x", a.output.fiel } })]])
    assert.same({
      '3: task `a`: inputs.day: wanted date (such as 2026-11-01), got "soon"',
      "4: task `b`: inputs lacks `found`, which f.py:join wants",
      "4: task `b`: `inputs.names[2]` does not fit f.py:join: wanted str, the reference gives int?, which may be null",
      "5: task `c`: `inputs.names` wants a list, but a.output.file is declared as str?",
      '6: task `d`: `when` compares a.output.rows (int?) with "x", which are never equal',
      "10: a.output has no field `fiel`; did you mean `file`?",
    }, (function()
      local mistakes = {}
      for _, line in ipairs(list) do if not line:find("warning:", 1, true) then mistakes[#mistakes + 1] = line end end
      return mistakes
    end)())
    local warnings = {}
    for _, line in ipairs(list) do warnings[#warnings + 1] = line:match("warning: (.*)$") end
    assert.same({
      "task `e`: `inputs.x` is no parameter of `nothing` in f.py, which does not get it",
      "task `f`: `python` names the function `extrakt`, which f.py does not have; did you mean `f.py:extract`?",
      "task `g`: `python` names none.py, which cannot be read now: there is no such file",
    }, warnings)
    sh.write(dir .. "/broken.py", "def main(:\n")
    list = validate('w:task("a", { python = "broken.py" })')
    assert.matches("^3: warning: task `a`: `python` names broken.py, which python3 cannot read: line 1: ", list[1])
  end)

  it("cost one python3 for all files of a script, none where there are no Python tasks, none in workers", function()
    assert(uv.fs_mkdir(dir .. "/bin", 448))
    local real = sh.run({ "sh", "-c", "command -v python3" }).out:gsub("\n", "")
    sh.write(dir .. "/bin/python3", ('#!/bin/sh\ncase "$*" in *inspect_task.py*) echo "$*" >>"$LOG";; esac\nexec %s "$@"\n'):format(real), "700")
    local env = { PATH = dir .. "/bin:" .. os.getenv("PATH"), LOG = dir .. "/asked" }
    local function asked()
      local n = 0
      if sh.exists(env.LOG) then for _ in io.lines(env.LOG) do n = n + 1 end end
      return n
    end
    sh.write(dir .. "/g.py", "def main() -> int:\n    return 1\n")
    sh.write(dir .. "/h.py", "def main() -> int:\n    return 1\n")
    script([[
w:task("g", { python = "g.py" })
w:task("h", { python = "h.py:main" })
w:task("lua", { run = function() return 1 end })]])
    assert.equal(0, ork({ "w.lua" }, env).code)
    assert.equal(1, asked())
    assert.equal(0, ork({ "validate", "w.lua" }, env).code) -- loads twice
    assert.equal(2, asked())
    script('w:task("lua", { run = function() return 1 end })')
    assert.equal(0, ork({ "w.lua" }, env).code)
    assert.equal(2, asked())
    -- without python3 nothing is known, and nothing is said
    script('w:task("g", { python = "g.py", inputs = { x = 1 } })')
    local r = ork({ "validate", "w.lua" }, { PATH = dir })
    assert.same({ 0, "" }, { r.code, r.err })
  end)
end)
