/* SPDX-License-Identifier: MIT */
/* ork.core: what C gives to lua/ork. Each file adds its own functions to the module table:
 *   json_push.c  json, null, list            ref.c, text.c   date, secret, format, input, this
 *   workflow.c   workflow, pool, seal …      task.c          the methods task and finally
 *   engine.c     open and what drives runs (with run.c, read.c, loop.c, sys.c) */
#include "context.h"
#include <string.h>

static int core_suggest(lua_State *L) /* core.suggest(word, list) -> the nearest word | nil */
{
    const char *words[1025];
    size_t n = 0;
    const char *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    for (lua_Integer i = 1; n < 1024 && lua_rawgeti(L, 2, i) == LUA_TSTRING; i++, n++) {
        words[n] = lua_tostring(L, -1); /* the list keeps it */
        lua_pop(L, 1);
    }
    words[n] = NULL;
    lua_pushstring(L, ork_suggest(word, words)); /* nil for NULL */
    return 1;
}

static int core_own(lua_State *L) /* core.own(prefix): chunks whose names begin so are ours, not the user's */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    size_t n;
    const char *prefix = luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, n < sizeof ctx->own, 1, "too long");
    memcpy(ctx->own, prefix, n + 1);
    ctx->own_len = n;
    return 0;
}

static int core_sha256(lua_State *L) /* core.sha256(text) -> hex */
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    char hex[65];
    ork_sha256_text(s, n, hex);
    lua_pushstring(L, hex);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_ork_core(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"suggest", core_suggest}, {"own", core_own}, {"sha256", core_sha256}, {"files", ork_lua_files}, {NULL, NULL}};
    luaL_checkversion(L);
    ork_lua_ctx_new(L);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_pushstring(L, ork_version());
    lua_setfield(L, -2, "version");
    ork_lua_add_json(L);
    ork_lua_add_refs(L);
    ork_lua_add_each(L);
    ork_lua_add_workflows(L);
    ork_lua_add_loading(L);
    ork_lua_add_tasks(L);
    ork_lua_add_copy(L);
    ork_lua_add_doctor(L);
    ork_lua_add_background(L);
    ork_lua_engine(L);
    return 1;
}
