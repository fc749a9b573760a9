/* SPDX-License-Identifier: MIT */
/* A C program with two Lua states, each with an engine of its own from one copy of the module: both run a workflow
 * while the other's waits, one is closed while the other goes on, and in the end nothing is left open.
 *
 *   embed_host core.so DB1 DB2        prints what each run gave, and how many descriptors are more than before */
#include <dirent.h>
#include <dlfcn.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static const char define[] = "local url, name = ...\n"
                             "local ork = require 'ork'\n"
                             "db = assert(ork.open(url))\n"
                             "w = ork.workflow(name)\n"
                             "calls = 0\n"
                             "w:task('f', { run = function(_, ctx) calls = calls + 1 ctx.log(name) ctx.sleep('5ms') "
                             "return { name, calls } end })\n"
                             "w:task('p', { command = { 'true' } })\n";
static const char start[] = "run = assert(db:start(w))";
static const char finish[] =
    "local s = run:wait() local o = run:task('f').output print(s, o[1], o[2], run:task('p').status)";

static int count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static void check(lua_State *L, int status)
{
    if (status == LUA_OK)
        return;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
}

static void run(lua_State *L, const char *code)
{
    check(L, luaL_dostring(L, code));
}

static lua_State *open_state(lua_CFunction core, const char *url, const char *name)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, core);
    lua_setfield(L, -2, "ork.core");
    lua_pop(L, 1);
    check(L, luaL_loadstring(L, define));
    lua_pushstring(L, url);
    lua_pushstring(L, name);
    check(L, lua_pcall(L, 2, 0, 0));
    return L;
}

static void both(lua_CFunction core, char **argv)
{
    lua_State *a = open_state(core, argv[2], "first"), *b = open_state(core, argv[3], "second");

    run(a, start);
    run(b, start);
    run(b, finish);
    run(a, finish);
    run(a, start); /* is closed with a run under way */
    run(a, "require('ork').step()");
    lua_close(a);
    run(b, start);
    run(b, finish);
    run(b, "db:close() db:close()");
    lua_close(b);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    lua_CFunction core = module ? (lua_CFunction)dlsym(module, "luaopen_ork_core") : NULL;
    if (!core) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    both(core, argv); /* what libraries open once stays */
    int before = count_files();
    both(core, argv);
    printf("%d more\n", count_files() - before);
    return 0;
}
