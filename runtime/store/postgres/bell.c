/* SPDX-License-Identifier: MIT */
/* Hearing of others: a connection of its own that listens. What was said while it was not connected is lost, so after
 * each connection, the first too, whoever waits is told to look once. Own rings carry this store's token and are not
 * heard. Deaths are rung with another letter: then the watched schedulers are looked at.
 *
 * Who looks on (a `watch` of a run) holds a shared lock meanwhile; owners only tell of changed runs while somebody
 * does (ring_lookers). */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>

static int run(struct ork_ear *e, int which, int64_t key, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &e->link, which);
    if (key)
        ork_stmt_int(&st, key);
    int rc = ork_stmt_alone(&st, err);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int set_up(struct ork_postgres *s, ork_err *err)
{
    struct ork_ear *e = &s->ear;
    bool fresh = !ork_link_is_up(&e->link), looks = e->on_news != NULL;
    int rc = 0;
    if (fresh) {
        e->news_on = e->looking = false;
        rc = ork_link_open(&e->link, ORK_PG_CALL_MS, err);
        if (!rc)
            rc = run(e, ORK_S_listen, 0, err);
    }
    if (!rc && looks && !e->news_on) {
        rc = run(e, ORK_S_listen_news, 0, err);
        e->news_on = !rc;
    }
    if (!rc && looks != e->looking) {
        rc = run(e, looks ? ORK_S_look_on : ORK_S_look_away, ORK_PG_LOOKERS, err);
        e->looking = looks;
    }
    if (!rc && !looks && e->news_on) {
        rc = run(e, ORK_S_unlisten_news, 0, err);
        e->news_on = false;
    }
    if (!rc && (fresh || e->changed)) { /* only now: a look before the lock is held would miss what comes between */
        e->rung = e->cb != NULL;
        e->news = e->on_news != NULL;
        e->death = fresh; /* one may have been told of meanwhile */
    }
    e->changed = false;
    return rc;
}

static void hear(struct ork_postgres *s)
{
    struct ork_ear *e = &s->ear;
    PGnotify *n;
    while (e->link.pg && (n = PQnotifies(e->link.pg))) {
        bool own = n->extra[0] && strcmp(n->extra + 1, s->token + 1) == 0, news = strcmp(n->relname, ORK_PG_NEWS) == 0;
        if (!own && n->extra[0] == 'd')
            e->death = true;
        if (!own && news)
            e->news = true;
        if (!own)
            e->rung = e->rung || !news;
        PQfreemem(n);
    }
}

static void ear_main(void *data)
{
    struct ork_postgres *s = data;
    struct ork_ear *e = &s->ear;
    int pause_ms = 100;
    while (!s->stopping) {
        ork_err err;
        if (!e->cb && !e->on_news) {
            ork_link_drop(&e->link);
            e->idle = true;
            (void)ork_link_idle(&e->link, -1);
            e->idle = false;
            continue;
        }
        int rc = !ork_link_is_up(&e->link) || e->changed ? set_up(s, &err) : 0;
        if (rc) {
            ork_link_drop(&e->link);
            pause_ms = pause_ms * 2 > 5000 ? 5000 : pause_ms * 2;
            int chance = (int)(s->clock->random(s->clock->data) % (unsigned)pause_ms);
            (void)ork_link_wait(&e->link, pause_ms / 2 + chance / 2);
            continue;
        }
        pause_ms = 50;
        hear(s);
        e->idle = !e->rung && !e->news && !e->death;
        rc = ork_link_wait(&e->link, e->idle ? -1 : 0); /* 0: tells (after), then goes on */
        e->idle = false;
        if (!s->stopping && rc != ORK_ETIMEDOUT && e->link.pg && !PQconsumeInput(e->link.pg))
            ork_link_drop(&e->link);
    }
    e->idle = true;
}

/* On the loop, after the coroutine ran. */
static void after(struct ork_link *l)
{
    struct ork_postgres *s = l->store;
    struct ork_ear *e = &s->ear;
    bool rung = e->rung, news = e->news, death = e->death;
    if (s->phase != ORK_STORE_OPEN)
        return;
    e->rung = e->news = e->death = false;
    if (death)
        ork_pg_watch_look(s);
    if (news && e->on_news)
        e->on_news(e->news_data);
    if (rung && e->cb && s->phase == ORK_STORE_OPEN)
        e->cb(e->data);
}

static void changed(struct ork_postgres *s)
{
    struct ork_ear *e = &s->ear;
    e->changed = true;
    if (e->co && e->idle) {
        ork_link_wake(&e->link);
    } else if (!e->co && (e->cb || e->on_news)) {
        e->link.after = after;
        e->co = ork_co_new(ear_main, s);
        ork_co_resume(e->co);
    }
}

void ork_pg_on_bell(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_postgres *s = ork_pg_of(store);
    s->ear.cb = cb;
    s->ear.data = data;
    changed(s);
}

void ork_pg_on_news(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_postgres *s = ork_pg_of(store);
    s->ear.on_news = cb;
    s->ear.news_data = data;
    changed(s);
}
