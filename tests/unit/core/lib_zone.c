/* SPDX-License-Identifier: MIT */
#include "core/lib_zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool zone_any(void)
{
    struct stat st;

    return stat(ZONES "/Europe/Berlin", &st) == 0;
}

uint8_t *zone_bytes(const char *name, size_t *len)
{
    char path[300];
    snprintf(path, sizeof path, ZONES "/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *len = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

struct ork_tz *zone_load(const char *name)
{
    struct ork_tz *z = NULL;
    ork_err err;
    size_t n = 0;
    uint8_t *bytes = zone_bytes(name, &n);

    if (!bytes)
        fail_msg("no zone %s", name);
    if (ork_tz_parse(name, bytes, n, &z, &err) < 0)
        fail_msg("%s", err.msg);
    free(bytes);
    return z;
}

size_t zone_file_of_rule(const char *rule, uint8_t out[256])
{
    static const uint8_t block[] = {0, 0, 0, 0, 0, 0, 'L', 'M', 'T', 0}; /* one type: 0, no dst, "LMT" */
    uint8_t head[44] = {'T', 'Z', 'i', 'f', '2'};
    size_t n = 0;

    head[39] = 1; /* typecnt */
    head[43] = 4; /* charcnt */
    for (int i = 0; i < 2; i++) {
        memcpy(out + n, head, sizeof head);
        memcpy(out + n + sizeof head, block, sizeof block);
        n += sizeof head + sizeof block;
    }
    return n + (size_t)snprintf((char *)out + n, 256 - n, "\n%s\n", rule);
}

struct ork_tz *zone_of_rule(const char *rule)
{
    uint8_t bytes[256];
    struct ork_tz *z = NULL;
    ork_err err;

    if (ork_tz_parse(rule, bytes, zone_file_of_rule(rule, bytes), &z, &err) < 0)
        fail_msg("%s", err.msg);
    return z;
}

static struct {
    void (*fn)(const char *name, void *data);
    void *data;
    ino_t seen[2000];
    size_t len;
} walk;

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
    const char *name = path + strlen(ZONES "/");

    if (type == FTW_D && (strcmp(path + at->base, "right") == 0 || strcmp(path + at->base, "posix") == 0))
        return FTW_SKIP_SUBTREE;
    if (type != FTW_F || at->level == 0 || path[at->base] < 'A' || path[at->base] > 'Z')
        return FTW_CONTINUE;
    for (size_t i = 0; i < walk.len; i++)
        if (walk.seen[i] == st->st_ino)
            return FTW_CONTINUE;
    if (walk.len < sizeof walk.seen / sizeof *walk.seen)
        walk.seen[walk.len++] = st->st_ino;
    walk.fn(name, walk.data);
    return FTW_CONTINUE;
}

void zone_each(void (*fn)(const char *name, void *data), void *data)
{
    walk.fn = fn;
    walk.data = data;
    walk.len = 0;
    assert_int_equal(nftw(ZONES, visit, 16, FTW_ACTIONRETVAL | FTW_PHYS), 0);
}

int64_t instant(const char *text)
{
    ork_err err;
    int64_t ms;

    if (ork_time_parse(text, strlen(text), &ms, &err) < 0)
        fail_msg("%s", err.msg);
    return ms / 1000;
}
