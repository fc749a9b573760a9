/* SPDX-License-Identifier: MIT */
/* One run as a state machine: events in, effects out. No I/O, no clock, no allocation per event beyond the effects
 * vector. Each event costs what it changes. The same code runs in production, under the simulator and in users' tests.
 *
 * Life of a task:  pending --(rule decided)--> READY effect --(GRANT)--> dispatched --(STARTED)--> running
 * --(EXITED)--> final or, when its retry policy says so, pending with retry_at and an ARM effect --(RETRY_DUE)--> READY
 * again. The engine persists every CHANGED task before it carries out what depends on it (law 1). */
#ifndef ORK_CORE_RUN_H
#define ORK_CORE_RUN_H
#include "core/retry.h"
#include "core/workflow.h"

struct ork_run_task {
    uint8_t status;            /* enum ork_task_status */
    uint8_t kind;              /* enum ork_kind of the last failure */
    uint8_t flags;             /* ORK_RT_* */
    uint16_t failures;         /* column attempts: counted failures, reset by retry */
    uint16_t lost;             /* column lost */
    uint32_t attempt;          /* column attempt: the fence, +1 per dispatch, never reset */
    uint32_t unmet;            /* dependencies that are not final yet */
    uint32_t ok, bad, skipped; /* final dependencies by outcome: success; failed or cancelled; skipped */
    uint32_t cause;            /* skipped: the task whose end was the first reason, ORK_NO_TASK none; else unused */
    int64_t retry_at_ms;       /* > 0 from a failure until the next dispatch */
};
#define ORK_RT_READY 1u   /* READY was emitted and not answered: it is in the engine's queue */
#define ORK_RT_KILLING 2u /* KILL was emitted for the current attempt */
#define ORK_RT_JUDGED 4u  /* its `when` was true: a retry does not ask again */
#define ORK_RT_SPREAD 8u  /* within a step: it became final and its dependents do not know yet */

struct ork_run {
    const ork_workflow *workflow; /* counted reference */
    struct ork_run_task *tasks;   /* owned, one per definition */
    uint32_t n, live;             /* tasks; tasks dispatched or running */
    uint32_t open;                /* tasks that are not final and not `finally` */
    bool gate;                    /* open > 0: counted as one unmet dependency in each `finally` task */
    uint32_t final[8];            /* tasks by final status, indexed by enum ork_task_status */
    uint8_t status;               /* enum ork_run_status */
    bool cancelling;              /* cancel or run_timeout or fail_fast happened: only `always` tasks may start */
    uint8_t cancel_reason;        /* enum ork_run_cancel */
    bool killed;                  /* second cancel: `always` tasks are stopped too */
    uint8_t *outside;             /* owned; NULL: all of the definition is part of this run (ork_run_leave_out) */
};
enum ork_run_cancel { ORK_CANCEL_NONE, ORK_CANCEL_USER, ORK_CANCEL_TIMEOUT, ORK_CANCEL_FAIL_FAST };

enum ork_event_type {
    ORK_EV_START,   /* run pending → running; roots become ready */
    ORK_EV_RESTORE, /* after status, attempt, failures, lost, retry_at of tasks[] and status, cancelling, cancel_reason,
                     * killed of the run were filled from rows: the rest is rebuilt, and what the crash left undone
                     * follows: CHANGED (skips, cancels), READY, ARM, RUN_CHANGED as due. Live tasks stay live; in a
                     * cancelling run KILL, in a paused run RECALL is emitted for them again */
    ORK_EV_GRANT,   /* task: a slot is free and inputs are there: attempt + 1, → dispatched */
    ORK_EV_STARTED, /* task, attempt: START received */
    ORK_EV_EXITED,  /* task, attempt, ok | failure: the attempt ended and nothing of it lives. Also from
                     * pending-at-dispatch failures after GRANT.  After a KILL the task is cancelled however it exited
                     * (protocols.md: cancel before exit) */
    ORK_EV_RECALLED,   /* task, attempt: never started: dispatched → pending; the attempt number stays used */
    ORK_EV_WHEN_FALSE, /* task: → skipped */
    ORK_EV_RETRY_DUE,  /* task: its retry_at came */
    ORK_EV_REJECT, /* task not live: fails before any attempt started (e.g. queue_timeout); failure given; follows the
                      retry policy like an exit; task must be READY */
    ORK_EV_PAUSE,
    ORK_EV_RESUME, /* RESUME also frees tasks that a taken-over database holds as paused */
    ORK_EV_CANCEL, /* reason; a second one by USER kills `always` tasks too: KILL comes again for every live task, now
                      without grace */
    ORK_EV_RETRY   /* run failed|cancelled (or success with from) → running, with a fresh budget of failures and lost.
                    * ORK_NO_TASK: failed, skipped,   cancelled tasks → pending. task: it, and what was skipped or
                    * cancelled   after it. task and from: it and all after it, successes too. With any ordinary
                    * task every `finally` task runs again, also one that succeeded */
};
#define ORK_NO_TASK UINT32_MAX

struct ork_event {
    int type;
    uint32_t task, attempt;
    bool ok;                    /* EXITED */
    bool from;                  /* RETRY, see there */
    int reason;                 /* CANCEL: enum ork_run_cancel */
    struct ork_failure failure; /* EXITED, REJECT when !ok */
    int64_t retry_after_ms;     /* EXITED: > 0 overrides the policy's delay; -1 forbids a retry */
    int64_t now_ms;
    uint64_t random;
};

enum ork_effect_type {
    ORK_FX_CHANGED,     /* task: its row differs: status, attempt, failures, lost, retry_at, kind */
    ORK_FX_READY,       /* task: wants a slot; answered by GRANT, WHEN_FALSE, REJECT, or withdrawn by UNREADY */
    ORK_FX_UNREADY,     /* task: take it out of the queue (pause, cancel) */
    ORK_FX_RECALL,      /* task, attempt: dispatched but perhaps not started: ask for it back; answered by RECALLED or
                           STARTED/EXITED */
    ORK_FX_KILL,        /* task, attempt: end it; answered by EXITED */
    ORK_FX_ARM,         /* task, at_ms: send RETRY_DUE then */
    ORK_FX_DISARM,      /* task */
    ORK_FX_RUN_CHANGED, /* its row differs: status, cancel_reason, killed; once, at the end of a step */
    ORK_FX_SKIPPED      /* task, cause: the task whose end decided it (for the reason text); comes with CHANGED */
};
struct ork_effect {
    int type;
    uint32_t task, attempt, cause;
    int64_t at_ms;
};
struct ork_effects {
    struct ork_effect *items; /* owned */
    size_t len, cap;
};
void ork_effects_fini(struct ork_effects *fx);

void ork_run_init(struct ork_run *r, const ork_workflow *w); /* all pending, attempt 0; takes a reference */
void ork_run_fini(struct ork_run *r);
/* Before START or RESTORE. outside: taken, by malloc, one byte per task, 1: it is no part of this run. Such a task is
 * skipped at the start (or has its success from elsewhere), nothing runs it again, and who depends on it does not wait
 * for it: for the rules that dependency is not there. */
void ork_run_leave_out(struct ork_run *r, uint8_t *outside);
/* Appends effects. 0; ORK_ESTATE: not allowed now, nothing changed; ORK_EINVAL: stale attempt (fence) or unknown task,
 * nothing changed: drop it. */
int ork_run_step(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx) ORK_MUSTCHECK;
/* Why a pending task is not ready: fills up to cap numbers of dependencies that are not final; returns how many there
 * are. */
uint32_t ork_run_waits_for(const struct ork_run *r, uint32_t task, uint32_t *deps, uint32_t cap);
/* For tests and debug builds: recounts everything from scratch and compares; NULL or what differs. */
const char *ork_run_check(const struct ork_run *r);
#endif
