/* SPDX-License-Identifier: MIT */
/* The zones in use, a few of some 600: each file is read once and looked at again by refresh. Law: a zone that was
 * right stays in force until a right one replaces it, so tzdata may be upgraded, or break, under a running server. */
#include "engine/zones.h"
#include "engine/zones_tree.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES (1 << 20)

struct entry {
    char *name; /* owned */
    uint64_t hash;
    struct ork_tz *tz; /* counted */
    struct stat seen;
};

struct ork_zones {
    char *root; /* owned */
    struct entry *entries;
    size_t len, cap;
};

static const char *root_of_system(void)
{
    const char *root = getenv("ORK_ZONEINFO");

    return root && *root ? root : "/usr/share/zoneinfo";
}

struct ork_zones *ork_zones_new(void)
{
    struct ork_zones *z = ork_zalloc(sizeof *z);

    z->root = ork_strdup(root_of_system());
    return z;
}

void ork_zones_free(struct ork_zones *z)
{
    if (!z)
        return;
    for (size_t i = 0; i < z->len; i++) {
        free(z->entries[i].name);
        ork_tz_unref(z->entries[i].tz);
    }
    free(z->entries);
    free(z->root);
    free(z);
}

/* ---- reading a file ------------------------------------------------------------------------- */

static bool path_of(const struct ork_zones *z, const char *name, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/%s", z->root, name);

    return n > 0 && (size_t)n < cap;
}

static ssize_t read_all(int fd, uint8_t *out, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, out + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static int parse_open(const char *path, const char *name, int fd, const struct stat *st, struct ork_tz **out,
                      ork_err *err)
{
    if (S_ISDIR(st->st_mode))
        return ork_err_set(err, ORK_EINVAL, "`%s` is a folder of time zones, not one", name);
    if (!S_ISREG(st->st_mode) || st->st_size > MOST_BYTES)
        return ork_err_set(err, ORK_EINVAL, "`%s` is no time zone: %s", name, path);
    ORK_CLEANUP(ork_free_cleanup) uint8_t *bytes = ork_alloc((size_t)st->st_size + 1);
    ssize_t n = read_all(fd, bytes, (size_t)st->st_size);
    if (n < 0)
        return ork_err_errno(err, errno, "cannot read the time zone %s", path);
    ork_err why;
    int rc = ork_tz_parse(name, bytes, (size_t)n, out, &why);
    if (rc == ORK_ECORRUPT)
        return ork_err_set(err, rc, "%s (%s); install Debian's package tzdata again", why.msg, path);
    return rc < 0 ? ork_err_set(err, rc, "%s", why.msg) : 0;
}

static int read_zone(const char *path, const char *name, struct ork_tz **out, struct stat *st, ork_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ork_err_set(err, ORK_ENOTFOUND, "there is no time zone `%s`", name)
                                                   : ork_err_errno(err, errno, "cannot open the time zone %s", path);
    int rc = fstat(fd, st) < 0 ? ork_err_errno(err, errno, "%s", path) : parse_open(path, name, fd, st, out, err);
    close(fd);
    return rc;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* localtime and posixrules are files of the system's own choice: another zone on another machine. */
static bool is_name(const char *s)
{
    size_t n = strlen(s);

    if (strcmp(s, "localtime") == 0 || strcmp(s, "posixrules") == 0)
        return false;
    if (n == 0 || n > 63 || *s == '/' || s[n - 1] == '/' || strstr(s, "//"))
        return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || strchr("_/+-", *s)))
            return false; /* so there is no `..` either */
    return true;
}

bool ork_zones_suggest(struct ork_zones *z, const char *name, char out[64])
{
    return !strstr(name, "..") && *name != '/' && ork_zones_nearest(z->root, name, out);
}

/* What else there is to say about a name without a file. */
static int not_found(struct ork_zones *z, const char *name, ork_err *err)
{
    char near[64];
    struct stat st;

    if (stat(z->root, &st) < 0 || !S_ISDIR(st.st_mode))
        return ork_err_set(
            err, ORK_EENV,
            "this system has no time zones (no %s): install Debian's package tzdata; \"UTC\" works without", z->root);
    if (ork_zones_suggest(z, name, near))
        return ork_err_set(err, ORK_ENOTFOUND, "there is no time zone `%s`; did you mean `%s`?", name, near);
    return ork_err_set(err, ORK_ENOTFOUND, "there is no time zone `%s`; they are named like `Europe/Berlin` or `UTC`",
                       name);
}

static int no_name(struct ork_zones *z, const char *name, ork_err *err)
{
    char near[64];

    if (ork_zones_suggest(z, name, near))
        return ork_err_set(err, ORK_EINVAL, "\"%.60s\" is no name of a time zone; did you mean `%s`?", name, near);
    return ork_err_set(err, ORK_EINVAL,
                       "\"%.60s\" is no name of a time zone; they are named like `Europe/Berlin` or `UTC`", name);
}

static struct entry *find(const struct ork_zones *z, const char *name, uint64_t hash)
{
    for (size_t i = 0; i < z->len; i++)
        if (z->entries[i].hash == hash && strcmp(z->entries[i].name, name) == 0)
            return &z->entries[i];
    return NULL;
}

bool ork_zones_knows(const struct ork_zones *z, const char *name)
{
    return strcmp(name, "UTC") == 0 || find(z, name, ork_hash64(name, strlen(name), 0));
}

int ork_zones_get(struct ork_zones *z, const char *name, struct ork_tz **out, ork_err *err)
{
    char path[4096];
    uint64_t hash = ork_hash64(name, strlen(name), 0);
    struct entry new = {.hash = hash}, *known = find(z, name, hash);

    if (known || strcmp(name, "UTC") == 0) {
        *out = known ? ork_tz_ref(known->tz) : ork_tz_utc();
        return 0;
    }
    if (!is_name(name))
        return no_name(z, name, err);
    if (!path_of(z, name, path, sizeof path))
        return ork_err_set(err, ORK_EINVAL, "\"%.60s\" is too long for a time zone", name);
    int rc = read_zone(path, name, &new.tz, &new.seen, err);
    if (rc == ORK_ENOTFOUND)
        return not_found(z, name, err);
    if (rc < 0)
        return rc;
    new.name = ork_strdup(name);
    ork_grow((void **)&z->entries, &z->cap, z->len + 1, sizeof *z->entries);
    z->entries[z->len++] = new;
    *out = ork_tz_ref(new.tz);
    return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool ork_zones_refresh(struct ork_zones *z)
{
    char path[4096];
    bool changed = false;

    for (size_t i = 0; i < z->len; i++) {
        struct entry *e = &z->entries[i];
        struct ork_tz *tz = NULL;
        struct stat st;
        if (!path_of(z, e->name, path, sizeof path) || stat(path, &st) < 0 || same_file(&st, &e->seen) ||
            read_zone(path, e->name, &tz, &st, NULL) < 0)
            continue;
        ork_tz_unref(e->tz);
        e->tz = tz;
        e->seen = st;
        changed = true;
    }
    return changed;
}

/* ---- here ----------------------------------------------------------------------------------- */

/* The name of a zone in a path to its file, or in $TZ; false: there is no such file. */
static bool zone_in(const char *text, char out[64])
{
    const char *tail = strstr(text, "zoneinfo/");
    char path[4096];

    text = tail ? tail + 9 : text;
    int n = snprintf(path, sizeof path, "%s/%s", root_of_system(), text);
    if (!is_name(text) || n < 0 || (size_t)n >= sizeof path || access(path, R_OK) < 0)
        return false;
    snprintf(out, 64, "%s", text);
    return true;
}

void ork_zones_local(char out[64])
{
    char link[4096];
    const char *tz = getenv("TZ");

    snprintf(out, 64, "UTC");
    if (tz && *tz) {
        zone_in(*tz == ':' ? tz + 1 : tz, out);
        return;
    }
    ssize_t n = readlink("/etc/localtime", link, sizeof link - 1);
    link[n < 0 ? 0 : n] = '\0';
    if (n > 0 && zone_in(link, out))
        return;
    FILE *f = fopen("/etc/timezone", "re");
    if (f && fgets(link, sizeof link, f)) {
        link[strcspn(link, "\n")] = '\0';
        zone_in(link, out);
    }
    if (f)
        fclose(f);
}
