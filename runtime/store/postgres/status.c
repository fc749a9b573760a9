/* SPDX-License-Identifier: MIT */
/* The state of the database as a document (ork.h, ork_db_status_json). */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>

static int add_migrations(struct ork_link *l, struct ork_buf *out, int64_t *newest, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, l, ORK_S_status_migrations);
    int n = ork_stmt_alone(&st, err);
    ork_buf_adds(out, ",\"migrations\":[");
    *newest = 0;
    for (int i = 0; i < n; i++) {
        const char *name = ork_stmt_get_text(&st, i, 1);
        char at[32];
        *newest = ork_stmt_get_int(&st, i, 0);
        ork_buf_addf(out, "%s{\"version\":%lld,\"name\":", i ? "," : "", (long long)*newest);
        ork_buf_json(out, name, strlen(name));
        ork_time_format(ork_stmt_get_ms(&st, i, 2), at);
        ork_buf_addf(out, ",\"applied_at\":\"%s\"}", at);
    }
    ork_stmt_end(&st);
    ork_buf_adds(out, "],\"pending\":[");
    const char *sep = "";
    for (size_t i = 0; i < ork_pg_migration_count(); i++) {
        struct ork_migration m;
        ork_pg_migration_get(i, &m);
        if (m.version > *newest) {
            ork_buf_addf(out, "%s\"%03d_%s\"", sep, m.version, m.name);
            sep = ",";
        }
    }
    ork_buf_addc(out, ']');
    return n < 0 ? n : 0;
}

static int add_counts(struct ork_link *l, struct ork_buf *out, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, l, ORK_S_status_counts);
    int rc = ork_stmt_alone(&st, err);
    ork_buf_adds(out, ",\"counts\":{");
    for (int c = 0; rc > 0 && c < PQnfields(st.res); c++)
        ork_buf_addf(out, "%s\"%s\":%lld", c ? "," : "", PQfname(st.res, c), (long long)ork_stmt_get_int(&st, 0, c));
    ork_buf_adds(out, "}}");
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

int ork_pg_status(ork_store *store, struct ork_buf *out, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_buf rest = ORK_BUF_INIT;
    int64_t version;
    ork_err own;
    err = err ? err : &own;
    int rc = ork_pg_here(s, err);
    if (!rc)
        rc = add_migrations(&s->here, &rest, &version, err);
    if (!rc)
        rc = add_counts(&s->here, &rest, err);
    if (!rc) {
        ork_buf_adds(out, "{\"url\":");
        ork_buf_json(out, s->shown, strlen(s->shown));
        ork_buf_addf(out, ",\"version\":%lld", (long long)version);
        ork_buf_add(out, rest.data, rest.len);
    }
    ork_buf_fini(&rest);
    return rc;
}
