/* SPDX-License-Identifier: MIT */
/* Locks, shared memory and file notices are what keeps several `ork` on one file apart; on network file systems they
 * fail without a word, so those are refused. Files are made 0600; SQLite gives the WAL the mode of the database. */
#include "store/sqlite/place.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *ork_place_network(long fs_type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } table[] = {
        {0x6969, "NFS"},
        {0x517B, "SMB"},
        {0xFE534D42, "SMB2"},
        {0xFF534D42, "CIFS"},
        {0x01021997, "9p"},
        {0x65735546, "FUSE"},
        {0x5346414F, "AFS"},
        {0x6B414653, "AFS"},
        {0x00C36400, "Ceph"},
        {0x73757245, "Coda"},
        {0x0BD00BD0, "Lustre"},
        {0x7461636F, "OCFS2"},
        {0x01161970, "GFS2"},
        {0x564C, "NCP"},
        {0x19830326, "BeeGFS"},
        {0x47504653, "GPFS"},
        {0x786F4256, "a VirtualBox folder"},
        {0xBACBACBC, "a VMware folder"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].type == (uint32_t)fs_type)
            return table[i].name;
    return NULL;
}

static int check_folder(const char *path, uint32_t flags, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_dirname(path);
    struct statfs fs;
    struct stat st;
    if (stat(dir, &st) != 0) {
        if (errno != ENOENT || !(flags & ORK_OPEN_CREATE))
            return errno == ENOENT
                       ? ork_err_set(err, ORK_ENOTFOUND, "no Ork database at %s: there is no folder %s", path, dir)
                       : ork_err_errno(err, errno, "%s", dir);
        int rc = ork_path_make_dirs(dir, err);
        if (rc)
            return ork_err_wrap(err, "cannot make the folder of the database");
    }
    if (statfs(dir, &fs) != 0)
        return ork_err_errno(err, errno, "%s", dir);
    const char *net = ork_place_network((long)fs.f_type);
    if (net)
        return ork_err_set(err, ORK_EENV,
                           "%s is on %s: file locks and notices do not work there as SQLite and Ork need them; "
                           "put the database on a local disk",
                           path, net);
    if (!(flags & ORK_OPEN_READ) && access(dir, W_OK | X_OK) != 0)
        return errno == EROFS
                   ? ork_err_set(err, ORK_EREADONLY, "%s is on a read-only file system", path)
                   : ork_err_set(err, ORK_EREADONLY,
                                 "the folder %s is not writable for you; the database needs files beside it", dir);
    return 0;
}

static int check_header(int fd, const char *path, ork_err *err)
{
    char head[16];
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return ork_err_errno(err, errno, "reading %s", path);
    if (n > 0 && (n < (ssize_t)sizeof head || memcmp(head, "SQLite format 3", sizeof head) != 0))
        return ork_err_set(err, ORK_ECORRUPT,
                           "%s is not an SQLite database (its first bytes are not one's); was another file meant?",
                           path);
    return 0;
}

/* Opens the database file itself; makes it when it may. */
static int open_file(const char *path, uint32_t flags, int *fd, ork_err *err)
{
    bool read = flags & ORK_OPEN_READ;
    *fd = open(path, (read ? O_RDONLY : O_RDWR) | O_CLOEXEC | (flags & ORK_OPEN_CREATE ? O_CREAT : 0), 0600);
    if (*fd >= 0)
        return 0;
    switch (errno) {
    case ENOENT:
        if (flags & ORK_OPEN_CREATE)
            return ork_err_set(err, ORK_EIO, "%s cannot be made: this file system takes no new files there", path);
        return ork_err_set(err, ORK_ENOTFOUND,
                           "no Ork database at %s; `ork SCRIPT` makes one, or name another with --db sqlite:PATH",
                           path);
    case EISDIR:
        return ork_err_set(err, ORK_EINVAL, "%s is a folder, not a database", path);
    case EROFS:
        return ork_err_set(err, ORK_EREADONLY, "%s is on a read-only file system", path);
    case EACCES:
    case EPERM:
        if (!read && access(path, R_OK) == 0)
            return ork_err_set(err, ORK_EREADONLY, "%s is read-only for you (chmod u+w, or ask its owner)", path);
        return ork_err_set(err, ORK_EACCESS, "%s may not be opened by you", path);
    default:
        return ork_err_errno(err, errno, "opening %s", path);
    }
}

/* Looks at the file, and makes it. Under the lock of what is open here. */
static int look(const char *path, uint32_t flags, struct ork_opened *held, ork_err *err)
{
    struct stat st;
    int fd;

    if (stat(path, &st) == 0 && ork_opened_again(held, st.st_dev, st.st_ino))
        return 0;
    int rc = open_file(path, flags, &fd, err);
    if (rc)
        return rc;
    if (fstat(fd, &st) != 0)
        rc = ork_err_errno(err, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        rc = ork_err_set(err, ORK_EINVAL, "%s is no regular file", path);
    if (!rc)
        rc = check_header(fd, path, err);
    (void)close(fd);
    if (!rc)
        ork_opened_begin(held, st.st_dev, st.st_ino);
    return rc;
}

int ork_place_open(const char *given, uint32_t flags, char **path, bool *frozen, struct ork_opened *held, ork_err *err)
{
    struct stat st;
    int rc = ork_path_absolute(given, path, err);
    *frozen = false;
    if (rc)
        return rc;
    rc = check_folder(*path, flags, err);
    if (rc)
        return rc;
    ork_opened_lock();
    rc = look(*path, flags, held, err);
    ork_opened_unlock();
    if (!rc && (flags & ORK_OPEN_READ) && access(*path, W_OK) != 0) {
        ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_dirname(*path);
        char wal[4200];
        int n = snprintf(wal, sizeof wal, "%s-wal", *path);
        bool used = n > 0 && (size_t)n < sizeof wal && stat(wal, &st) == 0 && st.st_size > 0;
        *frozen = !used && access(dir, W_OK) != 0;
    }
    return rc;
}
