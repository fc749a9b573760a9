/* SPDX-License-Identifier: MIT */
/* Documents about tasks: lists (without output and logs), and one with its attempts. */
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>

void ork_doc_task_members(const struct ork_rows *r, size_t i, struct ork_buf *out)
{
    ork_id id;
    char text[ORK_ID_TEXT];
    int64_t started = ork_rows_time(r, i, "started_at"), finished = ork_rows_time(r, i, "finished_at");

    if (ork_rows_id(r, i, "id", &id)) {
        ork_id_format(&id, text);
        ork_doc_text(out, "id", text);
    }
    ork_doc_int(out, "index", ork_rows_int(r, i, "task_index", 0));
    ork_doc_text(out, "name", ork_rows_text(r, i, "task_name"));
    if (ork_rows_int(r, i, "map_index", 0) > 0)
        ork_doc_int(out, "item", ork_rows_int(r, i, "map_index", 0));
    ork_doc_text(out, "status", ork_rows_text(r, i, "status"));
    ork_doc_raw(out, "depends_on", ork_rows_text(r, i, "depends_on"));
    ork_doc_int(out, "attempt", ork_rows_int(r, i, "attempt", 0));
    ork_doc_int(out, "attempts", ork_rows_int(r, i, "attempts", 0));
    ork_doc_int(out, "max_retries", ork_rows_int(r, i, "max_retries", 0));
    ork_doc_int(out, "lost", ork_rows_int(r, i, "lost", 0));
    ork_doc_text(out, "error", ork_rows_text(r, i, "error"));
    ork_doc_text(out, "kind", ork_rows_text(r, i, "kind"));
    ork_doc_time(out, "retry_at", ork_rows_time(r, i, "retry_at"));
    ork_doc_time(out, "dispatched_at", ork_rows_time(r, i, "dispatched_at"));
    ork_doc_time(out, "started_at", started);
    ork_doc_time(out, "finished_at", finished);
    ork_doc_took(out, started, finished);
    ork_doc_text(out, "execution_name", ork_rows_text(r, i, "execution_name"));
    ork_doc_text(out, "executor_type", ork_rows_text(r, i, "executor_type"));
}

int ork_doc_tasks(ork_engine *e, const ork_id *run, const char *statuses, int64_t after, int64_t limit,
                  struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_TEXT(statuses), ORK_P_INT(after), ORK_P_INT(limit)};

    const struct ork_param q[] = {p[0], statuses ? p[1] : ORK_P_NULL, ORK_P_INT(after + 1), ORK_P_INT(INT32_MAX), p[3]};

    if (!statuses)
        p[1] = ORK_P_NULL;
    struct ork_rows *jobs = NULL;
    /* A list ends before the items; who asks from there on means those. */
    int rc = after + 1 >= ORK_ITEMS_FROM ? ork_store_query(e->store, ORK_Q_items_page, q, 5, &rows, err)
                                         : ork_store_query(e->store, ORK_Q_tasks_list, p, 4, &rows, err);
    if (!rc)
        rc = ork_doc_jobs(e, run, rows, &jobs, err);
    if (rc) {
        ork_rows_free(rows);
        return rc;
    }
    ork_buf_addc(out, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_buf_adds(out, i ? ",{" : "{");
        ork_doc_task_members(rows, i, out);
        ork_doc_waits(jobs, rows, i, out);
        rc = ork_doc_items(e, run, rows, i, out, err);
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(jobs);
    ork_rows_free(rows);
    return rc;
}

int ork_tasks_json(ork_engine *e, const char *run_id, const char *filter, char **out, ork_err *err)
{
    json_t *f = NULL;
    struct ork_rows *run = NULL;
    struct ork_buf b = ORK_BUF_INIT, statuses = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_doc_open_run(e, run_id, &id, &run, err);

    if (!rc && filter)
        rc = ork_json_parse(filter, strlen(filter), &f, err);
    if (!rc)
        rc = ork_doc_statuses(json_object_get(f, "status"), true, &statuses, err);
    json_t *limit = json_object_get(f, "limit"), *after = json_object_get(f, "after"), *of = json_object_get(f, "of");
    const int64_t from = json_is_integer(after) ? json_integer_value(after) : -1,
                  most = json_is_integer(limit) ? json_integer_value(limit) : INT64_MAX;
    if (!rc)
        rc = json_is_string(of) ? ork_doc_items_page(e, &id, json_string_value(of), statuses.data, from, most, &b, err)
                                : ork_doc_tasks(e, &id, statuses.data, from, most, &b, err);
    ork_rows_free(run);
    ork_buf_fini(&statuses);
    json_decref(f);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

static void attempt_members(const struct ork_rows *r, size_t i, struct ork_buf *out)
{
    int64_t started = ork_rows_time(r, i, "started_at"), finished = ork_rows_time(r, i, "finished_at");
    const char *pid = ork_rows_text(r, i, "execution_name");

    ork_doc_int(out, "attempt", ork_rows_int(r, i, "attempt", 0));
    ork_doc_text(out, "status", ork_rows_text(r, i, "status"));
    ork_doc_text(out, "kind", ork_rows_text(r, i, "kind"));
    ork_doc_maybe_int(out, "exit_code", r, i, "exit_code");
    ork_doc_maybe_int(out, "signal", r, i, "signal");
    ork_doc_text(out, "error", ork_rows_text(r, i, "error"));
    ork_doc_time(out, "started_at", started);
    ork_doc_time(out, "finished_at", finished);
    ork_doc_took(out, started, finished);
    ork_doc_maybe_int(out, "user_ms", r, i, "user_ms");
    ork_doc_maybe_int(out, "system_ms", r, i, "system_ms");
    ork_doc_maybe_int(out, "max_rss_kb", r, i, "max_rss_kb");
    ork_doc_text(out, "log_path", ork_rows_text(r, i, "log_path"));
    ork_doc_maybe_int(out, "log_bytes", r, i, "log_bytes");
    ork_doc_text(out, "pid", pid);
    ork_doc_text(out, "host", ork_rows_text(r, i, "host"));
}

/* The success of a function has no row of its own: its task's has all that is known. */
static bool is_unrecorded(const struct ork_rows *task, const struct ork_rows *attempts)
{
    size_t n = ork_rows_len(attempts);
    int64_t last = n ? ork_rows_int(attempts, n - 1, "attempt", 0) : 0;

    return strcmp(ork_rows_text(task, 0, "status"), "success") == 0 && ork_rows_int(task, 0, "attempt", 0) > last;
}

static void unrecorded_members(const struct ork_rows *task, const char *log_path, struct ork_buf *out)
{
    int64_t started = ork_rows_time(task, 0, "started_at"), finished = ork_rows_time(task, 0, "finished_at");

    ork_doc_int(out, "attempt", ork_rows_int(task, 0, "attempt", 0));
    ork_doc_text(out, "status", "success");
    ork_doc_time(out, "started_at", started);
    ork_doc_time(out, "finished_at", finished);
    ork_doc_took(out, started, finished);
    ork_doc_text(out, "log_path", log_path);
}

#define NEAR_MAX 1000 /* tasks among which a mistyped name is looked for */

static int no_task(ork_engine *e, const ork_id *run, const char *task, ork_err *err)
{
    const char *names[NEAR_MAX + 1];
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_NULL, ORK_P_INT(-1), ORK_P_INT(NEAR_MAX)};
    int rc = ork_store_query(e->store, ORK_Q_tasks_list, p, 4, &rows, err);
    size_t n = rc ? 0 : ork_rows_len(rows);

    for (size_t i = 0; i < n; i++)
        names[i] = ork_rows_text(rows, i, "task_name");
    names[n] = NULL;
    const char *near = ork_suggest(task, names);
    if (!rc && near)
        rc = ork_err_set(err, ORK_ENOTFOUND, "no task `%s` in this run; did you mean `%s`?", task, near);
    else if (!rc)
        rc = ork_err_set(err, ORK_ENOTFOUND, "no task `%s` in this run; `ork tasks RUN` lists them", task);
    ork_rows_free(rows);
    return rc;
}

int ork_doc_open_task(ork_engine *e, const char *run_id, const char *task, struct ork_rows **out,
                      struct ork_rows **attempts, ork_err *err)
{
    struct ork_rows *run = NULL, *rows = NULL;
    ork_id id, task_id;
    int rc = ork_doc_open_run(e, run_id, &id, &run, err);

    ork_rows_free(run);
    if (rc)
        return rc;
    struct ork_param p[] = {ORK_P_ID(&id), ORK_P_TEXT(task)};
    rc = ork_store_query(e->store, ORK_Q_task_get, p, 2, &rows, err);
    if (!rc && ork_rows_len(rows) == 0)
        rc = no_task(e, &id, task, err);
    if (!rc && attempts && ork_rows_id(rows, 0, "id", &task_id)) {
        struct ork_param q[] = {ORK_P_ID(&task_id)};
        rc = ork_store_query(e->store, ORK_Q_attempts_of_task, q, 1, attempts, err);
    }
    if (rc)
        ork_rows_free(rows);
    else
        *out = rows;
    return rc;
}

int ork_task_json(ork_engine *e, const char *run_id, const char *task, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL, *jobs = NULL;
    struct ork_buf b = ORK_BUF_INIT, decided = ORK_BUF_INIT, items = ORK_BUF_INIT;
    ork_id run;
    int rc = ork_doc_open_task(e, run_id, task, &rows, &attempts, err);

    if (rc == ORK_ENOTFOUND && ork_doc_parse_run(run_id, &run, err) == 0 &&
        ork_doc_fresh_item(e, &run, task, &b, err) == 0) {
        *out = ork_buf_steal(&b, NULL);
        return 0;
    }
    if (!rc && ork_rows_id(rows, 0, "run_id", &run)) {
        rc = ork_doc_jobs(e, &run, rows, &jobs, err);
        if (!rc)
            rc = ork_doc_items(e, &run, rows, 0, &items, err);
    }
    if (!rc)
        rc = ork_doc_decided(e, rows, &decided, err);
    if (!rc)
        rc = ork_doc_child(e, rows, &decided, err);
    if (rc) {
        ork_rows_free(jobs);
        ork_rows_free(attempts);
        ork_rows_free(rows);
        ork_buf_fini(&b);
        ork_buf_fini(&items);
        ork_buf_fini(&decided);
        return rc;
    }
    size_t n = ork_rows_len(attempts);
    const bool more = is_unrecorded(rows, attempts);
    char *log_path = more ? ork_log_unrecorded(e, rows) : NULL;
    ork_buf_addc(&b, '{');
    ork_doc_task_members(rows, 0, &b);
    ork_doc_waits(jobs, rows, 0, &b);
    if (items.len)
        ork_buf_addf(&b, ",%s", items.data);
    ork_buf_fini(&items);
    ork_buf_addc(&b, ',');
    ork_buf_add(&b, decided.data, decided.len);
    ork_buf_fini(&decided);
    ork_rows_free(jobs);
    ork_doc_raw(&b, "output", ork_rows_text(rows, 0, "output"));
    ork_doc_raw(&b, "params", ork_rows_text(rows, 0, "params"));
    ork_doc_text(&b, "tail", ork_rows_text(rows, 0, "logs"));
    if (more) {
        ork_doc_raw(&b, "exit_code", NULL);
        ork_doc_text(&b, "log_path", log_path);
    } else if (n) {
        ork_doc_maybe_int(&b, "exit_code", attempts, n - 1, "exit_code");
        ork_doc_text(&b, "log_path", ork_rows_text(attempts, n - 1, "log_path"));
    } else {
        ork_doc_raw(&b, "exit_code", NULL);
        ork_doc_raw(&b, "log_path", NULL);
    }
    ork_doc_key(&b, "attempts_list");
    ork_buf_addc(&b, '[');
    for (size_t i = 0; i < n; i++) {
        ork_buf_adds(&b, i ? ",{" : "{");
        attempt_members(attempts, i, &b);
        ork_buf_addc(&b, '}');
    }
    if (more) {
        ork_buf_adds(&b, n ? ",{" : "{");
        unrecorded_members(rows, log_path, &b);
        ork_buf_addc(&b, '}');
    }
    ork_buf_adds(&b, "]}");
    ork_free(log_path);
    ork_rows_free(attempts);
    ork_rows_free(rows);
    *out = ork_buf_steal(&b, NULL);
    return 0;
}
