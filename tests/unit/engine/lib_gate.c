/* SPDX-License-Identifier: MIT */
#include "engine/lib_gate.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

void gate_hear(const char *name, char *text, size_t size)
{
    int fd = open_fifo(name, O_RDONLY);
    size_t have = 0;

    while (have < size - 1) {
        ssize_t n = read(fd, text + have, size - 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    while (have && text[have - 1] == '\n')
        have--;
    text[have] = '\0';
}

void gate_heard(const char *name, const char *expected)
{
    char text[256];

    gate_hear(name, text, sizeof(text));
    assert_string_equal(text, expected);
}

void gate_gone(int pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (fd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    while (poll(&p, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
    close(fd);
}
