/* SPDX-License-Identifier: MIT */
/* The run of a task as its task sees it: which it is, what its end is to the task, how it is steered (sub.h). */
#include "engine/engine.h"
#include "engine/sub.h"
#include "engine/update.h"
#include <string.h>

/* The attempt that waits for a run; NULL: none does (any more). */
struct ork_live *ork_sub_waiting(ork_engine *e, const ork_id *parent_task, const ork_id *run, struct ork_active **a)
{
    char text[ORK_ID_TEXT];
    uint32_t task;

    if (ork_id_is_zero(parent_task) || ork_active_by_task(e, parent_task, a, &task) != 0)
        return NULL;
    struct ork_live *l = ork_active_live(*a, task);
    ork_id_format(run, text);
    return l && l->job && !l->verdict && l->job->what.run && strcmp(l->job->what.run, text) == 0 ? l : NULL;
}

/* A second cancel stops what is to be tidied up, too: only when that is wanted of the run of its task. */
void ork_sub_cancel(struct ork_active *child, bool kill, const char *why)
{
    struct ork_event ev = {.type = ORK_EV_CANCEL, .task = ORK_NO_TASK, .reason = ORK_CANCEL_USER};

    if (child->closing || ork_run_is_final(child->run.status) || child->run.killed)
        return;
    if (!child->run.cancelling) {
        ork_free(child->cancel_why);
        child->cancel_why = ork_strdup(why);
        (void)ork_active_step(child, &ev);
    }
    if (kill && !child->closing && !child->run.killed)
        (void)ork_active_step(child, &ev);
}

/* It is in our hands: it stands as the run of its task does. */
void ork_sub_join(struct ork_active *a, const struct ork_live *l, struct ork_active *child)
{
    struct ork_event ev = {.type = ORK_EV_PAUSE, .task = ORK_NO_TASK};

    if (l->job->stop)
        ork_sub_cancel(child, a->run.killed,
                       l->job->stop == ORK_SUB_TIMEOUT ? "the timeout of its task is over" : "its task was cancelled");
    else if (a->run.status == ORK_RUN_PAUSED && child->run.status != ORK_RUN_PAUSED)
        a->resting ? ork_update_stop(child) : (void)ork_active_step(child, &ev);
}

/* ---- its end ---------------------------------------------------------------------------------- */

void ork_sub_fail(struct ork_active *a, struct ork_live *l, int status, const char *error)
{
    struct ork_event ev = {.failure = {.kind = ORK_KIND_ERROR, .exit_code = -1}};
    struct ork_end end = {.finished_ms = ork_engine_now(a->engine)};
    struct ork_buf why = ORK_BUF_INIT;
    char short_id[9];
    ork_id id;

    (void)ork_id_parse(l->job->what.run, strlen(l->job->what.run), &id);
    ork_id_short(&id, short_id);
    ork_buf_addf(&why, "run %s of `%s` ", short_id, l->job->what.text);
    if (status == ORK_RUN_CANCELLED) {
        ork_buf_adds(&why, "was cancelled");
        ev.retry_after_ms = -1; /* somebody did not want it */
    } else {
        ork_buf_addf(&why, "failed%s%s", error ? ": " : "", error ? error : "");
    }
    const struct ork_poison *poison = ork_refuse_poison(a, l->task, l->attempt);
    end.error = poison ? ork_settle_refused(poison) : why.data;
    ork_settle_call(a, l, &ev, &end);
    ork_buf_fini(&why);
}

/* output: its JSON; NULL none. */
void ork_sub_settle(struct ork_active *a, struct ork_live *l, int status, const char *output, const char *error)
{
    json_t *value = NULL;
    ork_err err = {0};

    ork_active_ref(a);
    if (status == ORK_RUN_SUCCESS && output && ork_json_parse(output, strlen(output), &value, &err) != 0)
        ork_settle_fail(a, l->task, ORK_KIND_OUTPUT, err.msg);
    else if (status == ORK_RUN_SUCCESS)
        ork_deferred_succeed(a, l, value);
    else if (l->job->stop == ORK_SUB_TIMEOUT)
        ork_deferred_timed_out(a, l);
    else if (l->job->stop == ORK_SUB_CANCELLED)
        ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled");
    else
        ork_sub_fail(a, l, status, error);
    ork_active_unref(a);
}

void ork_sub_ended(struct ork_active *child)
{
    struct ork_active *a = NULL;
    struct ork_live *l = ork_sub_waiting(child->engine, &child->parent_task, &child->id, &a);

    if (l && ork_run_is_final(child->run.status))
        ork_sub_settle(a, l, child->run.status, child->output, child->error);
}

/* ---- steering --------------------------------------------------------------------------------- */

struct ork_active *ork_sub_of(ork_engine *e, const struct ork_live *l)
{
    ork_id id;

    if (!l->job || !l->job->what.run || ork_id_parse(l->job->what.run, strlen(l->job->what.run), &id) != 0)
        return NULL;
    return ork_active_find(e, &id);
}

void ork_sub_stop(struct ork_active *a, struct ork_live *l, enum ork_sub_stop why)
{
    struct ork_active *child = ork_sub_of(a->engine, l);

    if (l->job->stop != ORK_SUB_CANCELLED)
        l->job->stop = why;
    if (child)
        ork_sub_join(a, l, child);
    else if (!l->job->busy)
        ork_sub_attach(a, l);
}

void ork_sub_tell(struct ork_active *a, int event)
{
    for (struct ork_live *l = a->live; l; l = l->hh.next) {
        struct ork_active *child = ork_sub_of(a->engine, l);
        struct ork_event ev = {.type = event, .task = ORK_NO_TASK};
        if (!child)
            continue;
        (void)ork_active_step(child, &ev);
        ork_sub_tell(child, event);
    }
}

bool ork_sub_rest(const struct ork_active *a)
{
    for (const struct ork_live *l = a->live; l; l = l->hh.next) {
        const struct ork_active *child = ork_sub_of(a->engine, l);
        if (l->job && l->job->busy)
            return false;
        for (const struct ork_live *c = child ? child->live : NULL; c; c = c->hh.next) {
            if (child->run.tasks[c->task].status == ORK_TASK_DISPATCHED)
                return false;
        }
        if (child && !ork_sub_rest(child))
            return false;
    }
    return true;
}

/* ---- for people ------------------------------------------------------------------------------- */

void ork_sub_within(const struct ork_active *child, char *out, size_t cap)
{
    struct ork_active *a = NULL;
    uint32_t task;
    size_t n = 0;

    *out = '\0';
    if (ork_active_by_task(child->engine, &child->parent_task, &a, &task) != 0) {
        (void)snprintf(out, cap, "?");
        return;
    }
    if (!ork_id_is_zero(&a->parent_task)) {
        ork_sub_within(a, out, cap);
        n = strlen(out);
        n += (size_t)snprintf(out + n, cap - n, " > ");
    }
    if (n < cap)
        (void)snprintf(out + n, cap - n, "%s", ork_active_name(a, task));
}
