/* SPDX-License-Identifier: MIT */
/* Wishes about runs at awkward moments: each is carried out once, by whoever owns the run, and what is under way in the
 * agent is neither ended nor forgotten by one who only came to pause. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"

static ork_workflow *made;

static void owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    until_query(w, "SELECT count(*) FROM tasks WHERE status='pending' AND depends_on='[]'", "0");
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* This workflow was run by `life` in another process, which was killed when it had said that it was far enough. */
static void leave_orphan_of(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT], helper_body life)
{
    made = f;
    struct helper h = helper_start(w, life);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run_id);
    world_engine(w);
}

/* `a` of this workflow was running when its owner was killed, what else could be handed to the agent was. */
static void leave_orphan(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT])
{
    leave_orphan_of(w, f, run_id, owner);
}

/* A wish that whoever stored it did not live to see. */
static void store_cancel(struct world *w)
{
    change_rows(w, "INSERT INTO commands (id, run_id, kind, \"by\", created_at) SELECT randomblob(16), id, 'cancel', "
                   "'test', created_at FROM runs");
}

static int pid_of_a(struct world *w)
{
    char *text = query(w, "SELECT execution_name FROM task_attempts WHERE execution_name IS NOT NULL LIMIT 1");
    int pid = atoi(text);

    assert_true(pid > 1);
    free(text);
    return pid;
}

/* Some other run, so that messages under way arrive. */
static void run_another(struct world *w)
{
    ork_workflow *f = flow("another", NULL);

    task(f, "x", TRUE, NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void resume(struct world *w, const char *run_id)
{
    ork_err err = {0};

    command(w, run_id, "resume", NULL, NULL);
    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

/* The bell as another process rings it. */
static void ring(void)
{
    uint64_t n = 0;
    int fd = open("ork.db-bell", O_RDWR | O_CLOEXEC);

    assert_int_equal(pread(fd, &n, sizeof(n), 0), sizeof(n));
    n++;
    assert_int_equal(pwrite(fd, &n, sizeof(n), 0), sizeof(n));
    close(fd);
}

/* While the commit that says so is on its way the row still asks for it; a second cancel would end `z` too. */
static void is_carried_out_once(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("once", NULL);
    struct ork_started s;
    int status;
    ork_err err;

    task(f, "a", "{\"command\":[\"sleep\",\"100\"]}", NULL);
    task_with(
        f,
        (struct ork_task_spec){
            .name = "z", .params = "{\"command\":\"echo bye\"}", .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
        NULL);
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 100, &status, &err), ORK_ETIMEDOUT); /* all is stored */
    store_cancel(w);
    int turn = open("ork.db-turn", O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(turn, LOCK_EX), 0);
    for (int i = 0; i < 3; i++) {
        ring();
        assert_int_equal(ork_run_wait(w->engine, s.run_id, 100, &status, &err), ORK_ETIMEDOUT);
    }
    close(turn);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,success");
    assert_query(w, "SELECT killed || (SELECT group_concat(outcome) FROM commands) FROM runs", "0done");
    ork_workflow_unref(f);
}

/* A look that began before a run was claimed knows nothing of the wish it was claimed for. */
static void is_not_missed_beside_another(void **state)
{
    struct world *w = *state;
    ork_workflow *busy = flow("busy", NULL), *f = flow("fails", NULL);
    char run[ORK_ID_TEXT];
    ork_err err = {0};

    gate_make("go");
    task(busy, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(busy);
    task(f, "b", "{\"command\":\"exit 1\"}", NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    struct ork_started s = start(w, busy);
    until(w, "a", ORK_TASK_RUNNING);
    for (int i = 0; i < 40; i++) {
        command(w, run, "retry", NULL, "sent");
        ring();
        if (ork_run_claim(w->engine, run, &err) != 0)
            fail_msg("claim: %s", err.msg);
        assert_int_equal(wait_end(w, run), ORK_RUN_FAILED);
    }
    assert_query(w, "SELECT count(*) || group_concat(DISTINCT outcome) FROM commands", "40done");
    assert_query(w, "SELECT attempt FROM tasks WHERE task_name='b'", "41");
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(busy);
    ork_workflow_unref(f);
}

static void pausing_an_orphan_leaves_what_runs_alone(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("orphan", "{\"max_active_runs\":1,\"pools\":{\"db\":2}}");
    char run[ORK_ID_TEXT];

    gate_make("go");
    task_with(f,
              (struct ork_task_spec){
                  .name = "a", .params = "{\"command\":\"echo x >>ran; read x <go\"}", .pool = "db", .pool_slots = 2},
              NULL);
    task(f, "b", TRUE, "a");
    seal(f);
    leave_orphan(w, f, run);
    int pid = pid_of_a(w);
    command(w, run, "pause", NULL, "done");
    assert_query(w, "SELECT status || (scheduler_id IS NULL) FROM runs", "paused1");
    run_another(w);
    until_query(w, "SELECT sum(used) FROM pool_use", "0"); /* slots and turn are who's next */
    assert_int_equal(kill(pid, 0), 0);
    gate_open("go");
    gate_gone(pid);
    run_another(w); /* the exit reaches us, whom it does not concern */
    resume(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(system("test $(wc -l <ran) = 1"), 0);
    assert_query(w, "SELECT attempt || lost FROM tasks WHERE task_name='a'", "10");
    ork_workflow_unref(f);
}

static void pausing_an_orphan_takes_back_what_waits(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("waits", NULL);
    char run[ORK_ID_TEXT], name[8];

    gate_make("go");
    w->jobs = 1;
    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <go\"}", .priority = 1}, NULL);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":\"echo x >>ran\"}", NULL);
    }
    seal(f);
    leave_orphan(w, f, run);
    int pid = pid_of_a(w);
    command(w, run, "pause", NULL, "done");
    assert_query(w, "SELECT group_concat(DISTINCT status) FROM tasks WHERE task_name<>'a'", "pending");
    gate_open("go");
    gate_gone(pid);
    run_another(w);
    assert_int_equal(access("ran", F_OK), -1);
    resume(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(system("test $(wc -l <ran) = 20"), 0);
    ork_workflow_unref(f);
}

/* Its row says dispatched, the agent was never asked, the run is paused: it must not start now, and once later. */
static void a_paused_run_sends_nothing(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("sends", NULL);
    char run[ORK_ID_TEXT];
    ork_err err = {0};

    task(f, "a", "{\"command\":\"echo $ORK_ATTEMPT >>ran\"}", NULL);
    task(f, "b", "{\"command\":\"echo $ORK_ATTEMPT >>ran\"}", "a");
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    assert_int_equal(unlink("ran"), 0);
    world_leave(w);
    change_rows(w, "UPDATE runs SET status='paused', finished_at=NULL; UPDATE tasks SET status='dispatched', "
                   "started_at=NULL, finished_at=NULL WHERE task_name='b'; UPDATE task_attempts SET "
                   "status='dispatched', started_at=NULL, finished_at=NULL WHERE task_id=(SELECT id FROM tasks WHERE "
                   "task_name='b')");
    world_engine(w);
    if (ork_run_claim(w->engine, run, &err) != 0)
        fail_msg("claim: %s", err.msg);
    until(w, "b", ORK_TASK_PENDING);
    run_another(w);
    assert_int_equal(access("ran", F_OK), -1);
    command(w, run, "resume", NULL, NULL);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(system("test \"$(cat ran)\" = 2"), 0);
    ork_workflow_unref(f);
}

/* Nobody owns it, and somebody else comes first: the wish is theirs to carry out. */
static void the_run_ends_while_it_is_paused_here(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("last", NULL);
    char run[ORK_ID_TEXT];
    ork_err err = {0};
    char *how = NULL;

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    leave_orphan(w, f, run);
    change_rows(w, "UPDATE runs SET cancel_reason=1");
    assert_int_equal(ork_run_command(w->engine, run, "pause", NULL, &how, &err), 0);
    /* its task may be dead before the wish is read */
    assert_true(strcmp(how, "not possible: the run is running") == 0 ||
                strcmp(how, "too late: the run had ended (cancelled)") == 0);
    ork_free(how);
    assert_query(w, "SELECT status FROM runs", "cancelled");
    ork_workflow_unref(f);
}

static void owner_of_a_retry(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until_query(w, "SELECT count(*) FROM task_attempts WHERE status='failed'", "1");
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* Its owner died before it saw that it was to be cancelled. Who cancels it again has it cancelled, whichever of the two
 * wishes ends it. */
static void a_cancel_begun_by_another_is_done(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("again", NULL);
    char run[ORK_ID_TEXT];
    ork_err err = {0};
    char *how = NULL;

    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"exit 1\"}",
                                     .retry = {.limit = 1, .delay_ms = 3600000, .factor = 1}},
              NULL);
    seal(f);
    leave_orphan_of(w, f, run, owner_of_a_retry);
    store_cancel(w);
    if (ork_run_command(w->engine, run, "cancel", NULL, &how, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(how, "done");
    ork_free(how);
    assert_query(w, "SELECT status FROM runs", "cancelled");
    assert_query(w, "SELECT group_concat(outcome) FROM commands", "done,done");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_carried_out_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_not_missed_beside_another, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(pausing_an_orphan_leaves_what_runs_alone, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(pausing_an_orphan_takes_back_what_waits, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_paused_run_sends_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_run_ends_while_it_is_paused_here, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_begun_by_another_is_done, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
