/* SPDX-License-Identifier: MIT */
#include "core/lib_graph.h"
#include "base/alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct ork_task_spec plain(const char *name)
{
    return (struct ork_task_spec){
        .name = name,
        .name_len = strlen(name),
        .params = "{\"command\":[\"true\"]}",
        .params_len = 20,
        .max_lost = 3,
        .retry = {.delay_ms = -1, .factor = 1},
    };
}

ork_workflow *open_graph(const struct task *tasks, const char *options)
{
    ork_workflow *w;
    ork_err err;

    if (ork_workflow_new("w", &w, &err) < 0)
        fail_msg("%s", err.msg);
    if (options && ork_workflow_options(w, options, strlen(options), &err) < 0)
        fail_msg("%s", err.msg);
    for (const struct task *t = tasks; t->name; t++) {
        struct ork_task_spec s = plain(t->name);
        uint32_t no;
        s.rule = t->rule;
        s.flags = t->flags;
        s.retry.limit = t->retries;
        if (ork_workflow_add(w, &s, &no, &err) < 0)
            fail_msg("%s", err.msg);
        for (const char *p = t->deps; p && *p;) {
            size_t len = strcspn(p, " ");
            ork_workflow_depend_name(w, no, p, len);
            p += len + (p[len] == ' ');
        }
    }
    return w;
}

void note_problem(void *data, const char *code, uint32_t task, const char *text)
{
    struct problems *p = data;

    (void)task;
    p->count++;
    ork_buf_addf(&p->text, "%s: %s\n", code, text);
}

ork_workflow *graph(const struct task *tasks, const char *options)
{
    ork_workflow *w = open_graph(tasks, options);
    struct problems p = {0};

    if (ork_workflow_seal(w, note_problem, &p))
        fail_msg("%s", p.text.data);
    return w;
}

uint32_t number(const ork_workflow *w, const char *name)
{
    uint32_t no = UINT32_MAX;

    if (ork_workflow_find(w, name, strlen(name), &no) < 0)
        fail_msg("no task %s", name);
    return no;
}

uint64_t roll(struct dice *d) /* splitmix64 */
{
    uint64_t z = d->state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint32_t below(struct dice *d, uint32_t n)
{
    return (uint32_t)(roll(d) % n);
}

bool chance(struct dice *d, uint32_t percent)
{
    return below(d, 100) < percent;
}

static int random_rule(struct dice *d)
{
    return chance(d, 50) ? ORK_RULE_ALL_SUCCESS : (int)below(d, ORK_RULE_ONE_SUCCESS + 1);
}

ork_workflow *random_graph(struct dice *d, uint32_t most)
{
    const uint32_t n = 1 + below(d, most), dense = 1 + below(d, 3);
    const bool forwards = chance(d, 50); /* written after what they wait for, or before */
    ork_workflow *w;
    ork_err err;
    char name[32];

    assert_int_equal(ork_workflow_new("random", &w, &err), 0);
    if (chance(d, 15))
        assert_int_equal(ork_workflow_options(w, "{\"fail_fast\":true}", 18, &err), 0);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "t%u", i);
        struct ork_task_spec s = plain(name);
        uint32_t deps = 0, no;
        if (chance(d, 10))
            s.flags |= ORK_TASK_FINALLY;
        bool first = forwards ? i == 0 : i == n - 1;
        if (!first)
            deps = below(d, dense + 1);
        s.rule = deps ? random_rule(d) : (int)below(d, 4);
        s.retry.limit = chance(d, 30) ? below(d, 3) : 0;
        s.retry.delay_ms = chance(d, 30) ? 0 : -1;
        s.max_lost = below(d, 3);
        if (ork_workflow_add(w, &s, &no, &err) < 0)
            fail_msg("%s", err.msg);
        for (uint32_t k = 0; k < deps; k++) {
            uint32_t on = forwards ? below(d, i) : i + 1 + below(d, n - i - 1);
            snprintf(name, sizeof(name), "t%u", on);
            ork_workflow_depend_name(w, no, name, strlen(name));
        }
    }
    struct problems p = {0};
    size_t problems = ork_workflow_seal(w, note_problem, &p);
    ork_buf_fini(&p.text);
    if (!problems)
        return w;
    ork_workflow_unref(w); /* an ordinary task behind a finally one: not a graph for these tests */
    return random_graph(d, most);
}
