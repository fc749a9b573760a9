/* SPDX-License-Identifier: MIT */
/* Every connection: WAL, synchronous=FULL (a commit that returned survives power loss), foreign keys on, checkpoint
 * every 1,000 pages. The WAL is written once and reused, never truncated or deleted: overwriting written blocks makes a
 * commit a third cheaper than appending.
 *
 * Waiting: other `ork` processes take turns (turn.h), so a busy database means recovery, a checkpoint at somebody's
 * exit, or a foreign program. There is no event for that; it is waited for with short sleeps, and shown only when it
 * takes seconds, which none of ours does. */
#include "store/sqlite/conn.h"
#include "base/alloc.h"
#include "base/embed.h"
#include "base/err.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[ORK_S_COUNT] = {
#define X(name) [ORK_Q_##name] = #name ".sql",
    ORK_QUERIES(X)
#undef X
#define X(name) [ORK_S_##name] = #name ".sql",
        ORK_STATEMENTS(X)
#undef X
};

static void setup(void)
{
    /* Fails, harmlessly, when the host program has used SQLite before. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void ork_sqlite_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, setup);
}

#define CHECKPOINT_PAGES 1000
#define TOLD_AFTER 310 /* tries: three seconds */

static int on_busy(void *data, int tries)
{
    const struct ork_conn *c = data;
    if (!c->patient)
        return 0;
    if (tries == TOLD_AFTER && c->log) {
        const char *path = sqlite3_db_filename(c->db, "main");
        ork_log_warn(c->log, "%s is locked by another program; waiting for it", path ? path : "the database");
    }
    struct timespec t = {0, tries < 10 ? 500000 : 10000000}; /* 0.5 ms, later 10 ms */
    (void)nanosleep(&t, NULL);
    return 1;
}

/* "file:" + percent-encoded path + "?immutable=1" */
static char *frozen_uri(const char *path)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_adds(&b, "file:");
    for (const char *p = path; *p; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            ork_buf_addf(&b, "%%%02X", (unsigned char)*p);
        else
            ork_buf_addc(&b, *p);
    }
    ork_buf_adds(&b, "?immutable=1");
    return ork_buf_steal(&b, NULL);
}

static int open_db(struct ork_conn *c, const char *path, enum ork_conn_mode mode)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (!path)
        return sqlite3_open_v2(":memory:", &c->db, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (mode != ORK_CONN_FROZEN)
        return sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_READWRITE, NULL);
    ORK_CLEANUP(ork_free_cleanup) char *uri = frozen_uri(path);
    return sqlite3_open_v2(uri, &c->db, flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

/* Only when it is not WAL yet: the change wants the file for itself. Called under the turn. */
static int use_wal(struct ork_conn *c, ork_err *err)
{
    sqlite3_stmt *st;
    for (int tries = 0;; tries++) {
        int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
        if (rc == SQLITE_OK) {
            rc = sqlite3_step(st);
            (void)sqlite3_finalize(st);
        }
        if (rc == SQLITE_ROW)
            return 0;
        if ((rc & 0xff) != SQLITE_BUSY)
            return ork_conn_fail(c, rc, "opening", err);
        (void)on_busy(c, tries);
    }
}

int ork_conn_open(struct ork_conn *c, const char *path, enum ork_conn_mode mode, const struct ork_log *log,
                  ork_err *err)
{
    memset(c, 0, sizeof *c);
    c->log = log;
    c->patient = true;
    ork_sqlite_setup();
    int rc = open_db(c, path, mode);
    if (rc != SQLITE_OK) {
        rc = c->db ? ork_conn_fail(c, rc, "opening", err)
                   : ork_err_set(err, ORK_EIO, "SQLite cannot be started: out of memory");
        ork_conn_close(c);
        return rc;
    }
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_handler(c->db, on_busy, c);
    (void)sqlite3_wal_autocheckpoint(c->db, CHECKPOINT_PAGES);
    int on = 1;
    (void)sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    rc = ork_conn_exec(
        c, "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; PRAGMA foreign_keys = ON",
        err);
    if (!rc && mode == ORK_CONN_WRITE && path)
        rc = use_wal(c, err);
    if (!rc && mode != ORK_CONN_WRITE)
        rc = ork_conn_exec(c, "PRAGMA query_only = ON; PRAGMA cache_size = -2000",
                           err); /* what is read is seldom read again */
    if (rc)
        ork_conn_close(c);
    return rc;
}

void ork_conn_close(struct ork_conn *c)
{
    for (int i = 0; i < ORK_S_COUNT; i++) {
        (void)sqlite3_finalize(c->stmts[i]);
        c->stmts[i] = NULL;
    }
    (void)sqlite3_close(c->db);
    c->db = NULL;
}

int ork_conn_exec(struct ork_conn *c, const char *sql, ork_err *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : ork_conn_fail(c, rc, NULL, err);
}

int ork_conn_sync(struct ork_conn *c, enum ork_conn_sync sync, ork_err *err)
{
    static const char *const sql[] = {[ORK_SYNC_FULL] = "PRAGMA synchronous = FULL",
                                      [ORK_SYNC_NORMAL] = "PRAGMA synchronous = NORMAL",
                                      [ORK_SYNC_OFF] = "PRAGMA synchronous = OFF"};
    /* A checkpoint of what is not synced could not be undone. */
    (void)sqlite3_wal_autocheckpoint(c->db, sync == ORK_SYNC_OFF ? 0 : CHECKPOINT_PAGES);
    return ork_conn_exec(c, sql[sync], err);
}

static bool wal_is_empty(struct ork_conn *c)
{
    sqlite3_file *wal = NULL;
    sqlite3_int64 size = -1;
    (void)sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    return wal && wal->pMethods && wal->pMethods->xFileSize(wal, &size) == SQLITE_OK && size == 0;
}

int ork_conn_begin_unsynced(struct ork_conn *c, ork_err *err)
{
    int rc = ork_conn_sync(c, ORK_SYNC_OFF, err);
    if (!rc)
        rc = ork_conn_run(c, ORK_S_begin, err);
    if (rc || wal_is_empty(c))
        return rc;
    ork_conn_rollback(c);
    rc = ork_conn_sync(c, ORK_SYNC_NORMAL, err);
    return rc ? rc : ork_conn_run(c, ORK_S_begin, err);
}

int ork_conn_int(struct ork_conn *c, const char *sql, int64_t *out, ork_err *err)
{
    sqlite3_stmt *st = NULL;
    *out = 0;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
            *out = sqlite3_column_int64(st, 0);
    }
    int code = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, NULL, err);
    (void)sqlite3_finalize(st);
    return code;
}

int ork_conn_run(struct ork_conn *c, int which, ork_err *err)
{
    struct ork_stmt s;
    ork_stmt_begin(&s, c, which);
    return ork_stmt_run(&s, err);
}

void ork_conn_rollback(struct ork_conn *c)
{
    if (c->db && !sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

const char *ork_conn_time(struct ork_conn *c, int64_t ms)
{
    for (unsigned i = 0; i < 4; i++)
        if (c->times_ms[i] == ms && c->times[i][0])
            return c->times[i];
    unsigned at = c->times_next++ % 4;
    c->times_ms[at] = ms;
    ork_time_format(ms, c->times[at]);
    return c->times[at];
}

/* errno of the failed call. SQLite's own answer is what errno happens to be after it has rolled back; the file it
 * failed on remembers better. */
static int os_error(struct ork_conn *c, int rc)
{
    sqlite3_file *files[2] = {NULL, NULL};
    if ((rc & 0xff) != SQLITE_IOERR)
        return sqlite3_system_errno(c->db);
    (void)sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &files[0]);
    (void)sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &files[1]);
    for (int i = 0; i < 2; i++) {
        int os = 0;
        if (files[i] && files[i]->pMethods &&
            files[i]->pMethods->xFileControl(files[i], SQLITE_FCNTL_LAST_ERRNO, &os) == SQLITE_OK && os)
            return os;
    }
    return sqlite3_system_errno(c->db);
}

static int code_of(int rc, int os)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ORK_EDATA;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ORK_EBUSY;
    case SQLITE_FULL:
        return ORK_ENOSPC;
    case SQLITE_IOERR:
        return os == ENOSPC || os == EDQUOT || os == EFBIG || rc == SQLITE_IOERR_SHMSIZE ? ORK_ENOSPC : ORK_EIO;
    case SQLITE_READONLY:
        return ORK_EREADONLY;
    case SQLITE_CANTOPEN:
        return os == EACCES || os == EPERM ? ORK_EACCESS : os == EROFS ? ORK_EREADONLY : ORK_EIO;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ORK_EACCESS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ORK_ECORRUPT;
    default:
        return ORK_EDB;
    }
}

int ork_conn_fail(struct ork_conn *c, int rc, const char *what, ork_err *err)
{
    int os = os_error(c, rc), code = code_of(rc, os);
    const char *path = sqlite3_db_filename(c->db, "main");
    const char *name = path && *path ? path : "the database in memory", *on = what ? what : "using";
    switch (code) {
    case ORK_ENOSPC:
        return ork_err_set(err, code, "no space left to write %s (%s); nothing of this change was stored", name,
                           os ? strerror(os) : sqlite3_errstr(rc));
    case ORK_ECORRUPT:
        return ork_err_set(err, code,
                           "%s is damaged or no SQLite database (%s); restore a copy, or try `sqlite3 FILE .recover`",
                           name, sqlite3_errmsg(c->db));
    case ORK_EREADONLY:
        return ork_err_set(err, code, "%s is read-only", name);
    case ORK_EDATA:
        return ork_err_set(err, code, "the database refuses a value: %s", sqlite3_errmsg(c->db));
    default:
        if (os && code != ORK_EDB)
            return ork_err_set(err, code, "%s %s: %s (%s)", on, name, sqlite3_errmsg(c->db), strerror(os));
        return ork_err_set(err, code, "%s %s: %s", on, name, sqlite3_errmsg(c->db));
    }
}

/* The embedded table is sorted by path. */
const struct ork_embedded *ork_sqlite_sql(const char *name)
{
    size_t lo = 0, hi = ork_embed_queries_sqlite_len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int d = strcmp(ork_embed_queries_sqlite[mid].path, name);
        if (d == 0)
            return &ork_embed_queries_sqlite[mid];
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

void ork_stmt_begin(struct ork_stmt *s, struct ork_conn *c, int which)
{
    s->conn = c;
    s->which = which;
    s->at = s->rc = 0;
    s->st = c->stmts[which];
    if (s->st)
        return;
    const struct ork_embedded *sql = ork_sqlite_sql(names[which]);
    if (!sql) {
        s->rc = ork_err_set(&s->why, ORK_EDB, "this build lacks the statement %s", names[which]);
        return;
    }
    int rc = sqlite3_prepare_v3(c->db, sql->start, (int)(sql->end - sql->start) + 1, SQLITE_PREPARE_PERSISTENT, &s->st,
                                NULL);
    if (rc != SQLITE_OK)
        s->rc = ork_conn_fail(c, rc, names[which], &s->why);
    c->stmts[which] = s->st;
}

static void bound(struct ork_stmt *s, int rc)
{
    if (rc != SQLITE_OK)
        s->rc = ork_conn_fail(s->conn, rc, names[s->which], &s->why);
}

void ork_stmt_null(struct ork_stmt *s)
{
    if (!s->rc)
        bound(s, sqlite3_bind_null(s->st, ++s->at));
}

void ork_stmt_int(struct ork_stmt *s, int64_t v)
{
    if (!s->rc)
        bound(s, sqlite3_bind_int64(s->st, ++s->at, v));
}

void ork_stmt_real(struct ork_stmt *s, double v)
{
    if (!s->rc)
        bound(s, sqlite3_bind_double(s->st, ++s->at, v));
}

void ork_stmt_id(struct ork_stmt *s, const ork_id *id)
{
    if (ork_id_is_zero(id))
        ork_stmt_null(s);
    else
        ork_stmt_blob(s, id);
}

void ork_stmt_blob(struct ork_stmt *s, const ork_id *id)
{
    if (!s->rc)
        bound(s, sqlite3_bind_blob(s->st, ++s->at, id->b, sizeof id->b, SQLITE_TRANSIENT));
}

void ork_stmt_ours(struct ork_stmt *s, const char *p, size_t n)
{
    if (!s->rc)
        bound(s, sqlite3_bind_text64(s->st, ++s->at, p, n, SQLITE_STATIC, SQLITE_UTF8));
}

void ork_stmt_word(struct ork_stmt *s, const char *text)
{
    if (text)
        ork_stmt_ours(s, text, strlen(text));
    else
        ork_stmt_null(s);
}

void ork_stmt_time(struct ork_stmt *s, int64_t ms)
{
    if (!ms)
        ork_stmt_null(s);
    else if (!s->rc) /* copied: SQLite keeps the buffer of the last time */
        bound(s, sqlite3_bind_text(s->st, ++s->at, ork_conn_time(s->conn, ms), -1, SQLITE_TRANSIENT));
}

void ork_stmt_text(struct ork_stmt *s, struct ork_text text)
{
    if (!text.p) {
        ork_stmt_null(s);
        return;
    }
    if (s->rc)
        return;
    ork_err why;
    if (ork_utf8_check(text.p, text.n, &why))
        s->rc =
            ork_err_set(&s->why, ORK_EDATA, "the database takes UTF-8 texts without NUL only: parameter %d of %s: %s",
                        s->at + 1, names[s->which], why.msg);
    else
        ork_stmt_ours(s, text.p, text.n);
}

void ork_stmt_end(struct ork_stmt *s)
{
    if (s->st)
        (void)sqlite3_reset(s->st);
}

int ork_stmt_step(struct ork_stmt *s, ork_err *err)
{
    if (s->rc)
        return ork_err_set(err, s->rc, "%s", s->why.msg);
    int rc = sqlite3_step(s->st);
    if (rc == SQLITE_ROW)
        return 1;
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(s->conn, rc, names[s->which], err);
    ork_stmt_end(s);
    return code;
}

int ork_stmt_run(struct ork_stmt *s, ork_err *err)
{
    int rc;
    while ((rc = ork_stmt_step(s, err)) == 1)
        ;
    return rc;
}

bool ork_stmt_get_id(struct ork_stmt *s, int col, ork_id *out)
{
    memset(out, 0, sizeof *out);
    if (sqlite3_column_type(s->st, col) == SQLITE_NULL || sqlite3_column_bytes(s->st, col) != sizeof out->b)
        return false;
    memcpy(out->b, sqlite3_column_blob(s->st, col), sizeof out->b);
    return true;
}
