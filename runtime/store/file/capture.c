/* SPDX-License-Identifier: MIT */
/* What a transaction changed, by SQLite's session extension: the net change of each row, cascades of foreign keys
 * included, so that many changes of one row in a batch are one.
 *
 *   ["tasks","d",{key}]                a row is gone
 *   ["tasks","u",{key},{columns}]      these columns have new values
 *   ["tasks","i",{row}]                a row is new
 *
 * Order: all d, then all u, then all i. That is an order in which no row is in another's way, because a row whose
 * column of a unique index changed is told as gone and new.
 *
 * The extension is looked up when it is needed: not every SQLite has it. */
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include "store/file/file.h"
#include "base/err.h"
#include <string.h>

#pragma weak sqlite3session_create
#pragma weak sqlite3session_attach
#pragma weak sqlite3session_changeset
#pragma weak sqlite3session_delete
#pragma weak sqlite3changeset_start
#pragma weak sqlite3changeset_next
#pragma weak sqlite3changeset_op
#pragma weak sqlite3changeset_old
#pragma weak sqlite3changeset_new
#pragma weak sqlite3changeset_finalize

int ork_capture_begin(struct ork_file *f, ork_err *err)
{
    if (!sqlite3session_create)
        return ork_err_set(err, ORK_EENV,
                           "this machine's SQLite (%s) is built without the session extension, which file:DIR needs; "
                           "use sqlite:PATH",
                           sqlite3_libversion());
    int rc = sqlite3session_create(f->db.writer.db, "main", &f->session);
    if (rc == SQLITE_OK)
        rc = sqlite3session_attach(f->session, NULL);
    if (rc == SQLITE_OK)
        return 0;
    ork_capture_end(f);
    return ork_conn_fail(&f->db.writer, rc, "using", err);
}

void ork_capture_end(struct ork_file *f)
{
    if (f->session)
        sqlite3session_delete(f->session);
    f->session = NULL;
}

struct change {
    sqlite3_changeset_iter *it;
    struct ork_table *table;
    int op;
    bool moved; /* an UPDATE of a column that must be unique */
};

/* Values of a column; NULL: not told. */
static sqlite3_value *value(const struct change *c, size_t col, bool old)
{
    sqlite3_value *v = NULL;
    int rc = old ? sqlite3changeset_old(c->it, (int)col, &v) : sqlite3changeset_new(c->it, (int)col, &v);
    return rc == SQLITE_OK ? v : NULL;
}

/* Those columns of which there is something to tell, as members of an object. */
static int add_members(struct ork_buf *out, const struct change *c, bool old, bool keys, ork_err *err)
{
    const char *sep = "{";
    int rc = 0;
    for (size_t i = 0; !rc && i < c->table->n; i++) {
        sqlite3_value *v = c->table->cols[i].key == keys || c->op == SQLITE_INSERT ? value(c, i, old) : NULL;
        if (!v || (c->op == SQLITE_INSERT && sqlite3_value_type(v) == SQLITE_NULL))
            continue;
        ork_buf_adds(out, sep);
        rc = ork_cell_write(out, &c->table->cols[i], v, err);
        sep = ",";
    }
    ork_buf_adds(out, *sep == '{' ? "{}" : "}");
    return rc;
}

static void add_head(struct ork_buf *out, const struct change *c, char op, bool *any)
{
    ork_buf_adds(out, *any ? ",[" : "[");
    *any = true;
    ork_buf_json(out, c->table->name, strlen(c->table->name));
    ork_buf_addf(out, ",\"%c\",", op);
}

/* A row that moved, as it is now. */
static int add_row(struct ork_file *f, struct ork_buf *out, const struct change *c, ork_err *err)
{
    sqlite3_stmt *st = ork_table_get(c->table, &f->db.writer, err);
    const char *sep = "{";
    int rc = st ? 0 : err->code;
    for (size_t i = 0; !rc && i < c->table->n; i++)
        if (c->table->cols[i].key && sqlite3_bind_value(st, (int)i + 1, value(c, i, true)) != SQLITE_OK)
            rc = ork_err_set(err, ORK_EDB, "a key cannot be bound");
    if (!rc && sqlite3_step(st) != SQLITE_ROW)
        rc = ork_err_set(err, ORK_EDB, "a changed row of %s is not there", c->table->name);
    for (size_t i = 0; !rc && i < c->table->n; i++) {
        sqlite3_value *v = sqlite3_column_value(st, (int)i);
        if (sqlite3_value_type(v) == SQLITE_NULL)
            continue;
        ork_buf_adds(out, sep);
        rc = ork_cell_write(out, &c->table->cols[i], v, err);
        sep = ",";
    }
    ork_buf_addc(out, '}');
    if (st)
        (void)sqlite3_reset(st);
    return rc;
}

static bool has_moved(const struct change *c)
{
    for (size_t i = 0; i < c->table->n; i++)
        if (c->table->cols[i].unique && !c->table->cols[i].key && value(c, i, false))
            return true;
    return false;
}

static int add_change(struct ork_file *f, struct ork_buf *out, struct change *c, char pass, bool *any, ork_err *err)
{
    int rc = 0;
    c->moved = c->op == SQLITE_UPDATE && has_moved(c);
    if (pass == 'd' && (c->op == SQLITE_DELETE || c->moved)) {
        add_head(out, c, 'd', any);
        rc = add_members(out, c, true, true, err);
    } else if (pass == 'u' && c->op == SQLITE_UPDATE && !c->moved) {
        add_head(out, c, 'u', any);
        rc = add_members(out, c, true, true, err);
        ork_buf_addc(out, ',');
        if (!rc)
            rc = add_members(out, c, false, false, err);
    } else if (pass == 'i' && (c->op == SQLITE_INSERT || c->moved)) {
        add_head(out, c, 'i', any);
        rc = c->moved ? add_row(f, out, c, err) : add_members(out, c, false, false, err);
    } else {
        return 0;
    }
    ork_buf_addc(out, ']');
    return rc;
}

static int add_pass(struct ork_file *f, struct ork_buf *out, void *set, int n, char pass, bool *any, ork_err *err)
{
    struct change c = {0};
    int rc = sqlite3changeset_start(&c.it, n, set), code = 0;
    while (rc == SQLITE_OK && !code && (rc = sqlite3changeset_next(c.it)) == SQLITE_ROW) {
        const char *name;
        int cols, indirect;
        rc = sqlite3changeset_op(c.it, &name, &cols, &c.op, &indirect);
        c.table = ork_tables_find(&f->tables, name);
        if (rc == SQLITE_OK && c.table && (size_t)cols == c.table->n)
            code = add_change(f, out, &c, pass, any, err);
        else
            code = ork_err_set(err, ORK_EDB, "table %s is not as it was when the database was opened", name);
    }
    (void)sqlite3changeset_finalize(c.it);
    return code ? code : rc == SQLITE_DONE || rc == SQLITE_OK ? 0 : ork_conn_fail(&f->db.writer, rc, "using", err);
}

int ork_capture_rows(struct ork_file *f, struct ork_buf *out, bool *any, ork_err *err)
{
    void *set = NULL;
    int n = 0, rc = sqlite3session_changeset(f->session, &n, &set), code = 0;
    *any = false;
    if (rc != SQLITE_OK)
        return ork_conn_fail(&f->db.writer, rc, "using", err);
    ork_buf_addc(out, '[');
    for (const char *pass = "dui"; !code && *pass; pass++)
        code = add_pass(f, out, set, n, *pass, any, err);
    ork_buf_addc(out, ']');
    sqlite3_free(set);
    return code;
}
