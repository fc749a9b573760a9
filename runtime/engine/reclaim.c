/* SPDX-License-Identifier: MIT */
/* Runs of tasks after a restart: what has become of each, and who may take it up (sub.h). Reads block here, as they do
 * when a run is loaded: once per child, before its task can go on. */
#include "engine/engine.h"
#include "engine/handlers.h"
#include "engine/sub.h"
#include <string.h>

struct claiming {
    struct ork_claim claim;
    ork_engine *engine;
    ork_id parent_task;
};

#define AGAIN_MS 1000

static void look_later(struct ork_active *a, const struct ork_live *l, int64_t ms)
{
    ork_timers_arm(a, ORK_TIMER_WAKE, l->task, ork_engine_now(a->engine) + ms);
}

static bool is_away(int code)
{
    return code == ORK_EIO || code == ORK_EBUSY || code == ORK_ETIMEDOUT || code == ORK_ECANCELLED;
}

/* What it ended with is not all: it is to run again, and its owner has not got round to that; or handlers are owed by a
 * program that is gone, which are taken with `taker`, if that is given. */
static bool is_wanted(ork_engine *e, const ork_id *run, bool again, struct ork_active *taker)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    bool wanted = false;
    ork_err none;

    if (ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, &none) != 0)
        return true; /* it will be asked again, once it is claimed */
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_time(rows, i, "done_at"))
            continue;
        bool left = !again && ork_handlers_left(e, rows, i);
        wanted |= left || (again && strcmp(ork_rows_text(rows, i, "kind"), "retry") == 0);
        if (left && taker)
            ork_handlers_take(taker, rows, i);
    }
    ork_rows_free(rows);
    return wanted;
}

static bool is_wanted_again(ork_engine *e, const ork_id *run)
{
    return is_wanted(e, run, true, NULL);
}

/* It has ended, for good. Its handlers are begun before its task is told: who waits for that one waits for them. It is
 * ours until they have ended, so nobody else calls them. */
static void end_here(struct ork_active *child)
{
    if (is_wanted(child->engine, &child->id, false, child))
        ork_command_look(child->engine); /* which lets go of it */
    else
        ork_active_release(child);
    ork_sub_ended(child);
}

/* It is ours by its row. */
static void take_up(struct ork_active *a, struct ork_live *l, const ork_id *run)
{
    struct ork_active *child = NULL;
    ork_err why = {0};
    int rc = ork_recover_run(a->engine, run, NULL, &child, &why);

    if (rc && is_away(rc)) {
        look_later(a, l, AGAIN_MS);
    } else if (rc) {
        ork_adopt_fail_run(a->engine, run, &why);
        ork_sub_fail(a, l, ORK_RUN_FAILED, why.msg);
    } else if (!child->dead && ork_run_is_final(child->run.status) && !child->closing &&
               !(l->job->stop == ORK_SUB_GO_ON && is_wanted_again(a->engine, run))) { /* another was quicker */
        end_here(child);
    } else {
        if (!child->dead)
            ork_sub_join(a, l, child);
        ork_command_look(a->engine);
    }
}

static void on_claimed(void *data, int code, const ork_err *err)
{
    struct claiming *c = data;
    ork_engine *e = c->engine;
    struct ork_active *a = NULL;
    struct ork_live *l = e->closing || e->fenced ? NULL : ork_sub_waiting(e, &c->parent_task, &c->claim.run_id, &a);

    (void)err;
    if (l)
        l->job->busy = false;
    if (l && code) {
        look_later(a, l, AGAIN_MS);
    } else if (l && c->claim.claimed) {
        take_up(a, l, &c->claim.run_id);
    } else if (l && c->claim.bound) {
        look_later(a, l, c->claim.bound_ms >= 0 ? c->claim.bound_ms + 50 : AGAIN_MS);
    } else if (l) { /* somebody cancels or pauses just that run */
        ork_err none;
        ork_engine_watch(e);
        e->subs_loose = true;
        if (ork_engine_watch_owner(e, &c->claim.owner, &none) != 0)
            look_later(a, l, AGAIN_MS);
    }
    ork_pools_inherited(e, c->claim.left);
    ork_free(c);
}

void ork_sub_claim(struct ork_active *a, struct ork_live *l, const ork_id *run)
{
    struct claiming *c = ork_zalloc(sizeof(*c));

    *c = (struct claiming){.engine = a->engine, .claim.run_id = *run};
    ork_active_task_id(a, l->task, &c->parent_task);
    l->job->busy = true;
    ork_commit_unit(a->engine, ORK_UNIT_CLAIM, NULL, true)->claim = &c->claim;
    ork_commit_answer(a->engine, on_claimed, c);
}

void ork_sub_attach(struct ork_active *a, struct ork_live *l)
{
    ork_engine *e = a->engine;
    struct ork_rows *rows = NULL;
    struct ork_active *child = ork_sub_of(e, l);
    ork_err err = {0};
    ork_id run;

    if (l->job->busy)
        return;
    if (child) { /* it was with us all the time */
        if (child->closing && ork_run_is_final(child->run.status))
            return; /* its end is about to be stored, and told */
        ork_sub_join(a, l, child);
        return;
    }
    (void)ork_id_parse(l->job->what.run, strlen(l->job->what.run), &run);
    struct ork_param p[] = {ORK_P_ID(&run)};
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, &err);
    int status = !rc && ork_rows_len(rows) ? ork_run_status_parse(ork_rows_text(rows, 0, "status")) : -1;
    if (rc) {
        look_later(a, l, AGAIN_MS);
    } else if (ork_rows_len(rows) == 0) {
        ork_settle_lost(a, l->task, "lost: its run is not in the database");
    } else if (ork_run_is_final(status) && (l->job->stop || !is_wanted_again(e, &run)) &&
               !is_wanted(e, &run, false, NULL)) {
        ork_sub_settle(a, l, status, ork_rows_text(rows, 0, "output"), ork_rows_text(rows, 0, "error"));
    } else {
        ork_sub_claim(a, l, &run);
    }
    ork_rows_free(rows);
}

void ork_sub_rung(ork_engine *e)
{
    struct ork_active *a, *next;
    struct ork_live *l, *tmp;

    if (!e->subs_loose || e->closing || e->fenced)
        return;
    e->subs_loose = false;
    HASH_ITER(hh, e->runs, a, next)
    {
        HASH_ITER(hh, a->live, l, tmp)
        {
            if (l->job && l->job->what.type == ORK_DEFER_RUN && !ork_sub_of(e, l))
                ork_sub_attach(a, l);
        }
    }
}

/* ---- who may take it up ----------------------------------------------------------------------- */

static bool awaited(ork_engine *e, const ork_id *run, struct ork_rows **rows)
{
    struct ork_param p[] = {ORK_P_ID(run)};
    ork_err none;

    *rows = NULL;
    return ork_store_query(e->store, ORK_Q_run_parent, p, 1, rows, &none) == 0 && ork_rows_len(*rows) > 0 &&
           ork_rows_int(*rows, 0, "awaited", 0) != 0;
}

bool ork_sub_is_awaited(ork_engine *e, const ork_id *run)
{
    struct ork_rows *rows;
    bool is = awaited(e, run, &rows);

    ork_rows_free(rows);
    return is;
}

int ork_sub_may_claim(ork_engine *e, const char *run_id, ork_err *err)
{
    struct ork_rows *rows = NULL;
    ork_id run, parent;
    char short_id[9];
    int rc = ork_doc_parse_run(run_id, &run, err);

    if (!rc && !ork_active_find(e, &run) && awaited(e, &run, &rows) && ork_rows_id(rows, 0, "run_id", &parent)) {
        ork_id_short(&parent, short_id);
        rc = ork_err_set(err, ORK_ESTATE,
                         "task `%s` of run %s waits for it; who goes on with that one goes on with it: `ork resume %s`",
                         ork_rows_text(rows, 0, "task_name"), short_id, short_id);
    }
    ork_rows_free(rows);
    return rc;
}
