/* SPDX-License-Identifier: MIT */
/* Tasks with items: what each rule of theirs says, one by one. */
#include "core/lib_graph.h"
#include "core/run.h"
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ITEMS 100 /* number of the first item */

static struct ork_run run;
static struct ork_effects fx;

static int go(int type, uint32_t task, bool ok)
{
    struct ork_event ev = {.type = type,
                           .task = task,
                           .attempt = task < run.len ? run.tasks[task].attempt : 0,
                           .ok = ok,
                           .failure = {.kind = ORK_KIND_EXIT, .exit_code = 1},
                           .now_ms = 1000};

    fx.len = 0;
    int rc = ork_run_step(&run, &ev, &fx);
    assert_null(ork_run_check(&run));
    return rc;
}

static uint32_t effects(int type)
{
    uint32_t n = 0;

    for (size_t i = 0; i < fx.len; i++)
        n += fx.items[i].type == type;
    return n;
}

static void begin(uint32_t count, uint32_t max_failed)
{
    ork_workflow *w = graph((const struct task[]){{"a", .flags = ORK_TASK_EACH}, {"b", "a"}, {0}}, NULL);
    struct ork_event ev = {
        .type = ORK_EV_EXPANDED, .count = count, .number = ITEMS, .max_failed = max_failed, .now_ms = 1000};

    ork_run_init(&run, w);
    ork_workflow_unref(w);
    assert_int_equal(go(ORK_EV_START, ORK_NO_TASK, false), 0);
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_null(ork_run_check(&run));
}

static int end(void **state)
{
    (void)state;
    ork_run_fini(&run);
    ork_effects_fini(&fx);
    return 0;
}

static void item(uint32_t i, bool ok)
{
    assert_int_equal(go(ORK_EV_GRANT, run.n + i, false), 0);
    assert_int_equal(go(ORK_EV_EXITED, run.n + i, ok), 0);
}

static void no_items_is_success(void **state)
{
    (void)state;
    begin(0, 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_SUCCESS);
    assert_true(run.tasks[1].flags & ORK_RT_READY);
}

static void all_are_waited_for(void **state)
{
    (void)state;
    begin(3, 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_RUNNING);
    assert_int_equal(effects(ORK_FX_READY), 3);
    item(0, true);
    item(2, true);
    assert_int_equal(run.tasks[0].status, ORK_TASK_RUNNING);
    item(1, true);
    assert_int_equal(run.tasks[0].status, ORK_TASK_SUCCESS);
    assert_true(run.tasks[1].flags & ORK_RT_READY);
}

static void so_many_may_fail(void **state)
{
    (void)state;
    begin(3, 1);
    item(0, false);
    item(1, true);
    item(2, true);
    assert_int_equal(run.tasks[0].status, ORK_TASK_SUCCESS);
}

static void beyond_that_none_starts(void **state)
{
    (void)state;
    begin(5, 1);
    item(0, false);
    assert_int_equal(go(ORK_EV_GRANT, run.n + 4, false), 0);
    item(1, false);
    assert_int_equal(effects(ORK_FX_UNREADY), 2); /* items 3 and 4; the last one is under way, and may end */
    assert_int_equal(effects(ORK_FX_RECALL), 1);
    assert_int_equal(run.tasks[0].status, ORK_TASK_RUNNING);
    assert_int_equal(go(ORK_EV_EXITED, run.n + 4, true), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
    assert_int_equal(run.tasks[1].status, ORK_TASK_SKIPPED);
    assert_true(ork_run_is_fresh(&run, run.n + 2)); /* what never began has no row */
}

static void who_had_not_begun_comes_back(void **state)
{
    (void)state;
    begin(4, 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(go(ORK_EV_GRANT, run.n + i, false), 0);
    assert_int_equal(go(ORK_EV_STARTED, run.n + 1, false), 0);
    assert_int_equal(go(ORK_EV_EXITED, run.n, false), 0);
    assert_int_equal(effects(ORK_FX_RECALL), 2); /* not the one that runs */
    assert_true(ork_run_is_unwanted(&run, run.n + 2));
    assert_false(ork_run_is_unwanted(&run, run.n + 1));
    assert_int_equal(go(ORK_EV_RECALLED, run.n + 2, false), 0);
    assert_int_equal(run.tasks[run.n + 2].status, ORK_TASK_SKIPPED);
    assert_int_equal(go(ORK_EV_EXITED, run.n + 1, true), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_RUNNING);
    assert_int_equal(go(ORK_EV_RECALLED, run.n + 3, false), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
}

static void a_retry_does_what_did_not_succeed(void **state)
{
    (void)state;
    begin(3, 0);
    item(0, true);
    item(1, false);
    assert_int_equal(run.status, ORK_RUN_FAILED);
    assert_int_equal(go(ORK_EV_RETRY, ORK_NO_TASK, false), 0);
    assert_int_equal(run.tasks[run.n].status, ORK_TASK_SUCCESS);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    assert_int_equal(effects(ORK_FX_READY), 2);
    item(1, true);
    item(2, true);
    assert_int_equal(run.tasks[run.n + 1].attempt, 2);
    assert_int_equal(run.tasks[0].status, ORK_TASK_SUCCESS);
}

static void one_item_is_retried_alone(void **state)
{
    (void)state;
    begin(3, 1);
    item(0, false);
    item(1, false);
    assert_int_equal(go(ORK_EV_RETRY, run.n + 1, false), 0);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    assert_int_equal(run.tasks[run.n].status, ORK_TASK_FAILED);
    item(1, true);
    item(2, true);
    assert_int_equal(run.tasks[0].status, ORK_TASK_SUCCESS); /* one failed, one may */
}

static void who_failed_before_does_not_stop_it(void **state)
{
    (void)state;
    begin(4, 0);
    assert_int_equal(go(ORK_EV_GRANT, run.n + 1, false), 0);
    item(0, false);
    assert_int_equal(go(ORK_EV_EXITED, run.n + 1, false), 0);
    assert_int_equal(go(ORK_EV_RETRY, run.n, false), 0);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    assert_int_equal(effects(ORK_FX_READY), 3); /* it, and what was skipped; not the other that failed */
    item(0, true);
    item(2, true);
    assert_int_equal(go(ORK_EV_GRANT, run.n + 3, false), 0);
    for (uint32_t i = 0; i < run.fans_len; i++)
        assert_int_equal(run.fans[i].kept, 1);
    assert_int_equal(go(ORK_EV_RESTORE, ORK_NO_TASK, false), 0); /* as it is after a crash */
    assert_int_equal(effects(ORK_FX_RECALL), 0);
    assert_int_equal(go(ORK_EV_EXITED, run.n + 3, true), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED); /* one did, none may */
    assert_int_equal(run.tasks[0].kind, ORK_KIND_EXIT);
}

static void another_failure_stops_it(void **state)
{
    (void)state;
    begin(4, 0);
    assert_int_equal(go(ORK_EV_GRANT, run.n + 1, false), 0);
    item(0, false);
    assert_int_equal(go(ORK_EV_EXITED, run.n + 1, false), 0);
    assert_int_equal(go(ORK_EV_RETRY, run.n, false), 0);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    item(0, false);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
}

static void who_may_fail_is_retried_too(void **state)
{
    (void)state;
    begin(3, 1);
    item(0, false);
    item(1, true);
    item(2, true);
    assert_int_equal(go(ORK_EV_GRANT, 1, false), 0); /* the task after it */
    assert_int_equal(go(ORK_EV_EXITED, 1, true), 0);
    assert_int_equal(run.status, ORK_RUN_SUCCESS);
    assert_int_equal(go(ORK_EV_RETRY, run.n + 1, false), ORK_ESTATE);
    assert_int_equal(go(ORK_EV_RETRY, run.n, false), 0);
    assert_int_equal(effects(ORK_FX_UNMAPPED), 0);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    assert_int_equal(effects(ORK_FX_READY), 1);
    item(0, true);
    assert_int_equal(run.fans[0].final[ORK_TASK_SUCCESS], 3);
    assert_int_equal(run.tasks[1].attempt, 1); /* what came after is not repeated */
    assert_int_equal(run.status, ORK_RUN_SUCCESS);
}

static void from_a_task_on_its_list_is_made_again(void **state)
{
    struct ork_event ev = {.type = ORK_EV_RETRY, .task = 0, .from = true, .now_ms = 1000};

    (void)state;
    begin(2, 0);
    item(0, true);
    item(1, false);
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(effects(ORK_FX_UNMAPPED), 1);
    assert_null(ork_run_fan(&run, 0));
}

static void none_is_left_pending(void **state)
{
    (void)state;
    begin(3, 0);
    item(0, true);
    item(1, false);
    assert_int_equal(go(ORK_EV_RETRY, ORK_NO_TASK, false), 0);
    assert_int_equal(run.tasks[run.n + 1].status, ORK_TASK_PENDING);
    assert_int_equal(go(ORK_EV_WHEN_FALSE, 0, false), 0);
    assert_int_equal(run.tasks[0].cause, ORK_NO_TASK); /* not its items */
    assert_int_equal(run.tasks[run.n + 1].status, ORK_TASK_SKIPPED);
    assert_true(ork_run_is_fresh(&run, run.n + 2));
}

static void nor_beyond_the_window(void **state)
{
    const uint32_t count = ORK_FAN_WINDOW + 88;

    (void)state;
    begin(count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(ork_run_step(&run, &(struct ork_event){.type = ORK_EV_GRANT, .task = run.n + i}, &fx), 0);
    const struct ork_event cancel = {.type = ORK_EV_CANCEL, .reason = ORK_CANCEL_USER};
    assert_int_equal(ork_run_step(&run, &cancel, &fx), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(go(ORK_EV_EXITED, run.n + i, false), 0);
    assert_int_equal(run.status, ORK_RUN_CANCELLED);
    run.fans[0].max_failed = 0;
    assert_int_equal(go(ORK_EV_RETRY, ORK_NO_TASK, false), 0);
    assert_int_equal(go(ORK_EV_EXPANDED, 0, false), 0);
    item(0, false);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
    assert_int_equal(run.tasks[run.n + count - 1].status, ORK_TASK_SKIPPED);
}

static void few_of_many_are_in_the_queue(void **state)
{
    (void)state;
    begin(ORK_FAN_MAX, 0);
    assert_int_equal(effects(ORK_FX_READY), ORK_FAN_WINDOW);
    assert_int_equal(effects(ORK_FX_CHANGED), 1); /* the task's; no item has a row */
    assert_int_equal(go(ORK_EV_GRANT, run.n, false), 0);
    assert_int_equal(effects(ORK_FX_READY), 1); /* the end and the start of one cost what one costs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_items_is_success, end),
        cmocka_unit_test_teardown(all_are_waited_for, end),
        cmocka_unit_test_teardown(so_many_may_fail, end),
        cmocka_unit_test_teardown(beyond_that_none_starts, end),
        cmocka_unit_test_teardown(who_had_not_begun_comes_back, end),
        cmocka_unit_test_teardown(a_retry_does_what_did_not_succeed, end),
        cmocka_unit_test_teardown(one_item_is_retried_alone, end),
        cmocka_unit_test_teardown(who_failed_before_does_not_stop_it, end),
        cmocka_unit_test_teardown(another_failure_stops_it, end),
        cmocka_unit_test_teardown(who_may_fail_is_retried_too, end),
        cmocka_unit_test_teardown(from_a_task_on_its_list_is_made_again, end),
        cmocka_unit_test_teardown(none_is_left_pending, end),
        cmocka_unit_test_teardown(nor_beyond_the_window, end),
        cmocka_unit_test_teardown(few_of_many_are_in_the_queue, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
