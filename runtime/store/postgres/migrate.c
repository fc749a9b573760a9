/* SPDX-License-Identifier: MIT */
/* The chain of migrations/, compiled in. Each runs in a transaction whose first write is its row in ork_migrations,
 * under an advisory lock, so two processes that start at once take turns. A database of the original (_sqlx_migrations)
 * is taken over: its versions count as applied, and the rest is one transaction, all or nothing, as for a new database.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "store/postgres/postgres.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 14 /* the original's last version */

struct state {
    int tables;
    bool ours, sqlx, original; /* ork_migrations; _sqlx_migrations; the original's tables */
    bool standby;
    bool applied[1000];
    int newest;
};

size_t ork_pg_migration_count(void)
{
    return ork_embed_migrations_postgres_len;
}

void ork_pg_migration_get(size_t i, struct ork_migration *out)
{
    const struct ork_embedded *e = &ork_embed_migrations_postgres[i];
    memset(out, 0, sizeof *out);
    out->version = atoi(e->path);
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)(strlen(e->path) - strlen("001_.sql")), e->path + 4);
    ork_sha256_hex(e->start, (size_t)(e->end - e->start), out->checksum);
    out->sql = e->start;
}

static int newest_known(void)
{
    return atoi(ork_embed_migrations_postgres[ork_embed_migrations_postgres_len - 1].path);
}

static int refuse_newer(struct ork_link *l, int version, ork_err *err)
{
    return ork_err_set(
        err, ORK_ENEWER,
        "%s was made by a newer Ork: its schema is version %d, this Ork (%s) knows up to %d. Use the newer Ork, or a "
        "copy of the database from before the upgrade",
        l->store->shown, version, ork_version(), newest_known());
}

static int look_at_tables(struct ork_link *l, struct state *st, ork_err *err)
{
    struct ork_stmt q;
    ork_stmt_begin(&q, l, ORK_S_migration_look);
    int rc = ork_stmt_alone(&q, err);
    if (rc > 0) {
        st->tables = (int)ork_stmt_get_int(&q, 0, 0);
        st->ours = ork_stmt_get_int(&q, 0, 1);
        st->sqlx = ork_stmt_get_int(&q, 0, 2);
        st->original = st->sqlx && ork_stmt_get_int(&q, 0, 3) == 3;
        st->standby = ork_stmt_get_int(&q, 0, 4);
    }
    ork_stmt_end(&q);
    return rc < 0 ? rc : 0;
}

static int check_row(struct ork_link *l, int version, const char *checksum, struct state *st, ork_err *err)
{
    struct ork_migration m;
    if (version < 1 || version > newest_known())
        return refuse_newer(l, version, err);
    ork_pg_migration_get((size_t)version - 1, &m);
    if (checksum && strcmp(m.checksum, checksum) != 0)
        return ork_err_set(err, ORK_ECORRUPT,
                           "%s: migration %03d_%s was applied in another form than this Ork has (checksum %.12s…, here "
                           "%.12s…). It was migrated by an unreleased or changed build: use that build, or a copy of "
                           "the database from before",
                           l->store->shown, version, m.name, checksum, m.checksum);
    st->applied[version] = true;
    if (version > st->newest)
        st->newest = version;
    return 0;
}

static int look_at_versions(struct ork_link *l, struct state *st, ork_err *err)
{
    struct ork_stmt q;
    int code = 0;
    if (!st->ours && !st->original)
        return 0;
    ork_stmt_begin(&q, l, st->ours ? ORK_S_migration_versions : ORK_S_migration_versions_sqlx);
    int n = ork_stmt_alone(&q, err);
    for (int i = 0; !code && i < n; i++) {
        int version = (int)ork_stmt_get_int(&q, i, 0);
        if (!st->ours && version > SEEDS)
            code = refuse_newer(l, version, err);
        else if (!ork_stmt_get_int(&q, i, 2))
            code = ork_err_set(err, ORK_ECORRUPT,
                               "%s: the original Ork's migration %d did not finish; run the original once more, or use "
                               "a copy from before",
                               l->store->shown, version);
        else
            code = check_row(l, version, ork_stmt_get_text(&q, i, 1), st, err);
    }
    ork_stmt_end(&q);
    return n < 0 ? n : code;
}

static int look(struct ork_link *l, struct state *st, ork_err *err)
{
    memset(st, 0, sizeof *st);
    int rc = look_at_tables(l, st, err);
    return rc ? rc : look_at_versions(l, st, err);
}

static bool up_to_date(const struct state *st)
{
    for (int v = 1; v <= newest_known(); v++)
        if (!st->applied[v])
            return false;
    return st->ours;
}

static int record(struct ork_link *l, const struct ork_migration *m, ork_err *err)
{
    struct ork_stmt q;
    ork_stmt_begin(&q, l, ORK_S_migration_record);
    ork_stmt_int(&q, m->version);
    ork_stmt_word(&q, m->name);
    ork_stmt_word(&q, m->checksum);
    ork_stmt_time(&q, l->store->clock->now_ms(l->store->clock->data));
    int rc = ork_stmt_alone(&q, err);
    ork_stmt_end(&q);
    return rc < 0 ? rc : 0;
}

/* Within a transaction: the table of versions and, on take-over, what the original has applied. Pages of runs are cut
 * at milliseconds, the original's times had more. */
static int adopt(struct ork_link *l, struct state *st, ork_err *err)
{
    int rc =
        ork_link_exec(l,
                      "CREATE TABLE ork_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text "
                      "NOT NULL, applied_at timestamptz NOT NULL)",
                      err);
    for (size_t i = 0; !rc && i < ork_pg_migration_count(); i++) {
        struct ork_migration m;
        ork_pg_migration_get(i, &m);
        if (st->applied[m.version])
            rc = record(l, &m, err);
    }
    if (!rc && st->original)
        rc = ork_link_exec(l, "UPDATE runs SET created_at = date_trunc('milliseconds', created_at)", err);
    st->ours = !rc;
    return rc;
}

static int run_one(struct ork_link *l, const struct ork_migration *m, ork_err *err)
{
    int rc = record(l, m, err);
    if (!rc)
        rc = ork_link_exec(l, m->sql, err);
    return rc ? ork_err_wrap(err, "migration %03d_%s", m->version, m->name) : 0;
}

static int run_each(struct ork_link *l, struct state *st, bool whole, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ork_pg_migration_count(); i++) {
        struct ork_migration m;
        ork_pg_migration_get(i, &m);
        if (st->applied[m.version])
            continue;
        if (!whole)
            rc = ork_link_exec(l, "BEGIN", err);
        if (!rc)
            rc = run_one(l, &m, err);
        if (!rc && !whole)
            rc = ork_link_exec(l, "COMMIT", err);
    }
    return rc;
}

/* With the lock held. First contact is all or nothing; later upgrades commit one by one. */
static int run_pending(struct ork_link *l, struct state *st, ork_err *err)
{
    bool whole = !st->ours;
    ork_err own;
    int rc = whole ? ork_link_exec(l, "BEGIN", err) : 0;
    if (!rc && whole)
        rc = adopt(l, st, err);
    if (!rc)
        rc = run_each(l, st, whole, err);
    if (!rc && whole)
        rc = ork_link_exec(l, "COMMIT", err);
    if (rc && ork_link_is_up(l) && ork_link_exec(l, "ROLLBACK", &own))
        ork_link_drop(l);
    return rc;
}

static int may_migrate(struct ork_link *l, const struct state *st, uint32_t flags, ork_err *err)
{
    if (st->ours || st->original)
        return 0;
    if (st->tables == 0)
        return flags & (ORK_OPEN_CREATE | ORK_OPEN_MIGRATE)
                   ? 0
                   : ork_err_set(err, ORK_ENOTFOUND,
                                 "no Ork database at %s: it has no tables; `ork SCRIPT` or `ork db migrate` makes them",
                                 l->store->shown);
    if (flags & ORK_OPEN_MIGRATE)
        return 0;
    return ork_err_set(err, ORK_EFOREIGN,
                       "%s is a database of something else: it has %d table%s and none of Ork's. Name another database "
                       "with --db, or add Ork's tables to it with `ork db migrate`",
                       l->store->shown, st->tables, st->tables == 1 ? "" : "s");
}

static int call(struct ork_link *l, int which, ork_err *err)
{
    struct ork_stmt q;
    ork_stmt_begin(&q, l, which);
    ork_stmt_int(&q, ORK_PG_MIGRATE);
    int rc = ork_stmt_alone(&q, err);
    ork_stmt_end(&q);
    return rc < 0 ? rc : 0;
}

static int migrate_locked(struct ork_link *l, uint32_t flags, ork_err *err)
{
    struct state st;
    int rc = look(l, &st, err);
    if (rc || up_to_date(&st))
        return rc;
    rc = may_migrate(l, &st, flags, err);
    return rc ? rc : run_pending(l, &st, err);
}

int ork_pg_migrate(struct ork_postgres *s, struct ork_link *l, ork_err *err)
{
    struct state st;
    ork_err own;
    int rc = look(l, &st, err);
    if (!rc && st.standby && !(s->flags & ORK_OPEN_READ))
        return ork_err_set(err, ORK_EREADONLY,
                           "%s is a standby, which only reads: connect to the primary, for example by "
                           "target_session_attrs=read-write in the URL",
                           s->shown);
    if (rc || up_to_date(&st))
        return rc;
    if (s->flags & (ORK_OPEN_READ | ORK_OPEN_AS_IS)) {
        rc = may_migrate(l, &st, s->flags & ~ORK_OPEN_MIGRATE, err);
        return rc ? rc
                  : ork_err_set(err, ORK_ESTATE,
                                "%s has schema version %d, this Ork reads version %d; run `ork db migrate` first",
                                s->shown, st.newest, newest_known());
    }
    rc = may_migrate(l, &st, s->flags, err); /* before anything is waited for */
    if (!rc)
        rc = call(l, ORK_S_migration_lock, err);
    if (rc)
        return rc;
    rc = migrate_locked(l, s->flags, err);
    if (ork_link_is_up(l) && call(l, ORK_S_migration_unlock, &own))
        ork_link_drop(l);
    return rc;
}
