/* SPDX-License-Identifier: MIT */
/* A C program that holds the engine and whose tasks are its own functions: what a call does is told by the task's name.
 */
#pragma once
#include "lib_engine.h"

struct host {
    struct world *w;
    struct ork_engine *engine;
    bool knows;
    bool deaf; /* does not answer interrupts */
    bool hold; /* does not end what it takes */
    bool idle; /* takes nothing */
    unsigned taken, most, slices, interrupts, nows, ended;
    unsigned per_slice; /* 0: all */
    uint64_t open[600]; /* calls held */
    unsigned open_len;
    int kind; /* of the last interrupt */
    char input[256], task[64];
    uint32_t attempt;
};

/* A host of the world's engine; knows every definition until told otherwise. Freed by host_done. */
struct host *host_of(struct world *w);
/* The host and its functions, for an engine that took the place of the first. */
void host_join(struct host *h, struct ork_engine *engine);
/* Ends a call that is held. */
void host_answer(struct host *h, uint64_t token, const struct ork_inline_result *r);
/* Leaves the world's engine and frees the host and the definition. */
void host_done(struct world *w, struct host *h, ork_workflow *f);
/* Adds a task that is a function. Returns its index. */
uint32_t function(ork_workflow *f, const char *name, const char *deps);
