/* SPDX-License-Identifier: MIT */
/* Preloaded into programs under valgrind, whose 3.19 has no pidfd_open: no worker could be watched. Here a child's
 * descriptor is a pipe that a thread ends when the child has. For others than children there is none, as before; where
 * the kernel has the call, in the workers themselves, nothing is different. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define MOST_FDS 4096
#define SHOWN __attribute__((visibility("default")))

typedef long (*syscall_call)(long, ...);
typedef int (*waitid_call)(idtype_t, id_t, siginfo_t *, int);

static syscall_call true_syscall;
static waitid_call true_waitid;
static _Atomic bool missing;             /* asked once: valgrind complains each time */
static _Atomic pid_t child_of[MOST_FDS]; /* by descriptor; 0: it is not ours */

__attribute__((constructor)) static void find_calls(void)
{
    true_syscall = (syscall_call)dlsym(RTLD_NEXT, "syscall");
    true_waitid = (waitid_call)dlsym(RTLD_NEXT, "waitid");
}

/* data: the child's number, and 16 bits of the descriptor to close. */
static void *wait_for_end(void *data)
{
    pid_t pid = (pid_t)((intptr_t)data >> 16);
    siginfo_t si;

    while (true_waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    (void)close((int)((intptr_t)data & 0xFFFF));
    return NULL;
}

static int stand_in(pid_t pid)
{
    siginfo_t si;
    int fds[2];
    pthread_t thread;
    sigset_t all, before;

    if (true_waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) != 0) {
        errno = ENOSYS;
        return -1;
    }
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = fds[0] < MOST_FDS ? pthread_create(&thread, NULL, wait_for_end, (void *)((intptr_t)pid << 16 | fds[1]))
                                  : EMFILE;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        errno = error;
        return -1;
    }
    (void)pthread_detach(thread);
    child_of[fds[0]] = pid;
    return fds[0];
}

SHOWN long syscall(long number, ...)
{
    long a[6];
    va_list ap;

    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (number == SYS_pidfd_open && missing)
        return stand_in((pid_t)a[0]);
    long rc = true_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    missing = missing || (number == SYS_pidfd_open && rc == -1 && errno == ENOSYS);
    return number == SYS_pidfd_open && missing ? stand_in((pid_t)a[0]) : rc;
}

SHOWN int waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
    pid_t child = type == (idtype_t)P_PIDFD && id < MOST_FDS ? child_of[id] : 0;

    return child ? true_waitid(P_PID, (id_t)child, si, options) : true_waitid(type, id, si, options);
}
