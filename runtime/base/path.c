/* SPDX-License-Identifier: MIT */
/* Paths and files. Errors name the path as the caller gave it. */
#include "base/path.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *ork_path_join(const char *a, const char *b)
{
    if (b[0] == '/' || a[0] == '\0')
        return ork_strdup(b);
    struct ork_buf out = ORK_BUF_INIT;
    ork_buf_adds(&out, a);
    if (b[0] != '\0') {
        if (a[strlen(a) - 1] != '/')
            ork_buf_addc(&out, '/');
        ork_buf_adds(&out, b);
    }
    return ork_buf_steal(&out, NULL);
}

char *ork_path_dirname(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n == 0)
        return ork_strdup(".");
    while (n > 1 && path[n - 1] == '/')
        n--;
    return ork_strndup(path, n);
}

/* Appends the components of `rest` to the absolute `out`; "." and ".." lexically: nothing of it exists, so no link can
 * mislead. */
static void append_rest(struct ork_buf *out, const char *rest)
{
    while (*rest) {
        size_t n = strcspn(rest, "/");
        if (n == 2 && rest[0] == '.' && rest[1] == '.') {
            while (out->len > 1 && out->data[out->len - 1] != '/')
                out->len--;
            if (out->len > 1)
                out->len--;
            out->data[out->len] = '\0';
        } else if (n > 0 && !(n == 1 && rest[0] == '.')) {
            if (out->data[out->len - 1] != '/')
                ork_buf_addc(out, '/');
            ork_buf_add(out, rest, n);
        }
        rest += n + (rest[n] == '/');
    }
}

int ork_path_absolute(const char *path, char **out, ork_err *err)
{
    if (path[0] == '\0')
        return ork_err_set(err, ORK_EINVAL, "the path is empty");
    ORK_CLEANUP(ork_free_cleanup) char *head = ork_strdup(path);
    size_t split = strlen(path); /* path[0 … split) is tried, the rest is kept */
    for (;;) {
        char *real = realpath(split ? head : ".", NULL);
        if (real) {
            struct ork_buf b = ORK_BUF_INIT;
            ork_buf_adds(&b, real);
            free(real);
            append_rest(&b, path + split);
            *out = ork_buf_steal(&b, NULL);
            return 0;
        }
        if (errno != ENOENT || split == 0)
            return ork_err_errno(err, errno, "%s", path);
        while (split > 0 && head[split - 1] == '/')
            split--;
        while (split > 0 && head[split - 1] != '/')
            split--;
        head[split] = '\0';
    }
}

static int make_dir(const char *dir, const char *path, ork_err *err)
{
    if (mkdir(dir, 0700) == 0)
        return 0;
    int why = errno;
    struct stat st;
    if (stat(dir, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return ork_err_set(err, ORK_EEXIST, "cannot create the folder %s: %s is not a folder", path, dir);
    }
    return ork_err_errno(err, why, "cannot create the folder %s", dir);
}

int ork_path_make_dirs(const char *path, ork_err *err)
{
    if (path[0] == '\0')
        return ork_err_set(err, ORK_EINVAL, "the path of the folder is empty");
    if (mkdir(path, 0700) == 0) /* mostly all but the last are there */
        return 0;
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_strdup(path);
    for (char *p = dir + 1; *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = '\0';
        int rc = make_dir(dir, path, err);
        *p = '/';
        if (rc < 0)
            return rc;
    }
    return make_dir(dir, path, err);
}

static int read_all(int fd, const char *path, size_t max, struct ork_buf *b, ork_err *err)
{
    for (;;) {
        char *at = ork_buf_reserve(b, 16384);
        ssize_t n = read(fd, at, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ork_err_errno(err, errno, "cannot read %s", path);
        if (n == 0)
            return 0;
        if ((size_t)n > max - b->len)
            return ork_err_set(err, ORK_ETOOBIG, "%s is larger than %zu bytes, the most that is read here", path, max);
        b->len += (size_t)n;
        b->data[b->len] = '\0';
    }
}

int ork_file_read(const char *path, size_t max, char **out, size_t *len, ork_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return ork_err_errno(err, errno, "cannot open %s", path);
    struct stat st;
    struct ork_buf b = ORK_BUF_INIT;
    int rc = 0;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        rc = ork_err_set(err, ORK_EINVAL, "%s is a folder, not a file", path);
    if (rc == 0)
        rc = read_all(fd, path, max, &b, err);
    close(fd);
    if (rc < 0) {
        ork_buf_fini(&b);
        return rc;
    }
    *out = ork_buf_steal(&b, len);
    return 0;
}
