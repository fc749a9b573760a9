/* SPDX-License-Identifier: MIT */
/* Tasks that are done once per element of a list: from the list to items, and back from rows.
 *
 *   ready ──outputs the list is made of──► list ──one commit: list, count, numbers, `running`──► items, one by one
 *
 * The expansion is one small commit whatever the length: items have no rows until something happens to them. Law: the
 * list is stored with the numbers of its items and never made again while they stand; a restart goes on with that list,
 * not with what the same expression might give now. */
#include "engine/engine.h"
#include <string.h>

#define PAGE 5000 /* rows of items read at once */
#define NAMED 5   /* failed items named in the reason of their task */

bool ork_fan_is(const struct ork_active *a, uint32_t task)
{
    return task < a->run.n && (ork_workflow_def(a->workflow, task)->flags & ORK_TASK_EACH);
}

uint32_t ork_fan_number(const char *name, size_t *task_len)
{
    const char *slash = strrchr(name, '/'), *p = slash ? slash + 1 : "";
    uint32_t item = 0;

    if (*p == '0')
        return 0;
    for (; *p >= '0' && *p <= '9' && item <= ORK_FAN_MAX; p++)
        item = item * 10 + (uint32_t)(*p - '0');
    if (*p)
        return 0;
    *task_len = slash ? (size_t)(slash - name) : 0;
    return item;
}

static json_t *own_params(const struct ork_active *a, uint32_t task)
{
    const char *text = ork_workflow_text(a->workflow, ork_workflow_def(a->workflow, task)->params);
    json_t *params = json_loads(text, JSON_DECODE_ANY, NULL);

    return json_is_object(params) ? params : (json_decref(params), json_object());
}

/* Beside run.fans, of which the last is new. Takes the list and the params. */
static void keep(struct ork_active *a, json_t *list, json_t *params, int64_t started_ms)
{
    json_t *each = json_object_get(params, "each");

    json_object_del(each, "over"); /* may be as long as the list itself */
    a->items = ork_realloc(a->items, a->run.fans_len * sizeof(*a->items));
    for (; a->items_len < a->run.fans_len; a->items_len++)
        a->items[a->items_len] = (struct ork_items){0};
    a->items[a->items_len - 1] = (struct ork_items){list, params, started_ms};
    ork_active_grow(a);
}

void ork_fan_free(struct ork_active *a)
{
    for (uint32_t i = 0; i < a->items_len; i++) {
        json_decref(a->items[i].list);
        json_decref(a->items[i].params);
    }
    ork_free(a->items);
}

static struct ork_items *items_of(const struct ork_active *a, uint32_t task)
{
    const uint32_t fan = a->run.tasks[task].fan;

    return fan ? &a->items[fan - 1] : NULL;
}

json_t *ork_fan_params(struct ork_active *a, uint32_t item)
{
    return json_incref(items_of(a, item)->params);
}

const json_t *ork_fan_item(const struct ork_active *a, uint32_t item)
{
    return json_array_get(items_of(a, item)->list, ork_run_item(&a->run, item) - 1);
}

const char *ork_fan_over(const json_t *params)
{
    return json_string_value(json_object_get(json_object_get(params, "each"), "input"));
}

bool ork_fan_counted(const struct ork_active *a, uint32_t item)
{
    const uint32_t fan = ork_run_is_item(&a->run, item) ? a->run.tasks[item].fan : 0;

    return fan && json_is_true(json_object_get(json_object_get(a->items[fan - 1].params, "each"), "task_count"));
}

/* ---- expanding ---- */

static int put_map(struct ork_active *a, uint32_t task, const json_t *list, ork_err *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc = ork_json_text(list, &text, &len, err);

    if (!rc && len > ORK_INPUT_MAX)
        rc = ork_err_set(err, ORK_ETOOBIG,
                         "the list is %zu bytes; at most %u are stored: let its items be names of files", len,
                         ORK_INPUT_MAX);
    if (rc) {
        ork_free(text);
        return rc;
    }
    ork_commit_together(a->engine, 4);
    struct ork_unit *u = ork_commit_unit(a->engine, ORK_UNIT_TASK_MAP, a, true);
    ork_active_task_id(a, task, &u->map.id);
    u->map.run_id = a->id;
    u->map.set = true;
    u->map.count = (uint32_t)json_array_size(list);
    u->map.first = a->next_number;
    u->map.items = (struct ork_text){text, len};
    (void)ork_commit_text(a->engine, text);
    a->engine->current->batch.bytes += len;
    return 0;
}

/* What it is done for: the list that the run was given for it (--only T --input), or that of its definition. */
static int list_of(struct ork_active *a, uint32_t task, const json_t *params, json_t **list, ork_err *err)
{
    const char *name = ork_fan_over(params);
    json_t *given = name ? json_object_get(ork_part_input(a, task), name) : NULL;
    struct ork_scope_data data;
    struct ork_scope scope;

    if (given && !json_is_array(given))
        return ork_err_set(err, ORK_ETYPE, "ork.each wants a list, and `%s` of --input is none", name);
    if (given && json_array_size(given) > ORK_FAN_MAX)
        return ork_err_set(err, ORK_ETOOBIG, "`%s` of --input has %zu items, ork.each takes at most %u", name,
                           json_array_size(given), ORK_FAN_MAX);
    if (given) {
        *list = json_incref(given);
        return 0;
    }
    ork_inputs_scope(&data, a, task, a->run.tasks[task].attempt + 1, &scope);
    int rc = ork_expr_items(json_object_get(params, "each"), &scope, ORK_FAN_MAX, list, err);
    ork_inputs_scope_fini(&data);
    return rc;
}

/* The commit's memory keeps the list that was stored; here it is one tree, which items share. */
static int expand(struct ork_active *a, uint32_t task, json_t *params, ork_err *err)
{
    const json_t *each = json_object_get(params, "each");
    struct ork_event ev = {.type = ORK_EV_EXPANDED, .task = task, .number = a->next_number};
    json_t *list = NULL;

    int rc = list_of(a, task, params, &list, err);
    const struct ork_poison *poison = ork_refuse_poison(a, task, a->run.tasks[task].attempt + 1);
    if (!rc && poison)
        rc = ork_err_set(err, ORK_EDATA, "%s", ork_settle_refused(poison));
    if (!rc)
        rc = put_map(a, task, list, err);
    if (rc) {
        json_decref(list);
        return rc;
    }
    ev.count = (uint32_t)json_array_size(list);
    ev.max_failed = (uint32_t)ork_expr_max_failed(each, ev.count);
    a->next_number += ev.count;
    ork_run_add_fan(&a->run, task, ev.number, ev.count, ev.max_failed);
    keep(a, list, json_deep_copy(params), ork_engine_now(a->engine));
    (void)ork_active_step(a, &ev);
    return 0;
}

static void on_list(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    ork_err why = {0};

    if (!(a->run.tasks[task].flags & ORK_RT_READY))
        return; /* withdrawn meanwhile */
    if (code)
        why = *err;
    else
        code = expand(a, task, params, &why);
    if (code)
        ork_settle_reject(a, task, ORK_KIND_INPUT, why.msg);
}

void ork_fan_expand(struct ork_active *a, uint32_t task)
{
    if (items_of(a, task)) { /* a retry, or a crash before the row said so: with the list it had */
        struct ork_event ev = {.type = ORK_EV_EXPANDED, .task = task};
        items_of(a, task)->started_ms = ork_engine_now(a->engine);
        (void)ork_active_step(a, &ev);
        return;
    }
    json_t *params = own_params(a, task);
    ork_inputs_fetch(a, task, params, on_list);
    json_decref(params);
}

void ork_fan_unmapped(struct ork_active *a, uint32_t task)
{
    struct ork_unit *u = ork_commit_unit(a->engine, ORK_UNIT_TASK_MAP, a, true);

    ork_active_task_id(a, task, &u->map.id);
    u->map.run_id = a->id;
}

/* ---- rows ---- */

void ork_fan_put(struct ork_active *a, uint32_t task, struct ork_task_put *put)
{
    if (ork_run_is_item(&a->run, task)) {
        put->item = ork_run_item(&a->run, task);
        put->number = ork_run_number(&a->run, task);
        put->fresh = !a->run.tasks[task].stored;
        a->run.tasks[task].stored = true;
        ork_active_task_id(a, ork_run_no(&a->run, task), &put->parent);
    } else if (items_of(a, task) && put->status != ORK_TASK_PENDING) {
        put->dispatched_ms = put->started_ms = items_of(a, task)->started_ms;
    }
}

char *ork_fan_failed(const struct ork_active *a, uint32_t task)
{
    const struct ork_run_fan *f = ork_run_fan(&a->run, task);
    struct ork_buf b = ORK_BUF_INIT;
    uint32_t named = 0;

    ork_buf_addf(&b, "%u of %u item%s failed", f->final[ORK_TASK_FAILED], f->count, f->count == 1 ? "" : "s");
    if (f->max_failed)
        ork_buf_addf(&b, " (at most %u may)", f->max_failed);
    for (uint32_t i = f->first; i < f->first + f->count && named < NAMED; i++)
        if (a->run.tasks[i].status == ORK_TASK_FAILED)
            ork_buf_addf(&b, "%s%s", named++ ? ", " : ": ", ork_active_name(a, i));
    if (f->final[ORK_TASK_FAILED] > named)
        ork_buf_adds(&b, ", …");
    return ork_buf_steal(&b, NULL);
}

/* Did it fail, before its task began at since_ms? */
static bool take_row(struct ork_active *a, const struct ork_rows *rows, size_t i, int64_t since_ms)
{
    const uint32_t item = ork_run_by_number(&a->run, (uint32_t)ork_rows_int(rows, i, "task_index", 0));

    if (item == ORK_NO_TASK)
        return false;
    struct ork_run_task *t = ork_recover_row(a, item, rows, i);
    t->stored = true;
    return t->status == ORK_TASK_FAILED && ork_rows_time(rows, i, "finished_at") < since_ms;
}

static int load_items(struct ork_active *a, const struct ork_run_fan *f, int64_t since_ms, ork_err *err)
{
    const uint32_t last = f->number + f->count - 1;
    uint32_t kept = 0;

    for (uint32_t from = f->number; f->count && from <= last;) {
        struct ork_rows *rows = NULL;
        struct ork_param p[] = {ORK_P_ID(&a->id), ORK_P_INT(from), ORK_P_INT(last), ORK_P_INT(PAGE)};
        int rc = ork_store_query(a->engine->store, ORK_Q_items_load, p, 4, &rows, err);
        if (rc)
            return rc;
        const size_t n = ork_rows_len(rows);
        for (size_t i = 0; i < n; i++)
            kept += take_row(a, rows, i, since_ms);
        from = n < PAGE ? last + 1 : (uint32_t)ork_rows_int(rows, n - 1, "task_index", 0) + 1;
        ork_rows_free(rows);
    }
    ork_run_keep_failed(&a->run, f->task, kept);
    return 0;
}

int ork_fan_load(struct ork_active *a, uint32_t task, const ork_id *id, int64_t started_ms, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    json_t *list = NULL;
    int rc = ork_store_query(a->engine->store, ORK_Q_task_items_get, p, 1, &rows, err);
    const char *text = !rc && ork_rows_len(rows) ? ork_rows_text(rows, 0, "items") : NULL;

    if (!rc && !text)
        rc = ork_err_set(err, ORK_ECORRUPT, "the list of task `%s` is gone from the database",
                         ork_workflow_task_name(a->workflow, task));
    if (!rc)
        rc = ork_json_parse(text, strlen(text), &list, err);
    if (!rc) {
        const size_t count = json_array_size(list);
        json_t *params = own_params(a, task);
        ork_run_add_fan(&a->run, task, (uint32_t)ork_rows_int(rows, 0, "map_first", 0), (uint32_t)count,
                        (uint32_t)ork_expr_max_failed(json_object_get(params, "each"), count));
        keep(a, list, params, started_ms);
        rc = load_items(a, ork_run_fan(&a->run, task), started_ms, err);
    }
    ork_rows_free(rows);
    return rc;
}

/* ---- another run's ---- */

static void copy_item(struct ork_active *a, uint32_t item, const struct ork_rows *rows, size_t i)
{
    const char *output = ork_rows_text(rows, i, "output"), *error = ork_rows_text(rows, i, "error");
    char *texts[] = {output ? ork_strdup(output) : NULL, error ? ork_strdup(error) : NULL};
    struct ork_task_put put = {.status = ork_task_status_parse(ork_rows_text(rows, i, "status")),
                               .set_output = true,
                               .finished_ms = ork_engine_now(a->engine),
                               .execution_name = {"copied", 6},
                               .output = {texts[0], output ? strlen(output) : 0},
                               .error = {texts[1], error ? strlen(error) : 0}};

    a->run.tasks[item].status = a->shown[item] = (uint8_t)put.status;
    ork_active_task_id(a, item, &put.id);
    ork_fan_put(a, item, &put);
    ork_commit_task(a, item, &put, true);
    for (size_t k = 0; k < 2; k++)
        (void)ork_commit_text(a->engine, texts[k]);
}

static int copy_items(struct ork_active *a, uint32_t task, const ork_id *run, uint32_t first, ork_err *err)
{
    const struct ork_run_fan *f = ork_run_fan(&a->run, task);
    const uint32_t last = first + f->count - 1;

    for (uint32_t from = first; f->count && from <= last;) {
        struct ork_rows *rows = NULL;
        struct ork_param p[] = {ORK_P_ID(run), ORK_P_INT(from), ORK_P_INT(last), ORK_P_INT(PAGE)};
        int rc = ork_store_query(a->engine->store, ORK_Q_items_list, p, 4, &rows, err);
        if (rc)
            return rc;
        const size_t n = ork_rows_len(rows);
        for (size_t i = 0; i < n; i++) {
            from = (uint32_t)ork_rows_int(rows, i, "task_index", 0);
            if (ork_task_is_final(ork_task_status_parse(ork_rows_text(rows, i, "status"))))
                copy_item(a, f->first + (from - first), rows, i);
        }
        from = n < PAGE ? last + 1 : from + 1;
        ork_rows_free(rows);
    }
    return 0;
}

/* The list as it was there, under numbers of this run. After a crash in the middle it is there already. */
static int copy_list(struct ork_active *a, uint32_t task, const char *text, ork_err *err)
{
    json_t *list = NULL, *params;
    int rc = ork_run_fan(&a->run, task) ? 0 : ork_json_parse(text, strlen(text), &list, err);

    if (rc || ork_run_fan(&a->run, task))
        return rc;
    rc = put_map(a, task, list, err);
    if (rc) {
        json_decref(list);
        return rc;
    }
    const uint32_t count = (uint32_t)json_array_size(list);
    params = own_params(a, task);
    ork_run_add_fan(&a->run, task, a->next_number, count,
                    (uint32_t)ork_expr_max_failed(json_object_get(params, "each"), count));
    a->next_number += count;
    keep(a, list, params, ork_engine_now(a->engine));
    return 0;
}

bool ork_fan_copy(struct ork_active *a, uint32_t task, const ork_id *run)
{
    struct ork_rows *there = NULL, *items = NULL;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_TEXT(ork_workflow_task_name(a->workflow, task))};
    ork_id id;
    ork_err err = {0};
    int rc = ork_store_query(a->engine->store, ORK_Q_task_get, p, 2, &there, &err);
    bool has =
        !rc && ork_rows_len(there) && ork_rows_int(there, 0, "map_count", -1) >= 0 && ork_rows_id(there, 0, "id", &id);

    if (has) {
        struct ork_param q[] = {ORK_P_ID(&id)};
        rc = ork_store_query(a->engine->store, ORK_Q_task_items_get, q, 1, &items, &err);
        const char *text = !rc && ork_rows_len(items) ? ork_rows_text(items, 0, "items") : NULL;
        has = text && copy_list(a, task, text, &err) == 0 &&
              copy_items(a, task, run, (uint32_t)ork_rows_int(there, 0, "map_first", 0), &err) == 0;
    }
    ork_rows_free(items);
    ork_rows_free(there);
    return has;
}
