/* SPDX-License-Identifier: MIT */
/* A page of rows and the note how far it is, in one transaction on the writer's connection, whose session holds the
 * lock that says this copy lives. Rows go as arrays, one per column, which unnest makes rows of: one statement a page.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/array.h"
#include "store/postgres/copy.h"
#include "store/rows.h"

/* How a column is sent, and what makes of it what it is there. */
static const struct {
    int type;
    const char *name, *form; /* form: around the value, %s */
} sent[] = {
    [ORK_COLUMN_ID] = {ORK_PG_UUID, "uuid", "%s"},
    [ORK_COLUMN_TIME] = {ORK_PG_TIME, "timestamptz", "%s"},
    [ORK_COLUMN_JSON] = {ORK_PG_JSONB, "jsonb", "%s"},
    [ORK_COLUMN_LIST] = {ORK_PG_JSONB, "jsonb", "ARRAY(SELECT jsonb_array_elements_text(%s))"},
    [ORK_COLUMN_BOOL] = {ORK_PG_BOOL, "boolean", "%s"},
    [ORK_COLUMN_INT] = {ORK_PG_INT8, "bigint", "%s"},
    [ORK_COLUMN_REAL] = {ORK_PG_TEXT, "text", "%s::double precision"},
    [ORK_COLUMN_TEXT] = {ORK_PG_TEXT, "text", "%s"},
};

static void insert_text(const struct ork_store_table *t, size_t width, struct ork_buf *sql)
{
    ork_buf_addf(sql, "INSERT INTO \"%s\" (", t->name);
    ork_store_table_columns(t, sql);
    ork_buf_adds(sql, ") SELECT ");
    for (size_t i = 0; i < width; i++) {
        const char *form = sent[ork_store_table_column(t, i)->kind].form, *at = strstr(form, "%s");
        ork_buf_addf(sql, "%s%.*sc%zu%s", i ? ", " : "", (int)(at - form), form, i + 1, at + 2);
    }
    ork_buf_adds(sql, " FROM unnest(");
    for (size_t i = 0; i < width; i++)
        ork_buf_addf(sql, "%s$%zu::%s[]", i ? ", " : "", i + 1, sent[ork_store_table_column(t, i)->kind].name);
    for (size_t i = 0; i < width; i++)
        ork_buf_addf(sql, "%sc%zu", i ? ", " : ") AS u (", i + 1);
    ork_buf_addc(sql, ')');
    ork_store_table_upsert(t, sql);
}

static int add_cell(struct ork_array *a, enum ork_column_kind kind, const struct ork_cell *c, ork_err *err)
{
    char real[40];
    int64_t ms;
    if (c->type == ORK_CELL_NULL) {
        ork_array_null(a);
        return 0;
    }
    switch (kind) {
    case ORK_COLUMN_ID:
        ork_array_bytes(a, c->p, c->n);
        return 0;
    case ORK_COLUMN_TIME:
        if (ork_time_parse(c->p, c->n, &ms, err))
            return err->code = ORK_EDATA;
        ork_array_instant(a, ms);
        return 0;
    case ORK_COLUMN_BOOL:
        ork_array_bool(a, c->i);
        return 0;
    case ORK_COLUMN_INT:
        ork_array_int(a, c->i);
        return 0;
    case ORK_COLUMN_REAL:
        ork_array_word(a, real, (size_t)snprintf(real, sizeof real, "%.17g", c->r));
        return 0;
    default:
        return ork_array_text(a, (struct ork_text){c->p, c->n}, err);
    }
}

static int fill(struct ork_array *arrays, const struct ork_store_table *t, const struct ork_rows *rows, ork_err *err)
{
    size_t width = ork_rows_cols(rows), n = ork_rows_len(rows);
    for (size_t i = 0; i < width; i++) {
        const struct ork_store_column *col = ork_store_table_column(t, i);
        ork_array_clear(&arrays[i], sent[col->kind].type);
        for (size_t r = 0; r < n; r++) {
            int rc = add_cell(&arrays[i], col->kind, ork_rows_cell(rows, r, i), err);
            if (rc)
                return ork_err_wrap(err, "column %s", col->name);
        }
    }
    return 0;
}

static int put_rows(struct ork_link *l, const struct ork_store_table *t, const struct ork_rows *rows, ork_err *err)
{
    size_t width = ork_rows_cols(rows);
    struct ork_array *arrays = ork_zalloc(width * sizeof *arrays);
    struct ork_buf sql = ORK_BUF_INIT;
    struct ork_stmt st;
    insert_text(t, width, &sql);
    ork_stmt_begin_sql(&st, l, sql.data);
    int rc = fill(arrays, t, rows, err);
    for (size_t i = 0; !rc && i < width; i++) {
        struct ork_text whole = ork_array_finish(&arrays[i]);
        ork_stmt_bytes(&st, whole.p, whole.n);
    }
    if (!rc)
        rc = ork_stmt_ask(&st, err);
    ork_stmt_end(&st);
    for (size_t i = 0; i < width; i++)
        ork_buf_fini(&arrays[i].b);
    ork_free(arrays);
    ork_buf_fini(&sql);
    return rc < 0 ? ork_err_wrap(err, "table %s", t->name) : 0;
}

struct change {
    const struct ork_store_table *table;
    const struct ork_rows *rows;      /* borrowed, as the next; NULL none */
    const struct ork_copy_note *note; /* NULL: the end */
    uint64_t seq;
};

static int check_fence(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_copy_fence);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_ask(&st, err);
    ork_stmt_end(&st);
    if (rc == 0)
        return ork_err_set(err, ORK_EFENCED, "%s: this copy was taken for dead, others may have worked there since",
                           s->shown);
    return rc < 0 ? rc : 0;
}

static int put_note(struct ork_postgres *s, const struct change *x, ork_err *err)
{
    struct ork_stmt st;
    int rc;
    if (x->note) {
        ork_stmt_begin(&st, &s->write, ORK_S_copy_note);
        ork_stmt_word(&st, x->note->source);
        ork_stmt_word(&st, x->note->progress);
        return ork_stmt_queue(&st, err);
    }
    ork_stmt_begin(&st, &s->write, ORK_S_seq_raise);
    ork_stmt_int(&st, (int64_t)x->seq);
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_copy_end);
    return ork_stmt_queue(&st, err);
}

static int queue(struct ork_link *l, int which, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, l, which);
    return ork_stmt_queue(&st, err);
}

static int transaction(struct ork_postgres *s, const struct change *x, ork_err *err)
{
    int rc = queue(&s->write, ORK_S_begin, err);
    if (!rc)
        rc = check_fence(s, err);
    if (!rc && x->rows)
        rc = put_rows(&s->write, x->table, x->rows, err);
    if (!rc)
        rc = put_note(s, x, err);
    if (!rc)
        rc = queue(&s->write, ORK_S_commit, err);
    return rc ? rc : ork_link_sync(&s->write, err);
}

static void roll_back(struct ork_link *l)
{
    ork_err own;
    if (ork_link_is_up(l))
        (void)ork_link_sync(l, &own);
    if (ork_link_is_up(l) && (queue(l, ORK_S_rollback, &own) || ork_link_sync(l, &own)))
        ork_link_drop(l);
}

static int change(struct ork_postgres *s, const struct change *x, ork_err *err)
{
    if (!ork_pg_registered(s))
        return ork_err_set(err, ORK_ESTATE, "only a registered scheduler may write this");
    int rc = ork_pg_rest(s, err);
    if (!rc)
        rc = ork_pg_session(s, err);
    if (rc)
        return rc;
    rc = transaction(s, x, err);
    if (rc)
        roll_back(&s->write);
    ork_pg_writer_wake(s); /* waits on the socket anew */
    return rc;
}

static int copy_write(ork_store *st, const struct ork_store_table *t, const struct ork_rows *rows,
                      const struct ork_copy_note *note, ork_err *err)
{
    struct change x = {t, rows, note, 0};
    return change(ork_pg_of(st), &x, err);
}

/* The planner knows nothing of tables that were just filled. */
static int copy_end(ork_store *store, uint64_t seq, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct change x = {NULL, NULL, NULL, seq};
    int rc = change(s, &x, err);
    for (size_t i = 0; !rc && i < ork_store_tables_len; i++) {
        struct ork_stmt st;
        ork_err own;
        char sql[80];
        (void)snprintf(sql, sizeof sql, "ANALYZE \"%s\"", ork_store_tables[i].name);
        if (ork_stmt_select(&st, &s->here, sql, &own) < 0)
            ork_log_debug(&s->log, "not analyzed table=%s error=%s", ork_store_tables[i].name, ORK_LOG_VALUE(own.msg));
        ork_stmt_end(&st);
    }
    return rc;
}

static int copy_note(ork_store *store, char **source, char **progress, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_stmt st;
    *source = *progress = NULL;
    int rc = ork_pg_here(s, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->here, ORK_S_copy_get);
    rc = ork_stmt_alone(&st, err);
    if (rc > 0) {
        *source = ork_strdup(ork_stmt_get_text(&st, 0, 0));
        *progress = ork_strdup(ork_stmt_get_text(&st, 0, 1));
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int copy_held(ork_store *store, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    int rc = ork_pg_rest(s, err);
    if (!rc)
        rc = ork_pg_session(s, err);
    if (rc)
        return rc;
    rc = check_fence(s, err);
    int end = ork_link_is_up(&s->write) ? ork_link_sync(&s->write, rc ? NULL : err) : 0;
    ork_pg_writer_wake(s);
    return rc ? rc : end;
}

static void copy_name(const ork_store *st, struct ork_buf *out)
{
    ork_buf_adds(out, ((const struct ork_postgres *)(const void *)st)->shown);
}

const struct ork_copy_ops ork_pg_copy = {
    .name = copy_name,
    .count = ork_pg_copy_count,
    .read = ork_pg_copy_read,
    .write = copy_write,
    .note = copy_note,
    .held = copy_held,
    .end = copy_end,
};
