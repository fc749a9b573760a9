/* SPDX-License-Identifier: MIT */
/* Attempts that are sent again, or end without a word of their agent: what is withdrawn meanwhile stays withdrawn, and
 * no file of an attempt outlives it but its log. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"
#define INPUT "\"task_bindings\":{\"n\":{\"const\":7}}"

static ork_workflow *made;

static void owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

static void assert_only_logs(void)
{
    assert_int_equal(system("test -z \"$(find logs -type f ! -name '*.log' ! -name empty.in)\""), 0);
}

static int find_agent(void)
{
    FILE *p = popen("pgrep -f \"ork-agent $PWD/agent\"", "r");
    int pid = 0;

    assert_non_null(p);
    assert_int_equal(fscanf(p, "%d", &pid), 1);
    pclose(p);
    return pid;
}

static void an_adopted_attempt_leaves_its_log(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("adopted", NULL);
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"echo '{}' >$ORK_OUTPUT_FILE; read x <go; cat $ORK_INPUT_FILE\"," INPUT "}", NULL);
    seal(f);
    made = f;
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    last_run(w, run);
    claim(w, run);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT logs || output FROM tasks", "{\"n\":7}{}");
    world_leave(w);
    assert_only_logs();
    ork_workflow_unref(f);
}

/* The agent dies: one attempt is lost, one that waited is sent again with its input. */
static void after_the_agent_died(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("died", NULL);

    gate_make("go");
    w->jobs = 1;
    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"[ $ORK_ATTEMPT = 2 ] || { echo '{}' >$ORK_OUTPUT_FILE; "
                                               "read x <go; }\"," INPUT "}",
                                     .priority = 1},
              NULL);
    task(f, "b", "{\"command\":\"cat $ORK_INPUT_FILE\"," INPUT "}", NULL);
    seal(f);
    world_engine(w);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    until_query(w, "SELECT status FROM tasks WHERE task_name='b'", "dispatched");
    assert_int_equal(kill(find_agent(), SIGKILL), 0);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(attempt || lost || logs) FROM tasks WHERE task_name='b'", "10{\"n\":7}");
    assert_query(w, "SELECT attempt || lost FROM tasks WHERE task_name='a'", "21");
    world_leave(w);
    assert_only_logs();
    ork_workflow_unref(f);
}

/* What the agent knows when it starts again: nothing of runs that ended. */
static void the_agent_forgets_what_ended(void **state)
{
    struct world *w = *state;
    char hex[40], script[160];
    ork_workflow *f = flow("forget", NULL);

    task(f, "a", TRUE, NULL);
    seal(f);
    for (int i = 0; i < 20; i++)
        assert_int_equal(wait_end(w, start(w, f).run_id), ORK_RUN_SUCCESS);
    assert_int_equal(kill(find_agent(), SIGKILL), 0);
    assert_int_equal(wait_end(w, start(w, f).run_id), ORK_RUN_SUCCESS);
    for (int i = 0; i < 20; i++) { /* its journal was written anew from what it knew */
        (void)snprintf(script, sizeof(script), "SELECT lower(hex(id)) FROM runs ORDER BY id LIMIT 1 OFFSET %d", i);
        char *id = query(w, script);
        (void)snprintf(hex, sizeof(hex), "%s", id);
        free(id);
        (void)snprintf(script, sizeof(script), "! od -An -v -tx1 -w1000000 agent/journal1 | tr -d ' \\n' | grep -q %s",
                       hex);
        assert_int_equal(system(script), 0);
    }
    ork_workflow_unref(f);
}

/* It was committed but never sent, and its input is read again, when the run is cancelled. */
static void cancelled_while_its_input_is_read(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    ork_workflow *busy = flow("busy", NULL);

    gate_make("go");
    task(busy, "x", "{\"command\":\"read x <go\"}", NULL); /* keeps the connection to the agent */
    seal(busy);
    for (int i = 0; i < 30; i++) {
        ork_workflow *f = flow("cut", NULL);
        task(f, "a", "{\"command\":\"echo ORK_OUTPUT:7\"}", NULL);
        task(f, "b",
             "{\"command\":\"[ ! -e cut ] || sleep 1000\",\"task_bindings\":{\"n\":{\"ref\":\"tasks.a.output\"}}}",
             "a");
        (void)unlink("cut");
        assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
        assert_int_equal(system("touch cut"), 0);
        world_leave(w);
        change_rows(w, "UPDATE runs SET status='running', finished_at=NULL WHERE id=(SELECT max(id) FROM runs)");
        change_rows(w,
                    "UPDATE tasks SET status='dispatched', started_at=NULL, finished_at=NULL WHERE task_name='b' AND "
                    "run_id=(SELECT max(id) FROM runs)");
        change_rows(w, "UPDATE task_attempts SET status='dispatched', started_at=NULL, finished_at=NULL WHERE "
                       "task_id=(SELECT max(id) FROM tasks)");
        change_rows(w, "INSERT INTO commands (id, run_id, kind, \"by\", created_at) SELECT randomblob(16), max(id), "
                       "'cancel', 'test', created_at FROM runs");
        world_engine(w);
        struct ork_started s = start(w, busy);
        until(w, "x", ORK_TASK_RUNNING);
        claim(w, run);
        assert_int_equal(wait_end(w, run), ORK_RUN_CANCELLED);
        gate_open("go");
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        ork_workflow_unref(f);
    }
    ork_workflow_unref(busy);
}

/* The row of a task and the row of its attempt change in one commit, however much follows from the end. */
static void an_end_is_stored_whole(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("whole", NULL);
    char name[16];

    task(f, "a", "{\"command\":\"exit 1\"}", NULL);
    for (int i = 0; i < 1500; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        task(f, name, TRUE, "a");
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, TRUE, NULL);
    }
    seal(f);
    change_rows(w,
                "CREATE TABLE seen (task BLOB, what TEXT, batch INT);"
                "CREATE TRIGGER s1 AFTER UPDATE ON tasks WHEN new.status IN ('success', 'failed') BEGIN INSERT INTO "
                "seen SELECT new.id, 'task', last_batch FROM schedulers WHERE state='live'; END;"
                "CREATE TRIGGER s2 AFTER INSERT ON task_attempts WHEN new.status IN ('success', 'failed') BEGIN INSERT "
                "INTO seen SELECT new.task_id, 'attempt', last_batch FROM schedulers WHERE state='live'; END");
    assert_int_equal(wait_end(w, start(w, f).run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT count(*) FROM seen WHERE what='attempt'", "1001");
    assert_query(
        w,
        "SELECT count(*) FROM seen t JOIN seen a ON a.task=t.task AND a.what='attempt' WHERE t.what='task' AND "
        "t.batch<>a.batch",
        "0");
    ork_workflow_unref(f);
}

/* Conditions that are known at once decide a whole run in one step: its end is told once, and last. */
static void decided_at_once(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("at_once", NULL);
    size_t ends = 0;

    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        task_with(f,
                  (struct ork_task_spec){
                      .name = names[i],
                      .flags = ORK_TASK_HAS_WHEN,
                      .params = "{\"command\":[\"/bin/true\"],\"when\":{\"op\":\">\",\"left\":{\"const\":0},\"right\":{"
                                "\"const\":1}}}"},
                  NULL);
    }
    task(f, "d", TRUE, "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "skipped,skipped,skipped,skipped");
    assert_query(w, "SELECT status || (finished_at>=started_at) FROM runs", "success1");
    for (size_t i = 0; i < w->changes; i++)
        ends += w->change[i].task[0] == '\0' && w->change[i].to == ORK_RUN_SUCCESS;
    assert_int_equal(ends, 1);
    assert_string_equal(w->change[w->changes - 1].task, "");
    ork_workflow_unref(f);
}

/* `ork rerun --from b` that died as its rows say; `a` and `c` are taken over, `b` and what follows runs. */
static void a_rerun_that_died(void **state)
{
    static const char *const died[] = {
        /* before any of its tasks was stored */
        "DELETE FROM task_attempts WHERE task_id IN (SELECT id FROM tasks WHERE run_id=(SELECT max(id) FROM runs));"
        "DELETE FROM tasks WHERE run_id=(SELECT max(id) FROM runs);"
        "UPDATE commands SET done_at=NULL, outcome=NULL WHERE run_id=(SELECT max(id) FROM runs)",
        /* in the middle of taking over */
        "DELETE FROM task_attempts WHERE task_id IN (SELECT id FROM tasks WHERE run_id=(SELECT max(id) FROM runs));"
        "UPDATE tasks SET status='pending', attempt=0, output=NULL WHERE task_name<>'a' AND run_id=(SELECT max(id) "
        "FROM "
        "runs); UPDATE commands SET done_at=NULL, outcome=NULL WHERE run_id=(SELECT max(id) FROM runs)",
        /* after all was taken over, before it began */
        "DELETE FROM task_attempts WHERE task_id IN (SELECT id FROM tasks WHERE run_id=(SELECT max(id) FROM runs));"
        "UPDATE tasks SET status='pending', attempt=0, output=NULL WHERE task_name IN ('b', 'd') AND run_id=(SELECT "
        "max(id) FROM runs)",
    };
    struct world *w = *state;
    ork_workflow *f = flow("rerun", NULL);
    char first[ORK_ID_TEXT];

    task(f, "a", "{\"command\":\"echo a >>ran; echo ORK_OUTPUT:1\"}", NULL);
    task(f, "b", "{\"command\":\"echo b >>ran; echo ORK_OUTPUT:2\"}", "a");
    task(f, "c", "{\"command\":\"echo c >>ran; echo ORK_OUTPUT:3\"}", "a");
    task(f, "d",
         "{\"command\":[\"sh\",\"-c\",\"echo d$1$2 "
         ">>ran\",\"sh\",{\"ref\":\"tasks.b.output\"},{\"ref\":\"tasks.c.output\"}]}",
         "b c");
    assert_int_equal(run_to_end(w, f, first), ORK_RUN_SUCCESS);
    for (size_t i = 0; i < sizeof(died) / sizeof(*died); i++) {
        struct ork_started s;
        ork_err err = {0};
        if (ork_run_rerun(w->engine, first, "{\"from\":\"b\"}", &s, &err) != 0)
            fail_msg("rerun: %s", err.msg);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        world_leave(w);
        change_rows(w, died[i]);
        change_rows(w,
                    "UPDATE runs SET status='pending', started_at=NULL, finished_at=NULL WHERE id=(SELECT max(id) FROM "
                    "runs)");
        (void)unlink("ran");
        world_engine(w);
        claim(w, s.run_id);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        assert_int_equal(system("test \"$(cat ran | tr -d '\\n')\" = bd23"), 0);
        assert_query(w, "SELECT count(*) FROM commands WHERE outcome IS NULL OR outcome<>'done'", "0");
    }
    ork_workflow_unref(f);
}

/* The run it takes over from has moved to another definition since: what it takes is still found by name. */
static void a_rerun_of_what_moved(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("moved", NULL), *g = flow("moved", NULL);
    char first[ORK_ID_TEXT];
    struct ork_started s;
    ork_err err = {0};

    task(f, "a", "{\"command\":\"echo ORK_OUTPUT:1\"}", NULL);
    task(f, "b", "{\"command\":\"echo ORK_OUTPUT:2\"}", NULL);
    task(f, "c", "{\"command\":\"true\"}", NULL);
    assert_int_equal(run_to_end(w, f, first), ORK_RUN_SUCCESS);
    if (ork_run_rerun(w->engine, first, "{\"from\":\"c\"}", &s, &err) != 0)
        fail_msg("rerun: %s", err.msg);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    task(g, "b", "{\"command\":\"echo ORK_OUTPUT:2\"}", NULL);
    task(g, "a", "{\"command\":\"echo ORK_OUTPUT:1\"}", NULL);
    task(g, "c", "{\"command\":\"echo\"}", NULL);
    seal(g);
    assert_int_equal(ork_run_update(w->engine, first, g, &(struct ork_update_opts){0}, NULL, &err), 0);
    assert_int_equal(wait_end(w, first), ORK_RUN_SUCCESS);
    world_leave(w);
    change_rows(w, "UPDATE tasks SET status='pending', attempt=0, output=NULL WHERE run_id=(SELECT max(id) FROM runs);"
                   "UPDATE commands SET done_at=NULL, outcome=NULL WHERE run_id=(SELECT max(id) FROM runs);"
                   "UPDATE runs SET status='pending', started_at=NULL, finished_at=NULL WHERE id=(SELECT max(id) FROM "
                   "runs)");
    world_engine(w);
    claim(w, s.run_id);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w,
                 "SELECT group_concat(task_name || output) FROM tasks WHERE execution_name='copied' AND run_id=(SELECT "
                 "max(id) FROM runs)",
                 "a1,b2");
    ork_workflow_unref(f);
    ork_workflow_unref(g);
}

/* More results than one commit takes. */
static void a_rerun_of_many(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("many", NULL);
    char first[ORK_ID_TEXT], name[16];
    struct ork_started s;
    ork_err err = {0};

    for (int i = 0; i < 450; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":\"echo x >>ran; echo ORK_OUTPUT:$ORK_TASK_INDEX\"}", NULL);
    }
    task(f, "last", "{\"command\":\"echo last >>ran\",\"task_bindings\":{\"n\":{\"ref\":\"tasks.t449.output\"}}}",
         "t449");
    assert_int_equal(run_to_end(w, f, first), ORK_RUN_SUCCESS);
    assert_int_equal(unlink("ran"), 0);
    if (ork_run_rerun(w->engine, first, "{\"from\":\"last\"}", &s, &err) != 0)
        fail_msg("rerun: %s", err.msg);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(system("test \"$(cat ran)\" = last"), 0);
    assert_query(w, "SELECT count(*) FROM tasks WHERE execution_name='copied' AND output=task_index", "450");
    ork_workflow_unref(f);
}

/* Killed and then paused before all was taken over: nothing of it is forgotten, and nothing of it runs instead. */
static void a_rerun_that_was_paused(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("many", NULL);
    char first[ORK_ID_TEXT], name[16];
    struct ork_started s;
    ork_err err = {0};

    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":\"echo x >>ran\",\"when\":{\"op\":\"truthy\",\"left\":{\"const\":false}}}", NULL);
    }
    task(f, "last", "{\"command\":\"[ ! -e hold ] || read x <go; echo last >>ran\"}", NULL);
    assert_int_equal(run_to_end(w, f, first), ORK_RUN_SUCCESS);
    change_rows(w, "UPDATE tasks SET status='success', output='1'");
    if (ork_run_rerun(w->engine, first, "{\"from\":\"last\"}", &s, &err) != 0)
        fail_msg("rerun: %s", err.msg);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    world_leave(w);
    change_rows(
        w, "UPDATE tasks SET status='pending', attempt=0, output=NULL, execution_name=NULL WHERE task_index>100 "
           "AND run_id=(SELECT max(id) FROM runs);"
           "DELETE FROM task_attempts WHERE task_id IN (SELECT id FROM tasks WHERE status='pending');"
           "UPDATE commands SET done_at=NULL, outcome=NULL;"
           "UPDATE runs SET status='pending', started_at=NULL, finished_at=NULL WHERE id=(SELECT max(id) FROM runs)");
    assert_int_equal(unlink("ran"), 0);
    gate_make("go");
    int go = open("go", O_RDWR | O_CLOEXEC); /* keeps what is written until somebody reads it */
    assert_int_equal(system("touch hold"), 0);
    world_engine(w);
    command(w, s.run_id, "pause", NULL, "done"); /* `last` may run already, and must not end the run */
    assert_query(w, "SELECT status FROM runs ORDER BY id DESC LIMIT 1", "paused");
    claim(w, s.run_id);
    command(w, s.run_id, "resume", NULL, "done");
    for (bool open = true; open;
         (void)ork_engine_step(w->engine, true)) { /* carried out in a later turn: before `last` ends */
        char *left = query(w, "SELECT count(*) FROM commands WHERE outcome IS NULL");
        open = strcmp(left, "0") != 0;
        free(left);
        if (!open)
            break;
    }
    assert_int_equal(unlink("hold"), 0);
    assert_int_equal(write(go, "\n", 1), 1);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    close(go);
    assert_query(w, "SELECT count(*) FROM tasks WHERE execution_name='copied'", "3000");
    assert_query(
        w,
        "SELECT coalesce(group_concat(kind || ' ' || coalesce(outcome, 'open')), 'all done') FROM commands WHERE "
        "outcome IS NULL OR outcome<>'done'",
        "all done");
    assert_int_equal(system("test \"$(cat ran)\" = last"), 0);
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_adopted_attempt_leaves_its_log, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(after_the_agent_died, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(the_agent_forgets_what_ended, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancelled_while_its_input_is_read, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(an_end_is_stored_whole, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(decided_at_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_rerun_that_died, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_rerun_of_what_moved, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_rerun_of_many, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_rerun_that_was_paused, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
