/* SPDX-License-Identifier: MIT */
/* Runs: created, found, claimed, changed, listed. */
#include "store/lib_world.h"
#include <stdio.h>

static void test_run_created(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 3);
    assert_int_equal(x.run.how, ORK_CREATED);
    struct ork_param p[] = {ORK_P_ID(&x.run.run_id)};
    struct ork_rows *r = test_query(&x.t, ORK_Q_run_get, p, 1);
    ork_id id;
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "workflow"), "etl");
    assert_string_equal(ork_rows_text(r, 0, "status"), "pending");
    assert_string_equal(ork_rows_text(r, 0, "params"), "{\"day\":\"2026-01-01\"}");
    assert_string_equal(ork_rows_text(r, 0, "description"), "a test");
    assert_string_equal(ork_rows_text(r, 0, "created_at"), "2026-01-01T00:00:00.000Z");
    assert_int_equal(ork_rows_time(r, 0, "logical_at"), 1767225600000);
    assert_int_equal(ork_rows_int(r, 0, "tasks_total", -1), 3);
    assert_int_equal(ork_rows_int(r, 0, "run_timeout_ms", -1), -1);
    assert_string_equal(ork_rows_text(r, 0, "owner_state"), "live");
    assert_true(ork_rows_id(r, 0, "scheduler_id", &id));
    assert_true(ork_id_eq(&id, &x.t.me));
    assert_true(ork_rows_id(r, 0, "snapshot_id", &id));
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_snapshot_get, (struct ork_param[]){ORK_P_ID(&id)}, 1);
    assert_string_equal(ork_rows_text(r, 0, "hash"), "0000");
    assert_string_equal(ork_rows_text(r, 0, "source"), "{\"main\":\"t.lua\"}");
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_tasks_list, (struct ork_param[]){p[0], ORK_P_NULL, ORK_P_NULL, ORK_P_INT(10)}, 4);
    assert_int_equal(ork_rows_len(r), 3);
    assert_string_equal(ork_rows_text(r, 2, "task_name"), "t2");
    assert_string_equal(ork_rows_text(r, 2, "depends_on"), "[\"t1\"]");
    assert_string_equal(ork_rows_text(r, 2, "executor_type"), "process");
    assert_string_equal(ork_rows_text(r, 2, "status"), "pending");
    ork_task_id(&x.run.run_id, 2, &id);
    ork_id got;
    assert_true(ork_rows_id(r, 2, "id", &got) && ork_id_eq(&id, &got));
    ork_rows_free(r);
    world_close(&x);
}

static void test_workflow_and_snapshot_are_found_again(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_new_run same, other;
    ork_id first, workflow, got;
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &first) && ork_rows_id(r, 0, "workflow_id", &workflow));
    ork_rows_free(r);
    test_new_run(&same, x.w);
    world_create(&x, &same);
    assert_int_equal(same.how, ORK_CREATED);
    assert_true(ork_id_eq(&same.run_id, &same.id));
    r = world_run(&x, &same.run_id);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &got) && ork_id_eq(&got, &first));
    assert_true(ork_rows_id(r, 0, "workflow_id", &got) && ork_id_eq(&got, &workflow));
    ork_rows_free(r);
    test_new_run(&other, x.w);
    other.hash = TEXT("1111");
    world_create(&x, &other);
    r = world_run(&x, &other.run_id);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &got) && ork_id_eq(&got, &other.snapshot_id));
    assert_true(ork_rows_id(r, 0, "workflow_id", &got) && ork_id_eq(&got, &workflow));
    ork_rows_free(r);
    world_close(&x);
}

static void test_key_names_one_run(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_new_run first, again;
    test_new_run(&first, x.w);
    first.key = TEXT("order-1");
    world_create(&x, &first);
    assert_int_equal(first.how, ORK_CREATED);
    test_new_run(&again, x.w);
    again.key = TEXT("order-1");
    world_create(&x, &again);
    assert_int_equal(again.how, ORK_OWNED);
    assert_true(ork_id_eq(&again.run_id, &first.run_id) && ork_id_eq(&again.owner, &x.t.me));
    world_put_run(&x, &first.run_id, ORK_RUN_RUNNING, true);
    world_create(&x, &again);
    assert_int_equal(again.how, ORK_RESUMED);
    struct ork_rows *r = world_run(&x, &first.run_id);
    ork_id owner;
    assert_true(ork_rows_id(r, 0, "scheduler_id", &owner) && ork_id_eq(&owner, &x.t.me));
    ork_rows_free(r);
    world_put_run(&x, &first.run_id, ORK_RUN_FAILED, true);
    world_create(&x, &again);
    assert_int_equal(again.how, ORK_FINISHED);
    assert_true(ork_id_eq(&again.run_id, &first.run_id));
    r = test_query(&x.t, ORK_Q_runs_list,
                   (struct ork_param[]){ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_INT(99)}, 6);
    assert_int_equal(ork_rows_len(r), 2);
    ork_rows_free(r);
    world_close(&x);
}

/* Two that fire the same instant of a schedule make one run. */
static void test_scheduled_instant_is_one_run(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_new_run a, b;
    test_new_run(&a, x.w);
    test_new_run(&b, x.w);
    a.scheduled_for_ms = b.scheduled_for_ms = 1767225600000;
    world_create(&x, &a);
    world_create(&x, &b);
    assert_int_equal(b.how, ORK_OWNED);
    assert_true(ork_id_eq(&a.run_id, &b.run_id));
    world_close(&x);
}

static void test_resume_takes_the_same_run_only(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    world_put_run(&x, &x.run.run_id, ORK_RUN_RUNNING, true);
    struct ork_new_run c;
    static const struct {
        const char *params, *by, *hash;
    } others[] = {
        {"{\"day\":\"2026-01-02\"}", "manual", "0000"},
        {"{\"day\":\"2026-01-01\"}", "schedule", "0000"},
        {"{\"day\":\"2026-01-01\"}", "manual", "2222"},
    };
    for (size_t i = 0; i < 3; i++) {
        test_new_run(&c, x.w);
        c.resume = true;
        c.params = TEXT(others[i].params);
        c.triggered_by = TEXT(others[i].by);
        c.hash = TEXT(others[i].hash);
        world_create(&x, &c);
        assert_int_equal(c.how, ORK_CREATED);
    }
    test_new_run(&c, x.w);
    world_create(&x, &c); /* without resume: a new one */
    assert_int_equal(c.how, ORK_CREATED);
    test_new_run(&c, x.w);
    c.resume = true;
    world_create(&x, &c);
    assert_int_equal(c.how, ORK_RESUMED);
    assert_true(ork_id_eq(&c.run_id, &x.run.run_id));
    test_new_run(&c, x.w);
    c.resume = true;
    world_create(&x, &c); /* now it is owned: passed by */
    assert_int_equal(c.how, ORK_CREATED);
    world_close(&x);
}

static void test_rerun_uses_the_old_snapshot(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_new_run c;
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    ork_id got;
    test_new_run(&c, x.w);
    c.workflow = NULL;
    c.rerun_of = x.run.run_id;
    assert_true(ork_rows_id(r, 0, "snapshot_id", &c.rerun_snapshot) &&
                ork_rows_id(r, 0, "workflow_id", &c.rerun_workflow));
    ork_rows_free(r);
    world_create(&x, &c);
    assert_int_equal(c.how, ORK_CREATED);
    r = world_run(&x, &c.run_id);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &got) && ork_id_eq(&got, &c.rerun_snapshot));
    assert_true(ork_rows_id(r, 0, "rerun_of", &got) && ork_id_eq(&got, &x.run.run_id));
    assert_string_equal(ork_rows_text(r, 0, "workflow"), "etl");
    ork_rows_free(r);
    world_close(&x);
}

static void test_run_put(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_RUN);
    u->run = (struct ork_run_put){.id = x.run.run_id,
                                  .status = ORK_RUN_FAILED,
                                  .started_ms = 1767225600001,
                                  .finished_ms = 1767225600999,
                                  .error = TEXT("task t0 failed"),
                                  .cancel_reason = ORK_CANCEL_TIMEOUT,
                                  .killed = true,
                                  .release = true};
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    ork_id id;
    assert_string_equal(ork_rows_text(r, 0, "status"), "failed");
    assert_string_equal(ork_rows_text(r, 0, "started_at"), "2026-01-01T00:00:00.001Z");
    assert_int_equal(ork_rows_time(r, 0, "finished_at"), 1767225600999);
    assert_string_equal(ork_rows_text(r, 0, "error"), "task t0 failed");
    assert_int_equal(ork_rows_int(r, 0, "cancel_reason", -1), ORK_CANCEL_TIMEOUT);
    assert_int_equal(ork_rows_int(r, 0, "killed", -1), 1);
    assert_false(ork_rows_id(r, 0, "scheduler_id", &id));
    ork_rows_free(r);
    world_put_run(&x, &x.run.run_id, ORK_RUN_RUNNING, false); /* zeros are NULL again */
    r = world_run(&x, &x.run.run_id);
    assert_null(ork_rows_text(r, 0, "finished_at"));
    assert_null(ork_rows_text(r, 0, "error"));
    assert_int_equal(ork_rows_time(r, 0, "started_at"), 0);
    ork_rows_free(r);
    world_close(&x);
}

static void test_claim(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_claim c = {.run_id = x.run.run_id};
    ork_batch_add(&x.b, ORK_UNIT_CLAIM)->claim = &c;
    test_apply_ok(&x.t, &x.b);
    assert_true(c.claimed); /* mine already */
    world_put_run(&x, &x.run.run_id, ORK_RUN_FAILED, true);
    ork_batch_add(&x.b, ORK_UNIT_CLAIM)->claim = &c;
    test_apply_ok(&x.t, &x.b);
    assert_true(c.claimed);
    assert_int_equal(c.status, ORK_RUN_FAILED);
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    assert_string_equal(ork_rows_text(r, 0, "owner_state"), "live");
    ork_rows_free(r);
    c.run_id = test_id(); /* no such run */
    ork_batch_add(&x.b, ORK_UNIT_CLAIM)->claim = &c;
    test_apply_ok(&x.t, &x.b);
    assert_false(c.claimed);
    assert_int_equal(c.status, -1);
    world_close(&x);
}

static void test_lists_and_pages(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    ork_workflow *other = test_workflow("other", 1);
    struct ork_new_run c;
    for (int i = 1; i < 10; i++) {
        test_new_run(&c, i % 3 ? x.w : other);
        c.now_ms += i / 2; /* pairs of equal times: the id decides */
        world_create(&x, &c);
        if (i % 2)
            world_put_run(&x, &c.run_id, ORK_RUN_SUCCESS, true);
    }
    struct ork_param p[] = {ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_INT(4)};
    char at[32] = "";
    ork_id last;
    size_t seen = 0;
    for (;;) {
        struct ork_rows *r = test_query(&x.t, ORK_Q_runs_list, p, 6);
        size_t n = ork_rows_len(r);
        for (size_t i = 0; i < n; i++) {
            ork_id id;
            const char *created = ork_rows_text(r, i, "created_at");
            assert_true(ork_rows_id(r, i, "id", &id));
            if (seen++) {
                int d = strcmp(created, at);
                assert_true(d < 0 || (d == 0 && memcmp(id.b, last.b, 16) < 0));
            }
            (void)snprintf(at, sizeof at, "%s", created);
            last = id;
        }
        ork_rows_free(r);
        if (n < 4)
            break;
        p[3] = ORK_P_TEXT(at);
        p[4] = ORK_P_ID(&last);
    }
    assert_int_equal(seen, 10);
    static const struct {
        const char *workflow, *status, *since;
        size_t n;
    } cases[] = {
        {NULL, "success", NULL, 5},    {NULL, "success,pending", NULL, 10}, {"other", NULL, NULL, 3},
        {"other", "success", NULL, 2}, {"nobody", NULL, NULL, 0},           {NULL, NULL, "2026-01-01T00:00:00.002Z", 6},
        {"etl", "failed", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_rows *r =
            test_query(&x.t, ORK_Q_runs_list,
                       (struct ork_param[]){ORK_P_TEXT(cases[i].workflow), ORK_P_TEXT(cases[i].status),
                                            ORK_P_TEXT(cases[i].since), ORK_P_NULL, ORK_P_NULL, ORK_P_INT(99)},
                       6);
        if (ork_rows_len(r) != cases[i].n)
            fail_msg("case %zu: %zu rows", i, ork_rows_len(r));
        ork_rows_free(r);
    }
    struct ork_rows *r = test_query(&x.t, ORK_Q_run_last, NULL, 0);
    ork_id id;
    assert_true(ork_rows_id(r, 0, "id", &id) && ork_id_eq(&id, &c.run_id));
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_runs_of_workflow, (struct ork_param[]){ORK_P_TEXT("etl"), ORK_P_INT(6)}, 2);
    assert_true(ork_rows_id(r, 0, "id", &id) && ork_id_eq(&id, &x.run.run_id));
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_waiting_runs, NULL, 0);
    assert_int_equal(ork_rows_len(r), 5);
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_runs_mine, (struct ork_param[]){ORK_P_ID(&x.t.me)}, 1);
    assert_int_equal(ork_rows_len(r), 5);
    ork_rows_free(r);
    world_put_run(&x, &x.run.run_id, ORK_RUN_RUNNING, true);
    r = test_query(&x.t, ORK_Q_runs_orphans, NULL, 0);
    assert_int_equal(ork_rows_len(r), 1);
    ork_rows_free(r);
    ork_workflow_unref(other);
    world_close(&x);
}

static void test_runs_are_found_by_digits(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    char hex[33] = "";
    for (int i = 0; i < 16; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", x.run.run_id.b[i]);
    for (size_t n = 4; n <= 32; n++) {
        char begin[33];
        (void)snprintf(begin, sizeof begin, "%.*s", (int)n, hex);
        struct ork_rows *r = test_query(&x.t, ORK_Q_runs_match,
                                        (struct ork_param[]){ORK_P_TEXT(begin), ORK_P_TEXT("x"), ORK_P_INT(5)}, 3);
        assert_int_equal(ork_rows_len(r), 1);
        ork_rows_free(r);
        r = test_query(&x.t, ORK_Q_runs_match,
                       (struct ork_param[]){ORK_P_TEXT("x"), ORK_P_TEXT(hex + 32 - n), ORK_P_INT(5)}, 3);
        assert_int_equal(ork_rows_len(r), 1);
        assert_string_equal(ork_rows_text(r, 0, "workflow"), "etl");
        ork_rows_free(r);
    }
    struct ork_rows *r = test_query(&x.t, ORK_Q_runs_match,
                                    (struct ork_param[]){ORK_P_TEXT("ffff"), ORK_P_TEXT("zzzzzzzzz"), ORK_P_INT(5)}, 3);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_run_created),
    cmocka_unit_test(test_workflow_and_snapshot_are_found_again),
    cmocka_unit_test(test_key_names_one_run),
    cmocka_unit_test(test_scheduled_instant_is_one_run),
    cmocka_unit_test(test_resume_takes_the_same_run_only),
    cmocka_unit_test(test_rerun_uses_the_old_snapshot),
    cmocka_unit_test(test_run_put),
    cmocka_unit_test(test_claim),
    cmocka_unit_test(test_lists_and_pages),
    cmocka_unit_test(test_runs_are_found_by_digits),
};

WORLD_MAIN("runs")
