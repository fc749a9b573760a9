/* SPDX-License-Identifier: MIT */
/* The PostgreSQL backend: a module of its own (ork_postgres.so), opened when a URL asks for it.
 *
 *   writer   one connection: batches in order, the beat, the owner's lock       a coroutine
 *   readers  few connections: named queries, as many at once as there are       a coroutine each
 *   ear      one connection: LISTEN, when somebody wants to hear                a coroutine
 *   watch    one connection: waits for another owner's lock to fall             a coroutine
 *   here     one connection: calls that block (open, register, query)
 *
 * Everything runs on the loop's thread. The writer's connection belongs to its coroutine, except while it idles: then
 * register may use it. Callbacks are never called on a coroutine's stack, because they may call back. */
#ifndef ORK_STORE_POSTGRES_POSTGRES_H
#define ORK_STORE_POSTGRES_POSTGRES_H
#include "store/ops.h"
#include "store/postgres/link.h"

#define ORK_PG_EPOCH_MS 946684800000 /* 2000-01-01 */
#define ORK_PG_BEAT_MS 5000
#define ORK_PG_DEAD_MS 10000        /* without a beat: dead */
#define ORK_PG_CALL_MS 10000        /* to connect */
#define ORK_PG_GRACE_MS 800         /* a lock that fell with a connection may be taken again */
#define ORK_PG_HOST_GRACE_MS 300000 /* a host without a scheduler: its runs may go elsewhere */
#define ORK_PG_CHANNEL "ork"
#define ORK_PG_NEWS "ork_news"
#define ORK_PG_MIGRATE 0x6f726b6d69677261 /* key of the lock of who migrates */
#define ORK_PG_LOOKERS 0x6f726b6c6f6f6b73 /* key of the lock of those who look on */
#define ORK_PG_READERS 6

struct ork_reader;  /* read.c */
struct ork_request; /* read.c */
struct ork_watch;   /* watch.c */
struct ork_group;   /* group.c */

struct ork_ear { /* bell.c */
    struct ork_link link;
    struct ork_co *co; /* owned; NULL: not started */
    ork_bell_cb cb, on_news;
    void *data, *news_data;
    bool rung, news, death; /* heard, to be told */
    bool news_on, looking;  /* what the session listens to, and holds */
    bool changed;           /* what is wanted changed */
    bool idle;              /* it may be woken */
};

struct ork_postgres {
    struct ork_store base;
    uv_loop_t *loop; /* borrowed, as the next */
    const struct ork_clock *clock;
    struct ork_log log;
    uint32_t flags;
    char **keywords, **values; /* owned, NULL-terminated: libpq's parameters */
    char *shown;               /* owned: "postgres://user@host:5432/db", without password */
    unsigned pool_size;
    bool names_hosts;          /* a name must be resolved to connect */
    char token[20], death[20]; /* what it says when it rings, when somebody died: a letter, and its own number */

    struct ork_link here;
    struct ork_link write;
    struct ork_co *writer;         /* owned */
    bool idle;                     /* the writer waits for work */
    uint64_t retry_ms, backoff_ms; /* when it connects again (uv_now), and how long it then waits */

    ork_id me; /* the scheduler; zero before registration */
    uint64_t seq, last_batch;
    int64_t host_grace_ms;
    bool careful; /* rows of this batch are there already: it is put so that they may be */
    bool fenced;  /* the last batch was refused: it is no scheduler any more */
    bool locked;  /* the session holds the owner's lock */
    bool pooled;  /* behind a pooler: no locks, no LISTEN to be relied on */
    bool doubt;   /* COMMIT of batch last_batch + 1 was sent, its answer is unknown */
    uint64_t doubt_hash;
    uint64_t marks; /* given to batches so far */

    /* the batch in flight and how it went */
    struct ork_batch *batch; /* borrowed; NULL none */
    ork_apply_cb apply_cb;
    void *apply_data;
    int code;
    ork_err err;
    size_t bad_unit;
    bool finished; /* code, err, bad_unit are set; the callback is due */
    bool in_call;  /* within apply or read: no callback now */
    bool ring, news;
    struct ork_group *groups; /* owned */
    uv_check_t check;
    uv_idle_t spin;

    uv_timer_t beat;
    bool beat_due;
    uint64_t beaten; /* uv_now of the newest beat, also by a batch */

    struct ork_reader *readers; /* owned list */
    unsigned reader_count;
    struct ork_request *requests, **requests_tail; /* waiting */
    struct ork_request *answered;                  /* their callbacks are due */
    unsigned reads;                                /* in flight */

    struct ork_ear ear;
    struct ork_link watch;
    struct ork_co *watcher;    /* owned; NULL: not started */
    struct ork_watch *watches; /* owned list */
    bool watch_idle;           /* it waits for something to watch */
    bool look_due;             /* the writer looks how those stand that are watched */
    uv_timer_t peer_timer;     /* a beat turns 10 s old */

    enum { ORK_STORE_OPEN, ORK_STORE_CLOSING, ORK_STORE_ENDING, ORK_STORE_ENDED } phase;
    bool end_due;       /* the writer ends the scheduler's row */
    bool stopping;      /* coroutines come to their end */
    unsigned resolving; /* connections that uv's pool is starting */
    unsigned handles;   /* uv handles not closed yet */
    ork_store_close_cb close_cb;
    void *close_data;
};
static inline struct ork_postgres *ork_pg_of(ork_store *s)
{
    return (struct ork_postgres *)(void *)s;
}
static inline bool ork_pg_registered(const struct ork_postgres *s)
{
    return !ork_id_is_zero(&s->me);
}

/* url.c */
int ork_pg_url(struct ork_postgres *s, const char *url, ork_err *err) ORK_MUSTCHECK;
void ork_pg_url_free(struct ork_postgres *s);
/* stmt.c */
const char *ork_pg_sql(const char *name); /* text of sql/postgres/<name>.sql; NULL: none */
int64_t ork_pg_int(const char *p, int n);
int64_t ork_pg_ms(int64_t us);
/* close.c */
void ork_pg_close(ork_store *st, ork_store_close_cb cb, void *data);
void ork_pg_close_step(struct ork_postgres *s);   /* goes on with a close when something it waits for has ended */
void ork_pg_close_finish(struct ork_postgres *s); /* after the scheduler's row was ended */
void ork_pg_close_handle(struct ork_postgres *s, uv_handle_t *h); /* on heap: freed when closed */
void ork_pg_free(struct ork_postgres *s);
/* migrate.c */
int ork_pg_migrate(struct ork_postgres *s, struct ork_link *l, ork_err *err) ORK_MUSTCHECK;
struct ork_migration {
    int version;
    char name[64];
    char checksum[65];
    const char *sql;
};
size_t ork_pg_migration_count(void);
void ork_pg_migration_get(size_t i, struct ork_migration *out);

/* writer.c */
int ork_pg_writer_init(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK;
void ork_pg_writer_wake(struct ork_postgres *s);
void ork_pg_beat_start(struct ork_postgres *s);
void ork_pg_soon(struct ork_postgres *s); /* callbacks that are due come after this turn's events */
void ork_pg_apply(ork_store *st, struct ork_batch *b, ork_apply_cb cb, void *data);
/* session.c: the writer's connection and the scheduler it speaks for */
int ork_pg_take_lock(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK; /* if nobody holds it: s->locked */
int ork_pg_session(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK;   /* connected, lock held if it can be */
void ork_pg_beat(struct ork_postgres *s);
void ork_pg_end(struct ork_postgres *s); /* the scheduler's row → ended */
/* commit.c: one batch. Sets code, err, bad_unit. */
void ork_pg_commit(struct ork_postgres *s);
/* scheduler.c */
int ork_pg_register(ork_store *st, const char *host, const char *role, ork_id *scheduler, uint64_t *seq, ork_err *err);
int ork_pg_outbid(ork_store *st, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err);
int ork_pg_rest(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK; /* blocks until the writer idles */
bool ork_pg_owner_alive(ork_store *st, const ork_id *scheduler);
int64_t ork_pg_owner_key(const ork_id *scheduler);  /* of its lock */
int64_t ork_pg_owner_half(const ork_id *scheduler); /* of the one that tells its process */
/* If that owner, live by its row, is gone, its row and slots say so from now on. In the transaction that is open on l,
 * or in one of its own. *early_ms: nobody holds its lock, and only after that may it count as gone. */
int ork_pg_bury(struct ork_link *l, const ork_id *scheduler, bool *dead, int64_t *early_ms, ork_err *err) ORK_MUSTCHECK;

/* group.c: rows of a batch, collected by kind into arrays, one statement per kind */
struct ork_group *ork_groups_new(void);
void ork_groups_free(struct ork_group *g);
void ork_groups_clear(struct ork_group *g);
/* true: the unit is of a kind that is collected, and was (rc 0) or could not be (rc, err). */
bool ork_groups_add(struct ork_postgres *s, const struct ork_unit *u, int *rc, ork_err *err);
/* Sends what was collected. */
int ork_groups_flush(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK;

/* units.c, create.c, pool.c, apply.c, sweep.c, redefine.c, schedule.c: within a transaction on the writer's connection
 */
int ork_unit_apply(struct ork_postgres *s, struct ork_unit *u, ork_err *err) ORK_MUSTCHECK;
int ork_unit_create_run(struct ork_postgres *s, struct ork_new_run *c, ork_err *err) ORK_MUSTCHECK;
int ork_unit_claim(struct ork_postgres *s, struct ork_claim *c, ork_err *err) ORK_MUSTCHECK;
int ork_unit_take_slots(struct ork_postgres *s, struct ork_slots *p, ork_err *err) ORK_MUSTCHECK;
int ork_pg_lock_pools(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK; /* those of the batch */
int ork_unit_free_slots(struct ork_postgres *s, struct ork_slots_free *p, ork_err *err) ORK_MUSTCHECK;
int ork_unit_apply_definitions(struct ork_postgres *s, struct ork_apply *a, ork_err *err) ORK_MUSTCHECK;
int ork_unit_sweep(struct ork_postgres *s, struct ork_sweep *w, ork_err *err) ORK_MUSTCHECK;
int ork_unit_forget(struct ork_postgres *s, const struct ork_forget *f, ork_err *err) ORK_MUSTCHECK;
int ork_unit_discard(struct ork_postgres *s, struct ork_discard *d, ork_err *err) ORK_MUSTCHECK;
int ork_unit_redefine(struct ork_postgres *s, struct ork_redefine *r, ork_err *err) ORK_MUSTCHECK;
int ork_unit_command(struct ork_postgres *s, const struct ork_command_new *n, ork_err *err) ORK_MUSTCHECK;
int ork_unit_fire(struct ork_postgres *s, struct ork_fire *f, ork_err *err) ORK_MUSTCHECK;
int ork_unit_schedule(struct ork_postgres *s, struct ork_schedule_put *p, ork_err *err) ORK_MUSTCHECK;
int ork_pg_schedule_apply(struct ork_postgres *s, const struct ork_apply_item *it, const ork_id *workflow,
                          ork_err *err) ORK_MUSTCHECK;
/* Finds or puts; *id is what it is called from now on. */
int ork_pg_snapshot(struct ork_postgres *s, const struct ork_new_run *c, const ork_id *workflow, ork_id *snapshot,
                    ork_err *err) ORK_MUSTCHECK;
int ork_pg_workflow(struct ork_postgres *s, const ork_id *new_id, const char *name, struct ork_text options,
                    struct ork_text script_path, int64_t now_ms, ork_id *id, ork_err *err) ORK_MUSTCHECK;
/* create.c: may a run be taken, or removed? It is locked; its owner, if it is gone, is buried. */
struct ork_holding {
    bool found, free, mine;
    int status;
    ork_id owner;
    int64_t early_ms; /* not free: as of ork_pg_bury */
};
int ork_pg_holding(struct ork_postgres *s, const ork_id *run, struct ork_holding *h, ork_err *err) ORK_MUSTCHECK;
/* What a definition says of a task, as parameters of task_redefine; group.c. */
void ork_pg_depends(const ork_workflow *w, uint32_t no, struct ork_buf *out);

/* watch.c, bell.c */
int ork_pg_watch_add(ork_store *st, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err);
void ork_pg_watch_look(struct ork_postgres *s);             /* something happened to a scheduler */
void ork_pg_watch_arm(struct ork_postgres *s, uint64_t ms); /* look then */
void ork_pg_watch_deliver(struct ork_postgres *s);          /* on the loop: callbacks */
void ork_pg_watch_check(struct ork_postgres *s);            /* in the writer: how those stand that are watched */
void ork_pg_watch_free(struct ork_postgres *s);
void ork_pg_on_bell(ork_store *st, ork_bell_cb cb, void *data);
void ork_pg_on_news(ork_store *st, ork_bell_cb cb, void *data);

/* read.c, status.c, check.c */
void ork_pg_read(ork_store *st, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb, void *data);
int ork_pg_query(ork_store *st, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                 ork_err *err);
void ork_pg_read_deliver(struct ork_postgres *s); /* on the loop: callbacks */
void ork_pg_readers_stop(struct ork_postgres *s);
void ork_pg_readers_free(struct ork_postgres *s);
int ork_pg_here(struct ork_postgres *s, ork_err *err) ORK_MUSTCHECK; /* the blocking connection is up */
struct ork_rows *ork_pg_rows(const PGresult *res);                   /* rows.c */
int ork_pg_status(ork_store *st, struct ork_buf *out, ork_err *err);
int ork_pg_check(ork_store *st, struct ork_buf *out, ork_err *err);
int ork_pg_examine(ork_store *st, ork_examine_cb cb, void *data, ork_err *err); /* examine.c */
#endif
