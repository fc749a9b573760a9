/* SPDX-License-Identifier: MIT */
/* After an upgrade: agents of another version of the protocol are asked for what they hold, drained, and left alone.
 * The test plays the old agent. */
#include "exec/lib_rig.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct elder {
    int listen_fd;
    struct raw w;
};

static void elder_listen(struct elder *e, struct rig *r)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    mkdir(r->agent_dir, 0700);
    e->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%.90s/s77", r->agent_dir);
    assert_int_equal(bind(e->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(e->listen_fd, 1), 0);
}

/* Takes the client's connection once its loop made one. */
static void elder_accept(struct elder *e, struct rig *r)
{
    struct timeval limit = {.tv_sec = WAIT_S};

    wait_for(r, SEEN_READY, NULL);
    memset(&e->w, 0, sizeof e->w);
    e->w.fd = accept(e->listen_fd, NULL, NULL);
    assert_true(e->w.fd >= 0);
    setsockopt(e->w.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void elder_expect_greeting(struct elder *e, uint64_t seq)
{
    struct ork_rd p;
    ork_id run = id_of(1), got;
    uint32_t type;

    p = raw_next(&e->w, &type);
    assert_int_equal(type, ORK_F_HELLO);
    assert_int_equal(ork_rd_u32(&p), ORK_PROTO);
    ork_rd_u32(&p);
    assert_int_equal(ork_rd_u64(&p), seq);
    raw_next(&e->w, &type);
    assert_int_equal(type, ORK_F_DRAIN);
    p = raw_next(&e->w, &type);
    assert_int_equal(type, ORK_F_CLAIM);
    got = ork_rd_id(&p);
    assert_memory_equal(&got, &run, sizeof run);
}

static struct ork_wire_key wire(unsigned n)
{
    struct ork_attempt_key k = key_of(n);

    return (struct ork_wire_key){k.task, k.attempt};
}

static void elder_say(struct elder *e, enum ork_frame_type type, unsigned n)
{
    struct ork_wr *w = &e->w.out;
    struct ork_wire_key key = wire(n);
    struct ork_wire_exit x = {.exit_code = (int32_t)n, .pid = 99, .error = ""};
    ork_id run = id_of(n);

    ork_wr_begin(w, type);
    if (type == ORK_F_CLAIMED) {
        ork_wr_id(w, &run);
    } else {
        ork_wr_key(w, &key);
    }
    if (type == ORK_F_STATE) {
        ork_wr_u8(w, ORK_WIRE_RUNNING);
        ork_wr_i32(w, 99);
        ork_wr_i64(w, 1700000000000);
    } else if (type == ORK_F_EXITED) {
        ork_wr_exit(w, &x);
    }
    ork_wr_end(w);
    raw_send(&e->w);
}

static void claims_wait_for_the_old_one(void **state)
{
    struct rig *r = *state;
    struct elder e;
    struct ork_attempt_key k;
    struct ork_rd p;
    struct ork_wire_key key;
    uint32_t type;

    elder_listen(&e, r);
    run_sh(r, 3, "exit 3"); /* goes to the agent of our version */
    elder_accept(&e, r);
    elder_expect_greeting(&e, 1);
    assert_int_equal(wait_exit(r, 3)->exit_code, 3);
    assert_int_equal(count_seen(r, SEEN_CLAIMED), 0); /* one answer is missing */
    elder_say(&e, ORK_F_STATE, 5);
    elder_say(&e, ORK_F_EXITED, 6);
    elder_say(&e, ORK_F_CLAIMED, 1);
    wait_for(r, SEEN_CLAIMED, NULL);
    k = key_of(5);
    assert_int_equal(find_seen(r, SEEN_STATE, &k)->pid, 99);
    assert_int_equal(wait_exit(r, 6)->exit_code, 6);
    ork_agent_kill(r->agent, &k, 0); /* what it holds is asked of it … */
    k = key_of(6);
    ork_agent_ack(r->agent, &k);
    k = key_of(8);
    ork_agent_recall(r->agent, &k); /* … the rest is not */
    wait_for(r, SEEN_RECALLED, &k);
    p = raw_next(&e.w, &type);
    assert_int_equal(type, ORK_F_KILL);
    key = ork_rd_key(&p);
    k = key_of(5);
    assert_memory_equal(&key.task, &k.task, sizeof key.task);
    raw_next(&e.w, &type);
    assert_int_equal(type, ORK_F_ACK);
    r->from = r->seen_len;
    raw_close(&e.w); /* it dies with attempt 5 open; 6 is settled */
    k = key_of(5);
    assert_int_equal(wait_exit(r, 5)->reason, ORK_EXIT_LOST);
    assert_int_equal(count_seen(r, SEEN_EXITED), 1);
    close(e.listen_fd);
    unlink(rig_path(r, "agent/s77"));
    run_sh(r, 9, "exit 9");
    assert_int_equal(wait_exit(r, 9)->exit_code, 9);
}

static void one_that_dies_silent_is_no_obstacle(void **state)
{
    struct rig *r = *state;
    struct elder e;

    elder_listen(&e, r);
    run_sh(r, 3, "exit 3");
    elder_accept(&e, r);
    raw_close(&e.w);
    wait_for(r, SEEN_CLAIMED, NULL);
    wait_exit(r, 3);
    close(e.listen_fd);
    unlink(rig_path(r, "agent/s77"));
}

static void a_stale_socket_is_no_obstacle(void **state)
{
    struct rig *r = *state;
    struct elder e;

    elder_listen(&e, r);
    close(e.listen_fd);
    run_sh(r, 3, "exit 3");
    wait_exit(r, 3);
    assert_int_equal(count_seen(r, SEEN_CLAIMED), 1);
    unlink(rig_path(r, "agent/s77"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_wait_for_the_old_one, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(one_that_dies_silent_is_no_obstacle, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_stale_socket_is_no_obstacle, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("elder", tests, NULL, NULL);
}
