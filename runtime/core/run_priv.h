/* SPDX-License-Identifier: MIT */
/* Inside of a run; for the run files of core only.
 *
 * A step in three parts: the event changes what it names; ork_run_spread carries every end on to the tasks that wait
 * for it; the run itself ends when nothing is left. The effects vector is the work list of the middle part, so a chain
 * of any length needs neither recursion nor memory of its own. */
#ifndef ORK_CORE_RUN_PRIV_H
#define ORK_CORE_RUN_PRIV_H
#include "core/run.h"
#include "core/state.h"

#define ORK_RT_MARK 16u    /* within a retry: will be reset */
#define ORK_RT_DROPPED 32u /* an item that was let loose and will not begin any more */

enum ork_verdict { ORK_VERDICT_WAIT, ORK_VERDICT_RUN, ORK_VERDICT_SKIP };

struct ork_effect *ork_effects_add(struct ork_effects *fx, int type, uint32_t task);

/* What the rule says with the dependencies as they are. Monotone: once RUN or SKIP, later ends do not change it. */
enum ork_verdict ork_run_judge(const struct ork_run *r, uint32_t task);
bool ork_run_is_waiting(const struct ork_run *r, uint32_t task); /* pending or paused */
bool ork_run_is_live(const struct ork_run *r, uint32_t task);    /* dispatched or running */
bool ork_run_is_doomed(const struct ork_run *r,
                       uint32_t task); /* the run is being cancelled and this task may not run */
bool ork_run_is_finally(const struct ork_run *r, uint32_t task);
bool ork_run_is_outside(const struct ork_run *r, uint32_t task);
bool ork_run_is_over(const struct ork_run *r); /* every task is final */
uint32_t ork_run_cause(const struct ork_run *r, uint32_t task);

void ork_run_move(struct ork_run *r, uint32_t task,
                  int to); /* the only writer of a status; keeps live, open and final */
void ork_run_end(struct ork_run *r, uint32_t task, int status, struct ork_effects *fx);
void ork_run_spread(struct ork_run *r, struct ork_effects *fx, size_t from); /* from: first effect of this step */
/* Skips it, cancels it, or makes it ready when it is time for that. arm: also (re)start the clock of its retry. */
void ork_run_consider(struct ork_run *r, uint32_t task, bool arm, struct ork_effects *fx);
void ork_run_withdraw(struct ork_run *r, uint32_t task, struct ork_effects *fx); /* takes READY or ARM back */
void ork_run_recount(struct ork_run *r);                              /* counts of tasks and run from the statuses */
void ork_run_set_ready(struct ork_run *r, uint32_t task, bool ready); /* the only writer of ORK_RT_READY */
void ork_run_kill(struct ork_run *r, uint32_t task, struct ork_effects *fx);

/* run_fan.c */
struct ork_run_fan *ork_run_fan_of(const struct ork_run *r, uint32_t item);
bool ork_run_is_parent(const struct ork_run *r, uint32_t task); /* it has items */
bool ork_run_may_begin(const struct ork_run *r, uint32_t item); /* let loose, of a task that takes new ones */
int ork_run_expanded(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx);
void ork_run_feed(struct ork_run *r, struct ork_run_fan *f,
                  struct ork_effects *fx); /* lets loose what there is room for */
void ork_run_settle(struct ork_run *r, struct ork_run_fan *f, struct ork_effects *fx); /* an item of it ended */
void ork_run_drop_item(struct ork_run *r, uint32_t item, struct ork_effects *fx);      /* it will not begin (again) */
void ork_run_end_items(struct ork_run *r, uint32_t task,
                       struct ork_effects *fx); /* its task is final: none that has a row stays pending */
void ork_run_recount_fan(struct ork_run *r, struct ork_run_fan *f);
void ork_run_pause_fans(struct ork_run *r, struct ork_effects *fx);
void ork_run_resume_fans(struct ork_run *r, struct ork_effects *fx, bool arm);
void ork_run_cancel_fans(struct ork_run *r, struct ork_effects *fx);
void ork_run_restore_fans(struct ork_run *r, struct ork_effects *fx);
void ork_run_reset_items(struct ork_run *r, uint32_t task, uint32_t only, struct ork_effects *fx);
void ork_run_unmap(struct ork_run *r, uint32_t task, struct ork_effects *fx);

int ork_run_pause(struct ork_run *r, struct ork_effects *fx);
int ork_run_resume(struct ork_run *r, struct ork_effects *fx);
int ork_run_cancel_all(struct ork_run *r, int reason, struct ork_effects *fx);
int ork_run_retry(struct ork_run *r, uint32_t task, bool from, struct ork_effects *fx);
int ork_run_restore(struct ork_run *r, struct ork_effects *fx);
#endif
