-- SPDX-License-Identifier: MIT
-- Tasks that are functions of shared libraries: called in a worker of their own, which is all that a crash costs.
local sh = require "tests.lib.sh"

local HEAD = 'local ork = require "ork"\nlocal w = ork.workflow("w")\n'

local SOURCE = [[
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *ork_task_run(const char *in)
{
    printf("got %s", in);
    if (strstr(in, "crash")) { FILE *f = fopen("crashes", "a"); fputc('x', f); fclose(f); abort(); }
    if (strstr(in, "once") && access("crashed", F_OK) != 0) { fclose(fopen("crashed", "w")); abort(); }
    if (strstr(in, "null")) return NULL;
    if (strstr(in, "broken")) return strdup("{");
    if (strstr(in, "latin")) return strdup("\"\xff\"");
    if (strstr(in, "loop")) for (;;) ;
    char *out = malloc(strlen(in) + 60);
    sprintf(out, "%s{\"in\":%s,\"pid\":%d}", strstr(in, "mark") ? "ORK_OUTPUT:" : "", in, (int)getpid());
    return out;
}
void ork_task_free(char *s) { free(s); }
]]

describe("a function of a library", function()
  local dir
  before_each(function() dir = sh.tempdir() end)
  after_each(sh.cleanup)

  local function ork(...) return sh.ork({ ... }, { cwd = dir }) end
  local function run(text, ...)
    sh.write(dir .. "/w.lua", HEAD .. text .. "\nreturn w\n")
    return ork("w.lua", ...)
  end
  local function compile(name, source)
    sh.write(dir .. "/" .. name .. ".c", source)
    local r = sh.run({ "cc", "-shared", "-fPIC", "-o", dir .. "/" .. name .. ".so", dir .. "/" .. name .. ".c" })
    assert.equal(0, r.code, r.err)
  end
  local function output(name) return sh.json(ork("output", "last", name).out) end

  it("gets the inputs and returns the output, each call in a process that ran nothing else of it", function()
    compile("f", SOURCE)
    local r = run([[
local a = w:task("a", { library = "f.so", inputs = { n = 2.0, s = "ä" }, output_type = { pid = "int", ["in"] = { n = "float", s = "str" } } })
w:task("marked", { library = "./f.so", inputs = { s = "mark" } })
local each = w:task("each", { library = "f.so", inputs = { part = ork.each{ "x", "y", "z" } } })
w:task("sum", { inputs = { pids = each.output.pid, first = a.output.pid }, run = function(input)
  local seen = { [input.first] = true }
  for _, pid in ipairs(input.pids) do assert(not seen[pid]) seen[pid] = true end
end })]], "--jobs", "2")
    assert.equal(0, r.code, r.err)
    assert.same({ n = 2.0, s = "ä" }, output("a")["in"])
    assert.equal("mark", output("marked")["in"].s)
    assert.equal('got {"n":2.0,"s":"ä"}', (ork("logs", "last", "a").out:gsub("\n$", "")))
    assert.same({ { e = "library" } }, sh.sql(dir .. "/.ork/ork.db", "SELECT executor_type AS e FROM tasks WHERE task_name = 'a'"))
  end)

  it("is not held up by a thread of its own that waits for input", function()
    compile("f", "#include <pthread.h>\n#include <stdio.h>\n" .. SOURCE:gsub('printf%("got %%s", in%);', [[
pthread_t t;
    FILE *f = fopen("gate", "r+");
    pthread_create(&t, NULL, (void *(*)(void *))fgetc, f);
    while (ftrylockfile(f) == 0) { funlockfile(f); usleep(1000); }]]):gsub("char %*ork_task_run", "#include <pthread.h>\nchar *ork_task_run", 1))
    sh.run({ "mkfifo", dir .. "/gate" })
    local r = run('w:task("a", { library = "f.so", inputs = { s = "x" } })')
    assert.equal(0, r.code, r.err)
  end)

  it("fails its task alone, and says why", function()
    compile("f", SOURCE)
    compile("no_free", "char *ork_task_run(const char *in) { return (char *)in; }")
    compile("nothing", "int x;")
    local r = run([[
w:task("no_free", { library = "no_free.so" })
w:task("nothing", { library = "nothing.so", retries = 2 })
w:task("none", { library = "none.so" })
w:task("null", { library = "f.so", inputs = { s = "null" } })
w:task("broken", { library = "f.so", inputs = { s = "broken" }, retries = 2 })
w:task("latin", { library = "f.so", inputs = { s = "latin" } })
w:task("typed", { library = "f.so", output_type = "int" })
w:task("loop", { library = "f.so", inputs = { s = "loop" }, timeout = "200ms", grace = "100ms" })
w:task("crash", { library = "f.so", inputs = { s = "crash" }, max_lost = 1 })
w:task("once", { library = "f.so", inputs = { s = "once" } })
for i = 1, 50 do w:task("other" .. i, { run = function() return i end }) end]], "--jobs", "4")
    assert.equal(1, r.code)
    local function fails(name, kind, text)
      local shown = sh.json(ork("show", "last", name, "--json").out)
      assert.same({ kind, text }, { shown.kind, shown.error })
      return shown
    end
    local home = require("luv").fs_realpath(dir)
    fails("no_free", "policy", "the library " .. home .. "/no_free.so has no function `ork_task_free`")
    assert.equal(1, fails("nothing", "policy",
      "the library " .. home .. "/nothing.so has no function `ork_task_run`, and no `ork_task_free`").attempts)
    fails("none", "policy", "cannot load the library: " .. home .. "/none.so: cannot open shared object file: No such file or directory")
    fails("null", "error", "ork_task_run returned NULL")
    assert.equal(1, fails("broken", "output", "what ork_task_run returned is not JSON: line 1, column 1: the text ends too early").attempts)
    assert.matches("^what ork_task_run returned is not JSON: ", sh.json(ork("show", "last", "latin", "--json").out).error)
    assert.equal("output", sh.json(ork("show", "last", "typed", "--json").out).kind)
    fails("loop", "timeout", "timeout after 0.2s")
    fails("crash", "lost", "lost: its worker was ended by signal 6 (SIGABRT)")
    assert.equal("xx", sh.read(dir .. "/crashes")) -- once more than max_lost
    local once = sh.json(ork("show", "last", "once", "--json").out)
    assert.same({ "success", 1 }, { once.status, once.lost })
    assert.same({ { n = 51 } }, sh.sql(dir .. "/.ork/ork.db", "SELECT count(*) AS n FROM tasks WHERE status = 'success'"))
  end)

  it("waits for a worker, as `why` says", function()
    compile("f", SOURCE)
    sh.write(dir .. "/w.lua", HEAD .. 'w:task("loop", { library = "f.so", inputs = { s = "loop" } })\nreturn w\n')
    local p = sh.spawn_ork({ "w.lua" }, { cwd = dir })
    p:wait_line("loop .* running")
    assert.matches("its function runs in a worker of the program that owns the run", ork("why", "last").out, 1, true)
    assert.equal(0, ork("cancel", "last").code)
    assert.equal(1, p:wait().code)
  end)
end)
