/* SPDX-License-Identifier: MIT */
/* The time of functions that are tasks: a count hook in the coroutine that runs, and in those it makes.
 *
 *   limit(thread, why, soft, hard) ─► soft over: raises `why`, again and again
 *                                  └► hard over: leaves the coroutine from where it is, wherever that may
 *                                     yield; elsewhere it raises, at every instruction, until it may
 *   unlimit() ─► was it left so? Then it is not resumed any more.
 *
 * Law: neither a loop around pcall nor a function that catches all keeps the program's thread. Our own files are
 * spared: they are short, and what they count must stay right. One coroutine per state is limited at a time, so times
 * are kept once; the hook of a coroutine that others resume later finds none, and does nothing. */
#include "context.h"
#include <lauxlib.h>
#include <string.h>
#include <time.h>

#define WHY "ork.limit"
#define HOOK_EVERY 10000 /* instructions: well below a millisecond */

double ork_lua_mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static bool is_ours(lua_State *L, lua_Debug *ar, const struct ork_lua_ctx *ctx)
{
    return lua_getinfo(L, "S", ar) && ctx->own_len > 0 && strncmp(ar->source, ctx->own, ctx->own_len) == 0;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    double now;

    if (ctx->limit.hard_ms <= 0) {
        lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
        return;
    }
    if (ctx->limit.before)
        ctx->limit.before(L, ar);
    now = ork_lua_mono_ms();
    if ((now < ctx->limit.soft_ms && now < ctx->limit.hard_ms) || is_ours(L, ar, ctx))
        return;
    if (now >= ctx->limit.hard_ms) {
        ctx->limit.over = true;
        lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
        if (lua_isyieldable(L)) {
            lua_yield(L, 0);
            return;
        }
    }
    lua_getfield(L, LUA_REGISTRYINDEX, WHY);
    lua_error(L);
}

int ork_lua_limit(lua_State *L) /* limit(thread, why, soft_ms, hard_ms): of mono(), until unlimit */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    lua_State *thread = lua_tothread(L, 1);

    luaL_argexpected(L, thread, 1, "thread");
    ctx->limit.soft_ms = luaL_checknumber(L, 3);
    ctx->limit.hard_ms = luaL_checknumber(L, 4);
    ctx->limit.over = false;
    lua_settop(L, 2);
    lua_setfield(L, LUA_REGISTRYINDEX, WHY);
    if (lua_gethook(thread) != on_count)
        ctx->limit.before = lua_gethook(thread); /* the prompt's */
    lua_sethook(thread, on_count, LUA_MASKCOUNT, HOOK_EVERY);
    return 0;
}

int ork_lua_unlimit(lua_State *L) /* unlimit() -> was it left? */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);

    ctx->limit.hard_ms = 0;
    lua_pushboolean(L, ctx->limit.over);
    return 1;
}
