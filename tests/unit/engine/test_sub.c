/* SPDX-License-Identifier: MIT */
/* Tasks that are runs of another workflow: how many there are at once, whose they are, and what is left of them after
 * SIGKILL between any two of their steps. */
#include "engine/engine.h"
#include "engine/sub.h"
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RUNS "SELECT count(*)||min(status)||max(status) FROM runs WHERE parent_task_id IS NOT NULL"
#define TASK "SELECT status||attempt||lost FROM tasks WHERE task_name='a'"

/* A workflow `w` with a task `a` that runs `child`, whose single task `t` does that; n of them: a0, a1 …; n = 0: one,
 * behind an approval. */
static ork_workflow *around(const char *command, struct ork_retry_spec retry, int n)
{
    ork_workflow *child = flow("child", "{\"returns\":{\"n\":{\"const\":5}}}"), *f;
    struct ork_buf options = ORK_BUF_INIT;
    char *tasks = NULL, name[8];
    size_t len;
    ork_err err;

    task(child, "t", command, NULL);
    seal(child);
    assert_int_equal(ork_workflow_tasks_json(child, &tasks, &len, &err), 0);
    ork_buf_addf(&options, "{\"workflows\":{\"child\":{\"options\":%s,\"tasks\":%s}}}",
                 ork_workflow_options_json(child), tasks);
    f = flow("w", options.data);
    if (n == 0)
        task_with(f,
                  (struct ork_task_spec){
                      .name = "gate", .params = "{\"wait\":{\"approval\":\"?\"}}", .executor = ORK_EXEC_WAIT},
                  NULL);
    for (int i = 0; i < n || i == 0; i++) {
        (void)snprintf(name, sizeof(name), n > 1 ? "a%d" : "a", i);
        task_with(
            f,
            (struct ork_task_spec){
                .name = name, .params = "{\"workflow\":\"child\"}", .executor = ORK_EXEC_WORKFLOW, .retry = retry},
            n ? NULL : "gate");
    }
    seal(f);
    ork_buf_fini(&options);
    ork_free(tasks);
    ork_workflow_unref(child);
    return f;
}

static void run_of(struct world *w, bool child, char run[ORK_ID_TEXT])
{
    char *hex = query(w, child ? "SELECT lower(hex(id)) FROM runs WHERE parent_task_id IS NOT NULL"
                               : "SELECT lower(hex(id)) FROM runs WHERE parent_task_id IS NULL");

    assert_int_equal(strlen(hex), 32);
    (void)snprintf(run, ORK_ID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    free(hex);
}

static void claim(struct world *w, char run[ORK_ID_TEXT])
{
    ork_err err = {0};

    run_of(w, false, run);
    if (ork_run_claim(w->engine, run, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

/* ---- places ---- */

static void no_more_than_so_many_at_once(void **state)
{
    struct world *w = *state;
    ork_workflow *f = around("{\"command\":[\"/bin/true\"]}", (struct ork_retry_spec){.delay_ms = -1}, 150);

    w->jobs = 1;
    world_reopen(w);
    struct ork_started s = start(w, f);
    ork_dispatch_pump(w->engine);
    uint32_t waiting = 0;
    for (struct ork_active *a = w->engine->runs; a; a = a->hh.next)
        waiting += ork_id_is_zero(&a->parent_task) ? HASH_COUNT(a->live) : 0;
    assert_int_equal(waiting, ORK_SUB_MOST);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, RUNS, "150successsuccess");
    assert_query(w,
                 "SELECT count(DISTINCT parent_task_id)||count(DISTINCT snapshot_id) FROM runs WHERE parent_task_id IS "
                 "NOT NULL",
                 "1501");
    assert_query(w, "SELECT output FROM tasks WHERE task_name='a149'", "{\"n\":5}");
    ork_workflow_unref(f);
}

/* ---- killed ---- */

static void begins(struct world *w, struct helper *me)
{
    (void)start(w, around("{\"command\":\"read x <go; echo ran >>ran\"}", (struct ork_retry_spec){.delay_ms = -1}, 1));
    until(w, "t", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    for (;;)
        (void)ork_engine_step(w->engine, true);
}

static void killed_while_its_run_goes_on(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    gate_make("go");
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    claim(w, run);
    until(w, "t", ORK_TASK_RUNNING); /* found again */
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, RUNS, "1successsuccess");
    assert_query(w, TASK, "success10");
    assert_int_equal(system("test \"$(cat ran)\" = ran"), 0);
}

static void starts_unheard(struct world *w, struct helper *me)
{
    static struct ork_buf outcome;

    (void)me;
    (void)start(w, around("{\"command\":\"echo ran >>ran\"}", (struct ork_retry_spec){.delay_ms = -1}, 0));
    until(w, "gate", ORK_TASK_RUNNING);
    ork_deferred_decide(w->engine->runs, true, "{\"task\":\"gate\",\"by\":\"ann\"}", &outcome);
    ork_dispatch_pump(w->engine); /* its run is made, in memory */
    assert_int_equal(w->engine->runs->run.tasks[1].status, ORK_TASK_RUNNING);
    (void)kill(getpid(), SIGKILL);
}

static void killed_before_its_start_is_stored(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, starts_unheard);

    helper_gone(&h);
    world_engine(w);
    assert_query(w, "SELECT count(*) FROM runs", "1");
    assert_query(w, TASK, "pending00");
    claim(w, run);
    command(w, run, "approve", "{\"task\":\"gate\",\"by\":\"ann\"}", "done");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, RUNS, "1successsuccess");
    assert_query(w, TASK, "success10");
}

/* Told that the task runs: job and run are stored, and the run has not begun. */
static void on_started(void *data, const struct ork_change *c)
{
    (void)data;
    if (c->task && strcmp(c->task, "a") == 0 && c->to == ORK_TASK_RUNNING)
        (void)kill(getpid(), SIGKILL);
}

static void dies_when_it_runs(struct world *w, struct helper *me)
{
    (void)me;
    ork_engine_on_change(w->engine, on_started, NULL);
    struct ork_started s =
        start(w, around("{\"command\":\"echo ran >>ran\"}", (struct ork_retry_spec){.delay_ms = -1}, 1));
    (void)wait_end(w, s.run_id);
}

static void killed_before_its_run_begins(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, dies_when_it_runs);

    helper_gone(&h);
    world_engine(w);
    assert_query(w, RUNS, "1pendingpending");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, RUNS, "1successsuccess");
    assert_query(w, TASK, "success10");
    assert_query(w,
                 "SELECT count(*) FROM deferred_jobs d JOIN runs r ON r.parent_task_id=d.task_id WHERE "
                 "d.status='completed' AND replace(d.job_id,'-','')=lower(hex(r.id))",
                 "1");
}

/* Its end is stored, and nobody told the task. */
static void its_end_is_found(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    gate_make("go");
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    change_rows(w,
                "UPDATE runs SET status='success', scheduler_id=NULL, output='{\"n\":6}' WHERE parent_task_id IS NOT "
                "NULL");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT status||output FROM tasks WHERE task_name='a'", "success{\"n\":6}");
    agent_kill(w);
}

static void one_that_is_gone_is_made_again(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    gate_make("go");
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    change_rows(w, "DELETE FROM runs WHERE parent_task_id IS NOT NULL");
    claim(w, run);
    until(w, "t", ORK_TASK_RUNNING);
    assert_query(w, TASK, "running21");
    gate_open("go"); /* the process of the first one may read it, too */
    agent_kill(w);
}

/* Told that it runs again: the wish for the retry is stored, and not carried out. */
static void on_again(void *data, const struct ork_change *c)
{
    (void)data;
    if (c->task && strcmp(c->task, "a") == 0 && c->to == ORK_TASK_RUNNING && c->attempt == 2)
        (void)kill(getpid(), SIGKILL);
}

static void dies_when_tried_again(struct world *w, struct helper *me)
{
    (void)me;
    ork_engine_on_change(w->engine, on_again, NULL);
    struct ork_started s = start(w, around("{\"command\":\"echo ran >>ran; test $(wc -l <ran) = 2\"}",
                                           (struct ork_retry_spec){.limit = 1, .delay_ms = 0}, 1));
    (void)wait_end(w, s.run_id);
}

static void killed_when_it_is_tried_again(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, dies_when_tried_again);

    helper_gone(&h);
    world_engine(w);
    assert_query(w, "SELECT kind||coalesce(outcome,'') FROM commands", "retry");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, RUNS, "1successsuccess");
    assert_query(w, "SELECT group_concat(kind||outcome) FROM commands", "retrydone");
    assert_query(w, TASK, "success20");
    assert_query(w, "SELECT status||attempt FROM tasks WHERE task_name='t'", "success2");
}

static void a_cancel_outlives_its_owner(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    gate_make("go");
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    change_rows(w, "UPDATE runs SET cancel_reason=1 WHERE parent_task_id IS NULL");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_CANCELLED);
    assert_query(w, RUNS, "1cancelledcancelled");
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled");
}

static void nobody_takes_it_up_alone(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    ork_err err = {0};
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(9)};
    gate_make("go");
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    run_of(w, true, run);
    assert_int_equal(ork_run_claim(w->engine, run, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "task `a` of run "));
    change_rows(w, "UPDATE runs SET scheduler_id=NULL");
    assert_int_equal(ork_store_query(w->engine->store, ORK_Q_runs_free, p, 1, &rows, &err), 0);
    assert_int_equal(ork_rows_len(rows), 1);
    ork_rows_free(rows);
    change_rows(w, "UPDATE deferred_jobs SET status='failed'");
    assert_int_equal(ork_store_query(w->engine->store, ORK_Q_runs_free, p, 1, &rows, &err), 0);
    assert_int_equal(ork_rows_len(rows), 2);
    ork_rows_free(rows);
    agent_kill(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_than_so_many_at_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(killed_while_its_run_goes_on, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_before_its_start_is_stored, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_before_its_run_begins, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(its_end_is_found, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_gone_is_made_again, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_when_it_is_tried_again, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_outlives_its_owner, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(nobody_takes_it_up_alone, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
