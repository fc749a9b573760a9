/* SPDX-License-Identifier: MIT */
/* How the end of a task reaches the tasks that wait for it. Law: a rule is judged as soon as it can be decided, and a
 * task whose rule can no longer come true is skipped in the same step. Each edge is walked once per end of its task. */
#include "core/run_priv.h"
#include <assert.h>

bool ork_run_is_waiting(const struct ork_run *r, uint32_t task)
{
    return r->tasks[task].status == ORK_TASK_PENDING || r->tasks[task].status == ORK_TASK_PAUSED;
}

bool ork_run_is_live(const struct ork_run *r, uint32_t task)
{
    return (r->tasks[task].status == ORK_TASK_DISPATCHED || r->tasks[task].status == ORK_TASK_RUNNING) &&
           !ork_run_is_parent(r, task);
}

bool ork_run_is_finally(const struct ork_run *r, uint32_t task)
{
    return ork_run_def(r, task)->flags & ORK_TASK_FINALLY;
}

bool ork_run_is_outside(const struct ork_run *r, uint32_t task)
{
    return r->outside && r->outside[ork_run_no(r, task)];
}

bool ork_run_is_doomed(const struct ork_run *r, uint32_t task)
{
    return r->cancelling && (r->killed || ork_run_def(r, task)->rule != ORK_RULE_ALWAYS);
}

bool ork_run_is_over(const struct ork_run *r)
{
    return r->final[ORK_TASK_SUCCESS] + r->final[ORK_TASK_FAILED] + r->final[ORK_TASK_CANCELLED] +
               r->final[ORK_TASK_SKIPPED] ==
           r->n;
}

/* It has dependencies, and none of them is part of this run. */
static bool is_cut_off(const struct ork_run *r, uint32_t task)
{
    const struct ork_run_task *t = &r->tasks[task];
    const uint32_t *first = ork_workflow_deps(r->workflow)->first;

    return r->outside && first[task + 1] > first[task] && !(t->unmet | t->ok | t->bad | t->skipped);
}

enum ork_verdict ork_run_judge(const struct ork_run *r, uint32_t task)
{
    if (ork_run_is_item(r, task))
        return ork_run_may_begin(r, task) ? ORK_VERDICT_RUN : ORK_VERDICT_WAIT;
    const struct ork_run_task *t = &r->tasks[task];
    const enum ork_verdict at_end = t->unmet ? ORK_VERDICT_WAIT : ORK_VERDICT_RUN;
    const bool none = !(t->ok | t->bad | t->skipped);

    if (is_cut_off(r, task))
        return ORK_VERDICT_RUN;

    switch (ork_workflow_def(r->workflow, task)->rule) {
    case ORK_RULE_ALL_SUCCESS:
        return t->bad | t->skipped ? ORK_VERDICT_SKIP : at_end;
    case ORK_RULE_NONE_FAILED:
        if (t->bad)
            return ORK_VERDICT_SKIP;
        return t->unmet || t->ok || none ? at_end : ORK_VERDICT_SKIP;
    case ORK_RULE_ALL_DONE:
    case ORK_RULE_ALWAYS:
        return at_end;
    case ORK_RULE_ALL_FAILED:
        return t->ok | t->skipped ? ORK_VERDICT_SKIP : at_end;
    case ORK_RULE_ONE_FAILED:
        return t->bad ? ORK_VERDICT_RUN : t->unmet ? ORK_VERDICT_WAIT : ORK_VERDICT_SKIP;
    case ORK_RULE_ONE_SUCCESS:
        return t->ok ? ORK_VERDICT_RUN : t->unmet ? ORK_VERDICT_WAIT : ORK_VERDICT_SKIP;
    default:
        assert(!"rule outside its enum");
        return ORK_VERDICT_SKIP;
    }
}

/* Why a skipped task's rule cannot come true: the task that failed first on the way, if one did. Roots are kept per
 * task, so this looks at direct dependencies only. */
uint32_t ork_run_cause(const struct ork_run *r, uint32_t task)
{
    static const uint8_t rank_bad[8] = {[ORK_TASK_FAILED] = 4, [ORK_TASK_CANCELLED] = 2, [ORK_TASK_SKIPPED] = 1};
    static const uint8_t rank_good[8] = {[ORK_TASK_SUCCESS] = 4, [ORK_TASK_SKIPPED] = 1};
    const struct ork_csr *deps = ork_workflow_deps(r->workflow);
    const int rule = ork_workflow_def(r->workflow, task)->rule;
    const uint8_t *rank = rule == ORK_RULE_ALL_FAILED || rule == ORK_RULE_ONE_FAILED ? rank_good : rank_bad;
    uint32_t best = ORK_NO_TASK;
    uint8_t best_rank = 0;

    for (uint32_t e = deps->first[task]; e < deps->first[task + 1] && best_rank < 4; e++) {
        uint32_t dep = deps->to[e], root = dep;
        const struct ork_run_task *d = &r->tasks[dep];
        if (ork_run_is_outside(r, dep))
            continue;
        uint8_t worth = rank[d->status];
        if (d->status == ORK_TASK_SKIPPED && d->cause != ORK_NO_TASK) {
            root = d->cause;
            worth = r->tasks[root].status == ORK_TASK_FAILED ? 3 : worth;
        }
        if (worth > best_rank) {
            best = root;
            best_rank = worth;
        }
    }
    return best;
}

void ork_run_move(struct ork_run *r, uint32_t task, int to)
{
    struct ork_run_task *t = &r->tasks[task];
    struct ork_run_fan *f = ork_run_is_item(r, task) ? ork_run_fan_of(r, task) : NULL;
    uint32_t *final = f ? f->final : r->final;
    const uint32_t ordinary = !f && !ork_run_is_finally(r, task);

    assert(ork_task_may_move(t->status, to));
    if (ork_task_is_final(t->status)) {
        final[t->status]--;
        r->open += ordinary;
    }
    r->live -= ork_run_is_live(r, task);
    t->status = (uint8_t)to;
    r->live += ork_run_is_live(r, task);
    if (ork_task_is_final(to)) {
        final[to]++;
        r->open -= ordinary;
        if (f)
            f->left--;
    }
}

void ork_run_set_ready(struct ork_run *r, uint32_t task, bool ready)
{
    struct ork_run_task *t = &r->tasks[task];
    const bool was = t->flags & ORK_RT_READY;

    t->flags = (uint8_t)(ready ? t->flags | ORK_RT_READY : t->flags & ~ORK_RT_READY);
    if (ork_run_is_item(r, task))
        ork_run_fan_of(r, task)->ready += (uint32_t)ready - (uint32_t)was;
}

void ork_run_end(struct ork_run *r, uint32_t task, int status, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    ork_run_move(r, task, status);
    ork_run_set_ready(r, task, false);
    t->flags = ORK_RT_SPREAD;
    t->retry_at_ms = 0;
    ork_effects_add(fx, ORK_FX_CHANGED, task);
    if (ork_run_is_parent(r, task))
        ork_run_end_items(r, task, fx);
}

void ork_run_withdraw(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (t->flags & ORK_RT_READY)
        ork_effects_add(fx, ORK_FX_UNREADY, task);
    else if (t->retry_at_ms > 0 && r->status == ORK_RUN_RUNNING)
        ork_effects_add(fx, ORK_FX_DISARM, task);
    ork_run_set_ready(r, task, false);
}

static void skip(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    ork_run_withdraw(r, task, fx);
    ork_run_end(r, task, ORK_TASK_SKIPPED, fx);
    r->tasks[task].cause = ork_run_cause(r, task);
    ork_effects_add(fx, ORK_FX_SKIPPED, task)->cause = r->tasks[task].cause;
}

static void leave_out(struct ork_run *r, uint32_t task, struct ork_effects *fx)
{
    ork_run_end(r, task, ORK_TASK_SKIPPED, fx);
    r->tasks[task].cause = ORK_NO_TASK;
    ork_effects_add(fx, ORK_FX_SKIPPED, task);
}

void ork_run_consider(struct ork_run *r, uint32_t task, bool arm, struct ork_effects *fx)
{
    struct ork_run_task *t = &r->tasks[task];

    if (!ork_run_is_waiting(r, task))
        return;
    if (ork_run_is_item(r, task) && (ork_run_fan_of(r, task)->closed || ork_run_is_doomed(r, task))) {
        ork_run_drop_item(r, task, fx);
        return;
    }
    if (ork_run_is_outside(r, task)) {
        if (r->status == ORK_RUN_RUNNING || r->cancelling)
            leave_out(r, task, fx);
        return;
    }
    if (ork_run_is_doomed(r, task)) {
        ork_run_withdraw(r, task, fx);
        ork_run_end(r, task, ORK_TASK_CANCELLED, fx);
        return;
    }
    enum ork_verdict verdict = ork_run_judge(r, task);
    if (verdict == ORK_VERDICT_SKIP)
        skip(r, task, fx);
    if (verdict != ORK_VERDICT_RUN || t->status != ORK_TASK_PENDING || r->status != ORK_RUN_RUNNING ||
        (t->flags & ORK_RT_READY))
        return;
    if (t->retry_at_ms == 0) {
        ork_run_set_ready(r, task, true);
        ork_effects_add(fx, ORK_FX_READY, task);
    } else if (arm) {
        ork_effects_add(fx, ORK_FX_ARM, task)->at_ms = t->retry_at_ms;
    }
}

/* on, which t depends on, is final. */
static void count_end(const struct ork_run *r, struct ork_run_task *t, uint32_t on)
{
    const int status = r->tasks[on].status;

    assert(t->unmet > 0);
    t->unmet--;
    if (ork_run_is_outside(r, on))
        return;
    if (status == ORK_TASK_SUCCESS)
        t->ok++;
    else if (status == ORK_TASK_SKIPPED)
        t->skipped++;
    else
        t->bad++;
}

void ork_run_spread(struct ork_run *r, struct ork_effects *fx, size_t from)
{
    const struct ork_csr *out = ork_workflow_dependents(r->workflow);

    for (size_t i = from; i < fx->len; i++) {
        uint32_t task = fx->items[i].task;
        if (fx->items[i].type != ORK_FX_CHANGED || !(r->tasks[task].flags & ORK_RT_SPREAD))
            continue;
        r->tasks[task].flags &= (uint8_t)~ORK_RT_SPREAD;
        if (ork_run_is_item(r, task)) {
            ork_run_settle(r, ork_run_fan_of(r, task), fx);
            continue;
        }
        for (uint32_t e = out->first[task]; e < out->first[task + 1]; e++) {
            count_end(r, &r->tasks[out->to[e]], task);
            ork_run_consider(r, out->to[e], false, fx);
        }
        if (r->gate && r->open == 0) { /* all that is not `finally` is final: that dependency of theirs is met */
            uint32_t len;
            const uint32_t *last = ork_workflow_finally(r->workflow, &len);
            r->gate = false;
            for (uint32_t k = 0; k < len; k++) {
                r->tasks[last[k]].unmet--;
                ork_run_consider(r, last[k], false, fx);
            }
        }
    }
}

void ork_run_recount(struct ork_run *r)
{
    const struct ork_csr *deps = ork_workflow_deps(r->workflow), *out = ork_workflow_dependents(r->workflow);
    const uint32_t *order = ork_workflow_order(r->workflow);
    uint32_t len;
    const uint32_t *last = ork_workflow_finally(r->workflow, &len);

    r->live = r->open = 0;
    for (int i = 0; i < 8; i++)
        r->final[i] = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        struct ork_run_task *t = &r->tasks[i];
        t->unmet = deps->first[i + 1] - deps->first[i];
        t->ok = t->bad = t->skipped = 0;
        t->cause = ORK_NO_TASK;
        r->live += ork_run_is_live(r, i);
        if (ork_task_is_final(t->status))
            r->final[t->status]++;
        else
            r->open += !ork_run_is_finally(r, i);
    }
    for (uint32_t i = 0; i < r->fans_len; i++)
        ork_run_recount_fan(r, &r->fans[i]);
    r->gate = r->open > 0;
    for (uint32_t k = 0; k < len; k++)
        r->tasks[last[k]].unmet += r->gate;
    for (uint32_t k = 0; k < r->n; k++) { /* in order, so that a cause is known before it is handed on */
        uint32_t i = order[k];
        if (r->tasks[i].status == ORK_TASK_SKIPPED && !ork_run_is_outside(r, i))
            r->tasks[i].cause = ork_run_cause(r, i);
        if (ork_task_is_final(r->tasks[i].status))
            for (uint32_t e = out->first[i]; e < out->first[i + 1]; e++)
                count_end(r, &r->tasks[out->to[e]], i);
    }
}
