/* SPDX-License-Identifier: MIT */
/* The rules of the wire, told by a client that does what ours would not. */
#include "exec/lib_rig.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* An agent must be there first: the rig's own client brings it up. */
static void bring_up(struct rig *r)
{
    run_sh(r, 900, "true");
    wait_exit(r, 900);
}

static unsigned attempt_of(struct ork_rd *p)
{
    struct ork_wire_key k = ork_rd_key(p);
    unsigned n;

    memcpy(&n, k.task.b + 12, sizeof n);
    return n - 1000;
}

static void spawn_is_idempotent(void **state)
{
    struct rig *r = *state;
    struct raw w;
    struct ork_rd p;
    uint32_t type;
    int32_t pid;
    char *text;

    bring_up(r);
    raw_open(&w, r, ORK_PROTO, 1, 5);
    raw_claim(&w, 2);
    raw_spawn(&w, 2, 1, r, "echo once; while ! test -e go; do sleep 0.01; done");
    raw_send(&w);
    p = raw_wait(&w, ORK_F_STARTED);
    assert_int_equal(attempt_of(&p), 1);
    pid = ork_rd_i32(&p);
    raw_spawn(&w, 2, 1, r, "echo twice; touch go"); /* running: the same STARTED again */
    raw_spawn(&w, 2, 2, r, "true");
    raw_send(&w);
    p = raw_wait(&w, ORK_F_STARTED);
    assert_int_equal(attempt_of(&p), 1);
    assert_int_equal(ork_rd_i32(&p), pid);
    raw_spawn(&w, 2, 2, r, "echo twice"); /* queued behind it (one job): nothing to say yet */
    raw_send(&w);
    fclose(fopen(rig_path(r, "go"), "w"));
    p = raw_wait(&w, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 1);
    p = raw_wait(&w, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 2);
    raw_spawn(&w, 2, 1, r, "echo twice"); /* over: the same EXITED again */
    raw_send(&w);
    p = raw_next(&w, &type);
    assert_int_equal(type, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 1);
    raw_key(&w, ORK_F_ACK, 1);
    raw_key(&w, ORK_F_ACK, 2);
    raw_claim(&w, 2);
    raw_send(&w);
    raw_next(&w, &type);
    assert_int_equal(type, ORK_F_CLAIMED); /* acknowledged: forgotten */
    raw_close(&w);
    text = rig_read(rig_path(r, "1.log"));
    assert_string_equal(text, "once\n");
    ork_free(text);
}

static void a_claim_tells_what_there_is(void **state)
{
    struct rig *r = *state;
    struct raw w, v;
    struct ork_rd p;
    uint32_t type;

    bring_up(r);
    raw_open(&w, r, ORK_PROTO, 1, 5);
    raw_spawn(&w, 2, 1, r, "true");
    raw_spawn(&w, 2, 2, r, "echo >2.pid; sleep 1000");
    raw_spawn(&w, 2, 3, r, "sleep 1000");
    raw_send(&w);
    wait_file(r, rig_path(r, "2.pid"));
    raw_close(&w);
    raw_open(&v, r, ORK_PROTO, 1, 5);
    raw_claim(&v, 2);
    raw_send(&v);
    raw_wait(&v, ORK_F_WELCOME);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 1);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_STATE);
    assert_int_equal(attempt_of(&p), 2);
    assert_int_equal(ork_rd_u8(&p), ORK_WIRE_RUNNING);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_STATE);
    assert_int_equal(attempt_of(&p), 3);
    assert_int_equal(ork_rd_u8(&p), ORK_WIRE_QUEUED);
    raw_next(&v, &type);
    assert_int_equal(type, ORK_F_CLAIMED);
    raw_key(&v, ORK_F_RECALL, 3);
    raw_key(&v, ORK_F_RECALL, 2);  /* runs: ignored */
    raw_key(&v, ORK_F_RECALL, 55); /* never heard of: it never started */
    raw_key(&v, ORK_F_KILL, 2);
    raw_send(&v);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_RECALLED);
    assert_int_equal(attempt_of(&p), 3);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_RECALLED);
    assert_int_equal(attempt_of(&p), 55);
    p = raw_next(&v, &type);
    assert_int_equal(type, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 2);
    raw_close(&v);
}

/* The scheduler that was stopped, overtaken and continued. */
static void a_lower_seq_is_refused(void **state)
{
    struct rig *r = *state;
    struct raw old, new;
    struct ork_rd p;
    ork_id run = id_of(2), got;
    uint32_t type;

    bring_up(r);
    raw_open(&old, r, ORK_PROTO, 4, 5);
    raw_claim(&old, 2);
    raw_spawn(&old, 2, 1, r, "echo >1.pid; while ! test -e go; do sleep 0.01; done");
    raw_spawn(&old, 2, 2, r, "true");
    raw_send(&old);
    raw_wait(&old, ORK_F_EXITED);
    wait_file(r, rig_path(r, "1.pid"));
    raw_open(&new, r, ORK_PROTO, 4, 6);
    raw_claim(&new, 2);
    raw_send(&new);
    raw_wait(&new, ORK_F_CLAIMED);
    p = raw_wait(&old, ORK_F_REFUSED); /* told at once */
    got = ork_rd_id(&p);
    assert_memory_equal(&got, &run, sizeof run);
    raw_key(&old, ORK_F_KILL, 1);
    raw_key(&old, ORK_F_ACK, 2);
    raw_key(&old, ORK_F_RECALL, 1);
    raw_spawn(&old, 2, 3, r, "echo >3.ran");
    raw_claim(&old, 2);
    raw_send(&old);
    for (int i = 0; i < 5; i++) {
        raw_next(&old, &type);
        assert_int_equal(type, ORK_F_REFUSED);
    }
    fclose(fopen(rig_path(r, "go"), "w"));
    p = raw_wait(&new, ORK_F_EXITED); /* neither killed … */
    assert_int_equal(attempt_of(&p), 1);
    raw_key(&new, ORK_F_ACK, 1);
    raw_claim(&new, 2);
    raw_send(&new);
    p = raw_next(&new, &type); /* … nor forgotten … */
    assert_int_equal(type, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 2);
    raw_next(&new, &type);
    assert_int_equal(type, ORK_F_CLAIMED);
    assert_int_equal(access(rig_path(r, "3.ran"), F_OK), -1); /* … nor started */
    raw_close(&old);
    raw_close(&new);
}

/* Its run was taken up from who came later: the client says a higher seq and has it, with what it holds. */
static void a_higher_seq_is_said_anew(void **state)
{
    struct rig *r = *state;
    struct raw later;
    ork_id run = id_of(1);
    struct ork_spawn s = sh(r, 1, "while ! test -e go; do sleep 0.01; done");

    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
    wait_for(r, SEEN_STARTED, NULL);
    raw_open(&later, r, ORK_PROTO, 4, 7);
    raw_claim(&later, 1);
    raw_send(&later);
    raw_wait(&later, ORK_F_CLAIMED);
    raw_close(&later); /* it died */
    wait_for(r, SEEN_REFUSED, NULL);
    r->from = r->seen_len;
    ork_agent_outbid(r->agent, 8);
    ork_agent_claim(r->agent, &run);
    assert_int_equal(wait_for(r, SEEN_STATE, NULL)->state, ORK_AGENT_RUNNING);
    wait_for(r, SEEN_CLAIMED, NULL);
    fclose(fopen(rig_path(r, "go"), "w"));
    assert_int_equal(wait_exit(r, 1)->exit_code, 0);
    assert_int_equal(count_seen(r, SEEN_REFUSED), 0);
    ork_agent_ack(r->agent, &s.key);
    ork_agent_release(r->agent, &run);
}

static void the_seq_outlives_the_agent(void **state)
{
    struct rig *r = *state;
    struct raw w;
    pid_t pid;
    uint32_t type;

    bring_up(r);
    raw_open(&w, r, ORK_PROTO, 4, 9);
    raw_claim(&w, 2);
    raw_send(&w);
    raw_wait(&w, ORK_F_CLAIMED);
    pid = rig_agent_pid(r);
    kill(pid, SIGKILL);
    wait_pid_gone(pid);
    raw_close(&w);
    r->from = r->seen_len;
    wait_for(r, SEEN_READY, NULL);
    raw_open(&w, r, ORK_PROTO, 4, 8);
    raw_claim(&w, 2);
    raw_send(&w);
    raw_wait(&w, ORK_F_WELCOME);
    raw_next(&w, &type);
    assert_int_equal(type, ORK_F_REFUSED);
    raw_close(&w);
}

static void released_runs_are_forgotten(void **state)
{
    struct rig *r = *state;
    struct raw w;
    ork_id run = id_of(2);
    uint32_t type;

    bring_up(r);
    raw_open(&w, r, ORK_PROTO, 4, 9);
    raw_claim(&w, 2);
    ork_wr_begin(&w.out, ORK_F_RELEASE);
    ork_wr_id(&w.out, &run);
    ork_wr_end(&w.out);
    raw_send(&w);
    raw_wait(&w, ORK_F_CLAIMED);
    raw_close(&w);
    raw_open(&w, r, ORK_PROTO, 4, 8);
    raw_claim(&w, 2);
    raw_send(&w);
    raw_wait(&w, ORK_F_WELCOME);
    raw_next(&w, &type);
    assert_int_equal(type, ORK_F_CLAIMED);
    raw_close(&w);
}

static void nonsense_ends_the_connection_alone(void **state)
{
    static const struct {
        uint32_t len, type;
        size_t bytes;
        bool hello;
    } cases[] = {
        {0, ORK_F_CLAIM, 0, false},                /* before HELLO */
        {0, 999, 0, true},                         /* no such frame */
        {ORK_FRAME_MAX + 1, ORK_F_SPAWN, 0, true}, /* too large */
        {4, ORK_F_SPAWN, 4, true},                 /* too short */
        {200, ORK_F_SPAWN, 200, true},             /* counts beyond the end */
        {3, ORK_F_ACK, 3, true},
        {15, ORK_F_CLAIM, 15, true},
        {20, ORK_F_KILL, 20, true},
    };
    struct rig *r = *state;

    bring_up(r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_frame f = {cases[i].len, cases[i].type};
        uint8_t junk[256];
        uint32_t type;
        struct raw w;

        memset(junk, 0xff, sizeof junk);
        raw_open(&w, r, ORK_PROTO, 1, 5);
        if (cases[i].hello) {
            raw_wait(&w, ORK_F_WELCOME);
        } else {
            raw_close(&w);
            raw_open(&w, r, ORK_PROTO, 1, 5);
            raw_wait(&w, ORK_F_WELCOME);
            f.type = ORK_F_HELLO; /* twice is as wrong as never */
        }
        ork_wr_put(&w.out, &f, sizeof f);
        ork_wr_put(&w.out, junk, cases[i].bytes);
        raw_send(&w);
        raw_next(&w, &type);
        assert_int_equal(type, 0);
        raw_close(&w);
    }
    run_sh(r, 1, "true"); /* others go on */
    wait_exit(r, 1);
    assert_int_equal(count_seen(r, SEEN_READY), 1);
}

static void frames_may_come_in_pieces(void **state)
{
    struct rig *r = *state;
    struct raw w;

    bring_up(r);
    raw_open(&w, r, ORK_PROTO, 1, 5);
    raw_spawn(&w, 2, 1, r, "true");
    for (size_t i = 0; i < w.out.len; i++)
        assert_int_equal(send(w.fd, w.out.data + i, 1, MSG_NOSIGNAL), 1);
    w.out.len = 0;
    raw_wait(&w, ORK_F_EXITED);
    raw_close(&w);
}

static void a_deaf_client_is_cut_off(void **state)
{
    struct rig *r = *state;
    struct raw w;
    pid_t pid;
    size_t fds;
    ssize_t n;

    bring_up(r);
    pid = rig_agent_pid(r);
    fds = open_fds(pid);
    raw_open(&w, r, ORK_PROTO, 1, 5);
    for (int i = 0; i < 1000; i++) /* each asks for an answer nobody reads */
        raw_claim(&w, 2);
    do {
        n = send(w.fd, w.out.data, w.out.len, MSG_NOSIGNAL);
    } while (n > 0);
    raw_close(&w);
    run_sh(r, 1, "true");
    wait_exit(r, 1);
    assert_true(open_fds(pid) <= fds);
}

static void another_version_drains(void **state)
{
    struct rig *r = *state;
    struct raw w;
    struct ork_rd p;
    pid_t pid;
    int32_t theirs;

    bring_up(r);
    pid = rig_agent_pid(r);
    run_sh(r, 1, "echo >1.pid; while ! test -e go; do sleep 0.01; done; exit 4");
    wait_file(r, rig_path(r, "1.pid"));
    raw_open(&w, r, ORK_PROTO + 1, 4, 9);
    p = raw_wait(&w, ORK_F_WELCOME);
    theirs = ork_rd_i32(&p);
    assert_int_equal(theirs, ORK_PROTO);
    ork_wr_begin(&w.out, ORK_F_DRAIN);
    ork_wr_end(&w.out);
    raw_claim(&w, 1); /* adopts what the older version started */
    raw_send(&w);
    p = raw_wait(&w, ORK_F_STATE);
    assert_int_equal(attempt_of(&p), 1);
    raw_wait(&w, ORK_F_CLAIMED);
    fclose(fopen(rig_path(r, "go"), "w"));
    p = raw_wait(&w, ORK_F_EXITED);
    assert_int_equal(attempt_of(&p), 1);
    raw_key(&w, ORK_F_ACK, 1);
    ork_wr_fini(&w.out); /* it may be gone already */
    wait_pid_gone(pid);
    raw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spawn_is_idempotent, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_claim_tells_what_there_is, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_lower_seq_is_refused, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_higher_seq_is_said_anew, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(the_seq_outlives_the_agent, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(released_runs_are_forgotten, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(nonsense_ends_the_connection_alone, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(frames_may_come_in_pieces, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_deaf_client_is_cut_off, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(another_version_drains, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
