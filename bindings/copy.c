/* SPDX-License-Identifier: MIT */
/* core.copy: a copy of a database under way. The engine's side is ork/copy.h; whoever drives it calls step until it
 * says so. */
#include "context.h"
#include "loop.h"
#include <string.h>

#define COPY "ork.copy"

struct lua_copy {
    ork_copy *copy;  /* owned; NULL once closed */
    uv_loop_t *loop; /* borrowed from the state, which keeps it longer */
};

static struct lua_copy *check(lua_State *L)
{
    struct lua_copy *c = luaL_checkudata(L, 1, COPY);
    if (!c->copy)
        luaL_argerror(L, 1, "the copy is closed");
    ork_lua_loop(L);
    return c;
}

static int core_copy(lua_State *L) /* copy(from, to[, log_level]) -> copy */
{
    struct ork_copy_opts opts = {.from = luaL_checkstring(L, 1),
                                 .to = luaL_checkstring(L, 2),
                                 .loop = ork_lua_loop(L),
                                 .log_level = (int)luaL_optinteger(L, 3, 1)};
    struct lua_copy *c = lua_newuserdatauv(L, sizeof *c, 0);
    ork_err err;
    *c = (struct lua_copy){.loop = opts.loop};
    luaL_setmetatable(L, COPY);
    int status = ork_copy_open(&opts, &c->copy, &err);
    ork_lua_loop_raise(L, c->loop);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

static int copy_step(lua_State *L) /* step() -> true: there is more; false: it is whole */
{
    struct lua_copy *c = check(L);
    ork_err err;
    int status = ork_copy_step(c->copy, &err);
    ork_lua_loop_raise(L, c->loop);
    if (status < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, status);
    return 1;
}

static void set_number(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static int copy_state(lua_State *L) /* state() -> { phase, table, rows, total, done, overall } */
{
    static const char *const phases[] = {
        [ORK_COPYING] = "copying", [ORK_CHECKING] = "checking", [ORK_COPIED] = "copied"};
    struct ork_copy_state state;
    ork_copy_state(check(L)->copy, &state);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, phases[state.phase]);
    lua_setfield(L, -2, "phase");
    lua_pushstring(L, state.table); /* nil for NULL */
    lua_setfield(L, -2, "table");
    set_number(L, "rows", state.rows);
    set_number(L, "total", state.total);
    set_number(L, "done", state.done);
    set_number(L, "overall", state.overall);
    return 1;
}

static int copy_document(lua_State *L) /* document([raw]) -> what was copied */
{
    struct lua_copy *c = check(L);
    bool raw = lua_toboolean(L, 2);
    char *document = NULL;
    ork_err err;
    int status = ork_copy_json(c->copy, &document, &err);
    if (status == 0 && raw)
        lua_pushstring(L, document);
    else if (status == 0)
        status = ork_lua_json_push_text(L, document, strlen(document), &err);
    ork_free(document);
    return status < 0 ? ork_lua_fail(L, &err) : 1;
}

static int copy_close(lua_State *L) /* close(); again: nothing */
{
    struct lua_copy *c = luaL_checkudata(L, 1, COPY);
    ork_copy *copy = c->copy;
    c->copy = NULL;
    if (copy)
        ork_copy_close(copy);
    return 0;
}

static int core_url_plain(lua_State *L) /* url_plain(url) -> as it may be shown */
{
    char *plain = ork_url_plain(luaL_checkstring(L, 1));
    lua_pushstring(L, plain);
    ork_free(plain);
    return 1;
}

void ork_lua_add_copy(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"step", copy_step}, {"state", copy_state}, {"document", copy_document}, {"close", copy_close}, {NULL, NULL}};
    luaL_newmetatable(L, COPY);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, copy_close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, copy_close);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    lua_pushcfunction(L, core_copy);
    lua_setfield(L, -2, "copy");
    lua_pushcfunction(L, core_url_plain);
    lua_setfield(L, -2, "url_plain");
}
