/* SPDX-License-Identifier: MIT */
/* Evaluation of expressions, and values as texts.
 *
 * An expression is data in a snapshot, not code: it is walked, with the depth of JSON as bound, and gives a value or
 * names the reference that has none. Law: nothing missing ever becomes part of a text. `rm -r /data/` plus nothing must
 * fail, not run. */
#include "core/expr_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/time.h"
#include <string.h>

#define TEXT_MAX (16u << 20) /* as the limit of outputs: a text is made of them */

struct eval {
    const struct ork_scope *scope;
    unsigned flags;
};

static int eval(const json_t *expr, const struct eval *e, int depth, json_t **out, ork_err *err);

enum ork_expr_form ork_expr_form_of(const json_t *expr, const json_t **body)
{
    static const struct {
        const char *key;
        enum ork_expr_form form;
    } forms[] = {
        {"const", ORK_EXPR_CONST},   {"ref", ORK_EXPR_REF},   {"text", ORK_EXPR_TEXT},     {"list", ORK_EXPR_LIST},
        {"object", ORK_EXPR_OBJECT}, {"date", ORK_EXPR_DATE}, {"secret", ORK_EXPR_SECRET},
    };

    *body = expr;
    if (!expr || json_is_array(expr))
        return ORK_EXPR_BAD;
    if (!json_is_object(expr))
        return ORK_EXPR_PLAIN;
    for (size_t i = 0; json_object_size(expr) == 1 && i < sizeof forms / sizeof *forms; i++) {
        const json_t *inner = json_object_get(expr, forms[i].key);
        if (inner) {
            *body = inner;
            return forms[i].form;
        }
    }
    return ORK_EXPR_BAD;
}

static int bad_expr(const json_t *expr, ork_err *err)
{
    if (json_is_array(expr))
        return ork_err_set(err, ORK_EDEF, "no expression: a list is written {\"list\":[…]} or {\"const\":[…]}");
    const char *key = json_object_size(expr) ? json_object_iter_key(json_object_iter((json_t *)expr)) : NULL;
    if (key && json_object_size(expr) == 1)
        return ork_err_set(
            err, ORK_EDEF,
            "no expression: unknown form `%.60s`; forms are const, ref, text, list, object, date, secret", key);
    return ork_err_set(
        err, ORK_EDEF,
        "no expression: an object with exactly one of const, ref, text, list, object, date, secret is wanted");
}

static int out_of_memory(ork_err *err)
{
    return ork_err_set(err, ORK_ETOOBIG, "out of memory");
}

/* ---- values as texts ------------------------------------------------------------------------ */

static int real_text(double v, struct ork_buf *out, ork_err *err)
{
    int rc = ork_json_write_real(v, out, err);

    if (rc < 0)
        return rc;
    if (out->len >= 2 && memcmp(out->data + out->len - 2, ".0", 2) == 0) {
        out->len -= 2;
        out->data[out->len] = 0;
    }
    return 0;
}

int ork_expr_text(const json_t *value, struct ork_buf *out, ork_err *err)
{
    if (!value || json_is_null(value))
        return ork_err_set(err, ORK_ENOVALUE, "null has no text");
    if (json_is_string(value)) {
        ork_buf_add(out, json_string_value(value), json_string_length(value));
        return 0;
    }
    if (json_is_real(value))
        return real_text(json_real_value(value), out, err);
    return ork_json_write(value, out, err);
}

/* ---- evaluation ----------------------------------------------------------------------------- */

static int eval_ref(const json_t *body, const struct eval *e, json_t **out, ork_err *err)
{
    struct ork_ref ref;
    const json_t *value;
    int rc = ork_ref_init(&ref, body, err);

    if (rc == 0)
        rc = ork_ref_resolve(&ref, e->scope, e->flags, &value, err);
    if (rc == 0)
        *out = value ? json_incref((json_t *)value) : json_null();
    ork_ref_fini(&ref);
    return rc;
}

static int eval_text(const json_t *body, const struct eval *e, int depth, json_t **out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    struct eval strict = {.scope = e->scope, .flags = e->flags & ORK_EXPR_SECRET_OK};
    size_t i;
    const json_t *part;

    if (!json_is_array(body))
        return ork_err_set(err, ORK_EDEF, "{\"text\"} wants a list of parts, not %s", ork_json_type_name(body));
    json_array_foreach((json_t *)body, i, part)
    {
        json_t *value = NULL;
        int rc = eval(part, &strict, depth + 1, &value, err);
        if (rc == 0)
            rc = ork_expr_text(value, &text, err);
        json_decref(value);
        if (rc < 0)
            return rc;
        if (text.len > TEXT_MAX)
            return ork_err_set(err, ORK_ETOOBIG, "a text of more than 16 MiB; pass the values through inputs");
    }
    *out = json_stringn_nocheck(text.data ? text.data : "", text.len);
    return *out ? 0 : out_of_memory(err);
}

static int eval_list(const json_t *body, const struct eval *e, int depth, json_t **out, ork_err *err)
{
    size_t i;
    const json_t *part;

    if (!json_is_array(body))
        return ork_err_set(err, ORK_EDEF, "{\"list\"} wants a list, not %s", ork_json_type_name(body));
    json_t *list = json_array();
    json_array_foreach((json_t *)body, i, part)
    {
        json_t *value = NULL;
        int rc = eval(part, e, depth + 1, &value, err);
        if (rc == 0 && json_array_append_new(list, value) < 0)
            rc = out_of_memory(err);
        if (rc < 0) {
            json_decref(list);
            return rc;
        }
    }
    *out = list;
    return list ? 0 : out_of_memory(err);
}

static int eval_object(const json_t *body, const struct eval *e, int depth, json_t **out, ork_err *err)
{
    const char *key;
    const json_t *part;

    if (!json_is_object(body))
        return ork_err_set(err, ORK_EDEF, "{\"object\"} wants an object, not %s", ork_json_type_name(body));
    json_t *object = json_object();
    json_object_foreach((json_t *)body, key, part)
    {
        json_t *value = NULL;
        int rc = eval(part, e, depth + 1, &value, err);
        if (rc == 0 && json_object_set_new_nocheck(object, key, value) < 0)
            rc = out_of_memory(err);
        if (rc < 0) {
            json_decref(object);
            return rc;
        }
    }
    *out = object;
    return object ? 0 : out_of_memory(err);
}

static int eval_date(const json_t *body, const struct eval *e, json_t **out, ork_err *err)
{
    const json_t *offset = json_object_get(body, "offset_ms"), *format = json_object_get(body, "format");
    size_t keys = (offset ? 1u : 0u) + (format ? 1u : 0u);
    char text[256];
    int64_t at, civil;

    if (!json_is_object(body) || json_object_size(body) != keys || (offset && !json_is_integer(offset)) ||
        (format && !json_is_string(format)))
        return ork_err_set(err, ORK_EDEF,
                           "{\"date\"} wants offset_ms, an integer, and format, a text, and nothing else");
    if (!ork_moment_shift(e->scope->logical, (int64_t)json_integer_value(offset), &at, &civil))
        return ork_err_set(err, ORK_EDEF, "the offset of a date is too large");
    int rc = ork_time_strftime(at, civil, format ? json_string_value(format) : "%Y-%m-%d", text, sizeof text, err);
    if (rc < 0)
        return rc;
    *out = json_string(text);
    return *out ? 0 : out_of_memory(err);
}

static int eval_secret(const json_t *body, const struct eval *e, json_t **out, ork_err *err)
{
    const char *name = json_string_value(body);

    if (!name)
        return ork_err_set(err, ORK_EDEF, "{\"secret\"} wants the name of a secret");
    if (!(e->flags & ORK_EXPR_SECRET_OK))
        return ork_err_set(err, ORK_EDEF,
                           "the secret `%.60s` may be used only in env: everything else is stored or visible", name);
    const json_t *value = e->scope->root ? e->scope->root(e->scope->data, "secret", name) : NULL;
    if (!json_is_string(value))
        return ork_err_set(err, ORK_ENOVALUE, "the secret `%.60s` has no value", name);
    *out = json_incref((json_t *)value);
    return 0;
}

static int eval(const json_t *expr, const struct eval *e, int depth, json_t **out, ork_err *err)
{
    const json_t *body;
    enum ork_expr_form form = ork_expr_form_of(expr, &body);

    if (depth > ORK_JSON_DEPTH)
        return ork_err_set(err, ORK_ETOOBIG, "the expression is nested more than %d levels deep", ORK_JSON_DEPTH);
    switch (form) {
    case ORK_EXPR_PLAIN:
    case ORK_EXPR_CONST:
        *out = json_incref((json_t *)body);
        return 0;
    case ORK_EXPR_REF:
        return eval_ref(body, e, out, err);
    case ORK_EXPR_TEXT:
        return eval_text(body, e, depth, out, err);
    case ORK_EXPR_LIST:
        return eval_list(body, e, depth, out, err);
    case ORK_EXPR_OBJECT:
        return eval_object(body, e, depth, out, err);
    case ORK_EXPR_DATE:
        return eval_date(body, e, out, err);
    case ORK_EXPR_SECRET:
        return eval_secret(body, e, out, err);
    case ORK_EXPR_BAD:
        break;
    }
    return bad_expr(expr, err);
}

int ork_expr_eval_flags(const json_t *expr, const struct ork_scope *s, unsigned flags, json_t **out, ork_err *err)
{
    struct eval e = {.scope = s, .flags = flags};

    *out = NULL;
    return eval(expr, &e, 0, out, err);
}

int ork_expr_eval(const json_t *expr, const struct ork_scope *s, bool optional, json_t **out, ork_err *err)
{
    return ork_expr_eval_flags(expr, s, optional ? ORK_EXPR_MISSING_OK | ORK_EXPR_NULL_OK : 0, out, err);
}
