/* SPDX-License-Identifier: MIT */
/* Starting the agent from within somebody else's program.
 *
 *   us ─ clone(VM|VFORK, no exit signal) ─► helper ─ clone(VM|VFORK) ─► execve(ork-agent)
 *                                             └─ _exit: the agent is nobody's child here
 *
 * Like posix_spawn, cost does not grow with our memory and all signals are blocked meanwhile. Unlike it, no SIGCHLD
 * comes: the helper has no exit signal and is waited for by number. Both run on stacks of their own, make system calls
 * only, and report errno through `error`. */
#include "exec/process/start.h"
#include "base/alloc.h"
#include "base/err.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 * 1024)
#define IN_CHILD __attribute__((noinline, no_sanitize_address, no_sanitize_undefined))

struct start {
    const char *program;
    char *argv[4];
    int ready_fd;
    char *stack; /* of the agent until execve; grows down */
    volatile int error;
};

IN_CHILD static int become_agent(void *data)
{
    struct start *s = data;

    if (fcntl(s->ready_fd, F_SETFD, 0) == 0) /* our table of descriptors is a copy */
        execv(s->program, s->argv);
    s->error = errno;
    _exit(127);
}

IN_CHILD static int helper(void *data)
{
    struct start *s = data;

    if (clone(become_agent, s->stack + STACK, CLONE_VM | CLONE_VFORK, s) < 0)
        s->error = errno;
    _exit(0);
}

static int start_blocked(struct start *s, char *stack)
{
    sigset_t all, old;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = clone(helper, stack + STACK, CLONE_VM | CLONE_VFORK, s);
    if (pid < 0)
        s->error = errno;
    else
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s->error;
}

int ork_agent_start(const char *program, const char *dir, int *ready_fd, ork_err *err)
{
    struct start s = {.program = program};
    char number[16], *stacks;
    int fds[2], error;

    if (access(program, X_OK) < 0)
        return ork_err_set(err, ORK_EAGENT,
                           "cannot run the agent `%s`: %s; it belongs to the package `ork`: install that again, or set "
                           "ORK_AGENT to its path",
                           program, strerror(errno));
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return ork_err_errno(err, errno, "cannot start the agent");
    snprintf(number, sizeof number, "%d", fds[1]);
    stacks = ork_alloc(2 * STACK);
    s.argv[0] = (char[]){"ork-agent"};
    s.argv[1] = (char *)dir;
    s.argv[2] = number;
    s.ready_fd = fds[1];
    s.stack = stacks + STACK;
    error = start_blocked(&s, stacks);
    ork_free(stacks);
    close(fds[1]);
    if (error) {
        close(fds[0]);
        return ork_err_set(err, ORK_EAGENT, "cannot start the agent `%s`: %s", program, strerror(error));
    }
    *ready_fd = fds[0];
    return 0;
}
