/* SPDX-License-Identifier: MIT */
/* The other end of a copy: a page of rows and the note how far it is, in one transaction. And who may be here: a copy
 * registers as a scheduler of a role of its own, so its lock tells others that it lives, and what it leaves when it is
 * killed is a note without a lock: the database stays closed to all but the copy that goes on. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <string.h>

static int refuse_half(struct ork_sqlite *s, const char *source, ork_err *err)
{
    return ork_err_set(err, ORK_ESTATE,
                       "%s is half of a copy of %s: go on with `ork db copy`, the same two named, or use another "
                       "database",
                       s->name, source);
}

/* A row of copy_look or schedulers_list, read before its statement is used again. */
struct other {
    ork_id id;
    int pid;
    char host[128], role[16];
};

static void read_other(struct ork_stmt *st, int id, int host, int pid, int role, struct other *out)
{
    const char *text = (const char *)sqlite3_column_text(st->st, host);
    (void)ork_stmt_get_id(st, id, &out->id);
    (void)snprintf(out->host, sizeof out->host, "%s", text ? text : "?");
    out->pid = sqlite3_column_int(st->st, pid);
    text = role < 0 ? ORK_COPY_ROLE : (const char *)sqlite3_column_text(st->st, role);
    (void)snprintf(out->role, sizeof out->role, "%s", text ? text : "");
}

/* Those who are live by their row and by their lock. */
static bool breathes(struct ork_sqlite *s, const struct other *o)
{
    return !ork_id_eq(&o->id, &s->me) && ork_sqlite_owner_alive(&s->base, &o->id);
}

static int admit_copy(struct ork_sqlite *s, ork_err *err)
{
    struct ork_stmt st;
    struct other o;
    int rc;
    ork_stmt_begin(&st, &s->writer, ORK_Q_schedulers_list);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        read_other(&st, 0, 1, 4, 2, &o);
        if (!breathes(s, &o))
            continue;
        ork_stmt_end(&st);
        bool copies = strcmp(o.role, ORK_COPY_ROLE) == 0;
        return ork_err_set(err, ORK_EBUSY, "%s is %s process %d on %s%s%s%s; a copy wants it for itself: %s", s->name,
                           copies ? "being copied by" : "in use by", o.pid, o.host,
                           copies || !o.role[0] ? "" : " (ork ", copies ? "" : o.role, copies || !o.role[0] ? "" : ")",
                           copies ? "wait until that one has ended"
                                  : "stop that first, or wait until its runs have ended");
    }
    return rc;
}

static int admit_others(struct ork_sqlite *s, ork_err *err)
{
    struct ork_stmt st;
    struct other o;
    int rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_copy_look);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        const char *source = (const char *)sqlite3_column_text(st.st, 0);
        if (source)
            rc = refuse_half(s, source, err);
        else
            read_other(&st, 1, 2, 3, -1, &o);
        if (rc == 1 && breathes(s, &o))
            rc = ork_err_set(err, ORK_EBUSY, "%s is being copied by process %d on %s; wait until that has ended",
                             s->name, o.pid, o.host);
        if (rc < 0) {
            ork_stmt_end(&st);
            return rc;
        }
    }
    return rc;
}

int ork_sqlite_admit(struct ork_sqlite *s, const char *role, ork_err *err)
{
    return role && strcmp(role, ORK_COPY_ROLE) == 0 ? admit_copy(s, err) : admit_others(s, err);
}

/* ---- writing ---- */

static int bind_cell(sqlite3_stmt *st, int at, const struct ork_cell *c)
{
    switch (c->type) {
    case ORK_CELL_INT:
        return sqlite3_bind_int64(st, at, c->i);
    case ORK_CELL_REAL:
        return sqlite3_bind_double(st, at, c->r);
    case ORK_CELL_TEXT:
        return sqlite3_bind_text64(st, at, c->p, c->n, SQLITE_STATIC, SQLITE_UTF8);
    case ORK_CELL_BLOB:
        return sqlite3_bind_blob64(st, at, c->p, c->n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(st, at);
    }
}

static int prepare(struct ork_conn *c, const struct ork_store_table *t, size_t width, sqlite3_stmt **st, ork_err *err)
{
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_addf(&sql, "INSERT INTO \"%s\" (", t->name);
    ork_store_table_columns(t, &sql);
    for (size_t i = 0; i < width; i++)
        ork_buf_adds(&sql, i ? ", ?" : ") VALUES (?");
    ork_buf_adds(&sql, ")");
    ork_store_table_upsert(t, &sql);
    int rc = sqlite3_prepare_v2(c->db, sql.data, -1, st, NULL);
    ork_buf_fini(&sql);
    return rc == SQLITE_OK ? 0 : ork_conn_fail(c, rc, "copying", err);
}

static int put_rows(struct ork_conn *c, const struct ork_store_table *t, const struct ork_rows *rows, ork_err *err)
{
    size_t width = ork_rows_cols(rows), n = ork_rows_len(rows);
    sqlite3_stmt *st = NULL;
    int code = prepare(c, t, width, &st, err);
    for (size_t r = 0; !code && r < n; r++) {
        int rc = SQLITE_OK;
        for (size_t i = 0; rc == SQLITE_OK && i < width; i++)
            rc = bind_cell(st, (int)i + 1, ork_rows_cell(rows, r, i));
        if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_DONE)
            rc = sqlite3_reset(st);
        if (rc != SQLITE_OK)
            code = ork_conn_fail(c, rc, "copying", err);
    }
    (void)sqlite3_finalize(st);
    return code ? ork_err_wrap(err, "table %s", t->name) : 0;
}

static int put_note(struct ork_sqlite *s, const struct ork_copy_note *note, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_copy_note);
    ork_stmt_word(&st, note->source);
    ork_stmt_word(&st, note->progress);
    ork_stmt_time(&st, s->clock->now_ms(s->clock->data));
    return ork_stmt_run(&st, err);
}

struct change {
    const struct ork_store_table *table;
    const struct ork_rows *rows;      /* borrowed, as the next; NULL none */
    const struct ork_copy_note *note; /* NULL: the end */
    uint64_t seq;
};

static int put_end(struct ork_sqlite *s, uint64_t seq, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_seq_raise);
    ork_stmt_int(&st, (int64_t)seq);
    int rc = ork_stmt_run(&st, err);
    return rc ? rc : ork_conn_run(&s->writer, ORK_S_copy_end, err);
}

static int transaction(struct ork_sqlite *s, const struct change *x, ork_err *err)
{
    struct ork_conn *c = &s->writer;
    c->patient = true;
    int rc = ork_sqlite_begin(s, err);
    if (!rc && x->rows)
        rc = put_rows(c, x->table, x->rows, err);
    if (!rc)
        rc = x->note ? put_note(s, x->note, err) : put_end(s, x->seq, err);
    if (!rc)
        rc = ork_sqlite_seal(s, err);
    if (rc)
        ork_sqlite_undo(s);
    return rc;
}

static int change(struct ork_sqlite *s, const struct change *x, ork_err *err)
{
    if (ork_id_is_zero(&s->me))
        return ork_err_set(err, ORK_ESTATE, "only a registered scheduler may write this");
    ork_writer_rest(s);
    ork_turn_take(s->turn_fd);
    if (!s->path)
        uv_mutex_lock(&s->read_lock);
    int rc = transaction(s, x, err);
    if (!s->path)
        uv_mutex_unlock(&s->read_lock);
    ork_turn_drop(s->turn_fd);
    return rc;
}

static int copy_write(ork_store *st, const struct ork_store_table *t, const struct ork_rows *rows,
                      const struct ork_copy_note *note, ork_err *err)
{
    struct change x = {t, rows, note, 0};
    return change(ork_sqlite_of(st), &x, err);
}

static int copy_end(ork_store *st, uint64_t seq, ork_err *err)
{
    struct change x = {NULL, NULL, NULL, seq};
    return change(ork_sqlite_of(st), &x, err);
}

static int copy_note(ork_store *store, char **source, char **progress, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    struct ork_conn *c = ork_sqlite_reader(s, err);
    sqlite3_stmt *st = NULL;
    *source = *progress = NULL;
    if (!c)
        return err->code;
    int rc = sqlite3_prepare_v2(c->db, "SELECT source, progress FROM copies", -1, &st, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        *source = ork_strdup((const char *)sqlite3_column_text(st, 0));
        *progress = ork_strdup((const char *)sqlite3_column_text(st, 1));
    }
    int code = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    ork_sqlite_reader_done(s);
    return code;
}

/* The lock on our file does not fall while we live. */
static int copy_held(ork_store *st, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(st);
    return ork_id_is_zero(&s->me) ? ork_err_set(err, ORK_ESTATE, "no copy is registered") : 0;
}

static void copy_name(const ork_store *st, struct ork_buf *out)
{
    const struct ork_sqlite *s = (const struct ork_sqlite *)(const void *)st;
    ork_buf_addf(out, "%s:%s", st->ops->scheme, s->path || s->keeper ? s->name : ":memory:");
}

const struct ork_copy_ops ork_sqlite_copy = {
    .name = copy_name,
    .count = ork_sqlite_copy_count,
    .read = ork_sqlite_copy_read,
    .write = copy_write,
    .note = copy_note,
    .held = copy_held,
    .end = copy_end,
};
