/* SPDX-License-Identifier: MIT */
/* PID 1 has two duties that a program does not expect: signals without a handler do not end it, and whatever lost its
 * parent becomes its child and must be buried. So `ork` forks: the child is the program, the parent passes signals on,
 * buries the dead, and ends as the child did, which ends everything else in the container. */
#include "script/init.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void bury(pid_t program)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == program)
            _exit(exit_code(status));
    }
}

static void serve(pid_t program, const sigset_t *all)
{
    for (;;) {
        siginfo_t info;
        int sig = sigwaitinfo(all, &info);

        if (sig == SIGCHLD)
            bury(program);
        else if (sig > 0 && info.si_code != SI_KERNEL) /* Ctrl-C: the terminal has told the child, too */
            (void)kill(program, sig);
    }
}

void ork_init_take_over(void)
{
    sigset_t all, before;

    if (getpid() != 1)
        return;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t program = fork();
    if (program > 0)
        serve(program, &all);
    sigprocmask(SIG_SETMASK, &before, NULL); /* the child; or, with no process to be had, this one itself */
}
