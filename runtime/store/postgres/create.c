/* SPDX-License-Identifier: MIT */
/* CREATE_RUN and CLAIM: whose is a run? Its row is locked before it is looked at, and unique indexes decide who is
 * first with a name, a content, a key or a schedule's instant: of two who want the same the second finds what the first
 * has done. Neither is ever an error.
 *
 *   owner            by its row    its lock, its beat    the run is
 *   none             –             –                     free
 *   me               –             –                     mine
 *   other            not live      –                     free
 *   other            live          fallen, or too old    free; the owner is buried: row 'dead', slots given back
 *   other            live          fallen, too early     owned; who can wait until it may be buried is told how long
 *   other            live          held, of no process   owned; who can wait is told that its lock is about to fall
 *   other            live          held, and beating     owned
 *
 * A free one is bound, and not claimed, while processes of it may live on another host that has a server or had one a
 * short time ago: only there they can be found again, so anybody else would start them a second time.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/pid.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/postgres/postgres.h"
#include <stdio.h>
#include <string.h>

static int read_owner(struct ork_postgres *s, const ork_id *run, struct ork_holding *h, bool *live, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_run_lock);
    ork_stmt_uuid(&st, run);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_run_owner);
    ork_stmt_uuid(&st, run);
    rc = ork_stmt_ask(&st, err);
    if (rc > 0) {
        const char *status = ork_stmt_get_text(&st, 0, 0), *state = ork_stmt_get_text(&st, 0, 2);
        h->found = true;
        h->status = ork_run_status_parse(status ? status : "");
        h->free = !ork_stmt_get_id(&st, 0, 1, &h->owner);
        *live = state && strcmp(state, "live") == 0;
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

int ork_pg_holding(struct ork_postgres *s, const ork_id *run, struct ork_holding *h, ork_err *err)
{
    bool live = false;
    memset(h, 0, sizeof *h);
    h->status = -1;
    int rc = read_owner(s, run, h, &live, err);
    if (rc || !h->found || h->free)
        return rc;
    h->mine = ork_pg_registered(s) && ork_id_eq(&h->owner, &s->me);
    if (h->mine)
        return 0;
    if (!live) {
        h->free = true;
        return 0;
    }
    return ork_pg_bury(&s->write, &h->owner, &h->free, &h->early_ms, err);
}

/* As many slots as a scheduler that is gone held count for each who takes a run of it, until it has taken what that run
 * needs; its own go with its last run. Its row is locked first: of two who take its runs at once the second sees what
 * the first took. */
static int inherit(struct ork_postgres *s, const ork_id *gone, struct ork_left **left, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_lock);
    ork_stmt_id(&st, gone);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_use_inherit);
    ork_stmt_id(&st, &s->me);
    ork_stmt_id(&st, gone);
    int n = ork_stmt_ask(&st, err);
    for (int i = 0; i < n; i++) {
        struct ork_left *l = ork_zalloc(sizeof *l);
        *l = (struct ork_left){*left, ork_strdup(ork_stmt_get_text(&st, i, 0)), (uint32_t)ork_stmt_get_int(&st, i, 1)};
        *left = l;
    }
    ork_stmt_end(&st);
    return n < 0 ? n : 0;
}

static int take(struct ork_postgres *s, const ork_id *run, const ork_id *from, struct ork_left **left, ork_err *err)
{
    struct ork_stmt st;
    ork_left_free(*left); /* of a try before */
    *left = NULL;
    ork_stmt_begin(&st, &s->write, ORK_S_run_claim);
    ork_stmt_uuid(&st, run);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_queue(&st, err);
    return rc || ork_id_is_zero(from) ? rc : inherit(s, from, left, err);
}

/* c NULL: only whether it is. */
static int find_bound(struct ork_postgres *s, const ork_id *run, bool *bound, struct ork_claim *c, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_run_bound);
    ork_stmt_uuid(&st, run);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, s->host_grace_ms);
    int rc = ork_stmt_ask(&st, err);
    *bound = rc > 0;
    if (rc > 0 && c) {
        (void)snprintf(c->host, sizeof c->host, "%s", ork_stmt_get_text(&st, 0, 0));
        c->bound_ms = ork_stmt_get_text(&st, 0, 1) ? ork_stmt_get_int(&st, 0, 1) : -1;
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

int ork_unit_claim(struct ork_postgres *s, struct ork_claim *c, ork_err *err)
{
    struct ork_holding h;
    c->bound = false;
    int rc = ork_pg_holding(s, &c->run_id, &h, err);
    if (!rc && h.found && h.free)
        rc = find_bound(s, &c->run_id, &c->bound, c, err);
    if (rc)
        return rc;
    c->claimed = h.found && !c->bound && (h.free || h.mine);
    c->status = h.status;
    memset(&c->owner, 0, sizeof c->owner);
    if (!c->claimed)
        c->owner = h.owner;
    return c->claimed && !h.mine ? take(s, &c->run_id, &h.owner, &c->left, err) : 0;
}

/* First id of a statement's rows; *found false without one. */
static int first_id(struct ork_stmt *st, ork_id *id, bool *found, ork_err *err)
{
    int rc = ork_stmt_ask(st, err);
    *found = rc > 0 && ork_stmt_get_id(st, 0, 0, id);
    ork_stmt_end(st);
    return rc < 0 ? rc : 0;
}

static int find_workflow(struct ork_postgres *s, const char *name, ork_id *id, bool *found, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_find);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    return first_id(&st, id, found, err);
}

int ork_pg_workflow(struct ork_postgres *s, const ork_id *new_id, const char *name, struct ork_text options,
                    struct ork_text script_path, int64_t now_ms, ork_id *id, ork_err *err)
{
    struct ork_stmt st;
    bool found;
    int rc = find_workflow(s, name, id, &found, err);
    if (rc || found)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_insert);
    ork_stmt_id(&st, new_id);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    ork_stmt_json(&st, options);
    ork_stmt_text(&st, script_path);
    ork_stmt_time(&st, now_ms);
    rc = first_id(&st, id, &found, err);
    if (!rc && !found) /* somebody was quicker, and has committed */
        rc = find_workflow(s, name, id, &found, err);
    return rc || found ? rc : ork_err_set(err, ORK_EBUSY, "the workflow %s comes and goes", name);
}

static int find_snapshot(struct ork_postgres *s, const ork_id *workflow, struct ork_text hash, ork_id *id, bool *found,
                         ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_share);
    ork_stmt_id(&st, workflow);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_snapshot_find);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, hash);
    return first_id(&st, id, found, err);
}

int ork_pg_snapshot(struct ork_postgres *s, const struct ork_new_run *c, const ork_id *workflow, ork_id *snapshot,
                    ork_err *err)
{
    struct ork_stmt st;
    bool found;
    int rc = find_snapshot(s, workflow, c->hash, snapshot, &found, err);
    if (rc || found)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_snapshot_insert);
    ork_stmt_id(&st, &c->snapshot_id);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, c->hash);
    ork_stmt_json(&st, c->tasks_json);
    ork_stmt_json(&st, c->options_json);
    ork_stmt_json(&st, c->source_json);
    ork_stmt_time(&st, c->now_ms);
    rc = first_id(&st, snapshot, &found, err);
    if (!rc && !found)
        rc = find_snapshot(s, workflow, c->hash, snapshot, &found, err);
    if (rc || !found)
        return rc ? rc : ork_err_set(err, ORK_EBUSY, "a definition comes and goes");
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_point);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    return ork_stmt_queue(&st, err);
}

/* Its process has ended, and its session has not: a child that it was just starting holds the connection, or the
 * server has not seen its end. */
static int is_lingering(struct ork_postgres *s, const ork_id *owner, bool *lingers, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_owner_pid);
    ork_stmt_id(&st, owner);
    ork_stmt_int(&st, ork_pg_owner_half(owner));
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_ask(&st, err);
    *lingers = rc > 0 && ork_pid_gone(ork_stmt_get_int(&st, 0, 0));
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* Its owner is gone, it seems, and may not be buried yet: a start that can wait decides later. */
static int is_early(struct ork_postgres *s, struct ork_new_run *c, const struct ork_holding *h, bool *early,
                    ork_err *err)
{
    *early = false;
    if (!c->patient || h->free || h->mine || ork_run_is_final(h->status) || !ork_pg_registered(s))
        return 0;
    c->lingers = false;
    c->early_ms = h->early_ms;
    *early = h->early_ms > 0;
    if (*early)
        return 0;
    int rc = is_lingering(s, &h->owner, &c->lingers, err);
    *early = c->lingers;
    return rc;
}

/* A run that exists already: unfinished and free → ours from now on. An unregistered process claims nothing. */
static int settle(struct ork_postgres *s, struct ork_new_run *c, const ork_id *run, ork_err *err)
{
    struct ork_holding h;
    bool bound = false, early = false;
    int rc = ork_pg_holding(s, run, &h, err);
    if (!rc && h.free && !ork_run_is_final(h.status) && ork_pg_registered(s))
        rc = find_bound(s, run, &bound, NULL, err);
    if (!rc)
        rc = is_early(s, c, &h, &early, err);
    if (rc)
        return rc;
    c->run_id = *run;
    c->owner = h.owner;
    if (ork_run_is_final(h.status)) {
        c->how = ORK_FINISHED;
    } else if (early) {
        c->how = ORK_EARLY;
    } else if (h.free && !bound && ork_pg_registered(s)) {
        c->how = ORK_RESUMED;
        c->owner = s->me;
        rc = take(s, run, &h.owner, &c->left, err);
    } else {
        c->how = ORK_OWNED;
    }
    return rc;
}

static int by_key(struct ork_postgres *s, struct ork_new_run *c, const ork_id *workflow, bool *settled, ork_err *err)
{
    struct ork_stmt st;
    ork_id run;
    *settled = false;
    if (!c->key.p && !c->scheduled_for_ms)
        return 0;
    ork_stmt_begin(&st, &s->write, ORK_S_run_by_key);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, c->key);
    ork_stmt_time(&st, c->scheduled_for_ms);
    int rc = first_id(&st, &run, settled, err);
    return rc || !*settled ? rc : settle(s, c, &run, err);
}

#define MOST_RESUMABLE 100

static int find_resumable(struct ork_postgres *s, const struct ork_new_run *c, const ork_id *workflow,
                          const ork_id *snapshot, ork_id runs[MOST_RESUMABLE], ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_runs_resumable);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_json(&st, c->params);
    ork_stmt_text(&st, c->triggered_by);
    ork_stmt_json(&st, c->part);
    ork_stmt_time(&st, c->at ? c->logical_ms : 0);
    int n = ork_stmt_ask(&st, err);
    for (int i = 0; i < n; i++)
        (void)ork_stmt_get_id(&st, i, 0, &runs[i]);
    ork_stmt_end(&st);
    return n;
}

/* The newest run that can be gone on with; those that live with others are passed by. */
static int by_resume(struct ork_postgres *s, struct ork_new_run *c, const ork_id *workflow, const ork_id *snapshot,
                     bool *settled, ork_err *err)
{
    ork_id runs[MOST_RESUMABLE];
    *settled = false;
    if (!c->resume || c->key.p || !ork_pg_registered(s))
        return 0;
    int n = find_resumable(s, c, workflow, snapshot, runs, err);
    for (int i = 0; i < n; i++) {
        struct ork_holding h;
        bool bound = false, early = false;
        int rc = ork_pg_holding(s, &runs[i], &h, err);
        if (!rc && h.free)
            rc = find_bound(s, &runs[i], &bound, NULL, err);
        if (!rc)
            rc = is_early(s, c, &h, &early, err);
        if (rc)
            return rc;
        if (((h.free && !bound) || early) && !ork_run_is_final(h.status)) {
            *settled = true;
            return settle(s, c, &runs[i], err);
        }
    }
    return n < 0 ? n : 0;
}

static void bind_new_run(struct ork_stmt *st, struct ork_postgres *s, const struct ork_new_run *c,
                         const ork_id *workflow, const ork_id *snapshot)
{
    ork_stmt_begin(st, &s->write, ORK_S_run_insert);
    ork_stmt_id(st, &c->id);
    ork_stmt_id(st, workflow);
    ork_stmt_id(st, snapshot);
    ork_stmt_text(st, c->triggered_by);
    ork_stmt_json(st, c->params);
    ork_stmt_int(st, c->priority);
    ork_stmt_text(st, c->key);
    ork_stmt_time(st, c->scheduled_for_ms);
    ork_stmt_time(st, c->logical_ms);
    if (c->run_timeout_ms > 0)
        ork_stmt_real(st, (double)c->run_timeout_ms / 1000);
    else
        ork_stmt_null(st);
    ork_stmt_int(st, c->tasks_total);
    ork_stmt_text(st, c->script_dir);
    ork_stmt_text(st, c->script_path);
    ork_stmt_id(st, &c->rerun_of);
    ork_stmt_id(st, &s->me);
    ork_stmt_time(st, c->now_ms);
    ork_stmt_json(st, c->part);
    ork_stmt_id(st, &c->parent_task);
}

/* *inserted false: the key, the instant or (after a commit whose answer was lost) the very id has a run by now. */
static int insert(struct ork_postgres *s, struct ork_new_run *c, const ork_id *workflow, const ork_id *snapshot,
                  bool *inserted, ork_err *err)
{
    struct ork_stmt st;
    ork_id id;
    bind_new_run(&st, s, c, workflow, snapshot);
    int rc = first_id(&st, &id, inserted, err);
    if (rc || !*inserted)
        return rc;
    c->how = ORK_CREATED;
    c->snapshot_id = *snapshot;
    c->run_id = c->id;
    c->owner = s->me;
    return 0;
}

static int find_or_insert(struct ork_postgres *s, struct ork_new_run *c, const ork_id *workflow, const ork_id *snapshot,
                          ork_err *err)
{
    bool settled = false;
    int rc = by_key(s, c, workflow, &settled, err);
    if (!rc && !settled)
        rc = by_resume(s, c, workflow, snapshot, &settled, err);
    if (!rc && !settled)
        rc = insert(s, c, workflow, snapshot, &settled, err);
    if (!rc && !settled)
        rc = by_key(s, c, workflow, &settled, err);
    if (rc || settled)
        return rc;
    c->how = ORK_CREATED; /* its own id: this very unit was stored before */
    c->snapshot_id = *snapshot;
    c->run_id = c->id;
    c->owner = s->me;
    return 0;
}

int ork_unit_create_run(struct ork_postgres *s, struct ork_new_run *c, ork_err *err)
{
    ork_id workflow = c->rerun_workflow, snapshot = c->rerun_snapshot;
    int rc = 0;
    if (c->workflow) {
        rc = ork_pg_workflow(s, &c->workflow_id, ork_workflow_name(c->workflow), c->options_json, c->script_path,
                             c->now_ms, &workflow, err);
        if (!rc)
            rc = ork_pg_snapshot(s, c, &workflow, &snapshot, err);
    }
    return rc ? rc : find_or_insert(s, c, &workflow, &snapshot, err);
}
