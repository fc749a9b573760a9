/* SPDX-License-Identifier: MIT */
/* References: taken apart, named for messages, followed, and listed.
 *
 *   "params.day"   "input"   "this.run_id"   "tasks.extract.output.parts"   ["tasks","A.B","output","x"]
 *
 * The text form is the original's, so databases it wrote can be read; names with dots need the list form. A reference
 * leads through objects only: what stands at an index of a list is nobody's name. */
#include "core/expr_internal.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

static int split(struct ork_ref *r, const json_t *body, ork_err *err)
{
    char *at, *next;

    if (strlen(json_string_value(body)) != json_string_length(body))
        return ork_err_set(err, ORK_EDEF, "a reference with a NUL in it");
    r->copy = ork_strdup(json_string_value(body));
    for (at = r->copy; at; at = next) {
        next = strchr(at, '.');
        if (next)
            *next++ = 0;
        if (!*at || r->n == ORK_REF_PARTS)
            return ork_err_set(err, ORK_EDEF, "the reference \"%.120s\" is malformed: %s", json_string_value(body),
                               *at ? "it has too many parts" : "a name between two points is missing");
        r->part[r->n++] = at;
    }
    return 0;
}

static int take_list(struct ork_ref *r, const json_t *body, ork_err *err)
{
    size_t i;
    const json_t *part;

    if (json_array_size(body) == 0 || json_array_size(body) > ORK_REF_PARTS)
        return ork_err_set(err, ORK_EDEF, "a reference has 1 to %d parts, here are %zu", ORK_REF_PARTS,
                           json_array_size(body));
    json_array_foreach((json_t *)body, i, part)
    {
        if (!json_is_string(part) || strlen(json_string_value(part)) != json_string_length(part))
            return ork_err_set(err, ORK_EDEF, "a part of a reference is a name, not %s", ork_json_type_name(part));
        r->part[r->n++] = json_string_value(part);
    }
    return 0;
}

static int find_root(struct ork_ref *r, ork_err *err)
{
    static const char *const of_task[] = {"output", "status", "error", "results", NULL};
    static const char *const roots[] = {"params", "input", "this", "tasks", NULL};
    const char *first = r->part[0], *meant;

    if (strcmp(first, "tasks") == 0) {
        if (r->n < 3)
            return ork_err_set(err, ORK_EDEF,
                               "a reference to a task reads tasks.NAME.output, .status, .error or .results");
        for (size_t i = 0; of_task[i]; i++) {
            if (strcmp(r->part[2], of_task[i]) == 0) {
                r->what = of_task[i];
                r->task = r->part[1];
                r->path = 3;
                return 0;
            }
        }
        meant = ork_suggest(r->part[2], of_task);
        return ork_err_set(err, ORK_EDEF, "a task has output, status, error and results, no `%.60s`%s%s%s", r->part[2],
                           meant ? "; did you mean `" : "", meant ? meant : "", meant ? "`?" : "");
    }
    for (size_t i = 0; roots[i]; i++) {
        if (strcmp(first, roots[i]) == 0) {
            r->what = roots[i];
            r->path = 1;
            return 0;
        }
    }
    meant = ork_suggest(first, roots);
    return ork_err_set(err, ORK_EDEF, "a reference starts with params, input, this or tasks, not `%.60s`%s%s%s", first,
                       meant ? "; did you mean `" : "", meant ? meant : "", meant ? "`?" : "");
}

int ork_ref_init(struct ork_ref *r, const json_t *body, ork_err *err)
{
    int rc;

    r->n = r->path = 0;
    r->what = r->task = NULL;
    r->copy = NULL;
    r->made = NULL;
    if (json_is_string(body))
        rc = split(r, body, err);
    else if (json_is_array(body))
        rc = take_list(r, body, err);
    else
        rc = ork_err_set(err, ORK_EDEF, "a reference is a text or a list of names, not %s", ork_json_type_name(body));
    return rc < 0 ? rc : find_root(r, err);
}

void ork_ref_fini(struct ork_ref *r)
{
    ork_free(r->copy);
    r->copy = NULL;
    json_decref(r->made);
    r->made = NULL;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* The first n parts. */
static void name_parts(const char *const *part, size_t n, struct ork_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (ork_type_is_word(part[i])) {
            ork_buf_adds(out, i ? "." : "");
            ork_buf_adds(out, part[i]);
        } else {
            ork_buf_addc(out, '[');
            ork_buf_json(out, part[i], strlen(part[i]));
            ork_buf_addc(out, ']');
        }
    }
}

void ork_expr_ref_name(const json_t *ref, struct ork_buf *out)
{
    struct ork_ref r;
    const json_t *inner = json_object_get(ref, "ref");

    /* Also what is no valid reference gets its name: that is when it is wanted. */
    if (ork_ref_init(&r, inner ? inner : ref, NULL) < 0 && r.n == 0)
        ork_buf_adds(out, "a malformed reference");
    name_parts(r.part, r.n, out);
    ork_ref_fini(&r);
}

/* ---- following ------------------------------------------------------------------------------ */

static int no_value(const struct ork_ref *r, struct ork_buf *why, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf name = ORK_BUF_INIT;

    name_parts(r->part, r->n, &name);
    return ork_err_set(err, ORK_ENOVALUE, "%.300s has no value: %s", name.data, why->data);
}

static const char *similar_field(const json_t *object, const char *field)
{
    size_t n = 0, many = json_object_size(object) < 200 ? json_object_size(object) : 200;
    ORK_CLEANUP(ork_free_cleanup) const char **names = ork_zalloc((many + 1) * sizeof *names);

    for (void *it = json_object_iter((json_t *)object); it && n < many;
         it = json_object_iter_next((json_t *)object, it))
        names[n++] = json_object_iter_key(it);
    return ork_suggest(field, names);
}

/* Why part `at` is not there, given what is before it. */
static void explain_missing(const struct ork_ref *r, size_t at, const json_t *before, struct ork_buf *why)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf where = ORK_BUF_INIT;

    name_parts(r->part, at, &where);
    if (!json_is_object(before)) {
        ork_buf_addf(why, "%.200s is ", where.data);
        ork_type_value_text(before, why);
        ork_buf_adds(why, ", which has no fields");
        return;
    }
    const char *meant = similar_field(before, r->part[at]);
    ork_buf_addf(why, "%.200s has no field `%.60s`", where.data, r->part[at]);
    if (meant)
        ork_buf_addf(why, "; did you mean `%.60s`?", meant);
}

/* A field of each element: a list of the same length. */
static const json_t *gather(struct ork_ref *r, const json_t *list)
{
    size_t i;
    const json_t *element;

    if (r->path == r->n)
        return list;
    r->made = json_array();
    json_array_foreach((json_t *)list, i, element)
    {
        const json_t *value = element;
        for (size_t k = r->path; value && k < r->n; k++)
            value = json_object_get(value, r->part[k]);
        json_array_append_new(r->made, value ? json_incref((json_t *)value) : json_null());
    }
    return r->made;
}

/* Why what the reference names is null, where that is no matter of data. */
static const char *why_null(const struct ork_ref *r)
{
    const char *name = !r->task && strcmp(r->what, "this") == 0 && r->path < r->n ? r->part[r->path] : "";

    if (strcmp(name, "scheduled_for") == 0)
        return "no schedule started this run; the time that every run has is this.logical_time";
    return strcmp(name, "item") == 0 ? "the task has no items" : "it is null";
}

int ork_ref_resolve(struct ork_ref *r, const struct ork_scope *s, unsigned flags, const json_t **out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf why = ORK_BUF_INIT;
    const json_t *value = s->root ? s->root(s->data, r->what, r->task) : NULL, *before = NULL;
    size_t i;

    *out = NULL;
    if (!value && !(flags & ORK_EXPR_MISSING_OK)) {
        if (r->task)
            ork_buf_addf(&why, "task `%.200s` gave no %s", r->task, r->what);
        else
            ork_buf_adds(&why, "there is none here");
        return no_value(r, &why, err);
    }
    if (value && r->task && s->is_list && s->is_list(s->data, r->what, r->task)) {
        *out = gather(r, value);
        return 0;
    }
    for (i = r->path; value && i < r->n; i++) {
        before = value;
        value = json_object_get(value, r->part[i]);
    }
    if (value && (!json_is_null(value) || (flags & ORK_EXPR_NULL_OK))) {
        *out = value;
        return 0;
    }
    if (flags & ORK_EXPR_MISSING_OK)
        return 0;
    if (value)
        ork_buf_adds(&why, why_null(r));
    else
        explain_missing(r, i - 1, before, &why);
    return no_value(r, &why, err);
}

/* ---- listing -------------------------------------------------------------------------------- */

typedef void (*task_cb)(void *data, const char *task, const char *what);

static void each(const json_t *expr, int depth, task_cb cb, void *data);

static void each_member(const json_t *object, int depth, task_cb cb, void *data)
{
    const char *key;
    const json_t *part;

    json_object_foreach((json_t *)object, key, part) each(part, depth, cb, data);
}

static void each_element(const json_t *list, int depth, task_cb cb, void *data)
{
    size_t i;
    const json_t *part;

    json_array_foreach((json_t *)list, i, part) each(part, depth, cb, data);
}

static void each(const json_t *expr, int depth, task_cb cb, void *data)
{
    const json_t *body;
    struct ork_ref r;

    if (depth > ORK_JSON_DEPTH)
        return;
    switch (ork_expr_form_of(expr, &body)) {
    case ORK_EXPR_REF:
        if (ork_ref_init(&r, body, NULL) == 0 && r.task)
            cb(data, r.task, r.what);
        ork_ref_fini(&r);
        break;
    case ORK_EXPR_TEXT:
    case ORK_EXPR_LIST:
    case ORK_EXPR_OBJECT:
    case ORK_EXPR_BAD: /* a command, a `when`: no expressions, but made of them */
        each_element(body, depth + 1, cb, data);
        each_member(body, depth + 1, cb, data);
        break;
    default:
        break;
    }
}

void ork_expr_each_task(const json_t *expr, task_cb cb, void *data)
{
    each(expr, 0, cb, data);
}

void ork_expr_params_each_task(const json_t *params, task_cb cb, void *data)
{
    static const char *const whole[] = {"command", "cwd", "task_binding", "when"};
    static const char *const of_wait[] = {"approval", "at"};

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        each(json_object_get(params, whole[i]), 0, cb, data);
    each(json_object_get(json_object_get(params, "each"), "over"), 0, cb, data);
    for (size_t i = 0; i < sizeof of_wait / sizeof *of_wait; i++)
        each(json_object_get(json_object_get(params, "wait"), of_wait[i]), 0, cb, data);
    /* By name: a variable or an input may well be called `ref` or `list`. */
    each_member(json_object_get(params, "env"), 0, cb, data);
    each_member(json_object_get(params, "task_bindings"), 0, cb, data);
}

static void each_secret(const json_t *expr, int depth, void (*cb)(void *data, const char *name), void *data)
{
    const json_t *body, *part;
    const char *key;
    size_t i;

    if (depth > ORK_JSON_DEPTH)
        return;
    switch (ork_expr_form_of(expr, &body)) {
    case ORK_EXPR_SECRET:
        if (json_is_string(body))
            cb(data, json_string_value(body));
        break;
    case ORK_EXPR_TEXT:
    case ORK_EXPR_LIST:
    case ORK_EXPR_OBJECT:
        json_array_foreach((json_t *)body, i, part) each_secret(part, depth + 1, cb, data);
        json_object_foreach((json_t *)body, key, part) each_secret(part, depth + 1, cb, data);
        break;
    default:
        break;
    }
}

void ork_expr_env_secrets(const json_t *params, void (*cb)(void *data, const char *name), void *data)
{
    const char *key;
    const json_t *expr;

    json_object_foreach(json_object_get(params, "env"), key, expr) each_secret(expr, 0, cb, data);
}
