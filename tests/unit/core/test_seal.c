/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct task *tasks, const char *options, const char *want)
{
    ork_workflow *w = open_graph(tasks, options);
    struct problems p = {0};
    size_t count = ork_workflow_seal(w, note_problem, &p);

    assert_int_equal(count, p.count);
    if (strcmp(p.text.data ? p.text.data : "", want) != 0)
        fail_msg("got\n%swanted\n%s", p.text.data ? p.text.data : "", want);
    assert_int_equal(ork_workflow_is_sealed(w), count == 0);
    ork_buf_clear(&p.text);
    assert_int_equal(ork_workflow_seal(w, note_problem, &p), count); /* telling changes nothing */
    assert_string_equal(p.text.data ? p.text.data : "", want);
    ork_buf_fini(&p.text);
    ork_workflow_unref(w);
}

#define CIRCLE "cycle: tasks wait for each other in a circle: "
#define ADVICE " (each waits for the next); remove one of these dependencies\n"

static void mistakes_are_told(void **state)
{
    (void)state;
    check((const struct task[]){{0}}, NULL, "no_tasks: workflow `w` has no tasks; a workflow needs at least one\n");
    check((const struct task[]){{"extract"}, {"load", "extrct"}, {0}}, NULL,
          "unknown_dependency: task `load` depends on `extrct`, which is not a task of this workflow; did you mean "
          "`extract`?\n");
    check((const struct task[]){{"a", "nothing_like_it"}, {0}}, NULL,
          "unknown_dependency: task `a` depends on `nothing_like_it`, which is not a task of this workflow\n");
    check((const struct task[]){{"a", "a a"}, {0}}, NULL, "self_dependency: task `a` depends on itself\n");
    check((const struct task[]){{"a", "b"}, {"b", "a"}, {0}}, NULL, CIRCLE "`a` → `b` → `a`" ADVICE);
    check((const struct task[]){{"a", "tidy"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL,
          "finally_dependency: task `a` depends on `tidy`, which runs after all other tasks (finally); only another "
          "finally task can wait for it\n");
    check((const struct task[]){{"a", .rule = ORK_RULE_ONE_FAILED}, {0}}, NULL,
          "trigger_rule: task `a` has trigger_rule \"one_failed\" but depends on nothing, so it could never run\n");
}

static void all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    check((const struct task[]){{"a", "c x"}, {"b", "a b"}, {"c", "b"}, {"d", "y"}, {"e", "f"}, {"f", "e"}, {0}}, NULL,
          "unknown_dependency: task `a` depends on `x`, which is not a task of this workflow\n"
          "unknown_dependency: task `d` depends on `y`, which is not a task of this workflow\n"
          "self_dependency: task `b` depends on itself\n" CIRCLE "`a` → `c` → `b` → `a`" ADVICE CIRCLE
          "`e` → `f` → `e`" ADVICE);
}

static void the_shortest_circle_is_shown(void **state)
{
    (void)state;
    check((const struct task[]){{"a", "e"}, {"b", "a"}, {"c", "b"}, {"d", "c"}, {"e", "d b"}, {0}}, NULL,
          CIRCLE "`a` → `e` → `b` → `a`" ADVICE);
    /* The shortest does not go through the task defined first. */
    check((const struct task[]){{"a", "d"}, {"b", "a"}, {"c", "b d"}, {"d", "c"}, {0}}, NULL,
          CIRCLE "`c` → `d` → `c`" ADVICE);
    check((const struct task[]){{"u"}, {"a", "u b"}, {"b", "a"}, {"after", "b"}, {0}}, NULL,
          CIRCLE "`a` → `b` → `a`" ADVICE);
    check((const struct task[]){{"x", "y", .flags = ORK_TASK_FINALLY}, {"y", "x", .flags = ORK_TASK_FINALLY}, {0}},
          NULL, CIRCLE "`x` → `y` → `x`" ADVICE);
}

static void a_pool_must_be_large_enough(void **state)
{
    ork_workflow *w;
    ork_err err;
    struct problems p = {0};
    struct ork_task_spec s = plain("a");

    (void)state;
    assert_int_equal(ork_workflow_new("w", &w, &err), 0);
    assert_int_equal(ork_workflow_options(w, "{\"pools\":{\"db\":4}}", 18, &err), 0);
    s.pool = "db";
    s.pool_slots = 5;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    assert_int_equal(ork_workflow_seal(w, note_problem, &p), 1);
    assert_string_equal(p.text.data, "pool_slots: task `a` takes 5 slots of pool `db`, which has 4\n");
    ork_buf_fini(&p.text);
    ork_workflow_unref(w);
}

/* A definition with mistakes can be mended: names may come later. */
static void a_definition_can_be_mended(void **state)
{
    ork_workflow *w = open_graph((const struct task[]){{"b", "a"}, {0}}, NULL);
    struct ork_task_spec s = plain("a");
    ork_err err;

    (void)state;
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 1);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    assert_int_equal(ork_workflow_order(w)[0], 1);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_ESTATE);
    assert_int_equal(ork_workflow_options(w, "{}", 2, &err), ORK_ESTATE);
    ork_workflow_unref(w);
}

static void edges_are_kept_as_written(void **state)
{
    ork_workflow *w =
        graph((const struct task[]){{"a"}, {"b"}, {"c", "b a b later a"}, {"later"}, {"end", "c"}, {0}}, NULL);
    const struct ork_csr *deps = ork_workflow_deps(w), *out = ork_workflow_dependents(w);

    (void)state;
    assert_int_equal(deps->first[3] - deps->first[2], 3);
    assert_int_equal(deps->to[deps->first[2]], 1);
    assert_int_equal(deps->to[deps->first[2] + 1], 0);
    assert_int_equal(deps->to[deps->first[2] + 2], 3);
    for (uint32_t t = 0; t < 5; t++)
        assert_int_equal(out->first[t + 1] - out->first[t], t == 4 ? 0 : 1);
    assert_int_equal(out->to[out->first[3]], 2);
    ork_workflow_unref(w);
}

/* order[] is a permutation; what a task waits for comes before it; finally comes last; as written where that is an
 * order. */
static void order_is_topological(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct dice d = {seed};
        ork_workflow *w = random_graph(&d, 40);
        const uint32_t n = ork_workflow_len(w), *order = ork_workflow_order(w);
        const struct ork_csr *deps = ork_workflow_deps(w);
        uint32_t at[40], last;
        bool written = true;
        memset(at, 0xff, sizeof(at));
        for (uint32_t k = 0; k < n; k++)
            at[order[k]] = k;
        const uint32_t *finals = ork_workflow_finally(w, &last);
        for (uint32_t k = 0; k < last; k++)
            if (at[finals[k]] < n - last || (k && finals[k] <= finals[k - 1]))
                fail_msg("seed %llu: finally", (unsigned long long)seed);
        for (uint32_t t = 0; t < n; t++)
            for (uint32_t e = deps->first[t]; e < deps->first[t + 1]; e++) {
                written &= deps->to[e] < t;
                if (at[t] >= n || at[deps->to[e]] >= at[t])
                    fail_msg("seed %llu: task %u", (unsigned long long)seed, t);
            }
        for (uint32_t k = 1; written && k < n - last; k++)
            if (order[k] < order[k - 1])
                fail_msg("seed %llu: not as written", (unsigned long long)seed);
        ork_workflow_unref(w);
    }
}

/* Circles found = components of more than one task, counted by reachability. */
static void every_circle_is_found(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct dice d = {seed};
        enum { MOST = 9 };
        const uint32_t n = 2 + below(&d, MOST - 1), edges = below(&d, 2 * n);
        bool reach[MOST][MOST] = {{false}};
        ork_workflow *w;
        char name[16];
        assert_int_equal(ork_workflow_new("w", &w, NULL), 0);
        for (uint32_t i = 0; i < n; i++) {
            snprintf(name, sizeof(name), "t%u", i);
            struct ork_task_spec s = plain(name);
            assert_int_equal(ork_workflow_add(w, &s, NULL, NULL), 0);
        }
        for (uint32_t i = 0; i < edges; i++) {
            uint32_t a = below(&d, n), b = below(&d, n);
            if (a == b)
                continue;
            ork_workflow_depend(w, a, b);
            reach[a][b] = true;
        }
        for (uint32_t k = 0; k < n; k++)
            for (uint32_t i = 0; i < n; i++)
                for (uint32_t j = 0; j < n; j++)
                    reach[i][j] |= reach[i][k] && reach[k][j];
        uint32_t circles = 0;
        for (uint32_t i = 0; i < n; i++) {
            bool first = reach[i][i];
            for (uint32_t j = 0; j < i; j++)
                first &= !(reach[i][j] && reach[j][i]);
            circles += first;
        }
        struct problems p = {0};
        if (ork_workflow_seal(w, note_problem, &p) != circles)
            fail_msg("seed %llu: %u circles, told\n%s", (unsigned long long)seed, circles, p.text.data);
        ork_buf_fini(&p.text);
        ork_workflow_unref(w);
    }
}

static ork_workflow *many(uint32_t n, bool chain)
{
    ork_workflow *w;
    char name[16];
    struct ork_task_spec s = plain("x");

    assert_int_equal(ork_workflow_new("many", &w, NULL), 0);
    s.name = name;
    for (uint32_t i = 0; i < n; i++) {
        s.name_len = (size_t)snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(ork_workflow_add(w, &s, NULL, NULL), 0);
        if (chain && i)
            ork_workflow_depend(w, i - 1, i); /* against the order of definition: the walk goes to the bottom */
    }
    return w;
}

static void a_million_tasks_in_a_chain(void **state)
{
    enum { N = 1000000 };
    ork_workflow *w = many(N, true);

    (void)state;
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    assert_int_equal(ork_workflow_order(w)[0], N - 1);
    assert_int_equal(ork_workflow_order(w)[N - 1], 0);
    ork_workflow_unref(w);
}

static void a_hundred_thousand_beside_each_other(void **state)
{
    enum { N = 100000 };
    ork_workflow *w = many(N, false);
    struct ork_task_spec s = plain("join");
    uint32_t join, no;

    (void)state;
    assert_int_equal(ork_workflow_add(w, &s, &join, NULL), 0);
    for (uint32_t i = 0; i < N; i++)
        ork_workflow_depend(w, join, i);
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    assert_int_equal(ork_workflow_deps(w)->first[N + 1], N);
    assert_int_equal(ork_workflow_find(w, "t99999", 6, &no), 0);
    assert_int_equal(no, 99999);
    ork_workflow_unref(w);
}

/* One circle through all of them: found, and named in full, without a walk per task. */
static void a_circle_of_a_hundred_thousand(void **state)
{
    enum { N = 100000 };
    ork_workflow *w = many(N, true);
    struct problems p = {0};

    (void)state;
    ork_workflow_depend(w, N - 1, 0);
    assert_int_equal(ork_workflow_seal(w, note_problem, &p), 1);
    assert_non_null(strstr(p.text.data, "`t0` → `t1` → `t2`"));
    assert_non_null(strstr(p.text.data, "`t99999` → `t0` ("));
    ork_buf_fini(&p.text);
    ork_workflow_unref(w);
}

static void fifty_thousand_small_circles(void **state)
{
    enum { N = 100000 };
    ork_workflow *w = many(N, false);
    struct problems p = {0};

    (void)state;
    for (uint32_t i = 0; i < N; i += 2) {
        ork_workflow_depend(w, i, i + 1);
        ork_workflow_depend(w, i + 1, i);
    }
    assert_int_equal(ork_workflow_seal(w, note_problem, &p), N / 2);
    ork_buf_fini(&p.text);
    ork_workflow_unref(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(the_shortest_circle_is_shown),
        cmocka_unit_test(a_pool_must_be_large_enough),
        cmocka_unit_test(a_definition_can_be_mended),
        cmocka_unit_test(edges_are_kept_as_written),
        cmocka_unit_test(order_is_topological),
        cmocka_unit_test(every_circle_is_found),
        cmocka_unit_test(a_million_tasks_in_a_chain),
        cmocka_unit_test(a_hundred_thousand_beside_each_other),
        cmocka_unit_test(a_circle_of_a_hundred_thousand),
        cmocka_unit_test(fifty_thousand_small_circles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
