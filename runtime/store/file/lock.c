/* SPDX-License-Identifier: MIT */
/* DIR/lock: whoever may write holds it, from opening to the end of its process. It is a lock of an open file, as those
 * of owners are (store/sqlite/turn.c), so it falls with the process however that ends. The file says who: "pid start
 * time", then the scheduler it became, so that whoever only reads can tell a run that is driven from one that was left.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "store/file/file.h"
#include "store/sqlite/dying.h"
#include "store/sqlite/turn.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int try_lock(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &l) == 0 ? 0 : errno;
}

static void read_lock(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
}

static int busy(struct ork_file *f, const char *holder, ork_err *err)
{
    int pid = (int)strtol(holder, NULL, 10);
    char who[32] = "another process";
    if (pid > 0)
        (void)snprintf(who, sizeof who, "process %d", pid);
    if (pid == getpid())
        return ork_err_set(err, ORK_EBUSY, "%s is open in this very process already; a file store is opened once",
                           f->dir);
    return ork_err_set(err, ORK_EBUSY,
                       "%s is in use by %s: one program at a time may change a file store. Wait until it ends, "
                       "or stop it; commands that only look (`ork runs`, `ork show`) work meanwhile. Several programs "
                       "at once need sqlite:PATH",
                       f->dir, who);
}

static void put_name(struct ork_file *f, const ork_id *scheduler)
{
    char text[128], id[ORK_ID_TEXT] = "";
    ork_dying_name(text, sizeof text - sizeof id - 1);
    if (scheduler)
        ork_id_format(scheduler, id);
    size_t n = strlen(text);
    (void)snprintf(text + n, sizeof text - n, "%s\n", id);
    n = strlen(text);
    /* Without it others only know less about us. */
    if (pwrite(f->lock_fd, text, n, 0) == (ssize_t)n && ftruncate(f->lock_fd, (off_t)n) != 0)
        ork_log_debug(&f->db.log, "lock not named error=%s", ORK_LOG_VALUE(strerror(errno)));
}

int ork_file_lock(struct ork_file *f, ork_err *err)
{
    char holder[128];
    f->lock_fd = openat(f->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock_fd < 0)
        return ork_err_errno(err, errno, "%s/lock", f->dir);
    int error = try_lock(f->lock_fd);
    if (error == EAGAIN || error == EACCES) {
        read_lock(f->lock_fd, holder, sizeof holder);
        if (ork_dying_wait(holder))
            error = try_lock(f->lock_fd);
        if (error)
            return busy(f, holder, err);
    }
    if (error)
        return ork_err_errno(err, error, "locking %s/lock", f->dir);
    put_name(f, NULL);
    return 0;
}

void ork_file_lock_name(struct ork_file *f)
{
    put_name(f, &f->db.me);
}

/* Only a store that reads asks for others: who writes is alone. */
int ork_file_owner_open(struct ork_sqlite *s, const ork_id *scheduler)
{
    struct ork_file *f = ork_file_of(s);
    char holder[128], id[ORK_ID_TEXT];
    int fd = s->flags & ORK_OPEN_READ ? openat(f->dir_fd, "lock", O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        errno = s->flags & ORK_OPEN_READ ? errno : ENOENT;
        return -1;
    }
    read_lock(fd, holder, sizeof holder);
    ork_id_format(scheduler, id);
    if (strstr(holder, id))
        return fd;
    (void)close(fd);
    errno = ENOENT;
    return -1;
}
