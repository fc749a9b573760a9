/* SPDX-License-Identifier: MIT */
/* Tasks with `workflow`: each attempt is a run of that workflow (a child), and the task waits for its end as others
 * wait for a time, by a deferred job.
 *
 *   GRANT ─► params are complete, the child has an id ─► one commit: running + the job's row, which names the child +
 * the child's row ─► the child begins, as any run ─► its end is stored ─► one commit: the task's end + the job's
 *
 * Laws: child and job are one commit, so an attempt never has two children and no child is forgotten. Whoever owns the
 * run of the task owns the child: nobody takes up a run that a task waits for, and who takes up that task's run claims
 * it. What happened to the child while nobody looked is read from its row. */
#ifndef ORK_ENGINE_SUB_H
#define ORK_ENGINE_SUB_H
#include "core/workflow.h"

#define ORK_SUB_MOST 100u /* runs that tasks of one run have at once, where nothing else is said */

struct ork_active;
struct ork_live;
struct ork_sub; /* a workflow that tasks of a run use, made ready; counted */
struct ork_rows;
struct ork_child; /* a run that is about to be created */

bool ork_sub_is(const ork_workflow *w, uint32_t task);
/* l->job: its `what` and `child`. EINVAL, ETYPE …: the inputs are no params of that workflow. */
int ork_sub_build(struct ork_active *a, struct ork_live *l, const json_t *params, json_t *input,
                  ork_err *err) ORK_MUSTCHECK;
void ork_sub_begin(struct ork_active *a, struct ork_live *l);  /* the job's row is in the batch: the child's too */
void ork_sub_attach(struct ork_active *a, struct ork_live *l); /* after a restart: what has become of the child? */
void ork_sub_rung(ork_engine *e);                              /* children that others held may be free, or ended */
void ork_sub_ended(struct ork_active *child);                  /* its end is stored */
enum ork_sub_stop { ORK_SUB_GO_ON, ORK_SUB_CANCELLED, ORK_SUB_TIMEOUT };
void ork_sub_stop(struct ork_active *a, struct ork_live *l, enum ork_sub_stop why);
void ork_sub_tell(struct ork_active *a, int event); /* PAUSE, RESUME: to the children of a, and theirs */
bool ork_sub_rest(const struct ork_active *a);      /* do all of them, after a PAUSE? */
struct ork_active *ork_sub_of(ork_engine *e, const struct ork_live *l); /* the child, if it is in our hands */
/* Does a task wait for that run? Then who is asked to go on with it has to go on with the run of that task. ESTATE. */
int ork_sub_may_claim(ork_engine *e, const char *run_id, ork_err *err) ORK_MUSTCHECK;
bool ork_sub_is_awaited(ork_engine *e, const ork_id *run);
/* The names of the tasks around it, outermost first: "load", "load > clean/2"; "?" for what is not ours. */
void ork_sub_within(const struct ork_active *child, char *out, size_t cap);
void ork_sub_fini(struct ork_active *a);
void ork_sub_drop_child(struct ork_child *c); /* it was not begun; NULL is fine */

/* doc_job.c: whose run it is; the run of a task */
int ork_doc_child(ork_engine *e, const struct ork_rows *task, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
int ork_doc_parent(ork_engine *e, const ork_id *run, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;

/* child.c, for sub.c and reclaim.c */
/* The attempt that waits for a run; NULL: none does (any more). */
struct ork_live *ork_sub_waiting(ork_engine *e, const ork_id *parent_task, const ork_id *run, struct ork_active **a);
void ork_sub_cancel(struct ork_active *child, bool kill, const char *why);
/* It is in our hands: it stands as the run of its task does. */
void ork_sub_join(struct ork_active *a, const struct ork_live *l, struct ork_active *child);
/* Its end is that of the attempt. output: its JSON; NULL none. */
void ork_sub_settle(struct ork_active *a, struct ork_live *l, int status, const char *output, const char *error);
void ork_sub_fail(struct ork_active *a, struct ork_live *l, int status, const char *error);
void ork_sub_claim(struct ork_active *a, struct ork_live *l, const ork_id *run); /* reclaim.c */
#endif
