/* SPDX-License-Identifier: MIT */
/* The bell: a file beside the database that holds a count. After a commit that others must look at, and still within
 * the turn, the count goes up by one; that write is what their uv_fs_event sees. (Watching the WAL misses every commit:
 * it is written before the commit is visible.) Who rings knows the count it leaves behind, so its own ring does not
 * wake it, unless somebody else's came between.
 *
 * Behind it is a second count, of commits that changed a run, for those who look on while another program works (`ork
 * watch`). It is written only while somebody does: he holds a read lock on its first byte, which ends with him, and
 * asking for that costs an owner one system call per commit. Who does not look on sees an event, the same first count,
 * and sleeps again. */
#include "base/buf.h"
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(struct ork_sqlite *s)
{
    struct ork_buf path = ORK_BUF_INIT;
    ork_buf_addf(&path, "%s-bell", s->path);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && s->flags & ORK_OPEN_READ)
        fd = open(path.data, O_RDONLY | O_CLOEXEC);
    ork_buf_fini(&path);
    return fd;
}

#define NEWS 8 /* offset of the second count, and of the byte that is locked */

static struct flock eyes(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = NEWS, .l_len = 1};
}

static bool is_looked_at(int fd)
{
    struct flock l = eyes(F_WRLCK);
    return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* As the callback wants it; again after the file was opened again, which lost the lock. */
static void look_on(struct ork_sqlite *s)
{
    struct flock l = eyes(s->bell.on_news ? F_RDLCK : F_UNLCK);
    (void)fcntl(s->bell.fd, F_OFD_SETLK, &l);
}

/* The file was removed (it lives on unseen while it is open here). */
static bool is_gone(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* Under the same number: the writer thread may be about to ring. */
static bool reopen(struct ork_sqlite *s)
{
    int fd = open_file(s);
    if (fd < 0)
        return false;
    if (s->bell.fd < 0) {
        s->bell.fd = fd;
        return true;
    }
    (void)dup3(fd, s->bell.fd, O_CLOEXEC);
    (void)close(fd);
    return true;
}

static uint64_t count(int fd, off_t at)
{
    uint64_t n = 0;
    return pread(fd, &n, sizeof n, at) == (ssize_t)sizeof n ? n : 0;
}

int ork_bell_open(struct ork_sqlite *s, ork_err *err)
{
    s->bell.fd = -1;
    if (!s->path)
        return 0;
    s->bell.fd = open_file(s);
    if (s->bell.fd < 0 && !(s->flags & ORK_OPEN_READ))
        return ork_err_errno(err, errno, "%s-bell", s->path);
    return 0;
}

void ork_bell_ring(struct ork_sqlite *s)
{
    if (s->bell.fd < 0)
        return;
    if (is_gone(s->bell.fd) && reopen(s))
        look_on(s);
    uint64_t was = count(s->bell.fd, 0), now = was + 1;
    (void)atomic_compare_exchange_strong(&s->bell.heard, &was, now);
    if (pwrite(s->bell.fd, &now, sizeof now, 0) != (ssize_t)sizeof now)
        ork_log_warn(&s->log, "bell not rung, other processes may notice late error=%s",
                     ORK_LOG_VALUE(strerror(errno)));
}

void ork_bell_news(struct ork_sqlite *s)
{
    if (s->bell.fd < 0 || is_gone(s->bell.fd) || !is_looked_at(s->bell.fd))
        return;
    uint64_t now = count(s->bell.fd, NEWS) + 1;
    if (pwrite(s->bell.fd, &now, sizeof now, NEWS) != (ssize_t)sizeof now)
        ork_log_debug(&s->log, "nobody told of a change error=%s", ORK_LOG_VALUE(strerror(errno)));
}

static void start(struct ork_sqlite *s);

static void hear_news(struct ork_sqlite *s, bool surely)
{
    uint64_t now = count(s->bell.fd, NEWS);
    bool new = surely || now != s->bell.news;
    s->bell.news = now;
    if (new && s->bell.on_news)
        s->bell.on_news(s->bell.news_data);
}

static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct ork_sqlite *s = h->data;
    (void)name;
    if (status < 0 || events & UV_RENAME || is_gone(s->bell.fd)) { /* make it again */
        (void)uv_fs_event_stop(h);
        s->bell.on = false;
        if (access(s->path, F_OK) == 0)
            start(s);
        hear_news(s, true);
    } else {
        hear_news(s, false);
        uint64_t now = count(s->bell.fd, 0);
        if (atomic_exchange(&s->bell.heard, now) == now)
            return;
    }
    if (s->bell.cb)
        s->bell.cb(s->bell.data);
}

static void start(struct ork_sqlite *s)
{
    int rc = UV_ENOENT;
    if (reopen(s)) {
        struct ork_buf path = ORK_BUF_INIT;
        look_on(s);
        atomic_store(&s->bell.heard, count(s->bell.fd, 0));
        s->bell.news = count(s->bell.fd, NEWS);
        ork_buf_addf(&path, "%s-bell", s->path);
        rc = uv_fs_event_start(&s->bell.event, on_event, path.data, 0);
        ork_buf_fini(&path);
    }
    s->bell.on = rc == 0;
    if (rc)
        ork_log_warn(&s->log, "changes by other processes are not noticed error=%s", ORK_LOG_VALUE(uv_strerror(rc)));
}

static void start_or_stop(struct ork_sqlite *s)
{
    bool wanted = s->bell.cb || s->bell.on_news;
    if (!s->path)
        return;
    if (!s->bell.inited) {
        (void)uv_fs_event_init(s->loop, &s->bell.event);
        s->bell.event.data = s;
        s->bell.inited = true;
    }
    if (wanted && !s->bell.on) {
        start(s);
    } else if (!wanted && s->bell.on) {
        (void)uv_fs_event_stop(&s->bell.event);
        s->bell.on = false;
    }
}

void ork_bell_watch(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    s->bell.cb = cb;
    s->bell.data = data;
    start_or_stop(s);
}

void ork_bell_on_news(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    s->bell.on_news = cb;
    s->bell.news_data = data;
    start_or_stop(s);
    if (s->bell.fd >= 0)
        look_on(s);
}
