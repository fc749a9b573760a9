/* SPDX-License-Identifier: MIT */
/* Who starts when: slots, limits of clients, priority, recall; and how results travel when there are many. */
#include "exec/lib_rig.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Counts itself in a folder while it runs; fails when more than `most` are there. */
#define COUNTED "mkdir -p at; : >at/$$; n=$(ls at | wc -l); sleep 0.02; rm at/$$; test $n -le %u"

static void no_more_than_its_jobs(void **state)
{
    struct rig *r = *state;
    char command[256];

    snprintf(command, sizeof command, COUNTED, 4);
    for (unsigned i = 0; i < 24; i++)
        run_sh(r, i, command);
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(wait_exit(r, i)->exit_code, 0);
}

static void a_claimed_queue_keeps_the_limit(void **state)
{
    struct rig *r = *state;
    char command[256];
    struct raw other;
    ork_id run = id_of(1);

    snprintf(command, sizeof command, COUNTED, 4);
    for (unsigned i = 0; i < 12; i++)
        run_sh(r, i, command);
    wait_for(r, SEEN_STARTED, NULL);
    raw_open(&other, r, ORK_PROTO, 8, 9); /* for its sake the agent has 8 slots */
    raw_wait(&other, ORK_F_WELCOME);
    rig_close(r); /* the new client answers for the running ones too */
    rig_open(r);
    ork_agent_claim(r->agent, &run);
    for (unsigned i = 12; i < 24; i++)
        run_sh(r, i, command);
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(wait_exit(r, i)->exit_code, 0);
    raw_close(&other);
}

static void by_priority_then_arrival(void **state)
{
    static const int priority[] = {0, 5, 0, -1, 5, 9};
    static const unsigned want[] = {6, 2, 5, 1, 3, 4};
    struct rig *r = *state;
    struct ork_attempt_key k;
    ork_id run = id_of(1);
    size_t n = 0;

    rig_close(r);
    rig_wait_agent_gone(r);
    r->jobs = 1;
    rig_open(r);
    run_sh(r, 0, "echo >0.pid; while ! test -e go; do sleep 0.01; done");
    wait_file(r, rig_path(r, "0.pid"));
    for (unsigned i = 0; i < 6; i++) {
        struct ork_spawn s = sh(r, i + 1, "true");

        s.priority = priority[i];
        ork_agent_spawn(r->agent, &s);
    }
    ork_agent_claim(r->agent, &run);
    ork_agent_flush(r->agent);
    k = key_of(7);
    run_sh(r, 7, "false"); /* after all others in this connection: they are queued when its answer comes */
    ork_agent_recall(r->agent, &k);
    wait_for(r, SEEN_RECALLED, &k);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    for (unsigned i = 0; i < 7; i++)
        wait_exit(r, i);
    for (size_t i = 0; i < r->seen_len; i++) {
        if (r->seen[i].what == SEEN_EXITED && n++) {
            struct ork_attempt_key w = key_of(want[n - 2]);

            assert_true(ork_id_eq(&r->seen[i].key.task, &w.task));
        }
    }
}

static void recall(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k;

    for (unsigned i = 0; i < 4; i++)
        run_sh(r, i, "while ! test -e go; do sleep 0.01; done");
    run_sh(r, 4, "echo >4.ran");
    run_sh(r, 5, "echo >5.ran");
    k = key_of(0);
    wait_for(r, SEEN_STARTED, &k);
    ork_agent_recall(r->agent, &k); /* runs: ignored */
    k = key_of(4);
    ork_agent_recall(r->agent, &k);
    wait_for(r, SEEN_RECALLED, &k);
    assert_int_equal(count_seen(r, SEEN_RECALLED), 1);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    wait_exit(r, 5);
    wait_exit(r, 0);
    assert_int_equal(access(rig_path(r, "4.ran"), F_OK), -1);
    assert_null(find_seen(r, SEEN_EXITED, &k));
    run_sh(r, 4, "echo >4.ran"); /* and may be sent again under the same number */
    assert_int_equal(wait_exit(r, 4)->exit_code, 0);
}

/* One client floods, another has one task: it need not wait for the flood. */
static void clients_take_turns(void **state)
{
    struct rig *r = *state;
    struct raw a, b;
    unsigned before = 0;
    char *order;

    rig_close(r);
    rig_wait_agent_gone(r);
    r->jobs = 1;
    rig_open(r);
    run_sh(r, 0, "echo >0.pid; while ! test -e go; do sleep 0.01; done");
    wait_file(r, rig_path(r, "0.pid"));
    raw_open(&a, r, ORK_PROTO, 1, 5);
    for (unsigned i = 10; i < 60; i++)
        raw_spawn(&a, 2, i, r, "echo a >>order");
    raw_claim(&a, 2);
    raw_send(&a);
    raw_wait(&a, ORK_F_CLAIMED);
    raw_open(&b, r, ORK_PROTO, 1, 5);
    raw_spawn(&b, 3, 70, r, "echo b >>order");
    raw_claim(&b, 3);
    raw_send(&b);
    raw_wait(&b, ORK_F_CLAIMED);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    raw_wait(&b, ORK_F_EXITED);
    order = rig_read(rig_path(r, "order"));
    for (char *at = order; *at && *at != 'b'; at += 2)
        before++;
    ork_free(order);
    assert_true(before <= 2);
    for (unsigned i = 10; i < 60; i++)
        raw_wait(&a, ORK_F_EXITED);
    raw_close(&a);
    raw_close(&b);
    wait_exit(r, 0);
}

/* Slots are the largest wish of a living client; a small client is held to its own. */
static void each_client_its_own_limit(void **state)
{
    struct rig *r = *state;
    struct raw a;
    char command[256];

    run_sh(r, 900, "true"); /* jobs 4 */
    wait_exit(r, 900);
    raw_open(&a, r, ORK_PROTO, 1, 5);
    snprintf(command, sizeof command, COUNTED, 1);
    for (unsigned i = 10; i < 20; i++)
        raw_spawn(&a, 2, i, r, command);
    raw_send(&a);
    for (unsigned i = 10; i < 20; i++) {
        struct ork_rd p = raw_wait(&a, ORK_F_EXITED);
        struct ork_wire_exit x;

        ork_rd_key(&p);
        ork_rd_exit(&p, &x);
        assert_int_equal(x.exit_code, 0);
    }
    raw_close(&a);
}

/* Results may wait for company while many are queued, but not for an event that never comes. */
static void held_results_are_sent_in_time(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k;

    rig_close(r);
    rig_wait_agent_gone(r);
    r->jobs = 1;
    rig_open(r);
    run_sh(r, 0, "true");
    run_sh(r, 1, "while ! test -e go; do sleep 0.01; done");
    for (unsigned i = 2; i < 20; i++)
        run_sh(r, i, "true");
    wait_exit(r, 0); /* the second runs, eighteen wait */
    k = key_of(1);
    wait_for(r, SEEN_STARTED, &k);
    assert_int_equal(count_seen(r, SEEN_EXITED), 1);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    for (unsigned i = 1; i < 20; i++)
        wait_exit(r, i);
}

static void two_thousand(void **state)
{
    struct rig *r = *state;
    char *argv[] = {(char *)"/bin/true"};
    ork_id run = id_of(1);
    size_t at = 0, done = 0;
    unsigned sent = 0;
    struct ork_spawn s;
    uint64_t from = uv_hrtime();
    char path[64], *status, *rss;

    ork_agent_claim(r->agent, &run);
    while (done < 2000) {
        for (; sent < done + 64 && sent < 2000; sent++) {
            s = sh(r, sent, "");
            s.argv = argv;
            s.argc = 1;
            ork_agent_spawn(r->agent, &s);
        }
        uv_run(&r->loop, UV_RUN_ONCE);
        for (; at < r->seen_len; at++) {
            if (r->seen[at].what != SEEN_EXITED)
                continue;
            assert_int_equal(r->seen[at].x.exit_code, 0);
            ork_agent_ack(r->agent, &r->seen[at].key);
            done++;
        }
    }
    assert_int_equal(count_seen(r, SEEN_EXITED), 2000);
    print_message("             %.0f tasks/s\n", 2000 / ((double)(uv_hrtime() - from) / 1e9));
    snprintf(path, sizeof path, "/proc/%d/status", (int)rig_agent_pid(r));
    status = rig_read(path);
    rss = strstr(status, "VmHWM:");
    assert_non_null(rss);
    print_message("             agent peak %d KiB\n", atoi(rss + 6));
#ifndef __SANITIZE_ADDRESS__
    assert_true(atoi(rss + 6) < 1536);
#endif
    ork_free(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_than_its_jobs, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_claimed_queue_keeps_the_limit, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(by_priority_then_arrival, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(recall, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(clients_take_turns, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(each_client_its_own_limit, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(held_results_are_sent_in_time, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(two_thousand, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
