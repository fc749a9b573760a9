/* SPDX-License-Identifier: MIT */
/* The writer: one coroutine with the one connection that writes. It waits for a batch, for the beat (5 s after the last
 * sign of life, which a batch is too), for the end, and for the loss of its connection: a scheduler's lock falls with
 * it, so it connects again at once, then with growing pauses and some chance in them, that a restarted server is not
 * met by all at the same instant.
 *
 * A batch is sent from within apply; when it is also finished there (it was refused without asking anybody), a check
 * handle brings the callback after this turn's events, and an idle handle keeps the loop from sleeping before that. */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <assert.h>
#include <string.h>

#define BACKOFF_MAX_MS 5000

static void deliver(struct ork_postgres *s)
{
    ork_apply_cb cb = s->apply_cb;
    ork_err err = s->err;
    s->batch = NULL;
    s->apply_cb = NULL;
    s->finished = false;
    cb(s->apply_data, s->code, s->code ? &err : NULL, s->bad_unit);
    ork_pg_close_step(s);
}

static void on_check(uv_check_t *h)
{
    struct ork_postgres *s = h->data;
    (void)uv_check_stop(&s->check);
    (void)uv_idle_stop(&s->spin);
    if (s->finished)
        deliver(s);
    ork_pg_read_deliver(s);
}

static void on_spin(uv_idle_t *h)
{
    (void)h;
}

void ork_pg_soon(struct ork_postgres *s)
{
    (void)uv_check_start(&s->check, on_check);
    (void)uv_idle_start(&s->spin, on_spin);
}

/* On the loop, after the coroutine ran. */
static void after(struct ork_link *l)
{
    struct ork_postgres *s = l->store;
    if (s->finished && s->in_call)
        ork_pg_soon(s);
    else if (s->finished)
        deliver(s);
    ork_pg_watch_deliver(s);
    if (s->idle)
        ork_pg_close_finish(s);
}

void ork_pg_writer_wake(struct ork_postgres *s)
{
    if (s->idle)
        ork_link_wake(&s->write);
}

static void schedule_retry(struct ork_postgres *s)
{
    uint64_t chance = s->clock->random(s->clock->data) % 1000;
    s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : 100;
    if (s->backoff_ms > BACKOFF_MAX_MS)
        s->backoff_ms = BACKOFF_MAX_MS;
    s->retry_ms = uv_now(s->loop) + s->backoff_ms / 2 + s->backoff_ms * chance / 2000;
}

/* Keeps nothing alive: who has nothing to write may end. */
static void wait_for_work(struct ork_postgres *s)
{
    bool up = ork_link_is_up(&s->write), wants = ork_pg_registered(s) && !s->fenced && s->phase == ORK_STORE_OPEN;
    uint64_t now = uv_now(s->loop);
    int timeout_ms = up || !wants ? -1 : s->retry_ms > now ? (int)(s->retry_ms - now) : 0;
    if (timeout_ms == 0)
        return;
    s->idle = true;
    int rc = ork_link_idle(&s->write, timeout_ms);
    s->idle = false;
    if (up && !rc && !PQconsumeInput(s->write.pg))
        rc = ORK_EIO;
    if (up && (rc == ORK_EIO || PQstatus(s->write.pg) != CONNECTION_OK)) {
        ork_log_warn(&s->log, "connection lost database=%s", s->shown);
        ork_link_drop(&s->write);
        s->retry_ms = 0;
        s->backoff_ms = 0;
    }
}

static void reconnect(struct ork_postgres *s)
{
    ork_err err;
    int rc = ork_pg_session(s, &err);
    if (!rc)
        ork_log_info(&s->log, "connected again database=%s", s->shown);
    else if (rc != ORK_EFENCED && rc != ORK_ECANCELLED)
        schedule_retry(s);
}

static void writer_main(void *data)
{
    struct ork_postgres *s = data;
    while (!s->stopping) {
        bool up = ork_link_is_up(&s->write), lives = ork_pg_registered(s) && !s->fenced;
        if (s->batch && !s->finished) {
            ork_pg_commit(s);
            s->finished = true;
        } else if (s->end_due) {
            ork_pg_end(s);
            s->end_due = false;
        } else if (lives && !up && s->phase == ORK_STORE_OPEN && uv_now(s->loop) >= s->retry_ms) {
            reconnect(s);
        } else if (s->look_due && s->phase == ORK_STORE_OPEN && uv_now(s->loop) >= s->retry_ms) {
            s->look_due = false;
            ork_pg_watch_check(s);
        } else if (lives && up && s->beat_due) {
            s->beat_due = false;
            ork_pg_beat(s);
        } else {
            wait_for_work(s);
        }
    }
    s->idle = true;
}

/* A batch is a sign of life: after one the beat waits its time. */
static void on_beat(uv_timer_t *h)
{
    struct ork_postgres *s = h->data;
    uint64_t age = uv_now(s->loop) - s->beaten;
    if (age + 1 < ORK_PG_BEAT_MS) {
        (void)uv_timer_start(&s->beat, on_beat, ORK_PG_BEAT_MS - age, 0);
        return;
    }
    (void)uv_timer_start(&s->beat, on_beat, ORK_PG_BEAT_MS, 0);
    s->beat_due = true;
    ork_pg_writer_wake(s);
}

void ork_pg_beat_start(struct ork_postgres *s)
{
    s->beaten = uv_now(s->loop);
    (void)uv_timer_start(&s->beat, on_beat, ORK_PG_BEAT_MS, 0);
    uv_unref((uv_handle_t *)&s->beat);
}

int ork_pg_writer_init(struct ork_postgres *s, ork_err *err)
{
    if (uv_check_init(s->loop, &s->check))
        return ork_err_set(err, ORK_EENV, "the event loop cannot be used");
    (void)uv_idle_init(s->loop, &s->spin);
    (void)uv_timer_init(s->loop, &s->beat);
    (void)uv_timer_init(s->loop, &s->peer_timer);
    s->check.data = s->spin.data = s->beat.data = s->peer_timer.data = s;
    s->groups = ork_groups_new();
    s->write.after = after;
    s->writer = ork_co_new(writer_main, s);
    ork_co_resume(s->writer); /* to its first wait */
    return 0;
}

void ork_pg_apply(ork_store *st, struct ork_batch *b, ork_apply_cb cb, void *data)
{
    struct ork_postgres *s = ork_pg_of(st);
    assert(!s->batch && s->phase == ORK_STORE_OPEN && "one batch at a time");
    s->batch = b;
    if (!b->mark)
        b->mark = ++s->marks;
    s->apply_cb = cb;
    s->apply_data = data;
    s->finished = false;
    s->in_call = true;
    ork_pg_writer_wake(s);
    s->in_call = false;
}
