/* SPDX-License-Identifier: MIT */
/* The data directory: whose it is, who may look, what it lies on, how much is free; and whether locks and notices of
 * files work there, by trying both in a folder made for that. Without a database yet, the current folder is looked at,
 * where `ork SCRIPT` would make one. */
#include "engine/doctor.h"
#include "base/alloc.h"
#include "base/path.h"
#include "engine/engine.h"
#include "store/sqlite/place.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NOTICE_MS 2000
#define FEW_INODES 10000
#define NOTHING (64 << 10) /* bytes free: SQLite and the agent cannot write what they must */

static const char *local_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } table[] = {
        {0xEF53, "ext4"},      {0x58465342, "xfs"},      {0x9123683E, "btrfs"},
        {0x01021994, "tmpfs"}, {0x794C7630, "overlay"},  {0x2FC12FC1, "zfs"},
        {0xF2F52010, "f2fs"},  {0xCA451A4E, "bcachefs"}, {0x858458F6, "ramfs"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].type == type)
            return table[i].name;
    }
    return "a file system without a name here";
}

static void file_system(struct ork_doctor *d, const char *dir)
{
    struct statfs fs;

    if (statfs(dir, &fs) < 0)
        return;
    const char *net = ork_place_network((long)fs.f_type), *name = net ? net : local_name((uint32_t)fs.f_type);
    const char *shown = strcmp(dir, ".") == 0 ? "the current folder" : dir;
    if (net)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "file system",
                       "put the database on a local disk (--db) and the data directory too (--data)",
                       "%s is on %s: locks and notices between programs do not work there", shown, name);
    else if (strcmp(name, "tmpfs") == 0 || strcmp(name, "ramfs") == 0)
        ork_doctor_add(d, ORK_FINDING_WARNING, "file system",
                       "for what shall survive, put the database on a disk (--db)",
                       "%s is on %s, in memory: gone when the machine is started again", shown, name);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "file system", NULL, "%s", name);
}

/* A removal is stored before anything goes, so `ork prune` needs some room itself. */
static void disk_is_full(struct ork_doctor *d)
{
    char hint[1024];

    if (d->data_dir)
        (void)snprintf(
            hint, sizeof hint,
            "remove a file first (for example an old folder in %s/logs/): `ork prune` needs some room itself; "
            "then `ork prune`",
            d->data_dir);
    else
        (void)snprintf(hint, sizeof hint, "remove a file first");
    ork_doctor_add(d, ORK_FINDING_PROBLEM, "disk space", hint, "the disk is full: nothing is free");
}

static void disk(struct ork_doctor *d, const char *dir)
{
    struct statvfs v;
    int64_t min_free = ork_engine_min_free();

    if (statvfs(dir, &v) < 0)
        return;
    int64_t free_bytes = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    long long free_mb = free_bytes >> 20, min_mb = min_free >> 20;
    d->full = free_bytes < NOTHING || (v.f_files && v.f_favail == 0);
    if (d->full && !(v.f_flag & ST_RDONLY))
        disk_is_full(d);
    else if (free_bytes < min_free)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "disk space",
                       "make room (`ork prune` removes old runs), or set ORK_MIN_FREE_MB lower",
                       "%lld MB are free; with less than %lld MB no task is started", free_mb, min_mb);
    else if (v.f_files && v.f_favail < FEW_INODES)
        ork_doctor_add(d, ORK_FINDING_WARNING, "disk space", "make room: every task writes a file of its own",
                       "%lld MB are free, but only %llu files more can be made", free_mb,
                       (unsigned long long)v.f_favail);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "disk space", NULL, "%lld MB free, %lld MB are kept free", free_mb, min_mb);
}

/* ---- the directory itself ---- */

static bool others_may_look(const char *dir, const char *name, mode_t bits)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(dir, name);
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & bits);
}

/* A folder that Ork made is 0700. One that only holds the database (--db sqlite:runs.db) is the user's own affair, as
 * long as nobody else may change it; then logs/ and agent/ in it are what matters. */
static bool is_open(const char *dir, mode_t mode)
{
    const char *name = strrchr(dir, '/');

    if (mode & 022 && !(mode & S_ISVTX))
        return true;
    if (name && strcmp(name, "/.ork") == 0 && mode & 077)
        return true;
    return others_may_look(dir, "logs", 077) || others_may_look(dir, "agent", 077);
}

static bool directory(struct ork_doctor *d)
{
    const char *dir = d->data_dir;
    struct stat st;

    if (stat(dir, &st) < 0) {
        if (errno == ENOENT)
            ork_doctor_add(d, ORK_FINDING_OK, "data directory", NULL, "%s is made with the first run", dir);
        else
            ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory", "name another with --data", "%s: %s", dir,
                           strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory", "name another with --data", "%s is no folder", dir);
        return false;
    }
    if (access(dir, W_OK | X_OK) < 0 && errno == EROFS)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory",
                       "mount it for writing (mount -o remount,rw), or name another place: --db, --data",
                       "%s is on a disk that is mounted read-only", dir);
    else if (access(dir, W_OK | X_OK) < 0)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory", "chown or chmod u+w it, or name another with --data",
                       "%s is not writable for you: %s", dir, strerror(errno));
    else if (st.st_uid != geteuid())
        ork_doctor_add(d, ORK_FINDING_WARNING, "data directory",
                       "run ork as that user: what you start here, that user cannot take over",
                       "%s belongs to another user (uid %u)", dir, (unsigned)st.st_uid);
    else if (is_open(dir, st.st_mode))
        ork_doctor_add(d, ORK_FINDING_WARNING, "data directory", "chmod -R go-rwx it: logs and params are in there",
                       "%s is open to other users (mode %04o)", dir, (unsigned)st.st_mode & 07777);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "data directory", NULL, "%s (mode %04o)", dir, (unsigned)st.st_mode & 07777);
    return true;
}

static void make_room(struct ork_doctor *d, const char *dir)
{
    char *room = ork_path_join(dir, ".ork-doctor-XXXXXX");

    if (mkdtemp(room)) {
        d->room = room;
        return;
    }
    if (d->full && (errno == ENOSPC || errno == EDQUOT))
        ork_doctor_add(d, ORK_FINDING_WARNING, "locks", NULL,
                       "could not be tried, nor could notices and the agent: the disk is full");
    else if (!d->data_dir)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory", "work in a folder of yours, or name a database: --db",
                       ".ork cannot be made in the current folder: %s", strerror(errno));
    else if (errno != EACCES && errno != EROFS) /* that was said */
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "data directory",
                       "look at the disk: quota, free space, mounted read-only?", "no folder can be made in %s: %s",
                       dir, strerror(errno));
    ork_free(room);
}

/* ---- what must work there ---- */

/* Two descriptions of one file must not both hold a lock. */
static const char *lock_failure(int one, int two)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(one, F_OFD_SETLK, &l) < 0)
        return "locks of open files (OFD) are refused";
    l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(two, F_OFD_GETLK, &l) < 0 || l.l_type == F_UNLCK)
        return "locks of open files (OFD) are not seen by others";
    if (flock(one, LOCK_EX | LOCK_NB) < 0)
        return "flock is refused";
    if (flock(two, LOCK_EX | LOCK_NB) == 0)
        return "flock is given to two at a time";
    return NULL;
}

static void locks(struct ork_doctor *d, const char *path)
{
    int one = open(path, O_RDWR | O_CLOEXEC), two = open(path, O_RDWR | O_CLOEXEC);
    const char *failure = one < 0 || two < 0 ? "no file can be opened" : lock_failure(one, two);

    if (failure && d->full)
        ork_doctor_add(d, ORK_FINDING_WARNING, "locks", NULL, "could not be tried: the disk is full");
    else if (failure)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "locks", "put the database on a local disk (--db, --data)",
                       "%s: two programs could take one run for theirs", failure);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "locks", NULL, "work in the data directory");
    if (one >= 0)
        close(one);
    if (two >= 0)
        close(two);
}

static const char *notice_failure(const char *path, const char **hint)
{
    struct pollfd p = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};
    const char *failure = NULL;

    *hint = "raise it: sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=65536";
    if (p.fd < 0)
        return "this user has no inotify instances left";
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (inotify_add_watch(p.fd, path, IN_MODIFY) < 0) {
        failure = "this user has no inotify watches left";
    } else if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || poll(&p, 1, NOTICE_MS) != 1) {
        *hint = "put the database on a local disk (--db, --data)";
        failure = "a change of a file is not noticed there";
    }
    if (fd >= 0)
        close(fd);
    close(p.fd);
    return failure;
}

static void notices(struct ork_doctor *d, const char *path)
{
    const char *hint, *failure = notice_failure(path, &hint);

    if (failure && d->full)
        ork_doctor_add(d, ORK_FINDING_WARNING, "notices", NULL, "could not be tried: the disk is full");
    else if (failure)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "notices", hint,
                       "%s: programs would learn late or never what another did", failure);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "notices", NULL, "work in the data directory (inotify)");
}

void ork_doctor_place(struct ork_doctor *d)
{
    bool there = d->data_dir && directory(d);
    const char *dir = there ? d->data_dir : d->data_dir ? NULL : ".";

    if (!dir)
        return;
    file_system(d, dir);
    disk(d, dir);
    make_room(d, dir);
    if (!d->room)
        return;
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(d->room, "try");
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    locks(d, path);
    notices(d, path);
    (void)unlink(path);
}
