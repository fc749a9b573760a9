/* SPDX-License-Identifier: MIT */
/* Functions of shared libraries (docs/writing.md, C libraries). */
#include "script/worker_priv.h"
#include <dlfcn.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

/* What a library exports; both ends are NUL-terminated UTF-8 JSON. */
#define ORK_LIBRARY_RUN "ork_task_run"
#define ORK_LIBRARY_FREE "ork_task_free"
typedef char *(*ork_library_fn)(const char *input_json);

/* library(path, input) -> JSON text | nil, message, kind. A crash in there costs this worker. */
int ork_worker_library(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *input = luaL_checkstring(L, 2);
    ork_library_fn run;
    char *output;

    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        lua_pushnil(L);
        lua_pushfstring(L, "cannot load the library: %s", dlerror());
        lua_pushliteral(L, "policy");
        return 3;
    }
    *(void **)&run = dlsym(handle, ORK_LIBRARY_RUN);
    void (*let_go)(char *);
    *(void **)&let_go = dlsym(handle, ORK_LIBRARY_FREE);
    if (!run || !let_go) {
        lua_pushnil(L);
        lua_pushfstring(L, "the library %s has no function `%s`%s", path, run ? ORK_LIBRARY_FREE : ORK_LIBRARY_RUN,
                        run || let_go ? "" : ", and no `" ORK_LIBRARY_FREE "`");
        lua_pushliteral(L, "policy");
        return 3;
    }
    output = run(input);
    (void)fflush(stdout);
    lua_pushstring(L, output); /* an allocation that fails leaves the output to the end of the worker */
    if (output)
        let_go(output);
    return 1; /* it stays loaded: threads of its own may still be in its code; the worker ends soon */
}
