/* SPDX-License-Identifier: MIT */
/* w:returns{ total = sum.output.total }: what a run of the workflow gives, by name; of what type, where that is
 * declared. */
#include "ref.h"
#include "sub.h"
#include "workflow.h"
#include <jansson.h>
#include <string.h>

#define OF_RETURNS (~(ORK_LUA_HAS(ORK_LUA_REF_SECRET) | ORK_LUA_HAS(ORK_LUA_REF_INPUT)))

static json_t *type_of(const struct ork_lua_reader *r, bool ref)
{
    json_t *type = ref && r->type ? json_deep_copy(r->type) : json_string("any");
    if (!ref || !r->items)
        return type;
    return r->whole ? json_pack("[o]", type) : json_pack("[[s,o]]", "?", type); /* null where an item has none */
}

static void read_value(struct ork_lua_reader *r, const char *name, json_t *values)
{
    struct ork_lua_def *d = r->def;
    struct ork_lua_span span;
    json_t *expr = NULL;
    ork_err err;
    int idx = lua_gettop(r->L);
    bool ref = ork_lua_is(r->L, idx, r->ctx->ref_mt) != NULL;
    if (ork_lua_is(r->L, idx, r->ctx->task_mt)) {
        ork_lua_bad(r, name, "what it gives is its .output", "is a task, no value");
        return;
    }
    if (!ork_lua_read_expr(r, idx, name, OF_RETURNS, &span))
        return;
    json_object_set_new(d->returns, name, type_of(r, ref));
    if (ork_json_parse(r->ctx->values.data + span.at, span.len, &expr, &err) == 0)
        json_object_set_new(values, name, expr);
}

int ork_lua_workflow_returns(lua_State *L)
{
    struct ork_lua_ctx *ctx = lua_touserdata(L, lua_upvalueindex(1));
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "returns");
    struct ork_lua_reader r = {.L = L, .ctx = ctx, .def = d, .call = "returns"};
    size_t n;
    if (lua_gettop(L) != 2 || lua_type(L, 2) != LUA_TTABLE)
        return ork_lua_raise(L, "`returns` wants a table of values by name, such as { rows = load.output.rows }");
    if (d->judged)
        return ork_lua_raise(L, "workflow `%s` is complete: it was started or checked; say before what it returns",
                             ork_workflow_name(d->w));
    if (d->returns)
        return ork_lua_raise(L, "workflow `%s` says already what it returns; put all of it into one table",
                             ork_workflow_name(d->w));
    r.name = ork_workflow_name(d->w);
    r.options = 2;
    ork_lua_place(L, &r.place);
    ork_lua_buf_clear(&ctx->values);
    ctx->deps.len = 0;
    struct ork_lua_name *names = ork_lua_sorted_names(&r, 2, "returns", "values", &n);
    d->returns = json_object();
    json_t *values = json_object();
    for (size_t i = 0; names && i < n; i++) {
        lua_pushlstring(L, names[i].name, names[i].len);
        lua_rawget(L, 2);
        read_value(&r, names[i].name, values);
        lua_pop(L, 1);
    }
    json_object_set_new(d->options, "returns", values);
    lua_settop(L, 1);
    return 1;
}
