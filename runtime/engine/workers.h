/* SPDX-License-Identifier: MIT */
/* Functions of scripts, called by worker processes.
 *
 *   ready ──► waiting (by priority, then first come) ──feed──► member: QUEUED ─► STARTED ─► DONE ──► ork_call_end
 *                ▲                                               │       │
 *                └──── taken back: the head computes too long ◄──┘       └─► the worker dies: lost
 *                └──── the worker died before it began, or for another call
 *
 * Laws: for at most `jobs` workers that compute another begins; who waits is given one, unless that many compute,
 * however many sleep where nobody may join them (of those a bound is far away); a worker gets ahead what it does in
 * about 2 ms, so that nobody waits behind a long call while another worker is idle; what was not begun when a worker
 * dies goes back under the same attempt, uncharged; what was lost once runs alone next time, so that of those who were
 * lost together only the guilty one is lost again. Workers begin when there is something to do, and end when there was
 * nothing for a while. */
#ifndef ORK_ENGINE_WORKERS_H
#define ORK_ENGINE_WORKERS_H
#include "base/heap.h"
#include "engine/call.h"
#include "exec/worker/worker.h"

#define ORK_WORKERS_AHEAD 2048         /* attempts granted and not ended */
#define ORK_WORKERS_INPUTS (64u << 20) /* bytes of inputs above which no more are granted */
#define ORK_WORKERS_ASLEEP 8           /* times jobs: workers that only sleep and take nobody, of either kind */
#define ORK_WORKER_AHEAD_US 2000       /* of expected work that a worker is given at once */
#define ORK_WORKER_STALL_MS 50         /* it moved nothing: what waits behind its head goes to others */
#define ORK_WORKER_LOAD_MS 2000        /* beside that, while it loads a script */
#define ORK_WORKER_IDLE_MS 10000       /* then it ends */
#define ORK_WORKER_CALLS 250000        /* then another takes its place */
#define ORK_WORKER_STILLBORN 30 /* points of workers in a row that end before they are ready: none can be started */
#define ORK_WORKER_MEMORY_MB 1024
#define ORK_WORKER_UNSENT (1u << 20) /* bytes in its socket's queue: it gets no more */
#define ORK_WORKER_DEFINITIONS 8     /* that it has loaded, at most */

struct ork_member { /* a worker */
    ork_engine *engine;
    ork_worker *worker;
    uint64_t number;                          /* of its scheduler; no two have the same */
    struct ork_call *calls[ORK_WORKER_SLOTS]; /* borrowed; NULL: nobody waits for what is there */
    uint32_t generation[ORK_WORKER_SLOTS];
    bool used[ORK_WORKER_SLOTS], sleeps[ORK_WORKER_SLOTS];
    uint32_t busy, sleeping; /* slots used; of them asleep */
    bool said_hello;
    bool stalled; /* its head computes for long; until something ends it gets no more */
    bool alone;   /* a call that wants nobody beside it is here */
    bool retires; /* gets no more; ends when it has answered all */
    bool ended;   /* was told so */
    bool killed;  /* by us, for one call or because nobody waits: the others in it are innocent */
    uint64_t served;
    int64_t patience_ms; /* beside ORK_WORKER_STALL_MS: what it was given is large, and comes a piece at a time */
    int64_t loaded_ms;   /* waited for its loading of a script, since something last ended */
    int64_t moved_ms;    /* monotonic: when something last ended or came to an idle one */
    char definitions[ORK_WORKER_DEFINITIONS][65];
    uint32_t definitions_len;
    int scratch; /* owned: its stdout and stderr */
    struct ork_member *next;
};
struct ork_workers {
    ork_engine *engine;
    char *program;              /* owned; NULL: not looked for yet */
    struct ork_heap waiting[2]; /* [1]: those that are to be alone */
    struct ork_member *members; /* owned list */
    uint32_t len;
    uint64_t numbers, made; /* made: workers so far */
    size_t bytes;           /* of inputs of calls that did not end, from when they are built */
    uint32_t coming;        /* of these, that what they wait for is not durable yet */
    uint32_t stillborn;     /* points */
    uint32_t cores;
    int64_t idle_ms;
    uint32_t memory_mb;
    int64_t armed_ms;
    bool held; /* somebody waits */
    uv_timer_t timer;
};

/* workers.c: who calls what */
int ork_workers_may_start(ork_engine *e, const ork_workflow *w, ork_err *err) ORK_MUSTCHECK; /* EAGENT: no program */
int ork_workers_find(ork_engine *e, ork_err *err) ORK_MUSTCHECK;
void ork_workers_hold(ork_engine *e, struct ork_call *c); /* its input is in memory */
void ork_workers_ready(ork_engine *e, struct ork_call *c);
void ork_workers_expect(struct ork_active *a);            /* its calls come as soon as its rows are stored */
void ork_workers_back(ork_engine *e, struct ork_call *c); /* it was not begun: it waits again */
void ork_workers_feed(ork_engine *e);                     /* at the end of a turn */
bool ork_workers_full(const ork_engine *e);               /* of inputs: nothing is granted */
void ork_workers_forget(ork_engine *e, struct ork_call *c);
void ork_workers_leave(ork_engine *e, struct ork_call *c);
bool ork_workers_recall(ork_engine *e, struct ork_call *c); /* true: it was not begun, and is nowhere now */
void ork_workers_stop(ork_engine *e, struct ork_call *c, bool now);
int64_t ork_workers_left(ork_engine *e, const struct ork_call *c, int64_t timeout_ms); /* ms of its timeout */
void ork_workers_arm(ork_engine *e);
void ork_workers_broken(ork_engine *e, const char *why); /* what waits fails */
void ork_workers_close(ork_engine *e);                   /* drives the loop until they are gone */

static inline uint32_t ork_member_computing(const struct ork_member *m)
{
    return m->busy - m->sleeping;
}

/* member.c: one worker */
struct ork_member *ork_member_new(ork_engine *e, ork_err *err);
void ork_member_hand(struct ork_member *m, struct ork_call *c);           /* a slot is free */
void ork_member_expect(struct ork_member *m, const struct ork_active *a); /* it loads the functions of the run */
bool ork_member_revoke(struct ork_member *m, struct ork_call *c);
void ork_member_release(struct ork_member *m, uint32_t slot);
void ork_member_stall(struct ork_member *m);
void ork_member_retire(struct ork_member *m);
void ork_member_kill(struct ork_member *m);
bool ork_member_began(const struct ork_member *m, const struct ork_call *c);
#endif
