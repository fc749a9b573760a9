/* SPDX-License-Identifier: MIT */
/* A scheduler is a row and a lock. The lock is taken before the row exists and given back after the row says 'ended',
 * so a live row without a lock means death, at every instant. */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <string.h>
#include <unistd.h>

bool ork_sqlite_owner_alive(ork_store *st, const ork_id *scheduler)
{
    struct ork_sqlite *s = ork_sqlite_of(st);
    if (!ork_id_is_zero(&s->me) && ork_id_eq(&s->me, scheduler))
        return true;
    if (s->path)
        return ork_owner_held(s->path, scheduler);
    return s->keeper && ork_lock_held(s->keeper->owner_open(s, scheduler));
}

int ork_sqlite_bury(struct ork_sqlite *s, const ork_id *scheduler, bool *dead, ork_err *err)
{
    struct ork_stmt st;
    *dead = !ork_sqlite_owner_alive(&s->base, scheduler);
    if (!*dead)
        return 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_scheduler_end);
    ork_stmt_id(&st, scheduler);
    ork_stmt_word(&st, "dead");
    int rc = ork_stmt_run(&st, err);
    if (!rc) {
        ork_stmt_begin(&st, &s->writer, ORK_S_pool_use_drop);
        ork_stmt_id(&st, scheduler);
        rc = ork_stmt_run(&st, err);
    }
    /* Also right if this transaction is rolled back: no file means dead, as the free lock did. */
    if (!rc && s->path)
        ork_owner_forget(s->path, scheduler);
    return rc;
}

static int insert_row(struct ork_sqlite *s, const char *host, const char *role, const ork_id *id, uint64_t *seq,
                      ork_err *err)
{
    struct ork_conn *c = &s->writer;
    struct ork_stmt st;
    c->patient = true;
    int rc = ork_conn_begin_unsynced(c, err);
    if (!rc && s->keeper)
        rc = s->keeper->begin(s, err);
    if (!rc)
        rc = ork_sqlite_admit(s, role, err);
    if (!rc) {
        ork_stmt_begin(&st, c, ORK_S_scheduler_insert);
        ork_stmt_id(&st, id);
        ork_stmt_text(&st, (struct ork_text){host, strlen(host)});
        ork_stmt_int(&st, getpid());
        ork_stmt_word(&st, ork_version());
        ork_stmt_time(&st, s->clock->now_ms(s->clock->data));
        ork_stmt_word(&st, role);
        rc = ork_stmt_run(&st, err);
    }
    *seq = (uint64_t)sqlite3_last_insert_rowid(c->db);
    if (!rc)
        rc = ork_conn_run(c, ORK_S_schedulers_prune, err);
    if (!rc)
        rc = ork_sqlite_seal(s, err);
    if (rc)
        ork_sqlite_undo(s);
    return rc;
}

/* Again only after it was fenced: then as a new scheduler, with nothing of the old one. Not flushed: should power fail
 * before this scheduler's first batch is durable (and the row with it), nothing refers to it. */
int ork_sqlite_register(ork_store *store, const char *host, const char *role, ork_id *scheduler, uint64_t *seq,
                        ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    struct ork_idgen ids;
    if (!ork_id_is_zero(&s->me) && !s->fenced)
        return ork_err_set(err, ORK_ESTATE, "this store is registered as a scheduler already");
    if (s->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_EREADONLY, "%s was opened for reading only", s->name);
    ork_idgen_init(&ids, s->clock);
    ork_id id = ork_id_new(&ids);
    int fd = -1, rc = s->path ? ork_owner_hold(s->path, &id, &fd, err) : 0;
    if (rc)
        return rc;
    ork_writer_rest(s);
    ork_turn_take(s->turn_fd);
    if (!s->path)
        uv_mutex_lock(&s->read_lock);
    rc = insert_row(s, host, role, &id, seq, err);
    if (!rc)
        rc = ork_conn_sync(&s->writer, ORK_SYNC_FULL, err);
    if (!s->path)
        uv_mutex_unlock(&s->read_lock);
    ork_turn_drop(s->turn_fd);
    if (rc) {
        if (s->path)
            ork_owner_release(s->path, &id, fd);
        return rc;
    }
    if (s->path)
        ork_owner_release(s->path, &s->me, s->owner_fd); /* of an overtaken self */
    s->owner_fd = fd;
    s->fenced = false;
    s->me = *scheduler = id;
    s->seq = *seq;
    s->last_batch = 0;
    return 0;
}

static int outbid(struct ork_sqlite *s, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err)
{
    struct ork_conn *c = &s->writer;
    struct ork_holding h = {0};
    struct ork_stmt st;
    c->patient = true;
    int rc = ork_sqlite_begin(s, err);
    if (!rc)
        rc = ork_sqlite_holding(s, run, &h, err);
    if (!rc && h.mine)
        rc = ork_conn_run(c, ORK_S_seq_next, err);
    if (!rc && h.mine) {
        ork_stmt_begin(&st, c, ORK_S_scheduler_outbid);
        ork_stmt_id(&st, &s->me);
        rc = ork_stmt_step(&st, err);
        *mine = rc == 1;
        if (rc == 1) {
            *seq = (uint64_t)sqlite3_column_int64(st.st, 0);
            ork_stmt_end(&st);
        }
        rc = rc < 0 ? rc : 0;
    }
    if (!rc)
        rc = ork_sqlite_seal(s, err);
    if (rc)
        ork_sqlite_undo(s);
    return rc;
}

/* The fence names the seq: it changes between two batches. */
int ork_sqlite_outbid(ork_store *store, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    *mine = false;
    if (ork_id_is_zero(&s->me) || s->fenced)
        return 0;
    ork_writer_rest(s);
    ork_turn_take(s->turn_fd);
    if (!s->path)
        uv_mutex_lock(&s->read_lock);
    int rc = outbid(s, run, mine, seq, err);
    if (!s->path)
        uv_mutex_unlock(&s->read_lock);
    ork_turn_drop(s->turn_fd);
    if (rc)
        *mine = false;
    else if (*mine)
        s->seq = *seq;
    return rc;
}
