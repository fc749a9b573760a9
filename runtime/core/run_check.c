/* SPDX-License-Identifier: MIT */
/* Looking at a run: what a task waits for, and whether the books are right. The check recounts everything from the
 * statuses and then asks of each task what must always hold between two steps; O(V + E), for tests and debug builds. */
#include "base/alloc.h"
#include "core/run_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t ork_run_waits_for(const struct ork_run *r, uint32_t task, uint32_t *deps, uint32_t cap)
{
    const struct ork_csr *csr = ork_workflow_deps(r->workflow);
    uint32_t found = 0;

    if (task >= r->n || !ork_run_is_waiting(r, task))
        return 0;
    const bool last = ork_run_is_finally(r, task);
    for (uint32_t e = csr->first[task]; e < csr->first[task + 1]; e++) {
        uint32_t on = csr->to[e];
        if (ork_task_is_final(r->tasks[on].status) || (last && !ork_run_is_finally(r, on)))
            continue;
        if (found < cap)
            deps[found] = on;
        found++;
    }
    const uint32_t total = found + (last ? r->open : 0);
    for (uint32_t i = 0; last && i < r->n && found < cap; i++)
        if (!ork_run_is_finally(r, i) && !ork_task_is_final(r->tasks[i].status))
            deps[found++] = i;
    return total;
}

static _Thread_local char said[256];

static const char *say(const struct ork_run *r, uint32_t task, const char *fmt, ...) ORK_PRINTF(3, 4);

static const char *say(const struct ork_run *r, uint32_t task, const char *fmt, ...)
{
    va_list args;
    int len = 0;

    if (task != ORK_NO_TASK)
        len = snprintf(said, sizeof(said), "task %u `%.60s`, item %u (%s): ", task,
                       ork_workflow_task_name(r->workflow, ork_run_no(r, task)), ork_run_item(r, task),
                       ork_task_status_name(r->tasks[task].status));
    va_start(args, fmt);
    vsnprintf(said + len, sizeof(said) - (size_t)len, fmt, args);
    va_end(args);
    return said;
}

static const char *check_waiting(const struct ork_run *r, uint32_t i)
{
    const struct ork_run_task *t = &r->tasks[i];
    const enum ork_verdict verdict = ork_run_judge(r, i);
    const bool ready = t->flags & ORK_RT_READY;

    if (t->flags & ORK_RT_KILLING)
        return say(r, i, "is being killed but does not live");
    if (ready && (t->status != ORK_TASK_PENDING || r->status != ORK_RUN_RUNNING))
        return say(r, i, "is ready in a run that is %s", ork_run_status_name(r->status));
    if (ready && verdict != ORK_VERDICT_RUN)
        return say(r, i, "is ready before its rule allows it");
    if (r->status == ORK_RUN_PENDING)
        return NULL;
    if (ork_run_is_item(r, i) && verdict != ORK_VERDICT_RUN)
        return NULL; /* its task has not come to it, or is over */
    if (ork_run_is_outside(r, i))
        return r->status == ORK_RUN_RUNNING ? say(r, i, "waits though it is no part of this run") : NULL;
    if (verdict == ORK_VERDICT_SKIP)
        return say(r, i, "waits though its rule can no longer come true");
    if (ork_run_is_doomed(r, i))
        return say(r, i, "waits in a run that is being cancelled");
    if (verdict == ORK_VERDICT_RUN && t->status == ORK_TASK_PENDING && r->status == ORK_RUN_RUNNING && !ready &&
        t->retry_at_ms == 0)
        return say(r, i, "may run but is not ready");
    return NULL;
}

static const char *check_task(const struct ork_run *r, uint32_t i)
{
    const struct ork_run_task *t = &r->tasks[i];

    if (t->flags & (ORK_RT_SPREAD | ORK_RT_MARK))
        return say(r, i, "keeps a mark of an unfinished step");
    if (t->retry_at_ms > 0 && t->status != ORK_TASK_PENDING && t->status != ORK_TASK_PAUSED)
        return say(r, i, "has a time to be tried again");
    if (ork_run_is_waiting(r, i))
        return r->status == ORK_RUN_FAILED ? NULL /* failed before it began */ : check_waiting(r, i);
    if (t->flags & ORK_RT_READY)
        return say(r, i, "is in the queue");
    if (ork_run_is_live(r, i) && ork_run_is_doomed(r, i) != !!(t->flags & ORK_RT_KILLING))
        return say(r, i, "lives: KILL and the run's state disagree");
    if (ork_run_is_item(r, i) && ork_run_is_live(r, i) && ork_run_fan_of(r, i)->task == ORK_NO_TASK)
        return say(r, i, "lives, and is nobody's item");
    if (ork_run_is_live(r, i) && (ork_run_is_final(r->status) || r->status == ORK_RUN_PENDING))
        return say(r, i, "lives in a run that is %s", ork_run_status_name(r->status));
    return NULL;
}

/* Work is never forgotten: while its task runs, an item that may begin is in the queue or under way, or none is left.
 */
static const char *check_fan(const struct ork_run *r, const struct ork_run_fan *f)
{
    uint32_t ready = 0, begun = 0;

    for (uint32_t i = f->first; i < f->first + f->count; i++) {
        ready += (r->tasks[i].flags & ORK_RT_READY) != 0;
        begun += ork_run_is_live(r, i);
    }
    if (ready != f->ready)
        return say(r, f->of, "%u items are ready; counted %u", f->ready, ready);
    if (f->task == ORK_NO_TASK || r->tasks[f->task].status != ORK_TASK_RUNNING)
        return ready || begun ? say(r, f->of, "is not running, but items of it are") : NULL;
    if (f->left == 0 && (f->closed || f->next == f->count))
        return say(r, f->of, "runs, though all its items are final");
    if (!f->closed && r->status == ORK_RUN_RUNNING && f->next < f->count && ready < ORK_FAN_WINDOW)
        return say(r, f->of, "has room for items that were not let loose");
    return NULL;
}

static const char *compare(const struct ork_run *r, const struct ork_run *fresh)
{
    if (r->live != fresh->live || r->open != fresh->open || r->gate != fresh->gate)
        return say(r, ORK_NO_TASK, "live %u, open %u, gate %d; counted %u, %u, %d", r->live, r->open, r->gate,
                   fresh->live, fresh->open, fresh->gate);
    if (memcmp(r->final, fresh->final, sizeof(r->final)) != 0)
        return say(r, ORK_NO_TASK, "the counts of final tasks are wrong");
    for (uint32_t i = 0; i < r->fans_len; i++) {
        const struct ork_run_fan *a = &r->fans[i], *b = &fresh->fans[i];
        if (memcmp(a->final, b->final, sizeof(a->final)) != 0)
            return say(r, a->of, "the counts of its final items are wrong");
        if (a->task != ORK_NO_TASK && r->tasks[a->task].status == ORK_TASK_RUNNING && a->left != b->left)
            return say(r, a->of, "%u items are left; counted %u", a->left, b->left);
    }
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ork_run_task *a = &r->tasks[i], *b = &fresh->tasks[i];
        if (a->unmet != b->unmet || a->ok != b->ok || a->bad != b->bad || a->skipped != b->skipped)
            return say(r, i, "unmet %u ok %u bad %u skipped %u; counted %u %u %u %u", a->unmet, a->ok, a->bad,
                       a->skipped, b->unmet, b->ok, b->bad, b->skipped);
    }
    return NULL;
}

const char *ork_run_check(const struct ork_run *r)
{
    struct ork_run fresh = *r; /* borrows what it does not copy */

    fresh.tasks = ork_alloc((size_t)r->len * sizeof(*r->tasks));
    memcpy(fresh.tasks, r->tasks, (size_t)r->len * sizeof(*r->tasks));
    fresh.fans = ork_alloc((size_t)(r->fans_len + 1) * sizeof(*r->fans));
    if (r->fans_len)
        memcpy(fresh.fans, r->fans, (size_t)r->fans_len * sizeof(*r->fans));
    ork_run_recount(&fresh);
    const char *problem = compare(r, &fresh);
    free(fresh.tasks);
    free(fresh.fans);
    for (uint32_t i = 0; !problem && i < r->len; i++)
        problem = check_task(r, i);
    for (uint32_t i = 0; !problem && i < r->fans_len; i++)
        problem = check_fan(r, &r->fans[i]);
    if (!problem && ork_run_is_over(r) && !ork_run_is_final(r->status) && r->status != ORK_RUN_PENDING)
        problem = "every task is final, the run is not";
    return problem;
}
