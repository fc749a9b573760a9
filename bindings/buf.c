/* SPDX-License-Identifier: MIT */
/* Text buffers. They belong to C, so an error that Lua raises half-way leaves them with their owner: the buffers of a
 * definition live in the context and are used again. Small allocations that fail end the program. */
#include "lua_util.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct ork_lua_buf *b, size_t n)
{
    size_t need = b->len + n + 1, cap = b->cap ? b->cap : 128;
    if (need <= b->cap)
        return;
    while (cap < need)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        fprintf(stderr, "ork: out of memory\n");
        abort();
    }
    b->data = data;
    b->cap = cap;
}

void ork_lua_buf_fini(struct ork_lua_buf *b)
{
    free(b->data);
    *b = (struct ork_lua_buf){0};
}

void ork_lua_buf_clear(struct ork_lua_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void ork_lua_buf_add(struct ork_lua_buf *b, const void *p, size_t n)
{
    make_room(b, n);
    if (n > 0)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void ork_lua_buf_adds(struct ork_lua_buf *b, const char *s)
{
    ork_lua_buf_add(b, s, strlen(s));
}

void ork_lua_buf_addc(struct ork_lua_buf *b, char c)
{
    make_room(b, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

void ork_lua_buf_addf(struct ork_lua_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n <= 0)
        return;
    make_room(b, (size_t)n);
    va_start(args, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}
