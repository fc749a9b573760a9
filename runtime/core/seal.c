/* SPDX-License-Identifier: MIT */
/* Sealing: pairs of edges become CSR arrays, names become numbers, and every mistake is told, not only the first.
 * O(V + E), no recursion. Law: with problems the definition stays open and unchanged, so it can be mended and sealed
 * again. */
#include "base/alloc.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

#define SUGGEST_BUDGET 2000000u /* names compared with a misspelt one, over all of them */

struct sealing {
    ork_workflow *w;
    ork_problem_cb on_problem;
    void *data;
    size_t problems;
    const char **words; /* owned; every task name, for suggestions */
    uint32_t compared;
    struct ork_buf text;
};

static void ignore_problem(void *data, const char *code, uint32_t task, const char *text)
{
    (void)data, (void)code, (void)task, (void)text;
}

/* Tells what stands in s->text. */
static void tell(struct sealing *s, const char *code, uint32_t task)
{
    s->on_problem(s->data, code, task, s->text.data);
    ork_buf_clear(&s->text);
    s->problems++;
}

static const char *suggest(struct sealing *s, const char *name)
{
    uint32_t n = (uint32_t)s->w->n;

    if (s->compared && s->compared + n > SUGGEST_BUDGET)
        return NULL;
    if (!s->words) {
        s->words = ork_alloc(((size_t)n + 1) * sizeof(*s->words));
        for (uint32_t i = 0; i < n; i++)
            s->words[i] = ork_workflow_task_name(s->w, i);
        s->words[n] = NULL;
    }
    s->compared += n;
    return ork_suggest(name, s->words);
}

static void resolve_late(struct sealing *s)
{
    ork_workflow *w = s->w;

    for (size_t i = 0; i < w->late_len; i++) {
        struct ork_edge *e = &w->edges[w->late[i].edge];
        const char *name = ork_arena_str(&w->texts, w->late[i].name);
        e->on = ork_names_find(w, name, strlen(name));
        if (e->on != ORK_EDGE_OPEN)
            continue;
        const char *meant = suggest(s, name);
        ork_buf_addf(&s->text, "task `%s` depends on `%s`, which is not a task of this workflow",
                     ork_workflow_task_name(w, e->task), name);
        if (meant)
            ork_buf_addf(&s->text, "; did you mean `%s`?", meant);
        tell(s, "unknown_dependency", e->task);
    }
}

/* An edge that means something; tells of those that cannot. */
static bool check_edge(struct sealing *s, const struct ork_edge *e)
{
    const ork_workflow *w = s->w;

    if (e->on == e->task) {
        ork_buf_addf(&s->text, "task `%s` depends on itself", ork_workflow_task_name(w, e->task));
        tell(s, "self_dependency", e->task);
        return false;
    }
    if ((w->tasks[e->on].flags & ORK_TASK_FINALLY) && !(w->tasks[e->task].flags & ORK_TASK_FINALLY)) {
        ork_buf_addf(&s->text,
                     "task `%s` depends on `%s`, which runs after all other tasks (finally); only another finally task "
                     "can wait for it",
                     ork_workflow_task_name(w, e->task), ork_workflow_task_name(w, e->on));
        tell(s, "finally_dependency", e->task);
        return false;
    }
    return true;
}

/* Counting sort by task keeps the order written; mark[on] == task + 1: seen already. */
static void build_deps(struct sealing *s, struct ork_csr *deps)
{
    const ork_workflow *w = s->w;
    size_t n = w->n, kept = 0;
    uint32_t *first = ork_zalloc((n + 2) * sizeof(*first));
    uint32_t *to = ork_alloc((w->edges_len + 1) * sizeof(*to));
    uint32_t *mark = ork_zalloc((n + 1) * sizeof(*mark));

    for (size_t i = 0; i < w->edges_len; i++)
        first[w->edges[i].task + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < w->edges_len; i++) /* first[t + 1] walks from the start of t to its end */
        to[first[w->edges[i].task + 1]++] = (uint32_t)i;
    uint32_t begin = 0;
    for (uint32_t t = 0; t < n; t++) {
        uint32_t end = first[t + 1];
        for (uint32_t i = begin; i < end; i++) {
            const struct ork_edge *e = &w->edges[to[i]];
            if (e->on == ORK_EDGE_OPEN || mark[e->on] == t + 1)
                continue;
            mark[e->on] = t + 1;
            if (check_edge(s, e))
                to[kept++] = e->on;
        }
        begin = end;
        first[t + 1] = (uint32_t)kept;
    }
    free(mark);
    deps->first = ork_realloc(first, (n + 1) * sizeof(*first));
    deps->to = ork_realloc(to, (kept + 1) * sizeof(*to));
}

static void build_dependents(const ork_workflow *w, const struct ork_csr *deps, struct ork_csr *out)
{
    uint32_t n = (uint32_t)w->n, edges = deps->first[n];

    out->first = ork_zalloc(((size_t)n + 2) * sizeof(*out->first));
    out->to = ork_alloc(((size_t)edges + 1) * sizeof(*out->to));
    for (uint32_t e = 0; e < edges; e++)
        out->first[deps->to[e] + 2]++;
    for (uint32_t i = 2; i < n + 2; i++)
        out->first[i] += out->first[i - 1];
    for (uint32_t t = 0; t < n; t++)
        for (uint32_t e = deps->first[t]; e < deps->first[t + 1]; e++)
            out->to[out->first[deps->to[e] + 1]++] = t;
}

/* A rule that could never come true, a pool that could never give enough. */
static void check_task(struct sealing *s, const struct ork_csr *deps, uint32_t no)
{
    const ork_workflow *w = s->w;
    const struct ork_task_def *d = &w->tasks[no];

    if (deps->first[no] == deps->first[no + 1] &&
        (d->rule == ORK_RULE_ALL_FAILED || d->rule == ORK_RULE_ONE_FAILED || d->rule == ORK_RULE_ONE_SUCCESS)) {
        ork_buf_addf(&s->text, "task `%s` has trigger_rule \"%s\" but depends on nothing, so it could never run",
                     ork_workflow_task_name(w, no), ork_rule_name(d->rule));
        tell(s, "trigger_rule", no);
    }
    if (d->pool && w->pool_sizes) {
        const json_t *size = json_object_get(w->pool_sizes, w->pools[d->pool - 1]);
        if (size && json_integer_value(size) < d->pool_slots) {
            ork_buf_addf(&s->text, "task `%s` takes %u slots of pool `%s`, which has %lld",
                         ork_workflow_task_name(w, no), d->pool_slots, w->pools[d->pool - 1],
                         (long long)json_integer_value(size));
            tell(s, "pool_slots", no);
        }
    }
}

/* Tasks written after what they wait for, the usual case, are in order as they stand. */
static bool is_ordered(const ork_workflow *w, const struct ork_csr *deps)
{
    for (uint32_t t = 0; t < w->n; t++)
        for (uint32_t e = deps->first[t]; e < deps->first[t + 1]; e++)
            if (deps->to[e] >= t)
                return false;
    return true;
}

static uint32_t *find_order(struct sealing *s, const struct ork_csr *deps)
{
    const ork_workflow *w = s->w;
    uint32_t *order = ork_alloc((w->n + 1) * sizeof(*order)), len = 0;

    if (!is_ordered(w, deps)) {
        s->problems += ork_cycles_find(w, deps, order, s->on_problem, s->data);
        return order;
    }
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t t = 0; t < w->n; t++)
            if (!(w->tasks[t].flags & ORK_TASK_FINALLY) == !pass)
                order[len++] = t;
    return order;
}

static void shrink(void **items, size_t *cap, size_t len, size_t size)
{
    if (*items)
        *items = ork_realloc(*items, (len ? len : 1) * size);
    *cap = len ? len : 1;
}

static void finish(ork_workflow *w, struct ork_csr deps, uint32_t *order)
{
    w->deps = deps;
    w->order = order;
    build_dependents(w, &deps, &w->dependents);
    for (size_t i = w->n; i > 0 && (w->tasks[order[i - 1]].flags & ORK_TASK_FINALLY); i--)
        w->last_len++;
    w->last = ork_alloc(((size_t)w->last_len + 1) * sizeof(*w->last));
    uint32_t len = 0;
    for (uint32_t t = 0; t < w->n; t++)
        if (w->tasks[t].flags & ORK_TASK_FINALLY)
            w->last[len++] = t;
    free(w->edges);
    free(w->late);
    w->edges = NULL;
    w->late = NULL;
    w->edges_len = w->edges_cap = w->late_len = w->late_cap = 0;
    void *tasks = w->tasks, *texts = w->texts.data;
    size_t cap = w->texts.cap;
    shrink(&tasks, &w->cap, w->n, sizeof(*w->tasks));
    shrink(&texts, &cap, w->texts.len, 1);
    w->tasks = tasks;
    w->texts.data = texts;
    w->texts.cap = (uint32_t)cap;
    w->sealed = true;
}

size_t ork_workflow_seal(ork_workflow *w, ork_problem_cb on_problem, void *data)
{
    struct sealing s = {.w = w, .on_problem = on_problem ? on_problem : ignore_problem, .data = data};
    struct ork_csr deps;

    if (w->sealed)
        return 0;
    if (w->n == 0) {
        ork_buf_addf(&s.text, "workflow `%s` has no tasks; a workflow needs at least one", w->name);
        tell(&s, "no_tasks", UINT32_MAX);
        ork_buf_fini(&s.text);
        return s.problems;
    }
    resolve_late(&s);
    build_deps(&s, &deps);
    for (uint32_t t = 0; t < w->n; t++)
        check_task(&s, &deps, t);
    uint32_t *order = find_order(&s, &deps);
    if (s.problems) {
        free(deps.first);
        free(deps.to);
        free(order);
    } else {
        finish(w, deps, order);
    }
    free(s.words);
    ork_buf_fini(&s.text);
    return s.problems;
}
