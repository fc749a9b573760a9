/* SPDX-License-Identifier: MIT */
/* core.sys: the few things about files, the terminal and this process that Lua's own libraries do not tell. */
#include "loop.h"
#include <pwd.h>
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <malloc.h>
#include <ork/ork.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int push_errno(lua_State *L, const char *path)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(errno));
    return 2;
}

static int sys_cwd(lua_State *L) /* cwd() -> path | nil, message */
{
    char path[PATH_MAX];

    if (!getcwd(path, sizeof path))
        return push_errno(L, "the current directory");
    lua_pushstring(L, path);
    return 1;
}

static int sys_realpath(lua_State *L) /* realpath(path) -> path | nil, message */
{
    char full[PATH_MAX];
    const char *path = luaL_checkstring(L, 1);

    if (!realpath(path, full))
        return push_errno(L, path);
    lua_pushstring(L, full);
    return 1;
}

static int sys_stat(lua_State *L) /* stat(path) -> "file"|"folder"|"other", size, uid | nil, message, "EACCESS" | nil */
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;

    if (stat(path, &st) < 0) {
        const bool denied = errno == EACCES;
        push_errno(L, path);
        lua_pushstring(L, denied ? ork_err_symbol(ORK_EACCESS) : NULL); /* nil for NULL */
        return 3;
    }
    lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
    lua_pushinteger(L, (lua_Integer)st.st_size);
    lua_pushinteger(L, (lua_Integer)st.st_uid);
    return 3;
}

static int sys_uid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)geteuid());
    return 1;
}

static int sys_now(lua_State *L) /* milliseconds since 1970 */
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    lua_pushinteger(L, (lua_Integer)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    return 1;
}

static int push_parsed(lua_State *L, int status, int64_t ms, const ork_err *err)
{
    if (status < 0) {
        lua_pushnil(L);
        lua_pushstring(L, err->msg);
        lua_pushstring(L, ork_err_symbol(err->code));
        return 3;
    }
    lua_pushinteger(L, ms);
    return 1;
}

static int sys_duration(lua_State *L) /* duration("1h30m") -> ms | nil, message, code */
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    int64_t ms = 0;
    ork_err err;
    int status = ork_duration_parse(text, len, &ms, &err);

    return push_parsed(L, status, ms, &err);
}

static int sys_time(lua_State *L) /* time("2026-11-01T02:00:00Z") -> ms since 1970 | nil, message, code */
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    int64_t ms = 0;
    ork_err err;
    int status = ork_time_parse(text, len, &ms, &err);

    return push_parsed(L, status, ms, &err);
}

static int sys_format_time(lua_State *L) /* format_time(ms since 1970) -> "2026-11-01T02:00:00.000Z" */
{
    char text[32];

    ork_time_format((int64_t)luaL_checkinteger(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

static int sys_format_duration(lua_State *L) /* format_duration(ms) -> "1h30m" */
{
    char text[32];

    ork_duration_format((int64_t)luaL_checkinteger(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

static int sys_exit_code(lua_State *L) /* exit_code("ENOTFOUND") -> 4; 3 for a symbol that is no error of Ork */
{
    const char *symbol = luaL_checkstring(L, 1);

    for (int code = -1; strcmp(ork_err_symbol(code), "EUNKNOWN") != 0; code--) {
        if (strcmp(ork_err_symbol(code), symbol) == 0) {
            lua_pushinteger(L, ork_err_exit_code(code));
            return 1;
        }
    }
    lua_pushinteger(L, ork_err_exit_code(ORK_EIO));
    return 1;
}

static int sys_user(lua_State *L) /* user() -> the name of who runs this program, its number where it has none */
{
    char room[4096], number[24];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found && *found->pw_name) {
        lua_pushstring(L, found->pw_name);
        return 1;
    }
    (void)snprintf(number, sizeof number, "%d", (int)getuid());
    lua_pushstring(L, number);
    return 1;
}

/* rest(): before a long sleep. What a look at everything needed goes back to the system, also from behind what stays.
 */
static int sys_rest(lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT);
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
    return 0;
}

int ork_lua_sys_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"cwd", sys_cwd},
                                         {"duration", sys_duration},
                                         {"escape", ork_lua_escape},
                                         {"exit_code", sys_exit_code},
                                         {"format_duration", sys_format_duration},
                                         {"format_time", sys_format_time},
                                         {"now", sys_now},
                                         {"realpath", sys_realpath},
                                         {"rest", sys_rest},
                                         {"stat", sys_stat},
                                         {"time", sys_time},
                                         {"uid", sys_uid},
                                         {"user", sys_user},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    ork_lua_terminal(L);
    return 1;
}
