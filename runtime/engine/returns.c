/* SPDX-License-Identifier: MIT */
/* What a run gives: the values its definition names (options.returns), read from the outputs of its tasks when all of
 * them have ended well, and stored by the commit that ends the run. A crash before that commit finds all tasks final
 * and the run not: it comes here again. A value that cannot be made fails the run. */
#include "engine/engine.h"
#include "engine/returns.h"
#include <string.h>

#define AGAIN_MS 1000 /* after the database could not be read */

static json_t *wanted(const struct ork_active *a)
{
    json_t *options = json_loads(ork_workflow_options_json(a->workflow), 0, NULL);
    json_t *returns = json_incref(json_object_get(options, "returns"));

    json_decref(options);
    return returns;
}

static int evaluate(struct ork_active *a, json_t *params, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *out = json_object(), *v;
    const char *k;
    size_t len = 0;
    int rc = 0;

    ork_inputs_scope(&data, a, ORK_NO_TASK, 0, &scope);
    json_object_foreach(json_object_get(params, "task_bindings"), k, v)
    {
        json_t *value = NULL;
        rc = ork_expr_eval(v, &scope, true, &value, err);
        if (rc) {
            (void)ork_err_wrap(err, "returns.%s", k);
            break;
        }
        json_object_set_new(out, k, value);
    }
    ork_inputs_scope_fini(&data);
    ork_free(a->output);
    a->output = NULL;
    if (!rc)
        rc = ork_json_text(out, &a->output, &len, err);
    if (!rc && len > ORK_OUTPUT_FILE_MAX)
        rc = ork_err_set(err, ORK_ETOOBIG,
                         "what it returns is %zu bytes; at most %u are stored: return a file's path instead", len,
                         ORK_OUTPUT_FILE_MAX);
    json_decref(out);
    return rc;
}

static void on_fetched(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    ork_err why = {0};

    (void)task;
    if (a->engine->closing || a->engine->fenced)
        return; /* whoever takes the run up does it */
    if (code == ORK_EIO || code == ORK_EBUSY || code == ORK_ETIMEDOUT || code == ORK_ECANCELLED) {
        ork_timers_arm(a, ORK_TIMER_WAKE, ORK_NO_TASK, ork_engine_now(a->engine) + AGAIN_MS);
        return;
    }
    if (code)
        why = *err;
    else
        code = evaluate(a, params, &why);
    if (code) {
        ork_free(a->output);
        a->output = NULL;
    }
    ork_active_returned(a, code ? why.msg : NULL);
}

bool ork_returns_begin(struct ork_active *a)
{
    json_t *returns = wanted(a);

    if (!returns)
        return false;
    json_t *params = json_pack("{s:o}", "task_bindings", returns);
    ork_inputs_fetch(a, ORK_NO_TASK, params, on_fetched);
    json_decref(params);
    return true;
}
