/* SPDX-License-Identifier: MIT */
/* `require` of embedded modules.
 *
 * The searcher stands second, behind package.preload: a file of the user's folder can never shadow a module of ours.
 * A chunk is named "@ork/…" wherever its text came from; messages tell our lines from the user's by that name. */
#include "script/host.h"
#include "base/embed.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 512

static int compare_path(const void *key, const void *row)
{
    return strcmp(key, ((const struct ork_embedded *)row)->path);
}

static const struct ork_embedded *find_embedded(const char *path)
{
    return bsearch(path, ork_embed_lua_sources, ork_embed_lua_sources_len, sizeof *ork_embed_lua_sources, compare_path);
}

/* Loads <dir>/<path> as chunk "@<path>". Returns the status of the load, or -1 when there is no such file. */
static int load_from_disk(lua_State *L, const char *dir, const char *path)
{
    char full[2 * PATH_SIZE], chunk[PATH_SIZE + 1];
    luaL_Buffer text;
    FILE *file;
    int status;

    snprintf(full, sizeof full, "%s/%s", dir, path);
    file = fopen(full, "rbe");
    if (!file)
        return -1;
    luaL_buffinit(L, &text);
    for (;;) {
        char *room = luaL_prepbuffer(&text);
        size_t n = fread(room, 1, LUAL_BUFFERSIZE, file);
        luaL_addsize(&text, n);
        if (n < LUAL_BUFFERSIZE)
            break;
    }
    fclose(file);
    luaL_pushresult(&text);
    snprintf(chunk, sizeof chunk, "@%s", path);
    status = luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), chunk, "t");
    lua_remove(L, -2);
    return status;
}

static int load_path(lua_State *L, const char *path) /* as load_from_disk */
{
    const char *dir = lua_tostring(L, lua_upvalueindex(1));
    const struct ork_embedded *source;
    char chunk[PATH_SIZE + 1];

    if (dir) {
        int status = load_from_disk(L, dir, path);
        if (status >= 0)
            return status;
    }
    source = find_embedded(path);
    if (!source)
        return -1;
    snprintf(chunk, sizeof chunk, "@%s", path);
    /* Compiled at build time where luac was there; then the chunk brings its name along. */
    return luaL_loadbufferx(L, source->start, (size_t)(source->end - source->start), chunk, "bt");
}

static int search(lua_State *L) /* (name) -> loader, path | text */
{
    static const char *const suffixes[] = {".lua", "/init.lua"};
    const char *name = luaL_checkstring(L, 1);
    char path[PATH_SIZE];

    if (strcmp(name, "ork") != 0 && strncmp(name, "ork.", 4) != 0)
        return 0;
    if (strlen(name) + sizeof "/init.lua" > sizeof path)
        return 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        int status;
        snprintf(path, sizeof path, "%s%s", name, suffixes[i]);
        for (char *c = path; c < path + strlen(name); c++) {
            if (*c == '.')
                *c = '/';
        }
        status = load_path(L, path);
        if (status > 0)
            return lua_error(L);
        if (status == 0) {
            lua_pushstring(L, path);
            return 2;
        }
    }
    lua_pushfstring(L, "no module '%s' in this ork", name);
    return 1;
}

static int text_of(lua_State *L) /* (path) -> text | nil */
{
    const struct ork_embedded *source = find_embedded(luaL_checkstring(L, 1));

    if (source)
        lua_pushlstring(L, source->start, (size_t)(source->end - source->start));
    else
        lua_pushnil(L);
    return 1;
}

int ork_embed_text(lua_State *L)
{
    lua_pushcfunction(L, text_of);
    return 1;
}

void ork_embed_searcher(lua_State *L)
{
    const char *dir = getenv("ORK_LUA_DIR");

    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers"); /* package searchers */
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushstring(L, dir && *dir ? dir : NULL); /* nil for NULL */
    lua_pushcclosure(L, search, 1);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 2);
}
