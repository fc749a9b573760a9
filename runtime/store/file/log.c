/* SPDX-License-Identifier: MIT */
/* DIR/log, line by line:
 *
 *   {"n":1,"ork":"file","format":1,"schema":16,"version":"0.1.0","crc":…}    what it was written for
 *   {"n":2,"rows":[["runs","i",{…}],…],"crc":…}                              the state, in as many lines as it takes
 *   {"n":3,"whole":true,"sequences":{"schedulers":7},"tree":false,"crc":…}   … and no more of it
 *   {"n":4,"at":"…","rows":[["tasks","u",{"id":…},{"status":…}],…],"crc":…}  one batch
 *      … and, when a number was given without a row that shows it, "sequences" as above
 *   {"n":5,"tree":true,"crc":…}                                              the tree shows all before this line
 *
 * What is after the last whole line is a batch that nobody was told of: it is cut off. A line that is not whole with
 * whole ones behind it is damage, and nothing is guessed about it. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/file/file.h"
#include "store/file/line.h"
#include "store/sqlite/migrate.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT 1

/* ---- reading ---- */

static int damaged(struct ork_file *f, off_t at, ork_err *err)
{
    return ork_err_set(
        err, ORK_ECORRUPT,
        "%s is damaged: line %llu (at byte %lld) is not as it was written, and there are whole ones after "
        "it. Restore a copy; or keep what is before it: `head -n %llu log >log.part && mv log.part log`",
        f->log_path, (unsigned long long)f->n + 1, (long long)at, (unsigned long long)f->n);
}

/* The schema of the database must be that of the log before its first row. */
static int read_header(struct ork_file *f, const json_t *line, ork_err *err)
{
    const char *ork = json_string_value(json_object_get(line, "ork"));
    int version = (int)json_integer_value(json_object_get(line, "schema"));
    if (!ork || strcmp(ork, "file") != 0)
        return ork_err_set(err, ORK_EFOREIGN, "%s is a file of something else", f->log_path);
    if (version > ork_store_schema() || json_integer_value(json_object_get(line, "format")) > FORMAT)
        return ork_migrate_refuse(f->dir, version, err);
    struct ork_conn *c = &f->db.writer;
    int rc = ork_migrate_to(c, version, f->db.clock->now_ms(f->db.clock->data), err);
    if (!rc) /* they come as rows, with their times */
        rc = ork_conn_exec(c, "DELETE FROM ork_migrations", err);
    if (!rc)
        rc = ork_tables_load(&f->tables, c, err);
    if (!rc && !(f->db.flags & ORK_OPEN_READ))
        rc = ork_tree_watch(f, err);
    return rc;
}

static int read_sequences(struct ork_file *f, const json_t *line, ork_err *err)
{
    struct ork_conn *c = &f->db.writer;
    json_t *all = json_object_get(line, "sequences"), *seq;
    const char *name;
    sqlite3_stmt *st = NULL;
    if (json_object_size(all) == 0)
        return 0;
    int rc = ork_conn_exec(c, "DELETE FROM sqlite_sequence", err), sq = SQLITE_DONE;
    if (!rc && sqlite3_prepare_v2(c->db, "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", -1, &st, NULL))
        sq = SQLITE_ERROR;
    json_object_foreach(all, name, seq)
    {
        if (rc || sq != SQLITE_DONE)
            break;
        (void)sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(st, 2, json_integer_value(seq));
        sq = sqlite3_step(st);
        (void)sqlite3_reset(st);
    }
    (void)sqlite3_finalize(st);
    return rc || sq == SQLITE_DONE ? rc : ork_conn_fail(c, sq, "reading", err);
}

static int read_whole(struct ork_file *f, const json_t *line, off_t end, ork_err *err)
{
    f->state = end;
    f->stale = !json_is_true(json_object_get(line, "tree"));
    int rc = read_sequences(f, line, err);
    if (rc || f->db.flags & ORK_OPEN_READ)
        return rc;
    return f->stale ? ork_tree_all(f, err) : ork_tree_forget(f, err);
}

static int read_line(struct ork_file *f, const json_t *line, off_t end, ork_err *err)
{
    json_t *rows = json_object_get(line, "rows");
    if (f->n == 0)
        return read_header(f, line, err);
    if (rows) {
        f->stale = true;
        int rc = ork_replay(f, rows, err);
        return rc ? rc : read_sequences(f, line, err);
    }
    if (json_object_get(line, "whole"))
        return read_whole(f, line, end, err);
    if (json_is_true(json_object_get(line, "tree"))) {
        f->stale = false;
        return f->db.flags & ORK_OPEN_READ ? 0 : ork_tree_forget(f, err);
    }
    return ork_err_set(err, ORK_ECORRUPT, "it is of a kind that this Ork does not know");
}

/* Is there a whole line after the broken one? */
static int judge_rest(struct ork_file *f, struct ork_lines *l, off_t at, ork_err *err)
{
    int rc;
    while ((rc = ork_lines_next(l, err)) == 1)
        if (ork_line_whole(l->p, l->n))
            return damaged(f, at, err);
    return rc;
}

static int read_one(struct ork_file *f, struct ork_lines *l, ork_err *err)
{
    json_t *line;
    int rc = ork_json_parse(l->p, l->n, &line, err);
    if (rc)
        return ork_err_wrap(err, "%s: line %llu", f->log_path, (unsigned long long)f->n + 1);
    if (json_integer_value(json_object_get(line, "n")) != (json_int_t)f->n + 1)
        rc = ork_err_set(err, ORK_ECORRUPT, "%s: line %llu is not the one that belongs there", f->log_path,
                         (unsigned long long)f->n + 1);
    else if ((rc = read_line(f, line, l->at, err)) && rc != ORK_ENEWER && rc != ORK_EFOREIGN)
        rc = ork_err_wrap(err, "%s: line %llu", f->log_path, (unsigned long long)f->n + 1);
    json_decref(line);
    return rc;
}

/* From the end of what was read. */
static int read_on(struct ork_file *f, ork_err *err)
{
    struct ork_lines l = {.fd = f->log_fd, .at = f->size};
    struct stat st;
    int rc;
    while ((rc = ork_lines_next(&l, err)) == 1) {
        if (!ork_line_whole(l.p, l.n)) {
            rc = judge_rest(f, &l, f->size, err);
            break;
        }
        rc = read_one(f, &l, err);
        if (rc)
            break;
        f->n++;
        f->size = l.at;
    }
    ork_lines_fini(&l);
    if (!rc && f->state == 0)
        rc = ork_err_set(err, ORK_ECORRUPT, "%s is damaged: it ends within the state it begins with; restore a copy",
                         f->log_path);
    f->torn = !rc && fstat(f->log_fd, &st) == 0 ? st.st_size - f->size : 0;
    return rc;
}

int ork_file_log_open(struct ork_file *f, ork_err *err)
{
    bool read = f->db.flags & ORK_OPEN_READ;
    struct stat st;
    int fd = openat(f->dir_fd, "log", (read ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return ork_err_errno(err, errno, "%s", f->log_path);
    if (f->log_fd >= 0)
        (void)close(f->log_fd);
    f->log_fd = fd;
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    return 0;
}

int ork_file_log_read(struct ork_file *f, ork_err *err)
{
    f->n = 0;
    f->size = f->state = f->torn = 0;
    int rc = ork_file_log_open(f, err);
    return rc ? rc : read_on(f, err);
}

/* The writer replaces its log by a new one now and then; that one begins with everything. */
int ork_file_log_follow(struct ork_file *f, ork_err *err)
{
    struct stat st;
    if (fstatat(f->dir_fd, "log", &st, 0) < 0)
        return errno == ENOENT ? 0 : ork_err_errno(err, errno, "%s", f->log_path);
    if (st.st_dev == f->dev && st.st_ino == f->ino)
        return st.st_size > f->size + f->torn || f->torn ? read_on(f, err) : 0;
    struct ork_conn *c = &f->db.writer;
    bool patient = c->patient;
    ork_tables_fini(&f->tables);
    ork_conn_close(c);
    int rc = ork_conn_open(c, NULL, ORK_CONN_WRITE, &f->db.log, err);
    c->patient = patient;
    if (!rc)
        rc = ork_file_log_read(f, err);
    if (!rc)
        rc = ork_migrate(c, f->dir, -1, f->db.flags & ~ORK_OPEN_READ, f->db.clock->now_ms(f->db.clock->data), err);
    return rc;
}

/* ---- writing ---- */

static int no_space(struct ork_file *f, int error, ork_err *err)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return ork_err_set(err, ORK_ENOSPC, "no space left to write %s (%s); nothing of this change was stored",
                           f->log_path, strerror(error));
    return ork_err_errno(err, error, "writing %s; nothing of this change was stored", f->log_path);
}

static int write_all(int fd, const char *p, size_t n, off_t at)
{
    while (n > 0) {
        ssize_t w = pwrite(fd, p, n, at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return w < 0 ? errno : ENOSPC;
        p += w;
        n -= (size_t)w;
        at += w;
    }
    return 0;
}

int ork_file_log_append(struct ork_file *f, struct ork_buf *line, bool sync, ork_err *err)
{
    ork_line_end(line);
    ork_file_step("append");
    int error = write_all(f->log_fd, line->data, line->len, f->size);
    ork_file_step("sync");
    /* After a failed sync nobody knows what is on the disk, and asking again would say that all is well. */
    if (!error && sync && fdatasync(f->log_fd) != 0) {
        error = errno;
        f->broken = true;
    }
    if (error) {
        if (ftruncate(f->log_fd, f->size) != 0)
            f->broken = true;
        return no_space(f, error, err);
    }
    ork_file_step("appended");
    f->size += (off_t)line->len;
    f->n++;
    return 0;
}

int ork_file_log_cut(struct ork_file *f, ork_err *err)
{
    if (ftruncate(f->log_fd, f->size) != 0)
        return ork_err_errno(err, errno, "%s", f->log_path);
    f->torn = 0;
    return 0;
}
