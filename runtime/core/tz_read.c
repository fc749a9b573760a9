/* SPDX-License-Identifier: MIT */
/* TZif files (RFC 9636): a header with six counts, a block of 32-bit times that only version 1 has to be content with,
 * and from version 2 on a second header, a block of 64-bit times and the rule for the time after.
 *
 *   "TZif" version 15×0 isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *   times[timecnt] kinds[timecnt] types[typecnt × 6] abbreviations[charcnt] leaps[leapcnt × (time + 4)] flags
 *   "\n" rule "\n"
 *
 * Law: no byte is read before its place was compared with the length, and what is accepted keeps every promise of
 * tz_internal.h; a file is whole or refused. */
#include "core/tz_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

#define MOST_BYTES (1u << 20)
#define HEADER 44
#define MOST_TYPES 254  /* of 256; the rule adds one */
#define MOST_TIMES 4096 /* ten times what the fullest zone has */

struct header {
    uint32_t isut, isstd, leap, time, type, chars;
};

struct file {
    const uint8_t *at;
    size_t left;
    const char *name;
    ork_err *err;
};

static int damaged(struct file *f, const char *what)
{
    return ork_err_set(f->err, ORK_ECORRUPT, "%s: the time zone file is damaged: %s", f->name, what);
}

static uint64_t big_endian(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static int64_t read_time(const uint8_t *p, int size)
{
    return size == 8 ? (int64_t)big_endian(p, 8) : (int32_t)big_endian(p, 4);
}

/* n bytes, or NULL when the file ends before. */
static const uint8_t *take(struct file *f, uint64_t n)
{
    const uint8_t *p = f->at;

    if (n > f->left)
        return NULL;
    f->at += n;
    f->left -= (size_t)n;
    return p;
}

static int read_header(struct file *f, uint8_t *version, struct header *h)
{
    const uint8_t *p = take(f, HEADER);

    if (!p)
        return damaged(f, "it ends too early");
    if (memcmp(p, "TZif", 4) != 0)
        return damaged(f, "a header is missing");
    *version = p[4];
    if (*version != 0 && (*version < '2' || *version > '9'))
        return damaged(f, "there is no such version");
    *h = (struct header){.isut = (uint32_t)big_endian(p + 20, 4),
                         .isstd = (uint32_t)big_endian(p + 24, 4),
                         .leap = (uint32_t)big_endian(p + 28, 4),
                         .time = (uint32_t)big_endian(p + 32, 4),
                         .type = (uint32_t)big_endian(p + 36, 4),
                         .chars = (uint32_t)big_endian(p + 40, 4)};
    if (h->type == 0 || h->type > MOST_TYPES || h->time > MOST_TIMES || h->chars == 0 ||
        (h->isut != 0 && h->isut != h->type) || (h->isstd != 0 && h->isstd != h->type))
        return damaged(f, "its counts contradict each other");
    return 0;
}

static uint64_t block_size(const struct header *h, int size)
{
    return (uint64_t)h->time * (uint64_t)(size + 1) + (uint64_t)h->type * 6 + h->chars +
           (uint64_t)h->leap * (uint64_t)(size + 4) + h->isstd + h->isut;
}

/* ---- the block ------------------------------------------------------------------------------ */

static int read_types(struct file *f, struct ork_tz *z, const struct header *h, const uint8_t *p, const uint8_t *chars)
{
    z->types = ork_zalloc((h->type + 2) * sizeof *z->types);
    for (uint32_t i = 0; i < h->type; i++, p += 6) {
        struct ork_tz_type *t = &z->types[i];
        t->offset_s = (int32_t)big_endian(p, 4);
        if (t->offset_s <= -25 * 3600 || t->offset_s >= 26 * 3600 || p[4] > 1)
            return damaged(f, "an offset is out of range");
        t->dst = p[4];
        if (p[5] >= h->chars)
            return damaged(f, "an abbreviation is missing");
        size_t room = h->chars - p[5], n = strnlen((const char *)chars + p[5], room);
        if (n == room || n >= ORK_TZ_ABBREV)
            return damaged(f, "an abbreviation has no end");
        memcpy(t->abbrev, chars + p[5], n);
        for (size_t k = 0; k < n; k++)
            if (t->abbrev[k] <= ' ' || t->abbrev[k] > '~')
                return damaged(f, "an abbreviation has strange signs");
    }
    return 0;
}

static int read_changes(struct file *f, struct ork_tz *z, const struct header *h, const uint8_t *times, int size)
{
    const uint8_t *kinds = times + (size_t)h->time * (size_t)size;

    z->changes = ork_alloc((h->time + 1) * sizeof *z->changes);
    z->kinds = ork_alloc(h->time + 1);
    for (uint32_t i = 0; i < h->time; i++) {
        z->changes[i] = read_time(times + (size_t)i * (size_t)size, size);
        z->kinds[i] = kinds[i];
        if (kinds[i] >= h->type)
            return damaged(f, "an entry is of no type");
        if (i > 0 && z->changes[i] <= z->changes[i - 1])
            return damaged(f, "its entries are not in order");
        if (z->changes[i] < -(INT64_C(1) << 60) || z->changes[i] > ORK_TZ_FAR_S)
            return damaged(f, "an entry is out of range");
    }
    z->changes_len = h->time;
    return 0;
}

static int read_block(struct file *f, struct ork_tz *z, const struct header *h, int size)
{
    const uint8_t *p = take(f, block_size(h, size));

    if (!p)
        return damaged(f, "it ends too early");
    if (h->leap > 0)
        return ork_err_set(f->err, ORK_EINVAL,
                           "%s: it counts leap seconds, and Ork's times do not; take the zone of the "
                           "same name without \"right/\"",
                           f->name);
    const uint8_t *types = p + (size_t)h->time * (size_t)(size + 1);
    int rc = read_types(f, z, h, types, types + (size_t)h->type * 6);
    return rc < 0 ? rc : read_changes(f, z, h, p, size);
}

/* ---- the rule ------------------------------------------------------------------------------- */

static bool same_type(const struct ork_tz_type *a, const struct ork_tz_type *b)
{
    return a->offset_s == b->offset_s && a->dst == b->dst && strcmp(a->abbrev, b->abbrev) == 0;
}

static int read_rule(struct file *f, struct ork_tz *z)
{
    const uint8_t *p = take(f, 1), *end = p && *p == '\n' ? memchr(f->at, '\n', f->left) : NULL;

    if (!end)
        return damaged(f, "it ends too early");
    size_t n = (size_t)(end - f->at);
    if (n == 0)
        return 0;
    const char *wrong = ork_tz_rule_parse((const char *)f->at, n, &z->rule);
    if (wrong)
        return damaged(f, wrong);
    z->has_rule = true;
    return 0;
}

/* Where the rule begins it is right: the table's last word becomes the rule's. */
static void join_rule(struct ork_tz *z, uint32_t types)
{
    int64_t from, until;

    z->rule_from_s = z->changes_len ? z->changes[z->changes_len - 1] : -ORK_TZ_FAR_S;
    if (z->rule_from_s < -ORK_TZ_FAR_S)
        z->rule_from_s = -ORK_TZ_FAR_S;
    z->types[types] = *ork_tz_rule_span(&z->rule, z->rule_from_s, &from, &until);
    if (z->changes_len)
        z->kinds[z->changes_len - 1] = (uint8_t)types;
    else
        z->first = (uint8_t)types;
}

/* Drops entries after which everything is as before. */
static void fold(struct ork_tz *z)
{
    uint32_t n = 0;
    const struct ork_tz_type *now = &z->types[z->first];

    for (uint32_t i = 0; i < z->changes_len; i++) {
        if (same_type(&z->types[z->kinds[i]], now))
            continue;
        now = &z->types[z->kinds[i]];
        z->changes[n] = z->changes[i];
        z->kinds[n++] = z->kinds[i];
    }
    z->changes_len = n;
}

static int read_file(struct file *f, struct ork_tz *z)
{
    struct header h;
    uint8_t version;
    int rc = read_header(f, &version, &h);

    if (rc == 0 && version != 0) {
        if (!take(f, block_size(&h, 4)))
            return damaged(f, "it ends too early");
        rc = read_header(f, &version, &h);
    }
    if (rc == 0)
        rc = read_block(f, z, &h, version ? 8 : 4);
    if (rc == 0 && version)
        rc = read_rule(f, z);
    if (rc < 0)
        return rc;
    if (z->has_rule)
        join_rule(z, h.type);
    fold(z);
    return 0;
}

int ork_tz_parse(const char *name, const uint8_t *bytes, size_t len, struct ork_tz **out, ork_err *err)
{
    struct file f = {.at = bytes, .left = len, .name = name, .err = err};

    if (len < 4 || memcmp(bytes, "TZif", 4) != 0)
        return ork_err_set(err, ORK_EINVAL, "%s: the file is no time zone (no TZif)", name);
    if (len > MOST_BYTES)
        return ork_err_set(err, ORK_ETOOBIG, "%s: the time zone file is above 1 MiB", name);
    struct ork_tz *z = ork_zalloc(sizeof *z);
    z->refs = 1;
    z->name = ork_strdup(name);
    int rc = read_file(&f, z);
    if (rc < 0) {
        ork_tz_unref(z);
        return rc;
    }
    *out = z;
    return 0;
}
