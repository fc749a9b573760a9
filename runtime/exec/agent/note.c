/* SPDX-License-Identifier: MIT */
/* What every part needs: clocks, memory that does not fail, and the log of troubles: <dir>/log, moved to log.1 at 256
 * KiB. */
#include "exec/agent/agent.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_MAX (256 * 1024)

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t ork_now_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
int64_t ork_now_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
int64_t ork_now_boot(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

void *ork_mem(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);

    if (!p)
        abort();
    return p;
}

char *ork_text(const char *fmt, ...)
{
    char *s;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    return s;
}

void ork_note(struct ork_agentd *a, const char *fmt, ...)
{
    char line[1024];
    struct tm tm;
    struct stat st;
    time_t now = (time_t)(ork_now_wall() / 1000);
    va_list ap;
    int at, fd;

    gmtime_r(&now, &tm);
    at = (int)strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ agent: ", &tm);
    va_start(ap, fmt);
    vsnprintf(line + at, sizeof line - (size_t)at - 1, fmt, ap);
    va_end(ap);
    at = (int)strlen(line);
    line[at++] = '\n';
    fd = openat(a->dir_fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)at) < 0 || fstat(fd, &st) < 0)
        st.st_size = 0;
    if (st.st_size > LOG_MAX)
        renameat(a->dir_fd, "log", a->dir_fd, "log.1");
    close(fd);
}
