/* SPDX-License-Identifier: MIT */
/* Why something waits, failed or was skipped, said from the rows alone, so that any process can answer for a run of
 * another owner. */
#include "engine/owner.h"
#include <stdlib.h>
#include <string.h>

struct why {
    ork_engine *engine;
    const ork_id *run;
    struct ork_buf *out; /* the array of reasons */
    struct ork_rows *tasks;
    const char *run_status, *workflow, *host; /* borrowed; host: of the owner */
    int64_t owner_pid;
    bool owned;     /* a live scheduler has the run */
    bool functions; /* tasks of it are inline */
};

static const char *status_of(const struct why *w, const char *name)
{
    for (size_t i = 0; i < ork_rows_len(w->tasks); i++) {
        if (strcmp(ork_rows_text(w->tasks, i, "task_name"), name) == 0)
            return ork_rows_text(w->tasks, i, "status");
    }
    return NULL;
}

static void reason(struct why *w, const char *task, const char *text, const json_t *waits_for, int64_t until_ms)
{
    ork_buf_adds(w->out, w->out->len > 1 ? ",{" : "{");
    ork_doc_text(w->out, "task", task);
    ork_doc_text(w->out, "text", text);
    char *list = NULL;
    size_t n;
    if (waits_for && ork_json_text(waits_for, &list, &n, NULL) == 0)
        ork_doc_raw(w->out, "waits_for", list);
    ork_free(list);
    if (until_ms)
        ork_doc_time(w->out, "until", until_ms);
    ork_buf_addc(w->out, '}');
}

static json_t *unfinished_deps(const struct why *w, size_t row)
{
    json_t *deps = json_loads(ork_rows_text(w->tasks, row, "depends_on"), 0, NULL), *open = json_array(), *d;
    size_t i;

    json_array_foreach(deps, i, d)
    {
        const char *status = status_of(w, json_string_value(d));
        if (status && !ork_task_is_final(ork_task_status_parse(status)))
            json_array_append(open, d);
    }
    json_decref(deps);
    return open;
}

static bool is_finally(const struct why *w, size_t row)
{
    const char *text = ork_rows_text(w->tasks, row, "params");
    json_t *params = text && strstr(text, "\"finally\"") ? json_loads(text, 0, NULL) : NULL;
    bool yes = json_is_true(json_object_get(params, "finally"));

    json_decref(params);
    return yes;
}

/* A `finally` comes after all other tasks, which its row does not name. */
static bool finally_text(const struct why *w, size_t row, struct ork_buf *b)
{
    size_t open = 0;

    if (!is_finally(w, row))
        return false;
    for (size_t i = 0; i < ork_rows_len(w->tasks); i++)
        open += !ork_task_is_final(ork_task_status_parse(ork_rows_text(w->tasks, i, "status"))) && !is_finally(w, i);
    if (open)
        ork_buf_addf(b, "comes last (`finally`); waits for the %zu task%s that %s not ended", open,
                     open == 1 ? "" : "s", open == 1 ? "has" : "have");
    return open > 0;
}

static void join(struct ork_buf *b, const json_t *names)
{
    size_t n = json_array_size(names);

    for (size_t i = 0; i < n && i < 5; i++)
        ork_buf_addf(b, "%s`%s`", i ? ", " : "", json_string_value(json_array_get(names, i)));
    if (n > 5)
        ork_buf_addf(b, " and %zu more", n - 5);
}

static void pool_text(struct why *w, const char *pool, struct ork_buf *b)
{
    struct ork_rows *rows = NULL;

    ork_buf_adds(b, "ready; waits for a free slot");
    if (!pool)
        return;
    ork_buf_addf(b, " of the pool `%s`", pool);
    if (ork_store_query(w->engine->store, ORK_Q_pools_list, NULL, 0, &rows, NULL) != 0)
        return;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (strcmp(ork_rows_text(rows, i, "name"), pool) == 0)
            ork_buf_addf(b, " (%lld of %lld in use)", (long long)ork_rows_int(rows, i, "used", 0),
                         (long long)ork_rows_int(rows, i, "slots", 0));
    }
    ork_rows_free(rows);
}

static void call_text(struct why *w, const struct ork_call *c, struct ork_buf *b)
{
    char span[32];

    ork_duration_format(ork_call_mono(w->engine) - c->begun_ms, span);
    ork_buf_addf(b, "its function has been running for %s", span);
    if (c->total > 0)
        ork_buf_addf(b, " (%g of %g)", c->done, c->total);
    else if (c->done > 0)
        ork_buf_addf(b, " (%g done)", c->done);
}

/* Functions leave no row while they run: what we know of ours, or who knows. false: it is no function, or waits. */
static bool function_text(struct why *w, size_t i, struct ork_buf *b)
{
    struct ork_active *a = ork_active_find(w->engine, w->run);
    uint32_t task = (uint32_t)ork_rows_int(w->tasks, i, "task_index", 0);
    const struct ork_live *l = a && task < a->run.n ? ork_active_live(a, task) : NULL;
    const char *executor = ork_rows_text(w->tasks, i, "executor_type");
    bool by_worker = strcmp(executor, "lua") == 0 || strcmp(executor, "library") == 0;

    if (!by_worker && strcmp(executor, "inline") != 0)
        return false;
    if (by_worker && (!w->owned || (a && !l) || (!a && ork_rows_text(w->tasks, i, "pool"))))
        return false; /* as for a process */
    if (!w->owned) {
        ork_buf_adds(b, "ready; its function lives in the program that started the run: start that program again");
    } else if (!a) {
        ork_buf_adds(b, by_worker ? "its function runs in a worker of the program that owns the run, or waits for one"
                                  : "its function is called by the program that owns the run, or will be");
    } else if (l && l->call && l->call->begun_ms) {
        call_text(w, l->call, b);
    } else if (l) {
        ork_buf_adds(b, by_worker ? "ready; waits for a worker"
                                  : "ready; its function is called when this program's loop runs");
    }
    return b->len > 0;
}

static void pending(struct why *w, size_t i, const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    json_t *open = unfinished_deps(w, i);
    int64_t retry = ork_rows_time(w->tasks, i, "retry_at");
    const char *error = ork_rows_text(w->tasks, i, "error");
    char span[32];

    if (strcmp(w->run_status, "paused") == 0) {
        ork_buf_adds(&b, "the run is paused");
    } else if (json_array_size(open)) {
        ork_buf_adds(&b, "waits for ");
        join(&b, open);
    } else if (finally_text(w, i, &b)) {
        /* told */
    } else if (retry) {
        int64_t left = retry - ork_engine_now(w->engine);
        ork_duration_format(left > 0 ? left : 0, span);
        ork_buf_addf(&b, "failed %lld of %lld times and is tried again in %s%s%s",
                     (long long)ork_rows_int(w->tasks, i, "attempts", 0),
                     (long long)ork_rows_int(w->tasks, i, "max_retries", 0) + 1, span, error ? "; last: " : "",
                     error ? error : "");
    } else if (function_text(w, i, &b)) {
        /* told */
    } else if (!w->owned) {
        ork_buf_adds(&b, "ready, but no ork is alive that owns the run");
    } else {
        pool_text(w, ork_rows_text(w->tasks, i, "pool"), &b);
    }
    reason(w, name, b.data, json_array_size(open) ? open : NULL, retry);
    json_decref(open);
    ork_buf_fini(&b);
}

/* A run that waits for its turn (max_active_runs): who has it? false: it does not. */
static bool turn_reason(struct why *w)
{
    struct ork_rows *pools = NULL, *runs = NULL;
    struct ork_param p[] = {
        ORK_P_TEXT(w->workflow), ORK_P_TEXT("running,paused"), ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_INT(6)};
    struct ork_buf pool = ORK_BUF_INIT, b = ORK_BUF_INIT;
    int64_t slots = 0, used = 0;
    size_t shown = 0;

    if (!w->owned || strcmp(w->run_status, "pending") != 0)
        return false;
    ork_buf_addf(&pool, "run:%s", w->workflow);
    if (ork_store_query(w->engine->store, ORK_Q_pools_list, NULL, 0, &pools, NULL) == 0) {
        for (size_t i = 0; i < ork_rows_len(pools); i++) {
            if (strcmp(ork_rows_text(pools, i, "name"), pool.data) == 0) {
                slots = ork_rows_int(pools, i, "slots", 0);
                used = ork_rows_int(pools, i, "used", 0);
            }
        }
    }
    bool waits = slots > 0 && used >= slots;
    if (waits && ork_store_query(w->engine->store, ORK_Q_runs_list, p, 6, &runs, NULL) == 0) {
        ork_buf_addf(&b, "waits for its turn: max_active_runs = %lld; under way: ", (long long)slots);
        for (size_t i = 0; i < ork_rows_len(runs); i++) {
            ork_id id;
            char short_id[9];
            if (!ork_rows_id(runs, i, "id", &id))
                continue;
            ork_id_short(&id, short_id);
            ork_buf_addf(&b, "%s%s", shown++ ? ", " : "", short_id);
        }
        reason(w, NULL, b.data, NULL, 0);
    }
    waits = waits && b.len > 0;
    ork_rows_free(pools);
    ork_rows_free(runs);
    ork_buf_fini(&pool);
    ork_buf_fini(&b);
    return waits;
}

/* Nobody carries the run out: its agent may still have the process, and only whoever goes on with the run asks it. */
static void left_text(struct why *w, const char *pid, struct ork_buf *b)
{
    bool seen = pid && ork_owner_process_seen(w->engine, w->host, strtoll(pid, NULL, 10));

    if (seen)
        ork_buf_addf(b, "still running, process %s, though no ork carries the run out", pid);
    else
        ork_buf_addf(b, "was running when its ork ended%s%s%s; how it ended is seen when somebody goes on with the run",
                     pid ? " (process " : "", pid ? pid : "", pid ? ")" : "");
}

/* ", 17 of 500 items done, 2 failed" */
static void items_text(struct why *w, size_t i, struct ork_buf *b)
{
    struct ork_rows *rows = NULL;
    int64_t first = ork_rows_int(w->tasks, i, "map_first", 0), count = ork_rows_int(w->tasks, i, "map_count", -1),
            done = 0, failed = 0;
    ork_id run;
    ork_err err;

    if (count < 0 || !ork_rows_id(w->tasks, i, "run_id", &run))
        return;
    struct ork_param p[] = {ORK_P_ID(&run), ORK_P_INT(first), ORK_P_INT(first + count - 1)};
    if (ork_store_query(w->engine->store, ORK_Q_items_counts, p, 3, &rows, &err) != 0)
        return;
    for (size_t k = 0; k < ork_rows_len(rows); k++) {
        int status = ork_task_status_parse(ork_rows_text(rows, k, "status"));
        done += ork_task_is_final(status) ? ork_rows_int(rows, k, "count", 0) : 0;
        failed += status == ORK_TASK_FAILED ? ork_rows_int(rows, k, "count", 0) : 0;
    }
    ork_rows_free(rows);
    ork_buf_addf(b, ", %lld of %lld items done", (long long)done, (long long)count);
    if (failed)
        ork_buf_addf(b, ", %lld failed", (long long)failed);
}

static void task_reason(struct why *w, size_t i)
{
    const char *name = ork_rows_text(w->tasks, i, "task_name"), *status = ork_rows_text(w->tasks, i, "status");
    const char *error = ork_rows_text(w->tasks, i, "error"), *pid = ork_rows_text(w->tasks, i, "execution_name");
    struct ork_buf b = ORK_BUF_INIT;
    int64_t until_ms = 0;
    char span[32];

    switch (ork_task_status_parse(status)) {
    case ORK_TASK_PENDING:
    case ORK_TASK_PAUSED:
        pending(w, i, name);
        return;
    case ORK_TASK_DISPATCHED:
        ork_buf_adds(&b, w->owned ? "handed to the agent; starts when one of its slots is free"
                                  : "handed to the agent; no ork is alive that owns the run");
        break;
    case ORK_TASK_RUNNING:
        if (ork_doc_why_waits(w->engine, w->run, w->tasks, i, w->owned, &b, &until_ms))
            break;
        if (!w->owned) {
            left_text(w, pid, &b);
            break;
        }
        ork_duration_format(ork_engine_now(w->engine) - ork_rows_time(w->tasks, i, "started_at"), span);
        ork_buf_addf(&b, "running for %s%s%s", span, pid ? ", process " : "", pid ? pid : "");
        items_text(w, i, &b);
        break;
    case ORK_TASK_SUCCESS:
        ork_buf_adds(&b, "it succeeded");
        break;
    default:
        ork_buf_addf(&b, "%s%s%s", status, error ? ": " : "", error ? error : "");
        break;
    }
    reason(w, name, b.data, NULL, until_ms);
    ork_buf_fini(&b);
}

static void advice(const struct why *w, struct ork_buf *b, const char *short_id)
{
    struct ork_buf line = ORK_BUF_INIT;
    const char *status = w->run_status;
    bool owned = w->owned, functions = w->functions;

    ork_buf_addc(b, '[');
    if (owned && ork_owner_stopped(w->engine, w->host, w->owner_pid))
        ork_buf_addf(&line, "its ork (process %lld) is stopped: `fg` where it was started, or kill -CONT %lld",
                     (long long)w->owner_pid, (long long)w->owner_pid);
    else if (functions && !owned && strcmp(status, "success") != 0)
        ork_buf_addf(&line,
                     "tasks of it are functions of the program that started it: start that again; there, after "
                     "`w:validate()`, `ork.find(\"%s\"):%s()` goes on with it",
                     short_id, ork_run_is_final(ork_run_status_parse(status)) ? "retry" : "resume");
    else if (strcmp(status, "paused") == 0)
        ork_buf_addf(&line, "`ork resume %s` goes on with it", short_id);
    else if (strcmp(status, "failed") == 0)
        ork_buf_addf(&line, "`ork retry %s` runs its failed and skipped tasks again", short_id);
    else if (strcmp(status, "cancelled") == 0)
        ork_buf_addf(&line, "`ork retry %s` tries again what did not succeed", short_id);
    else if (!owned && strcmp(status, "success") != 0)
        ork_buf_addf(&line, "no ork owns it now: `ork serve` takes it up, `ork resume %s` carries it out here",
                     short_id);
    if (line.len)
        ork_buf_json(b, line.data, line.len);
    if (strcmp(status, "failed") == 0) {
        struct ork_buf logs = ORK_BUF_INIT;
        ork_buf_addf(&logs, "`ork logs %s` shows what the failed tasks wrote", short_id);
        ork_buf_adds(b, line.len ? "," : "");
        ork_buf_json(b, logs.data, logs.len);
        ork_buf_fini(&logs);
    }
    ork_buf_addc(b, ']');
    ork_buf_fini(&line);
}

#define MANY 200 /* reasons given for one run */

/* An item: its row says what is to be said, or its task's when it never began. */
static bool item_reason(struct why *w, const ork_id *run, const char *name)
{
    struct ork_rows *tasks = w->tasks, *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_TEXT(name)};
    struct ork_buf fresh = ORK_BUF_INIT;
    ork_err err;
    bool found = ork_store_query(w->engine->store, ORK_Q_task_get, p, 2, &rows, &err) == 0 && ork_rows_len(rows) == 1;

    if (found) {
        w->tasks = rows;
        task_reason(w, 0);
        w->tasks = tasks;
    } else if (ork_doc_fresh_item(w->engine, run, name, &fresh, &err) == 0) {
        found = true;
        reason(w, name,
               ork_run_is_final(ork_run_status_parse(w->run_status)) ? "it never began" : "its turn has not come", NULL,
               0);
    }
    ork_rows_free(rows);
    ork_buf_fini(&fresh);
    return found;
}

static int why_run(ork_engine *e, const ork_id *id, const char *only, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *run = NULL;
    struct why w = {.engine = e, .run = id};
    struct ork_param p[] = {ORK_P_ID(id)};
    struct ork_buf reasons = ORK_BUF_INIT;
    ork_id owner;
    char text[ORK_ID_TEXT], short_id[9];
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &run, err);

    if (!rc) {
        struct ork_param q[] = {ORK_P_ID(id), ORK_P_NULL, ORK_P_INT(-1), ORK_P_INT(INT64_MAX)};
        rc = ork_store_query(e->store, ORK_Q_tasks_list, q, 4, &w.tasks, err);
    }
    if (rc) {
        ork_rows_free(run);
        return rc;
    }
    w.run_status = ork_rows_text(run, 0, "status");
    bool has = ork_rows_id(run, 0, "scheduler_id", &owner);
    w.owned = has && ((e->registered && ork_id_eq(&owner, &e->scheduler)) || ork_store_owner_alive(e->store, &owner));
    w.workflow = ork_rows_text(run, 0, "workflow");
    w.host = ork_rows_text(run, 0, "owner_host");
    w.owner_pid = ork_rows_int(run, 0, "owner_pid", 0);
    w.out = &reasons;
    ork_buf_addc(&reasons, '[');
    bool turn = !only && turn_reason(&w);
    bool final = ork_run_is_final(ork_run_status_parse(w.run_status)), found = false;
    size_t given = 0;
    for (size_t i = 0; i < ork_rows_len(w.tasks) && !w.functions; i++)
        w.functions = strcmp(ork_rows_text(w.tasks, i, "executor_type"), "inline") == 0;
    for (size_t i = 0; i < ork_rows_len(w.tasks) && given < MANY; i++) {
        int status = ork_task_status_parse(ork_rows_text(w.tasks, i, "status"));
        bool named = only && strcmp(only, ork_rows_text(w.tasks, i, "task_name")) == 0;
        bool interesting = final ? status == ORK_TASK_FAILED || status == ORK_TASK_SKIPPED
                                 : !ork_task_is_final(status) || status == ORK_TASK_FAILED;
        if (only ? !named : !interesting)
            continue;
        found = true;
        if (turn && status == ORK_TASK_PENDING)
            continue; /* all of them wait for that */
        given++;
        task_reason(&w, i);
    }
    if (only && !found)
        found = item_reason(&w, id, only);
    ork_buf_addc(&reasons, ']');
    if (only && !found)
        rc = ork_err_set(err, ORK_ENOTFOUND, "no task `%s` in this run; `ork tasks RUN` lists them", only);
    ork_id_format(id, text);
    ork_id_short(id, short_id);
    ork_doc_text(out, "run", text);
    ork_doc_text(out, "short", short_id);
    ork_doc_text(out, "workflow", ork_rows_text(run, 0, "workflow"));
    ork_doc_text(out, "status", w.run_status);
    ork_doc_text(out, "error", ork_rows_text(run, 0, "error"));
    ork_doc_raw(out, "owned", w.owned ? "true" : "false");
    ork_doc_raw(out, "reasons", reasons.data);
    ork_doc_key(out, "advice");
    advice(&w, out, short_id);
    ork_buf_fini(&reasons);
    ork_rows_free(w.tasks);
    ork_rows_free(run);
    return rc;
}

static int why_all(ork_engine *e, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    int rc = ork_store_query(e->store, ORK_Q_waiting_runs, NULL, 0, &rows, err);

    ork_buf_addc(out, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_id id;
        if (!ork_rows_id(rows, i, "id", &id))
            continue;
        ork_buf_adds(out, out->len > 1 ? ",{" : "{");
        rc = why_run(e, &id, NULL, out, err);
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}

int ork_why_json(ork_engine *e, const char *run_id, const char *task, char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc;

    if (!run_id) {
        rc = why_all(e, &b, err);
    } else {
        struct ork_rows *rows = NULL;
        rc = ork_doc_open_run(e, run_id, &id, &rows, err);
        ork_rows_free(rows);
        ork_buf_addc(&b, '{');
        if (!rc)
            rc = why_run(e, &id, task, &b, err);
        ork_buf_addc(&b, '}');
    }
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}
