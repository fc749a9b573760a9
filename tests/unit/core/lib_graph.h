/* SPDX-License-Identifier: MIT */
/* Definitions for tests, and a random generator that can be started again from its seed. */
#ifndef TESTS_LIB_GRAPH_H
#define TESTS_LIB_GRAPH_H
#include "core/workflow.h"

/* Rows of struct task leave out what is usual. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct task {                /* ended by a row without name */
    const char *name, *deps; /* deps: "a b c" */
    int rule;
    uint32_t flags, retries;
};
ork_workflow *open_graph(const struct task *tasks, const char *options); /* not sealed; options NULL: none */
ork_workflow *graph(const struct task *tasks, const char *options);      /* sealed, fails the test on problems */
struct ork_task_spec plain(const char *name);                            /* a process task */
uint32_t number(const ork_workflow *w, const char *name);

/* What sealing said: "code: text" lines. */
struct problems {
    size_t count;
    struct ork_buf text;
};
void note_problem(void *data, const char *code, uint32_t task, const char *text);

struct dice {
    uint64_t state;
};
uint64_t roll(struct dice *d);              /* 64 random bits */
uint32_t below(struct dice *d, uint32_t n); /* 0 … n - 1 */
bool chance(struct dice *d, uint32_t percent);
/* At most `most` tasks, every rule, retries, finally, options; sealed. */
ork_workflow *random_graph(struct dice *d, uint32_t most);
#endif
