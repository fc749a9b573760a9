/* SPDX-License-Identifier: MIT */
/* Opening: the place is judged and locked, the database in memory is filled from the log, or from the original's tree,
 * or is new; what the log did not say that way, because it is new or of an older schema, is said in a new log before
 * anything else happens. A store that only reads does all of that in memory alone. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "store/file/file.h"
#include "store/sqlite/migrate.h"
#include <string.h>
#include <unistd.h>

#define SEEDS 9 /* the schema of the original's last version, which its tree is read into */

static bool reads(const struct ork_file *f)
{
    return f->db.flags & ORK_OPEN_READ;
}

/* From the schema of what was read to that of this build. *moved: it was another. */
static int bring_up(struct ork_file *f, bool *moved, ork_err *err)
{
    struct ork_conn *c = &f->db.writer;
    int64_t was, is;
    int rc = ork_conn_int(c, "SELECT max(version) FROM ork_migrations", &was, err);
    is = was;
    if (!rc && !reads(f) && was < ork_store_schema())
        rc = ork_tree_unwatch(f, err);
    if (!rc)
        rc = ork_migrate(c, f->dir, -1, f->db.flags & ~ORK_OPEN_READ, f->db.clock->now_ms(f->db.clock->data), err);
    if (!rc)
        rc = ork_conn_int(c, "SELECT max(version) FROM ork_migrations", &is, err);
    *moved = was != is;
    if (!rc && *moved && !reads(f))
        rc = ork_tree_watch(f, err);
    if (!rc && *moved)
        rc = ork_tables_load(&f->tables, c, err);
    if (!rc && *moved && was > 0)
        ork_log_info(&f->db.log, "file store brought from schema %lld to %lld", (long long)was, (long long)is);
    return rc;
}

static int fill_new(struct ork_file *f, int version, ork_err *err)
{
    struct ork_conn *c = &f->db.writer;
    int rc = ork_migrate_to(c, version, f->db.clock->now_ms(f->db.clock->data), err);
    if (!rc)
        rc = ork_tables_load(&f->tables, c, err);
    return rc || reads(f) ? rc : ork_tree_watch(f, err);
}

static int cut_torn(struct ork_file *f, ork_err *err)
{
    if (!f->torn)
        return 0;
    ork_log_warn(&f->db.log, "the last %lld bytes of %s are no whole line, a commit that did not happen: cut off",
                 (long long)f->torn, f->log_path);
    return ork_file_log_cut(f, err);
}

static int fill(struct ork_file *f, enum ork_file_kind kind, ork_err *err)
{
    bool anew = kind != ORK_FILE_LOG, moved = false;
    int rc = kind == ORK_FILE_LOG    ? ork_file_log_read(f, err)
             : kind == ORK_FILE_TREE ? fill_new(f, SEEDS, err)
                                     : fill_new(f, ork_store_schema(), err);
    if (!rc && kind == ORK_FILE_TREE)
        rc = ork_tree_import(f, err);
    if (!rc)
        rc = bring_up(f, &moved, err);
    if (rc || reads(f))
        return rc;
    rc = ork_conn_exec(&f->db.writer, "PRAGMA foreign_keys = ON", err);
    if (!rc && (moved || kind == ORK_FILE_TREE))
        rc = ork_tree_all(f, err);
    return rc ? rc : anew || moved ? ork_state_write(f, false, err) : cut_torn(f, err);
}

static int prepare(struct ork_file *f, const char *url, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *given = NULL;
    enum ork_file_kind kind;
    int rc = ork_file_url(url, &given, &f->db.flags, err);
    if (!rc)
        rc = ork_file_place(f, given, &kind, err);
    if (!rc && !reads(f)) {
        rc = ork_file_lock(f, err);
        if (!rc) /* somebody may have made it meanwhile */
            rc = ork_file_look(f, &kind, err);
        if (!rc)
            ork_tree_clean(f);
    }
    f->db.name = f->dir;
    if (!rc)
        rc = ork_conn_open(&f->db.writer, NULL, ORK_CONN_WRITE, &f->db.log, err);
    if (!rc)
        rc = fill(f, kind, err);
    return rc;
}

static int open_file(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err)
{
    struct ork_file *f = ork_zalloc(sizeof *f);
    ork_sqlite_init(&f->db, &ork_store_file, o);
    f->db.keeper = &ork_file_keeper;
    f->dir_fd = f->lock_fd = f->log_fd = -1;
    f->was = -1;
    int rc = prepare(f, url, err);
    if (!rc)
        rc = ork_writer_init(&f->db, err);
    if (rc) {
        ork_file_fini(f);
        ork_sqlite_free_early(&f->db);
        return rc;
    }
    *out = &f->db.base;
    return 0;
}

/* The log stands for the database, so that what lies beside the one lies beside the other. */
static const char *path_of(const ork_store *s)
{
    return ((const struct ork_file *)(const void *)s)->log_path;
}

static int path_of_url(const char *url, char **path, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *given = NULL;
    ORK_CLEANUP(ork_free_cleanup) char *dir = NULL;
    uint32_t flags = 0;
    int rc = ork_file_url(url, &given, &flags, err);
    if (!rc)
        rc = ork_path_absolute(given, &dir, err);
    if (!rc)
        *path = ork_path_join(dir, "log");
    return rc;
}

static int enroll(ork_store *s, const char *host, const char *role, ork_id *scheduler, uint64_t *seq, ork_err *err)
{
    struct ork_file *f = ork_file_of(ork_sqlite_of(s));
    int rc = ork_sqlite_register(s, host, role, scheduler, seq, err);
    if (!rc)
        ork_file_lock_name(f);
    return rc;
}

const struct ork_store_ops ork_store_file = {
    .scheme = "file",
    .open = open_file,
    .close = ork_sqlite_close,
    .path = path_of,
    .path_of_url = path_of_url,
    .enroll = enroll,
    .outbid = ork_sqlite_outbid,
    .owner_alive = ork_sqlite_owner_alive,
    .owner_watch = ork_watch_add,
    .apply = ork_writer_apply,
    .read = ork_sqlite_read,
    .query = ork_sqlite_query,
    .on_bell = ork_file_on_bell,
    .on_news = ork_file_on_news,
    .status = ork_file_status,
    .check = ork_file_check,
    .copy = &ork_sqlite_copy,
};
