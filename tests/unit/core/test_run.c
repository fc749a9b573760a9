/* SPDX-License-Identifier: MIT */
/* The life of single tasks: rules, attempts, retries. */
#include "core/lib_drive.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct task pair[] = {{"a"}, {"b", "a"}, {0}};
static const struct task alone[] = {{"a"}, {0}};

/* ---- the way of one task ---------------------------------------------------------------------- */

static void a_chain_runs(void **state)
{
    (void)state;
    begin(pair, NULL);
    AFTER("start", "+a run=running");
    AFTER("grant a", "a=dispatched");
    AFTER("started a", "a=running");
    AFTER("ok a", "a=success +b");
    AFTER("grant b;started b;ok b", "b=dispatched b=running b=success run=success");
}

static void it_may_end_without_a_start(void **state)
{
    (void)state;
    begin(alone, NULL); /* the two messages came in one, or it could not be started */
    AFTER("start;grant a;fail a spawn", "+a run=running a=dispatched a=failed run=failed");
}

static void a_recalled_task_comes_again(void **state)
{
    (void)state;
    begin(alone, NULL);
    AFTER("start;grant a;recalled a", "+a run=running a=dispatched a=pending +a");
    assert_int_equal(run.tasks[0].attempt, 1);
    AFTER("grant a;started a", "a=dispatched a=running");
    assert_int_equal(run.tasks[0].attempt, 2);
    refused("recalled a", ORK_ESTATE); /* it runs: only its exit counts */
    refused("started a", ORK_ESTATE);
}

static void stale_attempts_are_dropped(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    AFTER("start;grant a;fail a;due a;grant a", "+a run=running a=dispatched a=pending arm a 2000 +a a=dispatched");
    struct ork_event ev = {.type = ORK_EV_EXITED, .task = 0, .attempt = 1, .ok = true};
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), ORK_EINVAL);
    ev.task = 7;
    assert_int_equal(ork_run_step(&run, &ev, &fx), ORK_EINVAL);
    assert_int_equal(run.tasks[0].status, ORK_TASK_DISPATCHED);
    AFTER("ok a", "a=success run=success");
    refused("ok a", ORK_EINVAL);
    refused("fail a", ORK_EINVAL);
}

static void when_false_skips(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"d", "a b", ORK_RULE_NONE_FAILED}, {0}}, NULL);
    AFTER("start;grant a;ok a", "+a run=running a=dispatched a=success +b");
    AFTER("when b", "b=skipped skip b< c=skipped skip c<b +d"); /* d joins the branches: one succeeded */
    AFTER("grant d;ok d", "d=dispatched d=success run=success");
    refused("when a", ORK_ESTATE);
}

/* ---- rules ------------------------------------------------------------------------------------ */

/* x depends on a, b, c; each ends as its letter says: s success, f failed, k skipped. The answer comes at one of these
 * ends. */
static const struct {
    int rule;
    const char *ends;
    int decided_at; /* after how many ends */
    bool runs;
} rules[] = {
    {ORK_RULE_ALL_SUCCESS, "sss", 3, true},  {ORK_RULE_ALL_SUCCESS, "f..", 1, false},
    {ORK_RULE_ALL_SUCCESS, "sk.", 2, false}, {ORK_RULE_NONE_FAILED, "sss", 3, true},
    {ORK_RULE_NONE_FAILED, "skk", 3, true},  {ORK_RULE_NONE_FAILED, "kkk", 3, false},
    {ORK_RULE_NONE_FAILED, "sf.", 2, false}, {ORK_RULE_ALL_DONE, "sfk", 3, true},
    {ORK_RULE_ALL_DONE, "kkk", 3, true},     {ORK_RULE_ALWAYS, "ffk", 3, true},
    {ORK_RULE_ALL_FAILED, "fff", 3, true},   {ORK_RULE_ALL_FAILED, "ffs", 3, false},
    {ORK_RULE_ALL_FAILED, "s..", 1, false},  {ORK_RULE_ALL_FAILED, "fk.", 2, false},
    {ORK_RULE_ONE_FAILED, "sf.", 2, true},   {ORK_RULE_ONE_FAILED, "skf", 3, true},
    {ORK_RULE_ONE_FAILED, "sks", 3, false},  {ORK_RULE_ONE_SUCCESS, "fs.", 2, true},
    {ORK_RULE_ONE_SUCCESS, "fkf", 3, false}, {ORK_RULE_ONE_SUCCESS, "kks", 3, true},
};

static void rules_are_judged_as_soon_as_they_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        struct task tasks[] = {{"a"}, {"b"}, {"c"}, {"x", "a b c", rules[i].rule}, {0}};
        begin(tasks, NULL);
        drive("start");
        for (int k = 0; k < rules[i].decided_at; k++) {
            char events[64], name = (char)('a' + k), how = rules[i].ends[k];
            if (how == 'k')
                snprintf(events, sizeof(events), "when %c", name);
            else
                snprintf(events, sizeof(events), "grant %c;%s %c", name, how == 's' ? "ok" : "fail", name);
            const char *got = drive(events);
            bool decided = strstr(got, "+x") || strstr(got, "x=skipped");
            if (decided != (k + 1 == rules[i].decided_at) ||
                (decided && !strstr(got, rules[i].runs ? "+x" : "x=skipped")))
                fail_msg("%s %s, end %d: %s", ork_rule_name(rules[i].rule), rules[i].ends, k + 1, got);
        }
        end(NULL);
    }
    begin(alone, NULL); /* for the teardown */
}

static void the_cause_of_a_skip_is_the_failure(void **state)
{
    (void)state;
    begin(
        (const struct task[]){{"a"}, {"b"}, {"c", "a"}, {"d", "c"}, {"e", "b d"}, {"f", "b", ORK_RULE_ONE_FAILED}, {0}},
        NULL);
    AFTER("start;grant a;fail a",
          "+a +b run=running a=dispatched a=failed c=skipped skip c<a d=skipped skip d<a e=skipped skip e<a");
    AFTER("grant b;ok b", "b=dispatched b=success f=skipped skip f<b run=failed");
    AFTER("restore", "");
    assert_int_equal(run.tasks[number(flow, "e")].cause, 0);
}

static void a_failure_is_a_better_cause_than_a_condition(void **state)
{
    (void)state;
    begin((const struct task[]){{"w"}, {"a"}, {"c", "a"}, {"x", "w c", ORK_RULE_ONE_SUCCESS}, {0}}, NULL);
    AFTER("start;when w", "+w +a run=running w=skipped skip w<");
    AFTER("grant a;fail a", "a=dispatched a=failed c=skipped skip c<a x=skipped skip x<a run=failed");
}

/* ---- retries ---------------------------------------------------------------------------------- */

static void failures_are_tried_again(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 2}, {0}}, NULL);
    AFTER("start;grant a;started a;fail a", "+a run=running a=dispatched a=running a=pending arm a 2000");
    refused("grant a", ORK_ESTATE);
    AFTER("due a;grant a;fail a", "+a a=dispatched a=pending arm a 3000");
    AFTER("due a;grant a;fail a", "+a a=dispatched a=failed run=failed");
    assert_int_equal(run.tasks[0].attempt, 3);
    assert_int_equal(run.tasks[0].failures, 3);
}

static void what_would_fail_again_is_not_tried(void **state)
{
    static const char *const kinds[] = {"input", "output", "policy", "rejected"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char events[64];
        begin((const struct task[]){{"a", .retries = 2}, {0}}, NULL);
        snprintf(events, sizeof(events), "start;grant a;fail a %s", kinds[i]);
        AFTER(events, "+a run=running a=dispatched a=failed run=failed");
        assert_int_equal(run.tasks[0].kind, ork_kind_parse(kinds[i]));
        end(NULL);
    }
    begin(alone, NULL);
}

static void the_task_may_decide_about_its_retry(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 9}, {0}}, NULL);
    drive("start;grant a");
    struct ork_event ev = {.type = ORK_EV_EXITED, .attempt = 1, .failure = {.kind = ORK_KIND_ERROR}, .now_ms = 50};
    ev.retry_after_ms = 30000;
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(fx.items[1].type, ORK_FX_ARM);
    assert_int_equal(fx.items[1].at_ms, 30050);
    drive("due a;grant a");
    ev.attempt = 2;
    ev.retry_after_ms = -1;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
}

static bool asks(int kind, int64_t retry_after_ms)
{
    const struct ork_event ev = {.type = ORK_EV_EXITED,
                                 .attempt = run.tasks[0].attempt,
                                 .failure = {.kind = kind},
                                 .retry_after_ms = retry_after_ms};

    return ork_run_asks(&run, &ev);
}

/* A function is asked only where its answer counts, and wins over the kinds then. */
static void a_verdict_decides(void **state)
{
    struct ork_event ev = {.type = ORK_EV_EXITED, .attempt = 1, .failure = {.kind = ORK_KIND_OUTPUT}, .verdict = 1};

    (void)state;
    begin((const struct task[]){{"a", .retries = 2}, {0}}, NULL);
    drive("start;grant a");
    assert_false(asks(ORK_KIND_EXIT, 0)); /* its policy is data */
    ((struct ork_retry_spec *)(uintptr_t)ork_workflow_retry(flow, 0))->ask = true;
    assert_true(asks(ORK_KIND_EXIT, 0) && asks(ORK_KIND_INPUT, 0) && asks(ORK_KIND_ERROR, 1000));
    assert_false(asks(ORK_KIND_LOST, 0) || asks(ORK_KIND_CANCELLED, 0) || asks(ORK_KIND_ERROR, -1));
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0); /* which the kind alone would not try again */
    assert_int_equal(run.tasks[0].status, ORK_TASK_PENDING);
    drive("due a;grant a");
    ev = (struct ork_event){.type = ORK_EV_EXITED, .attempt = 2, .failure = {.kind = ORK_KIND_EXIT}, .verdict = -1};
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
    end(NULL);
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    ((struct ork_retry_spec *)(uintptr_t)ork_workflow_retry(flow, 0))->ask = true;
    drive("start;grant a;fail a;due a;grant a");
    assert_false(asks(ORK_KIND_EXIT, 0)); /* none is left */
    end(NULL);
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    ((struct ork_retry_spec *)(uintptr_t)ork_workflow_retry(flow, 0))->ask = true;
    drive("start;grant a;cancel");
    assert_false(asks(ORK_KIND_EXIT, 0)); /* it is being killed */
}

static void lost_is_not_the_fault_of_the_task(void **state)
{
    (void)state;
    begin(alone, NULL); /* no retries at all */
    AFTER("start;grant a", "+a run=running a=dispatched");
    for (int i = 0; i < 3; i++)
        AFTER("fail a lost;grant a", "a=pending +a a=dispatched");
    assert_int_equal(run.tasks[0].failures, 0);
    assert_int_equal(run.tasks[0].lost, 3);
    assert_int_equal(run.tasks[0].attempt, 4);
    AFTER("fail a lost", "a=failed run=failed");
    assert_int_equal(run.tasks[0].kind, ORK_KIND_LOST);
}

static void a_rejected_start_counts_as_a_failure(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    AFTER("start;reject a timeout", "+a run=running a=pending arm a 2000");
    refused("reject a timeout", ORK_ESTATE);
    AFTER("due a;reject a input", "+a a=failed run=failed");
    assert_int_equal(run.tasks[0].attempt, 0);
}

/* ---- size ------------------------------------------------------------------------------------- */

static void long_chains_need_no_stack(void **state)
{
    enum { N = 100000 };
    ork_err err;
    struct ork_task_spec s = plain("x");
    char name[16];

    (void)state;
    assert_int_equal(ork_workflow_new("chain", &flow, &err), 0);
    s.name = name;
    for (uint32_t i = 0; i < N; i++) {
        s.name_len = (size_t)snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(ork_workflow_add(flow, &s, NULL, &err), 0);
        if (i)
            ork_workflow_depend(flow, i, i - 1);
    }
    assert_int_equal(ork_workflow_seal(flow, NULL, NULL), 0);
    ork_run_init(&run, flow);
    drive("start;grant t0");
    fx.len = 0;
    struct ork_event ev = {.type = ORK_EV_EXITED, .attempt = 1, .failure = {.kind = ORK_KIND_EXIT}};
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(run.final[ORK_TASK_SKIPPED], N - 1);
    assert_int_equal(run.tasks[N - 1].cause, 0);
    assert_int_equal(run.status, ORK_RUN_FAILED);
    assert_null(ork_run_check(&run));
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_chain_runs),
        T(it_may_end_without_a_start),
        T(a_recalled_task_comes_again),
        T(stale_attempts_are_dropped),
        T(when_false_skips),
        T(rules_are_judged_as_soon_as_they_can),
        T(the_cause_of_a_skip_is_the_failure),
        T(a_failure_is_a_better_cause_than_a_condition),
        T(failures_are_tried_again),
        T(what_would_fail_again_is_not_tried),
        T(the_task_may_decide_about_its_retry),
        T(a_verdict_decides),
        T(lost_is_not_the_fault_of_the_task),
        T(a_rejected_start_counts_as_a_failure),
        T(long_chains_need_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
