/* SPDX-License-Identifier: MIT */
/* Waiting for another scheduler's death. One connection waits in the server for the lock of one of them, the next
 * behind this one in the order of ids: so with any number of schedulers each is waited for by one, who buries it and
 * tells the others. Who waits for a lock keeps vacuum from cleaning up behind it, so it lets go every 60 s and waits
 * anew.
 *
 * A lock also falls when only a connection was lost: it is looked at again after 0.8 s. A scheduler that hangs keeps
 * its lock; its beat tells: every look arms a timer for the instant at which the oldest one turns 10 s old. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/array.h"
#include "store/postgres/postgres.h"
#include <string.h>

struct ork_watch {
    struct ork_watch *next;
    ork_id id;
    ork_owner_cb cb;
    void *data;
    bool over;
};

#define PAUSE_MS 5000 /* after a lock fell that means nothing: behind a pooler there is none */

static struct ork_watch *target(struct ork_postgres *s)
{
    struct ork_watch *next = NULL, *first = NULL;
    for (struct ork_watch *w = s->watches; w; w = w->next) {
        if (w->over)
            continue;
        if (!first || memcmp(&w->id, &first->id, sizeof w->id) < 0)
            first = w;
        if (memcmp(&w->id, &s->me, sizeof w->id) > 0 && (!next || memcmp(&w->id, &next->id, sizeof w->id) < 0))
            next = w;
    }
    return next ? next : first;
}

static bool is_watched(const struct ork_postgres *s, const ork_id *id)
{
    for (const struct ork_watch *w = s->watches; w; w = w->next)
        if (!w->over && ork_id_eq(&w->id, id))
            return true;
    return false;
}

static int open_link(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    if (ork_link_is_up(&s->watch))
        return 0;
    int rc = ork_link_open(&s->watch, ORK_PG_CALL_MS, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->watch, ORK_S_wait_briefly);
    ork_stmt_word(&st, "60s");
    rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* 0: its lock has fallen. */
static int wait_for_lock(struct ork_postgres *s, const ork_id *id, ork_err *err)
{
    struct ork_stmt st;
    int rc = open_link(s, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->watch, ORK_S_owner_wait);
    ork_stmt_int(&st, ork_pg_owner_key(id));
    rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static void rest(struct ork_postgres *s, int ms)
{
    (void)ork_link_wait(&s->watch, ms);
    if (s->watch.pg && !PQconsumeInput(s->watch.pg))
        ork_link_drop(&s->watch);
}

static void watcher_main(void *data)
{
    struct ork_postgres *s = data;
    while (!s->stopping) {
        struct ork_watch *w = target(s);
        ork_err err;
        if (!w) {
            s->watch_idle = true;
            (void)ork_link_idle(&s->watch, -1);
            s->watch_idle = false;
            if (s->watch.pg && !PQconsumeInput(s->watch.pg))
                ork_link_drop(&s->watch);
            continue;
        }
        ork_id id = w->id;
        int rc = wait_for_lock(s, &id, &err);
        if (rc == ORK_EBUSY || s->stopping) /* 60 s are over */
            continue;
        rest(s, rc ? ORK_PG_GRACE_MS * 2 : ORK_PG_GRACE_MS);
        s->look_due = true;
        if (is_watched(s, &id) && !s->stopping)
            rest(s, PAUSE_MS);
    }
    s->watch_idle = true;
}

static void after(struct ork_link *l)
{
    if (l->store->look_due)
        ork_pg_writer_wake(l->store);
}

/* ---- looking, in the writer ---- */

static int bury(struct ork_postgres *s, const ork_id *id, bool *dead, ork_err *err)
{
    struct ork_stmt st;
    ork_err own;
    ork_stmt_begin(&st, &s->write, ORK_S_begin);
    int rc = ork_stmt_queue(&st, err);
    if (!rc)
        rc = ork_pg_bury(&s->write, id, dead, NULL, err);
    bool good = !rc;
    ork_stmt_begin(&st, &s->write, good ? ORK_S_commit : ORK_S_rollback);
    if (good)
        rc = ork_stmt_queue(&st, err);
    int end = ork_link_sync(&s->write, rc ? &own : err);
    if (!good && ork_link_is_up(&s->write) && !ork_stmt_queue(&st, &own))
        (void)ork_link_sync(&s->write, &own);
    return rc ? rc : end;
}

static int ask_peers(struct ork_postgres *s, struct ork_stmt *st, ork_err *err)
{
    struct ork_array ids = {0};
    ork_array_clear(&ids, ORK_PG_UUID);
    for (struct ork_watch *w = s->watches; w; w = w->next)
        ork_array_id(&ids, &w->id);
    struct ork_text all = ork_array_finish(&ids);
    ork_stmt_begin(st, &s->write, ORK_S_peers);
    ork_stmt_bytes(st, all.p, all.n);
    int n = ork_stmt_alone(st, err);
    ork_buf_fini(&ids.b);
    return n;
}

/* What the answer says of one; no row: it was forgotten. */
static bool find(const struct ork_stmt *st, int n, const ork_id *id, int64_t *age_ms)
{
    for (int i = 0; i < n; i++) {
        ork_id got;
        if (ork_stmt_get_id(st, i, 0, &got) && ork_id_eq(&got, id) && ork_stmt_get_int(st, i, 1)) {
            *age_ms = ork_stmt_get_int(st, i, 2);
            return true;
        }
    }
    return false;
}

void ork_pg_watch_check(struct ork_postgres *s)
{
    struct ork_stmt st;
    ork_err err;
    int64_t oldest = 0, age_ms;
    int n = 0, rc = s->watches ? ork_pg_session(s, &err) : 0;
    if (!s->watches)
        return;
    if (!rc)
        n = ask_peers(s, &st, &err);
    if (rc || n < 0) { /* away: when it is back */
        ork_pg_watch_arm(s, ORK_PG_BEAT_MS);
        return;
    }
    for (struct ork_watch *w = s->watches; w && !rc; w = w->next) {
        bool live = find(&st, n, &w->id, &age_ms), dead = false;
        if (live)
            rc = bury(s, &w->id, &dead, &err);
        w->over = w->over || !live || dead;
        if (!w->over && age_ms > oldest)
            oldest = age_ms;
    }
    ork_stmt_end(&st);
    if (rc)
        ork_log_debug(&s->log, "cannot judge a scheduler error=%s", ORK_LOG_VALUE(err.msg));
    if (oldest > ORK_PG_BEAT_MS + ORK_PG_BEAT_MS / 10 || !ork_pg_registered(s) || rc)
        ork_pg_watch_arm(s, oldest < ORK_PG_DEAD_MS ? (uint64_t)(ORK_PG_DEAD_MS - oldest + 50) : 1000);
}

void ork_pg_watch_look(struct ork_postgres *s)
{
    if (!s->watches || s->phase != ORK_STORE_OPEN)
        return;
    s->look_due = true;
    ork_pg_writer_wake(s);
}

static void on_peer_timer(uv_timer_t *h)
{
    ork_pg_watch_look(h->data);
}

void ork_pg_watch_arm(struct ork_postgres *s, uint64_t ms)
{
    if (s->watches && s->phase == ORK_STORE_OPEN) {
        (void)uv_timer_start(&s->peer_timer, on_peer_timer, ms, 0);
        uv_unref((uv_handle_t *)&s->peer_timer);
    }
}

/* A callback may add watches or close the store, so the list is looked at anew after each. */
void ork_pg_watch_deliver(struct ork_postgres *s)
{
    struct ork_watch **at = &s->watches;
    bool some = false;
    while (s->phase == ORK_STORE_OPEN && *at) {
        struct ork_watch *w = *at;
        if (!w->over) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        some = true;
        w->cb(w->data, &w->id);
        ork_free(w);
        at = &s->watches;
    }
    if (some && s->watcher && s->phase == ORK_STORE_OPEN && !s->watches)
        ork_link_wake(&s->watch); /* out of a pause: there is nothing to wait for */
}

int ork_pg_watch_add(ork_store *store, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_watch *w = ork_zalloc(sizeof *w);
    (void)err;
    w->id = *scheduler;
    w->cb = cb;
    w->data = data;
    w->next = s->watches;
    s->watches = w;
    if (!s->watcher) {
        s->watch.after = after;
        s->watch.patience_ms = 75000;
        s->watcher = ork_co_new(watcher_main, s);
        s->in_call = true;
        ork_co_resume(s->watcher);
        s->in_call = false;
    } else if (s->watch_idle) {
        ork_link_wake(&s->watch);
    }
    ork_pg_watch_arm(s, 0); /* it may be dead already */
    return 0;
}

void ork_pg_watch_free(struct ork_postgres *s)
{
    for (struct ork_watch *w = s->watches, *next; w; w = next) {
        next = w->next;
        ork_free(w);
    }
    s->watches = NULL;
}
