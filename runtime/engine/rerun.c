/* SPDX-License-Identifier: MIT */
/* A new run like an old one: its definition, its params (some replaced), its logical time. With `from`, what succeeded
 * before that task is taken over with its output; with `set`, a task's inputs are constants instead, which makes it a
 * definition of its own (a new snapshot). */
#include "engine/engine.h"
#include <string.h>

struct plan {
    struct ork_starting s;
    struct ork_rows *old;   /* the old run's row */
    ork_workflow *workflow; /* owned; of the new run */
    json_t *args;
    char *params, *tasks;
    size_t tasks_len;
    char hash[65];
};

static void plan_fini(struct plan *p)
{
    ork_rows_free(p->old);
    ork_workflow_unref(p->workflow);
    json_decref(p->args);
    json_decref(p->s.params);
    json_decref(p->s.part);
    ork_free(p->s.copy);
    ork_free(p->s.copy_args);
    ork_free(p->params);
    ork_free(p->tasks);
}

static void first_problem(void *data, const char *code, uint32_t task, const char *text)
{
    ork_err *err = data;

    (void)code;
    (void)task;
    if (!err->msg[0])
        (void)snprintf(err->msg, sizeof(err->msg), "%s", text);
}

static int make_params(struct plan *p, ork_err *err)
{
    const char *stored = ork_rows_text(p->old, 0, "params");
    json_t *given = json_object_get(p->args, "params"), *params = NULL;
    ork_err problems = {0};
    char *text = NULL;
    size_t n;
    int rc = ork_json_parse(stored ? stored : "{}", stored ? strlen(stored) : 2, &params, err);

    if (!rc && json_is_object(given) && json_object_size(given)) {
        json_object_update(params, given);
        rc = ork_json_text(params, &text, &n, err);
        if (!rc)
            rc = ork_workflow_params(p->workflow, text, NULL, p->s.row.logical_ms, first_problem, &problems, &p->params,
                                     err);
        if (rc && problems.msg[0])
            rc = ork_err_set(err, rc, "%s", problems.msg);
    } else if (!rc) {
        rc = ork_json_text(params, &p->params, &n, err);
    }
    ork_free(text);
    json_decref(params);
    if (!rc)
        rc = ork_json_parse(p->params, strlen(p->params), &p->s.params, err);
    return rc;
}

/* "T.input" or "T.input.field" → the task in the snapshot's array and the field (NULL: the whole input). */
static json_t *find_set(json_t *tasks, const char *path, const char **field, ork_err *err)
{
    size_t i;
    json_t *t;

    json_array_foreach(tasks, i, t)
    {
        const char *name = json_string_value(json_object_get(t, "task_name"));
        size_t n = name ? strlen(name) : 0;
        if (!n || strncmp(path, name, n) != 0 || strncmp(path + n, ".input", 6) != 0)
            continue;
        const char *rest = path + n + 6;
        if (*rest == '\0' || *rest == '.') {
            *field = *rest ? rest + 1 : NULL;
            return t;
        }
    }
    (void)ork_err_set(err, ORK_ENOTFOUND,
                      "set `%s`: no such task in this run; it is written TASK.input or TASK.input.FIELD", path);
    return NULL;
}

static int apply_sets(struct plan *p, const struct ork_rows *snapshot, ork_err *err)
{
    const char *text = ork_rows_text(snapshot, 0, "tasks_json"), *path;
    json_t *tasks = NULL, *value, *sets = json_object_get(p->args, "set");
    char *edited = NULL;
    size_t n = 0;
    int rc = ork_json_parse(text, strlen(text), &tasks, err);

    json_object_foreach(sets, path, value)
    {
        const char *field = NULL;
        json_t *t = rc ? NULL : find_set(tasks, path, &field, err);
        if (!t) {
            rc = rc ? rc : ORK_ENOTFOUND;
            break;
        }
        json_t *params = json_object_get(t, "params"), *bindings = json_object_get(params, "task_bindings");
        json_t *constant = json_pack("{s:O}", "const", value);
        if (!field) {
            json_object_del(params, "task_bindings");
            json_object_set_new(params, "task_binding", constant);
        } else {
            if (!json_is_object(bindings)) {
                bindings = json_object();
                json_object_set_new(params, "task_bindings", bindings);
            }
            json_object_set_new(bindings, field, constant);
        }
    }
    if (!rc)
        rc = ork_json_text(tasks, &edited, &n, err);
    if (!rc)
        rc = ork_workflow_load(ork_rows_text(snapshot, 0, "name"), edited, n, ork_rows_text(snapshot, 0, "options"),
                               ork_rows_text(snapshot, 0, "source"), ork_rows_text(p->old, 0, "script_dir"),
                               &p->workflow, err);
    json_decref(tasks);
    ork_free(edited);
    return rc;
}

static int load_definition(struct plan *p, ork_err *err)
{
    ork_engine *e = p->s.engine;
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(&p->s.row.rerun_snapshot)};
    int rc = ork_store_query(e->store, ORK_Q_snapshot_get, q, 1, &rows, err);

    if (!rc && ork_rows_len(rows) == 0)
        rc = ork_err_set(err, ORK_ECORRUPT, "the snapshot of the run's definition is gone from the database");
    if (!rc && json_object_size(json_object_get(p->args, "set"))) {
        rc = apply_sets(p, rows, err);
    } else if (!rc) {
        const char *text = ork_rows_text(rows, 0, "tasks_json");
        rc = ork_workflow_load(ork_rows_text(rows, 0, "name"), text, strlen(text), ork_rows_text(rows, 0, "options"),
                               ork_rows_text(rows, 0, "source"), ork_rows_text(p->old, 0, "script_dir"), &p->workflow,
                               err);
    }
    if (!rc)
        rc = ork_workflow_hash(p->workflow, p->hash, err);
    if (!rc)
        ork_inline_same(e, ork_rows_text(rows, 0, "hash"), p->hash);
    ork_rows_free(rows);
    if (!rc)
        rc = ork_workflow_tasks_json(p->workflow, &p->tasks, &p->tasks_len, err);
    return rc;
}

/* What succeeded in the old run and is neither T nor after it; without T what a part took from elsewhere. */
static int choose_copies(ork_engine *e, const ork_workflow *w, const ork_id *old, const char *from,
                         struct ork_copy **out, ork_err *err)
{
    uint32_t n = ork_workflow_len(w), first;
    struct ork_rows *rows = NULL;
    int rc = ork_part_find(w, from, &first, err);

    if (rc)
        return rc;
    struct ork_param q[] = {ORK_P_ID(old)};
    rc = ork_store_query(e->store, ORK_Q_tasks_load, q, 1, &rows, err);
    if (rc)
        return rc;
    uint8_t *again = ork_zalloc((size_t)n + 1);
    again[first] = 1;
    for (uint32_t i = 0; i < n; i++)
        again[i] |= (ork_workflow_def(w, i)->flags & ORK_TASK_FINALLY) != 0;
    ork_workflow_follow(w, again);
    struct ork_copy *c = ork_zalloc(sizeof(*c) + n * sizeof(c->tasks[0]));
    c->run = *old;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        int64_t index = ork_rows_int(rows, i, "task_index", -1);
        const char *name = ork_rows_text(rows, i, "task_name");
        uint32_t to; /* the old run may have moved to another definition since: its places are not ours */
        if (index >= 0 && ork_workflow_find(w, name, strlen(name), &to) == 0 && !again[to] && c->n < n &&
            strcmp(ork_rows_text(rows, i, "status"), "success") == 0)
            c->tasks[c->n++] = (struct ork_copied){(uint32_t)index, to};
    }
    *out = c;
    ork_free(again);
    ork_rows_free(rows);
    return 0;
}

/* By name: the other run may have another definition. */
static int choose_named(ork_engine *e, const ork_workflow *w, const ork_id *old, const json_t *names,
                        struct ork_copy **out, ork_err *err)
{
    struct ork_copy *c = ork_zalloc(sizeof(*c) + (json_array_size(names) + 1) * sizeof(c->tasks[0]));
    const json_t *v;
    size_t i;
    int rc = 0;

    c->run = *old;
    json_array_foreach(names, i, v)
    {
        const char *name = json_string_value(v);
        struct ork_rows *rows = NULL;
        struct ork_param q[] = {ORK_P_ID(old), ORK_P_TEXT(name)};
        uint32_t to;
        if (!name || ork_workflow_find(w, name, strlen(name), &to) != 0)
            continue;
        rc = ork_store_query(e->store, ORK_Q_task_get, q, 2, &rows, err);
        if (!rc && ork_rows_len(rows) && ork_rows_int(rows, 0, "task_index", -1) >= 0)
            c->tasks[c->n++] = (struct ork_copied){(uint32_t)ork_rows_int(rows, 0, "task_index", 0), to};
        ork_rows_free(rows);
        if (rc)
            break;
    }
    if (rc)
        ork_free(c);
    else
        *out = c;
    return rc;
}

int ork_rerun_copy_named(ork_engine *e, const ork_workflow *w, const ork_id *old, const json_t *names,
                         struct ork_copy **copy, char **args, ork_err *err)
{
    char text[ORK_ID_TEXT];
    size_t len;
    int rc = choose_named(e, w, old, names, copy, err);

    if (rc)
        return rc;
    ork_id_format(old, text);
    (*copy)->wish = ork_id_new(&e->ids);
    json_t *o = json_pack("{s:s s:O}", "run", text, "tasks", names);
    rc = ork_json_text(o, args, &len, err);
    json_decref(o);
    return rc;
}

/* A task alone took outputs from elsewhere: its repetition takes the same. */
static int copy_part(struct plan *p, const ork_id *old, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(old)};
    json_t *names = json_array();
    const char *only = json_string_value(json_object_get(p->s.part, "only"));
    int rc = only ? ork_store_query(p->s.engine->store, ORK_Q_tasks_load, q, 1, &rows, err) : 0;

    for (size_t i = 0; !rc && rows && i < ork_rows_len(rows); i++) {
        const char *name = ork_rows_text(rows, i, "task_name");
        if (strcmp(name, only) != 0 && strcmp(ork_rows_text(rows, i, "status"), "success") == 0)
            json_array_append_new(names, json_string(name));
    }
    ork_rows_free(rows);
    if (!rc && json_array_size(names))
        rc = ork_rerun_copy_named(p->s.engine, p->workflow, old, names, &p->s.copy, &p->s.copy_args, err);
    json_decref(names);
    return rc;
}

/* The wish to take results over is stored with the new run and open until they are there, so that whoever takes the run
 * up after a crash does not run all of it instead. */
static int plan_copies(struct plan *p, const ork_id *old, ork_err *err)
{
    const char *from = json_string_value(json_object_get(p->args, "from"));
    struct ork_buf wish = ORK_BUF_INIT;
    char text[ORK_ID_TEXT];

    if (!from)
        return copy_part(p, old, err);
    int rc = choose_copies(p->s.engine, p->workflow, old, from, &p->s.copy, err);
    if (rc)
        return rc;
    ork_id_format(old, text);
    ork_buf_addc(&wish, '{');
    ork_doc_text(&wish, "from", from);
    ork_doc_text(&wish, "run", text);
    ork_buf_addc(&wish, '}');
    p->s.copy->wish = ork_id_new(&p->s.engine->ids);
    p->s.copy_args = ork_buf_steal(&wish, NULL);
    return 0;
}

int ork_rerun_recall(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    int rc = ork_store_query(a->engine->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    for (size_t i = 0; !rc && !a->copy && i < ork_rows_len(rows); i++) {
        const char *args = ork_rows_text(rows, i, "args");
        ork_id old;
        if (strcmp(ork_rows_text(rows, i, "kind"), ORK_WISH_COPY) != 0 || ork_rows_text(rows, i, "done_at") || !args)
            continue;
        json_t *o = json_loads(args, 0, NULL);
        const char *from = json_string_value(json_object_get(o, "from")),
                   *run = json_string_value(json_object_get(o, "run"));
        const json_t *names = json_object_get(o, "tasks");
        if (run && ork_id_parse(run, strlen(run), &old) != 0)
            run = NULL;
        if (run && from)
            rc = choose_copies(a->engine, a->workflow, &old, from, &a->copy, err);
        else if (run && names)
            rc = choose_named(a->engine, a->workflow, &old, names, &a->copy, err);
        if (a->copy)
            (void)ork_rows_id(rows, i, "id", &a->copy->wish);
        json_decref(o);
    }
    ork_rows_free(rows);
    return rc;
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

static void fill_row(struct plan *p, const ork_id *old)
{
    struct ork_new_run *r = &p->s.row;
    ork_engine *e = p->s.engine;

    r->id = ork_id_new(&e->ids);
    r->workflow = p->s.workflow = p->workflow;
    r->workflow_id = ork_id_new(&e->ids);
    r->snapshot_id = ork_id_new(&e->ids);
    r->hash = (struct ork_text){p->hash, 64};
    r->tasks_json = (struct ork_text){p->tasks, p->tasks_len};
    r->options_json = text_of(ork_workflow_options_json(p->workflow));
    r->source_json = text_of(ork_workflow_source_json(p->workflow));
    r->params = text_of(p->params);
    r->triggered_by = text_of("rerun");
    r->script_dir = text_of(ork_rows_text(p->old, 0, "script_dir"));
    r->script_path = text_of(ork_rows_text(p->old, 0, "script_path"));
    r->priority = (int32_t)ork_rows_int(p->old, 0, "priority", 0);
    r->run_timeout_ms = ork_rows_int(p->old, 0, "run_timeout_ms", 0);
    r->tasks_total = ork_workflow_len(p->workflow);
    r->part = text_of(ork_rows_text(p->old, 0, "part"));
    r->rerun_of = *old;
    memset(&r->rerun_snapshot, 0, sizeof(r->rerun_snapshot));
}

int ork_run_rerun(ork_engine *e, const char *run_id, const char *args, struct ork_started *out, ork_err *err)
{
    struct plan p = {.s = {.engine = e}};
    ork_id old;
    int rc = ork_engine_register(e, err);

    if (!rc)
        rc = ork_doc_open_run(e, run_id, &old, &p.old, err);
    if (!rc)
        rc = ork_inline_may_own(e, &old, err);
    if (!rc && args)
        rc = ork_json_parse(args, strlen(args), &p.args, err);
    if (!rc && !ork_rows_id(p.old, 0, "snapshot_id", &p.s.row.rerun_snapshot))
        rc = ork_err_set(err, ORK_ESTATE, "the run has no snapshot of its definition to run again");
    if (!rc) {
        p.s.row.now_ms = ork_engine_now(e);
        p.s.row.logical_ms = ork_rows_time(p.old, 0, "logical_at");
        if (!p.s.row.logical_ms)
            p.s.row.logical_ms = ork_rows_time(p.old, 0, "created_at");
        rc = load_definition(&p, err);
    }
    if (!rc)
        rc = make_params(&p, err);
    if (!rc && ork_rows_text(p.old, 0, "part"))
        rc = ork_json_parse(ork_rows_text(p.old, 0, "part"), strlen(ork_rows_text(p.old, 0, "part")), &p.s.part, err);
    if (!rc)
        rc = plan_copies(&p, &old, err);
    if (!rc) {
        fill_row(&p, &old);
        rc = ork_start_commit(&p.s, out, err);
    }
    plan_fini(&p);
    return rc;
}

/* ---- taking results over ---- */

static void copy_one(struct ork_active *a, uint32_t from, uint32_t task)
{
    ork_engine *e = a->engine;
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(&a->copy->run), ORK_P_INT(from)};
    struct ork_task_put put = {.status = ORK_TASK_SUCCESS, .set_output = true, .finished_ms = ork_engine_now(e)};
    ork_err err;

    if (ork_store_query(e->store, ORK_Q_task_output, q, 2, &rows, &err) != 0 || ork_rows_len(rows) == 0) {
        ork_rows_free(rows);
        return; /* it runs again instead */
    }
    if (ork_fan_is(a, task) && !ork_fan_copy(a, task, &a->copy->run)) {
        ork_rows_free(rows);
        return;
    }
    const char *output = ork_rows_text(rows, 0, "output");
    char *kept = output ? ork_strdup(output) : NULL;
    ork_active_task_id(a, task, &put.id);
    put.execution_name = text_of("copied");
    put.output = text_of(kept);
    a->run.tasks[task].status = a->shown[task] = ORK_TASK_SUCCESS;
    ork_commit_task(a, task, &put, true);
    (void)ork_commit_text(e, kept);
    ork_rows_free(rows);
}

#define COPIES 200 /* in one commit, or until it is full of outputs */

bool ork_rerun_copy(struct ork_active *a)
{
    ork_engine *e = a->engine;
    struct ork_copy *c = a->copy;
    struct ork_event ev = {.type = ORK_EV_RESTORE, .task = ORK_NO_TASK};

    for (uint32_t n = 0; c->done < c->n; c->done++) {
        const struct ork_copied *t = &c->tasks[c->done];
        if (a->run.tasks[t->to].status == ORK_TASK_SUCCESS)
            continue; /* before a crash */
        if (n++ == COPIES || (e->current && e->current->batch.bytes > ORK_COPY_BYTES))
            return false;
        copy_one(a, t->from, t->to);
    }
    ork_commit_unit(e, ORK_UNIT_COMMAND_DONE, a, true)->done =
        (struct ork_command_done){.id = c->wish, .now_ms = ork_engine_now(e), .outcome = {"done", 4}};
    ork_free(a->copy);
    a->copy = NULL;
    (void)ork_active_step(a, &ev);
    ork_command_look(e);
    return true;
}
