/* SPDX-License-Identifier: MIT */
/* Reads run on their own connection, so they never wait for a commit and a commit never waits for them. One at a time:
 * a result is copied out whole, and no read transaction outlives its query (a long one would keep the WAL from being
 * reused). */
#include "base/alloc.h"
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/rows.h"
#include <string.h>

struct ork_conn *ork_sqlite_reader(struct ork_sqlite *s, ork_err *err)
{
    uv_mutex_lock(&s->read_lock);
    if (!s->path) {
        s->writer.patient = true;
        if (s->keeper && s->keeper->refresh(s, err)) {
            uv_mutex_unlock(&s->read_lock);
            return NULL;
        }
        return &s->writer;
    }
    if (!s->reader_open) {
        if (ork_conn_open(&s->reader, s->path, ORK_CONN_READ, &s->log, err)) {
            uv_mutex_unlock(&s->read_lock);
            return NULL;
        }
        s->reader_open = true;
    }
    return &s->reader;
}

void ork_sqlite_reader_done(struct ork_sqlite *s)
{
    uv_mutex_unlock(&s->read_lock);
}

/* Lists of runs differ by the index that fits. */
static int statement_of(enum ork_query q, const struct ork_param *params, size_t n)
{
    if (q != ORK_Q_runs_list || n < 2)
        return (int)q;
    bool workflow = params[0].type != ORK_CELL_NULL, status = params[1].type != ORK_CELL_NULL;
    return workflow && status ? ORK_S_runs_list_of_both
           : workflow         ? ORK_S_runs_list_of_workflow
           : status           ? ORK_S_runs_list_of_status
                              : (int)q;
}

/* What a person typed of a run's id, as ranges that an index can serve (runs_match.sql). No digits: ranges that hold
 * nothing. */
struct match {
    ork_id low, high;
    char end[9];
    struct ork_param params[5];
};

static bool all_hex(const struct ork_param *p, size_t max)
{
    if (p->type != ORK_CELL_TEXT || p->n == 0 || p->n > max)
        return false;
    return strspn(p->p, "0123456789abcdef") >= p->n;
}

static void match_fill(struct match *m, const struct ork_param *given)
{
    memset(m, 0, sizeof *m);
    memset(all_hex(&given[0], 32) ? m->high.b : m->low.b, 0xff, sizeof m->low.b);
    for (size_t i = 0; all_hex(&given[0], 32) && i < given[0].n; i++) {
        char c = given[0].p[i];
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10), shift = i % 2 ? 0 : 4;
        m->low.b[i / 2] = (uint8_t)(m->low.b[i / 2] | digit << shift);
        m->high.b[i / 2] = (uint8_t)((m->high.b[i / 2] & ~(15u << shift)) | digit << shift);
    }
    size_t n = all_hex(&given[1], 32) ? given[1].n : 0;
    for (size_t i = 0; i < n && i < 8; i++) {
        char c = given[1].p[n - 1 - i];
        m->end[i] = (char)(c >= 'a' ? c - 'a' + 'A' : c);
    }
    m->params[0] = (struct ork_param){ORK_CELL_BLOB, 0, (char *)m->low.b, 16};
    m->params[1] = (struct ork_param){ORK_CELL_BLOB, 0, (char *)m->high.b, 16};
    m->params[2] = n ? (struct ork_param){ORK_CELL_TEXT, 0, m->end, strlen(m->end)} : ORK_P_NULL;
    m->params[3] = given[1];
    m->params[4] = given[2];
}

static void bind_param(struct ork_stmt *st, const struct ork_param *p)
{
    switch (p->type) {
    case ORK_CELL_INT:
        ork_stmt_int(st, p->i);
        break;
    case ORK_CELL_TEXT:
        ork_stmt_text(st, (struct ork_text){p->p, p->n});
        break;
    case ORK_CELL_BLOB: {
        ork_id id = {{0}};
        if (p->n == sizeof id.b)
            memcpy(id.b, p->p, sizeof id.b);
        ork_stmt_blob(st, &id);
        break;
    }
    default:
        ork_stmt_null(st);
    }
}

static void add_row(struct ork_rows *rows, sqlite3_stmt *st, int cols)
{
    struct ork_cell *row = ork_rows_add(rows);
    for (int i = 0; i < cols; i++) {
        switch (sqlite3_column_type(st, i)) {
        case SQLITE_INTEGER:
            row[i].type = ORK_CELL_INT;
            row[i].i = sqlite3_column_int64(st, i);
            break;
        case SQLITE_FLOAT:
            row[i].type = ORK_CELL_REAL;
            row[i].r = sqlite3_column_double(st, i);
            break;
        case SQLITE_TEXT:
            ork_rows_keep(rows, (size_t)i, ORK_CELL_TEXT, sqlite3_column_text(st, i),
                          (size_t)sqlite3_column_bytes(st, i));
            break;
        case SQLITE_BLOB:
            ork_rows_keep(rows, (size_t)i, ORK_CELL_BLOB, sqlite3_column_blob(st, i),
                          (size_t)sqlite3_column_bytes(st, i));
            break;
        default:
            break;
        }
    }
}

static int collect(struct ork_conn *c, enum ork_query q, const struct ork_param *params, size_t n,
                   struct ork_rows **out, ork_err *err)
{
    struct ork_stmt st;
    struct match match;
    if (q == ORK_Q_runs_match && n == 3) {
        match_fill(&match, params);
        params = match.params;
        n = 5;
    }
    ork_stmt_begin(&st, c, statement_of(q, params, n));
    if (st.rc)
        return ork_err_set(err, st.rc, "%s", st.why.msg);
    if ((int)n != sqlite3_bind_parameter_count(st.st))
        return ork_err_set(err, ORK_EINVAL, "query %d takes %d parameters, not %zu", (int)q,
                           sqlite3_bind_parameter_count(st.st), n);
    for (size_t i = 0; i < n; i++)
        bind_param(&st, &params[i]);
    int cols = sqlite3_column_count(st.st), rc;
    struct ork_rows *rows = ork_rows_new((size_t)cols);
    for (int i = 0; i < cols; i++)
        ork_rows_name(rows, (size_t)i, sqlite3_column_name(st.st, i));
    while ((rc = ork_stmt_step(&st, err)) == 1)
        add_row(rows, st.st, cols);
    if (rc) {
        ork_rows_free(rows);
        return rc;
    }
    *out = rows;
    return 0;
}

/* The loop's own question while no thread commits, before anybody needed the reading connection: a program that runs
 * one script and ends never opens it (a schema less to read). */
static bool writer_is_idle(const struct ork_sqlite *s)
{
    bool committed = !s->batch || uv_is_active((const uv_handle_t *)&s->check);
    return s->path && !s->reader_open && !s->reads && committed && s->phase == ORK_STORE_OPEN && s->writer.db;
}

static int run(struct ork_sqlite *s, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
               ork_err *err)
{
    struct ork_conn *c = ork_sqlite_reader(s, err);
    if (!c)
        return err->code;
    int rc = collect(c, q, params, n, out, err);
    ork_sqlite_reader_done(s);
    return rc;
}

int ork_sqlite_query(ork_store *store, enum ork_query q, const struct ork_param *params, size_t n,
                     struct ork_rows **out, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    ork_err own;
    if (!err)
        err = &own;
    if (!writer_is_idle(s))
        return run(s, q, params, n, out, err);
    s->writer.patient = true;
    return collect(&s->writer, q, params, n, out, err);
}

struct request {
    uv_work_t work;
    struct ork_sqlite *store; /* borrowed */
    enum ork_query q;
    ork_read_cb cb;
    void *data;
    int code;
    ork_err err;
    struct ork_rows *rows;
    size_t n;
    struct ork_param params[]; /* texts follow */
};

static void on_pool(uv_work_t *w)
{
    struct request *r = w->data;
    r->code = run(r->store, r->q, r->params, r->n, &r->rows, &r->err);
}

static void after_pool(uv_work_t *w, int status)
{
    struct request *r = w->data;
    struct ork_sqlite *s = r->store;
    (void)status;
    s->reads--;
    r->cb(r->data, r->code, r->code ? &r->err : NULL, r->rows);
    ork_free(r);
    ork_sqlite_close_step(s);
}

void ork_sqlite_read(ork_store *store, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb,
                     void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    size_t texts = 0;
    for (size_t i = 0; i < n; i++)
        texts += params[i].type == ORK_CELL_TEXT || params[i].type == ORK_CELL_BLOB ? params[i].n : 0;
    struct request *r = ork_zalloc(sizeof *r + n * sizeof *params + texts);
    char *at = (char *)(r->params + n);
    for (size_t i = 0; i < n; i++) {
        r->params[i] = params[i];
        if ((params[i].type == ORK_CELL_TEXT || params[i].type == ORK_CELL_BLOB) && params[i].p) {
            memcpy(at, params[i].p, params[i].n);
            r->params[i].p = at;
            at += params[i].n;
        }
    }
    r->work.data = r;
    r->store = s;
    r->q = q;
    r->cb = cb;
    r->data = data;
    r->n = n;
    s->reads++;
    (void)uv_queue_work(s->loop, &r->work, on_pool, after_pool);
}
