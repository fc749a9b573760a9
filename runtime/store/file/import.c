/* SPDX-License-Identifier: MIT */
/* A folder that the original wrote: its tree is read into the schema of the original's last version, and from there it
 * goes the way of every old database. Rows whose parent is gone are left out (the original deletes a workflow without
 * its snapshots and jobs); a file that is no JSON is refused by its name, because it may be half of a task. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "store/file/tree.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_BYTES (256u << 20)

/* As the schema stores what the tree tells. */
static int bind_value(sqlite3_stmt *st, int at, const struct ork_column *col, json_t *v, ork_err *err)
{
    enum ork_tree_form form = ork_tree_form(col->name);
    char *text, time[32];
    int64_t ms;
    size_t n;
    int rc;
    if (json_is_boolean(v)) {
        rc = sqlite3_bind_int(st, at, json_is_true(v));
    } else if (!json_is_null(v) && (form == ORK_TREE_JSON || json_is_object(v) || json_is_array(v))) {
        if (ork_json_text(v, &text, &n, err))
            return err->code;
        rc = sqlite3_bind_text64(st, at, text, n, SQLITE_TRANSIENT, SQLITE_UTF8);
        ork_free(text);
    } else if (form == ORK_TREE_TIME && json_is_string(v)) {
        if (ork_time_parse(json_string_value(v), json_string_length(v), &ms, err))
            return ork_err_wrap(err, "%s", col->name);
        ork_time_format(ms, time);
        rc = sqlite3_bind_text(st, at, time, -1, SQLITE_TRANSIENT);
    } else {
        return ork_cell_bind(st, at, col, v, err);
    }
    return rc == SQLITE_OK ? 0 : ork_err_set(err, ORK_EDB, "column %s: %s", col->name, sqlite3_errstr(rc));
}

/* Only the columns that are told: the others have defaults. */
static sqlite3_stmt *prepare(struct ork_file *f, const struct ork_table *t, const json_t *row, ork_err *err)
{
    struct ork_buf sql = ORK_BUF_INIT, marks = ORK_BUF_INIT;
    sqlite3_stmt *st = NULL;
    const char *sep = "";
    ork_buf_addf(&sql, "INSERT INTO \"%s\" (", t->name);
    for (size_t i = 0; i < t->n; i++) {
        if (!json_object_get(row, t->cols[i].name) || json_is_null(json_object_get(row, t->cols[i].name)))
            continue;
        ork_buf_addf(&sql, "%s\"%s\"", sep, t->cols[i].name);
        ork_buf_addf(&marks, "%s?%zu", sep, i + 1);
        sep = ", ";
    }
    ork_buf_addf(&sql, ") VALUES (%s)", marks.len ? marks.data : "NULL");
    int rc = sqlite3_prepare_v2(f->db.writer.db, sql.data, -1, &st, NULL);
    if (rc != SQLITE_OK)
        (void)ork_err_set(err, ORK_EDATA, "no %s as the original writes it", t->name);
    ork_buf_fini(&sql);
    ork_buf_fini(&marks);
    return st;
}

static int import_row(struct ork_file *f, const struct ork_table *t, json_t *row, ork_err *err)
{
    sqlite3_stmt *st = json_is_object(row) ? prepare(f, t, row, err) : NULL;
    if (!st)
        return ork_err_set(err, ORK_EDATA, "no %s as the original writes it", t->name);
    int rc = 0;
    for (size_t i = 0; !rc && i < t->n; i++) {
        json_t *v = json_object_get(row, t->cols[i].name);
        if (v && !json_is_null(v))
            rc = bind_value(st, (int)i + 1, &t->cols[i], v, err);
    }
    if (!rc) {
        int step = sqlite3_step(st);
        if (step != SQLITE_DONE)
            rc = (step & 0xff) == SQLITE_CONSTRAINT ? ork_err_set(err, ORK_EDATA, "%s", sqlite3_errmsg(f->db.writer.db))
                                                    : ork_conn_fail(&f->db.writer, step, "importing", err);
    }
    (void)sqlite3_finalize(st);
    return rc;
}

static int import_file(struct ork_file *f, const struct ork_tree_kind *kind, const char *name, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *folder = ork_path_join(f->dir, kind->folder);
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(folder, name);
    ORK_CLEANUP(ork_free_cleanup) char *text = NULL;
    struct ork_table *t = ork_tables_find(&f->tables, kind->table);
    json_t *v = NULL, *row;
    size_t n, i;
    int rc = ork_file_read(path, FILE_BYTES, &text, &n, err);
    if (rc)
        return rc;
    rc = ork_json_parse(text, n, &v, err);
    if (!rc && kind->list && !json_is_array(v))
        rc = ork_err_set(err, ORK_EDATA, "no list");
    if (!rc && !kind->list)
        rc = import_row(f, t, v, err);
    if (!rc && kind->list) {
        json_array_foreach(v, i, row)
        {
            if (!rc)
                rc = import_row(f, t, row, err);
        }
    }
    json_decref(v);
    if (!rc)
        return 0;
    char why[sizeof err->msg];
    memcpy(why, err->msg, sizeof why);
    return ork_err_set(err, ORK_EDATA, "%s cannot be taken over: %s. Nothing was stored; mend it or move it away", path,
                       why);
}

static bool is_json(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".json") == 0;
}

static int import_folder(struct ork_file *f, const struct ork_tree_kind *kind, size_t *files, ork_err *err)
{
    int fd = openat(f->dir_fd, kind->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    if (!dir)
        return errno == ENOENT ? 0 : ork_err_errno(err, errno, "%s/%s", f->dir, kind->folder);
    while (!rc && (entry = readdir(dir))) {
        if (!is_json(entry->d_name))
            continue;
        rc = import_file(f, kind, entry->d_name, err);
        *files += !rc;
    }
    (void)closedir(dir);
    return rc;
}

/* Parents first, so that what goes takes its own along. */
static int drop_orphans(struct ork_file *f, ork_err *err)
{
    static const char *const sql[] = {
        "DELETE FROM runs WHERE workflow_id NOT IN (SELECT id FROM workflows)",
        "DELETE FROM tasks WHERE run_id NOT IN (SELECT id FROM runs)",
        "DELETE FROM workflow_tasks WHERE workflow_id NOT IN (SELECT id FROM workflows)",
        "DELETE FROM workflow_snapshots WHERE workflow_id NOT IN (SELECT id FROM workflows)",
        "DELETE FROM deferred_jobs WHERE task_id NOT IN (SELECT id FROM tasks)",
    };
    int rc = 0, gone = 0;
    for (size_t i = 0; !rc && i < sizeof sql / sizeof *sql; i++) {
        rc = ork_conn_exec(&f->db.writer, sql[i], err);
        gone += rc ? 0 : sqlite3_changes(f->db.writer.db);
    }
    if (gone)
        ork_log_warn(&f->db.log, "%d rows of the original's were left out: what they belong to was deleted", gone);
    return rc;
}

int ork_tree_import(struct ork_file *f, ork_err *err)
{
    size_t files = 0;
    int rc = ork_conn_exec(&f->db.writer, "BEGIN", err);
    for (size_t i = 0; !rc && i < ORK_TREE_KINDS; i++)
        rc = import_folder(f, &ork_tree_kinds[i], &files, err);
    if (!rc)
        rc = drop_orphans(f, err);
    if (!rc)
        rc = ork_conn_exec(&f->db.writer, "COMMIT", err);
    ork_conn_rollback(&f->db.writer);
    if (!rc && files)
        ork_log_info(&f->db.log, "%zu files of the original's taken over", files);
    return rc;
}
