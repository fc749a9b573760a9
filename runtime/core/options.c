/* SPDX-License-Identifier: MIT */
/* Options and sources of a definition: kept as canonical text, because that is what is hashed and stored; the few
 * numbers the scheduler needs are read out here, once. Unknown keys are the concern of whoever reads the user's table.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

static int read_object(const char *what, const char *json, size_t len, json_t **tree, char **text, ork_err *err)
{
    int rc = ork_json_parse(json, len, tree, err);
    if (rc < 0)
        return ork_err_wrap(err, "%s", what);
    if (!json_is_object(*tree))
        rc = ork_err_set(err, ORK_ETYPE, "%s: wanted an object, got a %s", what, ork_json_type_name(*tree));
    else
        rc = ork_json_text(*tree, text, NULL, err);
    if (rc < 0) {
        json_decref(*tree);
        *tree = NULL;
    }
    return rc;
}

static int read_count(const json_t *options, const char *key, int64_t most, int64_t *out, ork_err *err)
{
    const json_t *v = json_object_get(options, key);

    *out = 0;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > most)
        return ork_err_set(err, ORK_ETYPE, "options.%s: wanted a whole number from 0 to %lld", key, (long long)most);
    *out = json_integer_value(v);
    return 0;
}

static int read_limits(const json_t *options, struct ork_workflow_limits *l, ork_err *err)
{
    int64_t parallel, runs, timeout;
    const json_t *fast = json_object_get(options, "fail_fast"), *pools = json_object_get(options, "pools"), *size;
    const char *name, *where = json_string_value(json_object_get(options, "functions"));
    int rc;

    if ((rc = read_count(options, "max_parallel", UINT32_MAX, &parallel, err)) < 0 ||
        (rc = read_count(options, "max_active_runs", UINT32_MAX, &runs, err)) < 0 ||
        (rc = read_count(options, "run_timeout_ms", INT64_MAX / 4, &timeout, err)) < 0)
        return rc;
    if (fast && !json_is_boolean(fast) && !json_is_null(fast))
        return ork_err_set(err, ORK_ETYPE, "options.fail_fast: wanted true or false");
    if (pools && !json_is_object(pools))
        return ork_err_set(err, ORK_ETYPE, "options.pools: wanted an object of name: slots");
    json_object_foreach((json_t *)(uintptr_t)pools, name, size)
    {
        if (!json_is_integer(size) || json_integer_value(size) < 1 || json_integer_value(size) > UINT32_MAX)
            return ork_err_set(err, ORK_ETYPE, "options.pools.%s: wanted a whole number of slots, 1 or more", name);
    }
    *l = (struct ork_workflow_limits){
        .max_parallel = (uint32_t)parallel,
        .max_active_runs = (uint32_t)runs,
        .run_timeout_ms = timeout,
        .fail_fast = json_is_true(fast),
        .inline_within = json_is_true(json_object_get(options, "inline_within")),
        .by_host = where && strcmp(where, "inline") == 0,
    };
    return 0;
}

int ork_workflow_options(ork_workflow *w, const char *json, size_t len, ork_err *err)
{
    json_t *tree = NULL;
    char *text = NULL;
    struct ork_workflow_limits limits;

    if (w->sealed)
        return ork_err_set(err, ORK_ESTATE, "workflow `%s` is complete; its options cannot change", w->name);
    int rc = read_object("options", json, len, &tree, &text, err);
    if (rc < 0)
        return rc;
    if ((rc = read_limits(tree, &limits, err)) < 0) {
        json_decref(tree);
        free(text);
        return rc;
    }
    free(w->options);
    w->options = text;
    w->limits = limits;
    json_decref(w->pool_sizes);
    w->pool_sizes = json_incref(json_object_get(tree, "pools"));
    json_decref(w->handlers);
    w->handlers = json_incref(json_object_get(tree, "handlers"));
    w->limits.handlers = w->handlers;
    json_decref(tree);
    return 0;
}

int ork_workflow_source(ork_workflow *w, const char *json, size_t len, const char *dir, ork_err *err)
{
    json_t *tree = NULL;
    char *text = NULL;

    if (json) {
        int rc = read_object("source", json, len, &tree, &text, err);
        if (rc < 0)
            return rc;
        json_decref(tree);
    }
    free(w->source);
    free(w->dir);
    w->source = text;
    w->dir = dir ? ork_strdup(dir) : NULL;
    w->hash[0] = '\0';
    return 0;
}
