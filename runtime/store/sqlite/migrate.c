/* SPDX-License-Identifier: MIT */
/* The chain of migrations_sqlite/, compiled in. Each runs in a transaction whose first write is its row in
 * ork_migrations, so two processes that start at once collide harmlessly. A database of the original (_sqlx_migrations)
 * is taken over: its versions count as applied, and the rest is one transaction, all or nothing. A new database gets
 * the end of the chain as one text, sql/sqlite/schema.sql: running the chain costs twenty milliseconds, most of them in
 * ALTER TABLE.
 *
 * Foreign keys are off meanwhile, because tables are rebuilt, and are checked before each commit. */
#include "store/sqlite/migrate.h"
#include "base/alloc.h"
#include "base/embed.h"
#include "base/err.h"
#include "base/hash.h"
#include "store/sqlite/turn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 9 /* the original's last version */

struct state {
    int tables;                /* tables of any kind, SQLite's own apart */
    bool ours, sqlx, original; /* ork_migrations; _sqlx_migrations; the original's tables */
    bool applied[1000];
    int newest;
};

size_t ork_migration_count(void)
{
    return ork_embed_migrations_sqlite_len;
}

void ork_migration_get(size_t i, struct ork_migration *out)
{
    const struct ork_embedded *e = &ork_embed_migrations_sqlite[i];
    memset(out, 0, sizeof *out);
    out->version = atoi(e->path);
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)(strlen(e->path) - strlen("001_.sql")), e->path + 4);
    ork_sha256_hex(e->start, (size_t)(e->end - e->start), out->checksum);
    out->sql = e->start;
}

static int newest_known(void)
{
    return atoi(ork_embed_migrations_sqlite[ork_embed_migrations_sqlite_len - 1].path);
}

int ork_migrate_refuse(const char *path, int version, ork_err *err)
{
    return ork_err_set(
        err, ORK_ENEWER,
        "%s was made by a newer Ork: its schema is version %d, this Ork (%s) knows up to %d. Use the newer Ork, or a "
        "copy of the database from before the upgrade",
        path, version, ork_version(), newest_known());
}

static int look_at_tables(struct ork_conn *c, struct state *st, ork_err *err)
{
    sqlite3_stmt *q;
    int core = 0,
        rc = sqlite3_prepare_v2(
            c->db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'", -1,
            &q, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);
        st->tables++;
        st->ours = st->ours || strcmp(name, "ork_migrations") == 0;
        st->sqlx = st->sqlx || strcmp(name, "_sqlx_migrations") == 0;
        core += strcmp(name, "workflows") == 0 || strcmp(name, "runs") == 0 || strcmp(name, "tasks") == 0;
        rc = SQLITE_OK;
    }
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(q);
    st->original = st->sqlx && core == 3;
    return code;
}

static int check_row(const char *path, int version, const char *checksum, struct state *st, ork_err *err)
{
    struct ork_migration m;
    if (version < 1 || version > newest_known())
        return ork_migrate_refuse(path, version, err);
    ork_migration_get((size_t)version - 1, &m);
    if (checksum && strcmp(m.checksum, checksum) != 0)
        return ork_err_set(err, ORK_ECORRUPT,
                           "%s: migration %03d_%s was applied in another form than this Ork has (checksum %.12s…, here "
                           "%.12s…). It was migrated by an "
                           "unreleased or changed build: use that build, or a copy of the database from before",
                           path, version, m.name, checksum, m.checksum);
    st->applied[version] = true;
    if (version > st->newest)
        st->newest = version;
    return 0;
}

static int look_at_versions(struct ork_conn *c, const char *path, struct state *st, ork_err *err)
{
    const char *sql = st->ours       ? "SELECT version, checksum, 1 FROM ork_migrations ORDER BY version DESC"
                      : st->original ? "SELECT version, NULL, success FROM _sqlx_migrations ORDER BY version DESC"
                                     : NULL;
    if (!sql)
        return 0;
    sqlite3_stmt *q;
    int code = 0, rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int version = sqlite3_column_int(q, 0);
        if (!st->ours && version > SEEDS)
            code = ork_migrate_refuse(path, version, err);
        else if (!sqlite3_column_int(q, 2))
            code = ork_err_set(err, ORK_ECORRUPT,
                               "%s: the original Ork's migration %d did not finish; run the original once more, or use "
                               "a copy from before",
                               path, version);
        else
            code = check_row(path, version, (const char *)sqlite3_column_text(q, 1), st, err);
        if (code)
            break;
        rc = SQLITE_OK;
    }
    if (!code && rc != SQLITE_DONE)
        code = ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(q);
    return code;
}

static int look(struct ork_conn *c, const char *path, struct state *st, ork_err *err)
{
    memset(st, 0, sizeof *st);
    int rc = look_at_tables(c, st, err);
    return rc ? rc : look_at_versions(c, path, st, err);
}

static bool up_to_date(const struct state *st)
{
    for (int v = 1; v <= newest_known(); v++)
        if (!st->applied[v])
            return false;
    return st->ours;
}

static int record(struct ork_conn *c, const struct ork_migration *m, int64_t now_ms, ork_err *err)
{
    sqlite3_stmt *q;
    int rc = sqlite3_prepare_v2(
        c->db, "INSERT INTO ork_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)", -1, &q, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_int(q, 1, m->version);
        (void)sqlite3_bind_text(q, 2, m->name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 3, m->checksum, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 4, ork_conn_time(c, now_ms), -1, SQLITE_TRANSIENT);
        rc = sqlite3_step(q);
    }
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "migrating", err);
    (void)sqlite3_finalize(q);
    return code;
}

/* A rebuilt table must not have lost what others point at. */
static int check_references(struct ork_conn *c, const struct ork_migration *m, ork_err *err)
{
    sqlite3_stmt *q;
    int code = 0, rc = sqlite3_prepare_v2(c->db, "PRAGMA foreign_key_check", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        code = ork_err_set(err, ORK_ECORRUPT,
                           "migration %03d_%s was not applied: rows of table %s refer to rows of %s that do not exist; "
                           "delete them first "
                           "(PRAGMA foreign_key_check lists them)",
                           m->version, m->name, (const char *)sqlite3_column_text(q, 0),
                           (const char *)sqlite3_column_text(q, 2));
    else if (rc != SQLITE_DONE)
        code = ork_conn_fail(c, rc, "migrating", err);
    (void)sqlite3_finalize(q);
    return code;
}

/* Within a transaction: the table of versions and, on take-over, what the original has applied. */
static int adopt(struct ork_conn *c, struct state *st, int64_t now_ms, ork_err *err)
{
    int rc = ork_conn_exec(
        c,
        "CREATE TABLE ork_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
        "applied_at TEXT NOT NULL)",
        err);
    for (size_t i = 0; !rc && i < ork_migration_count(); i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        if (st->applied[m.version])
            rc = record(c, &m, now_ms, err);
    }
    st->ours = !rc;
    return rc;
}

static int run_one(struct ork_conn *c, const struct ork_migration *m, int64_t now_ms, ork_err *err)
{
    int rc = record(c, m, now_ms, err);
    if (!rc)
        rc = ork_conn_exec(c, m->sql, err);
    if (!rc)
        rc = check_references(c, m, err);
    return rc ? ork_err_wrap(err, "migration %03d_%s", m->version, m->name) : 0;
}

static int run_each(struct ork_conn *c, struct state *st, bool whole, int64_t now_ms, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ork_migration_count(); i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        if (st->applied[m.version])
            continue;
        if (!whole)
            rc = ork_conn_exec(c, "BEGIN IMMEDIATE", err);
        if (!rc)
            rc = run_one(c, &m, now_ms, err);
        if (!rc && !whole)
            rc = ork_conn_exec(c, "COMMIT", err);
    }
    return rc;
}

/* A new database gets the end of the chain at once; all migrations count as applied. */
static int run_schema(struct ork_conn *c, int64_t now_ms, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ork_migration_count(); i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        rc = record(c, &m, now_ms, err);
    }
    return rc ? rc : ork_conn_exec(c, ork_sqlite_sql("schema.sql")->start, err);
}

/* With the turn held. First contact is all or nothing; later upgrades commit one by one. */
static int run_pending(struct ork_conn *c, struct state *st, int64_t now_ms, ork_err *err)
{
    bool whole = !st->ours;
    int rc = whole ? ork_conn_exec(c, "BEGIN IMMEDIATE", err) : 0;
    if (!rc && whole)
        rc = adopt(c, st, now_ms, err);
    if (!rc)
        rc = st->tables == 0 ? run_schema(c, now_ms, err) : run_each(c, st, whole, now_ms, err);
    if (!rc && whole)
        rc = ork_conn_exec(c, "COMMIT", err);
    ork_conn_rollback(c);
    return rc;
}

static int may_migrate(const struct state *st, const char *path, uint32_t flags, ork_err *err)
{
    if (st->ours || st->original)
        return 0;
    if (st->tables == 0)
        return flags & (ORK_OPEN_CREATE | ORK_OPEN_MIGRATE)
                   ? 0
                   : ork_err_set(err, ORK_ENOTFOUND,
                                 "no Ork database at %s: the file is empty; `ork SCRIPT` or `ork db migrate` fills it",
                                 path);
    if (flags & ORK_OPEN_MIGRATE)
        return 0;
    return ork_err_set(err, ORK_EFOREIGN,
                       "%s is a database of something else: it has %d table%s and none of Ork's. Name another file "
                       "with --db, or add Ork's tables to it "
                       "with `ork db migrate`",
                       path, st->tables, st->tables == 1 ? "" : "s");
}

int ork_migrate(struct ork_conn *c, const char *path, int turn_fd, uint32_t flags, int64_t now_ms, ork_err *err)
{
    struct state st;
    int rc = look(c, path, &st, err);
    if (rc || up_to_date(&st))
        return rc;
    if (flags & (ORK_OPEN_READ | ORK_OPEN_AS_IS)) {
        rc = may_migrate(&st, path, flags & ~ORK_OPEN_MIGRATE, err);
        return rc ? rc
                  : ork_err_set(err, ORK_ESTATE,
                                "%s has schema version %d, this Ork reads version %d; run `ork db migrate` first", path,
                                st.newest, newest_known());
    }
    ork_turn_take(turn_fd);
    rc = look(c, path, &st, err);
    if (!rc && !up_to_date(&st)) {
        rc = may_migrate(&st, path, flags, err);
        if (!rc)
            rc = ork_conn_exec(c, "PRAGMA foreign_keys = OFF", err);
        if (!rc)
            rc = run_pending(c, &st, now_ms, err);
        if (!rc)
            rc = ork_conn_exec(c, "PRAGMA foreign_keys = ON", err);
    }
    ork_turn_drop(turn_fd);
    return rc;
}

int ork_migrate_to(struct ork_conn *c, int version, int64_t now_ms, ork_err *err)
{
    struct state none = {0};
    int rc = ork_conn_exec(c, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE", err);
    if (!rc)
        rc = adopt(c, &none, now_ms, err);
    if (!rc && version == newest_known())
        rc = run_schema(c, now_ms, err);
    else
        for (size_t i = 0; !rc && (int)i < version; i++) {
            struct ork_migration m;
            ork_migration_get(i, &m);
            rc = run_one(c, &m, now_ms, err);
        }
    if (!rc)
        rc = ork_conn_exec(c, "COMMIT", err);
    ork_conn_rollback(c);
    return rc;
}
