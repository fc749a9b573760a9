/* SPDX-License-Identifier: MIT */
/* What people ask of a run (pause, cancel, retry), and taking it up after a crash. */
#include "base/alloc.h"
#include "core/lib_drive.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct task alone[] = {{"a"}, {0}};
static const struct task pair[] = {{"a"}, {"b", "a"}, {0}};
static const struct task two[] = {{"a"}, {"b"}, {0}};

/* ---- pause ------------------------------------------------------------------------------------ */

static void pause_holds_back_and_lets_finish(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c", .retries = 1}, {"d"}, {"e", "a"}, {0}}, NULL);
    drive("start;grant a;started a;grant b;grant c;fail c");
    AFTER("pause", "recall b disarm c -d run=paused");
    refused("pause", ORK_ESTATE);
    refused("due c", ORK_ESTATE);
    AFTER("ok a", "a=success"); /* its result counts, but e waits */
    AFTER("recalled b", "b=pending");
    AFTER("resume", "+b arm c 2000 +d +e run=running");
    refused("resume", ORK_ESTATE);
}

static void a_paused_run_can_end(void **state)
{
    (void)state;
    begin(two, NULL);
    AFTER("start;grant a;grant b;started a;pause",
          "+a +b run=running a=dispatched b=dispatched a=running recall b run=paused");
    AFTER("started b", "b=running"); /* the recall came too late */
    AFTER("ok a;ok b", "a=success b=success run=success");
    end(NULL);
    begin((const struct task[]){{"a"}, {"b", "a"}, {0}}, NULL);
    drive("start;grant a;started a;pause");
    AFTER("fail a", "a=failed b=skipped skip b<a run=failed");
}

static void a_run_can_be_paused_before_it_starts(void **state)
{
    (void)state;
    begin(pair, NULL);
    AFTER("pause", "run=paused");
    refused("start", ORK_ESTATE);
    AFTER("resume", "+a run=running");
}

/* ---- cancel ----------------------------------------------------------------------------------- */

static void cancel_stops_everything(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c"}, {"d", .retries = 1}, {"e", "a"}, {"f"}, {0}}, NULL);
    drive("start;grant a;started a;grant b;grant d;fail d;grant f;ok f");
    AFTER("cancel", "kill a kill b -c c=cancelled disarm d d=cancelled e=cancelled run=running");
    AFTER("ok a", "a=cancelled"); /* it was told to stop: what it says now is no result */
    assert_int_equal(run.tasks[0].kind, ORK_KIND_CANCELLED);
    AFTER("recalled b", "b=cancelled run=cancelled");
    assert_int_equal(run.final[ORK_TASK_SUCCESS], 1); /* f ended before */
    refused("cancel", ORK_ESTATE);
}

static void a_run_that_is_over_is_not_cancelled(void **state)
{
    (void)state;
    begin(alone, NULL);
    AFTER("start;grant a;ok a", "+a run=running a=dispatched a=success run=success");
    refused("cancel", ORK_ESTATE);
}

static void finally_runs_after_cancel_and_a_second_cancel_stops_it(void **state)
{
    static const struct task tasks[] = {{"a"}, {"b", "a"}, {"tidy", .flags = ORK_TASK_FINALLY, .retries = 1}, {0}};

    (void)state;
    begin(tasks, NULL);
    AFTER("start;grant a;cancel", "+a run=running a=dispatched kill a b=cancelled run=running");
    AFTER("fail a", "a=cancelled +tidy");
    AFTER("grant tidy;started tidy;fail tidy", "tidy=dispatched tidy=running tidy=pending arm tidy 2000");
    AFTER("due tidy;grant tidy;ok tidy", "+tidy tidy=dispatched tidy=success run=cancelled");
    end(NULL);
    begin(tasks, NULL);
    drive("start;grant a;cancel;fail a;grant tidy;started tidy");
    AFTER("cancel", "kill tidy run=running");
    refused("cancel", ORK_ESTATE);
    AFTER("fail tidy", "tidy=cancelled run=cancelled");
    end(NULL);
    begin(tasks, NULL);
    drive("start;grant a;cancel;fail a");
    AFTER("cancel", "-tidy tidy=cancelled run=cancelled");
}

static void finally_waits_for_all_others(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"},
                                {"x", .flags = ORK_TASK_FINALLY},
                                {"b", "a"},
                                {"y", "x", ORK_RULE_ALL_SUCCESS, ORK_TASK_FINALLY},
                                {0}},
          NULL);
    uint32_t deps[8];
    AFTER("start", "+a run=running");
    assert_int_equal(ork_run_waits_for(&run, number(flow, "x"), deps, 8), 2);
    assert_int_equal(deps[0], number(flow, "a"));
    assert_int_equal(deps[1], number(flow, "b"));
    assert_int_equal(ork_run_waits_for(&run, number(flow, "y"), deps, 1), 3);
    assert_int_equal(deps[0], number(flow, "x"));
    AFTER("grant a;fail a", "a=dispatched a=failed b=skipped skip b<a +x");
    AFTER("grant x;fail x", "x=dispatched x=failed +y"); /* always: also after a failed one */
    AFTER("grant y;ok y", "y=dispatched y=success run=failed");
}

static void a_run_that_took_too_long_fails(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("start;grant a;cancel timeout", "+a run=running a=dispatched kill a run=running");
    refused("cancel timeout", ORK_ESTATE);
    AFTER("fail a timeout;grant tidy;ok tidy", "a=cancelled +tidy tidy=dispatched tidy=success run=failed");
}

static void cancel_of_a_paused_run_tidies_up(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("start;pause", "+a run=running -a run=paused");
    AFTER("cancel", "a=cancelled +tidy run=running");
    refused("pause", ORK_ESTATE);
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=cancelled");
}

static void cancel_before_the_start_ends_at_once(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("cancel", "a=cancelled tidy=cancelled run=cancelled");
}

static void fail_fast_cancels_the_others(void **state)
{
    (void)state;
    begin(
        (const struct task[]){
            {"a", .retries = 1}, {"b"}, {"c", "a"}, {"d", "b"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}},
        "{\"fail_fast\":true}");
    AFTER("start;grant a;grant b;fail a", "+a +b run=running a=dispatched b=dispatched a=pending arm a 2000");
    AFTER("due a;grant a;fail a", "+a a=dispatched a=failed c=skipped skip c<a kill b d=cancelled run=running");
    AFTER("fail b", "b=cancelled +tidy");
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=failed");
    AFTER("retry b",
          "b=pending d=pending tidy=pending +b run=running"); /* the old failure of a does not strike again */
    AFTER("grant b;ok b;grant d;ok d", "b=dispatched b=success +d d=dispatched d=success +tidy");
}

/* ---- retry of a run --------------------------------------------------------------------------- */

static void retry_keeps_what_succeeded(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a", .retries = 0}, {"c", "b"}, {"d", "b", ORK_RULE_ALL_DONE}, {0}}, NULL);
    drive("start;grant a;ok a;grant b;fail b;grant d;ok d");
    assert_int_equal(run.status, ORK_RUN_FAILED);
    AFTER("retry", "b=pending c=pending +b run=running");
    assert_int_equal(run.tasks[1].failures, 0);
    assert_int_equal(run.tasks[1].attempt, 1);
    AFTER("grant b;ok b;grant c;ok c", "b=dispatched b=success +c c=dispatched c=success run=success");
    assert_int_equal(run.tasks[1].attempt, 2);
    refused("retry", ORK_ESTATE);
    refused("retry a", ORK_ESTATE);
    AFTER("retry c from", "c=pending +c run=running");
    refused("retry", ORK_ESTATE); /* it runs */
}

static void retry_from_a_task_runs_all_after_it(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"x", "a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}},
          NULL);
    drive("start;grant a;ok a;grant b;ok b;grant c;ok c;grant x;fail x;grant tidy;ok tidy");
    AFTER("retry b from", "b=pending c=pending tidy=pending +b run=running");
    drive("grant b;ok b;grant c;ok c");
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=failed"); /* x was not asked for */
    AFTER("retry x", "x=pending tidy=pending +x run=running");
    AFTER("grant x;ok x", "x=dispatched x=success +tidy");
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=success");
}

static void retry_runs_finally_again(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"},
                                {"b", "a"},
                                {"tidy", .flags = ORK_TASK_FINALLY},
                                {"tell", "tidy", ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
                                {0}},
          NULL);
    drive("start;grant a;ok a;grant b;fail b;grant tidy;ok tidy;grant tell;ok tell");
    AFTER("retry", "b=pending tidy=pending tell=pending +b run=running");
    drive("grant b;ok b;grant tidy;ok tidy");
    AFTER("grant tell;fail tell", "tell=dispatched tell=failed run=failed");
    AFTER("retry", "tell=pending +tell run=running"); /* nothing ran that tidy would have to tidy up after */
}

/* ---- a part of the definition ----------------------------------------------------------------- */

static void leave_out(const char *names)
{
    uint8_t *outside = ork_zalloc(run.n);

    for (uint32_t i = 0; i < run.n; i++)
        outside[i] = strstr(names, ork_workflow_task_name(flow, i)) != NULL;
    ork_run_leave_out(&run, outside);
}

static void a_part_skips_what_is_outside(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"x"}, {0}}, NULL);
    leave_out("c x");
    AFTER("start", "+a c=skipped skip c< x=skipped skip x< run=running");
    AFTER("grant a;ok a;grant b;fail b", "a=dispatched a=success +b b=dispatched b=failed run=failed");
    AFTER("retry", "b=pending +b run=running"); /* what is outside stays there */
    AFTER("grant b;ok b", "b=dispatched b=success run=success");
    refused("retry c from", ORK_ESTATE);
    refused("retry x", ORK_ESTATE);
    AFTER("retry a from", "a=pending b=pending +a run=running");
}

static void a_task_alone_waits_for_nobody(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"},
                                {"b", "a"},
                                {"c", "a", ORK_RULE_ONE_FAILED},
                                {"d", "a", ORK_RULE_ONE_SUCCESS},
                                {"e", "a", ORK_RULE_ALL_FAILED},
                                {"z", .flags = ORK_TASK_FINALLY},
                                {0}},
          NULL);
    leave_out("a z");
    AFTER("start", "a=skipped skip a< z=skipped skip z< +b +c +d +e run=running");
    AFTER("cancel", "-b b=cancelled -c c=cancelled -d d=cancelled -e e=cancelled run=cancelled");
    AFTER("retry", "b=pending c=pending d=pending e=pending +b +c +d +e run=running");
}

static void a_part_takes_success_from_elsewhere(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {0}}, NULL);
    leave_out("a c");
    run.tasks[0].status = ORK_TASK_SUCCESS;
    AFTER("restore;start", "+b c=skipped skip c< run=running");
    AFTER("grant b;fail b", "b=dispatched b=failed run=failed");
    AFTER("restore;retry", "b=pending +b run=running");
    refused("retry a from", ORK_ESTATE);
}

static void retry_of_one_task_wakes_what_it_skipped(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c", "a"}, {"d", "b"}, {0}}, NULL);
    drive("start;grant a;fail a;grant b;fail b");
    AFTER("retry a", "a=pending c=pending +a run=running");
    AFTER("grant a;ok a;grant c;ok c", "a=dispatched a=success +c c=dispatched c=success run=failed");
}

static void retry_after_cancel_starts_afresh(void **state)
{
    (void)state;
    begin(pair, NULL);
    drive("start;grant a;cancel;fail a");
    AFTER("retry", "a=pending b=pending +a run=running");
    assert_false(run.cancelling || run.killed || run.cancel_reason);
    AFTER("grant a;ok a;grant b;ok b", "a=dispatched a=success +b b=dispatched b=success run=success");
}

/* ---- after a crash ---------------------------------------------------------------------------- */

static void restore_goes_on(void **state)
{
    static const struct task tasks[] = {
        {"a"}, {"b", "a"}, {"c", "b"}, {"d"}, {"e"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}};

    (void)state;
    begin(tasks, NULL); /* the crash came before the skips of b and c were stored */
    run.status = ORK_RUN_RUNNING;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_FAILED, .attempt = 4, .failures = 4};
    run.tasks[3] = (struct ork_run_task){.status = ORK_TASK_RUNNING, .attempt = 2};
    run.tasks[4] = (struct ork_run_task){.status = ORK_TASK_PENDING, .attempt = 1, .failures = 1, .retry_at_ms = 77};
    AFTER("restore", "b=skipped skip b<a arm e 77 c=skipped skip c<a");
    refused("started d", ORK_ESTATE); /* known already */
    AFTER("ok d", "d=success");
}

static void restore_of_a_run_whose_end_was_not_stored(void **state)
{
    (void)state;
    begin(two, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_SUCCESS;
    run.tasks[1].status = ORK_TASK_SKIPPED;
    AFTER("restore", "run=success");
}

static void restore_goes_on_cancelling(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    run.status = ORK_RUN_RUNNING;
    run.cancelling = true;
    run.cancel_reason = ORK_CANCEL_USER;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_RUNNING, .attempt = 1};
    AFTER("restore", "kill a b=cancelled");
    AFTER("fail a;grant tidy;ok tidy", "a=cancelled +tidy tidy=dispatched tidy=success run=cancelled");
}

static void restore_of_a_paused_run_recalls(void **state)
{
    (void)state;
    begin(two, NULL);
    run.status = ORK_RUN_PAUSED;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_DISPATCHED, .attempt = 1};
    AFTER("restore", "recall a");
    AFTER("recalled a;resume", "a=pending +a +b run=running");
}

/* The original paused single tasks; here resuming the run frees them. */
static void a_paused_task_is_freed_by_resume(void **state)
{
    (void)state;
    begin(pair, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_PAUSED;
    AFTER("restore", "");
    AFTER("resume", "a=pending +a");
    refused("resume", ORK_ESTATE);
    end(NULL);
    begin(pair, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_PAUSED;
    AFTER("restore;cancel", "a=cancelled b=cancelled run=cancelled");
}

static void restore_of_a_run_that_is_over_allows_retry(void **state)
{
    (void)state;
    begin(pair, NULL);
    run.status = ORK_RUN_FAILED;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_FAILED, .attempt = 1, .failures = 1};
    run.tasks[1] = (struct ork_run_task){.status = ORK_TASK_SKIPPED};
    AFTER("restore", "");
    AFTER("retry", "a=pending b=pending +a run=running");
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pause_holds_back_and_lets_finish),
        T(a_paused_run_can_end),
        T(a_run_can_be_paused_before_it_starts),
        T(cancel_stops_everything),
        T(a_run_that_is_over_is_not_cancelled),
        T(finally_runs_after_cancel_and_a_second_cancel_stops_it),
        T(finally_waits_for_all_others),
        T(a_run_that_took_too_long_fails),
        T(cancel_of_a_paused_run_tidies_up),
        T(cancel_before_the_start_ends_at_once),
        T(fail_fast_cancels_the_others),
        T(retry_keeps_what_succeeded),
        T(retry_from_a_task_runs_all_after_it),
        T(retry_of_one_task_wakes_what_it_skipped),
        T(retry_after_cancel_starts_afresh),
        T(retry_runs_finally_again),
        T(a_part_skips_what_is_outside),
        T(a_task_alone_waits_for_nobody),
        T(a_part_takes_success_from_elsewhere),
        T(restore_goes_on),
        T(restore_of_a_run_whose_end_was_not_stored),
        T(restore_goes_on_cancelling),
        T(restore_of_a_paused_run_recalls),
        T(a_paused_task_is_freed_by_resume),
        T(restore_of_a_run_that_is_over_allows_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
