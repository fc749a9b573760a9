/* SPDX-License-Identifier: MIT */
/* What a new definition changes of a task, and what follows a task or precedes it. */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static ork_err err;

static ork_workflow *load(const char *json)
{
    ork_workflow *w;

    if (ork_workflow_load("w", json, strlen(json), NULL, NULL, NULL, &w, &err) < 0)
        fail_msg("%s", err.msg);
    return w;
}

static const char base[] =
    "[{\"task_name\":\"a\",\"params\":{\"command\":\"x\"}},"
    "{\"task_name\":\"b\",\"depends_on\":[\"a\"],\"params\":{\"command\":\"y\"},\"signature\":{\"output_type\":\"int\"}"
    "},"
    "{\"task_name\":\"c\",\"depends_on\":[\"a\",\"b\"],\"params\":{\"command\":\"z\",\"max_retries\":1}}]";

/* One letter per task of the new definition: . as it was, + new, * changed. */
static void differs(const char *now, const char *want)
{
    ork_workflow *old = load(base), *new = load(now);
    uint8_t got[8];
    char text[9] = "";

    ork_workflow_differ(old, new, got);
    for (uint32_t i = 0; i < ork_workflow_len(new); i++)
        text[i] = ".+*"[got[i]];
    assert_string_equal(text, want);
    ork_workflow_unref(old);
    ork_workflow_unref(new);
}

static void what_decides_the_result_counts(void **state)
{
    (void)state;
    differs(base, "...");
    /* another order, another place, retries and timeouts: nothing */
    differs("[{\"task_name\":\"c\",\"depends_on\":[\"b\",\"a\"],\"params\":{\"command\":\"z\",\"max_retries\":7,"
            "\"timeout_seconds\":9,\"priority\":3,\"pool\":\"p\"}},"
            "{\"task_name\":\"a\",\"params\":{\"command\":\"x\"}},"
            "{\"task_name\":\"b\",\"depends_on\":[\"a\"],\"params\":{\"command\":\"y\"},\"signature\":{\"output_type\":"
            "\"int\"}}]",
            "...");
    /* command, type, dependency */
    differs("[{\"task_name\":\"a\",\"params\":{\"command\":\"X\"}},"
            "{\"task_name\":\"b\",\"depends_on\":[\"a\"],\"params\":{\"command\":\"y\"},\"signature\":{\"output_type\":"
            "\"str\"}},"
            "{\"task_name\":\"c\",\"depends_on\":[\"a\"],\"params\":{\"command\":\"z\"}},"
            "{\"task_name\":\"d\",\"depends_on\":[\"c\"],\"params\":{\"command\":\"w\"}}]",
            "***+");
    /* as many dependencies, but others; a type where there was none */
    differs("[{\"task_name\":\"a\",\"params\":{\"command\":\"x\"},\"signature\":{\"output_type\":\"int\"}},"
            "{\"task_name\":\"b\",\"depends_on\":[\"d\"],\"params\":{\"command\":\"y\"},\"signature\":{\"output_type\":"
            "\"int\"}},"
            "{\"task_name\":\"d\",\"params\":{\"command\":\"w\"}}]",
            "**+");
    /* it became `finally` */
    differs("[{\"task_name\":\"a\",\"params\":{\"command\":\"x\",\"finally\":true,\"trigger_rule\":\"always\"}}]", "*");
}

static void how_many_items_may_run_and_fail_is_no_change(void **state)
{
    (void)state;
#define EACH(LIMITS, LIST)                                                                                             \
    "[{\"task_name\":\"a\",\"params\":{\"command\":\"x\",\"each\":{\"input\":\"p\"" LIMITS                             \
    ",\"over\":{\"const\":[" LIST "]}}}}]"
    const struct {
        const char *now;
        uint8_t want;
    } cases[] = {{EACH(",\"max_failed\":1,\"max_parallel\":2", "1,2"), ORK_DIFFER_NOT},
                 {EACH("", "1,2"), ORK_DIFFER_NOT},
                 {EACH(",\"max_parallel\":9", "1,3"), ORK_DIFFER_CHANGED}};
    ork_workflow *old = load(EACH(",\"max_parallel\":9", "1,2"));

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ork_workflow *now = load(cases[i].now);
        uint8_t got = 9;
        ork_workflow_differ(old, now, &got);
        assert_int_equal(got, cases[i].want);
        ork_workflow_unref(now);
    }
    ork_workflow_unref(old);
}

static void closures(void **state)
{
    (void)state;
    ork_workflow *w = graph((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"d", "a"}, {"x"}, {0}}, NULL);
    uint8_t after[5] = {0}, before[5] = {0};

    after[number(w, "b")] = before[number(w, "c")] = 1;
    ork_workflow_follow(w, after);
    ork_workflow_precede(w, before);
    assert_memory_equal(after, ((uint8_t[]){0, 1, 1, 0, 0}), 5);
    assert_memory_equal(before, ((uint8_t[]){1, 1, 1, 0, 0}), 5);
    ork_workflow_unref(w);
}

/* On random graphs: what follows is what some marked task reaches, found edge by edge until nothing changes. */
static void closures_at_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct dice dice = {seed};
        ork_workflow *w = random_graph(&dice, 20);
        const struct ork_csr *deps = ork_workflow_deps(w);
        const uint32_t n = ork_workflow_len(w);
        uint8_t *got = ork_zalloc(n), *want = ork_zalloc(n);
        bool moved = true;
        for (uint32_t i = 0; i < n; i++)
            got[i] = want[i] = chance(&dice, 20);
        const bool forward = chance(&dice, 50);
        while (moved) {
            moved = false;
            for (uint32_t i = 0; i < n; i++)
                for (uint32_t e = deps->first[i]; e < deps->first[i + 1]; e++) {
                    uint32_t from = forward ? deps->to[e] : i, to = forward ? i : deps->to[e];
                    moved |= want[from] && !want[to];
                    want[to] |= want[from];
                }
        }
        if (forward)
            ork_workflow_follow(w, got);
        else
            ork_workflow_precede(w, got);
        if (memcmp(got, want, n) != 0)
            fail_msg("seed %llu", (unsigned long long)seed);
        free(got);
        free(want);
        ork_workflow_unref(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decides_the_result_counts),
        cmocka_unit_test(how_many_items_may_run_and_fail_is_no_change),
        cmocka_unit_test(closures),
        cmocka_unit_test(closures_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
