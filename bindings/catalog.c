/* SPDX-License-Identifier: MIT */
/* Engine methods about definitions that stay in the database, and about removing what is finished. */
#include "catalog.h"
#include "task.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* apply({ workflow, … }, { { workflow = name, version = n }, … } | nil[, raw]) -> outcomes */
static int catalog_apply(lua_State *L)
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    bool raw = lua_toboolean(L, 4);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    const char *remove = ork_lua_arg_json(L, 3, "remove");
    /* a userdata, so that an error in between leaks nothing; the list keeps the workflows */
    ork_workflow **all = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *all, 0);
    char *document = NULL;
    ork_err err;

    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        all[i] = ork_lua_check_workflow(L, -1);
        lua_pop(L, 1);
    }
    int status = ork_workflow_apply(e->engine, all, (size_t)n, remove, &document, &err);
    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int catalog_activate(lua_State *L) /* activate(name, version) -> the version that was, 0 none */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *name = luaL_checkstring(L, 2);
    lua_Integer version = luaL_checkinteger(L, 3);
    uint32_t was = 0;
    ork_err err;

    luaL_argcheck(L, version >= 1 && version <= UINT32_MAX, 3, "not the number of a version");
    int status = ork_workflow_activate(e->engine, name, (uint32_t)version, &was, &err);
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushinteger(L, was);
    return 1;
}

static int catalog_workflow(lua_State *L) /* workflow(name[, version]) -> workflow, sealed */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *name = luaL_checkstring(L, 2);
    lua_Integer version = luaL_optinteger(L, 3, 0);
    ork_err err;

    luaL_argcheck(L, version >= 0 && version <= UINT32_MAX, 3, "not the number of a version");
    struct ork_lua_def *d = lua_newuserdatauv(L, sizeof *d, 1);
    *d = (struct ork_lua_def){0};
    luaL_setmetatable(L, ORK_LUA_WORKFLOW);
    int status = ork_workflow_open(e->engine, name, (uint32_t)version, &d->w, &err);
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    d->options = json_loads(ork_workflow_options_json(d->w), 0, NULL);
    if (!d->options)
        d->options = json_object();
    ork_lua_task_init(&d->defaults);
    d->made_in = strdup(name);
    d->sealed = d->judged = true;
    return 1;
}

static int catalog_workflows(lua_State *L) /* workflows(filter | nil[, raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    const char *filter = ork_lua_arg_json(L, 2, "filter");
    char *document = NULL;
    ork_err err;
    int status = ork_workflows_json(e->engine, filter, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int catalog_versions(lua_State *L) /* versions(name[, raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    char *document = NULL;
    ork_err err;
    int status = ork_workflow_versions_json(e->engine, luaL_checkstring(L, 2), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, lua_toboolean(L, 3));
}

static int catalog_prune(lua_State *L) /* prune({ older_than_ms, keep, workflow, dry_run, count, leftovers }[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    bool raw = lua_toboolean(L, 3);
    const char *options = ork_lua_arg_json(L, 2, "options");
    char *document = NULL;
    ork_err err;
    int status = ork_runs_prune(e->engine, options, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int catalog_delete(lua_State *L) /* delete(name[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    char *document = NULL;
    ork_err err;
    int status = ork_workflow_delete(e->engine, luaL_checkstring(L, 2), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, lua_toboolean(L, 3));
}

static int catalog_pools(lua_State *L) /* pools([raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    char *document = NULL;
    ork_err err;
    int status = ork_pools_json(e->engine, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, lua_toboolean(L, 2));
}

static int catalog_pool_set(lua_State *L) /* pool_set(name, slots) -> true */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    lua_Integer slots = luaL_checkinteger(L, 3);
    ork_err err;
    int status =
        ork_pool_set(e->engine, luaL_checkstring(L, 2), slots < 0 || slots > UINT32_MAX ? 0 : (uint32_t)slots, &err);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

const luaL_Reg ork_lua_catalog_methods[] = {{"activate", catalog_activate},   {"apply", catalog_apply},
                                            {"delete", catalog_delete},       {"pool_set", catalog_pool_set},
                                            {"pools", catalog_pools},         {"prune", catalog_prune},
                                            {"versions", catalog_versions},   {"workflow", catalog_workflow},
                                            {"workflows", catalog_workflows}, {NULL, NULL}};

static int core_diff(lua_State *L) /* core.diff(from, to[, raw]) -> what became of one definition in the other */
{
    ork_workflow *from = ork_lua_check_workflow(L, 1), *to = ork_lua_check_workflow(L, 2);
    bool raw = lua_toboolean(L, 3);
    char *document = NULL;
    ork_err err;
    int status = ork_workflow_diff_json(from, to, &document, &err);

    if (status == 0 && raw)
        lua_pushstring(L, document);
    else if (status == 0)
        status = ork_lua_json_push_text(L, document, strlen(document), &err);
    ork_free(document);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

void ork_lua_add_catalog(lua_State *L)
{
    lua_pushcfunction(L, core_diff);
    lua_setfield(L, -2, "diff");
}
