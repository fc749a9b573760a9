/* SPDX-License-Identifier: MIT */
/* The schema of params itself, checked while a script loads, so that nobody finds its mistakes when a schedule fires.
 */
#include "core/params_internal.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

static const struct ork_moment epoch = {0}; /* the schema holds at any time */
static const char *const keys[] = {"type", "default", "required", "choices", "min", "max", "description", NULL};

static bool is_key(const char *key)
{
    for (size_t i = 0; keys[i]; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void check_keys(struct ork_param_sink *s, const char *name, const json_t *p)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)p, key, value)
    {
        if (is_key(key))
            continue;
        const char *meant = ork_suggest(key, keys);
        ork_param_problem(s, "param_schema", "params.%.100s: unknown key `%.60s`; %s%s%s", name, key,
                          meant ? "did you mean `"
                                : "there are type, default, required, choices, min, max, description",
                          meant ? meant : "", meant ? "`?" : "");
    }
    const json_t *required = json_object_get(p, "required"), *text = json_object_get(p, "description");
    if (required && !json_is_boolean(required))
        ork_param_problem(s, "param_schema", "params.%.100s: required is true or false, not %s", name,
                          ork_json_type_name(required));
    if (text && !json_is_string(text))
        ork_param_problem(s, "param_schema", "params.%.100s: description is a text, not %s", name,
                          ork_json_type_name(text));
    if (json_is_true(required) && json_object_get(p, "default"))
        ork_param_problem(s, "param_schema",
                          "params.%.100s: it has a default, so it is never required; leave one of them out", name);
}

static void check_choices(struct ork_param_sink *s, const char *name, const json_t *p)
{
    const json_t *choices = json_object_get(p, "choices");
    size_t i;
    json_t *choice;

    if (!choices)
        return;
    if (!json_is_array(choices) || json_array_size(choices) == 0) {
        ork_param_problem(s, "param_schema", "params.%.100s: choices is a list of values", name);
        return;
    }
    json_array_foreach((json_t *)choices, i, choice)
    {
        ORK_CLEANUP(ork_buf_fini) struct ork_buf root = ORK_BUF_INIT;
        ork_err err = {0};
        json_t *value = json_incref(choice);
        ork_buf_addf(&root, "params.%.100s: choices[%zu]", name, i + 1);
        if (ork_type_apply(ork_param_type(p), &value, root.data, &err) < 0)
            ork_param_problem(s, "param_schema", "%s", err.msg);
        json_decref(value);
    }
}

static void check_bounds(struct ork_param_sink *s, const char *name, const json_t *p)
{
    const json_t *type = ork_param_type(p);
    json_t *min = NULL, *max = NULL;
    ork_err err = {0};

    if (!json_object_get(p, "min") && !json_object_get(p, "max"))
        return;
    if (!ork_param_ordered(type)) {
        ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
        ork_type_brief(type, &text);
        ork_param_problem(s, "param_schema", "params.%.100s: min and max are for numbers and dates, not for %s", name,
                          text.data);
        return;
    }
    if (ork_param_value(p, "min", type, name, epoch, &min, &err) < 0)
        ork_param_problem(s, "param_schema", "%s", err.msg);
    if (ork_param_value(p, "max", type, name, epoch, &max, &err) < 0)
        ork_param_problem(s, "param_schema", "%s", err.msg);
    if (min && max && !json_is_null(min) && !json_is_null(max) && ork_param_compare(type, min, max) > 0)
        ork_param_problem(s, "param_schema", "params.%.100s: min is above max: no value fits", name);
    json_decref(min);
    json_decref(max);
}

/* A default in terms of the time may pass today and not tomorrow, so only one that is constant is held against the
 * limits. */
static void check_default(struct ork_param_sink *s, const char *name, const json_t *p)
{
    json_t *value = NULL;
    ork_err err = {0};

    if (ork_param_value(p, "default", ork_param_type(p), name, epoch, &value, &err) < 0)
        ork_param_problem(s, "param_schema", "%s", err.msg);
    else if (value && !json_object_get(json_object_get(p, "default"), "date"))
        ork_param_limits(s, "param_schema", "param_schema", p, name, value, epoch);
    json_decref(value);
}

size_t ork_params_check(const json_t *schema, ork_problem_cb on_problem, void *data)
{
    struct ork_param_sink s = {.on_problem = on_problem, .data = data};
    const char *name;
    const json_t *p;

    if (schema && !json_is_object(schema))
        ork_param_problem(&s, "param_schema", "params: a table of names and types is wanted, not %s",
                          ork_json_type_name(schema));
    json_object_foreach((json_t *)schema, name, p)
    {
        ork_err err = {0};
        size_t before = s.n;
        if (json_is_object(p))
            check_keys(&s, name, p);
        const json_t *type = ork_param_type(p);
        if (!type || ork_type_check(type, &err) < 0) {
            ork_param_problem(&s, "param_schema", "params.%.100s: %s", name, type ? err.msg : "it has no type");
            continue;
        }
        if (!json_is_object(p))
            continue;
        check_choices(&s, name, p);
        check_bounds(&s, name, p);
        if (s.n == before)
            check_default(&s, name, p);
    }
    return s.n;
}
