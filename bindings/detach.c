/* SPDX-License-Identifier: MIT */
/* core.background: going on without the terminal (`ork SCRIPT --detach`).
 *
 *   fork() ─┬─ parent: waits at a pipe until the child says what it has begun, or ends without a word
 *           └─ child: a session of its own, no input; still writes where the parent does, until
 *              announce(file, text): from then on into the file; the text reaches the parent, which ends
 *
 * Law: only before anything was opened. A fork copies no thread and shares every descriptor. */
#include "lua_util.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int told = -1; /* the child's end of the pipe; -1: not a child, or it has spoken */

static int fail(lua_State *L, const char *what)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, strerror(errno));
    return 2;
}

static int begin_child(lua_State *L)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)setsid();
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)close(null);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* What the child said; without a word its exit code. */
static int hear(lua_State *L, pid_t pid, int from)
{
    char text[4096];
    size_t len = 0;
    ssize_t n;
    int status = 0;

    while ((n = read(from, text + len, sizeof text - len)) > 0 || (n < 0 && errno == EINTR))
        len += n > 0 ? (size_t)n : 0;
    (void)close(from);
    if (len) {
        lua_pushlstring(L, text, len);
        return 1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    lua_pushnil(L);
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 2;
}

static int background_fork(lua_State *L) /* fork() -> true (the child) | text it announced | nil, its exit code */
{
    int ends[2];

    (void)fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(L, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return fail(L, "cannot start another process");
    }
    if (pid > 0) {
        (void)close(ends[1]);
        return hear(L, pid, ends[0]);
    }
    (void)close(ends[0]);
    told = ends[1];
    return begin_child(L);
}

static void make_folders(const char *file)
{
    char *path = strdup(file);

    for (char *p = path ? strchr(path + 1, '/') : NULL; p; p = strchr(p + 1, '/')) {
        *p = '\0';
        (void)mkdir(path, 0700); /* what cannot be made is told by open */
        *p = '/';
    }
    free(path);
}

static int background_announce(lua_State *L) /* announce(file, text) -> true | false: said before | nil, message */
{
    const char *file = luaL_checkstring(L, 1);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);

    const bool first = told >= 0;
    if (first) {
        make_folders(file);
        int out = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (out < 0)
            return fail(L, file);
        (void)fflush(NULL);
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)close(out);
        for (size_t at = 0; at < len;) {
            ssize_t n = write(told, text + at, len - at);
            if (n < 0 && errno != EINTR)
                break; /* nobody listens any more: the run goes on all the same */
            at += n > 0 ? (size_t)n : 0;
        }
        (void)close(told);
        told = -1;
    }
    lua_pushboolean(L, first);
    return 1;
}

void ork_lua_add_background(lua_State *L) /* the module's table is on top */
{
    static const luaL_Reg functions[] = {{"announce", background_announce}, {"fork", background_fork}, {NULL, NULL}};

    luaL_newlib(L, functions);
    lua_setfield(L, -2, "background");
}
