/* SPDX-License-Identifier: MIT */
/* What people ask of a run: pause, resume, cancel, retry; and taking it up again after a crash. These look at every
 * task once (a person asks rarely); the events of tasks never do. Law: what is refused changes nothing. */
#include "core/run_priv.h"

int ork_run_pause(struct ork_run *r, struct ork_effects *fx)
{
    if ((r->status != ORK_RUN_RUNNING && r->status != ORK_RUN_PENDING) || r->cancelling)
        return ORK_ESTATE;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->tasks[i].status == ORK_TASK_DISPATCHED)
            ork_effects_add(fx, ORK_FX_RECALL, i)->attempt = r->tasks[i].attempt;
        else
            ork_run_withdraw(r, i, fx);
    }
    ork_run_pause_fans(r, fx);
    r->status = ORK_RUN_PAUSED;
    return 0;
}

static bool holds_paused(const struct ork_run *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->tasks[i].status == ORK_TASK_PAUSED)
            return true;
    return false;
}

static void release(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    if (r->tasks[task].status != ORK_TASK_PAUSED)
        return;
    ork_run_move(r, task, ORK_TASK_PENDING);
    ork_effects_add(fx, ORK_FX_CHANGED, task);
}

int ork_run_resume(struct ork_run *r, struct ork_effects *fx)
{
    if (r->status != ORK_RUN_PAUSED && (r->status != ORK_RUN_RUNNING || !holds_paused(r)))
        return ORK_ESTATE;
    const bool arm = r->status == ORK_RUN_PAUSED;
    r->status = ORK_RUN_RUNNING;
    for (uint32_t i = 0; i < r->n; i++) {
        release(r, i, fx);
        ork_run_consider(r, i, arm, fx);
    }
    ork_run_resume_fans(r, fx, arm);
    return 0;
}

void ork_run_kill(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    r->tasks[task].flags |= ORK_RT_KILLING;
    ork_effects_add(fx, ORK_FX_KILL, task)->attempt = r->tasks[task].attempt;
}

int ork_run_cancel_all(struct ork_run *r, int reason, struct ork_effects *fx)
{
    const bool paused = r->status == ORK_RUN_PAUSED;

    if (reason <= ORK_CANCEL_NONE || reason > ORK_CANCEL_FAIL_FAST)
        return ORK_EINVAL;
    if (ork_run_is_final(r->status) || (r->cancelling && (r->killed || reason != ORK_CANCEL_USER)))
        return ORK_ESTATE;
    if (r->cancelling) {
        r->killed = true;
    } else {
        r->cancelling = true;
        r->cancel_reason = (uint8_t)reason;
        r->killed = r->status == ORK_RUN_PENDING; /* nothing ran: there is nothing to tidy up either */
    }
    for (uint32_t i = 0; i < r->n; i++) {
        if (!ork_run_is_doomed(r, i))
            release(r, i, fx); /* nobody resumes a run that is being cancelled */
        else if (ork_run_is_live(r, i))
            ork_run_kill(r, i, fx);
        else
            ork_run_consider(r, i, false, fx);
    }
    ork_run_cancel_fans(r, fx);
    if (paused)
        r->status = ORK_RUN_RUNNING;
    for (uint32_t i = 0; i < r->n; i++)
        ork_run_consider(r, i, paused, fx);
    if (paused)
        ork_run_resume_fans(r, fx, true);
    return 0;
}

/* ---- retry ------------------------------------------------------------------------------------ */

static bool follows_marked(const struct ork_run *r, uint32_t task)
{
    const struct ork_csr *deps = ork_workflow_deps(r->workflow);

    for (uint32_t e = deps->first[task]; e < deps->first[task + 1]; e++)
        if (r->tasks[deps->to[e]].flags & ORK_RT_MARK)
            return true;
    return false;
}

static bool is_wanted(const struct ork_run *r, uint32_t i, uint32_t task, bool from, bool item, bool any_ordinary)
{
    const int status = r->tasks[i].status;

    if (!ork_task_is_final(status))
        return true; /* a run that failed before it began */
    if (ork_run_is_outside(r, i))
        return false;
    if (i == task)
        return from || item || status != ORK_TASK_SUCCESS;
    if (any_ordinary && ork_run_is_finally(r, i))
        return true; /* it tidies up after what runs again, too */
    if (from)
        return follows_marked(r, i);
    if (status == ORK_TASK_SUCCESS)
        return false;
    return task == ORK_NO_TASK || (status != ORK_TASK_FAILED && follows_marked(r, i));
}

/* Sets ORK_RT_MARK on what is to be run again; how many. item: it is one of the task's, which may have succeeded. */
static uint32_t mark(struct ork_run *r, uint32_t task, bool from, bool item)
{
    const uint32_t *order = ork_workflow_order(r->workflow);
    uint32_t marked = 0;
    bool any_ordinary = false;

    for (uint32_t k = 0; k < r->n; k++) {
        uint32_t i = order[k];
        if (!is_wanted(r, i, task, from, item, any_ordinary))
            continue;
        r->tasks[i].flags |= ORK_RT_MARK;
        any_ordinary |= !ork_run_is_finally(r, i);
        marked++;
    }
    return marked;
}

/* item: of the items only that one; ORK_NO_TASK: what did not succeed. */
static void reset(struct ork_run *r, uint32_t task, uint32_t item, bool from, struct ork_effects *fx)
{
    const struct ork_csr *out = ork_workflow_dependents(r->workflow);
    struct ork_run_task *t = &r->tasks[task];
    const int was = t->status;

    if (ork_run_is_parent(r, task)) {
        if ((was == ORK_TASK_SUCCESS && item == ORK_NO_TASK) || from || follows_marked(r, task))
            ork_run_unmap(r, task, fx);
        else
            ork_run_reset_items(r, task, item, fx);
    }
    if (ork_task_is_final(was)) {
        for (uint32_t e = out->first[task]; e < out->first[task + 1]; e++) {
            struct ork_run_task *d = &r->tasks[out->to[e]];
            d->unmet++;
            d->ok -= was == ORK_TASK_SUCCESS;
            d->skipped -= was == ORK_TASK_SKIPPED;
            d->bad -= was == ORK_TASK_FAILED || was == ORK_TASK_CANCELLED;
        }
        ork_run_move(r, task, ORK_TASK_PENDING);
    }
    t->failures = t->lost = 0;
    t->kind = ORK_KIND_NONE;
    t->retry_at_ms = 0;
    t->cause = ORK_NO_TASK;
    ork_effects_add(fx, ORK_FX_CHANGED, task);
}

int ork_run_retry(struct ork_run *r, uint32_t task, bool from, struct ork_effects *fx)
{
    uint32_t len;
    const uint32_t *last = ork_workflow_finally(r->workflow, &len);
    uint32_t item = ORK_NO_TASK;

    if (task != ORK_NO_TASK ? task >= r->len : from)
        return ORK_EINVAL;
    if (task != ORK_NO_TASK && ork_run_is_item(r, task)) {
        const int status = r->tasks[task].status;
        if (from || ork_run_fan_of(r, task)->task == ORK_NO_TASK)
            return ORK_EINVAL;
        if (status == ORK_TASK_SUCCESS)
            return ORK_ESTATE;
        item = task;
        task = ork_run_no(r, task);
    }
    const bool one = item != ORK_NO_TASK;
    if (!ork_run_is_final(r->status) || (r->status == ORK_RUN_SUCCESS && !from && !one) || !mark(r, task, from, one))
        return ORK_ESTATE;
    r->status = ORK_RUN_RUNNING;
    r->cancelling = r->killed = false;
    r->cancel_reason = ORK_CANCEL_NONE;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->tasks[i].flags & ORK_RT_MARK)
            reset(r, i, i == task ? item : ORK_NO_TASK, from && i == task, fx);
    if (r->open && !r->gate) {
        r->gate = true;
        for (uint32_t k = 0; k < len; k++)
            r->tasks[last[k]].unmet++;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        if (!(r->tasks[i].flags & ORK_RT_MARK))
            continue;
        r->tasks[i].flags = 0;
        ork_run_consider(r, i, false, fx);
    }
    return 0;
}

/* ---- after a crash ---------------------------------------------------------------------------- */

int ork_run_restore(struct ork_run *r, struct ork_effects *fx)
{
    for (uint32_t i = 0; i < r->fans_len; i++)
        r->fans[i].ready = 0;
    ork_run_recount(r);
    for (uint32_t i = 0; i < r->len; i++) {
        struct ork_run_task *t = &r->tasks[i];
        t->flags = 0;
        if (ork_run_is_live(r, i) || ((t->failures || t->lost) && ork_run_is_waiting(r, i)))
            t->flags = ORK_RT_JUDGED;
    }
    if (r->status == ORK_RUN_PENDING || ork_run_is_final(r->status))
        return 0;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->cancelling)
            release(r, i, fx);
        if (!ork_run_is_live(r, i))
            ork_run_consider(r, i, true, fx);
        else if (ork_run_is_doomed(r, i))
            ork_run_kill(r, i, fx);
        else if (r->status == ORK_RUN_PAUSED && r->tasks[i].status == ORK_TASK_DISPATCHED)
            ork_effects_add(fx, ORK_FX_RECALL, i)->attempt = r->tasks[i].attempt;
    }
    ork_run_restore_fans(r, fx);
    return 0;
}
