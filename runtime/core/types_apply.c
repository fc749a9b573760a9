/* SPDX-License-Identifier: MIT */
/* Does a value fit a type? Goes down type and value together; what fits as it is comes back as it is, what needs a
 * lossless conversion comes back as a new tree that shares everything else with the old one. Law: the tree that was
 * given is never changed. Values are shared (a task's output is the input of ten others), so a conversion for one
 * reader must not be seen by another. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <math.h>
#include <string.h>

static int apply(const json_t *type, json_t *value, const struct ork_type_path *path, int depth, json_t **out,
                 ork_err *err);

static int out_of_memory(ork_err *err)
{
    return ork_err_set(err, ORK_ETOOBIG, "out of memory");
}

static int refuse(const json_t *type, const json_t *value, const struct ork_type_path *path, const char *why,
                  ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    struct ork_type_view t = ork_type_view_of(type);

    ork_type_path_text(path, &text);
    ork_buf_adds(&text, text.len ? ": wanted " : "wanted ");
    ork_type_brief(type, &text);
    if (t.shape == ORK_TYPE_SCALAR && ork_scalar_example(t.scalar))
        ork_buf_addf(&text, " (such as %s)", ork_scalar_example(t.scalar));
    ork_buf_adds(&text, ", got ");
    ork_type_value_text(value, &text);
    ork_buf_adds(&text, why);
    return ork_err_set(err, ORK_ETYPE, "%s", text.data);
}

/* 10.0 as 10; the bounds are exact in double. */
static bool int_of_real(double v, json_int_t *out)
{
    if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0) || v != floor(v))
        return false;
    *out = (json_int_t)v;
    return true;
}

static bool real_of_int(json_int_t v, double *out)
{
    json_int_t back;

    *out = (double)v;
    return int_of_real(*out, &back) && back == v;
}

static json_t *utc_of_zero_offset(const char *s)
{
    size_t len = strlen(s);

    if (len < 7 || strcmp(s + len - 6, "+00:00") != 0 || !ork_type_time_valid(ORK_SCALAR_TZ, s))
        return NULL;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    ork_buf_add(&text, s, len - 6);
    ork_buf_addc(&text, 'Z');
    return json_string(text.data);
}

/* A new reference, or NULL: does not fit. */
static json_t *convert_scalar(enum ork_scalar scalar, json_t *value)
{
    json_int_t i;
    double d;

    switch (scalar) {
    case ORK_SCALAR_ANY:
        return json_incref(value);
    case ORK_SCALAR_STR:
        return json_is_string(value) ? json_incref(value) : NULL;
    case ORK_SCALAR_BOOL:
        return json_is_boolean(value) ? json_incref(value) : NULL;
    case ORK_SCALAR_INT:
        if (json_is_integer(value))
            return json_incref(value);
        return json_is_real(value) && int_of_real(json_real_value(value), &i) ? json_integer(i) : NULL;
    case ORK_SCALAR_FLOAT:
        if (json_is_real(value))
            return json_incref(value);
        return json_is_integer(value) && real_of_int(json_integer_value(value), &d) ? json_real(d) : NULL;
    default:
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return NULL;
        if (ork_type_time_valid(scalar, json_string_value(value)))
            return json_incref(value);
        return scalar == ORK_SCALAR_UTC ? utc_of_zero_offset(json_string_value(value)) : NULL;
    }
}

static int apply_scalar(const json_t *type, enum ork_scalar scalar, json_t *value, const struct ork_type_path *path,
                        json_t **out, ork_err *err)
{
    *out = convert_scalar(scalar, value);
    if (*out)
        return 0;
    if (scalar == ORK_SCALAR_FLOAT && json_is_integer(value))
        return refuse(type, value, path, ", which a float cannot hold exactly", err);
    if (json_is_null(value))
        return refuse(type, value, path, "; an optional type takes null: \"T?\"", err);
    return refuse(type, value, path, "", err);
}

static int apply_list(const json_t *type, const json_t *item, json_t *value, const struct ork_type_path *path,
                      int depth, json_t **out, ork_err *err)
{
    /* An empty table of Lua, or of lua-cjson, is written {}. */
    if (json_is_object(value) && json_object_size(value) == 0) {
        *out = json_array();
        return *out ? 0 : out_of_memory(err);
    }
    if (!json_is_array(value))
        return refuse(type, value, path, "", err);

    json_t *result = json_incref(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct ork_type_path at = {.up = path, .key = NULL, .index = i};
        json_t *old = json_array_get(value, i), *new = NULL;
        int rc = apply(item, old, &at, depth + 1, &new, err);
        if (rc < 0) {
            json_decref(result);
            return rc;
        }
        if (new == old) {
            json_decref(new);
            continue;
        }
        if (result == value) {
            json_decref(result);
            result = json_copy(value);
        }
        if (!result || json_array_set_new(result, i, new) < 0) {
            json_decref(result);
            return out_of_memory(err);
        }
    }
    *out = result;
    return 0;
}

/* One declared field; *new a new reference. */
static int apply_field(const json_t *type, json_t *old, const struct ork_type_path *path, int depth, json_t **new,
                       ork_err *err)
{
    if (old)
        return apply(type, old, path, depth, new, err);

    struct ork_type_view t = ork_type_view_of(type);
    if (ork_type_view_takes_null(&t)) {
        *new = json_null();
        return 0;
    }
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    ork_type_path_text(path, &text);
    ork_buf_adds(&text, text.len ? ": missing, wanted " : "missing, wanted ");
    ork_type_brief(type, &text);
    return ork_err_set(err, ORK_ETYPE, "%s", text.data);
}

static int apply_object(const json_t *type, const json_t *fields, json_t *value, const struct ork_type_path *path,
                        int depth, json_t **out, ork_err *err)
{
    const char *key;
    const json_t *field;

    if (!json_is_object(value))
        return refuse(type, value, path, "", err);

    json_t *result = json_incref(value);
    json_object_foreach((json_t *)fields, key, field)
    {
        struct ork_type_path at = {.up = path, .key = key};
        json_t *old = json_object_get(value, key), *new = NULL;
        int rc = apply_field(field, old, &at, depth + 1, &new, err);
        if (rc < 0) {
            json_decref(result);
            return rc;
        }
        if (new == old) {
            json_decref(new);
            continue;
        }
        if (result == value) {
            json_decref(result);
            result = json_copy(value);
        }
        if (!result || json_object_set_new_nocheck(result, key, new) < 0) {
            json_decref(result);
            return out_of_memory(err);
        }
    }
    *out = result;
    return 0;
}

static int apply(const json_t *type, json_t *value, const struct ork_type_path *path, int depth, json_t **out,
                 ork_err *err)
{
    struct ork_type_view t = ork_type_view_of(type);

    if (depth > ORK_JSON_DEPTH)
        return ork_err_set(err, ORK_ETOOBIG, "the value is nested more than %d levels deep", ORK_JSON_DEPTH);
    if (t.optional && json_is_null(value)) {
        *out = json_incref(value);
        return 0;
    }
    switch (t.shape) {
    case ORK_TYPE_SCALAR:
        return apply_scalar(type, t.scalar, value, path, out, err);
    case ORK_TYPE_LIST:
        return apply_list(type, t.item, value, path, depth, out, err);
    case ORK_TYPE_OBJECT:
        return apply_object(type, t.fields, value, path, depth, out, err);
    case ORK_TYPE_BAD:
        break;
    }
    return ork_type_check(type, err) < 0 ? ORK_EDEF : ork_err_set(err, ORK_EDEF, "not a type");
}

int ork_type_apply(const json_t *type, json_t **value, const char *root, ork_err *err)
{
    struct ork_type_path path = {.key = root ? root : ""};
    json_t *out = NULL;

    if (!*value)
        return ork_err_set(err, ORK_ETYPE, "%s: missing", path.key);
    int rc = apply(type, *value, &path, 0, &out, err);
    if (rc < 0)
        return rc;
    json_decref(*value);
    *value = out;
    return 0;
}
