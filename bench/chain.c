/* SPDX-License-Identifier: MIT */
/* chain N PROGRAM: the least a chain can cost: posix_spawn and wait, N times, nothing else. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[1]) : 0;
    char *child[] = {argc == 3 ? argv[2] : NULL, NULL};

    for (int i = 0; i < n; i++) {
        pid_t pid;
        int status, code = posix_spawn(&pid, child[0], NULL, NULL, child, environ);
        if (code != 0) {
            fprintf(stderr, "chain: %s: %s\n", child[0], strerror(code));
            return 1;
        }
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR)
                return 1;
        if (status != 0)
            return 1;
    }
    return n > 0 ? 0 : 2;
}
