/* SPDX-License-Identifier: MIT */
/* Dead means dead: whatever ends an attempt, no process of it is left when the end is told. */
#include "exec/lib_rig.h"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void normal_end_leaves_nothing(void **state)
{
    struct rig *r = *state;
    int pids[MANY_LEN];
    const struct ork_exit *x;

    run_sh(r, 1, MANY "while ! test -e go; do sleep 0.01; done; exit 3");
    wait_many(r, pids);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    x = wait_exit(r, 1);
    all_dead(pids);
    assert_int_equal(x->reason, ORK_EXIT_NORMAL);
    assert_int_equal(x->exit_code, 3);
}

static void killed_with_all_it_started(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    int pids[MANY_LEN];
    const struct ork_exit *x;

    run_sh(r, 1, MANY "wait");
    wait_many(r, pids);
    ork_agent_kill(r->agent, &k, 0);
    x = wait_exit(r, 1);
    all_dead(pids);
    assert_int_equal(x->reason, ORK_EXIT_KILLED);
    assert_int_equal(x->signal, SIGKILL);
}

static void timeout_kills_all(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(r, 1, MANY "wait");
    ork_id run = id_of(1);
    int pids[MANY_LEN];
    const struct ork_exit *x;

    s.timeout_ms = 2000; /* enough to start them all on a machine that is busy */
    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
    wait_many(r, pids);
    x = wait_exit(r, 1);
    all_dead(pids);
    assert_int_equal(x->reason, ORK_EXIT_TIMEOUT);
    assert_true(x->finished_ms - x->started_ms >= 1990);
}

static void grace_lets_it_clean_up(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    const struct ork_exit *x;
    char *text;

    run_sh(r, 1, "trap 'echo cleaned; exit 9' TERM; echo $$ >pid; while :; do sleep 0.01; done");
    wait_file(r, rig_path(r, "pid"));
    ork_agent_kill(r->agent, &k, 1000000);
    x = wait_exit(r, 1);
    assert_int_equal(x->reason, ORK_EXIT_KILLED);
    assert_int_equal(x->exit_code, 9);
    text = rig_read(rig_path(r, "1.log"));
    assert_non_null(strstr(text, "cleaned\n"));
    ork_free(text);
}

static void grace_ends(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    const struct ork_exit *x;

    run_sh(r, 1, "trap '' TERM; echo $$ >pid; while :; do sleep 0.01; done");
    wait_file(r, rig_path(r, "pid"));
    ork_agent_kill(r->agent, &k, 100);
    x = wait_exit(r, 1);
    assert_int_equal(x->reason, ORK_EXIT_KILLED);
    assert_int_equal(x->signal, SIGKILL);
}

static void second_kill_is_at_once(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);

    run_sh(r, 1, "trap '' TERM; echo $$ >pid; while :; do sleep 0.01; done");
    wait_file(r, rig_path(r, "pid"));
    ork_agent_kill(r->agent, &k, 1000000);
    ork_agent_kill(r->agent, &k, 0);
    assert_int_equal(wait_exit(r, 1)->signal, SIGKILL);
}

static void children_share_the_grace(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    char *text;

    run_sh(r, 1,
           "(trap 'sleep 0.1; echo child cleaned; exit' TERM; echo $$ >pid; while :; do sleep 0.01; done) & wait");
    wait_file(r, rig_path(r, "pid"));
    ork_agent_kill(r->agent, &k, 1000000);
    wait_exit(r, 1);
    text = rig_read(rig_path(r, "1.log"));
    assert_non_null(strstr(text, "child cleaned\n")); /* the shell also reports its sleep */
    ork_free(text);
}

static void stopped_one_hears_term(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    const struct ork_exit *x;

    run_sh(r, 1, "trap 'exit 5' TERM; echo $$ >pid; kill -STOP $$; while :; do sleep 0.01; done");
    wait_file(r, rig_path(r, "pid"));
    ork_agent_kill(r->agent, &k, 1000000);
    x = wait_exit(r, 1);
    assert_int_equal(x->exit_code, 5);
}

static void a_fork_bomb_dies(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);

    run_sh(r, 1, "b() { sleep 0.02; setsid sh -c 'sleep 100' & [ -e go ] || echo >go; }; while :; do b; b & done");
    wait_file(r, rig_path(r, "go"));
    ork_agent_kill(r->agent, &k, 0);
    wait_exit(r, 1); /* teardown looks for survivors */
}

static void keep_children(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(r, 1, "sh report child & while ! test -e child; do sleep 0.01; done");
    ork_id run = id_of(1);
    int pid;

    s.keep_children = true;
    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
    assert_int_equal(wait_exit(r, 1)->exit_code, 0);
    pid = read_pid(rig_path(r, "child"));
    assert_true(pid_alive(pid));
    run_sh(r, 2, "true"); /* the end of another does not take it for its own */
    wait_exit(r, 2);
    assert_true(pid_alive(pid));
    kill(pid, SIGKILL);
    wait_pid_gone(pid);
}

static void a_neighbours_orphan_lives(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    int pid;

    run_sh(r, 1, "(sh report child &); sleep 1000");
    wait_file(r, rig_path(r, "child"));
    pid = read_pid(rig_path(r, "child"));
    run_sh(r, 2, "true");
    wait_exit(r, 2);
    assert_true(pid_alive(pid));
    ork_agent_kill(r->agent, &k, 0);
    wait_exit(r, 1);
    assert_false(pid_alive(pid));
}

static void kill_of_a_queued_one(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k;
    const struct ork_exit *x;

    for (unsigned i = 0; i < 5; i++) /* 4 slots */
        run_sh(r, i, "sleep 1000");
    k = key_of(4);
    ork_agent_kill(r->agent, &k, 1000);
    x = wait_exit(r, 4);
    assert_int_equal(x->reason, ORK_EXIT_KILLED);
    assert_int_equal(x->pid, 0);
    assert_null(find_seen(r, SEEN_STARTED, &k));
    for (unsigned i = 0; i < 4; i++) {
        k = key_of(i);
        ork_agent_kill(r->agent, &k, 0);
        wait_exit(r, i);
    }
}

static void kill_of_unknown_is_ignored(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(77);

    run_sh(r, 1, "true");
    ork_agent_kill(r->agent, &k, 0);
    ork_agent_ack(r->agent, &k);
    wait_exit(r, 1);
    assert_int_equal(count_seen(r, SEEN_EXITED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(normal_end_leaves_nothing, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(killed_with_all_it_started, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(timeout_kills_all, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(grace_lets_it_clean_up, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(grace_ends, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(second_kill_is_at_once, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(children_share_the_grace, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(stopped_one_hears_term, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_fork_bomb_dies, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(keep_children, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_neighbours_orphan_lives, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(kill_of_a_queued_one, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(kill_of_unknown_is_ignored, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("ending", tests, NULL, NULL);
}
