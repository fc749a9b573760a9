/* SPDX-License-Identifier: MIT */
/* Choices and bounds of params: a value that fits its type is held against them. Numbers and times have an order; times
 * are compared as instants, so 02:00+01:00 lies before 02:00Z. */
#include "core/expr_internal.h"
#include "core/params_internal.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

bool ork_param_ordered(const json_t *type)
{
    struct ork_type_view t = ork_type_view_of(type);

    return t.shape == ORK_TYPE_SCALAR && t.scalar != ORK_SCALAR_STR && t.scalar != ORK_SCALAR_BOOL &&
           t.scalar != ORK_SCALAR_ANY;
}

int ork_param_compare(const json_t *type, const json_t *a, const json_t *b)
{
    struct ork_type_view t = ork_type_view_of(type);
    int64_t x, y;

    if (json_is_integer(a) && json_is_integer(b))
        return (json_integer_value(a) > json_integer_value(b)) - (json_integer_value(a) < json_integer_value(b));
    if (json_is_number(a) && json_is_number(b))
        return (json_number_value(a) > json_number_value(b)) - (json_number_value(a) < json_number_value(b));
    if (!json_is_string(a) || !json_is_string(b) || ork_type_time_ms(t.scalar, json_string_value(a), &x, NULL) < 0 ||
        ork_type_time_ms(t.scalar, json_string_value(b), &y, NULL) < 0)
        return 0;
    return (x > y) - (x < y);
}

static void value_json(const json_t *value, struct ork_buf *out)
{
    if (json_is_array(value) || json_is_object(value)) {
        if (ork_json_write(value, out, NULL) == 0)
            return;
    }
    ork_type_value_text(value, out);
}

static const char *similar_choice(const json_t *choices, const json_t *value)
{
    size_t n = 0, many = json_array_size(choices) < 1000 ? json_array_size(choices) : 1000;
    ORK_CLEANUP(ork_free_cleanup) const char **words = ork_zalloc((many + 1) * sizeof *words);

    if (!json_is_string(value))
        return NULL;
    for (size_t i = 0; i < many; i++)
        if (json_is_string(json_array_get(choices, i)))
            words[n++] = json_string_value(json_array_get(choices, i));
    return ork_suggest(json_string_value(value), words);
}

/* true when it is one of them. A choice that does not fit the type is the schema's mistake, found by ork_params_check.
 */
static bool is_choice(const json_t *choices, const json_t *type, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++) {
        json_t *choice = json_incref(json_array_get(choices, i));
        bool same = ork_type_apply(type, &choice, "", NULL) == 0 && ork_expr_equal(choice, value);
        json_decref(choice);
        if (same)
            return true;
    }
    return false;
}

static void check_choices(struct ork_param_sink *s, const char *code, const json_t *choices, const json_t *type,
                          const char *name, const json_t *value)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf list = ORK_BUF_INIT;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf got = ORK_BUF_INIT;

    if (is_choice(choices, type, value))
        return;
    for (size_t i = 0; i < json_array_size(choices) && list.len < 300; i++) {
        ork_buf_adds(&list, i ? ", " : "");
        value_json(json_array_get(choices, i), &list);
    }
    ork_type_value_text(value, &got);
    const char *meant = similar_choice(choices, value);
    ork_param_problem(s, code, "params.%.100s: wanted one of %.300s, got %s%s%.60s%s", name,
                      list.data ? list.data : "nothing", got.data, meant ? "; did you mean `" : "", meant ? meant : "",
                      meant ? "`?" : "");
}

static void check_bound(struct ork_param_sink *s, const char *code, const json_t *p, const char *key, const char *name,
                        const json_t *value, struct ork_moment logical)
{
    const json_t *type = ork_param_type(p);
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    json_t *bound = NULL;
    ork_err err = {0};

    if (ork_param_value(p, key, type, name, logical, &bound, &err) < 0) {
        ork_param_problem(s, "param_schema", "%s", err.msg);
        return;
    }
    if (bound && !json_is_null(bound)) {
        int order = ork_param_compare(type, value, bound);
        bool is_min = strcmp(key, "min") == 0;
        if (is_min ? order < 0 : order > 0) {
            ork_buf_addf(&text, "params.%.100s: wanted at %s ", name, is_min ? "least" : "most");
            ork_type_value_text(bound, &text);
            ork_buf_adds(&text, ", got ");
            ork_type_value_text(value, &text);
            ork_param_problem(s, code, "%s", text.data);
        }
    }
    json_decref(bound);
}

void ork_param_limits(struct ork_param_sink *s, const char *code_choice, const char *code_range, const json_t *p,
                      const char *name, const json_t *value, struct ork_moment logical)
{
    const json_t *choices = json_is_object(p) ? json_object_get(p, "choices") : NULL;

    if (json_is_null(value))
        return;
    if (choices)
        check_choices(s, code_choice, choices, ork_param_type(p), name, value);
    if (ork_param_ordered(ork_param_type(p))) {
        check_bound(s, code_range, p, "min", name, value, logical);
        check_bound(s, code_range, p, "max", name, value, logical);
    }
}
