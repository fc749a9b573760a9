/* SPDX-License-Identifier: MIT */
/* Inside of a definition; for the workflow files of core only.
 *
 *   building:  tasks[] · texts · edges[] (pairs in the order they were written) · late[] (names not yet defined)
 *   sealed:    tasks[] · texts · deps, dependents (CSR) · order · last[] (the `finally` tasks); the rest is given back
 *
 * A `finally` task has no edges to what it waits for: "all that is not finally" is one counter in the run, so F of them
 * over n tasks cost F + n, not F × n. */
#ifndef ORK_CORE_WORKFLOW_PRIV_H
#define ORK_CORE_WORKFLOW_PRIV_H
#include "core/workflow.h"
#include <stdatomic.h>

struct ork_edge {
    uint32_t task, on; /* on: ORK_EDGE_OPEN until its name is known */
};
#define ORK_EDGE_OPEN UINT32_MAX

struct ork_late {
    uint32_t edge, name; /* index into edges; arena offset */
};

struct ork_names {
    uint64_t *slots; /* owned; hash << 32 | number + 1; 0 free; linear probing */
    uint32_t mask, used;
};

struct ork_workflow {
    atomic_uint refs;
    char *name; /* owned */
    struct ork_arena texts;
    struct ork_task_def *tasks; /* owned */
    size_t n, cap;
    struct ork_names names;
    struct ork_retry_def *retries; /* owned, and so are the arrays in them */
    size_t retries_len, retries_cap;
    char **pools, **files, **executors; /* owned; files[0] and executors[0] are NULL */
    size_t pools_len, pools_cap, files_len, files_cap, executors_len, executors_cap;
    struct ork_edge *edges; /* owned; NULL once sealed */
    size_t edges_len, edges_cap;
    struct ork_late *late; /* owned; NULL once sealed */
    size_t late_len, late_cap;
    struct ork_csr deps, dependents; /* owned */
    uint32_t *order, *last;          /* owned */
    uint32_t last_len;
    char *options; /* owned, canonical; "{}" */
    struct ork_workflow_limits limits;
    json_t *handlers;     /* owned, list of the options or NULL */
    json_t *pool_sizes;   /* owned, object of the options or NULL */
    char *source, *dir;   /* owned or NULL */
    char hash[65];        /* "": not computed */
    bool sealed, lenient; /* lenient: from a stored snapshot, names as the original allowed them */
};

/* The task of that name, or ORK_NO_NAME. */
#define ORK_NO_NAME UINT32_MAX
uint32_t ork_names_find(const ork_workflow *w, const char *name, size_t len);
void ork_names_add(ork_workflow *w, uint32_t no);
/* `where`, as words: "etl.lua:12", or "" when unknown. */
const char *ork_workflow_where(const ork_workflow *w, uint32_t no, char *buf, size_t cap);
int ork_workflow_create(const char *name, bool lenient, ork_workflow **out, ork_err *err) ORK_MUSTCHECK;
/* Interns the executor word of a taken-over row. */
int ork_workflow_executor_add(ork_workflow *w, const char *word, uint8_t *other, ork_err *err) ORK_MUSTCHECK;
/* The policy of a task; equal neighbours share one. */
uint32_t ork_workflow_retry_add(ork_workflow *w, const struct ork_retry_spec *r);

/* Keys of a stored task's params that are ours, not the executor's; sorted, ended by NULL. */
extern const char *const ork_workflow_own_keys[];

/* Adds a stored task and what it depends on. */
int ork_snapshot_task(ork_workflow *w, const json_t *row, ork_err *err) ORK_MUSTCHECK;

/* Calls on_problem for every circle of tasks that wait for each other, named in full. With none, order[] is
 * topological. */
size_t ork_cycles_find(const ork_workflow *w, const struct ork_csr *deps, uint32_t *order, ork_problem_cb on_problem,
                       void *data);
#endif
