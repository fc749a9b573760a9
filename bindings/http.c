/* SPDX-License-Identifier: MIT */
/* core.http: requests on the loop of this Lua state, for ctx.http. One client per state, made with the first request.
 *
 * A request is a userdata whose close cancels it; its callback is held in the registry until it was called. */
#include "loop.h"
#include "lua_util.h"
#include <lauxlib.h>
#include <ork/http.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT "ork.http"
#define REQUEST "ork.http_request"

struct request {
    uv_loop_t *loop;
    ork_http_transfer *transfer; /* NULL: it is over */
    int callback;
    struct request **box; /* the userdata's; NULL: that is gone */
};

static int client_gc(lua_State *L)
{
    ork_http **h = lua_touserdata(L, 1);

    ork_http_close(*h);
    *h = NULL;
    return 0;
}

/* Pushes nothing; NULL and err: it cannot be had. */
static ork_http *client(lua_State *L, ork_err *err)
{
    uv_loop_t *loop = ork_lua_loop(L);
    ork_http **box, *h;

    if (lua_getfield(L, LUA_REGISTRYINDEX, CLIENT) == LUA_TUSERDATA) {
        h = *(ork_http **)lua_touserdata(L, -1);
        lua_pop(L, 1);
        return h;
    }
    lua_pop(L, 1);
    box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    if (ork_http_open(loop, box, err) != 0) {
        *box = NULL;
        lua_pop(L, 1);
        return NULL;
    }
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, client_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    h = *box;
    lua_setfield(L, LUA_REGISTRYINDEX, CLIENT);
    return h;
}

static int call_back(lua_State *L) /* (callback, response): all that may raise, under one pcall */
{
    const struct ork_http_response *r = lua_touserdata(L, 2);

    lua_settop(L, 1);
    if (r->error) {
        lua_pushnil(L);
        lua_pushstring(L, r->error);
        lua_pushstring(L, ork_err_symbol(r->code));
        lua_call(L, 3, 0);
        return 0;
    }
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, r->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, r->headers, r->headers_len);
    lua_setfield(L, -2, "headers");
    lua_pushlstring(L, r->body, r->body_len);
    lua_setfield(L, -2, "body");
    lua_call(L, 1, 0);
    return 0;
}

static void on_response(void *data, const struct ork_http_response *r)
{
    struct request *q = data;
    lua_State *L = ork_lua_loop_state(q->loop);
    uv_loop_t *loop = q->loop;
    int callback = q->callback;

    if (q->box)
        *q->box = NULL;
    free(q);
    if (!lua_checkstack(L, 8))
        return;
    lua_pushcfunction(L, call_back);
    lua_rawgeti(L, LUA_REGISTRYINDEX, callback);
    luaL_unref(L, LUA_REGISTRYINDEX, callback);
    lua_pushlightuserdata(L, (void *)(uintptr_t)r);
    ork_lua_loop_call(loop, L, 2);
}

static int request_close(lua_State *L)
{
    struct request **box = luaL_checkudata(L, 1, REQUEST), *q = *box;

    if (!q)
        return 0;
    *box = NULL;
    ork_http_cancel(q->transfer);
    luaL_unref(L, LUA_REGISTRYINDEX, q->callback);
    free(q);
    return 0;
}

/* A list of texts at the top of the stack, NULL-terminated; it lives as long as the userdata that is pushed. */
static const char **header_list(lua_State *L, int idx)
{
    lua_Integer n = luaL_len(L, idx);
    const char **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);

    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, idx, i + 1);
        list[i] = luaL_checkstring(L, -1); /* held by the table */
        lua_pop(L, 1);
    }
    list[n] = NULL;
    return list;
}

/* send({ url, method, headers (list), body, timeout_ms, max_bytes }, callback(answer | nil, message, code))
 * -> request | nil, message, code; answer: { status, headers (lines), body } */
static int http_send(lua_State *L)
{
    struct ork_http_request r = {0};
    ork_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_getfield(L, 1, "url"); /* 3 */
    r.url = luaL_checkstring(L, 3);
    lua_getfield(L, 1, "method"); /* 4 */
    r.method = luaL_checkstring(L, 4);
    lua_getfield(L, 1, "body"); /* 5 */
    r.body = luaL_optlstring(L, 5, NULL, &r.body_len);
    lua_getfield(L, 1, "headers"); /* 6 */
    luaL_checktype(L, 6, LUA_TTABLE);
    r.headers = header_list(L, 6); /* 7 */
    lua_getfield(L, 1, "timeout_ms");
    r.timeout_ms = luaL_checkinteger(L, -1);
    lua_getfield(L, 1, "max_bytes");
    r.max_bytes = (size_t)luaL_checkinteger(L, -1);
    ork_http *h = client(L, &err);
    if (!h)
        return ork_lua_fail(L, &err);
    struct request **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, REQUEST);
    struct request *q = calloc(1, sizeof *q);
    if (!q)
        return luaL_error(L, "not enough memory");
    q->loop = ork_lua_loop(L);
    q->box = box;
    lua_pushvalue(L, 2);
    q->callback = luaL_ref(L, LUA_REGISTRYINDEX);
    if (ork_http_send(h, &r, on_response, q, &q->transfer, &err) != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, q->callback);
        free(q);
        return ork_lua_fail(L, &err);
    }
    *box = q;
    return 1;
}

int ork_lua_http_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"send", http_send}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", request_close}, {"__close", request_close}, {NULL, NULL}};

    luaL_newmetatable(L, REQUEST);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
