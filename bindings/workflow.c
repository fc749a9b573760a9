/* SPDX-License-Identifier: MIT */
/* ork.workflow and the userdata of a workflow: its options, its params, sealing, and what loaders and drivers ask it.
 */
#include "engine.h"
#include "workflow.h"
#include "ref.h"
#include "sub.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int collect(lua_State *L) /* __gc */
{
    ork_lua_def_fini(luaL_checkudata(L, 1, ORK_LUA_WORKFLOW));
    return 0;
}

/* ---- making one ---- */

/* Appends it to the list of the loader, if one listens: does one? */
static bool collect_workflow(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    ork_lua_ctx_push(L);
    bool listens = lua_getiuservalue(L, -1, ORK_LUA_COLLECTED) == LUA_TTABLE, hosted = false;
    if (listens) {
        lua_pushliteral(L, "hosted");
        lua_rawget(L, -2);
        hosted = lua_toboolean(L, -1);
        lua_pop(L, 1);
        lua_pushvalue(L, idx);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_pop(L, 2);
    return listens && !hosted;
}

static int make_workflow(lua_State *L) /* ork.workflow(name[, options]) -> workflow */
{
    struct ork_lua_ctx *ctx = lua_touserdata(L, lua_upvalueindex(1));
    struct ork_lua_reader r = {.L = L, .ctx = ctx, .call = "workflow"};
    ork_err err;
    if (lua_type(L, 1) == LUA_TTABLE && lua_type(L, 2) == LUA_TSTRING)
        return ork_lua_raise(L, "`workflow` is called with a dot: ork.workflow(\"%s\", { … })", lua_tostring(L, 2));
    if (lua_type(L, 1) == LUA_TTABLE)
        return ork_lua_raise(L, "`workflow` wants the name first: ork.workflow(\"name\", { … })");
    if (lua_type(L, 1) != LUA_TSTRING)
        return ork_lua_raise(L, "`workflow` wants a name, got %s",
                             lua_isnoneornil(L, 1) ? "none" : ork_lua_shown(L, 1));
    if (lua_type(L, 2) != LUA_TTABLE && !lua_isnoneornil(L, 2))
        return ork_lua_raise(L, "`workflow` wants a table of options after the name, got %s", ork_lua_shown(L, 2));
    lua_settop(L, 2);
    const char *name = lua_tostring(L, 1);
    if (strlen(name) != lua_rawlen(L, 1))
        return ork_lua_raise(L, "the name of the workflow holds a NUL byte");
    struct ork_lua_def *d = lua_newuserdatauv(L, sizeof *d, 1); /* its functions, by task number from 1 */
    *d = (struct ork_lua_def){0};
    luaL_setmetatable(L, ORK_LUA_WORKFLOW);
    if (ork_workflow_new(name, &d->w, &err) < 0)
        return ork_lua_raise(L, "%s", err.msg);
    d->options = json_object();
    ork_lua_task_init(&d->defaults);
    ork_lua_place(L, &r.place);
    d->line = r.place.line;
    d->made_in = strdup(r.place.file);
    r.def = d;
    r.name = name;
    r.options = lua_istable(L, 2) ? 2 : 0;
    ork_lua_buf_clear(&ctx->values);
    ctx->deps.len = 0;
    d->scripted = collect_workflow(L, 3);
    if (r.options)
        ork_lua_workflow_options(&r);
    return 1;
}

/* ---- sealing ---- */

static struct ork_lua_problem *add_problem(struct ork_lua_def *d, const char *code, uint32_t task, const char *text)
{
    const char *file = d->made_in, *name = ork_workflow_name(d->w), *call = "workflow";
    uint32_t line = d->line;
    if (task != UINT32_MAX) {
        ork_workflow_task_place(d->w, task, &file, &line);
        name = ork_workflow_task_name(d->w, task);
        call = "task";
    }
    struct ork_lua_problem *p = ork_lua_problem_add(d, "EDEF", file, line, text);
    const char *key = strstr(code, "dependency")          ? "depends_on"
                      : strcmp(code, "trigger_rule") == 0 ? "trigger_rule"
                      : strcmp(code, "pool_slots") == 0   ? "pool"
                                                          : NULL;
    if (p)
        ork_lua_problem_place(p, call, name, key, NULL);
    return p;
}

static void on_problem(void *data, const char *code, uint32_t task, const char *text)
{
    (void)add_problem(data, code, task, text);
}

/* A pool that is not declared has one slot, which may be meant; one whose name is nearly a declared one is not. The
 * declared ones are the table on top. [-0, +0, m] */
static void doubt_pool(lua_State *L, struct ork_lua_def *d, const char *name, uint32_t task)
{
    const char *words[65], *near;
    char text[512];
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (n < 64 && lua_type(L, -2) == LUA_TSTRING)
            words[n++] = lua_tostring(L, -2);
    }
    words[n] = NULL;
    near = ork_suggest(name, words);
    if (!near)
        return;
    (void)snprintf(text, sizeof text,
                   "pool `%.200s` is not declared here, so it has one slot unless somebody else gives it more; did you "
                   "mean `%.200s`?",
                   name, near);
    struct ork_lua_problem *p = add_problem(d, "pool_slots", task, text);
    if (p)
        ork_lua_problem_warn(d, p);
}

/* Pools that the script declared and this workflow uses. */
static void add_pools(lua_State *L, struct ork_lua_def *d)
{
    const char *name;
    json_t *use, *pools = json_object();
    ork_lua_ctx_push(L);
    bool declared = lua_getiuservalue(L, -1, ORK_LUA_POOLS) == LUA_TTABLE;
    json_object_foreach(d->pools, name, use)
    {
        if (!declared)
            break;
        bool known = lua_getfield(L, -1, name) == LUA_TNUMBER;
        if (known)
            json_object_set_new(pools, name, json_integer(lua_tointeger(L, -1)));
        lua_pop(L, 1);
        if (!known)
            doubt_pool(L, d, name, (uint32_t)json_integer_value(json_object_get(use, "task")));
    }
    lua_pop(L, 2);
    if (json_object_size(pools) > 0)
        json_object_set(d->options, "pools", pools);
    json_decref(pools);
}

void ork_lua_def_seal(lua_State *L, struct ork_lua_def *d)
{
    ork_err err;
    char *text;
    size_t n;
    if (d->judged)
        return;
    d->judged = true;
    add_pools(L, d);
    ork_lua_sub_seal(L, d);
    int rc = ork_json_text(d->options, &text, &n, &err);
    if (rc == 0) {
        rc = ork_workflow_options(d->w, text, n, &err);
        ork_free(text);
    }
    if (rc < 0)
        on_problem(d, "options", UINT32_MAX, err.msg);
    ork_workflow_seal(d->w, on_problem, d);
    d->sealed = d->mistakes == 0;
}

static int render(lua_State *L, int idx) /* pushes the text of all problems */
{
    idx = lua_absindex(L, idx);
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, -1, ORK_LUA_RENDER);
    if (lua_isfunction(L, -1)) {
        ork_lua_problems_push(L, lua_touserdata(L, idx));
        lua_call(L, 1, 1);
    } else {
        const struct ork_lua_def *d = lua_touserdata(L, idx);
        lua_pushfstring(L, "workflow `%s` has %d mistakes", ork_workflow_name(d->w), (int)d->mistakes);
    }
    lua_remove(L, -2);
    return 1;
}

/* Tells the loader, which attaches the sources of the script. */
static void announce(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    ork_lua_ctx_push(L);
    if (lua_getiuservalue(L, -1, ORK_LUA_BEFORE_SEAL) == LUA_TFUNCTION) {
        lua_pushvalue(L, idx);
        lua_call(L, 1, 0);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}

ork_workflow *ork_lua_check_workflow(lua_State *L, int idx)
{
    struct ork_lua_def *d = ork_lua_def_check(L, idx, "run");
    if (!d->announced) /* also one that was sealed as part of another */
        announce(L, idx);
    d->announced = true;
    ork_lua_def_seal(L, d);
    if (!d->sealed) {
        render(L, idx);
        lua_error(L);
    }
    return d->w;
}

static int workflow_validate(lua_State *L) /* w:validate() -> true; raises all that is wrong */
{
    ork_lua_def_check(L, 1, "validate");
    ork_lua_check_workflow(L, 1);
    ork_lua_inline_learn(L, 1, NULL, NULL);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- the userdata ---- */

static int unknown_field(lua_State *L, const struct ork_lua_def *d, const char *key, int methods)
{
    static const char *const later[] = {"debug", NULL};
    const char *words[64];
    size_t n = 0;
    for (size_t i = 0; later[i]; i++)
        if (strcmp(later[i], key) == 0)
            return ork_lua_raise(L, "workflow:%s comes with a later version", key);
    if (strncmp(key, "on_", 3) == 0)
        return ork_lua_raise(L, "workflow `%s` has no field `%s`: handlers are options of ork.workflow",
                             ork_workflow_name(d->w), key);
    if (strcmp(key, "apply") == 0 || strcmp(key, "schedule") == 0)
        return ork_lua_raise(
            L,
            "workflow `%s` has no field `%s`: applying is a command, ork apply SCRIPT, and a schedule an "
            "option of ork.workflow",
            ork_workflow_name(d->w), key);
    words[n++] = "name";
    words[n++] = "params";
    for (lua_pushnil(L); lua_next(L, methods) && n < 63; lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            words[n++] = lua_tostring(L, -2);
    words[n] = NULL;
    const char *near = ork_suggest(key, words);
    if (near)
        return ork_lua_raise(L, "workflow `%s` has no field `%s`; did you mean `%s`?", ork_workflow_name(d->w), key,
                             near);
    return ork_lua_raise(L, "workflow `%s` has no field `%s`", ork_workflow_name(d->w), key);
}

static int workflow_index(lua_State *L) /* upvalue 1: methods */
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return ork_lua_raise(L, "workflow `%s` has no field %s", ork_workflow_name(d->w), ork_lua_shown(L, 2));
    const char *key = lua_tostring(L, 2);
    if (strcmp(key, "name") == 0)
        lua_pushstring(L, ork_workflow_name(d->w));
    else if (strcmp(key, "params") == 0)
        ork_lua_ref_params(L, d, 1);
    else
        return unknown_field(L, d, key, lua_upvalueindex(1));
    return 1;
}

static int workflow_newindex(lua_State *L)
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    return ork_lua_raise(L, "workflow `%s` cannot be changed; give its options to ork.workflow",
                         ork_workflow_name(d->w));
}

static int workflow_tostring(lua_State *L)
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    lua_pushfstring(L, "workflow `%s`", ork_workflow_name(d->w));
    return 1;
}

void ork_lua_add_workflows(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", collect}, {"__newindex", workflow_newindex}, {"__tostring", workflow_tostring}, {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ork_lua_ctx_push(L);
    lua_pushcclosure(L, make_workflow, 1);
    lua_setfield(L, -2, "workflow");
    lua_newtable(L); /* module methods */
    lua_pushcfunction(L, workflow_validate);
    lua_setfield(L, -2, "validate");
    ork_lua_ctx_push(L);
    lua_pushcclosure(L, ork_lua_workflow_returns, 1);
    lua_setfield(L, -2, "returns");
    ctx->workflow_mt = ork_lua_metatable(L, ORK_LUA_WORKFLOW); /* module methods mt */
    luaL_setfuncs(L, meta, 0);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, workflow_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_setfield(L, -2, "methods");
}
