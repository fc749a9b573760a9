/* SPDX-License-Identifier: MIT */
/* One batch, one transaction: fence, units in order, COMMIT, then the bell. Whatever goes wrong, everything is rolled
 * back and the connection is usable again, so the same batch can be tried later under the same number. */
#include "base/err.h"
#include "core/state.h"
#include "store/sqlite/sqlite.h"

/* Another scheduler declared us dead, or this very batch is committed already: in both cases nothing may be written. */
static int fence(struct ork_sqlite *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_fence);
    ork_stmt_int(&st, (int64_t)s->last_batch + 1);
    ork_stmt_time(&st, s->clock->now_ms(s->clock->data));
    ork_stmt_int(&st, (int64_t)s->seq);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_run(&st, err);
    if (!rc && sqlite3_changes(s->writer.db) == 0)
        rc = ork_err_set(err, ORK_EFENCED,
                         "another scheduler took over the runs of this one; nothing of this change was stored");
    return rc;
}

/* Units that only the registered owner may write; the others judge by the rows alone. */
static bool needs_owner(int type)
{
    switch (type) {
    case ORK_UNIT_COMMAND:
    case ORK_UNIT_CREATE_RUN:
    case ORK_UNIT_POOL:
    case ORK_UNIT_AGENT:
    case ORK_UNIT_APPLY:
    case ORK_UNIT_SWEEP:
    case ORK_UNIT_FORGET:
    case ORK_UNIT_DISCARD:
    case ORK_UNIT_SCHEDULE:
    case ORK_UNIT_SCHEDULE_NOTE:
    case ORK_UNIT_SCRIPT_ERROR:
        return false;
    default:
        return true;
    }
}

static bool rings(const struct ork_unit *u)
{
    switch (u->type) {
    case ORK_UNIT_COMMAND:
        return true;
    case ORK_UNIT_CREATE_RUN:
        return u->create->how == ORK_CREATED || u->create->how == ORK_RESUMED;
    case ORK_UNIT_RUN:
        return u->run.release || ork_run_is_final(u->run.status);
    case ORK_UNIT_FREE_SLOTS:
        return u->free->wakes;
    case ORK_UNIT_FIRE:
        return u->fire->how == ORK_FIRE_RUN || (u->fire->how == ORK_FIRE_WAITS && u->fire->cancel);
    case ORK_UNIT_SCHEDULE:
        return u->schedule->changed;
    default:
        return false;
    }
}

/* Units after which a run looks different. */
static bool is_news(const struct ork_unit *u)
{
    return u->type == ORK_UNIT_EVENT || u->type == ORK_UNIT_RUN;
}

static int apply_units(struct ork_sqlite *s, ork_err *err)
{
    for (size_t i = 0; i < s->batch->len; i++) {
        struct ork_unit *u = &s->batch->units[i];
        int rc;
        if (needs_owner(u->type) && ork_id_is_zero(&s->me))
            rc = ork_err_set(err, ORK_ESTATE, "only a registered scheduler may write this");
        else
            rc = ork_unit_apply(s, u, err);
        if (rc) {
            s->bad_unit = i;
            return rc;
        }
        s->ring = s->ring || rings(u);
        s->news = s->news || is_news(u);
    }
    return 0;
}

int ork_sqlite_begin(struct ork_sqlite *s, ork_err *err)
{
    int rc = ork_conn_run(&s->writer, ORK_S_begin, err);
    return rc || !s->keeper ? rc : s->keeper->begin(s, err);
}

int ork_sqlite_seal(struct ork_sqlite *s, ork_err *err)
{
    int rc = s->keeper ? s->keeper->keep(s, err) : 0;
    if (!rc)
        rc = ork_conn_run(&s->writer, ORK_S_commit, err);
    if (!rc && s->keeper)
        s->keeper->over(s, true);
    return rc;
}

void ork_sqlite_undo(struct ork_sqlite *s)
{
    ork_conn_rollback(&s->writer);
    if (s->keeper)
        s->keeper->over(s, false);
}

static int transaction(struct ork_sqlite *s, ork_err *err)
{
    if (s->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_EREADONLY, "%s was opened for reading only", s->name);
    s->bad_unit = SIZE_MAX;
    s->ring = s->batch->ring;
    s->news = false;
    int rc = ork_sqlite_begin(s, err);
    if (!rc)
        rc = ork_id_is_zero(&s->me) ? ork_sqlite_admit(s, NULL, err) : fence(s, err);
    if (!rc)
        rc = apply_units(s, err);
    if (!rc)
        rc = ork_sqlite_seal(s, err);
    if (rc)
        ork_sqlite_undo(s);
    /* What the WAL holds is written back, so that the next try can use it from its beginning instead of making it
     * longer. */
    if (rc == ORK_ENOSPC)
        (void)sqlite3_wal_checkpoint_v2(s->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return rc;
}

void ork_sqlite_commit(struct ork_sqlite *s)
{
    if (!s->path)
        uv_mutex_lock(&s->read_lock);
    s->code = transaction(s, &s->err);
    if (!s->path)
        uv_mutex_unlock(&s->read_lock);
    s->fenced = s->code == ORK_EFENCED;
    if (s->code)
        return;
    if (!ork_id_is_zero(&s->me))
        s->last_batch++;
    if (s->news)
        ork_bell_news(s);
    if (s->ring)
        ork_bell_ring(s);
}
