/* SPDX-License-Identifier: MIT */
/* The document of `ork status`: how things stand in a database as a whole. */
#include "engine/owner.h"
#include <string.h>
#include <sys/stat.h>

#define LOOK_BACK_MS (30ll * 86400000) /* a run that ended lately was created no longer ago */
#define FAILED_MAX 20

static int64_t file_bytes(const char *path, const char *suffix)
{
    struct ork_buf b = ORK_BUF_INIT;
    struct stat st;

    ork_buf_addf(&b, "%s%s", path, suffix);
    int64_t bytes = stat(b.data, &st) == 0 ? (int64_t)st.st_size : 0;
    ork_buf_fini(&b);
    return bytes;
}

static void database(ork_engine *e, struct ork_buf *out)
{
    const char *path = ork_store_path(e->store);

    ork_doc_key(out, "database");
    ork_buf_addc(out, '{');
    ork_doc_text(out, "url", e->url);
    ork_doc_text(out, "path", path);
    if (path)
        ork_doc_int(out, "bytes", file_bytes(path, "") + file_bytes(path, "-wal"));
    else
        ork_doc_raw(out, "bytes", NULL);
    ork_buf_addc(out, '}');
    ork_doc_text(out, "data_dir", e->data_dir);
}

/* Who works on the database; runs: how many unfinished ones each has. */
static int schedulers(ork_engine *e, const struct ork_rows *runs, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    int rc = ork_store_query(e->store, ORK_Q_schedulers_list, NULL, 0, &rows, err);

    ork_doc_key(out, "schedulers");
    ork_buf_addc(out, '[');
    for (size_t i = 0, shown = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_id id, owner;
        char text[ORK_ID_TEXT];
        int64_t owned = 0;
        if (!ork_rows_id(rows, i, "id", &id) || !ork_store_owner_alive(e->store, &id))
            continue;
        int64_t pid = 0; /* of one that has runs */
        for (size_t k = 0; k < ork_rows_len(runs); k++) {
            if (!ork_rows_id(runs, k, "scheduler_id", &owner) || !ork_id_eq(&owner, &id))
                continue;
            owned++;
            pid = ork_rows_int(runs, k, "owner_pid", 0);
        }
        ork_id_format(&id, text);
        ork_buf_adds(out, shown++ ? ",{" : "{");
        ork_doc_text(out, "id", text);
        ork_doc_text(out, "host", ork_rows_text(rows, i, "host"));
        ork_doc_text(out, "role", ork_rows_text(rows, i, "role"));
        ork_doc_int(out, "runs", owned);
        if (ork_owner_stopped(e, ork_rows_text(rows, i, "host"), pid))
            ork_doc_int(out, "stopped", pid);
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}

/* count: running, dispatched, waiting. What waits for a deferred job has no slot and no process. */
static int add_tasks(ork_engine *e, const ork_id *run, int64_t count[3], ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    int rc = ork_store_query(e->store, ORK_Q_tasks_counts, p, 1, &rows, err);

    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        int status = ork_task_status_parse(ork_rows_text(rows, i, "status"));
        int at = status == ORK_TASK_RUNNING ? 0 : status == ORK_TASK_DISPATCHED ? 1 : 2;
        const int64_t waits = ork_rows_int(rows, i, "waiting", 0);
        if (at < 2 || status == ORK_TASK_PENDING || status == ORK_TASK_PAUSED)
            count[at] += ork_rows_int(rows, i, "count", 0) - waits;
        count[2] += waits;
    }
    ork_rows_free(rows);
    return rc;
}

/* Unfinished runs, and their tasks; unowned: nobody alive carries them out. */
static int unfinished(ork_engine *e, const struct ork_rows *runs, struct ork_buf *out, ork_err *err)
{
    int64_t runs_of[3] = {0}, unowned = 0, tasks[3] = {0};

    for (size_t i = 0; i < ork_rows_len(runs); i++) {
        ork_id id, owner;
        int status = ork_run_status_parse(ork_rows_text(runs, i, "status"));
        bool mine = ork_rows_id(runs, i, "scheduler_id", &owner) && ork_store_owner_alive(e->store, &owner);
        runs_of[status == ORK_RUN_RUNNING ? 0 : status == ORK_RUN_PAUSED ? 1 : 2]++;
        unowned += !mine;
        int rc = ork_rows_id(runs, i, "id", &id) ? add_tasks(e, &id, tasks, err) : 0;
        if (rc)
            return rc;
    }
    ork_doc_key(out, "runs");
    ork_buf_addf(out, "{\"running\":%lld,\"paused\":%lld,\"pending\":%lld,\"unowned\":%lld}", (long long)runs_of[0],
                 (long long)runs_of[1], (long long)runs_of[2], (long long)unowned);
    ork_doc_key(out, "tasks");
    ork_buf_addf(out, "{\"running\":%lld,\"dispatched\":%lld,\"waiting\":%lld}", (long long)tasks[0],
                 (long long)tasks[1], (long long)tasks[2]);
    return 0;
}

static int ended(ork_engine *e, const char *since, const char *created, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_TEXT(since), ORK_P_TEXT(created)};
    int64_t n[3] = {0};
    int rc = ork_store_query(e->store, ORK_Q_runs_ended, p, 2, &rows, err);

    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        int status = ork_run_status_parse(ork_rows_text(rows, i, "status"));
        n[status == ORK_RUN_SUCCESS ? 0 : status == ORK_RUN_FAILED ? 1 : 2] = ork_rows_int(rows, i, "count", 0);
    }
    ork_rows_free(rows);
    ork_doc_text(out, "since", since);
    ork_doc_key(out, "ended");
    ork_buf_addf(out, "{\"success\":%lld,\"failed\":%lld,\"cancelled\":%lld}", (long long)n[0], (long long)n[1],
                 (long long)n[2]);
    return rc;
}

static int failed(ork_engine *e, int64_t since_ms, const char *created, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_NULL, ORK_P_TEXT("failed"), ORK_P_TEXT(created),
                            ORK_P_NULL, ORK_P_NULL,           ORK_P_INT(FAILED_MAX)};
    int rc = ork_store_query(e->store, ORK_Q_runs_list, p, 6, &rows, err);

    ork_doc_key(out, "failed");
    ork_buf_addc(out, '[');
    for (size_t i = 0, shown = 0; !rc && i < ork_rows_len(rows); i++) {
        if (ork_rows_time(rows, i, "finished_at") < since_ms)
            continue;
        ork_buf_adds(out, shown++ ? ",{" : "{");
        rc = ork_doc_run(e, rows, i, false, out, err);
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}

int ork_status_json(ork_engine *e, int64_t since_ms, char **out, ork_err *err)
{
    struct ork_rows *runs = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    char since[32], created[32];
    int rc = ork_store_query(e->store, ORK_Q_waiting_runs, NULL, 0, &runs, err);

    ork_time_format(since_ms, since);
    ork_time_format(since_ms - LOOK_BACK_MS, created);
    ork_buf_addc(&b, '{');
    database(e, &b);
    if (!rc)
        rc = schedulers(e, runs, &b, err);
    if (!rc)
        rc = unfinished(e, runs, &b, err);
    if (!rc)
        rc = ended(e, since, created, &b, err);
    if (!rc)
        rc = failed(e, since_ms, created, &b, err);
    if (!rc)
        rc = ork_doc_approvals(e, &b, err);
    if (!rc)
        rc = ork_doc_failing(e, &b, err);
    if (!rc)
        rc = ork_doc_schedules(e, &b, err);
    ork_buf_addc(&b, '}');
    ork_rows_free(runs);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}
