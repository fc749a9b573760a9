/* SPDX-License-Identifier: MIT */
/* Functions that go on for long. An attempt of a function has no row before its result, so whoever looks from elsewhere
 * would call a function of an hour pending for an hour. After a second its task's row says `running`, and since when.
 *
 * Law: nothing depends on that row. Calls die with this program, so whoever loads the run takes such a task for one
 * that was never begun; the attempt is made again under its number. That it had begun is remembered for what is said of
 * it when it is cancelled first. */
#include "engine/engine.h"
#include <utlist.h>

#define AFTER_MS 1000 /* short calls, of which there are many, write nothing more than before */

static void on_timer(uv_timer_t *t);

/* In the order in which they were known to have begun: the first is due first. */
static void arm(ork_engine *e)
{
    int64_t left = e->unshown ? e->unshown->known_ms + AFTER_MS - ork_call_mono(e) : -1;

    if (!e->unshown)
        uv_timer_stop(&e->unshown_timer);
    else
        uv_timer_start(&e->unshown_timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

void ork_begun_add(ork_engine *e, struct ork_call *c)
{
    c->known_ms = ork_call_mono(e);
    DL_APPEND2(e->unshown, c, begun_prev, begun_next);
    if (e->unshown == c) {
        uv_update_time(e->loop);
        arm(e);
    }
}

void ork_begun_remove(ork_engine *e, struct ork_call *c)
{
    if (!c->begun_prev)
        return;
    DL_DELETE2(e->unshown, c, begun_prev, begun_next);
    c->begun_prev = c->begun_next = NULL;
    if (!e->unshown)
        arm(e);
}

static void show(struct ork_call *c)
{
    struct ork_active *a = c->run;
    const struct ork_run_task *t = &a->run.tasks[c->live->task];

    if (a->dead || a->closing || a->engine->closing || a->engine->fenced || t->status != ORK_TASK_RUNNING ||
        t->attempt != c->live->attempt)
        return;
    c->shown = true;
    ork_settle_put(a, c->live->task, true);
}

static void on_timer(uv_timer_t *t)
{
    ork_engine *e = t->data;

    while (e->unshown && e->unshown->known_ms + AFTER_MS <= ork_call_mono(e)) {
        struct ork_call *c = e->unshown;
        ork_begun_remove(e, c);
        show(c);
    }
    arm(e);
}

static void remember(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    if ((a->died_len & (a->died_len - 1)) == 0) /* full: 0, or a power of two */
        a->died = ork_realloc(a->died, (a->died_len ? 2 * a->died_len : 1) * sizeof(*a->died));
    a->died[a->died_len++] = (struct ork_died){task, attempt};
}

void ork_begun_forget(struct ork_active *a)
{
    for (uint32_t i = 0; i < a->run.len; i++) {
        struct ork_run_task *t = &a->run.tasks[i];
        if (t->status != ORK_TASK_RUNNING || ork_run_fan(&a->run, i) ||
            !ork_call_is(a->workflow, ork_run_no(&a->run, i)) || ork_active_live(a, i))
            continue;
        remember(a, i, t->attempt);
        t->status = ORK_TASK_PENDING;
        t->attempt -= t->attempt > 0;
        a->shown[i] = ORK_TASK_PENDING;
    }
}

const char *ork_begun_died(const struct ork_active *a, uint32_t task, uint32_t attempt)
{
    for (size_t i = 0; i < a->died_len; i++) {
        if (a->died[i].task == task && a->died[i].attempt == attempt)
            return "its program ended before it did; cancelled";
    }
    return NULL;
}

void ork_begun_leave(struct ork_active *a, const struct ork_live *l)
{
    struct ork_run_task *t = &a->run.tasks[l->task];

    if (!l->call->shown || a->dead || a->closing || t->status != ORK_TASK_RUNNING)
        return;
    t->status = ORK_TASK_PENDING;
    t->attempt--;
    ork_settle_put(a, l->task, true);
}
