/* SPDX-License-Identifier: MIT */
/* Documents about runs: one, and lists. */
#include "engine/owner.h"
#include "engine/sub.h"
#include <string.h>

#define ALL_TASKS 1000 /* a run's document holds all its tasks up to here, then only what failed or is under way */

static void owner(ork_engine *e, const struct ork_rows *r, size_t row, struct ork_buf *out)
{
    ork_id id;
    char text[ORK_ID_TEXT];

    ork_doc_key(out, "owner");
    if (!ork_rows_id(r, row, "scheduler_id", &id)) {
        ork_buf_adds(out, "null");
        return;
    }
    bool mine = e->registered && ork_id_eq(&id, &e->scheduler);
    ork_id_format(&id, text);
    ork_buf_addc(out, '{');
    ork_doc_text(out, "id", text);
    ork_doc_text(out, "host", ork_rows_text(r, row, "owner_host"));
    bool alive = mine || ork_store_owner_alive(e->store, &id);
    int64_t pid = ork_rows_int(r, row, "owner_pid", 0);
    bool stopped = alive && !mine && ork_owner_stopped(e, ork_rows_text(r, row, "owner_host"), pid);
    ork_doc_int(out, "pid", pid);
    ork_doc_raw(out, "alive", alive ? "true" : "false");
    ork_doc_raw(out, "stopped", stopped ? "true" : "false");
    ork_doc_raw(out, "mine", mine ? "true" : "false");
    ork_buf_addc(out, '}');
}

static int counts(ork_engine *e, const ork_id *id, struct ork_buf *out, int64_t *sum, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    int64_t waiting = 0;
    int rc = ork_store_query(e->store, ORK_Q_tasks_counts, p, 1, &rows, err);

    if (rc)
        return rc;
    ork_doc_key(out, "counts");
    ork_buf_addc(out, '{');
    *sum = 0;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        ork_doc_int(out, ork_rows_text(rows, i, "status"), ork_rows_int(rows, i, "count", 0));
        *sum += ork_rows_int(rows, i, "count", 0);
        waiting += ork_rows_int(rows, i, "waiting", 0);
    }
    ork_buf_addc(out, '}');
    ork_doc_int(out, "waiting", waiting);
    ork_rows_free(rows);
    return 0;
}

/* The members of a run's object, without braces. */
int ork_doc_run(ork_engine *e, const struct ork_rows *r, size_t row, bool full, struct ork_buf *out, ork_err *err)
{
    ork_id id, snapshot;
    char text[ORK_ID_TEXT], short_id[9];
    int64_t started = ork_rows_time(r, row, "started_at"), finished = ork_rows_time(r, row, "finished_at"), sum = 0;

    if (!ork_rows_id(r, row, "id", &id))
        return ork_err_set(err, ORK_ECORRUPT, "a run without an id");
    ork_id_format(&id, text);
    ork_id_short(&id, short_id);
    ork_doc_text(out, "id", text);
    ork_doc_text(out, "short", short_id);
    ork_doc_text(out, "workflow", ork_rows_text(r, row, "workflow"));
    ork_doc_text(out, "status", ork_rows_text(r, row, "status"));
    ork_doc_text(out, "triggered_by", ork_rows_text(r, row, "triggered_by"));
    if (full)
        ork_doc_raw(out, "params", ork_rows_text(r, row, "params"));
    ork_doc_int(out, "priority", ork_rows_int(r, row, "priority", 0));
    ork_doc_text(out, "key", ork_rows_text(r, row, "idempotency_key"));
    ork_doc_text(out, "error", ork_rows_text(r, row, "error"));
    ork_doc_raw(out, "part", ork_rows_text(r, row, "part"));
    ork_doc_time(out, "created_at", ork_rows_time(r, row, "created_at"));
    ork_doc_time(out, "started_at", started);
    ork_doc_time(out, "finished_at", finished);
    ork_doc_time(out, "scheduled_for", ork_rows_time(r, row, "scheduled_for"));
    ork_doc_time(out, "logical_time", ork_rows_time(r, row, "logical_at"));
    ork_doc_took(out, started, finished);
    int rc = counts(e, &id, out, &sum, err);
    if (rc)
        return rc;
    ork_doc_int(out, "tasks_total", ork_rows_int(r, row, "tasks_total", sum));
    owner(e, r, row, out);
    bool has = ork_rows_id(r, row, "snapshot_id", &snapshot);
    if (has)
        ork_id_format(&snapshot, text);
    ork_doc_text(out, "snapshot_id", has ? text : NULL);
    ork_doc_text(out, "script_dir", ork_rows_text(r, row, "script_dir"));
    ork_doc_text(out, "script_path", ork_rows_text(r, row, "script_path"));
    if (ork_rows_id(r, row, "parent_task_id", &snapshot))
        return ork_doc_parent(e, &id, out, err);
    ork_doc_raw(out, "parent", NULL);
    return 0;
}

/* What names a run, for whoever goes through very many: nothing of it is counted and no owner is looked at. */
static int brief_run(const struct ork_rows *r, size_t row, struct ork_buf *out, ork_err *err)
{
    ork_id id;
    char text[ORK_ID_TEXT];

    if (!ork_rows_id(r, row, "id", &id))
        return ork_err_set(err, ORK_ECORRUPT, "a run without an id");
    ork_id_format(&id, text);
    ork_doc_text(out, "id", text);
    ork_doc_text(out, "workflow", ork_rows_text(r, row, "workflow"));
    ork_doc_text(out, "status", ork_rows_text(r, row, "status"));
    ork_doc_time(out, "created_at", ork_rows_time(r, row, "created_at"));
    return 0;
}

/* How many workflows the run's script gave: who names the script has to name one of several. */
static int script_workflows(ork_engine *e, const ork_id *id, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    int rc = ork_store_query(e->store, ORK_Q_run_script, p, 1, &rows, err);

    if (rc)
        return rc;
    int64_t n = ork_rows_len(rows) > 0 ? ork_rows_int(rows, 0, "workflows", 0) : 0;
    if (n)
        ork_doc_int(out, "script_workflows", n);
    else
        ork_doc_raw(out, "script_workflows", NULL);
    ork_rows_free(rows);
    return 0;
}

/* Does its definition say what it gives? Then `output` is that, once it has succeeded. */
static void returns(const struct ork_rows *snapshot, struct ork_buf *out)
{
    const char *text = snapshot && ork_rows_len(snapshot) ? ork_rows_text(snapshot, 0, "options") : NULL;
    json_t *options = text ? json_loads(text, 0, NULL) : NULL;

    ork_doc_raw(out, "returns", json_object_get(options, "returns") ? "true" : "false");
    json_decref(options);
}

/* The number that its definition has as a version of an applied workflow, or null. */
static int version(ork_engine *e, const struct ork_rows *run, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *snapshot = NULL, *versions = NULL;
    ork_id id;
    int64_t number = 0;

    if (ork_rows_id(run, 0, "snapshot_id", &id)) {
        struct ork_param p[] = {ORK_P_ID(&id)}, q[] = {ORK_P_TEXT(ork_rows_text(run, 0, "workflow"))};
        int rc = ork_store_query(e->store, ORK_Q_snapshot_get, p, 1, &snapshot, err);
        if (!rc)
            rc = ork_store_query(e->store, ORK_Q_versions_list, q, 1, &versions, err);
        if (rc) {
            ork_rows_free(snapshot);
            return rc;
        }
        const char *mine = ork_rows_len(snapshot) ? ork_rows_text(snapshot, 0, "hash") : NULL;
        for (size_t i = 0; mine && i < ork_rows_len(versions) && !number; i++) {
            const char *hash = ork_rows_text(versions, i, "hash");
            if (hash && strcmp(hash, mine) == 0)
                number = ork_rows_int(versions, i, "version", 0);
        }
    }
    if (number)
        ork_doc_int(out, "version", number);
    else
        ork_doc_raw(out, "version", NULL);
    returns(snapshot, out);
    ork_rows_free(snapshot);
    ork_rows_free(versions);
    return 0;
}

/* Handlers that were owed, and what became of them; outcome null: not called to its end yet. */
static int handlers(ork_engine *e, const ork_id *id, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    bool first = true;
    int rc = ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    if (rc)
        return rc;
    ork_doc_key(out, "handlers");
    ork_buf_addc(out, '[');
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        const char *kind = ork_rows_text(rows, i, "kind"), *task = ork_rows_text(rows, i, "args");
        if (!ork_handlers_is(kind))
            continue;
        ork_buf_adds(out, first ? "{" : ",{");
        first = false;
        ork_doc_text(out, "handler", kind);
        ork_doc_raw(out, "task", task);
        ork_doc_time(out, "at", ork_rows_time(rows, i, "created_at"));
        ork_doc_text(out, "outcome", ork_rows_text(rows, i, "outcome"));
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return 0;
}

int ork_run_json(ork_engine *e, const char *run_id, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_doc_open_run(e, run_id, &id, &rows, err);

    if (rc)
        return rc;
    bool all = ork_rows_int(rows, 0, "tasks_total", 0) <= ALL_TASKS;
    ork_buf_addc(&b, '{');
    rc = ork_doc_run(e, rows, 0, true, &b, err);
    if (!rc)
        rc = script_workflows(e, &id, &b, err);
    if (!rc)
        rc = version(e, rows, &b, err);
    if (!rc)
        ork_doc_raw(&b, "output", ork_rows_text(rows, 0, "output"));
    if (!rc)
        rc = handlers(e, &id, &b, err);
    if (!rc) {
        ork_doc_key(&b, "tasks");
        rc = ork_doc_tasks(e, &id, all ? NULL : "failed,dispatched,running", -1, ALL_TASKS, &b, err);
    }
    ork_buf_addc(&b, '}');
    ork_rows_free(rows);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

/* "failed" or ["failed","cancelled"] as "failed,cancelled"; unknown words are refused with a suggestion. */
int ork_doc_statuses(const json_t *v, bool of_tasks, struct ork_buf *out, ork_err *err)
{
    static const char *const runs[] = {"pending", "running", "paused", "success", "failed", "cancelled", NULL};
    static const char *const tasks[] = {"pending", "paused", "dispatched", "running", "waiting",
                                        "success", "failed", "cancelled",  "skipped", NULL};
    size_t n = json_is_array(v) ? json_array_size(v) : v && !json_is_null(v) ? 1 : 0;

    for (size_t i = 0; i < n; i++) {
        const char *word = json_string_value(json_is_array(v) ? json_array_get(v, i) : v);
        const bool waiting =
            word && of_tasks && strcmp(word, "waiting") == 0; /* no status, but a part of those running */
        if (!word || (!waiting && (of_tasks ? ork_task_status_parse(word) : ork_run_status_parse(word)) < 0)) {
            const char *near = word ? ork_suggest(word, of_tasks ? tasks : runs) : NULL;
            return ork_err_set(err, ORK_EINVAL, "no status `%s`%s%s%s", word ? word : "?",
                               near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
        }
        if (out->len)
            ork_buf_addc(out, ',');
        ork_buf_adds(out, word);
    }
    return 0;
}

/* No rows: no run of the workflow has the key, or is that of the scheduled time. */
static int run_called(ork_engine *e, const char *workflow, enum ork_query by, const char *key, struct ork_rows **rows,
                      ork_err *err)
{
    struct ork_rows *found = NULL;
    struct ork_param p[] = {ORK_P_TEXT(workflow), ORK_P_TEXT(key)};
    ork_id id;
    int rc = ork_store_query(e->store, by, p, 2, &found, err);

    if (rc)
        return rc;
    if (ork_rows_len(found) == 0 || !ork_rows_id(found, 0, "id", &id)) {
        *rows = found;
        return 0;
    }
    ork_rows_free(found);
    struct ork_param q[] = {ORK_P_ID(&id)};
    return ork_store_query(e->store, ORK_Q_run_get, q, 1, rows, err);
}

static int runs_query(ork_engine *e, json_t *f, struct ork_rows **rows, ork_err *err)
{
    struct ork_buf statuses = ORK_BUF_INIT;
    struct ork_rows *before = NULL;
    const char *workflow = json_string_value(json_object_get(f, "workflow")),
               *before_id = json_string_value(json_object_get(f, "before"));
    char since[32], due[32];
    json_t *time = json_object_get(f, "scheduled_for_ms");
    const char *key = json_string_value(json_object_get(f, "key"));
    ork_id id;

    if (workflow && key)
        return run_called(e, workflow, ORK_Q_run_of_key, key, rows, err);
    if (workflow && json_is_integer(time)) {
        ork_time_format(json_integer_value(time), due);
        return run_called(e, workflow, ORK_Q_run_of_time, due, rows, err);
    }
    int rc = ork_doc_statuses(json_object_get(f, "status"), false, &statuses, err);
    if (!rc && before_id)
        rc = ork_doc_open_run(e, before_id, &id, &before, err);
    json_t *ms = json_object_get(f, "since_ms"), *limit = json_object_get(f, "limit");
    if (json_is_integer(ms))
        ork_time_format(json_integer_value(ms), since);
    if (!rc) {
        struct ork_param p[] = {
            ORK_P_TEXT(workflow),
            ORK_P_TEXT(statuses.data),
            ORK_P_TEXT(json_is_integer(ms) ? since : NULL),
            ORK_P_TEXT(before ? ork_rows_text(before, 0, "created_at") : NULL),
            ORK_P_NULL,
            ORK_P_INT(json_is_integer(limit) ? json_integer_value(limit) : 20),
        };
        if (!workflow)
            p[0] = ORK_P_NULL;
        if (before)
            p[4] = ORK_P_ID(&id);
        rc = ork_store_query(e->store, ORK_Q_runs_list, p, 6, rows, err);
    }
    ork_rows_free(before);
    ork_buf_fini(&statuses);
    return rc;
}

/* Lists are read without params, which may be large; each is read alone when they are asked for. */
static int params_of(ork_engine *e, const struct ork_rows *r, size_t row, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *run = NULL;
    ork_id id;

    if (!ork_rows_id(r, row, "id", &id))
        return 0;
    struct ork_param p[] = {ORK_P_ID(&id)};
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &run, err);
    if (!rc && ork_rows_len(run))
        ork_doc_raw(out, "params", ork_rows_text(run, 0, "params"));
    ork_rows_free(run);
    return rc;
}

int ork_runs_json(ork_engine *e, const char *filter, char **out, ork_err *err)
{
    json_t *f = NULL;
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    int rc = filter ? ork_json_parse(filter, strlen(filter), &f, err) : 0;

    if (!rc)
        rc = runs_query(e, f, &rows, err);
    const bool brief = json_is_true(json_object_get(f, "brief"));
    const bool params = json_is_true(json_object_get(f, "params"));
    ork_buf_addc(&b, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_buf_adds(&b, i ? ",{" : "{");
        rc = brief ? brief_run(rows, i, &b, err) : ork_doc_run(e, rows, i, false, &b, err);
        if (!rc && params)
            rc = params_of(e, rows, i, &b, err);
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    json_decref(f);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}
