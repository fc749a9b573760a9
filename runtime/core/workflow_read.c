/* SPDX-License-Identifier: MIT */
/* What others read of a definition. Everything returned is borrowed and lives as long as the definition. */
#include "base/alloc.h"
#include "core/workflow_priv.h"
#include <assert.h>
#include <string.h>

uint32_t ork_workflow_len(const ork_workflow *w)
{
    return (uint32_t)w->n;
}

uint32_t ork_workflow_task_count(const ork_workflow *w)
{
    return (uint32_t)w->n;
}

bool ork_workflow_is_sealed(const ork_workflow *w)
{
    return w->sealed;
}

const struct ork_task_def *ork_workflow_def(const ork_workflow *w, uint32_t no)
{
    assert(no < w->n);
    return &w->tasks[no];
}

const char *ork_workflow_text(const ork_workflow *w, uint32_t off)
{
    return ork_arena_str(&w->texts, off);
}

const struct ork_retry_spec *ork_workflow_retry(const ork_workflow *w, uint32_t no)
{
    return &w->retries[ork_workflow_def(w, no)->retry].spec;
}

const char *ork_workflow_pool(const ork_workflow *w, uint32_t no)
{
    uint32_t pool = ork_workflow_def(w, no)->pool;

    return pool ? w->pools[pool - 1] : NULL;
}

const char *ork_workflow_executor(const ork_workflow *w, uint32_t no)
{
    const struct ork_task_def *d = ork_workflow_def(w, no);

    switch (d->executor) {
    case ORK_EXEC_PROCESS:
        return "process";
    case ORK_EXEC_LUA:
        return "lua";
    case ORK_EXEC_INLINE:
        return "inline";
    case ORK_EXEC_WAIT:
        return "wait";
    case ORK_EXEC_PYTHON:
        return "python";
    case ORK_EXEC_LIBRARY:
        return "library";
    case ORK_EXEC_WORKFLOW:
        return "workflow";
    default:
        return d->other ? w->executors[d->other] : "other";
    }
}

const struct ork_csr *ork_workflow_deps(const ork_workflow *w)
{
    assert(w->sealed);
    return &w->deps;
}

const struct ork_csr *ork_workflow_dependents(const ork_workflow *w)
{
    assert(w->sealed);
    return &w->dependents;
}

const uint32_t *ork_workflow_order(const ork_workflow *w)
{
    assert(w->sealed);
    return w->order;
}

const uint32_t *ork_workflow_finally(const ork_workflow *w, uint32_t *len)
{
    assert(w->sealed);
    *len = w->last_len;
    return w->last;
}

const struct ork_workflow_limits *ork_workflow_limits(const ork_workflow *w)
{
    return &w->limits;
}

const char *ork_workflow_source_json(const ork_workflow *w)
{
    return w->source;
}

const char *ork_workflow_dir(const ork_workflow *w)
{
    return w->dir;
}

const char *ork_workflow_options_json(const ork_workflow *w)
{
    return w->options;
}

const char *ork_workflow_name(const ork_workflow *w)
{
    return w->name;
}

const char *ork_workflow_task_name(const ork_workflow *w, uint32_t no)
{
    return no < w->n ? ork_arena_str(&w->texts, w->tasks[no].name) : NULL;
}

void ork_workflow_task_place(const ork_workflow *w, uint32_t no, const char **file, uint32_t *line)
{
    *file = NULL;
    *line = 0;
    if (no >= w->n)
        return;
    *file = w->tasks[no].file ? w->files[w->tasks[no].file] : NULL;
    *line = w->tasks[no].line;
}

int ork_workflow_find(const ork_workflow *w, const char *name, size_t len, uint32_t *no)
{
    uint32_t found = ork_names_find(w, name, len);

    if (found == ORK_NO_NAME)
        return ORK_ENOTFOUND;
    *no = found;
    return 0;
}
