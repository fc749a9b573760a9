/* SPDX-License-Identifier: MIT */
/* The state of the database as a document (ork.h, ork_db_status_json). */
#include "base/err.h"
#include "store/sqlite/migrate.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

static void add_text(struct ork_buf *out, sqlite3_stmt *st, int col)
{
    ork_buf_json(out, (const char *)sqlite3_column_text(st, col), (size_t)sqlite3_column_bytes(st, col));
}

static int add_migrations(struct ork_conn *c, struct ork_buf *out, int64_t *newest, ork_err *err)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(c->db, "SELECT version, name, applied_at FROM ork_migrations ORDER BY version", -1, &st,
                                NULL);
    ork_buf_adds(out, ",\"migrations\":[");
    *newest = 0;
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        ork_buf_addf(out, "%s{\"version\":%d,\"name\":", *newest ? "," : "", sqlite3_column_int(st, 0));
        add_text(out, st, 1);
        ork_buf_adds(out, ",\"applied_at\":");
        add_text(out, st, 2);
        ork_buf_addc(out, '}');
        *newest = sqlite3_column_int(st, 0);
        rc = SQLITE_OK;
    }
    ork_buf_adds(out, "],\"pending\":[");
    const char *sep = "";
    for (size_t i = 0; i < ork_migration_count(); i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        if (m.version > *newest) {
            ork_buf_addf(out, "%s\"%03d_%s\"", sep, m.version, m.name);
            sep = ",";
        }
    }
    ork_buf_addc(out, ']');
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    return code;
}

static int add_counts(struct ork_conn *c, struct ork_buf *out, ork_err *err)
{
    static const struct {
        const char *name, *sql;
    } counts[] = {
        {"workflows", "SELECT count(*) FROM workflows"},
        {"snapshots", "SELECT count(*) FROM workflow_snapshots"},
        {"runs", "SELECT count(*) FROM runs"},
        {"unfinished_runs", "SELECT count(*) FROM runs WHERE status IN ('pending', 'running', 'paused')"},
        {"tasks", "SELECT count(*) FROM tasks"},
        {"attempts", "SELECT count(*) FROM task_attempts"},
        {"open_commands", "SELECT count(*) FROM commands WHERE done_at IS NULL"},
        {"live_schedulers", "SELECT count(*) FROM schedulers WHERE state = 'live'"},
        {"pages", "PRAGMA page_count"},
        {"page_bytes", "PRAGMA page_size"},
    };
    ork_buf_adds(out, ",\"counts\":{");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t n;
        int rc = ork_conn_int(c, counts[i].sql, &n, err);
        if (rc)
            return rc;
        ork_buf_addf(out, "%s\"%s\":%lld", i ? "," : "", counts[i].name, (long long)n);
    }
    ork_buf_adds(out, "}}");
    return 0;
}

int ork_sqlite_status(ork_store *store, struct ork_buf *out, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    ork_err own;
    err = err ? err : &own;
    struct ork_conn *c = ork_sqlite_reader(s, err);
    if (!c)
        return err->code;
    struct ork_buf url = ORK_BUF_INIT, rest = ORK_BUF_INIT;
    int64_t version;
    ork_buf_addf(&url, "%s:%s", store->ops->scheme, s->path || s->keeper ? s->name : ":memory:");
    int rc = add_migrations(c, &rest, &version, err);
    if (!rc)
        rc = add_counts(c, &rest, err);
    ork_sqlite_reader_done(s);
    if (!rc) {
        ork_buf_adds(out, "{\"url\":");
        ork_buf_json(out, url.data, url.len);
        ork_buf_addf(out, ",\"version\":%lld", (long long)version);
        ork_buf_add(out, rest.data, rest.len);
    }
    ork_buf_fini(&url);
    ork_buf_fini(&rest);
    return rc;
}

/* Asked of SQLite: opening and closing the file here would drop the locks of this process on it. */
int ork_sqlite_wal(ork_store *store)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    ork_err err;
    sqlite3_stmt *st = NULL;
    int wal = -1;
    struct ork_conn *c = s->path ? ork_sqlite_reader(s, &err) : NULL;
    if (!c)
        return -1;
    if (sqlite3_prepare_v2(c->db, "PRAGMA journal_mode", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        wal = strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
    (void)sqlite3_finalize(st);
    ork_sqlite_reader_done(s);
    return wal;
}

int ork_store_schema(void)
{
    struct ork_migration m;

    ork_migration_get(ork_migration_count() - 1, &m);
    return m.version;
}

const char *ork_store_library(void)
{
    return sqlite3_libversion();
}
