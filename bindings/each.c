/* SPDX-License-Identifier: MIT */
/* ork.each and ork.product: what an input is that makes a task run once per element. A userdata that keeps the list as
 * it was given; read where `inputs` are. */
#include "each.h"
#include "fit.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct each {
    uint32_t max_parallel; /* 0: no limit of its own */
    double max_failed;     /* -1: not given */
    bool percent;
};

/* ---- making ---- */

static void check_max_failed(lua_State *L, struct each *e)
{
    double v = -1;
    if (lua_type(L, -1) == LUA_TNUMBER) {
        v = lua_tonumber(L, -1);
        if (!lua_isinteger(L, -1) && v != floor(v))
            v = -1;
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        char *end;
        v = strtod(lua_tostring(L, -1), &end);
        e->percent = strcmp(end, "%") == 0 && end != lua_tostring(L, -1) && v <= 100;
        if (!e->percent)
            v = -1;
    }
    if (!(v >= 0 && v <= 1e9))
        ork_lua_raise(L, "ork.each: max_failed wants a number of items or a share such as \"5%%\", got %s",
                      ork_lua_shown(L, -1));
    e->max_failed = v;
}

static void check_options(lua_State *L, struct each *e)
{
    static const char *const words[] = {"max_failed", "max_parallel", NULL};
    if (lua_isnoneornil(L, 2))
        return;
    if (lua_type(L, 2) != LUA_TTABLE)
        ork_lua_raise(L, "ork.each wants a table of options after the list, got %s", ork_lua_shown(L, 2));
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (key && strcmp(key, "max_failed") == 0) {
            check_max_failed(L, e);
        } else if (key && strcmp(key, "max_parallel") == 0) {
            if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > 1000000)
                ork_lua_raise(L, "ork.each: max_parallel wants a number from 1 on, got %s", ork_lua_shown(L, -1));
            e->max_parallel = (uint32_t)lua_tointeger(L, -1);
        } else {
            const char *near = key ? ork_suggest(key, words) : NULL;
            ork_lua_raise(L, "ork.each has no option %s%s%s%s", ork_lua_shown(L, -2), near ? "; did you mean `" : "",
                          near ? near : "; it has max_parallel and max_failed", near ? "`?" : "");
        }
    }
}

static int make_each(lua_State *L) /* ork.each(list[, options]) */
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct each e = {.max_failed = -1};
    if (lua_isnoneornil(L, 1))
        return ork_lua_raise(L, "ork.each wants a list, or a reference to one, got none");
    if (lua_type(L, 1) != LUA_TTABLE && !ork_lua_is(L, 1, ctx->ref_mt) && !ork_lua_is(L, 1, ctx->product_mt)) {
        if (ork_lua_is(L, 1, ctx->task_mt))
            return ork_lua_raise(L, "ork.each wants a list, and a task is none: name a field of its .output");
        return ork_lua_raise(L, "ork.each wants a list, or a reference to one, got %s", ork_lua_shown(L, 1));
    }
    check_options(L, &e);
    struct each *out = lua_newuserdatauv(L, sizeof *out, 1);
    *out = e;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, ORK_LUA_EACH);
    return 1;
}

static int make_product(lua_State *L) /* ork.product{ name = list, … } */
{
    bool any = false;
    if (lua_type(L, 1) != LUA_TTABLE)
        return ork_lua_raise(L, "ork.product wants lists by name, { os = { … }, arch = { … } }, got %s",
                             lua_isnoneornil(L, 1) ? "none" : ork_lua_shown(L, 1));
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        any = true;
        if (lua_type(L, -2) != LUA_TSTRING)
            return ork_lua_raise(L, "ork.product wants lists by name, { os = { … }, arch = { … } }; %s is no name",
                                 ork_lua_shown(L, -2));
        if (lua_type(L, -1) != LUA_TTABLE && !ork_lua_is(L, -1, ork_lua_ctx_get(L)->ref_mt))
            return ork_lua_raise(L, "ork.product: `%s` wants a list, got %s", lua_tostring(L, -2),
                                 ork_lua_shown(L, -1));
    }
    if (!any)
        return ork_lua_raise(L, "ork.product of nothing; name at least one list");
    (void)lua_newuserdatauv(L, 1, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, ORK_LUA_PRODUCT);
    return 1;
}

static int misuse(lua_State *L)
{
    return ork_lua_raise(L, "ork.each is no value: it is given to a task as one of its inputs, inputs = { part = "
                            "ork.each(…) }, and the task uses ork.input.part, or input.part in its function");
}

static int misuse_product(lua_State *L)
{
    return ork_lua_raise(L, "ork.product is no value: it is the list of an ork.each, inputs = { on = "
                            "ork.each(ork.product{ os = { … }, arch = { … } }) }, and the task uses ork.input.on.os");
}

static int to_string(lua_State *L)
{
    lua_pushstring(L, ork_lua_is(L, 1, ork_lua_ctx_get(L)->product_mt) ? "ork.product{ … }" : "ork.each(…)");
    return 1;
}

void ork_lua_add_each(lua_State *L)
{
    static const luaL_Reg functions[] = {{"each", make_each}, {"product", make_product}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"__index", misuse}, {"__newindex", misuse}, {"__len", misuse},         {"__pairs", misuse},
        {"__call", misuse},  {"__concat", misuse},   {"__tostring", to_string}, {NULL, NULL}};
    static const luaL_Reg product[] = {{"__index", misuse_product}, {"__newindex", misuse_product},
                                       {"__len", misuse_product},   {"__pairs", misuse_product},
                                       {"__call", misuse_product},  {"__concat", misuse_product},
                                       {"__tostring", to_string},   {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ctx->each_mt = ork_lua_metatable(L, ORK_LUA_EACH);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    ctx->product_mt = ork_lua_metatable(L, ORK_LUA_PRODUCT);
    luaL_setfuncs(L, product, 0);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}

/* ---- reading ---- */

#define OF_LIST (~(ORK_LUA_HAS(ORK_LUA_REF_SECRET) | ORK_LUA_HAS(ORK_LUA_REF_INPUT)))

/* The type of an element of the list that was read last; owned, NULL unknown. false: a mistake, told. */
static bool element_type(struct ork_lua_reader *r, int idx, const char *path, json_t **type)
{
    const json_t *list = r->type;
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    *type = NULL;
    if (!list)
        return true;
    if (ref && ref->items) {
        *type = ork_lua_ref_item_type(ref, r->all_success ? ORK_RULE_ALL_SUCCESS : ORK_RULE_ALWAYS);
        return true;
    }
    if (json_is_array(list) && json_array_size(list) == 2)
        list = json_array_get(list, 1); /* optional: without a value the task fails */
    if (json_is_array(list) && json_array_size(list) == 1) {
        *type = json_deep_copy(json_array_get(list, 0));
        return true;
    }
    if (json_is_string(list) && strncmp(json_string_value(list), "any", 3) == 0)
        return true;
    ork_lua_bad(r, path, NULL, "wants a list, but %s is declared as %s", ref ? ork_lua_ref_shown(r->L, ref) : "it",
                json_is_string(list) ? json_string_value(list) : "an object");
    return false;
}

/* The list at idx as an expression; an empty table is an empty list here. */
static bool read_list(struct ork_lua_reader *r, int idx, const char *path, json_t **type)
{
    struct ork_lua_span span;
    *type = NULL;
    if (lua_type(r->L, idx) == LUA_TTABLE) {
        lua_pushnil(r->L);
        if (!lua_next(r->L, idx)) {
            ork_lua_buf_adds(&r->ctx->values, "{\"const\":[]}");
            return true;
        }
        lua_pop(r->L, 2);
        lua_Integer n;
        if (!ork_lua_read_list(r, idx, path, "a list", &n))
            return false;
        if (n > ORK_LUA_MOST_ITEMS) {
            ork_lua_bad(r, path, "make a list of lists of it, and give each item several to do",
                        "has %lld items; ork.each takes at most %d", (long long)n, ORK_LUA_MOST_ITEMS);
            return false;
        }
    }
    return ork_lua_read_expr(r, idx, path, OF_LIST, &span) && element_type(r, idx, path, type);
}

static bool read_product(struct ork_lua_reader *r, int idx, const char *path, json_t **type)
{
    lua_State *L = r->L;
    size_t n;
    bool fine = true;
    lua_getiuservalue(L, idx, 1);
    int table = lua_gettop(L);
    struct ork_lua_name *names = ork_lua_sorted_names(r, table, path, "lists", &n);
    *type = NULL;
    if (!names)
        return false;
    json_t *fields = json_object();
    ork_lua_buf_adds(&r->ctx->values, "{\"product\":{");
    for (size_t i = 0; i < n; i++) {
        char way[300];
        json_t *of = NULL;
        ork_err err;
        if (i > 0)
            ork_lua_buf_addc(&r->ctx->values, ',');
        lua_pushlstring(L, names[i].name, names[i].len);
        if (ork_lua_json_write(L, -1, "product", &r->ctx->values, &err) < 0)
            fine = false;
        ork_lua_buf_addc(&r->ctx->values, ':');
        lua_rawget(L, table);
        fine = read_list(r, lua_gettop(L), ork_lua_path(way, path, names[i].name), &of) && fine;
        json_object_set_new(fields, names[i].name, of ? of : json_incref(r->ctx->any_type));
        lua_pop(L, 1);
    }
    ork_lua_buf_adds(&r->ctx->values, "}}");
    lua_settop(L, table - 1);
    *type = fields;
    return fine;
}

bool ork_lua_read_each(struct ork_lua_reader *r, int idx, const char *name, const char *path, struct ork_lua_span *out,
                       json_t **type, bool *spares)
{
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    const struct each *e = ork_lua_is(L, idx, r->ctx->each_mt);
    const size_t at = b->len;
    ork_err err;
    int top = lua_gettop(L);

    *spares = e->max_failed > 0;
    ork_lua_buf_adds(b, "{\"input\":");
    lua_pushstring(L, name);
    bool fine = ork_lua_json_write(L, -1, "inputs", b, &err) == 0;
    if (e->max_failed >= 0) /* a percentage is data that `validate` shows as it was written */
        ork_lua_buf_addf(b, e->percent ? ",\"max_failed\":\"%.12g%%\"" : ",\"max_failed\":%.0f", e->max_failed);
    if (e->max_parallel)
        ork_lua_buf_addf(b, ",\"max_parallel\":%u", e->max_parallel);
    ork_lua_buf_adds(b, ",\"over\":");
    lua_getiuservalue(L, idx, 1);
    int list = lua_gettop(L);
    r->type = NULL;
    *type = NULL;
    fine = (ork_lua_is(L, list, r->ctx->product_mt) ? read_product(r, list, path, type)
                                                    : read_list(r, list, path, type)) &&
           fine;
    ork_lua_buf_addc(b, '}');
    lua_settop(L, top);
    if (!fine) {
        b->len = at;
        json_decref(*type);
        *type = NULL;
        return false;
    }
    *out = (struct ork_lua_span){at, b->len - at};
    return true;
}
