/* SPDX-License-Identifier: MIT */
/* The inverse of snapshot.c: a stored definition becomes tasks again, sealed. Snapshots of the original Ork are read
 * too: their max_retries, timeout_seconds and executors keep their meaning, their names may be any text. Law: what the
 * database holds is not trusted; a damaged snapshot is ORK_ECORRUPT with the place. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

struct loading {
    ork_workflow *w;
    const char *task; /* name, for messages; borrowed */
    json_t *params;   /* shallow copy of the task's; what is ours is taken out */
    ork_err *err;
};

static int bad(struct loading *l, const char *key, const char *wanted)
{
    return ork_err_set(l->err, ORK_ECORRUPT, "task `%s`: %s: wanted %s", l->task, key, wanted);
}

static int get_int(struct loading *l, const json_t *from, const char *key, int64_t least, int64_t most, int64_t none,
                   int64_t *out)
{
    const json_t *v = json_object_get(from, key);

    *out = none;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        return bad(l, key, "a whole number in its range");
    *out = json_integer_value(v);
    return 0;
}

static int get_word(struct loading *l, const json_t *from, const char *key, const char **out)
{
    const json_t *v = json_object_get(from, key);

    *out = NULL;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return bad(l, key, "a string");
    *out = json_string_value(v);
    return 0;
}

/* ---- retries ---------------------------------------------------------------------------------- */

static int read_kinds(struct loading *l, const json_t *list, uint32_t *bits)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        int kind = json_is_string(v) ? ork_kind_parse(json_string_value(v)) : -1;
        if (kind < 0)
            return bad(l, "retries.kinds", "names of kinds");
        *bits |= 1u << kind;
    }
    return 0;
}

static int read_lists(struct loading *l, const json_t *from, struct ork_retry_spec *r)
{
    const json_t *exits = json_object_get(from, "exit_codes"), *codes = json_object_get(from, "codes"), *v;
    int32_t *exit_list = ork_alloc((json_array_size(exits) + 1) * sizeof(*exit_list));
    const char **code_list = ork_alloc((json_array_size(codes) + 1) * sizeof(*code_list));
    size_t i;

    r->exit_codes = exit_list;
    r->codes = code_list;
    json_array_foreach(exits, i, v)
    {
        if (!json_is_integer(v) || json_integer_value(v) < INT32_MIN || json_integer_value(v) > INT32_MAX)
            return bad(l, "retries.exit_codes", "whole numbers");
        exit_list[r->exit_codes_len++] = (int32_t)json_integer_value(v);
    }
    json_array_foreach(codes, i, v)
    {
        if (!json_is_string(v))
            return bad(l, "retries.codes", "strings");
        code_list[r->codes_len++] = json_string_value(v);
    }
    return 0;
}

/* r's lists are the caller's to free, also after an error. */
static int read_retries(struct loading *l, struct ork_retry_spec *r)
{
    const json_t *from = json_object_get(l->params, "retries"), *factor = json_object_get(from, "factor");
    int64_t limit, delay, most;
    int rc;

    if ((rc = get_int(l, l->params, "max_retries", 0, UINT32_MAX, 0, &limit)) < 0)
        return rc;
    *r = (struct ork_retry_spec){.limit = (uint32_t)limit, .delay_ms = -1, .factor = 1};
    if (!from)
        return 0;
    if (!json_is_object(from))
        return bad(l, "retries", "an object");
    if ((rc = get_int(l, from, "limit", 0, UINT32_MAX, limit, &limit)) < 0 ||
        (rc = get_int(l, from, "delay_ms", 0, INT64_MAX, -1, &delay)) < 0 ||
        (rc = get_int(l, from, "max_delay_ms", 0, INT64_MAX, 0, &most)) < 0)
        return rc;
    if (factor && (!json_is_number(factor) || json_number_value(factor) < 1))
        return bad(l, "retries.factor", "a number, 1 or more");
    r->limit = (uint32_t)limit;
    r->delay_ms = delay;
    r->max_delay_ms = most;
    r->factor = factor ? json_number_value(factor) : 1;
    r->jitter = json_is_true(json_object_get(from, "jitter"));
    r->ask = json_is_true(json_object_get(from, "ask"));
    if ((rc = read_kinds(l, json_object_get(from, "kinds"), &r->kinds)) < 0)
        return rc;
    return read_lists(l, from, r);
}

/* ---- tasks ------------------------------------------------------------------------------------ */

static int read_executor(struct loading *l, const json_t *row, struct ork_task_spec *s, uint8_t *other)
{
    static const char *const words[] = {"process", "lua", "inline", "wait", "python", "library", "workflow"};
    const char *word;
    int rc = get_word(l, row, "executor_type", &word);

    if (rc < 0)
        return rc;
    if (!word)
        word = "process";
    for (int i = 0; i < ORK_EXEC_OTHER; i++)
        if (strcmp(words[i], word) == 0) {
            s->executor = i;
            return 0;
        }
    s->executor = ORK_EXEC_OTHER;
    return ork_workflow_executor_add(l->w, word, other, l->err);
}

static int read_options(struct loading *l, struct ork_task_spec *s)
{
    const json_t *p = l->params;
    int64_t seconds, timeout, queue, slots, priority, lost;
    const char *rule;
    int rc;

    if ((rc = get_int(l, p, "timeout_seconds", 0, INT64_MAX / 2000, 0, &seconds)) < 0 ||
        (rc = get_int(l, p, "timeout_ms", 0, INT64_MAX / 2, seconds * 1000, &timeout)) < 0 ||
        (rc = get_int(l, p, "queue_timeout_ms", 0, INT64_MAX / 2, 0, &queue)) < 0 ||
        (rc = get_int(l, p, "pool_slots", 1, UINT16_MAX, 1, &slots)) < 0 ||
        (rc = get_int(l, p, "priority", INT32_MIN, INT32_MAX, 0, &priority)) < 0 ||
        (rc = get_int(l, p, "max_lost", 0, UINT16_MAX, 3, &lost)) < 0 || (rc = get_word(l, p, "pool", &s->pool)) < 0 ||
        (rc = get_word(l, p, "trigger_rule", &rule)) < 0)
        return rc;
    s->rule = rule ? ork_rule_parse(rule) : ORK_RULE_ALL_SUCCESS;
    if (s->rule < 0)
        return bad(l, "trigger_rule", "the name of a rule");
    s->timeout_ms = timeout;
    s->queue_timeout_ms = queue;
    s->pool_slots = (uint32_t)slots;
    s->priority = (int32_t)priority;
    s->max_lost = (uint32_t)lost;
    if (json_is_true(json_object_get(p, "finally")))
        s->flags |= ORK_TASK_FINALLY;
    if (json_is_true(json_object_get(p, "keep_children")))
        s->flags |= ORK_TASK_KEEP_CHILDREN;
    if (json_object_get(p, "when"))
        s->flags |= ORK_TASK_HAS_WHEN;
    if (json_object_get(p, "handlers"))
        s->flags |= ORK_TASK_HANDLERS;
    if (json_object_get(p, "each"))
        s->flags |= ORK_TASK_EACH;
    return 0;
}

/* What of the params is a column of ours; the rest is the executor's. */
static void drop_own(json_t *params)
{
    for (const char *const *key = ork_workflow_own_keys; *key; key++)
        json_object_del(params, *key);
}

static int add_spec(struct loading *l, const json_t *row, struct ork_task_spec *s)
{
    ORK_CLEANUP(ork_free_cleanup) char *params = NULL, *signature = NULL;
    const json_t *sig = json_object_get(row, "signature");
    uint8_t other = 0;
    uint32_t no;
    int rc;

    if ((rc = read_executor(l, row, s, &other)) < 0 || (rc = read_options(l, s)) < 0)
        return rc;
    json_t *own_params = json_copy(l->params);
    drop_own(own_params);
    rc = ork_json_text(own_params, &params, &s->params_len, l->err);
    json_decref(own_params);
    if (rc < 0)
        return rc;
    s->params = params;
    if (json_is_object(sig) && (rc = ork_json_text(sig, &signature, &s->signature_len, l->err)) < 0)
        return rc;
    s->signature = signature;
    if ((rc = ork_workflow_add(l->w, s, &no, l->err)) < 0)
        return rc;
    l->w->tasks[no].other = other;
    return 0;
}

static int load_spec(struct loading *l, const json_t *row)
{
    const json_t *name = json_object_get(row, "task_name"), *params = json_object_get(row, "params");
    struct ork_task_spec s = {.name = json_string_value(name), .name_len = json_string_length(name)};

    l->task = s.name ? s.name : "?";
    if (!s.name)
        return bad(l, "task_name", "a string");
    if (params && !json_is_object(params) && !json_is_null(params))
        return bad(l, "params", "an object");
    l->params = json_is_object(params) ? json_incref((json_t *)(uintptr_t)params) : json_object();
    int rc = read_retries(l, &s.retry);
    if (rc == 0)
        rc = add_spec(l, row, &s);
    free((void *)(uintptr_t)s.retry.exit_codes);
    free((void *)(uintptr_t)s.retry.codes);
    json_decref(l->params);
    return rc;
}

static int load_edges(struct loading *l, uint32_t no, const json_t *row)
{
    const json_t *on = json_object_get(row, "depends_on"), *name;
    size_t i;

    l->task = ork_workflow_task_name(l->w, no);
    if (on && !json_is_array(on) && !json_is_null(on))
        return bad(l, "depends_on", "a list of names");
    json_array_foreach(on, i, name)
    {
        if (!json_is_string(name))
            return bad(l, "depends_on", "a list of names");
        ork_workflow_depend_name(l->w, no, json_string_value(name), json_string_length(name));
    }
    return 0;
}

int ork_snapshot_task(ork_workflow *w, const json_t *row, ork_err *err)
{
    struct loading l = {.w = w, .err = err};
    int rc = load_spec(&l, row);

    return rc < 0 ? rc : load_edges(&l, (uint32_t)w->n - 1, row);
}
