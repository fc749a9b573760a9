/* SPDX-License-Identifier: MIT */
/* Starting a worker from within somebody else's program.
 *
 * By clone(VM|VFORK): the cost does not grow with our memory. The child makes system calls only, on a stack of its own.
 *
 * Law: no worker outlives its scheduler. The kernel signals it when the thread that started it ends; it answers by
 * killing its whole process group, so what its functions started goes with it. It looks whether its parent is still
 * there after asking for that signal, in case it died in between. */
#include "exec/worker/spawn.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exec/worker/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 * 1024)
#define APART 64 /* descriptors go up here first, so that none is in the way of another */
#define IN_CHILD __attribute__((noinline, no_sanitize_address, no_sanitize_undefined))

struct start {
    const struct ork_worker_start *o;
    char **argv, **env; /* owned */
    pid_t parent;
    sigset_t none;
    volatile int error;
};

IN_CHILD static bool place(int from, int to)
{
    int apart = fcntl(from, F_DUPFD, APART);

    return apart >= 0 && dup2(apart, to) == to;
}

IN_CHILD static int become_worker(void *data)
{
    struct start *s = data;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    int null = open("/dev/null", O_RDWR);

    for (int sig = 1; sig < 32; sig++)
        (void)sigaction(sig, &standard, NULL);                                  /* fails for two */
    (void)sigaction(SIGUSR1, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* until it has its own */
    (void)setsid();
    if (prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0 && getppid() == s->parent && null >= 0 && place(null, 0) &&
        place(s->o->output, 1) && place(s->o->output, 2) && place(s->o->socket, ORK_WORKER_SOCKET) &&
        place(s->o->page, ORK_WORKER_PAGE) && syscall(SYS_close_range, 5, ~0u, CLOSE_RANGE_CLOEXEC) == 0) {
        (void)sigprocmask(SIG_SETMASK, &s->none, NULL);
        (void)execve(s->o->program, s->argv, s->env);
    }
    s->error = errno ? errno : ESRCH;
    _exit(127);
}

/* Without Ork's own settings and secrets, which are no business of functions. */
static char **environment(char *mark)
{
    size_t n = 0;

    while (environ && environ[n])
        n++;
    char **env = ork_alloc((n + 2) * sizeof(*env));
    size_t kept = 0;

    env[kept++] = mark;
    for (size_t i = 0; i < n; i++) {
        const char *v = environ[i];
        bool tool = strncmp(v, "ORK_LUA_DIR=", 12) == 0 || strncmp(v, "ORK_TRACEBACK=", 14) == 0;
        if (tool || (strncmp(v, "ORK_", 4) != 0 && strncmp(v, "DATABASE_URL=", 13) != 0))
            env[kept++] = environ[i];
    }
    env[kept] = NULL;
    return env;
}

static int start_blocked(struct start *s)
{
    char *stack = ork_alloc(STACK);
    sigset_t all, old;

    sigemptyset(&s->none);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    s->parent = getpid();
    pid_t pid = clone(become_worker, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, s);
    if (pid < 0)
        s->error = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    ork_free(stack);
    return pid;
}

int ork_worker_spawn(const struct ork_worker_start *o, int *pid, int *pid_fd, ork_err *err)
{
    char memory[16];
    char *argv[] = {(char[]){"ork"}, (char[]){"worker"}, memory, NULL};
    struct start s = {.o = o, .argv = argv, .env = environment(o->mark)};

    (void)snprintf(memory, sizeof memory, "%u", o->memory_mb);
    *pid = start_blocked(&s);
    ork_free(s.env);
    if (s.error) {
        if (*pid > 0)
            (void)waitpid(*pid, NULL, 0);
        return ork_err_set(err, ORK_EENV, "cannot start a worker, `%s`: %s", o->program, strerror(s.error));
    }
    *pid_fd = (int)syscall(SYS_pidfd_open, *pid, 0);
    if (*pid_fd < 0) {
        int error = errno;
        (void)kill(-*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
        return ork_err_errno(err, error, "cannot watch a worker");
    }
    (void)fcntl(*pid_fd, F_SETFD, FD_CLOEXEC);
    return 0;
}
