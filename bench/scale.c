/* SPDX-License-Identifier: MIT */
/* scale N: the core alone with N tasks of three dependencies each: define, seal, walk a run from its first task to its
 * last. Prints ns per task and bytes per task of the definition and of the run's state. No database, no processes. */
#include "core/run.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double ns_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double held(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)m.uordblks + (double)m.hblkhd;
}

static void fail(const char *what, const ork_err *err)
{
    fprintf(stderr, "scale: %s: %s\n", what, err->msg);
    exit(1);
}

static uint32_t random_below(uint32_t n)
{
    static uint64_t state = 88172645463325252u; /* the same graph every time */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state % n);
}

static void on_problem(void *data, const char *code, uint32_t task, const char *text)
{
    (void)data, (void)code, (void)task;
    fprintf(stderr, "scale: %s\n", text);
}

static ork_workflow *define(uint32_t n)
{
    static const char params[] = "{\"command\":[\"/bin/true\"]}";
    struct ork_task_spec spec = {.params = params, .params_len = sizeof params - 1, .max_lost = 3};
    ork_workflow *w = NULL;
    char name[16];
    ork_err err = {0};

    if (ork_workflow_new("scale", &w, &err) < 0)
        fail("new", &err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t no;
        spec.name = name;
        spec.name_len = (size_t)snprintf(name, sizeof name, "t%u", i);
        if (ork_workflow_add(w, &spec, &no, &err) < 0)
            fail("add", &err);
        for (int edge = 0; edge < 3 && i > 0; edge++)
            ork_workflow_depend(w, no, random_below(i));
    }
    if (ork_workflow_seal(w, on_problem, NULL) > 0)
        exit(1);
    return w;
}

static void step(struct ork_run *run, struct ork_event ev, struct ork_effects *fx)
{
    ev.now_ms = 1;
    if (ork_run_step(run, &ev, fx) < 0) {
        fprintf(stderr, "scale: event %d of task %u was refused\n", ev.type, ev.task);
        exit(1);
    }
}

/* Every task: ready, granted, started, ended. Effects are read where they are and forgotten in between. */
static void walk(struct ork_run *run)
{
    struct ork_effects fx = {0};
    uint32_t *ready = calloc(run->n, sizeof *ready), head = 0, tail = 0;
    size_t seen = 0;

    if (!ready)
        exit(1);
    step(run, (struct ork_event){.type = ORK_EV_START}, &fx);
    while (true) {
        for (; seen < fx.len; seen++)
            if (fx.items[seen].type == ORK_FX_READY)
                ready[tail++] = fx.items[seen].task;
        seen = fx.len = 0;
        if (head == tail)
            break;
        uint32_t task = ready[head++];
        step(run, (struct ork_event){.type = ORK_EV_GRANT, .task = task}, &fx);
        step(run, (struct ork_event){.type = ORK_EV_STARTED, .task = task, .attempt = 1}, &fx);
        step(run, (struct ork_event){.type = ORK_EV_EXITED, .task = task, .attempt = 1, .ok = true}, &fx);
    }
    if (run->status != ORK_RUN_SUCCESS || tail != run->n) {
        fprintf(stderr, "scale: the run did not end: %u of %u tasks\n", tail, run->n);
        exit(1);
    }
    free(ready);
    ork_effects_fini(&fx);
}

int main(int argc, char **argv)
{
    uint32_t n = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    struct ork_run run;
    double empty = held(), began = ns_now(), defined;

    if (n == 0) {
        fprintf(stderr, "usage: scale N\n");
        return 2;
    }
    ork_workflow *w = define(n);
    defined = held();
    ork_run_init(&run, w);
    double all = held();
    walk(&run);
    double took = ns_now() - began;
    printf("%.0f %.0f %.0f\n", took / n, (defined - empty) / n, (all - defined) / n);
    ork_run_fini(&run);
    ork_workflow_unref(w);
    return 0;
}
