/* SPDX-License-Identifier: MIT */
/* The items of a task that is done once per element of a list.
 *
 *   pending ──READY──► EXPANDED(count) ──► running ──(each item: ready, dispatched, …, final)──► success or failed
 *
 * Items are let loose in order, a window of them: whoever leaves the queue of the engine lets the next one in. So the
 * expansion and the end of an item cost the same for ten items and for a hundred thousand. What never began when the
 * task ends stays as it was: it has no row, and its task's status says what became of it; one that a retry made pending
 * has a row, and ends with its task, whatever ends that. Law: the task ends when every item that was let loose is final
 * and no other may begin. */
#include "base/alloc.h"
#include "core/run_priv.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool ork_run_is_item(const struct ork_run *r, uint32_t task)
{
    return task >= r->n;
}

struct ork_run_fan *ork_run_fan_of(const struct ork_run *r, uint32_t item)
{
    return &r->fans[r->tasks[item].fan - 1];
}

bool ork_run_is_parent(const struct ork_run *r, uint32_t task)
{
    return task < r->n && r->tasks[task].fan;
}

/* Of an item nobody has any more too: its fan keeps the number it had. */
uint32_t ork_run_no(const struct ork_run *r, uint32_t task)
{
    return task < r->n ? task : ork_run_fan_of(r, task)->of;
}

const struct ork_task_def *ork_run_def(const struct ork_run *r, uint32_t task)
{
    return ork_workflow_def(r->workflow, ork_run_no(r, task));
}

uint32_t ork_run_item(const struct ork_run *r, uint32_t task)
{
    return task < r->n ? 0 : task - ork_run_fan_of(r, task)->first + 1;
}

const struct ork_run_fan *ork_run_fan(const struct ork_run *r, uint32_t task)
{
    return ork_run_is_parent(r, task) ? ork_run_fan_of(r, task) : NULL;
}

bool ork_run_is_fresh(const struct ork_run *r, uint32_t task)
{
    const struct ork_run_task *t = &r->tasks[task];

    return t->status == ORK_TASK_PENDING && !t->attempt && !t->failures && !t->lost && !t->stored;
}

uint32_t ork_run_number(const struct ork_run *r, uint32_t task)
{
    const struct ork_run_fan *f;

    if (task < r->n)
        return task;
    f = ork_run_fan_of(r, task);
    return f->number + (task - f->first);
}

uint32_t ork_run_by_number(const struct ork_run *r, uint32_t number)
{
    if (number < r->n)
        return number;
    for (uint32_t i = 0; i < r->fans_len; i++) {
        const struct ork_run_fan *f = &r->fans[i];
        if (f->task != ORK_NO_TASK && number >= f->number && number - f->number < f->count)
            return f->first + (number - f->number);
    }
    return ORK_NO_TASK;
}

void ork_run_add_fan(struct ork_run *r, uint32_t task, uint32_t number, uint32_t count, uint32_t max_failed)
{
    const uint32_t first = r->len;

    assert(task < r->n && !r->tasks[task].fan && count <= ORK_FAN_MAX);
    r->tasks = ork_realloc(r->tasks, ((size_t)first + count) * sizeof(*r->tasks));
    memset(r->tasks + first, 0, (size_t)count * sizeof(*r->tasks));
    r->fans = ork_realloc(r->fans, ((size_t)r->fans_len + 1) * sizeof(*r->fans));
    r->fans[r->fans_len++] = (struct ork_run_fan){
        .task = task, .of = task, .first = first, .count = count, .number = number, .max_failed = max_failed};
    r->len += count;
    r->tasks[task].fan = r->fans_len;
    for (uint32_t i = first; i < r->len; i++) {
        r->tasks[i].fan = r->fans_len;
        r->tasks[i].cause = ORK_NO_TASK;
    }
}

void ork_run_keep_failed(struct ork_run *r, uint32_t task, uint32_t kept)
{
    ork_run_fan_of(r, task)->kept = kept;
}

/* ---- letting loose ---------------------------------------------------------------------------- */

/* Its task is at it, and takes new items. */
static bool is_open(const struct ork_run *r, const struct ork_run_fan *f)
{
    return f->task != ORK_NO_TASK && r->tasks[f->task].status == ORK_TASK_RUNNING && !f->closed;
}

bool ork_run_is_unwanted(const struct ork_run *r, uint32_t task)
{
    if (r->tasks[task].status != ORK_TASK_DISPATCHED || r->tasks[task].flags & ORK_RT_KILLING)
        return false;
    return r->status == ORK_RUN_PAUSED || (ork_run_is_item(r, task) && ork_run_fan_of(r, task)->closed);
}

bool ork_run_may_begin(const struct ork_run *r, uint32_t item)
{
    const struct ork_run_fan *f = ork_run_fan_of(r, item);

    return is_open(r, f) && item - f->first < f->next;
}

void ork_run_feed(struct ork_run *r, struct ork_run_fan *f, struct ork_effects *fx)
{
    if (!is_open(r, f) || r->status != ORK_RUN_RUNNING || ork_run_is_doomed(r, f->task))
        return;
    while (f->next < f->count && f->ready < ORK_FAN_WINDOW) {
        const uint32_t item = f->first + f->next++;
        if (ork_task_is_final(r->tasks[item].status))
            continue; /* a retry leaves what succeeded */
        f->left++;
        ork_run_consider(r, item, true, fx);
    }
}

void ork_run_drop_item(struct ork_run *r, uint32_t item, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[item];
    struct ork_run_fan *f = ork_run_fan_of(r, item);

    if (t->flags & ORK_RT_DROPPED || item - f->first >= f->next)
        return;
    ork_run_withdraw(r, item, fx);
    if (ork_run_is_fresh(r, item)) {
        t->flags |= ORK_RT_DROPPED;
        f->left--;
        return;
    }
    if (ork_run_is_doomed(r, item)) {
        ork_run_end(r, item, ORK_TASK_CANCELLED, fx);
        return;
    }
    ork_run_end(r, item, ORK_TASK_SKIPPED, fx);
    t->cause = f->of;
    ork_effects_add(fx, ORK_FX_SKIPPED, item)->cause = f->of;
}

/* No other item begins, nor is one tried again: who waits is dropped, who was granted and perhaps has not begun is
 * asked for, and dropped when it comes back. Looks at all that were let loose, once per expansion. */
static void close_fan(struct ork_run *r, struct ork_run_fan *f, struct ork_effects *fx)
{
    const bool doomed = ork_run_is_doomed(r, f->of); /* then those are killed */

    f->closed = true;
    for (uint32_t i = f->first; i < f->first + f->next; i++) {
        if (ork_run_is_waiting(r, i))
            ork_run_drop_item(r, i, fx);
        else if (!doomed && r->tasks[i].status == ORK_TASK_DISPATCHED)
            ork_effects_add(fx, ORK_FX_RECALL, i)->attempt = r->tasks[i].attempt;
    }
}

/* Those that a retry of another one left as they were do not stop that one. */
static bool too_many_failed(const struct ork_run_fan *f)
{
    return f->final[ORK_TASK_FAILED] > f->max_failed && f->final[ORK_TASK_FAILED] > f->kept;
}

static int outcome(const struct ork_run *r, const struct ork_run_fan *f)
{
    if (f->final[ORK_TASK_FAILED] > f->max_failed)
        return ORK_TASK_FAILED;
    if (f->closed || f->final[ORK_TASK_CANCELLED] || ork_run_is_doomed(r, f->of))
        return ORK_TASK_CANCELLED;
    return f->count && f->final[ORK_TASK_SKIPPED] == f->count ? ORK_TASK_SKIPPED : ORK_TASK_SUCCESS;
}

/* Of the item that failed last, which fail() has noted; after a crash, and when it did not fail now, of any that did.
 */
static uint8_t failed_kind(const struct ork_run *r, const struct ork_run_fan *f)
{
    uint8_t kind = r->tasks[f->task].kind;

    for (uint32_t i = f->first + f->count; kind == ORK_KIND_NONE && i-- > f->first;)
        if (r->tasks[i].status == ORK_TASK_FAILED)
            kind = r->tasks[i].kind;
    return kind;
}

static void end_parent(struct ork_run *r, struct ork_run_fan *f, struct ork_effects *fx)
{
    static const uint8_t kinds[8] = {[ORK_TASK_CANCELLED] = ORK_KIND_CANCELLED};
    const int status = outcome(r, f);

    r->tasks[f->task].kind = status == ORK_TASK_FAILED ? failed_kind(r, f) : kinds[status];
    ork_run_end(r, f->task, status, fx);
    if (status == ORK_TASK_SKIPPED) {
        r->tasks[f->task].cause = f->task;
        ork_effects_add(fx, ORK_FX_SKIPPED, f->task)->cause = f->task;
    }
}

void ork_run_end_items(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    struct ork_run_fan *f = ork_run_fan_of(r, task);
    const bool cancelled = r->tasks[task].status == ORK_TASK_CANCELLED;

    for (uint32_t i = f->first; i < f->first + f->count; i++) {
        if (!ork_run_is_waiting(r, i) || ork_run_is_fresh(r, i))
            continue;
        ork_run_end(r, i, cancelled ? ORK_TASK_CANCELLED : ORK_TASK_SKIPPED, fx);
        if (cancelled)
            continue;
        r->tasks[i].cause = f->closed ? f->of : ORK_NO_TASK;
        ork_effects_add(fx, ORK_FX_SKIPPED, i)->cause = r->tasks[i].cause;
    }
    f->left = 0;
}

void ork_run_settle(struct ork_run *r, struct ork_run_fan *f, struct ork_effects *fx)
{
    if (f->task == ORK_NO_TASK || r->tasks[f->task].status != ORK_TASK_RUNNING)
        return;
    if (!f->closed && too_many_failed(f))
        close_fan(r, f, fx);
    ork_run_feed(r, f, fx);
    if (f->left == 0 && (f->closed || f->next == f->count))
        end_parent(r, f, fx);
}

int ork_run_expanded(struct ork_run *r, const struct ork_event *ev, struct ork_effects *fx)
{
    const uint32_t task = ev->task;

    if (ork_run_is_item(r, task) || !(r->tasks[task].flags & ORK_RT_READY))
        return ORK_ESTATE;
    if (!r->tasks[task].fan) {
        if (ev->count > ORK_FAN_MAX)
            return ORK_EINVAL;
        ork_run_add_fan(r, task, ev->number, ev->count, ev->max_failed);
    }
    struct ork_run_task *t = &r->tasks[task];
    struct ork_run_fan *f = ork_run_fan_of(r, task);
    f->next = f->left = 0;
    f->kept = f->final[ORK_TASK_FAILED];
    f->closed = false;
    ork_run_set_ready(r, task, false);
    ork_run_move(r, task, ORK_TASK_DISPATCHED);
    ork_run_move(r, task, ORK_TASK_RUNNING);
    t->flags = ORK_RT_JUDGED;
    t->retry_at_ms = 0;
    t->attempt++;
    ork_effects_add(fx, ORK_FX_CHANGED, task)->attempt = t->attempt;
    ork_run_settle(r, f, fx);
    return 0;
}

/* ---- what people ask; each looks at what was let loose ---------------------------------------- */

#define each_running(r, f)                                                                                             \
    for (struct ork_run_fan *f = (r)->fans; f < (r)->fans + (r)->fans_len; f++)                                        \
        if (f->task != ORK_NO_TASK && (r)->tasks[f->task].status == ORK_TASK_RUNNING)

void ork_run_pause_fans(struct ork_run *r, struct ork_effects *fx)
{
    each_running(r, f)
    {
        for (uint32_t i = f->first; i < f->first + f->next; i++) {
            if (r->tasks[i].status == ORK_TASK_DISPATCHED)
                ork_effects_add(fx, ORK_FX_RECALL, i)->attempt = r->tasks[i].attempt;
            else
                ork_run_withdraw(r, i, fx);
        }
    }
}

void ork_run_resume_fans(struct ork_run *r, struct ork_effects *fx, bool arm)
{
    each_running(r, f)
    {
        for (uint32_t i = f->first; i < f->first + f->next; i++)
            ork_run_consider(r, i, arm, fx);
        ork_run_settle(r, f, fx);
    }
}

void ork_run_cancel_fans(struct ork_run *r, struct ork_effects *fx)
{
    each_running(r, f)
    {
        if (!ork_run_is_doomed(r, f->task))
            continue;
        for (uint32_t i = f->first; i < f->first + f->next; i++)
            if (ork_run_is_live(r, i))
                ork_run_kill(r, i, fx);
        close_fan(r, f, fx);
        ork_run_settle(r, f, fx);
    }
}

void ork_run_unmap(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    ork_run_fan_of(r, task)->task = ORK_NO_TASK;
    r->tasks[task].fan = 0;
    ork_effects_add(fx, ORK_FX_UNMAPPED, task);
}

void ork_run_reset_items(struct ork_run *r, uint32_t task, uint32_t only, struct ork_effects *fx)
{
    struct ork_run_fan *f = ork_run_fan_of(r, task);

    f->closed = false;
    for (uint32_t i = f->first; i < f->first + f->count; i++) {
        struct ork_run_task *t = &r->tasks[i];
        t->flags = 0;
        if (!ork_task_is_final(t->status) || t->status == ORK_TASK_SUCCESS ||
            (only != ORK_NO_TASK && only != i && t->status == ORK_TASK_FAILED))
            continue;
        ork_run_move(r, i, ORK_TASK_PENDING);
        t->failures = t->lost = 0;
        t->kind = ORK_KIND_NONE;
        t->cause = ORK_NO_TASK;
        t->stored = true;
        ork_effects_add(fx, ORK_FX_CHANGED, i);
    }
}

/* ---- counting --------------------------------------------------------------------------------- */

void ork_run_recount_fan(struct ork_run *r, struct ork_run_fan *f)
{
    const bool running = f->task != ORK_NO_TASK && r->tasks[f->task].status == ORK_TASK_RUNNING;

    memset(f->final, 0, sizeof(f->final));
    f->left = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const uint32_t item = f->first + i;
        r->live += ork_run_is_live(r, item);
        if (ork_task_is_final(r->tasks[item].status))
            f->final[r->tasks[item].status]++;
        else if (running && i < f->next && !(r->tasks[item].flags & ORK_RT_DROPPED))
            f->left++;
    }
}

/* Let loose: all up to the last one that has a row. Those between that never began are among them: their turn is now.
 */
static void find_next(const struct ork_run *r, struct ork_run_fan *f)
{
    f->next = f->count;
    while (f->next > 0 && ork_run_is_fresh(r, f->first + f->next - 1))
        f->next--;
}

void ork_run_restore_fans(struct ork_run *r, struct ork_effects *fx)
{
    each_running(r, f)
    {
        const uint32_t live = r->live;
        find_next(r, f);
        ork_run_recount_fan(r, f);
        r->live = live;
        const bool doomed = ork_run_is_doomed(r, f->task), over = too_many_failed(f);
        if (doomed || over)
            close_fan(r, f, fx);
        for (uint32_t i = f->first; i < f->first + f->next; i++) {
            if (!ork_run_is_live(r, i))
                ork_run_consider(r, i, true, fx);
            else if (doomed)
                ork_run_kill(r, i, fx);
            else if (r->status == ORK_RUN_PAUSED && !f->closed && r->tasks[i].status == ORK_TASK_DISPATCHED)
                ork_effects_add(fx, ORK_FX_RECALL, i)->attempt = r->tasks[i].attempt;
        }
        ork_run_settle(r, f, fx);
    }
}
