/* SPDX-License-Identifier: MIT */
/* The SQLite backend.
 *
 *   loop thread                         writer thread (made when first needed)      uv's pool
 *   apply ── small, quick, turn free ─► commit here
 *         └─ else ───────── job ──────► waits for the turn, commits ── async ─► callback
 *   read ───────────────────────────────────────────────────────────────────────► reader ─► callback
 *
 * The writing connection belongs to the batch in flight: to the loop thread, or to the writer thread between job and
 * async. The reading connection is guarded by read_lock. In memory both are one connection, guarded by read_lock. */
#ifndef ORK_STORE_SQLITE_SQLITE_H
#define ORK_STORE_SQLITE_SQLITE_H
#include "store/sqlite/conn.h"
#include "store/sqlite/opened.h"
#include "store/ops.h"
#include <stdatomic.h>

struct ork_watch; /* of another owner: watch.c */
struct ork_sqlite;

/* What makes a database in memory outlive its process (store/file). Called by whoever has the writing connection. */
struct ork_keeper {
    int (*begin)(struct ork_sqlite *s, ork_err *err);   /* a transaction has begun */
    int (*keep)(struct ork_sqlite *s, ork_err *err);    /* before its COMMIT; 0: what it changed is on the disk */
    void (*over)(struct ork_sqlite *s, bool committed); /* it has ended */
    bool (*due)(const struct ork_sqlite *s);            /* `rest` has something to do */
    void (*rest)(struct ork_sqlite *s);                 /* between two transactions, not on the loop; takes time */
    void (*close)(struct ork_sqlite *s);                /* the connection closes after this */
    int (*refresh)(struct ork_sqlite *s, ork_err *err); /* before a read: another process may have written */
    int (*owner_open)(struct ork_sqlite *s, const ork_id *scheduler); /* as ork_owner_open */
};

struct ork_bell {
    int fd;                     /* <db>-bell; -1 memory */
    atomic_uint_fast64_t heard; /* the count when this process last looked or rang */
    uv_fs_event_t event;
    bool inited, on;
    ork_bell_cb cb; /* NULL: not watching */
    void *data;
    uint64_t news; /* the count of changed runs when this process last looked */
    ork_bell_cb on_news;
    void *news_data;
};

struct ork_sqlite {
    struct ork_store base;
    uv_loop_t *loop; /* borrowed, as the next two */
    const struct ork_clock *clock;
    struct ork_log log;
    uint32_t flags;
    char *path;                      /* owned, real; NULL memory */
    const struct ork_keeper *keeper; /* of a database in memory; NULL none */
    const char *name;                /* for messages; borrowed */
    struct ork_conn writer, reader;
    struct ork_opened opened; /* the file */
    bool frozen, reader_open;
    uv_mutex_t read_lock;
    int turn_fd, owner_fd; /* -1 none */

    ork_id me; /* the scheduler; zero before registration */
    uint64_t seq, last_batch;
    bool fenced; /* the last batch was refused: it is no scheduler any more */

    /* the batch in flight and how it went; written by whoever commits it */
    struct ork_batch *batch; /* borrowed; NULL none */
    ork_apply_cb apply_cb;
    void *apply_data;
    int code;
    ork_err err;
    size_t bad_unit;
    bool ring;      /* others must look */
    bool news;      /* a run changed: whoever looks on may want to know */
    double mean_ms; /* running mean of small commits, each counted as at most CLAMP */

    /* writer.c */
    uv_check_t check;    /* brings results of commits on the loop, right after this turn's events */
    uv_idle_t idle;      /* keeps the loop from sleeping meanwhile */
    uv_async_t async;    /* brings results of other threads */
    unsigned async_refs; /* jobs and watches that keep the loop alive */
    uv_thread_t thread;
    uv_mutex_t lock; /* guards job, done, stop */
    uv_cond_t wake, rest;
    bool threaded, stop;
    enum { ORK_JOB_NONE, ORK_JOB_APPLY, ORK_JOB_END } job, done;

    struct ork_bell bell;
    struct ork_watch *watches; /* owned list */
    unsigned reads;            /* in flight */

    enum { ORK_STORE_OPEN, ORK_STORE_CLOSING, ORK_STORE_ENDING } phase;
    unsigned handles; /* uv handles not closed yet */
    ork_store_close_cb close_cb;
    void *close_data;
};
static inline struct ork_sqlite *ork_sqlite_of(ork_store *s)
{
    return (struct ork_sqlite *)(void *)s;
}

/* open.c, close.c */
int ork_sqlite_open(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err);
void ork_sqlite_init(struct ork_sqlite *s, const struct ork_store_ops *ops, const struct ork_store_opts *o);
void ork_sqlite_free_early(struct ork_sqlite *s); /* before handles exist; frees s, whatever it begins */
void ork_sqlite_close(ork_store *s, ork_store_close_cb cb, void *data);
void ork_sqlite_close_step(struct ork_sqlite *s);   /* goes on with a close when something it waits for has ended */
void ork_sqlite_close_finish(struct ork_sqlite *s); /* after the scheduler's row was ended */
void ork_sqlite_end(struct ork_sqlite *s);          /* with the turn: the scheduler's row → ended */

/* commit.c: one batch in one transaction. The turn is held. Sets code, err, bad_unit. */
void ork_sqlite_commit(struct ork_sqlite *s);
int ork_sqlite_begin(struct ork_sqlite *s, ork_err *err) ORK_MUSTCHECK;
int ork_sqlite_seal(struct ork_sqlite *s, ork_err *err) ORK_MUSTCHECK; /* the transaction is durable and done, or not */
void ork_sqlite_undo(struct ork_sqlite *s);                            /* … then this; harmless without one */
/* scheduler.c */
int ork_sqlite_register(ork_store *st, const char *host, const char *role, ork_id *scheduler, uint64_t *seq,
                        ork_err *err);
/* May we write here as that (NULL: as nobody in particular)? Not beside a copy, not into half of one, and a copy not
 * beside anybody. Within a transaction. */
int ork_sqlite_admit(struct ork_sqlite *s, const char *role, ork_err *err) ORK_MUSTCHECK;
int ork_sqlite_outbid(ork_store *st, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err);
bool ork_sqlite_owner_alive(ork_store *st, const ork_id *scheduler);
/* Within a transaction: if that owner, live by its row, is gone, its row and slots say so from now on. */
int ork_sqlite_bury(struct ork_sqlite *s, const ork_id *scheduler, bool *dead, ork_err *err) ORK_MUSTCHECK;
/* units.c, create.c, pool.c, apply.c, sweep.c: within a transaction */
int ork_unit_apply(struct ork_sqlite *s, struct ork_unit *u, ork_err *err) ORK_MUSTCHECK;
int ork_unit_create_run(struct ork_sqlite *s, struct ork_new_run *c, ork_err *err) ORK_MUSTCHECK;
int ork_unit_claim(struct ork_sqlite *s, struct ork_claim *c, ork_err *err) ORK_MUSTCHECK;
int ork_unit_take_slots(struct ork_sqlite *s, struct ork_slots *p, ork_err *err) ORK_MUSTCHECK;
int ork_unit_free_slots(struct ork_sqlite *s, struct ork_slots_free *p, ork_err *err) ORK_MUSTCHECK;
int ork_unit_apply_definitions(struct ork_sqlite *s, struct ork_apply *a, ork_err *err) ORK_MUSTCHECK;
int ork_unit_sweep(struct ork_sqlite *s, struct ork_sweep *w, ork_err *err) ORK_MUSTCHECK;
int ork_unit_forget(struct ork_sqlite *s, const struct ork_forget *f, ork_err *err) ORK_MUSTCHECK;
int ork_unit_discard(struct ork_sqlite *s, struct ork_discard *d, ork_err *err) ORK_MUSTCHECK;
/* redefine.c, with what it shares: units.c stores commands, create.c finds or puts a snapshot */
int ork_unit_redefine(struct ork_sqlite *s, struct ork_redefine *r, ork_err *err) ORK_MUSTCHECK;
int ork_unit_items_again(struct ork_sqlite *s, const struct ork_items_again *t, ork_err *err) ORK_MUSTCHECK;
int ork_unit_task_park(struct ork_sqlite *s, const struct ork_task_park *t, ork_err *err) ORK_MUSTCHECK;
int ork_unit_command(struct ork_conn *c, const struct ork_command_new *n, ork_err *err) ORK_MUSTCHECK;
/* schedule.c */
int ork_unit_fire(struct ork_sqlite *s, struct ork_fire *f, ork_err *err) ORK_MUSTCHECK;
int ork_unit_schedule(struct ork_sqlite *s, struct ork_schedule_put *p, ork_err *err) ORK_MUSTCHECK;
int ork_sqlite_schedule_apply(struct ork_sqlite *s, const struct ork_apply_item *it, const ork_id *workflow,
                              ork_err *err) ORK_MUSTCHECK;
int ork_sqlite_schedule_wake(struct ork_sqlite *s, const ork_id *run, ork_err *err) ORK_MUSTCHECK; /* it has ended */
int ork_sqlite_snapshot(struct ork_sqlite *s, const struct ork_new_run *c, const ork_id *workflow, ork_id *snapshot,
                        ork_err *err) ORK_MUSTCHECK;
/* create.c: may a run be taken, or removed? Its owner, if it is gone, is buried. */
struct ork_holding {
    bool found, free, mine;
    int status;
    ork_id owner;
    int64_t pid; /* the owner's, on this host; 0: elsewhere */
};
int ork_sqlite_holding(struct ork_sqlite *s, const ork_id *run, struct ork_holding *h, ork_err *err) ORK_MUSTCHECK;

/* writer.c */
int ork_writer_init(struct ork_sqlite *s, ork_err *err) ORK_MUSTCHECK;
void ork_writer_apply(ork_store *st, struct ork_batch *b, ork_apply_cb cb, void *data);
void ork_writer_end(struct ork_sqlite *s); /* runs ork_sqlite_end here or on the thread, then ork_sqlite_close_finish */
void ork_writer_rest(struct ork_sqlite *s); /* waits until the thread uses the connection no more */
void ork_writer_stop(struct ork_sqlite *s); /* joins the thread; nothing is in flight */
void ork_writer_hold(struct ork_sqlite *s); /* the async keeps the loop alive … */
void ork_writer_let(struct ork_sqlite *s);  /* … until let as often */

/* watch.c */
int ork_watch_add(ork_store *st, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err);
void ork_watch_deliver(struct ork_sqlite *s); /* on the loop thread */
void ork_watch_stop(struct ork_sqlite *s);    /* ends the threads */

/* bell.c */
int ork_bell_open(struct ork_sqlite *s, ork_err *err) ORK_MUSTCHECK;
void ork_bell_ring(struct ork_sqlite *s); /* with the turn, after the commit */
void ork_bell_watch(ork_store *st, ork_bell_cb cb, void *data);
void ork_bell_news(struct ork_sqlite *s); /* with the turn, after a commit that changed a run: for who looks on */
void ork_bell_on_news(ork_store *st, ork_bell_cb cb, void *data);

/* read.c, status.c, check.c */
void ork_sqlite_read(ork_store *st, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb,
                     void *data);
int ork_sqlite_query(ork_store *st, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                     ork_err *err);
struct ork_conn *ork_sqlite_reader(struct ork_sqlite *s, ork_err *err); /* takes read_lock; NULL: failed, not taken */
void ork_sqlite_reader_done(struct ork_sqlite *s);
int ork_sqlite_status(ork_store *st, struct ork_buf *out, ork_err *err);
int ork_sqlite_wal(ork_store *st);
int ork_sqlite_check(ork_store *st, struct ork_buf *out, ork_err *err);
/* copy_read.c, copy_write.c */
extern const struct ork_copy_ops ork_sqlite_copy;
int ork_sqlite_copy_count(ork_store *st, const struct ork_store_table *t, int64_t *rows, ork_err *err);
int ork_sqlite_copy_read(ork_store *st, const struct ork_store_table *t, const struct ork_cell *after, size_t limit,
                         struct ork_rows **out, ork_err *err);
#endif
