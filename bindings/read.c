/* SPDX-License-Identifier: MIT */
/* Engine methods that read. Documents (docs/internals/json.md) come as Lua tables, or with a true last argument as the
 * text the engine made, which --json prints untouched. */
#include "catalog.h"
#include <stdbool.h>
#include <string.h>

int ork_lua_push_document(lua_State *L, struct ork_lua_engine *e, int status, char *document, const ork_err *read,
                          bool as_text)
{
    ork_err err = {0};

    if (status < 0) {
        ork_lua_loop_raise(L, e->loop);
        return ork_lua_fail(L, read);
    }
    if (as_text)
        lua_pushstring(L, document);
    else
        status = ork_lua_json_push_text(L, document, strlen(document), &err);
    ork_free(document);
    ork_lua_loop_raise(L, e->loop);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

static int read_find(lua_State *L) /* find(name as users write it) -> run id */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    char id[ORK_ID_TEXT];
    ork_err err;
    int status = ork_run_find(e->engine, luaL_checkstring(L, 2), id, &err);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, id);
    return 1;
}

static int read_runs(lua_State *L) /* runs(filter | nil[, raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    const char *filter = ork_lua_arg_json(L, 2, "filter");
    char *document = NULL;
    ork_err err;
    int status = ork_runs_json(e->engine, filter, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_run(lua_State *L) /* run(id[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    char *document = NULL;
    ork_err err;
    int status = ork_run_json(e->engine, luaL_checkstring(L, 2), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_progress(lua_State *L) /* progress(id[, raw]): counts, and seq of the newest event */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    char *document = NULL;
    ork_err err;
    int status = ork_run_progress_json(e->engine, luaL_checkstring(L, 2), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_outputs(lua_State *L) /* outputs(id, after index, limit) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    lua_Integer after = luaL_checkinteger(L, 3), limit = luaL_checkinteger(L, 4);
    char *document = NULL;
    ork_err err;
    int status;

    luaL_argcheck(L, limit > 0, 4, "more than nothing");
    status = ork_outputs_json(e->engine, id, after, limit, &document, &err);
    return ork_lua_push_document(L, e, status, document, &err, false);
}

static int read_status(lua_State *L) /* status(since in ms[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    char *document = NULL;
    ork_err err;
    int status = ork_status_json(e->engine, luaL_checkinteger(L, 2), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_events(lua_State *L) /* events(id, after seq, limit) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    lua_Integer after = luaL_checkinteger(L, 3), limit = luaL_checkinteger(L, 4);
    char *document = NULL;
    ork_err err;
    int status;

    luaL_argcheck(L, limit > 0, 4, "more than nothing");
    status = ork_run_events_json(e->engine, id, after, limit, &document, &err);
    return ork_lua_push_document(L, e, status, document, &err, false);
}

static int read_tasks(lua_State *L) /* tasks(id, filter | nil[, raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 4);
    const char *id = luaL_checkstring(L, 2);
    const char *filter = ork_lua_arg_json(L, 3, "filter");
    char *document = NULL;
    ork_err err;
    int status = ork_tasks_json(e->engine, id, filter, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_task(lua_State *L) /* task(id, name[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 4);
    const char *id = luaL_checkstring(L, 2);
    char *document = NULL;
    ork_err err;
    int status = ork_task_json(e->engine, id, luaL_checkstring(L, 3), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_why(lua_State *L) /* why(id | nil, task | nil[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 4);
    const char *id = luaL_optstring(L, 2, NULL);
    char *document = NULL;
    ork_err err;
    int status = ork_why_json(e->engine, id, luaL_optstring(L, 3, NULL), &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

/* log_read(id, task, attempt, offset, len) -> bytes, size of the file, is it only the stored tail?
 * attempt 0: the newest; offset < 0: from the end */
static int read_log(lua_State *L)
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    const char *task = luaL_checkstring(L, 3);
    lua_Integer len = luaL_checkinteger(L, 6);
    char *bytes = NULL;
    size_t got = 0;
    int64_t size = 0;
    bool tail = false;
    ork_err err;
    int status;

    luaL_argcheck(L, len > 0, 6, "more than nothing");
    status = ork_log_read(e->engine, id, task, (uint32_t)luaL_checkinteger(L, 4), luaL_checkinteger(L, 5), (size_t)len,
                          &bytes, &got, &size, &tail, &err);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushlstring(L, bytes ? bytes : "", got);
    ork_free(bytes);
    lua_pushinteger(L, size);
    lua_pushboolean(L, tail);
    return 3;
}

static int read_owed(lua_State *L) /* owed(id) -> list of run ids */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    char *document = NULL;
    ork_err err;
    int status = ork_run_owed_json(e->engine, id, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, false);
}

static int read_artifacts(lua_State *L) /* artifacts(id[, raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    bool raw = lua_toboolean(L, 3);
    char *document = NULL;
    ork_err err;
    int status = ork_artifacts_json(e->engine, id, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_artifact_path(lua_State *L) /* artifact_path(id, task | nil, name) -> path */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2), *task = luaL_optstring(L, 3, NULL), *name = luaL_checkstring(L, 4);
    char *path = NULL;
    ork_err err;

    if (ork_artifact_path(e->engine, id, task, name, &path, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, path);
    ork_free(path);
    return 1;
}

static int read_log_path(lua_State *L) /* log_path(id, task, attempt) -> path */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *id = luaL_checkstring(L, 2);
    const char *task = luaL_checkstring(L, 3);
    char *path = NULL;
    ork_err err;

    if (ork_log_path(e->engine, id, task, (uint32_t)luaL_checkinteger(L, 4), &path, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, path);
    ork_free(path);
    return 1;
}

static int read_db_status(lua_State *L) /* db_status([raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 2);
    char *document = NULL;
    ork_err err;
    int status = ork_db_status_json(e->engine, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int read_db_check(lua_State *L) /* db_check([raw]) */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 2);
    char *document = NULL;
    ork_err err;
    int status = ork_db_check_json(e->engine, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

const luaL_Reg ork_lua_read_methods[] = {{"artifact_path", read_artifact_path},
                                         {"artifacts", read_artifacts},
                                         {"owed", read_owed},
                                         {"db_check", read_db_check},
                                         {"db_status", read_db_status},
                                         {"events", read_events},
                                         {"find", read_find},
                                         {"log_path", read_log_path},
                                         {"log_read", read_log},
                                         {"outputs", read_outputs},
                                         {"progress", read_progress},
                                         {"run", read_run},
                                         {"runs", read_runs},
                                         {"status", read_status},
                                         {"task", read_task},
                                         {"tasks", read_tasks},
                                         {"why", read_why},
                                         {NULL, NULL}};
