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
    uint8_t status;    /* enum ork_task_status */
    uint8_t kind;      /* enum ork_kind of the last failure */
    uint8_t flags;     /* ORK_RT_* */
    bool stored;       /* an item that has a row, or will by the next commit; filled in by who loads and stores it */
    uint16_t failures; /* column attempts: counted failures, reset by retry */
    uint16_t lost;     /* column lost */
    uint32_t attempt;  /* column attempt: the fence, +1 per dispatch, never reset */
    uint32_t unmet;    /* dependencies that are not final yet */
    uint32_t ok, bad, skipped; /* final dependencies by outcome: success; failed or cancelled; skipped */
    uint32_t cause;            /* skipped: the task whose end was the first reason, ORK_NO_TASK none; else unused */
    uint32_t fan;        /* index into the run's fans + 1: whose items those are, or the one it is an item of; 0 */
    int64_t retry_at_ms; /* > 0 from a failure until the next dispatch */
};
#define ORK_RT_READY 1u   /* READY was emitted and not answered: it is in the engine's queue */
#define ORK_RT_KILLING 2u /* KILL was emitted for the current attempt */
#define ORK_RT_JUDGED 4u  /* its `when` was true: a retry does not ask again */
#define ORK_RT_SPREAD 8u  /* within a step: it became final and its dependents do not know yet */

/* The items of a task that is done once per element of a list. They stand behind the tasks of the definition and are
 * tasks themselves: attempts, retries, kills are the same. Their task is `running` from the expansion until the last
 * item that may run is final; no attempt is its own. Items are let loose in order, so that no more than a window of
 * them is in the engine's queue; one that never began has no row and is no effect. */
struct ork_run_fan {
    uint32_t task;         /* whose items these are; ORK_NO_TASK: nobody's any more */
    uint32_t of;           /* whose they were made for */
    uint32_t first, count; /* places in tasks[] */
    uint32_t number;       /* task_index of the first one in the database */
    uint32_t max_failed;   /* more than so many failed items fail the task */
    uint32_t next;         /* items before this one were let loose */
    uint32_t ready;        /* of those: in the engine's queue */
    uint32_t left;         /* of those: not final, and may still run */
    uint32_t kept;         /* failed before they were let loose: a retry of another one left them so */
    uint32_t final[8];     /* items by final status */
    bool closed;           /* no other item starts: too many failed, or the run is being cancelled */
};
#define ORK_FAN_MAX 100000u /* items of one task */
#define ORK_FAN_WINDOW 512u /* items in the engine's queue at once */

struct ork_run {
    const ork_workflow *workflow; /* counted reference */
    struct ork_run_task *tasks;   /* owned, one per definition, and behind them the items */
    uint32_t n, len;              /* tasks of the definition; with all items */
    uint32_t live;                /* dispatched or running, items too; not a task that only waits for its items */
    struct ork_run_fan *fans;     /* owned */
    uint32_t fans_len;
    uint32_t open;         /* tasks that are not final and not `finally` */
    bool gate;             /* open > 0: counted as one unmet dependency in each `finally` task */
    uint32_t final[8];     /* tasks by final status, indexed by enum ork_task_status; items are not counted */
    uint8_t status;        /* enum ork_run_status */
    bool cancelling;       /* cancel or run_timeout or fail_fast happened: only `always` tasks may start */
    uint8_t cancel_reason; /* enum ork_run_cancel */
    bool killed;           /* second cancel: `always` tasks are stopped too */
    uint8_t *outside;      /* owned; NULL: all of the definition is part of this run (ork_run_leave_out) */
};
enum ork_run_cancel { ORK_CANCEL_NONE, ORK_CANCEL_USER, ORK_CANCEL_TIMEOUT, ORK_CANCEL_FAIL_FAST };

enum ork_event_type {
    ORK_EV_START,   /* run pending → running; roots become ready */
    ORK_EV_RESTORE, /* after status, attempt, failures, lost, retry_at of tasks[] and status, cancelling, cancel_reason,
                     * killed of the run were filled from rows: the rest is rebuilt, and what the crash left undone
                     * follows: CHANGED (skips, cancels), READY, ARM, RUN_CHANGED as due. Live tasks stay live; in a
                     * cancelling run KILL, in a paused run and where too many items failed RECALL is emitted for them
                     * again */
    ORK_EV_EXPANDED,   /* task: has so many items (count, number, max_failed), each a task from now on. Must be READY. A
                        * task that has its items already (a retry keeps them) goes on with those: count is not looked at
                        */
    ORK_EV_GRANT,      /* task: a slot is free and inputs are there: attempt + 1, → dispatched */
    ORK_EV_STARTED,    /* task, attempt: START received */
    ORK_EV_EXITED,     /* task, attempt, ok | failure: the attempt ended and nothing of it lives. Also from
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
    ORK_EV_RETRY /* run failed|cancelled (or success with from or an item) → running, with a fresh budget of failures
                  * and lost. ORK_NO_TASK: failed, skipped,   cancelled tasks → pending. task: it, and what was skipped
                  * or cancelled   after it. task and from: it and all after it, successes too. With any ordinary task
                  * every `finally` task runs again, also one that succeeded. Items: of a task that runs again those
                  * that did not succeed; an item given: it, and what was skipped or cancelled, not the others that
                  * failed; all of them, by a new list, when what the task gets may be another or it is `from` */
};
#define ORK_NO_TASK UINT32_MAX

struct ork_event {
    int type;
    uint32_t task, attempt;
    bool ok;                            /* EXITED */
    bool from;                          /* RETRY, see there */
    int reason;                         /* CANCEL: enum ork_run_cancel */
    struct ork_failure failure;         /* EXITED, REJECT when !ok */
    uint32_t count, number, max_failed; /* EXPANDED */
    int64_t retry_after_ms;             /* EXITED, REJECT: > 0 overrides the policy's delay; -1 forbids a retry */
    int verdict; /* EXITED: what a function said of a retry: 1 yes, -1 no; 0: the policy decides */
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
    ORK_FX_SKIPPED,     /* task, cause: the task whose end decided it (for the reason text); comes with CHANGED. cause
                         * is the item's own task: too many others failed; an item without: its task ended so. It is the
                         * task itself: all its items were skipped */
    ORK_FX_UNMAPPED     /* task: its items are nobody's any more; it gets others. Before its CHANGED */
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
/* Would a function have to be asked whether this failure of a live attempt is tried again? Not when nothing it says
 * would change anything. */
bool ork_run_asks(const struct ork_run *r, const struct ork_event *ev);
/* ---- items ---- */
/* The definition of a task, or of the task whose item it is. */
uint32_t ork_run_no(const struct ork_run *r, uint32_t task);
const struct ork_task_def *ork_run_def(const struct ork_run *r, uint32_t task);
bool ork_run_is_item(const struct ork_run *r, uint32_t task);
uint32_t ork_run_item(const struct ork_run *r, uint32_t task); /* its place in the list, from 1; 0: no item */
/* The items a task has now; NULL none. */
const struct ork_run_fan *ork_run_fan(const struct ork_run *r, uint32_t task);
/* Does anything of it differ from a task that never began? Such an item has no row. */
bool ork_run_is_fresh(const struct ork_run *r, uint32_t task);
/* Dispatched, and to be taken back if it has not started: RECALL was emitted for it. */
bool ork_run_is_unwanted(const struct ork_run *r, uint32_t task);
/* Before RESTORE: the items of a task, as its row says; their own fields are filled in after it. */
void ork_run_add_fan(struct ork_run *r, uint32_t task, uint32_t number, uint32_t count, uint32_t max_failed);
/* Before RESTORE: so many of them had failed before their task began to run, the last time. */
void ork_run_keep_failed(struct ork_run *r, uint32_t task, uint32_t kept);
/* By task_index as it is stored, and back; ORK_NO_TASK: no task of this run has it. */
uint32_t ork_run_number(const struct ork_run *r, uint32_t task);
uint32_t ork_run_by_number(const struct ork_run *r, uint32_t number);

/* Why a pending task is not ready: fills up to cap numbers of dependencies that are not final; returns how many there
 * are. */
uint32_t ork_run_waits_for(const struct ork_run *r, uint32_t task, uint32_t *deps, uint32_t cap);
/* For tests and debug builds: recounts everything from scratch and compares; NULL or what differs. */
const char *ork_run_check(const struct ork_run *r);
#endif
