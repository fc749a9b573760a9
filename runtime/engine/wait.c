/* SPDX-License-Identifier: MIT */
/* Waiting for the end of a run: one of ours by driving the loop until its last commit is durable, one of another owner
 * by listening to the bell, which every end of a run rings, and to its owner's death. */
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>

bool ork_run_owned(const ork_engine *e, const char *run_id)
{
    ork_id id;

    return ork_id_parse(run_id, strlen(run_id), &id) == 0 && ork_active_find((ork_engine *)e, &id) != NULL;
}

static int read_status(ork_engine *e, const ork_id *id, int *status, ork_id *owner, bool *owned, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, err);

    if (!rc && ork_rows_len(rows) == 0)
        rc = ork_err_set(err, ORK_ENOTFOUND, "the run is gone from the database");
    if (!rc) {
        *status = ork_run_status_parse(ork_rows_text(rows, 0, "status"));
        *owned = ork_rows_id(rows, 0, "scheduler_id", owner);
    }
    ork_rows_free(rows);
    return rc;
}

static void on_owner_dead(void *data, const ork_id *scheduler)
{
    ork_engine *e = data;
    struct ork_watched *w = NULL;

    HASH_FIND(hh, e->watched, scheduler, sizeof(*scheduler), w);
    if (w) {
        HASH_DEL(e->watched, w);
        ork_free(w);
    }
    e->bell_count++;
    ork_inline_wake(e, NULL);
    e->pool_wake = e->registered; /* its slots are free */
    ork_serve_rung(e, true);
    ork_sub_rung(e);
    uv_stop(e->loop);
}

int ork_engine_watch_owner(ork_engine *e, const ork_id *owner, ork_err *err)
{
    struct ork_watched *w = NULL;

    HASH_FIND(hh, e->watched, owner, sizeof(*owner), w);
    if (w)
        return 0;
    int rc = ork_store_owner_watch(e->store, owner, on_owner_dead, e, err);
    if (rc)
        return rc;
    w = ork_zalloc(sizeof(*w));
    w->id = *owner;
    HASH_ADD(hh, e->watched, id, sizeof(w->id), w);
    return 0;
}

void ork_engine_watch_fini(ork_engine *e)
{
    struct ork_watched *w, *tmp;

    HASH_ITER(hh, e->watched, w, tmp)
    {
        HASH_DEL(e->watched, w);
        ork_free(w);
    }
}

/* Somebody wants a run that ended again, and whoever serves the database has not got round to it. */
static int is_wanted_again(ork_engine *e, const ork_id *id, bool *wanted, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    int rc = ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    *wanted = false;
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++)
        *wanted |= !ork_rows_time(rows, i, "done_at") && strcmp(ork_rows_text(rows, i, "kind"), "retry") == 0;
    ork_rows_free(rows);
    return rc || !*wanted ? rc : ork_serve_watch(e, wanted, err);
}

/* A run that is not in our table: has it ended, or will we hear of its end? The bell is listened to before we look, so
 * nothing that happens after the look is missed. */
static int look_at_other(ork_engine *e, const ork_id *id, int *status, bool *ended, ork_err *err)
{
    ork_id owner;
    bool owned, alive = true;

    ork_engine_watch(e);
    for (int looks = 0; looks < 2; looks++) { /* a dead owner may have stored the end after the first look */
        int rc = read_status(e, id, status, &owner, &owned, err);
        *ended = !rc && ork_run_is_final(*status);
        if (*ended) {
            rc = is_wanted_again(e, id, &alive, err);
            *ended = !alive;
            return rc;
        }
        if (rc)
            return rc;
        if (owned && e->registered && ork_id_eq(&owner, &e->scheduler))
            return ork_err_set(err, ORK_EDATA,
                               "the run cannot go on: the database refuses its rows (the messages above say which)");
        alive = owned && ork_store_owner_alive(e->store, &owner);
        if (alive)
            return ork_engine_watch_owner(e, &owner, err);
        rc = ork_serve_watch(e, &alive, err); /* it is about to take the run up */
        if (rc || alive)
            return rc;
    }
    return ork_err_set(err, ORK_ESTATE, "the run is %s and no program owns it any more; it can be resumed",
                       ork_run_status_name(*status));
}

int ork_run_ended(ork_engine *e, const char *run_id, bool *ended, int *status, ork_err *err)
{
    ork_id id;
    ork_err own;
    int rc = ork_doc_parse_run(run_id, &id, err ? err : &own);

    *ended = false;
    if (rc)
        return rc;
    if (e->fenced)
        return ork_err_set(err, ORK_EFENCED,
                           "another scheduler took over the runs of this one while it was not running");
    return ork_active_find(e, &id) || ork_handlers_busy(e, &id)
               ? 0
               : look_at_other(e, &id, status, ended, err ? err : &own);
}

int ork_run_wait(ork_engine *e, const char *run_id, int64_t timeout_ms, int *status, ork_err *err)
{
    ork_id id;
    int64_t until = timeout_ms < 0 ? -1 : e->clock->mono_ms(e->clock->data) + timeout_ms;
    int rc = ork_doc_parse_run(run_id, &id, err);

    while (!rc) {
        uint64_t bells = e->bell_count;
        bool ended = false;
        if (e->fenced)
            return ork_err_set(err, ORK_EFENCED,
                               "another scheduler took over the runs of this one while it was not running");
        if (!ork_active_find(e, &id) && !ork_handlers_busy(e, &id)) {
            rc = look_at_other(e, &id, status, &ended, err);
            if (rc || ended)
                return rc;
        }
        int64_t left = until < 0 ? -1 : until - e->clock->mono_ms(e->clock->data);
        if (until >= 0 && left <= 0)
            return ork_err_set(err, ORK_ETIMEDOUT, "timeout");
        rc = ork_engine_drive_change(e, &id, bells, left, err);
    }
    return rc;
}
