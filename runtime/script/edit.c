/* SPDX-License-Identifier: MIT */
/* ork.edit: what the prompt needs of files and of the terminal. A Lua module of the program alone, made on require.
 *
 * Law: libedit is not linked. ork_edit.so, which is, is opened by open() and nowhere else, so that no other command
 * pays for it and a program without it still has a prompt that reads plain lines. */
#include "base/alloc.h"
#include "base/path.h"
#include "script/host.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "ork_edit.so"
#define READ_MAX (64 * 1024)

static int fail(lua_State *L, const char *path)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(errno));
    return 2;
}

/* The module in a folder relative to the program's, as a Lua function on the stack. */
static bool open_from(lua_State *L, const char *program, const char *place)
{
    char path[2 * PATH_MAX];
    void *library;
    lua_CFunction open;

    snprintf(path, sizeof path, "%s/%s%s", program, place, NAME);
    if (access(path, R_OK) < 0)
        return false;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    *(void **)&open = dlsym(library, "luaopen_ork_edit"); /* the cast that POSIX gives for it */
    if (!open)
        return false;
    lua_pushcfunction(L, open);
    return true;
}

static int edit_open(lua_State *L) /* open() -> the module ork_edit | nil, message */
{
    static const char *const places[] = {"", "../libexec/ork/", "../lib/lua/5.4/ork/"};
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *why;

    if (n < 0)
        return fail(L, "/proc/self/exe");
    program[n] = '\0';
    *strrchr(program, '/') = '\0';
    (void)dlerror();
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (open_from(L, program, places[i])) {
            lua_call(L, 0, 1);
            return 1;
        }
    }
    why = dlerror();
    lua_pushnil(L);
    lua_pushstring(L, why ? why : NAME " is not installed");
    return 2;
}

static int edit_read(lua_State *L) /* read(fd) -> bytes, "" at the end | nil, message */
{
    int fd = (int)luaL_checkinteger(L, 1);
    luaL_Buffer bytes;
    ssize_t n;
    char *room = luaL_buffinitsize(L, &bytes, READ_MAX);

    do
        n = read(fd, room, READ_MAX);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(L, "standard input");
    luaL_pushresultsize(&bytes, (size_t)n);
    return 1;
}

static int edit_stop(lua_State *L) /* stop(): as Ctrl-Z, when no engine has to be asked first */
{
    (void)L;
    raise(SIGSTOP);
    return 0;
}

static int edit_make_folder(lua_State *L) /* make_folder(path) -> true | nil, message; private to its user */
{
    ork_err err;

    if (ork_path_make_dirs(luaL_checkstring(L, 1), &err) < 0) {
        lua_pushnil(L);
        lua_pushstring(L, err.msg);
        return 2;
    }
    lua_pushboolean(L, true);
    return 1;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* write(path, text, append) -> true | nil, message: a file that only its user reads. Appending never follows a link and
 * never goes into a file of somebody else; without append the file is replaced at once. */
static int edit_write(lua_State *L)
{
    size_t len;
    const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
    bool append = lua_toboolean(L, 3), good;
    const char *target = append ? path : lua_pushfstring(L, "%s.%d", path, (int)getpid());
    int fd =
        open(target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (append ? O_APPEND : O_TRUNC), 0600);
    struct stat st;

    if (fd < 0)
        return fail(L, target);
    good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fchmod(fd, 0600) == 0 && write_all(fd, text, len);
    if (close(fd) < 0 || !good || (!append && rename(target, path) < 0)) {
        int why = errno;
        if (!append)
            (void)unlink(target);
        errno = why;
        return fail(L, target);
    }
    lua_pushboolean(L, true);
    return 1;
}

int ork_script_edit(lua_State *L)
{
    static const luaL_Reg functions[] = {{"make_folder", edit_make_folder},
                                         {"open", edit_open},
                                         {"read", edit_read},
                                         {"stop", edit_stop},
                                         {"write", edit_write},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
