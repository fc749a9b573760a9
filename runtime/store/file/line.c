/* SPDX-License-Identifier: MIT */
/* A line that a power failure cut short is known by its sum; none of it counts. JSON escapes every newline, so a
 * newline is always the end of a line. */
#include "store/file/line.h"
#include "base/err.h"
#include "base/hash.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAIL (sizeof ",\"crc\":\"00000000\"}" - 1)
#define CHUNK (1u << 20)

void ork_line_begin(struct ork_buf *b, uint64_t n)
{
    ork_buf_clear(b);
    ork_buf_addf(b, "{\"n\":%llu", (unsigned long long)n);
}

void ork_line_end(struct ork_buf *b)
{
    ork_buf_addf(b, ",\"crc\":\"%08x\"}\n", (unsigned)ork_crc32(0, b->data, b->len));
}

bool ork_line_whole(const char *p, size_t n)
{
    char tail[TAIL + 1];
    if (n <= TAIL || p[0] != '{')
        return false;
    (void)snprintf(tail, sizeof tail, ",\"crc\":\"%08x\"}", (unsigned)ork_crc32(0, p, n - TAIL));
    return memcmp(p + n - TAIL, tail, TAIL) == 0;
}

static int more(struct ork_lines *l, ork_err *err)
{
    size_t left = l->buf.len - l->used;
    if (l->used) {
        memmove(l->buf.data, l->buf.data + l->used, left);
        l->buf.len = left;
        l->used = 0;
    }
    char *to = ork_buf_reserve(&l->buf, CHUNK);
    ssize_t n;
    do
        n = pread(l->fd, to, CHUNK, l->at + (off_t)left);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ork_err_errno(err, errno, "reading the log");
    l->buf.len += (size_t)n;
    return n > 0;
}

int ork_lines_next(struct ork_lines *l, ork_err *err)
{
    size_t seen = 0; /* bytes without a newline */
    for (;;) {
        size_t left = l->buf.len - l->used;
        char *from = l->buf.data ? l->buf.data + l->used : NULL, *end = NULL;
        if (left > seen)
            end = memchr(from + seen, '\n', left - seen);
        if (end) {
            l->p = from;
            l->n = (size_t)(end - from);
            l->used += l->n + 1;
            l->at += (off_t)l->n + 1;
            return 1;
        }
        seen = left;
        int rc = more(l, err);
        if (rc <= 0)
            return rc;
    }
}

void ork_lines_fini(struct ork_lines *l)
{
    ork_buf_fini(&l->buf);
}
