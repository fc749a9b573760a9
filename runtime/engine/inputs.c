/* SPDX-License-Identifier: MIT */
/* Resolving what a task refers to, at the moment it is dispatched: params, its run, and the outputs of tasks before it,
 * which come from the cache or, when they have left it, from one read each. Values are held only until the command is
 * built. */
#include "engine/engine.h"
#include "core/types.h"
#include <string.h>

struct fetch {
    struct ork_active *a;
    uint32_t task;
    json_t *params;
    json_t *hold; /* {"<task name>": output, "<task name>\n": error, "<task name>\n\n": results} */
    ork_inputs_cb cb;
    unsigned left;
    int code;
    ork_err err;
};
struct fetch_secret {
    struct fetch *f;
    char *key; /* owned */
};
struct fetch_one {
    struct fetch *f;
    uint32_t task;
    bool fan, results; /* what items left: their outputs, or all of them */
};

static const char *error_key(const char *task, struct ork_buf *b)
{
    ork_buf_clear(b);
    ork_buf_adds(b, task);
    ork_buf_addc(b, '\n'); /* no task name has one */
    return b->data;
}

static const char *results_key(const char *task, struct ork_buf *b)
{
    (void)error_key(task, b);
    ork_buf_addc(b, '\n');
    return b->data;
}

static void finish(struct fetch *f)
{
    struct ork_active *a = f->a;
    json_t *before = a->hold;

    if (!a->dead && !a->engine->closing) {
        a->hold = f->hold;
        f->cb(a, f->task, f->params, f->code, f->code ? &f->err : NULL);
        a->hold = before;
    }
    json_decref(f->hold);
    json_decref(f->params);
    ork_active_unref(a);
    ork_free(f);
}

static void hold_value(struct fetch *f, uint32_t task, enum ork_cached_what what, json_t *value)
{
    struct ork_buf key = ORK_BUF_INIT;
    const char *name = ork_workflow_task_name(f->a->workflow, task);

    if (value)
        json_object_set(f->hold, what == ORK_CACHED_ERROR ? error_key(name, &key) : name, value);
    ork_buf_fini(&key);
}

static void over(struct fetch_one *one)
{
    struct fetch *f = one->f;

    f->a->engine->fetches--;
    ork_free(one);
    if (--f->left == 0)
        finish(f);
}

static void on_row(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    struct fetch_one *one = data;
    struct fetch *f = one->f;
    ork_engine *e = f->a->engine;

    e->works--;
    if (code) {
        f->code = code;
        f->err = *err;
    } else if (ork_rows_len(rows) == 1) {
        const char *output = ork_rows_text(rows, 0, "output"), *error = ork_rows_text(rows, 0, "error");
        json_t *value = NULL;
        if (output && ork_json_parse(output, strlen(output), &value, &f->err) != 0)
            f->code = ORK_ECORRUPT;
        json_t *text = error ? json_string(error) : NULL;
        ork_outputs_put(e, &f->a->id, one->task, ORK_CACHED_OUTPUT, value);
        ork_outputs_put(e, &f->a->id, one->task, ORK_CACHED_ERROR, text);
        hold_value(f, one->task, ORK_CACHED_OUTPUT, value);
        hold_value(f, one->task, ORK_CACHED_ERROR, text);
        json_decref(value);
        json_decref(text);
    }
    ork_rows_free(rows);
    over(one);
}

static void on_gathered(void *data, json_t *list, int code, const ork_err *err)
{
    struct fetch_one *one = data;
    struct fetch *f = one->f;
    struct ork_buf key = ORK_BUF_INIT;
    const char *name = ork_workflow_task_name(f->a->workflow, one->task);

    if (code) {
        f->code = code;
        f->err = *err;
    } else {
        json_object_set(f->hold, one->results ? results_key(name, &key) : name, list);
    }
    ork_buf_fini(&key);
    over(one);
}

static void read_one(struct fetch_one *one)
{
    struct ork_active *a = one->f->a;

    if (one->fan) {
        ork_gather(a, one->task, one->results, on_gathered, one);
        return;
    }
    struct ork_param params[] = {ORK_P_ID(&a->id), ORK_P_INT(one->task)};

    a->engine->works++;
    ork_store_read(a->engine->store, ORK_Q_task_output, params, 2, on_row, one);
}

/* What failed may have been somebody's question; what we wait for is kept until it is stored. */
static void on_durable(void *data, int code, const ork_err *err)
{
    struct fetch_one *one = data;
    struct fetch *f = one->f;

    if (!f->a->engine->fenced && !f->a->engine->closing) {
        read_one(one);
        return;
    }
    f->code = code;
    if (err)
        f->err = *err;
    over(one);
}

static void ask(struct fetch *f, struct fetch_one ask)
{
    struct fetch_one *one = ork_alloc(sizeof(*one));

    *one = ask;
    f->left++;
    f->a->engine->fetches++;
    if (ork_commit_idle(f->a->engine))
        read_one(one);
    else /* its row may be among what is not stored yet */
        ork_commit_call(f->a->engine, on_durable, one);
}

static void want_items(struct fetch *f, uint32_t no, bool results)
{
    const char *name = ork_workflow_task_name(f->a->workflow, no);
    const int status = f->a->run.tasks[no].status;
    struct ork_buf key = ORK_BUF_INIT;
    const char *k = results ? results_key(name, &key) : name;

    if ((results ? ork_task_is_final(status) : status == ORK_TASK_SUCCESS) && !json_object_get(f->hold, k)) {
        json_t *kept = NULL;
        if (ork_outputs_get(f->a->engine, &f->a->id, no, results ? ORK_CACHED_RESULTS : ORK_CACHED_ITEMS, &kept)) {
            json_object_set(f->hold, k, kept);
        } else {
            json_object_set_new(f->hold, k, json_null()); /* once, however often it is referred to */
            ask(f, (struct fetch_one){f, no, true, results});
        }
    }
    ork_buf_fini(&key);
}

static void want(void *data, const char *task, const char *what)
{
    struct fetch *f = data;
    uint32_t no;
    json_t *value = NULL;
    enum ork_cached_what kind = strcmp(what, "error") == 0 ? ORK_CACHED_ERROR : ORK_CACHED_OUTPUT;

    if (strcmp(what, "status") == 0 || ork_workflow_find(f->a->workflow, task, strlen(task), &no) != 0)
        return;
    if (kind == ORK_CACHED_OUTPUT && ork_run_fan(&f->a->run, no)) {
        want_items(f, no, strcmp(what, "results") == 0);
        return;
    }
    if (ork_outputs_get(f->a->engine, &f->a->id, no, kind, &value)) {
        hold_value(f, no, kind, value);
        return;
    }
    int status = f->a->run.tasks[no].status;
    if (kind == ORK_CACHED_OUTPUT ? status != ORK_TASK_SUCCESS : status == ORK_TASK_SUCCESS)
        return; /* it has none */
    ask(f, (struct fetch_one){.f = f, .task = no});
}

/* Secrets go the same way: into what is held while the command is built. No task name begins with a newline. */
static void on_secret(void *data, const char *value, size_t len, const ork_err *err)
{
    struct fetch_secret *s = data;
    struct fetch *f = s->f;

    if (value) {
        json_object_set_new(f->hold, s->key, json_stringn(value, len));
    } else {
        f->code = err->code == ORK_ESTATE ? ORK_ENOVALUE : err->code;
        f->err = *err;
    }
    ork_free(s->key);
    ork_free(s);
    if (--f->left == 0)
        finish(f);
}

static void secret_key(const char *name, struct ork_buf *b)
{
    ork_buf_clear(b);
    ork_buf_addc(b, '\n');
    ork_buf_adds(b, name);
}

static void want_secret(void *data, const char *name)
{
    struct fetch *f = data;
    struct fetch_secret *s;
    struct ork_buf key = ORK_BUF_INIT;

    secret_key(name, &key);
    if (json_object_get(f->hold, key.data)) {
        ork_buf_fini(&key);
        return;
    }
    json_object_set_new(f->hold, key.data, json_null()); /* once, however often it is referred to */
    s = ork_zalloc(sizeof(*s));
    *s = (struct fetch_secret){f, ork_buf_steal(&key, NULL)};
    f->left++;
    ork_secret_get(f->a->engine, name, on_secret, s);
}

static void fetch(struct ork_active *a, uint32_t task, json_t *params, bool secrets, ork_inputs_cb cb)
{
    struct fetch *f = ork_zalloc(sizeof(*f));

    f->a = a;
    f->task = task;
    f->params = json_incref(params);
    f->hold = json_object();
    f->cb = cb;
    f->left = 1;
    ork_active_ref(a);
    ork_expr_params_each_task(params, want, f);
    if (secrets)
        ork_expr_env_secrets(params, want_secret, f);
    if (--f->left == 0)
        finish(f);
}

void ork_inputs_fetch(struct ork_active *a, uint32_t task, json_t *params, ork_inputs_cb cb)
{
    fetch(a, task, params, false, cb);
}

void ork_inputs_fetch_all(struct ork_active *a, uint32_t task, json_t *params, ork_inputs_cb cb)
{
    fetch(a, task, params, true, cb);
}

static void add_mask(void *data, const char *name)
{
    struct ork_live *l = ((void **)data)[0];
    struct ork_active *a = ((void **)data)[1];
    struct ork_buf key = ORK_BUF_INIT;

    secret_key(name, &key);
    const json_t *value = json_object_get(a->hold, key.data);
    if (json_is_string(value))
        ork_mask_add(&l->mask, json_string_value(value), json_string_length(value));
    ork_buf_fini(&key);
}

void ork_inputs_mask(struct ork_active *a, struct ork_live *l, const json_t *params)
{
    ork_expr_env_secrets(params, add_mask, (void *[]){l, a});
    l->unmasked = false;
}

static json_t *describe_this(const struct ork_scope_data *d)
{
    struct ork_active *a = d->a;
    char logical[32], due[32];

    ork_time_format(a->logical_ms, logical);
    json_t *o = json_pack("{s:s s:s s:s}", "run_id", a->text, "workflow", ork_workflow_name(a->workflow),
                          "logical_time", logical);
    if (d->task != ORK_NO_TASK) { /* else it is the run itself that asks */
        json_object_set_new(o, "task", json_string(ork_active_name(a, d->task)));
        json_object_set_new(o, "task_index", json_integer(ork_run_number(&a->run, d->task)));
        json_object_set_new(o, "attempt", json_integer(d->attempt));
    }
    const bool item = d->task != ORK_NO_TASK && ork_run_is_item(&a->run, d->task);
    json_object_set_new(o, "item", item ? json_integer(ork_run_item(&a->run, d->task)) : json_null());
    if (a->scheduled_for_ms)
        ork_time_format(a->scheduled_for_ms, due);
    json_object_set_new(o, "scheduled_for", a->scheduled_for_ms ? json_string(due) : json_null());
    return o;
}

static const json_t *root(void *data, const char *what, const char *task)
{
    struct ork_scope_data *d = data;
    struct ork_active *a = d->a;
    struct ork_buf key = ORK_BUF_INIT;
    uint32_t no;

    if (!task) {
        if (strcmp(what, "params") == 0)
            return a->params;
        if (strcmp(what, "input") == 0)
            return d->input;
        if (strcmp(what, "this") == 0) {
            if (!d->self)
                d->self = describe_this(d);
            return d->self;
        }
        return NULL;
    }
    if (strcmp(what, "secret") == 0) {
        secret_key(task, &key);
        const json_t *v = json_object_get(a->hold, key.data);
        ork_buf_fini(&key);
        return v;
    }
    if (ork_workflow_find(a->workflow, task, strlen(task), &no) != 0)
        return NULL;
    if (strcmp(what, "status") == 0) {
        json_t *s = json_string(ork_task_status_name(a->run.tasks[no].status));
        json_array_append_new(d->hold, s);
        return s;
    }
    if (strcmp(what, "output") == 0)
        return a->run.tasks[no].status == ORK_TASK_SUCCESS ? json_object_get(a->hold, task) : NULL;
    if (strcmp(what, "results") == 0) {
        const json_t *v = json_object_get(a->hold, results_key(task, &key));
        ork_buf_fini(&key);
        return v;
    }
    if (strcmp(what, "error") == 0) {
        const json_t *v = json_object_get(a->hold, error_key(task, &key));
        ork_buf_fini(&key);
        return v;
    }
    return NULL;
}

static bool is_list(void *data, const char *what, const char *task)
{
    const struct ork_scope_data *d = data;
    uint32_t no;

    return (strcmp(what, "output") == 0 || strcmp(what, "results") == 0) &&
           ork_workflow_find(d->a->workflow, task, strlen(task), &no) == 0 && ork_run_fan(&d->a->run, no);
}

void ork_inputs_scope(struct ork_scope_data *d, struct ork_active *a, uint32_t task, uint32_t attempt,
                      struct ork_scope *s)
{
    *d = (struct ork_scope_data){.a = a, .task = task, .attempt = attempt, .hold = json_array()};
    *s = (struct ork_scope){.data = d, .root = root, .is_list = is_list, .logical = {a->logical_ms, a->zone}};
}

void ork_inputs_scope_fini(struct ork_scope_data *d)
{
    json_decref(d->hold);
    json_decref(d->self);
}

/* What the run was given for its only task; of a list that it is done for no item gets all. */
static json_t *copy_given(const json_t *given, const char *over)
{
    json_t *out = json_object(), *v;
    const char *k;

    json_object_foreach((json_t *)given, k, v)
    {
        if (!over || strcmp(k, over) != 0)
            json_object_set_new(out, k, json_deep_copy(v));
    }
    return out;
}

/* The task's input object, checked against its input_type; a field whose reference has no value is null. */
int ork_inputs_bind(struct ork_active *a, uint32_t task, const json_t *params, struct ork_scope *s, json_t **input,
                    ork_err *err)
{
    json_t *bindings = json_object_get(params, "task_bindings"), *whole = json_object_get(params, "task_binding");
    json_t *out = NULL, *v;
    const char *k;
    int rc = 0;

    const json_t *given = ork_part_input(a, task);
    const char *over = ork_fan_over(params);
    if (given) {
        out = copy_given(given, over);
    } else if (whole) {
        rc = ork_expr_eval(whole, s, true, &out, err);
    } else {
        out = json_object();
        json_object_foreach(bindings, k, v)
        {
            json_t *value = NULL;
            rc = ork_expr_eval(v, s, true, &value, err);
            if (rc) {
                (void)ork_err_wrap(err, "inputs.%s", k);
                break;
            }
            json_object_set_new(out, k, value);
        }
    }
    if (!rc && over && ork_run_is_item(&a->run, task))
        json_object_set(out, over, (json_t *)ork_fan_item(a, task));
    uint32_t sig = ork_run_def(&a->run, task)->signature;
    if (!rc && sig) {
        const char *text = ork_workflow_text(a->workflow, sig);
        json_t *signature = NULL;
        rc = ork_json_parse(text, strlen(text), &signature, err);
        json_t *type = rc ? NULL : json_object_get(signature, "input_type");
        if (type)
            rc = ork_type_apply(type, &out, "input", err);
        json_decref(signature);
    }
    if (rc) {
        json_decref(out);
        return rc;
    }
    *input = out;
    return 0;
}
