/* SPDX-License-Identifier: MIT */
/* Values of params: what was given, typed or is the default becomes one complete object that fits the schema.
 * Law: all mistakes are found in one go, and with a mistake there is no result: nothing is started with half its
 * params. */
#include "core/params_internal.h"
#include "core/expr_internal.h"
#include "core/types_internal.h"
#include "core/workflow.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ork_param_problem(struct ork_param_sink *s, const char *code, const char *fmt, ...)
{
    char text[sizeof s->first.msg];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        text[0] = 0;
    bool schema = strcmp(code, "param_schema") == 0;
    if (s->n++ == 0)
        (void)ork_err_set(&s->first, schema ? ORK_EDEF : ORK_EINVAL, "%s", text);
    s->schema |= schema;
    if (s->on_problem)
        s->on_problem(s->data, code, UINT32_MAX, text);
}

const json_t *ork_param_type(const json_t *p)
{
    return json_is_object(p) ? json_object_get(p, "type") : p;
}

/* A date without a format, in the form its type wants. A new reference. */
static json_t *with_format(const json_t *expr, const json_t *type)
{
    struct ork_type_view t = ork_type_view_of(type);
    const json_t *date = json_object_get(expr, "date");
    const char *format = NULL;

    if (t.shape == ORK_TYPE_SCALAR && t.scalar == ORK_SCALAR_NOTZ)
        format = "%Y-%m-%dT%H:%M:%S";
    else if (t.shape == ORK_TYPE_SCALAR && (t.scalar == ORK_SCALAR_TZ || t.scalar == ORK_SCALAR_UTC))
        format = "%Y-%m-%dT%H:%M:%SZ";
    if (!format || !json_is_object(date) || json_object_size(expr) != 1 || json_object_get(date, "format"))
        return json_incref((json_t *)expr);
    json_t *full = json_copy((json_t *)date);
    json_object_set_new(full, "format", json_string(format));
    return json_pack("{s:o}", "date", full);
}

int ork_param_value(const json_t *p, const char *key, const json_t *type, const char *name, struct ork_moment logical,
                    json_t **out, ork_err *err)
{
    struct ork_scope scope = {.logical = logical}; /* no roots: a param may depend on the time, on nothing else */
    const json_t *written = json_is_object(p) ? json_object_get(p, key) : NULL;
    struct ork_type_view t = ork_type_view_of(type);
    ORK_CLEANUP(ork_buf_fini) struct ork_buf root = ORK_BUF_INIT;

    *out = NULL;
    if (!written)
        return 0;
    if (t.shape == ORK_TYPE_SCALAR && (t.scalar == ORK_SCALAR_TZ || t.scalar == ORK_SCALAR_UTC))
        scope.logical.zone = NULL; /* an instant: written in UTC */
    json_t *expr = with_format(written, type);
    int rc = expr ? ork_expr_eval(expr, &scope, false, out, err) : ork_err_set(err, ORK_ETOOBIG, "out of memory");
    json_decref(expr);
    if (rc == ORK_ENOVALUE)
        rc = ork_err_set(err, ORK_EDEF, "it may depend on the time of the run (ork.date) and on nothing else");
    if (rc < 0) {
        ork_err_wrap(err, "params.%.100s: %s", name, key);
        return rc;
    }
    ork_buf_addf(&root, "params.%.100s: %s", name, key);
    rc = ork_type_apply(type, out, root.data, err);
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

bool ork_param_required(const json_t *p)
{
    struct ork_type_view t = ork_type_view_of(ork_param_type(p));
    const json_t *required = json_is_object(p) ? json_object_get(p, "required") : NULL;

    if (json_is_object(p) && json_object_get(p, "default"))
        return false;
    return json_is_boolean(required) ? json_is_true(required) : !ork_type_view_takes_null(&t);
}

/* ---- completing ----------------------------------------------------------------------------- */

struct complete {
    struct ork_param_sink sink;
    const json_t *schema, *given, *texts;
    struct ork_moment logical;
    json_t *out; /* owned */
};

static void check_unknown(struct complete *c, const json_t *named)
{
    size_t n = 0, many = json_object_size(c->schema) < 1000 ? json_object_size(c->schema) : 1000;
    ORK_CLEANUP(ork_free_cleanup) const char **names = ork_zalloc((many + 1) * sizeof *names);
    const char *name;
    json_t *value;

    for (void *it = json_object_iter((json_t *)c->schema); it && n < many;
         it = json_object_iter_next((json_t *)c->schema, it))
        names[n++] = json_object_iter_key(it);
    json_object_foreach((json_t *)named, name, value)
    {
        ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
        if (json_object_get(c->schema, name))
            continue;
        const char *meant = ork_suggest(name, names);
        ork_buf_addf(&text, "no param `%.100s`; ", name);
        if (meant)
            ork_buf_addf(&text, "did you mean `%.100s`?", meant);
        for (size_t i = 0; !meant && i < n && text.len < 400; i++)
            ork_buf_addf(&text, "%s%.100s", i ? ", " : n == 1 ? "there is " : "there are ", names[i]);
        if (n == 0)
            ork_buf_adds(&text, "the workflow has none");
        ork_param_problem(&c->sink, "param_unknown", "%s", text.data);
    }
}

/* Is the mistake inside of a list or an object that is JSON? Then the path to it is said. */
static bool is_inside(const json_t *type, const char *text, const char *root, ork_err *err)
{
    json_t *value = NULL;
    ork_err inside = {0};
    bool compound =
        ork_json_parse(text, strlen(text), &value, NULL) == 0 && (json_is_array(value) || json_is_object(value));
    bool found = compound && ork_type_apply(type, &value, root, &inside) < 0;

    if (found)
        *err = inside;
    json_decref(value);
    return found;
}

/* The value of one param as its type wants it, or a problem and NULL. A new reference. */
static json_t *take_value(struct complete *c, const char *name, const json_t *p)
{
    const json_t *type = ork_param_type(p), *text = json_object_get(c->texts, name),
                 *given = json_object_get(c->given, name);
    ORK_CLEANUP(ork_buf_fini) struct ork_buf root = ORK_BUF_INIT;
    const char *code = "param_type";
    json_t *value = NULL;
    ork_err err = {0};
    int rc;

    ork_buf_addf(&root, "params.%.100s", name);
    if (json_is_string(text)) {
        rc = ork_type_from_text(type, json_string_value(text), c->logical, &value, &err);
        if (rc < 0 && rc != ORK_EDEF && !is_inside(type, json_string_value(text), root.data, &err))
            ork_err_wrap(&err, "params.%.100s", name);
    } else if (text) {
        rc = ork_err_set(&err, ORK_EINVAL, "%s: a text was announced, got %s", root.data, ork_json_type_name(text));
    } else if (given) {
        value = json_incref((json_t *)given);
        rc = ork_type_apply(type, &value, root.data, &err);
    } else {
        rc = ork_param_value(p, "default", type, name, c->logical, &value, &err);
        code = "param_schema";
        if (rc == 0 && !value)
            return json_null();
    }
    if (rc == 0)
        return value;
    ork_param_problem(&c->sink, rc == ORK_EDEF ? "param_schema" : code, "%s", err.msg);
    json_decref(value);
    return NULL;
}

static void complete_one(struct complete *c, const char *name, const json_t *p)
{
    const json_t *type = ork_param_type(p);
    bool there = json_object_get(c->texts, name) || json_object_get(c->given, name);
    ork_err err = {0};

    if (ork_type_check(type, &err) < 0) {
        ork_param_problem(&c->sink, "param_schema", "params.%.100s: %s", name, err.msg);
        return;
    }
    if (!there && ork_param_required(p)) {
        ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
        ork_type_brief(type, &text);
        ork_param_problem(&c->sink, "param_missing", "params.%.100s: missing, wanted %s; it has no default", name,
                          text.data);
        return;
    }
    json_t *value = take_value(c, name, p);
    if (!value)
        return;
    ork_param_limits(&c->sink, "param_choice", "param_range", p, name, value, c->logical);
    json_object_set_new_nocheck(c->out, name, value);
}

int ork_params_complete(const json_t *schema, const json_t *given, const json_t *texts, struct ork_moment logical,
                        ork_problem_cb on_problem, void *data, json_t **out, ork_err *err)
{
    struct complete c = {.sink = {.on_problem = on_problem, .data = data},
                         .schema = schema,
                         .given = given,
                         .texts = texts,
                         .logical = logical};
    const char *name;
    const json_t *p;

    if ((schema && !json_is_object(schema)) || (given && !json_is_object(given)) || (texts && !json_is_object(texts)))
        return ork_err_set(err, ORK_EINVAL, "params are an object, {\"name\": value}");
    c.out = json_object();
    check_unknown(&c, given);
    check_unknown(&c, texts);
    json_object_foreach((json_t *)schema, name, p) complete_one(&c, name, p);
    if (c.sink.n) {
        json_decref(c.out);
        int code = c.sink.schema ? ORK_EDEF : ORK_EINVAL;
        if (c.sink.n == 1)
            return ork_err_set(err, code, "%s", c.sink.first.msg);
        return ork_err_set(err, code, "%zu mistakes in the params; the first: %s", c.sink.n, c.sink.first.msg);
    }
    *out = c.out;
    return 0;
}

static int parse_object(const char *text, const char *what, json_t **out, ork_err *err)
{
    *out = NULL;
    if (!text)
        return 0;
    int rc = ork_json_parse(text, strlen(text), out, err);
    if (rc < 0) {
        ork_err_wrap(err, "%s", what);
        return rc;
    }
    if (json_is_object(*out))
        return 0;
    rc = ork_err_set(err, ORK_EINVAL, "%s: an object is wanted, {\"name\": value}, got %s", what,
                     ork_json_type_name(*out));
    json_decref(*out);
    *out = NULL;
    return rc;
}

int ork_workflow_params_at(const ork_workflow *w, const char *given, const char *texts, struct ork_moment logical,
                           ork_problem_cb on_problem, void *data, char **out, ork_err *err)
{
    json_t *options = NULL, *values = NULL, *typed = NULL, *full = NULL;
    int rc = parse_object(ork_workflow_options_json(w), "the options of the workflow", &options, err);

    if (rc == 0)
        rc = parse_object(given, "params", &values, err);
    if (rc == 0)
        rc = parse_object(texts, "params", &typed, err);
    if (rc == 0)
        rc = ork_params_complete(json_object_get(options, "params"), values, typed, logical, on_problem, data, &full,
                                 err);
    if (rc == 0)
        rc = ork_json_text(full, out, NULL, err);
    json_decref(full);
    json_decref(typed);
    json_decref(values);
    json_decref(options);
    return rc;
}
