/* SPDX-License-Identifier: MIT */
#include "engine/lib_gate.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void gate_make(const char *names)
{
    char name[64];

    for (const char *p = names; *p;) {
        size_t n = strcspn(p, " ");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
        assert_int_equal(mkfifo(name, 0600), 0);
        p += n + (p[n] == ' ');
    }
}

static int open_fifo(const char *name, int flags)
{
    int fd;

    do
        fd = open(name, flags | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        fail_msg("%s: %s", name, strerror(errno));
    return fd;
}

void gate_open(const char *name)
{
    int fd = open_fifo(name, O_WRONLY);

    assert_int_equal(write(fd, "go\n", 3), 3);
    close(fd);
}

/* Opened for writing too, so that a task need not wait for us; the line is one write. */
void gate_hear(struct world *w, const char *name, const char *expected)
{
    int fd = open_fifo(name, O_RDWR | O_NONBLOCK);
    char text[256] = "";
    size_t n = 0;

    while (!strchr(text, '\n')) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN},
                             {.fd = w->engine ? ork_engine_fd(w->engine) : -1, .events = POLLIN}};
        ssize_t got = read(fd, text + n, 1);
        if (got == 1) {
            n++;
            assert_true(n < sizeof(text) - 1);
            continue;
        }
        if (w->engine)
            (void)ork_engine_step(w->engine, false);
        (void)poll(p, 2, w->engine ? ork_engine_timeout_ms(w->engine) : -1);
    }
    close(fd);
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, expected);
}

void gate_gone(int pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (fd < 0 && errno == ENOSYS) { /* valgrind knows no pidfd */
        while (kill(pid, 0) == 0)
            sched_yield();
        return;
    }
    if (fd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    while (poll(&p, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
    close(fd);
}
