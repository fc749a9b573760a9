/* SPDX-License-Identifier: MIT */
/* core.sys.messages(): takes what the library says on standard error, for a program that owns the terminal.
 *
 *   local m = sys.messages()          -- from now on it goes into a pipe
 *   m:fd(), m:read() -> bytes ("" none)
 *   m:close() -> what was left; messages go to standard error again
 *
 * Law: no thread of the library ever waits for it. What does not fit into the pipe goes to standard error after all. */
#include "loop.h"
#include <fcntl.h>
#include <lauxlib.h>
#include <ork/ork.h>
#include <unistd.h>

#define MESSAGES "ork.messages"

struct messages {
    int in, out; /* -1 once closed */
};

static int push_read(lua_State *L, int fd)
{
    char bytes[4096];
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            break;
        luaL_addlstring(&text, bytes, (size_t)n);
    }
    luaL_pushresult(&text);
    return 1;
}

static struct messages *check(lua_State *L)
{
    struct messages *m = luaL_checkudata(L, 1, MESSAGES);

    luaL_argcheck(L, m->in >= 0, 1, "it is closed");
    return m;
}

static int messages_fd(lua_State *L)
{
    lua_pushinteger(L, check(L)->in);
    return 1;
}

static int messages_read(lua_State *L)
{
    return push_read(L, check(L)->in);
}

static int messages_close(lua_State *L) /* again: "" */
{
    struct messages *m = luaL_checkudata(L, 1, MESSAGES);
    int in = m->in;

    if (in < 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    ork_log_to(STDERR_FILENO);
    (void)close(m->out);
    m->in = m->out = -1;
    push_read(L, in);
    (void)close(in);
    return 1;
}

static int sys_messages(lua_State *L) /* messages() -> the pipe | nil */
{
    struct messages *m = lua_newuserdatauv(L, sizeof *m, 0);
    int ends[2];

    m->in = m->out = -1;
    luaL_setmetatable(L, MESSAGES);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return 0;
    m->in = ends[0];
    m->out = ends[1];
    ork_log_to(m->out);
    return 1;
}

void ork_lua_messages(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", messages_close}, {"fd", messages_fd}, {"read", messages_read}, {NULL, NULL}};

    luaL_newmetatable(L, MESSAGES);
    lua_pushcfunction(L, messages_close);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, sys_messages);
    lua_setfield(L, -2, "messages");
}
