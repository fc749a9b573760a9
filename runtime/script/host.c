/* SPDX-License-Identifier: MIT */
/* The Lua state that the program runs in.
 *
 * Law: what a user did wrong is told by the Lua side, in a sentence, with an exit code of ork.h. Only what nobody
 * foresaw arrives here as an error; then the user sees what to report, and the traceback when ORK_TRACEBACK is set. */
#include "script/host.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <ork/ork.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_INTERNAL 70 /* EX_SOFTWARE of sysexits.h */

int luaopen_ork_core(lua_State *L);

/* Keeps the entries of package.path or cpath that are absolute: what lies in the folder a user happens to stand in is
 * found through the script's directory or not at all. */
static void drop_relative_entries(lua_State *L, const char *field)
{
    const char *path;
    luaL_Buffer kept;
    bool any = false;

    lua_getglobal(L, "package");
    lua_getfield(L, -1, field); /* package path */
    path = luaL_optstring(L, -1, "");
    luaL_buffinit(L, &kept);
    while (*path) {
        size_t len = strcspn(path, ";");
        if (*path == '/') {
            if (any)
                luaL_addchar(&kept, ';');
            luaL_addlstring(&kept, path, len);
            any = true;
        }
        path += len + (path[len] == ';');
    }
    luaL_pushresult(&kept); /* package path kept */
    lua_setfield(L, -3, field);
    lua_pop(L, 2);
}

static int set_up(lua_State *L)
{
    luaL_openlibs(L);
    drop_relative_entries(L, "path");
    drop_relative_entries(L, "cpath");
    ork_embed_searcher(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_ork_core);
    lua_setfield(L, -2, "ork.core");
    lua_pushcfunction(L, ork_embed_text);
    lua_setfield(L, -2, "ork.embedded");
    lua_pushcfunction(L, ork_script_slow);
    lua_setfield(L, -2, "ork.slow");
    lua_pushcfunction(L, ork_script_edit);
    lua_setfield(L, -2, "ork.edit");
    lua_pop(L, 1);
    return 0;
}

lua_State *ork_host_new(void)
{
    lua_State *L = luaL_newstate();

    if (!L)
        return NULL;
    lua_pushcfunction(L, set_up);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        lua_close(L);
        return NULL;
    }
    return L;
}

/* Memory checkers want to see that nothing was lost; else the kernel takes all of it at once. */
#if !defined(__SANITIZE_ADDRESS__) && defined(NDEBUG)
static void *keep(void *data, void *block, size_t was, size_t size)
{
    (void)data;
    if (size == 0)
        return NULL;
    void *more = malloc(size);
    if (more && block)
        memcpy(more, block, was < size ? was : size);
    return more;
}
#else
#define keep NULL
#endif

void ork_host_end(lua_State *L)
{
    lua_Alloc last = keep;

    if (last)
        lua_setallocf(L, last, NULL);
    lua_close(L);
}

static int add_traceback(lua_State *L) /* (error) -> error or text with traceback */
{
    const char *text = lua_tostring(L, 1);

    if (!text)
        text = luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, L, text, 1);
    return 1;
}

struct call {
    const char *module;
    int argc;
    char **argv;
};

static int call_main(lua_State *L) /* (lightuserdata call) -> exit code */
{
    const struct call *call = lua_touserdata(L, 1);

    lua_getglobal(L, "require");
    lua_pushstring(L, call->module);
    lua_call(L, 1, 1);
    lua_createtable(L, call->argc > 0 ? call->argc - 1 : 0, 1);
    for (int i = 0; i < call->argc; i++) {
        lua_pushstring(L, call->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    lua_pushinteger(L, luaL_checkinteger(L, -1));
    return 1;
}

static void report(const char *text)
{
    bool full = getenv("ORK_TRACEBACK") != NULL;
    size_t len = full ? strlen(text) : strcspn(text, "\n");

    fprintf(stderr,
            "ork: something went wrong inside Ork %s; this is a mistake in Ork, not in your script.\n  %.*s\n"
            "Your runs are safe in the database. Please report it with these lines%s.\n",
            ork_version(), (int)len, text,
            full ? "" : "; ORK_TRACEBACK=1 before the same command shows where it happened");
}

int ork_host_main(lua_State *L, const char *module, int argc, char **argv)
{
    struct call call = {module, argc, argv};
    int code;

    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, call_main);
    lua_pushlightuserdata(L, &call);
    if (lua_pcall(L, 1, 1, -3) == LUA_OK) {
        code = (int)lua_tointeger(L, -1);
    } else {
        report(lua_tostring(L, -1));
        code = EXIT_INTERNAL;
    }
    lua_settop(L, 0);
    return code;
}
