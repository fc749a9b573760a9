/* SPDX-License-Identifier: MIT */
/* Between the SQLite backend's transactions and the log: what a transaction changed is on the disk before its COMMIT
 * in memory, and if it is not, the transaction is rolled back: nobody sees what could be lost.
 *
 * A checkpoint brings the tree up to date and begins the log anew: at close, and before a commit when the log has
 * outgrown the state it began with, so that writing everything costs no more than what was written since. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/file/file.h"
#include "store/file/line.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROWN_BYTES (8 << 20)   /* while it is open, a log may grow by that and by what the state takes … */
#define CLOSED_BYTES (64 << 10) /* … and at close by that */

void (*ork_file_on_step)(const char *step);

void ork_file_step(const char *step)
{
    if (ork_file_on_step)
        ork_file_on_step(step);
}

/* Somebody removed it, and not the folder: it can be made again from memory. */
static bool is_removed(const struct ork_file *f)
{
    struct stat log, dir;
    return fstat(f->log_fd, &log) == 0 && log.st_nlink == 0 && fstat(f->dir_fd, &dir) == 0 && dir.st_nlink > 0;
}

static int begin(struct ork_sqlite *s, ork_err *err)
{
    struct ork_file *f = ork_file_of(s);
    f->was = -1;
    if (!f->broken && is_removed(f)) {
        ork_log_warn(&s->log, "%s was removed; it is written anew from memory", f->log_path);
        f->broken = true;
    }
    if (f->broken) {
        int rc = ork_state_write(f, !f->stale, err);
        if (rc)
            return ork_err_wrap(err, "the log could not be written anew");
        ork_log_info(&s->log, "log written anew");
    }
    ork_buf_clear(&f->sequences_was);
    int rc = ork_state_sequences(f, &f->sequences_was, err);
    return rc ? rc : ork_capture_begin(f, err);
}

/* A sequence is no row of ours, so it is compared. */
static int add_sequences(struct ork_file *f, bool *any, ork_err *err)
{
    ork_buf_clear(&f->sequences);
    int rc = ork_state_sequences(f, &f->sequences, err);
    if (rc || strcmp(f->sequences.data, f->sequences_was.data) == 0)
        return rc;
    ork_buf_addf(&f->line, ",\"sequences\":%s", f->sequences.data);
    *any = true;
    return 0;
}

static int keep(struct ork_sqlite *s, ork_err *err)
{
    struct ork_file *f = ork_file_of(s);
    char at[32];
    bool any;
    ork_time_format(s->clock->now_ms(s->clock->data), at);
    ork_line_begin(&f->line, f->n + 1);
    ork_buf_addf(&f->line, ",\"at\":\"%s\",\"rows\":", at);
    int rc = ork_capture_rows(f, &f->line, &any, err);
    if (!rc)
        rc = add_sequences(f, &any, err);
    if (rc || !any)
        return rc;
    /* The last line needs no sync of its own: without it the scheduler's row stays live, and nobody holds the lock. */
    off_t was = f->size;
    rc = ork_file_log_append(f, &f->line, s->phase != ORK_STORE_ENDING, err);
    if (!rc)
        f->was = was;
    return rc;
}

static void over(struct ork_sqlite *s, bool committed)
{
    struct ork_file *f = ork_file_of(s);
    ork_capture_end(f);
    if (f->was >= 0 && committed) {
        f->stale = true;
    } else if (f->was >= 0) { /* told to the disk, and memory refused it */
        f->size = f->was;
        f->n--;
        f->broken = true;
    }
    f->was = -1;
    if (f->line.cap > 1u << 20)
        ork_buf_fini(&f->line);
}

static bool grown(const struct ork_file *f, off_t by)
{
    return f->size - f->state > (f->state > by ? f->state : by);
}

static bool due(const struct ork_sqlite *s)
{
    return grown((const struct ork_file *)(const void *)s, GROWN_BYTES);
}

int ork_file_checkpoint(struct ork_file *f, ork_err *err)
{
    ork_file_step("checkpoint");
    int rc = ork_tree_write(f, err);
    if (!rc)
        rc = ork_state_write(f, true, err);
    return rc ? rc : ork_tree_forget(f, err);
}

static void rest(struct ork_sqlite *s)
{
    struct ork_file *f = ork_file_of(s);
    ork_err err;
    if (!ork_file_checkpoint(f, &err))
        return;
    ork_log_warn(&s->log, "no checkpoint, the log grows on error=%s", ORK_LOG_VALUE(err.msg));
    f->state = f->size; /* not at every commit from now on */
}

/* The tree, and that the log says so. */
static int mark(struct ork_file *f, ork_err *err)
{
    int rc = ork_tree_write(f, err);
    if (rc)
        return rc;
    ork_line_begin(&f->line, f->n + 1);
    ork_buf_adds(&f->line, ",\"tree\":true");
    return ork_file_log_append(f, &f->line, true, err);
}

static void close_kept(struct ork_sqlite *s)
{
    struct ork_file *f = ork_file_of(s);
    ork_err err;
    if (!(s->flags & ORK_OPEN_READ) && f->log_fd >= 0 && (f->stale || f->broken)) {
        bool anew = f->broken || grown(f, CLOSED_BYTES);
        int rc = anew ? ork_file_checkpoint(f, &err) : mark(f, &err);
        if (rc)
            ork_log_warn(&s->log, "the JSON files are not up to date; the log holds everything error=%s",
                         ORK_LOG_VALUE(err.msg));
    }
    if (f->lock_fd >= 0)
        ork_tree_clean(f);
    ork_file_fini(f);
}

void ork_file_fini(struct ork_file *f)
{
    ork_capture_end(f);
    ork_tables_fini(&f->tables);
    ork_buf_fini(&f->line);
    ork_buf_fini(&f->sequences);
    ork_buf_fini(&f->sequences_was);
    ork_free(f->dir);
    ork_free(f->log_path);
    if (f->log_fd >= 0)
        (void)close(f->log_fd);
    if (f->dir_fd >= 0)
        (void)close(f->dir_fd);
    if (f->lock_fd >= 0)
        (void)close(f->lock_fd);
    f->log_fd = f->dir_fd = f->lock_fd = -1;
    f->dir = f->log_path = NULL;
}

static int refresh(struct ork_sqlite *s, ork_err *err)
{
    return s->flags & ORK_OPEN_READ ? ork_file_log_follow(ork_file_of(s), err) : 0;
}

const struct ork_keeper ork_file_keeper = {
    .begin = begin,
    .keep = keep,
    .over = over,
    .due = due,
    .rest = rest,
    .close = close_kept,
    .refresh = refresh,
    .owner_open = ork_file_owner_open,
};
