/* SPDX-License-Identifier: MIT */
/* Rows of a table in neutral values, a page at a time. Times were written in three formats and JSON in any order of
 * keys; here each gets its one form, and neighbours with the same text (params, types, lists) are read once. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/rows.h"
#include "store/sqlite/sqlite.h"
#include <stdio.h>
#include <string.h>

struct memo { /* the newest text of a column and what it became */
    struct ork_buf raw, neutral;
};
struct page {
    const struct ork_store_table *table; /* borrowed */
    struct ork_conn *conn;               /* borrowed */
    sqlite3_stmt *st;                    /* owned */
    struct ork_rows *rows;               /* owned */
    struct memo *memos;                  /* owned, one per column */
    size_t width, bytes;
};

static void prepare_text(const struct ork_store_table *t, bool first, struct ork_buf *sql)
{
    ork_buf_adds(sql, "SELECT ");
    ork_store_table_columns(t, sql);
    ork_buf_addf(sql, " FROM \"%s\"", t->name);
    if (!first) {
        ork_buf_adds(sql, " WHERE (");
        ork_store_table_key(t, sql);
        ork_buf_adds(sql, t->keys == 1 ? ") > (?2)" : ") > (?2, ?3)");
    }
    ork_buf_adds(sql, " ORDER BY ");
    ork_store_table_key(t, sql);
    ork_buf_adds(sql, " LIMIT ?1");
}

static int bind_key(sqlite3_stmt *st, int at, const struct ork_cell *c)
{
    switch (c->type) {
    case ORK_CELL_INT:
        return sqlite3_bind_int64(st, at, c->i);
    case ORK_CELL_BLOB:
        return sqlite3_bind_blob(st, at, c->p, (int)c->n, SQLITE_STATIC);
    case ORK_CELL_TEXT:
        return sqlite3_bind_text(st, at, c->p, (int)c->n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(st, at);
    }
}

static int prepare(struct page *p, const struct ork_cell *after, size_t limit, ork_err *err)
{
    struct ork_buf sql = ORK_BUF_INIT;
    prepare_text(p->table, !after, &sql);
    int rc = sqlite3_prepare_v2(p->conn->db, sql.data, -1, &p->st, NULL);
    ork_buf_fini(&sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(p->st, 1, (int64_t)limit);
    for (size_t i = 0; rc == SQLITE_OK && after && i < p->table->keys; i++)
        rc = bind_key(p->st, (int)i + 2, &after[i]);
    return rc == SQLITE_OK ? 0 : ork_conn_fail(p->conn, rc, "reading", err);
}

/* Which row it is, for people. */
static int blame(struct page *p, const struct ork_store_column *col, ork_err *err)
{
    struct ork_buf key = ORK_BUF_INIT;
    for (size_t i = 0; i < p->table->keys; i++) {
        const char *bytes = sqlite3_column_blob(p->st, (int)i);
        int n = sqlite3_column_bytes(p->st, (int)i);
        ork_buf_adds(&key, i ? ", " : "");
        if (p->table->cols[i].kind == ORK_COLUMN_ID)
            for (int b = 0; b < n && b < 16; b++)
                ork_buf_addf(&key, "%02x", (unsigned char)bytes[b]);
        else
            ork_buf_add(&key, bytes, (size_t)n);
    }
    int rc = ork_err_wrap(err, "table %s, row %s, column %s", p->table->name, key.data ? key.data : "?", col->name);
    ork_buf_fini(&key);
    return rc;
}

static bool plain(enum ork_column_kind kind)
{
    return kind != ORK_COLUMN_TIME && kind != ORK_COLUMN_JSON && kind != ORK_COLUMN_LIST;
}

static int keep_text(struct page *p, int at, const struct ork_store_column *col, ork_err *err)
{
    struct memo *m = &p->memos[at];
    const char *text = (const char *)sqlite3_column_text(p->st, at);
    size_t n = (size_t)sqlite3_column_bytes(p->st, at);
    p->bytes += n;
    if (plain(col->kind)) {
        ork_rows_keep(p->rows, (size_t)at, ORK_CELL_TEXT, text ? text : "", n);
        return 0;
    }
    if (!m->raw.data || m->raw.len != n || memcmp(m->raw.data, text, n) != 0) {
        ork_buf_clear(&m->neutral);
        ork_buf_clear(&m->raw);
        int rc = ork_store_neutral(col->kind, text, n, &m->neutral, err);
        if (rc)
            return blame(p, col, err);
        ork_buf_add(&m->raw, text, n);
    }
    ork_rows_keep(p->rows, (size_t)at, ORK_CELL_TEXT, m->neutral.data, m->neutral.len);
    return 0;
}

static int wrong(struct page *p, const struct ork_store_column *col, const char *wanted, ork_err *err)
{
    (void)ork_err_set(err, ORK_EDATA, "it holds no %s", wanted);
    return blame(p, col, err);
}

static int keep(struct page *p, struct ork_cell *cell, int at, ork_err *err)
{
    const struct ork_store_column *col = ork_store_table_column(p->table, (size_t)at);
    int type = sqlite3_column_type(p->st, at);
    if (type == SQLITE_NULL)
        return 0;
    switch (col->kind) {
    case ORK_COLUMN_ID:
        if (type != SQLITE_BLOB || sqlite3_column_bytes(p->st, at) != (int)sizeof(ork_id))
            return wrong(p, col, "id", err);
        ork_rows_keep(p->rows, (size_t)at, ORK_CELL_BLOB, sqlite3_column_blob(p->st, at), sizeof(ork_id));
        return 0;
    case ORK_COLUMN_BOOL:
    case ORK_COLUMN_INT:
        if (type != SQLITE_INTEGER)
            return wrong(p, col, "whole number", err);
        cell->type = ORK_CELL_INT;
        cell->i = sqlite3_column_int64(p->st, at);
        if (col->kind == ORK_COLUMN_BOOL)
            cell->i = cell->i != 0;
        return 0;
    case ORK_COLUMN_REAL:
        if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
            return wrong(p, col, "number", err);
        cell->type = ORK_CELL_REAL;
        cell->r = sqlite3_column_double(p->st, at);
        return 0;
    default:
        return keep_text(p, at, col, err);
    }
}

static int add_row(struct page *p, ork_err *err)
{
    struct ork_cell *row = ork_rows_add(p->rows);
    int rc = 0;
    p->bytes += p->width * sizeof *row;
    for (size_t i = 0; !rc && i < p->width; i++)
        rc = keep(p, &row[i], (int)i, err);
    return rc;
}

static int fill(struct page *p, ork_err *err)
{
    while (p->bytes < ORK_COPY_BYTES) {
        int rc = sqlite3_step(p->st);
        if (rc == SQLITE_DONE)
            return 0;
        rc = rc == SQLITE_ROW ? add_row(p, err) : ork_conn_fail(p->conn, rc, "reading", err);
        if (rc)
            return rc;
    }
    return 0;
}

static void page_init(struct page *p, const struct ork_store_table *t, struct ork_conn *c)
{
    memset(p, 0, sizeof *p);
    p->table = t;
    p->conn = c;
    p->width = ork_store_table_width(t);
    p->memos = ork_zalloc(p->width * sizeof *p->memos);
    p->rows = ork_rows_new(p->width);
    for (size_t i = 0; i < p->width; i++)
        ork_rows_name(p->rows, i, ork_store_table_column(t, i)->name);
}

static void page_fini(struct page *p)
{
    (void)sqlite3_finalize(p->st);
    for (size_t i = 0; i < p->width; i++) {
        ork_buf_fini(&p->memos[i].raw);
        ork_buf_fini(&p->memos[i].neutral);
    }
    ork_free(p->memos);
    ork_rows_free(p->rows);
}

int ork_sqlite_copy_read(ork_store *store, const struct ork_store_table *t, const struct ork_cell *after, size_t limit,
                         struct ork_rows **out, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    struct ork_conn *c = ork_sqlite_reader(s, err);
    struct page p;
    if (!c)
        return err->code;
    page_init(&p, t, c);
    int rc = prepare(&p, after, limit, err);
    if (!rc)
        rc = fill(&p, err);
    if (!rc) {
        *out = p.rows;
        p.rows = NULL;
    }
    page_fini(&p);
    ork_sqlite_reader_done(s);
    return rc;
}

int ork_sqlite_copy_count(ork_store *store, const struct ork_store_table *t, int64_t *rows, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    struct ork_conn *c = ork_sqlite_reader(s, err);
    char sql[80];
    if (!c)
        return err->code;
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", t->name);
    int rc = ork_conn_int(c, sql, rows, err);
    ork_sqlite_reader_done(s);
    return rc;
}
