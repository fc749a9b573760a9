/* SPDX-License-Identifier: MIT */
/* Order and circles in one walk: Tarjan's components along "waits for", with an explicit stack, so a chain of any
 * length works. A component is finished after everything it waits for, so the components as they finish are a
 * topological order; one with more than one task is a circle, shown by its shortest cycle (searched from as many of its
 * tasks as the budget allows).
 *
 *   index[v]  number in order of discovery, + 1; 0: not seen; DONE: its component is finished
 *   low[v]    smallest index on the stack that v reaches */
#include "base/alloc.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

#define DONE UINT32_MAX
#define BUDGET 4000000u /* edges looked at to shorten one cycle */

struct walk {
    const ork_workflow *w;
    const struct ork_csr *deps;
    uint32_t *index, *low, *next; /* owned; next[v]: the edge to follow next */
    uint32_t *path, *stack;       /* owned; tasks being walked, tasks of open components */
    uint32_t *comp, *from;        /* owned; made for the first circle: 1 for its tasks, who reached a task */
    uint32_t path_len, stack_len, seen, done;
    uint32_t *order; /* borrowed, filled */
    ork_problem_cb on_problem;
    void *data;
    size_t problems;
};

/* Breadth first from `start` within its component: the last task before coming back, or ORK_NO_NAME when no cycle is
 * shorter than `most`. *budget falls by the edges seen. */
static uint32_t shortest_back(struct walk *k, uint32_t start, uint32_t *queue, uint32_t *len, uint32_t most,
                              uint32_t *budget)
{
    const struct ork_csr *deps = k->deps;
    uint32_t head = 0, tail = 0, level_end = 1, level = 1, found = ORK_NO_NAME;

    queue[tail++] = start;
    k->from[start] = start;
    while (head < tail && level < most && found == ORK_NO_NAME) {
        uint32_t v = queue[head++];
        for (uint32_t e = deps->first[v]; e < deps->first[v + 1]; e++) {
            uint32_t u = deps->to[e];
            *budget -= *budget > 0;
            if (u == start) {
                found = v;
                *len = level;
                break;
            }
            if (k->comp[u] && k->from[u] == ORK_NO_NAME) {
                k->from[u] = v;
                queue[tail++] = u;
            }
        }
        if (head == level_end) {
            level_end = tail;
            level++;
        }
    }
    return found;
}

static void add_name(const ork_workflow *w, struct ork_buf *out, uint32_t no)
{
    ork_buf_addf(out, "`%s`", ork_workflow_task_name(w, no));
}

/* cycle[]: each waits for the next, the last for the first. Starts at the task defined first. */
static void report(struct walk *k, const uint32_t *cycle, uint32_t len)
{
    struct ork_buf text = ORK_BUF_INIT;
    uint32_t first = 0;

    for (uint32_t i = 1; i < len; i++)
        if (cycle[i] < cycle[first])
            first = i;
    ork_buf_adds(&text, "tasks wait for each other in a circle: ");
    for (uint32_t i = 0; i <= len; i++) {
        ork_buf_adds(&text, i ? " → " : "");
        add_name(k->w, &text, cycle[(first + i) % len]);
    }
    ork_buf_adds(&text, " (each waits for the next); remove one of these dependencies");
    k->on_problem(k->data, "cycle", cycle[first], text.data);
    k->problems++;
    ork_buf_fini(&text);
}

/* members[]: one component of more than one task. */
static void explain(struct walk *k, const uint32_t *members, uint32_t len)
{
    uint32_t budget = BUDGET, best_len = UINT32_MAX;
    uint32_t *queue = ork_alloc((size_t)len * 2 * sizeof(*queue)), *best = queue + len;

    if (!k->comp) {
        k->comp = ork_zalloc(k->w->n * sizeof(*k->comp));
        k->from = ork_alloc(k->w->n * sizeof(*k->from));
    }
    for (uint32_t i = 0; i < len; i++)
        k->comp[members[i]] = 1;
    for (uint32_t i = 0; i < len && budget > 0 && best_len > 2; i++) {
        uint32_t found_len = 0;
        for (uint32_t j = 0; j < len; j++)
            k->from[members[j]] = ORK_NO_NAME;
        uint32_t v = shortest_back(k, members[i], queue, &found_len, best_len, &budget);
        if (v != ORK_NO_NAME) {
            best_len = found_len;
            for (uint32_t j = best_len; j > 0; j--, v = k->from[v])
                best[j - 1] = v;
        }
        budget -= budget > len ? len : budget;
    }
    report(k, best, best_len);
    for (uint32_t i = 0; i < len; i++)
        k->comp[members[i]] = 0;
    free(queue);
}

static void enter(struct walk *k, uint32_t v)
{
    k->index[v] = k->low[v] = ++k->seen;
    k->next[v] = k->deps->first[v];
    k->path[k->path_len++] = v;
    k->stack[k->stack_len++] = v;
}

/* v and what it reaches was walked: close its component if v is its root. */
static void leave(struct walk *k, uint32_t v)
{
    k->path_len--;
    if (k->path_len && k->low[v] < k->low[k->path[k->path_len - 1]])
        k->low[k->path[k->path_len - 1]] = k->low[v];
    if (k->low[v] != k->index[v])
        return;
    uint32_t end = k->stack_len;
    do {
        uint32_t u = k->stack[--k->stack_len];
        k->index[u] = DONE;
        k->order[k->done++] = u;
    } while (k->stack[k->stack_len] != v);
    if (end - k->stack_len > 1)
        explain(k, k->stack + k->stack_len, end - k->stack_len);
}

static void visit(struct walk *k, uint32_t root)
{
    if (k->index[root])
        return;
    enter(k, root);
    while (k->path_len) {
        uint32_t v = k->path[k->path_len - 1];
        if (k->next[v] == k->deps->first[v + 1]) {
            leave(k, v);
            continue;
        }
        uint32_t u = k->deps->to[k->next[v]++];
        if (!k->index[u])
            enter(k, u);
        else if (k->index[u] != DONE && k->index[u] < k->low[v])
            k->low[v] = k->index[u];
    }
}

size_t ork_cycles_find(const ork_workflow *w, const struct ork_csr *deps, uint32_t *order, ork_problem_cb on_problem,
                       void *data)
{
    uint32_t n = (uint32_t)w->n;
    uint32_t *scratch = ork_alloc((size_t)n * 5 * sizeof(*scratch));
    struct walk k = {
        .w = w,
        .deps = deps,
        .index = scratch,
        .low = scratch + n,
        .next = scratch + 2 * (size_t)n,
        .path = scratch + 3 * (size_t)n,
        .stack = scratch + 4 * (size_t)n,
        .order = order,
        .on_problem = on_problem,
        .data = data,
    };
    memset(k.index, 0, (size_t)n * sizeof(*k.index));
    for (uint32_t pass = 0; pass < 2; pass++) /* `finally` tasks come last */
        for (uint32_t v = 0; v < n; v++)
            if (!(w->tasks[v].flags & ORK_TASK_FINALLY) == !pass)
                visit(&k, v);
    free(scratch);
    free(k.comp);
    free(k.from);
    return k.problems;
}
