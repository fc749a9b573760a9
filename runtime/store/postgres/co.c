/* SPDX-License-Identifier: MIT */
/* Stacks are mapped, so that only what is touched costs memory, with a page in front that must not be touched. Two
 * contexts are switched: the coroutine's and that of whoever resumed it, which is always the loop's. The sanitizer is
 * told of each switch: it keeps its own books of stacks.
 *
 * Law: a coroutine is resumed by the loop only, never by another one; so at most one runs, and self is one pointer. */
#include "store/postgres/co.h"
#include "base/alloc.h"
#include <assert.h>
#include <ork/ork.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define LEAVE(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define ARRIVE(fake, bottom, size) __sanitizer_finish_switch_fiber(fake, bottom, size)
#else
#define LEAVE(save, bottom, size) ((void)(bottom), (void)(size))
#define ARRIVE(fake, bottom, size) ((void)(fake))
#endif

#define STACK (256u << 10) /* libpq's TLS handshake is what needs most */

struct ork_co {
    ucontext_t own, loop;
    void (*main)(void *data);
    void *data;
    char *map; /* owned: the guard page, then the stack */
    size_t guard;
    bool ended;
    void *fake; /* the sanitizer's; of the coroutine while it does not run */
    const void *loop_bottom;
    size_t loop_size;
};

static _Thread_local struct ork_co *running;

static void enter(unsigned high, unsigned low)
{
    struct ork_co *co = (struct ork_co *)((uintptr_t)high << 32 | (uintptr_t)low);
    ARRIVE(NULL, &co->loop_bottom, &co->loop_size);
    co->main(co->data);
    co->ended = true;
    LEAVE(NULL, co->loop_bottom, co->loop_size); /* for good */
    (void)setcontext(&co->loop);
    abort();
}

struct ork_co *ork_co_new(void (*body)(void *data), void *data)
{
    struct ork_co *co = ork_zalloc(sizeof *co);
    co->main = body;
    co->data = data;
    co->guard = (size_t)sysconf(_SC_PAGESIZE);
    co->map = mmap(NULL, co->guard + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (co->map == MAP_FAILED)
        abort();
    (void)mprotect(co->map, co->guard, PROT_NONE);
    (void)getcontext(&co->own);
    co->own.uc_stack.ss_sp = co->map + co->guard;
    co->own.uc_stack.ss_size = STACK;
    co->own.uc_link = NULL;
    uintptr_t self = (uintptr_t)co;
    makecontext(&co->own, (void (*)(void))enter, 2, (unsigned)(self >> 32), (unsigned)self);
    return co;
}

void ork_co_resume(struct ork_co *co)
{
    void *fake = NULL;
    assert(!running && !co->ended);
    running = co;
    LEAVE(&fake, co->map + co->guard, STACK);
    (void)swapcontext(&co->loop, &co->own);
    ARRIVE(fake, NULL, NULL);
    running = NULL;
}

void ork_co_yield(void)
{
    struct ork_co *co = running;
    assert(co);
    LEAVE(&co->fake, co->loop_bottom, co->loop_size);
    (void)swapcontext(&co->own, &co->loop);
    ARRIVE(co->fake, &co->loop_bottom, &co->loop_size);
}

struct ork_co *ork_co_self(void)
{
    return running;
}

bool ork_co_ended(const struct ork_co *co)
{
    return co->ended;
}

void ork_co_free(struct ork_co *co)
{
    if (!co)
        return;
    (void)munmap(co->map, co->guard + STACK);
    ork_free(co);
}
