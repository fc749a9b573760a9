/* SPDX-License-Identifier: MIT */
/* Ctrl-C, and the signals that ask to end, as a Lua error in whatever the prompt is doing.
 *
 *   signal ─► handler: notes it, wakes the loop
 *               ├─► a count hook, in Lua that computes: raises
 *               └─► the async handle, in C that drives the loop: the callback interrupts the engines and raises; the
 *                   call that drove the loop passes that on
 *
 * Law: it is raised inside core.loop.interruptible only; what comes at another time stays noted for the next one. There
 * it stays noted too, until that call ends: a loop around pcall does not swallow it. The hook is inherited by
 * coroutines made after on_interrupt. One state per process may use this. */
#include "loop.h"
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INTERRUPTED "ork.interrupted"
#define HOOK_EVERY 10000 /* instructions: well below a millisecond */
#define PATIENCE 3       /* unanswered signals before one has its default action */

static volatile sig_atomic_t noted, ending, unanswered;
static uv_async_t wake;
static bool taken;      /* the signals are ours and wake is open */
static int depth;       /* of interruptible calls */
static bool raised;     /* in this one: from now on at every instruction */
static unsigned spared; /* instructions of our own files since */
static int on_interrupt = LUA_NOREF;

static void on_signal(int number)
{
    static const char hint[] = "\nstill busy; twice more ends ork as it is\n";

    if (number != SIGINT)
        ending = number;
    noted = number;
    if (++unanswered == 2 && number == SIGINT) {
        ssize_t n = write(STDERR_FILENO, hint, sizeof hint - 1);
        (void)n;
    }
    if (unanswered > PATIENCE) {
        signal(number, SIG_DFL);
        raise(number);
    }
    uv_async_send(&wake);
}

static int raise_interrupt(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, INTERRUPTED);
    return lua_error(L);
}

static void on_count(lua_State *L, lua_Debug *ar);

static void hook(lua_State *L, int every)
{
    lua_sethook(L, on_count, LUA_MASKCOUNT, every);
}

/* Message handlers and clean-up are our own files and short; what else of them runs is given up a little later. */
static bool is_spared(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "S", ar);
    return strncmp(ar->source, "@ork/", 5) == 0 && ++spared % HOOK_EVERY != 0;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    bool wanted = noted && depth > 0;

    if (!wanted && lua_gethookcount(L) == 1)
        hook(L, HOOK_EVERY);
    if (!wanted || (raised && is_spared(L, ar)))
        return;
    if (!raised || lua_gethookcount(L) != 1)
        hook(L, 1);
    raised = true;
    raise_interrupt(L);
}

static int call_back(lua_State *L) /* (f) */
{
    lua_call(L, 0, 0);
    return raise_interrupt(L);
}

static void on_wake(uv_async_t *handle)
{
    lua_State *L = ork_lua_loop_state(handle->loop);

    if (!noted || depth == 0 || !lua_checkstack(L, 8))
        return;
    raised = true;
    lua_pushcfunction(L, call_back);
    lua_rawgeti(L, LUA_REGISTRYINDEX, on_interrupt);
    ork_lua_loop_call(handle->loop, L, 1);
    hook(L, 1);
}

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

static int give_back(lua_State *L)
{
    if (!taken)
        return 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == on_signal)
            signal(numbers[i], SIG_DFL);
    }
    lua_sethook(L, NULL, 0, 0);
    uv_close((uv_handle_t *)&wake, NULL);
    luaL_unref(L, LUA_REGISTRYINDEX, on_interrupt);
    on_interrupt = LUA_NOREF;
    taken = false;
    return 0;
}

/* on_interrupt(error, f): from now on SIGINT, SIGTERM and SIGHUP raise `error` in interruptible calls; f() comes first
 * when C drives the loop, to make it return. on_interrupt(): no more. */
int ork_lua_on_interrupt(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    uv_loop_t *loop = ork_lua_loop(L);

    if (lua_isnoneornil(L, 1))
        return give_back(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (taken)
        return luaL_error(L, "the signals are taken already");
    if (uv_async_init(loop, &wake, on_wake) < 0)
        return luaL_error(L, "cannot make an async handle");
    uv_unref((uv_handle_t *)&wake);
    taken = true;
    lua_pushvalue(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, INTERRUPTED);
    lua_pushvalue(L, 2);
    on_interrupt = luaL_ref(L, LUA_REGISTRYINDEX);
    hook(L, HOOK_EVERY);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup means it */
            sigaction(numbers[i], &action, NULL);
    }
    return 0;
}

/* interruptible(f, handler, ...) -> as xpcall(f, handler, ...), and whether a signal that asks to end came: its number
 * or nil, before the results */
int ork_lua_interruptible(lua_State *L)
{
    int status;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 1);
    lua_copy(L, 2, 1);
    lua_replace(L, 2); /* handler f ... */
    if (depth++ == 0 && noted && taken)
        uv_async_send(&wake); /* its event may have passed */
    status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
    depth--;
    if (depth == 0) {
        noted = ending; /* an end stays wanted */
        unanswered = 0;
        raised = false;
    }
    if (ending)
        lua_pushinteger(L, ending);
    else
        lua_pushnil(L);
    lua_pushboolean(L, status == LUA_OK);
    lua_rotate(L, 2, 2); /* handler ending ok results */
    return lua_gettop(L) - 1;
}
