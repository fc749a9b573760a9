/* SPDX-License-Identifier: MIT */
/* What is said of tasks that wait: from their deferred jobs, so any process can answer for a run of another owner. */
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>

static bool is_waiting(const struct ork_rows *tasks, size_t i)
{
    return strcmp(ork_rows_text(tasks, i, "status"), "running") == 0; /* or does something: it has no open job then */
}

int ork_doc_jobs(ork_engine *e, const ork_id *run, const struct ork_rows *tasks, struct ork_rows **jobs, ork_err *err)
{
    struct ork_param p[] = {ORK_P_ID(run)};
    bool any = false;

    *jobs = NULL;
    for (size_t i = 0; i < ork_rows_len(tasks) && !any; i++)
        any = is_waiting(tasks, i);
    return any ? ork_store_query(e->store, ORK_Q_jobs_open, p, 1, jobs, err) : 0;
}

/* The row of a task among the open jobs of its run, which are in the order of tasks; -1 none. */
static int64_t find(const struct ork_rows *jobs, int64_t task)
{
    size_t from = 0, to = jobs ? ork_rows_len(jobs) : 0;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (ork_rows_int(jobs, mid, "task_index", -1) < task)
            from = mid + 1;
        else
            to = mid;
    }
    return jobs && from < ork_rows_len(jobs) && ork_rows_int(jobs, from, "task_index", -1) == task ? (int64_t)from : -1;
}

/* A job of another service: what is known of it is in job_data, under "ork". Owned; NULL: it is none. */
static json_t *remote_of(const struct ork_rows *jobs, size_t i, int64_t *due_ms, int64_t *asked)
{
    const char *text = ork_rows_text(jobs, i, "job_data");
    json_t *data = text ? json_loads(text, 0, NULL) : NULL, *own = json_incref(json_object_get(data, "ork"));
    const json_t *due = json_object_get(own, "due");
    ork_err none;

    json_decref(data);
    *asked = json_integer_value(json_object_get(own, "asked"));
    if (json_is_string(due) && ork_time_parse(json_string_value(due), json_string_length(due), due_ms, &none) == 0)
        return own;
    json_decref(own);
    return NULL;
}

/* Open jobs of the task of row i, which are beside each other. */
static int64_t count(const struct ork_rows *jobs, size_t i)
{
    int64_t task = ork_rows_int(jobs, i, "task_index", -1), n = 0;

    for (; i < ork_rows_len(jobs) && ork_rows_int(jobs, i, "task_index", -1) == task; i++)
        n++;
    return n;
}

/* What the last question about one of them brought; NULL: nothing is wrong with any. */
static const char *error_of(const struct ork_rows *jobs, size_t i)
{
    const char *error = NULL;

    for (int64_t n = count(jobs, i); n > 0 && !error; n--)
        error = ork_rows_text(jobs, i++, "error");
    return error;
}

static bool remote_members(const struct ork_rows *jobs, size_t i, struct ork_buf *out)
{
    int64_t due_ms = 0, asked = 0;
    json_t *own = remote_of(jobs, i, &due_ms, &asked);

    if (!own)
        return false;
    ork_doc_text(out, "text", ork_rows_text(jobs, i, "job_id"));
    ork_doc_time(out, "until", due_ms);
    ork_doc_int(out, "jobs", count(jobs, i));
    ork_doc_int(out, "asked", asked);
    ork_doc_time(out, "asked_at", ork_rows_time(jobs, i, "last_polled_at"));
    ork_doc_text(out, "error", error_of(jobs, i));
    ork_doc_text(out, "said", json_string_value(json_object_get(own, "said")));
    json_decref(own);
    return true;
}

/* An answer to an approval: `kind` and `args` of the wish, left at `at_ms`. `counts`: it was carried out. */
static void answer(const char *kind, const char *args, int64_t at_ms, bool counts, struct ork_buf *out)
{
    json_t *o = args ? json_loads(args, 0, NULL) : NULL;

    ork_doc_key(out, "decided");
    ork_buf_addc(out, '{');
    ork_doc_text(out, "as", strcmp(kind, "approve") == 0 ? "approved" : "rejected");
    ork_doc_text(out, "by", json_string_value(json_object_get(o, "by")));
    ork_doc_text(out, "comment", json_string_value(json_object_get(o, "comment")));
    ork_doc_time(out, "at", at_ms);
    ork_doc_raw(out, "counts", counts ? "true" : "false");
    ork_buf_addc(out, '}');
    json_decref(o);
}

/* Of an open approval: what somebody decided, and nobody has carried out yet. */
static void open_answer(const struct ork_rows *jobs, size_t i, struct ork_buf *out)
{
    const char *wish = ork_rows_text(jobs, i, "wish");

    if (wish)
        answer(wish, ork_rows_text(jobs, i, "wish_args"), ork_rows_time(jobs, i, "wish_at"), false, out);
    else
        ork_doc_raw(out, "decided", NULL);
}

static void members(const struct ork_rows *jobs, size_t i, struct ork_buf *out)
{
    const char *type = ork_rows_text(jobs, i, "service_type");
    struct ork_defer what;
    uint32_t attempt;
    ork_err none;

    ork_doc_text(out, "for", type);
    if (remote_members(jobs, i, out))
        return;
    if (ork_defer_read(&what, type, ork_rows_text(jobs, i, "job_data"), &attempt, &none) != 0)
        return;
    if (what.type == ORK_DEFER_RUN) {
        ork_doc_text(out, "run", what.run);
        ork_doc_text(out, "workflow", what.text);
    } else {
        ork_doc_text(out, "text", what.text);
        ork_doc_time(out, "until", what.due_ms);
    }
    if (what.type == ORK_DEFER_APPROVAL)
        open_answer(jobs, i, out);
    if (what.type == ORK_DEFER_POLL || what.type == ORK_DEFER_EXECUTOR) {
        ork_doc_int(out, "every_ms", what.every_ms);
        ork_doc_int(out, "asked", what.asked);
        ork_doc_time(out, "asked_at", ork_rows_time(jobs, i, "last_polled_at"));
        ork_doc_text(out, "error", ork_rows_text(jobs, i, "error"));
    }
    ork_defer_fini(&what);
}

bool ork_doc_is_held(const struct ork_rows *jobs, const struct ork_rows *tasks, size_t row)
{
    return is_waiting(tasks, row) && find(jobs, ork_rows_int(tasks, row, "task_index", -1)) >= 0;
}

void ork_doc_waits(const struct ork_rows *jobs, const struct ork_rows *tasks, size_t row, struct ork_buf *out)
{
    int64_t i = is_waiting(tasks, row) ? find(jobs, ork_rows_int(tasks, row, "task_index", -1)) : -1;

    if (i < 0) {
        ork_doc_raw(out, "waits", NULL);
        return;
    }
    ork_doc_key(out, "waits");
    ork_buf_addc(out, '{');
    members(jobs, (size_t)i, out);
    ork_buf_addc(out, '}');
}

static bool is_answer(const struct ork_rows *wishes, size_t i, const ork_id *task)
{
    const char *kind = ork_rows_text(wishes, i, "kind");
    ork_id of;

    return (strcmp(kind, "approve") == 0 || strcmp(kind, "reject") == 0) && ork_rows_id(wishes, i, "task_id", &of) &&
           ork_id_eq(&of, task);
}

/* Who approved or rejected, and when: the wish that decided the newest attempt, or is to decide it when the run goes
 * on. When it was decided is when the wish was left, not when it was carried out. */
int ork_doc_decided(ork_engine *e, const struct ork_rows *task, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *jobs = NULL, *wishes = NULL;
    ork_id id, run;
    int rc = 0;

    if (strcmp(ork_rows_text(task, 0, "executor_type"), "wait") == 0 && ork_rows_id(task, 0, "id", &id) &&
        ork_rows_id(task, 0, "run_id", &run)) {
        struct ork_param p[] = {ORK_P_ID(&id)}, q[] = {ORK_P_ID(&run)};
        rc = ork_store_query(e->store, ORK_Q_jobs_of_task, p, 1, &jobs, err);
        if (!rc && ork_rows_len(jobs) && strcmp(ork_rows_text(jobs, 0, "service_type"), "approval") == 0)
            rc = ork_store_query(e->store, ORK_Q_commands_of_run, q, 1, &wishes, err);
    }
    size_t last = jobs ? ork_rows_len(jobs) : 0, n = wishes ? ork_rows_len(wishes) : 0, found = n;
    const bool open = last && strcmp(ork_rows_text(jobs, last - 1, "status"), "pending") == 0;
    for (size_t i = 0; i < n; i++) { /* the newest that was carried out; the first that waits for it */
        const char *outcome = ork_rows_text(wishes, i, "outcome");
        if (is_answer(wishes, i, &id) && (open ? !outcome && found == n : outcome && strcmp(outcome, "done") == 0))
            found = i;
    }
    if (found < n)
        answer(ork_rows_text(wishes, found, "kind"), ork_rows_text(wishes, found, "args"),
               ork_rows_time(wishes, found, "created_at"), !open, out);
    else
        ork_doc_raw(out, "decided", NULL);
    ork_rows_free(wishes);
    ork_rows_free(jobs);
    return rc;
}

/* ---- runs of tasks ---- */

/* The run of the newest attempt of a task that runs another workflow. */
int ork_doc_child(ork_engine *e, const struct ork_rows *task, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *jobs = NULL;
    struct ork_defer what = {0};
    uint32_t attempt;
    ork_id id, run;
    char short_id[9];
    ork_err none;
    int rc = 0;

    if (strcmp(ork_rows_text(task, 0, "executor_type"), "workflow") == 0 && ork_rows_id(task, 0, "id", &id)) {
        struct ork_param p[] = {ORK_P_ID(&id)};
        rc = ork_store_query(e->store, ORK_Q_jobs_of_task, p, 1, &jobs, err);
    }
    size_t i = jobs ? ork_rows_len(jobs) : 0;
    if (i &&
        ork_defer_read(&what, ork_rows_text(jobs, i - 1, "service_type"), ork_rows_text(jobs, i - 1, "job_data"),
                       &attempt, &none) == 0 &&
        what.run && ork_id_parse(what.run, strlen(what.run), &run) == 0) {
        ork_id_short(&run, short_id);
        ork_doc_key(out, "child");
        ork_buf_addc(out, '{');
        ork_doc_text(out, "run", what.run);
        ork_doc_text(out, "short", short_id);
        ork_doc_text(out, "workflow", what.text);
        ork_buf_addc(out, '}');
    } else {
        ork_doc_raw(out, "child", NULL);
    }
    ork_defer_fini(&what);
    ork_rows_free(jobs);
    return rc;
}

/* Whose run it is: the task of another run that it is run for. */
int ork_doc_parent(ork_engine *e, const ork_id *run, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    char text[ORK_ID_TEXT], short_id[9];
    ork_id parent;
    int rc = ork_store_query(e->store, ORK_Q_run_parent, p, 1, &rows, err);

    if (!rc && ork_rows_len(rows) && ork_rows_id(rows, 0, "run_id", &parent)) {
        ork_id_format(&parent, text);
        ork_id_short(&parent, short_id);
        ork_doc_key(out, "parent");
        ork_buf_addc(out, '{');
        ork_doc_text(out, "run", text);
        ork_doc_text(out, "short", short_id);
        ork_doc_text(out, "workflow", ork_rows_text(rows, 0, "workflow"));
        ork_doc_text(out, "task", ork_rows_text(rows, 0, "task_name"));
        ork_buf_addc(out, '}');
    } else if (!rc) {
        ork_doc_raw(out, "parent", NULL);
    }
    ork_rows_free(rows);
    return rc;
}

/* ---- why ---- */

static void approval_text(const struct ork_rows *jobs, size_t i, const ork_id *run, const char *task, bool owned,
                          const char *text, struct ork_buf *out)
{
    const char *wish = owned ? NULL : ork_rows_text(jobs, i, "wish"), *args = ork_rows_text(jobs, i, "wish_args");
    json_t *o = wish && args ? json_loads(args, 0, NULL) : NULL;
    const char *by = json_string_value(json_object_get(o, "by"));
    char short_id[9];

    ork_id_short(run, short_id);
    if (wish)
        ork_buf_addf(out, "%s by %s, which counts as soon as somebody goes on with the run",
                     strcmp(wish, "approve") == 0 ? "approved" : "rejected", by ? by : "?");
    else
        ork_buf_addf(out, "waits for approval: %s (`ork approve %s %s`, or `ork reject`)", text, short_id, task);
    json_decref(o);
}

static bool remote_text(const struct ork_rows *jobs, size_t i, struct ork_buf *out, int64_t *until_ms)
{
    int64_t asked = 0, more = count(jobs, i) - 1;
    json_t *own = remote_of(jobs, i, until_ms, &asked);
    const char *error = error_of(jobs, i), *said = json_string_value(json_object_get(own, "said"));

    if (!own)
        return false;
    ork_buf_addf(out, "waits for job `%s` of another service", ork_rows_text(jobs, i, "job_id"));
    if (more)
        ork_buf_addf(out, " and %lld more", (long long)more);
    ork_buf_addf(out, "; asked %lld time%s%s%s", (long long)asked, asked == 1 ? "" : "s",
                 error || said ? "; the last time: " : "",
                 error  ? error
                 : said ? said
                        : "");
    json_decref(own);
    return true;
}

bool ork_doc_why_waits(ork_engine *e, const ork_id *run, const struct ork_rows *tasks, size_t row, bool owned,
                       struct ork_buf *out, int64_t *until_ms)
{
    struct ork_rows *jobs = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    struct ork_defer what;
    uint32_t attempt;
    char every[32];
    ork_err none;

    if (!is_waiting(tasks, row) || ork_store_query(e->store, ORK_Q_jobs_open, p, 1, &jobs, &none) != 0)
        return false;
    int64_t i = find(jobs, ork_rows_int(tasks, row, "task_index", -1));
    if (i >= 0 && remote_text(jobs, (size_t)i, out, until_ms)) {
        ork_rows_free(jobs);
        return true;
    }
    if (i < 0 || ork_defer_read(&what, ork_rows_text(jobs, (size_t)i, "service_type"),
                                ork_rows_text(jobs, (size_t)i, "job_data"), &attempt, &none) != 0) {
        ork_rows_free(jobs);
        return false;
    }
    const char *error = ork_rows_text(jobs, (size_t)i, "error");
    *until_ms = what.due_ms;
    if (what.type == ORK_DEFER_APPROVAL) {
        approval_text(jobs, (size_t)i, run, ork_rows_text(tasks, row, "task_name"), owned, what.text, out);
    } else if (what.type == ORK_DEFER_RUN) {
        ork_id child;
        char short_id[9];
        (void)ork_id_parse(what.run, strlen(what.run), &child);
        ork_id_short(&child, short_id);
        ork_buf_addf(out, "waits for run %s of `%s` (`ork why %s`)", short_id, what.text, short_id);
    } else if (what.type == ORK_DEFER_TIMER) {
        ork_buf_adds(out, "waits for its time");
    } else {
        ork_duration_format(what.every_ms, every);
        if (what.type == ORK_DEFER_EXECUTOR)
            ork_buf_addf(out, "by executor %s, which %s; ", what.text,
                         what.handle ? "has started it" : "is starting it");
        ork_buf_addf(out, "polls every %s; asked %lld time%s%s%s", every, (long long)what.asked,
                     what.asked == 1 ? "" : "s", error ? "; the last call failed: " : "", error ? error : "");
    }
    ork_defer_fini(&what);
    ork_rows_free(jobs);
    return true;
}

/* ---- status ---- */

#define ASKED_MAX 20

int ork_doc_approvals(ork_engine *e, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(ASKED_MAX)};
    int rc = ork_store_query(e->store, ORK_Q_approvals_open, p, 1, &rows, err);

    ork_doc_key(out, "approvals");
    ork_buf_addc(out, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        struct ork_defer what;
        uint32_t attempt;
        char text[ORK_ID_TEXT];
        ork_err none;
        ork_id run;
        if (!ork_rows_id(rows, i, "run_id", &run) ||
            ork_defer_read(&what, "approval", ork_rows_text(rows, i, "job_data"), &attempt, &none) != 0)
            continue;
        ork_id_format(&run, text);
        ork_buf_adds(out, out->data[out->len - 1] == '}' ? ",{" : "{");
        ork_doc_text(out, "run", text);
        ork_doc_text(out, "workflow", ork_rows_text(rows, i, "workflow"));
        ork_doc_text(out, "task", ork_rows_text(rows, i, "task_name"));
        ork_doc_text(out, "text", what.text);
        ork_doc_time(out, "since", ork_rows_time(rows, i, "started_at"));
        open_answer(rows, i, out);
        ork_buf_addc(out, '}');
        ork_defer_fini(&what);
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}

int ork_doc_failing(ork_engine *e, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(ASKED_MAX)};
    int rc = ork_store_query(e->store, ORK_Q_jobs_failing, p, 1, &rows, err);

    ork_doc_key(out, "failing");
    ork_buf_addc(out, '[');
    for (size_t i = 0, shown = 0; !rc && i < ork_rows_len(rows); i++) {
        char text[ORK_ID_TEXT];
        ork_id run;
        if (!ork_rows_id(rows, i, "run_id", &run))
            continue;
        ork_id_format(&run, text);
        ork_buf_adds(out, shown++ ? ",{" : "{");
        ork_doc_text(out, "run", text);
        ork_doc_text(out, "workflow", ork_rows_text(rows, i, "workflow"));
        ork_doc_text(out, "task", ork_rows_text(rows, i, "task_name"));
        ork_doc_text(out, "for", ork_rows_text(rows, i, "service_type"));
        ork_doc_text(out, "job", ork_rows_text(rows, i, "job_id"));
        ork_doc_text(out, "error", ork_rows_text(rows, i, "error"));
        ork_doc_time(out, "asked_at", ork_rows_time(rows, i, "last_polled_at"));
        ork_doc_time(out, "since", ork_rows_time(rows, i, "started_at"));
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}
