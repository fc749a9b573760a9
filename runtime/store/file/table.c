/* SPDX-License-Identifier: MIT */
/* The log knows tables and columns by name only, so it needs no code per table: what they are is asked of the database,
 * anew after a migration. Rows are JSON objects of their columns without the NULL ones.
 *
 * Exactness: SQLite's five types go out and come back as they were. Integers have no point and floats always one; a
 * string is an id where the column is declared BLOB, a text elsewhere; what does not fit that says what it is. */
#include "store/file/table.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

static void free_table(struct ork_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        ork_free(t->cols[i].name);
    ork_free(t->cols);
    ork_free(t->name);
    (void)sqlite3_finalize(t->insert);
    (void)sqlite3_finalize(t->get);
    (void)sqlite3_finalize(t->drop);
    (void)sqlite3_finalize(t->update);
}

void ork_tables_fini(struct ork_tables *t)
{
    for (size_t i = 0; i < t->n; i++)
        free_table(&t->items[i]);
    ork_free(t->items);
    memset(t, 0, sizeof *t);
}

struct ork_table *ork_tables_find(struct ork_tables *t, const char *name)
{
    for (size_t i = 0; name && i < t->n; i++)
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    return NULL;
}

/* One row per column of every table, in order. Indexes of expressions have no column. */
static const char columns_sql[] =
    "SELECT t.name, c.name, upper(c.type) = 'BLOB', c.pk > 0, EXISTS (SELECT 1 FROM pragma_index_list(t.name) l, "
    "pragma_index_info(l.name) i WHERE l.\"unique\" AND l.origin <> 'pk' AND i.name = c.name) "
    "FROM sqlite_schema t, pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.rowid, c.cid";

static void add_column(struct ork_tables *t, sqlite3_stmt *st)
{
    const char *table = (const char *)sqlite3_column_text(st, 0);
    if (t->n == 0 || strcmp(t->items[t->n - 1].name, table) != 0) {
        ork_grow((void **)&t->items, &t->cap, t->n + 1, sizeof *t->items);
        memset(&t->items[t->n], 0, sizeof *t->items);
        t->items[t->n++].name = ork_strdup(table);
    }
    struct ork_table *to = &t->items[t->n - 1];
    to->cols = ork_realloc(to->cols, (to->n + 1) * sizeof *to->cols);
    to->cols[to->n++] = (struct ork_column){
        .name = ork_strdup((const char *)sqlite3_column_text(st, 1)),
        .blob = sqlite3_column_int(st, 2),
        .key = sqlite3_column_int(st, 3),
        .unique = sqlite3_column_int(st, 4),
    };
}

int ork_tables_load(struct ork_tables *t, struct ork_conn *c, ork_err *err)
{
    sqlite3_stmt *st = NULL;
    ork_tables_fini(t);
    int rc = sqlite3_prepare_v2(c->db, columns_sql, -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        add_column(t, st);
        rc = SQLITE_OK;
    }
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    return code;
}

/* ---- cells ---- */

static void add_hex(struct ork_buf *out, const char *what, const unsigned char *p, size_t n)
{
    ork_buf_addf(out, "{\"%s\":\"", what);
    char *to = ork_buf_reserve(out, 2 * n);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[p[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    out->len += 2 * n;
    ork_buf_adds(out, "\"}");
}

int ork_cell_write(struct ork_buf *out, const struct ork_column *col, sqlite3_value *v, ork_err *err)
{
    size_t n = (size_t)sqlite3_value_bytes(v);
    const void *p = sqlite3_value_type(v) == SQLITE_BLOB ? sqlite3_value_blob(v) : NULL;
    char id[ORK_ID_TEXT];
    ork_buf_json(out, col->name, strlen(col->name));
    ork_buf_addc(out, ':');
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        ork_buf_addf(out, "%lld", (long long)sqlite3_value_int64(v));
        return 0;
    case SQLITE_FLOAT:
        return ork_json_write_real(sqlite3_value_double(v), out, err);
    case SQLITE_TEXT:
        p = sqlite3_value_text(v);
        if (col->blob || ork_utf8_check(p, n, NULL))
            add_hex(out, "text", p, n);
        else
            ork_buf_json(out, p, n);
        return 0;
    case SQLITE_BLOB:
        if (col->blob && n == sizeof(ork_id)) {
            ork_id_format(p, id);
            ork_buf_json(out, id, strlen(id));
        } else {
            add_hex(out, "blob", p, n);
        }
        return 0;
    default:
        ork_buf_adds(out, "null");
        return 0;
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int bind_hex(sqlite3_stmt *st, int at, const json_t *v, ork_err *err)
{
    const json_t *text = json_object_get(v, "text"), *hex = text ? text : json_object_get(v, "blob");
    const char *p = json_string_value(hex);
    size_t n = json_string_length(hex) / 2;
    if (!p)
        return ork_err_set(err, ORK_ECORRUPT, "a value that this Ork does not know");
    unsigned char *bytes = ork_alloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        int hi = digit(p[2 * i]), lo = digit(p[2 * i + 1]);
        bytes[i] = (unsigned char)((hi < 0 ? 0 : hi) << 4 | (lo < 0 ? 0 : lo));
    }
    int rc = text ? sqlite3_bind_text64(st, at, (const char *)bytes, n, SQLITE_TRANSIENT, SQLITE_UTF8)
                  : sqlite3_bind_blob64(st, at, bytes, n, SQLITE_TRANSIENT);
    ork_free(bytes);
    return rc == SQLITE_OK ? 0 : ork_err_set(err, ORK_EDB, "%s", sqlite3_errstr(rc));
}

/* Texts are borrowed from v until the statement is bound anew. */
int ork_cell_bind(sqlite3_stmt *st, int at, const struct ork_column *col, const json_t *v, ork_err *err)
{
    int rc;
    ork_id id;
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_NULL:
        rc = sqlite3_bind_null(st, at);
        break;
    case JSON_INTEGER:
        rc = sqlite3_bind_int64(st, at, json_integer_value(v));
        break;
    case JSON_REAL:
        rc = sqlite3_bind_double(st, at, json_real_value(v));
        break;
    case JSON_STRING:
        if (!col->blob)
            rc = sqlite3_bind_text64(st, at, json_string_value(v), json_string_length(v), SQLITE_STATIC, SQLITE_UTF8);
        else if (ork_id_parse(json_string_value(v), json_string_length(v), &id))
            return ork_err_set(err, ORK_ECORRUPT, "column %s: no id", col->name);
        else
            rc = sqlite3_bind_blob(st, at, id.b, sizeof id.b, SQLITE_TRANSIENT);
        break;
    default:
        return bind_hex(st, at, v, err);
    }
    return rc == SQLITE_OK ? 0 : ork_err_set(err, ORK_EDB, "column %s: %s", col->name, sqlite3_errstr(rc));
}

/* ---- statements ---- */

static void add_name(struct ork_buf *sql, const char *name)
{
    ork_buf_addf(sql, "\"%s\"", name);
}

static void add_where(struct ork_buf *sql, const struct ork_table *t)
{
    const char *sep = " WHERE ";
    for (size_t i = 0; i < t->n; i++) {
        if (!t->cols[i].key)
            continue;
        ork_buf_adds(sql, sep);
        add_name(sql, t->cols[i].name);
        ork_buf_addf(sql, " = ?%zu", i + 1);
        sep = " AND ";
    }
}

static sqlite3_stmt *prepare(struct ork_conn *c, struct ork_buf *sql, sqlite3_stmt **kept, ork_err *err)
{
    int rc = sqlite3_prepare_v3(c->db, sql->data, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
    if (rc != SQLITE_OK)
        (void)ork_conn_fail(c, rc, "using", err);
    ork_buf_fini(sql);
    return *kept;
}

static void add_columns(struct ork_buf *sql, const struct ork_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        ork_buf_adds(sql, i ? ", " : "");
        add_name(sql, t->cols[i].name);
    }
}

sqlite3_stmt *ork_table_insert(struct ork_table *t, struct ork_conn *c, ork_err *err)
{
    if (t->insert)
        return t->insert;
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_adds(&sql, "INSERT INTO ");
    add_name(&sql, t->name);
    ork_buf_adds(&sql, " (");
    add_columns(&sql, t);
    ork_buf_adds(&sql, ") VALUES (");
    for (size_t i = 0; i < t->n; i++)
        ork_buf_addf(&sql, "%s?%zu", i ? ", " : "", i + 1);
    ork_buf_adds(&sql, ")");
    return prepare(c, &sql, &t->insert, err);
}

sqlite3_stmt *ork_table_get(struct ork_table *t, struct ork_conn *c, ork_err *err)
{
    if (t->get)
        return t->get;
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_adds(&sql, "SELECT ");
    add_columns(&sql, t);
    ork_buf_adds(&sql, " FROM ");
    add_name(&sql, t->name);
    add_where(&sql, t);
    return prepare(c, &sql, &t->get, err);
}

sqlite3_stmt *ork_table_drop(struct ork_table *t, struct ork_conn *c, ork_err *err)
{
    if (t->drop)
        return t->drop;
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_adds(&sql, "DELETE FROM ");
    add_name(&sql, t->name);
    add_where(&sql, t);
    return prepare(c, &sql, &t->drop, err);
}
