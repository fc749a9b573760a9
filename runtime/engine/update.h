/* SPDX-License-Identifier: MIT */
/* Moving a run to another definition: what becomes of each task (update_plan.c), and how it gets there (update.c). */
#ifndef ORK_ENGINE_UPDATE_H
#define ORK_ENGINE_UPDATE_H
#include "engine/engine.h"

struct ork_update_row {
    ork_id id;
    int64_t index;        /* its place now; < 0: aside */
    int64_t first, count; /* of its items; count < 0: it has none */
    uint32_t no;          /* its place to be; ORK_NO_TASK: none, the new definition has no such task */
    bool waits;           /* under way without a process: a wait, a run of a workflow, or items that may be */
};
struct ork_update {
    ork_id wish;
    struct ork_update_row *rows; /* owned: those that are there */
    size_t rows_len;
    ork_id *ids;     /* owned; per task: of its row, zero: a new one */
    uint8_t *status; /* owned; per task: of its row, pending without one */
    uint8_t *again;  /* owned; per task: enum ork_again */
    uint8_t *waits;  /* owned; per task: it waits, and goes on with that unless it runs again */
    uint8_t *ends;   /* owned; by place now: it waits, and what it waits for has to end first. NULL: none does */
    uint32_t ends_len;
    uint8_t *outside;     /* owned; per task: no part of the run; NULL: all are */
    uint8_t *same;        /* owned; per task: nothing of its row changes */
    uint32_t next;        /* the first number that no id has */
    size_t parked, reset; /* rows */
    int64_t items;        /* of the row `reset` that are pending again */
    uint32_t defined;     /* how far the tasks were brought */
};

/* Pending, whatever it was; of a task with items whose list is the same: only what did not succeed. */
enum ork_again { ORK_AGAIN_NOT, ORK_AGAIN_WHOLE, ORK_AGAIN_ITEMS };

struct ork_update_plan {
    ork_engine *engine;
    ork_id run;
    const ork_workflow *old, *now; /* borrowed. old NULL: unknown, then every task has changed */
    const json_t *params;          /* borrowed: names of params that changed */
    const json_t *part;            /* borrowed: of which the run is; NULL: all */
    const char *from;              /* borrowed: this task and all after it run again; NULL none */
    bool keep;                     /* what succeeded stays, also where its definition changed */
    /* outcome */
    uint32_t runs, kept;                 /* tasks that run, and that stay as they are */
    json_t *changed, *fresh, *gone;      /* owned, names: run again because their definition changed; new; no more */
    json_t *stale;                       /* owned, names: kept though their definition changed */
    uint32_t changed_n, fresh_n, gone_n; /* how many; of names only the first are listed */
    uint32_t stale_n;
};
/* Reads the run's rows and decides. *out is the caller's (ork_update_free). ENOTFOUND: no task `from`; ESTATE:
 * something of the run is under way, or its rows are another program's. */
int ork_update_plan(struct ork_update_plan *p, struct ork_update **out, ork_err *err) ORK_MUSTCHECK;
void ork_update_plan_fini(struct ork_update_plan *p);
/* Nothing of the run may start; for a run that is about to move. Its row stays as it was. */
void ork_update_stop(struct ork_active *a);
char *ork_update_report(const struct ork_update_plan *p,
                        ork_err *err); /* JSON, see ork_run_update; NULL: out of words */
#endif
