/* SPDX-License-Identifier: MIT */
#include "store/lib_child.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct child child_start(child_body body, void *data)
{
    int down[2], up[2];
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    struct child c = {fork(), down[1], up[0]};
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assert must not go on with the other tests here */
        (void)close(down[1]);
        (void)close(up[0]);
        body(down[0], up[1], data);
        _exit(0);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    return c;
}

char child_wait(int fd)
{
    char byte = 0;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? byte : 0;
}

void child_tell(int fd, char byte)
{
    assert_int_equal(write(fd, &byte, 1), 1);
}

int child_end(struct child *c)
{
    int status;
    (void)close(c->to);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    (void)close(c->from);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
