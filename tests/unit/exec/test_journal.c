/* SPDX-License-Identifier: MIT */
/* The journal as the next agent finds it: whole, torn, old, full. */
#include "exec/lib_rig.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "exec/agent/agent.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINISHED_AT (sizeof(struct ork_record_head) + 20 + 16 + 8 + offsetof(struct ork_wire_exit, finished_ms))

static char *load(struct rig *r, size_t *len)
{
    char *all = ork_alloc(1 << 20);
    int fd = open(rig_path(r, "agent/journal1"), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, all, 1 << 20);

    assert_true(n > (ssize_t)sizeof(struct ork_journal_head));
    close(fd);
    *len = (size_t)n;
    return all;
}

static void save(struct rig *r, char *all, size_t len)
{
    int fd = open(rig_path(r, "agent/journal1"), O_WRONLY | O_CLOEXEC);

    assert_int_equal(write(fd, all, len), len);
    close(fd);
    ork_free(all);
}

/* The n-th record of a type, from 0; NULL when there is none. */
static char *record(char *all, size_t len, uint16_t type, int n)
{
    struct ork_record_head h;

    for (size_t at = sizeof(struct ork_journal_head); at + sizeof h < len; at += h.len) {
        memcpy(&h, all + at, sizeof h);
        if (h.len < sizeof h)
            return NULL;
        if (h.type == type && !n--)
            return all + at;
    }
    return NULL;
}

/* Two results nobody acknowledged, and no agent. */
static void leave_two(struct rig *r)
{
    run_sh(r, 1, "exit 1");
    wait_exit(r, 1);
    run_sh(r, 2, "exit 2");
    wait_exit(r, 2);
    rig_close(r);
    rig_wait_agent_gone(r);
}

static void claim_again(struct rig *r)
{
    ork_id run = id_of(1);

    r->from = r->seen_len;
    rig_open(r);
    ork_agent_claim(r->agent, &run);
    wait_for(r, SEEN_CLAIMED, NULL);
}

static void whole(void **state)
{
    struct rig *r = *state;

    leave_two(r);
    claim_again(r);
    assert_int_equal(count_seen(r, SEEN_EXITED), 2);
    assert_int_equal(wait_exit(r, 1)->exit_code, 1);
    assert_int_equal(wait_exit(r, 2)->exit_code, 2);
}

static void torn(void **state)
{
    struct rig *r = *state;
    size_t len;
    char *all, *at;

    leave_two(r);
    all = load(r, &len);
    at = record(all, len, RECORD_EXIT, 1);
    assert_non_null(at);
    at[sizeof(struct ork_record_head) + 50] ^= 1;
    save(r, all, len);
    claim_again(r);
    assert_int_equal(wait_exit(r, 1)->exit_code, 1);
    assert_int_equal(wait_exit(r, 1)->reason, ORK_EXIT_NORMAL);
    assert_int_equal(wait_exit(r, 2)->reason, ORK_EXIT_LOST); /* it started, that is known */
}

static void of_last_month(void **state)
{
    struct rig *r = *state;
    struct ork_record_head h;
    int64_t finished_ms;
    size_t len;
    char *all, *at;

    leave_two(r);
    all = load(r, &len);
    at = record(all, len, RECORD_EXIT, 0);
    memcpy(&finished_ms, at + FINISHED_AT, sizeof finished_ms);
    assert_true(finished_ms > 1600000000000);
    finished_ms -= 31LL * 24 * 3600 * 1000;
    memcpy(at + FINISHED_AT, &finished_ms, sizeof finished_ms);
    memcpy(&h, at, sizeof h);
    h.crc = ork_crc32(0, at + sizeof h.crc, h.len - sizeof h.crc);
    memcpy(at, &h, sizeof h);
    save(r, all, len);
    claim_again(r);
    assert_int_equal(count_seen(r, SEEN_EXITED), 1);
    wait_exit(r, 2);
}

/* More than it holds, while something stays open: a new file takes what is open along. */
static void more_than_it_holds(void **state)
{
    struct rig *r = *state;
    char *argv[] = {(char *)"/no/such/program"}; /* START and EXIT without a process */
    struct stat st, before;
    struct ork_attempt_key k;
    pid_t pid;

    run_sh(r, 1, "exit 7"); /* stays unacknowledged */
    wait_exit(r, 1);
    run_sh(r, 2, "sleep 1000");
    k = key_of(2);
    wait_for(r, SEEN_STARTED, &k);
    assert_int_equal(stat(rig_path(r, "agent/journal1"), &before), 0);
    for (unsigned i = 10; i < 1510; i++) {
        struct ork_spawn s = sh(r, i, "");

        s.argv = argv;
        s.argc = 1;
        ork_agent_spawn(r->agent, &s);
        k = key_of(i);
        wait_for(r, SEEN_EXITED, &k);
        ork_agent_ack(r->agent, &k);
        r->from = r->seen_len;
    }
    assert_int_equal(stat(rig_path(r, "agent/journal1"), &st), 0);
    assert_int_not_equal(st.st_ino, before.st_ino);
    assert_int_equal(st.st_size, before.st_size);
    k = key_of(9);
    ork_agent_recall(r->agent, &k); /* its answer says that the last ACK is written */
    wait_for(r, SEEN_RECALLED, &k);
    pid = rig_agent_pid(r);
    rig_close(r);
    kill(pid, SIGKILL);
    wait_pid_gone(pid);
    claim_again(r);
    assert_int_equal(wait_exit(r, 1)->exit_code, 7);
    assert_int_equal(wait_exit(r, 2)->reason, ORK_EXIT_LOST);
    assert_int_equal(count_seen(r, SEEN_EXITED), 2);
}

/* Nothing open: the same space again. */
static void used_again(void **state)
{
    struct rig *r = *state;
    char *argv[] = {(char *)"/no/such/program"}, *all;
    struct stat st, before;
    size_t len, used = 0;
    struct ork_record_head h;

    run_sh(r, 1, "true");
    wait_exit(r, 1);
    assert_int_equal(stat(rig_path(r, "agent/journal1"), &before), 0);
    for (unsigned i = 1; i < 1500; i++) {
        struct ork_attempt_key k = key_of(i);
        struct ork_spawn s = sh(r, i, "");

        s.argv = argv;
        s.argc = 1;
        if (i > 1)
            ork_agent_spawn(r->agent, &s);
        wait_for(r, SEEN_EXITED, &k);
        ork_agent_ack(r->agent, &k);
        r->from = r->seen_len;
    }
    assert_int_equal(stat(rig_path(r, "agent/journal1"), &st), 0);
    assert_int_equal(st.st_ino, before.st_ino);
    all = load(r, &len);
    for (size_t at = sizeof(struct ork_journal_head); at + sizeof h < len; at += h.len) {
        memcpy(&h, all + at, sizeof h);
        if (h.len < sizeof h)
            break;
        used = at;
    }
    assert_true(used < 80 * 1024);
    ork_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(torn, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(of_last_month, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(more_than_it_holds, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(used_again, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
