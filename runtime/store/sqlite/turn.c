/* SPDX-License-Identifier: MIT */
/* The turn: SQLite's own waiting is polling with sleeps (two processes: p99.9 130 ms; four: up to 1.6 s). With a
 * blocking flock around each transaction the kernel queues and wakes: p99 4 ms. The lock belongs to the open file, so
 * two stores in one process take turns too.
 *
 * Owners: an OFD lock belongs to the open file description and falls with the process, however it ends. It is
 * close-on-exec, else tasks would inherit it and keep a dead owner alive. Asking never takes the lock (F_OFD_GETLK),
 * and who waits for it asks for a *shared* one: so two who look at the same time never see each other and mistake each
 * other for the owner. The file is locked before the owner's row is inserted and an id is never used twice: a row
 * without a file is dead. */
#include "store/sqlite/turn.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "store/sqlite/dying.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int ork_turn_open(const char *db, int *fd, ork_err *err)
{
    *fd = -1;
    if (!db)
        return 0;
    struct ork_buf path = ORK_BUF_INIT;
    ork_buf_addf(&path, "%s-turn", db);
    *fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = *fd < 0 ? ork_err_errno(err, errno, "%s", path.data) : 0;
    ork_buf_fini(&path);
    return rc;
}

bool ork_turn_try(int fd)
{
    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void ork_turn_take(int fd)
{
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
}

void ork_turn_drop(int fd)
{
    if (fd >= 0)
        (void)flock(fd, LOCK_UN);
}

char *ork_owner_path(const char *db, const ork_id *id)
{
    struct ork_buf path = ORK_BUF_INIT;
    ork_buf_addf(&path, "%s-owners", db);
    if (id) {
        ork_buf_addc(&path, '/');
        for (size_t i = 0; i < sizeof id->b; i++)
            ork_buf_addf(&path, "%02x", id->b[i]);
    }
    return ork_buf_steal(&path, NULL);
}

static struct flock whole(short type)
{
    struct flock l;
    memset(&l, 0, sizeof l);
    l.l_type = type;
    l.l_whence = SEEK_SET;
    return l;
}

int ork_owner_hold(const char *db, const ork_id *id, int *fd, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_owner_path(db, NULL);
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_owner_path(db, id);
    *fd = -1;
    int rc = ork_path_make_dirs(dir, err);
    if (rc)
        return rc;
    int f = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f < 0)
        return ork_err_errno(err, errno, "%s", path);
    struct flock l = whole(F_WRLCK);
    if (fcntl(f, F_OFD_SETLK, &l) != 0) {
        rc = ork_err_errno(err, errno, "locking %s", path);
        (void)unlink(path);
        (void)close(f);
        return rc;
    }
    char name[64];
    ork_dying_name(name, sizeof name);
    if (write(f, name, strlen(name)) < 0) { /* then nobody waits for our end, who may not be gone when we are killed */
    }
    *fd = f;
    return 0;
}

void ork_owner_release(const char *db, const ork_id *id, int fd)
{
    if (fd < 0)
        return;
    ork_owner_forget(db, id);
    (void)close(fd);
}

void ork_owner_forget(const char *db, const ork_id *id)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_owner_path(db, id);
    (void)unlink(path);
}

int ork_owner_open(const char *db, const ork_id *id)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_owner_path(db, id);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_locked(int fd)
{
    struct flock l = whole(F_RDLCK);

    return fcntl(fd, F_OFD_GETLK, &l) != 0 || l.l_type != F_UNLCK;
}

/* Only "no such file" and a free lock mean death; what cannot be asked (no permission, no descriptors left) counts as
 * alive. Whoever was killed is waited for: its lock falls with its memory. */
bool ork_owner_held(const char *db, const ork_id *id)
{
    return ork_lock_held(ork_owner_open(db, id));
}

bool ork_lock_held(int fd)
{
    char name[64];

    if (fd < 0)
        return errno != ENOENT;
    bool held = is_locked(fd);
    ssize_t n = held ? pread(fd, name, sizeof name - 1, 0) : 0;
    if (n > 0) {
        name[n] = '\0';
        held = !ork_dying_wait(name) || is_locked(fd);
    }
    (void)close(fd);
    return held;
}
