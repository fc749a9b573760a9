/* SPDX-License-Identifier: MIT */
/* When the database refuses a value. The unit it is in leaves the batch, everybody else's results commit. A unit of a
 * run takes its run along: memory is ahead of the rows now, so the run is loaded again from them, as after a crash, and
 * what was refused is remembered as poison. When the agent sends that exit again the attempt fails (kind `output`) and
 * leaves no text of its own. What is refused even then ends here: the run stops, and whoever waits for it is told.
 *
 *   times refused    an attempt                                  the run itself
 *   1                fails, without output and log; says why     without its error, or its events
 *   2                its error is a fixed text                   -
 *   more than TRIES  the run cannot go on */
#include "engine/engine.h"

#define TRIES 3

const struct ork_poison *ork_refuse_poison(const struct ork_active *a, uint32_t task, uint32_t attempt)
{
    const struct ork_poison *p = a->poison;

    while (p && (p->task != task || p->attempt != attempt))
        p = p->next;
    return p;
}

void ork_refuse_free(struct ork_poison *p)
{
    while (p) {
        struct ork_poison *next = p->next;
        ork_free(p->why);
        ork_free(p);
        p = next;
    }
}

/* ---- the batch without what was refused ---- */

/* Changes of a row collapse by its unit's place, which moved. */
static void retouch(struct ork_commit *c, const struct ork_active *gone, const size_t *moved)
{
    struct ork_touch *t, *tmp;

    HASH_ITER(hh, c->touched, t, tmp)
    {
        if (t->key.run == gone) {
            HASH_DEL(c->touched, t);
            ork_free(t);
        } else {
            t->unit = moved[t->unit];
        }
    }
}

static void without_consequences(struct ork_commit *c, const struct ork_active *a)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].run == a)
            ork_commit_after_fini(&c->after[i]);
        else
            c->after[kept++] = c->after[i];
    }
    c->after_len = kept;
}

/* Takes every unit and consequence of one run out; what is left can be applied. */
static void without_run(struct ork_commit *c, struct ork_active *a)
{
    size_t kept = 0, *moved = ork_alloc((c->batch.len + 1) * sizeof(*moved));

    for (size_t i = 0; i < c->batch.len; i++) {
        if (c->unit_run[i] == a) {
            ork_active_unref(a);
            continue;
        }
        moved[i] = kept;
        c->batch.units[kept] = c->batch.units[i];
        c->unit_run[kept++] = c->unit_run[i];
    }
    c->batch.len = kept;
    retouch(c, a, moved);
    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].answers)
            c->after[i].answers = moved[c->after[i].answers - 1] + 1;
    }
    without_consequences(c, a);
    ork_free(moved);
}

/* A unit of nobody's run: whoever waits for its answer gets the error. Its batch was handed over already, so nothing
 * collapses into it any more. false: nobody waits. */
static bool without_unit(struct ork_commit *c, size_t bad, const ork_err *err)
{
    size_t kept = 0;
    bool told = false;

    for (size_t i = bad + 1; i < c->batch.len; i++) {
        c->batch.units[i - 1] = c->batch.units[i];
        c->unit_run[i - 1] = c->unit_run[i];
    }
    c->batch.len--;
    for (size_t i = 0; i < c->after_len; i++) {
        struct ork_after x = c->after[i];
        if (x.answers == bad + 1) {
            x.call(x.data, ORK_EDATA, err);
            told = true;
            ork_commit_after_fini(&x);
            continue;
        }
        if (x.answers > bad + 1)
            x.answers--;
        c->after[kept++] = x;
    }
    c->after_len = kept;
    return told;
}

/* ---- the run ---- */

static struct ork_poison *remember(struct ork_active *a, const struct ork_unit *bad, const ork_err *err)
{
    const ork_id *id = bad->type == ORK_UNIT_TASK       ? &bad->task.id
                       : bad->type == ORK_UNIT_ATTEMPT  ? &bad->attempt.task_id
                       : bad->type == ORK_UNIT_JOB      ? &bad->job.task_id
                       : bad->type == ORK_UNIT_ARTIFACT ? &bad->artifact.task_id
                       : bad->type == ORK_UNIT_TASK_MAP ? &bad->map.id
                                                        : NULL;
    uint32_t attempt = bad->type == ORK_UNIT_TASK       ? bad->task.attempt
                       : bad->type == ORK_UNIT_JOB      ? bad->job.attempt
                       : bad->type == ORK_UNIT_ARTIFACT ? bad->artifact.attempt
                       : id                             ? bad->attempt.attempt
                                                        : ORK_POISON_ROW;
    uint32_t task = ORK_NO_TASK;

    if (bad->type == ORK_UNIT_EVENT)
        attempt = ORK_POISON_EVENTS;
    if (id && ork_task_number(id) >= ORK_ITEMS_FROM && ork_task_is_of(id, &a->id))
        task = ork_run_by_number(&a->run, ork_task_number(id));
    for (uint32_t i = 0; id && task == ORK_NO_TASK && i < a->run.n; i++) {
        ork_id mine;
        ork_active_task_id(a, i, &mine);
        if (ork_id_eq(&mine, id))
            task = i;
    }
    if (bad->type == ORK_UNIT_TASK_MAP && task != ORK_NO_TASK)
        attempt = a->run.tasks[task].attempt; /* which began with the list */
    struct ork_poison *p = (struct ork_poison *)ork_refuse_poison(a, task, attempt);
    if (!p) {
        p = ork_zalloc(sizeof(*p));
        *p = (struct ork_poison){.task = task, .attempt = attempt, .next = a->poison};
        a->poison = p;
    }
    p->times++;
    ork_free(p->why);
    p->why = ork_strdup(err->msg);
    return p;
}

static void refuse_run(ork_engine *e, struct ork_active *a, const struct ork_unit *bad, const ork_err *err)
{
    ork_err why = {0};
    const struct ork_poison *p = remember(a, bad, err);

    if (p->task == ORK_NO_TASK)
        ork_log_error(&e->log, "run %s: %s", a->text, err->msg);
    else
        ork_log_warn(&e->log, "task `%s` of run %s: %s", ork_active_name(a, p->task), a->text, err->msg);
    if (p->times > TRIES) {
        ork_log_error(&e->log, "run %s cannot go on: %s", a->text, err->msg);
        ork_active_drop(a);
    } else if (ork_recover_again(a, &why) != 0) {
        ork_log_error(&e->log, "run %s cannot go on: %s", a->text, why.msg);
    }
}

/* ---- runs that are being created ---- */

static struct ork_active *created_by(ork_engine *e, const struct ork_unit *u)
{
    struct ork_active *a = e->runs;

    while (a && !(a->creating && u->type == ORK_UNIT_CREATE_RUN && u->create == &a->creating->row))
        a = a->hh.next;
    return a;
}

void ork_refuse_begun(struct ork_active *a)
{
    ork_engine *e = a->engine;

    ork_active_ref(a);
    for (struct ork_commit *q = e->queue; q; q = q->next)
        without_run(q, a);
    if (e->current)
        without_run(e->current, a);
    a->creating = NULL;
    e->begun = NULL;
    ork_active_drop(a);
    ork_active_unref(a);
}

/* A value of it, or the row itself, is refused: what it did at once is taken back. If only its row is stored then, it
 * begins again. */
static void take_back(struct ork_commit *c, struct ork_active *a)
{
    struct ork_starting *s = a->creating;

    without_run(c, a);
    ork_refuse_begun(a);
    ork_active_unref(s->begun);
    s->begun = NULL;
}

void ork_refuse_value(ork_engine *e, struct ork_commit *c, size_t bad, const ork_err *err)
{
    struct ork_active *a = bad < c->batch.len ? c->unit_run[bad] : NULL;

    if (bad >= c->batch.len) { /* the store does not know which: nothing of it can be kept */
        ork_log_error(&e->log, "%s", err->msg);
        ork_commit_refused(c, err);
        return;
    }
    struct ork_active *creating = a ? (a->creating ? a : NULL) : created_by(e, &c->batch.units[bad]);
    if (creating)
        take_back(c, creating);
    if (a && creating) {
        ork_log_debug(&e->log, "begins after it was created, not at once: %s", err->msg);
    } else if (a) {
        struct ork_unit unit = c->batch.units[bad];
        ork_active_ref(a);
        without_run(c, a);
        for (struct ork_commit *q = e->queue; q; q = q->next)
            without_run(q, a);
        if (e->current)
            without_run(e->current, a);
        refuse_run(e, a, &unit, err);
        ork_active_unref(a);
    } else {
        if (!without_unit(c, bad, err))
            ork_log_error(&e->log, "%s", err->msg);
    }
    c->next = e->queue;
    e->queue = c;
}
