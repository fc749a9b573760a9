/* SPDX-License-Identifier: MIT */
/* core.doctor and core.versions: about the installation, not about one database. */
#include "context.h"
#include <string.h>

/* Pushes a document as a table, or as its text, and frees it. */
static int push(lua_State *L, int status, char *document, bool as_text, ork_err *err)
{
    if (status == 0 && as_text)
        lua_pushstring(L, document);
    else if (status == 0)
        status = ork_lua_json_push_text(L, document, strlen(document), err);
    ork_free(document);
    return status < 0 ? ork_lua_fail(L, err) : 1;
}

static const char *text(lua_State *L, const char *name) /* opts at 1, which keeps it alive */
{
    lua_getfield(L, 1, name);
    const char *value = luaL_optstring(L, -1, NULL);
    lua_pop(L, 1);
    return value;
}

static int core_doctor(lua_State *L) /* doctor({ url, data_dir, agent_path }[, raw]) -> { ok, checks } */
{
    struct ork_engine_opts opts = {0};
    char *document = NULL;
    ork_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    opts.url = text(L, "url");
    opts.data_dir = text(L, "data_dir");
    opts.agent_path = text(L, "agent_path");
    int status = ork_doctor_json(&opts, &document, &err);
    return push(L, status, document, lua_toboolean(L, 2), &err);
}

static int core_versions(lua_State *L) /* versions([raw]) -> { version, agent_protocol, schema, sqlite, … } */
{
    char *document = NULL;
    ork_err err;
    int status = ork_versions_json(&document, &err);

    return push(L, status, document, lua_toboolean(L, 1), &err);
}

void ork_lua_add_doctor(lua_State *L)
{
    lua_pushcfunction(L, core_doctor);
    lua_setfield(L, -2, "doctor");
    lua_pushcfunction(L, core_versions);
    lua_setfield(L, -2, "versions");
    lua_pushstring(L, LUA_RELEASE);
    lua_setfield(L, -2, "lua_release");
}
