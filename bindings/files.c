/* SPDX-License-Identifier: MIT */
/* What the loader asks about files and Lua has no word for. */
#include "context.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>

int ork_lua_files(lua_State *L) /* core.files(dir) -> list of names | nil, message, code */
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer n = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        ork_err err = {.code = errno == ENOENT ? ORK_ENOTFOUND : ORK_EIO};
        strncpy(err.msg, strerror(errno), sizeof err.msg - 1);
        return ork_lua_fail(L, &err);
    }
    lua_newtable(L);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++n);
    }
    closedir(dir);
    return 1;
}
