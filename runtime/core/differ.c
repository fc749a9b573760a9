/* SPDX-License-Identifier: MIT */
/* What a new definition changes of tasks that an old one has too. Law: only what decides a task's result counts: what
 * it does (command, env, cwd, inputs, `when`, executor), its types, and what it depends on. Retries, timeouts, pools,
 * priorities and the order of definition decide when it runs, not what comes out; nor do the limits of ork.each. */
#include "base/alloc.h"
#include "core/workflow_priv.h"
#include <string.h>

struct differ {
    const ork_workflow *old, *now;
    json_t *old_subs, *now_subs; /* owned: workflows that tasks run, by name; NULL: none */
    uint32_t *seen;              /* owned; of old's tasks: number + 1 of the task of now that depends on it */
};

static bool same_text(const ork_workflow *a, uint32_t a_off, const ork_workflow *b, uint32_t b_off)
{
    if (!a_off || !b_off)
        return a_off == b_off;
    return strcmp(ork_workflow_text(a, a_off), ork_workflow_text(b, b_off)) == 0;
}

static bool same_deps(struct differ *d, uint32_t was, uint32_t is)
{
    const struct ork_csr *a = ork_workflow_deps(d->old), *b = ork_workflow_deps(d->now);

    if (a->first[was + 1] - a->first[was] != b->first[is + 1] - b->first[is])
        return false;
    for (uint32_t e = a->first[was]; e < a->first[was + 1]; e++)
        d->seen[a->to[e]] = is + 1;
    for (uint32_t e = b->first[is]; e < b->first[is + 1]; e++) {
        const char *name = ork_workflow_task_name(d->now, b->to[e]);
        uint32_t on = ork_names_find(d->old, name, strlen(name));
        if (on == ORK_NO_NAME || d->seen[on] != is + 1)
            return false;
    }
    return true;
}

/* A task that runs another workflow does what that one does. */
static bool same_sub(const struct differ *d, const struct ork_task_def *task)
{
    json_t *params;

    if (task->executor != ORK_EXEC_WORKFLOW)
        return true;
    params = json_loads(ork_workflow_text(d->now, task->params), 0, NULL);
    const char *name = json_string_value(json_object_get(params, "workflow"));
    bool same = name && json_equal(json_object_get(d->old_subs, name), json_object_get(d->now_subs, name));
    json_decref(params);
    return same;
}

static json_t *subs_of(const ork_workflow *w)
{
    json_t *options = json_loads(w->options, 0, NULL), *subs = json_incref(json_object_get(options, "workflows"));

    json_decref(options);
    return subs;
}

static json_t *params_of(const ork_workflow *w, uint32_t at)
{
    json_t *params = at ? json_loads(ork_workflow_text(w, at), JSON_DECODE_ANY, NULL) : NULL;
    json_t *each = json_object_get(params, "each");

    json_object_del(each, "max_failed");
    json_object_del(each, "max_parallel");
    return params;
}

static bool same_params(const struct differ *d, const struct ork_task_def *was, const struct ork_task_def *is)
{
    if (same_text(d->old, was->params, d->now, is->params))
        return true;
    if (!(was->flags & is->flags & ORK_TASK_EACH))
        return false;
    json_t *a = params_of(d->old, was->params), *b = params_of(d->now, is->params);
    bool same = a && json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

static bool same_task(struct differ *d, uint32_t was, uint32_t is)
{
    const struct ork_task_def *a = ork_workflow_def(d->old, was), *b = ork_workflow_def(d->now, is);

    return strcmp(ork_workflow_executor(d->old, was), ork_workflow_executor(d->now, is)) == 0 && same_params(d, a, b) &&
           same_text(d->old, a->signature, d->now, b->signature) && ((a->flags ^ b->flags) & ORK_TASK_FINALLY) == 0 &&
           same_deps(d, was, is) && same_sub(d, b);
}

void ork_workflow_differ(const ork_workflow *old, const ork_workflow *now, uint8_t *differs)
{
    struct differ d = {.old = old, .now = now, .old_subs = subs_of(old), .now_subs = subs_of(now)};

    d.seen = ork_zalloc(((size_t)ork_workflow_len(old) + 1) * sizeof(*d.seen));
    for (uint32_t i = 0; i < ork_workflow_len(now); i++) {
        const char *name = ork_workflow_task_name(now, i);
        uint32_t was = ork_names_find(old, name, strlen(name));
        differs[i] = was == ORK_NO_NAME ? ORK_DIFFER_NEW : same_task(&d, was, i) ? ORK_DIFFER_NOT : ORK_DIFFER_CHANGED;
    }
    ork_free(d.seen);
    json_decref(d.old_subs);
    json_decref(d.now_subs);
}

void ork_workflow_follow(const ork_workflow *w, uint8_t *marked)
{
    const struct ork_csr *after = ork_workflow_dependents(w);
    const uint32_t *order = ork_workflow_order(w);

    for (uint32_t k = 0; k < ork_workflow_len(w); k++) /* topological: one pass finds all that follow */
        for (uint32_t e = after->first[order[k]]; marked[order[k]] && e < after->first[order[k] + 1]; e++)
            marked[after->to[e]] = 1;
}

void ork_workflow_precede(const ork_workflow *w, uint8_t *marked)
{
    const struct ork_csr *deps = ork_workflow_deps(w);
    const uint32_t *order = ork_workflow_order(w);

    for (uint32_t k = ork_workflow_len(w); k-- > 0;)
        for (uint32_t e = deps->first[order[k]]; marked[order[k]] && e < deps->first[order[k] + 1]; e++)
            marked[deps->to[e]] = 1;
}
