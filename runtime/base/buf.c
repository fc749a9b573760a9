/* SPDX-License-Identifier: MIT */
/* A byte string that doubles. Invariant: data == NULL, or len < cap and data[len] == 0. */
#include "base/buf.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ork_buf_fini(struct ork_buf *b)
{
    free(b->data);
    *b = (struct ork_buf)ORK_BUF_INIT;
}

void ork_buf_clear(struct ork_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

char *ork_buf_reserve(struct ork_buf *b, size_t n)
{
    if (n >= b->cap - b->len) {
        size_t need;
        if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
            need = SIZE_MAX; /* ork_realloc ends the program */
        void *data = b->data;
        if (b->cap == 0 && need < 64)
            need = 64;
        ork_grow(&data, &b->cap, need, 1);
        b->data = data;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void ork_buf_add(struct ork_buf *b, const void *p, size_t n)
{
    char *at = ork_buf_reserve(b, n);
    if (n)
        memcpy(at, p, n);
    at[n] = '\0';
    b->len += n;
}

void ork_buf_addc(struct ork_buf *b, char c)
{
    char *at = ork_buf_reserve(b, 1);
    at[0] = c;
    at[1] = '\0';
    b->len++;
}

void ork_buf_adds(struct ork_buf *b, const char *s)
{
    ork_buf_add(b, s, strlen(s));
}

void ork_buf_addf(struct ork_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    char *at = ork_buf_reserve(b, 63);
    size_t room = b->cap - b->len;
    int n = vsnprintf(at, room, fmt, ap);
    assert(n >= 0);
    if ((size_t)n >= room) {
        at = ork_buf_reserve(b, (size_t)n);
        n = vsnprintf(at, (size_t)n + 1, fmt, again);
        assert(n >= 0);
    }
    b->len += (size_t)n;
    va_end(again);
    va_end(ap);
}

char *ork_buf_steal(struct ork_buf *b, size_t *len)
{
    ork_buf_reserve(b, 0);
    char *data = b->data;
    if (len)
        *len = b->len;
    *b = (struct ork_buf)ORK_BUF_INIT;
    return data;
}

static void add_control(struct ork_buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char text[6] = {'\\', shorts[c], '0', '0', digits[c >> 4], digits[c & 15]};
    if (text[1]) {
        ork_buf_add(b, text, 2);
        return;
    }
    text[1] = 'u';
    ork_buf_add(b, text, 6);
}

void ork_buf_json(struct ork_buf *b, const char *s, size_t n)
{
    ork_buf_reserve(b, n < SIZE_MAX - 2 ? n + 2 : n);
    ork_buf_addc(b, '"');
    size_t plain = 0; /* start of the bytes not yet copied */
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t len = c < 0x80 ? 1 : ork_utf8_len(s + i, n - i);
        if (c >= 0x80 && len > 0) {
            i += len;
            continue;
        }
        ork_buf_add(b, s + plain, i - plain);
        if (c >= 0x80 || c == 0)
            ork_buf_adds(b, "\xef\xbf\xbd");
        else if (c < 0x20)
            add_control(b, c);
        else
            ork_buf_add(b, (char[]){'\\', (char)c}, 2);
        plain = ++i;
    }
    ork_buf_add(b, s + plain, n - plain);
    ork_buf_addc(b, '"');
}
