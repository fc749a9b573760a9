/* SPDX-License-Identifier: MIT */
/* The steps of a task's life; the wishes of people (pause, cancel, retry) are in run_wish.c, the rules in run_rules.c.
 * Laws: attempts fence (a message of another attempt changes nothing); what is refused changes nothing; a final task is
 * left alone by everything but a retry. */
#include "base/alloc.h"
#include "core/run_priv.h"
#include <assert.h>
#include <stdlib.h>

#define FAR_MS (INT64_C(100) * 365 * 86400 * 1000)

struct ork_effect *ork_effects_add(struct ork_effects *fx, int type, uint32_t task)
{
    void *items = fx->items;

    ork_grow(&items, &fx->cap, fx->len + 1, sizeof(*fx->items));
    fx->items = items;
    fx->items[fx->len] = (struct ork_effect){.type = type, .task = task, .cause = ORK_NO_TASK};
    return &fx->items[fx->len++];
}

void ork_effects_fini(struct ork_effects *fx)
{
    free(fx->items);
    *fx = (struct ork_effects){0};
}

void ork_run_init(struct ork_run *r, const ork_workflow *w)
{
    *r = (struct ork_run){.workflow = ork_workflow_ref((ork_workflow *)(uintptr_t)w), .n = ork_workflow_len(w)};
    r->len = r->n;
    r->tasks = ork_zalloc((size_t)r->n * sizeof(*r->tasks));
    ork_run_recount(r);
}

void ork_run_fini(struct ork_run *r)
{
    free(r->tasks);
    free(r->fans);
    free(r->outside);
    ork_workflow_unref((ork_workflow *)(uintptr_t)r->workflow);
    *r = (struct ork_run){0};
}

void ork_run_leave_out(struct ork_run *r, uint8_t *outside)
{
    free(r->outside);
    r->outside = outside;
    ork_run_recount(r);
}

/* ---- failures --------------------------------------------------------------------------------- */

/* Back to pending, to be tried again after delay_ms (0: at once). */
static void try_again(struct ork_run *r, uint32_t task, int64_t now_ms, int64_t delay_ms, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (delay_ms > FAR_MS)
        delay_ms = FAR_MS;
    if (ork_run_is_item(r, task) && ork_run_fan_of(r, task)->closed)
        delay_ms = 0; /* it will not be: too many others failed */
    if (t->status != ORK_TASK_PENDING)
        ork_run_move(r, task, ORK_TASK_PENDING);
    ork_run_set_ready(r, task, false);
    t->flags &= ORK_RT_JUDGED;
    t->retry_at_ms = delay_ms > 0 ? now_ms + delay_ms : 0;
    ork_effects_add(fx, ORK_FX_CHANGED, task);
    ork_run_consider(r, task, true, fx);
}

static bool may_retry(const struct ork_run *r, uint32_t task, const struct ork_event *ev)
{
    const struct ork_retry_spec *spec = ork_workflow_retry(r->workflow, ork_run_no(r, task));

    return ev->retry_after_ms >= 0 && r->tasks[task].failures <= spec->limit &&
           (ev->verdict ? ev->verdict > 0 : ork_retry_matches(spec, &ev->failure));
}

bool ork_run_asks(const struct ork_run *r, const struct ork_event *ev)
{
    const struct ork_retry_spec *spec = ork_workflow_retry(r->workflow, ork_run_no(r, ev->task));
    const struct ork_run_task *t = &r->tasks[ev->task];

    return spec->ask && !ev->ok && ev->retry_after_ms >= 0 && ev->failure.kind != ORK_KIND_LOST &&
           ev->failure.kind != ORK_KIND_CANCELLED && !(t->flags & ORK_RT_KILLING) && t->failures < spec->limit;
}

static void fail(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    const uint32_t task = ev->task;
    struct ork_run_task *t = &r->tasks[task];

    t->kind = (uint8_t)ev->failure.kind;
    if (ork_run_is_item(r, task))
        r->tasks[ork_run_no(r, task)].kind = t->kind; /* should the task fail, then for this */
    if (ev->failure.kind == ORK_KIND_LOST) {          /* no fault of the task: not counted, until it looks like one */
        t->lost = t->lost < UINT16_MAX ? (uint16_t)(t->lost + 1) : t->lost;
        if (t->lost <= ork_run_def(r, task)->max_lost)
            try_again(r, task, ev->now_ms, 0, fx);
        else
            ork_run_end(r, task, ORK_TASK_FAILED, fx);
        return;
    }
    if (ev->failure.kind == ORK_KIND_CANCELLED) {
        ork_run_end(r, task, ORK_TASK_CANCELLED, fx);
        return;
    }
    t->failures = t->failures < UINT16_MAX ? (uint16_t)(t->failures + 1) : t->failures;
    if (may_retry(r, task, ev))
        try_again(r, task, ev->now_ms,
                  ev->retry_after_ms > 0 ? ev->retry_after_ms
                                         : ork_retry_delay_ms(ork_workflow_retry(r->workflow, ork_run_no(r, task)),
                                                              t->failures, ev->random),
                  fx);
    else
        ork_run_end(r, task, ORK_TASK_FAILED, fx);
}

/* ---- events of one task ----------------------------------------------------------------------- */

static int grant(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (!(t->flags & ORK_RT_READY) || ork_run_is_parent(r, task))
        return ORK_ESTATE;
    ork_run_move(r, task, ORK_TASK_DISPATCHED);
    ork_run_set_ready(r, task, false);
    t->flags = ORK_RT_JUDGED;
    t->retry_at_ms = 0;
    t->attempt++;
    ork_effects_add(fx, ORK_FX_CHANGED, task)->attempt = t->attempt;
    return 0;
}

static int started(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    if (r->tasks[task].status != ORK_TASK_DISPATCHED)
        return ORK_ESTATE; /* told twice */
    ork_run_move(r, task, ORK_TASK_RUNNING);
    ork_effects_add(fx, ORK_FX_CHANGED, task);
    return 0;
}

static int exited(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[ev->task];

    if (t->flags & ORK_RT_KILLING) {
        t->kind = ORK_KIND_CANCELLED;
        ork_run_end(r, ev->task, ORK_TASK_CANCELLED, fx);
    } else if (ev->ok) {
        t->kind = ORK_KIND_NONE;
        ork_run_end(r, ev->task, ORK_TASK_SUCCESS, fx);
    } else {
        fail(r, ev, fx);
    }
    return 0;
}

static int recalled(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (t->status != ORK_TASK_DISPATCHED)
        return ORK_ESTATE; /* it runs: only its exit counts now */
    if (t->flags & ORK_RT_KILLING) {
        t->kind = ORK_KIND_CANCELLED;
        ork_run_end(r, task, ORK_TASK_CANCELLED, fx);
        return 0;
    }
    ork_run_move(r, task, ORK_TASK_PENDING);
    ork_effects_add(fx, ORK_FX_CHANGED, task);
    ork_run_consider(r, task, false, fx);
    return 0;
}

static int when_false(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    if (!(r->tasks[task].flags & ORK_RT_READY))
        return ORK_ESTATE;
    ork_run_end(r, task, ORK_TASK_SKIPPED, fx);
    r->tasks[task].cause = ORK_NO_TASK;
    ork_effects_add(fx, ORK_FX_SKIPPED, task);
    return 0;
}

/* retry_at stays until the dispatch, so that the row, which still says so, and memory agree. */
static int retry_due(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (t->status != ORK_TASK_PENDING || t->retry_at_ms == 0 || (t->flags & ORK_RT_READY) ||
        r->status != ORK_RUN_RUNNING)
        return ORK_ESTATE;
    ork_run_set_ready(r, task, true);
    ork_effects_add(fx, ORK_FX_READY, task);
    return 0;
}

static int reject(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    if (!(r->tasks[ev->task].flags & ORK_RT_READY))
        return ORK_ESTATE;
    ork_run_set_ready(r, ev->task, false);
    fail(r, ev, fx);
    return 0;
}

static int start(struct ork_run *r, struct ork_effects *fx)
{
    if (r->status != ORK_RUN_PENDING)
        return ORK_ESTATE;
    r->status = ORK_RUN_RUNNING;
    for (uint32_t i = 0; i < r->n; i++)
        ork_run_consider(r, i, true, fx);
    return 0;
}

/* ---- the step --------------------------------------------------------------------------------- */

static int of_attempt(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    if (ev->attempt != r->tasks[ev->task].attempt || !ork_run_is_live(r, ev->task))
        return ORK_EINVAL;
    if (ev->type == ORK_EV_STARTED)
        return started(r, ev->task, fx);
    return ev->type == ORK_EV_EXITED ? exited(r, ev, fx) : recalled(r, ev->task, fx);
}

static int apply(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    switch (ev->type) {
    case ORK_EV_START:
        return start(r, fx);
    case ORK_EV_RESTORE:
        return ork_run_restore(r, fx);
    case ORK_EV_PAUSE:
        return ork_run_pause(r, fx);
    case ORK_EV_RESUME:
        return ork_run_resume(r, fx);
    case ORK_EV_CANCEL:
        return ork_run_cancel_all(r, ev->reason, fx);
    case ORK_EV_RETRY:
        return ork_run_retry(r, ev->task, ev->from, fx);
    default:
        break;
    }
    if (ev->task >= r->len)
        return ORK_EINVAL;
    switch (ev->type) {
    case ORK_EV_EXPANDED:
        return ork_run_expanded(r, ev, fx);
    case ORK_EV_GRANT:
        return grant(r, ev->task, fx);
    case ORK_EV_STARTED:
    case ORK_EV_EXITED:
    case ORK_EV_RECALLED:
        return of_attempt(r, ev, fx);
    case ORK_EV_WHEN_FALSE:
        return when_false(r, ev->task, fx);
    case ORK_EV_RETRY_DUE:
        return retry_due(r, ev->task, fx);
    case ORK_EV_REJECT:
        return reject(r, ev, fx);
    default:
        return ORK_EINVAL;
    }
}

static int end_status(const struct ork_run *r)
{
    if (r->cancelling)
        return r->cancel_reason == ORK_CANCEL_USER ? ORK_RUN_CANCELLED : ORK_RUN_FAILED;
    if (r->final[ORK_TASK_FAILED])
        return ORK_RUN_FAILED;
    return r->final[ORK_TASK_CANCELLED] ? ORK_RUN_CANCELLED : ORK_RUN_SUCCESS;
}

int ork_run_step(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    const size_t from = fx->len;
    const struct ork_run before = *r;
    int rc = apply(r, ev, fx);

    if (rc < 0)
        return rc;
    ork_run_spread(r, fx, from);
    if (ev->task != ORK_NO_TASK && ev->task >= r->n && ev->task < r->len) /* its place in the queue may be free */
        ork_run_feed(r, ork_run_fan_of(r, ev->task), fx);
    if (r->final[ORK_TASK_FAILED] > before.final[ORK_TASK_FAILED] && !r->cancelling && ev->type != ORK_EV_RESTORE &&
        ork_workflow_limits(r->workflow)->fail_fast && !ork_run_is_over(r)) {
        const size_t cancels = fx->len;
        rc = ork_run_cancel_all(r, ORK_CANCEL_FAIL_FAST, fx);
        assert(rc == 0);
        ork_run_spread(r, fx, cancels);
    }
    const bool begun = r->status != ORK_RUN_PENDING || r->cancelling;
    if (begun && !ork_run_is_final(r->status) && ork_run_is_over(r)) {
        assert(r->live == 0 && ork_run_may_move(r->status, end_status(r)));
        r->status = (uint8_t)end_status(r);
    }
    if (r->status != before.status || r->cancelling != before.cancelling || r->killed != before.killed)
        ork_effects_add(fx, ORK_FX_RUN_CHANGED, ORK_NO_TASK);
    return 0;
}
