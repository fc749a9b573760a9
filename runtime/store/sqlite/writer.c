/* SPDX-License-Identifier: MIT */
/* Where a batch is committed. On the loop's own thread two hand-offs are saved (a fifth of a hop), so small batches go
 * there while the disk answers quickly and nobody else is committing; everything else goes to a thread, and only there
 * is the turn waited for: a loop must not stand still for a slow disk or a stopped neighbour.
 *
 * Callbacks never come from inside apply. A commit made on the loop is delivered by a check handle, right after the
 * events of this turn; an idle handle keeps the loop from sleeping before that. It costs no system call. */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <assert.h>
#include <string.h>

#define INLINE_ROWS 64
#define INLINE_BYTES (1u << 20)
#define SLOW_MS 1.0  /* running mean above which commits leave the loop */
#define CLAMP_MS 2.0 /* one commit counts as no more: a checkpoint now and then is no slow disk */

static void deliver(struct ork_sqlite *s)
{
    ork_apply_cb cb = s->apply_cb;
    ork_err err = s->err;
    s->batch = NULL;
    s->apply_cb = NULL;
    if (!s->code)
        err.msg[0] = '\0';
    cb(s->apply_data, s->code, s->code ? &err : NULL, s->bad_unit);
    ork_sqlite_close_step(s);
}

static void on_check(uv_check_t *h)
{
    struct ork_sqlite *s = h->data;
    (void)uv_check_stop(&s->check);
    (void)uv_idle_stop(&s->idle);
    deliver(s);
}

static void on_idle(uv_idle_t *h)
{
    (void)h;
}

static void soon(struct ork_sqlite *s)
{
    (void)uv_check_start(&s->check, on_check);
    (void)uv_idle_start(&s->idle, on_idle);
}

static void on_async(uv_async_t *h)
{
    struct ork_sqlite *s = h->data;
    uv_mutex_lock(&s->lock);
    int done = s->done;
    s->done = ORK_JOB_NONE;
    uv_mutex_unlock(&s->lock);
    ork_watch_deliver(s);
    if (done != ORK_JOB_NONE)
        ork_writer_let(s);
    if (done == ORK_JOB_APPLY)
        deliver(s);
    else if (done == ORK_JOB_END)
        ork_sqlite_close_finish(s);
}

void ork_writer_hold(struct ork_sqlite *s)
{
    if (s->async_refs++ == 0)
        uv_ref((uv_handle_t *)&s->async);
}

void ork_writer_let(struct ork_sqlite *s)
{
    assert(s->async_refs > 0);
    if (--s->async_refs == 0)
        uv_unref((uv_handle_t *)&s->async);
}

int ork_writer_init(struct ork_sqlite *s, ork_err *err)
{
    int rc = uv_async_init(s->loop, &s->async, on_async);
    if (rc)
        return ork_err_set(err, ORK_EENV, "the event loop cannot be used: %s", uv_strerror(rc));
    (void)uv_check_init(s->loop, &s->check);
    (void)uv_idle_init(s->loop, &s->idle);
    uv_unref((uv_handle_t *)&s->async);
    s->async.data = s->check.data = s->idle.data = s;
    (void)uv_mutex_init(&s->lock);
    (void)uv_cond_init(&s->wake);
    (void)uv_cond_init(&s->rest);
    return 0;
}

/* The turn is held. */
static void commit_timed(struct ork_sqlite *s, bool small)
{
    uint64_t start = uv_hrtime();
    ork_sqlite_commit(s);
    double ms = (double)(uv_hrtime() - start) / 1e6;
    if (small)
        s->mean_ms += ((ms < CLAMP_MS ? ms : CLAMP_MS) - s->mean_ms) / 8;
}

static bool is_small(const struct ork_batch *b)
{
    size_t rows = 0, bytes = b->bytes;
    for (size_t i = 0; i < b->len; i++) {
        const struct ork_unit *u = &b->units[i];
        rows += u->type == ORK_UNIT_TASKS ? u->tasks.count : u->type == ORK_UNIT_SWEEP ? u->sweep->rows : 1;
        if (u->type == ORK_UNIT_CREATE_RUN)
            bytes += u->create->tasks_json.n + u->create->source_json.n;
    }
    return rows <= INLINE_ROWS && bytes <= INLINE_BYTES;
}

static void run_job(struct ork_sqlite *s, int job)
{
    s->writer.patient = true;
    ork_turn_take(s->turn_fd);
    if (job == ORK_JOB_APPLY)
        commit_timed(s, is_small(s->batch));
    else
        ork_sqlite_end(s);
    if (job == ORK_JOB_APPLY && s->keeper && s->keeper->due(s)) {
        uv_mutex_lock(&s->read_lock);
        s->keeper->rest(s);
        uv_mutex_unlock(&s->read_lock);
    }
    ork_turn_drop(s->turn_fd);
}

static void thread_main(void *data)
{
    struct ork_sqlite *s = data;
    uv_mutex_lock(&s->lock);
    for (;;) {
        while (!s->stop && s->job == ORK_JOB_NONE)
            uv_cond_wait(&s->wake, &s->lock);
        if (s->stop)
            break;
        int job = s->job;
        uv_mutex_unlock(&s->lock);
        run_job(s, job);
        uv_mutex_lock(&s->lock);
        s->job = ORK_JOB_NONE;
        s->done = job;
        uv_cond_signal(&s->rest);
        (void)uv_async_send(&s->async);
    }
    uv_mutex_unlock(&s->lock);
}

/* false: there is no thread and none can be made (then the caller does it itself: slower is better than never). */
static bool hand_over(struct ork_sqlite *s, int job)
{
    if (!s->threaded) {
        uv_thread_options_t o = {UV_THREAD_HAS_STACK_SIZE, 512u << 10};
        if (uv_thread_create_ex(&s->thread, &o, thread_main, s))
            return false;
        s->threaded = true;
    }
    uv_mutex_lock(&s->lock);
    s->job = job;
    uv_cond_signal(&s->wake);
    uv_mutex_unlock(&s->lock);
    ork_writer_hold(s);
    return true;
}

/* true: committed or failed for good; false: somebody is in the way, to the thread with it. */
static bool try_here(struct ork_sqlite *s)
{
    if (!ork_turn_try(s->turn_fd))
        return false;
    s->writer.patient = false;
    commit_timed(s, true);
    ork_turn_drop(s->turn_fd);
    return s->code != ORK_EBUSY;
}

void ork_writer_apply(ork_store *st, struct ork_batch *b, ork_apply_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(st);
    assert(!s->batch && s->phase == ORK_STORE_OPEN && "one batch at a time");
    s->batch = b;
    s->apply_cb = cb;
    s->apply_data = data;
    bool free = !s->path && !s->keeper; /* a commit waits for no disk */
    bool here = free || (s->mean_ms < SLOW_MS && is_small(b) && !(s->keeper && s->keeper->due(s)));
    if (here && try_here(s)) {
        soon(s);
    } else if (!hand_over(s, ORK_JOB_APPLY)) {
        run_job(s, ORK_JOB_APPLY);
        soon(s);
    }
}

void ork_writer_end(struct ork_sqlite *s)
{
    if (ork_turn_try(s->turn_fd)) {
        ork_sqlite_end(s);
        ork_turn_drop(s->turn_fd);
        ork_sqlite_close_finish(s);
    } else if (!hand_over(s, ORK_JOB_END)) {
        ork_sqlite_close_finish(s);
    }
}

void ork_writer_rest(struct ork_sqlite *s)
{
    uv_mutex_lock(&s->lock);
    while (s->job != ORK_JOB_NONE)
        uv_cond_wait(&s->rest, &s->lock);
    uv_mutex_unlock(&s->lock);
}

void ork_writer_stop(struct ork_sqlite *s)
{
    if (!s->threaded)
        return;
    uv_mutex_lock(&s->lock);
    s->stop = true;
    uv_cond_signal(&s->wake);
    uv_mutex_unlock(&s->lock);
    (void)uv_thread_join(&s->thread);
    s->threaded = false;
}
