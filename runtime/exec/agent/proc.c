/* SPDX-License-Identifier: MIT */
/* Finds the processes of attempts in /proc. A process belongs to an attempt when its session is the attempt's (each
 * main process leads one), when ORK_ATTEMPT_KEY in its first environment names it, or when its parent belongs to it.
 *
 * What a living agent started stays below it (it is a subreaper), so only its own tree is asked for the mark; a new
 * agent that sweeps after a dead one asks everybody. Signals go through a pidfd taken before the identity was checked
 * again, so none hits a process that got a dead one's number. */
#include "exec/agent/agent.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BETWEEN_MS 20 /* at most, for one that is in the middle of exec */

static ssize_t read_file(pid_t pid, const char *name, char *buf, size_t cap)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = read(fd, buf, cap);
    close(fd);
    return n;
}

bool ork_proc_read(pid_t pid, struct ork_proc *out)
{
    char buf[1024], *at;
    ssize_t n = read_file(pid, "stat", buf, sizeof buf - 1);
    int ppid, sid, threads;
    unsigned long long start;

    if (n <= 0)
        return false;
    buf[n] = 0;
    at = strrchr(buf, ')'); /* the name may hold anything */
    if (!at || sscanf(at + 1, " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %llu",
                      &out->state, &ppid, &sid, &threads, &start) != 5)
        return false;
    out->pid = pid;
    out->ppid = ppid;
    out->sid = sid;
    out->start = start;
    out->of = NULL;
    if (out->state == 'Z' && threads > 1) /* only its first thread ended */
        out->state = 'S';
    return true;
}

bool ork_proc_alive(const struct ork_proc *p)
{
    return p->state != 'Z' && p->state != 'X' && p->state != 'x';
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "<32 hex>.<number>" up to a NUL */
static bool parse_key(const char *s, struct ork_wire_key *out)
{
    char *end;

    for (size_t i = 0; i < sizeof out->task.b; i++) {
        int hi = hex(s[2 * i]), lo = hi < 0 ? -1 : hex(s[2 * i + 1]);

        if (lo < 0)
            return false;
        out->task.b[i] = (uint8_t)(hi << 4 | lo);
    }
    if (s[32] != '.' || s[33] < '0' || s[33] > '9')
        return false;
    out->attempt = (uint32_t)strtoul(s + 33, &end, 10);
    return *end == 0;
}

bool ork_proc_mark(pid_t pid, struct ork_wire_key *out)
{
    static char buf[8192]; /* a window over the environment; a variable longer than it is skipped */
    static const size_t name_len = sizeof ORK_KEY_NAME;
    char path[64];
    size_t len = 0;
    bool found = false, line_start = true;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (!found && (n = read(fd, buf + len, sizeof buf - len)) > 0) {
        char *at = buf, *end;

        len += (size_t)n;
        while (!found && (end = memchr(at, 0, len - (size_t)(at - buf)))) {
            if (line_start && !strncmp(at, ORK_KEY_NAME "=", name_len))
                found = parse_key(at + name_len, out);
            line_start = true;
            at = end + 1;
        }
        len -= (size_t)(at - buf);
        if (len == sizeof buf) {
            line_start = false;
            len = 0;
        }
        memmove(buf, at, len);
    }
    close(fd);
    return found;
}

/* In the middle of exec a process has neither arguments nor an environment: what it is cannot be told yet. One that
 * cleared its environment has arguments. */
static bool is_between(pid_t pid)
{
    char byte;

    return read_file(pid, "environ", &byte, 1) == 0 && read_file(pid, "cmdline", &byte, 1) == 0;
}

/* An orphan with a session of its own that is overlooked then would outlive its attempt. */
static bool mark_of(const struct ork_proc *p, struct ork_wire_key *out)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    bool found = ork_proc_mark(p->pid, out);

    for (int i = 0; !found && i < BETWEEN_MS && is_between(p->pid); i++) {
        (void)nanosleep(&moment, NULL);
        found = ork_proc_mark(p->pid, out);
    }
    return found || ork_proc_mark(p->pid, out); /* it may have got there between the two questions */
}

static void read_all(struct ork_procs *ps)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;

    ps->len = 0;
    while (dir && (e = readdir(dir))) {
        pid_t pid = (pid_t)atoi(e->d_name);

        if (pid <= 0)
            continue;
        if (ps->len == ps->cap) {
            ps->cap = ps->cap ? ps->cap * 2 : 256;
            ps->items = ork_mem(ps->items, ps->cap * sizeof *ps->items);
        }
        if (ork_proc_read(pid, &ps->items[ps->len]))
            ps->len++;
    }
    if (dir)
        closedir(dir);
}

static struct ork_proc *find(struct ork_procs *ps, pid_t pid)
{
    uint32_t lo = 0, hi = ps->len;

    while (lo < hi) { /* readdir of /proc goes upwards by pid */
        uint32_t mid = (lo + hi) / 2;

        if (ps->items[mid].pid < pid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ps->len && ps->items[lo].pid == pid ? &ps->items[lo] : NULL;
}

static bool below(struct ork_agentd *a, struct ork_procs *ps, const struct ork_proc *p)
{
    for (int depth = 0; p && depth < 10000; depth++) {
        if (p->ppid == a->pid)
            return true;
        p = find(ps, p->ppid);
    }
    return false;
}

/* Of an earlier agent's attempt the number may have been given away: then the session is somebody else's. */
static struct ork_attempt *by_session(struct ork_agentd *a, struct ork_procs *ps, const struct ork_proc *p)
{
    struct ork_attempt *t = ork_attempt_by_pid(a, p->sid);
    struct ork_proc *leader;
    long hz = sysconf(_SC_CLK_TCK);
    int64_t born_ms;

    if (!t || !t->recovered)
        return t;
    leader = find(ps, p->sid);
    if (!leader)
        return t;
    born_ms = (int64_t)(leader->start * 1000 / (uint64_t)hz);
    return born_ms > t->born_boot_ms - 1000 && born_ms < t->born_boot_ms + 1000 ? t : NULL;
}

void ork_procs_list(struct ork_agentd *a, struct ork_procs *ps, bool everywhere)
{
    bool changed;

    read_all(ps);
    for (uint32_t i = 0; i < ps->len; i++) {
        struct ork_proc *p = &ps->items[i];
        struct ork_wire_key key;

        if (p->pid == a->pid || p->pid == 2 || p->ppid == 2) /* 2: threads of the kernel */
            continue;
        if (!everywhere && !below(a, ps, p))
            continue;
        p->of = by_session(a, ps, p);
        if (!p->of && ork_proc_alive(p) && mark_of(p, &key))
            p->of = ork_attempt_find(a, &key);
    }
    do {
        changed = false;
        for (uint32_t i = 0; i < ps->len; i++) {
            struct ork_proc *p = &ps->items[i], *parent = p->of || p->pid == a->pid ? NULL : find(ps, p->ppid);

            if (parent && parent->of) {
                p->of = parent->of;
                changed = true;
            }
        }
    } while (changed);
}

void ork_procs_fini(struct ork_procs *ps)
{
    free(ps->items);
    *ps = (struct ork_procs){0};
}

int ork_proc_signal(const struct ork_proc *p, int sig)
{
    struct ork_proc now;
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0), error = 0;

    if (fd < 0)
        return errno;
    if (!ork_proc_read(p->pid, &now) || now.start != p->start)
        error = ESRCH;
    else if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0)
        error = errno;
    close(fd);
    return error;
}
