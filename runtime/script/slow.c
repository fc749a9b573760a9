/* SPDX-License-Identifier: MIT */
/* The module ork.slow: a line for whoever waits for something that computes or blocks in foreign code, such as a script
 * that hangs while it is read.
 *
 *   slow(line, ms)   writes the line to stderr unless slow() comes within `ms`
 *
 * A signal, because nothing else gets a word in: no loop runs, and a script that reads from a program executes no Lua.
 * Calls of the kernel that it interrupts go on. One of them at a time. */
#include "script/host.h"
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static char line[512];
static size_t line_len;
static struct sigaction before;
static bool armed;

static void on_alarm(int number)
{
    int saved = errno;
    ssize_t n = write(STDERR_FILENO, line, line_len);

    (void)number;
    (void)n;
    errno = saved;
}

static void set_timer(lua_Integer ms)
{
    struct itimerval t = {.it_value = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)}};

    (void)setitimer(ITIMER_REAL, &t, NULL);
}

static int slow(lua_State *L) /* (line, ms) | () */
{
    if (armed) {
        set_timer(0);
        (void)sigaction(SIGALRM, &before, NULL);
        armed = false;
    }
    if (lua_isnoneornil(L, 1))
        return 0;
    const char *text = luaL_checklstring(L, 1, &line_len);
    lua_Integer ms = luaL_checkinteger(L, 2);
    if (ms <= 0 || line_len >= sizeof line)
        return 0;
    memcpy(line, text, line_len);
    line[line_len++] = '\n';
    struct sigaction on = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    (void)sigemptyset(&on.sa_mask);
    armed = sigaction(SIGALRM, &on, &before) == 0;
    if (armed)
        set_timer(ms);
    return 0;
}

int ork_script_slow(lua_State *L)
{
    lua_pushcfunction(L, slow);
    return 1;
}
