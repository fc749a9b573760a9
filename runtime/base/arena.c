/* SPDX-License-Identifier: MIT */
/* One growing block; byte 0 is a NUL, so that offset 0 is the empty string everywhere. */
#include "base/arena.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

void ork_arena_init(struct ork_arena *a)
{
    a->cap = 64;
    a->len = 1;
    a->data = ork_alloc(a->cap);
    a->data[0] = '\0';
}

void ork_arena_fini(struct ork_arena *a)
{
    free(a->data);
    *a = (struct ork_arena){0};
}

int ork_arena_add(struct ork_arena *a, const char *s, size_t n, uint32_t *off, ork_err *err)
{
    if (n == 0) {
        *off = 0;
        return 0;
    }
    if (n >= UINT32_MAX - (size_t)a->len)
        return ork_err_set(err, ORK_ETOOBIG, "the texts of this definition are larger than 4 GiB");
    uint32_t need = a->len + (uint32_t)n + 1;
    if (need > a->cap) {
        uint32_t cap = a->cap;
        while (cap < need)
            cap = cap > UINT32_MAX / 2 ? UINT32_MAX : cap * 2;
        a->data = ork_realloc(a->data, cap);
        a->cap = cap;
    }
    *off = a->len;
    memcpy(a->data + a->len, s, n);
    a->data[need - 1] = '\0';
    a->len = need;
    return 0;
}
