/* SPDX-License-Identifier: MIT */
/* Events into the core, effects out of it. Effects are worked off in order; an effect that steps the core again only
 * appends.
 *
 * Every move of a task becomes a row in the commit being collected and a note for whoever watches; what must wait for
 * that commit (kill, recall, spawn) is put behind it. START alone is not urgent: losing it costs a question to the
 * agent. */
#include "engine/engine.h"
#include "engine/returns.h"
#include "engine/workers.h"
#include <string.h>

const char *ork_run_cancel_text(int reason)
{
    switch (reason) {
    case ORK_CANCEL_USER:
        return "cancelled";
    case ORK_CANCEL_TIMEOUT:
        return "run_timeout is over";
    case ORK_CANCEL_FAIL_FAST:
        return "a task failed (fail_fast)";
    default:
        return NULL;
    }
}

/* ---- rows ---- */

static void put_run(struct ork_active *a)
{
    ork_engine *e = a->engine;
    bool final = ork_run_is_final(a->run.status);
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_RUN, a, true);

    if (final && !a->finished_ms)
        a->finished_ms = ork_engine_now(e);
    if (!final)
        a->finished_ms = 0;
    u->run =
        (struct ork_run_put){.id = a->id,
                             .status = a->resting && a->run.status == ORK_RUN_PAUSED ? a->rested_from : a->run.status,
                             .started_ms = a->started_ms,
                             .finished_ms = a->finished_ms,
                             .cancel_reason = a->run.cancelling ? a->run.cancel_reason : ORK_CANCEL_NONE,
                             .killed = a->run.killed,
                             .release = final};
    if (a->output && a->run.status == ORK_RUN_SUCCESS && !ork_refuse_poison(a, ORK_NO_TASK, ORK_POISON_ROW)) {
        char *text = ork_strdup(a->output);
        u->run.output = (struct ork_text){text, strlen(text)};
        e->current->batch.bytes += strlen(text);
        (void)ork_commit_text(e, text);
    }
    if (a->error && !ork_refuse_poison(a, ORK_NO_TASK, ORK_POISON_ROW)) {
        char *text = ork_strdup(a->error);
        u->run.error = (struct ork_text){text, strlen(text)};
        (void)ork_commit_text(e, text);
    }
}

/* "3 of 12 tasks failed: a, b, c"; the first five by name. Before it why the run was ended early, if it was. */
static char *failure_text(const struct ork_active *a)
{
    struct ork_buf b = ORK_BUF_INIT;
    uint32_t failed = a->run.final[ORK_TASK_FAILED], shown = 0;
    const char *reason = !a->run.cancelling                        ? NULL
                         : a->cancel_why                           ? a->cancel_why
                         : a->run.cancel_reason == ORK_CANCEL_USER ? NULL
                                                                   : ork_run_cancel_text(a->run.cancel_reason);

    if (reason)
        ork_buf_adds(&b, reason);
    if (failed) {
        ork_buf_addf(&b, "%s%u of %u task%s failed: ", reason ? "; " : "", failed, a->run.n, a->run.n == 1 ? "" : "s");
        for (uint32_t i = 0; i < a->run.n && shown < 5; i++) {
            if (a->run.tasks[i].status == ORK_TASK_FAILED)
                ork_buf_addf(&b, "%s%s", shown++ ? ", " : "", ork_active_name(a, i));
        }
        if (failed > shown)
            ork_buf_adds(&b, ", …");
    }
    return b.len ? ork_buf_steal(&b, NULL) : NULL;
}

void ork_active_limit_time(struct ork_active *a)
{
    if (a->run_timeout_ms > 0 && a->run.status == ORK_RUN_RUNNING && !a->run.cancelling)
        ork_timers_arm(a, ORK_TIMER_RUN, ORK_NO_TASK, a->limited_ms + a->run_timeout_ms);
}

static void tell_status(struct ork_active *a, int from);

static void run_changed(struct ork_active *a, int from)
{
    ork_engine *e = a->engine;
    bool final = ork_run_is_final(a->run.status);

    if (!a->started_ms &&
        (a->run.status == ORK_RUN_RUNNING || (final && from == ORK_RUN_PENDING && !a->run.cancelling)))
        a->started_ms = ork_engine_now(e);
    if (a->run.status == ORK_RUN_RUNNING && (!a->limited_ms || ork_run_is_final(from)))
        a->limited_ms = ork_engine_now(e);
    if (a->run.status == ORK_RUN_RUNNING)
        ork_pools_turn_keep(a);
    ork_free(a->error);
    a->error = a->run.status == ORK_RUN_FAILED      ? failure_text(a)
               : a->run.status == ORK_RUN_CANCELLED ? ork_strdup(a->cancel_why ? a->cancel_why : "cancelled")
               : a->run.cancelling && a->cancel_why ? ork_strdup(a->cancel_why)
                                                    : NULL;
    if (final) {
        ork_timers_drop(a);
        if (a->run.status == ORK_RUN_SUCCESS && from != ORK_RUN_SUCCESS) {
            a->ended_from = from;
            a->closing = true; /* nothing may happen to it any more, though its end is not stored yet */
            if (ork_returns_begin(a))
                return;
            a->closing = false;
        }
        ork_pools_turn_over(a);
    } else {
        ork_active_limit_time(a);
    }
    tell_status(a, from);
}

/* Its row, and who watches it. */
static void tell_status(struct ork_active *a, int from)
{
    ork_engine *e = a->engine;
    bool final = ork_run_is_final(a->run.status);

    put_run(a);
    if (final && a->run.status != from)
        ork_handlers_owe(a, ORK_NO_TASK);
    if (a->run.status == from)
        return; /* it began to be cancelled: durable, so that a restart goes on with that */
    struct ork_after *x = ork_commit_after(e, final ? ORK_AFTER_ENDED : ORK_AFTER_CHANGE, a, ORK_NO_TASK);
    x->from = from;
    x->to = a->run.status;
    x->took_ms = final && a->started_ms ? a->finished_ms - a->started_ms : -1;
    x->error = a->error ? ork_strdup(a->error) : NULL;
    a->closing = final;
}

void ork_active_returned(struct ork_active *a, const char *error)
{
    if (error) { /* all tasks did well, but it gives not what it promises */
        a->run.status = ORK_RUN_FAILED;
        ork_free(a->error);
        a->error = ork_strdup(error);
    }
    ork_pools_turn_over(a);
    tell_status(a, a->ended_from);
}

/* Out of our hands, as it stands. */
void ork_active_release(struct ork_active *a)
{
    for (const struct ork_live *l = a->live; l; l = l->hh.next) {
        if (l->call)
            ork_begun_leave(a, l);
    }
    put_run(a);
    a->engine->current->batch.units[a->engine->current->batch.len - 1].run.release = true;
    struct ork_after *x = ork_commit_after(a->engine, ORK_AFTER_ENDED, a, ORK_NO_TASK);
    x->from = x->to = a->run.status;
    a->closing = true;
}

static void note(struct ork_active *a, uint32_t task, const char *error)
{
    const struct ork_run_task *t = &a->run.tasks[task];
    const struct ork_live *l = ork_active_live(a, task);
    struct ork_after *x = ork_commit_after(a->engine, ORK_AFTER_CHANGE, a, task);

    x->from = a->shown[task];
    x->to = t->status;
    x->attempt = t->attempt;
    x->kind = t->kind;
    x->retry_at_ms = t->retry_at_ms;
    x->adopted = l && l->adopted;
    x->error = error ? ork_strdup(error) : NULL;
    if (l && l->job && t->status == ORK_TASK_RUNNING)
        x->waits = ork_deferred_text(l->job);
    if (l && l->remote && t->status == ORK_TASK_RUNNING)
        x->waits = ork_remote_text(l->remote);
    const bool ended = a->end && a->end->task == task;
    if (l && l->started_ms && (ended || x->adopted)) { /* of what was found running: so far */
        int64_t till = ended ? a->end->finished_ms : ork_engine_now(a->engine);
        x->took_ms = till > l->started_ms ? till - l->started_ms : 0;
    }
    a->shown[task] = t->status;
}

void ork_active_adopted(struct ork_active *a, uint32_t task)
{
    note(a, task, NULL);
    a->engine->current->urgent = true;
}

void ork_active_waits(struct ork_active *a, uint32_t task)
{
    note(a, task, NULL);
}

#define ROWS_OF_CHANGE 8 /* of one task, at most */

static void task_changed(struct ork_active *a, uint32_t task);

/* Too many of its items failed: that is its reason. */
static void fan_failed(struct ork_active *a, uint32_t task)
{
    char *why = ork_fan_failed(a, task);
    struct ork_end end = {.task = task, .error = why, .finished_ms = ork_engine_now(a->engine)}, *before = a->end;

    a->end = &end;
    task_changed(a, task);
    a->end = before;
    ork_free(why);
}

static void task_changed(struct ork_active *a, uint32_t task)
{
    const struct ork_run_task *t = &a->run.tasks[task];
    bool started = t->status == ORK_TASK_RUNNING;
    const struct ork_live *l = ork_active_live(a, task);

    if (ork_run_fan(&a->run, task))
        ork_gather_forget(a, task);
    if (l && l->call && (started || t->status == ORK_TASK_DISPATCHED)) { /* its first row is its result */
        if (started)
            note(a, task, NULL);
        return;
    }
    if (ork_fan_is(a, task) && t->status == ORK_TASK_FAILED && ork_run_fan(&a->run, task) &&
        !(a->end && a->end->task == task)) {
        fan_failed(a, task);
        return;
    }
    if (l && l->job && t->status == ORK_TASK_DISPATCHED) /* it waits at once: one row says so */
        return;
    ork_commit_together(a->engine, ROWS_OF_CHANGE);
    ork_settle_put(a, task, !started || (l && l->job));
    ork_settle_ended(a, task);
    if (l && l->job)
        ork_deferred_put(a, l);
    else if (t->status == ORK_TASK_DISPATCHED || started)
        ork_settle_dispatched(a, task, !started);
    if (t->status != a->shown[task] && ork_task_is_final(t->status))
        ork_handlers_owe(a, task);
    if (t->status != a->shown[task] || t->retry_at_ms)
        note(a, task, a->end && a->end->task == task ? a->end->error : NULL);
}

/* A rule that wants one failure of several: no single task decided. "none failed (2 success, 1 skipped: `x`)" */
static bool none_failed(const struct ork_active *a, uint32_t task, struct ork_buf *why)
{
    const struct ork_csr *deps = ork_workflow_deps(a->workflow);
    uint32_t from = deps->first[task], to = deps->first[task + 1], skipped = 0;
    const char *name = NULL;

    if (ork_run_def(&a->run, task)->rule != ORK_RULE_ONE_FAILED || to - from < 2)
        return false;
    for (uint32_t e = from; e < to; e++) {
        if (a->run.tasks[deps->to[e]].status != ORK_TASK_SKIPPED)
            continue;
        skipped++;
        name = name ? name : ork_active_name(a, deps->to[e]);
    }
    ork_buf_addf(why, "none failed (%u success", to - from - skipped);
    if (name)
        ork_buf_addf(why, ", %u skipped: `%s`%s", skipped, name, skipped > 1 ? ", …" : "");
    ork_buf_adds(why, "), so its rule one_failed cannot come true");
    return true;
}

/* A task that cannot run any more: the reason names the task that decided it. */
static void task_skipped(struct ork_active *a, const struct ork_effect *fx)
{
    const bool outside = a->run.outside && a->run.outside[ork_run_no(&a->run, fx->task)];
    struct ork_buf why = ORK_BUF_INIT;
    struct ork_end end = {.task = fx->task, .finished_ms = ork_engine_now(a->engine)};
    struct ork_end *before = a->end;

    if (outside) {
        ork_part_why(a, &why);
        a->shown[fx->task] = ORK_TASK_SKIPPED; /* nothing happened to it that anybody waits to hear */
    } else if (ork_run_is_item(&a->run, fx->task) && fx->cause == ORK_NO_TASK) {
        const uint32_t of = ork_run_no(&a->run, fx->task);
        ork_buf_addf(&why, "`%s` is %s", ork_active_name(a, of), ork_task_status_name(a->run.tasks[of].status));
    } else if (ork_run_is_item(&a->run, fx->task)) {
        ork_buf_addf(&why, "too many items of `%s` failed", ork_workflow_task_name(a->workflow, fx->cause));
    } else if (ork_run_fan(&a->run, fx->task) && fx->cause == fx->task) {
        ork_buf_adds(&why, "all its items were skipped");
    } else if (fx->cause == ORK_NO_TASK || fx->cause == fx->task) {
        ork_buf_adds(&why, "its `when` is false");
    } else if (!none_failed(a, fx->task, &why)) {
        const char *name = ork_active_name(a, fx->cause);
        int status = a->run.tasks[fx->cause].status;
        const char *rule = ork_rule_name(ork_run_def(&a->run, fx->task)->rule);
        if (status == ORK_TASK_FAILED)
            ork_buf_addf(&why, "`%s` failed", name);
        else
            ork_buf_addf(&why, "`%s` is %s, so its rule %s cannot come true", name, ork_task_status_name(status), rule);
    }
    if (!ork_refuse_poison(a, fx->task, a->run.tasks[fx->task].attempt))
        end.error = why.data;
    a->end = &end;
    task_changed(a, fx->task);
    a->end = before;
    ork_buf_fini(&why);
}

/* ---- effects ---- */

static void recall_or_kill(struct ork_active *a, const struct ork_effect *fx, int type)
{
    struct ork_live *l = ork_active_live(a, fx->task);
    struct ork_after *x = ork_commit_after(a->engine, type, a, fx->task);

    x->attempt = fx->attempt;
    x->grace_ms = l && !a->run.killed ? (l->grace_ms ? l->grace_ms : ORK_GRACE_MS) : 0;
    a->engine->current->urgent = true;
}

static void carry_out(struct ork_active *a, const struct ork_effect *fx)
{
    switch (fx->type) {
    case ORK_FX_CHANGED:
        if (a->run.tasks[fx->task].status != ORK_TASK_SKIPPED)
            task_changed(a, fx->task);
        break;
    case ORK_FX_SKIPPED:
        task_skipped(a, fx);
        break;
    case ORK_FX_READY:
        ork_dispatch_ready(a, fx->task);
        break;
    case ORK_FX_UNREADY:
        ork_question_drop(a, fx->task, "when");
        ork_timers_disarm(a, ORK_TIMER_QUEUE, fx->task);
        ork_limits_unready(a->engine->limits, a->limits, fx->task);
        if (ork_active_pool(a, fx->task))
            ork_pools_return(a->engine, ork_active_pool(a, fx->task));
        break;
    case ORK_FX_RECALL:
        recall_or_kill(a, fx, ORK_AFTER_RECALL);
        break;
    case ORK_FX_KILL:
        recall_or_kill(a, fx, ORK_AFTER_KILL);
        break;
    case ORK_FX_ARM:
        ork_timers_arm(a, ORK_TIMER_RETRY, fx->task, fx->at_ms);
        break;
    case ORK_FX_DISARM:
        ork_timers_disarm(a, ORK_TIMER_RETRY, fx->task);
        break;
    case ORK_FX_UNMAPPED:
        ork_fan_unmapped(a, fx->task);
        break;
    case ORK_FX_RUN_CHANGED: /* once, after all that led to it: what is worked off may step again */
        a->run_moved = true;
        break;
    default:
        break;
    }
}

int ork_active_step(struct ork_active *a, struct ork_event *ev)
{
    ork_engine *e = a->engine;

    if (a->dead || a->closing || e->closing || e->fenced)
        return ORK_ESTATE;
    ev->now_ms = ork_engine_now(e);
    if (ev->type != ORK_EV_GRANT && ev->type != ORK_EV_STARTED && !(ev->type == ORK_EV_EXITED && ev->ok))
        ev->random = e->clock->random(e->clock->data); /* a call of the system, and it is for who may be tried again */
    int before = a->run.status;
    bool cancelling = a->run.cancelling;
    int rc = ork_run_step(&a->run, ev, &a->fx);
    if (rc) {
        ork_log_debug(&e->log, "dropped run=%s event=%d task=%u attempt=%u", a->text, ev->type, ev->task, ev->attempt);
        return rc;
    }
    ork_history_add(a, ev);
    if (a->strange && a->run.cancelling && !cancelling)
        ork_dispatch_strange(a);
    if (!a->draining) {
        a->draining = true;
        for (; a->fx_done < a->fx.len; a->fx_done++) {
            struct ork_effect fx = a->fx.items[a->fx_done];
            carry_out(a, &fx);
        }
        a->fx.len = a->fx_done = 0;
        a->draining = false;
        if (a->run_moved) {
            a->run_moved = false;
            run_changed(a, before);
        }
        ork_settle_rejects(a);
    }
    return 0;
}

/* ---- beginning ---- */

#define CHUNK 2000

static void insert_chunk(struct ork_active *a)
{
    uint32_t left = a->run.n - a->inserted, count = left < CHUNK ? left : CHUNK;
    struct ork_unit *u = ork_commit_unit(a->engine, ORK_UNIT_TASKS, a, true);

    u->tasks = (struct ork_tasks_insert){.run_id = a->id,
                                         .workflow = a->workflow,
                                         .first = a->inserted,
                                         .count = count,
                                         .now_ms = ork_engine_now(a->engine)};
    a->engine->current->batch.rows += count - 1;
    a->inserted += count;
}

void ork_active_inserted(struct ork_active *a)
{
    if (a->dead)
        return;
    if (a->update) {
        ork_update_go_on(a);
        return;
    }
    if (a->inserted < a->run.n) {
        if (a->inserted == 0 && a->run.n > CHUNK)
            ork_workers_expect(a);
        insert_chunk(a);
        if (a->inserted < a->run.n || a->run.n > CHUNK) {
            (void)ork_commit_after(a->engine, ORK_AFTER_INSERTED, a, ORK_NO_TASK);
            return;
        }
    }
    if (a->copy && !a->closing) { /* outputs are read from the database: first they must be there */
        (void)ork_rerun_copy(a);
        (void)ork_commit_after(a->engine, ORK_AFTER_INSERTED, a, ORK_NO_TASK);
        return;
    }
    ork_pools_turn(a);
}

void ork_active_begin(struct ork_active *a)
{
    struct ork_event ev = {.type = a->resumed ? ORK_EV_RESTORE : ORK_EV_START, .task = ORK_NO_TASK};

    if (ork_active_step(a, &ev) == 0 && a->resumed && a->run.status == ORK_RUN_PENDING) {
        ev.type = ORK_EV_START;
        (void)ork_active_step(a, &ev);
    }
}
