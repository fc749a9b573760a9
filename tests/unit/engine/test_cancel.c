/* SPDX-License-Identifier: MIT */
/* Cancel, pause and limits of time: races with exits, with deaths of the owner, and with the start. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"
/* Hears TERM and goes on: only KILL ends it. Says when it listens, and what it heard. */
#define STUBBORN                                                                                                       \
    "{\"grace_ms\":800,\"command\":\"trap 'echo term >told' TERM; echo ready >told; while :; do sleep 1000 & wait; "   \
    "done\"}"
/* Tidies up on TERM and ends well. */
#define POLITE                                                                                                         \
    "{\"command\":\"trap 'echo tidy >>ran; exit 0' TERM; echo ready >told; while :; do sleep 1000 & wait; done\"}"

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

/* The outcome of the newest command. */
static void assert_outcome(struct world *w, const char *expected)
{
    assert_query(w, "SELECT coalesce(outcome, 'open') FROM commands ORDER BY id DESC LIMIT 1", expected);
}

/* ---- who comes first ---- */

static void exit_before_cancel(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("race", NULL);
    struct ork_started s;

    gate_make("told");
    task(f, "a", "{\"command\":\"echo ORK_OUTPUT:7\"}", NULL);
    task(f, "b", STUBBORN, "a");
    task(f, "c", TRUE, "b");
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "b", ORK_TASK_RUNNING);
    gate_hear(w, "told", "ready");
    command(w, s.run_id, "cancel", NULL, "done");
    gate_hear(w, "told", "term");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "success,cancelled,cancelled");
    assert_query(w, "SELECT output FROM tasks WHERE task_name='a'", "7"); /* the success stands */
    assert_query(w, "SELECT signal FROM task_attempts WHERE status='cancelled'", "9");
    ork_workflow_unref(f);
}

static void cancel_before_exit(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("race", NULL);
    struct ork_started s;

    gate_make("told");
    task_with(f, (struct ork_task_spec){.name = "a", .params = POLITE, .retry = {.limit = 5}}, NULL);
    task(f, "b", TRUE, "a");
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    gate_hear(w, "told", "ready");
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status || attempts) FROM tasks", "cancelled0,cancelled0");
    assert_query(w, "SELECT status || kind || exit_code FROM task_attempts", "cancelledcancelled0");
    assert_int_equal(system("test \"$(cat ran)\" = tidy"), 0);
    ork_workflow_unref(f);
}

static void cancel_after_the_end_is_too_late(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("late", NULL);
    char run[ORK_ID_TEXT];
    ork_err err = {0};

    world_engine(w);
    task(f, "a", TRUE, NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    assert_int_equal(ork_run_command(w->engine, run, "cancel", NULL, NULL, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "too late: the run had ended (success)"));
    assert_query(w, "SELECT count(*) FROM commands", "0");
    ork_workflow_unref(f);
}

/* The wish is stored while the last task's exit is on its way: it is answered, and the success stands. */
static void cancel_beside_the_last_exit(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("last", NULL);
    struct helper h;
    char run[ORK_ID_TEXT];
    ork_err err = {0};
    char *how = NULL;

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    made = f;
    h = helper_start(w, owner);
    helper_hear(&h, 'r');
    last_run(w, run);
    world_engine(w);
    assert_int_equal(kill(h.pid, SIGSTOP), 0);
    char *pid = query(w, "SELECT execution_name FROM tasks");
    gate_open("go");
    gate_gone(atoi(pid));
    free(pid);
    if (ork_run_command(w->engine, run, "cancel", NULL, &how, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(how, "sent");
    ork_free(how);
    assert_int_equal(kill(h.pid, SIGCONT), 0); /* now it sees both, the exit or the wish first */
    int status = wait_end(w, run);
    helper_end(&h);
    char *outcome = query(w, "SELECT coalesce(outcome, 'open') FROM commands");
    if (status == ORK_RUN_SUCCESS)
        assert_true(strcmp(outcome, "too late: the run had ended (success)") == 0 || strcmp(outcome, "open") == 0);
    else
        assert_string_equal(outcome, "done");
    assert_query(w, "SELECT (SELECT status FROM tasks) = (SELECT status FROM runs)", "1");
    free(outcome);
    ork_workflow_unref(f);
}

static void a_second_cancel_ends_finally_too(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("twice", NULL);
    struct ork_started s;

    gate_make("told");
    task(f, "a", "{\"command\":[\"sleep\",\"1000\"]}", NULL);
    task_with(
        f, (struct ork_task_spec){.name = "z", .params = STUBBORN, .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
        NULL);
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    command(w, s.run_id, "cancel", NULL, "done");
    until(w, "z", ORK_TASK_RUNNING);
    gate_hear(w, "told", "ready");
    command(w, s.run_id, "cancel", NULL, "done"); /* no grace this time */
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled");
    ork_workflow_unref(f);
}

/* ---- the owner dies, or is not there ---- */

/* Killed in the grace period: the wish holds, whoever takes the run up next. */
static void owner_dies_in_the_grace_period(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    gate_make("told");
    for (int by_claim = 0; by_claim < 2; by_claim++) {
        ork_workflow *f = flow("grace", NULL);
        task(f, "a", STUBBORN, NULL);
        task(f, "b", "{\"command\":\"echo x >>ran\"}", "a");
        seal(f);
        made = f;
        struct helper h = helper_start(w, owner);
        helper_hear(&h, 'r');
        gate_hear(w, "told", "ready");
        last_run(w, run);
        world_engine(w);
        command(w, run, "cancel", NULL, "sent");
        gate_hear(w, "told", "term");
        helper_kill(&h);
        if (by_claim)
            claim(w, run);
        else
            command(w, run, "cancel", NULL, "done");
        assert_int_equal(wait_end(w, run), ORK_RUN_CANCELLED);
        assert_query(w, "SELECT group_concat(status) FROM (SELECT status FROM tasks ORDER BY id DESC LIMIT 2)",
                     "cancelled,cancelled");
        assert_int_equal(access("ran", F_OK), -1);
        world_leave(w);
        ork_workflow_unref(f);
    }
}

/* The wish was stored, its owner died before it looked. */
static void a_wish_outlives_its_owner(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("wish", NULL);
    char run[ORK_ID_TEXT];

    task(f, "a", "{\"command\":[\"sleep\",\"1000\"]}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran\"}", "a");
    seal(f);
    made = f;
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    last_run(w, run);
    world_engine(w);
    assert_int_equal(kill(h.pid, SIGSTOP), 0);
    command(w, run, "cancel", NULL, "sent");
    helper_kill(&h);
    assert_outcome(w, "open");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_CANCELLED);
    assert_outcome(w, "done");
    assert_int_equal(access("ran", F_OK), -1);
    ork_workflow_unref(f);
}

static void without_an_owner_it_is_done_here(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    gate_make("go");
    for (int cancel = 0; cancel < 2; cancel++) {
        ork_workflow *f = flow("orphan", NULL);
        task(f, "a", "{\"command\":\"read x <go\"}", NULL);
        task(f, "b", TRUE, "a");
        seal(f);
        made = f;
        struct helper h = helper_start(w, owner);
        helper_hear(&h, 'r');
        helper_kill(&h);
        last_run(w, run);
        world_engine(w);
        command(w, run, cancel ? "cancel" : "pause", NULL, "done");
        assert_query(w, "SELECT status || (scheduler_id IS NULL) FROM runs ORDER BY id DESC LIMIT 1",
                     cancel ? "cancelled1" : "paused1");
        if (!cancel) { /* what runs goes on, nothing new starts, and whoever resumes it finds the exit */
            gate_open("go");
            command(w, run, "resume", NULL, "sent");
            claim(w, run);
            assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
        }
        world_leave(w);
        ork_workflow_unref(f);
    }
    assert_query(w, "SELECT count(*) FROM tasks WHERE status IN ('running', 'dispatched', 'pending')", "0");
}

/* Some of the rows are not there yet. */
static void cancel_while_tasks_are_inserted(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("large", NULL);
    struct ork_started s;
    char name[16];

    for (int i = 0; i < 6000; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, TRUE, NULL);
    }
    seal(f);
    world_engine(w);
    s = start(w, f);
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    for (size_t i = 0; i < w->changes; i++)
        assert_int_not_equal(w->change[i].to, ORK_RUN_RUNNING);
    assert_query(w, "SELECT count(*) || group_concat(DISTINCT status) FROM tasks", "6000cancelled");
    assert_query(w, "SELECT status || tasks_total FROM runs", "cancelled6000");
    ork_workflow_unref(f);
}

/* ---- pause ---- */

static void pause_takes_back_what_has_not_started(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("pause", NULL);
    struct ork_started s;
    char name[16];

    gate_make("go");
    w->jobs = 1;
    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <go\"}", .priority = 1}, NULL);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":\"echo $ORK_TASK_NAME >>ran\"}", NULL);
    }
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    until_query(w, "SELECT count(*) FROM tasks WHERE status='dispatched'", "30");
    command(w, s.run_id, "pause", NULL, "done");
    until_query(w, "SELECT count(*) FROM tasks WHERE status='pending'", "30");
    gate_open("go");
    until(w, "a", ORK_TASK_SUCCESS);
    assert_int_equal(access("ran", F_OK), -1);
    assert_query(w,
                 "SELECT count(*) FROM task_attempts WHERE status='cancelled' AND error='taken back before it started'",
                 "30");
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND attempts=0 AND attempt=2", "30");
    assert_int_equal(system("test $(wc -l <ran) = 30"), 0);
    ork_workflow_unref(f);
}

static void pause_holds_retries(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("hold", NULL);
    struct ork_started s;
    int status;
    ork_err err = {0};

    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"echo x >>ran; [ $ORK_ATTEMPT = 2 ]\"}",
                                     .retry = {.limit = 1, .delay_ms = 1000, .factor = 1}},
              NULL);
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_PENDING);
    command(w, s.run_id, "pause", NULL, "done");
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 1100, &status, &err), ORK_ETIMEDOUT);
    assert_int_equal(system("test $(wc -l <ran) = 1"), 0);
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* ---- time and failures end a run ---- */

static void run_timeout_leaves_time_for_finally(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("limit", "{\"run_timeout_ms\":150}");

    task(f, "a", "{\"command\":[\"sleep\",\"1000\"]}", NULL);
    task(f, "b", TRUE, "a");
    task_with(f,
              (struct ork_task_spec){.name = "z",
                                     .params = "{\"command\":\"sleep 0.2; echo bye\"}",
                                     .rule = ORK_RULE_ALWAYS,
                                     .flags = ORK_TASK_FINALLY},
              NULL);
    world_engine(w);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled,success");
    assert_query(w, "SELECT error FROM runs", "run_timeout is over");
    ork_workflow_unref(f);
}

/* It counts from the start, also for an owner that comes later. */
static void run_timeout_goes_on_after_a_restart(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("limit", "{\"run_timeout_ms\":60000}");
    struct ork_started s;

    task(f, "a", "{\"command\":[\"sleep\",\"1000\"]}", NULL);
    seal(f);
    world_engine(w);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    world_reopen(w);
    change_rows(w, "UPDATE runs SET started_at=strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '-1 hour')");
    claim(w, s.run_id);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT error FROM runs", "run_timeout is over");
    ork_workflow_unref(f);
}

/* A person's retry has the whole time again, also when its owner dies. */
static void run_timeout_begins_anew_with_a_retry(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("limit", "{\"run_timeout_ms\":60000}");
    char run[ORK_ID_TEXT];

    gate_make("go");
    task(f, "a", "{\"command\":\"[ $ORK_ATTEMPT = 2 ] && read x <go\"}", NULL);
    world_engine(w);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    change_rows(w, "UPDATE runs SET started_at=strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '-1 hour')");
    command(w, run, "retry", NULL, NULL);
    claim(w, run);
    until(w, "a", ORK_TASK_RUNNING);
    world_reopen(w);
    claim(w, run);
    until(w, "a", ORK_TASK_RUNNING);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void fail_fast_ends_the_others(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("fast", "{\"fail_fast\":true}");

    gate_make("told");
    task(f, "a", "{\"command\":\"echo ready >told; exec sleep 1000\"}", NULL);
    task(f, "b", "{\"command\":\"read x <told; exit 3\"}", NULL);
    task(f, "c", TRUE, "a");
    task_with(f,
              (struct ork_task_spec){.name = "z", .params = TRUE, .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
              NULL);
    world_engine(w);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,failed,cancelled,success");
    assert_query(w, "SELECT error FROM runs", "a task failed (fail_fast); 1 of 4 tasks failed: b");
    ork_workflow_unref(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup_dir, world_teardown)
    const struct CMUnitTest tests[] = {
        T(exit_before_cancel),
        T(cancel_before_exit),
        T(cancel_after_the_end_is_too_late),
        T(cancel_beside_the_last_exit),
        T(a_second_cancel_ends_finally_too),
        T(owner_dies_in_the_grace_period),
        T(a_wish_outlives_its_owner),
        T(without_an_owner_it_is_done_here),
        T(cancel_while_tasks_are_inserted),
        T(pause_takes_back_what_has_not_started),
        T(pause_holds_retries),
        T(run_timeout_leaves_time_for_finally),
        T(run_timeout_goes_on_after_a_restart),
        T(run_timeout_begins_anew_with_a_retry),
        T(fail_fast_ends_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
