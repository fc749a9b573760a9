/* SPDX-License-Identifier: MIT */
/* The shape of a definition for `ork plan`: a task's level is the length of the longest chain before it, the critical
 * path one such chain through the last level. `finally` tasks wait for the deepest of all others. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

struct plan {
    const ork_workflow *w;
    uint32_t *level;  /* owned */
    uint32_t *start;  /* owned; depth + 2 entries: where each level begins in sorted */
    uint32_t *sorted; /* in level; tasks by level, then number */
    uint32_t depth, width;
    uint32_t deepest; /* of the ordinary tasks, the first on their last level; ORK_NO_NAME: there are none */
};

static void find_levels(struct plan *p)
{
    const ork_workflow *w = p->w;
    bool last = false;

    p->deepest = ORK_NO_NAME;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t t = w->order[i], level = 0;
        last = w->tasks[t].flags & ORK_TASK_FINALLY;
        if (last && p->deepest != ORK_NO_NAME)
            level = p->level[p->deepest] + 1;
        for (uint32_t e = w->deps.first[t]; e < w->deps.first[t + 1]; e++)
            if (p->level[w->deps.to[e]] >= level)
                level = p->level[w->deps.to[e]] + 1;
        p->level[t] = level;
        if (level >= p->depth)
            p->depth = level + 1;
        if (!last && (p->deepest == ORK_NO_NAME || level > p->level[p->deepest]))
            p->deepest = t;
    }
}

static void sort_by_level(struct plan *p)
{
    uint32_t n = (uint32_t)p->w->n;

    p->start = ork_zalloc(((size_t)p->depth + 2) * sizeof(*p->start));
    for (uint32_t t = 0; t < n; t++)
        p->start[p->level[t] + 2]++;
    for (uint32_t d = 2; d < p->depth + 2; d++) {
        if (p->start[d] > p->width)
            p->width = p->start[d];
        p->start[d] += p->start[d - 1];
    }
    for (uint32_t t = 0; t < n; t++)
        p->sorted[p->start[p->level[t] + 1]++] = t;
}

/* A task on the level before t's that t waits for. */
static uint32_t step_back(const struct plan *p, uint32_t t)
{
    const struct ork_csr *deps = &p->w->deps;

    for (uint32_t e = deps->first[t]; e < deps->first[t + 1]; e++)
        if (p->level[deps->to[e]] + 1 == p->level[t])
            return deps->to[e];
    return p->deepest;
}

static void add_names(const ork_workflow *w, struct ork_buf *b, const uint32_t *tasks, uint32_t len)
{
    ork_buf_addc(b, '[');
    for (uint32_t i = 0; i < len; i++) {
        const char *name = ork_workflow_task_name(w, tasks[i]);
        if (i)
            ork_buf_addc(b, ',');
        ork_buf_json(b, name, strlen(name));
    }
    ork_buf_addc(b, ']');
}

/* Tasks that are done once per element of a list: as many tasks as that will have. */
static void add_fans(const ork_workflow *w, struct ork_buf *b)
{
    uint32_t *fans = ork_alloc(w->n * sizeof(*fans)), len = 0;

    for (uint32_t t = 0; t < w->n; t++)
        if (w->tasks[t].flags & ORK_TASK_EACH)
            fans[len++] = t;
    if (len) {
        ork_buf_adds(b, ",\"each\":");
        add_names(w, b, fans, len);
    }
    free(fans);
}

/* "runs": {task: workflow}, of tasks that are runs of others. */
static void add_workflows(const ork_workflow *w, struct ork_buf *b)
{
    bool any = false;

    for (uint32_t i = 0; i < w->n; i++) {
        const char *name = ork_workflow_task_name(w, i);
        if (w->tasks[i].executor != ORK_EXEC_WORKFLOW)
            continue;
        json_t *params = json_loads(ork_workflow_text(w, w->tasks[i].params), 0, NULL);
        const char *other = json_string_value(json_object_get(params, "workflow"));
        ork_buf_adds(b, any ? "," : ",\"runs\":{");
        any = true;
        ork_buf_json(b, name, strlen(name));
        ork_buf_addc(b, ':');
        ork_buf_json(b, other ? other : "?", other ? strlen(other) : 1);
        json_decref(params);
    }
    if (any)
        ork_buf_addc(b, '}');
}

static void write_plan(const struct plan *p, struct ork_buf *b)
{
    uint32_t *path = ork_alloc((size_t)p->depth * sizeof(*path));
    uint32_t t = p->sorted[p->start[p->depth - 1]];

    for (uint32_t d = p->depth; d > 0; d--) {
        path[d - 1] = t;
        if (d > 1)
            t = step_back(p, t);
    }
    ork_buf_adds(b, "{\"critical_path\":");
    add_names(p->w, b, path, p->depth);
    ork_buf_addf(b, ",\"depth\":%u", p->depth);
    add_fans(p->w, b);
    ork_buf_addf(b, ",\"edges\":%u,\"levels\":[", p->w->deps.first[p->w->n]);
    for (uint32_t d = 0; d < p->depth; d++) {
        if (d)
            ork_buf_addc(b, ',');
        add_names(p->w, b, p->sorted + p->start[d], p->start[d + 1] - p->start[d]);
    }
    ork_buf_addc(b, ']');
    if (p->w->limits.max_parallel)
        ork_buf_addf(b, ",\"max_parallel\":%u", p->w->limits.max_parallel);
    add_workflows(p->w, b);
    ork_buf_addf(b, ",\"tasks\":%zu,\"width\":%u}", p->w->n, p->width);
    free(path);
}

int ork_workflow_plan_json(const ork_workflow *w, char **out, size_t *len, ork_err *err)
{
    struct plan p = {.w = w};
    struct ork_buf b = ORK_BUF_INIT;

    if (!w->sealed)
        return ork_err_set(err, ORK_ESTATE, "workflow `%s` is not complete yet", w->name);
    p.level = ork_alloc(w->n * 2 * sizeof(*p.level));
    p.sorted = p.level + w->n;
    find_levels(&p);
    sort_by_level(&p);
    write_plan(&p, &b);
    *out = ork_buf_steal(&b, len);
    free(p.level);
    free(p.start);
    return 0;
}
