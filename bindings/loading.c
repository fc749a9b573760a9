/* SPDX-License-Identifier: MIT */
/* What lua/ork/loader.lua asks of a workflow and of this state. */
#include "options.h"
#include "python.h"
#include "sub.h"
#include <jansson.h>

static int core_seal(lua_State *L) /* core.seal(w) -> problems; a second call gives the same */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "seal");
    ork_lua_def_seal(L, d);
    ork_lua_problems_push(L, d);
    return 1;
}

static int core_problems(lua_State *L) /* core.problems(w) -> problems so far */
{
    ork_lua_problems_push(L, ork_lua_def_check(L, 1, "problems"));
    return 1;
}

static int core_source(lua_State *L) /* core.source(w, table, dir) -> true | nil, message, code */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "source");
    const char *dir = luaL_optstring(L, 3, NULL);
    ork_err err;
    ork_lua_buf_clear(&ctx->text);
    int rc = ork_lua_json_write(L, 2, "source", &ctx->text, &err);
    if (rc == 0)
        rc = ork_workflow_source(d->w, ctx->text.data, ctx->text.len, dir, &err);
    if (rc < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int core_hash(lua_State *L) /* core.hash(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "hash");
    char hash[65];
    ork_err err;
    if (ork_workflow_hash(d->w, hash, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, hash);
    return 1;
}

static int push_owned(lua_State *L, int rc, char *text, size_t n, const ork_err *err)
{
    if (rc < 0)
        return ork_lua_fail(L, err);
    lua_pushlstring(L, text, n);
    ork_free(text);
    return 1;
}

static int core_tasks_json(lua_State *L) /* core.tasks_json(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "tasks_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_workflow_tasks_json(d->w, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_plan_json(lua_State *L) /* core.plan_json(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "plan_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_workflow_plan_json(d->w, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_options_json(lua_State *L) /* core.options_json(w) -> text, as it will be stored */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "options_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_json_text(d->options, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_task_name(lua_State *L) /* core.task_name(w, i) -> name, file, line | nil; i from 1 */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "task_name");
    lua_Integer i = luaL_checkinteger(L, 2);
    const char *file;
    uint32_t line;
    if (i < 1 || i > (lua_Integer)ork_workflow_task_count(d->w))
        return 0;
    ork_workflow_task_place(d->w, (uint32_t)i - 1, &file, &line);
    lua_pushstring(L, ork_workflow_task_name(d->w, (uint32_t)i - 1));
    lua_pushstring(L, file);
    lua_pushinteger(L, line);
    return 3;
}

static int core_task_count(lua_State *L)
{
    lua_pushinteger(L, ork_workflow_task_count(ork_lua_def_check(L, 1, "task_count")->w));
    return 1;
}

static int core_workflow_place(lua_State *L) /* core.workflow_place(w) -> file, line */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "place");
    lua_pushstring(L, d->made_in);
    lua_pushinteger(L, d->line);
    return 2;
}

static int core_is_inner(lua_State *L) /* core.is_inner(workflow): do tasks of another one run it? */
{
    lua_pushboolean(L, ork_lua_def_check(L, 1, "is_inner")->inner);
    return 1;
}

static int core_is_workflow(lua_State *L)
{
    lua_pushboolean(L, ork_lua_is(L, 1, ork_lua_ctx_get(L)->workflow_mt) != NULL);
    return 1;
}

static int core_calling(lua_State *L) /* core.calling(on): functions are called from now on, or scripts are loaded */
{
    ork_lua_ctx_get(L)->calling = lua_toboolean(L, 1);
    return 0;
}

static int set_uservalue(lua_State *L, int n) /* (value) -> the one before */
{
    lua_settop(L, 1);
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, 2, n);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, n);
    return 1;
}

/* core.collect(list | nil): workflows made from now on are appended to it, those of a script. Its field `hosted`: they
 * are this program's own, whose functions are called here. */
static int core_collect(lua_State *L)
{
    return set_uservalue(L, ORK_LUA_COLLECTED);
}

static int core_on_problems(lua_State *L) /* core.on_problems(function(problems) -> text) */
{
    return set_uservalue(L, ORK_LUA_RENDER);
}

static int core_before_seal(lua_State *L) /* core.before_seal(function(workflow)): before it is run or validated */
{
    return set_uservalue(L, ORK_LUA_BEFORE_SEAL);
}

static int core_sets(lua_State *L) /* core.sets(function(f, i, is it a workflow or task?) -> does it assign its i-th
                                      upvalue, or the fields it reads?) */
{
    return set_uservalue(L, ORK_LUA_SETS);
}

static int core_pools(lua_State *L) /* core.pools(table | nil): the declared pools from now on */
{
    return set_uservalue(L, ORK_LUA_POOLS);
}

static int make_pool(lua_State *L) /* ork.pool(name, slots) -> name */
{
    if (lua_type(L, 1) != LUA_TSTRING || lua_rawlen(L, 1) == 0)
        return ork_lua_raise(L, "ork.pool wants a name and its slots: ork.pool(\"db\", 4)");
    int whole = 0;
    lua_Integer slots = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &whole) : 0;
    if (!whole || slots < 1 || slots > INT32_MAX)
        return ork_lua_raise(L, "ork.pool: `%s` wants a whole number of slots, 1 or more, got %s", lua_tostring(L, 1),
                             ork_lua_shown(L, 2));
    ork_lua_ctx_push(L);
    if (lua_getiuservalue(L, -1, ORK_LUA_POOLS) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -4, ORK_LUA_POOLS);
    }
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TNUMBER && lua_tointeger(L, -1) != slots)
        return ork_lua_raise(L, "pool `%s` was declared with %d slots before", lua_tostring(L, 1),
                             (int)lua_tointeger(L, -1));
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, slots);
    lua_rawset(L, -3);
    lua_settop(L, 1);
    return 1;
}

void ork_lua_add_loading(lua_State *L)
{
    static const luaL_Reg functions[] = {{"before_seal", core_before_seal},
                                         {"calling", core_calling},
                                         {"collect", core_collect},
                                         {"hash", core_hash},
                                         {"inner", ork_lua_sub_inner},
                                         {"is_inner", core_is_inner},
                                         {"is_workflow", core_is_workflow},
                                         {"on_problems", core_on_problems},
                                         {"options_json", core_options_json},
                                         {"plan_json", core_plan_json},
                                         {"pool", make_pool},
                                         {"pools", core_pools},
                                         {"problems", core_problems},
                                         {"python_home", ork_lua_python_home},
                                         {"seal", core_seal},
                                         {"sets", core_sets},
                                         {"source", core_source},
                                         {"task_count", core_task_count},
                                         {"task_name", core_task_name},
                                         {"tasks_json", core_tasks_json},
                                         {"workflow_place", core_workflow_place},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
