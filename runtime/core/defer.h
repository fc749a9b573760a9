/* SPDX-License-Identifier: MIT */
/* What a task with `wait` waits for, as a value: made when the task starts, kept in a row of deferred_jobs, read back
 * after a restart. Pure. Law: every instant is fixed once, when the task starts, and is read from the row ever after;
 * so no restart makes a wait longer.
 *
 *   params.wait                          service_type   job_data (all with "attempt")
 *   {"ms": N}, {"at": E}                 timer          "due"
 *   {"approval": E}                      approval       "text"; decided: "by", "comment"
 *   {"poll": true, "every_ms": N}        poll           "every_ms", "due" (asked next), "asked"
 *   {"executor": "x", "every_ms": N, "cancel": true}
 *                                        executor       as poll, and "text" (its name), "handle" (once it was started)
 *   a run of params.workflow             run            "run" (its id), "workflow" */
#ifndef ORK_CORE_DEFER_H
#define ORK_CORE_DEFER_H
#include "core/expr.h"

enum ork_defer_type { ORK_DEFER_TIMER, ORK_DEFER_APPROVAL, ORK_DEFER_POLL, ORK_DEFER_RUN, ORK_DEFER_EXECUTOR };
#define ORK_DEFER_EVERY_MS 60000 /* between two calls of a poll, where nothing is said */
#define ORK_DEFER_LEAST_MS 1000

struct ork_defer {
    int type;         /* enum ork_defer_type */
    int64_t due_ms;   /* timer: its end; poll: the next call; others: 0 */
    int64_t every_ms; /* poll */
    int64_t asked;    /* poll: calls so far */
    char *text;       /* owned: approval: the question; executor: its name; run: its workflow */
    char *run;        /* owned: run: its id as text */
    char *handle;     /* owned: executor: what start returned, as JSON; NULL: it was not started, as far as is known */
    bool cancels;     /* executor: it has a function for that */
};

const char *ork_defer_name(int type); /* "timer" … */
/* From params.wait and the clock. A fixed time without an offset is one of the scope's zone. EDEF, EINVAL: it says no
 * time; ENOVALUE: a reference has no value. On failure *d holds nothing. */
int ork_defer_init(struct ork_defer *d, const json_t *wait, const struct ork_scope *s, int64_t now_ms,
                   ork_err *err) ORK_MUSTCHECK;
/* From its row. ECORRUPT: it is none of ours. */
int ork_defer_read(struct ork_defer *d, const char *type, const char *data, uint32_t *attempt,
                   ork_err *err) ORK_MUSTCHECK;
/* Its job_data, canonical. decision: {by, comment} of an approval, or NULL. */
int ork_defer_data(const struct ork_defer *d, uint32_t attempt, const json_t *decision, struct ork_buf *out,
                   ork_err *err) ORK_MUSTCHECK;
/* A poll (of an executor, too) said "not yet": the next call is at the first of its instants (its first call, and every
 * `every` after it) that is after now. */
void ork_defer_next(struct ork_defer *d, int64_t now_ms);
void ork_defer_fini(struct ork_defer *d);
#endif
