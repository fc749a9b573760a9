/* SPDX-License-Identifier: MIT */
/* Schedules: a time is acted on once, by whoever comes first; overlap; the operator's switch; applying again. */
#include "store/lib_world.h"
#include <stdio.h>

#define HOUR 3600000ll
#define T0 1767225600000ll /* 2026-01-01T00:00:00Z */

static void apply(struct world *x, const char *hash, const char *schedule, int64_t next)
{
    struct ork_apply_item it = {
        .what = ORK_APPLY_PUT,
        .name = "etl",
        .workflow_id = test_id(),
        .snapshot_id = test_id(),
        .hash = TEXT(hash),
        .tasks_json = TEXT("[]"),
        .options_json = TEXT("{}"),
        .script_path = TEXT("/s/e.lua"),
        .tasks = 1,
        .schedule = {schedule, schedule ? strlen(schedule) : 0},
        .next_ms = next,
        .fire_ms = next ? next + 5 : 0,
    };
    struct ork_apply a = {.items = &it, .n = 1, .by = TEXT("test"), .now_ms = T0};
    ork_batch_add(&x->b, ORK_UNIT_APPLY)->apply = &a;
    test_apply_ok(&x->t, &x->b);
}

struct stand {
    ork_id workflow, snapshot;
    int64_t next, fire, last;
    bool enabled, waits;
    char note[100];
};

static struct stand stand(struct world *x)
{
    struct ork_param p[] = {ORK_P_TEXT("etl"), ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(1)};
    struct ork_rows *r = test_query(&x->t, ORK_Q_schedules_list, p, 4), *run = world_run(x, &x->run.run_id);
    struct stand s = {0};

    assert_int_equal(ork_rows_len(r), 1);
    assert_true(ork_rows_id(r, 0, "id", &s.workflow));
    s.next = ork_rows_time(r, 0, "next_scheduled_at");
    s.fire = ork_rows_time(r, 0, "fire_at");
    s.last = ork_rows_time(r, 0, "last_scheduled_at");
    s.enabled = ork_rows_int(r, 0, "schedule_enabled", -1) == 1;
    s.waits = ork_rows_int(r, 0, "fire_waits", -1) == 1;
    (void)snprintf(s.note, sizeof s.note, "%s",
                   ork_rows_text(r, 0, "schedule_note") ? ork_rows_text(r, 0, "schedule_note") : "");
    ork_rows_free(r);
    ork_rows_free(run);
    r = test_query(&x->t, ORK_Q_schedules_due, (struct ork_param[]){ORK_P_INT(5)}, 1);
    if (ork_rows_len(r))
        assert_true(ork_rows_id(r, 0, "snapshot_id", &s.snapshot));
    ork_rows_free(r);
    return s;
}

/* A step from `expected` on: a run for that time when run is not NULL. */
static struct ork_fire fire(struct world *x, const struct stand *s, int64_t expected, struct ork_new_run *run,
                            struct ork_fire how)
{
    struct ork_fire f = how;

    f.workflow_id = s->workflow;
    f.snapshot_id = s->snapshot;
    f.expected_ms = expected;
    f.next_ms = expected + HOUR;
    f.fire_ms = expected + HOUR + 5;
    f.now_ms = expected;
    f.run = run;
    if (run)
        *run = (struct ork_new_run){.id = test_id(),
                                    .rerun_workflow = s->workflow,
                                    .rerun_snapshot = s->snapshot,
                                    .params = TEXT("{}"),
                                    .triggered_by = TEXT("schedule"),
                                    .now_ms = expected,
                                    .logical_ms = expected,
                                    .scheduled_for_ms = expected,
                                    .tasks_total = 1};
    ork_batch_add(&x->b, ORK_UNIT_FIRE)->fire = &f;
    test_apply_ok(&x->t, &x->b);
    return f;
}

static void test_a_time_is_acted_on_once(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run run;
    world_open(&x, 1);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR);
    struct stand s = stand(&x);
    assert_true(s.enabled);
    assert_int_equal(s.next, T0 + HOUR);
    assert_int_equal(s.fire, T0 + HOUR + 5);
    assert_int_equal(fire(&x, &s, T0 + HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_RUN);
    assert_int_equal(fire(&x, &s, T0 + HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_LOST); /* somebody came first */
    struct ork_rows *r = test_query(&x.t, ORK_Q_run_of_time,
                                    (struct ork_param[]){ORK_P_TEXT("etl"), ORK_P_TEXT("2026-01-01T01:00:00.000Z")}, 2);
    assert_int_equal(ork_rows_len(r), 1);
    ork_rows_free(r);
    s = stand(&x);
    assert_int_equal(s.next, T0 + 2 * HOUR);
    assert_int_equal(s.last, T0 + HOUR);
    /* nothing but its next time */
    assert_int_equal(fire(&x, &s, T0 + 2 * HOUR, NULL, (struct ork_fire){.note = TEXT("{\"kind\":\"missed\"}")}).how,
                     ORK_FIRE_MOVED);
    s = stand(&x);
    assert_int_equal(s.next, T0 + 3 * HOUR);
    assert_int_equal(s.last, T0 + HOUR);
    assert_string_equal(s.note, "{\"kind\":\"missed\"}");
    /* another definition is current by now */
    apply(&x, "s2", "{\"every_ms\":3600000}", T0 + 9 * HOUR);
    assert_int_equal(fire(&x, &s, T0 + 3 * HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_LOST);
    world_close(&x);
}

static void test_a_time_that_has_a_run_is_passed(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run run;
    world_open(&x, 1);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR);
    struct stand s = stand(&x);
    assert_int_equal(fire(&x, &s, T0 + HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_RUN);
    struct ork_schedule_put back = {.workflow_id = s.workflow,
                                    .enabled = -1,
                                    .expected_ms = T0 + 2 * HOUR,
                                    .next_ms = T0 + HOUR,
                                    .fire_ms = T0 + HOUR,
                                    .now_ms = T0}; /* the clock was set back */
    ork_batch_add(&x.b, ORK_UNIT_SCHEDULE)->schedule = &back;
    test_apply_ok(&x.t, &x.b);
    assert_true(back.changed);
    assert_int_equal(fire(&x, &s, T0 + HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_EXISTS);
    assert_int_equal(stand(&x).next, T0 + 2 * HOUR);
    world_close(&x);
}

static void test_overlap(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run first, second;
    world_open(&x, 1);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR);
    struct stand s = stand(&x);
    struct ork_fire alone = {.alone = true, .busy_note = TEXT("{\"kind\":\"passed\"}")};
    assert_int_equal(fire(&x, &s, T0 + HOUR, &first, alone).how, ORK_FIRE_RUN); /* runs of others do not count */
    struct ork_fire f = fire(&x, &s, T0 + 2 * HOUR, &second, alone);
    assert_int_equal(f.how, ORK_FIRE_PASSED);
    assert_true(ork_id_eq(&f.busy, &first.run_id));
    assert_string_equal(stand(&x).note, "{\"kind\":\"passed\"}");
    assert_int_equal(stand(&x).next, T0 + 3 * HOUR);

    alone.wait = alone.cancel = true;
    assert_int_equal(fire(&x, &s, T0 + 3 * HOUR, &second, alone).how, ORK_FIRE_WAITS);
    assert_int_equal(fire(&x, &s, T0 + 3 * HOUR, &second, alone).how, ORK_FIRE_WAITS);
    s.next = stand(&x).next;
    assert_int_equal(s.next, T0 + 3 * HOUR); /* it stands where it was, and no timer is armed */
    assert_int_equal(stand(&x).fire, 0);
    assert_true(stand(&x).waits);
    struct ork_rows *r = test_query(&x.t, ORK_Q_commands_of_run, (struct ork_param[]){ORK_P_ID(&first.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 1); /* asked to end once */
    assert_string_equal(ork_rows_text(r, 0, "kind"), "cancel");
    ork_rows_free(r);

    world_put_run(&x, &x.run.run_id, ORK_RUN_SUCCESS, true); /* a run that is not the schedule's wakes nobody */
    assert_int_equal(stand(&x).fire, 0);
    world_put_run(&x, &first.run_id, ORK_RUN_CANCELLED, true);
    assert_int_equal(stand(&x).fire, T0 + 3 * HOUR);
    assert_int_equal(fire(&x, &s, T0 + 3 * HOUR, &second, alone).how, ORK_FIRE_RUN);
    assert_false(stand(&x).waits);
    world_close(&x);
}

static void switch_to(struct world *x, const struct stand *s, int on, int64_t next)
{
    struct ork_schedule_put p = {
        .workflow_id = s->workflow, .enabled = on, .expected_ms = -1, .next_ms = next, .fire_ms = next, .now_ms = T0};
    ork_batch_add(&x->b, ORK_UNIT_SCHEDULE)->schedule = &p;
    test_apply_ok(&x->t, &x->b);
    assert_true(p.changed);
}

static void test_the_switch_is_the_operators(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run run;
    world_open(&x, 1);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + 5 * HOUR); /* the same: what is due stays due */
    struct stand s = stand(&x);
    assert_int_equal(s.next, T0 + HOUR);
    apply(&x, "s2", "{\"every_ms\":7200000}", T0 + 6 * HOUR); /* another: from now on */
    assert_int_equal(stand(&x).next, T0 + 6 * HOUR);
    switch_to(&x, &s, 0, 0);
    s = stand(&x);
    assert_false(s.enabled);
    assert_int_equal(s.fire, 0);
    apply(&x, "s3", "{\"every_ms\":60000}", T0 + 7 * HOUR); /* off stays off */
    assert_false(stand(&x).enabled);
    assert_int_equal(stand(&x).fire, 0);
    assert_int_equal(fire(&x, &s, T0 + 7 * HOUR, &run, (struct ork_fire){0}).how, ORK_FIRE_LOST);
    switch_to(&x, &s, 1, T0 + 8 * HOUR);
    assert_true(stand(&x).enabled);
    assert_int_equal(stand(&x).fire, T0 + 8 * HOUR);
    apply(&x, "s4", NULL, 0); /* the script has no schedule any more */
    struct ork_rows *r = test_query(&x.t, ORK_Q_schedules_due, (struct ork_param[]){ORK_P_INT(5)}, 1);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    world_close(&x);
}

static void test_free_runs_and_wishes(void **state)
{
    (void)state;
    struct world x;
    struct ork_command_new c = {.id = test_id(), .kind = "retry", .by = TEXT("t"), .now_ms = T0};
    struct ork_param limit[] = {ORK_P_INT(10)};
    world_open(&x, 1);
    struct ork_rows *r = test_query(&x.t, ORK_Q_runs_free, limit, 1);
    assert_int_equal(ork_rows_len(r), 0); /* owned */
    ork_rows_free(r);
    world_put_run(&x, &x.run.run_id, ORK_RUN_RUNNING, true); /* handed over */
    r = test_query(&x.t, ORK_Q_runs_free, limit, 1);
    assert_int_equal(ork_rows_len(r), 1);
    ork_rows_free(r);
    world_put_run(&x, &x.run.run_id, ORK_RUN_FAILED, true);
    r = test_query(&x.t, ORK_Q_runs_free, limit, 1);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    c.run_id = x.run.run_id;
    ork_batch_add(&x.b, ORK_UNIT_COMMAND)->command = c;
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_commands_free, limit, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "kind"), "retry");
    ork_rows_free(r);
    world_close(&x);
}

static void test_script_errors(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR);
    ork_batch_add(&x.b, ORK_UNIT_SCRIPT_ERROR)->script_error =
        (struct ork_script_error){.path = TEXT("/s/e.lua"), .text = TEXT("e.lua:3: unexpected symbol")};
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = test_query(&x.t, ORK_Q_schedules_troubled, (struct ork_param[]){ORK_P_INT(5)}, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "script_error"), "e.lua:3: unexpected symbol");
    ork_rows_free(r);
    apply(&x, "s1", "{\"every_ms\":3600000}", T0 + HOUR); /* it loads again */
    r = test_query(&x.t, ORK_Q_schedules_troubled, (struct ork_param[]){ORK_P_INT(5)}, 1);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_time_is_acted_on_once),
    cmocka_unit_test(test_a_time_that_has_a_run_is_passed),
    cmocka_unit_test(test_overlap),
    cmocka_unit_test(test_the_switch_is_the_operators),
    cmocka_unit_test(test_free_runs_and_wishes),
    cmocka_unit_test(test_script_errors),
};
WORLD_MAIN("schedule")
