/* SPDX-License-Identifier: MIT */
/* stamp FILE: appends the monotonic clock in µs as it begins; the first thing a task does that can be seen. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec t;
    char line[32];

    clock_gettime(CLOCK_MONOTONIC, &t);
    int n = snprintf(line, sizeof line, "%lld\n", (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    int fd = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

    return fd < 0 || write(fd, line, (size_t)n) != n;
}
