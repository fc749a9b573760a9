/* SPDX-License-Identifier: MIT */
/* How a call is ended early, and how a worker dies with its scheduler.
 *
 *   SIGUSR1  the scheduler waits for answers of earlier calls, which go at once, or wrote a stop word: a hook in the
 * coroutine that computes raises, at every instruction, until the call is over. One that sleeps is told by the main
 * loop, which a signal wakes. SIGUSR2  the scheduler is dead (PR_SET_PDEATHSIG): the whole process group goes, with all
 * that functions started.
 *
 * Law: nothing is raised in our own files, which keep the books, and nothing after the call whose word it was. */
#include "exec/worker/family.h"
#include "script/worker_priv.h"
#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define REASON "ork.stopped"

static char own[64];
static size_t own_len;

static bool is_to_end(int slot)
{
    struct ork_worker_slot *s = &ork_self.page->slots[slot];
    uint32_t word = ork_slot_word(ork_self.work[slot].generation, ORK_SLOT_STARTED);

    return atomic_load(&s->stop) == word;
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    int slot = ork_self.current;

    if (slot < 0 || L != ork_self.thread || !is_to_end(slot)) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (lua_getinfo(L, "S", ar) && strncmp(ar->source, own, own_len) == 0)
        return;
    lua_sethook(L, on_hook, LUA_MASKCOUNT, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, REASON);
    lua_error(L);
}

void ork_stop_arm(void)
{
    lua_State *thread = ork_self.thread;

    if (thread && ork_self.asked)
        lua_sethook(thread, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_stop(int sig)
{
    (void)sig;
    int saved = errno;

    ork_worker_answer();
    errno = saved;
    ork_self.asked = true;
    ork_stop_arm();
}

static void on_orphaned(int sig)
{
    (void)sig;
    ork_family_end(getpid());
    (void)kill(0, SIGKILL);
}

static void on_pipe(int sig)
{
    (void)
        sig; /* a program that no longer reads is an error of who writes to it; not ignored, as programs inherit that */
}

void ork_stop_begin(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART}, orphaned = {.sa_handler = on_orphaned},
                     pipe = {.sa_handler = on_pipe, .sa_flags = SA_RESTART};

    (void)sigemptyset(&stop.sa_mask);
    (void)sigfillset(&orphaned.sa_mask);
    (void)sigaction(SIGUSR1, &stop, NULL);
    (void)sigaction(SIGUSR2, &orphaned, NULL);
    (void)sigaction(SIGPIPE, &pipe, NULL);
}

int ork_stop_reasons(lua_State *L)
{
    const char *prefix = luaL_checklstring(L, 2, &own_len);

    luaL_argcheck(L, own_len < sizeof own, 2, "too long");
    memcpy(own, prefix, own_len + 1);
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, REASON);
    return 0;
}

int ork_stop_next(lua_State *L)
{
    if (!ork_self.asked)
        return 0;
    for (int i = 0; i < ORK_WORKER_SLOTS; i++) {
        if (ork_self.work[i].open && !ork_self.work[i].told && is_to_end(i)) {
            ork_self.work[i].told = true;
            lua_pushinteger(L, i);
            return 1;
        }
    }
    ork_self.asked = false;
    return 0;
}

bool ork_stop_wait(int socket, int loop_fd, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = socket, .events = POLLIN}, {.fd = loop_fd, .events = POLLIN}};
    struct timespec t = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000l};
    sigset_t blocked, before;
    int n = 0;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before); /* none may come between the look and the sleep */
    if (!ork_self.asked)
        n = ppoll(fds, loop_fd < 0 ? 1 : 2, timeout_ms < 0 ? NULL : &t, &before);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return n >= 0 && !ork_self.asked;
}
