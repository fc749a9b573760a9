/* SPDX-License-Identifier: MIT */
/* SWEEP, FORGET, DISCARD: removing what is finished. A run of a hundred thousand tasks does not go in one transaction
 * (everyone else would wait a second), so its removal has three durable states:
 *
 *   whole ──doom──► marked: found by nobody ──its rows, a part per commit──► gone, its folder noted ──► folder gone,
 *                                                                                                  note forgotten
 *
 * A crash in between leaves a marked run or a noted folder, and the next sweep goes on with it. Whether a run may go is
 * judged in the transaction that marks it: who claims it first (to resume or retry it) keeps it. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/state.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

struct fate {
    bool found, doomed, awaited; /* awaited: a task waits for its end, and has not heard of it */
    int status;
    int64_t finished_ms;
};

static int read_fate(struct ork_sqlite *s, const ork_id *run, struct fate *f, ork_err *err)
{
    struct ork_stmt st;
    memset(f, 0, sizeof *f);
    ork_stmt_begin(&st, &s->writer, ORK_S_run_fate);
    ork_stmt_id(&st, run);
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    const char *status = (const char *)sqlite3_column_text(st.st, 0), *at = (const char *)sqlite3_column_text(st.st, 1);
    f->found = true;
    f->status = ork_run_status_parse(status ? status : "");
    if (!at || ork_time_parse(at, strlen(at), &f->finished_ms, NULL))
        f->finished_ms = 0;
    f->doomed = sqlite3_column_int(st.st, 2) != 0;
    f->awaited = sqlite3_column_int(st.st, 3) != 0;
    ork_stmt_end(&st);
    return 0;
}

/* The folder that an attempt's log is in, if it is one of this run: ".../<id>/N.M.log". */
static int read_folder(struct ork_sqlite *s, const ork_id *run, char *out, size_t size, ork_err *err)
{
    struct ork_stmt st;
    char id[ORK_ID_TEXT];
    *out = '\0';
    ork_stmt_begin(&st, &s->writer, ORK_S_run_log_path);
    ork_stmt_id(&st, run);
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    const char *path = (const char *)sqlite3_column_text(st.st, 0);
    const char *end = path ? strrchr(path, '/') : NULL;
    ork_id_format(run, id);
    size_t n = end ? (size_t)(end - path) : 0, tail = strlen(id);
    if (path && path[0] == '/' && n < size && n > tail && path[n - tail - 1] == '/' &&
        memcmp(path + n - tail, id, tail) == 0) {
        memcpy(out, path, n);
        out[n] = '\0';
    }
    ork_stmt_end(&st);
    return 0;
}

static int doom(struct ork_sqlite *s, const ork_id *run, int64_t now_ms, ork_err *err)
{
    char folder[4096];
    struct ork_stmt st;
    int rc = read_folder(s, run, folder, sizeof folder, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_doom);
    ork_stmt_id(&st, run);
    ork_stmt_time(&st, now_ms);
    rc = ork_stmt_run(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_remains_insert);
    ork_stmt_id(&st, run);
    ork_stmt_text(&st, (struct ork_text){folder[0] ? folder : NULL, strlen(folder)});
    ork_stmt_time(&st, now_ms);
    return ork_stmt_run(&st, err);
}

static int read_remains(struct ork_sqlite *s, struct ork_sweep_run *r, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_remains_get);
    ork_stmt_id(&st, &r->id);
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    const char *dir = (const char *)sqlite3_column_text(st.st, 0);
    ork_free(r->dir);
    r->dir = dir ? ork_strdup(dir) : NULL;
    ork_stmt_end(&st);
    return 0;
}

/* Rows that a statement with (run, limit) removes, cascades included. */
static int remove_some(struct ork_sqlite *s, int which, const ork_id *run, uint32_t limit, uint32_t *rows,
                       uint32_t *direct, ork_err *err)
{
    struct ork_stmt st;
    int64_t before = sqlite3_total_changes64(s->writer.db);
    ork_stmt_begin(&st, &s->writer, which);
    ork_stmt_id(&st, run);
    ork_stmt_int(&st, limit);
    int rc = ork_stmt_run(&st, err);
    if (rc)
        return rc;
    *rows += (uint32_t)(sqlite3_total_changes64(s->writer.db) - before);
    *direct = (uint32_t)sqlite3_changes64(s->writer.db);
    return 0;
}

/* Removes rows of a marked run until w->rows are gone; *gone: all are. */
static int remove_rows(struct ork_sqlite *s, struct ork_sweep *w, const ork_id *run, bool *gone, ork_err *err)
{
    static const int parts[] = {ORK_S_sweep_tasks, ORK_S_sweep_events, ORK_S_sweep_commands};
    struct ork_stmt st;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint32_t limit = w->rows > w->removed ? w->rows - w->removed : 0, rows = 0, direct = 0;
        int rc = limit ? remove_some(s, parts[i], run, limit, &rows, &direct, err) : 0;
        if (rc)
            return rc;
        w->removed += rows;
        w->tasks += i == 0 ? direct : 0;
        if (rows >= limit) /* there may be more */
            return 0;
    }
    ork_stmt_begin(&st, &s->writer, ORK_S_run_delete);
    ork_stmt_id(&st, run);
    int rc = ork_stmt_run(&st, err);
    w->removed++;
    *gone = !rc;
    return rc;
}

/* Read once per commit: there may be thousands of unfinished runs. */
struct needed {
    ork_id *ids; /* owned */
    size_t n, cap;
};

static int read_needed(struct ork_sqlite *s, struct needed *out, ork_err *err)
{
    struct ork_stmt st;
    int rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_runs_needed);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        ork_grow((void **)&out->ids, &out->cap, out->n + 1, sizeof *out->ids);
        out->n += ork_stmt_get_id(&st, 0, &out->ids[out->n]);
    }
    return rc;
}

static bool is_needed(const struct needed *all, const ork_id *run)
{
    for (size_t i = 0; i < all->n; i++)
        if (ork_id_eq(&all->ids[i], run))
            return true;
    return false;
}

static int sweep_one(struct ork_sqlite *s, struct ork_sweep *w, struct ork_sweep_run *r, const struct needed *needed,
                     ork_err *err)
{
    struct fate f;
    struct ork_holding h = {0};
    bool gone = false;
    int rc = read_fate(s, &r->id, &f, err);
    if (rc)
        return rc;
    if (!f.found) { /* somebody else was quicker */
        r->how = ORK_SWEEP_KEPT;
        return 0;
    }
    if (!f.doomed) {
        rc = ork_sqlite_holding(s, &r->id, &h, err);
        if (rc)
            return rc;
        if (!ork_run_is_final(f.status) || !h.free || f.awaited || is_needed(needed, &r->id) ||
            (w->before_ms && f.finished_ms >= w->before_ms)) {
            r->how = ORK_SWEEP_KEPT;
            return 0;
        }
        rc = doom(s, &r->id, w->now_ms, err);
        w->removed++;
    }
    if (!rc)
        rc = remove_rows(s, w, &r->id, &gone, err);
    if (rc || !gone)
        return rc;
    r->how = ORK_SWEEP_GONE;
    return read_remains(s, r, err);
}

int ork_unit_sweep(struct ork_sqlite *s, struct ork_sweep *w, ork_err *err)
{
    struct needed needed = {0};
    w->removed = w->tasks = 0;
    for (size_t i = 0; i < w->n; i++)
        w->runs[i].how = ORK_SWEEP_LATER;
    int rc = read_needed(s, &needed, err);
    for (size_t i = 0; !rc && i < w->n && w->removed < w->rows; i++) {
        rc = sweep_one(s, w, &w->runs[i], &needed, err);
        if (w->runs[i].how == ORK_SWEEP_LATER)
            break;
    }
    ork_free(needed.ids);
    return rc;
}

int ork_unit_forget(struct ork_sqlite *s, const struct ork_forget *f, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < f->n; i++) {
        struct ork_stmt st;
        ork_stmt_begin(&st, &s->writer, ORK_S_remains_delete);
        ork_stmt_id(&st, &f->runs[i]);
        rc = ork_stmt_run(&st, err);
    }
    return rc;
}

int ork_unit_discard(struct ork_sqlite *s, struct ork_discard *d, ork_err *err)
{
    struct ork_stmt st;
    uint32_t rows = 0;
    d->gone = false;
    d->removed = 0;
    int rc = remove_some(s, ORK_S_sweep_snapshots, &d->workflow_id, d->rows, &rows, &d->removed, err);
    if (rc || !d->workflow || d->removed >= d->rows)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_delete);
    ork_stmt_id(&st, &d->workflow_id);
    rc = ork_stmt_run(&st, err);
    d->gone = !rc && sqlite3_changes(s->writer.db) > 0;
    return rc;
}
