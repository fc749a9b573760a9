/* SPDX-License-Identifier: MIT */
/* Closing goes in steps, each waiting for what uses the store: the batch in flight and reads under way end and get
 * their callbacks; the scheduler's row becomes 'ended'; the coroutines come to their end; handles close; then memory
 * goes. Calling the step again is harmless. */
#include "base/alloc.h"
#include "store/postgres/postgres.h"

static void freed(struct ork_postgres *s)
{
    ork_store_close_cb cb = s->close_cb;
    void *data = s->close_data;
    ork_pg_free(s);
    if (cb)
        cb(data);
}

static void one_less(struct ork_postgres *s)
{
    if (--s->handles == 0 && s->phase == ORK_STORE_ENDED)
        freed(s);
}

static void on_heap_closed(uv_handle_t *h)
{
    struct ork_postgres *s = h->data;
    ork_free(h);
    one_less(s);
}

static void on_closed(uv_handle_t *h)
{
    one_less(h->data);
}

void ork_pg_close_handle(struct ork_postgres *s, uv_handle_t *h)
{
    h->data = s;
    uv_close(h, on_heap_closed);
}

static void close_handles(struct ork_postgres *s)
{
    s->handles += 4;
    uv_close((uv_handle_t *)&s->check, on_closed);
    uv_close((uv_handle_t *)&s->spin, on_closed);
    uv_close((uv_handle_t *)&s->beat, on_closed);
    uv_close((uv_handle_t *)&s->peer_timer, on_closed);
}

/* Never from inside a coroutine. Each is resumed until it ends; none waits any more once `stopping` is set. */
static void end_coroutines(struct ork_postgres *s)
{
    s->stopping = true;
    ork_link_wake(&s->write);
    ork_link_wake(&s->ear.link);
    ork_link_wake(&s->watch);
    ork_pg_readers_stop(s);
}

void ork_pg_close_finish(struct ork_postgres *s)
{
    if (s->phase != ORK_STORE_ENDING || s->end_due || s->resolving)
        return;
    s->phase = ORK_STORE_ENDED;
    s->handles++; /* until all are asked to close */
    end_coroutines(s);
    ork_link_fini(&s->write);
    ork_link_fini(&s->ear.link);
    ork_link_fini(&s->watch);
    ork_link_drop(&s->here);
    ork_pg_readers_free(s);
    ork_pg_watch_free(s);
    close_handles(s);
    s->handles--;
}

void ork_pg_close_step(struct ork_postgres *s)
{
    if (s->phase != ORK_STORE_CLOSING || s->batch || s->reads)
        return;
    s->phase = ORK_STORE_ENDING;
    if (!ork_pg_registered(s) || s->fenced) {
        ork_pg_close_finish(s);
        return;
    }
    s->end_due = true;
    if (s->idle)
        ork_link_wake(&s->write);
}

void ork_pg_close(ork_store *st, ork_store_close_cb cb, void *data)
{
    struct ork_postgres *s = ork_pg_of(st);
    s->phase = ORK_STORE_CLOSING;
    s->close_cb = cb;
    s->close_data = data;
    s->ear.cb = s->ear.on_news = NULL;
    ork_pg_close_step(s);
}
