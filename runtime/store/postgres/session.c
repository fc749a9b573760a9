/* SPDX-License-Identifier: MIT */
/* The writer's session. A scheduler's session holds its lock and is named by its row; when the connection is lost and
 * another is made, the scheduler takes both up again, unless it was declared dead meanwhile: then whatever it wants to
 * write is refused.
 *
 * An old session may live on at the server (the network broke, not the server), holding the lock and perhaps the rows
 * of an unfinished batch. It is ended first, so that a replay never waits for its twin longer than that takes. */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>
#include <unistd.h>

static int end_twins(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    char id[ORK_ID_TEXT], name[64];
    ork_id_format(&s->me, id);
    (void)snprintf(name, sizeof name, "ork %s", id);
    ork_stmt_begin(&st, &s->write, ORK_S_owner_terminate);
    ork_stmt_word(&st, name);
    int rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    return rc < 0 && rc != ORK_EACCESS ? rc : 0;
}

int ork_pg_take_lock(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_owner_lock);
    ork_stmt_int(&st, ork_pg_owner_key(&s->me));
    ork_stmt_int(&st, ork_pg_owner_half(&s->me));
    ork_stmt_int(&st, getpid());
    int rc = ork_stmt_alone(&st, err);
    s->locked = rc > 0 && ork_stmt_get_int(&st, 0, 0);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int go_on(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_owner_return);
    ork_stmt_id(&st, &s->me);
    if (s->pooled || !s->locked)
        ork_stmt_null(&st);
    else
        ork_stmt_int(&st, PQbackendPID(s->write.pg));
    int rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    if (rc == 0) {
        s->fenced = true;
        return ork_err_set(err, ORK_EFENCED,
                           "another scheduler took over the runs of this one; nothing of this change was stored");
    }
    s->beaten = uv_now(s->loop);
    return rc < 0 ? rc : 0;
}

static int take_up(struct ork_postgres *s, ork_err *err)
{
    int rc = end_twins(s, err);
    if (!rc && !s->pooled)
        rc = ork_pg_take_lock(s, err);
    return rc ? rc : go_on(s, err);
}

int ork_pg_session(struct ork_postgres *s, ork_err *err)
{
    if (ork_link_is_up(&s->write))
        return 0;
    s->locked = false;
    int rc = ork_link_open(&s->write, ORK_PG_CALL_MS, err);
    if (!rc && ork_pg_registered(s))
        rc = take_up(s, err);
    if (rc && rc != ORK_EFENCED)
        ork_link_drop(&s->write);
    if (!rc)
        s->backoff_ms = 0;
    return rc;
}

static void read_ages(struct ork_postgres *s, struct ork_stmt *st, int n)
{
    bool mine = false;
    int64_t wait_ms = -1;
    for (int i = 0; i < n; i++) {
        int64_t age_ms = ork_stmt_get_int(st, i, 1), left = ORK_PG_DEAD_MS - age_ms;
        if (ork_stmt_get_int(st, i, 2)) {
            mine = true;
        } else if (age_ms > ORK_PG_BEAT_MS + ORK_PG_BEAT_MS / 10 && (wait_ms < 0 || left < wait_ms)) {
            wait_ms = left > 0 ? left : 0;
        }
    }
    if (!mine)
        s->fenced = true; /* the next batch is refused */
    if (wait_ms >= 0)
        ork_pg_watch_arm(s, (uint64_t)wait_ms);
}

void ork_pg_beat(struct ork_postgres *s)
{
    struct ork_stmt st;
    ork_err err;
    ork_stmt_begin(&st, &s->write, ORK_S_beat);
    ork_stmt_id(&st, &s->me);
    int n = ork_stmt_alone(&st, &err);
    if (n >= 0)
        read_ages(s, &st, n);
    else
        ork_log_debug(&s->log, "no beat error=%s", ORK_LOG_VALUE(err.msg));
    ork_stmt_end(&st);
    s->beaten = uv_now(s->loop);
    if (n >= 0 && !s->locked && !s->pooled && !s->fenced && !ork_pg_take_lock(s, &err) && s->locked)
        (void)go_on(s, &err); /* the old session has gone by now */
}

static int end_rows(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_begin);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_end);
    ork_stmt_id(&st, &s->me);
    ork_stmt_word(&st, "ended");
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_use_drop);
    ork_stmt_id(&st, &s->me);
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_ring);
    ork_stmt_word(&st, ORK_PG_CHANNEL);
    ork_stmt_word(&st, s->death);
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_commit);
    rc = ork_stmt_queue(&st, err);
    return rc ? rc : ork_link_sync(&s->write, err);
}

/* If the server is away the row stays 'live' without a lock and without a beat, which means dead all the same. */
void ork_pg_end(struct ork_postgres *s)
{
    ork_err err;
    int rc = ork_link_is_up(&s->write) ? end_rows(s, &err) : ork_err_set(&err, ORK_EIO, "the database is away");
    if (rc)
        ork_log_warn(&s->log, "not marked as ended error=%s", ORK_LOG_VALUE(err.msg));
}
