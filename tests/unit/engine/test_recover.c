/* SPDX-License-Identifier: MIT */
/* Runs whose owner died: what is adopted, what is lost, what is counted, and what never comes back. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ork_workflow *made;

/* Owner of one run of `made`; dies with the test's SIGKILL. */
static void owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* `a` of this workflow was running when its owner was killed; run_id is that run. */
static void leave_orphan(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT])
{
    made = f;
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run_id);
}

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (!w->engine)
        world_engine(w);
    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

static int pid_of_a(struct world *w)
{
    char *text = query(w, "SELECT execution_name FROM tasks WHERE task_name='a' AND status='running'");
    int pid = atoi(text);

    assert_true(pid > 1);
    free(text);
    return pid;
}

static void adopts(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("adopt", NULL);
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"echo $$ >>pids; read x <go; echo ORK_OUTPUT:7\"}", NULL);
    task(f, "b", "{\"command\":[\"echo\",{\"text\":[\"got \",{\"ref\":\"tasks.a.output\"}]}]}", "a");
    seal(f);
    leave_orphan(w, f, run);
    claim(w, run);
    until(w, "a", ORK_TASK_RUNNING);
    assert_true(w->change[w->seen - 1].adopted);
    assert_true(w->change[w->seen - 1].took_ms >= 0); /* since it started, not since it was found */
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status || attempt || lost) FROM tasks", "success10,success10");
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='b'", "got 7\n");
    assert_int_equal(system("test $(wc -l <pids) = 1"), 0);
    ork_workflow_unref(f);
}

/* A retry is under way when the exit of the attempt before it comes in, or that attempt is found running still. */
static void an_old_attempt_changes_nothing(void **state)
{
    static const char command[] = "{\"command\":\"case $ORK_ATTEMPT in 1) read x <one; echo "
                                  "'ORK_OUTPUT:\\\"late\\\"';; *) read x <two; echo 'ORK_OUTPUT:\\\"new\\\"';; esac\"}";
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    gate_make("one two");
    for (int ended = 0; ended < 2; ended++) {
        ork_workflow *f = flow("fence", NULL);
        task_with(f, (struct ork_task_spec){.name = "a", .params = command, .retry = {.limit = 3}}, NULL);
        task(f, "b", "{\"command\":[\"/bin/true\"]}", "a");
        seal(f);
        leave_orphan(w, f, run);
        int pid = pid_of_a(w);
        if (ended) {
            gate_open("one");
            gate_gone(pid);
        }
        change_rows(w, "UPDATE tasks SET status='pending', attempts=1, started_at=NULL WHERE task_name='a' AND "
                       "status='running'; UPDATE task_attempts SET status='failed', kind='exit' WHERE "
                       "status='running'");
        claim(w, run);
        until(w, "a", ORK_TASK_RUNNING);
        assert_int_equal(w->change[w->seen - 1].attempt, 2);
        gate_gone(pid); /* what no row names is ended */
        until_query(w,
                    "SELECT status || attempt || attempts || coalesce(output, '-') FROM tasks ORDER BY id DESC, "
                    "task_index LIMIT 1 OFFSET 1",
                    "running21-");
        gate_open("two");
        assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
        assert_query(w,
                     "SELECT status || attempt || attempts || output FROM tasks WHERE task_name='a' ORDER BY id DESC "
                     "LIMIT 1",
                     "success21\"new\"");
        world_leave(w);
        ork_workflow_unref(f);
    }
}

/* The workflow was defined anew meanwhile: a run goes on with what it began with. */
static void keeps_its_snapshot(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    ork_workflow *old = flow("etl", NULL), *new = flow("etl", NULL);

    gate_make("go");
    task(old, "a", "{\"command\":\"read x <go\"}", NULL);
    task(old, "b", "{\"command\":\"echo old >>said; [ -e mended ]\"}", "a");
    seal(old);
    task(new, "b", "{\"command\":\"echo new >>said\"}", NULL);
    leave_orphan(w, old, run);
    world_engine(w);
    assert_int_equal(run_to_end(w, new, NULL), ORK_RUN_SUCCESS);
    gate_open("go");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_FAILED);
    assert_int_equal(system("touch mended"), 0);
    command(w, run, "retry", NULL, NULL);
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(system("test \"$(tr '\\n' ' ' <said)\" = 'new old old '"), 0);
    assert_query(w, "SELECT count(DISTINCT snapshot_id) FROM runs", "2");
    ork_workflow_unref(old);
    ork_workflow_unref(new);
}

/* Killed between two chunks of rows: half a graph is no graph. */
static void dies_half_way(struct world *w, struct helper *me)
{
    (void)me;
    (void)start(w, made);
    until_query(w, "SELECT count(*) >= 2000 FROM tasks", "1"); /* the next chunk may be there as well by now */
    (void)raise(SIGKILL);
}

static void half_inserted(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("large", NULL);
    char name[16], run[ORK_ID_TEXT];

    for (int i = 0; i < 2300; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":[\"/bin/true\"]}", NULL);
    }
    seal(f);
    made = f;
    struct helper h = helper_start(w, dies_half_way);
    helper_gone(&h);
    change_rows(w, "DELETE FROM tasks WHERE task_index >= 2000"); /* the next chunk may have been on its way */
    assert_query(w, "SELECT status || tasks_total || (SELECT count(*) FROM tasks) FROM runs", "pending23002000");
    last_run(w, run);
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) || max(task_index) FROM tasks WHERE status='success' AND attempt=1", "23002299");
    ork_workflow_unref(f);
}

/* The machine was started again: no process can be left, nobody may be asked. */
static void after_a_reboot(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("boot", NULL);
    char run[ORK_ID_TEXT];

    gate_make("go");
    w->jobs = 1;
    task(f, "a", "{\"command\":\"echo x >>ran; [ $ORK_ATTEMPT = 2 ] || read x <go\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran\"}", NULL); /* handed over, not started */
    seal(f);
    leave_orphan(w, f, run);
    agent_kill(w);
    assert_int_equal(system("rm -f agent/journal*"), 0);
    change_rows(w, "UPDATE agents SET boot_id='00000000-0000-4000-8000-000000000000'");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT status || attempt || attempts || lost FROM tasks WHERE task_name='a'", "success201");
    assert_query(w, "SELECT error FROM task_attempts WHERE kind='lost' LIMIT 1",
                 "lost: the machine was started again since");
    assert_query(w, "SELECT status || attempts FROM tasks WHERE task_name='b'", "success0");
    assert_int_equal(system("test $(wc -l <ran) = 3"), 0);
    ork_workflow_unref(f);
}

/* An agent that died and left nothing: the same. Losses raise the fence and are counted apart. */
static void losses_are_not_failures(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("lost", NULL);
    struct ork_started s;

    gate_make("go");
    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"[ $ORK_ATTEMPT -le 2 ] && read x <go; [ $ORK_ATTEMPT = "
                                               "4 ]\"}",
                                     .retry = {.limit = 1, .delay_ms = 1, .factor = 1}},
              NULL);
    seal(f);
    world_engine(w);
    s = start(w, f);
    for (int i = 0; i < 2; i++) {
        until(w, "a", ORK_TASK_RUNNING);
        agent_kill(w);
        change_rows(w, "DELETE FROM agents"); /* the next one is the only one again */
    }
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT status || attempt || attempts || lost FROM tasks", "success412");
    assert_query(w, "SELECT group_concat(coalesce(kind, '-')) FROM (SELECT kind FROM task_attempts ORDER BY attempt)",
                 "lost,lost,exit,-");
    ork_workflow_unref(f);
}

/* A person's retry gives a new budget; attempt numbers go on. */
static void a_retry_resets_the_budget_not_the_fence(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("budget", NULL);
    char run[ORK_ID_TEXT];

    world_engine(w);
    task_with(f,
              (struct ork_task_spec){
                  .name = "a", .params = "{\"command\":\"exit 1\"}", .retry = {.limit = 1, .delay_ms = 1, .factor = 1}},
              NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    assert_query(w, "SELECT attempt || attempts FROM tasks", "22");
    for (int i = 2; i <= 3; i++) {
        char expected[8];
        command(w, run, "retry", NULL, NULL);
        claim(w, run);
        assert_int_equal(wait_end(w, run), ORK_RUN_FAILED);
        (void)snprintf(expected, sizeof(expected), "%d2", 2 * i);
        assert_query(w, "SELECT attempt || attempts FROM tasks", expected);
    }
    assert_query(w, "SELECT count(DISTINCT attempt) || count(DISTINCT log_path) FROM task_attempts", "66");
    ork_workflow_unref(f);
}

static void a_paused_run_stays_paused(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("paused", NULL);
    struct ork_started s;
    int status;
    ork_err err = {0};

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran\"}", "a");
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    command(w, s.run_id, "pause", NULL, "done");
    until(w, NULL, ORK_RUN_PAUSED);
    world_reopen(w);
    claim(w, s.run_id);
    gate_open("go");
    until(w, "a", ORK_TASK_SUCCESS);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 100, &status, &err), ORK_ETIMEDOUT);
    world_reopen(w);
    claim(w, s.run_id);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 100, &status, &err), ORK_ETIMEDOUT);
    assert_int_equal(access("ran", F_OK), -1);
    assert_query(w, "SELECT status FROM runs", "paused");
    command(w, s.run_id, "resume", NULL, NULL);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adopts, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(an_old_attempt_changes_nothing, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_its_snapshot, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(half_inserted, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(after_a_reboot, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(losses_are_not_failures, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_retry_resets_the_budget_not_the_fence, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_paused_run_stays_paused, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
