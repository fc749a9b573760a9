/* SPDX-License-Identifier: MIT */
/* What functions may take of their worker.
 *
 * Memory of Lua is counted, and has a limit: beyond it an allocation of a function fails, which Lua turns into an error
 * of that function. Our own book-keeping afterwards is not limited, or it would fail of what the function left.
 *
 * CPU time has one only for a call that is alone. A timer of the process's CPU clock writes the call's own stop word,
 * so that it ends as one that is told to end (worker_stop.c). In C code nothing can be raised: there the kernel's
 * limit, a moment later, ends the worker by SIGXCPU, and the scheduler knows why. */
#include "script/worker_priv.h"
#include <ork/ork.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define BEYOND_MB 256 /* of memory that is not Lua's */
#define KILL_AFTER_S 2

static size_t usual_mb;
static bool own_memory;
static timer_t timer;
static bool has_timer;
static int64_t cpu_ms;
static uint32_t cpu_slot, cpu_word;
static volatile sig_atomic_t spent;

/* ---- memory ---- */

static void *allocate(void *data, void *block, size_t was, size_t size)
{
    size_t old = block ? was : 0;

    (void)data;
    if (size == 0) {
        ork_self.memory -= old;
        free(block);
        return NULL;
    }
    if (ork_self.current >= 0 && size > old && ork_self.memory - old + size > ork_self.memory_max) {
        ork_self.memory_failed = true;
        return NULL;
    }
    void *more = realloc(block, size);
    if (more)
        ork_self.memory = ork_self.memory - old + size;
    else
        ork_self.memory_failed = true;
    return more;
}

static void limit_memory(size_t mb)
{
    ork_self.memory_max = mb << 20;
#ifndef __SANITIZE_ADDRESS__
    struct rlimit r;
    if (getrlimit(RLIMIT_DATA, &r) < 0)
        return;
    r.rlim_cur = (mb + BEYOND_MB) << 20; /* libraries in C too: their allocations fail, or end this worker */
    r.rlim_cur = r.rlim_cur < r.rlim_max ? r.rlim_cur : r.rlim_max;
    (void)setrlimit(RLIMIT_DATA, &r);
#endif
}

/* ---- CPU time ---- */

static void on_spent(int sig)
{
    struct ork_worker_slot *s = &ork_self.page->slots[cpu_slot];

    (void)sig;
    spent = 1;
    atomic_store(&s->stop, cpu_word);
    ork_self.asked = true;
    ork_stop_arm();
}

static void limit_cpu(int64_t ms)
{
    struct itimerspec at = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l}};
    struct rlimit r;
    struct timespec used;

    if (!has_timer) {
        struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
        struct sigaction on = {.sa_handler = on_spent, .sa_flags = SA_RESTART};
        (void)sigemptyset(&on.sa_mask);
        (void)sigaction(SIGPROF, &on, NULL);
        has_timer = timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &timer) == 0;
    }
    if (has_timer)
        (void)timer_settime(timer, 0, &at, NULL);
    if (getrlimit(RLIMIT_CPU, &r) < 0)
        return;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    r.rlim_cur = ms > 0 ? (rlim_t)(used.tv_sec + (ms + 999) / 1000 + KILL_AFTER_S) : r.rlim_max;
    r.rlim_cur = r.rlim_cur < r.rlim_max ? r.rlim_cur : r.rlim_max;
    (void)setrlimit(RLIMIT_CPU, &r);
}

/* ---- calls ---- */

void ork_limits_begin(lua_State *L, size_t mb)
{
    usual_mb = mb;
    ork_self.memory = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
    lua_setallocf(L, allocate, NULL);
    limit_memory(mb);
}

void ork_limits_call(uint32_t slot, uint32_t generation, int64_t memory, int64_t ms)
{
    if (own_memory || memory > 0)
        limit_memory(memory > 0 ? (size_t)memory >> 20 : usual_mb);
    own_memory = memory > 0;
    if (cpu_ms > 0 || ms > 0) {
        spent = 0;
        cpu_slot = slot;
        cpu_word = ork_slot_word(generation, ORK_SLOT_STARTED);
        limit_cpu(ms);
    }
    cpu_ms = ms;
}

int ork_limits_shown(lua_State *L)
{
    lua_pushinteger(L, ORK_WORKER_OUTPUT_MAX);
    lua_pushinteger(L, (lua_Integer)(ork_self.memory_max >> 20));
    lua_pushboolean(L, own_memory);
    return 3;
}

int ork_limits_spent(lua_State *L)
{
    char span[32];

    if (!spent)
        return 0;
    ork_duration_format(cpu_ms, span);
    lua_pushfstring(L, "it took more than %s of CPU time (resources)", span);
    return 1;
}
