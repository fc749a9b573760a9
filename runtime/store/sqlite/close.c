/* SPDX-License-Identifier: MIT */
/* Closing goes in steps, each waiting for what uses the store: the batch in flight and reads under way end and get
 * their callbacks; the scheduler's row becomes 'ended'; threads are joined; handles close; then memory goes. Calling
 * the step again is harmless. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <unistd.h>

/* Not flushed (NORMAL): if power fails just now the row stays 'live' without a lock, which means dead all the same. */
void ork_sqlite_end(struct ork_sqlite *s)
{
    struct ork_conn *c = &s->writer;
    struct ork_stmt st;
    ork_err err;
    c->patient = true;
    int rc = ork_conn_sync(c, ORK_SYNC_NORMAL, &err);
    if (!rc)
        rc = ork_sqlite_begin(s, &err);
    if (!rc) {
        ork_stmt_begin(&st, c, ORK_S_scheduler_end);
        ork_stmt_id(&st, &s->me);
        ork_stmt_word(&st, "ended");
        rc = ork_stmt_run(&st, &err);
    }
    if (!rc) {
        ork_stmt_begin(&st, c, ORK_S_pool_use_drop);
        ork_stmt_id(&st, &s->me);
        rc = ork_stmt_run(&st, &err);
    }
    if (!rc)
        rc = ork_sqlite_seal(s, &err);
    if (rc)
        ork_sqlite_undo(s);
    if (rc)
        ork_log_warn(&s->log, "not marked as ended error=%s", ORK_LOG_VALUE(err.msg));
    else
        ork_bell_ring(s);
}

/* The last to close empties the WAL, which is kept at its length only while somebody writes (overwriting is cheaper
 * than appending): else the next program would have to read it through, and copy it into the database once more, before
 * its first statement. */
static void shorten_wal(struct ork_sqlite *s)
{
    if (s->writer.db)
        (void)sqlite3_exec(s->writer.db, "PRAGMA journal_size_limit = 0", NULL, NULL, NULL);
}

static void freed(struct ork_sqlite *s)
{
    ork_store_close_cb cb = s->close_cb;
    void *data = s->close_data;
    ork_conn_close(&s->reader);
    if (s->keeper)
        s->keeper->close(s);
    shorten_wal(s);
    ork_conn_close(&s->writer);
    ork_opened_end(&s->opened);
    if (s->path)
        ork_owner_release(s->path, &s->me, s->owner_fd);
    if (s->turn_fd >= 0)
        (void)close(s->turn_fd);
    if (s->bell.fd >= 0)
        (void)close(s->bell.fd);
    uv_mutex_destroy(&s->read_lock);
    uv_mutex_destroy(&s->lock);
    uv_cond_destroy(&s->wake);
    uv_cond_destroy(&s->rest);
    ork_free(s->path);
    ork_free(s);
    if (cb)
        cb(data);
}

static void on_closed(uv_handle_t *h)
{
    struct ork_sqlite *s = h->data;
    if (--s->handles == 0)
        freed(s);
}

void ork_sqlite_close_finish(struct ork_sqlite *s)
{
    ork_writer_stop(s);
    ork_watch_stop(s);
    s->handles = 3;
    uv_close((uv_handle_t *)&s->check, on_closed);
    uv_close((uv_handle_t *)&s->idle, on_closed);
    uv_close((uv_handle_t *)&s->async, on_closed);
    if (s->bell.inited) {
        s->handles++;
        uv_close((uv_handle_t *)&s->bell.event, on_closed);
    }
}

void ork_sqlite_close_step(struct ork_sqlite *s)
{
    if (s->phase != ORK_STORE_CLOSING || s->batch || s->reads)
        return;
    s->phase = ORK_STORE_ENDING;
    if (ork_id_is_zero(&s->me))
        ork_sqlite_close_finish(s);
    else
        ork_writer_end(s);
}

void ork_sqlite_close(ork_store *st, ork_store_close_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(st);
    s->phase = ORK_STORE_CLOSING;
    s->close_cb = cb;
    s->close_data = data;
    s->bell.cb = s->bell.on_news = NULL;
    ork_sqlite_close_step(s);
}
