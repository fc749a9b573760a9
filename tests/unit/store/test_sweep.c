/* SPDX-License-Identifier: MIT */
/* Removing runs: a part per commit, found by nobody once begun, never what lives, and nothing left behind. */
#include "store/lib_world.h"
#include <stdio.h>

static void sweep(struct world *x, struct ork_sweep_run *runs, size_t n, uint32_t rows, int64_t before,
                  struct ork_sweep *out)
{
    *out = (struct ork_sweep){.runs = runs, .n = n, .rows = rows, .before_ms = before, .now_ms = 1767225600000};
    ork_batch_add(&x->b, ORK_UNIT_SWEEP)->sweep = out;
    test_apply_ok(&x->t, &x->b);
}

/* What the tables hold, in one number per table. */
static void assert_left(struct world *x, int64_t runs, int64_t tasks)
{
    struct ork_rows *r = test_query(&x->t, ORK_Q_workflows_list,
                                    (struct ork_param[]){ORK_P_TEXT("etl"), ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(1)}, 4);
    assert_int_equal(ork_rows_int(r, 0, "runs", -1), runs);
    ork_rows_free(r);
    r = world_tasks(x, NULL, 100000);
    assert_int_equal(ork_rows_len(r), tasks);
    ork_rows_free(r);
}

static void put_attempts(struct world *x, uint32_t tasks)
{
    for (uint32_t i = 0; i < tasks; i++) {
        struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_ATTEMPT);
        char id[ORK_ID_TEXT], path[100];
        ork_id_format(&x->run.run_id, id);
        (void)snprintf(path, sizeof path, "/data/logs/%s/%u.1.log", id, i);
        u->attempt = (struct ork_attempt_put){.task_id = world_task(x, i),
                                              .attempt = 1,
                                              .status = ORK_TASK_SUCCESS,
                                              .exit_code = 0,
                                              .log_path = TEXT(path)};
        u = ork_batch_add(&x->b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){.run_id = x->run.run_id, .at_ms = 1, .data = TEXT("[]")};
        test_apply_ok(&x->t, &x->b);
    }
}

static void test_gone_at_once(void **state)
{
    (void)state;
    struct world x;
    struct ork_sweep s;
    world_open(&x, 3);
    put_attempts(&x, 3);
    struct ork_sweep_run r = {.id = x.run.run_id};
    sweep(&x, &r, 1, 1000, 0, &s); /* it runs */
    assert_int_equal(r.how, ORK_SWEEP_KEPT);
    assert_left(&x, 1, 3);
    world_put_run(&x, &r.id, ORK_RUN_SUCCESS, false);
    sweep(&x, &r, 1, 1000, 0, &s); /* it ended, but is mine still: somebody retries it */
    assert_int_equal(r.how, ORK_SWEEP_KEPT);
    world_put_run(&x, &r.id, ORK_RUN_SUCCESS, true);
    sweep(&x, &r, 1, 1000, 1, &s); /* it ended too late */
    assert_int_equal(r.how, ORK_SWEEP_KEPT);
    sweep(&x, &r, 1, 1000, 0, &s);
    assert_int_equal(r.how, ORK_SWEEP_GONE);
    assert_int_equal(s.tasks, 3);
    assert_true(s.removed >= 3 + 3 + 3 + 1);
    assert_non_null(r.dir);
    assert_memory_equal(r.dir, "/data/logs/", 11);
    ork_free(r.dir);
    assert_left(&x, 0, 0);
    /* its folder is noted until somebody says that it is gone */
    struct ork_rows *rows = test_query(&x.t, ORK_Q_remains_list, (struct ork_param[]){ORK_P_NULL, ORK_P_INT(9)}, 2);
    assert_int_equal(ork_rows_len(rows), 1);
    ork_rows_free(rows);
    struct ork_forget f = {&r.id, 1};
    ork_batch_add(&x.b, ORK_UNIT_FORGET)->forget = &f;
    test_apply_ok(&x.t, &x.b);
    rows = test_query(&x.t, ORK_Q_remains_list, (struct ork_param[]){ORK_P_NULL, ORK_P_INT(9)}, 2);
    assert_int_equal(ork_rows_len(rows), 0);
    ork_rows_free(rows);
    r = (struct ork_sweep_run){.id = x.run.run_id};
    sweep(&x, &r, 1, 1000, 0, &s); /* again: nothing to do, no error */
    assert_int_equal(r.how, ORK_SWEEP_KEPT);
    world_close(&x);
}

static bool found(struct world *x, enum ork_query q, const struct ork_param *p, size_t n)
{
    struct ork_rows *r = test_query(&x->t, q, p, n);
    bool any = ork_rows_len(r) > 0;
    ork_rows_free(r);
    return any;
}

/* Between the first and the last commit the run is half there, and invisible in every way of finding one. */
static void test_a_part_at_a_time(void **state)
{
    (void)state;
    struct world x;
    struct ork_sweep s;
    unsigned commits = 0;
    char hex[33] = "", id[ORK_ID_TEXT];
    world_open(&x, 50);
    put_attempts(&x, 50);
    world_put_run(&x, &x.run.run_id, ORK_RUN_FAILED, true);
    ork_id_format(&x.run.run_id, id);
    for (size_t i = 0, n = 0; id[i]; i++)
        if (id[i] != '-')
            hex[n++] = id[i];
    struct ork_sweep_run r = {.id = x.run.run_id};
    const struct ork_param one[] = {ORK_P_ID(&r.id)}, match[] = {ORK_P_TEXT(hex), ORK_P_TEXT(hex), ORK_P_INT(5)},
                           newest[] = {ORK_P_TEXT("etl"), ORK_P_INT(0)};
    do {
        sweep(&x, &r, 1, 20, 0, &s);
        assert_true(s.removed > 0 && s.removed <= 23); /* a task and its attempt may cross the bound */
        commits++;
        for (int i = 0; i < 4; i++) {
            struct ork_param list[] = {i & 1 ? ORK_P_TEXT("etl") : ORK_P_NULL,
                                       i & 2 ? ORK_P_TEXT("failed") : ORK_P_NULL,
                                       ORK_P_NULL,
                                       ORK_P_NULL,
                                       ORK_P_NULL,
                                       ORK_P_INT(9)};
            assert_false(found(&x, ORK_Q_runs_list, list, 6));
        }
        assert_false(found(&x, ORK_Q_run_get, one, 1));
        assert_false(found(&x, ORK_Q_runs_match, match, 3));
        assert_false(found(&x, ORK_Q_runs_of_workflow, newest, 2));
        assert_false(found(&x, ORK_Q_run_last, NULL, 0));
        struct ork_claim c = {.run_id = r.id};
        ork_batch_add(&x.b, ORK_UNIT_CLAIM)->claim = &c;
        test_apply_ok(&x.t, &x.b);
        assert_false(c.claimed);
        assert_int_equal(found(&x, ORK_Q_runs_doomed, (struct ork_param[]){ORK_P_INT(9)}, 1), r.how != ORK_SWEEP_GONE);
    } while (r.how != ORK_SWEEP_GONE);
    assert_true(commits >= 150 / 23);
    ork_free(r.dir);
    assert_left(&x, 0, 0);
    world_close(&x);
}

/* The key of a run that is being removed is free for another. */
static void test_the_key_is_free(void **state)
{
    (void)state;
    struct world x;
    struct ork_sweep s;
    struct ork_new_run c, again;
    world_open(&x, 1);
    test_new_run(&c, x.w);
    c.key = TEXT("nightly");
    world_create(&x, &c);
    world_put_run(&x, &c.run_id, ORK_RUN_SUCCESS, true);
    struct ork_sweep_run r = {.id = c.run_id};
    sweep(&x, &r, 1, 1, 0, &s);
    assert_int_equal(r.how, ORK_SWEEP_LATER);
    test_new_run(&again, x.w);
    again.key = TEXT("nightly");
    world_create(&x, &again);
    assert_int_equal(again.how, ORK_CREATED);
    world_close(&x);
}

/* An unfinished rerun takes results over from it. */
static void test_needed_by_another(void **state)
{
    (void)state;
    struct world x;
    struct ork_sweep s;
    struct ork_new_run c;
    world_open(&x, 1);
    world_put_run(&x, &x.run.run_id, ORK_RUN_SUCCESS, true);
    test_new_run(&c, x.w);
    c.rerun_of = x.run.run_id;
    world_create(&x, &c);
    struct ork_sweep_run r = {.id = x.run.run_id};
    sweep(&x, &r, 1, 1000, 0, &s);
    assert_int_equal(r.how, ORK_SWEEP_KEPT);
    world_put_run(&x, &c.run_id, ORK_RUN_SUCCESS, true);
    sweep(&x, &r, 1, 1000, 0, &s);
    assert_int_equal(r.how, ORK_SWEEP_GONE);
    ork_free(r.dir);
    world_close(&x);
}

static void test_old_ones(void **state)
{
    (void)state;
    struct world x;
    ork_id ids[6], workflow;
    world_open(&x, 1);
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    assert_true(ork_rows_id(r, 0, "workflow_id", &workflow));
    ork_rows_free(r);
    for (int i = 0; i < 6; i++) {
        struct ork_new_run c;
        test_new_run(&c, x.w);
        c.now_ms = 1767225600000 + 1000 * (i + 1);
        world_create(&x, &c);
        ids[i] = c.run_id;
        struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_RUN);
        u->run = (struct ork_run_put){.id = c.run_id,
                                      .status = i == 2 ? ORK_RUN_RUNNING : ORK_RUN_SUCCESS,
                                      .finished_ms = i == 2 ? 0 : c.now_ms + 500,
                                      .release = i != 2};
        test_apply_ok(&x.t, &x.b);
    }
    struct ork_param all[] = {ORK_P_ID(&workflow), ORK_P_NULL, ORK_P_NULL,  ORK_P_NULL,
                              ORK_P_NULL,          ORK_P_NULL, ORK_P_INT(3)};
    r = test_query(&x.t, ORK_Q_runs_old, all, 7);
    ork_id id;
    assert_int_equal(ork_rows_len(r), 3); /* a page, oldest first, not the one that runs */
    assert_true(ork_rows_id(r, 2, "id", &id) && ork_id_eq(&id, &ids[3]));
    all[4] = ORK_P_TEXT(ork_rows_text(r, 2, "created_at"));
    all[5] = ORK_P_ID(&ids[3]);
    struct ork_rows *next = test_query(&x.t, ORK_Q_runs_old, all, 7);
    assert_int_equal(ork_rows_len(next), 2);
    ork_rows_free(next);
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_run_nth, (struct ork_param[]){ORK_P_ID(&workflow), ORK_P_INT(1)}, 2); /* keep 2 */
    assert_true(ork_rows_id(r, 0, "id", &id) && ork_id_eq(&id, &ids[4]));
    struct ork_param kept[] = {ORK_P_ID(&workflow), ORK_P_NULL, ORK_P_TEXT(ork_rows_text(r, 0, "created_at")),
                               ORK_P_ID(&id)};
    struct ork_rows *n = test_query(&x.t, ORK_Q_runs_old_count, kept, 4);
    assert_int_equal(ork_rows_int(n, 0, "runs", 0), 3);
    assert_int_equal(ork_rows_int(n, 0, "tasks", 0), 3);
    ork_rows_free(n);
    kept[1] = ORK_P_TEXT("2026-01-01T00:00:02.000Z");
    n = test_query(&x.t, ORK_Q_runs_old_count, kept, 4);
    assert_int_equal(ork_rows_int(n, 0, "runs", 0), 1);
    ork_rows_free(n);
    ork_rows_free(r);
    world_close(&x);
}

static void test_discard(void **state)
{
    (void)state;
    struct world x;
    struct ork_sweep s;
    struct ork_new_run c;
    ork_id workflow;
    world_open(&x, 1);
    struct ork_rows *r = world_run(&x, &x.run.run_id);
    assert_true(ork_rows_id(r, 0, "workflow_id", &workflow));
    ork_rows_free(r);
    test_new_run(&c, x.w);
    c.hash = TEXT("1111");
    world_create(&x, &c);
    struct ork_discard d = {.workflow_id = workflow, .rows = 50, .workflow = true};
    ork_batch_add(&x.b, ORK_UNIT_DISCARD)->discard = &d;
    test_apply_ok(&x.t, &x.b);
    assert_true(d.removed == 0 && !d.gone); /* runs refer to them */
    world_put_run(&x, &c.run_id, ORK_RUN_SUCCESS, true);
    world_put_run(&x, &x.run.run_id, ORK_RUN_SUCCESS, true);
    struct ork_sweep_run runs[] = {{.id = c.run_id}, {.id = x.run.run_id}};
    sweep(&x, runs, 1, 1000, 0, &s);
    ork_batch_add(&x.b, ORK_UNIT_DISCARD)->discard = &d;
    test_apply_ok(&x.t, &x.b);
    assert_true(d.removed == 1 && !d.gone);
    sweep(&x, runs, 2, 1000, 0, &s);
    assert_int_equal(runs[1].how, ORK_SWEEP_GONE);
    ork_batch_add(&x.b, ORK_UNIT_DISCARD)->discard = &d;
    test_apply_ok(&x.t, &x.b);
    assert_true(d.gone);
    assert_false(
        found(&x, ORK_Q_workflows_list, (struct ork_param[]){ORK_P_NULL, ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(9)}, 4));
    world_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_at_once),    cmocka_unit_test(test_a_part_at_a_time),
        cmocka_unit_test(test_the_key_is_free), cmocka_unit_test(test_needed_by_another),
        cmocka_unit_test(test_old_ones),        cmocka_unit_test(test_discard),
    };
    world_place = "sweep";
    return TEST_ON_ALL("sweep", tests);
}
