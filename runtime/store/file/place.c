/* SPDX-License-Identifier: MIT */
/* The folder of a file store: it, and what Ork puts into it, and nothing else. A folder with other things in it is left
 * alone unless it is asked for (`ork db migrate`), and one that holds the original's tree without a log is the
 * original's. Folders are made 0700, files 0600. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "store/file/tree.h"
#include "store/sqlite/place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool is_ours(const char *name)
{
    static const char *const own[] = {".", "..", "lock", "log", "new", "logs", "agent", "artifacts"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    for (size_t i = 0; i < ORK_TREE_KINDS; i++)
        if (strcmp(name, ork_tree_kinds[i].folder) == 0)
            return true;
    return false;
}

int ork_file_look(struct ork_file *f, enum ork_file_kind *kind, ork_err *err)
{
    int fd = openat(f->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), tree = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    char stranger[sizeof entry->d_name] = "";
    if (!dir)
        return ork_err_errno(err, errno, "%s", f->dir);
    *kind = ORK_FILE_NEW;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, "log") == 0)
            *kind = ORK_FILE_LOG;
        tree += strcmp(entry->d_name, "workflows") == 0 || strcmp(entry->d_name, "runs") == 0 ||
                strcmp(entry->d_name, "tasks") == 0;
        if (!is_ours(entry->d_name))
            memcpy(stranger, entry->d_name, strlen(entry->d_name) + 1);
    }
    (void)closedir(dir);
    if (*kind == ORK_FILE_NEW && tree == 3)
        *kind = ORK_FILE_TREE;
    if (*kind == ORK_FILE_NEW && stranger[0] && !(f->db.flags & ORK_OPEN_MIGRATE))
        return ork_err_set(err, ORK_EFOREIGN,
                           "%s is a folder of something else: it has %s in it and no log of Ork's. Name another folder "
                           "with --db, or make a file store of it with `ork db migrate`",
                           f->dir, stranger);
    return 0;
}

static int no_store(struct ork_file *f, ork_err *err)
{
    return ork_err_set(err, ORK_ENOTFOUND,
                       "no Ork database at %s; `ork SCRIPT` makes one, or name another with --db file:DIR", f->dir);
}

static int open_folder(struct ork_file *f, ork_err *err)
{
    uint32_t flags = f->db.flags;
    struct statfs fs;
    f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir_fd < 0 && errno == ENOENT) {
        if (!(flags & ORK_OPEN_CREATE))
            return no_store(f, err);
        int rc = ork_path_make_dirs(f->dir, err);
        if (rc)
            return ork_err_wrap(err, "cannot make the folder of the database");
        f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (f->dir_fd < 0 && errno == ENOTDIR)
        return ork_err_set(err, ORK_EINVAL, "%s is no folder; a database in one file is sqlite:PATH", f->dir);
    if (f->dir_fd < 0 || fstatfs(f->dir_fd, &fs) != 0)
        return ork_err_errno(err, errno, "%s", f->dir);
    const char *net = ork_place_network((long)fs.f_type);
    if (net)
        return ork_err_set(err, ORK_EENV,
                           "%s is on %s: file locks do not work there as Ork needs them; put the database on a local "
                           "disk",
                           f->dir, net);
    if (!(flags & ORK_OPEN_READ) && faccessat(f->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return errno == EROFS ? ork_err_set(err, ORK_EREADONLY, "%s is on a read-only file system", f->dir)
                              : ork_err_set(err, ORK_EREADONLY, "the folder %s is not writable for you", f->dir);
    return 0;
}

int ork_file_place(struct ork_file *f, const char *given, enum ork_file_kind *kind, ork_err *err)
{
    int rc = ork_path_absolute(given, &f->dir, err);
    if (rc)
        return rc;
    f->log_path = ork_path_join(f->dir, "log");
    rc = open_folder(f, err);
    if (!rc)
        rc = ork_file_look(f, kind, err);
    if (!rc && *kind == ORK_FILE_NEW && !(f->db.flags & (ORK_OPEN_CREATE | ORK_OPEN_MIGRATE)))
        rc = no_store(f, err);
    return rc;
}
