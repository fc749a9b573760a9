/* SPDX-License-Identifier: MIT */
/* Commits at awkward moments: the engine is closed while one is on its way or cannot be made, or something that nobody
 * waits for is collected beside one. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"

static void limit_files(bool on)
{
    struct rlimit r;
    struct sigaction act = {.sa_handler = on ? SIG_IGN : SIG_DFL};

    assert_int_equal(sigaction(SIGXFSZ, &act, NULL), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = on ? 0 : RLIM_INFINITY;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* Drives the engine for a while in which the run does not end. */
static void drive(struct world *w, const char *run_id, int64_t ms)
{
    int status;
    ork_err err;

    assert_int_equal(ork_run_wait(w->engine, run_id, ms, &status, &err), ORK_ETIMEDOUT);
}

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

/* The start of `b` is told while the end of `a` is being stored, and long after nothing else happens. */
static void what_nobody_waits_for_is_stored(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"x", "y", "z"};
    char params[64];
    ork_workflow *f = flow("lazy", NULL);
    struct ork_started s;

    gate_make("one two x y z");
    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <one\"}", .priority = 1}, NULL);
    for (int i = 0; i < 3; i++) { /* fewer wait than run, so the agent does not hold the exit of `a` back */
        (void)snprintf(params, sizeof(params), "{\"command\":\"read x <%s\"}", names[i]);
        task_with(f, (struct ork_task_spec){.name = names[i], .params = params, .priority = 1}, NULL);
    }
    task(f, "b", "{\"command\":\"echo x >ran; read x <two\"}", NULL);
    seal(f);
    s = start(w, f);
    for (int i = 0; i < 3; i++)
        until(w, names[i], ORK_TASK_RUNNING);
    drive(w, s.run_id, 100);
    int turn = open("ork.db-turn", O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(turn, LOCK_EX), 0);
    gate_open("one");
    while (access("ran", F_OK) != 0)
        drive(w, s.run_id, 10);
    drive(w, s.run_id, 150);
    close(turn);
    until(w, "a", ORK_TASK_SUCCESS);
    drive(w, s.run_id, 300);
    assert_query(w, "SELECT status FROM tasks WHERE task_name='b'", "running");
    gate_open("two");
    for (int i = 0; i < 3; i++)
        gate_open(names[i]);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* The end of the run cannot be stored; nothing runs any more that would keep it in mind. */
static void the_last_commit_waits_for_room(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("full", "{\"max_active_runs\":1}");
    struct ork_started s;

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    drive(w, s.run_id, 100);
    limit_files(true);
    gate_open("go");
    drive(w, s.run_id, 400);
    limit_files(false);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT status || (scheduler_id IS NULL) FROM runs", "success1");
    assert_query(w, "SELECT sum(used) FROM pool_use", "0");
    ork_workflow_unref(f);
}

/* A wish is refused, with the reason, instead of being waited for; the run's own changes are kept meanwhile. */
static void a_wish_without_room_is_refused(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("full", NULL);
    struct ork_started s;
    ork_err err = {0};

    gate_make("go other");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    task(f, "b", "{\"command\":\"read x <other\"}", NULL);
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    until(w, "b", ORK_TASK_RUNNING);
    drive(w, s.run_id, 100);
    limit_files(true);
    assert_int_equal(ork_run_command(w->engine, s.run_id, "cancel", NULL, NULL, &err), ORK_ENOSPC);
    gate_open("go");
    drive(w, s.run_id, 150);
    assert_int_equal(ork_run_command(w->engine, s.run_id, "cancel", NULL, NULL, &err), ORK_ENOSPC);
    assert_non_null(strstr(err.msg, "no space"));
    limit_files(false);
    gate_open("other");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM commands", "0");
    ork_workflow_unref(f);
}

static void without_a_database(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    gate_make("one two");
    for (int ms = 80; ms < 320; ms += 20) { /* before, at and after the first tries */
        ork_workflow *f = flow("away", NULL);
        task(f, "a", "{\"command\":\"read x <one\"}", NULL);
        task(f, "b", "{\"command\":\"read x <two\"}", NULL);
        seal(f);
        struct ork_started s = start(w, f);
        strcpy(run, s.run_id);
        until(w, "a", ORK_TASK_RUNNING);
        until(w, "b", ORK_TASK_RUNNING);
        drive(w, run, 60);
        limit_files(true);
        gate_open("one");
        drive(w, run, 40);
        gate_open("two");
        drive(w, run, ms);
        world_leave(w);
        limit_files(false);
        world_engine(w);
        claim(w, run);
        assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
        assert_query(w, "SELECT max(attempt) || max(lost) FROM tasks", "10");
        ork_workflow_unref(f);
    }
}

/* What a big log ends with is still being read. */
static void while_results_are_read(void **state)
{
    struct world *w = *state;
    ork_err err;

    gate_make("go");
    for (int turns = 0; turns < 12; turns++) {
        ork_workflow *f = flow("big", NULL);
        task(f, "a", "{\"command\":\"head -c 3000000 /dev/zero | tr '\\\\0' x; read x <go; echo ORK_OUTPUT:7\"}", NULL);
        task(f, "b", TRUE, "a");
        seal(f);
        struct ork_started s = start(w, f);
        until(w, "a", ORK_TASK_RUNNING);
        gate_open("go");
        for (int i = 0; i < turns && ork_engine_step(w->engine, i % 2 == 0);)
            i++;
        world_reopen(w);
        if (ork_run_claim(w->engine, s.run_id, &err) != 0) /* it may have ended */
            fail_msg("claim: %s", err.msg);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
        assert_query(w, "SELECT max(attempt) || max(lost) FROM tasks", "10");
        ork_workflow_unref(f);
    }
}

/* Closing does not wait for the run, however many tasks are ready. */
static void in_the_middle_of_many(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("many", NULL);
    char name[16];
    ork_err err;

    for (int i = 0; i < 1500; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, TRUE, NULL);
    }
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "t0", ORK_TASK_SUCCESS);
    world_leave(w);
    char *left = query(w, "SELECT count(*) FROM tasks WHERE status='pending'");
    assert_true(atoi(left) > 500);
    free(left);
    world_engine(w);
    if (ork_run_claim(w->engine, s.run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT max(attempt) || max(lost) FROM tasks", "10");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_nobody_waits_for_is_stored, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_last_commit_waits_for_room, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_wish_without_room_is_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(without_a_database, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(while_results_are_read, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(in_the_middle_of_many, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
