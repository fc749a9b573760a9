/* SPDX-License-Identifier: MIT */
/* Engine methods that start runs and steer them. */
#include "engine.h"
#include <stdbool.h>
#include <string.h>

static const char *how_name(enum ork_start_how how)
{
    static const char *const names[] = {[ORK_STARTED_NEW] = "new",
                                        [ORK_STARTED_RESUMED] = "resumed",
                                        [ORK_STARTED_WATCHED] = "watched",
                                        [ORK_STARTED_FINISHED] = "finished"};
    return names[how];
}

static int push_started(lua_State *L, struct ork_lua_engine *e, int status, const struct ork_started *s,
                        const ork_err *err)
{
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, err);
    lua_pushstring(L, s->run_id);
    lua_pushstring(L, how_name(s->how));
    lua_pushboolean(L, s->alone);
    return 3;
}

static lua_Integer field_integer(lua_State *L, int idx, const char *name)
{
    lua_Integer value;

    lua_getfield(L, idx, name);
    value = luaL_optinteger(L, -1, 0);
    lua_pop(L, 1);
    return value;
}

static bool field_flag(lua_State *L, int idx, const char *name)
{
    bool value;

    lua_getfield(L, idx, name);
    value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static const char *field_text(lua_State *L, int idx, const char *name) /* lives as long as the table's field */
{
    const char *value;

    lua_getfield(L, idx, name);
    value = luaL_optstring(L, -1, NULL);
    lua_pop(L, 1);
    return value;
}

/* start(workflow, { params = JSON text, triggered_by, key, priority, logical_ms, scheduled, resume, part = JSON text })
 * -> run id, how, no other run was unfinished */
static int run_start(lua_State *L)
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_workflow *w = ork_lua_check_workflow(L, 2);
    struct ork_start_opts opts = {0};
    struct ork_started started = {0};
    ork_err err;
    int status;

    luaL_checktype(L, 3, LUA_TTABLE);
    opts.params = field_text(L, 3, "params");
    opts.triggered_by = field_text(L, 3, "triggered_by");
    opts.key = field_text(L, 3, "key");
    opts.priority = (int32_t)field_integer(L, 3, "priority");
    opts.logical_ms = field_integer(L, 3, "logical_ms");
    opts.scheduled = field_flag(L, 3, "scheduled");
    opts.resume = field_flag(L, 3, "resume");
    opts.part = field_text(L, 3, "part");
    ork_lua_inline_learn(L, 2, e, NULL);
    status = ork_run_start(e->engine, w, &opts, &started, &err);
    if (status == 0)
        ork_lua_inline_learn(L, 2, e, started.run_id);
    return push_started(L, e, status, &started, &err);
}

static int run_rerun(lua_State *L) /* rerun(run id, { params, from, set } | nil) -> run id, how */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    const char *args = ork_lua_arg_json(L, 3, "rerun");
    struct ork_started started = {0};
    ork_err err;
    int status = ork_run_rerun(e->engine, id, args, &started, &err);

    return push_started(L, e, status, &started, &err);
}

/* update(run id, workflow, { params = JSON text, from, keep }) -> report */
static int run_update(lua_State *L)
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    ork_workflow *w = ork_lua_check_workflow(L, 3);
    struct ork_update_opts opts = {0};
    char *report = NULL;
    ork_err err;

    luaL_checktype(L, 4, LUA_TTABLE);
    opts.params = field_text(L, 4, "params");
    opts.from = field_text(L, 4, "from");
    opts.keep = field_flag(L, 4, "keep");
    ork_lua_inline_learn(L, 3, e, NULL);
    int status = ork_run_update(e->engine, id, w, &opts, &report, &err);
    if (status == 0)
        ork_lua_inline_learn(L, 3, e, id);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    status = ork_lua_json_push_text(L, report, strlen(report), &err);
    ork_free(report);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

static int run_claim(lua_State *L) /* claim(run id) -> true */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_err err;
    int status = ork_run_claim(e->engine, luaL_checkstring(L, 2), &err);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static int run_claimable(lua_State *L) /* claimable(run id) -> true | nil, message, "ESTATE": functions elsewhere */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_err err;

    if (ork_run_claimable(e->engine, luaL_checkstring(L, 2), &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static int run_owned(lua_State *L) /* owned(run id) -> by this engine, and not ended? */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);

    lua_pushboolean(L, ork_run_owned(e->engine, luaL_checkstring(L, 2)));
    return 1;
}

static int run_wait(lua_State *L) /* wait(run id[, ms]) -> status | nil, message, "ETIMEDOUT"|"ECANCELLED"|… */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    int run_status = 0;
    ork_err err;
    int64_t timeout_ms = luaL_optinteger(L, 3, -1);
    int status;

    ork_lua_drive(e);
    status = ork_run_wait(e->engine, id, timeout_ms, &run_status, &err);
    ork_lua_driven(L, e);
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, ork_run_status_name(run_status));
    return 1;
}

static int run_ended(lua_State *L) /* ended(run id) -> status | false: not yet | nil, message, code */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    int run_status = 0;
    bool ended;
    ork_err err;

    if (ork_run_ended(e->engine, luaL_checkstring(L, 2), &ended, &run_status, &err) < 0)
        return ork_lua_fail(L, &err);
    if (ended)
        lua_pushstring(L, ork_run_status_name(run_status));
    else
        lua_pushboolean(L, false);
    return 1;
}

static int run_command(lua_State *L) /* command(run id, kind, args | nil) -> outcome */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    const char *kind = luaL_checkstring(L, 3);
    const char *args = ork_lua_arg_json(L, 4, kind);
    char *outcome = NULL;
    ork_err err;
    int status;

    ork_lua_drive(e);
    status = ork_run_command(e->engine, id, kind, args, &outcome, &err);
    ork_lua_driven(L, e);
    if (status < 0) {
        ork_lua_loop_raise(L, e->loop);
        return ork_lua_fail(L, &err);
    }
    lua_pushstring(L, outcome ? outcome : "done");
    ork_free(outcome);
    ork_lua_loop_raise(L, e->loop);
    return 1;
}

const luaL_Reg ork_lua_run_methods[] = {{"claim", run_claim}, {"claimable", run_claimable}, {"command", run_command},
                                        {"ended", run_ended}, {"owned", run_owned},         {"rerun", run_rerun},
                                        {"start", run_start}, {"update", run_update},       {"wait", run_wait},
                                        {NULL, NULL}};
