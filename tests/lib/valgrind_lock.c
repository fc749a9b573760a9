/* SPDX-License-Identifier: MIT */
/* Preloaded into programs under valgrind, whose 3.19 does not know that fcntl(F_OFD_SETLKW) blocks: it would stop all
 * threads with the one that waits. Here that call asks again and again instead. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fcntl(int fd, int cmd, ...)
{
    va_list ap;
    va_start(ap, cmd);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (cmd != F_OFD_SETLKW)
        return (int)syscall(SYS_fcntl, fd, cmd, arg);
    for (;;) {
        int rc = (int)syscall(SYS_fcntl, fd, F_OFD_SETLK, arg);
        if (rc == 0 || (errno != EAGAIN && errno != EACCES))
            return rc;
        struct timespec pause = {.tv_nsec = 2000000};
        if (nanosleep(&pause, NULL) < 0)
            return -1; /* EINTR, as the call itself */
    }
}

__attribute__((visibility("default"), alias("fcntl"))) int fcntl64(int fd, int cmd, ...);
