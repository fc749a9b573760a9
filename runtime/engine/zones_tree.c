/* SPDX-License-Identifier: MIT */
/* Which zone a wrong name meant, the surest guess first: the same but for capitals and blanks ("europe/berlin", "New
 * York"), its city ("Berlin"), mistyped ("Europe/Berln"), its city mistyped ("Berln"). The tree is walked when somebody
 * made a mistake, and then only. */
#include "engine/zones_tree.h"
#include "base/alloc.h"
#include <ork/ork.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_NAMES 4000
#define DEEPEST 3 /* America/Argentina/Salta */

struct names {
    char **items; /* owned, and each */
    size_t len, cap;
};

static void names_fini(struct names *n)
{
    for (size_t i = 0; i < n->len; i++)
        free(n->items[i]);
    free(n->items);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool ork_zones_is_part(const char *s)
{
    return *s >= 'A' && *s <= 'Z' && !strchr(s, '.');
}

static void walk(struct names *out, const char *root, const char *below, int depth)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", root, below);
    DIR *d = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    struct dirent *e;

    while (d && (e = readdir(d)) && out->len < MOST_NAMES) {
        char name[300];
        n = snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", e->d_name);
        if (!ork_zones_is_part(e->d_name) || n > 63)
            continue;
        size_t before = out->len;
        if (depth < DEEPEST && e->d_type != DT_REG && e->d_type != DT_LNK)
            walk(out, root, name, depth + 1);
        if (out->len == before && e->d_type != DT_DIR) {
            ork_grow((void **)&out->items, &out->cap, out->len + 2, sizeof *out->items);
            out->items[out->len++] = ork_strdup(name);
        }
    }
    if (d)
        closedir(d);
}

static const char *city_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

static bool same_but_capitals(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a == ' ' || *a == '-' ? '_' : *a, y = *b == '-' ? '_' : *b;
        if (strncasecmp(&x, &y, 1) != 0)
            return false;
    }
    return *a == *b;
}

static const char *find_same(const struct names *n, const char *name, bool city)
{
    for (size_t i = 0; i < n->len; i++)
        if (same_but_capitals(name, city ? city_of(n->items[i]) : n->items[i]))
            return n->items[i];
    return NULL;
}

static const char *find_near(const struct names *n, const char *name, bool city)
{
    ORK_CLEANUP(ork_free_cleanup) const char **words = ork_zalloc((n->len + 1) * sizeof *words);

    for (size_t i = 0; i < n->len; i++)
        words[i] = city ? city_of(n->items[i]) : n->items[i];
    const char *near = ork_suggest(name, words);
    for (size_t i = 0; near && i < n->len; i++)
        if (words[i] == near)
            return n->items[i];
    return NULL;
}

bool ork_zones_nearest(const char *root, const char *name, char out[64])
{
    ORK_CLEANUP(names_fini) struct names n = {0};
    const char *near = NULL;

    if (!*name || strlen(name) > 63)
        return false;
    walk(&n, root, "", 1);
    if (n.len == 0)
        return false;
    qsort(n.items, n.len, sizeof *n.items, by_text);
    n.items[n.len] = NULL;
    for (int turn = 0; !near && turn < 2; turn++)
        near = find_same(&n, name, turn);
    for (int turn = 0; !near && turn < 2; turn++)
        near = find_near(&n, name, turn);
    if (!near && strchr(name, '/'))
        near = find_same(&n, city_of(name), true); /* Germany/Berlin */
    if (near)
        snprintf(out, 64, "%s", near);
    return near;
}
