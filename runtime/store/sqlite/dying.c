/* SPDX-License-Identifier: MIT */
/* Whoever is killed holds its locks until the kernel has taken its memory apart: some ms, more for a large program on a
 * busy machine. Who starts the same command again at once would find the dead one alive.
 *
 * Law: only a process that can never run a line of its own again counts as dying: SIGKILL is pending for it, it is in
 * the kernel's exit (PF_EXITING), or it is a zombie. */
#include "store/sqlite/dying.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define PF_EXITING 0x4u /* include/linux/sched.h; field 9 of /proc/PID/stat */

static bool read_proc(int pid, const char *file, char *buf, size_t size)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
    if (fd >= 0)
        (void)close(fd);
    if (n <= 0)
        return false;
    buf[n] = '\0';
    return true;
}

/* Field `no` of /proc/PID/stat, from 3 on: what follows the name, which may hold anything. */
static const char *field(const char *stat, int no)
{
    const char *p = strrchr(stat, ')');

    for (int i = 2; p && i < no; i++)
        p = strchr(p + 1, ' ');
    return p ? p + 1 : "";
}

static unsigned long long start_of(int pid)
{
    char stat[1024];

    return read_proc(pid, "stat", stat, sizeof(stat)) ? strtoull(field(stat, 22), NULL, 10) : 0;
}

void ork_dying_name(char *out, size_t size)
{
    (void)snprintf(out, size, "%d %llu\n", (int)getpid(), start_of(getpid()));
}

static bool kill_pending(int pid)
{
    char status[4096];

    if (!read_proc(pid, "status", status, sizeof(status)))
        return false;
    for (const char *const *k = (const char *const[]){"\nSigPnd:", "\nShdPnd:", NULL}; *k; k++) {
        const char *p = strstr(status, *k);
        if (p && strtoull(p + strlen(*k), NULL, 16) & (1ull << (SIGKILL - 1)))
            return true;
    }
    return false;
}

static bool is_dying(int pid)
{
    char stat[1024];

    if (!read_proc(pid, "stat", stat, sizeof(stat)))
        return true;
    return strchr("ZX", *field(stat, 3)) || strtoul(field(stat, 9), NULL, 10) & PF_EXITING || kill_pending(pid);
}

bool ork_dying_wait(const char *name)
{
    char *end;
    int pid = (int)strtol(name, &end, 10);
    unsigned long long start = strtoull(end, NULL, 10);

    if (pid <= 0 || !start)
        return false;
    struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    if (p.fd < 0)
        return false;
    bool dying = start_of(pid) == start && is_dying(pid); /* asked while the descriptor keeps the pid its own */
    while (dying && poll(&p, 1, PATIENCE_MS) < 0 && errno == EINTR)
        ;
    (void)close(p.fd);
    return dying;
}
