/* SPDX-License-Identifier: MIT */
/* What each unit writes, and what the queries give back. Every case runs on a file and in memory. */
#include "store/lib_store.h"

static const char *place; /* "" memory, else a file name */

struct world {
    struct test_store t;
    ork_workflow *w;
    struct ork_new_run run;
    struct ork_batch b;
};

static void world_open(struct world *x, uint32_t tasks)
{
    static int serial;
    char name[32] = "";
    if (place[0])
        (void)snprintf(name, sizeof name, "%s%d.db", place, serial++);
    char *url = test_url(name);
    memset(x, 0, sizeof *x);
    test_open(&x->t, url);
    test_register(&x->t);
    x->w = test_workflow("etl", tasks);
    test_make_run(&x->t, x->w, &x->run);
    ork_free(url);
}

static void world_close(struct world *x)
{
    ork_batch_fini(&x->b);
    ork_workflow_unref(x->w);
    test_close(&x->t);
}

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_run_created),
};

int main(void)
{
    place = "units";
    int failed = cmocka_run_group_tests_name("units on a file", tests, NULL, NULL);
    place = "";
    return failed + cmocka_run_group_tests_name("units in memory", tests, NULL, NULL);
}
