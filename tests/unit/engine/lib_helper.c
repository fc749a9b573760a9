/* SPDX-License-Identifier: MIT */
#include "engine/lib_helper.h"
#include "engine/lib_gate.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct helper helper_start(struct world *w, helper_body body)
{
    int down[2], up[2];

    assert_null(w->engine);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    struct helper h = {fork(), down[1], up[0]};
    assert_true(h.pid >= 0);
    if (h.pid == 0) {
        struct helper me = {getppid(), up[1], down[0]};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assert must not go on with the other tests here */
        (void)close(down[1]);
        (void)close(up[0]);
        world_engine(w);
        body(w, &me);
        world_leave(w);
        _exit(0);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    return h;
}

void helper_tell(struct helper *h, char byte)
{
    assert_int_equal(write(h->to, &byte, 1), 1);
}

void helper_hear(struct helper *h, char byte)
{
    char got = 0;
    ssize_t n;

    do
        n = read(h->from, &got, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        fail_msg("the other process ended before it said %c", byte);
    assert_int_equal(got, byte);
}

static int reap(struct helper *h)
{
    int status;

    (void)close(h->to);
    assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
    (void)close(h->from);
    return status;
}

void helper_kill(struct helper *h)
{
    assert_int_equal(kill(h->pid, SIGKILL), 0);
    helper_gone(h);
}

void helper_gone(struct helper *h)
{
    int status = reap(h);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void helper_end(struct helper *h)
{
    int status = reap(h);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the other process ended with status %x", (unsigned)status);
}

pid_t agent_of(struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct ucred who;
    socklen_t len = sizeof(who);
    char *path = query(w, "SELECT socket FROM agents LIMIT 1");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    free(path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
    close(fd);
    return who.pid;
}

void agent_kill(struct world *w)
{
    pid_t pid = agent_of(w);

    assert_int_equal(kill(pid, SIGKILL), 0);
    gate_gone(pid);
}
