/* SPDX-License-Identifier: MIT */
/* core.sys, the part about terminals: how large, whether we are in front, and writing past stdio.
 *
 * Law: the live view must never stop a run. A terminal that takes nothing (Ctrl-S) is asked before it is written to,
 * and one that is gone is an error value, not an end. */
#include "loop.h"
#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int terminal_size(lua_State *L) /* terminal(fd) -> columns, rows (0: it does not say) | nil: no terminal */
{
    int fd = (int)luaL_checkinteger(L, 1);
    struct winsize size;
    int known;

    if (!isatty(fd))
        return 0;
    known = ioctl(fd, TIOCGWINSZ, &size) == 0;
    lua_pushinteger(L, known ? size.ws_col : 0);
    lua_pushinteger(L, known ? size.ws_row : 0);
    return 2;
}

/* foreground(fd) -> may we draw there: are we its foreground job, or is it no terminal that has jobs of ours? */
static int terminal_foreground(lua_State *L)
{
    pid_t front = tcgetpgrp((int)luaL_checkinteger(L, 1));

    lua_pushboolean(L, front < 0 || front == getpgrp());
    return 1;
}

static int terminal_writable(lua_State *L) /* writable(fd) -> would a write be taken now? */
{
    struct pollfd p = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLOUT};

    lua_pushboolean(L, poll(&p, 1, 0) > 0);
    return 1;
}

static int terminal_write(lua_State *L) /* write(fd, bytes) -> true | nil, message; past the buffers of io */
{
    int fd = (int)luaL_checkinteger(L, 1);
    size_t len;
    const char *bytes = luaL_checklstring(L, 2, &len);

    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EAGAIN) { /* somebody made it non-blocking */
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            lua_pushnil(L);
            lua_pushstring(L, strerror(errno));
            return 2;
        } else if (n > 0) {
            bytes += n, len -= (size_t)n;
        }
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int terminal_unwritten(lua_State *L) /* unwritten() -> bytes in the buffer of io.stderr */
{
    lua_pushinteger(L, (lua_Integer)__fpending(stderr));
    return 1;
}

void ork_lua_terminal(lua_State *L)
{
    static const luaL_Reg functions[] = {{"foreground", terminal_foreground}, {"terminal", terminal_size},
                                         {"unwritten", terminal_unwritten},   {"writable", terminal_writable},
                                         {"write", terminal_write},           {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
    ork_lua_messages(L);
}
