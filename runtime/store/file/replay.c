/* SPDX-License-Identifier: MIT */
/* The rows of a line, back into the tables. Foreign keys are off: what cascaded is told row by row. A line is one
 * transaction; a row that is not as the line says it was means that the log is not the history of this state. */
#include "store/file/file.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

static int step(struct ork_file *f, sqlite3_stmt *st, const char *table, ork_err *err)
{
    int rc = sqlite3_step(st);
    (void)sqlite3_reset(st);
    if (rc != SQLITE_DONE)
        return ork_conn_fail(&f->db.writer, rc, "using", err);
    if (sqlite3_changes(f->db.writer.db) != 1)
        return ork_err_set(err, ORK_ECORRUPT, "a row of %s that is changed is not there", table);
    return 0;
}

static int insert(struct ork_file *f, struct ork_table *t, const json_t *row, ork_err *err)
{
    sqlite3_stmt *st = ork_table_insert(t, &f->db.writer, err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; !rc && i < t->n; i++)
        rc = ork_cell_bind(st, (int)i + 1, &t->cols[i], json_object_get(row, t->cols[i].name), err);
    return rc ? rc : step(f, st, t->name, err);
}

static int drop(struct ork_file *f, struct ork_table *t, const json_t *key, ork_err *err)
{
    sqlite3_stmt *st = ork_table_drop(t, &f->db.writer, err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; !rc && i < t->n; i++)
        if (t->cols[i].key)
            rc = ork_cell_bind(st, (int)i + 1, &t->cols[i], json_object_get(key, t->cols[i].name), err);
    return rc ? rc : step(f, st, t->name, err);
}

/* Which columns change differs from line to line, so this statement is made anew when they do. */
static int prepare_update(struct ork_file *f, struct ork_table *t, const json_t *set, ork_err *err)
{
    struct ork_buf sql = ORK_BUF_INIT;
    const char *sep = " SET ";
    ork_buf_addf(&sql, "UPDATE \"%s\"", t->name);
    for (size_t i = 0; i < t->n; i++) {
        if (!json_object_get(set, t->cols[i].name))
            continue;
        ork_buf_addf(&sql, "%s\"%s\" = ?%zu", sep, t->cols[i].name, i + 1);
        sep = ", ";
    }
    sep = " WHERE ";
    for (size_t i = 0; i < t->n; i++) {
        if (!t->cols[i].key)
            continue;
        ork_buf_addf(&sql, "%s\"%s\" = ?%zu", sep, t->cols[i].name, i + 1);
        sep = " AND ";
    }
    int rc = 0;
    if (!t->update || strcmp(sqlite3_sql(t->update), sql.data) != 0) {
        (void)sqlite3_finalize(t->update);
        t->update = NULL;
        rc = sqlite3_prepare_v2(f->db.writer.db, sql.data, -1, &t->update, NULL);
    }
    ork_buf_fini(&sql);
    return rc == SQLITE_OK ? 0 : ork_conn_fail(&f->db.writer, rc, "using", err);
}

static int update(struct ork_file *f, struct ork_table *t, const json_t *key, const json_t *set, ork_err *err)
{
    if (json_object_size(set) == 0)
        return 0;
    int rc = prepare_update(f, t, set, err);
    for (size_t i = 0; !rc && i < t->n; i++) {
        const json_t *v = json_object_get(t->cols[i].key ? key : set, t->cols[i].name);
        if (v)
            rc = ork_cell_bind(t->update, (int)i + 1, &t->cols[i], v, err);
    }
    return rc ? rc : step(f, t->update, t->name, err);
}

static int apply(struct ork_file *f, const json_t *row, ork_err *err)
{
    const char *name = json_string_value(json_array_get(row, 0)), *op = json_string_value(json_array_get(row, 1));
    const json_t *what = json_array_get(row, 2), *set = json_array_get(row, 3);
    struct ork_table *t = ork_tables_find(&f->tables, name);
    if (!t)
        return ork_err_set(err, ORK_ECORRUPT, "it names a table %s, which there is none of",
                           name ? name : "without name");
    switch (op ? *op : 0) {
    case 'i':
        return insert(f, t, what, err);
    case 'u':
        return update(f, t, what, set, err);
    case 'd':
        return drop(f, t, what, err);
    default:
        return ork_err_set(err, ORK_ECORRUPT, "it holds a change that this Ork does not know");
    }
}

int ork_replay(struct ork_file *f, json_t *rows, ork_err *err)
{
    struct ork_conn *c = &f->db.writer;
    size_t n = json_array_size(rows);
    int rc = ork_conn_run(c, ORK_S_begin, err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = apply(f, json_array_get(rows, i), err);
    if (!rc)
        rc = ork_conn_run(c, ORK_S_commit, err);
    ork_conn_rollback(c);
    return rc;
}
