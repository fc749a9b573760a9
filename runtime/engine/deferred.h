/* SPDX-License-Identifier: MIT */
/* Tasks that wait without a process and without a slot: a deferred job each, a row that says until when, or for whom.
 *
 *   GRANT ─► built: its instants are fixed ─► one commit: running + the job's row ─► a timer of the wall clock, or
 * nothing but the bell of an approval ─► one commit: result + the job's end
 *
 * Laws: what a wait waits for is durable before it counts as begun, and is read from its row after a restart, never
 * computed again; its end and its task's end are one commit; it holds no place of jobs, max_parallel or pools. */
#ifndef ORK_ENGINE_DEFERRED_H
#define ORK_ENGINE_DEFERRED_H
#include "core/defer.h"
#include "core/workflow.h"
#include "engine/turns.h"

struct ork_active;
struct ork_live;

struct ork_deferred { /* owned by its live attempt */
    ork_id id;
    struct ork_defer what;
    int64_t limit_ms; /* its timeout as an instant; 0: none */
    int64_t polled_ms;
    char *error;             /* owned: what the last call failed of; NULL nothing */
    bool starting;           /* executor: start was called, or is about to be */
    char *ending;            /* owned: executor: it is being cancelled, and of what it ended; NULL: it is not */
    int ends;                /* enum ork_kind, with `ending` */
    json_t *decision;        /* owned: {by, comment} once it is decided; NULL */
    struct ork_child *child; /* owned: the run it will wait for, until that is in a batch; NULL */
    bool lost;               /* a call of it was, with its worker: it is alone from then on */
    bool busy;               /* that run is being created or claimed */
    struct ork_turn turn;    /* to have the inputs of its function read */
    int stop;                /* enum ork_sub_stop: why that run is cancelled */
};

bool ork_deferred_is(const ork_workflow *w, uint32_t task);
int ork_deferred_build(struct ork_active *a, struct ork_live *l, const json_t *params, ork_err *err) ORK_MUSTCHECK;
void ork_deferred_begin(struct ork_active *a, struct ork_live *l);       /* it was granted: it waits from now on */
int ork_deferred_load(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* what the run's tasks waited for */
void ork_deferred_put(struct ork_active *a, const struct ork_live *l);   /* its row, as its task is */
void ork_deferred_committed(struct ork_active *a, uint32_t task, uint32_t attempt);  /* its row is durable */
void ork_deferred_succeed(struct ork_active *a, struct ork_live *l, json_t *output); /* output: taken; NULL none */
/* Not yet, or asking failed: it is asked again. A crash before this is stored asks at the same instant again. */
void ork_deferred_later(struct ork_active *a, struct ork_live *l, const char *error);
void ork_deferred_due(struct ork_active *a, uint32_t task);  /* its instant has come */
void ork_deferred_over(struct ork_active *a, uint32_t task); /* its timeout has */
void ork_deferred_timed_out(struct ork_active *a, struct ork_live *l);
void ork_deferred_kill(struct ork_active *a, struct ork_live *l, bool now);
void ork_deferred_free(struct ork_active *a, struct ork_live *l);
/* A wish `approve` or `reject`: what became of it, in *outcome. */
void ork_deferred_decide(struct ork_active *a, bool yes, const char *args, struct ork_buf *outcome);
/* May such a wish be left? *task: whose. EINVAL, ENOTFOUND; ESTATE: it waits for no approval, or was decided already.
 */
int ork_deferred_may_decide(ork_engine *e, const ork_id *run, const char *args, ork_id *task,
                            ork_err *err) ORK_MUSTCHECK;
char *ork_deferred_text(const struct ork_deferred *d); /* "waits for approval: Ship?"; owned by the caller */
#endif
