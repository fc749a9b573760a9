/* SPDX-License-Identifier: MIT */
/* The kernel: its version, and the two promises by which no process of a task stays behind: orphans come to the
 * subreaper, and PDEATHSIG kills when the parent dies. Sandboxes that imitate a kernel may lack them, so both are
 * tried:
 *
 *   us ─ fork ─► S, subreaper ─ fork ─► M ─ fork ─► C     M ends after C: does S get to bury both?
 *                            └─ fork ─► T, PDEATHSIG      S ends: does T?
 *
 * Between fork and _exit only system calls are made: the host may have threads. */
#include "engine/doctor.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_MAJOR 5
#define KERNEL_MINOR 10
#define PATIENCE_MS 5000

enum { REAPS = 1, TRIED = 2 }; /* exit code of S, as bits */

static void kernel(struct ork_doctor *d)
{
    struct utsname u;
    int major = 0, minor = 0;

    if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2) {
        ork_doctor_add(d, ORK_FINDING_WARNING, "kernel", NULL, "this kernel does not tell its version");
        return;
    }
    bool old = major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR);
    ork_doctor_add(d, old ? ORK_FINDING_PROBLEM : ORK_FINDING_OK, "kernel",
                   old ? "run a kernel from 5.10; under Windows, WSL 2" : NULL, "%s %s%s", u.sysname, u.release,
                   old ? ", older than the 5.10 that Ork needs" : "");
}

static void be_subreaper(int tell)
{
    int code = 0, dead = 0;
    pid_t pid;
    char byte;

    signal(SIGCHLD, SIG_DFL); /* a host that ignores it would have nothing to wait for */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && (pid = fork()) >= 0) {
        if (pid == 0) {
            if (fork() == 0)
                _exit(0);
            _exit(0);
        }
        while ((pid = waitpid(-1, NULL, 0)) > 0 || (pid < 0 && errno == EINTR))
            dead += pid > 0;
        code |= dead == 2 ? REAPS : 0;
    }
    int ready[2];
    if (pipe(ready) == 0 && (pid = fork()) >= 0) {
        if (pid == 0) {
            pid = getpid();
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (write(tell, &pid, sizeof pid) == sizeof pid && write(ready[1], "r", 1) == 1)
                (void)poll(NULL, 0, 2 * PATIENCE_MS);
            _exit(0);
        }
        close(ready[1]);
        code |= read(ready[0], &byte, 1) == 1 ? TRIED : 0;
    }
    _exit(code);
}

/* Does T end with S? Its end closes the pipe. */
static bool follows(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    pid_t pid = 0;
    char byte;

    if (read(fd, &pid, sizeof pid) != sizeof pid)
        return false;
    if (poll(&p, 1, PATIENCE_MS) > 0 && read(fd, &byte, 1) == 0)
        return true;
    (void)kill(pid, SIGKILL);
    return false;
}

static void self_test(struct ork_doctor *d)
{
    int tell[2], status = 0;

    if (pipe(tell) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close(tell[0]);
        be_subreaper(tell[1]);
    }
    close(tell[1]);
    bool tried = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status);
    bool reaps = tried && WEXITSTATUS(status) & REAPS;
    bool dies = tried && WEXITSTATUS(status) & TRIED && follows(tell[0]);
    close(tell[0]);
    if (!tried)
        ork_doctor_add(d, ORK_FINDING_WARNING, "processes", "look at the limits below",
                       "no process could be started to try the kernel");
    else if (reaps && dies)
        ork_doctor_add(d, ORK_FINDING_OK, "processes", NULL,
                       "orphans come to their subreaper, PDEATHSIG kills them with their parent");
    else
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "processes",
                       "this sandbox or container runtime imitates a kernel without it; run Ork outside of it",
                       "%s: processes of a task could stay behind",
                       reaps ? "PDEATHSIG does not work here" : "a subreaper does not get orphans here");
}

void ork_doctor_system(struct ork_doctor *d)
{
    kernel(d);
    self_test(d);
}
