/* SPDX-License-Identifier: MIT */
/* Memory for what we size ourselves. Running out ends the program with a message: no caller could do better, and
 * durable state survives it. A size that overflows ends it the same way. */
#include "base/alloc.h"
#include <ork/ork.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t n)
{
    fprintf(stderr, "ork: out of memory (%zu bytes wanted)\n", n);
    abort();
}

void *ork_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *ork_zalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *ork_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        out_of_memory(n);
    return q;
}

char *ork_strdup(const char *s)
{
    return ork_strndup(s, strlen(s));
}

char *ork_strndup(const char *s, size_t n)
{
    if (n == SIZE_MAX)
        out_of_memory(n);
    char *p = ork_alloc(n + 1);
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

void ork_grow(void **items, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return;
    size_t want = *cap ? *cap : 8;
    while (want < need)
        want = want > SIZE_MAX / 2 ? need : want * 2;
    size_t bytes;
    if (__builtin_mul_overflow(want, size, &bytes))
        out_of_memory(SIZE_MAX);
    *items = ork_realloc(*items, bytes);
    *cap = want;
}

void ork_free(void *p)
{
    free(p);
}

void ork_free_cleanup(void *pp)
{
    free(*(void **)pp);
}
