/* SPDX-License-Identifier: MIT */
/* A scheduler is a row, a lock and a beat. The lock is taken before the row exists and falls with the session, so a
 * dead process is noticed at once; the beat tells of one that hangs. Both are judged by the server's clock alone, and
 * only when the server has been up for ten seconds: after a restart everybody gets the time to come back.
 *
 * A connection that was made again is no judge for ten seconds either: what cut it may have cut the others'. */
#include "base/err.h"
#include "store/postgres/copy.h"
#include "store/postgres/postgres.h"
#include <string.h>

int64_t ork_pg_owner_key(const ork_id *scheduler)
{
    return ork_pg_int((const char *)scheduler->b + 8, 8);
}

int64_t ork_pg_owner_half(const ork_id *scheduler)
{
    return ork_pg_owner_key(scheduler) & 0x7fffffff;
}

/* What cut this connection may have cut the others'. */
static bool is_young(const struct ork_link *l)
{
    return l->reconnected && uv_hrtime() - l->since < (uint64_t)ORK_PG_DEAD_MS * 1000000;
}

static int judge(struct ork_link *l, const ork_id *scheduler, bool *stale, bool *fallen, int64_t *early_ms,
                 ork_err *err)
{
    struct ork_stmt st;
    *stale = *fallen = false;
    *early_ms = 0;
    if (is_young(l))
        return 0;
    ork_stmt_begin(&st, l, ORK_S_owner_judge);
    ork_stmt_id(&st, scheduler);
    ork_stmt_int(&st, ork_pg_owner_key(scheduler));
    int rc = ork_stmt_ask(&st, err);
    if (rc > 0 && ork_stmt_get_int(&st, 0, 0)) {
        *stale = ork_stmt_get_int(&st, 0, 1);
        *fallen = ork_stmt_get_int(&st, 0, 2);
        *early_ms = ork_stmt_get_int(&st, 0, 3);
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* What cannot be asked counts as alive. */
bool ork_pg_owner_alive(ork_store *store, const ork_id *scheduler)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_stmt st;
    ork_err err;
    if (ork_pg_registered(s) && ork_id_eq(&s->me, scheduler))
        return true;
    if (ork_pg_here(s, &err) || is_young(&s->here))
        return true;
    ork_stmt_begin(&st, &s->here, ORK_S_owner_judge);
    ork_stmt_id(&st, scheduler);
    ork_stmt_int(&st, ork_pg_owner_key(scheduler));
    int rc = ork_stmt_alone(&st, &err);
    bool alive = rc < 0 || (rc > 0 && ork_stmt_get_int(&st, 0, 0) && !ork_stmt_get_int(&st, 0, 1) &&
                            !ork_stmt_get_int(&st, 0, 2));
    ork_stmt_end(&st);
    return alive;
}

/* Its transaction may hold its own row, half-way through a batch. */
static int terminate(struct ork_link *l, const ork_id *scheduler, ork_err *err)
{
    struct ork_stmt st;
    char id[ORK_ID_TEXT], name[64];
    ork_id_format(scheduler, id);
    (void)snprintf(name, sizeof name, "ork %s", id);
    ork_stmt_begin(&st, l, ORK_S_owner_terminate);
    ork_stmt_word(&st, name);
    int rc = ork_stmt_ask(&st, err);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

int ork_pg_bury(struct ork_link *l, const ork_id *scheduler, bool *dead, int64_t *early_ms, ork_err *err)
{
    struct ork_stmt st;
    bool stale, fallen;
    int64_t early;
    *dead = false;
    int rc = judge(l, scheduler, &stale, &fallen, early_ms ? early_ms : &early, err);
    if (rc || (!stale && !fallen))
        return rc;
    if (!fallen)
        rc = terminate(l, scheduler, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, l, ORK_S_owner_bury);
    ork_stmt_id(&st, scheduler);
    ork_stmt_int(&st, fallen);
    rc = ork_stmt_ask(&st, err);
    *dead = rc > 0;
    ork_stmt_end(&st);
    if (rc <= 0)
        return rc;
    l->store->look_due = l->store->watches != NULL;
    ork_stmt_begin(&st, l, ORK_S_pool_use_drop);
    ork_stmt_id(&st, scheduler);
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, l, ORK_S_ring); /* its slots are free, its runs too */
    ork_stmt_word(&st, ORK_PG_CHANNEL);
    ork_stmt_word(&st, l->store->death);
    return ork_stmt_queue(&st, err);
}

/* A pooler's session is another one for each transaction; the number it told at the start is none of the server's. */
static int find_pooler(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_backend_mine);
    int rc = ork_stmt_alone(&st, err);
    s->pooled = rc > 0 && ork_stmt_get_int(&st, 0, 0) != PQbackendPID(s->write.pg);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int queue_plain(struct ork_postgres *s, int which, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, which);
    return ork_stmt_queue(&st, err);
}

static int ask_insert(struct ork_postgres *s, const char *host, const char *role, const ork_id *id, uint64_t *seq,
                      ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_insert);
    ork_stmt_id(&st, id);
    ork_stmt_text(&st, (struct ork_text){host, strlen(host)});
    if (s->pooled)
        ork_stmt_null(&st);
    else
        ork_stmt_int(&st, PQbackendPID(s->write.pg));
    ork_stmt_word(&st, ork_version());
    ork_stmt_word(&st, role);
    int rc = ork_stmt_ask(&st, err);
    *seq = rc > 0 ? (uint64_t)ork_stmt_get_int(&st, 0, 0) : 0;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* Other servers get to know this one: they must notice its death. */
static int queue_hello(struct ork_postgres *s, const char *role, ork_err *err)
{
    struct ork_stmt st;
    if (!role || strcmp(role, "serve") != 0)
        return 0;
    ork_stmt_begin(&st, &s->write, ORK_S_ring);
    ork_stmt_word(&st, ORK_PG_CHANNEL);
    ork_stmt_word(&st, s->token);
    return ork_stmt_queue(&st, err);
}

/* After a failure the caller drops the connection, and with it what was done. */
static int insert_row(struct ork_postgres *s, const char *host, const char *role, const ork_id *id, uint64_t *seq,
                      ork_err *err)
{
    int rc = queue_plain(s, ORK_S_begin, err);
    if (!rc && ork_pg_is_copy(role))
        rc = queue_plain(s, ORK_S_copy_lock, err);
    if (!rc)
        rc = ask_insert(s, host, role, id, seq, err);
    if (!rc)
        rc = ork_pg_admit(s, role, err);
    if (!rc)
        rc = queue_plain(s, ORK_S_schedulers_prune, err);
    if (!rc)
        rc = queue_hello(s, role, err);
    if (!rc)
        rc = queue_plain(s, ORK_S_commit, err);
    return rc ? rc : ork_link_sync(&s->write, err);
}

static int lock_and_insert(struct ork_postgres *s, const char *host, const char *role, const ork_id *id, uint64_t *seq,
                           ork_err *err)
{
    int rc = find_pooler(s, err);
    if (rc)
        return rc;
    s->locked = false;
    if (!s->pooled)
        rc = ork_pg_take_lock(s, err);
    return rc < 0 ? rc : insert_row(s, host, role, id, seq, err);
}

/* Blocks until the writer idles; what it finishes meanwhile is told later. */
int ork_pg_rest(struct ork_postgres *s, ork_err *err)
{
    uint64_t start = uv_hrtime();
    s->in_call = true;
    while (!s->idle && uv_hrtime() - start < 2ull * ORK_PG_CALL_MS * 1000000 && ork_link_drive(&s->write))
        ;
    s->in_call = false;
    return s->idle ? 0 : ork_err_set(err, ORK_EBUSY, "%s: a change is being stored", s->shown);
}

/* What an overtaken self left behind. */
static int leave(struct ork_postgres *s, const ork_id *old, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_end);
    ork_stmt_id(&st, old);
    ork_stmt_word(&st, "dead");
    int rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    if (rc < 0)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_use_drop);
    ork_stmt_id(&st, old);
    rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* Whoever closes it to open it anew has lost nothing: the new one is as good a judge as the old one was. */
static void let_go(struct ork_link *l)
{
    if (ork_link_is_up(l) && PQconsumeInput(l->pg) && ork_link_is_up(l))
        l->opened = l->reconnected;
    ork_link_drop(l);
}

/* Again only after it was fenced: then as a new scheduler, with nothing of the old one. */
int ork_pg_register(ork_store *store, const char *host, const char *role, ork_id *scheduler, uint64_t *seq,
                    ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_idgen ids;
    if (ork_pg_registered(s) && !s->fenced)
        return ork_err_set(err, ORK_ESTATE, "this store is registered as a scheduler already");
    if (s->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_EREADONLY, "%s was opened for reading only", s->shown);
    int rc = ork_pg_rest(s, err);
    if (rc)
        return rc;
    ork_idgen_init(&ids, s->clock);
    ork_id id = ork_id_new(&ids), old = s->me;
    s->me = id; /* what the session is named by */
    let_go(&s->write);
    rc = ork_link_open(&s->write, ORK_PG_CALL_MS, err);
    if (!rc && !ork_id_is_zero(&old))
        rc = leave(s, &old, err);
    if (!rc)
        rc = lock_and_insert(s, host, role, &id, seq, err);
    if (rc) {
        s->me = old;
        let_go(&s->write);
        return rc;
    }
    *scheduler = id;
    s->fenced = s->doubt = false;
    s->seq = *seq;
    s->last_batch = 0;
    ork_pg_beat_start(s);
    ork_pg_writer_wake(s); /* waits on the new socket */
    return 0;
}

static int ask_outbid(struct ork_postgres *s, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err)
{
    struct ork_holding h;
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_begin);
    int rc = ork_stmt_queue(&st, err);
    if (!rc)
        rc = ork_pg_holding(s, run, &h, err);
    if (rc || !h.mine)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_outbid);
    ork_stmt_id(&st, &s->me);
    rc = ork_stmt_ask(&st, err);
    *mine = rc > 0;
    *seq = rc > 0 ? (uint64_t)ork_stmt_get_int(&st, 0, 0) : 0;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* The fence names the seq: it changes between two batches, and whoever waits for the next one waits for this. */
int ork_pg_outbid(ork_store *store, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_stmt st;
    ork_err own;
    uint64_t higher = 0;
    *mine = false;
    if (!ork_pg_registered(s) || s->fenced)
        return 0;
    int rc = ork_pg_rest(s, err);
    if (!rc)
        rc = ork_pg_session(s, err);
    if (rc)
        return rc;
    rc = ask_outbid(s, run, mine, &higher, err);
    ork_stmt_begin(&st, &s->write, rc ? ORK_S_rollback : ORK_S_commit);
    if (rc)
        ork_link_sync(&s->write, &own);
    int end = ork_link_is_up(&s->write) ? ork_stmt_queue(&st, rc ? &own : err) : rc;
    if (!end)
        end = ork_link_sync(&s->write, rc ? &own : err);
    *mine = *mine && !rc && !end;
    if (*mine)
        *seq = s->seq = higher;
    ork_pg_writer_wake(s); /* waits on the socket anew */
    return rc ? rc : end;
}
