/* SPDX-License-Identifier: MIT */
/* CREATE_RUN and CLAIM: whose is a run? Everything is looked up and decided inside the transaction, so of two who want
 * the same (a key, a schedule's instant, an orphan, a workflow's name) the second finds what the first has done.
 * Neither is ever an error.
 *
 *   owner            by its row    its lock    the run is
 *   none             –             –           free
 *   me               –             –           mine
 *   other            not live      –           free
 *   other            live          free        free; the owner is buried: row 'dead', slots given back
 *   other            live          held        owned; who can wait is told when its process has ended
 */
#include "base/err.h"
#include "base/pid.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

int ork_sqlite_holding(struct ork_sqlite *s, const ork_id *run, struct ork_holding *h, ork_err *err)
{
    struct ork_stmt st;
    bool live = false;
    memset(h, 0, sizeof *h);
    h->status = -1;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_owner);
    ork_stmt_id(&st, run);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_step(&st, err);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        const char *status = (const char *)sqlite3_column_text(st.st, 0),
                   *state = (const char *)sqlite3_column_text(st.st, 2);
        h->found = true;
        h->status = ork_run_status_parse(status ? status : "");
        h->free = !ork_stmt_get_id(&st, 1, &h->owner);
        live = state && strcmp(state, "live") == 0;
        h->pid = sqlite3_column_int(st.st, 4) ? sqlite3_column_int64(st.st, 3) : 0;
        ork_stmt_end(&st);
    }
    if (!h->found || h->free)
        return 0;
    h->mine = !ork_id_is_zero(&s->me) && ork_id_eq(&h->owner, &s->me);
    if (h->mine)
        return 0;
    if (!live) {
        h->free = true;
        return 0;
    }
    return ork_sqlite_bury(s, &h->owner, &h->free, err);
}

static int take(struct ork_sqlite *s, const ork_id *run, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_claim);
    ork_stmt_id(&st, run);
    ork_stmt_id(&st, &s->me);
    return ork_stmt_run(&st, err);
}

int ork_unit_claim(struct ork_sqlite *s, struct ork_claim *c, ork_err *err)
{
    struct ork_holding h;
    int rc = ork_sqlite_holding(s, &c->run_id, &h, err);
    if (rc)
        return rc;
    c->claimed = h.found && (h.free || h.mine);
    c->status = h.status;
    memset(&c->owner, 0, sizeof c->owner);
    if (!c->claimed)
        c->owner = h.owner;
    return c->claimed && !h.mine ? take(s, &c->run_id, err) : 0;
}

/* First id of a statement's rows; *found false without one. */
static int first_id(struct ork_stmt *st, ork_id *id, bool *found, ork_err *err)
{
    int rc = ork_stmt_step(st, err);
    *found = rc == 1 && ork_stmt_get_id(st, 0, id);
    if (rc == 1)
        ork_stmt_end(st);
    return rc < 0 ? rc : 0;
}

static int get_workflow(struct ork_sqlite *s, const struct ork_new_run *c, ork_id *workflow, ork_err *err)
{
    const char *name = ork_workflow_name(c->workflow);
    struct ork_stmt st;
    bool found;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_find);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    int rc = first_id(&st, workflow, &found, err);
    if (rc || found)
        return rc;
    *workflow = c->workflow_id;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_insert);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    ork_stmt_text(&st, c->options_json);
    ork_stmt_id(&st, &c->snapshot_id);
    ork_stmt_text(&st, c->script_path);
    ork_stmt_time(&st, c->now_ms);
    return ork_stmt_run(&st, err);
}

int ork_sqlite_snapshot(struct ork_sqlite *s, const struct ork_new_run *c, const ork_id *workflow, ork_id *snapshot,
                        ork_err *err)
{
    struct ork_stmt st;
    bool found;
    ork_stmt_begin(&st, &s->writer, ORK_S_snapshot_find);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, c->hash);
    int rc = first_id(&st, snapshot, &found, err);
    if (rc || found)
        return rc;
    *snapshot = c->snapshot_id;
    ork_stmt_begin(&st, &s->writer, ORK_S_snapshot_insert);
    ork_stmt_id(&st, snapshot);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, c->hash);
    ork_stmt_text(&st, c->tasks_json);
    ork_stmt_text(&st, c->options_json);
    ork_stmt_text(&st, c->source_json);
    ork_stmt_time(&st, c->now_ms);
    return ork_stmt_run(&st, err);
}

/* The process of its owner has ended, and its lock has not fallen: a child that it was just starting holds it until it
 * becomes another program. A start that can wait decides later. */
static bool is_early(const struct ork_sqlite *s, const struct ork_new_run *c, const struct ork_holding *h)
{
    return c->patient && !h->free && !h->mine && !ork_run_is_final(h->status) && !ork_id_is_zero(&s->me) &&
           ork_pid_gone(h->pid);
}

/* A run that exists already: unfinished and free → ours from now on. An unregistered process claims nothing. */
static int settle(struct ork_sqlite *s, struct ork_new_run *c, const ork_id *run, ork_err *err)
{
    struct ork_holding h;
    int rc = ork_sqlite_holding(s, run, &h, err);
    if (rc)
        return rc;
    c->run_id = *run;
    c->owner = h.owner;
    if (ork_run_is_final(h.status)) {
        c->how = ORK_FINISHED;
    } else if (is_early(s, c, &h)) {
        c->how = ORK_EARLY;
        c->early_ms = 0;
        c->lingers = true;
    } else if (h.free && !ork_id_is_zero(&s->me)) {
        c->how = ORK_RESUMED;
        c->owner = s->me;
        rc = take(s, run, err);
    } else {
        c->how = ORK_OWNED;
    }
    return rc;
}

static int by_key(struct ork_sqlite *s, struct ork_new_run *c, const ork_id *workflow, bool *settled, ork_err *err)
{
    struct ork_stmt st;
    ork_id run;
    *settled = false;
    if (!c->key.p && !c->scheduled_for_ms)
        return 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_by_key);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, c->key);
    ork_stmt_time(&st, c->scheduled_for_ms);
    int rc = first_id(&st, &run, settled, err);
    return rc || !*settled ? rc : settle(s, c, &run, err);
}

/* The newest run that can be gone on with; those that live with others are passed by. */
static int by_resume(struct ork_sqlite *s, struct ork_new_run *c, const ork_id *workflow, const ork_id *snapshot,
                     bool *settled, ork_err *err)
{
    struct ork_stmt st;
    ork_id runs[100];
    size_t n = 0;
    *settled = false;
    if (!c->resume || c->key.p || ork_id_is_zero(&s->me))
        return 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_runs_resumable);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_text(&st, c->params);
    ork_stmt_text(&st, c->triggered_by);
    ork_stmt_text(&st, c->part);
    ork_stmt_time(&st, c->at ? c->logical_ms : 0);
    int rc;
    while ((rc = ork_stmt_step(&st, err)) == 1)
        n += n < sizeof runs / sizeof *runs && ork_stmt_get_id(&st, 0, &runs[n]);
    for (size_t i = 0; !rc && i < n; i++) {
        struct ork_holding h;
        rc = ork_sqlite_holding(s, &runs[i], &h, err);
        if (!rc && (h.free || is_early(s, c, &h))) {
            *settled = true;
            return settle(s, c, &runs[i], err);
        }
    }
    return rc;
}

static int insert(struct ork_sqlite *s, struct ork_new_run *c, const ork_id *workflow, const ork_id *snapshot,
                  ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_insert);
    ork_stmt_id(&st, &c->id);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_text(&st, c->triggered_by);
    ork_stmt_text(&st, c->params);
    ork_stmt_int(&st, c->priority);
    ork_stmt_text(&st, c->key);
    ork_stmt_time(&st, c->scheduled_for_ms);
    ork_stmt_time(&st, c->logical_ms);
    if (c->run_timeout_ms > 0)
        ork_stmt_real(&st, (double)c->run_timeout_ms / 1000);
    else
        ork_stmt_null(&st);
    ork_stmt_int(&st, c->tasks_total);
    ork_stmt_text(&st, c->script_dir);
    ork_stmt_text(&st, c->script_path);
    ork_stmt_id(&st, &c->rerun_of);
    ork_stmt_id(&st, &s->me);
    ork_stmt_time(&st, c->now_ms);
    ork_stmt_text(&st, c->part);
    ork_stmt_id(&st, &c->parent_task);
    c->how = ORK_CREATED;
    c->snapshot_id = *snapshot;
    c->run_id = c->id;
    c->owner = s->me;
    return ork_stmt_run(&st, err);
}

int ork_unit_create_run(struct ork_sqlite *s, struct ork_new_run *c, ork_err *err)
{
    ork_id workflow = c->rerun_workflow, snapshot = c->rerun_snapshot;
    bool settled = false;
    int rc = 0;
    if (c->workflow) {
        rc = get_workflow(s, c, &workflow, err);
        if (!rc)
            rc = ork_sqlite_snapshot(s, c, &workflow, &snapshot, err);
    }
    if (!rc)
        rc = by_key(s, c, &workflow, &settled, err);
    if (!rc && !settled)
        rc = by_resume(s, c, &workflow, &snapshot, &settled, err);
    if (!rc && !settled)
        rc = insert(s, c, &workflow, &snapshot, err);
    return rc;
}
