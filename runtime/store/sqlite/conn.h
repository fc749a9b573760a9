/* SPDX-License-Identifier: MIT */
/* One SQLite connection with its prepared statements: each is the text of sql/sqlite/<name>.sql, compiled on first use
 * and kept. Used by one thread at a time; who may use it when is said where it is owned. */
#ifndef ORK_STORE_SQLITE_CONN_H
#define ORK_STORE_SQLITE_CONN_H
#include "base/embed.h"
#include "base/log.h"
#include "store/store.h"
#include <sqlite3.h>

/* Statements beside the named queries of store.h. */
/* clang-format off */
#define ORK_STATEMENTS(X) \
    X(begin) X(commit) X(fence) X(scheduler_insert) X(scheduler_end) X(scheduler_agent) X(schedulers_live) \
    X(schedulers_prune) X(workflow_find) X(workflow_insert) X(snapshot_find) X(snapshot_insert) X(run_insert) \
    X(run_by_key) X(runs_resumable) X(run_owner) X(run_claim) X(run_put) X(runs_list_of_workflow) \
    X(runs_list_of_status) X(runs_list_of_both) X(tasks_insert) X(task_put) X(task_finish) X(item_put) X(task_map) X(task_items_put) X(run_reserve) X(attempt_put) X(job_put) X(artifact_put) \
    X(event_put) X(agent_put) X(pool_put) X(pool_free_slots) X(pool_use_put) X(pool_use_free) \
    X(pool_use_drop) X(pool_waits) X(command_insert) X(command_done) \
    X(workflow_current) X(workflow_apply) X(workflow_unapply) X(workflow_delete) X(workflow_tasks_delete) X(workflow_tasks_insert) \
    X(version_find) X(version_get) X(version_insert) X(version_touch) \
    X(run_fate) X(runs_needed) X(run_doom) X(run_delete) X(run_log_path) X(sweep_tasks) X(sweep_events) X(sweep_commands) \
    X(run_redefine) X(task_redefine) X(task_park) X(items_again) X(sweep_snapshots) X(remains_insert) X(remains_get) X(remains_delete) \
    X(seq_next) X(scheduler_outbid) \
    X(schedule_look) X(schedule_apply) X(schedule_busy) X(schedule_advance) X(schedule_wait) X(schedule_wake) X(schedule_put) \
    X(schedule_note) X(script_error) X(copy_look) X(copy_note) X(copy_end) X(seq_raise)
/* clang-format on */
enum ork_statement {
    ORK_S_FIRST = ORK_Q_COUNT - 1, /* named queries come first, under their ORK_Q_ number */
#define X(name) ORK_S_##name,
    ORK_STATEMENTS(X)
#undef X
        ORK_S_COUNT
};

struct ork_conn {
    sqlite3 *db;
    const struct ork_log *log; /* borrowed; NULL: nothing is said */
    sqlite3_stmt *stmts[ORK_S_COUNT];
    bool patient;        /* a busy database is waited for, as long as it takes; else ORK_EBUSY at once */
    int64_t times_ms[4]; /* the newest formatted instants: a batch writes few different ones */
    char times[4][32];
    unsigned times_next;
};
enum ork_conn_mode { ORK_CONN_WRITE, ORK_CONN_READ, ORK_CONN_FROZEN /* nobody can write: no locks, no WAL */ };

const struct ork_embedded *ork_sqlite_sql(const char *file); /* of sql/sqlite/; NULL: none */
void ork_sqlite_setup(void);                                 /* process-wide settings, once */
/* path NULL: memory. log: told when the database stays locked; borrowed, NULL fine. */
int ork_conn_open(struct ork_conn *c, const char *path, enum ork_conn_mode mode, const struct ork_log *log,
                  ork_err *err) ORK_MUSTCHECK;
void ork_conn_close(struct ork_conn *c);
int ork_conn_exec(struct ork_conn *c, const char *sql,
                  ork_err *err) ORK_MUSTCHECK; /* one or more statements without parameters */
/* FULL: a commit that returned survives power loss. NORMAL: the next one that is synced takes it along. OFF: also the
 * beginning of a WAL is not synced. Between transactions. */
enum ork_conn_sync { ORK_SYNC_FULL, ORK_SYNC_NORMAL, ORK_SYNC_OFF };
int ork_conn_sync(struct ork_conn *c, enum ork_conn_sync sync, ork_err *err) ORK_MUSTCHECK;
/* A transaction that need not survive power loss; then ork_conn_sync FULL. Nothing is synced if the WAL is empty:
 * SQLite syncs a new beginning because frames of the old one may lie behind it, and there are none. */
int ork_conn_begin_unsynced(struct ork_conn *c, ork_err *err) ORK_MUSTCHECK;
int ork_conn_int(struct ork_conn *c, const char *sql, int64_t *out,
                 ork_err *err) ORK_MUSTCHECK; /* first column of the first row; 0 without one */
int ork_conn_run(struct ork_conn *c, int which, ork_err *err) ORK_MUSTCHECK; /* a statement without parameters */
void ork_conn_rollback(struct ork_conn *c);                                  /* if a transaction is open */
const char *ork_conn_time(struct ork_conn *c, int64_t ms);                   /* valid until three more */

/* The error of a failed call on this connection: EDATA EBUSY ENOSPC EIO EREADONLY ECORRUPT EACCESS EDB. */
int ork_conn_fail(struct ork_conn *c, int rc, const char *what, ork_err *err);

/* ---- running a statement: begin, bind in the order of its parameters, run or step, (end) ---- */
struct ork_stmt {
    struct ork_conn *conn;
    sqlite3_stmt *st;
    int which, at; /* parameters bound so far */
    int rc;        /* first failure: an ORK_E code */
    ork_err why;   /* and its text; set with rc */
};
void ork_stmt_begin(struct ork_stmt *s, struct ork_conn *c, int which);
void ork_stmt_null(struct ork_stmt *s);
void ork_stmt_int(struct ork_stmt *s, int64_t v);
void ork_stmt_real(struct ork_stmt *s, double v);
void ork_stmt_id(struct ork_stmt *s, const ork_id *id);            /* zero: NULL */
void ork_stmt_blob(struct ork_stmt *s, const ork_id *id);          /* also zero */
void ork_stmt_time(struct ork_stmt *s, int64_t ms);                /* 0: NULL */
void ork_stmt_word(struct ork_stmt *s, const char *text);          /* a text of ours, unchecked; NULL: NULL */
void ork_stmt_ours(struct ork_stmt *s, const char *p, size_t n);   /* the same with a length */
void ork_stmt_text(struct ork_stmt *s, struct ork_text text);      /* from outside: EDATA unless UTF-8 without NUL */
int ork_stmt_run(struct ork_stmt *s, ork_err *err) ORK_MUSTCHECK;  /* to its end, rows are dropped; ends it */
int ork_stmt_step(struct ork_stmt *s, ork_err *err) ORK_MUSTCHECK; /* 1 a row, 0 no more (ended) */
void ork_stmt_end(struct ork_stmt *s);                             /* before the last row was read */
bool ork_stmt_get_id(struct ork_stmt *s, int col, ork_id *out);    /* false: NULL, *out zero */
#endif
