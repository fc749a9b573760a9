/* SPDX-License-Identifier: MIT */
/* pty: pseudo-terminals for tests, in Lua (tests/lib/pty.lua makes them pleasant).
 *
 *   local master, pid = pty.spawn({ "ork", "x.lua" }, { "TERM=xterm" }, cwd | nil, columns, rows)
 *   master:read(timeout_ms) -> bytes | "" after the time | nil at the end; master:write(bytes) -> bytes taken
 *   master:resize(columns, rows); master:close()          (the terminal is gone: SIGHUP)
 *   pty.wait(pid, timeout_ms[, master]) -> exit code, signal | nil when it still runs (or there is something to read)
 *   pty.kill(pid, signal), pty.kill(-group, signal)
 *
 * Every wait is a poll(2) with a limit: on the master, or on the child's pidfd. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASTER "ork.test.pty"
#define MAX_WORDS 256

static int fail(lua_State *L, const char *what)
{
    return luaL_error(L, "%s: %s", what, strerror(errno));
}

/* The strings of the list at idx, NULL-terminated; the list keeps them alive. */
static void words(lua_State *L, int idx, char *out[MAX_WORDS + 1])
{
    int n = 0;

    luaL_checktype(L, idx, LUA_TTABLE);
    while (lua_rawgeti(L, idx, n + 1) == LUA_TSTRING && n < MAX_WORDS) {
        out[n++] = (char *)(uintptr_t)lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    out[n] = NULL;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(char *const argv[], char *const env[], const char *cwd)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)close_range(3, ~0u, 0);
    if (!cwd || chdir(cwd) == 0)
        execvpe(argv[0], argv, env);
    dprintf(2, "cannot start %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int pty_spawn(lua_State *L) /* spawn(argv, env, cwd | nil, columns, rows) -> master, pid */
{
    char *argv[MAX_WORDS + 1], *env[MAX_WORDS + 1];
    struct winsize size = {.ws_col = (unsigned short)luaL_checkinteger(L, 4),
                           .ws_row = (unsigned short)luaL_checkinteger(L, 5)};
    const char *cwd = luaL_optstring(L, 3, NULL);
    int *master;
    pid_t pid;

    words(L, 1, argv);
    words(L, 2, env);
    luaL_argcheck(L, argv[0], 1, "a program");
    master = lua_newuserdatauv(L, sizeof *master, 0);
    *master = -1;
    luaL_setmetatable(L, MASTER);
    pid = forkpty(master, NULL, NULL, &size);
    if (pid < 0)
        return fail(L, "forkpty");
    if (pid == 0)
        become(argv, env, cwd);
    (void)fcntl(*master, F_SETFD, FD_CLOEXEC);
    (void)fcntl(*master, F_SETFL, O_NONBLOCK);
    lua_pushinteger(L, pid);
    return 2;
}

static int check_master(lua_State *L)
{
    int fd = *(int *)luaL_checkudata(L, 1, MASTER);

    luaL_argcheck(L, fd >= 0, 1, "the terminal is closed");
    return fd;
}

static int master_read(lua_State *L) /* read(timeout_ms) -> bytes | "" | nil */
{
    struct pollfd p = {.fd = check_master(L), .events = POLLIN};
    int timeout_ms = (int)luaL_checkinteger(L, 2);
    char bytes[65536];
    ssize_t n;
    int ready = poll(&p, 1, timeout_ms);

    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        lua_pushliteral(L, "");
        return 1;
    }
    n = read(p.fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        lua_pushliteral(L, "");
    } else if (n <= 0) { /* EIO: nobody has the other side open any more */
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, bytes, (size_t)n);
    }
    return 1;
}

static int master_write(lua_State *L) /* write(bytes) -> how many were taken */
{
    size_t len;
    struct pollfd p = {.fd = check_master(L), .events = POLLOUT};
    const char *bytes = luaL_checklstring(L, 2, &len);
    ssize_t n = write(p.fd, bytes, len);

    if (n < 0 && errno == EAGAIN && poll(&p, 1, 1000) > 0)
        n = write(p.fd, bytes, len);
    if (n < 0)
        return fail(L, "write");
    lua_pushinteger(L, (lua_Integer)n);
    return 1;
}

static int master_resize(lua_State *L) /* resize(columns, rows): the foreground group gets SIGWINCH */
{
    struct winsize size = {.ws_col = (unsigned short)luaL_checkinteger(L, 2),
                           .ws_row = (unsigned short)luaL_checkinteger(L, 3)};

    if (ioctl(check_master(L), TIOCSWINSZ, &size) < 0)
        return fail(L, "resize");
    return 0;
}

static int master_close(lua_State *L)
{
    int *fd = luaL_checkudata(L, 1, MASTER);

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    return 0;
}

/* wait(pid, timeout_ms[, master]) -> exit code, signal | nil when it still runs; also back when master can be read */
static int pty_wait(lua_State *L)
{
    pid_t pid = (pid_t)luaL_checkinteger(L, 1);
    int timeout_ms = (int)luaL_checkinteger(L, 2), status = 0;
    int *master = lua_isnoneornil(L, 3) ? NULL : luaL_checkudata(L, 3, MASTER);
    pid_t ended = waitpid(pid, &status, WNOHANG);

    if (ended == 0) {
        struct pollfd p[] = {{.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN},
                             {.fd = master ? *master : -1, .events = POLLIN}};
        if (p[0].fd < 0)
            return fail(L, "pidfd_open");
        (void)poll(p, 2, timeout_ms);
        (void)close(p[0].fd);
        ended = waitpid(pid, &status, WNOHANG);
    }
    if (ended < 0)
        return fail(L, "waitpid");
    if (ended == 0)
        return 0;
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 2;
}

static int pty_kill(lua_State *L) /* kill(pid, signal) -> did it exist */
{
    lua_pushboolean(L, kill((pid_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2)) == 0);
    return 1;
}

int luaopen_pty(lua_State *L);

__attribute__((visibility("default"))) int luaopen_pty(lua_State *L)
{
    static const luaL_Reg functions[] = {{"spawn", pty_spawn}, {"wait", pty_wait}, {"kill", pty_kill}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"read", master_read},
                                       {"write", master_write},
                                       {"resize", master_resize},
                                       {"close", master_close},
                                       {NULL, NULL}};

    luaL_newmetatable(L, MASTER);
    lua_pushcfunction(L, master_close);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
