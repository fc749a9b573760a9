/* SPDX-License-Identifier: MIT */
/* timed [-C DIR] [-n N] [-o FILE] PROGRAM [ARGUMENT …]: runs the program N times, one after the other, and prints a
 * line for each: wall µs, user µs, system µs, largest resident set in KiB, exit code (128 + signal). The output of the
 * program goes to FILE or to /dev/null. Cheap itself: what it adds is one vfork and one wait. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long us_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static long us_of(struct timeval t)
{
    return t.tv_sec * 1000000L + t.tv_usec;
}

static void die(const char *what, int code)
{
    fprintf(stderr, "timed: %s: %s\n", what, strerror(code));
    exit(127);
}

static void once(char **argv, const posix_spawn_file_actions_t *actions)
{
    struct rusage used;
    int status, code;
    pid_t pid;
    long began = us_now();

    code = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
    if (code != 0)
        die(argv[0], code);
    while (wait4(pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            die("wait", errno);
    printf("%ld %ld %ld %ld %d\n", us_now() - began, us_of(used.ru_utime), us_of(used.ru_stime), used.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    const char *out = "/dev/null";
    int option, n = 1;

    while ((option = getopt(argc, argv, "+C:n:o:")) != -1) {
        if (option == 'C') {
            if (chdir(optarg) < 0)
                die(optarg, errno);
        } else if (option == 'n') {
            n = atoi(optarg);
        } else if (option == 'o') {
            out = optarg;
        } else {
            return 2;
        }
    }
    if (optind >= argc)
        return 2;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    for (int i = 0; i < n; i++)
        once(argv + optind, &actions);
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
