/* SPDX-License-Identifier: MIT */
/* Runs that are a part of their definition, stored with the run as {"to": T} or {"only": T}:
 *
 *   to      T, what it needs, and the `finally` tasks: what was begun is tidied up
 *   only    T alone, with its inputs given ("input") or read from outputs of an earlier run ("outputs_of"), which are
 *           taken over as the successes of the tasks that left them
 *
 * Law: what is outside is skipped when the run begins and stays so, whatever is retried; it never decides about what is
 * inside. What is outside follows from the definition and these words, so nothing else is stored. */
#include "engine/engine.h"
#include "core/expr.h"
#include <string.h>

#define EARLIER 50 /* runs that are looked at for outputs, the newest first */

int ork_part_find(const ork_workflow *w, const char *name, uint32_t *no, ork_err *err)
{
    const uint32_t n = ork_workflow_len(w);
    size_t len = 0;

    if (ork_workflow_find(w, name, strlen(name), no) == 0)
        return 0;
    if (ork_fan_number(name, &len) && ork_workflow_find(w, name, len, no) == 0 &&
        (ork_workflow_def(w, *no)->flags & ORK_TASK_EACH))
        return ork_err_set(err, ORK_EINVAL,
                           "`%.200s` is an item, and a task is wanted here: `%.*s`, which has them all", name, (int)len,
                           name);
    const char **names = ork_alloc(((size_t)n + 1) * sizeof(*names));
    for (uint32_t i = 0; i < n; i++)
        names[i] = ork_workflow_task_name(w, i);
    names[n] = NULL;
    const char *near = ork_suggest(name, names);
    int rc = ork_err_set(err, ORK_ENOTFOUND, "no task `%s`%s%s%s", name, near ? "; did you mean `" : "",
                         near ? near : "", near ? "`?" : " in this workflow");
    ork_free(names);
    return rc;
}

static void mark_to(const ork_workflow *w, uint32_t target, uint8_t *inside)
{
    const bool last = ork_workflow_def(w, target)->flags & ORK_TASK_FINALLY;

    inside[target] = 1;
    ork_workflow_precede(w, inside);
    for (uint32_t i = 0; i < ork_workflow_len(w); i++)
        inside[i] |= last || (ork_workflow_def(w, i)->flags & ORK_TASK_FINALLY);
    ork_workflow_precede(w, inside);
}

int ork_part_outside(const ork_workflow *w, const json_t *part, uint8_t **outside, ork_err *err)
{
    const char *to = json_string_value(json_object_get(part, "to")),
               *only = json_string_value(json_object_get(part, "only"));
    const uint32_t n = ork_workflow_len(w);
    uint32_t target;

    *outside = NULL;
    if (!to && !only)
        return 0;
    int rc = ork_part_find(w, to ? to : only, &target, err);
    if (rc)
        return ork_err_wrap(err, "%s", to ? "--to" : "--only");
    uint8_t *marks = ork_zalloc((size_t)n + 1);
    if (to)
        mark_to(w, target, marks);
    else
        marks[target] = 1;
    for (uint32_t i = 0; i < n; i++)
        marks[i] = !marks[i];
    *outside = marks;
    return 0;
}

int ork_part_leave_out(struct ork_active *a, ork_err *err)
{
    uint8_t *outside = NULL;
    int rc = a->part ? ork_part_outside(a->workflow, a->part, &outside, err) : 0;

    if (!rc && outside)
        ork_run_leave_out(&a->run, outside);
    return rc;
}

void ork_part_why(const struct ork_active *a, struct ork_buf *out)
{
    const char *to = json_string_value(json_object_get(a->part, "to"));

    ork_buf_addf(out, "not part of this run (--%s %s)", to ? "to" : "only",
                 to ? to : json_string_value(json_object_get(a->part, "only")));
}

const json_t *ork_part_input(const struct ork_active *a, uint32_t task)
{
    const json_t *input = json_object_get(a->part, "input");
    const char *only = json_string_value(json_object_get(a->part, "only"));

    return input && only && strcmp(only, ork_workflow_task_name(a->workflow, ork_run_no(&a->run, task))) == 0 ? input
                                                                                                              : NULL;
}

/* ---- what a task alone takes from an earlier run ---- */

struct needs {
    const ork_workflow *w;
    uint8_t *marks; /* 1 useful, 2 it cannot run without this one's output */
    bool optional;
};

static void need(void *data, const char *task, const char *what)
{
    struct needs *n = data;
    uint32_t no;

    if (ork_workflow_find(n->w, task, strlen(task), &no) == 0)
        n->marks[no] |= strcmp(what, "output") == 0 && !n->optional ? 3 : 1;
}

/* The outputs that T's params refer to; with an input of its own its bindings do not count, nor does the list it is
 * done for, if that is among the input. */
static void find_needs(struct needs *n, uint32_t target, const json_t *input)
{
    const struct ork_task_def *def = ork_workflow_def(n->w, target);
    json_t *params = json_loads(ork_workflow_text(n->w, def->params), JSON_DECODE_ANY, NULL);

    n->optional = def->rule != ORK_RULE_ALL_SUCCESS;
    if (input) {
        json_t *each = json_object_get(params, "each");
        json_object_del(params, "task_bindings");
        json_object_del(params, "task_binding");
        if (each && json_object_get(input, ork_fan_over(params)))
            json_object_del(each, "over");
    }
    ork_expr_params_each_task(params, need, n);
    json_decref(params);
}

/* Has this run what is needed? *missing: the first name that it has not. */
static int look_into(ork_engine *e, const ork_id *run, const struct needs *n, json_t *names, const char **missing,
                     ork_err *err)
{
    int rc = 0;

    *missing = NULL;
    json_array_clear(names);
    for (uint32_t i = 0; !rc && !*missing && i < ork_workflow_len(n->w); i++) {
        struct ork_rows *rows = NULL;
        const char *name = ork_workflow_task_name(n->w, i);
        struct ork_param q[] = {ORK_P_ID(run), ORK_P_TEXT(name)};
        if (!n->marks[i])
            continue;
        rc = ork_store_query(e->store, ORK_Q_task_get, q, 2, &rows, err);
        if (!rc && ork_rows_len(rows) && strcmp(ork_rows_text(rows, 0, "status"), "success") == 0)
            json_array_append_new(names, json_string(name));
        else if (!rc && (n->marks[i] & 2))
            *missing = name;
        ork_rows_free(rows);
    }
    return rc;
}

static int no_outputs(const ork_workflow *w, const char *only, const char *missing, ork_err *err)
{
    return ork_err_set(
        err, ORK_ESTATE,
        "`%s` needs the output of `%s`, and no run of `%s` has it: run it with --to %s first, or give its "
        "inputs by --input JSON",
        only, missing, ork_workflow_name(w), only);
}

static int search_runs(ork_engine *e, const struct needs *n, const char *only, json_t *names, ork_id *run, bool *found,
                       ork_err *err)
{
    struct ork_rows *rows = NULL;
    const char *missing = NULL, *first = NULL;
    struct ork_param q[] = {
        ORK_P_TEXT(ork_workflow_name(n->w)), ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_INT(EARLIER)};
    int rc = ork_store_query(e->store, ORK_Q_runs_list, q, 6, &rows, err);

    *found = false;
    for (size_t i = 0; !rc && !*found && i < ork_rows_len(rows); i++) {
        if (!ork_rows_id(rows, i, "id", run))
            continue;
        rc = look_into(e, run, n, names, &missing, err);
        *found = !rc && !missing;
        first = first ? first : missing;
    }
    ork_rows_free(rows);
    for (uint32_t i = 0; !rc && !*found && i < ork_workflow_len(n->w); i++) {
        if (n->marks[i] & 2)
            rc = no_outputs(n->w, only, first ? first : ork_workflow_task_name(n->w, i), err);
    }
    return rc;
}

int ork_part_sources(ork_engine *e, const ork_workflow *w, json_t *part, struct ork_copy **copy, char **copy_args,
                     ork_err *err)
{
    const char *only = json_string_value(json_object_get(part, "only"));
    struct needs n = {.w = w};
    json_t *names = json_array();
    uint32_t target;
    bool any = false, found = false;
    ork_id run;
    int rc = only ? ork_part_find(w, only, &target, err) : 0;

    if (rc || !only) {
        json_decref(names);
        return rc;
    }
    n.marks = ork_zalloc((size_t)ork_workflow_len(w) + 1);
    find_needs(&n, target, json_object_get(part, "input"));
    for (uint32_t i = 0; i < ork_workflow_len(w); i++)
        any |= n.marks[i] != 0;
    if (any)
        rc = search_runs(e, &n, only, names, &run, &found, err);
    if (!rc && found && json_array_size(names)) {
        char text[ORK_ID_TEXT];
        ork_id_format(&run, text);
        json_object_set_new(part, "outputs_of", json_string(text));
        rc = ork_rerun_copy_named(e, w, &run, names, copy, copy_args, err);
    }
    ork_free(n.marks);
    json_decref(names);
    return rc;
}
