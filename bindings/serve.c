/* SPDX-License-Identifier: MIT */
/* Engine methods of a scheduler that stays up and of schedules; core.log, core.notify. */
#include "catalog.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int push_true(lua_State *L, struct ork_lua_engine *e, int status, const ork_err *err)
{
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, err);
    lua_pushboolean(L, true);
    return 1;
}

static int serve_begin(lua_State *L) /* serve() -> true: takes up runs of others, acts on schedules */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_err err;

    return push_true(L, e, ork_engine_serve(e->engine, &err), &err);
}

static int serve_run(lua_State *L) /* run_loop() -> true once interrupted | nil, message, "EFENCED" */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_err err;

    ork_lua_drive(e);
    int status = ork_engine_run(e->engine, &err);
    ork_lua_driven(L, e);
    return push_true(L, e, status, &err);
}

static int serve_hand_over(lua_State *L) /* hand_over(): gives all runs back as they stand; close comes next */
{
    ork_engine_hand_over(ork_lua_check_engine(L, 1)->engine);
    return 0;
}

/* trigger(workflow, { params = JSON text, triggered_by, key, priority, logical_ms }) -> run id, "new" | "watched" |
 * "finished" */
static int serve_trigger(lua_State *L)
{
    static const char *const how[] = {[ORK_STARTED_NEW] = "new",
                                      [ORK_STARTED_RESUMED] = "watched",
                                      [ORK_STARTED_WATCHED] = "watched",
                                      [ORK_STARTED_FINISHED] = "finished"};
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_workflow *w = ork_lua_check_workflow(L, 2);
    struct ork_start_opts opts = {0};
    struct ork_started started;
    ork_err err;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_getfield(L, 3, "params"); /* the texts stay on the stack */
    opts.params = luaL_optstring(L, -1, NULL);
    lua_getfield(L, 3, "triggered_by");
    opts.triggered_by = luaL_optstring(L, -1, NULL);
    lua_getfield(L, 3, "key");
    opts.key = luaL_optstring(L, -1, NULL);
    lua_getfield(L, 3, "priority");
    opts.priority = (int32_t)luaL_optinteger(L, -1, 0);
    lua_getfield(L, 3, "logical_ms");
    opts.logical_ms = luaL_optinteger(L, -1, 0);
    int status = ork_run_trigger(e->engine, w, &opts, &started, &err);
    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, started.run_id);
    lua_pushstring(L, how[started.how]);
    return 2;
}

static int serve_served(lua_State *L) /* served() -> does somebody serve this database? */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool served = false;
    ork_err err;
    int status = ork_engine_served(e->engine, &served, &err);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, served);
    return 1;
}

static int serve_schedules(lua_State *L) /* schedules({ name, enabled, after, limit } | nil[, raw]) -> list */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    bool raw = lua_toboolean(L, 3);
    const char *filter = ork_lua_arg_json(L, 2, "filter");
    char *document = NULL;
    ork_err err;
    int status = ork_schedules_json(e->engine, filter, &document, &err);

    return ork_lua_push_document(L, e, status, document, &err, raw);
}

static int serve_switch(lua_State *L) /* schedule_switch(name, on) -> was it changed? */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    const char *name = luaL_checkstring(L, 2);
    bool changed = false;
    ork_err err;
    int status = ork_schedule_switch(e->engine, name, lua_toboolean(L, 3), &changed, &err);

    ork_lua_loop_raise(L, e->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, changed);
    return 1;
}

static int serve_script_error(lua_State *L) /* script_error(path, text | nil) -> true */
{
    struct ork_lua_engine *e = ork_lua_check_engine(L, 1);
    ork_err err;
    int status = ork_script_error(e->engine, luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL), &err);

    return push_true(L, e, status, &err);
}

const luaL_Reg ork_lua_serve_methods[] = {{"hand_over", serve_hand_over},
                                          {"run_loop", serve_run},
                                          {"schedule_switch", serve_switch},
                                          {"schedules", serve_schedules},
                                          {"script_error", serve_script_error},
                                          {"serve", serve_begin},
                                          {"served", serve_served},
                                          {"trigger", serve_trigger},
                                          {NULL, NULL}};

/* schedule_fires(option as JSON text, after_ms, n[, viewer zone]) -> document | nil, message, code */
static int core_fires(lua_State *L)
{
    const char *option = luaL_checkstring(L, 1);
    lua_Integer n = luaL_checkinteger(L, 3);
    char *document = NULL;
    size_t len;
    ork_err err;

    luaL_argcheck(L, n >= 1 && n <= 10000, 3, "1 to 10000");
    int status = ork_schedule_fires_json(option, luaL_checkinteger(L, 2), (uint32_t)n, luaL_optstring(L, 4, NULL),
                                         &document, &len, &err);
    if (status == 0)
        status = ork_lua_json_push_text(L, document, len, &err);
    ork_free(document);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

static int core_zone(lua_State *L) /* zone_local() -> name of the zone this user lives in */
{
    char name[64];

    ork_zone_local(name);
    lua_pushstring(L, name);
    return 1;
}

static int core_zone_instant(lua_State *L) /* zone_instant("2026-11-01", zone) -> ms | nil, message, code */
{
    int64_t ms = 0;
    ork_err err;

    if (ork_zone_instant(luaL_checkstring(L, 1), luaL_checkstring(L, 2), &ms, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushinteger(L, ms);
    return 1;
}

static int core_zone_date(lua_State *L) /* zone_date(ms, zone, days) -> "2026-11-01" | nil, message, code */
{
    char day[16];
    ork_err err;

    if (ork_zone_date(luaL_checkinteger(L, 1), luaL_checkstring(L, 2), (int)luaL_checkinteger(L, 3), day, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, day);
    return 1;
}

/* schedule_params(workflow, texts | nil, logical_ms) -> complete params as JSON text | nil, message, code */
static int core_schedule_params(lua_State *L)
{
    ork_workflow *w = ork_lua_check_workflow(L, 1);
    lua_Integer at = luaL_checkinteger(L, 3);
    const char *texts = ork_lua_arg_json(L, 2, "params");
    char *params = NULL;
    ork_err err;

    if (ork_workflow_schedule_params(w, texts, at, &params, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, params);
    ork_free(params);
    return 1;
}

static int core_log(lua_State *L) /* log("error"|"warning"|"info", line) */
{
    static const char *const levels[] = {"error", "warning", "info", NULL};

    ork_log_line(luaL_checkoption(L, 1, NULL, levels), luaL_checkstring(L, 2));
    return 0;
}

static int core_log_style(lua_State *L) /* log_style("plain"|"stamped"|"journal"): how lines of the log begin */
{
    static const char *const styles[] = {"plain", "stamped", "journal", NULL};

    ork_log_style(luaL_checkoption(L, 1, NULL, styles));
    return 0;
}

/* notify(text) -> was the service manager told? sd_notify(3)'s protocol: one datagram to $NOTIFY_SOCKET. RELOADING
 * comes with the time, as Type=notify-reload wants it. */
static int core_notify(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1), *path = getenv("NOTIFY_SOCKET");
    if (strcmp(text, "RELOADING=1") == 0)
        text = lua_pushfstring(L, "%s\nMONOTONIC_USEC=%I", text, (lua_Integer)(uv_hrtime() / 1000));
    size_t len = strlen(text);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    bool sent = false;

    if (n > 1 && n < sizeof to.sun_path && (*path == '/' || *path == '@')) {
        memcpy(to.sun_path, path, n);
        if (*path == '@')
            to.sun_path[0] = '\0';
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd >= 0) {
            sent = sendto(fd, text, len, MSG_NOSIGNAL, (struct sockaddr *)&to,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == (ssize_t)len;
            (void)close(fd);
        }
    }
    lua_pushboolean(L, sent);
    return 1;
}

void ork_lua_add_serve(lua_State *L)
{
    static const luaL_Reg functions[] = {{"log", core_log},
                                         {"log_style", core_log_style},
                                         {"notify", core_notify},
                                         {"schedule_fires", core_fires},
                                         {"schedule_params", core_schedule_params},
                                         {"zone_date", core_zone_date},
                                         {"zone_instant", core_zone_instant},
                                         {"zone_local", core_zone},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
