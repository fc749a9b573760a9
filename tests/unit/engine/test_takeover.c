/* SPDX-License-Identifier: MIT */
/* Runs that others began: the original program, another data directory, another terminal with the same key. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

/* ---- the original ---- */

/* A run as its scheduler left it when it was killed: `first` had started, `second` was handed out, `fourth` waits for a
 * retry, `gone` had failed and nobody had told its dependent yet. Ids are random (v4), attempts unknown. */
static const char original[] =
    "INSERT INTO workflows (id, name, job_name, project, executor_type) VALUES (x'00000000000040008000000000000001', "
    "'etl', 'local', 'local', 'process');"
    "INSERT INTO workflow_snapshots (id, workflow_id, content_hash, tasks_json, created_at) VALUES "
    "(x'00000000000040008000000000000002', x'00000000000040008000000000000001', 'h', '["
    "{\"task_index\":0,\"task_name\":\"done\",\"executor_type\":\"process\",\"depends_on\":[],\"params\":{\"command\":"
    "\"echo done >>ran\"}},"
    "{\"task_index\":1,\"task_name\":\"first\",\"executor_type\":\"process\",\"depends_on\":[\"done\"],\"params\":{"
    "\"command\":\"echo first-$ORK_ATTEMPT >>ran\",\"max_retries\":0,\"timeout_seconds\":300}},"
    "{\"task_index\":2,\"task_name\":\"second\",\"executor_type\":\"process\",\"depends_on\":[\"done\"],\"params\":{"
    "\"command\":\"echo second >>ran\"}},"
    "{\"task_index\":3,\"task_name\":\"third\",\"executor_type\":\"process\",\"depends_on\":[\"first\",\"second\"],"
    "\"params\":{\"command\":\"echo third >>ran\"}},"
    "{\"task_index\":4,\"task_name\":\"fourth\",\"executor_type\":\"process\",\"depends_on\":[],\"params\":{"
    "\"command\":\"echo fourth >>ran\",\"max_retries\":2}},"
    "{\"task_index\":5,\"task_name\":\"gone\",\"executor_type\":\"process\",\"depends_on\":[],\"params\":{\"command\":"
    "\"echo gone >>ran\"}},"
    "{\"task_index\":6,\"task_name\":\"after\",\"executor_type\":\"process\",\"depends_on\":[\"gone\"],\"params\":{"
    "\"command\":\"echo after >>ran\"}}]', '2026-01-01T00:00:00.000Z');"
    "INSERT INTO runs (id, workflow_id, snapshot_id, status, started_at) VALUES (x'00000000000040008000000000000003', "
    "x'00000000000040008000000000000001', x'00000000000040008000000000000002', 'running', '2026-01-01T00:00:00.000Z');"
    "INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, params, status, attempts, "
    "max_retries, retry_at) SELECT unhex, x'00000000000040008000000000000003', i, name, 'process', deps, '{}', status, "
    "tried, 2, again FROM ("
    "SELECT randomblob(16) AS unhex, 0 AS i, 'done' AS name, '[]' AS deps, 'success' AS status, 0 AS tried, NULL AS "
    "again UNION ALL "
    "SELECT randomblob(16), 1, 'first', '[\"done\"]', 'running', 0, NULL UNION ALL "
    "SELECT randomblob(16), 2, 'second', '[\"done\"]', 'dispatched', 0, NULL UNION ALL "
    "SELECT randomblob(16), 3, 'third', '[\"first\",\"second\"]', 'pending', 0, NULL UNION ALL "
    "SELECT randomblob(16), 4, 'fourth', '[]', 'pending', 1, '2026-01-01T00:00:01.000Z' UNION ALL "
    "SELECT randomblob(16), 5, 'gone', '[]', 'failed', 0, NULL UNION ALL "
    "SELECT randomblob(16), 6, 'after', '[\"gone\"]', 'pending', 0, NULL);";

static void what_the_original_left_running_is_lost_and_runs_again(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    world_engine(w);
    change_rows(w, original);
    last_run(w, run);
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status || lost) FROM (SELECT * FROM tasks ORDER BY task_index)",
                 "success0,success1,success1,success0,success0,failed0,skipped0");
    assert_query(w, "SELECT error FROM tasks WHERE task_name='after'", "`gone` failed");
    assert_query(w, "SELECT attempts || attempt FROM tasks WHERE task_name='fourth'", "11");
    assert_query(w, "SELECT group_concat(error, ';') FROM task_attempts WHERE kind='lost'",
                 "lost: nothing is known of the process that ran it;lost: nothing is known of the process that ran it");
    assert_int_equal(system("test \"$(sort ran | tr '\\n' ' ')\" = 'first-1 fourth second third '"), 0);
}

static void an_unknown_executor_fails_and_says_why(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("clouds", NULL);
    char run[ORK_ID_TEXT];
    struct ork_started s;

    gate_make("go");
    world_engine(w);
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    task_with(f, (struct ork_task_spec){.name = "b", .params = "{\"job_name\":\"j\"}", .retry = {.limit = 3}}, "a");
    task(f, "c", TRUE, "b");
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    world_leave(w);
    change_rows(w, "UPDATE tasks SET executor_type='cloudrun' WHERE task_name='b'; UPDATE workflow_snapshots SET "
                   "tasks_json=replace(tasks_json, '\"executor_type\":\"process\",\"params\":{\"job_name\"', "
                   "'\"executor_type\":\"cloudrun\",\"params\":{\"job_name\"')");
    assert_query(w, "SELECT tasks_json LIKE '%cloudrun%' FROM workflow_snapshots", "1");
    world_engine(w);
    claim(w, s.run_id);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status || attempts) FROM tasks", "success0,failed1,skipped0");
    assert_query(w, "SELECT error FROM tasks WHERE task_name='b'",
                 "its executor `cloudrun` is not part of this Ork, which runs processes (`command`)");
    last_run(w, run);
    ork_workflow_unref(f);
}

/* ---- another data directory ---- */

static ork_workflow *made;

static void owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* Its attempts are found by their agent's socket, not under the new --data. */
static void attempts_are_found_from_elsewhere(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("move", NULL);
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"echo x >>ran; read x <go; echo '{\\\"n\\\":1}' >$ORK_OUTPUT_FILE\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran\"}", "a");
    seal(f);
    made = f;
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run);
    w->data_dir = "elsewhere";
    world_engine(w);
    claim(w, run);
    until(w, "a", ORK_TASK_RUNNING);
    assert_true(w->change[w->seen - 1].adopted);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status || attempt || coalesce(output, '-')) FROM tasks",
                 "success1{\"n\":1},success1-");
    assert_int_equal(system("test $(wc -l <ran) = 2"), 0);
    ork_workflow_unref(f);
}

/* ---- who starts the same ---- */

static struct ork_started start_as(struct world *w, ork_workflow *f, const char *params, const char *key)
{
    return start_with(w, f,
                      (struct ork_start_opts){.params = params, .triggered_by = "script", .key = key, .resume = !key});
}

static void keyed_owner(struct world *w, struct helper *me)
{
    struct ork_started s = start_as(w, made, "{}", "k");

    assert_int_equal(s.how, ORK_STARTED_NEW);
    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

static void one_key_is_one_run(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("key", NULL), *other = flow("other", NULL);
    struct ork_started s;
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"echo x >>ran; read x <go\"}", NULL);
    task(other, "a", TRUE, NULL);
    seal(f);
    seal(other);
    made = f;
    struct helper h = helper_start(w, keyed_owner);
    helper_hear(&h, 'r');
    last_run(w, run);
    world_engine(w);
    s = start_as(w, f, "{}", "k"); /* owned by another */
    assert_int_equal(s.how, ORK_STARTED_WATCHED);
    assert_string_equal(s.run_id, run);
    assert_false(ork_run_owned(w->engine, run));
    helper_kill(&h);
    s = start_as(w, f, "{\"x\":1}", "k"); /* its owner died; the key decides, not the params */
    assert_int_equal(s.how, ORK_STARTED_RESUMED);
    assert_string_equal(s.run_id, run);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    s = start_as(w, f, "{}", "k"); /* ended */
    assert_int_equal(s.how, ORK_STARTED_FINISHED);
    assert_string_equal(s.run_id, run);
    s = start_as(w, other, "{}", "k"); /* keys are of a workflow */
    assert_int_equal(s.how, ORK_STARTED_NEW);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(system("test $(wc -l <ran) = 1"), 0);
    ork_workflow_unref(f);
    ork_workflow_unref(other);
}

static void resumer(struct world *w, struct helper *me)
{
    struct ork_started s = start_as(w, made, "{\"x\":1}", NULL);

    assert_int_equal(s.how, ORK_STARTED_NEW);
    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* `ork SCRIPT` again: an orphan of the same workflow, snapshot and params is taken up; nobody's living run is, and none
 * that differs. */
static void a_second_start_takes_only_its_own_orphan(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("twice", NULL), *edited = flow("twice", NULL);
    struct ork_started s;
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"[ -e quick ] || read x <go\"}", NULL);
    task(edited, "a", TRUE, NULL);
    seal(f);
    seal(edited);
    made = f;
    struct helper h = helper_start(w, resumer);
    helper_hear(&h, 'r');
    last_run(w, run);
    assert_int_equal(system("touch quick"), 0);
    world_engine(w);
    for (int dead = 0; dead < 2; dead++) {
        s = start_as(w, f, "{\"x\":2}", NULL);
        assert_int_equal(s.how, ORK_STARTED_NEW);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        s = start_as(w, edited, "{\"x\":1}", NULL);
        assert_int_equal(s.how, ORK_STARTED_NEW);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        s = start_with(w, f, (struct ork_start_opts){.params = "{\"x\":1}", .triggered_by = "script"}); /* --new */
        assert_int_equal(s.how, ORK_STARTED_NEW);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        s = start_as(w, f, "{\"x\":1}", NULL);
        assert_int_equal(s.how, dead ? ORK_STARTED_RESUMED : ORK_STARTED_NEW);
        if (dead) {
            assert_string_equal(s.run_id, run);
            gate_open("go");
        } else {
            helper_kill(&h);
        }
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    }
    assert_query(w, "SELECT count(*) || max(attempt) FROM tasks WHERE status='success'", "81");
    ork_workflow_unref(f);
    ork_workflow_unref(edited);
}

/* Killed while it starts another program: until it is that, the child has the lock, for a moment. */
static void killed_while_it_forks(struct world *w, struct helper *me)
{
    pid_t own = getpid();
    struct ork_started s = start_as(w, made, "{\"x\":1}", NULL);

    until(w, "a", ORK_TASK_RUNNING);
    if (fork() == 0) {
        while (getppid() == own)
            (void)usleep(1000);
        (void)usleep(300000);
        _exit(0);
    }
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

static void a_lock_that_is_about_to_fall_is_waited_for(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("twice", NULL);
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    made = f;
    struct helper h = helper_start(w, killed_while_it_forks);
    helper_hear(&h, 'r');
    last_run(w, run);
    helper_kill(&h);
    world_engine(w);
    struct ork_started s = start_as(w, f, "{\"x\":1}", NULL);
    assert_int_equal(s.how, ORK_STARTED_RESUMED);
    assert_string_equal(s.run_id, run);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup_dir, world_teardown)
    const struct CMUnitTest tests[] = {
        T(what_the_original_left_running_is_lost_and_runs_again),
        T(an_unknown_executor_fails_and_says_why),
        T(attempts_are_found_from_elsewhere),
        T(one_key_is_one_run),
        T(a_second_start_takes_only_its_own_orphan),
        T(a_lock_that_is_about_to_fall_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
