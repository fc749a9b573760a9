/* SPDX-License-Identifier: MIT */
/* The idea is told in sub.h. */
#include "engine/sub.h"
#include "core/params.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include <string.h>

struct ork_sub {
    unsigned refs;
    char *name;             /* owned */
    ork_workflow *workflow; /* counted */
    char hash[65], *tasks, *path;
    size_t tasks_len;
    struct ork_sub *next;
};

struct ork_child {
    struct ork_starting start; /* start.row.parent_task: whose attempt */
    uint32_t attempt;
    struct ork_sub *sub; /* counted */
    char *params, *script_dir;
    bool again; /* start.row.id is a run that failed, which is gone on with */
};

bool ork_sub_is(const ork_workflow *w, uint32_t task)
{
    return ork_workflow_def(w, task)->executor == ORK_EXEC_WORKFLOW;
}

/* ---- definitions ------------------------------------------------------------------------------ */

static void sub_unref(struct ork_sub *s)
{
    if (!s || --s->refs)
        return;
    ork_workflow_unref(s->workflow);
    ork_free(s->name);
    ork_free(s->tasks);
    ork_free(s->path);
    ork_free(s);
}

void ork_sub_fini(struct ork_active *a)
{
    for (struct ork_sub *s; (s = a->subs);) {
        a->subs = s->next;
        sub_unref(s);
    }
}

/* Read once for each run that uses it: a thousand children share one definition. */
static int find(struct ork_active *a, const char *name, struct ork_sub **out, ork_err *err)
{
    struct ork_sub *s = a->subs;

    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    if (s) {
        *out = s;
        return 0;
    }
    s = ork_zalloc(sizeof(*s));
    s->refs = 1;
    s->name = ork_strdup(name);
    int rc = ork_workflow_sub(a->workflow, name, &s->workflow, err);
    if (!rc)
        rc = ork_inline_may_start(a->engine, s->workflow, err);
    if (!rc)
        rc = ork_workers_may_start(a->engine, s->workflow, err);
    if (!rc)
        rc = ork_workflow_hash(s->workflow, s->hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(s->workflow, &s->tasks, &s->tasks_len, err);
    if (rc) {
        sub_unref(s);
        return rc;
    }
    s->path = ork_start_script_path(s->workflow);
    ork_start_pools(a->engine, s->workflow);
    s->next = a->subs;
    a->subs = s;
    *out = s;
    return 0;
}

/* ---- beginning -------------------------------------------------------------------------------- */

void ork_sub_drop_child(struct ork_child *c)
{
    if (!c)
        return;
    json_decref(c->start.params);
    sub_unref(c->sub);
    ork_free(c->params);
    ork_free(c->script_dir);
    ork_free(c);
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

/* The inputs as that workflow's params, with its defaults. */
static int complete(struct ork_active *a, struct ork_child *c, json_t *input, ork_err *err)
{
    struct ork_tz *zone = NULL;
    char *given = NULL;
    size_t len;
    int rc = ork_json_text(input, &given, &len, err);

    if (!rc)
        rc = ork_zone_of(a->engine, c->sub->workflow, &zone, err);
    if (!rc)
        rc = ork_workflow_params_at(c->sub->workflow, given, NULL, (struct ork_moment){a->logical_ms, zone}, NULL, NULL,
                                    &c->params, err);
    if (!rc)
        rc = ork_json_parse(c->params, strlen(c->params), &c->start.params, err);
    ork_tz_unref(zone);
    ork_free(given);
    return rc;
}

/* Is that the run it would be: of the same definition, with the same params? */
static bool is_same(struct ork_active *a, const struct ork_child *c, const struct ork_rows *run)
{
    const char *text = ork_rows_text(run, 0, "params");
    json_t *params = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    struct ork_rows *rows = NULL;
    bool same = false;
    ork_id snapshot;
    ork_err none;

    if (params && json_equal(params, c->start.params) && ork_rows_id(run, 0, "snapshot_id", &snapshot)) {
        struct ork_param p[] = {ORK_P_ID(&snapshot)};
        same = ork_store_query(a->engine->store, ORK_Q_snapshot_get, p, 1, &rows, &none) == 0 && ork_rows_len(rows) &&
               strcmp(ork_rows_text(rows, 0, "hash"), c->sub->hash) == 0;
    }
    ork_rows_free(rows);
    json_decref(params);
    return same;
}

/* The run of the attempt before, if it can be gone on with: what succeeded in it stays. */
static bool find_failed(struct ork_active *a, const struct ork_live *l, const struct ork_child *c, ork_id *id)
{
    struct ork_rows *jobs = NULL, *run = NULL;
    struct ork_defer what = {0};
    uint32_t attempt;
    bool found = false;
    ork_err none;
    ork_id task;

    if (l->attempt < 2)
        return false;
    ork_active_task_id(a, l->task, &task);
    struct ork_param p[] = {ORK_P_ID(&task)};
    size_t n = ork_store_query(a->engine->store, ORK_Q_jobs_of_task, p, 1, &jobs, &none) == 0 ? ork_rows_len(jobs) : 0;
    if (n &&
        ork_defer_read(&what, ork_rows_text(jobs, n - 1, "service_type"), ork_rows_text(jobs, n - 1, "job_data"),
                       &attempt, &none) == 0 &&
        what.run && ork_id_parse(what.run, strlen(what.run), id) == 0) {
        struct ork_param q[] = {ORK_P_ID(id)};
        if (ork_store_query(a->engine->store, ORK_Q_run_get, q, 1, &run, &none) == 0 && ork_rows_len(run)) {
            int status = ork_run_status_parse(ork_rows_text(run, 0, "status"));
            found = (status == ORK_RUN_FAILED || status == ORK_RUN_CANCELLED) && is_same(a, c, run);
        }
    }
    ork_defer_fini(&what);
    ork_rows_free(run);
    ork_rows_free(jobs);
    return found;
}

int ork_sub_build(struct ork_active *a, struct ork_live *l, const json_t *params, json_t *input, ork_err *err)
{
    const char *name = json_string_value(json_object_get(params, "workflow"));
    ork_engine *e = a->engine;
    struct ork_sub *sub = NULL;
    char text[ORK_ID_TEXT];
    int rc = find(a, name ? name : "", &sub, err);

    if (rc)
        return rc;
    struct ork_child *c = ork_zalloc(sizeof(*c));
    c->attempt = l->attempt;
    c->sub = sub;
    sub->refs++;
    rc = complete(a, c, input, err);
    if (rc) {
        ork_sub_drop_child(c);
        return ork_err_wrap(err, "inputs are the params of `%s`", name);
    }
    c->script_dir = a->script_dir ? ork_strdup(a->script_dir) : NULL;
    c->start.engine = e;
    c->start.workflow = sub->workflow;
    c->start.row = (struct ork_new_run){
        .id = ork_id_new(&e->ids),
        .workflow = sub->workflow,
        .hash = {sub->hash, 64},
        .tasks_json = {sub->tasks, sub->tasks_len},
        .options_json = text_of(ork_workflow_options_json(sub->workflow)),
        .source_json = text_of(ork_workflow_source_json(sub->workflow)),
        .workflow_id = ork_id_new(&e->ids),
        .snapshot_id = ork_id_new(&e->ids),
        .params = text_of(c->params),
        .triggered_by = text_of("workflow"),
        .script_dir = text_of(c->script_dir),
        .script_path = text_of(sub->path),
        .priority = a->priority,
        .now_ms = l->dispatched_ms,
        .logical_ms = a->logical_ms,
        .at = true,
        .run_timeout_ms = ork_workflow_limits(sub->workflow)->run_timeout_ms,
        .tasks_total = ork_workflow_len(sub->workflow),
    };
    ork_active_task_id(a, l->task, &c->start.row.parent_task);
    ork_id before;
    if (find_failed(a, l, c, &before)) {
        c->again = true;
        c->start.row.id = before;
    }
    ork_id_format(&c->start.row.id, text);
    l->job->what = (struct ork_defer){.type = ORK_DEFER_RUN, .text = ork_strdup(name), .run = ork_strdup(text)};
    l->job->child = c;
    return 0;
}

static void on_created(void *data, int code, const ork_err *err)
{
    struct ork_child *c = data;
    ork_engine *e = c->start.engine;
    struct ork_active *a = NULL;
    struct ork_live *l =
        e->closing || e->fenced ? NULL : ork_sub_waiting(e, &c->start.row.parent_task, &c->start.row.id, &a);

    if (l)
        l->job->busy = false;
    if (!code && c->start.row.how == ORK_CREATED) {
        struct ork_active *child = ork_start_begin(&c->start);
        if (l)
            ork_sub_join(a, l, child);
        else if (!e->closing && !e->fenced)
            ork_sub_cancel(child, false, "its task waits for it no more");
    } else if (l && code == ORK_EDATA) {
        ork_settle_fail(a, l->task, ORK_KIND_INPUT, err ? err->msg : "the database refuses its run");
    }
    ork_sub_drop_child(c);
}

/* The wish for its retry is in the batch of the attempt that wants it: carried out once, whoever dies. */
static void begin_again(struct ork_active *a, struct ork_live *l, const struct ork_child *c)
{
    ork_engine *e = a->engine;

    ork_commit_unit(e, ORK_UNIT_COMMAND, NULL, true)->command = (struct ork_command_new){.id = ork_id_new(&e->ids),
                                                                                         .run_id = c->start.row.id,
                                                                                         .kind = "retry",
                                                                                         .by = {"ork", 3},
                                                                                         .now_ms = l->started_ms};
    ork_sub_claim(a, l, &c->start.row.id);
}

void ork_sub_begin(struct ork_active *a, struct ork_live *l)
{
    struct ork_child *c = l->job->child;

    l->job->child = NULL;
    if (c->again) {
        begin_again(a, l, c);
        ork_sub_drop_child(c);
        return;
    }
    l->job->busy = true;
    ork_commit_unit(a->engine, ORK_UNIT_CREATE_RUN, NULL, true)->create = &c->start.row;
    ork_commit_answer(a->engine, on_created, c);
}
