/* SPDX-License-Identifier: MIT */
/* One connection to the server, with its prepared statements: each is the text of sql/postgres/<name>.sql, prepared on
 * first use. All waiting goes through it: inside a coroutine the loop goes on meanwhile (uv_poll on libpq's socket),
 * outside of one the caller blocks (programs that only look).
 *
 * It is always in pipeline mode: statements are queued (ork_link_queue), their answers come in the same order. A sync
 * ends a unit of work; after an error the server ignores everything up to it. */
#ifndef ORK_STORE_POSTGRES_LINK_H
#define ORK_STORE_POSTGRES_LINK_H
#include "base/buf.h"
#include "base/embed.h"
#include "store/postgres/co.h"
#include "store/store.h"
#include <libpq-fe.h>

/* Statements beside the named queries of store.h. */
/* clang-format off */
#define ORK_STATEMENTS(X) \
    X(begin) X(commit) X(rollback) X(fence) X(settings) X(scheduler_insert) X(scheduler_outbid) X(scheduler_end) X(scheduler_agent) \
    X(schedulers_prune) X(workflow_find) X(workflow_insert) X(workflow_point) X(workflow_lock) X(workflow_share) \
    X(workflow_hold) X(snapshot_find) X(snapshot_insert) X(run_insert) X(run_by_key) X(runs_resumable) X(run_lock) X(run_owner) \
    X(run_claim) X(run_bound) X(scheduler_lock) X(pool_use_inherit) X(run_put) X(runs_list_of_workflow) X(runs_list_of_status) X(runs_list_of_both) X(tasks_insert) X(task_put) \
    X(task_finish) X(item_put) X(item_add) X(task_well) X(tasks_add) X(task_map) X(task_items_put) X(run_reserve) X(attempt_put) X(job_put) X(artifact_put) X(event_put) X(agent_put) X(pool_put) X(pool_lock) X(pool_assume) X(pool_free_slots) \
    X(pool_use_put) X(pool_use_free) X(pool_use_drop) X(pool_waits) X(command_insert) X(command_done) \
    X(workflow_current) X(workflow_apply) X(workflow_unapply) X(workflow_delete) X(workflow_tasks_delete) X(workflow_tasks_insert) \
    X(version_find) X(version_get) X(version_insert) X(version_touch) \
    X(run_fate) X(runs_needed) X(run_doom) X(run_delete) X(run_log_path) X(sweep_tasks) X(sweep_events) X(sweep_commands) \
    X(run_redefine) X(task_redefine) X(task_park) X(items_again) X(sweep_snapshots) X(remains_insert) X(remains_get) X(remains_delete) \
    X(schedule_look) X(schedule_apply) X(schedule_busy) X(schedule_advance) X(schedule_wait) X(schedule_wake) X(schedule_put) \
    X(schedule_note) X(script_error) X(backend_mine) X(owner_lock) X(owner_wait) X(owner_judge) X(owner_pid) \
    X(owner_terminate) X(owner_bury) X(owner_return) X(owner_stand) X(beat) X(peers) X(ring) X(ring_lookers) \
    X(look_on) X(look_away) X(migration_look) X(migration_versions) X(migration_versions_sqlx) X(migration_record) \
    X(migration_lock) X(migration_unlock) X(status_counts) X(status_migrations) X(select) X(listen) X(listen_news) X(unlisten_news) X(wait_briefly) X(copy_look) X(copy_lock) X(copy_share) X(copy_fence) X(copy_note) X(copy_get) X(copy_end) X(seq_raise) \
    X(examine_server) X(examine_rights) X(examine_tables)
/* clang-format on */
enum ork_statement {
    ORK_S_FIRST = ORK_Q_COUNT - 1, /* named queries come first, under their ORK_Q_ number */
#define X(name) ORK_S_##name,
    ORK_STATEMENTS(X)
#undef X
        ORK_S_COUNT
};
const char *ork_pg_name(int which); /* "run_get" */

struct ork_postgres;
struct ork_pending { /* an answer that is still to come */
    int which;       /* -1: of a sync */
    bool prepare;
};
struct ork_link {
    struct ork_postgres *store; /* borrowed */
    const char *role;           /* "write"; in messages */
    PGconn *pg;                 /* owned; NULL: not connected */
    bool writes;
    uint8_t prepared[ORK_S_COUNT];
    struct ork_pending *queue; /* owned; answers to come, oldest first */
    size_t head, len, cap;
    uv_poll_t *poll; /* owned, on heap: it closes later than it is left; NULL none */
    int poll_fd;
    uv_timer_t *timer;     /* owned, on heap; NULL none */
    struct ork_co *waiter; /* the coroutine that waits here */
    bool in_pool;          /* … for uv's pool */
    bool timed_out;
    int waits_fd, waits_events;        /* what for; fd -1: only for the time */
    uint64_t waits_until;              /* ms of uv_hrtime; 0: for ever */
    void (*after)(struct ork_link *l); /* after the waiter ran: brings results, on the loop; NULL none */
    int patience_ms;                   /* for one answer */
    uint64_t since;                    /* uv_hrtime of the connection */
    bool opened, reconnected;          /* there was a connection before this one, which was lost */
    bool repeated;                     /* what failed last: a row that is there already */
    bool unsent;                       /* something may still be in libpq's buffer */
};

void ork_link_init(struct ork_link *l, struct ork_postgres *s, const char *role, bool writes);
/* Connects, with the settings of a session of ours; timeout_ms for all of it. */
int ork_link_open(struct ork_link *l, int timeout_ms, ork_err *err) ORK_MUSTCHECK;
void ork_link_drop(struct ork_link *l); /* closes the connection at once; may be opened again */
void ork_link_fini(struct ork_link *l); /* drops it, and its handles */
bool ork_link_is_up(const struct ork_link *l);
/* Waits for the socket: 0 something came (read it), ORK_ETIMEDOUT, ORK_ECANCELLED (the store closes), ORK_EIO. timeout
 * < 0: for ever. */
int ork_link_wait(struct ork_link *l, int timeout_ms);
int ork_link_idle(struct ork_link *l, int timeout_ms); /* the same; keeps no loop alive */
/* Outside of the loop, blocking: what its coroutine waits for, then runs it on. false: that cannot be waited for here.
 */
bool ork_link_drive(struct ork_link *l);
void ork_link_wake(struct ork_link *l); /* whoever waits there looks around; on the loop */
/* One or more statements without parameters, in one go; only while nothing is queued. */
int ork_link_exec(struct ork_link *l, const char *sql, ork_err *err) ORK_MUSTCHECK;

/* The error of a failed answer (res) or connection (res NULL): EDATA EBUSY ENOSPC EIO EREADONLY ECORRUPT EACCESS EDB …
 */
int ork_link_fail(struct ork_link *l, const PGresult *res, const char *what, ork_err *err);
int ork_link_fail_connect(struct ork_link *l, ork_err *err);
const char *ork_link_state(const PGresult *res); /* SQLSTATE, "" none */

/* ---- running a statement: begin, bind in the order of its parameters, queue or ask, (end) ---- */
#define ORK_PARAMS 40
struct ork_stmt {
    struct ork_link *link;
    int which, at;                  /* parameters bound so far */
    int rc;                         /* first failure: an ORK_E code */
    ork_err why;                    /* and its text; set with rc */
    const char *sql;                /* borrowed; NULL: of the file */
    PGresult *res;                  /* owned; of ask */
    const char *values[ORK_PARAMS]; /* borrowed, or in small */
    int lengths[ORK_PARAMS], formats[ORK_PARAMS];
    char small[ORK_PARAMS][33];
    char *owned[ORK_PARAMS]; /* copies, until it is sent; NULL none */
};
void ork_stmt_begin(struct ork_stmt *s, struct ork_link *l, int which);
void ork_stmt_begin_sql(struct ork_stmt *s, struct ork_link *l, const char *sql); /* a text that is no file */
void ork_stmt_null(struct ork_stmt *s);
void ork_stmt_int(struct ork_stmt *s, int64_t v);
void ork_stmt_real(struct ork_stmt *s, double v);
void ork_stmt_id(struct ork_stmt *s, const ork_id *id);   /* zero: NULL */
void ork_stmt_uuid(struct ork_stmt *s, const ork_id *id); /* also zero */
void ork_stmt_time(struct ork_stmt *s, int64_t ms);       /* 0: NULL */
void ork_stmt_word(struct ork_stmt *s, const char *text); /* a text of ours, unchecked; NULL: NULL */
void ork_stmt_text(struct ork_stmt *s,
                   struct ork_text text); /* for text; from outside: EDATA unless UTF-8 without NUL */
void ork_stmt_json(struct ork_stmt *s, struct ork_text text);     /* for jsonb; the same */
void ork_stmt_any(struct ork_stmt *s, struct ork_text text);      /* for any type, in the form that people write it */
void ork_stmt_bytes(struct ork_stmt *s, const void *p, size_t n); /* in the server's binary form: arrays */
/* Sends it behind what is queued; its answer is looked at by the next ask or settle. */
int ork_stmt_queue(struct ork_stmt *s, ork_err *err) ORK_MUSTCHECK;
/* Sends it, waits for its answer and those before it: the number of rows, or an error. */
int ork_stmt_ask(struct ork_stmt *s, ork_err *err) ORK_MUSTCHECK;
/* Alone, in a transaction of its own: ask and sync. */
int ork_stmt_alone(struct ork_stmt *s, ork_err *err) ORK_MUSTCHECK;
/* The same for a text that is no file. */
int ork_stmt_select(struct ork_stmt *s, struct ork_link *l, const char *sql, ork_err *err) ORK_MUSTCHECK;
void ork_stmt_end(struct ork_stmt *s); /* frees the answer; harmless when there is none */
bool ork_stmt_is_null(const struct ork_stmt *s, int row, int col);
int64_t ork_stmt_get_int(const struct ork_stmt *s, int row, int col);          /* also booleans; 0 for NULL */
bool ork_stmt_get_id(const struct ork_stmt *s, int row, int col, ork_id *out); /* false: NULL, *out zero */
int64_t ork_stmt_get_ms(const struct ork_stmt *s, int row, int col);           /* a time; 0 for NULL */
const char *ork_stmt_get_text(const struct ork_stmt *s, int row, int col);     /* NULL for NULL; valid until end */

/* Waits for all queued answers. The first that failed gives the error. */
int ork_link_settle(struct ork_link *l, ork_err *err) ORK_MUSTCHECK;
/* Ends the unit of work, reads everything up to its end. After an error this makes the connection usable again. */
int ork_link_sync(struct ork_link *l, ork_err *err);
#endif
