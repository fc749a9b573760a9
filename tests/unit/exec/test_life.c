/* SPDX-License-Identifier: MIT */
/* Deaths: of the scheduler, of the agent, of both; births at the same time; the quiet end. */
#include "exec/lib_rig.h"
#include "base/hash.h"
#include "exec/agent/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void claim_again(struct rig *r)
{
    ork_id run = id_of(1);

    r->from = r->seen_len;
    rig_open(r);
    ork_agent_claim(r->agent, &run);
    wait_for(r, SEEN_CLAIMED, NULL);
}

/* A scheduler in a process of its own, killed with SIGKILL when all `files` exist. */
static void scheduler_that_dies(struct rig *r, const char *const *commands, unsigned n, const char *const *files,
                                unsigned files_n)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        uv_loop_fork(&r->loop);
        rig_open(r);
        for (unsigned i = 0; i < n; i++)
            run_sh(r, i, commands[i]);
        for (unsigned i = 0; i < files_n; i++)
            wait_file(r, rig_path(r, files[i]));
        if (!files_n)
            wait_for(r, SEEN_EXITED, NULL);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_killed_schedulers_tasks_go_on(void **state)
{
    static const char *const commands[] = {"echo early >a; mv a early",
                                           "echo $$ >b; mv b pid; while ! test -e go; do sleep 0.01; done; exit 6",
                                           "echo queued >c; mv c queued"};
    static const char *const files[] = {"early", "pid", "queued"};
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);
    const struct seen *s;

    rig_close(r);
    r->jobs = 1; /* the third is queued behind the second when the scheduler dies: it starts all the same */
    scheduler_that_dies(r, commands, 3, files, 2);
    claim_again(r);
    assert_int_equal(find_seen(r, SEEN_EXITED, NULL)->key.attempt, 1);
    s = find_seen(r, SEEN_STATE, &k);
    assert_non_null(s);
    assert_int_equal(s->state, ORK_AGENT_RUNNING);
    assert_int_equal(s->pid, read_pid(rig_path(r, "pid")));
    rig_close(r);
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    rig_wait_agent_gone(r); /* nobody is there; it finishes what it was given, ends, and the journal keeps the exits */
    assert_int_equal(access(rig_path(r, "queued"), F_OK), 0);
    claim_again(r);
    assert_int_equal(count_seen(r, SEEN_EXITED), 3);
    assert_int_equal(wait_exit(r, 1)->exit_code, 6);
    assert_int_equal(wait_exit(r, 1)->reason, ORK_EXIT_NORMAL);
    for (unsigned i = 0; i < 3; i++) {
        k = key_of(i);
        ork_agent_ack(r->agent, &k);
    }
    rig_close(r);
    rig_wait_agent_gone(r);
    claim_again(r);
    assert_int_equal(count_seen(r, SEEN_EXITED), 0);
}

static void a_killed_agents_tasks_are_lost_and_dead(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(2);
    int pids[MANY_LEN];
    pid_t agent;
    const struct ork_exit *x;

    run_sh(r, 1, "exit 5");
    wait_exit(r, 1); /* known to the agent, not acknowledged */
    run_sh(r, 3, "exit 3");
    wait_exit(r, 3);
    k = key_of(3);
    ork_agent_ack(r->agent, &k);
    run_sh(r, 2, MANY "wait");
    wait_many(r, pids);
    agent = rig_agent_pid(r);
    r->from = r->seen_len;
    kill(agent, SIGKILL);
    x = wait_exit(r, 2); /* the client starts another agent by itself */
    all_dead(pids);
    assert_int_equal(x->reason, ORK_EXIT_LOST);
    assert_true(x->started_ms > 0 && x->finished_ms >= x->started_ms);
    wait_for(r, SEEN_CLAIMED, NULL);
    assert_int_equal(wait_exit(r, 1)->exit_code, 5); /* an exit that was told counts */
    assert_int_equal(wait_exit(r, 1)->reason, ORK_EXIT_NORMAL);
    k = key_of(3);
    assert_null(find_seen(r, SEEN_EXITED, &k));
    assert_int_equal(count_seen(r, SEEN_READY), 1);
}

static void both_killed(void **state)
{
    static const char *const commands[] = {"setsid sh report escaped & wait"};
    static const char *const files[] = {"escaped"};
    struct rig *r = *state;
    pid_t agent;

    rig_close(r);
    scheduler_that_dies(r, commands, 1, files, 1);
    agent = rig_agent_pid(r);
    kill(agent, SIGKILL);
    wait_pid_gone(agent);
    assert_true(pid_alive(read_pid(rig_path(r, "escaped"))));
    claim_again(r);
    assert_int_equal(wait_exit(r, 0)->reason, ORK_EXIT_LOST);
    assert_false(pid_alive(read_pid(rig_path(r, "escaped"))));
}

/* An upgrade under a running scheduler: the drained agent finishes, the next takes the rest. */
static void a_drained_agent_is_followed_by_another(void **state)
{
    struct rig *r = *state;
    struct raw w;
    ork_id first;

    run_sh(r, 1, "echo >1.pid; while ! test -e go; do sleep 0.01; done; exit 4");
    wait_file(r, rig_path(r, "1.pid"));
    first = wait_for(r, SEEN_READY, NULL)->id;
    raw_open(&w, r, ORK_PROTO + 1, 4, 9);
    ork_wr_begin(&w.out, ORK_F_DRAIN);
    ork_wr_end(&w.out);
    raw_send(&w);
    raw_wait(&w, ORK_F_WELCOME);
    raw_key(&w, ORK_F_RECALL, 99); /* a foreign client gets no answer to it */
    raw_claim(&w, 2);
    raw_send(&w);
    raw_wait(&w, ORK_F_CLAIMED); /* DRAIN was read */
    run_sh(r, 2, "exit 5");
    r->from = r->seen_len;
    close(open(rig_path(r, "go"), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(wait_exit(r, 1)->exit_code, 4);
    assert_false(ork_id_eq(&wait_for(r, SEEN_READY, NULL)->id, &first));
    wait_for(r, SEEN_CLAIMED, NULL);
    assert_int_equal(wait_exit(r, 1)->exit_code, 4); /* not acknowledged: told by the next one too */
    assert_int_equal(access(rig_path(r, "2.log"), F_OK), -1);
    run_sh(r, 2, "exit 5"); /* as the engine does after on_claimed */
    assert_int_equal(wait_exit(r, 2)->exit_code, 5);
    raw_close(&w);
}

/* Somebody holds the lock and answers nothing. */
static void a_lock_without_a_socket_is_told(void **state)
{
    struct rig *r = *state;
    ork_id run = id_of(1);
    int fd = open(rig_path(r, "agent/lock1"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(flock(fd, LOCK_EX), 0);
    ork_agent_claim(r->agent, &run);
    assert_non_null(strstr(wait_for(r, SEEN_DOWN, NULL)->text, "holds the lock"));
    close(fd);
    run_sh(r, 1, "true");
    wait_exit(r, 1);
}

static void told_to_stop(void **state)
{
    struct rig *r = *state;
    pid_t agent;
    int pid;

    run_sh(r, 1, "setsid sh report escaped & wait");
    wait_file(r, rig_path(r, "escaped"));
    pid = read_pid(rig_path(r, "escaped"));
    agent = rig_agent_pid(r);
    kill(agent, SIGTERM);
    wait_pid_gone(agent);
    assert_false(pid_alive(pid)); /* without any next agent */
    assert_int_equal(wait_exit(r, 1)->reason, ORK_EXIT_LOST);
}

static void many_start_at_once(void **state)
{
    struct rig *r = *state;
    pid_t pids[6];

    rig_close(r);
    for (unsigned i = 0; i < 6; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            uv_loop_fork(&r->loop);
            r->seq = i + 10;
            rig_open(r);
            ork_id run = id_of(i + 10);
            struct ork_spawn s = sh(r, i, "echo $PPID");

            s.run = run;
            ork_agent_claim(r->agent, &run);
            ork_agent_spawn(r->agent, &s);
            _exit(wait_exit(r, i)->exit_code);
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    for (unsigned i = 1; i < 6; i++) { /* all tasks had the same parent */
        char name[2][16], *text[2];

        snprintf(name[0], sizeof name[0], "%u.log", i - 1);
        snprintf(name[1], sizeof name[1], "%u.log", i);
        for (int j = 0; j < 2; j++)
            text[j] = rig_read(rig_path(r, name[j]));
        assert_string_equal(text[0], text[1]);
        ork_free(text[0]);
        ork_free(text[1]);
    }
}

static void it_is_nobodys_child(void **state)
{
    struct rig *r = *state;

    run_sh(r, 1, "true");
    wait_exit(r, 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing to wait for in the host */
    assert_int_equal(errno, ECHILD);
    assert_int_not_equal(getsid(rig_agent_pid(r)), getsid(0));
}

static void a_missing_program_is_told(void **state)
{
    struct rig *r = *state;
    ork_id run = id_of(1);
    char *was = strdup(getenv("ORK_AGENT")), *program;
    const struct seen *s;
    ork_err err;

    rig_close(r);
    setenv("ORK_AGENT", "/no/such/ork-agent", 1);
    assert_int_equal(ork_agent_find_program(&program, &err), ORK_EAGENT);
    assert_non_null(strstr(err.msg, "ORK_AGENT names `/no/such/ork-agent`"));
    rig_open(r);
    ork_agent_claim(r->agent, &run);
    s = wait_for(r, SEEN_DOWN, NULL);
    assert_int_equal(s->state, ORK_EAGENT);
    assert_non_null(strstr(s->text, "cannot run the agent `/no/such/ork-agent`"));
    assert_non_null(strstr(s->text, "package"));
    r->from = r->seen_len;
    wait_for(r, SEEN_DOWN, NULL); /* tried again */
    rig_close(r);
    setenv("ORK_AGENT", was, 1);
    assert_int_equal(ork_agent_find_program(&program, &err), 0);
    assert_int_equal(access(program, X_OK), 0);
    ork_free(program);
    free(was);
    rig_open(r);
}

static void a_program_that_is_no_agent_is_told(void **state)
{
    struct rig *r = *state;
    ork_id run = id_of(1);
    char *was = strdup(getenv("ORK_AGENT"));

    rig_close(r);
    setenv("ORK_AGENT", "/bin/true", 1);
    rig_open(r);
    ork_agent_claim(r->agent, &run);
    assert_non_null(strstr(wait_for(r, SEEN_DOWN, NULL)->text, "ended at once"));
    rig_close(r);
    setenv("ORK_AGENT", was, 1);
    free(was);
}

/* The disk is full for the journal: tasks run, results come. */
static void without_a_journal(void **state)
{
    struct rig *r = *state;
    char *text, command[512];
    pid_t pid;
    int status;

    rig_close(r);
    snprintf(command, sizeof command, "cp %s %s/program", getenv("ORK_AGENT"), r->dir); /* where nobody may run it */
    assert_int_equal(system(command), 0);
    pid = fork();
    if (pid == 0) { /* the agent inherits the hard limit, and may not raise it without privilege */
        struct rlimit l = {1024, 1024};

        uv_loop_fork(&r->loop);
        setenv("ORK_AGENT", rig_path(r, "program"), 1);
        if (getuid() == 0 && setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        setrlimit(RLIMIT_FSIZE, &l);
        rig_open(r);
        run_sh(r, 1, "exit 3");
        if (wait_exit(r, 1)->exit_code != 3)
            _exit(2);
        run_sh(r, 2, "exit 4");
        if (wait_exit(r, 2)->exit_code != 4)
            _exit(3);
        for (unsigned i = 1; i < 3; i++) { /* it would stay as long as it alone knows a result */
            struct ork_attempt_key k = key_of(i);

            ork_agent_ack(r->agent, &k);
        }
        rig_close(r);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    text = rig_read(rig_path(r, "agent/log"));
    assert_non_null(strstr(text, "cannot write the journal: File too large"));
    ork_free(text);
    assert_int_equal(access(rig_path(r, "agent/journal1"), F_OK), -1);
}

static int open_to_all(void **state)
{
    struct rig *r;

    rig_setup(state);
    r = *state;
    chmod(r->dir, 0777);
    mkdir(r->agent_dir, 0777);
    return chmod(r->agent_dir, 0777);
}

static void a_damaged_journal_is_kept_aside(void **state)
{
    struct rig *r = *state;
    FILE *f;

    rig_close(r);
    f = fopen(rig_path(r, "agent/journal1"), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no journal ", f);
    fclose(f);
    rig_open(r);
    run_sh(r, 1, "true");
    assert_int_equal(wait_exit(r, 1)->exit_code, 0);
    assert_int_equal(access(rig_path(r, "agent/journal1.damaged"), F_OK), 0);
}

/* A reboot: no pid of the journal means anything, so nobody is killed for one. */
static void after_another_boot(void **state)
{
    struct rig *r = *state;
    struct ork_journal_head head;
    pid_t agent;
    int fd, pid;

    run_sh(r, 1, "exit 5");
    wait_exit(r, 1);
    run_sh(r, 2, "setsid sh report child & wait");
    wait_file(r, rig_path(r, "child"));
    pid = read_pid(rig_path(r, "child"));
    agent = rig_agent_pid(r);
    rig_close(r);
    kill(agent, SIGKILL);
    wait_pid_gone(agent);
    fd = open(rig_path(r, "agent/journal1"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    head.boot_id[0] = head.boot_id[0] == '0' ? '1' : '0';
    head.crc = ork_crc32(0, &head, offsetof(struct ork_journal_head, crc));
    assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
    close(fd);
    claim_again(r);
    assert_int_equal(wait_exit(r, 1)->exit_code, 5);
    assert_int_equal(wait_exit(r, 2)->reason, ORK_EXIT_LOST);
    assert_true(pid_alive(pid));
    kill(pid, SIGKILL);
    wait_pid_gone(pid);
}

static void it_ends_by_itself(void **state)
{
    struct rig *r = *state;
    pid_t pid;
    struct stat st;

    run_sh(r, 1, "true");
    wait_exit(r, 1);
    pid = rig_agent_pid(r);
    assert_int_equal(stat(rig_path(r, "agent/s1"), &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 077, 0);
    rig_close(r);
    wait_pid_gone(pid);
    assert_int_equal(stat(rig_path(r, "agent/s1"), &st), -1);
}

static void a_long_path_is_no_matter(void **state)
{
    struct rig *r = *state;
    char name[32];

    rig_close(r);
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "/some-folder-%d", i);
        strcat(r->agent_dir, name);
    }
    assert_true(strlen(r->agent_dir) > 108); /* what a socket address holds */
    rig_open(r);
    run_sh(r, 1, "true");
    assert_int_equal(wait_exit(r, 1)->exit_code, 0);
}

static void nothing_leaks(void **state)
{
    struct rig *r = *state;
    char *missing[] = {(char *)"no-such-program", NULL};
    size_t agent_fds, own_fds;
    pid_t pid;

    run_sh(r, 1, "true");
    wait_exit(r, 1);
    pid = rig_agent_pid(r);
    run_sh(r, 2, "true");
    wait_exit(r, 2);
    agent_fds = open_fds(pid);
    own_fds = open_fds(getpid());
    for (unsigned i = 10; i < 60; i++) {
        struct ork_attempt_key k = key_of(i);
        struct ork_spawn s = sh(r, i, i % 3 ? "sleep 0.001 & exit 1" : "exit 2");

        if (i % 5 == 0) {
            s.argc = 1;
            s.argv = missing;
        }
        ork_agent_spawn(r->agent, &s);
        wait_exit(r, i);
        ork_agent_ack(r->agent, &k);
    }
    assert_true(open_fds(pid) <= agent_fds); /* the connection that asked for its pid was among them */
    rig_close(r);
    for (int i = 0; i < 5; i++) {
        claim_again(r);
        rig_close(r);
    }
    claim_again(r);
    assert_int_equal(open_fds(getpid()), own_fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_schedulers_tasks_go_on, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_killed_agents_tasks_are_lost_and_dead, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(both_killed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_drained_agent_is_followed_by_another, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_lock_without_a_socket_is_told, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(told_to_stop, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(many_start_at_once, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(it_is_nobodys_child, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_missing_program_is_told, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_program_that_is_no_agent_is_told, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(without_a_journal, open_to_all, rig_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_journal_is_kept_aside, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(after_another_boot, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(it_ends_by_itself, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_long_path_is_no_matter, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(nothing_leaks, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
