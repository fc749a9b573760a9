/* SPDX-License-Identifier: MIT */
/* sync FILE N: what it costs here to make 4 KiB durable: the median µs of N times pwrite + fdatasync, going round in 4
 * MiB that were written before, as a database does in its log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 1024

static double us_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static char block[BLOCK];
    int n = argc == 3 ? atoi(argv[2]) : 0;
    int fd = n > 0 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    double *took = calloc((size_t)(n > 0 ? n : 1), sizeof *took);

    if (fd < 0 || !took) {
        fprintf(stderr, "usage: sync FILE N\n");
        return 2;
    }
    memset(block, 'x', sizeof block);
    for (int i = 0; i < BLOCKS; i++)
        if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
            return 1;
    if (fsync(fd) < 0)
        return 1;
    for (int i = 0; i < n; i++) {
        double began = us_now();
        block[0] = (char)i;
        if (pwrite(fd, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) != BLOCK || fdatasync(fd) < 0)
            return 1;
        took[i] = us_now() - began;
    }
    qsort(took, (size_t)n, sizeof *took, compare);
    printf("%.1f\n", took[n / 2]);
    free(took);
    return close(fd) < 0;
}
