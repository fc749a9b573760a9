/* SPDX-License-Identifier: MIT */
/* From JSON to the Lua stack, and ork.json, ork.null, ork.list.
 *
 * A null field of an object reads as nil (it is not there); in a list it is ork.null, which is cjson.null: the light
 * userdata NULL. Lists carry the list mark, so an empty one is written as a list again. */
#include "json.h"
#include <jansson.h>

static void push_value(lua_State *L, const json_t *v, int list_mt, bool nulls)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        json_t *object = (json_t *)(uintptr_t)v; /* jansson's iterators change nothing */
        lua_createtable(L, 0, (int)json_object_size(v));
        for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
            if (!nulls && json_is_null(json_object_iter_value(it)))
                continue;
            lua_pushlstring(L, json_object_iter_key(it), json_object_iter_key_len(it));
            push_value(L, json_object_iter_value(it), list_mt, nulls);
            lua_rawset(L, -3);
        }
        break;
    }
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(v), 0);
        for (size_t i = 0; i < json_array_size(v); i++) {
            push_value(L, json_array_get(v, i), list_mt, nulls);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_pushvalue(L, list_mt);
        lua_setmetatable(L, -2);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(v));
        break;
    default:
        lua_pushlightuserdata(L, NULL);
        break;
    }
}

static void push(lua_State *L, const json_t *value, bool nulls)
{
    luaL_checkstack(L, 3 * 200 + 8, "JSON is nested too deep"); /* no tree of ork_json_parse is deeper */
    luaL_getmetatable(L, ORK_LUA_LIST);
    push_value(L, value, lua_gettop(L), nulls);
    lua_remove(L, -2);
}

void ork_lua_json_push(lua_State *L, const json_t *value)
{
    push(L, value, false);
}

static int push_tree(lua_State *L) /* (lightuserdata tree, nulls) -> value */
{
    push(L, lua_touserdata(L, 1), lua_toboolean(L, 2));
    return 1;
}

static int push_text(lua_State *L, const char *text, size_t len, bool nulls, ork_err *err)
{
    json_t *tree;
    int rc = ork_json_parse(text, len, &tree, err);
    if (rc < 0)
        return rc;
    lua_pushcfunction(L, push_tree);
    lua_pushlightuserdata(L, tree);
    lua_pushboolean(L, nulls);
    int status = lua_pcall(L, 2, 1, 0); /* so that the tree is freed when Lua's memory is out */
    json_decref(tree);
    if (status != LUA_OK)
        lua_error(L);
    return 0;
}

int ork_lua_json_push_text(lua_State *L, const char *text, size_t len, ork_err *err)
{
    return push_text(L, text, len, false, err);
}

static int json_encode(lua_State *L) /* ork.json.encode(value) -> text | nil, message, code */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ork_err err;
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    ork_lua_buf_clear(&ctx->scratch);
    if (ork_lua_json_write(L, 1, "value", &ctx->scratch, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushlstring(L, ctx->scratch.data, ctx->scratch.len);
    return 1;
}

/* ork.json.decode(text[, nulls]) -> value | nil, message, code; nulls: null fields are ork.null, to be written again */
static int json_decode(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    ork_err err;
    if (push_text(L, text, n, lua_toboolean(L, 2), &err) < 0)
        return ork_lua_fail(L, &err);
    return 1;
}

static int make_list(lua_State *L) /* ork.list([t]) -> t, marked as a list */
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    if (lua_type(L, 1) != LUA_TTABLE)
        return ork_lua_raise(L, "ork.list wants a table, got %s", luaL_typename(L, 1));
    lua_settop(L, 1);
    luaL_setmetatable(L, ORK_LUA_LIST);
    return 1;
}

void ork_lua_add_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"encode", json_encode}, {"decode", json_decode}, {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    luaL_newmetatable(L, ORK_LUA_LIST); /* module mt */
    ctx->list_mt = lua_topointer(L, -1);
    lua_pop(L, 1);
    luaL_newlib(L, functions); /* module json */
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushcfunction(L, make_list);
    lua_setfield(L, -2, "list");
    lua_setfield(L, -2, "json");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushcfunction(L, make_list);
    lua_setfield(L, -2, "list");
}
