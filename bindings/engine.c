/* SPDX-License-Identifier: MIT */
/* core.open and what an engine does as a whole; starting and steering runs is in run.c, reading in read.c.
 *
 * Law: nothing of the engine is called from inside its callbacks but interrupt(); a change handler only looks and
 * prints. */
#include "catalog.h"
#include <stdbool.h>
#include <string.h>

#define ENGINE "ork.engine"

struct ork_lua_engine *ork_lua_check_engine(lua_State *L, int idx)
{
    struct ork_lua_engine *e = luaL_checkudata(L, idx, ENGINE);

    if (!e->engine || e->close_later)
        luaL_argerror(L, idx, "the database is closed");
    ork_lua_loop(L);
    return e;
}

const char *ork_lua_arg_json(lua_State *L, int idx, const char *what)
{
    struct ork_lua_buf text = {0};
    ork_err err;

    if (lua_isnoneornil(L, idx)) {
        lua_pushnil(L);
        return NULL;
    }
    if (ork_lua_json_write(L, idx, what, &text, &err) < 0) {
        ork_lua_buf_fini(&text);
        luaL_error(L, "%s", err.msg);
    }
    lua_pushlstring(L, text.data, text.len);
    ork_lua_buf_fini(&text);
    return lua_tostring(L, -1);
}

/* ---- open and close ---- */

static bool flag(lua_State *L, const char *name) /* opts at 1 */
{
    bool on;

    lua_getfield(L, 1, name);
    on = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return on;
}

static const char *text(lua_State *L, const char *name) /* opts at 1, which keeps it alive */
{
    const char *value;

    lua_getfield(L, 1, name);
    value = luaL_optstring(L, -1, NULL);
    lua_pop(L, 1);
    return value;
}

static lua_Integer number(lua_State *L, const char *name) /* opts at 1 */
{
    lua_Integer value;

    lua_getfield(L, 1, name);
    value = luaL_optinteger(L, -1, 0);
    lua_pop(L, 1);
    return value;
}

static int
core_open(lua_State *L) /* open{ url, data_dir, agent_path, jobs, log_level, create, read, migrate } -> engine */
{
    struct ork_engine_opts opts = {0};
    struct ork_lua_engine *e;
    ork_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    opts.url = text(L, "url");
    luaL_argcheck(L, opts.url, 1, "url is missing");
    opts.data_dir = text(L, "data_dir");
    opts.agent_path = text(L, "agent_path");
    opts.jobs = (uint32_t)number(L, "jobs");
    opts.log_level = (int)number(L, "log_level");
    opts.flags = (flag(L, "create") ? ORK_OPEN_CREATE : 0u) | (flag(L, "read") ? ORK_OPEN_READ : 0u) |
                 (flag(L, "migrate") ? ORK_OPEN_MIGRATE : 0u);
    opts.loop = ork_lua_loop(L);
    e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (struct ork_lua_engine){.loop = opts.loop, .on_change = LUA_NOREF, .on_news = LUA_NOREF};
    luaL_setmetatable(L, ENGINE);
    if (ork_engine_open(&opts, &e->engine, &err) < 0)
        return ork_lua_fail(L, &err);
    ork_lua_inline_add(L, e);
    return 1;
}

static void close_now(lua_State *L, struct ork_lua_engine *e)
{
    ork_engine *engine = e->engine;

    if (!engine)
        return;
    e->engine = NULL;
    ork_lua_inline_remove(L, e);
    ork_engine_close(engine);
    ork_lua_inline_closed(L, e);
    luaL_unref(L, LUA_REGISTRYINDEX, e->on_change);
    luaL_unref(L, LUA_REGISTRYINDEX, e->on_news);
    e->on_change = e->on_news = LUA_NOREF;
}

static int engine_close(lua_State *L) /* close(); again: nothing */
{
    struct ork_lua_engine *e = luaL_checkudata(L, 1, ENGINE);
    uv_loop_t *loop = ork_lua_loop(L);

    if (e->engine && ork_lua_loop_inside(loop))
        return luaL_error(L, "a callback of the loop cannot close a database");
    if (e->driven == 0) {
        close_now(L, e);
    } else if (!e->close_later) {
        e->close_later = true;
        ork_engine_interrupt(e->engine);
    }
    return 0;
}

static int engine_collect(lua_State *L) /* nobody drives what nobody has */
{
    ork_lua_loop(L);
    close_now(L, luaL_checkudata(L, 1, ENGINE));
    return 0;
}

void ork_lua_drive(struct ork_lua_engine *e)
{
    e->driven++;
}

void ork_lua_driven(lua_State *L, struct ork_lua_engine *e)
{
    if (--e->driven == 0 && e->close_later)
        close_now(L, e);
}

static int engine_tostring(lua_State *L)
{
    struct ork_lua_engine *e = luaL_checkudata(L, 1, ENGINE);

    lua_pushfstring(L, "ork database (%s)", e->engine && !e->close_later ? ork_engine_url(e->engine) : "closed");
    return 1;
}

static int engine_url(lua_State *L)
{
    lua_pushstring(L, ork_engine_url(ork_lua_check_engine(L, 1)->engine));
    return 1;
}

static int engine_data_dir(lua_State *L)
{
    lua_pushstring(L, ork_engine_data_dir(ork_lua_check_engine(L, 1)->engine));
    return 1;
}

/* ---- the loop ---- */

static void set_text(lua_State *L, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void push_change(lua_State *L, const struct ork_change *c)
{
    const char *(*name)(int) = c->task ? ork_task_status_name : ork_run_status_name;

    lua_createtable(L, 0, 15);
    set_text(L, "run_id", c->run_id);
    set_text(L, "workflow", c->workflow);
    set_text(L, "task", c->task);
    set_text(L, "from", name(c->from));
    set_text(L, "to", name(c->to));
    set_text(L, "kind", ork_kind_name(c->kind));
    set_text(L, "error", c->error);
    set_text(L, "within", c->within);
    set_text(L, "waits", c->waits);
    set_number(L, "attempt", c->attempt);
    if (c->item)
        set_number(L, "item", c->item);
    if (c->items >= 0)
        set_number(L, "items", c->items);
    if (c->retry_at_ms > 0)
        set_number(L, "retry_at", c->retry_at_ms);
    if (c->took_ms >= 0)
        set_number(L, "took_ms", c->took_ms);
    lua_pushboolean(L, c->adopted);
    lua_setfield(L, -2, "adopted");
}

static int call_with_change(lua_State *L) /* (callback, lightuserdata change): all that may raise, under one pcall */
{
    const struct ork_change *change = lua_touserdata(L, 2);

    lua_settop(L, 1);
    push_change(L, change);
    lua_call(L, 1, 0);
    return 0;
}

static void on_change(void *data, const struct ork_change *change)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);

    if (e->on_change == LUA_NOREF || !lua_checkstack(L, 8))
        return;
    lua_pushcfunction(L, call_with_change);
    lua_rawgeti(L, LUA_REGISTRYINDEX, e->on_change);
    lua_pushlightuserdata(L, (void *)(uintptr_t)change);
    ork_lua_loop_call(e->loop, L, 2);
}

static int engine_on_change(lua_State *L) /* on_change(f | nil): f gets a table for each durable change */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);

    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_unref(L, LUA_REGISTRYINDEX, e->on_change);
    lua_settop(L, 2);
    e->on_change = lua_isnil(L, 2) ? LUA_NOREF : luaL_ref(L, LUA_REGISTRYINDEX);
    ork_engine_on_change(e->engine, e->on_change == LUA_NOREF ? NULL : on_change, e);
    return 0;
}

static void on_news(void *data)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);

    if (e->on_news == LUA_NOREF || !lua_checkstack(L, 8))
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, e->on_news);
    ork_lua_loop_call(e->loop, L, 0);
}

static int engine_on_news(lua_State *L) /* on_news(f | nil): f() when another process has changed a run */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);

    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_unref(L, LUA_REGISTRYINDEX, e->on_news);
    lua_settop(L, 2);
    e->on_news = lua_isnil(L, 2) ? LUA_NOREF : luaL_ref(L, LUA_REGISTRYINDEX);
    ork_engine_on_news(e->engine, e->on_news == LUA_NOREF ? NULL : on_news, e);
    return 0;
}

static int engine_step(lua_State *L) /* step(wait) -> is anything left to happen? */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    int left;

    ork_lua_drive(e);
    left = ork_engine_step(e->engine, lua_toboolean(L, 2));
    ork_lua_driven(L, e);
    ork_lua_loop_raise(L, e->loop);
    lua_pushboolean(L, left);
    return 1;
}

static int engine_interrupt(lua_State *L) /* interrupt(): the waiting call returns nil, "interrupted", "ECANCELLED" */
{
    ork_engine_interrupt(ork_lua_check_engine(L, 1)->engine);
    return 0;
}

static int engine_suspend(lua_State *L) /* suspend(): stops this process when no commit is on its way */
{
    ork_engine_suspend(ork_lua_check_engine(L, 1)->engine);
    return 0;
}

int ork_lua_engine(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", engine_close},         {"data_dir", engine_data_dir}, {"interrupt", engine_interrupt},
        {"on_change", engine_on_change}, {"on_news", engine_on_news},   {"step", engine_step},
        {"suspend", engine_suspend},     {"url", engine_url},           {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__gc", engine_collect}, {"__close", engine_close}, {"__tostring", engine_tostring}, {NULL, NULL}};

    luaL_newmetatable(L, ENGINE);
    luaL_setfuncs(L, meta, 0);
    lua_createtable(L, 0, 48); /* module meta methods */
    luaL_setfuncs(L, methods, 0);
    luaL_setfuncs(L, ork_lua_run_methods, 0);
    luaL_setfuncs(L, ork_lua_read_methods, 0);
    luaL_setfuncs(L, ork_lua_catalog_methods, 0);
    luaL_setfuncs(L, ork_lua_serve_methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, core_open);
    lua_setfield(L, -2, "open");
    ork_lua_loop_open(L);
    lua_setfield(L, -2, "loop");
    ork_lua_http_open(L);
    lua_setfield(L, -2, "http");
    ork_lua_inline_open(L);
    lua_setfield(L, -2, "inline");
    ork_lua_sys_open(L);
    lua_setfield(L, -2, "sys");
    ork_lua_add_definition(L);
    ork_lua_add_catalog(L);
    ork_lua_add_serve(L);
    return 0;
}
