/* SPDX-License-Identifier: MIT */
/* A run moves to another definition: only as it was looked at, only if nobody lives on it; its tasks follow. */
#include "store/lib_world.h"

static struct ork_redefine redefinition(struct world *x, const ork_id *snapshot, const ork_id *workflow, int status)
{
    return (struct ork_redefine){
        .run_id = x->run.run_id,
        .workflow_id = *workflow,
        .old_snapshot = *snapshot,
        .old_status = status,
        .snapshot_id = test_id(),
        .hash = TEXT("new"),
        .tasks_json = TEXT("[]"),
        .options_json = TEXT("{}"),
        .source_json = TEXT("{}"),
        .params = TEXT("{\"day\":\"2026-01-02\"}"),
        .script_path = TEXT("/scripts/new.lua"),
        .now_ms = 1767225600000,
        .run_timeout_ms = 2500,
        .tasks_total = 4,
        .next_index = 5,
        .wish = {.id = test_id(), .run_id = x->run.run_id, .kind = "redefine", .now_ms = 1767225600000}};
}

static bool redefine(struct world *x, struct ork_redefine *r)
{
    ork_batch_add(&x->b, ORK_UNIT_REDEFINE)->redefine = r;
    test_apply_ok(&x->t, &x->b);
    return r->moved;
}

static void test_only_as_it_was(void **state)
{
    (void)state;
    struct world x;
    ork_id snapshot, workflow, got;
    world_open(&x, 3);
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &snapshot) && ork_rows_id(r, 0, "workflow_id", &workflow));
    ork_rows_free(r);
    world_put_run(&x, &x.run.run_id, ORK_RUN_FAILED, true);
    struct ork_redefine d = redefinition(&x, &snapshot, &workflow, ORK_RUN_CANCELLED);
    assert_false(redefine(&x, &d));
    r = test_query(&x.t, ORK_Q_commands_of_run, (struct ork_param[]){ORK_P_ID(&x.run.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 0); /* nothing was done */
    ork_rows_free(r);
    d = redefinition(&x, &snapshot, &workflow, ORK_RUN_FAILED);
    assert_true(redefine(&x, &d));
    r = world_run(&x, &x.run.run_id);
    assert_string_equal(ork_rows_text(r, 0, "status"), "running");
    assert_string_equal(ork_rows_text(r, 0, "params"), "{\"day\":\"2026-01-02\"}");
    assert_int_equal(ork_rows_int(r, 0, "tasks_total", 0), 4);
    assert_int_equal(ork_rows_int(r, 0, "next_task_index", 0), 5);
    assert_int_equal(ork_rows_int(r, 0, "run_timeout_ms", 0), 2500);
    assert_true(ork_rows_id(r, 0, "snapshot_id", &got) && ork_id_eq(&got, &d.snapshot_id));
    assert_true(ork_rows_id(r, 0, "scheduler_id", &got) && ork_id_eq(&got, &x.t.me));
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_commands_open, (struct ork_param[]){ORK_P_ID(&x.t.me)}, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "kind"), "redefine");
    ork_rows_free(r);
    world_close(&x);
}

/* Places change: the row is moved out of the way first. */
static void test_tasks_follow(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 3);
    ork_workflow *w = test_workflow("etl", 4);
    ork_id first = world_task(&x, 0), third = world_task(&x, 2), added = world_task(&x, 7);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){
        .id = first, .status = ORK_TASK_SUCCESS, .attempt = 1, .output = TEXT("1"), .set_output = true};
    u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task =
        (struct ork_task_put){.id = third, .status = ORK_TASK_FAILED, .attempt = 2, .failures = 2, .error = TEXT("no")};
    test_apply_ok(&x.t, &x.b);
    ork_batch_add(&x.b, ORK_UNIT_TASK_PARK)->park = (struct ork_task_park){world_task(&x, 1), -1};
    ork_batch_add(&x.b, ORK_UNIT_TASK_PARK)->park = (struct ork_task_park){first, 1000};
    ork_batch_add(&x.b, ORK_UNIT_TASK_DEFINE)->define =
        (struct ork_task_define){first, x.run.run_id, w, 1, false, false, 1767225600000};
    ork_batch_add(&x.b, ORK_UNIT_TASK_DEFINE)->define =
        (struct ork_task_define){third, x.run.run_id, w, 2, true, false, 1767225600000};
    ork_batch_add(&x.b, ORK_UNIT_TASK_DEFINE)->define =
        (struct ork_task_define){added, x.run.run_id, w, 3, false, false, 1767225600000};
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = world_tasks(&x, NULL, 9);
    static const char *const want[][3] = {
        {"t1", "success", "[\"t0\"]"}, {"t2", "pending", "[\"t1\"]"}, {"t3", "pending", "[\"t2\"]"}};
    assert_int_equal(ork_rows_len(r), 3); /* the parked one is in no list */
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(ork_rows_text(r, i, "task_name"), want[i][0]);
        assert_string_equal(ork_rows_text(r, i, "status"), want[i][1]);
        assert_string_equal(ork_rows_text(r, i, "depends_on"), want[i][2]);
    }
    assert_int_equal(ork_rows_int(r, 1, "attempt", 0), 2); /* the fence stays, the count begins anew */
    assert_int_equal(ork_rows_int(r, 1, "attempts", 9), 0);
    assert_null(ork_rows_text(r, 1, "error"));
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_task_output, (struct ork_param[]){ORK_P_ID(&x.run.run_id), ORK_P_INT(1)}, 2);
    assert_string_equal(ork_rows_text(r, 0, "output"), "1");
    ork_rows_free(r);
    ork_workflow_unref(w);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_only_as_it_was),
    cmocka_unit_test(test_tasks_follow),
};

WORLD_MAIN("redefine")
