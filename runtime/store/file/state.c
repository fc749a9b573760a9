/* SPDX-License-Identifier: MIT */
/* A new log: all that memory holds, as rows, and then nothing. It is written aside and renamed when it is whole and on
 * the disk, so at every instant there is one log, old or new, that holds everything. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/file/file.h"
#include "store/file/line.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES (256u << 10) /* a line ends after the row that makes it longer */

struct out {
    struct ork_file *file;
    int fd;
    uint64_t n;
    off_t size;
    struct ork_buf line;
    bool any; /* the line has a row */
};

static int put_line(struct out *o, ork_err *err)
{
    ork_line_end(&o->line);
    const char *p = o->line.data;
    for (size_t left = o->line.len; left > 0;) {
        ssize_t w = write(o->fd, p, left);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return ork_err_errno(err, errno, "writing %s", o->file->log_path);
        p += w;
        left -= (size_t)w;
    }
    o->size += (off_t)o->line.len;
    o->n++;
    return 0;
}

static int put_rows(struct out *o, ork_err *err)
{
    if (!o->any)
        return 0;
    o->any = false;
    ork_buf_addc(&o->line, ']');
    return put_line(o, err);
}

static int add_row(struct out *o, const struct ork_table *t, sqlite3_stmt *st, ork_err *err)
{
    const char *sep = "{";
    int rc = 0;
    if (!o->any) {
        ork_line_begin(&o->line, o->n + 1);
        ork_buf_adds(&o->line, ",\"rows\":[");
    }
    ork_buf_adds(&o->line, o->any ? ",[" : "[");
    o->any = true;
    ork_buf_json(&o->line, t->name, strlen(t->name));
    ork_buf_adds(&o->line, ",\"i\",");
    for (size_t i = 0; !rc && i < t->n; i++) {
        sqlite3_value *v = sqlite3_column_value(st, (int)i);
        if (sqlite3_value_type(v) == SQLITE_NULL)
            continue;
        ork_buf_adds(&o->line, sep);
        rc = ork_cell_write(&o->line, &t->cols[i], v, err);
        sep = ",";
    }
    ork_buf_adds(&o->line, "}]");
    return rc || o->line.len < LINE_BYTES ? rc : put_rows(o, err);
}

static int put_table(struct out *o, const struct ork_table *t, ork_err *err)
{
    struct ork_conn *c = &o->file->db.writer;
    struct ork_buf sql = ORK_BUF_INIT;
    sqlite3_stmt *st = NULL;
    int code = 0;
    ork_buf_adds(&sql, "SELECT ");
    for (size_t i = 0; i < t->n; i++)
        ork_buf_addf(&sql, "%s\"%s\"", i ? ", " : "", t->cols[i].name);
    ork_buf_addf(&sql, " FROM \"%s\"", t->name);
    int rc = sqlite3_prepare_v2(c->db, sql.data, -1, &st, NULL);
    ork_buf_fini(&sql);
    while (rc == SQLITE_OK && !code && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        code = add_row(o, t, st, err);
        rc = SQLITE_OK;
    }
    if (!code && rc != SQLITE_DONE)
        code = ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    return code;
}

/* Numbers that must not come again although the rows that had them are gone. */
int ork_state_sequences(struct ork_file *f, struct ork_buf *out, ork_err *err)
{
    struct ork_conn *c = &f->db.writer;
    sqlite3_stmt *st = NULL;
    const char *sep = "";
    int64_t any;
    if (ork_conn_int(c, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'", &any, err))
        return err->code;
    ork_buf_addc(out, '{');
    if (!any) { /* an old schema */
        ork_buf_addc(out, '}');
        return 0;
    }
    int rc = sqlite3_prepare_v2(c->db, "SELECT name, seq FROM sqlite_sequence", -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        ork_buf_adds(out, sep);
        ork_buf_json(out, (const char *)sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        ork_buf_addf(out, ":%lld", (long long)sqlite3_column_int64(st, 1));
        sep = ",";
        rc = SQLITE_OK;
    }
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    ork_buf_addc(out, '}');
    return code;
}

static int put_all(struct out *o, int schema, bool tree, ork_err *err)
{
    ork_line_begin(&o->line, 1);
    ork_buf_addf(&o->line, ",\"ork\":\"file\",\"format\":1,\"schema\":%d,\"version\":\"%s\"", schema, ork_version());
    int rc = put_line(o, err);
    for (size_t i = 0; !rc && i < o->file->tables.n; i++)
        rc = put_table(o, &o->file->tables.items[i], err);
    if (!rc)
        rc = put_rows(o, err);
    if (rc)
        return rc;
    ork_line_begin(&o->line, o->n + 1);
    ork_buf_adds(&o->line, ",\"whole\":true,\"sequences\":");
    rc = ork_state_sequences(o->file, &o->line, err);
    ork_buf_addf(&o->line, ",\"tree\":%s", tree ? "true" : "false");
    return rc ? rc : put_line(o, err);
}

static int replace(struct ork_file *f, struct out *o, ork_err *err)
{
    ork_file_step("state");
    if (fdatasync(o->fd) != 0)
        return ork_err_errno(err, errno, "writing %s", f->log_path);
    ork_file_step("state synced");
    if (renameat(f->dir_fd, "new/log", f->dir_fd, "log") != 0)
        return ork_err_errno(err, errno, "%s", f->log_path);
    ork_file_step("state renamed");
    /* From here on the new one is the log, also if the folder cannot be brought to the disk now: then a power failure
     * may bring the old one back, which holds less than was told. So nothing is told until it could. */
    if (f->log_fd >= 0)
        (void)close(f->log_fd);
    f->log_fd = o->fd;
    o->fd = -1;
    f->n = o->n;
    f->size = f->state = o->size;
    f->broken = fsync(f->dir_fd) != 0;
    ork_file_step("folder synced");
    return f->broken ? ork_err_errno(err, errno, "%s", f->dir) : 0;
}

int ork_state_write(struct ork_file *f, bool tree, ork_err *err)
{
    return ork_state_write_of(f, ork_store_schema(), tree, err);
}

int ork_state_write_of(struct ork_file *f, int schema, bool tree, ork_err *err)
{
    struct out o = {.file = f, .fd = -1};
    if (mkdirat(f->dir_fd, "new", 0700) != 0 && errno != EEXIST)
        return ork_err_errno(err, errno, "%s/new", f->dir);
    o.fd = openat(f->dir_fd, "new/log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (o.fd < 0)
        return ork_err_errno(err, errno, "%s/new/log", f->dir);
    int rc = put_all(&o, schema, tree, err);
    if (!rc)
        rc = replace(f, &o, err);
    if (rc)
        (void)unlinkat(f->dir_fd, "new/log", 0);
    if (o.fd >= 0)
        (void)close(o.fd);
    ork_buf_fini(&o.line);
    if (!rc)
        f->stale = !tree;
    return rc;
}
