/* SPDX-License-Identifier: MIT */
/* A row as the original's readers take it: ids hyphenated, times RFC 3339, JSON as itself, flags true or false. A
 * member per line, for people; their values are canonical. */
#include "base/err.h"
#include "store/file/tree.h"
#include <string.h>

enum ork_tree_form ork_tree_form(const char *column)
{
    static const char *const json[] = {"task_params",      "params",        "output",  "depends_on", "tasks_json",
                                       "job_data",         "signature",     "options", "source",     "params_schema",
                                       "schedule_options", "schedule_note", "part"};
    size_t n = strlen(column);
    if (strcmp(column, "schedule_enabled") == 0)
        return ORK_TREE_BOOL;
    if ((n > 3 && strcmp(column + n - 3, "_at") == 0) || strcmp(column, "scheduled_for") == 0)
        return ORK_TREE_TIME;
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        if (strcmp(column, json[i]) == 0)
            return ORK_TREE_JSON;
    return ORK_TREE_PLAIN;
}

static int add_text(struct ork_buf *out, const char *column, const char *p, size_t n, ork_err *err)
{
    enum ork_tree_form form = ork_tree_form(column);
    json_t *v;
    int64_t ms;
    char time[32];
    if (form == ORK_TREE_JSON && ork_json_parse(p, n, &v, NULL) == 0) {
        int rc = ork_json_write(v, out, err);
        json_decref(v);
        return rc;
    }
    if (form == ORK_TREE_TIME && ork_time_parse(p, n, &ms, NULL) == 0) {
        ork_time_format(ms, time);
        ork_buf_json(out, time, strlen(time));
        return 0;
    }
    ork_buf_json(out, p, n);
    return 0;
}

static int add_value(struct ork_buf *out, const char *column, sqlite3_stmt *row, int i, ork_err *err)
{
    char id[ORK_ID_TEXT];
    switch (sqlite3_column_type(row, i)) {
    case SQLITE_INTEGER:
        if (ork_tree_form(column) == ORK_TREE_BOOL)
            ork_buf_adds(out, sqlite3_column_int(row, i) ? "true" : "false");
        else
            ork_buf_addf(out, "%lld", (long long)sqlite3_column_int64(row, i));
        return 0;
    case SQLITE_FLOAT:
        return ork_json_write_real(sqlite3_column_double(row, i), out, err);
    case SQLITE_TEXT:
        return add_text(out, column, (const char *)sqlite3_column_text(row, i), (size_t)sqlite3_column_bytes(row, i),
                        err);
    case SQLITE_BLOB:
        if (sqlite3_column_bytes(row, i) == sizeof(ork_id)) {
            ork_id_format(sqlite3_column_blob(row, i), id);
            ork_buf_json(out, id, strlen(id));
            return 0;
        }
    /* fall through */
    default:
        ork_buf_adds(out, "null");
        return 0;
    }
}

int ork_tree_row(struct ork_buf *out, const struct ork_table *t, sqlite3_stmt *row, int indent, ork_err *err)
{
    int rc = 0;
    ork_buf_addc(out, '{');
    for (size_t i = 0; !rc && i < t->n; i++) {
        ork_buf_addf(out, "%s\n%*s", i ? "," : "", indent, "");
        ork_buf_json(out, t->cols[i].name, strlen(t->cols[i].name));
        ork_buf_adds(out, ": ");
        rc = add_value(out, t->cols[i].name, row, (int)i, err);
    }
    ork_buf_addf(out, "\n%*s}", indent - 2, "");
    return rc;
}
