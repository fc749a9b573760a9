/* SPDX-License-Identifier: MIT */
/* Rows of a table in neutral values, a page at a time. The server cuts the page: it adds up how large the texts of the
 * rows are and leaves out what is behind the bound, so that no page of large logs has to fit into memory. */
#include "base/err.h"
#include "store/postgres/copy.h"

/* Bytes of a value as it is sent. What is kept compressed is written out to be measured only where it is JSON. */
static void add_size(const struct ork_store_column *c, struct ork_buf *sql)
{
    if (c->kind == ORK_COLUMN_TEXT)
        ork_buf_addf(sql, " + coalesce(octet_length(\"%s\"), 0)", c->name);
    else if (c->kind == ORK_COLUMN_JSON || c->kind == ORK_COLUMN_LIST)
        ork_buf_addf(sql,
                     " + CASE WHEN pg_column_size(\"%s\") < 1000 THEN pg_column_size(\"%s\") "
                     "ELSE coalesce(octet_length(\"%s\"::text), 0) END",
                     c->name, c->name, c->name);
}

static const char *type_of(enum ork_column_kind kind)
{
    return kind == ORK_COLUMN_ID ? "uuid" : kind == ORK_COLUMN_INT ? "bigint" : "text";
}

static void page_text(const struct ork_store_table *t, bool first, struct ork_buf *sql)
{
    ork_buf_adds(sql, "SELECT ");
    ork_store_table_columns(t, sql);
    ork_buf_adds(sql, " FROM (SELECT s.*, sum(row_bytes) OVER (ORDER BY ");
    ork_store_table_key(t, sql);
    ork_buf_adds(sql, " ROWS UNBOUNDED PRECEDING) - row_bytes AS before FROM (SELECT *, 100");
    for (size_t i = 0; i < ork_store_table_width(t); i++)
        add_size(ork_store_table_column(t, i), sql);
    ork_buf_addf(sql, " AS row_bytes FROM \"%s\"", t->name);
    if (!first) {
        ork_buf_adds(sql, " WHERE (");
        ork_store_table_key(t, sql);
        for (size_t i = 0; i < t->keys; i++)
            ork_buf_addf(sql, "%s$%zu::%s", i ? ", " : ") > (", i + 2, type_of(t->cols[i].kind));
        ork_buf_addc(sql, ')');
    }
    ork_buf_adds(sql, " ORDER BY ");
    ork_store_table_key(t, sql);
    ork_buf_addf(sql, " LIMIT $1::bigint) s) p WHERE before < %u ORDER BY ", ORK_COPY_BYTES);
    ork_store_table_key(t, sql);
}

static void bind_key(struct ork_stmt *st, const struct ork_cell *c)
{
    ork_id id;
    if (c->type == ORK_CELL_BLOB) {
        memcpy(id.b, c->p, sizeof id.b);
        ork_stmt_uuid(st, &id);
    } else if (c->type == ORK_CELL_INT) {
        ork_stmt_int(st, c->i);
    } else {
        ork_stmt_text(st, (struct ork_text){c->p, c->n});
    }
}

int ork_pg_copy_read(ork_store *store, const struct ork_store_table *t, const struct ork_cell *after, size_t limit,
                     struct ork_rows **out, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_buf sql = ORK_BUF_INIT;
    struct ork_stmt st;
    int rc = ork_pg_here(s, err);
    if (rc)
        return rc;
    page_text(t, !after, &sql);
    ork_stmt_begin_sql(&st, &s->here, sql.data);
    ork_stmt_int(&st, (int64_t)limit);
    for (size_t i = 0; after && i < t->keys; i++)
        bind_key(&st, &after[i]);
    rc = ork_stmt_alone(&st, err);
    if (rc >= 0)
        *out = ork_pg_rows(st.res);
    ork_stmt_end(&st);
    ork_buf_fini(&sql);
    return rc < 0 ? rc : 0;
}

int ork_pg_copy_count(ork_store *store, const struct ork_store_table *t, int64_t *rows, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_stmt st;
    char sql[80];
    int rc = ork_pg_here(s, err);
    if (rc)
        return rc;
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", t->name);
    rc = ork_stmt_select(&st, &s->here, sql, err);
    *rows = rc > 0 ? ork_stmt_get_int(&st, 0, 0) : 0;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}
