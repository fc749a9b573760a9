/* SPDX-License-Identifier: MIT */
/* core.inline: the engine's calls of functions, for lua/ork/inline.lua, and driving the loop from outside.
 *
 * The engine never runs Lua on its own account: between two turns of the loop it offers a slice, in which Lua takes
 * calls, makes them as coroutines and says how they ended. Law: no Lua function of a user runs inside a callback of
 * libuv, so whatever it calls may drive the loop. Engines are named by their address: the userdata may be gone when
 * a call ends, and then nobody waits for it. */
#include "context.h"
#include "engine.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Their addresses are keys in the registry: of the table of handlers, and of engines by address, which it keeps not. */
static const char handlers_key = 0, engines_key = 0;

/* Pushes a handler. false: there is none, nothing is pushed. */
static bool push_handler(lua_State *L, const char *name)
{
    if (!lua_checkstack(L, 12))
        return false;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &handlers_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        return false;
    }
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    return true;
}

/* ---- what the engine asks ---- */

static bool on_turn(void *data)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);
    bool more = false;

    if (!push_handler(L, "turn"))
        return false;
    if (lua_pcall(L, 0, 1, 0) == LUA_OK) {
        more = lua_toboolean(L, -1);
        lua_pop(L, 1);
    } else { /* of a function given to ork.spawn: for whoever drives, now */
        ork_lua_loop_keep(e->loop, L);
        ork_engine_interrupt(e->engine);
    }
    ork_lua_loop_use(e->loop, L);
    return more;
}

static void on_wake(void *data, const char *ended)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);

    if (!push_handler(L, "wake"))
        return;
    lua_pushlightuserdata(L, e);
    lua_pushstring(L, ended); /* nil for NULL */
    ork_lua_loop_call(e->loop, L, 2);
}

static void on_interrupt(void *data, uint64_t token, int kind, bool now)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);

    if (!push_handler(L, "interrupt"))
        return;
    lua_pushlightuserdata(L, e);
    lua_pushinteger(L, (lua_Integer)token);
    lua_pushstring(L, ork_kind_name(kind));
    lua_pushboolean(L, now);
    ork_lua_loop_call(e->loop, L, 4);
}

static bool knows(void *data, const char *definition)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);
    bool known = false;

    if (!push_handler(L, "knows"))
        return false;
    lua_pushstring(L, definition);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        known = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return known;
}

static void same(void *data, const char *definition, const char *changed)
{
    struct ork_lua_engine *e = data;
    lua_State *L = ork_lua_loop_state(e->loop);

    if (!push_handler(L, "same"))
        return;
    lua_pushstring(L, definition);
    lua_pushstring(L, changed);
    ork_lua_loop_call(e->loop, L, 2);
}

void ork_lua_inline_add(lua_State *L, struct ork_lua_engine *e)
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &engines_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "v");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &engines_key);
    }
    lua_pushvalue(L, -2); /* userdata table userdata */
    lua_rawsetp(L, -2, e);
    lua_pop(L, 1);
    e->next = ctx->engines;
    ctx->engines = e;
    ork_engine_on_inline(
        e->engine,
        &(struct ork_inline_host){
            .data = e, .knows = knows, .same = same, .interrupt = on_interrupt, .turn = on_turn, .wake = on_wake});
}

void ork_lua_inline_remove(lua_State *L, struct ork_lua_engine *e)
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);

    for (struct ork_lua_engine **p = &ctx->engines; *p; p = &(*p)->next) {
        if (*p == e) {
            *p = e->next;
            break;
        }
    }
}

void ork_lua_inline_closed(lua_State *L, struct ork_lua_engine *e)
{
    if (!push_handler(L, "closed"))
        return;
    lua_pushlightuserdata(L, e);
    ork_lua_loop_call(e->loop, L, 1);
}

void ork_lua_inline_learn(lua_State *L, int idx, struct ork_lua_engine *e, const char *run_id)
{
    idx = lua_absindex(L, idx);
    if (!push_handler(L, "learn"))
        return;
    lua_pushvalue(L, idx);
    lua_pushlightuserdata(L, e);
    lua_pushstring(L, run_id); /* nil for NULL */
    lua_call(L, 3, 0);
}

/* The engine of a call, NULL when it was closed meanwhile. */
static struct ork_lua_engine *find_engine(lua_State *L, int idx)
{
    const void *key = lua_touserdata(L, idx);
    struct ork_lua_engine *e = ork_lua_ctx_get(L)->engines;

    luaL_checktype(L, idx, LUA_TLIGHTUSERDATA);
    while (e && e != key)
        e = e->next;
    return e && e->engine && !e->close_later ? e : NULL;
}

static int inline_handlers(lua_State *L) /* handlers{ turn, wake, interrupt, knows, same, learn, closed } */
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &handlers_key);
    return 0;
}

/* ---- calls ---- */

/* next() -> { engine, token, run_id, workflow, task, definition, option, number (from 1), attempt, input (text),
 * item (from 1; 0 none), scheduled_for_ms, timeout_ms, grace_ms } | nil */
static int inline_next(lua_State *L)
{
    struct ork_inline_call c;
    struct ork_lua_engine *e = ork_lua_ctx_get(L)->engines;

    while (e && !(e->engine && !e->close_later && ork_inline_next(e->engine, &c)))
        e = e->next;
    if (!e)
        return 0;
    lua_createtable(L, 0, 15);
    lua_pushlightuserdata(L, e);
    lua_setfield(L, -2, "engine");
    lua_pushlstring(L, c.input, c.input_len);
    lua_setfield(L, -2, "input");
    const struct {
        const char *name, *value;
    } texts[] = {{"run_id", c.run_id},
                 {"workflow", c.workflow},
                 {"task", c.task},
                 {"definition", c.definition},
                 {"option", c.option}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_pushstring(L, texts[i].value);
        lua_setfield(L, -2, texts[i].name);
    }
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"token", (int64_t)c.token}, {"number", (int64_t)c.task_no + 1},       {"item", c.item},
                   {"attempt", c.attempt},      {"scheduled_for_ms", c.scheduled_for_ms}, {"timeout_ms", c.timeout_ms},
                   {"grace_ms", c.grace_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    return 1;
}

static int end(lua_State *L, struct ork_lua_engine *e, lua_Integer token, const struct ork_inline_result *r)
{
    ork_err err;

    if (!e)
        return 0;
    if (ork_inline_done(e->engine, (uint64_t)token, r, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int inline_output(lua_State *L) /* output(value) -> JSON | nil, message, code */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ork_err err;

    lua_settop(L, 1);
    ork_lua_buf_clear(&ctx->scratch);
    if (ork_lua_json_write(L, 1, "output", &ctx->scratch, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushlstring(L, ctx->scratch.data, ctx->scratch.len);
    return 1;
}

static int inline_done(lua_State *L) /* done(engine, token, output | nil) -> true | nil, message: no JSON, or over */
{
    struct ork_lua_engine *e = find_engine(L, 1);
    lua_Integer token = luaL_checkinteger(L, 2);
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct ork_inline_result r = {0};
    ork_err err;

    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        ork_lua_buf_clear(&ctx->scratch);
        if (ork_lua_json_write(L, 3, "output", &ctx->scratch, &err) < 0)
            return ork_lua_fail(L, &err);
        r.output = ctx->scratch.data;
        r.output_len = ctx->scratch.len;
    }
    return end(L, e, token, &r);
}

static int inline_fail(lua_State *L) /* fail(engine, token, message, kind, code | nil, final, after_ms, data) -> true */
{
    struct ork_lua_engine *e = find_engine(L, 1);
    size_t n = 0;
    const char *data = luaL_optlstring(L, 8, NULL, &n);
    struct ork_inline_result r = {.error = luaL_checkstring(L, 3),
                                  .kind = ork_kind_parse(luaL_checkstring(L, 4)),
                                  .code = luaL_optstring(L, 5, NULL),
                                  .final = lua_toboolean(L, 6),
                                  .retry_after_ms = luaL_optinteger(L, 7, 0),
                                  .data = data,
                                  .data_len = n};

    return end(L, e, luaL_checkinteger(L, 2), &r);
}

static int inline_running(lua_State *L) /* running(engine, token) */
{
    struct ork_lua_engine *e = find_engine(L, 1);

    if (e)
        ork_inline_running(e->engine, (uint64_t)luaL_checkinteger(L, 2));
    return 0;
}

static int inline_progress(lua_State *L) /* progress(engine, token, done, total) */
{
    struct ork_lua_engine *e = find_engine(L, 1);

    if (e)
        ork_inline_progress(e->engine, (uint64_t)luaL_checkinteger(L, 2), luaL_checknumber(L, 3),
                            luaL_optnumber(L, 4, 0));
    return 0;
}

static int inline_lend(lua_State *L) /* lend(engine, token, yes) */
{
    struct ork_lua_engine *e = find_engine(L, 1);

    if (e)
        ork_inline_lend(e->engine, (uint64_t)luaL_checkinteger(L, 2), lua_toboolean(L, 3));
    return 0;
}

static int inline_log(lua_State *L) /* log(engine, token, text) -> true | nil, message, code */
{
    struct ork_lua_engine *e = find_engine(L, 1);
    size_t n;
    const char *text = luaL_checklstring(L, 3, &n);
    ork_err err;

    if (e && ork_inline_log(e->engine, (uint64_t)luaL_checkinteger(L, 2), text, n, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int inline_masked(lua_State *L) /* masked(engine, token, text) -> the text, with *** for secrets of the call */
{
    struct ork_lua_engine *e = find_engine(L, 1);
    size_t n;
    const char *text = luaL_checklstring(L, 3, &n);
    char *masked = e ? ork_inline_masked(e->engine, (uint64_t)luaL_checkinteger(L, 2), text, n, &n) : NULL;

    if (masked)
        lua_pushlstring(L, masked, n);
    else
        lua_pushvalue(L, 3);
    ork_free(masked);
    return 1;
}

static int
inline_artifact(lua_State *L) /* artifact(engine, token, path, name) -> SHA-256, bytes | nil, message, code */
{
    struct ork_lua_engine *e = find_engine(L, 1);
    const char *path = luaL_checkstring(L, 3), *name = luaL_checkstring(L, 4);
    char hash[65] = "";
    int64_t bytes = 0;
    ork_err err;

    if (!e) {
        lua_pushnil(L);
        lua_pushliteral(L, "the attempt has ended");
        return 2;
    }
    if (ork_inline_artifact(e->engine, (uint64_t)luaL_checkinteger(L, 2), path, name, hash, &bytes, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, hash);
    lua_pushinteger(L, bytes);
    return 2;
}

struct wanted {
    uv_loop_t *loop;
    int callback; /* registry reference */
};

static void on_secret(void *data, const char *value, size_t len, const ork_err *err)
{
    struct wanted *w = data;
    lua_State *L = ork_lua_loop_state(w->loop);

    if (lua_checkstack(L, 6)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, w->callback);
        luaL_unref(L, LUA_REGISTRYINDEX, w->callback);
        if (value)
            lua_pushlstring(L, value, len);
        else
            lua_pushnil(L);
        lua_pushstring(L, value ? NULL : err->msg);
        ork_lua_loop_call(w->loop, L, 2);
    }
    free(w);
}

/* secret(engine, token, name, callback(value | nil, why not)) -> true | nil, message, code; perhaps called at once */
static int inline_secret(lua_State *L)
{
    struct ork_lua_engine *e = find_engine(L, 1);
    const char *name = luaL_checkstring(L, 3);
    ork_err err;

    lua_settop(L, 4);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    struct wanted *w = e ? malloc(sizeof *w) : NULL;
    if (!w) {
        lua_pushnil(L);
        lua_pushliteral(L, "the attempt has ended");
        return 2;
    }
    *w = (struct wanted){e->loop, luaL_ref(L, LUA_REGISTRYINDEX)};
    if (ork_inline_secret(e->engine, (uint64_t)luaL_checkinteger(L, 2), name, on_secret, w, &err) < 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, w->callback);
        free(w);
        return ork_lua_fail(L, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* of(workflow, number, option | nil) -> function | nil; without option: the task's own */
static int inline_function(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const char *option = luaL_optstring(L, 3, "run");
    lua_Integer number = luaL_optinteger(L, 2, 0);

    if (!ork_lua_is(L, 1, ctx->workflow_mt) || lua_getiuservalue(L, 1, 1) != LUA_TTABLE)
        return 0;
    if (strcmp(option, "run") == 0) {
        lua_rawgeti(L, -1, number);
        return 1;
    }
    lua_pushfstring(L, "%I %s", (LUAI_UACINT)number, option);
    if (lua_rawget(L, -2) == LUA_TNIL && strcmp(option, "retries.on") == 0) { /* it may be that of `defaults` */
        lua_pushliteral(L, "0 retries.on");
        lua_rawget(L, -3);
    }
    return 1;
}

static int inline_has(lua_State *L) /* has(workflow) -> has it functions? */
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);

    lua_pushboolean(L, ork_lua_is(L, 1, ctx->workflow_mt) && lua_getiuservalue(L, 1, 1) == LUA_TTABLE);
    return 1;
}

static int inline_mono(lua_State *L) /* mono() -> milliseconds of a clock that nobody sets */
{
    lua_pushnumber(L, ork_lua_mono_ms());
    return 1;
}

/* ---- driving from outside ---- */

static int step_one(lua_State *L, struct ork_lua_engine *e, bool wait)
{
    int top = lua_gettop(L), left;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &engines_key) == LUA_TTABLE)
        lua_rawgetp(L, -1, e); /* the userdata stays on the stack: what is called may drop all that names it */
    ork_lua_drive(e);
    left = ork_engine_step(e->engine, wait);
    ork_lua_driven(L, e);
    lua_settop(L, top);
    return left;
}

/* A turn for every engine; what they call may close them, and then the rest waits for the next time. */
static void step_all(lua_State *L, struct ork_lua_ctx *ctx)
{
    for (struct ork_lua_engine *e = ctx->engines, *open; e; e = e->next) {
        (void)step_one(L, e, false);
        for (open = ctx->engines; open && open != e; open = open->next)
            ;
        if (!open)
            return;
    }
}

static bool is_busy(const struct ork_lua_ctx *ctx)
{
    for (const struct ork_lua_engine *e = ctx->engines; e; e = e->next) {
        if (ork_engine_busy(e->engine))
            return true;
    }
    return false;
}

static int inline_busy(lua_State *L) /* busy() -> is a run in our hands, or something not stored yet? */
{
    lua_pushboolean(L, is_busy(ork_lua_ctx_get(L)));
    return 1;
}

static int inline_step(lua_State *L) /* step(wait, more): one turn. more: something of Lua's is left to happen */
{
    uv_loop_t *loop = ork_lua_loop(L);
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    bool wait = lua_toboolean(L, 1) && (lua_toboolean(L, 2) || is_busy(ctx));

    if (!ctx->engines)
        uv_run(loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    else if (wait)
        (void)step_one(L, ctx->engines, true);
    else
        step_all(L, ctx);
    ork_lua_loop_raise(L, loop);
    return 0;
}

static int inline_fd(lua_State *L) /* fd() -> readable when step is due */
{
    lua_pushinteger(L, uv_backend_fd(ork_lua_loop(L)));
    return 1;
}

static int inline_timeout(lua_State *L) /* timeout() -> ms until step is due, nil: for ever */
{
    uv_loop_t *loop = ork_lua_loop(L);
    const struct ork_lua_engine *e = ork_lua_ctx_get(L)->engines;
    int least = !e && uv_loop_alive(loop) ? uv_backend_timeout(loop) : -1;

    for (; e; e = e->next) {
        int ms = ork_engine_timeout_ms(e->engine);
        least = least < 0 || (ms >= 0 && ms < least) ? ms : least;
    }
    if (least < 0)
        return 0;
    lua_pushinteger(L, least);
    return 1;
}

int ork_lua_inline_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"artifact", inline_artifact},
                                         {"busy", inline_busy},
                                         {"done", inline_done},
                                         {"fail", inline_fail},
                                         {"fd", inline_fd},
                                         {"handlers", inline_handlers},
                                         {"has", inline_has},
                                         {"lend", inline_lend},
                                         {"limit", ork_lua_limit},
                                         {"log", inline_log},
                                         {"masked", inline_masked},
                                         {"mono", inline_mono},
                                         {"next", inline_next},
                                         {"of", inline_function},
                                         {"output", inline_output},
                                         {"progress", inline_progress},
                                         {"running", inline_running},
                                         {"secret", inline_secret},
                                         {"step", inline_step},
                                         {"timeout", inline_timeout},
                                         {"unlimit", ork_lua_unlimit},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
