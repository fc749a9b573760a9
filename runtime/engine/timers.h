/* SPDX-License-Identifier: MIT */
/* One timer of the kernel for all known instants of the wall clock: a heap, armed to its head. Loop thread. */
#ifndef ORK_ENGINE_TIMERS_H
#define ORK_ENGINE_TIMERS_H
#include "base/heap.h"
#include <ork/ork.h>
#include <uthash.h>

struct ork_active;

/* ---- timers to known instants: retries, run timeouts, queue timeouts, waits, the next time of all schedules ---- */
enum ork_timer_kind {
    ORK_TIMER_RETRY,
    ORK_TIMER_RUN,
    ORK_TIMER_QUEUE,
    ORK_TIMER_WAKE,    /* a task that waits */
    ORK_TIMER_LIMIT,   /* the timeout of one */
    ORK_TIMER_VERDICT, /* the time of a question whether to try again is over */
    ORK_TIMER_SCHEDULE /* of the engine */
};
struct ork_timer {
    struct ork_heap_node node;
    struct {
        uint32_t kind, task;
    } key; /* within its run */
    int64_t at_ms;
    struct ork_active *run; /* NULL: SCHEDULE */
    UT_hash_handle hh;
};

int ork_timers_open(ork_engine *e, ork_err *err) ORK_MUSTCHECK;
void ork_timers_arm(struct ork_active *a, int kind, uint32_t task, int64_t at_ms);
void ork_timers_disarm(struct ork_active *a, int kind, uint32_t task);
void ork_timers_look(ork_engine *e); /* what is due by the clock happens now */
void ork_timers_drop(struct ork_active *a);
void ork_timers_schedule(ork_engine *e, int64_t at_ms); /* the one timer of all schedules; 0: none */
#endif
