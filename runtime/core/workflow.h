/* SPDX-License-Identifier: MIT */
/* The definition of a workflow in memory: tasks in order of definition, edges as CSR arrays, texts in one arena.
 * Building and sealing: ork.h. Here: what the engine and the run read. Immutable once sealed; then safe to read from
 * any thread. Memory: about 60 bytes per task plus its texts and 8 bytes per edge; nothing per task is allocated on its
 * own. */
#ifndef ORK_CORE_WORKFLOW_H
#define ORK_CORE_WORKFLOW_H
#include "base/arena.h"
#include "base/json.h"

struct ork_task_def {
    uint32_t name, params,
        signature;  /* arena offsets; signature 0: none. params and signature are canonical JSON texts */
    uint32_t retry; /* index into workflow->retries (interned) */
    uint32_t pool;  /* index into workflow->pools + 1; 0 none */
    uint32_t line;
    int32_t priority;
    int64_t timeout_ms, queue_timeout_ms;
    uint16_t pool_slots, max_lost, file;
    uint8_t rule, executor, flags;
    uint8_t other; /* executor OTHER: which word (ork_workflow_executor) */
};
struct ork_retry_def { /* owned copy of ork_retry_spec */
    struct ork_retry_spec spec;
};
struct ork_csr {     /* edges of task i: to[first[i] … first[i+1]-1] */
    uint32_t *first; /* n + 1 */
    uint32_t *to;
};
struct ork_workflow_limits {  /* read from the options */
    uint32_t max_parallel;    /* tasks of one run at once, 0 no limit */
    uint32_t max_active_runs; /* 0 no limit */
    int64_t run_timeout_ms;   /* 0 none */
    bool fail_fast;
    bool inline_within;     /* a workflow that its tasks run has functions of the program that defined it */
    const json_t *handlers; /* names of what is called at the end of a run, "on_failure" …; NULL none */
    bool by_host;           /* functions beside the tasks' own are of the program that defines it, not of a script */
};

/* Everything is private to core/workflow.c but these readers. */
uint32_t ork_workflow_len(const ork_workflow *w);
const struct ork_task_def *ork_workflow_def(const ork_workflow *w, uint32_t no);
const char *ork_workflow_text(const ork_workflow *w, uint32_t off);
const struct ork_retry_spec *ork_workflow_retry(const ork_workflow *w, uint32_t no); /* of task no */
const char *ork_workflow_pool(const ork_workflow *w, uint32_t no);                   /* of task no; NULL none */
const char *ork_workflow_executor(const ork_workflow *w,
                                  uint32_t no); /* executor_type: "process" …, the stored word of a taken-over row */
/* A `finally` task also waits for every task that is not one; that is no edge here but a count in the run. */
const struct ork_csr *ork_workflow_deps(const ork_workflow *w); /* what a task waits for, in the order written */
const struct ork_csr *ork_workflow_dependents(const ork_workflow *w);
const uint32_t *
ork_workflow_order(const ork_workflow *w); /* topological; as defined where that is one; `finally` tasks last */
const uint32_t *ork_workflow_finally(const ork_workflow *w, uint32_t *len); /* the `finally` tasks, by number */
const struct ork_workflow_limits *ork_workflow_limits(const ork_workflow *w);
bool ork_workflow_is_sealed(const ork_workflow *w);
const char *ork_workflow_source_json(const ork_workflow *w); /* NULL none */
const char *ork_workflow_dir(const ork_workflow *w);         /* script directory, NULL none */
/* Explicit dependencies only (without the edges `finally` implies), as the tasks row's depends_on: canonical JSON array
 * of names. */
void ork_workflow_depends_json(const ork_workflow *w, uint32_t no, struct ork_buf *out);
/* The row's params: canonical JSON of spec.params plus max_retries, timeout_seconds (seeds) and our keys. */
int ork_workflow_params_json(const ork_workflow *w, uint32_t no, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* From a snapshot: the inverse of ork_workflow_tasks_json; sealed. Accepts the original's snapshots too (executor
 * process; max_retries, timeout_seconds, task_bindings). */
int ork_workflow_load(const char *name, const char *tasks_json, size_t len, const char *options_json,
                      const char *source_json, const char *dir, ork_workflow **out, ork_err *err) ORK_MUSTCHECK;

/* sub.c. The workflow of that name which tasks of w run, as its options keep it. ECORRUPT: they do not. */
int ork_workflow_sub(const ork_workflow *w, const char *name, ork_workflow **out, ork_err *err) ORK_MUSTCHECK;

/* differ.c. For each task of `now`, what is new about it (both loaded from snapshots: their texts are compared). */
enum ork_differ { ORK_DIFFER_NOT, ORK_DIFFER_NEW, ORK_DIFFER_CHANGED };
void ork_workflow_differ(const ork_workflow *old, const ork_workflow *now, uint8_t *differs);
/* Marks (1) what depends on a marked task, or what a marked task depends on, however far. `finally` counts only where
 * it is written: a `finally` task follows what it names. */
void ork_workflow_follow(const ork_workflow *w, uint8_t *marked);
void ork_workflow_precede(const ork_workflow *w, uint8_t *marked);
#endif
