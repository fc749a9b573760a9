/* SPDX-License-Identifier: MIT */
/* The context of a Lua state: made when the module is opened, freed with the state. */
#include "context.h"
#include "python.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char registry_key = 0; /* its address is the key */

void ork_lua_numbers_add(struct ork_lua_numbers *v, uint32_t x)
{
    if (v->len == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 16;
        uint32_t *items = realloc(v->items, cap * sizeof *items);
        if (!items) {
            fprintf(stderr, "ork: out of memory\n");
            abort();
        }
        v->items = items;
        v->cap = cap;
    }
    v->items[v->len++] = x;
}

static int free_context(lua_State *L)
{
    struct ork_lua_ctx *ctx = lua_touserdata(L, 1);
    ork_lua_buf_fini(&ctx->values);
    ork_lua_buf_fini(&ctx->text);
    ork_lua_buf_fini(&ctx->scratch);
    free(ctx->deps.items);
    ctx->deps = (struct ork_lua_numbers){0};
    ork_lua_python_fini(ctx);
    json_decref(ctx->str_type);
    json_decref(ctx->int_type);
    json_decref(ctx->any_type);
    json_decref(ctx->maybe_str_type);
    ctx->str_type = ctx->int_type = ctx->any_type = ctx->maybe_str_type = NULL;
    return 0;
}

struct ork_lua_ctx *ork_lua_ctx_new(lua_State *L)
{
    struct ork_lua_ctx *ctx = lua_newuserdatauv(L, sizeof *ctx, ORK_LUA_USERVALUES);
    *ctx = (struct ork_lua_ctx){0};
    lua_createtable(L, 0, 1); /* ctx mt */
    lua_pushcfunction(L, free_context);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    ctx->str_type = json_string("str");
    ctx->int_type = json_string("int");
    ctx->any_type = json_string("any");
    ctx->maybe_str_type = json_string("str?");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
    return ctx;
}

void ork_lua_ctx_push(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
}

struct ork_lua_ctx *ork_lua_ctx_get(lua_State *L)
{
    ork_lua_ctx_push(L);
    struct ork_lua_ctx *ctx = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return ctx;
}

const void *ork_lua_metatable(lua_State *L, const char *name)
{
    luaL_newmetatable(L, name);
    lua_pushliteral(L, "ork");
    lua_setfield(L, -2, "__metatable");
    return lua_topointer(L, -1);
}

void *ork_lua_is(lua_State *L, int idx, const void *mt)
{
    if (lua_type(L, idx) != LUA_TUSERDATA || !lua_getmetatable(L, idx))
        return NULL;
    const void *its = lua_topointer(L, -1);
    lua_pop(L, 1);
    return its == mt ? lua_touserdata(L, idx) : NULL;
}
