/* SPDX-License-Identifier: MIT */
/* Writing the tree: only what was noted since it was written last (sql/file/tree_watch.sql), in portions. A file is
 * written in DIR/new, brought to the disk, and renamed, so no reader ever sees half of one; a few are synced one by
 * one, many by one sync of their file system. When it ends early, because of a crash or a full disk, the notes are
 * still there (or come again from the log), and all of it is written again: each file is told whole. */
#include "store/file/tree.h"
#include "base/alloc.h"
#include "base/embed.h"
#include "base/err.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORTION 2000
#define FEW 32

const struct ork_tree_kind ork_tree_kinds[ORK_TREE_KINDS] = {
    {"workflows", "workflows", false},
    {"runs", "runs", false},
    {"tasks", "tasks", false},
    {"workflow_tasks", "workflow_tasks", true},
    {"snapshots", "workflow_snapshots", false},
    {"deferred_jobs", "deferred_jobs", false},
};

static int exec_file(struct ork_file *f, const char *name, ork_err *err)
{
    for (size_t i = 0; i < ork_embed_queries_file_len; i++)
        if (strcmp(ork_embed_queries_file[i].path, name) == 0)
            return ork_conn_exec(&f->db.writer, ork_embed_queries_file[i].start, err);
    return ork_err_set(err, ORK_EDB, "this build lacks the statements %s", name);
}

int ork_tree_watch(struct ork_file *f, ork_err *err)
{
    return exec_file(f, "tree_watch.sql", err);
}

int ork_tree_unwatch(struct ork_file *f, ork_err *err)
{
    return exec_file(f, "tree_unwatch.sql", err);
}

int ork_tree_all(struct ork_file *f, ork_err *err)
{
    return exec_file(f, "tree_all.sql", err);
}

int ork_tree_forget(struct ork_file *f, ork_err *err)
{
    return ork_conn_exec(&f->db.writer, "DELETE FROM tree_notes", err);
}

/* ---- one portion ---- */

struct portion {
    struct ork_file *file;
    struct {
        int kind;
        ork_id id;
        bool written; /* waits in DIR/new; else its row is gone */
    } notes[PORTION];
    size_t n, written;
    struct ork_buf text;
};

static int take_notes(struct portion *p, int kind, const ork_id *after, ork_err *err)
{
    struct ork_conn *c = &p->file->db.writer;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(
        c->db,
        "SELECT kind, id FROM tree_notes WHERE (kind, id) > (?1, ?2) AND length(id) = 16 ORDER BY kind, id LIMIT ?3",
        -1, &st, NULL);
    (void)sqlite3_bind_int(st, 1, kind);
    (void)sqlite3_bind_blob(st, 2, after->b, sizeof after->b, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int(st, 3, PORTION);
    p->n = p->written = 0;
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        p->notes[p->n].kind = sqlite3_column_int(st, 0);
        p->notes[p->n].written = false;
        memcpy(p->notes[p->n++].id.b, sqlite3_column_blob(st, 1), sizeof(ork_id));
        rc = SQLITE_OK;
    }
    int code = rc == SQLITE_DONE ? 0 : ork_conn_fail(c, rc, "reading", err);
    (void)sqlite3_finalize(st);
    return code;
}

/* The rows of a file; *found false: there are none. */
static int read_rows(struct portion *p, const struct ork_tree_kind *kind, const ork_id *id, bool *found, ork_err *err)
{
    struct ork_file *f = p->file;
    struct ork_table *t = ork_tables_find(&f->tables, kind->table);
    sqlite3_stmt *st = NULL;
    int code = 0, rc = SQLITE_OK;
    if (kind->list)
        rc = sqlite3_prepare_v2(
            f->db.writer.db, "SELECT * FROM workflow_tasks WHERE workflow_id = ?1 ORDER BY task_index", -1, &st, NULL);
    else if (!(st = ork_table_get(t, &f->db.writer, err)))
        return err->code;
    (void)sqlite3_bind_blob(st, 1, id->b, sizeof id->b, SQLITE_TRANSIENT);
    *found = false;
    ork_buf_clear(&p->text);
    while (rc == SQLITE_OK && !code && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        ork_buf_adds(&p->text, !kind->list ? "" : *found ? ",\n  " : "[\n  ");
        code = ork_tree_row(&p->text, t, st, kind->list ? 4 : 2, err);
        *found = true;
        rc = SQLITE_OK;
    }
    if (!code && rc != SQLITE_DONE)
        code = ork_conn_fail(&f->db.writer, rc, "reading", err);
    ork_buf_adds(&p->text, kind->list ? "\n]\n" : "\n");
    if (kind->list)
        (void)sqlite3_finalize(st);
    else
        (void)sqlite3_reset(st);
    return code;
}

struct names {
    char aside[96], place[96];
};

static struct names names_of(const struct portion *p, size_t i)
{
    struct names n;
    char id[ORK_ID_TEXT];
    ork_id_format(&p->notes[i].id, id);
    const char *folder = ork_tree_kinds[p->notes[i].kind].folder;
    (void)snprintf(n.aside, sizeof n.aside, "new/%s-%s.json", folder, id);
    (void)snprintf(n.place, sizeof n.place, "%s/%s.json", folder, id);
    return n;
}

static int write_aside(struct portion *p, const char *name, ork_err *err)
{
    int fd = openat(p->file->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;
    int error = fd < 0 ? errno : 0;
    while (!error && done < p->text.len) {
        ssize_t w = write(fd, p->text.data + done, p->text.len - done);
        if (w < 0 && errno != EINTR)
            error = errno;
        else if (w > 0)
            done += (size_t)w;
    }
    if (fd >= 0)
        (void)close(fd);
    return error ? ork_err_errno(err, error, "writing %s/%s", p->file->dir, name) : 0;
}

/* Each sync waits for the disk, so many files are synced at once, with all else that waits to be written there. */
static int sync_aside(struct portion *p, ork_err *err)
{
    int error = 0;
    if (p->n > FEW)
        return syncfs(p->file->dir_fd) == 0 ? 0 : ork_err_errno(err, errno, "writing %s/new", p->file->dir);
    for (size_t i = 0; !error && i < p->n; i++) {
        if (!p->notes[i].written)
            continue;
        int fd = openat(p->file->dir_fd, names_of(p, i).aside, O_RDONLY | O_CLOEXEC);
        error = fd < 0 || fsync(fd) != 0 ? errno : 0;
        if (fd >= 0)
            (void)close(fd);
    }
    return error ? ork_err_errno(err, error, "writing %s/new", p->file->dir) : 0;
}

static int write_portion(struct portion *p, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < p->n; i++) {
        bool found = false;
        rc = read_rows(p, &ork_tree_kinds[p->notes[i].kind], &p->notes[i].id, &found, err);
        if (!rc && found)
            rc = write_aside(p, names_of(p, i).aside, err);
        p->notes[i].written = found;
    }
    ork_file_step("tree written");
    if (!rc)
        rc = sync_aside(p, err);
    ork_file_step("tree synced");
    return rc;
}

static int place_portion(struct portion *p, ork_err *err)
{
    int fd = p->file->dir_fd, error = 0;
    struct names n = {"", ""};
    for (size_t i = 0; !error && i < p->n; i++) {
        n = names_of(p, i);
        if (p->notes[i].written)
            error = renameat(fd, n.aside, fd, n.place) == 0 ? 0 : errno;
        else if (unlinkat(fd, n.place, 0) != 0 && errno != ENOENT)
            error = errno;
        ork_file_step("tree file placed");
    }
    return error ? ork_err_errno(err, error, "%s/%s", p->file->dir, n.place) : 0;
}

/* ---- all of it ---- */

void ork_tree_clean(struct ork_file *f)
{
    int fd = openat(f->dir_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    (void)unlinkat(f->dir_fd, "new", AT_REMOVEDIR);
}

static int make_folders(struct ork_file *f, ork_err *err)
{
    for (size_t i = 0; i <= ORK_TREE_KINDS; i++) {
        const char *name = i < ORK_TREE_KINDS ? ork_tree_kinds[i].folder : "new";
        if (mkdirat(f->dir_fd, name, 0700) != 0 && errno != EEXIST)
            return ork_err_errno(err, errno, "%s/%s", f->dir, name);
    }
    return 0;
}

static int sync_folders(struct ork_file *f, unsigned touched, ork_err *err)
{
    for (size_t i = 0; i < ORK_TREE_KINDS; i++) {
        if (!(touched & 1u << i))
            continue;
        int fd = openat(f->dir_fd, ork_tree_kinds[i].folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
        if (fd >= 0)
            (void)close(fd);
        if (error)
            return ork_err_errno(err, error, "%s/%s", f->dir, ork_tree_kinds[i].folder);
    }
    return 0;
}

int ork_tree_write(struct ork_file *f, ork_err *err)
{
    struct portion *p = ork_zalloc(sizeof *p);
    ork_id after = {{0}};
    unsigned touched = 0; /* kinds */
    int kind = -1, rc = make_folders(f, err);
    p->file = f;
    while (!rc) {
        rc = take_notes(p, kind, &after, err);
        if (rc || p->n == 0)
            break;
        rc = write_portion(p, err);
        if (!rc)
            rc = place_portion(p, err);
        for (size_t i = 0; i < p->n; i++)
            touched |= 1u << p->notes[i].kind;
        kind = p->notes[p->n - 1].kind;
        after = p->notes[p->n - 1].id;
    }
    ork_buf_fini(&p->text);
    ork_free(p);
    return rc ? rc : sync_folders(f, touched, err);
}
