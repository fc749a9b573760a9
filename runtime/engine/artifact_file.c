/* SPDX-License-Identifier: MIT */
/* Contents of artifacts on the disk. No engine: a worker does the same for its functions. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "engine/artifact.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (256u << 10)
#define DEEPEST 16

/* ---- names ------------------------------------------------------------------------------------ */

int ork_artifact_name_check(const char *name, ork_err *err)
{
    size_t n = strlen(name);
    const char *why = NULL;

    if (n == 0 || n > ORK_ARTIFACT_NAME_MAX)
        why = "it has 1 to 255 bytes";
    else if (*name == '/')
        why = "it is relative";
    else if (ork_utf8_check(name, n, NULL) != 0)
        why = "it is UTF-8";
    for (const char *c = name; *c && !why; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            why = "it has no control characters";
    for (const char *part = name; part && !why;) {
        size_t len = strcspn(part, "/");
        if (len == 0 || (len == 1 && *part == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            why = "none of its parts is empty, `.` or `..`";
        part = part[len] ? part + len + 1 : NULL;
    }
    if (!why)
        return 0;
    struct ork_buf shown = ORK_BUF_INIT;
    ork_buf_json(&shown, name, n < 80 ? n : 80);
    int rc = ork_err_set(err, ORK_EINVAL, "%s is no name of an artifact: %s", shown.data, why);
    ork_buf_fini(&shown);
    return rc;
}

void ork_artifacts_add(struct ork_artifacts *list, const char *name, const char *hash, int64_t bytes)
{
    struct ork_artifact *a = NULL;

    for (size_t i = 0; i < list->len && !a; i++)
        if (strcmp(list->items[i].name, name) == 0)
            a = &list->items[i];
    if (!a) {
        ork_grow((void **)&list->items, &list->cap, list->len + 1, sizeof(*list->items));
        a = &list->items[list->len++];
        *a = (struct ork_artifact){.name = ork_strdup(name)};
    }
    list->bytes += bytes - a->bytes;
    a->bytes = bytes;
    (void)snprintf(a->hash, sizeof(a->hash), "%s", hash);
}

void ork_artifacts_fini(struct ork_artifacts *list)
{
    for (size_t i = 0; i < list->len; i++)
        ork_free(list->items[i].name);
    ork_free(list->items);
    *list = (struct ork_artifacts){0};
}

char *ork_artifact_folder(const char *log_path)
{
    size_t n = strlen(log_path);
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_add(&b, log_path, n > 3 ? n - 3 : n); /* "….log" */
    ork_buf_adds(&b, "artifacts");
    return ork_buf_steal(&b, NULL);
}

/* ---- contents --------------------------------------------------------------------------------- */

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return errno ? errno : EIO;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

/* What is in `from`: its hash and size. to >= 0: it is written there, too. 0 or an errno; EFBIG: more than most. */
static int digest(int from, int to, int64_t most, const atomic_bool *stop, char hash[65], int64_t *bytes)
{
    SHA2_CTX ctx;
    uint8_t sum[SHA256_DIGEST_LENGTH];
    char *piece = ork_alloc(PIECE);
    int error = 0;

    SHA256Init(&ctx);
    *bytes = 0;
    for (ssize_t n; !error && (n = read(from, piece, PIECE)) != 0;) {
        if (n < 0) {
            error = errno == EINTR ? 0 : errno;
            continue;
        }
        *bytes += n;
        SHA256Update(&ctx, (uint8_t *)piece, (size_t)n);
        error = *bytes > most               ? EFBIG
                : stop && atomic_load(stop) ? ECANCELED
                : to >= 0                   ? write_all(to, piece, (size_t)n)
                                            : 0;
    }
    SHA256Final(sum, &ctx);
    for (size_t i = 0; i < sizeof(sum); i++)
        (void)snprintf(hash + 2 * i, 3, "%02x", sum[i]);
    ork_free(piece);
    return error;
}

static void sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

struct places {
    char *data; /* owned: the data directory */
    char *run;  /* owned: …/logs/<run>/artifacts */
};

static struct places places_of(const char *run_dir)
{
    char *logs = ork_path_dirname(run_dir);
    struct places p = {ork_path_dirname(logs), ork_path_join(run_dir, "artifacts")};

    ork_free(logs);
    return p;
}

static void places_fini(struct places *p)
{
    ork_free(p->data);
    ork_free(p->run);
}

static char *shared_path(const struct places *p, const char *hash)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addf(&b, "%s/artifacts/%.2s/%s", p->data, hash, hash + 2);
    return ork_buf_steal(&b, NULL);
}

static int link_open(const char *file, const char *name)
{
    return linkat(AT_FDCWD, file, AT_FDCWD, name, AT_SYMLINK_FOLLOW); /* of one without a name: /proc/self/fd/7 */
}

/* `file`, whose content that is and which is on the disk, gets its names. Where there are no links (or no more of them)
 * the run has a content of its own: `file` itself is renamed, if it has a name. An errno. */
static int name_content(const struct places *p, const char *hash, const char *file, bool named)
{
    char *shared = shared_path(p, hash), *own = ork_path_join(p->run, hash), *dir = ork_path_dirname(shared);
    int error = 0;
    ork_err none;

    if (link(shared, own) == 0 || errno == EEXIST) { /* it is known already */
        sync_dir(p->run);
        goto out;
    }
    if (ork_path_make_dirs(dir, &none) == 0 && (link_open(file, shared) == 0 || errno == EEXIST)) {
        sync_dir(dir);
        if (link(shared, own) == 0 || errno == EEXIST) { /* that one, also where somebody else was first */
            sync_dir(p->run);
            goto out;
        }
    }
    if (link_open(file, own) != 0 && errno != EEXIST) {
        error = errno;
        if (named && (error == EXDEV || error == EPERM || error == EMLINK || error == EOPNOTSUPP))
            error = rename(file, own) == 0 ? 0 : errno;
    }
    if (!error)
        sync_dir(p->run);
out:
    ork_free(shared);
    ork_free(own);
    ork_free(dir);
    return error;
}

/* A copy in the run's folder, on the disk: by sharing blocks where the file system can. named: it has a name, which
 * stays when this process is killed; without one nothing stays. Its descriptor, or -1. */
static int copy(const struct places *p, int from, int64_t most, const atomic_bool *stop, bool named, char **file,
                char hash[65], int64_t *bytes, int *error)
{
    *file = named ? ork_path_join(p->run, "new-XXXXXX") : NULL;
    int to = named ? mkostemp(*file, O_CLOEXEC) : open(p->run, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (to < 0 && !named) {
        return copy(p, from, most, stop, true, file, hash, bytes, error);
    } else if (to < 0) {
        *error = errno;
    } else {
        bool shares = ioctl(to, FICLONE, from) == 0;
        *error = digest(shares ? to : from, shares ? -1 : to, most, stop, hash, bytes);
        if (!*error && fsync(to) != 0)
            *error = errno;
        if (*error && named)
            (void)unlink(*file);
        if (*error)
            (void)close(to);
    }
    return *error ? -1 : to;
}

/* Copied, and named: without a name of its own in between where the file system can, else with one. An errno. */
static int keep_copy(const struct places *p, int fd, int64_t most, const atomic_bool *stop, char hash[65],
                     int64_t *bytes)
{
    int error = 0;

    for (int named = 0; named < 2; named++) {
        char *file = NULL, self[40];
        int to = copy(p, fd, most, stop, named, &file, hash, bytes, &error);
        if (to >= 0) {
            (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", to);
            error = name_content(p, hash, file ? file : self, file != NULL);
            (void)close(to);
            if (file)
                (void)unlink(file);
        }
        bool again = error && to >= 0 && !file && lseek(fd, 0, SEEK_SET) == 0;
        ork_free(file);
        if (!again)
            break;
    }
    return error;
}

static int too_much(const char *name, bool files, ork_err *err)
{
    if (files)
        return ork_err_set(err, ORK_ETOOBIG,
                           "more than %d artifacts; at most so many are kept of an attempt (`%s` is one too many)",
                           ORK_ARTIFACTS_MOST, name);
    return ork_err_set(
        err, ORK_ETOOBIG,
        "artifact `%s`: with it there are more than %lld MiB, which is the most that is kept of an attempt", name,
        (long long)(ORK_ARTIFACTS_BYTES >> 20));
}

static int keep_open(const struct places *p, int fd, const char *path, const char *name, bool ours,
                     const atomic_bool *stop, struct ork_artifacts *list, ork_err *err)
{
    char hash[65];
    int64_t bytes = 0, most = ORK_ARTIFACTS_BYTES - list->bytes;
    int error;

    if (ours) {
        (void)fchmod(fd, 0600);
        error = digest(fd, -1, most, stop, hash, &bytes);
        if (!error && fsync(fd) != 0)
            error = errno;
        if (!error)
            error = name_content(p, hash, path, true);
    } else {
        error = keep_copy(p, fd, most, stop, hash, &bytes);
    }
    if (error == EFBIG)
        return too_much(name, false, err);
    if (error)
        return ork_err_set(err, error == ENOSPC ? ORK_ENOSPC : ORK_EIO, "artifact `%s`: cannot keep it in %s: %s", name,
                           p->run, strerror(error));
    ork_artifacts_add(list, name, hash, bytes);
    return 0;
}

int ork_artifacts_room(const struct ork_artifacts *list, const char *name, ork_err *err)
{
    int rc = ork_artifact_name_check(name, err);

    return rc || list->len < ORK_ARTIFACTS_MOST ? rc : too_much(name, true, err);
}

int ork_artifact_keep(const char *run_dir, const char *path, const char *name, bool ours, const atomic_bool *stop,
                      struct ork_artifacts *list, ork_err *err)
{
    struct stat st;
    int rc = ork_artifacts_room(list, name, err);

    if (rc)
        return rc;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        if (fd >= 0 || error == ELOOP)
            return ork_err_set(err, ORK_EINVAL, "artifact `%s`: %s is %s; only files are kept", name, path,
                               fd < 0                ? "a symbolic link"
                               : S_ISDIR(st.st_mode) ? "a folder"
                                                     : "no file");
        return ork_err_set(err, ORK_EIO, "artifact `%s`: cannot read %s: %s", name, path, strerror(error));
    }
    struct places p = places_of(run_dir);
    rc = ork_path_make_dirs(p.run, err);
    if (!rc) /* a file with another name may be written to by that */
        rc = keep_open(&p, fd, path, name, ours && st.st_nlink == 1, stop, list, err);
    places_fini(&p);
    (void)close(fd);
    return rc;
}

/* ---- folders ---------------------------------------------------------------------------------- */

static int take_folder(const char *run_dir, const char *folder, const char *prefix, int depth, bool ours,
                       struct ork_artifacts *list, ork_err *err)
{
    DIR *d = depth < DEEPEST ? opendir(folder) : NULL;
    int rc = 0;

    if (!d)
        return depth < DEEPEST ? ork_err_errno(err, errno, "cannot read %s", folder)
                               : ork_err_set(err, ORK_EINVAL, "artifact `%s`: folders in folders, more than %d of them",
                                             prefix, DEEPEST);
    for (struct dirent *x; !rc && (x = readdir(d));) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        struct ork_buf name = ORK_BUF_INIT;
        struct stat st;
        char *path = ork_path_join(folder, x->d_name);
        ork_buf_addf(&name, "%s%s%s", prefix, *prefix ? "/" : "", x->d_name);
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            rc = take_folder(run_dir, path, name.data, depth + 1, ours, list, err);
        else
            rc = ork_artifact_keep(run_dir, path, name.data, ours, NULL, list, err);
        ork_buf_fini(&name);
        ork_free(path);
    }
    (void)closedir(d);
    return rc;
}

int ork_artifacts_take(const char *run_dir, const char *folder, bool ours, struct ork_artifacts *list, ork_err *err)
{
    return take_folder(run_dir, folder, "", 0, ours, list, err);
}

static void remove_folder(const char *folder, int depth)
{
    DIR *d = depth <= DEEPEST + 1 ? opendir(folder) : NULL;

    for (struct dirent *x = d ? readdir(d) : NULL; x; x = readdir(d)) {
        struct stat st;
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0 ||
            fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            char *path = ork_path_join(folder, x->d_name);
            remove_folder(path, depth + 1);
            ork_free(path);
        } else {
            (void)unlinkat(dirfd(d), x->d_name, 0);
        }
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(folder);
}

void ork_artifacts_remove(const char *folder)
{
    if (rmdir(folder) != 0 && errno == ENOTEMPTY)
        remove_folder(folder, 0);
}

/* Who removes is alone: of two runs that go at once, the second must see that the first is gone. Who keeps the content
 * meanwhile has a name of its own for it. The run's own name goes last, so that a crash leaves what leads back here. */
void ork_artifacts_leave(const char *run_dir)
{
    struct places p = places_of(run_dir);
    char *all = ork_path_join(p.data, "artifacts");
    DIR *d = opendir(p.run);
    int lock = d ? open(all, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    while (lock >= 0 && flock(lock, LOCK_EX) != 0 && errno == EINTR)
        ;
    for (struct dirent *x = lock >= 0 ? readdir(d) : NULL; x; x = readdir(d)) {
        struct stat st;
        if (strlen(x->d_name) != 64 || strspn(x->d_name, "0123456789abcdef") != 64)
            continue;
        char *shared = shared_path(&p, x->d_name);
        if (lstat(shared, &st) == 0 && st.st_nlink <= 2)
            (void)unlink(shared);
        (void)unlinkat(dirfd(d), x->d_name, 0);
        ork_free(shared);
    }
    if (lock >= 0)
        (void)close(lock);
    if (d)
        (void)closedir(d);
    ork_free(all);
    places_fini(&p);
}
