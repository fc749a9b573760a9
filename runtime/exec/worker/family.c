/* SPDX-License-Identifier: MIT */
/* The children of a worker. Law: dead means dead, for functions too: what ctx.exec or os.execute started ends before
 * the end of its call is told. Killing goes in rounds, since each one that dies hands its own children to the worker.
 */
#include "exec/worker/family.h"
#include "base/buf.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200 /* a millisecond each, when something is left to die */

static char *put(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    return at;
}

static char *put_number(char *at, long n)
{
    char digits[24];
    int len = 0;

    do {
        digits[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    while (len)
        *at++ = digits[--len];
    return at;
}

static ssize_t read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t n = read(fd, out, size - 1);
    (void)close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

static bool lives(long pid)
{
    char path[64], stat[512];

    *put(put_number(put(path, "/proc/"), pid), "/stat") = '\0';
    if (read_file(path, stat, sizeof stat) <= 0)
        return false;
    char *end = stat; /* "pid (name) S …": the name may hold anything */
    for (char *at = stat; *at; at++) {
        if (*at == ')')
            end = at;
    }
    return end[0] == ')' && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

void ork_family_end(pid_t worker)
{
    char path[96], list[4096];

    *put(put_number(put(put_number(put(path, "/proc/"), worker), "/task/"), worker), "/children") = '\0';
    for (int round = 0; round < ROUNDS; round++) {
        bool any = false;
        if (read_file(path, list, sizeof list) <= 0)
            return;
        for (const char *at = list; *at;) {
            long pid = 0;
            while (*at >= '0' && *at <= '9')
                pid = pid * 10 + (*at++ - '0');
            if (*at == ' ' && pid > 1 && lives(pid)) { /* the last one may be cut off: the next round has it */
                any = true;
                (void)kill((pid_t)pid, SIGKILL);
            }
            at += *at != '\0';
        }
        if (!any)
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* ---- without the worker ---- */

static bool has_mark(long pid, const char *mark)
{
    char path[64], part[4096];
    struct ork_buf all = ORK_BUF_INIT;

    *put(put_number(put(path, "/proc/"), pid), "/environ") = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* of another user: not ours */
    if (fd < 0)
        return false;
    for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;)
        ork_buf_add(&all, part, (size_t)n);
    (void)close(fd);
    bool found = false;
    for (size_t at = 0; at < all.len && !found; at += strlen(all.data + at) + 1)
        found = strcmp(all.data + at, mark) == 0;
    ork_buf_fini(&all);
    return found;
}

static bool sweep_once(const char *mark)
{
    DIR *proc = opendir("/proc");
    bool any = false;

    for (struct dirent *d = proc ? readdir(proc) : NULL; d; d = readdir(proc)) {
        long pid = strtol(d->d_name, NULL, 10);
        if (pid > 1 && pid != getpid() && has_mark(pid, mark) && lives(pid)) {
            any = true;
            (void)kill((pid_t)pid, SIGKILL);
        }
    }
    if (proc)
        (void)closedir(proc);
    return any;
}

void ork_family_sweep(const char *mark)
{
    for (int round = 0; round < ROUNDS && sweep_once(mark); round++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
