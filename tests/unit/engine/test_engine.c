/* SPDX-License-Identifier: MIT */
/* The engine on a real store and a real agent: what a run leaves in the database. */
#include "lib_engine.h"
#include <stdio.h>
#include <stdlib.h>

static void runs_a_chain(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("chain", NULL);

    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    task(f, "b", "{\"command\":[\"/bin/true\"]}", "a");
    task(f, "c", "{\"command\":\"echo hello\"}", "b");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status||attempt||attempts) FROM tasks", "success10,success10,success10");
    assert_query(w, "SELECT status FROM runs", "success");
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='c'", "hello\n");
    assert_query(w, "SELECT scheduler_id IS NULL FROM runs", "1");
    assert_query(
        w, "SELECT count(*) FROM tasks t JOIN tasks p ON p.task_index=t.task_index-1 WHERE t.started_at<p.finished_at",
        "0");
    ork_workflow_unref(f);
}

static void hands_outputs_on(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("data", NULL);

    task(f, "a", "{\"command\":\"echo 'ORK_OUTPUT:{\\\"n\\\":7,\\\"s\\\":\\\"x y\\\"}'\"}", NULL);
    task(f, "b",
         "{\"command\":[\"sh\",\"-c\",\"echo $1-$2; cat $ORK_INPUT_FILE > "
         "$ORK_OUTPUT_FILE\",\"sh\",{\"ref\":\"tasks.a.output.n\"},{\"text\":[\"<\",{\"ref\":\"tasks.a.output.s\"},\">"
         "\"]}],"
         "\"task_bindings\":{\"m\":{\"ref\":\"tasks.a.output.n\"}}}",
         "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='b'", "7-<x y>\n");
    assert_query(w, "SELECT output FROM tasks WHERE task_name='b'", "{\"m\":7}");
    ork_workflow_unref(f);
}

static void retries_and_gives_up(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("retry", NULL);

    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"[ $ORK_ATTEMPT = 3 ]\"}",
                                     .retry = {.limit = 2, .delay_ms = 5, .factor = 1}},
              NULL);
    task_with(f,
              (struct ork_task_spec){
                  .name = "b", .params = "{\"command\":\"exit 3\"}", .retry = {.limit = 1, .delay_ms = 5, .factor = 1}},
              NULL);
    task(f, "c", "{\"command\":[\"/bin/true\"]}", "b");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT status||attempt||attempts FROM tasks WHERE task_name='a'", "success32");
    assert_query(w, "SELECT status||attempt||attempts||kind||error FROM tasks WHERE task_name='b'",
                 "failed22exitexit code 3");
    assert_query(w, "SELECT status||error FROM tasks WHERE task_name='c'", "skipped`b` failed");
    assert_query(w, "SELECT group_concat(status) FROM (SELECT status FROM task_attempts ORDER BY task_id, attempt)",
                 "failed,failed,success,failed,failed");
    assert_query(w, "SELECT error FROM runs", "1 of 3 tasks failed: b");
    ork_workflow_unref(f);
}

static void judges_when(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("when", NULL);

    task(f, "a", "{\"command\":\"echo 'ORK_OUTPUT:{\\\"n\\\":0}'\"}", NULL);
    task_with(
        f,
        (struct ork_task_spec){
            .name = "b",
            .flags = ORK_TASK_HAS_WHEN,
            .params =
                "{\"command\":[\"/bin/"
                "true\"],\"when\":{\"op\":\">\",\"left\":{\"ref\":\"tasks.a.output.n\"},\"right\":{\"const\":0}}}"},
        "a");
    task_with(
        f, (struct ork_task_spec){.name = "c", .rule = ORK_RULE_NONE_FAILED, .params = "{\"command\":[\"/bin/true\"]}"},
        "a b");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "success,skipped,success");
    ork_workflow_unref(f);
}

static void times_out(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("slow", NULL);

    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":[\"sleep\",\"100\"]}", .timeout_ms = 50},
              NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error FROM tasks", "timeouttimeout after 0.05s");
    ork_workflow_unref(f);
}

static void cancels(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("cancel", NULL);
    struct ork_started s;
    int status;
    char *how = NULL;
    ork_err err;

    task(f, "a", "{\"command\":[\"sleep\",\"100\"]}", NULL);
    task(f, "b", "{\"command\":[\"/bin/true\"]}", "a");
    task_with(
        f,
        (struct ork_task_spec){
            .name = "z", .params = "{\"command\":\"echo bye\"}", .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
        NULL);
    seal(f);
    s = start(w, f);
    assert_int_equal(ork_run_command(w->engine, s.run_id, "cancel", NULL, &how, &err), 0);
    ork_free(how);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 60000, &status, &err), 0);
    assert_int_equal(status, ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled,success");
    assert_query(w, "SELECT outcome FROM commands", "done");
    ork_workflow_unref(f);
}

static void pauses_and_resumes(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("pause", "{\"max_parallel\":1}");
    struct ork_started s;
    int status;
    ork_err err;

    task(f, "a", "{\"command\":[\"sleep\",\"0.2\"]}", NULL);
    task(f, "b", "{\"command\":[\"/bin/true\"]}", "a");
    seal(f);
    s = start(w, f);
    assert_int_equal(ork_run_command(w->engine, s.run_id, "pause", NULL, NULL, &err), 0);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 400, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT status FROM runs", "paused");
    assert_query(w, "SELECT status FROM tasks WHERE task_name='b'", "pending");
    assert_int_equal(ork_run_command(w->engine, s.run_id, "resume", NULL, NULL, &err), 0);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 60000, &status, &err), 0);
    assert_int_equal(status, ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void retries_a_failed_run(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("again", NULL);
    char params[256], run[ORK_ID_TEXT];
    int status;
    ork_err err;

    (void)snprintf(params, sizeof(params), "{\"command\":\"test -e %s/ok\"}", w->dir);
    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    task(f, "b", params, "a");
    task(f, "c", "{\"command\":[\"/bin/true\"]}", "b");
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    (void)snprintf(params, sizeof(params), "touch %s/ok", w->dir);
    assert_int_equal(system(params), 0);
    world_reopen(w);
    assert_int_equal(ork_run_command(w->engine, run, "retry", NULL, NULL, &err), 0);
    if (ork_run_claim(w->engine, run, &err) != 0)
        fail_msg("claim: %s", err.msg);
    assert_int_equal(ork_run_wait(w->engine, run, 60000, &status, &err), 0);
    assert_int_equal(status, ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status||attempt) FROM tasks", "success1,success2,success1");
    ork_workflow_unref(f);
}

static void takes_pool_slots(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("pools", "{\"pools\":{\"db\":2}}");
    char name[16];

    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task_with(f,
                  (struct ork_task_spec){
                      .name = name, .params = "{\"command\":[\"sleep\",\"0.03\"]}", .pool = "db", .pool_slots = 1},
                  NULL);
    }
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w,
                 "SELECT max(n) FROM (SELECT (SELECT count(*) FROM tasks b WHERE b.started_at<=a.started_at AND "
                 "b.finished_at>a.started_at) AS n FROM tasks a)",
                 "2");
    assert_query(w, "SELECT coalesce(sum(used),0) FROM pool_use", "0");
    ork_workflow_unref(f);
}

static void runs_many(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("many", NULL);
    char name[16];

    for (int i = 0; i < 2500; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":[\"/bin/true\"]}", NULL);
    }
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND attempt=1", "2500");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_a_chain, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(hands_outputs_on, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(retries_and_gives_up, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(judges_when, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(times_out, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancels, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(pauses_and_resumes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(retries_a_failed_run, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(takes_pool_slots, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(runs_many, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
