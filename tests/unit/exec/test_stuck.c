/* SPDX-License-Identifier: MIT */
/* A process of an attempt that may not be killed (a set-uid program): the attempt stays open, and its pid is told.
 * Needs root to make such a program and a file system that honours it; skipped elsewhere. */
#include "exec/lib_rig.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static const char *self;

/* The set-uid program: becomes root for good, says so, stays. */
static int hold(void)
{
    FILE *f;

    if (setresuid(0, 0, 0) < 0 || !(f = fopen("held.new", "w")))
        return 1;
    fprintf(f, "%d\n", (int)getpid());
    fclose(f);
    rename("held.new", "held");
    for (;;)
        pause();
}

static int setup(void **state)
{
    struct rig *r;

    rig_setup(state);
    r = *state;
    mkdir(r->agent_dir, 0777);
    chmod(r->agent_dir, 0777);
    return chmod(r->dir, 0777);
}

static int scheduler(struct rig *r)
{
    struct ork_attempt_key k = key_of(1);
    const struct seen *s;
    FILE *told;
    int pid;

    rig_open(r);
    run_sh(r, 1, "./hold --hold & wait");
    wait_file(r, rig_path(r, "held"));
    pid = read_pid(rig_path(r, "held"));
    ork_agent_kill(r->agent, &k, 0);
    s = wait_for(r, SEEN_STUCK, &k);
    if (s->pid != pid || find_seen(r, SEEN_EXITED, &k))
        return 2;
    told = fopen(rig_path(r, "told"), "w");
    fputs("stuck\n", told);
    fclose(told);
    if (wait_exit(r, 1)->reason != ORK_EXIT_KILLED || pid_alive(pid))
        return 3;
    ork_agent_ack(r->agent, &k);
    rig_close(r);
    return 0;
}

static void stays_open(void **state)
{
    struct rig *r = *state;
    char command[600];
    struct statvfs fs;
    pid_t pid;
    int status;

    rig_close(r);
    if (getuid() != 0 || statvfs(r->dir, &fs) < 0 || fs.f_flag & ST_NOSUID) {
        print_message("left out: needs root and a disk without nosuid\n");
        skip();
    }
    snprintf(command, sizeof command, "cp %s %s/program; cp %s %s/hold; chmod 4755 %s/hold", getenv("ORK_AGENT"),
             r->dir, self, r->dir, r->dir);
    assert_int_equal(system(command), 0);
    pid = fork();
    if (pid == 0) {
        uv_loop_fork(&r->loop);
        setenv("ORK_AGENT", rig_path(r, "program"), 1);
        umask(0);
        _exit(setresuid(NOBODY, NOBODY, NOBODY) < 0 ? 1 : scheduler(r));
    }
    wait_file(r, rig_path(r, "told")); /* the agent has given up: root can end it */
    kill(read_pid(rig_path(r, "held")), SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stays_open, setup, rig_teardown),
    };

    if (argc > 1 && !strcmp(argv[1], "--hold"))
        return hold();
    self = argv[0];
    return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
