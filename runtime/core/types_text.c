/* SPDX-License-Identifier: MIT */
/* Values typed on a command line (`day=yesterday full=true parts='["a","b"]'`), read as their type wants them. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int refuse(const json_t *type, const char *text, const char *how, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf out = ORK_BUF_INIT;

    ork_buf_adds(&out, "wanted ");
    ork_type_brief(type, &out);
    ork_buf_addf(&out, "%s, got ", how);
    ork_buf_json(&out, text, strnlen(text, 60));
    return ork_err_set(err, ORK_ETYPE, "%s", out.data);
}

static int keep(json_t *value, json_t **out, ork_err *err)
{
    *out = value;
    return value ? 0 : ork_err_set(err, ORK_ETOOBIG, "out of memory");
}

/* Digits with an optional sign and nothing else: strtoll alone would take blanks and stop early. */
static bool read_int(const char *s, json_int_t *out)
{
    char *end;
    const char *digits = *s == '-' || *s == '+' ? s + 1 : s;

    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return !errno && !*end;
}

static int read_number(const json_t *type, enum ork_scalar scalar, const char *text, json_t **out, ork_err *err)
{
    json_int_t i;
    json_t *value = NULL;

    if (scalar == ORK_SCALAR_INT)
        return read_int(text, &i) ? keep(json_integer(i), out, err) : refuse(type, text, "", err);
    if (read_int(text, &i)) {
        value = json_integer(i);
    } else {
        const char *number = *text == '+' ? text + 1 : text;
        if (ork_json_parse(number, strlen(number), &value, NULL) < 0)
            return refuse(type, text, "", err);
    }
    if (!json_is_number(value) || ork_type_apply(type, &value, "", NULL) < 0) {
        json_decref(value);
        return refuse(type, text, "", err);
    }
    return keep(value, out, err);
}

static int read_bool(const json_t *type, const char *text, json_t **out, ork_err *err)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < 4; i++)
            if (strcasecmp(text, words[v][i]) == 0)
                return keep(json_boolean(v), out, err);
    return refuse(type, text, " (true or false)", err);
}

static int read_scalar(const json_t *type, enum ork_scalar scalar, const char *text, struct ork_moment now,
                       json_t **out, ork_err *err)
{
    switch (scalar) {
    case ORK_SCALAR_STR:
        return keep(json_string(text), out, err);
    case ORK_SCALAR_INT:
    case ORK_SCALAR_FLOAT:
        return read_number(type, scalar, text, out, err);
    case ORK_SCALAR_BOOL:
        return read_bool(type, text, out, err);
    case ORK_SCALAR_ANY:
        if (ork_json_parse(text, strlen(text), out, NULL) == 0)
            return 0;
        return keep(json_string(text), out, err);
    default:
        return ork_type_time_from_text(scalar, text, now, out, err);
    }
}

/* How a list or an object of this type may be typed. */
static const char *example_of(const struct ork_type_view *t)
{
    if (t->shape != ORK_TYPE_LIST)
        return " as JSON, such as '{\"a\": 1}'";
    struct ork_type_view item = ork_type_view_of(t->item);
    if (item.shape == ORK_TYPE_LIST)
        return " as JSON, such as '[[1, 2], [3]]'";
    if (item.shape == ORK_TYPE_OBJECT)
        return " as JSON, such as '[{\"a\": 1}]'";
    switch (item.scalar) {
    case ORK_SCALAR_INT:
        return " as JSON, such as '[1, 2]'";
    case ORK_SCALAR_FLOAT:
        return " as JSON, such as '[1, 2.5]'";
    case ORK_SCALAR_BOOL:
        return " as JSON, such as '[true, false]'";
    case ORK_SCALAR_DATE:
        return " as JSON, such as '[\"2026-11-01\"]'";
    default:
        return " as JSON, such as '[\"a\", \"b\"]'";
    }
}

int ork_type_from_text(const json_t *type, const char *text, struct ork_moment now, json_t **out, ork_err *err)
{
    struct ork_type_view t = ork_type_view_of(type);
    ork_err why = {0};
    int rc;

    *out = NULL;
    if (t.shape == ORK_TYPE_BAD) {
        rc = ork_type_check(type, err);
        return rc < 0 ? rc : ork_err_set(err, ORK_EDEF, "not a type");
    }
    rc = ork_utf8_check(text, strlen(text), &why);
    if (rc < 0)
        return ork_err_set(err, ORK_ETYPE, "not UTF-8 text: %s", why.msg);
    /* For an optional text every text is itself; for the rest nothing, or null, is null. */
    bool is_text = t.shape == ORK_TYPE_SCALAR && t.scalar == ORK_SCALAR_STR;
    if (t.optional && !is_text && (!*text || strcmp(text, "null") == 0))
        return keep(json_null(), out, err);
    if (t.shape == ORK_TYPE_SCALAR)
        return read_scalar(type, t.scalar, text, now, out, err);

    json_t *value = NULL;
    if (ork_json_parse(text, strlen(text), &value, &why) < 0)
        return refuse(type, text, example_of(&t), err);
    rc = ork_type_apply(type, &value, "", err);
    if (rc < 0) {
        json_decref(value);
        return rc;
    }
    *out = value;
    return 0;
}
